package main

// findings.json, made from the core.

import (
	"bytes"
	"fmt"
	"net"
	"sort"
	"strings"
)

type installedFile struct{ sha, origin, pkg string }

type core struct {
	v                                                       *verification
	plan, claims, assessment, planted, product, declaration *value
	semantics                                               int64
	trial                                                   bool // the core holds an experiment
	target                                                  string
	runs                                                    []*run
	outcome                                                 map[int]string
	planned                                                 int
	kinds                                                   map[int]string
	installed                                               map[string]*installedFile
	reads, writes, own                                      []string
	endpoints, hosts                                        map[string]bool
	declaredCaps                                            uint64
	declaredUids                                            map[int]bool
	detects                                                 *value
	made                                                    map[int]map[string]bool
	recs                                                    map[int]*reconciled
	taken                                                   []string
	missingRecord                                           map[int]bool
	blocks                                                  []*block
	byNumber                                                map[int]*run
	trialOf                                                 *experiment
	hits                                                    map[int]*hitList
}

// addressOf is the chamber's address in a run: its own, or that of all.
func addressOf(assessment *value, run int64) string {
	for _, row := range assessment.items("runs") {
		if row.int("run") == run && row.get("address") != nil {
			return row.str("address")
		}
	}
	return assessment.get("chamber").str("address")
}

func (c *core) witnessed() bool { return c.semantics >= 2 }

func (v *verification) checkFindings() {
	there := v.b.part["findings.json"]
	for _, name := range []string{"plan.json", "claims.json", "assessment.json", "product.json", "planted.json", "declaration.json"} {
		if err, ok := v.docErr[name]; ok && err != nil {
			if d, is := err.(*docError); is && d.newer {
				v.say("findings", unchecked, "cannot be derived: %v", err)
			} else {
				v.say("findings", isFalse, "cannot be derived: %v", err)
			}
			return
		}
	}
	c, err := v.newCore()
	if err != nil {
		v.say("findings", isFalse, "cannot be derived: %v", err)
		return
	}
	if c.semantics > 5 || c.semantics < 1 {
		v.say("findings", unchecked, "semantics %d are not known to this program", c.semantics)
		return
	}
	v.derived = c.findings()
	made := v.derived.write(nil)
	if !bytes.Equal(made, there) {
		v.say("findings", isFalse, "derived again they differ at byte %d", differAt(made, there))
		return
	}
	for _, t := range c.taken {
		v.say("findings", taken, "not recomputed, taken as they are: %s", t)
	}
	v.say("findings", holds, "derived again from the records: the same %d bytes", len(made))
}

