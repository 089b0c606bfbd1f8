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
	gone                   []withheldRows
	root                   hash
	pairs                  []byte
	count                  uint32
	version                uint64 // of events
	ended                  bool
	plan                   []byte
	run                    uint64
	flaw                   error // what is wrong with the events, the first
	gaps, endLost          uint64
	packetGaps, packetLost uint64
}

// Neighbouring blocks that were withheld.
type withheldRows struct{ from, to, first, items uint64 }

type recordReader struct {
	b     []byte
	kind  byte
	tree  merkle
	sum   recordSummary
	zstd  *zstd.Decoder
	plain []byte
	item  func(pos uint64, c *cborCursor) error
}

type blockHeader struct {
	withheld              bool
	items, raw, frame     uint32
	first, tFirst, tLast  uint64
	frameCRC              uint32
	salt, leaf, rootBytes []byte
}

// A version that this program does not know: nothing false can be said of what it holds.
type later string

func (l later) Error() string { return string(l) }

// sayError tells what is false from what is unknown.
func (v *verification) sayError(check, where string, err error) {
	o := isFalse
	if _, ok := err.(later); ok {
		o = unchecked
	}
	v.say(check, o, "%s%v", where, err)
}

func within(where string, err error) error {
	if l, ok := err.(later); ok {
		return later(where + ": " + string(l))
	}
	return fmt.Errorf("%s: %v", where, err)
}

// ofLater: a frame of ours of another version, and whole (record.md, "Versions").
func ofLater(b []byte, magic uint32, name string) bool {
	if len(b) < 22 || le.Uint32(b) != magic || string(b[8:16]) != name || le.Uint16(b[16:]) == 1 {
		return false
	}
	n := int(le.Uint32(b[4:])) + 8
	return n >= 22 && n <= 4096 && n <= len(b) && crc32.Checksum(b[:n-4], castagnoli) == le.Uint32(b[n-4:])
}

// readRecord goes through the file; item takes each item, leaving the cursor behind it.
func readRecord(file []byte, kind byte, item func(pos uint64, c *cborCursor) error) (*recordSummary, error) {
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
			return nil, within(fmt.Sprintf("block %d", r.tree.size), err)
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
	if ofLater(rest, magicTotals, "HMRTOTAL") {
		return later("totals of a version that this program does not know")
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
	if ofLater(b, magicBlock, "HMRBLOCK") {
		return 0, later("a header of a version that this program does not know")
	}
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
		if n := len(r.sum.gone); n > 0 && r.sum.gone[n-1].to+1 == r.tree.size {
			r.sum.gone[n-1].to++
			r.sum.gone[n-1].items += uint64(h.items)
		} else {
			r.sum.gone = append(r.sum.gone, withheldRows{r.tree.size, r.tree.size, h.first, uint64(h.items)})
		}
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
		if err := r.item(h.first+uint64(i), &c); err != nil {
			return within(fmt.Sprintf("item %d", h.first+uint64(i)), err)
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

// readEvents goes through a record of events. Of these it refuses what is no array of a kind, and gaps and ends that are malformed, since core.json
// counts by them; what else is wrong is the first flaw, and concerns what is derived.
func readEvents(file []byte, each func(e *event)) (*recordSummary, error) {
	var e event
	var got recordSummary
	sum, err := readRecord(file, kindEvents, func(pos uint64, c *cborCursor) error {
		at := c.at
		good := readEvent(c, &e)
		if !good {
			kind, whole := skipEvent(c, at)
			switch {
			case !whole || kind == kGap || kind == kEnd:
				return fmt.Errorf("no event")
			case kind >= len(kinds) && kind <= 65535:
				got.flawed(later(fmt.Sprintf("event %d is of a kind that this program does not know", pos)))
			default:
				got.flawed(fmt.Errorf("event %d is malformed", pos))
			}
			return nil
		}
		e.pos = pos
		got.note(&e)
		if each != nil && got.flaw == nil {
			each(&e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	got.cut, got.items, got.leaves, got.withheld, got.gone, got.root = sum.cut, sum.items, sum.leaves, sum.withheld, sum.gone, sum.root
	if !got.ended && !got.cut && got.withheld == 0 {
		got.flawed(fmt.Errorf("it is whole and has no end"))
	}
	return &got, nil
}

// skipEvent passes over an item that is no event: an array that begins with a number, its kind.
func skipEvent(c *cborCursor, at int) (kind int, whole bool) {
	c.at, c.bad = at, false
	n := c.array()
	k := c.uint()
	if c.bad || n < 1 || k > 1<<31 {
		return 0, false
	}
	for i := 1; i < n && !c.bad; i++ {
		c.skip(0)
	}
	return int(k), !c.bad
}

func (s *recordSummary) flawed(err error) {
	if s.flaw == nil {
		s.flaw = err
	}
}

// note takes what stands in every record: its start and end, and what gaps tell of.
func (s *recordSummary) note(e *event) {
	if s.ended {
		s.flawed(fmt.Errorf("event %d stands behind the end", e.pos))
	}
	if (e.kind == kStart) != (e.pos == 0) {
		s.flawed(fmt.Errorf("event %d is a start that is not event 0, or none there", e.pos))
	}
	switch e.kind {
	case kStart:
		if e.pos != 0 {
			break
		}
		s.version, s.plan, s.run = e.n("version"), append([]byte(nil), e.b[1]...), e.n("run")
		if s.version < 1 || s.version > 3 {
			s.flawed(later(fmt.Sprintf("events of version %d, which this program does not know", s.version)))
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
		s.ended, s.endLost, s.packetLost = true, addCapped(s.endLost, e.n("lost")), addCapped(s.packetLost, e.n("packets_lost"))
	}
	if s.version == 1 && e.kind > kOutput || s.version == 2 && e.kind > kCopyup {
		s.flawed(fmt.Errorf("event %d is of a kind that version %d does not have", e.pos, s.version))
	}
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
	pos                         uint64
	path, sha, link, more       string
	kind, mode, uid, gid, size_ uint64
}

func readTree(file []byte, each func(t *treeEntry)) (*recordSummary, error) {
	return readRecord(file, kindTree, func(pos uint64, c *cborCursor) error {
		fields := c.array()
		if fields != 8 && fields != 9 {
			c.bad = true
		}
		var t treeEntry
		t.path, t.kind, t.mode = string(c.bytes()), c.uint(), c.uint()
		t.uid, t.gid, t.size_ = c.uint(), c.uint(), c.uint()
		t.sha, t.link = string(c.bytes()), string(c.bytes())
		if fields == 9 {
			t.more = string(c.bytes())
			c.bad = c.bad || t.more == ""
		}
		if c.bad {
			return fmt.Errorf("no entry of a tree")
		}
		t.pos = pos
		if each != nil {
			each(&t)
		}
		return nil
	})
}
