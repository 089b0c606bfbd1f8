package main

// Sets of stretches of a file or stream.

import "sort"

// spans is a set of stretches, kept sorted and disjoint.
type spans []span

func (s spans) add(from, to uint64) spans {
	if from >= to {
		return s
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= from })
	j := i
	for j < len(s) && s[j].from <= to {
		if s[j].from < from {
			from = s[j].from
		}
		if s[j].to > to {
			to = s[j].to
		}
		j++
	}
	out := append(spans{}, s[:i]...)
	return append(append(out, span{from, to}), s[j:]...)
}

func (s spans) has(from, to uint64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= to })
	return i < len(s) && s[i].from <= from
}

// without is how much of s lies below limit and in none of o.
func (s spans) without(limit uint64, o spans) uint64 {
	var n uint64
	for _, a := range s {
		if a.to > limit {
			a.to = limit
		}
		if a.from >= a.to {
			continue
		}
		n += a.to - a.from
		for _, b := range o {
			from, to := maxOf(a.from, b.from), b.to
			if to > a.to {
				to = a.to
			}
			if from < to {
				n -= to - from
			}
		}
	}
	return n
}

func (s spans) merged() spans {
	var out spans
	for _, x := range s {
		out = out.add(x.from, x.to)
	}
	return out
}

// overlaps: some byte of the stretch is in the set.
func (s spans) overlaps(from, to uint64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].to > from })
	return i < len(s) && s[i].from < to && from < to
}
