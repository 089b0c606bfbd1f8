package main

// What a run left on disk, as features (features.md, "What was left on disk").

import (
	"crypto/sha256"
	"fmt"
	"sort"
	"strings"
)

const mostEntries = 30000

func diskName(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_./+,:@=~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// diskFeatures are a tree's; whole says whether paths have their own.
func diskFeatures(tree []treeEntry) featureSet {
	out := featureSet{}
	put := func(name string, f feature) {
		f.key = featureKey{"disk", name}
		out[f.key] = &f
	}
	text := func(name, s string) { put(name, feature{kind: featText, text: s, size: uint64(len(s))}) }
	num := func(name string, n uint64) { put(name, feature{kind: featNumber, num: int64(n)}) }
	all, paths := sha256.New(), sha256.New()
	children := map[string][]string{}
	for _, t := range tree {
		hashed := 0
		if t.sha != "" {
			hashed = 1
		}
		fmt.Fprintf(all, "%d %d %d %d %d %d %d %d ", t.kind, t.mode, t.uid, t.gid, t.size_, hashed, len(t.path), len(t.link))
		all.Write([]byte(t.path + t.link + t.sha + t.more))
		paths.Write([]byte(t.path + "\x00"))
		if i := strings.LastIndexByte(t.path, '/'); i >= 0 {
			dir := t.path[:i]
			if dir == "" {
				dir = "/"
			}
			children[dir] = append(children[dir], t.path[i+1:])
		}
	}
	text("all", string(all.Sum(nil)))
	text("all.paths", string(paths.Sum(nil)))
	num("all.entries", uint64(len(tree)))
	if len(tree) > mostEntries {
		return out
	}
	for _, t := range tree {
		p := diskName(t.path)
		text("file.type:"+p, string(rune(t.kind)))
		if t.kind != 'w' {
			num("file.mode:"+p, t.mode)
			text("file.owner:"+p, fmt.Sprintf("%d:%d", t.uid, t.gid))
		}
		if t.more != "" && t.kind != 'w' {
			text("file.more:"+p, t.more)
		}
		switch t.kind {
		case 'l':
			text("file.link:"+p, t.link)
		case 'f':
			num("file.size:"+p, t.size_)
			if t.sha != "" {
				text("file.content:"+p, t.sha)
			}
		}
	}
	for dir, names := range children {
		p := diskName(dir)
		sort.Strings(names)
		h := sha256.New()
		for _, n := range names {
			h.Write([]byte(n + "\x00"))
		}
		num("dir.entries:"+p, uint64(len(names)))
		text("dir.names:"+p, string(h.Sum(nil)))
	}
	return out
}
