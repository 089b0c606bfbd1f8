package main

// Packet files (packets.md): the one form that Hallmark's writer makes.

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"sort"
)

type packet struct {
	ns   uint64
	data []byte
	orig uint32
}

type packetFile struct {
	packets []packet
	secrets []byte
	blocks  [][]byte
	gone    []withheldBlock
	wrong   error // a block that is out of place: what it holds cannot be told
}

// A block that was withheld: what stood there is its writer's word, its leaf is held by the root.
type withheldBlock struct {
	at   int
	was  uint32
	leaf hash
}

const (
	pcapSection   = 0x0a0d0d0a
	pcapInterface = 1
	pcapNames     = 4
	pcapPacket    = 6
	pcapSecrets   = 10
	pcapWithheld  = 0x80686d77
)

var (
	sectionHeader, _   = hex.DecodeString("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000")
	tsresolOptions, _  = hex.DecodeString("090001000900000000000000")
	errPcap            = fmt.Errorf("a block that is malformed or out of place")
	secretsMost        = 1 << 20
	secretsOfTLS       = uint32(0x544c534b)
	pcapBlockMost      = uint32(1 << 24)
	interfaceBlockSize = 20 + len(tsresolOptions)
)

func readPackets(b []byte) (*packetFile, error) {
	f := &packetFile{}
	stage := 0 // 0 section, 1 interface, 2 secrets, 3 names seen, 4 packets seen
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < 12 {
			return nil, fmt.Errorf("block %d: cut short", len(f.blocks))
		}
		n := le.Uint32(rest[4:])
		if n < 12 || n%4 != 0 || n > pcapBlockMost || uint64(n) > uint64(len(rest)) || le.Uint32(rest[n-4:]) != n {
			return nil, fmt.Errorf("block %d: its length is wrong", len(f.blocks))
		}
		block := rest[:n:n]
		next, err := f.block(block, stage)
		if err != nil {
			return nil, fmt.Errorf("block %d: %v", len(f.blocks), err)
		}
		stage = next
		f.blocks = append(f.blocks, block)
		at += int(n)
	}
	if stage < 2 {
		return nil, fmt.Errorf("it has no section or no interface")
	}
	return f, nil
}

func (f *packetFile) block(b []byte, stage int) (int, error) {
	kind, body := le.Uint32(b), b[8:len(b)-4]
	switch {
	case stage == 0:
		if !bytes.Equal(b, sectionHeader) {
			return 0, errPcap
		}
		return 1, nil
	case stage == 1:
		if kind != pcapInterface || len(b) != interfaceBlockSize || le.Uint16(body) != 1 || le.Uint16(body[2:]) != 0 || !bytes.Equal(body[8:], tsresolOptions) {
			return 0, errPcap
		}
		return 2, nil
	case kind == pcapSection || kind == pcapInterface:
		return 0, errPcap
	case kind == pcapSecrets:
		if !f.takeSecrets(body) {
			return 0, errPcap
		}
		f.before(stage)
	case kind == pcapNames:
		if !goodNames(body) {
			return 0, errPcap
		}
		f.before(stage)
	case kind == pcapWithheld:
		if !f.takeWithheld(body) {
			return 0, errPcap
		}
	case kind == pcapPacket:
		return 4, f.takePacket(body)
	}
	return stage, nil
}

// before: secrets and names stand before the packets.
func (f *packetFile) before(stage int) {
	if stage > 2 && f.wrong == nil {
		f.wrong = fmt.Errorf("block %d: secrets or names stand behind a packet", len(f.blocks))
	}
}

func (f *packetFile) takeWithheld(b []byte) bool {
	if len(b) != 40 {
		return false
	}
	w := withheldBlock{at: len(f.blocks), was: le.Uint32(b)}
	if n := le.Uint32(b[4:]); n < 12 || n%4 != 0 || w.was != pcapNames && w.was != pcapPacket && w.was != pcapSecrets {
		return false
	}
	copy(w.leaf[:], b[8:])
	f.gone = append(f.gone, w)
	return true
}

// withheldLeaf is the leaf of a block that was withheld; nil for others.
func (f *packetFile) withheldLeaf(at int) *hash {
	i := sort.Search(len(f.gone), func(i int) bool { return f.gone[i].at >= at })
	if i < len(f.gone) && f.gone[i].at == at {
		return &f.gone[i].leaf
	}
	return nil
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func padded(n int) int { return (n + 3) &^ 3 }

func (f *packetFile) takeSecrets(b []byte) bool {
	if len(b) < 8 || le.Uint32(b) != secretsOfTLS {
		return false
	}
	n := int(le.Uint32(b[4:]))
	if n < 1 || n > secretsMost || len(b) != 8+padded(n) || !zeros(b[8+n:]) || b[8+n-1] != '\n' {
		return false
	}
	for _, c := range b[8 : 8+n] {
		if c != '\n' && (c < 32 || c > 126) {
			return false
		}
	}
	f.secrets = append(f.secrets, b[8:8+n]...)
	return len(f.secrets) <= 16<<20
}

func goodNames(b []byte) bool {
	var before []byte
	for len(b) >= 4 {
		kind, n := le.Uint16(b), int(le.Uint16(b[2:]))
		if kind == 0 {
			return n == 0 && len(b) == 4
		}
		if kind != 1 || n < 6 || 4+padded(n) > len(b) || b[4+n-1] != 0 || bytes.IndexByte(b[8:4+n], 0) != n-5 || !zeros(b[4+n:4+padded(n)]) {
			return false
		}
		if before != nil && bytes.Compare(before, b[4:8]) >= 0 {
			return false
		}
		before = b[4:8]
		b = b[4+padded(n):]
	}
	return false
}

func (f *packetFile) takePacket(b []byte) error {
	if len(b) < 20 || le.Uint32(b) != 0 {
		return errPcap
	}
	n := int(le.Uint32(b[12:]))
	if n > len(b) || len(b) != 20+padded(n) || !zeros(b[20+n:]) || le.Uint32(b[16:]) < uint32(n) {
		return errPcap
	}
	ns := uint64(le.Uint32(b[4:]))<<32 | uint64(le.Uint32(b[8:]))
	f.packets = append(f.packets, packet{ns: ns, data: b[20 : 20+n], orig: le.Uint32(b[16:])})
	return nil
}
