package main

// What each claim looks at in one run (findings.md, "What each claim looks at").

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	lossPackets = 1 << iota
	lossTree
	lossOutput
	lossEvents
)

type claimRow struct {
	id       string
	needs    string // list of the declaration
	untested string
	losses   int
	touches  int // of calls
	reads    bool
	code     bool
	upheld   string
	run      func(*core, *run, *judgement)
}

var claimTable = []claimRow{
	{id: "capable.listening", losses: lossEvents, touches: touchesPorts, upheld: "ports.none", run: claimListening},
	{id: "capable.load", needs: "privileges", losses: lossEvents, upheld: "privileges.declared", run: claimPrivilege},
	{id: "capable.reach", losses: lossEvents | lossTree, touches: touchesReads | touchesPaths, reads: true, upheld: "reach.inside", run: claimReach},
	{id: "capable.read", needs: "privileges", losses: lossEvents, upheld: "privileges.declared", run: claimPrivilege},
	{id: "capable.send", needs: "privileges", losses: lossEvents, upheld: "privileges.declared", run: claimPrivilege},
	{id: "change.code", losses: lossEvents, touches: touchesPaths, code: true, upheld: "code.installed", run: claimCode},
	{id: "change.files", losses: lossEvents | lossTree, touches: touchesPaths, upheld: "files.own", run: claimChanged},
	{id: "change.persistence", untested: "needs scenario"},
	{id: "change.updates", untested: "needs scenario"},
	{id: "collect.authenticated", untested: "needs tls", losses: lossEvents | lossPackets},
	{id: "collect.content", losses: lossEvents | lossPackets, upheld: "nothing.left", run: claimContent},
	{id: "collect.encrypted", losses: lossEvents | lossPackets, upheld: "bytes.sealed", run: claimEncrypted},
	{id: "collect.host", untested: "needs experiment", losses: lossEvents | lossPackets, upheld: "nothing.depends"},
	{id: "collect.inventory", untested: "needs experiment", losses: lossEvents | lossPackets, upheld: "nothing.depends"},
	{id: "collect.metadata", untested: "needs experiment", losses: lossEvents | lossPackets, upheld: "nothing.depends"},
	{id: "collect.names", untested: "needs experiment", losses: lossEvents | lossPackets, upheld: "nothing.depends"},
	{id: "collect.residue", untested: "needs experiment", losses: lossTree, upheld: "residue.equal", run: claimResidue},
	{id: "control.offline", untested: "needs scenario"},
	{id: "control.sealed", untested: "needs seal"},
	{id: "control.switches", untested: "needs experiment"},
	{id: "declared.collection", needs: "collects", untested: "needs experiment", losses: lossEvents | lossPackets, upheld: "collection.declared"},
	{id: "declared.endpoints", needs: "endpoints", losses: lossEvents | lossPackets, upheld: "endpoints.declared", run: claimEndpoints},
	{id: "declared.files", needs: "writes", losses: lossEvents | lossTree, touches: touchesPaths, upheld: "writes.declared", run: claimDeclaredFiles},
	{id: "declared.privilege", needs: "privileges", losses: lossEvents, upheld: "privileges.declared", run: claimPrivilege},
	{id: "detect.markings", untested: "needs experiment"},
	{id: "detect.samples", needs: "detects", losses: lossEvents | lossOutput, upheld: "samples.found", run: claimSamples},
	{id: "identity.package", untested: "needs reference"},
}

func claimOf(id string) *claimRow {
	for i := range claimTable {
		if claimTable[i].id == id {
			return &claimTable[i]
		}
	}
	return nil
}

// common are the grounds that stand before every claim's own.
func (c *core) common(row *claimRow, r *run, j *judgement) {
	events, packets := c.eventsLost(r), c.packetsLost(r)
	if row.losses&c.lostOf(r) != 0 {
		j.ground("record.gap").add("events", events).add("packets", packets)
	}
	if c.outcome[r.n] == "interrupted" || r.stopped {
		j.ground("run.interrupted")
	}
	if r.execs == 0 && !(c.witnessed() && r.before) {
		j.ground("run.empty")
	}
	if c.witnessed() {
		c.witnessGrounds(row, r, j)
	}
	if row.losses&lossPackets != 0 && c.semantics >= 5 && r.nowhere > 0 {
		g := j.ground("way.missing").add("calls", r.nowhere)
		for _, at := range r.nowhereAt {
			g.event(r.n, at)
		}
	}
	if row.losses&lossPackets != 0 {
		if n := c.disagree(r); n > 0 {
			j.ground("witness.disagree").add("bytes", n)
		}
	}
}

