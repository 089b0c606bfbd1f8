package main

// Whether an experiment was done as it was planned, and what was dropped by rules that there are (core.md).

import "fmt"

const (
	pairsLeast = 7
	sendsLeast = 8
	locateMost = 128
	probeFirst = 8 // confirming blocks of a factor behind which the rest need not be done
)

// What became of a block, or of one of its runs, the graver behind.
const (
	fateDone = iota
	fateNotSetUp
	fateNotRecorded
	fateSkipped
	fateNotKept
	fateNoTLS
	fateUnasked
	fateInterrupted
	fateNone // by a rule that there is not
)

var ruleFates = map[string]int{"not set up": fateNotSetUp, "not recorded": fateNotRecorded, "nothing to confirm": fateSkipped, "nothing kept": fateNotKept,
	"no tls": fateNoTLS, "nothing to locate": fateUnasked, "interrupted": fateInterrupted}

var phaseRank = map[string]int{"aa": 0, "screen": 1, "confirm": 2, "store": 3, "send": 4, "certificate": 5, "locate": 6}

// baseOf is the level that a factor has where it is not varied.
func baseOf(factor string) int64 {
	if factor == "marking" || factor == "sample" {
		return 1
	}
	return 0
}

func between(least, n, most int) int {
	if n < least {
		return least
	}
	return min(n, most)
}

// checkExperiment: blocks, what became of them, secrets and documents are those that plan and seed call for.
func (x *experiment) checkExperiment() error {
	if err := x.checkBlocks(); err != nil {
		return err
	}
	if err := x.checkCounts(); err != nil {
		return err
	}
	for _, name := range []string{"repeated", "resumed"} {
		last := int64(1)
		for _, row := range x.c.assessment.items(name) {
			if n := row.int("block"); n < last || n > int64(len(x.c.blocks)) {
				return contradiction("what is %s is no block, or out of order", name)
			}
			last = row.int("block")
		}
	}
	return x.checkSets()
}

// addressFits: the chamber's address is that of the set; before semantics 4 there was one for all.
func (x *experiment) addressFits(set, run *value) bool {
	if x.c.semantics < 4 || set == nil || !run.has("address") {
		return x.c.semantics < 4 && !run.has("address")
	}
	level := int64(0)
	for _, row := range set.items("levels") {
		if covers(row.str("factor"), "host.address") {
			level = row.int("level")
		}
	}
	var seed seedOf
	copy(seed[:], hexBytes(x.c.assessment.str("seed")))
	n := seed.pick(set.str("phase"), "host.address", set.int("block"), level, "address", 150)
	return run.str("address") == fmt.Sprintf("198.18.0.%d", 100+n)
}

func contradiction(format string, args ...interface{}) error {
	return fmt.Errorf("the experiment contradicts itself: "+format, args...)
}

func (x *experiment) place(factor string) int {
	for i, f := range x.factors {
		if f == factor {
			return i
		}
	}
	return -1
}

func (x *experiment) checkBlocks() error {
	rows, runs := x.c.plan.items("blocks"), x.c.plan.items("runs")
	if len(rows) > 4096 || 2*len(rows) != len(runs) || len(x.c.blocks) != len(rows) {
		return contradiction("the blocks do not have all planned runs")
	}
	for i, b := range x.c.blocks {
		if b.n != int64(i+1) || b.runs != [2]int{2*i + 1, 2*i + 2} || runs[2*i].int("run") != int64(2*i+1) || runs[2*i+1].int("run") != int64(2*i+2) ||
			runs[2*i].str("kind") != b.phase || runs[2*i+1].str("kind") != b.phase {
			return contradiction("block %d is out of order, or its runs are not the next two", i+1)
		}
		varies := b.phase == "confirm" || b.phase == "store" || b.phase == "send"
		if varies != rows[i].has("factor") || varies && x.place(b.factor) < 0 || (b.phase == "store" || b.phase == "send") && b.factor != "content" ||
			b.phase == "locate" && x.c.semantics < 4 {
			return contradiction("block %d varies what it cannot", b.n)
		}
		var last *block
		if i > 0 {
			last = x.c.blocks[i-1]
		}
		if !x.inOrder(last, b) {
			return contradiction("the blocks are not in the order of phases and factors")
		}
		if err := x.checkFate(last, b); err != nil {
			return err
		}
	}
	if n := len(x.c.blocks); n > 0 && x.c.blocks[n-1].phase == "store" {
		return contradiction("nothing is sent of what the last block kept")
	}
	return nil
}

