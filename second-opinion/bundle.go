package main

// The parts of a bundle: which members there may be (bundle.md, "Parts"), and core.json and manifest.json made again from them.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

type place byte

const (
	inNothing place = iota
	inInputs
	inRecords
	inLeaves
	inFindings
)

type partRow struct {
	name  *regexp.Regexp
	most  int
	place place
	core  bool // stands in manifest.json
	must  bool
}

const (
	mib    = 1 << 20
	number = `(\d{4}|[1-9]\d{4,8})`
)

var partTable = func() []partRow {
	row := func(name string, most int, p place, manifest, must bool) partRow {
		return partRow{regexp.MustCompile("^" + name + "$"), most, p, manifest, must}
	}
	return []partRow{
		row(`core\.json`, 16*mib, inNothing, true, true),
		row(`manifest\.json`, 16*mib, inNothing, false, true),
		row(`(plan|claims)\.json`, mib, inInputs, true, true),
		row(`(assessment|planted)\.json`, 4*mib, inInputs, true, true),
		row(`product\.json`, 32*mib, inInputs, true, true),
		row(`declaration\.json`, mib, inInputs, true, false),
		row(`scenario\.json`, 32*mib, inInputs, true, false),
		row(`planted/`+number, 0, inInputs, true, false),
		row(`replication\.json`, 32*mib, inNothing, true, false),
		row(`manifest\.original\.json`, 16*mib, inNothing, true, false),
		row(`redaction\.json`, 32*mib, inNothing, true, false),
		row(`findings\.json`, 32*mib, inFindings, true, true),
		row(`runs/`+number+`/record\.cbor\.zst`, 0, inRecords, true, false),
		row(`runs/`+number+`/tree\.cbor\.zst`, 0, inRecords, true, false),
		row(`runs/`+number+`/packets\.pcapng`, 0, inLeaves, true, false),
		row(`runs/`+number+`/packets\.salts`, 0, inLeaves, true, false),
		row(`runs/`+number+`/features\.cbor\.zst`, 0, inNothing, true, false),
		row(`attestations\.intoto\.jsonl`, 64*mib, inNothing, false, false),
		row(`attestation-[0-9a-f]{16}\.sigstore\.json`, 64*mib, inNothing, false, false),
		row(`attestation-[0-9a-f]{16}\.tlog-proof`, 128<<10, inNothing, false, false),
		row(`plan\.tlog-proof`, 128<<10, inNothing, false, false),
		row(`report\.html`, 256*mib, inNothing, false, false),
	}
}()

var mustHave = []string{"manifest.json", "plan.json", "claims.json", "assessment.json", "planted.json", "product.json", "findings.json"}

type bundle struct {
	members []member
	part    map[string][]byte
	runs    []int
}

func rowOf(name string) *partRow {
	for i := range partTable {
		if partTable[i].name.MatchString(name) {
			return &partTable[i]
		}
	}
	return nil
}

// runOf is the run of a member, 0 where it is of none.
func runOf(name string) int {
	if !strings.HasPrefix(name, "runs/") {
		return 0
	}
	n, _ := strconv.Atoi(strings.Split(name, "/")[1])
	return n
}

func partName(run int, what string) string {
	return fmt.Sprintf("runs/%04d/%s", run, what)
}

// checkParts says whether each member has its place, and none is missing.
func (b *bundle) checkParts() error {
	seen := map[int]bool{}
	_, listed := b.part[redactionName]
	if _, first := b.part[originalName]; listed != first {
		return fmt.Errorf("of redaction.json and manifest.original.json one is there without the other")
	}
	for _, m := range b.members {
		row := rowOf(m.name)
		if row == nil || strings.HasSuffix(m.name, "/0000") || strings.Contains(m.name, "runs/0000/") {
			return fmt.Errorf("%s has no place in a bundle of format 1", m.name)
		}
		if row.most > 0 && len(m.data) > row.most {
			return fmt.Errorf("%s is larger than %d bytes", m.name, row.most)
		}
		if run := runOf(m.name); run > 0 && !seen[run] {
			seen[run] = true
			b.runs = append(b.runs, run)
		}
	}
	sort.Ints(b.runs)
	for _, name := range mustHave {
		if _, ok := b.part[name]; !ok {
			return fmt.Errorf("%s is missing", name)
		}
	}
	for _, run := range b.runs {
		_, packets := b.part[partName(run, "packets.pcapng")]
		_, salts := b.part[partName(run, "packets.salts")]
		_, features := b.part[partName(run, "features.cbor.zst")]
		_, record := b.part[partName(run, "record.cbor.zst")]
		if packets != salts {
			return fmt.Errorf("packets.pcapng of run %d is there without packets.salts, or the other way round", run)
		}
		if features && !packets {
			return fmt.Errorf("%s is there without packets", partName(run, "features.cbor.zst"))
		}
		if !record {
			return fmt.Errorf("%s is missing, and the run has other parts", partName(run, "record.cbor.zst"))
		}
	}
	return nil
}

