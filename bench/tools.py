"""The tools that are measured: the recorder, and what else Debian has that watches system calls. Each starts, has one command run in
the cgroup by bench-subject, is stopped, and tells what it stored and what it says that it lost."""
import ctypes, glob, json, os, re, shutil, signal, subprocess, time

KEY = "hallmark-bench"  # of our audit rules; bench/run removes them whatever happens


class Unable(Exception):
    """A tool that cannot run here; its text is the reason."""


def die_with_parent(number=signal.SIGKILL):
    ctypes.CDLL(None).prctl(1, number)


class Place:
    """Where a bench takes place: the built programs, folders, the cgroup, the calls to watch."""

    def __init__(self, build, disk, cgroup):
        self.build, self.disk, self.cgroup = build, disk, cgroup
        said = subprocess.run([f"{build}/bench-recorder", "calls"], capture_output=True, text=True, check=True).stdout
        self.numbers = dict(line.split() for line in said.splitlines())
        self.calls = list(self.numbers)

    def path(self, name):
        return os.path.join(self.disk, name)

    def subject(self, command):
        return [f"{self.build}/bench-subject", self.cgroup, self.path("subject.json"), *command]


def count_lines(path, *patterns):
    """Lines that match one of the patterns (extended); all lines where there is none."""
    args = ["grep", "-c", "-a", "-E"] + [x for p in patterns or ("",) for x in ("-e", p)] + [path]
    return int(subprocess.run(args, capture_output=True, text=True, env={"LC_ALL": "C"}).stdout or 0)


def last_words(path):
    with open(path, errors="replace") as file:
        words = [line.strip() for line in file if line.strip()]
    return words[-1][:160] if words else "it says nothing"


