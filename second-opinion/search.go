package main

// What of the planted documents stands in what left: tokens and digests, as they are and behind encodings (findings.md, "collect.content").

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"io"
	"sort"
	"strings"
)

type needle struct {
	text    string // tokens in capitals
	kind    string // token or digest
	feature string
}

type hit struct {
	kind, feature string
	flow          int
	tls           bool // in the flow's plaintext
	from, to      uint64
	needle        string
}

type hitList struct {
	list       []hit
	unsearched bool
}

func (h *hitList) of(kind string) []hit {
	var out []hit
	for _, x := range h.list {
		if x.kind == kind {
			out = append(out, x)
		}
	}
	return out
}

// covered is how many bytes of a flow lie in hits, of those that count.
func (h *hitList) covered(flow int, counts func(*hit) bool) uint64 {
	var sets [2]spans
	for i, x := range h.list {
		if x.flow == flow && (counts == nil || counts(&h.list[i])) {
			at := 0
			if x.tls {
				at = 1
			}
			sets[at] = sets[at].add(x.from, x.to)
		}
	}
	var n uint64
	for _, s := range sets {
		for _, x := range s {
			n += x.to - x.from
		}
	}
	return n
}

// needlesOf are the tokens and digests of a run's documents.
func (c *core) needlesOf(r *run) []needle {
	seen := map[string]bool{}
	var out []needle
	put := func(text, kind, feature string) {
		if !seen[kind+text] {
			seen[kind+text] = true
			out = append(out, needle{text, kind, feature})
		}
	}
	for _, f := range c.filesOf(r) {
		for _, t := range f.items("tokens") {
			put(t.text, "token", "token")
			put(backwards(t.text), "token", "reversed.token")
		}
		if f.str("role") == "definitions" {
			continue
		}
		part := c.v.b.part[f.str("part")]
		for _, content := range append([][]byte{part}, insideOf(part)...) {
			for name, sum := range digestsOf(content) {
				put(sum, "digest", "digest."+name)
			}
		}
	}
	return out
}

func (h *hit) layer(r *run) string {
	if h.tls {
		return "tls"
	}
	return r.flows.list[h.flow].layer
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func digestsOf(b []byte) map[string]string {
	m, s1, s224, s256 := md5.Sum(b), sha1.Sum(b), sha256.Sum224(b), sha256.Sum256(b)
	s384, s512 := sha512.Sum384(b), sha512.Sum512(b)
	return map[string]string{"md5": string(m[:]), "sha1": string(s1[:]), "sha224": string(s224[:]), "sha256": string(s256[:]), "sha384": string(s384[:]), "sha512": string(s512[:])}
}

// insideOf are the files inside a planted archive.
func insideOf(b []byte) [][]byte {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil
	}
	var out [][]byte
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			continue
		}
		if content, err := io.ReadAll(io.LimitReader(r, 64<<20)); err == nil {
			out = append(out, content)
		}
		r.Close()
	}
	return out
}

type searcher struct {
	byHead map[[2]byte][]*needle
	seen   map[hit]bool
	out    *hitList
	flow   int
	tls    bool
	budget int
}

const deepest = 4

func (c *core) searchRun(r *run) *hitList {
	if c.hits[r.n] != nil {
		return c.hits[r.n]
	}
	out := &hitList{}
	c.hits[r.n] = out
	if r.flows == nil {
		return out
	}
	list := c.needlesOf(r)
	s := &searcher{byHead: headsOf(list), seen: map[hit]bool{}, out: out}
	var plain [][]byte
	if r.features != nil {
		plain = r.plaintexts()
	}
	for i, f := range r.flows.list {
		s.flow, s.tls, s.budget = i, false, 16*len(f.payload)+4<<20
		s.look(&view{data: f.payload}, nil)
		if plain != nil && len(plain[i]) > 0 {
			s.tls, s.budget = true, 16*len(plain[i])+4<<20
			s.look(&view{data: plain[i]}, nil)
		}
	}
	sort.SliceStable(out.list, func(a, b int) bool {
		x, y := &out.list[a], &out.list[b]
		if x.flow == y.flow && x.tls != y.tls {
			return y.tls
		}
		return x.flow < y.flow || x.flow == y.flow && (x.from < y.from || x.from == y.from && x.to < y.to)
	})
	return out
}

// headsOf finds needles by their first two bytes.
func headsOf(list []needle) map[[2]byte][]*needle {
	out := map[[2]byte][]*needle{}
	for i := range list {
		h := [2]byte{upper(list[i].text[0]), upper(list[i].text[1])}
		out[h] = append(out[h], &list[i])
	}
	return out
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 32
	}
	return c
}

// A view is bytes and where in the stream they come from: byte i from stretch src(i). Without a source they are the stream's own.
type view struct {
	data []byte
	src  []span // of each byte; nil: itself
	all  *span  // of all bytes alike
}

func (v *view) stretch(from, to int) span {
	switch {
	case v.all != nil:
		return *v.all
	case v.src != nil:
		s := v.src[from]
		for _, x := range v.src[from:to] {
			if x.from < s.from {
				s.from = x.from
			}
			if x.to > s.to {
				s.to = x.to
			}
		}
		return s
	}
	return span{uint64(from), uint64(to)}
}

func (s *searcher) look(v *view, path []string) {
	type level struct {
		v    *view
		path []string
	}
	now := []level{{v, path}}
	for depth := 0; len(now) > 0; depth++ { // what is found with fewer encodings is told by these
		var next []level
		for _, l := range now {
			s.match(l.v, l.path)
			if depth == deepest {
				continue
			}
			for _, d := range decoders {
				for _, inner := range d.open(l.v) {
					if len(inner.data) < 16 {
						continue
					}
					if s.budget -= len(inner.data); s.budget < 0 {
						s.out.unsearched = true
						return
					}
					next = append(next, level{inner, append(append([]string{}, l.path...), d.name)})
				}
			}
		}
		now = next
	}
}

func (s *searcher) match(v *view, path []string) {
	b := v.data
	for i := 0; i+16 <= len(b); i++ {
		for _, n := range s.byHead[[2]byte{upper(b[i]), upper(b[i+1])}] {
			if i+len(n.text) > len(b) {
				continue
			}
			piece := b[i : i+len(n.text)]
			if n.kind == "token" && !bytes.EqualFold(piece, []byte(n.text)) || n.kind == "digest" && string(piece) != n.text {
				continue
			}
			s.found(v, n, i, path)
		}
	}
}

func (s *searcher) found(v *view, n *needle, at int, path []string) {
	where := v.stretch(at, at+len(n.text))
	key := hit{kind: n.kind + n.text, feature: strings.Join(path, "."), flow: s.flow, tls: s.tls, from: where.from, to: where.to}
	if s.seen[key] || len(s.out.list) >= 10000 {
		return
	}
	s.seen[key] = true
	s.out.list = append(s.out.list, hit{n.kind, strings.Join(append(append([]string{}, path...), n.feature), "."), s.flow, s.tls, where.from, where.to, n.text})
}
