package main

// What follows from the seed: commitment, derivations, tokens.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
)

type seedOf [32]byte

func commitment(seed []byte) string {
	return hexOf(append([]byte("hallmark/seed/v1\x00"), seed...))
}

func (s *seedOf) derive(label string) []byte {
	m := hmac.New(sha256.New, s[:])
	m.Write([]byte("hallmark/derive/v1\x00" + label))
	return m.Sum(nil)
}

// coin is the level that stands in place A of a block.
func (s *seedOf) coin(phase string, block int64) int {
	return int(s.derive(fmt.Sprintf("assign/%s/%d", phase, block))[0] & 1)
}

// A stream of numbers (core.md, "Draws").
type drawStream struct {
	key   seedOf
	what  string
	bits  []byte
	block int
}

func (s *drawStream) below(bound uint32) uint32 {
	fair := (uint64(1) << 32) / uint64(bound) * uint64(bound)
	for {
		if len(s.bits) == 0 {
			s.bits = s.key.derive(fmt.Sprintf("%s/0/%d", s.what, s.block))
			s.block++
		}
		n := le.Uint32(s.bits)
		s.bits = s.bits[4:]
		if uint64(n) < fair {
			return n % bound
		}
	}
}

// pick is a number below bound that the two levels of a factor draw apart.
func (s *seedOf) pick(phase, factor string, n, level int64, what string, bound uint32) uint32 {
	var streams [2]drawStream
	for l := range streams {
		streams[l].what = what
		copy(streams[l].key[:], s.derive(fmt.Sprintf("secret/%s/%s/%d/%d", phase, factor, l, n)))
	}
	first := streams[0].below(bound)
	if level == 0 {
		return first
	}
	second := streams[1].below(bound - 1)
	if second >= first {
		second++
	}
	return second
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// token is the first 100 bits of 32 bytes, five bits a character, the most significant first.
func token(d []byte) string {
	var b strings.Builder
	for i := 0; i < 100; i += 5 {
		v := (uint(d[i/8])<<8 | uint(d[i/8+1])) >> (11 - uint(i%8)) & 31
		b.WriteByte(crockford[v])
	}
	return b.String()
}

func machineID(d []byte) string {
	b := append([]byte(nil), d[:16]...)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hex.EncodeToString(b)
}

func (b *bundle) plantedFile(f *value) error {
	part, ok := b.part[f.str("part")]
	if !ok || !strings.HasPrefix(f.str("part"), "planted/") {
		return fmt.Errorf("%s is missing", f.str("part"))
	}
	if hexOf(part) != f.str("sha256") {
		return fmt.Errorf("%s has another SHA-256", f.str("part"))
	}
	if int64(len(part)) != f.int("size") {
		return fmt.Errorf("%s has another size", f.str("part"))
	}
	return nil
}

func pathsAscend(files []*value) bool {
	return sort.SliceIsSorted(files, func(i, j int) bool { return files[i].bytes("path") < files[j].bytes("path") }) && func() bool {
		for i := 1; i < len(files); i++ {
			if files[i].bytes("path") == files[i-1].bytes("path") {
				return false
			}
		}
		return true
	}()
}

// checkPlanted compares parts with planted.json, and tokens of format v1 with the seed. It gives files, sets and tokens.
func (b *bundle) checkPlanted(planted, assessment *value) (files, sets, tokens int, err error) {
	var seed seedOf
	hex.Decode(seed[:], []byte(assessment.str("seed")))
	groups := planted.items("sets")
	if planted.get("files") != nil {
		groups = []*value{planted}
	}
	used := map[string]bool{}
	for _, set := range groups {
		for _, f := range set.items("files") {
			if err := b.plantedFile(f); err != nil {
				return 0, 0, 0, err
			}
			if n := f.str("part"); !used[n] {
				used[n] = true
				if want := fmt.Sprintf("planted/%04d", len(used)); n != want {
					return 0, 0, 0, fmt.Errorf("%s stands where %s was due", n, want)
				}
			}
			files++
			if planted.get("files") == nil {
				continue
			}
			for _, t := range f.items("tokens") {
				if t.text != token(seed.derive(fmt.Sprintf("secret/aa/content/0/%d", tokens))) {
					return 0, 0, 0, fmt.Errorf("token %d is not the one that the seed gives", tokens)
				}
				tokens++
			}
		}
	}
	for _, m := range b.members {
		if strings.HasPrefix(m.name, "planted/") && !used[m.name] {
			return 0, 0, 0, fmt.Errorf("%s is in no set", m.name)
		}
	}
	return files, len(groups), tokens, nil
}
