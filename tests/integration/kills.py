#!/usr/bin/python3
"""hallmark killed at random instants of its life: of an assessment, of one run in a chamber, of a flood that it has stopped, of
daemons that it watches; sometimes together with its guardians.

    kills.py BUILD SOURCE COUNT [SEED]

Every record that is left is read by both readers, which agree on it; it says that it is cut, unless it was finished before; no claim
is upheld by it. Nothing is left behind: no process, mount, network namespace, control group; no daemon stays stopped; the next start
removes the folders. Prints the seed; HALLMARK_SEED sets it."""
import glob, os, random, shutil, signal, subprocess, sys, tempfile, time

build, source, count = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2]), int(sys.argv[3])
seed = int(sys.argv[4] if len(sys.argv) > 4 else os.environ.get("HALLMARK_SEED", "1"))
if os.geteuid() != 0:
    print("1..0 # SKIP needs root")
    sys.exit(0)
sys.path.insert(0, f"{source}/tests/interop")
import record_reader

hallmark, subject = f"{build}/hallmark", f"{build}/tests/daemon_subject"
cgroup2 = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2")
work = tempfile.mkdtemp(prefix="hallmark-kills-", dir="/var/tmp")
os.chmod(work, 0o755)
group = f"{cgroup2}/hmkills-{os.getpid()}"
env = dict(os.environ, HALLMARK_WORK=f"{work}/w", HALLMARK_KEY=f"{work}/key.pem", HALLMARK_DATA=f"{source}/data")
dice = random.Random(seed)
number, failed = 0, False
QUIET = ["/bin/sh", "-c", "cat /srv/documents/letter.eml >/dev/null; (ls / >/dev/null &); sleep 0.1"]
# Paths of 3,900 bytes, so that few events fill the ring.
FLOOD = ["/bin/bash", "-c", """
name=$(printf %0200d 0) base=/tmp
cd $base
for ((i = 0; i < 18; i++)); do mkdir $name && cd $name; done
path=$base; for ((i = 0; i < 18; i++)); do path+=/$name; done
: >f
for ((i = 0; i < 6; i++)); do (while :; do : <$path/f; done) & done
wait"""]


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in list(details)[:12]:
        print("#", detail)
    print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
    failed |= not good


