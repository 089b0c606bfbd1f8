package main

// The order of checks, as hallmark-verify has it, and what each says.

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
)

type outcome string

const (
	holds     outcome = "holds"
	isFalse   outcome = "FALSE"
	unchecked outcome = "unchecked"
	taken     outcome = "taken"
)

type checkRow struct {
	check   string
	outcome outcome
	detail  string
}

type verification struct {
	b       *bundle
	id      string
	rows    []checkRow
	docs    map[string]*value
	docErr  map[string]error
	records map[string]*recordSummary
	recErr  map[string]error
	runs    map[int]*run
	featErr map[int]error
	derived *value   // findings, as far as they could be derived
	missing []string // required claims that are not upheld

	coreHolds bool // core.json describes the parts
	withheld  evidenceKind
	claims    []claimStatus // of a bundle of which something is withheld
}

type request struct {
	keys    []*publicKey
	require []string
}

func (v *verification) say(check string, o outcome, format string, args ...interface{}) {
	v.rows = append(v.rows, checkRow{check, o, fmt.Sprintf(format, args...)})
}

func (v *verification) ifFalse(check string, err error, good string, args ...interface{}) {
	if err != nil {
		v.say(check, isFalse, "%v", err)
		return
	}
	v.say(check, holds, good, args...)
}

// verify goes as far as it makes sense.
func verify(file []byte, ask *request) *verification {
	v := &verification{docs: map[string]*value{}, docErr: map[string]error{}, records: map[string]*recordSummary{}, recErr: map[string]error{}, runs: map[int]*run{}, featErr: map[int]error{}}
	members, err := readContainer(file)
	if err != nil {
		v.say("container", isFalse, "container: %v", err)
		return v
	}
	v.say("container", holds, "%d members in canonical form, %d bytes", len(members), len(file))
	v.b = &bundle{members: members, part: map[string][]byte{}}
	for _, m := range members {
		v.b.part[m.name] = m.data
	}
	if !v.formatKnown() {
		return v
	}
	if err := v.b.checkParts(); err != nil {
		v.say("parts", isFalse, "parts: %v", err)
		return v
	}
	v.say("parts", holds, "each has its place, none is missing")
	v.readDocs()
	v.readRecords()
	v.checkManifest()
	v.checkCore()
	v.checkRedaction()
	v.checkPlan()
	v.checkRecords()
	v.checkSeed()
	v.checkPlanted()
	v.checkFeatures()
	v.checkFindings()
	v.checkTrust(ask.keys)
	v.checkRequired(ask.require)
	v.checkClaimSet()
	v.checkStated()
	all, _ := readEnvelopes(v.b.part["attestations.intoto.jsonl"]) // malformed ones have a row of their own
	v.checkLog(all)
	if _, ok := v.b.part["report.html"]; ok {
		v.say("report", unchecked, "report.html is Hallmark's own page; this program does not make it again: believe none of it")
	}
	return v
}

func (v *verification) formatKnown() bool {
	core, ok := v.b.part["core.json"]
	if !ok || len(core) > 16*mib {
		v.say("core", isFalse, "core.json is missing or too large")
		return false
	}
	v.id = "sha256:" + hexOf(core)
	doc, err := readJSON(core)
	if err != nil {
		v.say("core", isFalse, "core.json: %v", err)
		return false
	}
	f, schema := doc.get("format"), doc.str("schema")
	if f == nil || f.kind != isInt || f.num < 1 || !strings.HasPrefix(schema, "hallmark/core/v") {
		v.say("core", isFalse, "core.json is not the core of a bundle")
		return false
	} else if f.num != 1 || schema != "hallmark/core/v1" {
		v.say("core", unchecked, "format %d (%s) is not known to this program", f.num, schema)
		return false
	}
	return true
}

func (v *verification) readDocs() {
	for name := range docShapes {
		if _, ok := v.b.part[name]; ok {
			v.docs[name], v.docErr[name] = v.b.readDoc(name)
		}
	}
	v.docs["planted.json"], v.docErr["planted.json"] = v.b.readDoc("planted.json")
}

// readRecords goes once through each record and tree, for roots, order and facts together.
func (v *verification) readRecords() {
	for _, m := range v.b.members {
		n := runOf(m.name)
		switch {
		case strings.HasSuffix(m.name, "record.cbor.zst"):
			r := v.runOf(n)
			v.records[m.name], v.recErr[m.name] = readEvents(m.data, r.take)
			r.sum = v.records[m.name]
		case strings.HasSuffix(m.name, "tree.cbor.zst"):
			r := v.runOf(n)
			v.records[m.name], v.recErr[m.name] = readTree(m.data, r.takeEntry)
			r.treeSum = v.records[m.name]
		case strings.HasSuffix(m.name, "features.cbor.zst"):
			v.runOf(n).features, v.featErr[n] = readFeatures(m.data)
		case strings.HasSuffix(m.name, "packets.pcapng"):
			v.runOf(n).packets, v.recErr[m.name] = readPackets(m.data)
		}
	}
}

