#!/usr/bin/python3
"""The statistics of an experiment by a program that shares nothing with Hallmark's: written from doc/format/statistics.md alone,
with Python's standard library. Nothing here is quick; it does what the page says, in its order.

    experiment_again.py FILE     answers the lines of FILE, as experiment_print does:
        coin SEED PHASE BLOCK
        secret SEED PHASE FACTOR LEVEL N
        rate N
        phases PAIRS
        test PLAN SEED NUMBER FEATURES BLOCKS D... KIND...
        screen FEATURES BLOCKS_AA BLOCKS D_AA... D... DIFFERS_AA... DIFFERS... KIND...
        differ BLOCK BLOCKS VALUE...            "-": there is none
        off TOLERANCE BLOCKS D...
        direct WHY BLOCKS HELD_0 HELD_1 VALUE...     WHY: 1 suspect, 2 values of its own, 3 both
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


def statistic(d, s, kind):
    terms = [value if sign == 1 else -value for value, sign in zip(d, s)]
    if kind == "directed":
        return int(min(terms) >= 0)
    return abs(sum(terms))


def ranks(d, kind, all_vectors):
    """For each vector, how many have a T that is as large or larger."""
    if kind != "directed" and 4 * sum(value != 0 for value in d) < len(d):
        return [len(all_vectors)] * len(all_vectors)
    t = [statistic(d, s, kind) for s in all_vectors]
    as_large, seen = {}, 0
    count = {}
    for value in t:
        count[value] = count.get(value, 0) + 1
    for value in sorted(count, reverse=True):
        seen += count[value]
        as_large[value] = seen
    return [as_large[value] for value in t]


def test(plan, seed, number, rows, kinds, n):
    """[(b, m, family)] of the rows."""
    if not rows:
        return []
    all_vectors = vectors(plan, seed, number, n)
    of_row = [ranks(d, kind, all_vectors) for d, kind in zip(rows, kinds)]
    least = [min(column) for column in zip(*of_row)]
    m = len(all_vectors) - 1
    return [(r[0] - 1, m, sum(1 for value in least[1:] if value <= r[0])) for r in of_row]


def phases(pairs):
    return min(max(pairs // 4, 8), 16), min(max(2 * pairs // 3, 10), 40)


def screen(aa, rows, aa_differs, differs, kinds):
    """(number of candidates, held block, [(feature, blocks in which it differs, tolerance of a timing)])"""
    n, n_aa = len(rows[0]), len(aa[0])
    tolerance = {f: min(2 * max(map(abs, aa[f])) + 20000, 2**64 - 1) for f, kind in enumerate(kinds) if kind == "timing"}
    for f, most in tolerance.items():
        aa_differs[f] = [0] * n_aa
        differs[f] = [int(abs(d) > most) for d in rows[f]]
    count = [sum(map(bool, row)) for row in differs]
    count_aa = [sum(map(bool, row)) for row in aa_differs]
    candidates = [f for f in range(len(kinds)) if count_aa[f] == 0 and count[f] >= (3 if f in tolerance else 1)]
    suspects = sorted(candidates, key=lambda f: (f in tolerance, -count[f], f))[:16]
    left = list(range(n))
    for f in suspects:
        if 4 * (count[f] + 1) >= n:
            left = [block for block in left if differs[f][block]] or left
    own = {block: sum(1 for f, row in enumerate(differs) if row[block] == 2 and f not in tolerance and 2 * count_aa[f] < n_aa) for block in left}
    of_suspects = {block: sum(1 for f in suspects if differs[f][block]) for block in left}
    held = max(left, key=lambda block: (own[block], of_suspects[block], -block))
    return len(candidates), held, [(f, count[f], tolerance.get(f)) for f in suspects]


def differ(blocks, at):
    """0: the values of the block are the same; 2: they differ, and no other run had one of them."""
    own = [value for value in blocks[at] if value is not None]
    if blocks[at][0] == blocks[at][1]:
        return 0
    return 1 if any(value in own for i, block in enumerate(blocks) for value in block if i != at) else 2


def direct(why, held, confirm):
    """The row, or None; a value that is not there is None."""
    if held[0] == held[1] or not why:
        return None
    runs = [value for block in confirm for value in block]

    def side(value):
        if value is None:
            return 0
        if value in held:
            return 1 if value == held[1] else -1
        if None not in held or runs.count(value) < 2:
            return 0
        return 1 if held[1] is None else -1

    row = [side(block[1]) - side(block[0]) for block in confirm]
    row = [(d > 0) - (d < 0) for d in row]
    telling = sum(map(abs, row))
    return row if 2 ** telling >= 100 and (why & 2 or 4 * telling >= len(row)) else None


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
    if what == "phases":
        return " ".join(map(str, phases(int(words[0]))))
    if what == "off":
        tolerance, blocks, *d = map(int, words)
        return str(int(2 * sum(abs(value) > tolerance for value in d) > blocks))
    if what in ("differ", "direct"):
        first, blocks = map(int, words[:2])
        values = [None if word == "-" else int(word) for word in words[2:]]
        pairs = [values[i:i + 2] for i in range(0, len(values), 2)]
        if what == "differ":
            return str(differ(pairs, first))
        row = direct(first, pairs[0], pairs[1:])
        return "none" if row is None else " ".join(map(str, row))
    if what == "test":
        plan, seed, number, features, blocks = bytes.fromhex(words[0]), bytes.fromhex(words[1]), *map(int, words[2:5])
        rest = words[5:]
        p = test(plan, seed, number, table(rest, features, blocks), rest, blocks)
        least = min((values[2] for values in p), default=None)
        return " ".join(f"{b}/{m}/{family}" for b, m, family in p) + f" least {least}"
    features, blocks_aa, blocks = map(int, words[:3])
    rest = words[3:]
    tables = [table(rest, features, n) for n in (blocks_aa, blocks, blocks_aa, blocks)]
    candidates, held, suspects = screen(*tables, rest)
    return f"candidates {candidates} held {held}" + "".join(f" {f}:{count}" + ("" if most is None else f"/{most}") for f, count, most in suspects)


if __name__ == "__main__":
    for row in open(sys.argv[1], encoding="ascii"):
        print(answer(row))
