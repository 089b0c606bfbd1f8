package main

// A cursor over the CBOR subset of records (record.md, "The items"): shortest forms, definite lengths, unsigned and negative
// integers, byte strings, arrays. Written here because the 10 million events of a long record are read through it; a test
// holds it against the fxamacker library.

import "errors"

var errCBOR = errors.New("not the deterministic CBOR of records")

type cborCursor struct {
	b   []byte
	at  int
	bad bool
}

// head is major type and argument of the next item.
func (c *cborCursor) head() (byte, uint64) {
	if c.at >= len(c.b) {
		c.bad = true
		return 0, 0
	}
	first := c.b[c.at]
	c.at++
	major, info := first>>5, first&31
	if info < 24 {
		return major, uint64(info)
	}
	if info > 27 {
		c.bad = true
		return 0, 0
	}
	n := 1 << (info - 24)
	if c.at+n > len(c.b) {
		c.bad = true
		return 0, 0
	}
	var v uint64
	for _, x := range c.b[c.at : c.at+n] {
		v = v<<8 | uint64(x)
	}
	c.at += n
	least := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}
	if v < least[info-24] {
		c.bad = true
	}
	return major, v
}

func (c *cborCursor) uint() uint64 {
	major, v := c.head()
	if major != 0 {
		c.bad = true
	}
	return v
}

func (c *cborCursor) int() int64 {
	major, v := c.head()
	if major > 1 || v > 1<<63-1 {
		c.bad = true
	}
	if major == 1 {
		return -1 - int64(v)
	}
	return int64(v)
}

func (c *cborCursor) bytes() []byte {
	major, v := c.head()
	if major != 2 || v > uint64(len(c.b)-c.at) {
		c.bad = true
		return nil
	}
	b := c.b[c.at : c.at+int(v)]
	c.at += int(v)
	return b
}

func (c *cborCursor) array() int {
	major, v := c.head()
	if major != 4 || v > uint64(len(c.b)) {
		c.bad = true
		return 0
	}
	return int(v)
}

// skip passes over one item of the subset.
func (c *cborCursor) skip(depth int) {
	major, v := c.head()
	switch {
	case c.bad || major <= 1:
	case major == 2 && v <= uint64(len(c.b)-c.at):
		c.at += int(v)
	case major == 4 && depth < 16 && v <= uint64(len(c.b)):
		for ; v > 0 && !c.bad; v-- {
			c.skip(depth + 1)
		}
	default:
		c.bad = true
	}
}
