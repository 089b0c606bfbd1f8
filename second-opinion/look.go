package main

// What looks found, and what explains it (findings.md, "Witnesses", "State").

import (
	"fmt"
	"strings"
)

type stateLook struct {
	tasks              map[uint64]bool // that something tells of
	files, mapped      map[fileID]bool
	paths, mappedPaths map[string]bool // of files of the lower layer
	sockets, ptmx      map[uint64]bool
	anyExec            bool
	pending, rows      []event
	said, now          [3]uint64
	lost               uint64
}

func newStateLook() stateLook {
	return stateLook{tasks: map[uint64]bool{}, files: map[fileID]bool{}, mapped: map[fileID]bool{}, paths: map[string]bool{},
		mappedPaths: map[string]bool{}, sockets: map[uint64]bool{}, ptmx: map[uint64]bool{}}
}

func (s *stateLook) take(e *event, live, before bool) {
	switch e.kind {
	case kFork:
		s.tasks[e.n("child_tid")] = true
	case kMove:
		s.tasks[e.n("moved_tid")] = true
	case kAlive, kHeld, kMapped:
		s.now[e.kind-kAlive]++
		if live {
			s.pending = append(s.pending, keep(e))
		}
		return
	case kLook:
		for i, n := range []string{"tasks", "files", "mappings"} {
			s.said[i] += s.now[i]
			s.lost += apart(e.n(n), s.now[i])
			s.now[i] = 0
		}
		// The first look at a product that was there before is what there was.
		if start := e.n("when") == 0 && before; live && !start {
			s.rows = append(s.rows, s.pending...)
		} else if start {
			for i := range s.pending {
				s.known(&s.pending[i])
			}
		}
		s.pending = nil
		return
	case kSocket, kConnect, kBind, kListen, kAccept, kSend, kRecv, kSent, kPacket:
		s.sockets[e.n("ino")] = true
	case kMap, kExec, kOpen, kRead, kWrite, kPages, kRing, kCopyup:
		id := fileID{e.n("dev"), e.n("ino"), e.n("gen")}
		s.files[id] = true
		if e.kind == kCopyup {
			s.files[fileID{e.n("from_dev"), e.n("from_ino"), e.n("from_gen")}] = true
		}
		if e.kind == kMap || e.kind == kExec || e.kind == kCopyup {
			s.mapped[id] = true
		}
		if e.kind == kMap && e.n("prot")&4 != 0 && e.n("layer") == 0 {
			s.anyExec = true
		}
		if (e.kind == kOpen || e.kind == kExec || e.kind == kMap) && e.n("layer") == 1 {
			s.paths[e.s("path")] = true
			if e.kind != kOpen {
				s.mappedPaths[e.s("path")] = true
			}
		}
		if e.kind == kOpen && e.s("path") == "/dev/pts/ptmx" {
			s.ptmx[e.n("dev")] = true
		}
	}
	if e.tid != 0 && e.cpu < laneTLS {
		s.tasks[e.tid] = true
	}
}

func apart(a, b uint64) uint64 {
	if a > b {
		return a - b
	}
	return b - a
}

// known takes a row of the first look as a fact.
func (s *stateLook) known(e *event) {
	switch e.kind {
	case kAlive:
		s.tasks[e.n("of_tid")] = true
	case kHeld:
		s.files[fileID{e.n("dev"), e.n("ino"), e.n("gen")}] = true
		s.sockets[e.n("ino")] = true
	case kMapped:
		id := fileID{e.n("dev"), e.n("ino"), e.n("gen")}
		s.files[id], s.mapped[id] = true, true
	}
}

func keep(e *event) event {
	c := *e
	for i := range c.b {
		c.b[i] = append([]byte(nil), c.b[i]...)
	}
	return c
}

func (s *stateLook) unexplained() (uint64, []uint64) {
	var at []uint64
	seen := map[string]bool{}
	for i := range s.rows {
		e := &s.rows[i]
		ok, key := true, ""
		switch e.kind {
		case kAlive:
			ok, key = s.tasks[e.n("of_tid")], fmt.Sprint("t", e.n("of_tid"))
		case kHeld:
			ok, key = s.heldKnown(e), fmt.Sprint("f", e.n("of_tgid"), e.n("fd"), e.n("dev"), e.n("ino"), e.n("gen"))
		case kMapped:
			ok, key = s.mappedKnown(e), fmt.Sprint("m", e.n("of_tgid"), e.n("offset"), e.n("dev"), e.n("ino"), e.n("gen"))
		}
		if !ok && !seen[key] {
			seen[key] = true
			at = append(at, e.pos)
		}
	}
	return uint64(len(at)), at
}

func (s *stateLook) mappedKnown(e *event) bool {
	code := e.n("prot")&4 != 0
	switch {
	case s.mapped[fileID{e.n("dev"), e.n("ino"), e.n("gen")}], strings.Contains(e.s("path"), "vdso"):
		return true
	case e.n("layer") == 0:
		return !code || s.anyExec
	}
	return e.n("layer") == 2 && s.mappedPaths[e.s("path")]
}

func (s *stateLook) heldKnown(e *event) bool {
	mode := e.n("mode") & 0170000
	switch {
	case e.n("fd") <= 2, e.n("layer") == 0 && (mode == 0010000 || mode == 0 || strings.Trim(e.s("path"), "/") == ""):
		return true
	case s.files[fileID{e.n("dev"), e.n("ino"), e.n("gen")}]:
		return true
	case mode == 0140000:
		return s.sockets[e.n("ino")]
	case e.n("layer") == 2 && s.paths[e.s("path")]:
		return true
	}
	return e.n("layer") == 0 && s.ptmx[e.n("dev")] && strings.HasPrefix(e.s("path"), "/dev/pts/")
}
