package main

// Paths, patterns and the places that stand in tables.

import "strings"

// plainPath resolves the aliases of a merged /usr.
func plainPath(p string) string {
	for _, top := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if p == top || strings.HasPrefix(p, top+"/") {
			return "/usr" + p
		}
	}
	return p
}

// oneFits: * is any bytes but a slash.
func oneFits(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, mid := range parts[1 : len(parts)-1] {
		i := strings.Index(s, mid)
		if i < 0 {
			return false
		}
		s = s[i+len(mid):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

func components(p string) []string {
	var out []string
	for _, c := range strings.Split(p, "/") {
		if c != "" {
			out = append(out, c)
		}
	}
	return out
}

// fits says whether a path is one that the pattern names; a last ** is everything below, and the folder itself.
func fits(pattern, path string) bool {
	want, have := components(pattern), components(path)
	if n := len(want); n > 0 && want[n-1] == "**" {
		want = want[:n-1]
		if len(have) < len(want) {
			return false
		}
		have = have[:len(want)]
	}
	if len(want) != len(have) {
		return false
	}
	for i, w := range want {
		if w == "{pid}" {
			if !isPid(have[i]) {
				return false
			}
		} else if !oneFits(w, have[i]) {
			return false
		}
	}
	return true
}

// leadsTo says whether a folder is on the way to a place that the pattern names.
func leadsTo(pattern, folder string) bool {
	want, have := components(strings.TrimSuffix(pattern, "**")), components(folder)
	if len(have) >= len(want) {
		return false
	}
	for i, h := range have {
		if want[i] == "{pid}" && !isPid(h) || want[i] != "{pid}" && !oneFits(want[i], h) {
			return false
		}
	}
	return true
}

// Any process but the chamber's first.
func isPid(s string) bool {
	if s == "" || s == "1" || s[0] == '0' {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func anyFits(patterns []string, path string) bool {
	for _, p := range patterns {
		if fits(p, path) {
			return true
		}
	}
	return false
}

func anyLeads(patterns []string, path string) bool {
	for _, p := range patterns {
		if leadsTo(p, path) {
			return true
		}
	}
	return false
}

func below(folder, path string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}
