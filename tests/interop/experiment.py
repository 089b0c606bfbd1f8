#!/usr/bin/python3
"""Our statistics against the program that was written from the format page: the same answers to generated lines, and the page's own
numbers. Arguments: experiment_print, doc/format/statistics.md."""
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

import experiment_again as again

printer, page = sys.argv[1:3]
folder = tempfile.TemporaryDirectory(prefix="hm-interop-")
some = random.Random(4)
number, failed = 0, False


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else ():
        print("#", detail)
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def ours(lines):
    name = os.path.join(folder.name, "lines")
    with open(name, "w", encoding="ascii") as file:
        file.write("".join(line + "\n" for line in lines))
    done = subprocess.run([printer, name], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def agree(lines, text):
    code, got, error = ours(lines)
    wanted = [again.answer(line) for line in lines]
    bad = [f"{line[:200]}: {g} and not {w}" for line, g, w in zip(lines, got, wanted) if g != w]
    result(lines and code == 0 and got == wanted, f"{text} ({len(lines)} answers)", bad[:5] + [error])
    return wanted


def key():
    return some.randbytes(32).hex()


WIDE = [-2**63, 2**63 - 1, 1 - 2**63, 0, -1]


def difference(kind):
    return [lambda: some.choice([-1, 0, 0, 0, 0, 1, 2]), lambda: some.randint(-300, 300), lambda: some.randint(-2**63, 2**63 - 1),
            lambda: some.choice(WIDE), lambda: 7][kind]()


def words(values):
    return " ".join(str(value) for value in values)


def test_line(features, blocks, kind):
    d = [difference(kind) for _ in range(features * blocks)]
    kinds = [some.choice(["sized", "directed", "timing"]) for _ in range(features)]
    return f"test {key()} {key()} {some.randrange(2**32)} {features} {blocks} {words(d)} {words(kinds)}"


def screen_line(features, blocks_aa, blocks, noise):
    """Text is where a mark says that it differs and d does not."""
    aa, rows = ([[0 if some.random() > share else difference(some.randrange(4)) for _ in range(features * n)]
                 for n, share in ((blocks_aa, noise), (blocks, 0.3))])
    aa_differs = [int(value != 0 or some.random() < noise / 4) for value in aa]
    differs = [some.choice([1, 1, 2]) if value != 0 or some.random() < 0.1 else 0 for value in rows]
    kinds = [some.choice(["sized", "sized", "sized", "timing"]) for _ in range(features)]
    return f"screen {features} {blocks_aa} {blocks} {words(aa)} {words(rows)} {words(aa_differs)} {words(differs)} {words(kinds)}"


def value(count):
    return some.choice(["-", *range(count)])


def direct_line(blocks, values, leaks):
    """Held values are of the first three, or none; those of the confirmation are where they belong, more often than not."""
    held = [value(3), value(3)]
    confirm = [held[i % 2] if some.random() < leaks else value(values) for i in range(2 * blocks)]
    return f"direct {some.randrange(4)} {blocks} {words(held)} {words(confirm)}"


phases = ["aa", "screen", "confirm", "store", "send", "x" * 64]
seed = key()
coins = agree([f"coin {seed} {phase} {block}" for phase in phases for block in [*range(40), 2**32 - 1]], "coins")
result(set(coins) == {"0", "1"}, "which fall both ways")
secrets = agree([f"secret {key()} {phase} {factor} {level} {n}" for phase in phases for factor in ("content", "metadata.mtime")
                 for level in (0, 1) for n in (0, 7, 2**32 - 1)], "secrets")
result(len(set(secrets)) == len(secrets), "which are all different")
agree([f"rate {n}" for n in [*range(1, 100), *range(100, 1100, 43), 1000, 4095, 4096]], "bounds")
agree([f"phases {n}" for n in range(100)], "blocks that go before the pairs")
agree([test_line(some.randint(1, 12), blocks, kind) for blocks in range(1, 11) for kind in range(5) for _ in range(4)],
      "p-values and family minima of all vectors")
agree([test_line(4, 12, kind) for kind in range(5)] + [test_line(1, 16, 2), test_line(2, 16, 0)], "with 12 and 16 blocks")
agree([test_line(2, blocks, kind) for blocks, kind in ((17, 0), (24, 1), (60, 0), (60, 2), (256, 3), (257, 1), (1024, 1))],
      "p-values and family minima of drawn vectors")
found = agree([screen_line(some.randint(1, 40), some.randint(1, 6), some.randint(1, 8), noise)
               for noise in (0.0, 0.02, 0.1) for _ in range(60)] + [screen_line(3, 2, 17, 0.0), screen_line(60, 15, 40, 0.1)], "suspects and held blocks")
counts = {len(line.split()) - 4 for line in found}
result(counts >= {1, 7, 16} and max(counts) == 16, "from few suspects to the most there may be")
ways = agree([f"differ {some.randrange(blocks)} {blocks} {words([value(values) for _ in range(2 * blocks)])}"
              for blocks in (1, 4, 9) for values in (1, 4, 40) for _ in range(30)], "how the runs of a block differ")
result(set(ways) == {"0", "1", "2"}, "which is in all three ways")
agree([f"off {some.choice([0, 20000, 2**62, 2**63 - 1])} {blocks} {words([difference(some.randrange(5)) for _ in range(blocks)])}"
       for blocks in (1, 2, 7, 12) for _ in range(20)], "timings that are off")
rows = agree([direct_line(some.randint(6, 14), some.choice([2, 4, 40]), leaks) for leaks in (0.3, 0.9, 1) for _ in range(80)] +
             [direct_line(some.randint(24, 40), 2, 0.3) for _ in range(80)],
             "what a held block foretells")
result(20 < rows.count("none") < 200, f"of some features nothing ({rows.count('none')})")

PLACES = {"content": [56, 63, 213, 56, 151, 60, 67, 0, 60, 54, 46, 0], "names": [1] * 12, "marking": [0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0], "odd": [0, 1],
          "sample": [1] * 16}


def rule(factor, how, noise):
    documents = [i for i, places in enumerate(PLACES[factor]) if places]
    ranges = []
    for document in some.sample(documents, min(len(documents), some.choice([1, 1, 2, 3]))):
        first = some.randrange(PLACES[factor][document])
        ranges.append(f"{document} {first} {some.randint(first + 1, PLACES[factor][document])}")
    steady = some.choice(["8 8", "8 8", "7 8", "5 8", "4 8", "57 60"])
    return f"{steady} {how} {noise} {len(ranges)} {' '.join(ranges)}"


places = agree([f"locate {key()} {factor} {len(PLACES[factor])} {words(PLACES[factor])} {targets} " + " ".join(rule(factor, how, noise) for _ in range(targets))
                for factor in PLACES for how in ("any", "all", "bit") for noise in (0, 20, 100) for targets in (1, 1, 2, 5)], "where influences come from")
reasons = {word.split("/")[0] for line in places for word in line.split() if word[0] == "="}
result(reasons >= {"=located", "=unsteady", "=unconfirmed", "=blocks"}, "for every reason but many documents", [str(reasons)])

table = dict(zip(*[re.findall(r"\d+", row) for row in re.findall(r"^\| (?:n|rate_bp) .*$", open(page, encoding="utf-8").read(), re.M)]))
result(len(table) > 5 and ours([f"rate {n}" for n in table])[1] == list(table.values()), "the page's bounds")
example = ours([f"test {key()} {key()} 0 2 3 1 2 3 3 1 -1 sized sized"])[1]
result(example == ["1/7/3 5/7/7 least 3"], "the page's example", example)

nothing = f"{key()} {key()} 0"
refused = [f"test {nothing} 1 0", f"test {nothing} 1 1025 " + words([1] * 1025) + " sized", f"test {nothing} 262145 1 " + words([1] * 262145) + " sized" * 262145,
           "screen 1 0 1 1 1 sized", f"test {nothing} 1 1 1 odd", f"coin {key()} a/b 0", f"secret {key()} screen content 2 0", "rate", "dance"]
result(all(ours([line])[0] in (1, 3) for line in refused), "what must be refused is", [f"{line[:200]}: {ours([line])}" for line in refused])

print(f"1..{number}")
sys.exit(failed)