func (v *verification) runOf(n int) *run {
	if v.runs[n] == nil {
		v.runs[n] = newRun(n)
		v.runs[n].version = eventsOf(v.semantics()) // what its start says, where that is not withheld
	}
	return v.runs[n]
}

func (v *verification) checkManifest() {
	made, there := v.b.makeManifest(), v.b.part["manifest.json"]
	if !bytes.Equal(made, there) {
		v.say("manifest", isFalse, "manifest.json differs at %s from what the members call for", v.b.manifestDiffersAt(there))
		return
	}
	v.say("manifest", holds, "every member has the length and SHA-256 that it names")
}

func differAt(a, b []byte) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func (v *verification) semantics() int64 {
	if doc, err := readJSON(v.b.part["plan.json"]); err == nil {
		return doc.int("semantics")
	}
	return 0
}

func (v *verification) checkCore() {
	for _, m := range v.b.members {
		if err := v.recErr[m.name]; err != nil {
			v.sayError("core", m.name+": ", err)
			return
		}
	}
	made, err := v.b.makeCore(v.records, v.semantics())
	if err == nil && !bytes.Equal(made, v.b.part["core.json"]) {
		err = fmt.Errorf("core.json does not describe these parts")
	}
	v.coreHolds = err == nil
	v.ifFalse("core", err, "digests, Merkle roots, counts and losses are those of the parts")
}

// A part is there when, and only when, the plan names its digest.
func (v *verification) named(plan *value, member, name string) error {
	part, ok := v.b.part[name]
	if ok != plan.has(member) || ok && plan.str(member) != "sha256:"+hexOf(part) {
		return fmt.Errorf("plan.json was made for another %s, or for none", name)
	}
	return nil
}

func (v *verification) checkPlan() {
	plan, err := readJSON(v.b.part["plan.json"])
	if err != nil {
		v.say("plan", isFalse, "plan.json: %v", err)
		return
	}
	for _, pair := range [][2]string{{"claim_set", "claims.json"}, {"declaration", "declaration.json"}, {"scenario", "scenario.json"}} {
		if err := v.named(plan, pair[0], pair[1]); err != nil {
			v.say("plan", isFalse, "%v", err)
			return
		}
	}
	v.say("plan", holds, "made for this claim set, declaration and scenario")
}

// runsNamed are the runs of a list of rows; false where one is none, or there twice.
func runsNamed(rows []*value) (map[int]bool, bool) {
	out := map[int]bool{}
	for _, r := range rows {
		n := r.get("run")
		if n == nil || n.kind != isInt || n.num < 1 || n.num >= 100000 || out[int(n.num)] {
			return nil, false
		}
		out[int(n.num)] = true
	}
	return out, true
}

// checkRecords: each record is of this plan, and of the run that its name says; each planned run has one or was dropped.
func (v *verification) checkRecords() {
	plan, err1 := readJSON(v.b.part["plan.json"])
	assessment, err2 := readJSON(v.b.part["assessment.json"])
	if err1 != nil || err2 != nil {
		v.say("records", unchecked, "there is no plan or no assessment to hold them against")
		return
	}
	planned, good1 := runsNamed(plan.items("runs"))
	dropped, good2 := runsNamed(assessment.items("dropped"))
	if !good1 || !good2 || plan.get("runs") == nil || assessment.get("dropped") == nil {
		v.say("records", isFalse, "plan.json or assessment.json: its runs are malformed")
		return
	}
	events, cut, startless := uint64(0), 0, 0
	for _, n := range v.b.runs {
		name := partName(n, "record.cbor.zst")
		err := v.recErr[name]
		if err == nil {
			err = v.recordError(n, plan.int("semantics"), planned)
		}
		if err != nil {
			v.sayError("records", name+": ", err)
			return
		}
		s := v.records[name]
		if s.startless() {
			startless++
		}
		events += s.items
		if s.cut {
			cut++
		}
	}
	for n := range planned {
		if !dropped[n] && v.b.part[partName(n, "record.cbor.zst")] == nil {
			v.say("records", isFalse, "run %d was planned, has no record and was not dropped", n)
			return
		}
	}
	if startless > 0 {
		v.say("records", unchecked, "of %d records the beginning is withheld: that they are of this plan is the word of whoever signed", startless)
		return
	}
	v.say("records", holds, "%d records of this plan, %d events, %d cut short", len(v.b.runs), events, cut)
}

