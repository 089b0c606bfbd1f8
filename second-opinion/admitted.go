package main

// Which features that depend on documents are what the declaration admits to (findings.md, "declared.collection"): without its values a field says the same in both
// runs of every block, and so does a size without their lengths.

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

const admittedRows = 64

// One form of one value.
type admittedNeedle struct {
	text   string
	row    int
	number bool // digits beside it make it another
}

type admitter struct {
	c    *core
	rows []*value
	sets map[*value]map[byte][]admittedNeedle // of each set, by first byte, the longest first
}

type needleMaker struct {
	row  int
	list []admittedNeedle
}

func (m *needleMaker) add(text string, number bool) {
	if text != "" {
		m.list = append(m.list, admittedNeedle{text, m.row, number})
	}
}

func (m *needleMaker) base64(text string) {
	for _, coding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		m.add(coding.EncodeToString([]byte(text)), false)
	}
}

func (m *needleMaker) digest(sum []byte) {
	m.add(string(sum), false)
	m.base64(string(sum))
	m.add(hex.EncodeToString(sum), false)
	m.add(strings.ToUpper(hex.EncodeToString(sum)), false)
}

func (m *needleMaker) value(kind string, content []byte) {
	switch kind {
	case "content":
		m.add(string(content), false)
		m.base64(string(content))
	case "md5":
		sum := md5.Sum(content)
		m.digest(sum[:])
	case "sha1":
		sum := sha1.Sum(content)
		m.digest(sum[:])
	case "sha224":
		sum := sha256.Sum224(content)
		m.digest(sum[:])
	case "sha256":
		sum := sha256.Sum256(content)
		m.digest(sum[:])
	case "sha384":
		sum := sha512.Sum384(content)
		m.digest(sum[:])
	case "sha512":
		sum := sha512.Sum512(content)
		m.digest(sum[:])
	case "pyzor":
		m.add(pyzorDigest(content), false)
	case "size":
		m.add(strconv.Itoa(len(content)), true)
	}
}

func (m *needleMaker) name(path string) {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if len(name) < 3 {
		return
	}
	var percent strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			percent.WriteByte(c)
		} else {
			fmt.Fprintf(&percent, "%%%02X", c)
		}
	}
	m.add(name, false)
	if percent.String() != name {
		m.add(percent.String(), false)
	}
	m.base64(name)
}

// parts are those of a mail, and members of ZIP files, wherever they begin.
func (m *needleMaker) parts(kind, path string, file []byte) {
	if strings.HasSuffix(path, ".eml") && len(path) > 4 {
		for _, p := range partsOfMail(file) {
			m.value(kind, p.content)
		}
	}
	for at, members := 0, 0; members < 1000; members++ {
		i := strings.Index(string(file[at:]), "PK\x03\x04")
		if i < 0 {
			return
		}
		at += i
		content, used := zipMember(file[at:])
		m.value(kind, content)
		if used == 0 {
			used = 4
		}
		at += used
	}
}

// zipMember is a member, deflated or stored, that begins here, and how long it is.
func zipMember(b []byte) ([]byte, int) {
	if len(b) < 30 {
		return nil, 0
	}
	head, size := 30+int(le.Uint16(b[26:]))+int(le.Uint16(b[28:])), int(le.Uint32(b[18:]))
	if head > len(b) {
		return nil, 0
	}
	switch le.Uint16(b[8:]) {
	case 8:
		out, used := inflateAll(b[head:])
		if len(out) == 0 {
			return nil, 0
		}
		return out, head + used
	case 0:
		if size > 0 && size <= 64<<20 && size <= len(b)-head {
			return b[head : head+size], head + size
		}
	}
	return nil, 0
}

// needles are the forms of all values of a set's documents.
func (a *admitter) needles(set *value) map[byte][]admittedNeedle {
	if out, ok := a.sets[set]; ok {
		return out
	}
	var list []admittedNeedle
	for _, f := range set.items("files") {
		content, ok := a.c.v.b.part[f.str("part")]
		if f.str("role") == "definitions" || !ok {
			continue
		}
		for i, row := range a.rows {
			m := &needleMaker{row: i}
			switch kind := row.str("value"); {
			case kind == "name":
				m.name(f.bytes("path"))
			case row.str("of") == "part":
				m.parts(kind, f.bytes("path"), content)
			default:
				m.value(kind, content)
			}
			list = append(list, m.list...)
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		x, y := &list[i], &list[j]
		if len(x.text) != len(y.text) {
			return len(x.text) > len(y.text)
		}
		return x.row < y.row
	})
	out := map[byte][]admittedNeedle{}
	for _, n := range list {
		out[n.text[0]] = append(out[n.text[0]], n)
	}
	a.sets[set] = out
	return out
}

