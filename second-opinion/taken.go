package main

// What this program does not derive and takes from the bundle as it is. Each is said ("taken"), and what can be held against own figures is.

import "fmt"

// takeTLS: connections are not opened here, so what rests on what they carried is taken.
func (c *core) takeTLS(f *value) {
	if c.semantics >= 3 {
		ids := []string{"collect.authenticated", "collect.encrypted"}
		if !c.trial {
			ids = append(ids, "collect.content")
			c.takeMember(f, "influence", "influence (TLS is not opened)")
			c.takeMember(f, "ledger", "ledger (TLS is not opened)")
		}
		for _, id := range ids {
			c.takeClaim(f, id, "TLS is not opened")
		}
	}
}

// takeClaim takes one claim's row from the bundle, judged or not.
func (c *core) takeClaim(f *value, id, why string) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil || findByID(f.items("claims"), id) == nil && findByID(f.items("not_tested"), id) == nil {
		return
	}
	for _, list := range []string{"claims", "not_tested"} {
		rows := jList()
		for _, row := range c.claims.items("claims") {
			if at := findByID(f.items(list), row.str("id")); at != nil && row.str("id") != id {
				rows.list = append(rows.list, at)
			} else if at := findByID(there.items(list), id); at != nil && row.str("id") == id {
				rows.list = append(rows.list, at)
			}
		}
		f.set(list, rows)
	}
	c.takenClaims[id] = true
	c.taken = append(c.taken, id+" ("+why+")")
}

// takeDeclared takes what rests on recognising values in fields (declared.collection): which influences are declared. All else of their rows is held
// against this program's own.
func (c *core) takeDeclared(f *value) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil {
		return
	}
	c.takeClaim(f, "declared.collection", "values of documents are not recognised in fields")
	plain := func(list []*value) string {
		var out []byte
		for _, v := range list {
			copied := &value{kind: isObject}
			for i, k := range v.keys {
				if k != "declared" {
					copied.keys, copied.list = append(copied.keys, k), append(copied.list, v.list[i])
				}
			}
			out = copied.write(out)
		}
		return string(out)
	}
	if plain(f.items("influence")) == plain(there.items("influence")) {
		f.set("influence", there.get("influence"))
	}
	own, theirs := f.items("ledger"), there.items("ledger")
	for i := range own {
		if i < len(theirs) && sumsOf(own[i]) == sumsOf(theirs[i]) {
			own[i] = theirs[i]
		}
	}
	c.taken = append(c.taken, "which influences are declared")
}

// sumsOf is a ledger's row without what is declared.
func sumsOf(row *value) string {
	sums := map[string]int64{}
	for _, x := range row.items("influenced") {
		sums[string(x.get("factors").write(nil))] += x.int("bytes")
	}
	return fmt.Sprint(row.str("endpoint"), row.int("wire"), row.int("constant"), row.int("explained"), row.int("unaccounted"), sums)
}

// takeMember takes a member of the bundle's findings as it is.
func (c *core) takeMember(f *value, name, what string) {
	if there, err := readJSON(c.v.b.part["findings.json"]); err == nil && there.get(name) != nil {
		f.set(name, there.get(name))
		c.taken = append(c.taken, what)
	}
}

// takeExperiment takes from the bundle what this program does not recompute of an experiment: verdicts, influence and classes of bytes
// that rest on the comparison of runs. What it can hold against its own figures it does.
func (c *core) takeExperiment(f *value) {
	there, err := readJSON(c.v.b.part["findings.json"])
	if err != nil || there.kind != isObject {
		return
	}
	claims := map[string]*value{}
	for _, m := range append(append([]*value{}, there.items("claims")...), there.items("not_tested")...) {
		claims[m.str("id")] = m
	}
	var judged, untested []*value
	for _, row := range c.claims.items("claims") {
		id := row.str("id")
		own := findByID(f.items("claims"), id)
		not := findByID(f.items("not_tested"), id)
		if compared[id] && (not == nil || not.str("reason") == "needs experiment") && claims[id] != nil {
			own, not = nil, claims[id]
			if not.get("verdict") != nil {
				own, not = not, nil
			}
			c.takenClaims[id] = true
			c.taken = append(c.taken, id)
		}
		if own != nil {
			judged = append(judged, own)
		} else if not != nil {
			untested = append(untested, not)
		}
	}
	f.set("claims", jList(judged...))
	f.set("not_tested", jList(untested...))
	f.set("influence", there.get("influence"))
	c.taken = append(c.taken, "influence", "classes of the ledger (their sums were recomputed)")
	c.takeLedger(f, there)
}

var compared = map[string]bool{"collect.content": true, "collect.names": true, "collect.metadata": true, "collect.host": true, "collect.inventory": true, "collect.residue": true, "declared.collection": true}

func findByID(list []*value, id string) *value {
	for _, v := range list {
		if v.str("id") == id {
			return v
		}
	}
	return nil
}

// takeLedger takes the classes of each endpoint whose sum is what left for it.
func (c *core) takeLedger(f, there *value) {
	own, theirs := f.items("ledger"), there.items("ledger")
	if len(own) != len(theirs) {
		return
	}
	for i, t := range theirs {
		sum := t.int("constant") + t.int("explained") + t.int("unaccounted")
		for _, x := range t.items("influenced") {
			sum += x.int("bytes")
		}
		if t.str("endpoint") == own[i].str("endpoint") && t.int("wire") == own[i].int("wire") && sum == own[i].int("wire") {
			own[i] = t
		}
	}
}

// longPlain: there is plaintext that features tell by its digest alone, so that no value can be found in it.
func (c *core) longPlain() bool {
	for _, r := range c.runs {
		for _, f := range r.features {
			if f.big && f.placed && f.tls {
				return true
			}
		}
	}
	return false
}
