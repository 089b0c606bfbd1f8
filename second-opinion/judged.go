package main

// Which claims are judged, by which runs, and what is missing (findings.md, "Rows", "Verdicts", "Experiment").

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
	if missing := c.missingRuns(known.id); missing > 0 {
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
		c.common(known, r, j)
		if known.run != nil {
			known.run(c, r, j)
		}
	}
	pairs := runs
	if x := c.trialOf; c.trial && x.net != nil && compared[known.id] {
		factors, _ := x.factorsOf(known.id)
		if known.id == "declared.collection" {
			x.judgeCollection(j, x.dependent(c.writeProven(), x.confirms...))
			pairs = x.pairsOf(x.factors, len(x.net.screen))
		} else if known.id == "collect.residue" {
			x.judgeResidue(j)
			if pairs = x.pairsOf([]string{"content"}, x.equalScreens()); pairs == 0 {
				pairs = 1 // all that were done are one draw
			}
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
	if id == "declared.collection" {
		return c.semantics >= 4 && c.declaration != nil && c.declaration.get("collects") != nil
	}
	if id == "collect.residue" {
		return hasWord(c.trialOf.factors, "content")
	}
	_, all := c.trialOf.factorsOf(id)
	return all || c.confirmedOf(id)
}

// missingRuns are those that were planned, not done, and not left out by a rule that excuses it.
func (c *core) missingRuns(claim string) int {
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
		if _, done := c.outcome[int(n)]; done || kinds[n] == "locate" || kinds[n] == "certificate" && claim != "collect.authenticated" {
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
