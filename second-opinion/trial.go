package main

// The experiment: runs against each other (statistics.md). Features of what left, or of what was left on disk, go the same way.

import (
	"crypto/sha256"
	"sort"
)

type block struct {
	n      int64
	phase  string
	factor string
	runs   [2]int // place A, place B
	level  [2]int // of the runs
	part   bool   // both were done
	fates  [2]int // of the runs
	fate   int    // the graver
	rules  map[string]bool
}

// at is the run of a level.
func (b *block) at(level int) int {
	if b.level[0] == level {
		return b.runs[0]
	}
	return b.runs[1]
}

// aside: its packets reached nobody, or who should not have been spoken to; they are no part of comparison and ledger.
func (b *block) aside() bool { return b.phase == "store" || b.phase == "certificate" }

type featureSet map[featureKey]*feature

// A trial is one comparison: the blocks and what is compared.
type trial struct {
	c      *core
	blocks []*block
	sets   map[int]featureSet
	keys   []featureKey // of all runs of blocks that have a part, in order
	aa     []*block
	screen []*block
	most   map[featureKey]int64 // D of timings
	aaDiff map[featureKey]int
	scDiff map[featureKey][]*block

	suspects []featureKey
	held     *block
	owners   map[*block]map[featureKey]bool // values of their own
}

func (c *core) readBlocks() []*block {
	var seed seedOf
	copy(seed[:], hexBytes(c.assessment.str("seed")))
	rules := map[int64]string{}
	for _, d := range c.assessment.items("dropped") {
		rules[d.int("run")] = d.str("rule")
	}
	var out []*block
	var store *block
	for _, row := range c.plan.items("blocks") {
		b := &block{n: row.int("block"), phase: row.str("phase"), factor: row.str("factor"), rules: map[string]bool{}}
		runs := row.items("runs")
		if len(runs) != 2 {
			continue
		}
		b.part = true
		for i, r := range runs {
			b.runs[i] = int(r.num)
			if _, done := c.outcome[int(r.num)]; !done {
				b.part = false
				b.rules[rules[r.num]] = true
				b.fates[i] = fateInterrupted
				if rule, ok := rules[r.num]; ok {
					if b.fates[i], ok = ruleFates[rule]; !ok {
						b.fates[i] = fateNone
					}
				}
			}
		}
		switch b.phase {
		case "screen", "confirm", "store", "locate":
			l := seed.coin(b.phase, b.n)
			b.level = [2]int{l, 1 - l}
		case "send":
			if store != nil {
				b.level = store.level
			}
		default:
			b.level = [2]int{0, 1} // a name for the two places; both have level 0
		}
		if b.phase == "store" {
			store = b
		}
		out = append(out, b)
	}
	return out
}

func (c *core) newTrial(sets map[int]featureSet, skip map[string]bool) *trial {
	t := &trial{c: c, blocks: c.blocks, sets: sets, most: map[featureKey]int64{}, aaDiff: map[featureKey]int{}, scDiff: map[featureKey][]*block{}, owners: map[*block]map[featureKey]bool{}}
	seen := map[featureKey]bool{}
	for _, b := range t.blocks {
		if !b.part || skip[b.phase] {
			continue
		}
		switch b.phase {
		case "aa":
			t.aa = append(t.aa, b)
		case "screen":
			t.screen = append(t.screen, b)
		}
		for _, r := range b.runs {
			for k := range sets[r] {
				if !seen[k] {
					seen[k] = true
					t.keys = append(t.keys, k)
				}
			}
		}
	}
	sort.Slice(t.keys, func(i, j int) bool { return t.keys[i].less(t.keys[j]) })
	t.compare()
	return t
}

func (t *trial) pair(b *block, k featureKey) (zero, one *feature) {
	return t.sets[b.at(0)][k], t.sets[b.at(1)][k]
}

func isTiming(a, b *feature) bool {
	return a != nil && a.kind == featTime || b != nil && b.kind == featTime
}

func numberOf(f *feature) int64 {
	if f == nil || f.kind == featText {
		return 0
	}
	return f.num
}

func timingD(a, b *feature) int64 {
	if a == nil || b == nil {
		return 0
	}
	return b.num - a.num
}

func size(d int64) int64 {
	if d < 0 {
		return -d
	}
	return d
}

func (t *trial) beyond(k featureKey, d int64) bool {
	slack := 2*t.most[k] + 20000
	if t.c.semantics >= 4 {
		slack += t.most[k] / 8
	}
	return size(d) > slack
}

// compare notes what differs in which A/A and screening block, and which values were a block's own.
func (t *trial) compare() {
	for _, b := range t.aa {
		for _, k := range t.keys {
			zero, one := t.pair(b, k)
			if isTiming(zero, one) {
				if d := size(timingD(zero, one)); d > t.most[k] {
					t.most[k] = d
				}
			} else if !zero.same(one) {
				t.aaDiff[k]++
			}
		}
	}
	for _, b := range t.screen {
		for _, k := range t.keys {
			zero, one := t.pair(b, k)
			if isTiming(zero, one) && t.beyond(k, timingD(zero, one)) || !isTiming(zero, one) && !zero.same(one) {
				t.scDiff[k] = append(t.scDiff[k], b)
			}
		}
	}
	t.findOwners()
}

