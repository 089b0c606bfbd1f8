package main

// The ledger of an experiment: every byte of every packet is constant, influenced, unaccounted or explained (findings.md, "Ledger").

import "sort"

type ledgerRow struct {
	wire, constant, explained, unaccounted uint64
	given                                  uint64 // that stand for what TLS libraries took
	influenced                             map[influencedBy]uint64
}

// open is what speaks against `nothing.depends`, block by block.
type openCount struct {
	bytes    uint64
	features map[featureKey]map[int]uint64 // bytes of each that differ, by run
	loose    uint64                        // bytes that no feature stands for
}

// note that a feature differs, in so many bytes of a run.
func (o *openCount) note(k featureKey, run int, n uint64) {
	if o.features[k] == nil {
		o.features[k] = map[int]uint64{}
	}
	o.features[k][run] += n
}

// influencedBy is a set of factors (bit i: that of place i in the plan), and whether what depends on them is declared.
type influencedBy struct {
	factors  uint64
	declared bool
}

type ledger struct {
	t         *trial
	rows      map[string]*ledgerRow
	known     map[featureKey]uint64 // factors that a feature depends on
	factors   []string
	admitted  map[featureKey]bool // declared features
	open      map[*block]*openCount
	influence map[featureKey]uint64 // influenced bytes of confirmed features
	of        uint64
	constant  map[featureKey][]bool // by byte of the value; nil: not constant at all
	whole     map[featureKey]bool   // of columns
}

// bytesOf gives the bytes of a field, also of one that is too long for its row.
func (r *run) bytesOf(f *feature) []byte {
	if f.big && f.given && f.placed {
		return r.givenText(f.flow - 1)[f.offset : f.offset+f.size]
	}
	if f.big && f.placed && !f.tls && f.flow > 0 {
		return r.flows.list[f.flow-1].payload[f.offset : f.offset+f.size]
	}
	return []byte(f.text)
}

func (c *core) makeLedger(t *trial, factors []string, known map[featureKey]uint64, admitted map[featureKey]bool) *ledger {
	l := &ledger{t: t, rows: map[string]*ledgerRow{}, factors: factors, known: known, admitted: admitted, open: map[*block]*openCount{}, influence: map[featureKey]uint64{}, constant: map[featureKey][]bool{}, whole: map[featureKey]bool{}}
	l.findConstant()
	blockOf := map[int]*block{}
	for _, b := range t.blocks {
		for _, r := range b.runs {
			blockOf[r] = b
		}
	}
	for _, r := range c.runs {
		b := blockOf[r.n]
		if b != nil && b.aside() || r.flows == nil {
			continue
		}
		l.run(r, b)
	}
	return l
}

func (l *ledger) row(endpoint string) *ledgerRow {
	if l.rows[endpoint] == nil {
		l.rows[endpoint] = &ledgerRow{influenced: map[influencedBy]uint64{}}
	}
	return l.rows[endpoint]
}

func (l *ledger) findConstant() {
	var runs []*run
	for _, b := range l.t.blocks {
		if !b.part || b.aside() {
			continue
		}
		for _, n := range b.runs {
			runs = append(runs, l.t.c.byNumber[n])
		}
	}
	for _, k := range l.t.keys {
		var first *feature
		var same []bool
		whole := true
		for i, r := range runs {
			f := l.t.sets[r.n][k]
			if i == 0 {
				first = f
			}
			if f == nil || first == nil || f.size != first.size || f.placed != first.placed {
				same, whole = nil, false
				break
			}
			whole = whole && f.same(first)
			if !f.placed || whole {
				continue
			}
			a, b := r.bytesOf(f), runs[0].bytesOf(first)
			if same == nil {
				same = make([]bool, len(a))
				for j := range same {
					same[j] = true
				}
			}
			for j := range same {
				same[j] = same[j] && j < len(a) && j < len(b) && a[j] == b[j]
			}
		}
		l.whole[k], l.constant[k] = whole && first != nil, same
	}
}

// leaks are the features of a run in which a token or digest of a document was found.
func (c *core) leaks(r *run) []featureKey {
	hits := map[place2]spans{}
	for _, h := range c.searchRun(r).list {
		p := place2{h.flow, h.tls, false}
		hits[p] = hits[p].add(h.from, h.to)
	}
	c.searchGiven(r)
	for flow, s := range r.givenAt {
		hits[place2{flow, false, true}] = s
	}
	var out []featureKey
	for _, f := range r.features {
		if f.placed && f.flow > 0 && hits[place2{f.flow - 1, f.tls, f.given}].overlaps(f.offset, f.offset+f.size) {
			out = append(out, f.key)
		}
	}
	return out
}

// place2 is a flow's stream, its plaintext, or what was given for it.
type place2 struct {
	flow       int
	tls, given bool
}

