#!/usr/bin/python3
"""alter.py FROM TO STATEMENTS: the bundle with its assessment changed, in a container that is canonical again. Python statements change `a`, what
assessment.json says, and `gone`, a set of runs whose parts are left out; `blocks` are the plan's."""
import json, sys, zipfile

source, target, statements = sys.argv[1:]
z = zipfile.ZipFile(source)
a, blocks, gone = json.loads(z.read("assessment.json")), json.loads(z.read("plan.json"))["blocks"], set()


def not_set_up(block):
    """As though that block never began."""
    runs = blocks[block - 1]["runs"]
    gone.update(runs)
    a["runs"] = [row for row in a["runs"] if row["run"] not in runs]
    a["sets"] = [row for row in a["sets"] if row["run"] not in runs]
    a["dropped"] = sorted(a["dropped"] + [{"run": run, "rule": "not set up"} for run in runs], key=lambda row: row["run"])


exec(statements)
with zipfile.ZipFile(target, "w") as out:
    for info in z.infolist():
        parts = info.filename.split("/")
        if parts[0] == "runs" and int(parts[1]) in gone:
            continue
        row = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
        row.create_system, row.create_version, row.extract_version = 0, 10, 10
        out.writestr(row, json.dumps(a, sort_keys=True, separators=(",", ":")).encode() if info.filename == "assessment.json" else z.read(info))
    for row in out.filelist:
        row.external_attr = 0  # zipfile has set it
