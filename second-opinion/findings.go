package main

// findings.json, made from the core.

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

func (v *verification) checkFindings() {
	there := v.b.part["findings.json"]
	if v.withheld != 0 && v.docsWrong() {
		v.checkWithheld(nil, nil)
		return
	}
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
	if v.withheld != 0 {
		v.checkWithheld(c, err)
		return
	}
	if err != nil {
		v.sayError("findings", "cannot be derived: ", err)
		return
	}
	if c.semantics > newestSemantics || c.semantics < 1 {
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

func (c *core) notAsserted() []string {
	list := []string{"timing", "dormant behaviour", "server side"}
	if c.semantics >= 5 {
		list = append(list, "ipv6")
	}
	return list
}

func (c *core) findings() *value {
	f := jObject(member2{"claim_set", jText("sha256:" + hexOf(c.v.b.part["claims.json"]))}, member2{"plan", jText("sha256:" + hexOf(c.v.b.part["plan.json"]))},
		member2{"schema", jText("hallmark/findings/v1")}, member2{"semantics", jInt(c.semantics)},
		member2{"scope", jObject(member2{"not_asserted", jTexts(c.notAsserted())})})
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
	if c.trial && c.trialOf.admitted != nil && c.longPlain() {
		c.takeDeclared(f)
	}
	if c.semantics >= 4 && c.trial && c.trialOf.net != nil && c.trialOf.locate != nil {
		f.set("located", c.trialOf.located(f.get("influence")))
	} else if c.semantics >= 4 && c.hasPhase("locate") {
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
	if used := c.plan.get("authorities"); used != nil {
		by := []*value{}
		for _, way := range []string{"arguments", "environment", "files"} {
			if len(used.items(way)) > 0 {
				by = append(by, jText(way))
			}
		}
		v.set("authorities", jObject(member2{"after", used.get("after")}, member2{"by", jList(by...)}))
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
