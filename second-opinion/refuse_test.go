package main

import (
	"os"
	"path/filepath"
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

func TestEveryBitAndEveryCut(t *testing.T) {
	file := goodBundle(t)
	t.Logf("%d bytes", len(file))
	if len(file) > 100000 {
		t.Skip("HALLMARK_BUNDLE names no small bundle")
	}
	if part := firstFalse(verify(file, &request{})); part != "" {
		t.Fatalf("the bundle itself is refused: %s", part)
	}
	for at := range file {
		if firstFalse(verify(file[:at:at], &request{})) == "" {
			t.Fatalf("cut at %d was taken", at)
		}
		for bit := 0; bit < 8; bit++ {
			file[at] ^= 1 << bit
			if firstFalse(verify(file, &request{})) == "" {
				t.Fatalf("bit %d of byte %d was taken", bit, at)
			}
			file[at] ^= 1 << bit
		}
	}
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