func (v *verification) recordError(n int, semantics int64, planned map[int]bool) error {
	s := v.records[partName(n, "record.cbor.zst")]
	switch {
	case s.startless():
	case s.items == 0:
		return fmt.Errorf("it is empty")
	case s.plan == nil && s.flaw != nil:
		return s.flaw
	case s.version < 1 || s.version > 3:
		return later(fmt.Sprintf("its events are of version %d, which this program does not know", s.version))
	case semantics <= newestSemantics && eventsOf(semantics) != s.version:
		return fmt.Errorf("its events are of version %d, and plan.json says other semantics", s.version)
	case hex.EncodeToString(s.plan) != hexOf(v.b.part["plan.json"]):
		return fmt.Errorf("it was made for another plan")
	case s.run != uint64(n):
		return fmt.Errorf("it is the record of run %d", s.run)
	}
	if !planned[n] {
		return fmt.Errorf("its run was not planned")
	}
	return nil
}

func (v *verification) checkSeed() {
	assessment, err := readJSON(v.b.part["assessment.json"])
	if err != nil {
		v.say("seed", isFalse, "assessment.json: %v", err)
		return
	}
	plan, _ := readJSON(v.b.part["plan.json"]) // malformed it has a row of its own
	seed := assessment.str("seed")
	if !isHex(seed, 64) || plan == nil || plan.str("commitment") == "" {
		v.say("seed", isFalse, "plan.json has no commitment, or assessment.json no seed of 32 bytes")
		return
	}
	if commitment(hexBytes(seed)) != plan.str("commitment") {
		v.say("seed", isFalse, "it is not the one that plan.json committed to")
		return
	}
	v.say("seed", holds, "it is the one that plan.json committed to")
}

func (v *verification) checkPlanted() {
	planted, err := readJSON(v.b.part["planted.json"])
	if err != nil {
		v.say("planted", isFalse, "planted.json: %v", err)
		return
	}
	assessment, err := readJSON(v.b.part["assessment.json"])
	if err != nil || !isHex(assessment.str("seed"), 64) {
		v.say("planted", isFalse, "there is no seed")
		return
	}
	files, sets, tokens, err := v.b.checkPlanted(planted, assessment)
	switch {
	case err != nil:
		v.say("planted", isFalse, "%v", err)
	case planted.get("files") != nil:
		v.say("planted", holds, "%d files, %d tokens derived again from the seed", files, tokens)
	default:
		v.say("planted", taken, "%d files in %d sets are those that planted.json names; that they follow from the seed was taken", files, sets)
	}
}

// checkFeatures: what fields of messages there are is taken, that they are what left is not.
func (v *verification) checkFeatures() {
	n := 0
	for _, run := range v.b.runs {
		if _, ok := v.b.part[partName(run, "features.cbor.zst")]; !ok {
			continue
		}
		n++
		r, err := v.runs[run], v.featErr[run]
		assessment := v.docs["assessment.json"]
		if err == nil && r.packets != nil && assessment != nil {
			r.flows = readFlows(r.packets, addressOf(assessment, int64(run)))
			err = r.checkFeatures()
		}
		if err != nil {
			v.say("features", isFalse, "%s: %v", partName(run, "features.cbor.zst"), err)
			return
		}
	}
	if n > 0 {
		v.say("features", taken, "those of %d runs have the bytes that left; how TLS, HTTP and documents are split into them was taken", n)
	}
}

func (v *verification) checkTrust(keys []*publicKey) {
	file, ok := v.b.part["attestations.intoto.jsonl"]
	if !ok {
		v.say("statement", unchecked, "there is none: nobody put his name to this bundle")
		if len(keys) > 0 {
			v.say("signature", isFalse, "there is none, and a key was given")
		} else {
			v.say("signature", unchecked, "there is none: integrity only")
		}
		v.checkSigstore(nil)
		return
	}
	all, err := readEnvelopes(file)
	if err != nil {
		v.say("signature", isFalse, "attestations.intoto.jsonl: %v", err)
		return
	}
	v.checkStatement(all)
	v.checkSignatures(all, keys)
	v.checkSigstore(all)
}

func (v *verification) checkStatement(all []*envelope) {
	findings, err := readJSON(v.b.part["findings.json"])
	if err != nil {
		v.say("statement", isFalse, "findings.json: %v", err)
		return
	}
	want := makeStatement(findings, hexOf(v.b.part["core.json"]), hexOf(v.b.firstManifest()))
	for _, e := range all {
		if want == nil || !bytes.Equal(e.payload, want) {
			v.say("statement", isFalse, "key %s signed another statement than this bundle calls for", e.keyID)
			return
		}
	}
	v.say("statement", holds, "made again from the bundle: the same %d bytes", len(want))
}

