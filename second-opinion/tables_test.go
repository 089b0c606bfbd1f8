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
		for _, line := range strings.Split(page[:strings.Index(page, "## What each claim rests on")], "\n") {
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
	for _, r := range claimTable {
		if !strings.Contains(page, "\n"+r.documented()+"\n") {
			t.Errorf("not in tables.md: %s", r.documented())
		}
	}
	calls := page[strings.Index(page, "## Calls"):strings.Index(page, "## What each claim rests on")]
	if n := strings.Count(calls, "\n| ") - 1; n != rows {
		t.Errorf("%d calls here, %d in tables.md", rows, n)
	}
}

// documented is the row as tables.md has it.
func (r *claimRow) documented() string {
	words := func(pairs ...interface{}) string {
		var out []string
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i].(bool) {
				out = append(out, pairs[i+1].(string))
			}
		}
		if out == nil {
			return "-"
		}
		return strings.Join(out, ", ")
	}
	looks := words(r.losses&lossEvents != 0, "events", r.losses&lossPackets != 0, "packets", r.losses&lossTree != 0, "tree", r.losses&lossOutput != 0, "output")
	also := words(r.reads, "reads", r.code, "code", r.touches&touchesPaths != 0, "paths", r.touches&touchesPorts != 0, "ports")
	return fmt.Sprintf("| %s | %s | %s | %s |", r.id, looks, also, words(r.needs != "", r.needs))
}
