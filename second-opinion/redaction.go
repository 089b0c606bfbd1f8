package main

// Bundles of which something is withheld (bundle.md, "Redaction"): that all else is as it was, and what that leaves of each claim.

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	redactionName = "redaction.json"
	originalName  = "manifest.original.json"
)

// What a claim looks at, and what can be withheld.
type evidenceKind byte

const (
	evidenceOfEvents evidenceKind = 1 << iota
	evidenceOfPackets
	evidenceOfTree
	evidenceOfAll = evidenceOfEvents | evidenceOfPackets | evidenceOfTree
)

var manifestShape = parseShape(`{schema:s,members:[{length:i,name:s,sha256:s}]}`)

// startless: the block with event 0 is withheld.
func (s *recordSummary) startless() bool { return len(s.gone) > 0 && s.gone[0].from == 0 }

// Losses as core.json states them, for what cannot be counted.
type statedLosses map[string]int64

func (b *bundle) statedLosses() statedLosses {
	out := statedLosses{}
	core, err := readJSON(b.part["core.json"])
	if err != nil {
		return out
	}
	for _, row := range core.items("records") {
		if n := row.get("lost"); n != nil && n.kind == isInt && n.num >= 0 {
			out[row.str("name")] = n.num
		}
	}
	return out
}

func (s statedLosses) of(name string, counted uint64, withheld bool) (uint64, error) {
	if !withheld {
		return counted, nil
	}
	n, ok := s[name]
	if !ok || uint64(n) < counted {
		return 0, fmt.Errorf("%s: core.json states fewer losses than are left to be counted", name)
	}
	return uint64(n), nil
}

// withheldOf has, as redaction.json does, what is withheld of a member; an empty list for others.
func (v *verification) withheldOf(name string) []*value {
	var rows []*value
	if s := v.records[name]; s != nil {
		for _, g := range s.gone {
			rows = append(rows, jObject(member2{"first", jInt(int64(g.first))}, member2{"from", jInt(int64(g.from))},
				member2{"items", jInt(int64(g.items))}, member2{"to", jInt(int64(g.to))}))
		}
	}
	if !strings.HasSuffix(name, "/packets.pcapng") || v.runs[runOf(name)] == nil || v.runs[runOf(name)].packets == nil {
		return rows
	}
	var last *value
	for _, g := range v.runs[runOf(name)].packets.gone {
		what := map[uint32]string{pcapPacket: "packet", pcapSecrets: "secrets", pcapNames: "names"}[g.was]
		if last != nil && last.int("to")+1 == int64(g.at) && last.str("what") == what {
			last.set("to", jInt(int64(g.at)))
			continue
		}
		last = jObject(member2{"from", jInt(int64(g.at))}, member2{"to", jInt(int64(g.at))}, member2{"what", jText(what)})
		rows = append(rows, last)
	}
	return rows
}

// findWithheld notes of what kinds of evidence something is withheld.
func (v *verification) findWithheld() {
	for _, m := range v.b.members {
		if len(v.withheldOf(m.name)) == 0 {
			continue
		}
		switch {
		case strings.HasSuffix(m.name, "/record.cbor.zst"):
			v.withheld |= evidenceOfAll // events tell of the others, too
		case strings.HasSuffix(m.name, "/tree.cbor.zst"):
			v.withheld |= evidenceOfTree
		default:
			v.withheld |= evidenceOfPackets
		}
	}
}

func (v *verification) checkRedaction() {
	v.findWithheld()
	_, listed := v.b.part[redactionName]
	if !v.coreHolds || v.withheld == 0 && !listed {
		return
	}
	v.ifFalse("redaction", v.redactionError(listed), "what is withheld is listed; all else is as it was, but for features that follow from it")
}

func (v *verification) redactionError(listed bool) error {
	switch {
	case !listed:
		return fmt.Errorf("something is withheld, and there is no redaction.json")
	case v.withheld == 0:
		return fmt.Errorf("redaction.json is there, and nothing is withheld")
	}
	first, err := readJSON(v.b.part[originalName])
	if err == nil {
		err = manifestShape.check(first, originalName)
	}
	if err != nil {
		return fmt.Errorf("%s: %v", originalName, err)
	}
	if err := v.checkOriginal(first.items("members")); err != nil {
		return err
	}
	if !bytes.Equal(v.redactionList(first.items("members")), v.b.part[redactionName]) {
		return fmt.Errorf("redaction.json is not what is withheld")
	}
	return nil
}

