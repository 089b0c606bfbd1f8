package main

// The locate blocks of a core: each must have varied what those before it called for; and what they come to (findings.md, "located").

import (
	"fmt"
	"sort"
	"strings"
)

const (
	thingsMost = 16
	mostPlaces = 1 << 20
)

func (x *experiment) thingsOf(factor string) *value {
	for _, row := range x.c.planted.items("things") {
		if row.str("factor") == factor {
			return row.get("documents")
		}
	}
	return nil
}

// locateBlocks goes the same way again.
func (x *experiment) locateBlocks() error {
	if !x.c.hasPhase("locate") {
		return nil
	}
	var seed seedOf
	copy(seed[:], hexBytes(x.c.assessment.str("seed")))
	x.locate = &locator{spaces: map[string]*locSpace{}}
	for i, f := range x.factors {
		if err := x.addSpace(&seed, f); err != nil {
			return err
		}
		if s := x.locate.spaces[f]; s != nil {
			x.addTargets(x.net, f, s, x.confirms[i])
		}
	}
	if s := x.locate.spaces["content"]; s != nil && x.c.semantics >= 5 {
		x.addTargets(x.disk, "content", s, x.onDisk)
	}
	for _, b := range x.c.blocks {
		if b.phase != "locate" {
			continue
		}
		if b.fate == fateInterrupted {
			break
		}
		if err := x.locateBlock(b); err != nil {
			return err
		}
	}
	return nil
}

func (x *experiment) addSpace(seed *seedOf, factor string) error {
	documents := x.thingsOf(factor)
	if documents == nil {
		return nil
	}
	var places []int
	some := false
	for _, d := range documents.list {
		n := d.int("places")
		if n < 0 || n > mostPlaces {
			return fmt.Errorf("planted.json: what can be changed alone of %s makes no sense", factor)
		}
		some = some || n > 0
		places = append(places, int(n))
	}
	if !some || len(places) > thingsMost {
		return fmt.Errorf("planted.json: what can be changed alone of %s makes no sense", factor)
	}
	x.locate.spaces[factor] = newSpace(seed, factor, places)
	return nil
}

// referenceBlocks are the confirming blocks that repeat the held one, where some were done; else all that were.
func (x *experiment) referenceBlocks(factor string) []*block {
	var repeats, all []*block
	planned, place := 0, 0
	for _, b := range x.c.blocks {
		if b.phase == "confirm" && b.factor == factor {
			planned++
		}
	}
	suspected := len(x.net.suspects) > 0 || factor == "content" && len(x.disk.suspects) > 0
	for _, b := range x.c.blocks {
		if b.phase != "confirm" || b.factor != factor {
			continue
		}
		place++
		if !b.part {
			continue
		}
		all = append(all, b)
		if planned >= 24 && place%4 == 0 || planned < 24 && suspected {
			repeats = append(repeats, b)
		}
	}
	if len(repeats) > 0 {
		return repeats
	}
	return all
}

func (x *experiment) addTargets(trial *trial, factor string, s *locSpace, cf *confirmation) {
	blocks := x.referenceBlocks(factor)
	for _, f := range cf.list {
		if trial.timing(f.key) || len(x.locate.targets) == targetsMost || len(blocks) == 0 {
			continue
		}
		t := &locTarget{space: s, trial: trial, key: f.key, reference: trial.reference(f.key, blocks)}
		steady := 0
		for _, b := range blocks {
			if x.shown(t, b) == 1 {
				steady++
			}
		}
		t.times = timesOf(steady, len(blocks))
		x.locate.targets = append(x.locate.targets, t)
	}
}

// reference is the value that most runs at level 0 have; nil: to lack the feature.
func (t *trial) reference(k featureKey, blocks []*block) (best *feature) {
	most := 0
	for _, b := range blocks {
		f, _ := t.pair(b, k)
		n := 0
		for _, o := range blocks {
			if g, _ := t.pair(o, k); f.same(g) {
				n++
			}
		}
		if n > most {
			most, best = n, f
		}
	}
	return best
}

// shown is d of a block for a target.
func (x *experiment) shown(t *locTarget, b *block) int {
	d := 0
	zero, one := t.trial.pair(b, t.key)
	if zero.same(t.reference) {
		d++
	}
	if one.same(t.reference) {
		d--
	}
	return d
}

func (x *experiment) locateBlock(b *block) error {
	q := x.locate.next()
	switch {
	case q == nil && b.fate == fateUnasked:
		return nil
	case q == nil:
		return fmt.Errorf("block %d was done, and nothing was to be asked", b.n)
	case b.fate == fateUnasked:
		return fmt.Errorf("block %d was left out, and something was to be asked", b.n)
	}
	for place, run := range b.runs {
		if b.fates[place] == fateDone && !x.asked(x.c.setOf(run), b.level[place], q) {
			return fmt.Errorf("block %d varies something else than was to be asked", b.n)
		}
	}
	x.locate.tell(q, b.part, func(t *locTarget) int { return x.shown(t, b) })
	return nil
}