func (v *verification) checkSignatures(all []*envelope, keys []*publicKey) {
	if len(keys) == 0 {
		v.say("signature", unchecked, "by key %s, and no key was given to check it: integrity only", all[0].keyID)
		return
	}
	// One of the keys that were given is enough; what another signed is not checked.
	trusted := 0
	for _, e := range all {
		var key *publicKey
		for _, k := range keys {
			if k.id == e.keyID {
				key = k
			}
		}
		if key == nil {
			v.say("signature", unchecked, "by key %s, which is none of those given", e.keyID)
		} else if trusted++; key.verify(e.payload, e.sig) {
			v.say("signature", holds, "by key %s", e.keyID)
		} else {
			v.say("signature", isFalse, "by key %s: it is false", e.keyID)
		}
	}
	if trusted == 0 {
		v.say("signature", isFalse, "none is by a key that was given")
	}
}

func (v *verification) checkSigstore(all []*envelope) {
	n := 0
	for _, e := range all {
		there, ok := v.b.part[e.sigstoreName()]
		if !ok {
			v.say("sigstore", isFalse, "the envelope by key %s has none", e.keyID)
			return
		}
		var l *logged
		if text, ok := v.b.part[e.receiptName()]; ok {
			var err error
			if l, err = e.logged(text); err != nil {
				v.say("sigstore", isFalse, "the envelope by key %s has one beside %v", e.keyID, err)
				return
			}
		}
		if !bytes.Equal(there, e.sigstore(l)) {
			v.say("sigstore", isFalse, "the envelope by key %s has one that says something else", e.keyID)
			return
		}
		n++
	}
	for _, m := range v.b.members {
		if strings.HasPrefix(m.name, "attestation-") && strings.HasSuffix(m.name, ".sigstore.json") {
			n--
		}
	}
	if n != 0 {
		v.say("sigstore", isFalse, "there are Sigstore bundles without an envelope")
	} else if len(all) > 0 {
		v.say("sigstore", holds, "each envelope's Sigstore bundle says the same")
	}
}

var knownClaimSets = map[string]bool{"c0aa38fe50946c32b219913d273c0c8d745cff1c0a206dabac3aeea5167c54dd": true}

func (v *verification) checkClaimSet() {
	if id := hexOf(v.b.part["claims.json"]); !knownClaimSets[id] {
		v.say("claim set", unchecked, "own claim set: read it first (claims.json, sha256:%s)", id)
		return
	}
	v.say("claim set", holds, "one that Hallmark published")
}

var replicationShape = parseShape(`{schema:'hallmark/replication/v1',of:s,agree:f,not_comparable:[*],same:[*],differ:[*],influence:*,product_same:f,kernel:*,semantics:*}`)

// checkStated: replication.json by itself (whether it is true takes the other bundle), and whether somebody could have known the seed.
func (v *verification) checkStated() {
	if text, ok := v.b.part["replication.json"]; ok {
		doc, err := readJSON(text)
		if err == nil {
			err = replicationShape.check(doc, "replication.json")
		}
		for _, name := range []string{"influence", "kernel", "semantics"} {
			if err == nil && doc.get(name).kind != isObject {
				err = fmt.Errorf("%s is no object", name)
			}
		}
		switch {
		case err != nil:
			v.say("replication", isFalse, "replication.json: %v", err)
		case !isDigest(doc.str("of")) || doc.str("of") == v.id:
			v.say("replication", isFalse, "it names no other bundle")
		default:
			v.say("replication", unchecked, "it says that it replicates %s, which this program does not check", doc.str("of"))
		}
	}
	if doc := v.docs["assessment.json"]; doc != nil && len(doc.items("resumed")) > 0 {
		v.say("resumed", unchecked, "%d times after its seed was revealed: nothing shows that nobody used it", len(doc.items("resumed")))
	}
}

func (v *verification) checkRequired(ids []string) {
	if len(ids) == 0 {
		return
	}
	if v.withheld != 0 {
		v.requireOfRest(ids)
		return
	}
	findings, err := readJSON(v.b.part["findings.json"])
	if err != nil {
		return
	}
	for _, id := range ids {
		ok := false
		for _, c := range findings.items("claims") {
			ok = ok || c.str("id") == id && c.str("verdict") == "upheld"
		}
		if !ok {
			v.say("require", isFalse, "%s is not upheld", id)
			return
		}
	}
	v.say("require", holds, "all are upheld")
}

// exit is 1 where anything is false, 2 where something was not checked, or was taken without being recomputed.
func (v *verification) exit() int {
	code := 0
	for _, r := range v.rows {
		switch r.outcome {
		case isFalse:
			return 1
		case unchecked, taken:
			code = 2
		}
	}
	return code
}
