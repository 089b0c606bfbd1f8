package main

// An experiment's findings: influence, ledger and the claims that rest on the comparison of runs.

import (
	"encoding/hex"
	"fmt"
	"strings"
)

func hexBytes(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}

// factorRows: the factors that can be set, and the claims that they decide (tables.md).
var factorRows = [][2]string{
	{"content", "collect.content"}, {"marking", "collect.content"}, {"sample", "collect.content"}, {"names", "collect.names"}, {"names.count", "collect.names"},
	{"metadata.size", "collect.metadata"}, {"metadata.times", "collect.metadata"}, {"metadata.owner", "collect.metadata"}, {"metadata.mode", "collect.metadata"},
	{"metadata.xattrs", "collect.metadata"}, {"host.name", "collect.host"}, {"host.machine-id", "collect.host"}, {"host.boot-id", "collect.host"}, {"host.address", "collect.host"}, {"host.mac", "collect.host"},
	{"host.users", "collect.host"}, {"host.locale", "collect.host"}, {"host.timezone", "collect.host"}, {"inventory.packages", "collect.inventory"},
	{"inventory.processes", "collect.inventory"}, {"inventory.mounts", "collect.inventory"},
}

// covers says whether a name of plan.json stands for a row.
func covers(name, row string) bool {
	return name == row || strings.HasPrefix(row, name+".")
}

func claimOfFactor(name string) string {
	for _, r := range factorRows {
		if covers(name, r[0]) {
			return r[1]
		}
	}
	return ""
}

type experiment struct {
	c        *core
	net      *trial // nil where features are not there
	disk     *trial
	factors  []string
	confirms []*confirmation // by factor, then send
	onDisk   *confirmation
	ledger   *ledger
	admitted map[featureKey]bool // declared features; nil where nothing says what is collected
	locate   *locator            // nil where there are no locate blocks
}

func (c *core) readExperiment() (*experiment, error) {
	x := &experiment{c: c}
	for _, f := range c.plan.items("factors") {
		x.factors = append(x.factors, f.text)
	}
	c.blocks = c.readBlocks()
	if err := x.checkExperiment(); err != nil {
		return nil, err
	}
	disk, have := map[int]featureSet{}, true
	net := map[int]featureSet{}
	for _, r := range c.runs {
		disk[r.n] = diskFeatures(r.tree)
		if r.packets == nil {
			continue
		}
		if r.features == nil {
			have = false
			continue
		}
		set := featureSet{}
		for _, f := range r.features {
			set[f.key] = f
		}
		net[r.n] = set
		r.choices = make([]chosen, len(r.flows.list))
		witnessed := hasWord(witnessesOf(r.witnesses, "send"), "packet")
		for i, fl := range r.flows.list {
			r.choices[i] = r.sends.of(fl, witnessed)
		}
	}
	x.disk = c.newTrial(disk, map[string]bool{"locate": true, "certificate": true})
	x.disk.findSuspects()
	x.disk.findHeld()
	if err := x.checkKept(); err != nil {
		return x.without(err)
	}
	if !have {
		return x, nil
	}
	x.net = c.newTrial(net, map[string]bool{"store": true, "certificate": true})
	x.net.findSuspects()
	x.net.findHeld()
	if err := x.checkHeld(); err != nil {
		return x.without(err)
	}
	for _, f := range x.factors {
		if err := x.checkSkipped(f); err != nil {
			return x.without(err)
		}
	}
	x.test()
	if err := x.locateBlocks(); err != nil {
		return x.without(err)
	}
	return x, nil
}

// without: where something is withheld the comparison can come to something else than it did; then there is none.
func (x *experiment) without(err error) (*experiment, error) {
	if x.c.v.withheld == 0 {
		return nil, err
	}
	x.net = nil
	return x, nil
}