// checkOriginal: every member is the one that the first manifest has, but for those of which something is withheld, and what follows from them.
func (v *verification) checkOriginal(members []*value) error {
	before := map[string]bool{}
	last := ""
	for _, row := range members {
		name := row.str("name")
		if at := rowOf(name); name <= last || at == nil || !at.core || name == redactionName || name == originalName {
			return fmt.Errorf("%s: it is no manifest of a bundle in which nothing was withheld", originalName)
		}
		last, before[name] = name, true
		if err := v.checkOriginalRow(name, row); err != nil {
			return err
		}
	}
	for _, m := range v.b.members {
		if rowOf(m.name).core && m.name != redactionName && m.name != originalName && !before[m.name] {
			return fmt.Errorf("%s was not there before", m.name)
		}
	}
	return nil
}

func (v *verification) checkOriginalRow(name string, row *value) error {
	data, there := v.b.part[name]
	lacks := len(v.withheldOf(name)) > 0 || strings.HasSuffix(name, "/packets.salts") && len(v.withheldOf(partName(runOf(name), "packets.pcapng"))) > 0
	derived := strings.HasSuffix(name, "/features.cbor.zst") && v.runLacks(runOf(name))
	switch {
	case derived && there:
		return fmt.Errorf("%s is there, and of its run something is withheld", name)
	case !there && !derived:
		return fmt.Errorf("%s is gone, and nothing of its run is withheld", name)
	case there && !lacks && (row.int("length") != int64(len(data)) || row.str("sha256") != hexOf(data)):
		return fmt.Errorf("%s is another than before, and nothing of it is withheld", name)
	}
	return nil
}

// runLacks: something of that run is withheld.
func (v *verification) runLacks(run int) bool {
	return len(v.withheldOf(partName(run, "record.cbor.zst")))+len(v.withheldOf(partName(run, "tree.cbor.zst")))+len(v.withheldOf(partName(run, "packets.pcapng"))) > 0
}

// redactionList is the redaction.json that the members call for.
func (v *verification) redactionList(original []*value) []byte {
	packets, records, removed := jList(), jList(), jList()
	for _, m := range sortedMembers(v.b.members) {
		rows := v.withheldOf(m.name)
		if len(rows) == 0 {
			continue
		}
		to := records
		if strings.HasSuffix(m.name, "/packets.pcapng") {
			to = packets
		}
		to.list = append(to.list, jObject(member2{"name", jText(m.name)}, member2{"withheld", jList(rows...)}))
	}
	for _, row := range original {
		if _, ok := v.b.part[row.str("name")]; !ok {
			removed.list = append(removed.list, jText(row.str("name")))
		}
	}
	return jObject(member2{"packets", packets}, member2{"records", records}, member2{"removed", removed},
		member2{"schema", jText("hallmark/redaction/v1")}).write(nil)
}

// ---- what is left of each claim ----

type claimStatus struct{ id, status, verdict string }

const (
	claimRecomputed = "recomputed"
	claimWithheld   = "evidence withheld"
	claimDiffers    = "differs"
	claimTaken      = "taken" // nothing that it looks at is withheld, and this program does not derive it
)

// looksAt is what a claim rests on (findings.md, "What a claim rests on"); in an experiment runs are compared by packets and trees together.
func looksAt(id string, experiment bool) evidenceKind {
	row := claimOf(id)
	if row == nil {
		return 0
	}
	var k evidenceKind
	if row.losses&(lossEvents|lossOutput) != 0 || row.touches != 0 || row.reads || row.code {
		k |= evidenceOfEvents
	}
	if row.losses&lossPackets != 0 {
		k |= evidenceOfPackets
	}
	if row.losses&lossTree != 0 {
		k |= evidenceOfTree
	}
	if experiment && k&(evidenceOfPackets|evidenceOfTree) != 0 {
		k = evidenceOfAll
	}
	return k
}

