package main

// What was given to TLS libraries (findings.md, "What was given to TLS"): calls, the sockets they used, and the connections they make.

import (
	"net"
	"sort"
	"strings"
)

type givenSocket struct {
	ino, local, port uint64
	proto            int
	addr             string
}

type givenCall struct {
	tgid, object, function uint64
	parts                  []givenPart
	taken                  uint64 // of its bytes; all where nothing tells
	nested, placed         bool
	socket                 givenSocket
	last                   int // of all parts of the run
}

type givenPart struct {
	data []byte
	at   uint64 // event
}

type givenThread struct{ open, waiting *givenCall }

type givenFacts struct {
	calls   []*givenCall
	parts   int
	threads map[uint64]*givenThread
}

type givenHit struct {
	kind, feature, needle string
	flow                  int
	at                    uint64 // the first event that shows it
}

func (g *givenFacts) take(e *event) {
	if g.threads == nil {
		g.threads = map[uint64]*givenThread{}
	}
	t := g.threads[e.tid]
	if t == nil {
		t = &givenThread{}
		g.threads[e.tid] = t
	}
	switch e.kind {
	case kGiven:
		call := t.open
		goesOn := call != nil && e.n("offset") != 0 && call.object == e.n("connection") && call.function == e.n("function") && call.last == g.parts
		if e.n("nested") != 0 || !goesOn {
			call = &givenCall{tgid: e.tgid, object: e.n("connection"), function: e.n("function"), taken: 1<<64 - 1, nested: e.n("nested") != 0}
			g.calls = append(g.calls, call)
			if !call.nested {
				t.open, t.waiting = call, call
			}
		}
		g.parts++
		call.last = g.parts
		call.parts = append(call.parts, givenPart{[]byte(e.s("data")), e.pos})
	case kTaken:
		if t.open != nil && t.open.object == e.n("connection") && t.open.function == e.n("function") {
			t.open.taken, t.open = e.n("bytes"), nil
		}
	case kSend:
		call := t.open
		if call == nil {
			call = t.waiting
		}
		if call == nil || call.placed {
			return
		}
		if s, ok := socketOf(e); ok {
			call.socket, call.placed, t.waiting = s, true, nil
		}
	case kExec, kExit:
		t.open, t.waiting = nil, nil
	}
}

func socketOf(e *event) (givenSocket, bool) {
	addr := net.IP(e.s("addr"))
	if f := e.n("family"); f != 2 && f != 10 || len(addr) != 4 && len(addr) != 16 {
		return givenSocket{}, false
	}
	s := givenSocket{e.n("ino"), e.n("local_port") & 0xffff, e.n("port") & 0xffff, 17, string(addr)}
	if four := addr.To4(); four != nil {
		s.addr = string(four)
	}
	if e.n("type")&0xff == 1 {
		s.proto = 6
	}
	return s, true
}

type givenConnection struct {
	flow   int // -1: none
	placed bool
	socket givenSocket
	text   []byte
	parts  []givenPart // where each begins in text: data is not used
	begin  []int
}

func (g *givenFacts) connections(f *flows) []*givenConnection {
	var list []*givenConnection
	last := map[[2]uint64]*givenConnection{}
	for _, call := range g.calls {
		key := [2]uint64{call.tgid, call.object}
		c := last[key]
		if c != nil && c.placed && call.placed && (c.socket.ino != call.socket.ino || c.socket.local != call.socket.local || c.socket.port != call.socket.port) {
			c = nil
		}
		if c == nil {
			c = &givenConnection{flow: -1}
			last[key] = c
			list = append(list, c)
		}
		if call.placed && !c.placed {
			c.placed, c.socket, c.flow = true, call.socket, f.flowAt(call.socket)
		}
		left := call.taken
		if call.nested {
			left = 0
		}
		for _, p := range call.parts {
			n := uint64(len(p.data))
			if left < n {
				n = left
			}
			if n > 0 {
				c.begin, c.parts = append(c.begin, len(c.text)), append(c.parts, p)
				c.text = append(c.text, p.data[:n]...)
			}
			if left != 1<<64-1 {
				left -= n
			}
		}
	}
	return list
}

func (f *flows) flowAt(s givenSocket) int {
	for i, fl := range f.list {
		if fl.key.proto == s.proto && uint64(fl.key.port) == s.local && uint64(fl.key.far) == s.port && fl.key.dst == s.addr {
			return i
		}
	}
	return -1
}

// givenText is what was given for a flow, connection by connection.
func (r *run) givenText(flow int) []byte {
	var out []byte
	for _, g := range r.given.connections(r.flows) {
		if g.flow == flow {
			out = append(out, g.text...)
		}
	}
	return out
}

// stayedClosed: of a flow that speaks TLS features tell; without them what rests on it is taken (takeTLS).
func (r *run) stayedClosed(flow int) bool {
	if !r.flows.list[flow].usesTLS() {
		return true
	}
	for _, f := range r.features {
		if f.flow == flow+1 && (f.given || strings.Contains(f.key.name, ".tls.closed")) {
			return true
		}
	}
	return false
}

// searchGiven is what of documents was given to TLS for flows that stay closed.
func (c *core) searchGiven(r *run) []givenHit {
	r.givenAt = map[int]spans{}
	if r.flows == nil || len(r.given.calls) == 0 || c.semantics < 4 {
		return nil
	}
	var out []givenHit
	seen := map[givenHit]int{}
	for _, g := range r.given.connections(r.flows) {
		if g.flow < 0 || !r.stayedClosed(g.flow) {
			continue
		}
		found := &hitList{}
		s := &searcher{byHead: headsOf(c.needlesOf(r)), seen: map[hit]bool{}, out: found, budget: 16*len(g.text) + 4<<20}
		s.look(&view{data: g.text}, nil)
		for _, h := range found.list {
			r.givenAt[g.flow] = r.givenAt[g.flow].add(h.from, h.to)
			at := g.parts[sort.SearchInts(g.begin, int(h.from)+1)-1].at
			key := givenHit{h.kind, "given." + h.feature, h.needle, g.flow, 0}
			if i, ok := seen[key]; ok {
				if at < out[i].at {
					out[i].at = at
				}
				continue
			}
			seen[key] = len(out)
			key.at = at
			out = append(out, key)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].at < out[j].at })
	return out
}
