package main

// The arithmetic of statistics.md: bounds, vectors, ranks, families. Integers alone.

import (
	"crypto/sha256"
	"math/big"
	"sort"
)

// rateOf is the smallest q from 0 to 10000 with 20 (10000 - q)^n <= 10000^n.
func rateOf(n int) int {
	if n > 4096 {
		n = 4096
	}
	right := new(big.Int).Exp(big.NewInt(10000), big.NewInt(int64(n)), nil)
	low, high := 0, 10000
	for low < high {
		q := (low + high) / 2
		left := new(big.Int).Exp(big.NewInt(int64(10000-q)), big.NewInt(int64(n)), nil)
		if left.Mul(left, big.NewInt(20)).Cmp(right) <= 0 {
			high = q
		} else {
			low = q + 1
		}
	}
	return low
}

type testRow struct {
	d        []int64
	directed bool
}

type rowResult struct{ b, family uint64 }

// vectors gives the sign vectors of a test, as bits (1 is -1), blocks in their order.
func vectors(n int, plan, seed []byte, test uint32) [][]bool {
	if n <= 16 {
		out := make([][]bool, 1<<n)
		for t := range out {
			out[t] = make([]bool, n)
			for i := range out[t] {
				out[t][i] = t>>i&1 == 1
			}
		}
		return out
	}
	out := make([][]bool, 10000)
	for t := range out {
		out[t] = make([]bool, n)
		if t == 0 {
			continue
		}
		head := append([]byte("hallmark/perm/v1\x00"), plan...)
		head = put32(put32(append(head, seed...), uint64(test)), uint64(t))
		for k := 0; k*256 < n; k++ {
			text := head
			if k > 0 {
				text = put32(append([]byte(nil), head...), uint64(k))
			}
			bits := sha256.Sum256(text)
			for j := 0; j < 256 && k*256+j < n; j++ {
				out[t][k*256+j] = bits[j/8]>>(j%8)&1 == 1
			}
		}
	}
	return out
}

type wide struct{ hi, lo uint64 } // up to 75 bits are needed

func (a wide) less(b wide) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// statistic is T of one row for one vector.
func statistic(r *testRow, signs []bool) wide {
	if r.directed {
		for i, d := range r.d {
			if d > 0 && signs[i] || d < 0 && !signs[i] {
				return wide{}
			}
		}
		return wide{0, 1}
	}
	var plus, minus wide
	for i, d := range r.d {
		size := uint64(d)
		if d < 0 {
			size = -size
		}
		to := &plus
		if (d < 0) != signs[i] {
			to = &minus
		}
		to.lo += size
		if to.lo < size {
			to.hi++
		}
	}
	if plus.less(minus) {
		plus, minus = minus, plus
	}
	out := wide{plus.hi - minus.hi, plus.lo - minus.lo}
	if plus.lo < minus.lo {
		out.hi--
	}
	return out
}

// ranksOf gives R(f, t) for all t.
func ranksOf(r *testRow, vecs [][]bool) []uint64 {
	n, moved := len(r.d), 0
	for _, d := range r.d {
		if d != 0 {
			moved++
		}
	}
	ranks := make([]uint64, len(vecs))
	if !r.directed && 4*moved < n {
		for t := range ranks {
			ranks[t] = uint64(len(vecs))
		}
		return ranks
	}
	stats := make([]wide, len(vecs))
	for t, v := range vecs {
		stats[t] = statistic(r, v)
	}
	count := map[wide]uint64{}
	for _, s := range stats {
		count[s]++
	}
	keys := make([]wide, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	sortWide(keys)
	atLeast, sum := map[wide]uint64{}, uint64(0)
	for i := len(keys) - 1; i >= 0; i-- {
		sum += count[keys[i]]
		atLeast[keys[i]] = sum
	}
	for t, s := range stats {
		ranks[t] = atLeast[s]
	}
	return ranks
}

// permute makes the test of a family: b and family of each row, and m.
func permute(rows []testRow, vecs [][]bool) ([]rowResult, uint64) {
	least := make([]uint64, len(vecs))
	for t := range least {
		least[t] = uint64(len(vecs))
	}
	own := make([]uint64, len(rows))
	for i := range rows {
		ranks := ranksOf(&rows[i], vecs)
		own[i] = ranks[0]
		for t, r := range ranks {
			if r < least[t] {
				least[t] = r
			}
		}
	}
	out := make([]rowResult, len(rows))
	for i := range rows {
		out[i].b = own[i] - 1
		for _, l := range least[1:] {
			if l <= own[i] {
				out[i].family++
			}
		}
	}
	return out, uint64(len(vecs) - 1)
}

func sortWide(l []wide) {
	sort.Slice(l, func(i, j int) bool { return l[i].less(l[j]) })
}