def text_of(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def until(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def processes(where):
    """Those whose command line names `where`: forks of hallmark share its own."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if where in text_of(path) and f"{where}/d\0" not in text_of(path):
            pid = int(path.split("/")[2])
            if pid != os.getpid() and text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] != ["Z"]:
                found.append(pid)
    return found


def groups_of(pid):
    return glob.glob(f"{cgroup2}/hallmark/{pid}-*")


def namespaces_of(groups):
    """Of the chamber's first process: who lives in none but these is gone with them."""
    found = set()
    for folder in groups:
        for pid in text_of(f"{folder}/init/cgroup.procs").split():
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/net"))
            except OSError:
                pass
    return found - {os.readlink("/proc/self/ns/net")}


def started(pid):
    """In clock ticks since the machine's start."""
    return int(text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])


def holders(namespaces, killed):
    """Who lived in them before the kill, and still does: a namespace's number can be another's soon."""
    found = []
    for path in glob.glob("/proc/[0-9]*/ns/net") if namespaces else []:
        try:
            if os.readlink(path) in namespaces and started(path.split("/")[2]) < killed:
                found.append(path)
        except (OSError, IndexError):
            pass
    return found


def left(pid, namespaces, killed):
    return ([f"process {p}: {text_of(f'/proc/{p}/comm').strip()}" for p in processes(work)] + groups_of(pid) +
            [line for line in text_of("/proc/mounts").splitlines() if f"{work}/w" in line] + holders(namespaces, killed) +
            [f for f in glob.glob(f"{work}/w/*") if not os.path.basename(f).startswith(("lock", "assess-"))])


def is_frozen(folder):
    return "frozen 1" in text_of(f"{folder}/cgroup.events")


def start(arguments):
    return subprocess.Popen([hallmark, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def beat():
    with open(f"{work}/d/beat", "rb") as f:
        return f.read(8)


def goes_on():
    was = beat()
    time.sleep(0.02)
    return beat() != was


class Daemons:
    def __enter__(self):
        os.mkdir(group)
        os.mkdir(f"{work}/d")

        def join():
            with open(f"{group}/cgroup.procs", "w") as f:
                f.write("0")

        self.process = subprocess.Popen([subject, "flood", f"{work}/d", "6"], preexec_fn=join, stdin=subprocess.DEVNULL)
        until(60, lambda: os.path.exists(f"{work}/d/beat") and len(beat()) == 8 and goes_on())
        return self

    def __exit__(self, *_):
        for _ in range(100):
            if not text_of(f"{group}/cgroup.procs").strip():
                break
            with open(f"{group}/cgroup.kill", "w") as f:
                f.write("1")
            time.sleep(0.01)
        self.process.wait()
        until(60, lambda: "populated 0" in text_of(f"{group}/cgroup.events"))
        os.rmdir(group)
        shutil.rmtree(f"{work}/d")


class Kill:
    """One of them: what it runs, when it is killed, what it left."""
    def __init__(self, name, arguments, wait):
        self.name, self.arguments, self.wait = name, arguments, wait

    def run(self, both):
        process = start(self.arguments)
        began = time.monotonic()
        self.wait(process)
        self.after = time.monotonic() - began
        self.alive = process.poll() is None
        groups = groups_of(process.pid)
        self.stood = any(is_frozen(folder) for folder in [group] + [f"{g}/product" for g in groups])
        namespaces = namespaces_of(groups)
        killed = int(float(text_of("/proc/uptime").split()[0]) * os.sysconf("SC_CLK_TCK"))
        for pid in [process.pid] + (processes(work) if both else []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()
        if both and subprocess.run([hallmark, "observe", "-o", f"{work}/next", "--", "true"], env=env, capture_output=True).returncode:
            return ["the next start did not run"]
        for path in glob.glob(f"{work}/next*"):
            os.unlink(path)
        until(30, lambda: not left(process.pid, namespaces, killed))
        return left(process.pid, namespaces, killed)


def sleep_for(seconds):
    def wait(process):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    return wait


def frozen_now(process):
    """Until what it records is frozen. That comes soon with the reader of the ring behind everybody; the thread that freezes has a
    priority of its own. hallmark is stopped to look twice: so it is killed before it can thaw."""
    def folders():
        return [group] + [f"{folder}/product" for folder in groups_of(process.pid)]

    until(60, lambda: process.poll() is not None or any("populated 1" in text_of(f"{f}/cgroup.events") for f in folders()))
    time.sleep(0.1)
    end = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        os.setpriority(os.PRIO_PROCESS, process.pid, 19)
        if not any(is_frozen(folder) for folder in folders()):
            continue
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.002)
        if any(is_frozen(folder) for folder in folders()):
            return
        process.send_signal(signal.SIGCONT)


def life_of(arguments):
    """The shortest of three, so that few kills come too late; what the last one made stays."""
    lives = []
    for _ in range(3):
        clear_records()
        began = time.monotonic()
        code = start(arguments).wait()
        lives.append(time.monotonic() - began)
    return code, min(lives)


def records_left():
    return glob.glob(f"{work}/w/assess-*/*.record") + [f"{work}/r"] * os.path.exists(f"{work}/r")


def clear_records():
    for path in glob.glob(f"{work}/r") + glob.glob(f"{work}/r.*") + glob.glob(f"{work}/b.hallmark"):
        os.unlink(path)
    for path in glob.glob(f"{work}/w/assess-*"):
        shutil.rmtree(path)


def main():
    os.mkdir(f"{work}/kept")
    subprocess.run([hallmark, "keygen", f"{work}/key.pem"], check=True, stdout=subprocess.DEVNULL)
    assess = ["assess", "--quiet", "--time-limit", "20", "-o", f"{work}/b.hallmark", "--", *QUIET]
    observe = ["observe", "--time-limit", "20", "-o", f"{work}/r", "--", *QUIET]
    flood = ["observe", "--time-limit", "20", "-o", f"{work}/r", "--", *FLOOD]
    watch = ["observe", "--time-limit", "20", "-o", f"{work}/r", "--cgroup", group]
    code, assess_s = life_of(assess)
    if os.path.exists(f"{work}/b.hallmark"):
        shutil.move(f"{work}/b.hallmark", f"{work}/whole.hallmark")
    code2, observe_s = life_of(observe)
    result(code <= 2 and code2 == 0, f"an assessment lasts {assess_s:.2f} s, a run {observe_s:.2f} s when nobody kills them",
           [f"exit codes {code}, {code2}"] * (code > 2 or code2 != 0))
    shutil.move(f"{work}/r", f"{work}/whole.record")
    clear_records()
    judged = subprocess.run([f"{build}/tests/judge_record", f"{work}/whole.hallmark", f"{work}/whole.record"], capture_output=True, text=True)
    result("cut=0" in judged.stdout and "refused=1" in judged.stdout and "upheld=0 " not in judged.stdout and judged.returncode == 0,
           "a whole record would be upheld, so the test can fail", (judged.stdout + judged.stderr).splitlines())

    print(f"# seed {seed}")
    kinds = {"assessment": 0, "run": 0, "flood": 0, "daemons": 0}
    behind, stuck, kept, ended, stood = [], [], [], 0, 0
    for i in range(count):
        name = dice.choices(list(kinds), [40, 35, 10, 15])[0]
        both = dice.random() < 0.1
        part = dice.random()
        kinds[name] += 1
        kill = {"assessment": lambda: Kill(name, assess, sleep_for(part * assess_s)),
                "run": lambda: Kill(name, observe, sleep_for(part * observe_s)),
                "flood": lambda: Kill(name, flood, frozen_now),
                "daemons": lambda: Kill(name, watch, frozen_now if part < 0.5 else sleep_for(part))}[name]()
        if name == "daemons":
            both = False  # with the guardian dead too nobody knows of them any more
            with Daemons():
                rest = kill.run(both)
                if not until(30, goes_on) or is_frozen(group):
                    stuck.append(f"kill {i} after {kill.after:.3f} s")
        else:
            rest = kill.run(both)
        behind += [f"kill {i} ({name}{' and guardians' * both} after {kill.after:.3f} s): {what}" for what in rest]
        ended += not kill.alive
        stood += kill.stood
        for path in records_left():
            kept.append(f"{work}/kept/{i:04}-{name}{'' if kill.alive else '-ended'}")
            shutil.move(path, kept[-1])
        clear_records()
    result(not behind, f"{count} kills ({', '.join(f'{n} {k}' for k, n in kinds.items())}; {stood} while frozen, {ended} had ended by "
           "themselves): nothing is left", behind)
    result(not stuck, "no daemon stays stopped", stuck)

    page = record_reader.kinds_of(f"{source}/doc/format/record.md")
    bad, cut, differ = [], 0, []
    for path in kept:
        with open(path, "rb") as f:
            code, lines = record_reader.outcome(f.read(), page)
        ours = subprocess.run([f"{build}/tests/interop/record_print", path], capture_output=True, text=True)
        if code or ours.returncode:
            bad.append(f"{os.path.basename(path)}: {lines if code else ours.stderr.strip()}")
        elif ours.stdout.splitlines() != lines:
            differ.append(os.path.basename(path))
        elif " cut 1 " in lines[0]:
            cut += 1
        elif not (len(lines) > 1 and lines[-1].split()[1] == "end"):
            bad.append(f"{os.path.basename(path)}: says that it is whole, and has no end")
    result(not bad, f"{len(kept)} records are left, and both readers read them", bad)
    result(not differ, "... and find the same in them", differ)
    result(cut > 0, f"... {cut} say that they are cut, the others were finished before the kill")
    if kept:
        judged = subprocess.run([f"{build}/tests/judge_record", f"{work}/whole.hallmark", *kept], capture_output=True, text=True)
        upheld = [line for line in judged.stdout.splitlines() if "cut=1" in line and "upheld=0 " not in line]
        result(judged.returncode == 0 and len(judged.stdout.splitlines()) == len(kept) and not upheld, "no cut record upholds a claim",
               upheld + judged.stderr.splitlines())
    code = subprocess.run([hallmark, "observe", "-o", f"{work}/last", "--", "true"], env=env, capture_output=True).returncode
    rest = [f for f in glob.glob(f"{work}/w/*") if not os.path.basename(f).startswith("lock")]
    result(code == 0 and not rest, "a last start works, and nothing is in the work folder", rest)
    print(f"1..{number}")


try:
    main()
finally:
    for pid in processes(work):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(work)
sys.exit(failed)