// lostOf is of what kinds something of the run is lost: of all where its record is not whole.
func (c *core) lostOf(r *run) int {
	lost := 0
	if c.eventsLost(r) > 0 {
		lost |= lossEvents
	}
	if c.packetsLost(r) > 0 || r.packets == nil || r.loss.packetGap {
		lost |= lossPackets
	}
	if c.treeCut(r) {
		lost |= lossTree
	}
	if r.loss.outputGap {
		lost |= lossOutput
	}
	if c.missingRecord[r.n] || r.sum.cut || r.sum.withheld > 0 || r.loss.strange {
		lost |= lossEvents | lossPackets | lossTree | lossOutput
	}
	return lost
}

func (c *core) disagree(r *run) uint64 {
	var n, seen uint64
	if r.flows != nil {
		seen = r.flows.bytes
	}
	if c.witnessed() {
		n = c.recs[r.n].missing
	}
	if r.rec.hasEnd && r.rec.endBy > seen {
		n = maxOf(n, r.rec.endBy-seen)
	}
	return n
}

func (c *core) witnessGrounds(row *claimRow, r *run, j *judgement) {
	rec := c.recs[r.n]
	if rec.stateUnexplained > 0 {
		g := j.ground("state.unexplained").add("things", rec.stateUnexplained)
		for _, at := range rec.firstUnexplainedState {
			g.event(r.n, at)
		}
	}
	if n := uint64(len(r.rec.leftAt)); n > 0 {
		g := j.ground("task.left").add("tasks", n)
		for _, at := range r.rec.leftAt {
			g.event(r.n, at)
		}
	}
	for _, x := range r.rec.reaches {
		if x.done > 0 && x.touches&touchesRecord != 0 {
			j.ground("observer.touched").add("calls", x.done).event(r.n, x.first)
		}
		if x.done > 0 && x.touches&row.touches != 0 {
			j.ground("call.aside").add("calls", x.done).event(r.n, x.first)
		}
	}
	if row.reads && rec.unexplained > 0 {
		g := j.ground("read.unexplained").add("documents", rec.unexplained)
		for _, at := range rec.firstUnexplained {
			g.event(r.n, at)
		}
	}
	if row.reads && rec.unnamed > 0 {
		g := j.ground("read.unnamed").add("files", rec.unnamed)
		for _, at := range rec.firstUnnamed {
			g.event(r.n, at)
		}
	}
	if row.code && rec.unnamedMaps > 0 {
		g := j.ground("read.unnamed").add("files", rec.unnamedMaps)
		for _, at := range rec.firstUnnamedMap {
			g.event(r.n, at)
		}
	}
}

func claimListening(c *core, r *run, j *judgement) {
	type port struct {
		kind   int
		family uint64
		port   uint64
		addr   string
	}
	seen := map[port]bool{}
	for _, p := range r.ports {
		if p.family == 1 {
			continue
		}
		if p.kind == kBind && (p.stype&15 != 2 || p.family != 2 && p.family != 10 || p.port == 0 || p.port >= 32768 && p.port <= 60999) {
			continue
		}
		k := port{p.kind, p.family, p.port, p.addr}
		if seen[k] {
			continue
		}
		seen[k] = true
		j.ground("port.listening").add("ports", 1).event(r.n, p.first)
	}
}

func claimPrivilege(c *core, r *run, j *judgement) {
	mask := capsOf[j.id]
	type key struct {
		caps uint64
		root bool
	}
	seen := map[key]bool{}
	for _, s := range r.stateList {
		caps, root := (s.eff|s.prm)&mask, s.uid == 0 || s.euid == 0
		k := key{caps, root}
		fresh := !seen[k]
		seen[k] = true
		if fresh {
			j.good.add("states", 1)
		}
		j.good.or("capabilities", caps)
		over := caps &^ c.declaredCaps
		rootOver := root && !c.declaredUids[0]
		j.good.or("root", 0)
		if root {
			j.good.or("root", 1)
		}
		if fresh && (over != 0 || rootOver) {
			g := j.ground("privilege.undeclared").add("states", 1).or("capabilities", over).event(r.n, s.first)
			g.or("root", 0)
			if rootOver {
				g.or("root", 1)
			}
		}
	}
}

// wasMade says whether the path is of the run's own making.
func (c *core) wasMade(r *run, path string) bool {
	return c.made[r.n][path]
}

