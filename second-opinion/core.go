package main

// The core of a bundle: its documents and records, and whether they can be those of one assessment (core.md).

import (
	"fmt"
	"net"
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
	takenClaims                                             map[string]bool
	missingRecord                                           map[int]bool
	blocks                                                  []*block
	byNumber                                                map[int]*run
	trialOf                                                 *experiment
	hits                                                    map[int]*hitList
	kept                                                    map[int][]kept
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

const newestSemantics = 5

// eventsOf is the version of events that records of such semantics have.
func eventsOf(semantics int64) uint64 {
	switch {
	case semantics < 2:
		return 1
	case semantics < 4:
		return 2
	}
	return 3
}

func (c *core) witnessed() bool { return c.semantics >= 2 }

func (v *verification) newCore() (*core, error) {
	c := &core{v: v, plan: v.docs["plan.json"], claims: v.docs["claims.json"], assessment: v.docs["assessment.json"], planted: v.docs["planted.json"],
		product: v.docs["product.json"], declaration: v.docs["declaration.json"], outcome: map[int]string{}, installed: map[string]*installedFile{},
		endpoints: map[string]bool{}, hosts: map[string]bool{}, declaredUids: map[int]bool{}, made: map[int]map[string]bool{}, recs: map[int]*reconciled{},
		missingRecord: map[int]bool{}, hits: map[int]*hitList{}, kept: map[int][]kept{}, takenClaims: map[string]bool{}, kinds: map[int]string{}, byNumber: map[int]*run{}}
	c.semantics, c.target = c.plan.int("semantics"), c.plan.str("target")
	c.trial = c.plan.has("blocks")
	if c.semantics < 1 || c.semantics > newestSemantics {
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
	for _, set := range append([]*value{c.planted}, c.planted.items("sets")...) {
		if !pathsAscend(set.items("files")) {
			return nil, fmt.Errorf("planted.json: files are out of order, or one is there twice")
		}
	}
	for _, m := range v.b.members {
		err := v.recErr[m.name]
		if r := v.runs[runOf(m.name)]; err == nil && r != nil && r.packets != nil {
			err = r.packets.wrong
		}
		if err != nil && runOf(m.name) > 0 {
			return nil, within(m.name, err)
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
		} else if fmt.Sprintf("%x", r.sum.plan) != planHash && r.sum.items > 0 && !r.sum.startless() {
			return nil, fmt.Errorf("the record of run %d is of another plan", n)
		}
		if r.sum.flaw != nil && r.sum.withheld == 0 {
			return nil, within(fmt.Sprintf("the record of run %d", n), r.sum.flaw)
		}
		if r.sum.items > 0 && r.sum.version != eventsOf(c.semantics) && !r.sum.startless() {
			return nil, fmt.Errorf("the record of run %d has events of version %d", n, r.sum.version)
		}
		if r.sum.run != uint64(n) && r.sum.items > 0 && !r.sum.startless() {
			return nil, fmt.Errorf("the record of run %d was recorded as another", n)
		}
		if r.loss.err != nil && r.version >= 2 && r.sum.withheld == 0 {
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
	if used := c.plan.get("authorities"); used != nil {
		var declared *value
		if c.declaration != nil {
			declared = c.declaration.get("authorities")
		}
		form := jObject(member2{"arguments", used.get("arguments")}, member2{"environment", used.get("environment")}, member2{"files", used.get("files")})
		if c.semantics < 5 || declared == nil || string(declared.write(nil)) != string(form.write(nil)) {
			return fmt.Errorf("plan.json: other authorities in a form that is not declared")
		}
	}
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
	return c.setOf(r.n).items("files")
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
func (c *core) treeCut(r *run) bool {
	return notWhole(r.treeSum) || c.kinds[r.n] == "send" && notWhole(c.v.records[partName(r.n-2, "tree.cbor.zst")])
}

func notWhole(tree *recordSummary) bool { return tree == nil || tree.cut || tree.withheld > 0 }
