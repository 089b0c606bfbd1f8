package main

// Encodings that the search undoes. Each gives views of what stands behind it.

import (
	"bytes"
	"compress/flate"
	"io"
)

type decoder struct {
	name string
	open func(*view) []*view
}

var decoders = []decoder{
	{"percent", openPercent}, {"utf16", openWide}, {"base64", openBits(6, 4, value64)}, {"base32", openBits(5, 8, value32)},
	{"hex", openBits(4, 2, value16)}, {"chunked", openChunks}, {"gzip", openGzip}, {"zlib", openZlib}, {"zip", openZip},
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func value16(c byte) int { return hexValue(c) }

func value32(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= '2' && c <= '7':
		return int(c-'2') + 26
	}
	return -1
}

func value64(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

func openPercent(v *view) []*view {
	if bytes.IndexByte(v.data, '%') < 0 {
		return nil
	}
	out := &view{all: v.all}
	some := false
	for i := 0; i < len(v.data); i++ {
		n := 1
		c := v.data[i]
		if c == '%' && i+2 < len(v.data) && hexValue(v.data[i+1]) >= 0 && hexValue(v.data[i+2]) >= 0 {
			c, n, some = byte(hexValue(v.data[i+1])<<4|hexValue(v.data[i+2])), 3, true
		}
		out.data = append(out.data, c)
		out.src = append(out.src, v.stretch(i, i+n))
		i += n - 1
	}
	if !some {
		return nil
	}
	return []*view{out}
}

// openWide leaves NULs out, where there are some between other bytes in 15 places or more.
func openWide(v *view) []*view {
	n := 0
	for i := 0; i+2 < len(v.data) && n < 15; i++ {
		if v.data[i] != 0 && v.data[i+1] == 0 && v.data[i+2] != 0 {
			n++
		}
	}
	if n < 15 {
		return nil
	}
	out, from := &view{all: v.all}, 0
	for i, c := range v.data {
		if c != 0 {
			out.data = append(out.data, c)
			out.src = append(out.src, v.stretch(from, i+1))
			from = i + 1
		}
	}
	return []*view{out}
}

// openBits undoes base64, base32 and hex: runs of their characters, line breaks inside ignored, at each offset.
func openBits(bits, offsets int, value func(byte) int) func(*view) []*view {
	return func(v *view) []*view {
		var out []*view
		for at := 0; at < len(v.data); at++ {
			if value(v.data[at]) < 0 {
				continue
			}
			var places []int
			for ; at < len(v.data); at++ {
				if value(v.data[at]) >= 0 {
					places = append(places, at)
				} else if c := v.data[at]; c != '\r' && c != '\n' {
					break
				}
			}
			if len(places)*bits/8 < 16 {
				continue
			}
			for o := 0; o < offsets; o++ {
				out = append(out, bitsOf(v, places, o, bits, value))
			}
		}
		return out
	}
}

// bitsOf begins at character o. What stands between characters belongs to the byte that begins behind it.
func bitsOf(v *view, all []int, o, bits int, value func(byte) int) *view {
	out, places := &view{all: v.all}, all[o:]
	acc, have, n := 0, 0, 0
	for i, p := range places {
		acc = (acc<<bits | value(v.data[p])) & 0xffff
		if have += bits; have >= 8 {
			have -= 8
			out.data = append(out.data, byte(acc>>have))
			first := n * 8 / bits
			from := places[first]
			if n*8%bits == 0 && o+first > 0 {
				from = all[o+first-1] + 1
			}
			out.src = append(out.src, v.stretch(from, places[i]+1))
			n++
		}
	}
	return out
}

func openChunks(v *view) []*view {
	var out []*view
	for at := 0; at < len(v.data); at++ {
		if hexValue(v.data[at]) < 0 || at > 0 && v.data[at-1] != '\n' {
			continue
		}
		if inner, end := chunksAt(v, at); inner != nil {
			out = append(out, inner)
			at = end
		}
	}
	return out
}

func chunksAt(v *view, at int) (*view, int) {
	out := &view{all: v.all}
	from := at
	for {
		n, digits := 0, 0
		for at < len(v.data) && hexValue(v.data[at]) >= 0 && digits < 7 {
			n = n<<4 | hexValue(v.data[at])
			at, digits = at+1, digits+1
		}
		line := bytes.Index(v.data[min(at, len(v.data)):], []byte("\r\n"))
		if digits == 0 || line < 0 || line > 100 || n == 0 || line > 0 && v.data[at] != ';' {
			break
		}
		at += line + 2
		end := min(at+n, len(v.data))
		for i := at; i < end; i++ {
			out.data = append(out.data, v.data[i])
			out.src = append(out.src, v.stretch(from, i+1))
			from = i + 1
		}
		if at+n+2 > len(v.data) || v.data[at+n] != '\r' || v.data[at+n+1] != '\n' {
			at = end
			break
		}
		at += n + 2
	}
	if len(out.data) == 0 {
		return nil, 0
	}
	return out, at
}

const inflateMost = 64 << 20

// inflated reads a compressed stream that begins at at; what it used is what its bytes come from.
// Head and check sum are not read by the library's readers but by these, so that head and deflated bytes are the stretch.
func inflated(v *view, at, head int, open func(io.Reader) (io.Reader, error)) *view {
	src := bytes.NewReader(v.data[at+head:])
	r, err := open(src)
	if err != nil {
		return nil
	}
	data, _ := io.ReadAll(io.LimitReader(r, inflateMost))
	if len(data) == 0 {
		return nil
	}
	s := v.stretch(at, len(v.data)-src.Len())
	return &view{data: data, all: &s}
}

func plainDeflate(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }

// gzipHead is the length of a gzip header, 0 where there is none.
func gzipHead(b []byte) int {
	if len(b) < 18 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&0xe0 != 0 {
		return 0
	}
	n := 10
	if b[3]&4 != 0 {
		n += 2 + int(le.Uint16(b[10:]))
	}
	for _, flag := range []byte{8, 16} {
		if b[3]&flag != 0 {
			if n >= len(b) {
				return 0
			}
			end := bytes.IndexByte(b[n:], 0)
			if end < 0 {
				return 0
			}
			n += end + 1
		}
	}
	if b[3]&2 != 0 {
		n += 2
	}
	if n >= len(b) {
		return 0
	}
	return n
}

func openGzip(v *view) []*view {
	return openEach(v, func(b []byte) int { return gzipHead(b) })
}

func openZlib(v *view) []*view {
	return openEach(v, func(b []byte) int {
		if len(b) >= 8 && b[0]&0x8f == 8 && (int(b[0])<<8|int(b[1]))%31 == 0 && b[1]&0x20 == 0 {
			return 2
		}
		return 0
	})
}

func openZip(v *view) []*view {
	return openEach(v, func(b []byte) int {
		if len(b) < 30 || le.Uint32(b) != sigLocal || le.Uint16(b[8:]) != 8 {
			return 0
		}
		return 30 + int(le.Uint16(b[26:])) + int(le.Uint16(b[28:]))
	})
}

// openEach inflates behind every head.
func openEach(v *view, head func([]byte) int) []*view {
	var out []*view
	for at := range v.data {
		if n := head(v.data[at:]); n > 0 && at+n < len(v.data) {
			if inner := inflated(v, at, n, plainDeflate); inner != nil {
				out = append(out, inner)
			}
		}
	}
	return out
}

// inflateAll gives what deflated data holds, 64 MiB at most, and how many bytes it used.
func inflateAll(b []byte) ([]byte, int) {
	src := bytes.NewReader(b)
	data, _ := io.ReadAll(io.LimitReader(flate.NewReader(src), inflateMost))
	return data, len(b) - src.Len()
}
