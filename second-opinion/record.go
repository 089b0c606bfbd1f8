package main

// Records and trees (record.md): frames, CRCs, leaves, roots, items, totals, seek table.

import (
	"bytes"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

const (
	magicBlock  = 0x184D2A53
	magicTotals = 0x184D2A54
	magicSeek   = 0x184D2A5E
	magicZstd   = 0xFD2FB528
	headerSize  = 152
	totalsSize  = 80
	rawMost     = 16777216
	kindEvents  = 1
	kindTree    = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// What a record is, as core.json tells it, and what was withheld of it.
type recordSummary struct {
	cut                    bool
	items, leaves, raw     uint64
	withheld               uint64
	root                   hash
	pairs                  []byte
	count                  uint32
	version                uint64 // of events
	ended                  bool
	plan                   []byte
	gaps, endLost          uint64
	packetGaps, packetLost uint64
}

type recordReader struct {
	b     []byte
	kind  byte
	tree  merkle
	sum   recordSummary
	zstd  *zstd.Decoder
	plain []byte
	item  func(c *cborCursor) error
}

type blockHeader struct {
	withheld              bool
	items, raw, frame     uint32
	first, tFirst, tLast  uint64
	frameCRC              uint32
	salt, leaf, rootBytes []byte
}

// readRecord goes through the file; item takes each item, leaving the cursor behind it.
func readRecord(file []byte, kind byte, item func(c *cborCursor) error) (*recordSummary, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(rawMost), zstd.WithDecoderMaxWindow(1<<25))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r := &recordReader{b: file, kind: kind, zstd: d, item: item}
	at := 0
	for {
		n, err := r.block(file[at:])
		if err != nil {
			return nil, fmt.Errorf("block %d: %v", r.tree.size, err)
		}
		if n == 0 {
			break
		}
		at += n
	}
	r.sum.leaves, r.sum.root = r.tree.size, r.tree.root()
	return &r.sum, r.tail(file[at:])
}

// tail is totals and seek table, or the beginning of what would follow.
func (r *recordReader) tail(rest []byte) error {
	want := r.totals()
	if bytes.Equal(rest, want) {
		return nil
	}
	r.sum.cut = true
	if bytes.HasPrefix(want, rest) {
		return nil
	}
	if len(rest) >= 18 && le.Uint32(rest) == magicTotals && le.Uint32(rest[4:]) <= 4088 && le.Uint16(rest[16:]) != 1 {
		return fmt.Errorf("totals of an unknown version")
	}
	if len(rest) >= 4 && le.Uint32(rest) == magicTotals {
		return fmt.Errorf("totals or seek table are not what the blocks call for")
	}
	start := r.headerStart()
	n := min(len(rest), len(start))
	if !bytes.Equal(rest[:n], start[:n]) {
		return fmt.Errorf("bytes behind the last block that are the beginning of nothing")
	}
	return nil
}

func (r *recordReader) headerStart() []byte {
	b := put32(put32(nil, magicBlock), headerSize-8)
	return append(put16(append(b, "HMRBLOCK"...), 1), r.kind)
}

func (r *recordReader) totals() []byte {
	b := put32(put32(nil, magicTotals), totalsSize-8)
	b = append(put16(append(b, "HMRTOTAL"...), 1), r.kind, 0)
	b = put64(put64(put64(b, r.tree.size), r.sum.items), r.sum.raw)
	root := r.tree.root()
	b = append(b, root[:]...)
	b = put32(b, uint64(crc32.Checksum(b, castagnoli)))
	pairs := put32(put32(r.sum.pairs, totalsSize), 0)
	b = put32(put32(b, magicSeek), uint64(len(pairs)+9))
	b = append(b, pairs...)
	b = append(put32(b, uint64(r.sum.count+1)), 0)
	return put32(b, 0x8F92EAB1)
}

// block reads one block; 0 where there is no whole one.
func (r *recordReader) block(b []byte) (int, error) {
	if len(b) < headerSize || le.Uint32(b) != magicBlock {
		return 0, nil
	}
	h, err := r.header(b[:headerSize])
	if err != nil {
		return 0, err
	}
	if uint64(len(b)) < headerSize+uint64(h.frame) {
		return 0, nil
	}
	if err := r.content(h, b[headerSize:headerSize+int(h.frame)]); err != nil {
		return 0, err
	}
	var leaf hash
	copy(leaf[:], h.leaf)
	r.tree.add(leaf)
	if root := r.tree.root(); !bytes.Equal(root[:], h.rootBytes) {
		return 0, fmt.Errorf("its root is not that of the leaves")
	}
	r.sum.items += uint64(h.items)
	r.sum.raw += uint64(h.raw)
	r.sum.pairs = put32(put32(r.sum.pairs, headerSize), 0)
	r.sum.count++
	if !h.withheld {
		r.sum.pairs = put32(put32(r.sum.pairs, uint64(h.frame)), uint64(h.raw))
		r.sum.count++
	}
	return headerSize + int(h.frame), nil
}

func (r *recordReader) header(b []byte) (*blockHeader, error) {
	if n := le.Uint32(b[4:]); le.Uint16(b[16:]) != 1 && n >= 14 && n <= 4088 {
		return nil, fmt.Errorf("a header of an unknown version, or a damaged one")
	}
	if crc32.Checksum(b[:148], castagnoli) != le.Uint32(b[148:]) {
		return nil, fmt.Errorf("its header's CRC is wrong")
	}
	if !bytes.Equal(b[:19], r.headerStart()) || b[19] > 1 {
		return nil, fmt.Errorf("its header is not of this form, or of another kind")
	}
	h := &blockHeader{withheld: b[19] == 1, items: le.Uint32(b[20:]), first: le.Uint64(b[32:]),
		tFirst: le.Uint64(b[40:]), tLast: le.Uint64(b[48:]), raw: le.Uint32(b[56:]), frame: le.Uint32(b[60:]),
		frameCRC: le.Uint32(b[64:]), salt: b[68:84], leaf: b[84:116], rootBytes: b[116:148]}
	switch {
	case h.items == 0 || le.Uint64(b[24:]) != r.tree.size || h.first != r.sum.items:
		return nil, fmt.Errorf("number, items or position are wrong")
	case h.tLast < h.tFirst || r.kind == kindTree && (h.tFirst != 0 || h.tLast != 0):
		return nil, fmt.Errorf("its times are wrong")
	case h.raw > rawMost:
		return nil, fmt.Errorf("it is too large")
	case h.withheld && (h.frame != 0 || h.frameCRC != 0 || !bytes.Equal(h.salt, make([]byte, 16))):
		return nil, fmt.Errorf("it is withheld and has a frame, a CRC or a salt")
	}
	return h, nil
}

func (r *recordReader) content(h *blockHeader, frame []byte) error {
	if h.withheld {
		r.sum.withheld += uint64(h.items)
		return nil
	}
	if crc32.Checksum(frame, castagnoli) != h.frameCRC {
		return fmt.Errorf("its frame's CRC is wrong")
	}
	if err := oneFrame(frame, uint64(h.raw)); err != nil {
		return err
	}
	var err error
	if r.plain, err = r.zstd.DecodeAll(frame, r.plain[:0]); err != nil || len(r.plain) != int(h.raw) {
		return fmt.Errorf("its frame cannot be decompressed")
	}
	if leaf := leafOf(h.salt, r.plain); !bytes.Equal(leaf[:], h.leaf) {
		return fmt.Errorf("its leaf is not that of its content")
	}
	c := cborCursor{b: r.plain}
	for i := uint32(0); i < h.items; i++ {
		if err := r.item(&c); err != nil {
			return fmt.Errorf("item %d: %v", h.first+uint64(i), err)
		}
	}
	if c.at != len(c.b) {
		return fmt.Errorf("bytes behind its items")
	}
	return nil
}

// oneFrame checks the frame header, and that the frame ends where its bytes do: the decoder would take several.
func oneFrame(b []byte, raw uint64) error {
	bad := fmt.Errorf("its zstd frame is not of the documented form")
	if len(b) < 6 || le.Uint32(b) != magicZstd || b[4]&0x3f != 0x24 {
		return bad
	}
	n := 1 << (b[4] >> 6)
	if len(b) < 5+n+4 {
		return bad
	}
	var size uint64
	for i := n - 1; i >= 0; i-- {
		size = size<<8 | uint64(b[5+i])
	}
	if n == 2 {
		size += 256
	}
	if size != raw {
		return bad
	}
	at := 5 + n
	for {
		if at+3 > len(b) {
			return bad
		}
		h := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		at += 3
		if h>>1&3 == 1 {
			at++
		} else {
			at += h >> 3
		}
		if h>>1&3 == 3 {
			return bad
		}
		if h&1 == 1 {
			break
		}
	}
	if at+4 != len(b) {
		return bad
	}
	return nil
}

// readEvents goes through a record of events and checks what stands in every one: start, end, versions.
func readEvents(file []byte, each func(e *event)) (*recordSummary, error) {
	var e event
	var got recordSummary
	n := uint64(0)
	sum, err := readRecord(file, kindEvents, func(c *cborCursor) error {
		if got.ended {
			return fmt.Errorf("stands behind the end")
		}
		if !readEvent(c, &e, got.version) {
			return fmt.Errorf("no event of a kind that is documented")
		}
		e.pos = n
		n++
		if (e.kind == kStart) != (e.pos == 0) {
			return fmt.Errorf("a start that is not event 0, or none there")
		}
		if err := got.note(&e); err != nil {
			return err
		}
		if each != nil {
			each(&e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	got.cut, got.items, got.leaves, got.withheld, got.root = sum.cut, sum.items, sum.leaves, sum.withheld, sum.root
	return &got, nil
}

func (s *recordSummary) note(e *event) error {
	switch e.kind {
	case kStart:
		s.version, s.plan = e.n("version"), append([]byte(nil), e.b[1]...)
		if s.version < 1 || s.version > 3 {
			return fmt.Errorf("events of version %d", s.version)
		}
	case kGap:
		switch e.n("source") {
		case 3:
			s.packetGaps = addCapped(s.packetGaps, e.n("count"))
		case 4:
		default:
			s.gaps = addCapped(s.gaps, e.n("count"))
		}
	case kEnd:
		s.ended, s.endLost, s.packetLost = true, e.n("lost"), e.n("packets_lost")
	}
	return nil
}

// Sums over 2^53-1 stand as 2^53-1.
func addCapped(a, b uint64) uint64 {
	if b > jsonMax || a+b > jsonMax {
		return jsonMax
	}
	return a + b
}

func maxOf(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}

type treeEntry struct {
	path, sha, link             string
	kind, mode, uid, gid, size_ uint64
}

func readTree(file []byte, each func(t *treeEntry)) (*recordSummary, error) {
	return readRecord(file, kindTree, func(c *cborCursor) error {
		if c.array() != 8 {
			c.bad = true
		}
		var t treeEntry
		t.path, t.kind, t.mode = string(c.bytes()), c.uint(), c.uint()
		t.uid, t.gid, t.size_ = c.uint(), c.uint(), c.uint()
		t.sha, t.link = string(c.bytes()), string(c.bytes())
		if c.bad {
			return fmt.Errorf("no entry of a tree")
		}
		if each != nil {
			each(&t)
		}
		return nil
	})
}
