package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The table of kinds is that of record.md.
func TestKindsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../doc/format/record.md")
	if err != nil {
		t.Fatal(err)
	}
	kindsOf := string(page)[strings.Index(string(page), "\n## Kinds"):]
	row := regexp.MustCompile(`(?m)^\| (\d+) \| (\S+) \| [^|]+ \| ([^|]+) \|$`)
	var table []string
	for _, m := range row.FindAllStringSubmatch(kindsOf, -1) {
		table = append(table, fmt.Sprintf("%s %s: %s", m[1], m[2], strings.TrimSpace(m[3])))
	}
	if got := strings.TrimSpace(kindTable); got != strings.Join(table, "\n") {
		t.Fatalf("kinds.go and record.md differ:\n%s\n%s", got, strings.Join(table, "\n"))
	}
}

func TestJSONIsCanonicalOrRefused(t *testing.T) {
	for _, good := range []string{`{}`, `[]`, `{"a":1,"b":[null,true,false,-5,9007199254740991,"\u0001\n\"\\é"]}`, `""`} {
		v, err := readJSON([]byte(good))
		if err != nil {
			t.Errorf("%s: %v", good, err)
		} else if out := string(v.write(nil)); out != good {
			t.Errorf("%s became %s", good, out)
		}
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, bad := range []string{``, ` {}`, `{} `, `{"b":1,"a":1}`, `{"a":1,"a":1}`, `1.0`, `1e3`, `-0`, `01`, `9007199254740992`,
		`"\u0041"`, `"\/"`, `"\u000a"`, `"\u001F"`, "\"\n\"", "\"\xff\"", `{"a":1,}`, `[1,]`, `[1 ,2]`, `nul`, `"`, `{"a"`, deep, `NaN`} {
		if _, err := readJSON([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
