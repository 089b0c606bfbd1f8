package main

// How much one run could have told in what is open (findings.md, "Bits").

import (
	"math/bits"
	"strings"
)

// compareRuns are the runs whose packets are compared.
func (x *experiment) compareRuns() []*run {
	var out []*run
	for _, b := range x.c.blocks {
		if b.part && !b.aside() {
			out = append(out, x.c.byNumber[b.runs[0]], x.c.byNumber[b.runs[1]])
		}
	}
	return out
}

func (x *experiment) bitsOf(o *openCount) uint64 {
	var sum uint64
	for k, runs := range o.features {
		var most uint64
		for _, n := range runs {
			most = maxOf(most, n)
		}
		if most > 0 {
			sum += 8 * most
			continue
		}
		sum += maxOf(1, x.spread(k))
	}
	if n := uint64(len(x.compareRuns())); n > 0 {
		sum += (8*o.loose + n - 1) / n
	}
	return sum
}

// spread is for a number the bits of its range, for a text eight for each byte of the longest.
func (x *experiment) spread(k featureKey) uint64 {
	var longest, lines uint64
	text := false
	for _, r := range x.compareRuns() {
		if f := x.net.sets[r.n][k]; f != nil && f.kind == featText {
			text = true
			longest = maxOf(longest, f.size)
			lines = maxOf(lines, uint64(strings.Count(f.text, "\n")))
		}
	}
	if !text {
		return x.range_(k)
	}
	if k == (featureKey{"", "order"}) {
		var sum uint64
		for i := uint64(1); i < lines; i++ {
			sum += uint64(bits.Len64(i))
		}
		return sum
	}
	return 8 * longest
}

func (x *experiment) range_(k featureKey) uint64 {
	var least, most int64
	for i, r := range x.compareRuns() {
		n := numberOf(x.net.sets[r.n][k])
		if i == 0 || n < least {
			least = n
		}
		if i == 0 || n > most {
			most = n
		}
	}
	return uint64(bits.Len64(uint64(most - least)))
}

// timingBits is the same of all times that every run has.
func (x *experiment) timingBits() uint64 {
	var sum uint64
	for _, k := range x.net.keys {
		everywhere := x.net.timing(k)
		for _, r := range x.compareRuns() {
			everywhere = everywhere && x.net.sets[r.n][k] != nil
		}
		if everywhere {
			sum += x.range_(k)
		}
	}
	return sum
}