// goesTo are the rows whose values may go to an endpoint.
func (a *admitter) goesTo(endpoint string) (rows [admittedRows]bool, any bool) {
	for i, row := range a.rows {
		if !row.has("to") || row.str("to") == endpoint {
			rows[i], any = true, true
		}
	}
	return rows, any
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// rest takes values out, from left to right and the longest first; each leaves a mark of its row. It gives how many bytes were values.
func (a *admitter) rest(set *value, rows [admittedRows]bool, text string) (string, int) {
	needles, taken := a.needles(set), 0
	var left []byte
	for at := 0; at < len(text); {
		found := -1
		list := needles[text[at]]
		for i := range list {
			n := &list[i]
			end := at + len(n.text)
			if !rows[n.row] || !strings.HasPrefix(text[at:], n.text) || n.number && (at > 0 && isDigit(text[at-1]) || end < len(text) && isDigit(text[end])) {
				continue
			}
			found = i
			break
		}
		if found < 0 {
			left = append(left, text[at])
			at++
			continue
		}
		left = append(left, 0xff, byte(list[found].row))
		at, taken = at+len(list[found].text), taken+len(list[found].text)
	}
	return string(left), taken
}

// follows: the field is the signature of the rest of its datagram.
func (a *admitter) follows(r *run, rows [admittedRows]bool, f *feature) bool {
	signed := false
	for i, row := range a.rows {
		signed = signed || rows[i] && row.str("value") == "pyzor.signature"
	}
	if !signed || f.flow == 0 || f.tls || f.given || !f.placed {
		return false
	}
	fl := r.flows.list[f.flow-1]
	if fl.key.proto != protoUDP {
		return false
	}
	from, to := 0, len(fl.payload)
	for _, g := range fl.grams {
		if uint64(g) <= f.offset {
			from = g
		} else if g < to {
			to = g
		}
	}
	return pyzorSigns(fl.payload[from:to], int(f.offset)-from, int(f.offset+f.size)-from)
}

// numbersOf is the beginning of a name that is numbers, each with its dot, and behind the first the word given: depth of them at most.
func numbersOf(name string, depth int) string {
	at := 0
	for i := 0; i < depth; i++ {
		if i == 1 && strings.HasPrefix(name[at:], "given.") {
			at += len("given.")
			depth++
			continue
		}
		n := 0
		for at+n < len(name) && isDigit(name[at+n]) {
			n++
		}
		if n == 0 || at+n >= len(name) || name[at+n] != '.' {
			break
		}
		at += n + 1
	}
	return name[:at]
}

type admittedSlot struct {
	rest string
	seen bool
}

// slots are what is left of each feature of a run without what is declared.
func (a *admitter) slots(r *run, set *value) map[featureKey]admittedSlot {
	out, sums := map[featureKey]admittedSlot{}, map[featureKey]int64{}
	for _, f := range r.features {
		rows, any := a.goesTo(f.key.endpoint)
		if !any || !f.placed && !(f.given && f.kind == featText) {
			continue
		}
		rest, taken := "", int(f.size)
		if !a.follows(r, rows, f) {
			rest, taken = a.rest(set, rows, string(r.bytesOf(f)))
		}
		out[f.key] = admittedSlot{"t" + rest, taken > 0}
		last := -1
		for depth := 0; depth <= 2; depth++ {
			prefix := numbersOf(f.key.name, depth)
			if len(prefix) != last && (f.placed || depth == 2) {
				sums[featureKey{f.key.endpoint, prefix}] += int64(taken)
			}
			last = len(prefix)
		}
		if f.given {
			sums[featureKey{f.key.endpoint, numbersOf(f.key.name, 1) + "given."}] += int64(taken)
		}
	}
	for _, f := range r.features {
		if _, any := a.goesTo(f.key.endpoint); !any || f.placed || f.given && f.kind == featText {
			continue
		}
		if f.kind == featText {
			out[f.key] = admittedSlot{"t" + f.text, false}
			continue
		}
		prefix, taken := numbersOf(f.key.name, 2), int64(0)
		if f.key.name[len(prefix):] == "size" {
			taken = sums[featureKey{f.key.endpoint, prefix}]
		}
		out[f.key] = admittedSlot{fmt.Sprint("n", f.num-taken), taken > 0}
	}
	return out
}

// admittedFeatures are those that are declared: some run had such a value in it, and in every block that is compared both runs have it and the rest is the same.
func (x *experiment) admittedFeatures() map[featureKey]bool {
	if x.c.declaration == nil || x.c.declaration.get("collects") == nil || x.c.semantics < 4 {
		return nil
	}
	a := &admitter{c: x.c, rows: x.c.declaration.items("collects"), sets: map[*value]map[byte][]admittedNeedle{}}
	if len(a.rows) > admittedRows {
		a.rows = a.rows[:admittedRows]
	}
	seen, broken := map[featureKey]bool{}, map[featureKey]bool{}
	for _, b := range x.c.blocks {
		if !b.part || b.aside() {
			continue
		}
		var slots [2]map[featureKey]admittedSlot
		for i, n := range b.runs {
			slots[i] = a.slots(x.c.byNumber[n], x.c.setOf(n))
		}
		for i := range slots {
			for k, s := range slots[i] {
				seen[k] = seen[k] || s.seen
				if other, ok := slots[1-i][k]; !ok || other.rest != s.rest {
					broken[k] = true
				}
			}
		}
	}
	for k := range seen {
		if broken[k] {
			seen[k] = false
		}
	}
	return seen
}

// judgeCollection decides declared.collection by the rows of influence on what left.
func (x *experiment) judgeCollection(j *judgement, influence *value) {
	undeclared := uint64(0)
	for _, row := range influence.list {
		if d := row.get("declared"); d == nil || !d.flag {
			undeclared++
		}
	}
	j.now = 0
	if undeclared > 0 {
		j.ground("collection.undeclared").add("features", undeclared).add("of", uint64(len(influence.list)))
	}
	x.unaccounted(x.factors, j)
	j.good.add("features", uint64(len(influence.list))).add("factors", uint64(len(x.factors)))
}