func claimReach(c *core, r *run, j *judgement) {
	seen := map[string]bool{}
	outside := map[string]bool{}
	for _, o := range r.openList {
		if o.cut {
			if !seen["\x00"+o.path] {
				seen["\x00"+o.path] = true
				j.ground("path.cut").add("paths", 1).event(r.n, o.first)
			}
			continue
		}
		key := fmt.Sprint(o.layer, o.mode, o.writing, o.path)
		if !seen[key] {
			seen[key] = true
			j.good.add("paths", 1)
		}
		if !c.inReach(r, o) && !outside[o.path] {
			outside[o.path] = true
			j.ground("reach.outside").add("paths", 1).event(r.n, o.first)
		}
	}
}

// Pipes, sockets, memfds: no path leads there.
func nameless(o *pathFact) bool {
	t := o.mode & 0170000
	return t == 0010000 || t == 0140000 || !strings.HasPrefix(o.path, "/") || o.layer == 0 && strings.HasPrefix(o.path, "/memfd:")
}

func (c *core) inReach(r *run, o *pathFact) bool {
	p := o.path
	if nameless(o) {
		return true
	}
	if o.mode&0170000 == 0060000 && c.witnessed() {
		return anyFits(c.reads, p)
	}
	return below(c.target, p) || c.installed[p] != nil || anyFits(c.reads, p) || anyFits(c.writes, p) || anyFits(c.own, p) ||
		anyFits(placesTemporary, p) || anyFits(placesSystem, p) || o.layer == 2 && c.wasMade(r, p)
}

// A change is a path that the run wrote to, with what shows it.
type change struct {
	path            string
	entries, events []uint64
}

// changes are what the run left and what it opened for writing, by path, in the order in which they are told.
func (c *core) changes(r *run, j *judgement) []*change {
	var out []*change
	byPath := map[string]*change{}
	put := func(p string) *change {
		if byPath[p] == nil {
			byPath[p] = &change{path: p}
			out = append(out, byPath[p])
		}
		return byPath[p]
	}
	holds := map[string]bool{}
	for _, t := range r.tree {
		for p := parentOf(t.path); p != "" && !holds[p]; p = parentOf(p) {
			holds[p] = true
		}
	}
	for _, t := range r.tree {
		p := t.path
		if t.kind == 'd' && (holds[t.path] || c.leads(p)) {
			continue
		}
		x := put(p)
		x.entries = append(x.entries, t.pos)
	}
	seen := map[string]bool{}
	for _, o := range r.openList {
		switch {
		case !o.writing || nameless(o):
		case o.cut:
			if !seen[o.path] {
				seen[o.path] = true
				j.ground("path.cut").add("paths", 1).event(r.n, o.first)
			}
		case o.layer == 2 || !anyFits(placesFleeting, o.path):
			x := put(o.path)
			x.events = append(x.events, o.first)
		}
	}
	return out
}

func parentOf(p string) string {
	i := strings.LastIndexByte(p, '/')
	if i <= 0 {
		return ""
	}
	return p[:i]
}

// leads says whether a folder is on the way to an allowed place.
func (c *core) leads(p string) bool {
	return anyLeads(c.writes, p) || anyLeads(c.own, p) || anyLeads(placesTemporary, p)
}

func (g *ground) change(run int, x *change) {
	for _, at := range x.entries {
		g.entry(run, at)
	}
	for _, at := range x.events {
		g.event(run, at)
	}
}

func claimChanged(c *core, r *run, j *judgement) {
	for _, x := range c.changes(r, j) {
		j.good.add("paths", 1)
		switch {
		case below(c.target, x.path):
			j.ground("target.changed").add("paths", 1).change(r.n, x)
		case !anyFits(c.writes, x.path) && !anyFits(c.own, x.path) && !anyFits(placesTemporary, x.path):
			j.ground("files.changed").add("paths", 1).change(r.n, x)
		}
	}
}

func claimDeclaredFiles(c *core, r *run, j *judgement) {
	for _, x := range c.changes(r, j) {
		j.good.add("paths", 1)
		if !anyFits(c.writes, x.path) {
			j.ground("write.undeclared").add("paths", 1).change(r.n, x)
		}
	}
}

