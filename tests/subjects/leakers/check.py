"""Each leaker leaks what the table says, in the channel that it names, and its twin does not: they are run in worlds that differ in the
case's factor, and what they send is compared. Run by check.sh, which makes the namespaces: this is process 1 of them.
    check.py BUILD [CASE...]"""
import functools, os, re, subprocess, sys, tempfile

import features, table, world
from network import Network

OTHERS = 6  # worlds that are tried before a leaker of few bits counts as one that does not leak
# What the leaker chooses by the document and its twin by chance; what leaks in some runs only.
DRAWN = ("stamp", "wait", "gaps", "hidden")
TIMES = ("wait", "gaps")
RARE = ("40-one-in-ten",)


class Runner:
    def __init__(self, build, folder, network):
        self.build, self.folder, self.network = build, folder, network
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SSL_CERT_FILE": network.authority}

    def run(self, case, twin, levels):
        """What `twin` or leaker sends in a world of these levels; in the second phase, where it has two."""
        command = [table.program(case, self.build), *(["--twin"] if twin else []), f"{self.folder}/documents"]
        for phase in range(2 if "two-phases" in case.needs else 1):
            # What the second phase sends is of the first one's documents: in the second they are everybody's.
            world.make(command[-1], state=phase, **({} if phase else levels))
            status = self.network.record(command, self.env)
            if status != 0:
                raise AssertionError(f"{'twin' if twin else 'leaker'} ended with {status}")
        return self.network


def feature_of(case):
    if case.feature == "bytes":
        return features.content
    if case.feature == "opened":
        with open(f"{table.HERE}/15-envelope.py") as file:
            modulus = int("".join(re.findall(r'"([0-9a-f]{64})"', file.read())), 16)
        return functools.partial(features.opened, modulus=modulus)
    return getattr(features, case.feature)


def need(holds, text):
    if not holds:
        raise AssertionError(text)


def check_leaker(runner, case):
    """The feature is a function of the factor: the same twice, another in another world. Where little noise is (`noise` none) that
    holds for all that it sends. Returns the shape of a run."""
    feature = feature_of(case)
    run = runner.run(case, False, {})
    base, whole, shape = feature(run), features.everything(run), features.shape(run)
    if case.name in RARE:
        return check_rare(runner, case, base, shape)
    again = runner.run(case, False, {})
    for _ in range(3 if case.feature in TIMES else 0):  # a busy machine makes gaps longer
        if feature(again) != base:
            base, again = feature(again), runner.run(case, False, {})
    need(feature(again) == base, f"two runs differ in {case.feature}")
    need(case.noise == "drawn" or features.everything(again) == whole, "two runs differ")
    need(case.noise != "drawn" or case.feature in DRAWN or features.everything(again) != whole, "its noise is none")
    need(any(feature(runner.run(case, False, {case.factor: level})) != base for level in range(1, OTHERS + 1)),
         f"{case.feature} does not depend on {case.factor}")
    return shape


def check_rare(runner, case, base, shape):
    """A leak that is there in a run of ten: found within 200 (one that is there fails so in 1 of 10^9), and not in each."""
    values = [base]
    while len(values) < 200 and len({repr(value) for value in values}) == 1:
        values.append(features.content(runner.run(case, False, {"content": len(values)})))
    need(len({repr(value) for value in values}) > 1, "200 runs are alike")
    return shape


def check_twin(runner, case, shape):
    """Nothing that it sends depends on any factor: all of it is the same in worlds that differ in all of them. Where it draws what the
    leaker chooses, that is new in each run of the same world, and what else is to be seen is the same."""
    feature = feature_of(case)
    said, drawn, own = [], [], None
    worlds = [{}, {case.factor: 1}, {factor: 2 for factor in world.FACTORS}]
    for levels in worlds + [{"content": n} for n in range(40 if case.name in RARE else 0)]:
        run = runner.run(case, True, levels)
        own = own or features.shape(run)
        drawn += [repr(feature(run))] if not levels else []
        said.append((features.shape(run) if case.noise == "drawn" and case.name not in RARE else features.everything(run),
                     None if case.feature in DRAWN else feature(run)))
    need(all(row == said[0] for row in said), "what it sends depends on the world")
    if case.feature in DRAWN:
        # Of 16 drawn from four, 13 are alike once in 70,000 times; a busy machine's few wrong measurements do not pass for draws.
        drawn += [repr(feature(runner.run(case, True, {}))) for _ in range(15)]
        need(max(map(drawn.count, drawn)) <= 12, f"{case.feature} is not drawn")
    need(own[0] == shape[0], f"it speaks to {own[0]}, the leaker to {shape[0]}")
    for what, a, b in zip(("names", "messages", "bytes"), own[1:], shape[1:]):
        need(a <= 4 * b + 4 and b <= 4 * a + 4, f"it sends {a} {what}, the leaker {b}")


def report(text, check, *arguments):
    report.number += 1
    try:
        result, why = check(*arguments), None
    except AssertionError as error:
        result, why = None, error
    if why:
        report.failed += 1
        print(f"# {why}")
    print(f"{'not ok' if why else 'ok'} {report.number} - {text}", flush=True)
    return result


report.number = report.failed = 0


def main():
    build, only = sys.argv[1], sys.argv[2:]
    if os.getpid() != 1:
        sys.exit("check.py: not in namespaces of its own (run check.sh)")
    chosen = [case for case in table.cases() if not only or case.name in only]
    opaque = table.reasons("opaque")
    if not only:
        report("what is opaque by construction is at most six cases, each with its reason",
               lambda: need(len(opaque) <= 6 and set(opaque) == {c.name for c in chosen if c.leaker == "not-verifiable"}, "the tables differ"))
    with tempfile.TemporaryDirectory(dir="/var/lib") as folder:
        os.chmod(folder, 0o755)
        with open(f"{folder}/resolv.conf", "w") as file:
            file.write("nameserver 198.18.0.1\n")
        mount(f"{folder}/resolv.conf")
        runner = Runner(os.path.abspath(build), folder, Network(folder))
        for case in chosen:
            shape = report(f"{case.name} leaks {case.factor} by {case.feature}", check_leaker, runner, case)
            if shape:
                report(f"{case.name}'s twin does not", check_twin, runner, case, shape)
    print(f"1..{report.number}")
    sys.exit(report.failed > 0)


def mount(resolv):
    subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)


main()
