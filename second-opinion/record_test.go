package main

import (
	"bytes"
	"crypto/sha256"
	"hash/crc32"
	"math/rand"
	"testing"

	"github.com/fxamacker/cbor"
	"golang.org/x/mod/sumdb/tlog"
)

func TestRootsAreThoseOfAnotherLibrary(t *testing.T) {
	var ours merkle
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	if ours.root() != sha256.Sum256(nil) {
		t.Fatal("root of nothing")
	}
	for n := int64(0); n < 70; n++ {
		data := []byte{byte(n), 7}
		more, err := tlog.StoredHashes(n, data, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		ours.add(leafOf(nil, data))
		want, err := tlog.TreeHash(n+1, read)
		if err != nil || hash(want) != ours.root() {
			t.Fatalf("root of %d leaves", n+1)
		}
	}
}

// The cursor takes what the library's deterministic mode writes, and what it takes reads the same there.
func TestCursorAgreesWithAnotherLibrary(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	values := []interface{}{uint64(0), uint64(23), uint64(24), uint64(255), uint64(256), uint64(65535), uint64(65536), uint64(1<<32 - 1), uint64(1 << 32),
		uint64(1<<64 - 1), int64(-1), int64(-24), int64(-25), int64(-1 << 63), []byte{}, []byte("abc"), bytes.Repeat([]byte{5}, 300)}
	for _, want := range values {
		b, err := mode.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		c := cborCursor{b: b}
		switch w := want.(type) {
		case uint64:
			if got := c.uint(); got != w || c.bad || c.at != len(b) {
				t.Errorf("%d became %d", w, got)
			}
		case int64:
			if got := c.int(); got != w || c.bad || c.at != len(b) {
				t.Errorf("%d became %d", w, got)
			}
		case []byte:
			if got := c.bytes(); !bytes.Equal(got, w) || c.bad || c.at != len(b) {
				t.Errorf("%x became %x", w, got)
			}
		}
	}
	for _, bad := range [][]byte{{}, {0x18, 5}, {0x19, 0, 200}, {0x1a, 0, 0, 1, 0}, {0x1b, 0, 0, 0, 0, 1, 0, 0, 0}, {0x1c}, {0x1f}, {0x61, 'a'}, {0xf6}, {0x18}} {
		c := cborCursor{b: bad}
		if c.uint(); !c.bad {
			t.Errorf("%x was taken", bad)
		}
	}
}

func TestChecksum(t *testing.T) {
	if crc32.Checksum([]byte("123456789"), castagnoli) != 0xE3069283 {
		t.Fatal("CRC-32C")
	}
}

// Nothing that stands in a record's bytes makes the reader panic.
func TestReadersTakeAnyBytes(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for i := 0; i < 20000; i++ {
		b := make([]byte, r.Intn(200))
		r.Read(b)
		if len(b) > 4 && i%2 == 0 {
			copy(b, []byte{0x53, 0x2a, 0x4d, 0x18})
		}
		readEvents(b, nil)
		readTree(b, nil)
		readPackets(b)
		readJSON(b)
		readContainer(b)
		readEnvelopes(b)
		readKey(b)
	}
}