func (t *trial) findOwners() {
	both := append(append([]*block{}, t.aa...), t.screen...)
	for _, b := range t.screen {
		t.owners[b] = map[featureKey]bool{}
	}
	for _, k := range t.keys {
		where := map[string]map[*block]bool{}
		timing := false
		for _, b := range both {
			for _, r := range b.runs {
				if f := t.sets[r][k]; f != nil {
					timing = timing || f.kind == featTime
					v := f.value()
					if where[v] == nil {
						where[v] = map[*block]bool{}
					}
					where[v][b] = true
				}
			}
		}
		if timing {
			continue
		}
		for _, b := range t.scDiff[k] {
			own := true
			for _, r := range b.runs {
				if f := t.sets[r][k]; f != nil && len(where[f.value()]) > 1 {
					own = false
				}
			}
			t.owners[b][k] = own
		}
	}
}

func (t *trial) timing(k featureKey) bool {
	for _, b := range t.blocks {
		if !b.part {
			continue
		}
		for _, r := range b.runs {
			if f := t.sets[r][k]; f != nil {
				return f.kind == featTime
			}
		}
	}
	return false
}

// findSuspects and findHeld are "Screening".
func (t *trial) findSuspects() {
	type candidate struct {
		k      featureKey
		n      int
		timing bool
	}
	var list []candidate
	for _, k := range t.keys {
		n, timing := len(t.scDiff[k]), t.timing(k)
		if n == 0 || !timing && t.aaDiff[k] > 0 || timing && n < 3 {
			continue
		}
		list = append(list, candidate{k, n, timing})
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.timing != b.timing {
			return b.timing
		}
		return a.n > b.n
	})
	for i, x := range list {
		if i == 16 {
			break
		}
		t.suspects = append(t.suspects, x.k)
	}
}

func (t *trial) findHeld() {
	left := append([]*block{}, t.screen...)
	for _, k := range t.suspects {
		c := len(t.scDiff[k])
		if 4*(c+1) < len(t.screen) {
			continue
		}
		var in []*block
		for _, b := range left {
			for _, x := range t.scDiff[k] {
				if x == b {
					in = append(in, b)
				}
			}
		}
		if len(in) > 0 {
			left = in
		}
	}
	best, bestOwn, bestSuspects := (*block)(nil), -1, -1
	for _, b := range left {
		own, differ := 0, 0
		for k, is := range t.owners[b] {
			if is && 2*t.aaDiff[k] < len(t.aa) {
				own++
			}
		}
		for _, k := range t.suspects {
			for _, x := range t.scDiff[k] {
				if x == b {
					differ++
				}
			}
		}
		if own > bestOwn || own == bestOwn && differ > bestSuspects {
			best, bestOwn, bestSuspects = b, own, differ
		}
	}
	t.held = best
}

// A confirmation is what the confirming blocks of a factor said.
type confirmation struct {
	factor, phase string
	list          []confirmed
	m             uint64
}

type confirmed struct {
	key    featureKey
	result rowResult
}

func (t *trial) confirmingOf(factor, phase string) ([]*block, bool) {
	var out []*block
	interrupted := false
	for _, b := range t.blocks {
		if b.phase != phase || b.factor != factor {
			continue
		}
		if b.part {
			out = append(out, b)
		} else if b.rules["interrupted"] || b.rules[""] {
			interrupted = true
		}
	}
	return out, interrupted
}

type familyRow struct {
	key featureKey
	row testRow
}

func (t *trial) sizedRows(k featureKey, blocks []*block) []testRow {
	text := false
	values := map[string]int{}
	for _, b := range blocks {
		for _, r := range b.runs {
			if f := t.sets[r][k]; f != nil && f.kind == featText {
				text = true
				values[f.text]++
			}
		}
	}
	if !text {
		row := testRow{d: make([]int64, len(blocks))}
		for i, b := range blocks {
			zero, one := t.pair(b, k)
			if isTiming(zero, one) {
				row.d[i] = timingD(zero, one)
			} else {
				row.d[i] = numberOf(one) - numberOf(zero)
			}
		}
		return []testRow{row}
	}
	type hashed struct {
		v   string
		sum [32]byte
	}
	var list []hashed
	for v, n := range values {
		if n >= 2 {
			list = append(list, hashed{v, valueSum(v, t, k, blocks)})
		}
	}
	sort.Slice(list, func(i, j int) bool { return string(list[i].sum[:]) < string(list[j].sum[:]) })
	var rows []testRow
	for _, h := range list {
		row := testRow{d: make([]int64, len(blocks))}
		for i, b := range blocks {
			zero, one := t.pair(b, k)
			if one != nil && one.text == h.v {
				row.d[i]++
			}
			if zero != nil && zero.text == h.v {
				row.d[i]--
			}
		}
		rows = append(rows, row)
	}
	if rows == nil {
		rows = append(rows, testRow{d: make([]int64, len(blocks))})
	}
	return rows
}

