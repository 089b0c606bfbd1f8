package main

// The JSON of bundles: RFC 8785 restricted (CONTRACTS section 3). A text has one form, so the reader refuses any other
// instead of reading it and comparing later.

import (
	"encoding/base64"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

type kindOf byte

const (
	isNull kindOf = iota
	isBool
	isInt
	isText
	isArray
	isObject
)

type value struct {
	kind kindOf
	flag bool
	num  int64
	text string
	list []*value
	keys []string // of an object, sorted; list has the values
}

const (
	jsonDepth = 32
	jsonMax   = 1<<53 - 1
)

type jsonReader struct {
	b  []byte
	at int
}

func readJSON(b []byte) (*value, error) {
	r := jsonReader{b: b}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.at != len(b) {
		return nil, fmt.Errorf("bytes behind the document, at byte %d", r.at)
	}
	return v, nil
}

func (r *jsonReader) fail(what string) error {
	return fmt.Errorf("%s at byte %d", what, r.at)
}

func (r *jsonReader) next(c byte) bool {
	if r.at < len(r.b) && r.b[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *jsonReader) word(w string) bool {
	if strings.HasPrefix(string(r.b[r.at:min(len(r.b), r.at+len(w))]), w) {
		r.at += len(w)
		return true
	}
	return false
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func (r *jsonReader) value(depth int) (*value, error) {
	if depth > jsonDepth {
		return nil, r.fail("nested too deep")
	}
	if r.at >= len(r.b) {
		return nil, r.fail("cut short")
	}
	switch c := r.b[r.at]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		s, err := r.string()
		return &value{kind: isText, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case r.word("null"):
		return &value{}, nil
	case r.word("true"):
		return &value{kind: isBool, flag: true}, nil
	case r.word("false"):
		return &value{kind: isBool}, nil
	}
	return nil, r.fail("no value, or white space")
}

func (r *jsonReader) number() (*value, error) {
	from := r.at
	r.next('-')
	for r.at < len(r.b) && r.b[r.at] >= '0' && r.b[r.at] <= '9' {
		r.at++
	}
	s := string(r.b[from:r.at])
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s || n > jsonMax || n < -jsonMax {
		return nil, r.fail("a number that is no integer within 2^53-1 in its one form")
	}
	return &value{kind: isInt, num: n}, nil
}

var jsonShort = map[byte]byte{'"': '"', '\\': '\\', 'b': 8, 't': 9, 'n': 10, 'f': 12, 'r': 13}

func (r *jsonReader) escape(out []byte) ([]byte, error) {
	if r.at >= len(r.b) {
		return nil, r.fail("cut short")
	}
	c := r.b[r.at]
	r.at++
	if s, ok := jsonShort[c]; ok {
		return append(out, s), nil
	}
	if c == 'u' && r.at+4 <= len(r.b) {
		hex := string(r.b[r.at : r.at+4])
		n, err := strconv.ParseUint(hex, 16, 16)
		if err == nil && n < 32 && hex == fmt.Sprintf("%04x", n) && strings.IndexByte("\b\t\n\f\r", byte(n)) < 0 {
			r.at += 4
			return append(out, byte(n)), nil
		}
	}
	return nil, r.fail("an escape that is not the canonical one")
}

func (r *jsonReader) string() (string, error) {
	if !r.next('"') {
		return "", r.fail("no text")
	}
	var out []byte
	from := r.at
	for r.at < len(r.b) {
		c := r.b[r.at]
		switch {
		case c == '"' || c == '\\':
			if !utf8.Valid(r.b[from:r.at]) {
				return "", r.fail("text that is not UTF-8 ends")
			}
			out = append(out, r.b[from:r.at]...)
			r.at++
			if c == '"' {
				return string(out), nil
			}
			var err error
			if out, err = r.escape(out); err != nil {
				return "", err
			}
			from = r.at
		case c < 32:
			return "", r.fail("a control character in a text")
		default:
			r.at++
		}
	}
	return "", r.fail("cut short in a text")
}

func (r *jsonReader) array(depth int) (*value, error) {
	v := &value{kind: isArray}
	r.at++
	if r.next(']') {
		return v, nil
	}
	for {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, item)
		if r.next(']') {
			return v, nil
		}
		if !r.next(',') {
			return nil, r.fail("an array that is not in canonical form")
		}
	}
}

func (r *jsonReader) object(depth int) (*value, error) {
	v := &value{kind: isObject}
	r.at++
	if r.next('}') {
		return v, nil
	}
	for {
		key, err := r.string()
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(key); i++ {
			if key[i] < 32 || key[i] > 126 {
				return nil, r.fail("a member's name that is not plain ASCII")
			}
		}
		if n := len(v.keys); n > 0 && v.keys[n-1] >= key {
			return nil, r.fail("members out of order, or one twice")
		}
		if !r.next(':') {
			return nil, r.fail("an object that is not in canonical form")
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.keys, v.list = append(v.keys, key), append(v.list, item)
		if r.next('}') {
			return v, nil
		}
		if !r.next(',') {
			return nil, r.fail("an object that is not in canonical form")
		}
	}
}

// get is nil where there is no such member.
func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	i := sort.SearchStrings(v.keys, key)
	if i < len(v.keys) && v.keys[i] == key {
		return v.list[i]
	}
	return nil
}

// str and int are of a member that a shape has checked; "" and 0 where it is absent or null.
func (v *value) str(key string) string {
	if m := v.get(key); m != nil {
		return m.text
	}
	return ""
}

func (v *value) int(key string) int64 {
	if m := v.get(key); m != nil {
		return m.num
	}
	return 0
}

func (v *value) items(key string) []*value {
	if m := v.get(key); m != nil {
		return m.list
	}
	return nil
}

func (v *value) has(key string) bool {
	m := v.get(key)
	return m != nil && m.kind != isNull
}

// bytes is core.md's: text under NAME or base64 under NAME_b64.
func (v *value) bytes(key string) string {
	if m := v.get(key); m != nil {
		return m.text
	}
	if m := v.get(key + "_b64"); m != nil {
		b, _ := base64.StdEncoding.DecodeString(m.text)
		return string(b)
	}
	return ""
}

// Writing.

type member2 struct {
	key string
	v   *value
}

func jInt(n int64) *value   { return &value{kind: isInt, num: n} }
func jText(s string) *value { return &value{kind: isText, text: s} }
func jBool(b bool) *value   { return &value{kind: isBool, flag: b} }
func jNull() *value         { return &value{} }
func jList(l ...*value) *value {
	return &value{kind: isArray, list: l}
}

func jObject(members ...member2) *value {
	sort.Slice(members, func(i, j int) bool { return members[i].key < members[j].key })
	v := &value{kind: isObject}
	for _, m := range members {
		v.keys, v.list = append(v.keys, m.key), append(v.list, m.v)
	}
	return v
}

func (v *value) set(key string, item *value) {
	i := sort.SearchStrings(v.keys, key)
	if i < len(v.keys) && v.keys[i] == key {
		v.list[i] = item
		return
	}
	v.keys = append(v.keys[:i], append([]string{key}, v.keys[i:]...)...)
	v.list = append(v.list[:i], append([]*value{item}, v.list[i:]...)...)
}

func jTexts(l []string) *value {
	v := jList()
	for _, s := range l {
		v.list = append(v.list, jText(s))
	}
	return v
}

// jBytes adds a member of type bytes.
func (v *value) setBytes(key, s string) {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		v.set(key, jText(s))
		return
	}
	v.set(key+"_b64", jText(base64.StdEncoding.EncodeToString([]byte(s))))
}

func writeText(out []byte, s string) []byte {
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c >= 32:
			out = append(out, c)
		case strings.IndexByte("\b\t\n\f\r", c) >= 0:
			out = append(out, '\\', "btn.fr"[c-8])
		default:
			out = append(out, fmt.Sprintf("\\u%04x", c)...)
		}
	}
	return append(out, '"')
}

func (v *value) write(out []byte) []byte {
	switch v.kind {
	case isNull:
		return append(out, "null"...)
	case isBool:
		return strconv.AppendBool(out, v.flag)
	case isInt:
		return strconv.AppendInt(out, v.num, 10)
	case isText:
		return writeText(out, v.text)
	}
	open, shut := byte('['), byte(']')
	if v.kind == isObject {
		open, shut = '{', '}'
	}
	out = append(out, open)
	for i, item := range v.list {
		if i > 0 {
			out = append(out, ',')
		}
		if v.kind == isObject {
			out = append(writeText(out, v.keys[i]), ':')
		}
		out = item.write(out)
	}
	return append(out, shut)
}
