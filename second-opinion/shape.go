package main

// Shapes of documents: what members there are, of which type. A shape is text such as
//   {name:s,size:i,note?:s|n,path:B,rows:[{...}],kind:'a'b'}
// s text, i integer, u one of 0 or more, h hex64, d sha256:hex64, f bool, B bytes (NAME or NAME_b64), * anything; |n or null; ? may be absent;
// 'a'b' one of these texts. Member x (an object) is allowed everywhere.

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

type shape struct {
	kind    byte // one of s i u h d f B * [ { '
	null    bool
	item    *shape
	members map[string]*shape
	absent  map[string]bool
	words   []string
}

func parseShape(s string) *shape {
	sh, rest := shapeOf(strings.Join(strings.Fields(s), ""))
	if rest != "" {
		panic("shape: " + rest)
	}
	return sh
}

func shapeOf(s string) (*shape, string) {
	sh := &shape{kind: s[0]}
	s = s[1:]
	switch sh.kind {
	case '[':
		sh.item, s = shapeOf(s)
		s = s[1:]
	case '{':
		sh.members, sh.absent = map[string]*shape{}, map[string]bool{}
		for s[0] != '}' {
			colon := strings.IndexByte(s, ':')
			name := strings.TrimPrefix(s[:colon], ",")
			if strings.HasSuffix(name, "?") {
				name = name[:len(name)-1]
				sh.absent[name] = true
			}
			sh.members[name], s = shapeOf(s[colon+1:])
		}
		s = s[1:]
	case '\'':
		for {
			end := strings.IndexByte(s, '\'')
			sh.words, s = append(sh.words, s[:end]), s[end+1:]
			if s == "" || strings.IndexByte(",}]|", s[0]) >= 0 {
				break
			}
		}
	}
	if strings.HasPrefix(s, "|n") {
		sh.null, s = true, s[2:]
	}
	return sh, s
}

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func isDigest(s string) bool {
	return strings.HasPrefix(s, "sha256:") && isHex(s[7:], 64)
}

func goodB64(s string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n") && (!utf8.Valid(b) || strings.IndexByte(string(b), 0) >= 0)
}

func (sh *shape) check(v *value, where string) error {
	bad := func(what string) error { return fmt.Errorf("%s: %s", where, what) }
	if v.kind == isNull && sh.null || sh.kind == '*' {
		return nil
	}
	want := map[byte]kindOf{'s': isText, 'B': isText, 'h': isText, 'd': isText, '\'': isText, 'i': isInt, 'u': isInt, 'f': isBool, '[': isArray, '{': isObject}
	if v.kind != want[sh.kind] {
		return bad("of another type than documented")
	}
	switch sh.kind {
	case 'u':
		if v.num < 0 {
			return bad("less than 0")
		}
	case 'h':
		if !isHex(v.text, 64) {
			return bad("no 64 hex digits")
		}
	case 'd':
		if !isDigest(v.text) {
			return bad("no sha256:HEX64")
		}
	case '\'':
		for _, w := range sh.words {
			if w == v.text {
				return nil
			}
		}
		return bad("an unknown word")
	case '[':
		for i, item := range v.list {
			if err := sh.item.check(item, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case '{':
		return sh.checkObject(v, where)
	}
	return nil
}

func (sh *shape) checkObject(v *value, where string) error {
	for i, key := range v.keys {
		item := v.list[i]
		m := sh.members[key]
		if key == "x" && item.kind == isObject {
			continue
		}
		if m == nil && strings.HasSuffix(key, "_b64") {
			base := strings.TrimSuffix(key, "_b64")
			if b := sh.members[base]; b != nil && b.kind == 'B' && v.get(base) == nil {
				if item.kind != isText || !goodB64(item.text) {
					return fmt.Errorf("%s.%s: not base64 of bytes that are no text", where, key)
				}
				continue
			}
		}
		if m == nil {
			return fmt.Errorf("%s: unknown member %s", where, key)
		}
		if err := m.check(item, where+"."+key); err != nil {
			return err
		}
	}
	for key, m := range sh.members {
		if !sh.absent[key] && v.get(key) == nil && (m.kind != 'B' || v.get(key+"_b64") == nil) {
			return fmt.Errorf("%s: member %s is missing", where, key)
		}
	}
	return nil
}