func hexOf(b []byte) string {
	d := sha256.Sum256(b)
	return hex.EncodeToString(d[:])
}

// manifestRow is a member's entry.
func manifestRow(m *member) *value {
	return jObject(member2{"length", jInt(int64(len(m.data)))}, member2{"name", jText(m.name)}, member2{"sha256", jText(hexOf(m.data))})
}

// manifestDiffersAt is the first member whose entry does not stand where it must.
func (b *bundle) manifestDiffersAt(there []byte) string {
	at := len(`{"members":`)
	for _, m := range sortedMembers(b.members) {
		if !rowOf(m.name).core {
			continue
		}
		at++ // bracket or comma
		row := manifestRow(&m).write(nil)
		if at+len(row) > len(there) || !bytes.Equal(there[at:at+len(row)], row) {
			return m.name
		}
		at += len(row)
	}
	return "its end"
}

// makeManifest is the manifest that the members call for.
func (b *bundle) makeManifest() []byte {
	list := jList()
	for _, m := range sortedMembers(b.members) {
		if rowOf(m.name).core {
			m := m
			list.list = append(list.list, manifestRow(&m))
		}
	}
	return jObject(member2{"members", list}, member2{"schema", jText("hallmark/manifest/v1")}).write(nil)
}

func sortedMembers(l []member) []member {
	l = append([]member(nil), l...)
	sort.Slice(l, func(i, j int) bool { return l[i].name < l[j].name })
	return l
}

func recordRow(name string, s *recordSummary, lost uint64) *value {
	return jObject(member2{"cut", jBool(s.cut)}, member2{"items", jInt(int64(s.items))}, member2{"leaves", jInt(int64(s.leaves))},
		member2{"lost", jInt(int64(lost))}, member2{"name", jText(name)}, member2{"root", jText(hex.EncodeToString(s.root[:]))})
}

// packetRow checks form and salts of a packet file.
func packetRow(name string, file, salts []byte, lost uint64) (*value, error) {
	f, err := readPackets(file)
	if err != nil {
		return nil, err
	}
	if len(salts) != 16*len(f.blocks) {
		return nil, fmt.Errorf("%d bytes of salt for %d blocks", len(salts), len(f.blocks))
	}
	var tree merkle
	for i, block := range f.blocks {
		salt := salts[16*i : 16*i+16]
		leaf := f.withheldLeaf(i)
		if leaf == nil {
			tree.add(leafOf(salt, block))
			continue
		}
		if !zeros(salt) {
			return nil, fmt.Errorf("block %d is withheld and has its salt", i)
		}
		tree.add(*leaf)
	}
	root := tree.root()
	return jObject(member2{"leaves", jInt(int64(tree.size))}, member2{"lost", jInt(int64(lost))},
		member2{"name", jText(name)}, member2{"root", jText(hex.EncodeToString(root[:]))}), nil
}

// makeCore is the core.json that the parts call for; records has what was read of them by name.
func (b *bundle) makeCore(records map[string]*recordSummary, semantics int64) ([]byte, error) {
	inputs, rows := jList(), jList()
	stated := b.statedLosses()
	for _, m := range sortedMembers(b.members) {
		switch rowOf(m.name).place {
		case inInputs:
			inputs.list = append(inputs.list, jObject(member2{"name", jText(m.name)}, member2{"sha256", jText(hexOf(m.data))}))
		case inRecords:
			s := records[m.name]
			if s == nil {
				return nil, fmt.Errorf("%s is malformed", m.name)
			}
			lost, err := stated.of(m.name, maxOf(s.gaps, s.endLost), s.withheld > 0 && strings.HasSuffix(m.name, "record.cbor.zst"))
			if err != nil {
				return nil, err
			}
			rows.list = append(rows.list, recordRow(m.name, s, lost))
		case inLeaves:
			if strings.HasSuffix(m.name, ".salts") {
				continue
			}
			run := runOf(m.name)
			s := records[partName(run, "record.cbor.zst")]
			if s == nil {
				return nil, fmt.Errorf("the record beside %s is malformed", m.name)
			}
			lost, err := stated.of(m.name, maxOf(s.packetGaps, s.packetLost), s.withheld > 0)
			if err != nil {
				return nil, err
			}
			row, err := packetRow(m.name, m.data, b.part[partName(run, "packets.salts")], lost)
			if err != nil {
				return nil, fmt.Errorf("%s: %v", m.name, err)
			}
			rows.list = append(rows.list, row)
		}
	}
	return jObject(member2{"claim_set", jText("sha256:" + hexOf(b.part["claims.json"]))},
		member2{"findings", jText("sha256:" + hexOf(b.part["findings.json"]))}, member2{"format", jInt(1)},
		member2{"inputs", inputs}, member2{"records", rows}, member2{"schema", jText("hallmark/core/v1")},
		member2{"semantics", jInt(semantics)}).write(nil), nil
}
