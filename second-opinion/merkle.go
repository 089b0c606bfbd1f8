package main

// RFC 6962 roots, and salted leaves.

import "crypto/sha256"

type hash = [32]byte

// A compact range: hashes of perfect subtrees, largest first.
type merkle struct {
	size  uint64
	stack []hash
}

func leafOf(salt, data []byte) hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(salt)
	h.Write(data)
	var out hash
	h.Sum(out[:0])
	return out
}

func nodeOf(l, r hash) hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], l[:])
	copy(b[33:], r[:])
	return sha256.Sum256(b[:])
}

func (m *merkle) add(leaf hash) {
	m.stack = append(m.stack, leaf)
	for n := m.size; n&1 == 1; n >>= 1 {
		k := len(m.stack)
		m.stack = append(m.stack[:k-2], nodeOf(m.stack[k-2], m.stack[k-1]))
	}
	m.size++
}

func (m *merkle) root() hash {
	if len(m.stack) == 0 {
		return sha256.Sum256(nil)
	}
	r := m.stack[len(m.stack)-1]
	for i := len(m.stack) - 2; i >= 0; i-- {
		r = nodeOf(m.stack[i], r)
	}
	return r
}
