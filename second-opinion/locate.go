package main

// Where an influence comes from (statistics.md, "Locating"): the search is walked over the answers that blocks gave, from its beginning each time;
// whatever it needs and no block answered is what the next block has to ask.

import (
	"bytes"
	"fmt"
	"sort"
)

const (
	targetsMost = 64
	placesMost  = 4
)

// Places [from, to) of a document.
type locPart struct{ document, from, to int }

// A question: what has level 1 in the run at level 0 (the ground), and in that at level 1.
type locQuestion struct {
	factor string
	level  [2][]locPart
}

func (q *locQuestion) key() string { return fmt.Sprint(*q) }

// What can be changed alone of a factor.
type locSpace struct {
	factor string
	places []int // by document; 0: it has no part in the factor
	order  []int // documents that have, as they are cut into halves
}

type locTarget struct {
	space     *locSpace
	trial     *trial // what left, or what was left on disk
	key       featureKey
	times     int // Z; 0: unsteady
	reference *feature
	d         []int // by block
}

type locBlock struct {
	question string
	factor   string
	told     bool // not where it was dropped
}

type locator struct {
	spaces  map[string]*locSpace
	targets []*locTarget
	blocks  []locBlock
}

func newSpace(seed *seedOf, factor string, places []int) *locSpace {
	s := &locSpace{factor: factor, places: places}
	keys := map[int][]byte{}
	for i, n := range places {
		if n > 0 {
			s.order = append(s.order, i)
			keys[i] = seed.derive(fmt.Sprintf("locate/%s/%d", factor, i))
		}
	}
	sort.Slice(s.order, func(a, b int) bool { return bytes.Compare(keys[s.order[a]], keys[s.order[b]]) < 0 })
	return s
}

// timesOf is Z, the smallest of 1 to 4 with 20 (n - c)^Z <= n^Z; 0 where there is none.
func timesOf(steady, of int) int {
	missed, all := 1, 1
	for z := 1; z <= 4 && steady > 0; z++ {
		missed, all = missed*(of-steady), all*of
		if 20*missed <= all {
			return z
		}
	}
	return 0
}

// repeats is K, the smallest with 2^K >= 800 T.
func (l *locator) repeats() int {
	wanted, k := 0, 0
	for _, t := range l.targets {
		if t.times > 0 {
			wanted += 800
		}
	}
	for 1<<k < wanted {
		k++
	}
	return k
}

// A place that was found, and what was said of it.
type locPlace struct {
	locPart
	ground    []int // documents that have level 1 in both runs
	confirmed int   // blocks that say so
	block     int   // the last of these
}

type locResult struct {
	reason string
	places []locPlace
	rest   string // "" where it was not asked
}

// A walk stops where an answer is lacking.
type locWalk struct {
	l    *locator
	t    *locTarget
	next *locQuestion // what is to be asked; nil where nothing lacks

	found []locPlace // that are likely
}

type answer int

const (
	pending answer = iota
	no
	yes
)

func (w *locWalk) question(ground []int, asked []locPart) *locQuestion {
	q := &locQuestion{factor: w.t.space.factor}
	for _, i := range ground {
		whole := locPart{i, 0, w.t.space.places[i]}
		q.level[0], q.level[1] = append(q.level[0], whole), append(q.level[1], whole)
	}
	q.level[1] = append(q.level[1], asked...)
	for _, list := range q.level {
		sort.Slice(list, func(i, j int) bool {
			return list[i].document < list[j].document || list[i].document == list[j].document && list[i].from < list[j].from
		})
	}
	return q
}

// ask looks the question up: the first block with d other than 0 decides, or Z blocks without one. end is behind the block that did.
func (w *locWalk) ask(q *locQuestion) (is answer, end int) {
	zeros, key := 0, q.key()
	for i, b := range w.l.blocks {
		if !b.told || b.question != key {
			continue
		}
		switch d := w.t.d[i]; {
		case d > 0:
			return yes, i + 1
		case d < 0:
			return no, i + 1
		}
		if zeros++; zeros == w.t.times {
			return no, i + 1
		}
	}
	w.next = q
	return pending, 0
}

func (w *locWalk) things(list []int) []locPart {
	var out []locPart
	for _, i := range list {
		out = append(out, locPart{i, 0, w.t.space.places[i]})
	}
	return out
}

// group is known to have influence: which documents in it have, and beside which others.
func (w *locWalk) group(list []int) answer {
	if len(list) == 1 {
		w.found = append(w.found, locPlace{locPart: w.things(list)[0]})
		return yes
	}
	half := (len(list) + 1) / 2
	halves := [2][]int{list[:half], list[half:]}
	var has [2]answer
	for i, h := range halves {
		if has[i], _ = w.ask(w.question(nil, w.things(h))); has[i] == pending {
			return pending
		}
	}
	if has[0] == no && has[1] == no {
		return w.together(list)
	}
	for i, h := range halves {
		if has[i] == yes && len(w.found) <= placesMost && w.group(h) == pending {
			return pending
		}
	}
	return yes
}

func without(list []int, x int) []int {
	var out []int
	for _, i := range list {
		if i != x {
			out = append(out, i)
		}
	}
	return out
}