func (x *experiment) inOrder(last, b *block) bool {
	stored := func(b *block) bool { return b.phase == "store" || b.phase == "send" }
	switch {
	case b.phase == "send" || last != nil && last.phase == "store":
		return last != nil && last.phase == "store" && b.phase == "send"
	case last == nil || stored(last) && stored(b):
		return true
	case last.phase != b.phase:
		return phaseRank[last.phase] < phaseRank[b.phase]
	}
	return x.place(last.factor) <= x.place(b.factor)
}

// checkFate: rules that are said of whole blocks, and of those that they can be said of.
func (x *experiment) checkFate(last, b *block) error {
	a, c := b.fates[0], b.fates[1]
	b.fate = a
	if c > a {
		b.fate = c
	}
	switch {
	case b.fate == fateNone:
		return contradiction("a run is dropped by a rule that does not exist")
	case a != c && (b.fate != fateNotRecorded || a == fateNotSetUp || c == fateNotSetUp):
		return contradiction("of block %d, which did not begin or was interrupted, one run is there", b.n)
	case last != nil && last.fate == fateInterrupted && b.fate != fateInterrupted:
		return contradiction("block %d stands behind one that was interrupted", b.n)
	case b.fate == fateSkipped && (b.phase != "confirm" || x.place(b.factor) < 1 || b.factor == "content"),
		b.fate == fateNotKept && b.phase != "store" && b.phase != "send",
		b.fate == fateUnasked && b.phase != "locate", b.fate == fateNoTLS && b.phase != "certificate":
		return contradiction("block %d was skipped, and is always done", b.n)
	case last != nil && last.fate == fateUnasked && b.fate != fateUnasked:
		return contradiction("block %d stands behind one that had nothing to locate", b.n)
	case last != nil && last.fate == fateSkipped && last.factor == b.factor && last.phase == b.phase && b.fate == fateDone:
		return contradiction("block %d stands behind one that was skipped", b.n)
	case b.phase == "send" && (a == fateDone && last.fates[0] != fateDone || c == fateDone && last.fates[1] != fateDone):
		return contradiction("a run began with what none had left")
	}
	return nil
}

func (x *experiment) checkCounts() error {
	count, confirms, pairs := map[string]int{}, map[string]int{}, 0
	for _, b := range x.c.blocks {
		count[b.phase]++
		if b.phase == "confirm" {
			confirms[b.factor]++
		}
	}
	for i, f := range x.factors {
		if confirms[f] < pairsLeast {
			return contradiction("too few confirming blocks for a verdict")
		}
		if x.place(f) != i {
			return contradiction("a factor is named twice")
		}
		if confirms[f] > pairs {
			pairs = confirms[f]
		}
	}
	switch {
	case count["send"] > 0 && count["send"] < sendsLeast:
		return contradiction("too few send blocks to confirm anything")
	case count["locate"] > 0 && count["locate"] != locateMost:
		return contradiction("more or fewer locate blocks than there are")
	case len(x.factors) == 0 || count["aa"] < between(8, pairs/4, 16) || count["screen"] < between(10, 2*pairs/3, 40):
		return contradiction("no factor, or too few A/A or screening blocks before so many pairs")
	}
	return nil
}

// screened: there is all that screening needs.
func (x *experiment) screened() bool {
	aa, screen := false, false
	for _, b := range x.c.blocks {
		switch {
		case b.phase != "aa" && b.phase != "screen":
			return aa && screen
		case b.fate == fateInterrupted:
			return false
		case b.fate == fateDone:
			aa, screen = aa || b.phase == "aa", screen || b.phase == "screen"
		}
	}
	return aa && screen
}

// heldOf is the screening block that assessment.json says was held for a factor; 0 where screening was not done.
func (x *experiment) heldOf(factor string) int64 {
	for _, row := range x.c.assessment.items("held") {
		if row.str("factor") == factor {
			return row.int("block")
		}
	}
	return 0
}

