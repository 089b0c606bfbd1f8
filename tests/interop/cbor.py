#!/usr/bin/python3
"""Records and trees as a stranger opens them: `zstd -dc`, and the sequence of CBOR items that comes out by Debian's python3-cbor2 and npm's cbor2. Each has as many items as core.json says and, encoded
again, gives the same bytes. cbor.py SOURCE MODULES, which keeps the packages between runs."""
import glob, hashlib, io, json, os, shutil, subprocess, sys, tempfile, zipfile

source, modules = sys.argv[1:]
try:
    import cbor2
except ImportError:
    print("1..0 # SKIP no cbor2 (apt-get install python3-cbor2)")
    sys.exit(0)
if not shutil.which("zstd"):
    print("1..0 # SKIP no zstd (apt-get install zstd)")
    sys.exit(0)
fetched = subprocess.run([f"{source}/web/fetch", modules, f"{source}/tests/interop/cbor"], capture_output=True, text=True) if shutil.which("node") and shutil.which("npm") else None
number, failed = 0, False
folder = tempfile.TemporaryDirectory(prefix="hallmark-cbor-")


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else ():
        print("#", ascii(detail)[:800])
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def by_python(data):
    stream, count, hash = io.BytesIO(data), 0, hashlib.sha256()
    decoder = cbor2.CBORDecoder(stream)
    while stream.tell() < len(data):
        hash.update(cbor2.dumps(decoder.decode()))
        count += 1
    return count, hash.hexdigest()


def by_node(path):
    done = subprocess.run(["node", f"{source}/tests/interop/cbor/count.mjs", f"{modules}/node_modules", path], capture_output=True, text=True)
    count, _, hash = done.stdout.strip().partition(" ")
    return (int(count), hash) if done.returncode == 0 else (-1, done.stderr)


def open_part(data, cut=None):
    done = subprocess.run(["zstd", "-dc"], input=data[:cut], capture_output=True)
    return done.returncode, done.stdout


def pick(bundle):
    """The first record and the first tree, which is another run's where that has one."""
    with zipfile.ZipFile(bundle) as z:
        rows = [r for r in json.loads(z.read("core.json"))["records"] if "items" in r]
        records, trees = ([r for r in rows if r["name"].endswith(end)] for end in ("record.cbor.zst", "tree.cbor.zst"))
        return [(r, z.read(r["name"])) for r in records[:1] + trees[:1]]


last = None
for bundle in sorted(glob.glob(f"{source}/tests/golden/v*/sample.hallmark")):
    name, wrong, items = os.path.basename(os.path.dirname(bundle)), [], 0
    for row, data in pick(bundle):
        code, sequence = open_part(data)
        want = row["items"], hashlib.sha256(sequence).hexdigest()
        path = os.path.join(folder.name, "sequence")
        with open(path, "wb") as f:
            f.write(sequence)
        python, node = by_python(sequence), by_node(path) if fetched and fetched.returncode == 0 else None
        items += python[0]
        if code or python != want or node not in (None, want):
            wrong.append(f"{row['name']}: {want}, python {python}, node {node}")
        last = data, sequence
    result(not wrong and items, f"golden {name}: {items} items, the same count and bytes" + ("" if fetched and fetched.returncode == 0 else " by Python"), wrong)
data, sequence = last
code, cut = open_part(data, len(data) - 5)
result(code != 0 and sequence.startswith(cut), "a record that was cut gives its whole frames, and zstd says that it was cut", [code, len(cut)])
if not (fetched and fetched.returncode == 0):
    result(True, f"npm's cbor2 # SKIP {fetched.stdout.strip() if fetched else 'no node or npm (scripts/setup page)'}")
print(f"1..{number}")
sys.exit(failed)
