package main

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What assessment.json and planted.json of an experiment say, changed at random in one place: both programs derive the same bytes, or both refuse.
// HALLMARK_DOCUMENTS says how many (2), HALLMARK_SEED where to begin.

// leaves are all numbers and texts of a document but those that nobody derives anything from.
func leaves(v *value, name string, out []*value) []*value {
	switch v.kind {
	case isInt, isText, isNull:
		return append(out, v)
	case isArray:
		for _, item := range v.list {
			out = leaves(item, name, out)
		}
	case isObject:
		for i, key := range v.keys {
			switch key {
			case "seed", "sha256", "part", "absent_mounts", "witnesses", "kernel", "tokens", "controlled", "x":
			default:
				out = leaves(v.list[i], key, out)
			}
		}
	}
	return out
}

var strangeWords = []string{"not set up", "not recorded", "nothing to confirm", "nothing kept", "no tls", "nothing to locate", "interrupted", "content", "names", "aa", "screen", "confirm", "exited", "letter.eml"}

func (v *value) disturb(r *rand.Rand, others []*value) {
	switch v.kind {
	case isInt:
		switch r.Intn(3) {
		case 0:
			v.num++
		case 1:
			v.num = int64(r.Intn(130))
		default:
			if o := others[r.Intn(len(others))]; o.kind == isInt {
				v.num = o.num
			}
		}
	case isText:
		if v.text = strangeWords[r.Intn(len(strangeWords))]; r.Intn(2) == 0 {
			if o := others[r.Intn(len(others))]; o.kind == isText {
				v.text = o.text
			}
		}
	}
}

// dropSome takes a row out of a list, or tells it twice.
func dropSome(doc *value, r *rand.Rand) {
	name := []string{"runs", "dropped", "held", "sets", "things"}[r.Intn(5)]
	list := doc.get(name)
	if list == nil || len(list.list) == 0 {
		return
	}
	at := r.Intn(len(list.list))
	if r.Intn(3) > 0 {
		list.list = append(append([]*value{}, list.list[:at]...), list.list[at+1:]...)
	} else {
		list.list = append(list.list, list.list[at])
	}
}

func TestDocumentsChanged(t *testing.T) {
	verifier := os.Getenv("HALLMARK_VERIFY")
	if verifier == "" {
		t.Skip("HALLMARK_VERIFY names no other verifier")
	}
	file, err := os.ReadFile("../tests/golden/v4/sample.hallmark")
	if err != nil {
		t.Fatal(err)
	}
	members, _ := readContainer(file)
	parts, order := map[string][]byte{}, []string{}
	for _, m := range members {
		if !strings.HasPrefix(m.name, "attestation") && m.name != "report.html" {
			parts[m.name] = m.data
			order = append(order, m.name)
		}
	}
	first := number2("HALLMARK_SEED", 1)
	for n := first; n < first+number2("HALLMARK_DOCUMENTS", 2); n++ {
		r := rand.New(rand.NewSource(int64(n)))
		name := []string{"assessment.json", "assessment.json", "planted.json"}[r.Intn(3)]
		doc, _ := readJSON(parts[name])
		if r.Intn(4) == 0 {
			dropSome(doc, r)
		} else {
			all := leaves(doc, "", nil)
			all[r.Intn(len(all))].disturb(r, all)
		}
		tried := map[string][]byte{}
		for k, v := range parts {
			tried[k] = v
		}
		tried[name] = doc.write(nil)
		bundle := sealed(t, tried, order)
		v := verify(bundle, &request{})
		if v.derived != nil {
			tried["findings.json"] = v.derived.write(nil)
			bundle = sealed(t, tried, order)
		}
		path := filepath.Join(t.TempDir(), "tried.hallmark")
		os.WriteFile(path, bundle, 0o600)
		said := firstSays(t, verifier, path)
		if good := strings.HasPrefix(said["findings"], "holds"); good != (v.derived != nil) || strings.HasPrefix(said["core"], "FALSE") {
			mine := ""
			for _, row := range v.rows {
				if row.check == "findings" {
					mine += fmt.Sprint(row.outcome, " ", row.detail, "; ")
				}
			}
			t.Errorf("change %d of %s: here %s; there %s", n, name, mine, said["findings"])
			if kept := os.Getenv("HALLMARK_KEEP"); kept != "" {
				os.WriteFile(filepath.Join(kept, fmt.Sprintf("%d.hallmark", n)), bundle, 0o600)
			}
		}
	}
}
