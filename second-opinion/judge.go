package main

// Claims: grounds are collected over all runs, and the gravest decides (findings.md, "Verdicts").

import "sort"

type reasonRow struct {
	code, verdict string
	values        []string
}

// In the order of the table: of one verdict the first that applies is given.
var reasonTable = []reasonRow{
	{"content.token", "refuted", []string{"tokens", "bytes", "of", "runs"}},
	{"content.digest", "refuted", []string{"digests", "bytes", "of", "runs"}},
	{"content.given", "refuted", []string{"tokens", "digests", "runs"}},
	{"influence.confirmed", "refuted", []string{"features", "bytes", "of"}},
	{"residue.token", "refuted", []string{"paths", "runs"}},
	{"residue.digest", "refuted", []string{"paths", "runs"}},
	{"residue.sent", "refuted", []string{"features"}},
	{"residue.depends", "refuted", []string{"features", "paths"}},
	{"collection.undeclared", "refuted", []string{"features", "of"}},
	{"endpoint.undeclared", "refuted", []string{"flows", "bytes", "questions"}},
	{"write.undeclared", "refuted", []string{"paths"}},
	{"privilege.undeclared", "refuted", []string{"states", "capabilities", "root"}},
	{"reach.outside", "refuted", []string{"paths"}},
	{"port.listening", "refuted", []string{"ports"}},
	{"code.foreign", "refuted", []string{"files"}},
	{"code.altered", "refuted", []string{"files"}},
	{"target.changed", "refuted", []string{"paths"}},
	{"files.changed", "refuted", []string{"paths"}},
	{"bytes.readable", "refuted", []string{"bytes", "runs"}},
	{"samples.missed", "refuted", []string{"missed", "runs"}},
	{"record.gap", "not verifiable", []string{"runs", "events", "packets"}},
	{"state.unexplained", "not verifiable", []string{"things", "runs"}},
	{"task.left", "not verifiable", []string{"tasks", "runs"}},
	{"observer.touched", "not verifiable", []string{"calls", "runs"}},
	{"way.missing", "not verifiable", []string{"calls", "runs"}},
	{"run.missing", "not verifiable", []string{"runs"}},
	{"run.interrupted", "not verifiable", []string{"runs"}},
	{"run.empty", "not verifiable", []string{"runs"}},
	{"witness.disagree", "not verifiable", []string{"bytes", "runs"}},
	{"read.unexplained", "not verifiable", []string{"documents", "runs"}},
	{"read.unnamed", "not verifiable", []string{"files", "runs"}},
	{"call.aside", "not verifiable", []string{"calls", "runs"}},
	{"bytes.unexplained", "not verifiable", []string{"bytes", "flows", "runs"}},
	{"bytes.unaccounted", "not verifiable", []string{"bytes", "of", "features"}},
	{"content.inseparable", "not verifiable", []string{"features"}},
	{"residue.differs", "not verifiable", []string{"paths", "blocks", "of"}},
	{"residue.unread", "not verifiable", []string{"files"}},
	{"residue.untried", "not verifiable", []string{"features"}},
	{"bytes.opaque", "not verifiable", []string{"bytes", "runs"}},
	{"code.unowned", "not verifiable", []string{"files"}},
	{"code.unlisted", "not verifiable", []string{"files"}},
	{"code.generated", "not verifiable", []string{"files"}},
	{"path.cut", "not verifiable", []string{"paths"}},
	{"nothing.left", "upheld", []string{"bytes", "runs"}},
	{"nothing.depends", "upheld", []string{"runs"}},
	{"residue.equal", "upheld", []string{"runs"}},
	{"collection.declared", "upheld", []string{"features", "factors", "runs"}},
	{"endpoints.declared", "upheld", []string{"runs"}},
	{"writes.declared", "upheld", []string{"paths", "runs"}},
	{"privileges.declared", "upheld", []string{"states", "capabilities", "root", "runs"}},
	{"reach.inside", "upheld", []string{"paths", "runs"}},
	{"ports.none", "upheld", []string{"runs"}},
	{"code.installed", "upheld", []string{"files", "runs"}},
	{"files.own", "upheld", []string{"paths", "runs"}},
	{"bytes.sealed", "upheld", []string{"bytes", "runs"}},
	{"samples.found", "upheld", []string{"found", "of", "runs"}},
}

func reasonAt(code string) int {
	for i := range reasonTable {
		if reasonTable[i].code == code {
			return i
		}
	}
	panic(code)
}

const (
	evidenceEvent = iota
	evidenceFlow
	evidenceEntry
)

type evidence struct {
	run, kind int
	at        uint64 // event, entry or flow
	layer     string
	offset, n uint64
}