func (l *ledger) run(r *run, b *block) {
	sums := map[string]uint64{}
	for _, fl := range r.flows.list {
		sums[fl.endpoint] += fl.wire
		l.of += fl.wire
		l.row(fl.endpoint).wire += fl.wire
	}
	var twin *run
	if b != nil && b.part {
		twin = l.t.c.byNumber[b.runs[0]+b.runs[1]-r.n]
	}
	for _, f := range r.features {
		if n := f.bytesOf(); n > 0 {
			if f.given {
				l.row(f.key.endpoint).given += n
			}
			l.feature(r, twin, b, f, n)
			sums[f.key.endpoint] -= n
		} else if twin != nil {
			l.number(r, twin, b, f)
		}
	}
	if twin != nil {
		for k, g := range l.t.sets[twin.n] {
			if l.t.sets[r.n][k] == nil && g.kind != featTime && !r.settled(nil, twin, g) {
				l.openOf(b).note(k, twin.n, 0)
			}
		}
	}
	for endpoint, n := range sums {
		l.row(endpoint).unaccounted += n
		if b != nil {
			l.openOf(b).bytes += n
			l.openOf(b).loose += n
		}
	}
}

func (l *ledger) openOf(b *block) *openCount {
	if l.open[b] == nil {
		l.open[b] = &openCount{features: map[featureKey]map[int]uint64{}}
	}
	return l.open[b]
}

// number: what is no bytes and differs within the block.
func (l *ledger) number(r, twin *run, b *block, f *feature) {
	g := l.t.sets[twin.n][f.key]
	if f.kind != featTime && !f.same(g) && !r.settled(f, twin, g) {
		l.openOf(b).note(f.key, r.n, 0)
	}
}

func (l *ledger) feature(r, twin *run, b *block, f *feature, n uint64) {
	row := l.row(f.key.endpoint)
	by := influencedBy{l.known[f.key], l.admitted[f.key]}
	if l.whole[f.key] && f.origin != originDerived {
		row.constant += n
		return
	}
	var g *feature
	differs := twin == nil
	if twin != nil {
		g = l.t.sets[twin.n][f.key]
		differs = !f.same(g)
	}
	settled := twin != nil && r.settled(f, twin, g)
	if !f.placed {
		if differs && !settled {
			l.openBytes(r, b, f.key, n)
		}
		switch {
		case by.factors != 0:
			row.influenced[by] += n
			l.influence[f.key] += n
		case differs && !settled:
			row.unaccounted += n
		default:
			row.explained += n
		}
		return
	}
	l.field(r, twin, b, f, g, settled, by)
}

func (l *ledger) openBytes(r *run, b *block, k featureKey, n uint64) {
	if b != nil {
		o := l.openOf(b)
		o.bytes += n
		o.note(k, r.n, n)
	}
}

func (l *ledger) field(r, twin *run, b *block, f, g *feature, settled bool, by influencedBy) {
	row := l.row(f.key.endpoint)
	same := l.constant[f.key]
	own := r.bytesOf(f)
	var theirs []byte
	if g != nil {
		theirs = twin.bytesOf(g)
	}
	apart := twin == nil || g == nil || g.size != f.size
	for i := uint64(0); i < f.size; i++ {
		constant := i < uint64(len(same)) && same[i]
		open := !constant && !settled && (apart || i >= uint64(len(own)) || i >= uint64(len(theirs)) || own[i] != theirs[i])
		if open {
			l.openBytes(r, b, f.key, 1)
		}
		switch {
		case constant:
			row.constant++
		case by.factors != 0:
			row.influenced[by]++
			l.influence[f.key]++
		case open:
			row.unaccounted++
		default:
			row.explained++
		}
	}
}

// wordsOf are the factors of a set, in the plan's order.
func wordsOf(factors []string, set uint64) []string {
	var out []string
	for i, f := range factors {
		if i < 64 && set>>i&1 == 1 {
			out = append(out, f)
		}
	}
	return out
}

func (l *ledger) write() *value {
	var names []string
	for n := range l.rows {
		names = append(names, n)
	}
	sort.Strings(names)
	out := jList()
	for _, n := range names {
		row := l.rows[n]
		influenced := jList()
		var sets []influencedBy
		for s := range row.influenced {
			sets = append(sets, s)
		}
		sort.Slice(sets, func(i, j int) bool {
			return sets[i].factors < sets[j].factors || sets[i].factors == sets[j].factors && !sets[i].declared && sets[j].declared
		})
		for _, s := range sets {
			influenced.list = append(influenced.list, jObject(member2{"bytes", jInt(int64(row.influenced[s]))}, member2{"declared", jBool(s.declared)},
				member2{"factors", jTexts(wordsOf(l.factors, s.factors))}))
		}
		one := jObject(member2{"constant", jInt(int64(row.constant))}, member2{"endpoint", jText(n)}, member2{"explained", jInt(int64(row.explained))},
			member2{"influenced", influenced}, member2{"unaccounted", jInt(int64(row.unaccounted))}, member2{"wire", jInt(int64(row.wire))})
		if row.given > 0 {
			one.set("given", jInt(int64(row.given)))
		}
		out.list = append(out.list, one)
	}
	return out
}