// asked: the set has what the question calls for.
func (x *experiment) asked(set *value, level int, q *locQuestion) bool {
	for i, row := range set.items("levels") {
		want := baseOf(x.factors[i])
		if x.factors[i] == q.factor {
			want = 0
			if set.int("block") != x.heldOf(q.factor) {
				return false
			}
		}
		if row.str("factor") != x.factors[i] || row.int("level") != want {
			return false
		}
	}
	parts, mix := q.level[level], set.get("mix")
	if mix == nil || len(parts) == 0 {
		return mix == nil && len(parts) == 0
	}
	if mix.str("factor") != q.factor || len(mix.items("parts")) != len(parts) {
		return false
	}
	for i, row := range mix.items("parts") {
		if (locPart{int(row.int("document")), int(row.int("from")), int(row.int("to"))}) != parts[i] {
			return false
		}
	}
	return true
}

// located has a row for each row of influence of grade dependent.
func (x *experiment) located(influence *value) *value {
	out, target, counted := jList(), 0, map[string]int64{}
	for _, b := range x.locate.blocks {
		if b.told {
			counted[b.factor]++
		}
	}
	for _, row := range influence.list {
		if row.str("grade") != "dependent" {
			continue
		}
		factor := row.str("factor")
		v := jObject(member2{"blocks", jInt(0)}, member2{"endpoint", row.get("endpoint")}, member2{"factor", row.get("factor")}, member2{"feature", row.get("feature")},
			member2{"layer", row.get("layer")}, member2{"places", jList()}, member2{"rest", jNull()})
		reason := ""
		switch {
		case row.str("layer") == "disk" && x.c.semantics < 5:
			reason = "disk"
		case row.get("p").str("phase") != "confirm":
			reason = "stored"
		case x.locate.spaces[factor] == nil:
			reason = "factor"
		case x.net.timing(featureKey{row.str("endpoint"), row.str("feature")}):
			reason = "timing"
		case target >= len(x.locate.targets):
			reason = "features"
		default:
			res, _, done := x.locate.walk(x.locate.targets[target])
			if reason = res.reason; !done {
				reason = "blocks"
			}
			v.set("blocks", jInt(counted[factor]))
			v.set("places", x.places(factor, res.places))
			v.set("rest", textOrNull(res.rest))
			target++
		}
		v.set("reason", jText(reason))
		out.list = append(out.list, v)
	}
	return out
}

func (x *experiment) places(factor string, list []locPlace) *value {
	out, things := jList(), x.thingsOf(factor).list
	sort.SliceStable(list, func(i, j int) bool { return list[i].document < list[j].document })
	for _, p := range list {
		with := jList()
		sort.Ints(p.ground)
		for _, i := range p.ground {
			with.list = append(with.list, things[i].get("document"))
		}
		v := jObject(member2{"blocks", jInt(int64(p.confirmed))}, member2{"document", things[p.document].get("document")}, member2{"with", with},
			member2{"error", jList(jInt(1), jInt(1<<x.locate.repeats()))}, member2{"part", jNull()}, member2{"offset", jNull()}, member2{"length", jNull()}, member2{"of", jNull()})
		if factor == "content" {
			x.spanOf(v, &p)
		}
		out.list = append(out.list, v)
	}
	return out
}

// spanOf tells which bytes of the file, or characters of a text that is deflated in it, were not the same in the two runs of the last block that confirmed the place.
func (x *experiment) spanOf(v *value, p *locPlace) {
	var b *block
	at := 0
	for _, o := range x.c.blocks {
		if o.phase == "locate" {
			if at == p.block {
				b = o
			}
			at++
		}
	}
	sets := [2]*value{x.c.setOf(b.at(0)), x.c.setOf(b.at(1))}
	for _, row := range sets[1].get("mix").items("parts") {
		if int(row.int("document")) == p.document && row.has("of") {
			v.set("part", jText("text"))
			v.set("offset", row.get("offset"))
			v.set("length", row.get("length"))
			v.set("of", row.get("of"))
			return
		}
	}
	zero, one := x.c.fileOf(sets[0], p.document), x.c.fileOf(sets[1], p.document)
	head, tail, both := 0, 0, min(len(zero), len(one))
	for head < both && zero[head] == one[head] {
		head++
	}
	for tail < both-head && zero[len(zero)-1-tail] == one[len(one)-1-tail] {
		tail++
	}
	v.set("part", jText("file"))
	v.set("offset", jInt(int64(head)))
	v.set("length", jInt(int64(len(one)-tail-head)))
	v.set("of", jInt(int64(len(one))))
}

// fileOf is a document of a set by its number: whatever it is called, documents stand in one order.
func (c *core) fileOf(set *value, document int) []byte {
	n := 0
	for _, f := range set.items("files") {
		path, role := f.bytes("path"), f.str("role")
		if role == "definitions" || role == "sample" && strings.HasPrefix(path, "samples/") || strings.HasPrefix(path, "zz-minutes-") {
			continue
		}
		if n == document {
			return c.v.b.part[f.str("part")]
		}
		n++
	}
	return nil
}

// setOf is the set of documents that a run found.
func (c *core) setOf(run int) *value {
	for _, s := range c.assessment.items("sets") {
		if int(s.int("run")) != run {
			continue
		}
		for _, set := range c.planted.items("sets") {
			if set.int("set") == s.int("set") {
				return set
			}
		}
	}
	return nil
}