func (v *verification) newCore() (*core, error) {
	c := &core{v: v, plan: v.docs["plan.json"], claims: v.docs["claims.json"], assessment: v.docs["assessment.json"], planted: v.docs["planted.json"],
		product: v.docs["product.json"], declaration: v.docs["declaration.json"], outcome: map[int]string{}, installed: map[string]*installedFile{},
		endpoints: map[string]bool{}, hosts: map[string]bool{}, declaredUids: map[int]bool{}, made: map[int]map[string]bool{}, recs: map[int]*reconciled{},
		missingRecord: map[int]bool{}, hits: map[int]*hitList{}, kinds: map[int]string{}, byNumber: map[int]*run{}}
	c.semantics, c.target = c.plan.int("semantics"), c.plan.str("target")
	c.trial = c.plan.has("blocks")
	if c.semantics < 1 || c.semantics > 5 {
		return c, nil
	}
	c.planned = len(c.plan.items("runs"))
	for _, pair := range [][2]string{{"claim_set", "claims.json"}, {"declaration", "declaration.json"}, {"scenario", "scenario.json"}} {
		if err := v.named(c.plan, pair[0], pair[1]); err != nil {
			return nil, err
		}
	}
	if _, _, _, err := v.b.checkPlanted(c.planted, c.assessment); err != nil {
		return nil, fmt.Errorf("planted.json: %v", err)
	}
	for _, m := range v.b.members {
		if err := v.recErr[m.name]; err != nil && runOf(m.name) > 0 {
			return nil, fmt.Errorf("%s: %v", m.name, err)
		}
	}
	if err := c.consistent(); err != nil {
		return nil, err
	}
	planHash := hexOf(v.b.part["plan.json"])
	for _, row := range c.assessment.items("runs") {
		n := int(row.int("run"))
		c.outcome[n], c.kinds[n] = row.str("outcome"), row.str("kind")
		r := v.runs[n]
		if r == nil {
			r = newRun(n)
			c.missingRecord[n] = true
			r.sum = &recordSummary{}
		} else if fmt.Sprintf("%x", r.sum.plan) != planHash && r.sum.items > 0 {
			return nil, fmt.Errorf("the record of run %d is of another plan", n)
		}
		want := []uint64{1, 2, 2, 3, 3}[c.semantics-1]
		if r.sum.items > 0 && r.sum.version != want {
			return nil, fmt.Errorf("the record of run %d has events of version %d", n, r.sum.version)
		}
		if r.loss.err != nil && r.version >= 2 {
			return nil, fmt.Errorf("the record of run %d: %v", n, r.loss.err)
		}
		if r.packets != nil {
			r.flows = readFlows(r.packets, addressOf(c.assessment, int64(n)))
		}
		c.runs = append(c.runs, r)
		c.byNumber[n] = r
	}
	if err := c.takeProduct(); err != nil {
		return nil, err
	}
	c.takeDeclaration()
	for _, r := range c.runs {
		c.takeMade(r)
		c.recs[r.n] = r.reconcileEnd(c.target, c.plantedSizes(r))
	}
	if c.trial {
		var err error
		if c.trialOf, err = c.readExperiment(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// consistent says whether assessment.json tells of what plan.json planned.
func (c *core) consistent() error {
	chamber := c.assessment.get("chamber")
	for _, name := range []string{"profile", "internet", "target"} {
		if chamber.str(name) != c.plan.str(name) {
			return fmt.Errorf("assessment.json: the chamber's %s is not that of plan.json", name)
		}
	}
	if ip := net.ParseIP(chamber.str("address")); ip == nil || ip.To4() == nil || ip.String() != chamber.str("address") {
		return fmt.Errorf("assessment.json: an address that is none")
	}
	if t := chamber.get("self_test"); t.kind == isText && t.text != "none" || t.kind != isText && c.semantics == 1 {
		return fmt.Errorf("assessment.json: a self-test that these semantics do not have")
	} else if t.kind != isText {
		if err := selfTestShape.check(t, "assessment.json: self_test"); err != nil {
			return err
		}
	}
	kinds, wrong := map[int64]string{}, false
	for _, r := range c.plan.items("runs") {
		certificate := r.str("kind") == "certificate"
		if certificate != r.has("certificate") || certificate && c.semantics < 4 || wrong && !certificate && r.str("kind") != "locate" {
			return fmt.Errorf("plan.json: run %d is with a wrong certificate, or behind one, as none can be", r.int("run"))
		}
		wrong = wrong || certificate
		if n := r.int("run"); n < 1 || kinds[n] != "" {
			return fmt.Errorf("plan.json: run %d is there twice, or none", n)
		}
		kinds[r.int("run")] = r.str("kind")
	}
	for _, r := range c.assessment.items("runs") {
		ip := net.ParseIP(r.str("address"))
		if own := c.trial && c.semantics >= 4; r.has("address") != own || own && (ip == nil || ip.To4() == nil || ip.String() != r.str("address")) {
			return fmt.Errorf("assessment.json: run %d has an address of its own that it cannot have, or none", r.int("run"))
		}
	}
	seen := map[int64]bool{}
	for _, r := range append(append([]*value{}, c.assessment.items("runs")...), c.assessment.items("dropped")...) {
		n := r.int("run")
		if kinds[n] == "" || r.get("kind") != nil && r.str("kind") != kinds[n] {
			return fmt.Errorf("assessment.json: run %d was not planned so", n)
		}
		if r.str("rule") == "no tls" && kinds[n] != "certificate" {
			return fmt.Errorf("assessment.json: run %d was dropped by a rule for others", n)
		}
		if seen[n] {
			return fmt.Errorf("assessment.json: run %d is told of twice", n)
		}
		seen[n] = true
	}
	for _, n := range c.v.b.runs {
		if !seen[int64(n)] {
			return fmt.Errorf("run %d has parts and is not in assessment.json", n)
		}
	}
	return nil
}

func (c *core) takeProduct() error {
	for _, p := range c.product.items("packages") {
		for _, f := range p.items("files") {
			path := f.bytes("path")
			if !strings.HasPrefix(path, "/") {
				return fmt.Errorf("product.json: a path is not absolute")
			}
			c.installed[plainPath(path)] = &installedFile{f.str("sha256"), f.str("origin"), p.str("name")}
		}
	}
	for _, f := range c.product.items("unowned") {
		c.installed[plainPath(f.bytes("path"))] = &installedFile{f.str("sha256"), "", ""}
	}
	return nil
}

func (c *core) takeDeclaration() {
	names := []string{c.product.str("name")}
	if at := c.installed[plainPath(c.plan.get("product").get("executable").bytes("path"))]; at != nil && at.pkg != "" {
		names = append(names, at.pkg)
	}
	for _, n := range names {
		for _, p := range placesOwn {
			c.own = append(c.own, strings.ReplaceAll(p, "{name}", n))
		}
	}
	d := c.declaration
	if d == nil {
		return
	}
	patterns := func(list string) []string {
		var out []string
		for _, p := range d.items(list) {
			out = append(out, plainPath(strings.ReplaceAll(p.text, "{target}", c.target)))
		}
		return out
	}
	c.reads, c.writes = patterns("reads"), patterns("writes")
	for _, e := range d.items("endpoints") {
		c.endpoints[fmt.Sprintf("%s:%d/%s", e.str("name"), e.int("port"), e.str("proto"))] = true
		c.hosts[e.str("name")] = true
		if ip := net.ParseIP(e.str("name")); ip != nil {
			host := "[" + ip.String() + "]"
			c.endpoints[fmt.Sprintf("%s:%d/%s", host, e.int("port"), e.str("proto"))] = true
			c.hosts[host] = true
		}
	}
	for _, p := range d.items("privileges") {
		if strings.HasPrefix(p.text, "uid ") {
			c.declaredUids[atoi(p.text[4:])] = true
		} else {
			c.declaredCaps |= capBits(strings.TrimPrefix(p.text, "CAP_"))
		}
	}
	c.detects = d.get("detects")
}

// takeMade notes what was of a run's own making: left, or opened for writing.
func (c *core) takeMade(r *run) {
	made := map[string]bool{}
	for _, t := range r.tree {
		made[t.path] = true
	}
	for _, o := range r.openList {
		if o.writing {
			made[o.path] = true
		}
	}
	c.made[r.n] = made
}

func (c *core) filesOf(r *run) []*value {
	if c.planted.get("files") != nil {
		return c.planted.items("files")
	}
	for _, s := range c.assessment.items("sets") {
		if int(s.int("run")) != r.n {
			continue
		}
		for _, set := range c.planted.items("sets") {
			if set.int("set") == s.int("set") {
				return set.items("files")
			}
		}
	}
	return nil
}

func (c *core) plantedSizes(r *run) map[string]int64 {
	out := map[string]int64{}
	for _, f := range c.filesOf(r) {
		out[f.bytes("path")] = f.int("size")
	}
	return out
}

func (c *core) eventsLost(r *run) uint64 {
	if c.missingRecord[r.n] {
		return 1
	}
	return r.eventsLost()
}

func (c *core) packetsLost(r *run) uint64 { return r.packetsLost() }
func (c *core) treeCut(r *run) bool       { return r.treeSum == nil || r.treeSum.cut }

func (c *core) findings() *value {
	f := jObject(member2{"claim_set", jText("sha256:" + hexOf(c.v.b.part["claims.json"]))}, member2{"plan", jText("sha256:" + hexOf(c.v.b.part["plan.json"]))},
		member2{"schema", jText("hallmark/findings/v1")}, member2{"semantics", jInt(c.semantics)},
		member2{"scope", jObject(member2{"not_asserted", jTexts([]string{"timing", "dormant behaviour", "server side"})})})
	f.set("product", c.writeProduct())
	f.set("experiment", c.writeExperiment())
	losses := jList()
	for _, r := range c.runs {
		losses.list = append(losses.list, jObject(member2{"events", jInt(int64(capped(c.eventsLost(r))))},
			member2{"packets", jInt(int64(capped(c.packetsLost(r))))}, member2{"run", jInt(int64(r.n))}))
	}
	f.set("losses", losses)
	claims, untested := c.judge()
	f.set("claims", claims)
	f.set("not_tested", untested)
	f.set("influence", c.writeProven())
	f.set("ledger", c.writeLedger())
	if c.witnessed() {
		rows := jList()
		for _, r := range c.runs {
			rows.list = append(rows.list, c.writeReconciled(r))
		}
		f.set("reconciled", rows)
	}
	if c.usesTLS() {
		c.takeTLS(f)
	}
	switch {
	case c.trial && c.trialOf.net == nil:
		c.takeExperiment(f)
	case c.trial:
		f.set("influence", c.trialOf.influence(f.get("influence")))
		f.set("ledger", c.trialOf.ledger.write())
	}
	if c.semantics >= 4 && c.trial && c.declaration != nil && c.declaration.get("collects") != nil {
		c.takeDeclared(f)
	}
	if c.semantics >= 4 && c.hasPhase("locate") {
		c.takeMember(f, "located", "where an influence comes from (located)")
	}
	return f
}

var roleRank = map[string]int{"executed": 0, "mapped": 1, "package": 2, "definitions": 3}

type artifact struct{ path, sha, role, pkg string }

func (c *core) writeProduct() *value {
	rows := map[string]*artifact{}
	put := func(path, sha, role, pkg string) {
		a := rows[path]
		if a == nil {
			a = &artifact{path: path, role: role}
			rows[path] = a
		}
		if roleRank[role] < roleRank[a.role] {
			a.role = role
		}
		if a.sha == "" {
			a.sha = sha
		}
		if a.pkg == "" {
			a.pkg = pkg
		}
	}
	for path, f := range c.installed {
		if f.pkg != "" {
			put(path, f.sha, "package", f.pkg)
		}
	}
	for _, r := range c.runs {
		left := map[string]string{}
		for _, t := range r.tree {
			if t.kind == 'f' || t.sha != "" {
				left[t.path] = fmt.Sprintf("%x", t.sha)
			}
		}
		for _, f := range r.codeList {
			if f.path == "" {
				continue
			}
			role := "mapped"
			if f.executed {
				role = "executed"
			}
			sha, pkg := "", ""
			if at := c.installed[f.path]; at != nil && f.layer == 1 {
				sha, pkg = at.sha, at.pkg
			} else if f.layer == 2 {
				sha = left[f.path]
			}
			put(f.path, sha, role, pkg)
		}
	}
	definitions := jList()
	for _, d := range c.product.items("definitions") {
		put(d.str("name"), d.str("sha256"), "definitions", "")
		definitions.list = append(definitions.list, d)
	}
	var list []*artifact
	for _, a := range rows {
		list = append(list, a)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].path < list[j].path })
	out := jList()
	for _, a := range list {
		v := jObject(member2{"role", jText(a.role)}, member2{"package", textOrNull(a.pkg)}, member2{"sha256", textOrNull(a.sha)})
		v.setBytes("path", a.path)
		out.list = append(out.list, v)
	}
	p := c.product
	return jObject(member2{"argv", c.plan.get("argv")}, member2{"artifacts", out}, member2{"definitions", definitions}, member2{"name", p.get("name")},
		member2{"purl", p.get("purl")}, member2{"supplier", p.get("supplier")})
}

func textOrNull(s string) *value {
	if s == "" {
		return jNull()
	}
	return jText(s)
}

func (c *core) writeExperiment() *value {
	kinds := map[string]int64{}
	for _, r := range c.assessment.items("runs") {
		kinds[r.str("kind")]++
	}
	v := jObject(member2{"confirm", jInt(kinds["confirm"] / 2)}, member2{"factors", c.plan.get("factors")}, member2{"internet", c.plan.get("internet")},
		member2{"runs", jInt(int64(len(c.runs)))}, member2{"screen", jInt(kinds["screen"] / 2)}, member2{"witnesses", c.assessment.get("witnesses")})
	if c.witnessed() {
		v.set("self_test", jText(c.selfTest()))
	}
	if !c.trial {
		return v
	}
	dropped := map[string]int64{}
	for _, d := range c.assessment.items("dropped") {
		dropped[d.str("rule")]++
	}
	v.set("send", jInt(kinds["send"]/2))
	v.set("skipped", jInt(dropped["nothing to confirm"]/2))
	v.set("not_set_up", jInt(dropped["not set up"]/2))
	v.set("repeated", jInt(int64(len(c.assessment.items("repeated")))))
	v.set("resumed", jInt(int64(len(c.assessment.items("resumed")))))
	if c.semantics >= 4 {
		v.set("aa", jInt(kinds["aa"]/2))
		if c.hasPhase("locate") {
			v.set("locate", jInt(kinds["locate"]/2))
		}
	}
	return v
}

func (c *core) hasPhase(phase string) bool {
	for _, b := range c.plan.items("blocks") {
		if b.str("phase") == phase {
			return true
		}
	}
	return false
}

func (c *core) selfTest() string {
	t := c.assessment.get("chamber").get("self_test")
	if t.kind == isText {
		return t.text
	}
	return t.str("result")
}

// writeProven has a row for each way in which something of the documents was found in what left for an endpoint.
func (c *core) writeProven() *value {
	type key struct{ endpoint, layer, feature string }
	seen := map[key]bool{}
	var rows []key
	for _, r := range c.runs {
		for _, h := range c.searchRun(r).list {
			f := r.flows.list[h.flow]
			k := key{f.endpoint, h.layer(r), h.feature}
			if !seen[k] {
				seen[k] = true
				rows = append(rows, k)
			}
		}
	}
	for _, r := range c.runs {
		given := c.searchGiven(r)
		for _, h := range given {
			if k := (key{r.flows.list[h.flow].endpoint, "tls", h.feature}); !seen[k] {
				seen[k] = true
				rows = append(rows, k)
			}
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		return a.endpoint < b.endpoint || a.endpoint == b.endpoint && (a.layer < b.layer || a.layer == b.layer && a.feature < b.feature)
	})
	out := jList()
	for _, k := range rows {
		out.list = append(out.list, jObject(member2{"declared", jBool(c.admits(k.feature, k.endpoint))}, member2{"endpoint", jText(k.endpoint)}, member2{"factor", jText("content")},
			member2{"feature", jText(k.feature)}, member2{"grade", jText("proven")}, member2{"layer", jText(k.layer)}))
	}
	return out
}

// admits says whether the declaration has what a row of influence found, for its endpoint.
func (c *core) admits(feature, endpoint string) bool {
	if c.declaration == nil {
		return false
	}
	kind := "content"
	if i := strings.LastIndex(feature, "digest."); i >= 0 {
		kind = feature[i+len("digest."):]
		for _, v := range c.declaration.items("values") {
			if v.text == feature[i:] {
				return true
			}
		}
	}
	if c.semantics < 4 {
		return false
	}
	for _, v := range c.declaration.items("collects") {
		if (v.str("value") == kind || v.str("value") == "content") && (!v.has("to") || v.str("to") == endpoint) {
			return true
		}
	}
	return false
}

func (c *core) writeLedger() *value {
	type sums struct{ wire, found, declared uint64 }
	rows := map[string]*sums{}
	var names []string
	for _, r := range c.runs {
		if r.flows == nil {
			continue
		}
		for i, f := range r.flows.list {
			if rows[f.endpoint] == nil {
				rows[f.endpoint] = &sums{}
				names = append(names, f.endpoint)
			}
			rows[f.endpoint].wire += f.wire
			all, hidden := c.searchRun(r).covered(i, nil), c.searchRun(r).covered(i, func(h *hit) bool { return c.semantics < 4 || !c.admits(h.feature, f.endpoint) })
			rows[f.endpoint].found += all
			rows[f.endpoint].declared += all - hidden
		}
	}
	sort.Strings(names)
	out := jList()
	for _, n := range names {
		x := rows[n]
		influenced := jList()
		for _, row := range []struct {
			n        uint64
			declared bool
		}{{x.found - x.declared, false}, {x.declared, true}} {
			if row.n > 0 {
				influenced.list = append(influenced.list, jObject(member2{"bytes", jInt(int64(row.n))}, member2{"declared", jBool(row.declared)}, member2{"factors", jTexts([]string{"content"})}))
			}
		}
		out.list = append(out.list, jObject(member2{"constant", jInt(0)}, member2{"endpoint", jText(n)}, member2{"explained", jInt(0)},
			member2{"influenced", influenced}, member2{"unaccounted", jInt(int64(x.wire - x.found))}, member2{"wire", jInt(int64(x.wire))}))
	}
	return out
}

func counts(pairs ...interface{}) *value {
	v := jObject()
	for i := 0; i < len(pairs); i += 2 {
		v.set(pairs[i].(string), jInt(int64(capped(pairs[i+1].(uint64)))))
	}
	return v
}

func (c *core) writeReconciled(r *run) *value {
	x := c.recs[r.n]
	reaches := append([]*reachCount(nil), r.rec.reaches...)
	sort.Slice(reaches, func(i, j int) bool {
		return reaches[i].name < reaches[j].name || reaches[i].name == reaches[j].name && reaches[i].touches < reaches[j].touches
	})
	calls := jList()
	for i, k := range reaches {
		if i > 0 && reaches[i-1].name == k.name { // told apart by what they touch, written as one
			last := calls.list[len(calls.list)-1]
			last.set("done", jInt(last.int("done")+int64(k.done)))
			last.set("denied", jInt(last.int("denied")+int64(k.denied)))
			continue
		}
		calls.list = append(calls.list, jObject(member2{"call", jText(k.name)}, member2{"denied", jInt(int64(k.denied))}, member2{"done", jInt(int64(k.done))}))
	}
	witnesses := jObject(member2{"read", jTexts(witnessesOf(r.witnesses, "read"))}, member2{"send", jTexts(witnessesOf(r.witnesses, "send"))})
	return jObject(member2{"calls", calls}, member2{"run", jInt(int64(r.n))}, member2{"tasks", jInt(int64(r.loss.tasks))}, member2{"witnesses", witnesses},
		member2{"packets", counts("captured", x.captured, "counted", x.counted, "missing", x.missing, "owned", x.owned, "unowned", x.unowned)},
		member2{"reads", counts("bytes", x.bytes, "calls_only", x.callsOnly, "documents", x.documents, "files", x.files, "pages_only", x.pagesOnly, "unnamed", x.unnamed)},
		member2{"sends", counts("bytes", x.sent, "calls_only", x.sendCalls, "sockets", x.sockets, "sockets_only", x.sendSockets)},
		member2{"state", counts("files", x.lookFiles, "looks", r.rec.looks, "mappings", x.lookMaps, "tasks", x.lookTasks, "unexplained", x.stateUnexplained)},
		member2{"stopped", counts("signals", r.rec.signals, "times", r.rec.freezes, "us", r.rec.frozeNs/1000)})
}

// untested is why a claim is not judged; "" where it is.
func (c *core) untested(id string, row *claimRow) string {
	d := c.declaration
	switch {
	case row == nil:
		return "unknown claim"
	case c.witnessed() && c.selfTest() == "failed":
		return "self-test failed"
	case c.witnessed() && c.selfTest() == "none":
		return "no self-test"
	case id == "control.switches" && (d == nil || len(d.items("switches")) == 0):
		return "no switch declared"
	case id == "collect.encrypted" && c.semantics < 4:
		return "needs tls"
	case id == "collect.authenticated" && c.semantics >= 4 && c.certificates() > 0:
		return "no tls" // or what the bundle says: see takeTLS
	case id == "declared.collection" && c.semantics >= 4 && c.trial && (d == nil || d.get("collects") == nil):
		return "no declaration"
	case row.untested != "" && !c.isCompared(id, row):
		return row.untested
	case row.losses&lossPackets != 0 && c.plan.str("internet") == "closed":
		return "internet closed"
	case row.needs != "" && (d == nil || d.get(row.needs) == nil):
		return "no declaration"
	case id == "detect.samples" && !c.hasSamples():
		return "no samples"
	case len(c.runs) == 0:
		return "no run"
	}
	return ""
}

func (c *core) hasSamples() bool {
	for _, r := range c.runs {
		for _, f := range c.filesOf(r) {
			if f.str("role") == "sample" {
				return true
			}
		}
	}
	return false
}

func (c *core) judge() (*value, *value) {
	claims, untested := jList(), jList()
	for _, row := range c.claims.items("claims") {
		id := row.str("id")
		known := claimOf(id)
		if why := c.untested(id, known); why != "" {
			untested.list = append(untested.list, jObject(member2{"id", jText(id)}, member2{"reason", jText(why)}))
			continue
		}
		claims.list = append(claims.list, c.judgeOne(row, known))
	}
	return claims, untested
}

func (c *core) judgeOne(row *value, known *claimRow) *value {
	j := newJudgement(known.id, known.upheld)
	if missing := c.missingRuns(); missing > 0 {
		j.ground("run.missing").add("runs", uint64(missing))
	}
	runs := 0
	for _, r := range c.runs {
		// Where certificates are wrong, what leaves counts and no more.
		if c.kinds[r.n] == "certificate" && (known.losses&lossPackets == 0 || known.run == nil) {
			continue
		}
		runs++
		j.now = r.n
		if c.common(known, r, j) && known.run != nil {
			known.run(c, r, j)
		}
	}
	pairs := runs
	if x := c.trialOf; c.trial && x.net != nil && compared[known.id] {
		factors, _ := x.factorsOf(known.id)
		if known.id == "collect.residue" {
			x.judgeResidue(j)
			pairs = x.pairsOf([]string{"content"}, x.equalScreens())
		} else if known.id != "collect.content" || c.comparesContent() {
			x.judgeSent(known.id, j)
			pairs = x.pairsOf(factors, len(x.net.screen))
		}
	}
	return j.write(row.get("question"), runs, pairs)
}

// comparesContent: the plan varies what documents say, or something was confirmed to depend on it.
func (c *core) comparesContent() bool {
	x := c.trialOf
	if x == nil || x.net == nil || hasWord(x.factors, "content") {
		return x != nil
	}
	return c.confirmedOf("collect.content")
}

// certificates are the runs with wrong certificates that were planned.
func (c *core) certificates() int {
	n := 0
	for _, r := range c.plan.items("runs") {
		if r.str("kind") == "certificate" {
			n++
		}
	}
	return n
}

func (c *core) usesTLS() bool {
	for _, r := range c.runs {
		if r.usesTLS() {
			return true
		}
	}
	return false
}

func (c *core) confirmedOf(id string) bool {
	factors, _ := c.trialOf.factorsOf(id)
	for _, cf := range c.trialOf.confirms {
		if hasWord(factors, cf.factor) && len(cf.list) > 0 {
			return true
		}
	}
	return false
}

// isCompared: a claim that the experiment judges, as all that decides it is varied, or something was confirmed.
func (c *core) isCompared(id string, row *claimRow) bool {
	if !c.trial || !compared[id] || c.trialOf.net == nil {
		return false
	}
	if id == "collect.residue" {
		return hasWord(c.trialOf.factors, "content")
	}
	_, all := c.trialOf.factorsOf(id)
	return all || c.confirmedOf(id)
}

// missingRuns are those that were planned, not done, and not left out by a rule that excuses it.
func (c *core) missingRuns() int {
	rules := map[int64]string{}
	for _, d := range c.assessment.items("dropped") {
		rules[d.int("run")] = d.str("rule")
	}
	kinds := map[int64]string{}
	missing, notSetUp, planned := 0, 0, 0
	for _, p := range c.plan.items("runs") {
		n := p.int("run")
		kinds[n] = p.str("kind")
		planned++
		if _, done := c.outcome[int(n)]; done || kinds[n] == "locate" {
			continue
		}
		switch rules[n] {
		case "nothing kept", "nothing to confirm", "nothing to locate":
		case "no tls": // of what concerns collect.authenticated alone
		case "not set up":
			notSetUp++
		default:
			missing++
		}
	}
	if notSetUp > 0 && !(c.trial && 8*notSetUp <= planned && c.enoughBeside()) {
		missing += notSetUp
	}
	return missing
}

// enoughBeside: at least 7 confirming blocks of each factor were planned beside those that were not set up.
func (c *core) enoughBeside() bool {
	n := map[string]int{}
	for _, b := range c.blocks {
		if b.phase == "confirm" && !b.rules["not set up"] {
			n[b.factor]++
		}
	}
	for _, f := range c.trialOf.factors {
		if n[f] < 7 {
			return false
		}
	}
	return true
}

// takeTLS: connections are not opened here, so what rests on what they carried is taken.
func (c *core) takeTLS(f *value) {
	if c.semantics >= 3 {
		ids := []string{"collect.authenticated", "collect.encrypted"}
		if !c.trial {
			ids = append(ids, "collect.content")
			c.takeMember(f, "influence", "influence (TLS is not opened)")
			c.takeMember(f, "ledger", "ledger (TLS is not opened)")
		}
		for _, id := range ids {
			c.takeClaim(f, id, "TLS is not opened")
		}
	}
}

// takeClaim takes one claim's row from the bundle, judged or not.
func (c *core) takeClaim(f *value, id, why string) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil || findByID(f.items("claims"), id) == nil && findByID(f.items("not_tested"), id) == nil {
		return
	}
	for _, list := range []string{"claims", "not_tested"} {
		rows := jList()
		for _, row := range c.claims.items("claims") {
			if at := findByID(f.items(list), row.str("id")); at != nil && row.str("id") != id {
				rows.list = append(rows.list, at)
			} else if at := findByID(there.items(list), id); at != nil && row.str("id") == id {
				rows.list = append(rows.list, at)
			}
		}
		f.set(list, rows)
	}
	c.taken = append(c.taken, id+" ("+why+")")
}

