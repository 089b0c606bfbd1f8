package main

// Parts of a mail, and the two digests that Pyzor sends of one (core.md, "Mail and Pyzor").

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

type mailPart struct {
	kind, charset string
	content       []byte
}

const (
	mailDepth = 8
	mailParts = 1000
	mailValue = 1000
)

// lineOf is the first line with its end, and what is behind it.
func lineOf(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1], b[i+1:]
	}
	return b, nil
}

func withoutEnd(line []byte) []byte { return bytes.TrimRight(line, "\r\n") }

// headerOf joins the folded lines of the first header of that name.
func headerOf(head []byte, name string) string {
	var value []byte
	ours, found := false, false
	for len(head) > 0 {
		var line []byte
		line, head = lineOf(head)
		if line = withoutEnd(line); len(line) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			n := len(name)
			ours = !found && len(line) > n && line[n] == ':' && strings.EqualFold(string(line[:n]), name)
			if found = found || ours; ours {
				line = line[n+1:]
			}
		}
		if ours && len(value)+len(line) <= mailValue {
			value = append(value, line...)
		}
	}
	if i := bytes.IndexByte(value, 0); i >= 0 {
		value = value[:i]
	}
	return string(value)
}

const blanks = " \t\n\v\f\r"

// parameterOf is a parameter of a header's value, without quotes.
func parameterOf(value, name string) string {
	for at := strings.IndexByte(value, ';'); at >= 0; at = strings.IndexByte(value, ';') {
		value = strings.TrimLeft(value[at+1:], " \t")
		if len(value) <= len(name) || !strings.EqualFold(value[:len(name)], name) || value[len(name)] != '=' {
			continue
		}
		v := value[len(name)+1:]
		if strings.HasPrefix(v, `"`) {
			if end := strings.IndexByte(v[1:], '"'); end >= 0 {
				return v[1 : 1+end]
			}
			return ""
		}
		return strings.Trim(strings.SplitN(v, ";", 2)[0], blanks)
	}
	return ""
}

func fromMailBase64(b []byte) []byte {
	var out []byte
	bits, have := uint32(0), 0
	for _, c := range b {
		if c == '=' {
			break
		}
		v := value64(c)
		if v < 0 || c == '-' || c == '_' {
			continue
		}
		bits, have = bits<<6|uint32(v), have+6
		if have >= 8 {
			have -= 8
			out = append(out, byte(bits>>have))
		}
	}
	return out
}

func fromQuoted(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '=':
			out = append(out, b[i])
		case i+1 < len(b) && b[i+1] == '\n':
			i++
		case i+2 < len(b) && b[i+1] == '\r' && b[i+2] == '\n':
			i += 2
		case i+2 < len(b) && hexValue(b[i+1]) >= 0 && hexValue(b[i+2]) >= 0:
			out = append(out, byte(16*hexValue(b[i+1])+hexValue(b[i+2])))
			i += 2
		default:
			out = append(out, '=')
		}
	}
	return out
}

type mailWalk struct{ parts []mailPart }

// between takes what stands between lines that are the boundary; the line end before one belongs to it.
func (w *mailWalk) between(body []byte, boundary string, depth int) {
	begin, at := -1, 0
	for at < len(body) {
		line, _ := lineOf(body[at:])
		next, text := at+len(line), string(withoutEnd(line))
		if strings.HasPrefix(text, "--"+boundary) {
			if begin >= 0 {
				end := at
				if end > begin && body[end-1] == '\n' {
					if end--; end > begin && body[end-1] == '\r' {
						end--
					}
				}
				w.part(body[begin:end], depth+1)
			}
			if strings.HasPrefix(text, "--"+boundary+"--") {
				return
			}
			begin = next
		}
		at = next
	}
	if begin >= 0 {
		w.part(body[begin:], depth+1)
	}
}

// hasHead: the text begins with a line that can be a header, or is empty.
func hasHead(part []byte) bool {
	line, _ := lineOf(part)
	line = withoutEnd(line)
	i := 0
	for i < len(line) && line[i] > 32 && line[i] < 127 && line[i] != ':' {
		i++
	}
	return len(line) == 0 || i > 0 && i < len(line) && line[i] == ':'
}

