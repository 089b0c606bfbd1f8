#!/usr/bin/env python3
"""What we open of TLS against what tshark opens of the same file, byte for byte.
    plain.py PLAIN_PRINT"""
import shutil, subprocess, sys, tempfile

if not shutil.which("tshark"):
    print("1..0 # SKIP no tshark")
    sys.exit()
failed = False
with tempfile.TemporaryDirectory() as folder:
    names = subprocess.run([sys.argv[1], folder], check=True, capture_output=True, text=True).stdout.split()
    command = ["tshark", "-n", "-q", "-r", folder + "/all.pcapng"]
    for number in range(len(names)):
        command += ["-z", f"follow,tls,raw,{number}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    streams = {}
    for block in told.split("Follow: tls,raw")[1:]:
        head, *lines = block.split("\n")[1:]
        number = int(head.split("eq")[1]) if "eq" in head else None
        # Node lines, then data: what the second node sent is indented; the first is who sent application data first
        second = any(line.startswith("Node 0: ") and line.endswith(":443") for line in lines)
        data = "".join(line.strip() for line in lines if line and line.startswith("\t") == second and not line.startswith(("Node", "=")))
        streams[number] = bytes.fromhex(data)
    print(f"1..{len(names) + 1}")
    for number, name in enumerate(names):
        ours = open(f"{folder}/{number}.text", "rb").read()
        good = streams.get(number) == ours
        print(f"{'ok' if good else 'not ok'} {number + 1} - {name}: {len(ours)} bytes")
        if not good:
            print(f"# tshark: {len(streams.get(number, b''))} bytes")
        failed |= not good
    good = sum(map(len, streams.values())) > 40000 * len(names) / 2
    print(f"{'ok' if good else 'not ok'} {len(names) + 1} - tshark opened most of it")
    failed |= not good
sys.exit(failed)
