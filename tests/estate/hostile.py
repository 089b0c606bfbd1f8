#!/usr/bin/env python3
"""Targets that are made to harm who reads them: told as unread, the rest read, nothing outside read. hostile.py HALLMARK DATA (TAP)"""
import ctypes, json, os, shutil, socket, sqlite3, struct, subprocess, sys, tarfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate, parts
from asked import data, end, folder, found, place, program, result, unread

KESL = estate.packaged({"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "kesl", "AO Kaspersky Lab")


def shows(document):
    return [i["supplier"] for i in document["items"] + document["candidates"]]


def bomb(head, size):
    """A frame of zstd: `head`, and as many zero bytes, at 4 bytes for 128 KiB."""
    block = lambda last: struct.pack("<I", 131072 << 3 | 2 | last)[:3] + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x38" + struct.pack("<I", len(head) << 3)[:3] + head + block(0) * (size // 131072 - 1) + block(1)


def header(name, size):
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def bombs():
    tera = 1 << 40
    silent, program_ = bomb(header("big", tera), tera), bomb(header("big", tera) + b"\x7fELF\2\1\1".ljust(512, b"\0"), tera)
    root = place("bombed", {**KESL, "/aaa.tar.zst": (silent, 0o644), "/bbb.tar.zst": (program_, 0o644)})
    began = time.time()
    code, d = found("--jobs", "1", root)
    over = [p for p, why in unread(d) if "unpacks to more than" in why]
    result(code == 2 and sorted(over) == ["/aaa.tar.zst", "/bbb.tar.zst"] and "kaspersky" in shows(d) and time.time() - began < 60,
           "archives that unpack to a terabyte end at a bound, the rest is read", (code, unread(d), time.time() - began))
    code, d = found(place("bomb.tar.zst", silent))
    result(code == 2 and any("unpacks to more than" in why for _, why in unread(d)), "and so as a target of its own", d)
    level = bomb(header("big", 1 << 30), 1 << 30)
    for _ in range(5):
        level = parts.zip_of({f"{i}.zip": level for i in range(12)})
    began = time.time()
    code, d = found(place("many.zip", level))
    result(code == 2 and any("with what lies beside it" in why for _, why in unread(d)) and time.time() - began < 90,
           "a quarter of a million archives in one end at one bound", (unread(d), time.time() - began))


def outside():
    """What an archive says lies elsewhere is not read there."""
    info = tarfile.TarInfo("/opt/kaspersky/kesl/bin/kesl")
    info.type, info.linkname = tarfile.LNKTYPE, "/" + folder.strip("/") + "/secret"
    up = tarfile.TarInfo("../../../../opt/elsewhere")
    up.size = 4
    place("secret", b"Kaspersky")
    archive = info.tobuf(tarfile.GNU_FORMAT) + up.tobuf(tarfile.GNU_FORMAT) + b"data".ljust(512, b"\0") + b"\0" * 1024
    code, d = found(place("links.tar", archive))
    result(code in (0, 1) and d["targets"][0]["read"]["bytes"] < 100 and not os.path.exists("/opt/elsewhere"), "names with .. and links out of an archive lead nowhere", d)


def special(root):
    os.mkfifo(root + "/opt/pipe")
    sock = socket.socket(socket.AF_UNIX)
    os.chdir(root + "/opt")
    sock.bind("socket")
    os.chdir("/")
    for name, size in (("sparse", 1 << 40), ("sparse.so", 1 << 40)):
        with open(f"{root}/opt/{name}", "wb") as f:
            f.write(b"\x7fELF\2\1\1" if name.endswith(".so") else b"")
            f.truncate(size)
    os.remove(root + "/opt/kaspersky/kesl/bin/kesl")
    os.mkfifo(root + "/opt/kaspersky/kesl/bin/kesl")
    code, d = found(root)
    result(code == 2 and [p for p, _ in unread(d)] == ["/opt/sparse.so"] and "kaspersky" in shows(d), "pipes, sockets and a file of a terabyte: told or passed over", unread(d))


def damaged():
    code, d = found(place("damaged.so", b"\x7fELF\2\1\1".ljust(4096, b"\xff")))
    result(code == 2 and unread(d), "a damaged program that is named is not clean", d)
    code, d = found(place("with_damaged", {**KESL, "/usr/lib/damaged.so": (b"\x7fELF\2\1\1".ljust(4096, b"\xff"), 0o755)}))
    result(code == 1, "in a folder its texts are all that is asked of it", unread(d))


def torn(root):
    """Files that get shorter while they are mapped: the reader dies of them, and of nothing else."""
    stop = False

    def cut():
        i = 0
        while not stop:
            os.truncate(f"{root}/opt/{i % 3}.so", 4096)
            os.truncate(f"{root}/opt/{i % 3}.so", 100 << 20)
            i += 1

    for i in range(3):
        with open(f"{root}/opt/{i}.so", "wb") as f:
            f.write(b"\x7fELF\2\1\1")
            f.truncate(100 << 20)
    thread = threading.Thread(target=cut)
    thread.start()
    try:
        code, d = found("--jobs", "1", root)
    finally:
        stop = True
        thread.join()
    result(code in (1, 2) and "kaspersky" in shows(d) and all(p.startswith("/opt/") and p.endswith(".so") for p, _ in unread(d)), "files that get shorter while they are read", (code, unread(d)))


def swapped():
    """A folder that becomes a link to another place and back, all the time."""
    secret = place("elsewhere", {**{f"/opt/kaspersky/kesl/bin/{i}": (estate.SCRIPT, 0o755) for i in range(20)}, "/etc/systemd/system/kesl.service": (b"", 0o644)})
    root = place("swapped", {**estate.base(), **{f"/srv/{i}/x/opt/{j}": (b"#!/bin/sh\n", 0o755) for i in range(60) for j in range(10)}})
    libc, stop, turns = ctypes.CDLL(None, use_errno=True), False, 0
    for i in range(60):
        os.symlink(secret, f"{root}/srv/{i}/y")

    def swap():
        nonlocal turns
        while not stop:
            at = f"{root}/srv/{turns % 60}/".encode()
            libc.renameat2(-100, at + b"x", -100, at + b"y", 2)
            turns += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = [found("--jobs", "2", root) for _ in range(4)]
    finally:
        stop = True
        thread.join()
    result(all(not shows(d) for _, d in seen) and all(code in (0, 2) for code, _ in seen) and turns > 100, "folders that are exchanged for links while they are walked", [shows(d) for _, d in seen])


def same():
    """One target, told the same by one reader and by several, elsewhere, and after an interruption."""
    names = [f"/usr/share/{i % 7}/{i:03}.zip" for i in range(300)]
    three = {f"/srv/{i}/{name}": (b"\x7fELF\2\1\1".ljust(256, b"\0"), 0o755) for i in range(9) for name in ("kesl", "kesl-supervisor", "klnagent", "avp", "klflt.ko", "kesl-gui")}
    nobody = "".join(f"Package: nobody{i}\nStatus: install ok installed\nVersion: 1\n\n" for i in range(200))
    npm = {f"/srv/node_modules/free{i}/package.json": (b'{"name":"free%d","version":"1"}' % i, 0o644) for i in range(200)}
    kaspersky = {f"/opt/{i}/node_modules/@kaspersky/hexa-ui/package.json": (b'{"name":"@kaspersky/hexa-ui","version":"%d"}' % i, 0o644) for i in range(9)}
    root = place("same", {**KESL, **three, **npm, **kaspersky, **{f"/opt/kaspersky/kesl/bin/{i}\n\udcff": (estate.SCRIPT, 0o755) for i in range(20)},
                          "/chroot/var/lib/dpkg/status": (nobody.encode(), 0o644), **{name: (b"PK\3\4" + b"\xff" * 60, 0o644) for name in names}})
    raw = lambda *args, **environment: subprocess.run([program, "find", "--json", "--db", "none", *args], capture_output=True, env={**os.environ, "HALLMARK_DATA": data, **environment}, timeout=120).stdout
    one = raw("--jobs", "1", root)
    result(len(json.loads(one)["items"]) > 1 and json.loads(one)["targets"][0]["not_read_count"] == 300, "a target with much to tell", one[:500])
    others = [raw("--jobs", jobs, root) for jobs in ("2", "3", "7", "7", "7")]
    result(all(other == one for other in others), "is told the same, byte for byte, by any number of readers", [i for i, other in enumerate(others) if other != one])
    copy = place("copied", {})
    for path in sorted(p for d, _, names in os.walk(root) for p in (os.path.relpath(os.path.join(d, name), root) for name in names))[::-1]:
        os.makedirs(os.path.dirname(os.path.join(copy, path)), exist_ok=True)
        shutil.copy2(os.path.join(root, path), os.path.join(copy, path), follow_symlinks=False)
    plain = lambda text, name: text.replace(name.encode(), b"X")
    result(plain(raw(copy), copy) == plain(one, root), "of a copy with its files in another order")
    result(raw("--jobs", "2", root, TZ="Asia/Tokyo", LC_ALL="tr_TR.UTF-8", LANG="de_DE.UTF-8") == one or time.gmtime().tm_hour == 23, "in another place and language")
    resumed()


def resumed():
    """Cut short behind the first of two targets, and gone on with: the same as in one go."""
    targets = [folder + "/same", folder + "/copied"]
    run = lambda *args: subprocess.run([program, "find", "--json", *args, *targets], capture_output=True, env={**os.environ, "HALLMARK_DATA": data}, timeout=120)
    whole, db = run("--db", "none").stdout, folder + "/cut.sqlite"
    result(run("--db", db).stdout == whole, "a run that is kept tells the same")
    kept = sqlite3.connect(db)
    kept.execute("UPDATE run SET finished = 0")
    kept.execute("UPDATE target SET read_at = NULL WHERE name = ?", (targets[1].encode(),))
    kept.commit()
    kept.close()
    result(run("--db", db, "--resume").stdout == whole, "and so does one that was cut short and resumed")


same()
bombs()
outside()
special(place("special", KESL))
damaged()
torn(place("torn", KESL))
swapped()
end()
