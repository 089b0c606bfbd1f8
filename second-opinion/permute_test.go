package main

import "testing"

// The values and the example of statistics.md.
func TestBounds(t *testing.T) {
	for n, want := range map[int]int{1: 9500, 7: 3482, 8: 3124, 12: 2210, 59: 496, 60: 488, 299: 100, 1000: 30, 4096: 8, 9999: 8} {
		if got := rateOf(n); got != want {
			t.Errorf("rate of %d: %d, not %d", n, got, want)
		}
	}
}

func TestPermutationExample(t *testing.T) {
	vecs := vectors(3, nil, nil, 0)
	rows := []testRow{{d: []int64{1, 2, 3}}, {d: []int64{3, 1, -1}}}
	got, m := permute(rows, vecs)
	if m != 7 || got[0] != (rowResult{1, 3}) || got[1] != (rowResult{5, 7}) {
		t.Errorf("%v of %d", got, m)
	}
	got, _ = permute([]testRow{{d: []int64{1, 1, 0}, directed: true}}, vecs)
	if got[0].b != 1 {
		t.Errorf("directed: %v", got)
	}
}

func TestDrawnVectorsAreLongEnough(t *testing.T) {
	vecs := vectors(300, make([]byte, 32), make([]byte, 32), 3)
	if len(vecs) != 10000 || len(vecs[5]) != 300 {
		t.Fatal("vectors")
	}
	minus := 0
	for _, v := range vecs[1:] {
		if v[299] {
			minus++
		}
	}
	if minus < 4700 || minus > 5300 {
		t.Errorf("block 299 is turned %d times", minus)
	}
}

func TestExtremes(t *testing.T) {
	row := testRow{d: []int64{-1 << 63, -1 << 63, -1 << 63, -1 << 63}}
	if got := statistic(&row, []bool{false, false, false, false}); got != (wide{2, 0}) {
		t.Errorf("%v", got)
	}
	if got := statistic(&row, []bool{true, false, true, false}); got != (wide{}) {
		t.Errorf("%v", got)
	}
}
