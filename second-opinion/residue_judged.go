package main

// collect.residue (findings.md): what of the documents stands in what was left on disk, and where the two runs of a block left different things.

import (
	"sort"
	"strings"
)

// What was found in an entry of a tree.
type kept struct {
	entry         int // index
	kind, feature string
}

// searchResidue looks into paths and where links lead, all of them one behind the other, each ended by a line feed; and for copies of documents.
func (c *core) searchResidue(r *run) []kept {
	if list, ok := c.kept[r.n]; ok {
		return list
	}
	var out []kept
	needles := c.needlesOf(r)
	copies := map[string]bool{}
	for _, n := range needles {
		copies[n.text] = copies[n.text] || n.kind == "digest"
	}
	var text []byte
	var starts []int
	seen := map[kept]bool{}
	put := func(k kept) {
		if !seen[k] && len(out) < 10000 {
			seen[k] = true
			out = append(out, k)
		}
	}
	for i, e := range r.tree {
		if e.sha != "" && copies[e.sha] {
			put(kept{i, "digest", "copy"})
		}
		starts = append(starts, len(text))
		text = append(append(append(append(text, e.path...), '\n'), e.link...), '\n')
	}
	found := &hitList{}
	s := &searcher{byHead: headsOf(needles), seen: map[hit]bool{}, out: found, budget: 16*len(text) + 4<<20}
	s.look(&view{data: text}, nil)
	for _, h := range found.list {
		put(kept{sort.SearchInts(starts, int(h.from)+1) - 1, h.kind, h.feature})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].entry < out[j].entry })
	c.kept[r.n] = out
	return out
}

func claimResidue(c *core, r *run, j *judgement) {
	if c.trialOf == nil || !hasWord(c.trialOf.factors, "content") {
		return
	}
	for _, kind := range []string{"token", "digest"} {
		last := -1
		for _, k := range c.searchResidue(r) {
			if k.kind == kind && k.entry != last {
				last = k.entry
				j.ground("residue."+kind).add("paths", 1).entry(r.n, r.tree[last].pos)
			}
		}
	}
}

// provenOnDisk has a row for each kind of thing that was found on disk.
func (x *experiment) provenOnDisk(rows *value) *value {
	out, names := jList(rows.list...), map[string]bool{}
	for _, r := range x.c.runs {
		if x.c.kinds[r.n] == "certificate" || !hasWord(x.factors, "content") {
			continue
		}
		for _, k := range x.c.searchResidue(r) {
			names[k.feature] = true
		}
	}
	var sorted []string
	for n := range names {
		sorted = append(sorted, n)
	}
	sort.Strings(sorted)
	for _, n := range sorted {
		out.list = append(out.list, jObject(member2{"declared", jBool(false)}, member2{"endpoint", jText("disk")}, member2{"factor", jText("content")},
			member2{"feature", jText(n)}, member2{"grade", jText("proven")}, member2{"layer", jText("disk")}))
	}
	return out
}

// pathOf is the path of a feature of a file's own; "" for others.
func pathOf(k featureKey) string {
	if i := strings.IndexByte(k.name, ':'); i > 0 && strings.HasPrefix(k.name, "file.") {
		return k.name[i+1:]
	}
	return ""
}

func (t *trial) leftDifferent(b *block) bool {
	zero, one := t.pair(b, featureKey{"disk", "all"})
	return !zero.same(one)
}

// judge decides collect.residue.
func (x *experiment) judgeResidue(j *judgement) {
	t := x.disk
	j.now = 0
	if n := len(x.confirms[len(x.confirms)-1].list); n > 0 {
		j.ground("residue.sent").add("features", uint64(n))
	}
	blocks, interrupted := t.confirmingOf("content", "confirm")
	if interrupted {
		blocks = nil
	}
	var first *block
	differ := 0
	for _, b := range blocks {
		if t.leftDifferent(b) {
			differ++
			if first == nil {
				first = b
			}
		}
	}
	paths, at := t.differing(blocks, first)
	if n := len(x.onDisk.list); n > 0 {
		own := map[string]bool{}
		for _, k := range x.onDisk.list {
			if p := pathOf(k.key); p != "" {
				own[p] = true
			}
		}
		x.cite(j.ground("residue.depends").add("features", uint64(n)).add("paths", uint64(len(own))), first, at)
	}
	if differ > 0 {
		x.cite(j.ground("residue.differs").add("paths", uint64(paths)).add("blocks", uint64(differ)).add("of", uint64(len(blocks))), first, at)
	}
	if n := x.unread(); n > 0 {
		j.ground("residue.unread").add("files", n)
	}
	if !interrupted {
		x.untried(j)
	}
}

// differing counts the paths that are not the same in the two runs of some block, and gives those of the first in their order.
func (t *trial) differing(blocks []*block, first *block) (n int, at []string) {
	seen, there := map[string]bool{}, map[string]bool{}
	for _, b := range blocks {
		for _, k := range t.keys {
			zero, one := t.pair(b, k)
			if p := pathOf(k); p != "" && !zero.same(one) {
				seen[p] = true
				if b == first && !there[p] {
					there[p] = true
					at = append(at, p)
				}
			}
		}
	}
	sort.Strings(at)
	return len(seen), at
}

// cite adds the entries of these paths in the two runs of a block, 64 at most.
func (x *experiment) cite(g *ground, b *block, paths []string) {
	if b == nil {
		return
	}
	type spot struct {
		run int
		pos uint64
	}
	var spots []spot
	runs := []int{b.runs[0], b.runs[1]}
	sort.Ints(runs)
	for _, p := range paths {
		for _, n := range runs {
			for _, e := range x.c.byNumber[n].tree {
				if diskName(e.path) == p && len(spots) < 64 {
					spots = append(spots, spot{n, e.pos})
				}
			}
		}
	}
	for _, s := range spots {
		g.entry(s.run, s.pos)
	}
}

// unread are the files that were not hashed, and one more where a run left more than has features of its own.
func (x *experiment) unread() (n uint64) {
	beyond := false
	for _, r := range x.c.runs {
		if x.c.kinds[r.n] == "certificate" {
			continue
		}
		for _, e := range r.tree {
			if e.kind == 'f' && e.sha == "" {
				n++
			}
		}
		beyond = beyond || len(r.tree) > mostEntries
	}
	if beyond {
		n++
	}
	return n
}

// untried are features that told the screened levels apart and that the held secrets do not. What stands in one block alone has a name of that block's own, and is
// tried by the names of its folder.
func (x *experiment) untried(j *judgement) {
	n := uint64(0)
	t := x.disk
	var held *block
	for _, b := range t.screen {
		if b.n == x.heldOf("content") {
			held = b
		}
	}
	for _, k := range t.keys {
		if held == nil || len(t.scDiff[k]) == 0 || t.aaDiff[k] > 0 {
			continue
		}
		in := 0
		for _, b := range t.screen {
			if zero, one := t.pair(b, k); zero != nil || one != nil {
				in++
			}
		}
		if zero, one := t.pair(held, k); in >= 2 && zero.same(one) {
			n++
		}
	}
	if n > 0 {
		j.ground("residue.untried").add("features", n)
	}
}

func (x *experiment) equalScreens() int {
	n := 0
	for _, b := range x.disk.screen {
		if !x.disk.leftDifferent(b) {
			n++
		}
	}
	return n
}
