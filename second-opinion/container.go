package main

// The canonical container (bundle.md, "Container"). It is read from the front, and at each step the bytes that its writer must
// have written are made again from what was just read and compared: what is left to compare at the end is the directory.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

type member struct {
	name string
	data []byte
	crc  uint32
	at   uint64
}

const (
	sigLocal    = 0x04034b50
	sigCentral  = 0x02014b50
	sigEnd      = 0x06054b50
	sigEnd64    = 0x06064b50
	sigLocate64 = 0x07064b50
	mark32      = 0xffffffff
	mark16      = 0xffff
)

var le = binary.LittleEndian

func put16(b []byte, v int) []byte {
	return append(b, byte(v), byte(v>>8))
}

func put32(b []byte, v uint64) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

func put64(b []byte, v uint64) []byte {
	return put32(put32(b, v), v>>32)
}

func clamp32(v uint64) uint64 {
	if v >= mark32 {
		return mark32
	}
	return v
}

// The part that both headers of a member share, from "version needed" to the lengths.
func putFields(b []byte, m *member, version int, extra int) []byte {
	n := clamp32(uint64(len(m.data)))
	b = put16(put16(put16(b, version), 0), 0)
	b = put16(put16(b, 0), 0x0021)
	b = put32(put32(put32(b, uint64(m.crc)), n), n)
	return put16(put16(b, len(m.name)), extra)
}

func localHeader(m *member) []byte {
	b := put32(nil, sigLocal)
	if uint64(len(m.data)) < mark32 {
		return append(putFields(b, m, 10, 0), m.name...)
	}
	b = append(putFields(b, m, 45, 20), m.name...)
	b = put16(put16(b, 1), 16)
	return put64(put64(b, uint64(len(m.data))), uint64(len(m.data)))
}

func centralHeader(m *member) []byte {
	var extra []byte
	if uint64(len(m.data)) >= mark32 {
		extra = put64(put64(extra, uint64(len(m.data))), uint64(len(m.data)))
	}
	if m.at >= mark32 {
		extra = put64(extra, m.at)
	}
	version := 10
	if extra != nil {
		version = 45
		extra = append(put16(put16(nil, 1), len(extra)), extra...)
	}
	b := put16(put32(nil, sigCentral), version)
	b = putFields(b, m, version, len(extra))
	b = put16(put16(put16(b, 0), 0), 0)
	b = put32(put32(b, 0), clamp32(m.at))
	return append(append(b, m.name...), extra...)
}

func endRecords(count, size, at uint64) []byte {
	var b []byte
	if count >= mark16 || size >= mark32 || at >= mark32 {
		b = put64(put32(b, sigEnd64), 44)
		b = put32(put32(put16(put16(b, 45), 45), 0), 0)
		b = put64(put64(put64(put64(b, count), count), size), at)
		b = put64(put32(put32(b, sigLocate64), 0), at+size)
		b = put32(b, 1)
	}
	n := count
	if n >= mark16 {
		n = mark16
	}
	b = put16(put16(put32(b, sigEnd), 0), 0)
	b = put16(put16(b, int(n)), int(n))
	b = put32(put32(b, clamp32(size)), clamp32(at))
	return put16(b, 0)
}

func goodName(name string) bool {
	if len(name) < 1 || len(name) > 255 {
		return false
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("._/-", c) >= 0) {
			return false
		}
	}
	if strings.Contains(name, "..") {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." {
			return false
		}
	}
	return true
}

// One member from its local header at the beginning of b.
func readMember(b []byte) (member, int, error) {
	var m member
	if len(b) < 30 {
		return m, 0, fmt.Errorf("cut short in a header")
	}
	size, name, extra := uint64(le.Uint32(b[18:])), int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	head := 30 + name + extra
	if head > len(b) {
		return m, 0, fmt.Errorf("cut short in a header")
	}
	m.name, m.crc = string(b[30:30+name]), le.Uint32(b[14:])
	if extra != 0 && (extra != 20 || size != mark32) || size == mark32 && extra == 0 {
		return m, 0, fmt.Errorf("a member's header is not in canonical form")
	}
	if size == mark32 {
		size = le.Uint64(b[30+name+4:])
	}
	if !goodName(m.name) {
		return m, 0, fmt.Errorf("a member's name is not made of [a-z0-9._/-] and plain components")
	}
	if size > uint64(len(b)-head) {
		return m, 0, fmt.Errorf("member %s claims %d bytes, %d are left", m.name, size, len(b)-head)
	}
	m.data = b[head : head+int(size)]
	if !bytes.Equal(localHeader(&m), b[:head]) {
		return m, 0, fmt.Errorf("the header of %s is not in canonical form", m.name)
	}
	if crcOf(m.data) != m.crc {
		return m, 0, fmt.Errorf("the CRC of %s is not that of its bytes", m.name)
	}
	return m, head + int(size), nil
}

// core.json, manifest.json, then the rest in bytewise order, none twice.
func inOrder(before, name string) bool {
	rank := func(n string) int {
		switch n {
		case "core.json":
			return 0
		case "manifest.json":
			return 1
		}
		return 2
	}
	if rank(before) != rank(name) {
		return rank(before) < rank(name)
	}
	return before < name
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

func readContainer(file []byte) ([]member, error) {
	if len(file) < 4 || le.Uint32(file) != sigLocal {
		return nil, fmt.Errorf("it does not begin with a member")
	}
	var members []member
	at := 0
	for at+4 <= len(file) && le.Uint32(file[at:]) == sigLocal {
		m, n, err := readMember(file[at:])
		if err != nil {
			return nil, err
		}
		m.at = uint64(at)
		if len(members) > 0 && !inOrder(members[len(members)-1].name, m.name) {
			return nil, fmt.Errorf("member %s is out of order, or there twice", m.name)
		}
		members = append(members, m)
		at += n
	}
	var rest []byte
	for i := range members {
		rest = append(rest, centralHeader(&members[i])...)
	}
	rest = append(rest, endRecords(uint64(len(members)), uint64(len(rest)), uint64(at))...)
	if !bytes.Equal(rest, file[at:]) {
		return nil, fmt.Errorf("the directory, from byte %d on, is not in canonical form or cut short", at)
	}
	return members, nil
}
