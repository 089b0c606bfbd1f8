# A thin front over Meson: each target sets up what it needs on a bare Debian 12, configures, builds and runs.
BUILD ?= build

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@scripts/setup build
	@meson setup $(BUILD) >/dev/null || { cat $(BUILD)/meson-logs/meson-log.txt; exit 1; }

# Assesses clamscan, pyzor and freshclam; leaves out/NAME.hallmark and out/NAME.html.
assess:
	@scripts/setup build run
	@$(MAKE) --no-print-directory all
	@scripts/as-root scripts/assess $(BUILD)

# Checks the golden bundle without root or BPF, and writes its report.
verify-sample:
	@scripts/setup verify
	@scripts/verify-sample $(BUILD)-verify

test:
	@scripts/setup build run test
	@$(MAKE) --no-print-directory all
	@scripts/test $(BUILD)

# The part for while working, under a minute: no assessment, no virtual machine, no long faults.
check-fast: all
	@scripts/test $(BUILD) --fast

# The figures of bench/README.md as Markdown, beside strace, bpftrace, auditd and perf trace; ROUNDS=3 is quick.
bench:
	@scripts/setup build run bench
	@$(MAKE) --no-print-directory all
	@scripts/as-root bench/run $(BUILD)
	@bench/find/run $(BUILD) $(TREES)

# The contents of a tree read for all texts of the supplier tables, beside grep, yara and sha256sum on the same tree; TREES="/usr /opt".
bench-find:
	@scripts/setup build bench
	@$(MAKE) --no-print-directory all
	@bench/find/run $(BUILD) $(TREES)

# What assess says of 46 leaking scanners, of their twins that do not leak, and of real products, as Markdown; LEAKS="--only 01 --seeds 3".
bench-leaks:
	@scripts/setup build run test
	@$(MAKE) --no-print-directory all
	@scripts/as-root bench/leaks $(BUILD) $(LEAKS)

# A flood on all cores for SOAK_SECONDS: nothing of it may be missing in the record. Then hallmark is killed SOAK_KILLS times, and products do
# their worst: 4 GiB, 60,000 connections, 100,000 names (half an hour).
soak:
	@scripts/setup build run test
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) --quiet soak_check
	@scripts/as-root scripts/soak $(BUILD) $${SOAK_SECONDS:-60}
	@ninja -C $(BUILD) --quiet tests/judge_record tests/daemon_subject
	@scripts/as-root /usr/bin/python3 tests/integration/kills.py $(BUILD) . $${SOAK_KILLS:-200}
	@ninja -C $(BUILD) --quiet tests/interop/record_print
	@scripts/as-root env HALLMARK_HOSTILE=large tests/integration/hostile.sh $(BUILD) $(CURDIR)

# Coverage-guided fuzzing of every reader of foreign bytes, FUZZ_SECONDS each.
fuzz:
	@scripts/setup build fuzz
	@scripts/fuzz $(BUILD)-fuzz $${FUZZ_SECONDS:-60}

# PREFIX is Meson's: meson configure -Dprefix=/usr $(BUILD)
install: all
	@meson install -C $(BUILD) --no-rebuild 2>$(BUILD)/install.log || { tail -n 1 $(BUILD)/install.log; \
		echo "make install: not installed (sudo make install, or make install DESTDIR=FOLDER)"; exit 1; } >&2

clean:
	@rm -rf $(BUILD) $(BUILD)-verify $(BUILD)-fuzz

.PHONY: all assess verify-sample test check-fast bench bench-find bench-leaks soak fuzz install clean