func (w *mailWalk) part(part []byte, depth int) {
	if len(w.parts) >= mailParts {
		return
	}
	if !hasHead(part) {
		w.parts = append(w.parts, mailPart{content: part})
		return
	}
	value := headerOf(part, "Content-Type")
	p := mailPart{kind: strings.Trim(strings.SplitN(value, ";", 2)[0], blanks), charset: parameterOf(value, "charset")}
	body := part
	for len(body) > 0 {
		var line []byte
		if line, body = lineOf(body); len(withoutEnd(line)) == 0 {
			break
		}
	}
	boundary := parameterOf(value, "boundary")
	if boundary != "" && depth < mailDepth && len(p.kind) > 10 && strings.EqualFold(p.kind[:10], "multipart/") {
		w.between(body, boundary, depth)
		return
	}
	switch coding := strings.Trim(headerOf(part, "Content-Transfer-Encoding"), blanks); {
	case strings.EqualFold(coding, "base64"):
		body = fromMailBase64(body)
	case strings.EqualFold(coding, "quoted-printable"):
		body = fromQuoted(body)
	}
	p.content = body
	w.parts = append(w.parts, p)
}

func partsOfMail(mail []byte) []mailPart {
	w := &mailWalk{}
	w.part(mail, 0)
	return w.parts
}

// ---- Pyzor ----

func pyzorSpace(c rune) bool { return c == ' ' || c >= 9 && c <= 13 || c >= 0x1c && c <= 0x1f }

// characters counts those of UTF-8.
func characters(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

// fields cuts a line at white space, byte by byte.
func pyzorWords(line string) []string {
	var out []string
	from := -1
	for i := 0; i <= len(line); i++ {
		space := i == len(line) || pyzorSpace(rune(line[i]))
		if space && from >= 0 {
			out, from = append(out, line[from:i]), -1
		} else if !space && from < 0 {
			from = i
		}
	}
	return out
}

// beforeURL cuts what begins with letters and a colon.
func beforeURL(word string) string {
	for i := 1; i+1 < len(word); i++ {
		begin := i
		for word[i] == ':' && begin > 0 && (word[begin-1]|32) >= 'a' && (word[begin-1]|32) <= 'z' {
			begin--
		}
		if begin < i {
			return word[:begin]
		}
	}
	return word
}

func pyzorLine(line string) string {
	var out strings.Builder
	for _, word := range pyzorWords(line) {
		at := strings.IndexByte(word[1:], '@')
		if characters(word) >= 10 || at >= 0 && at+2 < len(word) {
			continue
		}
		out.WriteString(beforeURL(word))
	}
	if characters(out.String()) < 8 {
		return ""
	}
	return out.String()
}

func pyzorDigest(mail []byte) string {
	var lines []string
	for _, p := range partsOfMail(mail) {
		if p.kind != "" && (len(p.kind) < 5 || !strings.EqualFold(p.kind[:5], "text/")) {
			continue
		}
		var text []byte
		for _, c := range p.content {
			if c < 0x80 || strings.EqualFold(p.charset, "utf-8") {
				text = append(text, c)
			}
		}
		from := 0
		for i := 0; i <= len(text); i++ {
			if i < len(text) && !(text[i] >= 10 && text[i] <= 13 || text[i] >= 0x1c && text[i] <= 0x1e) {
				continue
			}
			if line := pyzorLine(string(text[from:i])); line != "" {
				lines = append(lines, line)
			}
			from = i + 1
		}
	}
	chosen := lines
	if n := len(lines); n > 4 {
		chosen = nil
		for _, percent := range []int{20, 60} {
			for i := percent * n / 100; i < percent*n/100+3 && i < n; i++ {
				chosen = append(chosen, lines[i])
			}
		}
	}
	sum := sha1.Sum([]byte(strings.Join(chosen, "")))
	return hex.EncodeToString(sum[:])
}

// pyzorSigns: message[from:to] is what the anonymous account signs the rest with.
func pyzorSigns(message []byte, from, to int) bool {
	const head = "\nSig: "
	if to-from != 40 || from < len(head) || string(message[from-len(head):from]) != head {
		return false
	}
	rest := strings.Trim(string(message[:from-len(head)])+string(message[to:]), blanks)
	whole := string(message[:from-len(head)]) + string(message[to:])
	at := strings.Index(strings.TrimRight(whole, blanks), "\nTime: ")
	if at < 0 {
		return false
	}
	digits := strings.TrimRight(whole, blanks)[at+len("\nTime: "):]
	n := 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
		n++
	}
	if n == 0 {
		return false
	}
	body, user := sha1.Sum([]byte(rest)), sha1.Sum([]byte("anonymous:"))
	sum := sha1.Sum([]byte(string(body[:]) + ":" + digits[:n] + ":" + hex.EncodeToString(user[:])))
	return hex.EncodeToString(sum[:]) == string(message[from:to])
}