func (e *evidence) write() *value {
	switch e.kind {
	case evidenceEvent:
		return jObject(member2{"event", jInt(int64(e.at))}, member2{"run", jInt(int64(e.run))})
	case evidenceEntry:
		return jObject(member2{"entry", jInt(int64(e.at))}, member2{"run", jInt(int64(e.run))})
	}
	return jObject(member2{"flow", jInt(int64(e.at))}, member2{"layer", jText(e.layer)}, member2{"length", jInt(int64(e.n))},
		member2{"offset", jInt(int64(e.offset))}, member2{"run", jInt(int64(e.run))})
}

type ground struct {
	row      int
	values   map[string]uint64
	evidence []evidence
	runs     map[int]bool
}

// A judgement is what was found of one claim.
type judgement struct {
	id      string
	upheld  string // the reason when nothing speaks against it
	grounds map[int]*ground
	good    ground // values of the upheld reason
	runs    map[int]bool
	now     int
}

func newJudgement(id, upheld string) *judgement {
	return &judgement{id: id, upheld: upheld, grounds: map[int]*ground{}, good: ground{values: map[string]uint64{}, runs: map[int]bool{}}, runs: map[int]bool{}}
}

func (j *judgement) ground(code string) *ground {
	i := reasonAt(code)
	if j.grounds[i] == nil {
		j.grounds[i] = &ground{row: i, values: map[string]uint64{}, runs: map[int]bool{}}
	}
	g := j.grounds[i]
	if j.now > 0 {
		g.runs[j.now] = true
	}
	return g
}

func (g *ground) add(name string, n uint64) *ground { g.values[name] += n; return g }
func (g *ground) or(name string, n uint64) *ground  { g.values[name] |= n; return g }

func (g *ground) event(run int, at uint64) *ground {
	g.evidence = append(g.evidence, evidence{run: run, kind: evidenceEvent, at: at})
	return g
}

func (g *ground) entry(run int, at uint64) *ground {
	g.evidence = append(g.evidence, evidence{run: run, kind: evidenceEntry, at: at})
	return g
}

func (g *ground) flow(run, at int, layer string, offset, n uint64) *ground {
	g.evidence = append(g.evidence, evidence{run: run, kind: evidenceFlow, at: uint64(at), layer: layer, offset: offset, n: n})
	return g
}

var gravity = map[string]int{"refuted": 0, "not verifiable": 1, "upheld": 2}

// gravest is the ground that decides; nil where the claim is upheld.
func (j *judgement) gravest() *ground {
	var best *ground
	for _, g := range j.grounds {
		if best == nil || gravity[reasonTable[g.row].verdict] < gravity[reasonTable[best.row].verdict] ||
			reasonTable[g.row].verdict == reasonTable[best.row].verdict && g.row < best.row {
			best = g
		}
	}
	return best
}

func (j *judgement) write(question *value, runs, pairs int) *value {
	g := j.gravest()
	row := reasonTable[reasonAt(j.upheld)]
	if g != nil {
		row = reasonTable[g.row]
	} else {
		g = &j.good
		g.values["runs"] = uint64(runs)
	}
	if _, ok := g.values["runs"]; !ok && hasWord(row.values, "runs") {
		g.values["runs"] = uint64(len(g.runs))
	}
	values := jObject()
	for name, n := range g.values {
		values.set(name, jInt(int64(capped(n))))
	}
	list := jList()
	rank := map[int]int{evidenceEntry: 0, evidenceEvent: 1, evidenceFlow: 2}
	sort.SliceStable(g.evidence, func(a, b int) bool {
		x, y := &g.evidence[a], &g.evidence[b]
		if x.run != y.run {
			return x.run < y.run
		}
		if x.kind != y.kind {
			return rank[x.kind] < rank[y.kind]
		}
		return x.kind != evidenceFlow && x.at < y.at
	})
	for i := range g.evidence {
		if i == 64 {
			break
		}
		list.list = append(list.list, g.evidence[i].write())
	}
	v := jObject(member2{"evidence", list}, member2{"id", jText(j.id)}, member2{"question", question}, member2{"reason", jText(row.code)},
		member2{"values", values}, member2{"verdict", jText(row.verdict)})
	if row.verdict == "upheld" {
		v.set("bound", boundOf(pairs))
	}
	return v
}

func capped(n uint64) uint64 {
	if n > jsonMax {
		return jsonMax
	}
	return n
}

func boundOf(pairs int) *value {
	return jObject(member2{"confidence", jList(jInt(19), jInt(20))}, member2{"pairs", jInt(int64(pairs))}, member2{"rate_bp", jInt(int64(rateOf(pairs)))})
}