func (v *verification) docsWrong() bool {
	for _, err := range v.docErr {
		if err != nil {
			return true
		}
	}
	return false
}

// checkWithheld says of each claim of the bundle what can still be said; c is nil, or err there, where nothing can be derived.
func (v *verification) checkWithheld(c *core, err error) {
	there, wrong := readJSON(v.b.part["findings.json"])
	if wrong != nil {
		v.say("findings", isFalse, "findings.json: %v", wrong)
		return
	}
	var again *value
	takenClaims := map[string]bool{}
	if c != nil && err == nil && c.semantics >= 1 && c.semantics <= newestSemantics {
		again, takenClaims = c.findings(), c.takenClaims
	}
	experiment := v.docs["plan.json"] != nil && v.docs["plan.json"].has("blocks")
	count := map[string]int{}
	first := ""
	v.claims = []claimStatus{}
	for _, list := range []string{"claims", "not_tested"} {
		for _, row := range there.items(list) {
			s := claimStatus{id: row.str("id"), verdict: "not tested", status: v.statusOf(row, list, again, experiment, takenClaims)}
			if row.get("verdict") != nil {
				s.verdict = row.str("verdict")
			}
			v.claims = append(v.claims, s)
			if count[s.status]++; s.status == claimDiffers && first == "" {
				first = s.id
			}
		}
	}
	if again != nil && len(again.items("claims"))+len(again.items("not_tested")) != len(v.claims) {
		v.say("findings", isFalse, "derived again from what is left there are other claims")
		return
	}
	if count[claimDiffers] > 0 {
		v.say("findings", isFalse, "derived again from what is left, %d claims differ, of which nothing is withheld (%s)", count[claimDiffers], first)
		return
	}
	if count[claimTaken] > 0 {
		v.say("findings", taken, "%d claims of which nothing is withheld are not recomputed by this program", count[claimTaken])
	}
	v.say("findings", unchecked, "%d claims recomputed; of %d the evidence is withheld: they are the word of whoever signed", count[claimRecomputed], count[claimWithheld])
}

func (v *verification) statusOf(row *value, list string, again *value, experiment bool, takenClaims map[string]bool) string {
	if again == nil {
		return claimWithheld
	}
	id := row.str("id")
	other, otherList := findByID(again.items("claims"), id), "claims"
	if other == nil {
		other, otherList = findByID(again.items("not_tested"), id), "not_tested"
	}
	same := other != nil && list == otherList && bytes.Equal(row.write(nil), other.write(nil))
	touched := looksAt(id, experiment)&v.withheld != 0
	switch {
	case takenClaims[id] && (!touched || row.str("verdict") == "refuted"):
		return claimTaken
	case takenClaims[id]:
		return claimWithheld
	case touched && same && row.str("verdict") == "refuted":
		return claimRecomputed
	case touched:
		return claimWithheld
	case same:
		return claimRecomputed
	case other != nil && row.str("verdict") == "not verifiable" && other.str("verdict") == "not verifiable" && row.str("reason") == other.str("reason"):
		return claimWithheld
	}
	return claimDiffers
}

func (v *verification) statuses() *value {
	out := jList()
	for _, s := range v.claims {
		out.list = append(out.list, jObject(member2{"id", jText(s.id)}, member2{"status", jText(s.status)}, member2{"verdict", jText(s.verdict)}))
	}
	return out
}

// requireOfRest: what is demanded has to be recomputed.
func (v *verification) requireOfRest(ids []string) {
	for _, id := range ids {
		s := v.statusNamed(id)
		switch {
		case s == nil || s.verdict != "upheld" || s.status == claimDiffers:
			v.say("require", isFalse, "%s is not upheld", id)
			return
		case s.status != claimRecomputed:
			v.say("require", unchecked, "%s is said to be upheld, and its evidence is withheld", id)
		}
	}
}

func (v *verification) statusNamed(id string) *claimStatus {
	for i := range v.claims {
		if v.claims[i].id == id {
			return &v.claims[i]
		}
	}
	return nil
}

// firstManifest is that of the bundle before anything was withheld, which is what was signed.
func (b *bundle) firstManifest() []byte {
	if m, ok := b.part[originalName]; ok {
		return m
	}
	return b.part["manifest.json"]
}