// checkHeld: what assessment.json holds must be what screening gives.
func (x *experiment) checkHeld() error {
	there := x.c.assessment.items("held")
	if len(there) == 0 {
		x.net.held, x.disk.held = nil, nil
		return nil
	}
	if len(there) != len(x.factors) {
		return fmt.Errorf("assessment.json: held has not a row for each factor")
	}
	for i, row := range there {
		want := x.net.held
		if row.str("factor") == "content" && len(x.net.suspects) == 0 && len(x.disk.suspects) > 0 {
			want = x.disk.held
		}
		if row.str("factor") != x.factors[i] || want == nil || row.int("block") != want.n {
			return fmt.Errorf("assessment.json: held is not what screening gives")
		}
	}
	return nil
}

func (x *experiment) heldFor(factor string) *block {
	if factor == "content" && len(x.net.suspects) == 0 && len(x.disk.suspects) > 0 {
		return x.disk.held
	}
	return x.net.held
}

func (x *experiment) test() {
	for i, f := range x.factors {
		held := x.net.held
		x.net.held = x.heldFor(f)
		x.confirms = append(x.confirms, x.net.confirmFactor(f, i))
		x.net.held = held
	}
	x.confirms = append(x.confirms, x.net.confirmSend(len(x.factors)+1))
	held := x.disk.held
	x.disk.held = x.heldFor("content")
	x.onDisk = x.disk.confirmFactor("content", len(x.factors))
	x.disk.held = held
	known := map[featureKey]uint64{}
	for _, cf := range x.confirms {
		for _, k := range cf.list {
			known[k.key] |= x.bitOf(cf.factor)
		}
	}
	for _, b := range x.c.blocks {
		if !b.part || b.aside() {
			continue
		}
		for _, n := range b.runs {
			for _, k := range x.c.leaks(x.c.byNumber[n]) {
				known[k] |= x.bitOf("content")
			}
		}
	}
	x.admitted = x.admittedFeatures()
	x.ledger = x.c.makeLedger(x.net, x.factors, known, x.admitted)
}

// bitOf is a factor's in sets of factors; 0 where the plan has it not.
func (x *experiment) bitOf(factor string) uint64 {
	if i := x.place(factor); i >= 0 && i < 64 {
		return 1 << i
	}
	return 0
}

func (x *experiment) bitsOfFactors(list []string) (set uint64) {
	for _, f := range list {
		set |= x.bitOf(f)
	}
	return set
}

func (x *experiment) influence(proven *value) *value {
	return x.dependent(x.provenOnDisk(x.dependent(proven, x.confirms...)), x.onDisk)
}

// dependent adds the rows of what was confirmed.
func (x *experiment) dependent(rows *value, confirms ...*confirmation) *value {
	out := jList(rows.list...)
	for _, cf := range confirms {
		for _, k := range cf.list {
			p := jObject(member2{"b", jInt(int64(k.result.b))}, member2{"family", jInt(int64(k.result.family))}, member2{"m", jInt(int64(cf.m))}, member2{"phase", jText(cf.phase)})
			out.list = append(out.list, jObject(member2{"declared", jBool(x.admitted[k.key])}, member2{"endpoint", jText(k.key.endpoint)}, member2{"factor", jText(cf.factor)},
				member2{"feature", jText(k.key.name)}, member2{"grade", jText("dependent")}, member2{"layer", jText(x.layerOf(k.key))}, member2{"p", p}))
		}
	}
	return out
}

func (x *experiment) layerOf(k featureKey) string {
	if k.endpoint == "disk" {
		return "disk"
	}
	for _, r := range x.c.runs {
		if f := x.net.sets[r.n][k]; f != nil {
			if f.tls || f.given {
				return "tls"
			}
			if f.flow > 0 {
				return r.flows.list[f.flow-1].layer
			}
		}
	}
	return k.endpoint[strings.LastIndexByte(k.endpoint, '/')+1:]
}

// factorsOf are the plan's factors that decide a claim; all says whether they are all that there are.
func (x *experiment) factorsOf(id string) (list []string, all bool) {
	all = true
	for _, row := range factorRows {
		if row[1] != id || (row[0] == "host.address" && x.c.semantics < 4) {
			continue
		}
		found := false
		for _, f := range x.factors {
			if covers(f, row[0]) {
				found = true
				if !hasWord(list, f) {
					list = append(list, f)
				}
			}
		}
		all = all && found
	}
	return list, all
}

