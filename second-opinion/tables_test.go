package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The tables are those of tables.md.
func TestTablesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../doc/format/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	words := strings.Fields(page)
	for _, list := range [][]string{placesSystem, placesTemporary, placesOwn, placesFleeting} {
		if !strings.Contains(strings.Join(words, " "), strings.Join(list, " ")) {
			t.Errorf("not in tables.md as here: %s...", list[0])
		}
	}
	for id, bits := range capsOf {
		if bits == ^uint64(0) {
			continue
		}
		for _, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, "| "+id+" |") && capBits(strings.Trim(line[len(id)+4:], " |")) != bits {
				t.Errorf("%s: %x", id, bits)
			}
		}
	}
	number := func(n int) string {
		if n < 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	rows := 0
	for _, r := range reachRows {
		if !strings.Contains(page, fmt.Sprintf("\n| %s | %s | %s | ", r.name, number(r.n64), number(r.n32))) {
			t.Errorf("not in tables.md: %s", r.name)
		}
		rows++
	}
	for _, r := range factorRows {
		if !strings.Contains(page, "\n| "+r[0]+" | "+r[1]+" |\n") {
			t.Errorf("not in tables.md: %s", r[0])
		}
	}
	calls := page[strings.Index(page, "## Calls"):strings.Index(page, "## Factors")]
	if n := strings.Count(calls, "\n| ") - 1; n != rows {
		t.Errorf("%d calls here, %d in tables.md", rows, n)
	}
}
