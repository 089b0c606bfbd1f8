#!/usr/bin/env python3
"""Recall and precision of hallmark find on the test estate: measure.py HALLMARK DATA [--quick] [--seeds N]

An estate that is made of the finder's own rows gives a recall that flatters. So it is measured again with each kind of indicator switched off in turn, and
with a random fifth of all rows withheld from the finder: then it has to recognise by what is left. A system counts as found when an item (not a
candidate) names its supplier, with any relation but `controlled`."""
import argparse, collections, csv, glob, json, os, random, shutil, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate as estates


def data_with(folder, data, drop):
    """A data folder whose tables lack the rows that `drop` names."""
    made = tempfile.mkdtemp(dir=folder)
    for name in os.listdir(data):
        if name != "suppliers":
            os.symlink(os.path.join(os.path.abspath(data), name), os.path.join(made, name))
    os.mkdir(os.path.join(made, "suppliers"))
    for name in glob.glob(data + "/suppliers/*.csv"):
        with open(name, newline="") as f, open(os.path.join(made, "suppliers", os.path.basename(name)), "w", newline="") as out:
            reader = csv.reader(f)
            head = next(reader)
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(head)
            writer.writerows(r for r in reader if "indicator" not in head or not drop(dict(zip(head, r))))
    return made


def find(program, data, systems, roots):
    run = subprocess.run([program, "find", "--json", "--db", "none", "--jobs", "1", "--roots", roots] + [s[0] for s in systems], capture_output=True, env={**os.environ, "HALLMARK_DATA": data})
    if run.returncode not in (0, 1, 2):
        sys.exit(f"hallmark find ended with {run.returncode}: {run.stderr.decode()}")
    return json.loads(run.stdout)


def relatives(tables):
    """Suppliers that share a row's indicator: what two makers ship is no false finding for either."""
    who = collections.defaultdict(set)
    for supplier, table in tables.items():
        for r in table:
            who[r["kind"], r["indicator"].lower().removesuffix(".sys")].add(supplier)
    near = collections.defaultdict(set)
    for group in who.values():
        for supplier in group:
            near[supplier] |= group
    return near


def score(document, systems, near, tables):
    told = {(i["target"], i["supplier"]) for i in document["items"] + document["candidates"]}
    items = collections.defaultdict(set)
    states = collections.defaultdict(set)
    for item in document["items"]:
        if item["relation"] != "controlled":
            items[item["target"]].add(item["supplier"])
            states[item["target"]].add((item["supplier"], item["relation"], item["state"]))
    hit, seen, able, able_hit, missed, false, by = 0, 0, 0, 0, [], [], collections.defaultdict(lambda: [0, 0])
    for path, variant, supplier in systems:
        found = items[path]
        if supplier:
            good = supplier in found
            hit += good
            if estates.signs(tables[supplier], variant) >= 2:
                able += 1
                able_hit += good
            seen += (path, supplier) in told
            by[variant][0] += good
            by[variant][1] += 1
            if not good:
                missed.append((variant, supplier))
        false += [(variant, supplier, f) for f in found if f != supplier and f not in near[supplier]]
    wanted = sum(1 for s in systems if s[2])
    return {"recall": hit / wanted if wanted else 1, "able": able_hit / able if able else 1, "told": seen / wanted if wanted else 1, "precision": hit / (hit + len(false)) if hit + len(false) else 1, "missed": missed, "false": false, "by": by, "states": states}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("program")
    a.add_argument("data")
    a.add_argument("--quick", action="store_true", help="few suppliers, and no kind switched off")
    a.add_argument("--seeds", type=int, default=3)
    a.add_argument("--keep", help="make the estate there and keep it")
    args = a.parse_args()
    folder = args.keep or tempfile.mkdtemp(prefix="hallmark-estate-")
    os.makedirs(folder, exist_ok=True)
    try:
        os.makedirs(folder + "/systems", exist_ok=True)
        only = {"kaspersky", "drweb", "cisco", "eset", "bitdefender"} if args.quick else None
        e = estates.make(folder + "/systems", args.data + "/suppliers", only)
        tables = estates.rows(args.data + "/suppliers")
        near = relatives(tables)
        whole = score(find(args.program, os.path.abspath(args.data), e.systems, e.signers.root), e.systems, near, tables)
        clean = [f for f in whole["false"] if f[1] is None]
        print(f"{len(e.systems)} systems, {sum(1 for s in e.systems if s[2])} with something to find")
        print(f"all rows              recall {whole['recall']:.3f}  of two signs {whole['able']:.3f}  with candidates {whole['told']:.3f}  precision {whole['precision']:.3f}  false on clean systems {len(clean)}")
        for variant, (good, of) in sorted(whole["by"].items()):
            print(f"  {variant:10} {good}/{of}")
        for m in whole["missed"]:
            print("  missed", *m)
        for f in whole["false"]:
            print("  false", *f)
        if args.keep:
            return
        for seed in range(args.seeds if not args.quick else 1):
            draw = random.Random(seed)
            drop = {r["id"] for t in estates.rows(args.data + "/suppliers").values() for r in t if draw.random() < 0.2}
            s = score(find(args.program, data_with(folder, args.data, lambda r: r["id"] in drop), e.systems, e.signers.root), e.systems, near, tables)
            print(f"a fifth withheld ({seed})  recall {s['recall']:.3f}  of two signs {s['able']:.3f}  with candidates {s['told']:.3f}  precision {s['precision']:.3f}  false on clean systems {sum(1 for f in s['false'] if f[1] is None)}")
            worst = min(whole["recall"], s["recall"])
        kinds = sorted({r["kind"] for t in estates.rows(args.data + "/suppliers").values() for r in t}) if not args.quick else []
        for kind in kinds:
            s = score(find(args.program, data_with(folder, args.data, lambda r: r["kind"] == kind), e.systems, e.signers.root), e.systems, near, tables)
            print(f"without {kind:14}recall {s['recall']:.3f}  of two signs {s['able']:.3f}  with candidates {s['told']:.3f}  precision {s['precision']:.3f}")
        if args.quick and (clean or whole["recall"] < 0.9 or whole["precision"] < 0.99 or worst < 0.7):
            sys.exit("not good enough")
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


main()