// judgeSent adds what the comparison says to a claim about what left.
func (x *experiment) judgeSent(id string, j *judgement) {
	factors, _ := x.factorsOf(id)
	features, bytes, stored, inseparable := map[featureKey]bool{}, uint64(0), map[featureKey]bool{}, uint64(0)
	for _, cf := range x.confirms {
		if !hasWord(factors, cf.factor) {
			continue
		}
		for _, k := range cf.list {
			if x.c.semantics > 3 && covers(cf.factor, "metadata.size") && x.confirmedFor(k.key, "content") {
				inseparable++
				continue
			}
			features[k.key] = true
			if cf.phase == "send" {
				stored[k.key] = true
			}
		}
	}
	j.now = 0
	if len(features) > 0 {
		for k := range features {
			bytes += x.ledger.influence[k]
		}
		g := j.ground("influence.confirmed").add("features", uint64(len(features))).add("bytes", bytes).add("of", x.ledger.of)
		if len(stored) > 0 {
			g.add("stored", uint64(len(stored)))
		}
	}
	if inseparable > 0 {
		j.ground("content.inseparable").add("features", inseparable)
	}
	given := uint64(0)
	for _, row := range x.ledger.rows {
		given += row.given
	}
	if given > 0 && j.upheld == "nothing.depends" {
		j.good.add("given", given)
	}
	x.unaccounted(factors, j)
}

// confirmedFor says whether a feature was confirmed for a factor.
func (x *experiment) confirmedFor(k featureKey, factor string) bool {
	for _, cf := range x.confirms {
		for _, c := range cf.list {
			if cf.factor == factor && c.key == k {
				return true
			}
		}
	}
	return false
}

// openFor is what speaks against a claim whose factors these are. What depends on one of them is not open; what depends on another, and differs only where that one
// did, does not speak against it, so of it screening blocks do not count.
func (x *experiment) openFor(factors []string) *openCount {
	out, own := &openCount{features: map[featureKey]map[int]uint64{}}, x.bitsOfFactors(factors)
	for b, o := range x.ledger.open {
		switch b.phase {
		case "aa", "screen":
		case "confirm", "send":
			if !hasWord(factors, b.factor) {
				continue
			}
		default:
			continue
		}
		out.bytes += o.loose
		out.loose += o.loose
		for k, runs := range o.features {
			known := x.ledger.known[k]
			if known&own != 0 || b.phase == "screen" && known != 0 {
				continue
			}
			for r, n := range runs {
				out.bytes += n
				out.note(k, r, n)
			}
		}
	}
	return out
}

func (x *experiment) unaccounted(factors []string, j *judgement) {
	o := x.openFor(factors)
	if o.bytes == 0 && len(o.features) == 0 {
		return
	}
	g := j.ground("bytes.unaccounted").add("bytes", o.bytes).add("of", x.ledger.of).add("features", uint64(len(o.features)))
	if x.c.semantics >= 4 {
		g.add("bits", x.bitsOf(o)).add("timing_bits", x.timingBits())
	}
}

// pairsOf is the n of a claim's bound.
func (x *experiment) pairsOf(factors []string, equalScreen int) int {
	least := -1
	for _, f := range factors {
		done, planned, skipped := 0, 0, false
		for _, b := range x.c.blocks {
			if b.phase != "confirm" || b.factor != f {
				continue
			}
			planned++
			if b.part {
				done++
			}
			skipped = skipped || b.rules["nothing to confirm"]
		}
		n := done
		if planned >= 24 {
			n -= planned / 4
		} else if len(x.net.suspects) > 0 || f == "content" && len(x.disk.suspects) > 0 {
			n = 0
		}
		if n < 0 {
			n = 0
		}
		if (n == 0 || skipped) && equalScreen > n {
			n = equalScreen
		}
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}
