package main

// runs/NNNN/features.cbor.zst (features.md): what a run sent as named values. TLS, HTTP and documents are not read here: how bytes
// are split into fields is taken from this file. What can be held against the packets is.

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	featNumber = iota
	featText
	featTime
)

const (
	originProduct = iota
	originKernel
	originIP
	originPort
	originWindow
	originCut
	originDerived
)

type featureKey struct{ endpoint, name string }

func (a featureKey) less(b featureKey) bool {
	return a.endpoint < b.endpoint || a.endpoint == b.endpoint && a.name < b.name
}

type feature struct {
	key    featureKey
	kind   int
	origin int
	wire   uint64
	flow   int // plus 1
	num    int64
	text   string // of a long one its length and SHA-256
	size   uint64
	big    bool
	placed bool
	tls    bool
	given  bool // of what a TLS library took for the flow; its place is in that
	offset uint64
}

// same: values are the same.
func (f *feature) same(o *feature) bool {
	if f == nil || o == nil {
		return f == o
	}
	return f.kind == o.kind && f.num == o.num && f.text == o.text
}

// value is what a value is told apart by.
func (f *feature) value() string {
	if f.kind == featText {
		return "t" + f.text
	}
	return fmt.Sprint("n", f.num)
}

func readFeatures(file []byte) ([]*feature, error) {
	if len(file) < 6 || le.Uint32(file) != magicZstd || file[4]&0x1f != 0x04 && file[4]&0x1b != 0 {
		return nil, fmt.Errorf("not a zstd frame of the documented form")
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	plain, err := d.DecodeAll(file, nil)
	if err != nil {
		return nil, fmt.Errorf("it cannot be decompressed")
	}
	var out []*feature
	c := cborCursor{b: plain}
	for c.at < len(plain) {
		f := readFeature(&c)
		if c.bad {
			return nil, fmt.Errorf("row %d is malformed", len(out))
		}
		if n := len(out); n > 0 && !out[n-1].key.less(f.key) {
			return nil, fmt.Errorf("row %d is out of order, or there twice", n)
		}
		out = append(out, f)
	}
	return out, nil
}

func readFeature(c *cborCursor) *feature {
	f := &feature{}
	if c.array() != 8 {
		c.bad = true
		return f
	}
	f.key = featureKey{string(c.bytes()), string(c.bytes())}
	f.given = isGiven(f.key.name)
	kind, origin := c.uint(), c.uint()
	f.wire = c.uint()
	flow := c.uint()
	if kind > featTime || origin > originDerived || flow > 1<<31 {
		c.bad = true
		return f
	}
	f.kind, f.origin, f.flow = int(kind), int(origin), int(flow)
	switch {
	case f.kind != featText:
		f.num = c.int()
	case c.at < len(c.b) && c.b[c.at]>>5 == 4:
		if c.array() != 2 {
			c.bad = true
			return f
		}
		f.big, f.size = true, c.uint()
		sum := c.bytes()
		if f.size <= 65536 || len(sum) != 32 {
			c.bad = true
		}
		f.text = fmt.Sprintf("%d %s", f.size, sum)
	default:
		f.text = string(c.bytes())
		f.size = uint64(len(f.text))
	}
	switch c.array() {
	case 0:
	case 2:
		tls := c.uint()
		f.placed, f.tls, f.offset = true, tls == 1, c.uint()
		if tls > 2 || f.kind != featText || f.given != (tls == 2) {
			c.bad = true
		}
	default:
		c.bad = true
	}
	return f
}

// isGiven tells by a feature's name that it is of what was given: F.given. and more.
func isGiven(name string) bool {
	flow, rest, _ := strings.Cut(name, ".")
	return len(flow) > 0 && strings.Trim(flow, "0123456789") == "" && strings.HasPrefix(rest, "given.")
}

// bytesOf is how many bytes of packets the feature stands for.
func (f *feature) bytesOf() uint64 {
	if f.placed {
		return f.size
	}
	return f.wire
}

// checkFeatures holds the features of a run against its packets: fields have the bytes of their flow, and each is there once.
func (r *run) checkFeatures() error {
	sums := map[string]uint64{}
	for _, f := range r.features {
		sums[f.key.endpoint] += f.bytesOf()
		if f.flow > len(r.flows.list) {
			return fmt.Errorf("%s of a flow that is not there", f.key.name)
		}
		if f.flow > 0 && r.flows.list[f.flow-1].endpoint != f.key.endpoint {
			return fmt.Errorf("%s is of another endpoint's flow", f.key.name)
		}
		if !f.placed || f.tls {
			continue
		}
		if f.flow == 0 {
			return fmt.Errorf("%s has a place and no flow", f.key.name)
		}
		there := r.flows.list[f.flow-1].payload
		if f.given {
			there = r.givenText(f.flow - 1)
		}
		if f.offset+f.size > uint64(len(there)) {
			return fmt.Errorf("%s lies behind what left", f.key.name)
		}
		piece := there[f.offset : f.offset+f.size]
		sum := sha256.Sum256(piece)
		if f.big && f.text != fmt.Sprintf("%d %s", f.size, sum[:]) || !f.big && !bytes.Equal(piece, []byte(f.text)) {
			return fmt.Errorf("%s has other bytes than left", f.key.name)
		}
	}
	wire := map[string]uint64{}
	for _, fl := range r.flows.list {
		wire[fl.endpoint] += fl.wire
	}
	for endpoint, n := range sums {
		if n > wire[endpoint] {
			return fmt.Errorf("more bytes than left for %s", endpoint)
		}
	}
	return nil
}

// plaintexts puts together what TLS connections carried from the features that have a place in it; nil where one of them is too long to
// stand in its row.
func (r *run) plaintexts() [][]byte {
	out := make([][]byte, len(r.flows.list))
	whole := make([]bool, len(out))
	for i := range whole {
		whole[i] = true
	}
	for _, f := range r.features {
		if !f.placed || !f.tls || f.flow == 0 {
			continue
		}
		i, end := f.flow-1, f.offset+f.size
		if f.big || end > 1<<30 {
			whole[i] = false
			continue
		}
		for uint64(len(out[i])) < end {
			out[i] = append(out[i], make([]byte, end-uint64(len(out[i])))...)
		}
		copy(out[i][f.offset:], f.text)
	}
	for i := range out {
		if !whole[i] {
			out[i] = nil
			r.longPlain = true
		}
	}
	return out
}
