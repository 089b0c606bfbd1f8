"""Measures and prints the figures of bench/README.md. Started by bench/run, which makes the folders and the cgroup."""
import json, os, platform, signal, statistics, subprocess, sys, time, zipfile

from tools import Place, Recorder, Strace, Tool, able_peers, die_with_parent

ROUNDS = max(1, int(os.environ.get("ROUNDS", "15")))
PEER_ROUNDS = max(1, min(ROUNDS, 5))
STORM_ROUNDS = max(1, min(ROUNDS, 3))
STORM_SECONDS = 3
FLOOD_SECONDS = 60 if ROUNDS >= 10 else 20
MIB = 1 << 20
AIMS = []


def quartiles(values):
    values = sorted(values)
    return values[len(values) // 4], statistics.median(values), values[3 * len(values) // 4 if len(values) > 1 else 0]


class Spread:
    """How far two bare runs are apart: half of all rounds lie within it."""

    def __init__(self, ratios):
        low, _, high = quartiles(ratios)
        self.width = max(abs(1 - low), abs(high - 1))

    def show(self, ratios):
        """The median, or `below X` where the overhead is smaller than the spread."""
        _, middle, _ = quartiles(ratios)
        return f"{middle:.3f}" if abs(middle - 1) > self.width else f"below {1 + self.width:.3f}"

    def within(self, ratios, aim):
        """Whether the overhead is within the aim; None where the spread is too wide to show it."""
        middle = statistics.median(ratios)
        if abs(middle - 1) > self.width:
            return middle <= aim
        return True if 1 + self.width <= aim else None


def half(values, digits=3):
    low, _, high = quartiles(values)
    return f"{low:.{digits}f} to {high:.{digits}f}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
    print(flush=True)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[Kbench: {text}", end="", file=sys.stderr, flush=True)


def middle(samples, name):
    return statistics.median(sample[name] for sample in samples)


def spread_evenly(count, among):
    """Which of `among` rounds are the `count` ones."""
    return {i * among // count for i in range(count)}


def aim(figure, wanted, measured, met):
    """One row of the last table; `met` None: there is no aim, or what was measured does not show whether it is met."""
    AIMS.append([figure, wanted, measured, {True: "yes", False: "no", None: "" if wanted == "as it is" else "not shown"}[met]])


# The figures


class Clamscan:
    """Every round runs the command bare, recorded and bare again, and some rounds under each peer too; the order turns with the
    rounds, so that drift of the machine falls on all alike."""

    def __init__(self, place, temp, able, unable):
        self.place, self.temp, self.able, self.unable = place, temp, able, unable
        self.files = sum(len(names) for _, _, names in os.walk("/usr/include"))

    def measure(self):
        definitions = os.path.join(self.temp, "one.hdb")
        with open(definitions, "w") as file:
            file.write("44d88612fea8a8f36de82e1278abb02f:68:Hallmark.Test.Eicar\n")
        command = ["clamscan", "--no-summary", "-i", "-d", definitions, "-r", "/usr/include", f"--tempdir={self.temp}"]
        bare, again, ours = Tool(self.place), Tool(self.place), Recorder(self.place)
        again.name = "bare again"
        bare.run(command)  # warms the page cache; not counted
        self.rounds = []
        with_peers = spread_evenly(PEER_ROUNDS, ROUNDS)
        for number in range(ROUNDS):
            tools = [bare, ours, again] + (self.able if number in with_peers else [])
            samples = {}
            for i in range(len(tools)):
                tool = tools[(i + number) % len(tools)]
                progress(f"clamscan, round {number + 1} of {ROUNDS}: {tool.name}")
                samples[tool.name] = tool.run(command)
            self.rounds.append(samples)
        return self

    def ratios(self, name, what):
        return [r[name][what] / r["bare"][what] for r in self.rounds if name in r]

    def row(self, name, shown):
        samples = [r[name] for r in self.rounds if name in r]
        cpu, wall = self.ratios(name, "cpu"), self.ratios(name, "wall")
        events = int(middle(samples, "events")) if "events" in samples[0] else 0
        return [shown, len(samples), self.spread["cpu"].show(cpu) if events else f"{statistics.median(cpu):.3f}", half(cpu),
                self.spread["wall"].show(wall) if events else f"{statistics.median(wall):.3f}", half(wall),
                f"{events:,}" if events else "", f"{middle(samples, 'bytes') / events:.1f}" if events else "",
                f"{middle(samples, 'own_cpu'):.2f}" if events else "",
                max(s["said_lost"] for s in samples) if events else "",
                f"{middle(samples, 'frozen'):.3f}" if "frozen" in samples[0] else ""]

    def show(self):
        self.spread = {what: Spread(self.ratios("bare again", what)) for what in ("cpu", "wall")}
        seconds = [r["bare"] for r in self.rounds]
        print(f"## clamscan -r over {self.files:,} files\n")
        print(f"`clamscan -d one.hdb -r /usr/include --tempdir=TMPFS`: bare {middle(seconds, 'cpu'):.2f} CPU seconds, "
              f"{middle(seconds, 'wall'):.2f} s of wall clock. Ratios to the bare run of the same round, medians; beside them the middle "
              f"half. `below X`: smaller than the spread of bare against bare.\n")
        rows = [self.row("bare again", "bare / bare (A/A)"), self.row("hallmark", "**hallmark**")]
        rows += [self.row(tool.name, tool.name) for tool in self.able]
        rows += [[name, 0, "cannot run here: " + why] + [""] * 8 for name, why in self.unable]
        table(["tool", "rounds", "CPU seconds", "middle half", "wall clock", "middle half", "events a run", "bytes an event",
               "tool's own CPU s", "lost, by its own count", "seconds frozen"], rows)
        self.compare()

    def compare(self):
        for what, text in (("cpu", "CPU seconds"), ("wall", "wall clock")):
            ratios = self.ratios("hallmark", what)
            aim(f"clamscan, recorded / bare, {text}", "1.03 or less", self.spread[what].show(ratios), self.spread[what].within(ratios, 1.03))
        ours = [r["hallmark"] for r in self.rounds]
        aim("events lost on clamscan", "0", f"{max(s['said_lost'] for s in ours)}", max(s["said_lost"] for s in ours) == 0)
        stored = sum(s["bytes"] for s in ours) / sum(s["events"] for s in ours)
        aim("bytes an event, stored, on clamscan", "20 or less", f"{stored:.1f}", stored <= 20)


def storm(place, able, unable):
    """Each kind of storm on all cores, bare and under every tool: what a call costs, and what of the true number is stored."""
    program, result = f"{place.build}/bench-storm", place.path("storm.json")
    print(f"## Storms: {os.cpu_count()} cores, {STORM_SECONDS} s, medians of {STORM_ROUNDS} rounds\n")
    print("The storm counts its own calls. A call's time is wall clock times cores through calls; *to disk* adds what the tool takes to "
          "store the rest. Peers watch only the storm's call, the recorder all that it always looks at.\n")
    rows = []
    for kind, call in (("getpid", "getpid"), ("pread", "pread64"), ("open", "open")):
        tools = [Tool(place), Recorder(place)] + able
        taken = {tool.name: [] for tool in tools}
        for number in range(STORM_ROUNDS):
            for i in range(len(tools)):
                tool = tools[(i + number) % len(tools)]
                progress(f"storm of {kind}, round {number + 1} of {STORM_ROUNDS}: {tool.name}")
                sample = tool.run([program, kind, str(STORM_SECONDS), result], [call], call)
                made = json.load(open(result))
                sample.update(made, each=made["seconds"] * made["threads"] / made["calls"] * 1e9,
                              million=made["seconds"] / made["calls"] * 1e6, disk=sample["total"] / made["calls"] * 1e6)
                taken[tool.name].append(sample)
        rows += storm_rows(kind, taken, tools)
        if call != "getpid":
            compare_storms(kind, taken)
        rows += [[kind, name, "cannot run here: " + why] + [""] * 8 for name, why in unable]
    table(["storm", "tool", "ns a call", "slower by", "s a million calls", "same, to disk", "calls made", "stored of them", "lost, true",
           "lost, by its own count", "seconds frozen"], rows)


def compare_storms(kind, taken):
    lost = max(max(s["calls"] - s["of_call"], s["said_lost"]) for s in taken["hallmark"])
    aim(f"storm of {kind}, events lost", "0", f"{lost:,}", lost == 0)
    ours = middle(taken["hallmark"], "disk")
    peers = {name: middle(samples, "disk") for name, samples in taken.items() if name.startswith(("strace", "auditd"))}
    aim(f"storm of {kind}, seconds a million calls, to disk", "fewer than strace, auditd",
        f"{ours:.2f}; " + ", ".join(f"{name} {value:.2f}" for name, value in peers.items()), all(ours < value for value in peers.values()))


def storm_rows(kind, taken, tools):
    rows = []
    bare = middle(taken["bare"], "each")
    for tool in tools:
        samples = taken[tool.name]
        worst = max(samples, key=lambda s: s["calls"] - (s.get("of_call") or 0))
        row = [kind, tool.name, f"{middle(samples, 'each'):,.0f}", f"{middle(samples, 'each') / bare:,.2f}", f"{middle(samples, 'million'):,.2f}"]
        if tool.name == "bare":
            row += ["", f"{worst['calls']:,}", "", "", "", ""]
        elif worst["of_call"] is None:
            row += ["", f"{worst['calls']:,}", "not recorded: no call that matters", "", f"{worst['said_lost']:,}", f"{middle(samples, 'frozen'):.2f}"]
        else:
            row += [f"{middle(samples, 'disk'):,.2f}", f"{worst['calls']:,}", f"{worst['of_call']:,}", f"{worst['calls'] - worst['of_call']:,}",
                    f"{worst['said_lost']:,}", f"{middle(samples, 'frozen'):.2f}" if "frozen" in samples[0] else ""]
        rows.append(row)
    return rows


def flood(place):
    """One long storm of pread on all cores under the recorder: what it sustains, and whether its memory grows."""
    result, ours = place.path("storm.json"), Recorder(place)
    progress(f"flood of {FLOOD_SECONDS} s")
    try:
        ours.start(place.calls, [])
        begun = time.monotonic()
        process = subprocess.Popen(place.subject([f"{place.build}/bench-storm", "pread", str(FLOOD_SECONDS), result]), preexec_fn=die_with_parent)
        try:
            time.sleep(10)
            early = ours.look()
            process.wait()
        finally:
            process.kill()
        ours.stop()
        seconds = time.monotonic() - begun
        end, made = ours.end, json.load(open(result))
    finally:
        ours.clean()
    cores = os.cpu_count()
    rate, lost = end["events"] / seconds / cores, made["calls"] - end["pread64"]
    memory = max(end["rss"] + end["maps"], early["rss"] + early["maps"]) / MIB
    own = end["events"] / (end["cpu"] - ours.at_start["cpu"])
    aim("events recorded a second and core, sustained, with the flood on the same cores", "1,500,000", f"{rate:,.0f}", rate >= 1500000)
    aim("events recorded a second of the recorder's own CPU time", "1,500,000", f"{own:,.0f}", own >= 1500000)
    aim(f"events lost in a flood of {FLOOD_SECONDS} s", "0", f"{max(lost, end['lost'], end['missing']):,}", max(lost, end["lost"], end["missing"]) == 0)
    aim("memory of the recorder, peak resident and maps", "64 MiB or less", f"{memory:.1f} MiB", memory <= 64)
    aim(f"its growth from 10 to {FLOOD_SECONDS} s", "none", f"{(end['rss'] + end['maps'] - early['rss'] - early['maps']) / MIB:.1f} MiB",
        end["rss"] + end["maps"] - early["rss"] - early["maps"] < MIB)
    print(f"## Flood: pread of 1 byte on {cores} cores for {FLOOD_SECONDS} s\n")
    table(["figure", "value"], [
        ["calls made, of them stored, lost", f"{made['calls']:,}, {end['pread64']:,}, {lost:,}"],
        ["events stored in all, bytes each", f"{end['events']:,}, {end['bytes'] / end['events']:.1f}"],
        ["events a second and core, to disk", f"{rate:,.0f}"],
        ["events a second of the recorder's own CPU time", f"{own:,.0f}"],
        ["times frozen, seconds frozen", f"{end['freezes']:,}, {end['frozen']:.2f}"],
        ["memory after 10 s: peak resident + BPF maps", f"{early['rss'] / MIB:.1f} + {early['maps'] / MIB:.1f} MiB"],
        [f"memory after {FLOOD_SECONDS} s", f"{end['rss'] / MIB:.1f} + {end['maps'] / MIB:.1f} MiB"]])


def unwatched(place):
    """What a process pays that is not watched: getpid on one core, with the recorder attached to an empty cgroup, or not."""
    result, ours, cpu = place.path("storm.json"), Recorder(place), str(max(os.sched_getaffinity(0)))
    each = {"without": [], "attached": [], "again": []}
    for number in range(ROUNDS):
        for i in range(3):
            which = list(each)[(i + number) % 3]
            progress(f"not watched, round {number + 1} of {ROUNDS}")
            try:
                if which == "attached":
                    ours.start(place.calls, [])
                subprocess.run([f"{place.build}/bench-storm", "getpid", "0.5", result, cpu], check=True, preexec_fn=die_with_parent)
                if which == "attached":
                    ours.stop()
            finally:
                ours.clean()
            made = json.load(open(result))
            each[which].append(made["seconds"] / made["calls"] * 1e9)
    more = statistics.median(a - b for a, b in zip(each["attached"], each["without"]))
    noise = statistics.median(abs(a - b) for a, b in zip(each["again"], each["without"]))
    aim("a call of a process that is not watched", "as it is", f"{more:+.0f} ns" if abs(more) > noise else f"below {noise:.0f} ns", None)
    print(f"## A process that is not watched: getpid on one core, medians of {ROUNDS} rounds\n")
    table(["", "ns a call", "middle half", "more than without"],
          [[name, f"{statistics.median(each[key]):.1f}", half(each[key], 1),
            "" if key == "without" else f"{statistics.median(a - b for a, b in zip(each[key], each['without'])):+.1f}"]
           for key, name in (("without", "no recorder"), ("again", "no recorder, again (A/A)"), ("attached", "recorder attached"))])


def verify(place, temp):
    """A bundle with one long record, verified whole: container, digests, Merkle roots, signature, every finding derived again."""
    reads = 200000 if ROUNDS >= 10 else 50000
    bundle, key, env = place.path("many.hallmark"), os.path.join(temp, "key.pem"), {**os.environ, "HALLMARK_WORK": place.path("w")}
    script = f"i=0; while [ $i -lt {reads} ]; do i=$((i + 1)); read -r line </etc/passwd; done"
    progress("a bundle to verify")
    subprocess.run([f"{place.build}/hallmark", "keygen", key], env=env, check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run([f"{place.build}/hallmark", "assess", "--key", key, "--internet", "closed", "--time-limit", "300", "-o", bundle,
                           "--quiet", "--", "/bin/dash", "-c", script], env=env, preexec_fn=die_with_parent, capture_output=True, text=True)
    if not os.path.exists(bundle):
        print(f"Verifying: not measured, no bundle: {made.stderr.strip()[:300]}\n")
        return
    with zipfile.ZipFile(bundle) as parts:
        core = json.loads(parts.read("core.json"))
        size = parts.getinfo("runs/0001/record.cbor.zst").file_size
    events = sum(row["items"] for row in core["records"] if row["name"].endswith("record.cbor.zst"))
    times, memory = [], 0
    for number in range(min(5, ROUNDS)):
        progress(f"verifying, {number + 1}")
        begun = time.monotonic()
        started = subprocess.Popen([f"{place.build}/hallmark-verify", bundle, "--key", f"{key}.pub", "--quiet"], preexec_fn=die_with_parent)
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        times.append(time.monotonic() - begun)
        memory = max(memory, usage.ru_maxrss * 1024)
    took = statistics.median(times)
    print(f"## hallmark-verify, medians of {len(times)}\n")
    aim("hallmark-verify, seconds for 10 million events", "5 or less", f"{took / events * 1e7:.1f}", took / events * 1e7 <= 5)
    aim("hallmark-verify, memory", "64 MiB or less", f"{memory / 2**20:.1f} MiB", memory <= 64 << 20)
    table(["events", "bytes", "seconds, whole", "seconds a million events"],
          [[f"{events:,}", f"{size:,}", f"{took:.2f}", f"{took / events * 1e6:.2f}"]])


def machine():
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    print(f"# Figures of {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC\n")
    print(f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, load before {load:.2f}"
          f"{', so other work disturbs what follows' if load > 0.5 else ''}. ROUNDS={ROUNDS}.\n", flush=True)


def main():
    build, temp, disk, cgroup, *figures = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    die_with_parent(signal.SIGTERM)
    place = Place(build, disk, cgroup)
    figures = figures or ["clamscan", "storm", "flood", "unwatched", "verify"]
    machine()
    able, unable = able_peers(place) if {"clamscan", "storm"} & set(figures) else ([], [])
    for name in figures:
        if name == "clamscan":
            Clamscan(place, temp, able, unable).measure().show()
        elif name == "storm":
            storm(place, able, unable)
        else:
            {"flood": lambda: flood(place), "unwatched": lambda: unwatched(place), "verify": lambda: verify(place, temp)}[name]()
    print("## The aims\n")
    table(["figure", "aim", "measured", "met"], AIMS)
    progress("done\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
