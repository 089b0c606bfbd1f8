package main

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// A bundle that is good: HALLMARK_BUNDLE, made afresh by the test that runs both verifiers, or the first golden one.
func goodBundle(t *testing.T) []byte {
	name := os.Getenv("HALLMARK_BUNDLE")
	if name == "" {
		name = "../tests/golden/v1/sample.hallmark"
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	members, err := readContainer(file)
	if err != nil {
		t.Fatal(err)
	}
	var small []member // the report is most of it, and in no digest
	for _, m := range members {
		if m.name != "report.html" {
			small = append(small, m)
		}
	}
	return pack(small)
}

func pack(members []member) []byte {
	var file, directory []byte
	for i := range members {
		m := &members[i]
		m.at, m.crc = uint64(len(file)), crcOf(m.data)
		file = append(append(file, localHeader(m)...), m.data...)
		directory = append(directory, centralHeader(m)...)
	}
	return append(append(file, directory...), endRecords(uint64(len(members)), uint64(len(directory)), uint64(len(file)))...)
}

func firstFalse(v *verification) string {
	for _, r := range v.rows {
		if r.outcome == isFalse {
			return r.check
		}
	}
	return ""
}

// Every cut and every bit of a small bundle, and some bits of each member packed again: refused, for the same check and by a reason that names the same member as the
// first verifier's, whose answers tests/refuse/every_bit.c wrote beside the bundle (HALLMARK_EVERY_BIT, a folder).
func TestEveryBitAndEveryCut(t *testing.T) {
	folder := os.Getenv("HALLMARK_EVERY_BIT")
	if folder == "" {
		t.Skip("HALLMARK_EVERY_BIT names no folder with another verifier's answers")
	}
	file, err := os.ReadFile(filepath.Join(folder, "small.hallmark"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "answers"))
	if err != nil {
		t.Fatal(err)
	}
	answers, wrong := strings.Split(strings.TrimSpace(string(text)), "\n"), 0
	members, _ := readContainer(file)
	at := 0
	hold := func(tried []byte, what string, args ...interface{}) {
		mine := reasonOf(verify(tried, &request{}), members)
		if at >= len(answers) || mine != answers[at] || strings.HasPrefix(mine, "taken") {
			if wrong++; wrong < 20 {
				t.Errorf(what+": here %q, there %q", append(args, mine, answers[min(at, len(answers)-1)])...)
			}
		}
		at++
	}
	for n := range file {
		hold(file[:n:n], "cut at %d", n)
	}
	for bit := 0; bit < 8*len(file); bit++ {
		file[bit/8] ^= 1 << (bit % 8)
		hold(file, "bit %d of byte %d", bit%8, bit/8)
		file[bit/8] ^= 1 << (bit % 8)
	}
	places := make([]int, len(members)) // by name, and not as they stand in the file
	for i := range places {
		places[i] = i
	}
	sort.Slice(places, func(a, b int) bool { return members[places[a]].name < members[places[b]].name })
	for _, i := range places {
		whole := members[i].data
		if strings.HasPrefix(members[i].name, "attestation") {
			continue // without a key a signature says nothing
		}
		for bit := 0; bit < 8*len(whole); bit += 61 {
			members[i].data = append([]byte(nil), whole...)
			members[i].data[bit/8] ^= 1 << (bit % 8)
			hold(pack(members), "bit %d of byte %d of %s", bit%8, bit/8, members[i].name)
		}
		members[i].data = whole
	}
	if at != len(answers) {
		t.Errorf("%d cases here, %d there", at, len(answers))
	}
	t.Logf("%d cases, %d said differently", at, wrong)
}

// reasonOf is the check that is false first, and the member with the longest name that its reason has.
func reasonOf(v *verification, members []member) string {
	for _, r := range v.rows {
		if r.outcome != isFalse {
			continue
		}
		best := "-"
		for _, m := range sortedMembers(members) {
			if strings.Contains(r.detail, m.name) && (best == "-" || len(m.name) > len(best)) {
				best = m.name
			}
		}
		return r.check + "\t" + best
	}
	return "taken\t-"
}

// The forger packs the parts again, so container and CRC are right. What is in the manifest is told by it, or by core.json.
func TestEveryByteOfEachMember(t *testing.T) {
	file := goodBundle(t)
	if len(file) > 100000 {
		t.Skip("HALLMARK_BUNDLE names no small bundle")
	}
	key := &request{}
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(os.Getenv("HALLMARK_BUNDLE")), "key.pub")); err == nil {
		k, err := readKey(text)
		if err != nil {
			t.Fatal(err)
		}
		key.keys = append(key.keys, k)
	}
	members, _ := readContainer(file)
	n := 0
	for i := range members {
		whole := members[i].data
		step := len(whole)/200 + 1
		for at := 0; at < len(whole); at += step {
			members[i].data = append([]byte(nil), whole...)
			members[i].data[at] ^= 1 << (at % 8)
			part := firstFalse(verify(pack(members), key))
			trusted := strings.HasPrefix(members[i].name, "attestation")
			if part == "" && (!trusted || len(key.keys) > 0) {
				t.Fatalf("byte %d of %s was taken", at, members[i].name)
			}
			n++
		}
		members[i].data = whole
	}
	t.Logf("%d bytes of %d members", n, len(members))
}