// together: some of the documents, and no half of them alone. Those without which the rest still has influence are put away.
func (w *locWalk) together(list []int) answer {
	left := append([]int{}, list...)
	for _, i := range list {
		rest := without(left, i)
		if len(rest) == 0 {
			continue
		}
		is, _ := w.ask(w.question(nil, w.things(rest)))
		if is == pending {
			return pending
		}
		if is == yes {
			left = rest
		}
	}
	for _, i := range left {
		w.found = append(w.found, locPlace{locPart: w.things([]int{i})[0], ground: without(left, i)})
	}
	return yes
}

// narrow halves a document down to the range in which all lies that is needed, or that suffices; while blocks are spare.
func (w *locWalk) narrow(p *locPlace) answer {
	spare := locateMost-len(w.l.blocks) > w.l.repeats()+1
	places := p.to
	asked := func(from, to int) answer {
		is, _ := w.ask(w.question(p.ground, []locPart{{p.document, from, to}}))
		return is
	}
	low, high := 0, places
	for high-low > 1 {
		middle := (low + high) / 2
		is := asked(0, middle)
		if is == pending {
			p.to = high
			return w.given(spare)
		}
		if is == yes {
			high = middle
		} else {
			low = middle
		}
	}
	a := high
	p.to = a
	low, high = 0, places
	for high-low > 1 {
		middle := (low + high) / 2
		is := asked(middle, places)
		if is == pending {
			return w.given(spare)
		}
		if is == yes {
			low = middle
		} else {
			high = middle
		}
	}
	p.from, p.to = low, a
	if a-1 < low {
		p.from, p.to = a-1, low+1
	}
	return yes
}

// given: where few blocks are left bytes are no longer sought.
func (w *locWalk) given(spare bool) answer {
	if spare {
		return pending
	}
	return yes
}

// repeat asks for the same again until it is confirmed or not.
func (w *locWalk) repeat(p *locPlace) answer {
	q := w.question(p.ground, []locPart{p.locPart})
	first, end := w.ask(q)
	p.confirmed = 0
	if first != yes {
		return first
	}
	zeros, k, key := 0, w.l.repeats(), q.key()
	for i := end; i < len(w.l.blocks); i++ {
		if b := w.l.blocks[i]; !b.told || b.question != key {
			continue
		}
		d := w.t.d[i]
		if d == 0 {
			zeros++
		}
		if d < 0 || zeros == k {
			return no
		}
		if d > 0 {
			p.block = i
			if p.confirmed++; p.confirmed == k {
				return yes
			}
		}
	}
	w.next = q
	return pending
}

func (w *locWalk) confirm(p *locPlace) answer {
	whole := locPart{p.document, 0, w.t.space.places[p.document]}
	is := w.repeat(p)
	if is != no || p.locPart == whole {
		return is
	}
	p.locPart = whole
	return w.repeat(p)
}

// rest is all that lies in no range.
func (w *locWalk) rest(found []locPlace) (parts []locPart) {
	for i, n := range w.t.space.places {
		from, to := n, n
		for _, p := range found {
			if p.document == i {
				from, to = p.from, p.to
			}
		}
		if from > 0 {
			parts = append(parts, locPart{i, 0, from})
		}
		if to < n {
			parts = append(parts, locPart{i, to, n})
		}
	}
	return parts
}

// walk goes through the search for one target; false where something is still to be asked.
func (l *locator) walk(t *locTarget) (out locResult, next *locQuestion, done bool) {
	w := &locWalk{l: l, t: t}
	if out.reason = "unsteady"; t.times == 0 {
		return out, nil, true
	}
	if w.group(t.space.order) == pending {
		return out, w.next, false
	}
	found := w.found
	if out.reason = "many"; len(found) > placesMost {
		return out, nil, true
	}
	all := true
	for i := range found {
		is := w.narrow(&found[i])
		if is != pending {
			is = w.confirm(&found[i])
		}
		if is == pending {
			return out, w.next, false
		}
		if is == yes {
			out.places = append(out.places, found[i])
		}
		all = all && is == yes
	}
	if out.reason = "not confirmed"; !all {
		return out, nil, true
	}
	out.reason = "located"
	parts := w.rest(found)
	if len(parts) == 0 {
		return out, nil, true
	}
	is, _ := w.ask(w.question(nil, parts))
	if is == pending {
		return out, w.next, false
	}
	out.rest = map[answer]string{yes: "differs", no: "same"}[is]
	return out, nil, true
}

// next is what the next block asks; nil where nothing is to be asked, or no block is left.
func (l *locator) next() *locQuestion {
	if len(l.blocks) == locateMost {
		return nil
	}
	for _, t := range l.targets {
		if _, q, done := l.walk(t); !done {
			return q
		}
	}
	return nil
}

// tell puts down what a block showed: d of each target of the factor.
func (l *locator) tell(q *locQuestion, told bool, d func(t *locTarget) int) {
	l.blocks = append(l.blocks, locBlock{q.key(), q.factor, told})
	for _, t := range l.targets {
		if told && t.space.factor == q.factor {
			t.d = append(t.d, d(t))
		} else {
			t.d = append(t.d, 0)
		}
	}
}
