"""What tests of hallmark find share: made targets in a folder of the test's own, what find says of them, cases told as TAP. The test's first two arguments are HALLMARK DATA."""
import json, os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import cases, parts

program, data = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
folder, end = os.path.dirname(cases.here("a")), cases.end


def result(good, text, more=""):
    cases.result(good, text, [more] if more else ())


def find(*args, db="none", **environment):
    """Exit code, output and messages; `db` None: where it keeps runs by default."""
    run = subprocess.run([program, "find", *(["--db", db] if db else []), *args], capture_output=True, env={**os.environ, "HALLMARK_DATA": data, **environment}, timeout=120)
    return run.returncode, run.stdout, run.stderr


def found(*args, **environment):
    """Exit code and found.json."""
    code, out, err = find("--json", *args, **environment)
    return code, json.loads(out) if out else {"items": [], "candidates": [], "targets": [], "error": err}


def place(name, content):
    path = os.path.join(folder, name)
    if isinstance(content, dict):
        parts.write(path, content)
    else:
        with open(path, "wb") as f:
            f.write(content)
    return path


def unread(document):
    return [(r.get("path"), r["reason"]) for t in document["targets"] for r in t["not_read"]]