// takeDeclared takes what rests on recognising values in fields (declared.collection): which influences are declared. All else of their rows is held
// against this program's own.
func (c *core) takeDeclared(f *value) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil {
		return
	}
	c.takeClaim(f, "declared.collection", "values of documents are not recognised in fields")
	plain := func(list []*value) string {
		var out []byte
		for _, v := range list {
			copied := &value{kind: isObject}
			for i, k := range v.keys {
				if k != "declared" {
					copied.keys, copied.list = append(copied.keys, k), append(copied.list, v.list[i])
				}
			}
			out = copied.write(out)
		}
		return string(out)
	}
	if plain(f.items("influence")) == plain(there.items("influence")) {
		f.set("influence", there.get("influence"))
	}
	own, theirs := f.items("ledger"), there.items("ledger")
	for i := range own {
		if i < len(theirs) && sumsOf(own[i]) == sumsOf(theirs[i]) {
			own[i] = theirs[i]
		}
	}
	c.taken = append(c.taken, "which influences are declared")
}

// sumsOf is a ledger's row without what is declared.
func sumsOf(row *value) string {
	sums := map[string]int64{}
	for _, x := range row.items("influenced") {
		sums[string(x.get("factors").write(nil))] += x.int("bytes")
	}
	return fmt.Sprint(row.str("endpoint"), row.int("wire"), row.int("constant"), row.int("explained"), row.int("unaccounted"), sums)
}