class Tool:
    """`bare` is the tool that does nothing. What others must do: start() and stop(), or wrap(); then collect()."""
    name = "bare"
    program = None
    reaps = True  # where it wraps the command: it waits for it, so that its CPU seconds include the command's

    ends_by = signal.SIGKILL

    def __init__(self, place):
        self.place, self.process, self.log = place, None, place.path("tool.log")
        if self.program and not shutil.which(self.program):
            raise Unable(f"{self.program} is not installed (scripts/setup bench)")

    def start(self, calls, command):
        pass

    def wrap(self, command):
        return command

    def stop(self):
        pass

    def collect(self, call):
        """What is stored: {"events", "bytes", "of_call": events of the storm's call, "said_lost"}"""
        return {}

    def spawn(self, argv, **kw):
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(argv, stderr=log, preexec_fn=lambda: die_with_parent(self.ends_by), **kw)

    def reap(self):
        """Waits for the tool's process, returns its CPU seconds."""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process = None
        return usage.ru_utime + usage.ru_stime

    def await_word(self, word, seconds=120):
        until = time.monotonic() + seconds
        while word not in open(self.log, errors="replace").read():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Unable(f"{self.name}: {last_words(self.log)}")
            time.sleep(0.05)

    def clean(self):
        """Leaves nothing behind, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.ends_by)
            self.process.wait()
        self.process = None
        for path in glob.glob(self.place.path("tool.*")):
            os.unlink(path)

    def run(self, command, calls=None, call=None):
        """Runs `command` under the tool: what bench-subject says, what is stored, `total` seconds until all of it is."""
        calls = calls or self.place.calls
        argv = self.wrap_calls(self.place.subject(command), calls)
        try:
            self.start(calls, command)
            begun = time.monotonic()
            own = self.follow(argv)
            stopped = self.stop()
            sample = json.load(open(self.place.path("subject.json")))
            sample["total"] = time.monotonic() - begun
            sample["own_cpu"] = stopped if stopped is not None else own - sample["cpu"] * self.reaps
            if sample["code"] > 1:
                raise Unable(f"{self.name}: the command ended with {sample['code']}")
            sample.update(self.collect(call))
            return sample
        finally:
            self.clean()

    def wrap_calls(self, argv, calls):
        return argv

    def follow(self, argv):
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=open(self.log, "a"), preexec_fn=die_with_parent)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise Unable(f"{self.name}: {last_words(self.log)}")
        return usage.ru_utime + usage.ru_stime


class Recorder(Tool):
    name = "hallmark"

    def start(self, calls, command):
        self.spawn([f"{self.place.build}/bench-recorder", "record", self.place.cgroup, self.place.path("tool.record")],
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.at_start = self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise Unable(f"hallmark: {last_words(self.log)}")
        return json.loads(line)

    def look(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.hear()

    def stop(self):
        self.process.stdin.close()
        self.end = self.hear()
        self.process.stdout.close()
        self.reap()
        return self.end["cpu"] - self.at_start["cpu"]

    def collect(self, call):
        end = self.end
        return {"events": end["events"], "bytes": end["bytes"], "of_call": end.get(call), "said_lost": max(end["lost"], end["missing"]),
                "frozen": end["frozen"], "freezes": end["freezes"], "rss": end["rss"], "maps": end["maps"]}


class Strace(Tool):
    name = "strace -f"
    program = "strace"
    options = []

    def wrap_calls(self, argv, calls):
        every = ",".join("?" + call for call in calls + ["execve", "execveat", "fork", "vfork", "exit_group"])
        return ["strace", "-f", *self.options, "-qq", "-o", self.place.path("tool.out"), "-e", "trace=" + every, "--", *argv]

    def collect(self, call):
        out = self.place.path("tool.out")
        return {"events": count_lines(out), "bytes": os.path.getsize(out), "said_lost": 0, "of_call": call and count_lines(
            out, rf" {call}\(.* = [1-9]", rf"{call} resumed.* = [1-9]") if call != "pread64" else count_lines(
            out, r" pread64\(.* = 1$", r"pread64 resumed.* = 1$")}


class StraceFilter(Strace):
    name = "strace -f --seccomp-bpf"
    options = ["--seccomp-bpf"]


class Bpftrace(Tool):
    name = "bpftrace"
    program = "bpftrace"
    # Tracepoints are called by the kernel's function, not by the call.
    function = {"sendfile": "sendfile64", "umount2": "umount"}

    def start(self, calls, command):
        events = "/sys/kernel/tracing/events/syscalls/sys_exit_"
        if not os.path.isdir(events + "read"):
            raise Unable("this kernel has no syscall tracepoints, or no tracefs")
        names = sorted({self.function.get(c, c) for c in calls if os.path.isdir(events + self.function.get(c, c))})
        with open(self.place.path("tool.bt"), "w") as script:
            script.write(",\n".join(f"tracepoint:syscalls:sys_exit_{name}" for name in names))
            script.write(f' /cgroup == cgroupid("{self.place.cgroup}")/\n'
                         '{ printf("%llu %d %d %s %ld\\n", nsecs, pid, tid, probe, args->ret); }\nBEGIN { printf("ready\\n"); }\n')
        out = self.place.path("tool.out")
        self.spawn(["bpftrace", "-B", "full", "-o", out, self.place.path("tool.bt")], stdout=subprocess.DEVNULL)
        for _ in range(2400):  # it holds its output back: being attached is seen by its probes
            if self.process.poll() is not None:
                raise Unable(f"bpftrace: {last_words(self.log)}")
            if self.attached(len(names)):
                return
            time.sleep(0.05)
        raise Unable("bpftrace was not ready within two minutes")

    def attached(self, count):
        fds = glob.glob(f"/proc/{self.process.pid}/fd/*")
        links = 0
        for fd in fds:
            try:
                links += os.readlink(fd) == "anon_inode:[perf_event]"
            except FileNotFoundError:
                pass
        return links >= count + os.cpu_count()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.reap()

    def collect(self, call):
        out = self.place.path("tool.out")
        wanted = {None: None, "pread64": "sys_exit_pread64 1$"}.get(call, f"sys_exit_{call} ")
        lost = sum(int(n) for n in re.findall(r"Lost (\d+) events", open(self.log).read() + tail_of_losses(out)))
        return {"events": count_lines(out, "sys_exit_"), "bytes": os.path.getsize(out), "said_lost": lost,
                "of_call": wanted and count_lines(out, wanted)}


def tail_of_losses(path):
    return subprocess.run(["grep", "-a", "-o", "-E", "Lost [0-9]+ events|LOST [0-9]+ events", path], capture_output=True, text=True).stdout


class PerfTrace(Tool):
    name = "perf trace"
    program = "perf"
    reaps = False

    def __init__(self, place):
        super().__init__(place)
        if not os.path.isdir("/sys/kernel/tracing/events/raw_syscalls"):
            raise Unable("this kernel has no syscall tracepoints, or no tracefs")
        self.unknown = set()
        for _ in place.calls:  # it takes no call that is younger than itself, and names the first such one
            tried = subprocess.run(self.wrap_calls(["true"], place.calls), capture_output=True, text=True)
            name = re.search(r"event syntax error: '(\w+)", tried.stderr)
            if not name:
                break
            self.unknown.add(name[1])

    def wrap_calls(self, argv, calls):
        every = ",".join(call for call in calls if call not in self.unknown)
        return ["perf", "trace", "-o", self.place.path("tool.out"), "-e", every, "--", *argv]

    def collect(self, call):
        out = self.place.path("tool.out")
        lost = sum(int(n) for n in re.findall(r"LOST (\d+) events", tail_of_losses(out) + open(self.log).read()))
        wanted = {None: None, "pread64": r"pread64\(.* = 1$"}.get(call, rf"[ :]{call}\(.* = [1-9]")
        return {"events": count_lines(out, r"\) = ", r"\): .* = "), "bytes": os.path.getsize(out), "said_lost": lost,
                "of_call": wanted and count_lines(out, wanted)}


class Auditd(Tool):
    name = "auditd"
    program = "auditctl"
    ends_by = signal.SIGTERM  # killed, it would stay registered with the kernel
    config = """local_events = yes