// valueSum is the value's SHA-256; of a long one it stands in the file.
func valueSum(v string, t *trial, k featureKey, blocks []*block) [32]byte {
	for _, b := range blocks {
		for _, r := range b.runs {
			if f := t.sets[r][k]; f != nil && f.text == v && f.big {
				var sum [32]byte
				copy(sum[:], v[len(v)-32:])
				return sum
			}
		}
	}
	return sha256.Sum256([]byte(v))
}

// directedRow is what the held block foretold of a feature.
func (t *trial) directedRow(k featureKey, blocks []*block, suspect bool) (testRow, bool) {
	own := t.held != nil && t.owners[t.held][k]
	if t.held == nil || !suspect && !own || t.timing(k) {
		return testRow{}, false
	}
	h0, h1 := t.pair(t.held, k)
	if h0.same(h1) {
		return testRow{}, false
	}
	count := map[string]int{}
	for _, b := range blocks {
		for _, r := range b.runs {
			if f := t.sets[r][k]; f != nil {
				count[f.value()]++
			}
		}
	}
	side := func(f *feature) int64 {
		switch {
		case f == nil:
			return 0
		case h1 != nil && f.same(h1):
			return 1
		case h0 != nil && f.same(h0):
			return -1
		case h0 != nil && h1 != nil || count[f.value()] < 2:
			return 0
		case h1 == nil:
			return 1
		}
		return -1
	}
	row := testRow{d: make([]int64, len(blocks)), directed: true}
	moved := 0
	for i, b := range blocks {
		zero, one := t.pair(b, k)
		if d := side(one) - side(zero); d > 0 {
			row.d[i] = 1
		} else if d < 0 {
			row.d[i] = -1
		}
		if row.d[i] != 0 {
			moved++
		}
	}
	if moved < 7 || !own && 4*moved < len(blocks) {
		return testRow{}, false
	}
	return row, true
}

const mostRows = 262144

// confirm tests a family and says which features passed.
func (t *trial) confirm(factor, phase string, test int, blocks []*block, family []familyRow) *confirmation {
	out := &confirmation{factor: factor, phase: phase}
	if len(blocks) == 0 || len(family) == 0 || len(blocks) > 1024 {
		return out
	}
	if len(family) > mostRows {
		family = family[:mostRows]
	}
	rows := make([]testRow, len(family))
	for i := range family {
		rows[i] = family[i].row
	}
	vecs := vectors(len(blocks), hexBytes(hexOf(t.c.v.b.part["plan.json"])), hexBytes(t.c.assessment.str("seed")), uint32(test))
	results, m := permute(rows, vecs)
	out.m = m
	best, passed := map[featureKey]rowResult{}, map[featureKey]bool{}
	for i, f := range family {
		if b, ok := best[f.key]; !ok || results[i].b < b.b {
			best[f.key] = results[i]
		}
		if 100*(1+results[i].family) <= 1+m {
			passed[f.key] = true
		}
	}
	for k := range passed {
		if t.timing(k) && !t.mostlyBeyond(k, blocks) {
			continue
		}
		out.list = append(out.list, confirmed{k, best[k]})
	}
	sort.Slice(out.list, func(i, j int) bool { return out.list[i].key.less(out.list[j].key) })
	return out
}

func (t *trial) mostlyBeyond(k featureKey, blocks []*block) bool {
	n := 0
	for _, b := range blocks {
		if t.beyond(k, timingD(t.pair(b, k))) {
			n++
		}
	}
	return 2*n > len(blocks)
}

// confirmFactor is the test of one factor's confirming blocks.
func (t *trial) confirmFactor(factor string, test int) *confirmation {
	blocks, interrupted := t.confirmingOf(factor, "confirm")
	if interrupted {
		return &confirmation{factor: factor, phase: "confirm"}
	}
	var family []familyRow
	sorted := append([]featureKey{}, t.suspects...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].less(sorted[j]) })
	suspect := map[featureKey]bool{}
	for _, k := range sorted {
		suspect[k] = true
		for _, row := range t.sizedRows(k, blocks) {
			family = append(family, familyRow{k, row})
		}
	}
	for _, k := range t.keys {
		if row, ok := t.directedRow(k, blocks, suspect[k]); ok {
			family = append(family, familyRow{k, row})
		}
	}
	return t.confirm(factor, "confirm", test, blocks, family)
}

// confirmSend is the test of the send blocks, which had no screening.
func (t *trial) confirmSend(test int) *confirmation {
	blocks, interrupted := t.confirmingOf("content", "send")
	if interrupted {
		return &confirmation{factor: "content", phase: "send"}
	}
	var family []familyRow
	for _, k := range t.keys {
		if t.timing(k) || t.aaDiff[k] > 0 {
			continue
		}
		differs := false
		for _, b := range blocks {
			zero, one := t.pair(b, k)
			differs = differs || !zero.same(one)
		}
		if !differs {
			continue
		}
		for _, row := range t.sizedRows(k, blocks) {
			family = append(family, familyRow{k, row})
		}
	}
	return t.confirm("content", "send", test, blocks, family)
}