func claimCode(c *core, r *run, j *judgement) {
	seen := map[string]bool{}
	for _, f := range r.codeList {
		if f.id == (fileID{}) && f.path == "" {
			if !seen[""] {
				seen[""] = true
				j.ground("code.generated").add("files", 1).event(r.n, f.first)
			}
			continue
		}
		if f.layer == 0 && f.path == "" {
			continue
		}
		key := string(rune('0'+f.layer)) + f.path
		if seen[key] {
			continue
		}
		seen[key] = true
		j.good.add("files", 1)
		at := c.installed[f.path]
		code := ""
		switch {
		case f.layer != 1:
			code = "code.foreign"
		case at == nil || at.origin == "":
			code = "code.unowned"
		case at.origin == "differs":
			code = "code.altered"
		case at.origin == "unlisted":
			code = "code.unlisted"
		}
		if code != "" {
			j.ground(code).add("files", 1).event(r.n, f.first)
		}
	}
}

func claimEndpoints(c *core, r *run, j *judgement) {
	if r.flows == nil {
		return
	}
	for i, f := range r.flows.list {
		if f.endpoint == resolver {
			c.questions(r, i, f, j)
			continue
		}
		if c.declaredFlow(f) {
			j.good.add("flows", 1)
			continue
		}
		j.good.add("flows", 1)
		j.ground("endpoint.undeclared").add("flows", 1).add("bytes", f.wire).flow(r.n, i, f.layer, 0, f.bytes)
	}
}

const resolver = "[198.18.0.1]:53/udp"

func (c *core) declaredFlow(f *flow) bool {
	if c.endpoints[f.endpoint] {
		return true
	}
	if f.key.proto != protoICMP {
		return false
	}
	host := f.host()
	return host == "[198.18.0.1]" || c.hosts[host]
}

func (c *core) questions(r *run, at int, f *flow, j *judgement) {
	for i, from := range f.grams {
		to := len(f.payload)
		if i+1 < len(f.grams) {
			to = f.grams[i+1]
		}
		q := readQuestion(f.payload[from:to])
		j.good.add("questions", 1)
		if !q.good || !c.hosts[q.name] {
			j.ground("endpoint.undeclared").add("questions", 1).flow(r.n, at, f.layer, uint64(from), uint64(to-from))
		}
	}
}

func claimSamples(c *core, r *run, j *judgement) {
	stream, form := uint64(c.detects.int("stream")), c.detects.str("line")
	var text []byte
	for _, o := range r.output {
		if o.stream == stream {
			text = append(text, o.data...)
		}
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, f := range c.filesOf(r) {
		if f.str("role") != "sample" {
			continue
		}
		j.good.add("of", 1)
		want := strings.ReplaceAll(form, "{path}", c.target+"/"+f.bytes("path"))
		found := false
		for _, l := range lines {
			found = found || lineFits(want, string(bytes.TrimSuffix(l, []byte("\r"))))
		}
		if found {
			j.good.add("found", 1)
		} else {
			j.ground("samples.missed").add("missed", 1)
		}
	}
}

// {name} is any text.
func lineFits(form, line string) bool {
	parts := strings.SplitN(form, "{name}", 2)
	if len(parts) == 1 {
		return form == line
	}
	return len(line) > len(parts[0])+len(parts[1]) && strings.HasPrefix(line, parts[0]) && strings.HasSuffix(line, parts[1])
}

func claimContent(c *core, r *run, j *judgement) {
	of := uint64(0)
	if r.flows != nil {
		for _, f := range r.flows.list {
			of += f.wire
		}
	}
	if of == 0 {
		j.good.add("bytes", 0)
		return
	}
	if c.trial && c.comparesContent() {
		j.upheld = "nothing.depends"
	}
	hits := c.searchRun(r)
	for _, kind := range []string{"token", "digest"} {
		list := hits.of(kind)
		if len(list) == 0 {
			continue
		}
		g := j.ground("content."+kind).add(kind+"s", uint64(len(list))).add("of", of)
		for i := range r.flows.list {
			g.add("bytes", hits.covered(i, nil))
		}
		for _, h := range list {
			g.flow(r.n, h.flow, h.layer(r), h.from, h.to-h.from)
		}
	}
	if given := c.searchGiven(r); len(given) > 0 {
		g := j.ground("content.given")
		for _, h := range given {
			g.add(h.kind+"s", 1).event(r.n, h.at)
		}
	}
	if c.trial && c.comparesContent() {
		return
	}
	if c.semantics >= 4 {
		most := j.ground("bytes.unexplained").values
		if most["bits"] < 8*of {
			most["bits"] = 8 * of
		}
	}
	g := j.ground("bytes.unexplained").add("bytes", of).add("flows", uint64(len(r.flows.list)))
	for i, f := range r.flows.list {
		g.flow(r.n, i, f.layer, 0, f.bytes)
	}
	if hits.unsearched {
		g.or("unsearched", 1)
	}
}