write_logs = yes
log_file = {log}
log_group = root
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 8
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
"""

    def __init__(self, place):
        super().__init__(place)
        if not shutil.which("auditd"):
            raise Unable("auditd is not installed (scripts/setup bench)")
        state = self.state()
        if state["pid"] and os.path.exists(f"/proc/{state['pid']}"):
            raise Unable(f"an auditd of this machine runs (process {state['pid']}); its log is not ours to fill (service auditd stop, and again)")
        if state["enabled"] == 2:
            raise Unable("the audit rules of this machine are locked")
        self.before = None
        dump = subprocess.run(["ausyscall", "--dump"], capture_output=True, text=True).stdout
        self.numbers = {name: number for number, name in re.findall(r"^(\d+)\s+(\w+)$", dump, re.M)} | place.numbers

    @staticmethod
    def control(*args):
        return subprocess.run(["auditctl", *args], capture_output=True, text=True)

    def state(self):
        said = self.control("-s")
        found = dict(re.findall(r"^(\w+) (\d+)$", said.stdout, re.M))
        if said.returncode or "pid" not in found:
            raise Unable("the kernel's audit cannot be reached: " + (said.stderr.strip() or "no state")[:120])
        return {name: int(number) for name, number in found.items()}

    def start(self, calls, command):
        folder = self.place.path("audit")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder, 0o700)
        with open(folder + "/auditd.conf", "w") as conf:
            conf.write(self.config.format(log=folder + "/audit.log"))
        os.chmod(folder + "/auditd.conf", 0o640)
        self.before = self.state()
        self.spawn(["auditd", "-n", "-c", folder], stdout=subprocess.DEVNULL)
        self.await_state(lambda s: s["pid"] == self.process.pid)
        self.control("-b", "8192", "-f", "0")  # the backlog as Debian's rules set it; no flood of the kernel's log
        wanted = ",".join(self.numbers[call] for call in calls)
        program = os.path.realpath(shutil.which(command[0]) or command[0])
        added = self.control("-a", "always,exit", "-F", "arch=b64", "-S", wanted, "-F", f"exe={program}", "-k", KEY)
        if added.returncode:
            raise Unable("auditctl: " + added.stderr.strip()[:160])
        self.lost = self.state()["lost"]

    def await_state(self, good, seconds=60):
        until = time.monotonic() + seconds
        while not good(self.state()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Unable(f"auditd: {last_words(self.log)}")
            time.sleep(0.02)

    def stop(self):
        self.control("-D", "-k", KEY)
        self.await_state(lambda s: s["backlog"] == 0)
        self.lost = self.state()["lost"] - self.lost
        self.restore()
        self.process.terminate()
        return self.reap()

    def restore(self):
        if self.before:
            self.control("-b", str(self.before["backlog_limit"]), "-f", str(self.before["failure"]), "-e", str(self.before["enabled"]))
        self.before = None

    def collect(self, call):
        log = self.place.path("audit/audit.log")
        wanted = call and f"syscall={self.numbers[call]} success=yes exit=" + ("1 " if call == "pread64" else "")
        return {"events": count_lines(log, f'type=SYSCALL .*key="{KEY}"'), "bytes": os.path.getsize(log), "said_lost": self.lost,
                "of_call": wanted and count_lines(log, f'type=SYSCALL .*{wanted}.*key="{KEY}"')}

    def clean(self):
        self.control("-D", "-k", KEY)
        self.restore()
        super().clean()
        shutil.rmtree(self.place.path("audit"), ignore_errors=True)


PEERS = [Strace, StraceFilter, Bpftrace, Auditd, PerfTrace]


def able_peers(place):
    """The peers that can run here, and those that cannot with their reason. Each is tried on a short storm, which it must record."""
    able, unable = [], []
    for kind in PEERS:
        try:
            tool = kind(place)
            sample = tool.run([f"{place.build}/bench-storm", "pread", "0.05", place.path("storm.json")], ["pread64"], "pread64")
            if not sample["of_call"]:
                raise Unable("it runs, and stores nothing of what the command does")
            able.append(tool)
        except (Unable, OSError) as why:
            unable.append((kind.name, str(why)))
    return able, unable
