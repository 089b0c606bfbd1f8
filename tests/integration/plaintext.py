#!/usr/bin/python3
"""What a record tells of plaintext that was given to TLS: plaintext.py SOURCE RECORD SAID EXPRESSION. Read by the other reader of records."""
import sys

sys.path.insert(0, sys.argv[1] + "/tests/interop")
import record_reader

kinds = record_reader.kinds_of(sys.argv[1] + "/doc/format/record.md")
said = open(sys.argv[3], "rb").read()
calls, libraries, open_calls = [], [], {}
for _, event in record_reader.Record(open(sys.argv[2], "rb").read()).content:
    name, fields = kinds[event[0]]
    f, tid = dict(zip((field for field, _ in fields), event[7:])), event[5]
    if name == "library":
        libraries.append(f)
    elif name == "given" and not f["nested"]:
        if f["offset"] and tid in open_calls:
            call = open_calls[tid]
            call["data"] += f["data"]
            call["cut"] = f["cut"]
        else:
            call = dict(f, taken=None, port=None, held=all(x["held"] for x in libraries))
            calls.append(call)
        open_calls[tid] = call
    elif name == "taken" and tid in open_calls:
        open_calls.pop(tid)["taken"] = f["bytes"]
    elif name == "send" and tid in open_calls:
        open_calls[tid]["port"] = f["port"]
good = eval(sys.argv[4])
if not good:
    for c in calls:
        print({k: v if k != "data" else v[:60] for k, v in c.items()}, file=sys.stderr)
    print(libraries, file=sys.stderr)
sys.exit(0 if good else 1)
