#!/usr/bin/python3
"""Our reader of records against the one written from the format page: the same lines from sound, cut and redacted records, the
same refusals of damaged ones. Arguments: record_print, doc/format/record.md."""
import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

try:
    import record_reader as reader
except ImportError as missing:
    print(f"1..0 # SKIP {missing} (apt-get install python3-cbor2 python3-zstandard)")
    sys.exit(0)

printer, page = sys.argv[1:3]
kinds = reader.kinds_of(page)
folder = tempfile.TemporaryDirectory(prefix="hm-interop-")
path = os.path.join(folder.name, "record")
number, failed = 0, False


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else ():
        print("#", detail)
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def ours(data):
    name = os.path.join(folder.name, "input")
    with open(name, "wb") as file:
        file.write(data)
    done = subprocess.run([printer, name], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines() if done.returncode == 0 else done.stderr


def agree(inputs, wanted, text):
    """One result: the two readers think the same of each input, and what is wanted."""
    bad = []
    for label, data in inputs:
        mine, theirs = ours(data), reader.outcome(data, kinds)
        if mine[0] != wanted or mine[0] != theirs[0] or (wanted == 0 and mine[1] != theirs[1]):
            bad.append(f"{label}: ours {mine[0]}, theirs {theirs[0]} {theirs[1] if theirs[0] else ''}")
    result(inputs and not bad, text, bad)


def blocks_of(data):
    at = 0
    while struct.unpack_from("<I", data, at)[0] == 0x184D2A53:
        end = at + reader.BLOCK.size + struct.unpack_from("<I", data, at + 60)[0]
        yield at, end
        at = end


def withhold(data, which):
    """The record as somebody else would redact it: block `which` loses salt and content. Without footer."""
    out = b""
    for i, (at, end) in enumerate(blocks_of(data)):
        block = data[at:end]
        if i == which:
            head = block[:19] + b"\1" + block[20:60] + bytes(24) + block[84:148]
            block = head + struct.pack("<I", reader.crc32c(head))
        out += block
    return out


def sequence_of(data):
    """What zstd makes of the file."""
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True)
    return done.stdout if done.returncode == 0 else None


subprocess.run([printer, "--make", path], check=True)
whole = open(path, "rb").read()
ends = [end for _, end in blocks_of(whole)]

rows = [line.rstrip("\n") for line in open(page, encoding="utf-8") if line.startswith("| ")]
table = subprocess.run([printer, "--kinds"], capture_output=True, text=True, check=True).stdout.splitlines()
result(table and rows[-len(table):] == table and len(kinds) == len(table), "the page's table of kinds is the program's",
       sorted(set(table) ^ set(rows[-len(table):])))

code, lines = ours(whole)
result(code == 0 and {line.split()[1] for line in lines[1:]} == {name for name, _ in kinds.values()},
       "the sample holds every kind of event")
result(len(ends) >= 3, "the sample has three blocks or more")
agree([("whole", whole)], 0, "both print the same lines")

plain = sequence_of(whole)
events = reader.items_of(plain) if plain else []
result([str(e[0]) for e in events] == [str(i % len(kinds)) for i in range(len(lines) - 1)],
       "zstd -dc gives the plain sequence of events")

pairs = struct.unpack_from("<I", whole, len(whole) - 9)[0]
seek = [struct.unpack_from("<II", whole, len(whole) - 9 - 8 * (pairs - i)) for i in range(pairs)]
starts = [sum(stored for stored, _ in seek[:i]) for i in range(pairs)]
frames = [reader.content_of(whole[starts[i]:starts[i] + stored], raw) for i, (stored, raw) in enumerate(seek) if raw]
result(b"".join(frames) == plain, "the seek table leads to each frame")

cuts = sorted({0, 1, 3, 4, 8, 17, 18, 151, 152, 153, len(whole) - 1, *ends, *(e + d for e in ends for d in (-1, 1, 79, 80, 100)),
               *range(7, len(whole), len(whole) // 40)})
cut = [(f"cut at {n}", whole[:n]) for n in cuts if n < len(whole)]
agree(cut, 0, f"both read records cut at {len(cut)} places")
result(all(" cut 1 " in ours(data)[1][0] for _, data in cut), "and ours says each time that it is cut")

places = [*range(0, len(whole) * 8, len(whole) * 8 // 80), *range(0, 152 * 8, 19), *range(len(whole) * 8 - 900, len(whole) * 8, 19)]
flips = [(f"bit {n}", whole[:n // 8] + bytes([whole[n // 8] ^ 1 << n % 8]) + whole[n // 8 + 1:]) for n in places]
agree(flips, 1, f"both refuse each of {len(flips)} changed bits")

redacted = [(f"without block {i}", withhold(whole, i)) for i in range(3)]
same_root = {ours(data)[1][0].split(" root ")[1] for _, data in redacted} == {lines[0].split(" root ")[1]}
agree(redacted, 0, "both read redacted records")
result(same_root, "whose root is that of the whole record")

newer = whole[:16] + b"\2\0" + whole[18:148]
newer += struct.pack("<I", reader.crc32c(newer)) + whole[152:]
moved = [("twice", whole + whole), ("a byte more", whole + b"\0"), ("first block missing", whole[ends[0]:]),
         ("blocks swapped", whole[ends[0]:ends[1]] + whole[:ends[0]] + whole[ends[1]:]), ("text", b"hello, world" * 20)]
agree([("newer", newer)], 2, "both know a newer version when they see one")
agree(moved, 1, "both refuse what was moved or added")

print(f"1..{number}")
sys.exit(failed)
