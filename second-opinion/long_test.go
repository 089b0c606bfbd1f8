package main

import (
	"hash/crc32"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A record made here, so that the reader is tried on lengths that no bundle in the tree has.

func cborHead(b []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(b, major<<5|byte(v))
	case v < 1<<8:
		return append(b, major<<5|24, byte(v))
	case v < 1<<16:
		return append(b, major<<5|25, byte(v>>8), byte(v))
	case v < 1<<32:
		return append(b, major<<5|26, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	b = append(b, major<<5|27)
	for i := 56; i >= 0; i -= 8 {
		b = append(b, byte(v>>i))
	}
	return b
}

func cborEvent(b []byte, kind int, head [6]uint64, fields ...interface{}) []byte {
	b = cborHead(cborHead(b, 4, uint64(7+len(fields))), 0, uint64(kind))
	for _, v := range head {
		b = cborHead(b, 0, v)
	}
	for _, f := range fields {
		switch v := f.(type) {
		case int:
			b = cborHead(b, 0, uint64(v))
		case uint64:
			b = cborHead(b, 0, v)
		case string:
			b = append(cborHead(b, 2, uint64(len(v))), v...)
		}
	}
	return b
}

// writeRecord makes the file of a record from blocks of items.
func writeRecord(t *testing.T, blocks func(yield func(items int, raw []byte))) []byte {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(true))
	if err != nil {
		t.Fatal(err)
	}
	r := &recordReader{kind: kindEvents}
	var out []byte
	blocks(func(items int, raw []byte) {
		frame := enc.EncodeAll(raw, nil)
		salt := make([]byte, 16)
		leaf := leafOf(salt, raw)
		h := append(r.headerStart(), 0)
		h = put64(put64(put32(h, uint64(items)), r.tree.size), r.sum.items)
		h = put64(put64(h, 0), 0)
		h = put32(put32(put32(h, uint64(len(raw))), uint64(len(frame))), uint64(crc32.Checksum(frame, castagnoli)))
		r.tree.add(leaf)
		root := r.tree.root()
		h = append(append(append(h, salt...), leaf[:]...), root[:]...)
		h = put32(h, uint64(crc32.Checksum(h, castagnoli)))
		out = append(append(out, h...), frame...)
		r.sum.items += uint64(items)
		r.sum.raw += uint64(len(raw))
		r.sum.pairs = put32(put32(r.sum.pairs, headerSize), 0)
		r.sum.pairs = put32(put32(r.sum.pairs, uint64(len(frame))), uint64(len(raw)))
		r.sum.count += 2
	})
	return append(out, r.totals()...)
}

// Reads of 200 files by 16 threads, n of them.
func longRecord(t *testing.T, n int) []byte {
	return writeRecord(t, func(yield func(int, []byte)) {
		var raw []byte
		items := 0
		raw = cborEvent(raw, kStart, [6]uint64{1, 65535, 0, 0, 0, 0}, 2, string(make([]byte, 32)), 1, "6.1", 2, "read:page-cache,syscall send:packet,socket,syscall")
		raw = cborEvent(raw, kExec, [6]uint64{2, 0, 0, 100, 100, 0}, 1, 2, 3, 1, "/usr/bin/x", "x", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1)
		items = 2
		tseq := [16]uint64{1}
		for i := 0; i < n; i++ {
			th := i % 16
			raw = cborEvent(raw, kRead, [6]uint64{uint64(1000 + i*700), 0, uint64(1 + i), 100, uint64(100 + th), tseq[th]},
				0, 3, 266338304, 1000+i%200, 7, 1, uint64(i/200*4096), 4096)
			tseq[th]++
			if items++; len(raw) > 1<<20 {
				yield(items, raw)
				raw, items = raw[:0], 0
			}
		}
		raw = cborEvent(raw, kEnd, [6]uint64{uint64(2000 + n*700), 65535, 1, 0, 0, 0}, 0, 0, n+1, 0, 0, 0, 0, 0)
		yield(items+1, raw)
	})
}

// HALLMARK_EVENTS says how many; the aim is 10,000,000 in 60 seconds.
func TestLongRecord(t *testing.T) {
	n := 50000
	if text := os.Getenv("HALLMARK_EVENTS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	file := longRecord(t, n)
	began := time.Now()
	r := newRun(1)
	sum, err := readEvents(file, r.take)
	if err != nil {
		t.Fatal(err)
	}
	r.sum = sum
	if sum.items != uint64(n+3) || sum.cut || r.eventsLost() != 0 {
		t.Fatalf("%d items, cut %v, %d lost", sum.items, sum.cut, r.eventsLost())
	}
	t.Logf("%d events, %d bytes, in %v", sum.items, len(file), time.Since(began))
	for at := 0; at < len(file); at += len(file)/40 + 1 { // cut: whole blocks are good, what is torn is the beginning of what would follow
		if s, err := readEvents(file[:at], nil); err != nil || !s.cut {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if n > 1000000 {
			break
		}
	}
}
