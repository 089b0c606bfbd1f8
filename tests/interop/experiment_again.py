#!/usr/bin/python3
"""The statistics of an experiment by a program that shares nothing with Hallmark's: written from doc/format/statistics.md alone,
with Python's standard library. Nothing here is quick; it does what the page says, in its order.

    experiment_again.py FILE     answers the lines of FILE, as experiment_print does:
        coin SEED PHASE BLOCK
        secret SEED PHASE FACTOR LEVEL N
        rate N
        test PLAN SEED NUMBER FEATURES BLOCKS D...
        screen PLAN SEED NUMBER FEATURES BLOCKS_AA BLOCKS D_AA... D... DIFFERS_AA... DIFFERS...
"""
import hashlib
import hmac
import struct
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def derive(seed, label):
    return hmac.new(seed, b"hallmark/derive/v1\0" + label.encode("ascii"), hashlib.sha256).digest()


def coin(seed, phase, block):
    return derive(seed, f"assign/{phase}/{block}")[0] & 1


def secret(seed, phase, factor, level, n):
    return derive(seed, f"secret/{phase}/{factor}/{level}/{n}")


def vector(plan, seed, number, t, n):
    """The signs of drawn vector t."""
    signs = []
    head = b"hallmark/perm/v1\0" + plan + seed + struct.pack("<II", number, t)
    for k in range((n + 255) // 256):
        bits = sha256(head + (struct.pack("<I", k) if k else b""))
        for j in range(min(256, n - 256 * k)):
            signs.append(-1 if bits[j // 8] >> j % 8 & 1 else 1)
    return signs


def vectors(plan, seed, number, n):
    if n <= 16:
        return [[-1 if t >> i & 1 else 1 for i in range(n)] for t in range(2 ** n)]
    return [[1] * n] + [vector(plan, seed, number, t, n) for t in range(1, 10000)]


def ranks(d, all_vectors):
    """For each vector, how many have a T that is as large or larger."""
    t = [abs(sum(d[i] if s[i] == 1 else -d[i] for i in range(len(d)))) for s in all_vectors]
    as_large, seen = {}, 0
    count = {}
    for value in t:
        count[value] = count.get(value, 0) + 1
    for value in sorted(count, reverse=True):
        seen += count[value]
        as_large[value] = seen
    return [as_large[value] for value in t]


def test(plan, seed, number, rows, n):
    """[(b, m, family)] of the features."""
    if not rows:
        return []
    all_vectors = vectors(plan, seed, number, n)
    of_feature = [ranks(d, all_vectors) for d in rows]
    least = [min(column) for column in zip(*of_feature)]
    m = len(all_vectors) - 1
    return [(r[0] - 1, m, sum(1 for value in least[1:] if value <= r[0])) for r in of_feature]


def screen(plan, seed, number, aa_differs, rows, differs):
    """(number of candidates, held block, [(feature, b, m, family)])"""
    n = len(rows[0]) if rows else 0
    candidates = [f for f in range(len(rows)) if any(differs[f]) and not any(aa_differs[f])]
    p = test(plan, seed, number, [rows[f] for f in candidates], n)
    ordered = sorted(zip(candidates, p), key=lambda row: (row[1][0], row[0]))[:8]
    held, most = 0, 0
    for block in range(n):
        count = sum(1 for f, _ in ordered if differs[f][block])
        if count > most:
            held, most = block, count
    return len(candidates), held, [(f, *values) for f, values in ordered]


def rate(n):
    n = min(n, 4096)
    low, high = 0, 10000
    while low < high:
        q = (low + high) // 2
        if 20 * (10000 - q) ** n <= 10000 ** n:
            high = q
        else:
            low = q + 1
    return low


def table(words, features, blocks):
    values = [int(word) for word in words[:features * blocks]]
    del words[:features * blocks]
    return [values[f * blocks:(f + 1) * blocks] for f in range(features)]


def answer(line):
    what, *words = line.split()
    if what == "coin":
        return str(coin(bytes.fromhex(words[0]), words[1], int(words[2])))
    if what == "secret":
        return secret(bytes.fromhex(words[0]), words[1], words[2], int(words[3]), int(words[4])).hex()
    if what == "rate":
        return str(rate(int(words[0])))
    plan, seed, number, features = bytes.fromhex(words[0]), bytes.fromhex(words[1]), int(words[2]), int(words[3])
    if what == "test":
        blocks = int(words[4])
        p = test(plan, seed, number, table(words[5:], features, blocks), blocks)
        least = min((values[2] for values in p), default=None)
        return " ".join(f"{b}/{m}/{family}" for b, m, family in p) + f" least {least}"
    blocks_aa, blocks, rest = int(words[4]), int(words[5]), words[6:]
    table(rest, features, blocks_aa)
    rows = table(rest, features, blocks)
    aa_differs = table(rest, features, blocks_aa)
    differs = table(rest, features, blocks)
    candidates, held, suspects = screen(plan, seed, number, aa_differs, rows, differs)
    return f"candidates {candidates} held {held}" + "".join(f" {f}:{b}/{m}/{family}" for f, b, m, family in suspects)


if __name__ == "__main__":
    for row in open(sys.argv[1], encoding="ascii"):
        print(answer(row))
