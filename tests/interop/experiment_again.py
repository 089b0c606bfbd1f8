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
        locate SEED FACTOR THINGS PLACES... TARGETS {STEADY OF HOW NOISE RANGES {DOCUMENT FROM TO}...}...     of rules that stand for products
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
    tolerance = {f: min(2 * max(map(abs, aa[f])) + max(map(abs, aa[f])) // 8 + 20000, 2**64 - 1) for f, kind in enumerate(kinds) if kind == "timing"}
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


BLOCKS = 128


class Missing(Exception):
    """What a search lacks: the next question, as the places at level 1 in the runs at level 0 and at level 1."""


class Located:
    def __init__(self, seed, factor, places, steadiness):
        self.factor, self.places = factor, places
        things = [i for i, places in enumerate(self.places) if places]
        self.order = sorted(things, key=lambda i: derive(seed, f"locate/{factor}/{i}"))
        self.times = [next((z for z in (1, 2, 3, 4) if c and 20 * (n - c) ** z <= n ** z), 0) for c, n in steadiness]
        self.asked = []  # (question, d by target, or None)
        wanted = 800 * sum(map(bool, self.times))
        self.k = next(k for k in range(64) if 2 ** k >= wanted)

    def whole(self, documents):
        return [(i, 0, self.places[i]) for i in sorted(documents)]

    def question(self, asked, ground=()):
        return tuple(self.whole(ground)), tuple(sorted(self.whole(ground) + list(asked)))

    def answers(self, question, target):
        return [(i, d[target]) for i, (q, d) in enumerate(self.asked) if d is not None and q == question]

    def answer(self, question, target):
        """(yes or no, the answers behind those that decided)"""
        zeros, found = 0, self.answers(question, target)
        for i, (_, d) in enumerate(found):
            zeros += d == 0
            if d or zeros == self.times[target]:
                return d > 0, found[i + 1:]
        raise Missing(question)

    def documents(self, target):
        """[(document, ground)]; more than four of them are too many."""
        def influence(group):
            return self.answer(self.question(self.whole(group)), target)[0] if group else False

        def search(group, found):
            if len(group) == 1:
                found.append((group[0], ()))
                return found
            half = (len(group) + 1) // 2
            parts = [group[:half], group[half:]]
            have = [influence(part) for part in parts]
            for part, has in zip(parts, have):
                if has and len(found) <= 4:
                    search(part, found)
            if not any(have):
                left = list(group)
                for thing in group:
                    without = [i for i in left if i != thing]
                    left = without if influence(without) else left
                found += [(i, tuple(k for k in left if k != i)) for i in left]
            return found
        return search(self.order, [])

    def range(self, target, document, ground):
        places = self.places[document]

        def influence(first, end):
            return self.answer(self.question([(document, first, end)], ground), target)[0]

        low, high, first = 0, places, None
        try:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if influence(0, middle) else (middle, high)
            first, low, high = high, 0, places
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if influence(middle, places) else (low, middle)
        except Missing:
            if BLOCKS - len(self.asked) > self.k + 1:
                raise
            return 0, high if first is None else first
        return min(low, first - 1), max(low, first - 1) + 1

    def confirmed(self, target, document, first, end, ground):
        """The last block that it took, or None."""
        question = self.question([(document, first, end)], ground)
        yes, behind = self.answer(question, target)
        ones = zeros = 0
        if not yes:
            return None
        for block, d in behind:
            ones += d > 0
            zeros += d == 0
            if d < 0 or zeros == self.k:
                return None
            if ones == self.k:
                return block
        raise Missing(question)

    def walk(self, target, out):
        found = self.documents(target)
        if len(found) > 4:
            out["reason"] = "many"
            return
        ranges = {}
        for document, ground in found:
            first, end = self.range(target, document, ground)
            block = self.confirmed(target, document, first, end, ground)
            if block is None and (first, end) != (0, self.places[document]):
                first, end = 0, self.places[document]
                block = self.confirmed(target, document, first, end, ground)
            ranges[document] = first, end
            if block is not None:
                out["rows"].append((document, first, end, sum(1 << i for i in ground), block))
        out["reason"] = "located" if len(out["rows"]) == len(found) else "unconfirmed"
        if out["reason"] == "located":
            rest = []
            for i in sorted(self.order):
                first, end = ranges.get(i, (self.places[i], self.places[i]))
                rest += [(i, a, b) for a, b in ((0, first), (end, self.places[i])) if a < b]
            if rest:
                out["rest"] = int(self.answer(self.question(rest), target)[0])

    def result(self, target):
        out = {"reason": "unsteady", "rest": -1, "rows": []}
        if self.times[target]:
            self.walk(target, out)
        return out

    def next(self):
        for target in range(len(self.times)):
            try:
                self.result(target)
            except Missing as missing:
                return missing.args[0] if len(self.asked) < BLOCKS else None
        return None

    def final(self, target):
        out = {"reason": "unsteady", "rest": -1, "rows": []}
        try:
            if self.times[target]:
                self.walk(target, out)
        except Missing:
            out["reason"] = "blocks"
        return out


def parts_text(parts):
    return ",".join(f"{document}/{first}-{end}" for document, first, end in parts)


def other(rule, parts):
    how, _, ranges = rule
    touched = sum(any(d == document and a < end and first < b for d, a, b in parts) for document, first, end in ranges)
    if how == "bit":
        return bool(touched and sha256(parts_text(parts).encode())[0] & 1)
    return touched == len(ranges) if how == "all" else touched > 0


def simulate(rule, question, target, block):
    d = int(other(rule, question[1])) - int(other(rule, question[0]))
    chance = sha256(f"{target}/{block}".encode())
    return 0 if chance[0] < rule[1] else -d if chance[1] < rule[1] // 4 else d


def locate(words):
    seed, factor, things, *rest = words
    places = [int(rest.pop(0)) for _ in range(int(things))]
    targets, *rest = rest
    steadiness, rules = [], []
    for _ in range(int(targets)):
        c, n, how, noise, count = rest[:5]
        numbers = list(map(int, rest[5:5 + 3 * int(count)]))
        rest = rest[5 + 3 * int(count):]
        steadiness.append((int(c), int(n)))
        rules.append((how, int(noise), [tuple(numbers[i:i + 3]) for i in range(0, len(numbers), 3)]))
    located = Located(bytes.fromhex(seed), factor, places, steadiness)
    while (question := located.next()) is not None:
        block = len(located.asked)
        d = None if block % 11 == 10 else [simulate(rule, question, i, block) for i, rule in enumerate(rules)]
        located.asked.append((question, d))
    out = " ".join("|".join(map(parts_text, question)) for question, _ in located.asked)
    for target in range(len(rules)):
        r = located.final(target)
        out += f" ={r['reason']}/{r['rest']}/{located.k}/{sum(d is not None for _, d in located.asked)}"
        for document, first, end, ground, block in sorted(r["rows"]):
            out += f" {parts_text([(document, first, end)])}+{ground}/{located.k}@{block}"
    return out


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
    if what == "locate":
        return locate(words)
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