// takeMember takes a member of the bundle's findings as it is.
func (c *core) takeMember(f *value, name, what string) {
	if there, err := readJSON(c.v.b.part["findings.json"]); err == nil && there.get(name) != nil {
		f.set(name, there.get(name))
		c.taken = append(c.taken, what)
	}
}

// takeExperiment takes from the bundle what this program does not recompute of an experiment: verdicts, influence and classes of bytes
// that rest on the comparison of runs. What it can hold against its own figures it does.
func (c *core) takeExperiment(f *value) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil || there.kind != isObject {
		return
	}
	claims := map[string]*value{}
	for _, m := range append(append([]*value{}, there.items("claims")...), there.items("not_tested")...) {
		claims[m.str("id")] = m
	}
	var judged, untested []*value
	for _, row := range c.claims.items("claims") {
		id := row.str("id")
		own := findByID(f.items("claims"), id)
		not := findByID(f.items("not_tested"), id)
		if compared[id] && (not == nil || not.str("reason") == "needs experiment") && claims[id] != nil {
			own, not = nil, claims[id]
			if not.get("verdict") != nil {
				own, not = not, nil
			}
			c.taken = append(c.taken, id)
		}
		if own != nil {
			judged = append(judged, own)
		} else if not != nil {
			untested = append(untested, not)
		}
	}
	f.set("claims", jList(judged...))
	f.set("not_tested", jList(untested...))
	f.set("influence", there.get("influence"))
	c.taken = append(c.taken, "influence", "classes of the ledger (their sums were recomputed)")
	c.takeLedger(f, there)
}

var compared = map[string]bool{"collect.content": true, "collect.names": true, "collect.metadata": true, "collect.host": true, "collect.inventory": true, "collect.residue": true}

func findByID(list []*value, id string) *value {
	for _, v := range list {
		if v.str("id") == id {
			return v
		}
	}
	return nil
}

// takeLedger takes the classes of each endpoint whose sum is what left for it.
func (c *core) takeLedger(f, there *value) {
	own, theirs := f.items("ledger"), there.items("ledger")
	if len(own) != len(theirs) {
		return
	}
	for i, t := range theirs {
		sum := t.int("constant") + t.int("explained") + t.int("unaccounted")
		for _, x := range t.items("influenced") {
			sum += x.int("bytes")
		}
		if t.str("endpoint") == own[i].str("endpoint") && t.int("wire") == own[i].int("wire") && sum == own[i].int("wire") {
			own[i] = t
		}
	}
}