// checkSets: each run that was done had the documents that its block calls for.
func (x *experiment) checkSets() error {
	if n := len(x.c.assessment.items("held")); x.screened() != (n > 0) || n > 0 && n != len(x.factors) {
		return contradiction("blocks are held for other factors than were screened")
	}
	sets := map[int64]*value{}
	for i, s := range x.c.planted.items("sets") {
		if s.int("set") != int64(i+1) {
			return fmt.Errorf("planted.json: the sets are not 1, 2, 3 ...")
		}
		sets[s.int("set")] = s
	}
	of := map[int64]int64{}
	runs, told := x.c.assessment.items("runs"), x.c.assessment.items("sets")
	if len(runs) != len(told) {
		return contradiction("it is not told what each run found")
	}
	for i, row := range told {
		of[row.int("run")] = row.int("set")
		if row.int("run") != runs[i].int("run") {
			return contradiction("it is not told what each run found")
		}
		if !x.addressFits(sets[row.int("set")], runs[i]) {
			return contradiction("run %d had another address than follows from the seed", row.int("run"))
		}
	}
	for _, b := range x.c.blocks {
		for place, run := range b.runs {
			if b.fates[place] == fateDone && !x.setFits(sets[of[int64(run)]], b, place) {
				return contradiction("run %d had other documents than its block calls for", run)
			}
		}
	}
	return nil
}

func (x *experiment) setFits(set *value, b *block, place int) bool {
	if set == nil || len(set.items("levels")) != len(x.factors) || b.factor != "" && x.heldOf(b.factor) == 0 {
		return false
	}
	phase, secrets := "screen", b.n
	switch b.phase {
	case "locate": // what it had is told by what was asked
		return set.str("phase") == "screen"
	case "aa":
		phase = "aa"
	case "certificate":
		phase, secrets = "aa", 1
	case "confirm", "store", "send":
		secrets = x.heldOf(b.factor)
	}
	if set.get("mix") != nil || set.str("phase") != phase || set.int("block") != secrets {
		return false
	}
	for i, row := range set.items("levels") {
		level := baseOf(x.factors[i])
		if b.phase == "screen" || b.factor == x.factors[i] && b.phase != "send" {
			level = int64(b.level[place])
		}
		if row.str("factor") != x.factors[i] || row.int("level") != level {
			return false
		}
	}
	return true
}

// checkSkipped repeats the decision that confirming blocks had nothing to confirm.
func (x *experiment) checkSkipped(factor string) error {
	before := 0
	skipped := false
	var done []*block
	for _, b := range x.c.blocks {
		if b.phase != "confirm" || b.factor != factor || skipped {
			continue
		}
		if skipped = b.fate == fateSkipped; !skipped {
			before++
		}
		if b.part {
			done = append(done, b)
		}
	}
	if !skipped {
		return nil
	}
	want := 0
	if len(x.net.suspects) > 0 {
		want = probeFirst
	}
	if before != want {
		return fmt.Errorf("blocks of %s were skipped behind %d, which no rule allows", factor, before)
	}
	for _, k := range x.net.suspects {
		for _, b := range done {
			if zero, one := x.net.pair(b, k); !x.net.timing(k) && !zero.same(one) {
				return fmt.Errorf("blocks of %s were skipped that had something to confirm", factor)
			}
		}
	}
	return nil
}

// checkKept repeats the decision that there was nothing to send: by what confirming blocks of content left on disk, and whether all of it is known.
func (x *experiment) checkKept() error {
	dropped := false
	located := map[int]bool{}
	for _, b := range x.c.blocks {
		dropped = dropped || b.fate == fateNotKept
		if b.phase == "locate" || b.phase == "certificate" {
			located[b.runs[0]], located[b.runs[1]] = true, true
		}
	}
	if !dropped {
		return nil
	}
	blocks, _ := x.disk.confirmingOf("content", "confirm")
	for _, b := range blocks {
		zero, one := x.disk.pair(b, featureKey{"disk", "all"})
		if !zero.same(one) {
			return fmt.Errorf("runs were dropped as if nothing had been kept, and something was")
		}
	}
	for _, r := range x.c.runs {
		for _, e := range r.tree {
			if e.kind == 'f' && e.sha == "" && !located[r.n] {
				return fmt.Errorf("runs were dropped as if all that was kept was known, and it is not")
			}
		}
	}
	return nil
}
