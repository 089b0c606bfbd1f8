package main

// Encodings that the search undoes. Each gives views of what stands behind it.

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
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

func openWide(v *view) []*view {
	if bytes.IndexByte(v.data, 0) < 0 {
		return nil
	}
	out := &view{all: v.all}
	for i, c := range v.data {
		if c != 0 {
			out.data = append(out.data, c)
			out.src = append(out.src, v.stretch(i, i+1))
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
				out = append(out, bitsOf(v, places[o:], bits, value))
			}
		}
		return out
	}
}

func bitsOf(v *view, places []int, bits int, value func(byte) int) *view {
	out := &view{all: v.all}
	acc, have, n := 0, 0, 0
	for i, p := range places {
		acc = (acc<<bits | value(v.data[p])) & 0xffff
		if have += bits; have >= 8 {
			have -= 8
			out.data = append(out.data, byte(acc>>have))
			first := n * 8 / bits
			out.src = append(out.src, v.stretch(places[first], places[i]+1))
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
			out.src = append(out.src, v.stretch(i, i+1))
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
func inflated(v *view, at int, open func(io.Reader) (io.Reader, error)) *view {
	src := bytes.NewReader(v.data[at:])
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

func openGzip(v *view) []*view {
	var out []*view
	for at := 0; at+18 <= len(v.data); at++ {
		if v.data[at] == 0x1f && v.data[at+1] == 0x8b && v.data[at+2] == 8 {
			if inner := inflated(v, at, func(r io.Reader) (io.Reader, error) {
				z, err := gzip.NewReader(r)
				if err != nil {
					return nil, err
				}
				z.Multistream(false)
				return z, nil
			}); inner != nil {
				out = append(out, inner)
			}
		}
	}
	return out
}

func openZlib(v *view) []*view {
	var out []*view
	for at := 0; at+8 <= len(v.data); at++ {
		if v.data[at]&0x8f == 8 && (int(v.data[at])<<8|int(v.data[at+1]))%31 == 0 && v.data[at+1]&0x20 == 0 {
			if inner := inflated(v, at, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }); inner != nil {
				out = append(out, inner)
			}
		}
	}
	return out
}

func openZip(v *view) []*view {
	var out []*view
	for at := 0; at+30 <= len(v.data); at++ {
		if le.Uint32(v.data[at:]) != sigLocal || le.Uint16(v.data[at+8:]) != 8 {
			continue
		}
		body := at + 30 + int(le.Uint16(v.data[at+26:])) + int(le.Uint16(v.data[at+28:]))
		if body >= len(v.data) {
			continue
		}
		if inner := inflated(v, body, func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }); inner != nil {
			out = append(out, inner)
		}
	}
	return out
}
