package main

// What one witness of a run says, held against what the others say (findings.md, "Witnesses").

import (
	"fmt"
	"sort"
	"strings"
)

const pageSize = 4096

// spans is a set of stretches, kept sorted and disjoint.
type spans []span

func (s spans) add(from, to uint64) spans {
	if from >= to {
		return s
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= from })
	j := i
	for j < len(s) && s[j].from <= to {
		if s[j].from < from {
			from = s[j].from
		}
		if s[j].to > to {
			to = s[j].to
		}
		j++
	}
	out := append(spans{}, s[:i]...)
	return append(append(out, span{from, to}), s[j:]...)
}

func (s spans) has(from, to uint64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].to >= to })
	return i < len(s) && s[i].from <= from
}

// without is how much of s lies below limit and in none of o.
func (s spans) without(limit uint64, o spans) uint64 {
	var n uint64
	for _, a := range s {
		if a.to > limit {
			a.to = limit
		}
		if a.from >= a.to {
			continue
		}
		n += a.to - a.from
		for _, b := range o {
			from, to := maxOf(a.from, b.from), b.to
			if to > a.to {
				to = a.to
			}
			if from < to {
				n -= to - from
			}
		}
	}
	return n
}

func pagesOf(offset, n uint64) (uint64, uint64) {
	if offset+n < offset {
		return 0, 0
	}
	return offset / pageSize * pageSize, (offset + n + pageSize - 1) / pageSize * pageSize
}

type fileState struct {
	path                        string // below the layer 3
	layer                       uint64
	named, touched, read, given bool
	mapped, unsure              bool
	byMapping                   bool
	added, wasRead              bool
	whole                       bool
	bytes                       uint64
	calls, pages, maps          spans
	looked                      bool
	first                       uint64
	disk                        bool
}

type socketState struct{ calls, socket uint64 }

type netKey struct {
	proto       uint64
	local, port uint64
	addr        string
}

type netCount struct{ packets, owned, bytes uint64 }

type lookState struct{ tasks, files, maps, saidTasks, saidFiles, saidMaps uint64 }

type reconcile struct {
	files   map[fileID]*fileState
	sockets map[uint64]*socketState
	net     map[netKey]*netCount
	counted uint64
	netByte uint64
	reaches []*reachCount
	looks   uint64
	state   stateLook
	freezes uint64
	signals uint64
	us      uint64
	leftAt  []uint64 // where tasks went out of sight
	endPk   uint64
	endBy   uint64
	hasEnd  bool
	frozeNs uint64
	unsure  map[fileID]bool
	known   map[uint64]bool // tasks of which something was told
}

func newReconcile() *reconcile {
	return &reconcile{files: map[fileID]*fileState{}, sockets: map[uint64]*socketState{}, net: map[netKey]*netCount{}, state: newStateLook(),
		unsure: map[fileID]bool{}, known: map[uint64]bool{}}
}

func (c *reconcile) file(e *event) *fileState {
	id := fileID{e.n("dev"), e.n("ino"), e.n("gen")}
	f := c.files[id]
	if f == nil {
		f = &fileState{first: e.pos}
		c.files[id] = f
	}
	return f
}

func (c *reconcile) name(e *event, path string, layer uint64) *fileState {
	f := c.file(e)
	f.named = true
	if layer == 3 || f.path == "" {
		f.path, f.layer = path, layer
	}
	return f
}

func (c *reconcile) take(e *event, r *run) {
	live := r.begun || r.before
	c.state.take(e, live, r.before)
	switch e.kind {
	case kOpen:
		c.name(e, e.s("path"), e.n("layer"))
	case kExec:
		f := c.name(e, e.s("path"), e.n("layer"))
		f.whole = true
	case kMap:
		if e.n("dev") != 0 || e.n("ino") != 0 {
			c.mapping(e, live)
		}
	case kRead:
		if live {
			c.read(e)
		}
	case kPages:
		if live {
			c.given(e)
		}
	case kRing:
		if e.n("dev") != 0 {
			f := c.name(e, e.s("path"), e.n("layer"))
			if op := e.n("opcode"); live && e.result() > 0 && (op == 1 || op == 4 || op == 22) {
				f.whole, f.wasRead = true, true
			}
		}
	case kCopyup:
		c.copyup(e)
	case kHeld, kMapped:
		if e.n("dev") != 0 || e.n("ino") != 0 {
			c.name(e, e.s("path"), e.n("layer"))
		}
	case kSend, kSent, kPacket:
		c.sending(e, live)
	case kCall, kDeny:
		if live {
			c.call(e)
		}
	case kFreeze:
		if means := e.n("means"); means != 2 { // 2 is a hold, and nothing was about to be lost
			c.freezes++
			if means == 1 {
				c.signals++
			}
			c.frozeNs += e.n("duration")
		}
	case kMove:
		c.move(e, live)
	case kEnd:
		c.hasEnd, c.endPk, c.endBy = true, e.n("egress_packets"), e.n("egress_bytes")
	case kLook:
		c.looks++
	case kFork:
		c.known[e.n("child_tid")] = true
	}
	if e.tid != 0 && e.cpu < laneTLS {
		c.known[e.tid] = true
	}
}

func (c *reconcile) mapping(e *event, live bool) {
	f := c.name(e, e.s("path"), e.n("layer"))
	f.mapped = true
	if e.n("flags")>>32&1 != 0 && live {
		f.seen(e.pos)
		f.unsure = true
	}
	if nr := e.n("nr"); nr == 59 || nr == compatBit+11 {
		f.whole = true
	}
	from, to := pagesOf(e.n("offset"), e.n("length"))
	if !f.maps.has(from, to) {
		f.maps = f.maps.add(from, to)
	}
}

func (c *reconcile) read(e *event) {
	if e.n("dev") == 0 && e.n("ino") == 0 {
		return
	}
	f := c.file(e)
	if e.n("layer") != 0 {
		f.disk = true
	}
	f.seen(e.pos)
	n := e.n("bytes")
	f.wasRead = true
	if n == 0 {
		return
	}
	f.read = true
	f.bytes += n
	from, to := pagesOf(e.n("offset"), n)
	if !f.calls.has(from, to) {
		f.calls = f.calls.add(from, to)
	}
}

func (c *reconcile) given(e *event) {
	f := c.file(e)
	f.seen(e.pos)
	switch e.n("by") {
	case 4:
		f.added = true
		return
	case 1, 2:
		f.byMapping = true
	default:
		f.given = true
	}
	f.disk = true
	f.touched = true
	from, to := pagesOf(e.n("offset"), e.n("length"))
	if !f.pages.has(from, to) {
		f.pages = f.pages.add(from, to)
	}
}

// seen notes the first event that says that something of the file was read.
func (f *fileState) seen(pos uint64) {
	if !f.looked {
		f.looked, f.first = true, pos
	}
}

func (c *reconcile) copyup(e *event) {
	id := fileID{e.n("from_dev"), e.n("from_ino"), e.n("from_gen")}
	if c.files[id] == nil {
		c.files[id] = &fileState{first: e.pos}
	}
	c.files[id].named, c.files[id].whole = true, true
	if e.n("dev") != 0 || e.n("ino") != 0 {
		f := c.file(e)
		f.named = true
		if f.path == "" {
			f.path = c.files[id].path
		}
	}
}

func (c *reconcile) sending(e *event, live bool) {
	if e.kind == kPacket {
		k := netKey{e.n("proto"), e.n("local_port"), e.n("port"), e.s("addr")}
		if c.net[k] == nil {
			c.net[k] = &netCount{}
		}
		n := c.net[k]
		n.packets += e.n("packets")
		n.bytes += e.n("bytes")
		if e.n("owner") != 0 {
			n.owned += e.n("packets")
		}
		c.counted += e.n("packets")
		c.netByte += e.n("bytes")
		return
	}
	s := c.sockets[e.n("ino")]
	if s == nil {
		s = &socketState{}
		c.sockets[e.n("ino")] = s
	}
	if e.kind == kSend {
		s.calls += e.n("bytes")
	} else {
		s.socket += e.n("bytes")
	}
}

func (c *reconcile) call(e *event) {
	row := reachOf(e.n("nr"))
	touches := 0
	if e.kind == kCall {
		touches = touchesOf(row, e.n("arg0"), e.n("arg1"))
	}
	var at *reachCount
	for _, r := range c.reaches {
		if r.name == row.name && r.touches == touches {
			at = r
		}
	}
	if at == nil {
		at = &reachCount{name: row.name, touches: touches}
		c.reaches = append(c.reaches, at)
	}
	if e.kind == kDeny {
		at.denied++
		return
	}
	if at.done == 0 {
		at.first = e.pos
	}
	at.done++
}

func (c *reconcile) move(e *event, live bool) {
	inside, path, tid := e.n("inside"), e.s("path"), e.n("moved_tid")
	if live && (inside == 0 || path != "" && !c.known[tid]) {
		c.leftAt = append(c.leftAt, e.pos)
	}
	c.known[tid] = true
}

// What the run's witnesses came to.

type reconciled struct {
	documents, files, bytes, callsOnly, pagesOnly, unnamed                 uint64
	unexplained                                                            uint64 // documents that one witness alone saw
	unnamedMaps                                                            uint64
	sockets, sent, sendCalls, sendSockets                                  uint64
	captured, counted, owned, unowned, missing                             uint64
	lookTasks, lookFiles, lookMaps, stateUnexplained, lookLost             uint64
	firstUnexplained, firstUnnamed, firstUnnamedMap, firstUnexplainedState []uint64
}

func hasWord(list []string, w string) bool {
	for _, x := range list {
		if x == w {
			return true
		}
	}
	return false
}

func (r *run) reconcileEnd(target string, planted map[string]int64) *reconciled {
	out := &reconciled{}
	reads := witnessesOf(r.witnesses, "read")
	pages, added := hasWord(reads, "page-cache"), hasWord(reads, "page-cache-add")
	for _, f := range r.rec.files {
		size, isDoc := planted[strings.TrimPrefix(f.path, target+"/")]
		if f.disk && (f.wasRead || f.touched) && !f.named || f.unsure {
			out.unnamed++
			out.firstUnnamed = append(out.firstUnnamed, f.first)
		}
		if f.byMapping && !f.mapped && !f.whole || f.unsure {
			out.unnamedMaps++
			out.firstUnnamedMap = append(out.firstUnnamedMap, f.first)
		}
		isDoc = isDoc && f.layer == 3 && strings.HasPrefix(f.path, target+"/")
		if isDoc {
			out.document(f, uint64(size), pages, added)
			continue
		}
		if (f.read || f.touched) && f.disk {
			out.files++
		}
	}
	send := witnessesOf(r.witnesses, "send")
	for _, s := range r.rec.sockets {
		if s.calls > 0 || s.socket > 0 {
			out.sockets++
		}
		out.sent += s.calls
		if hasWord(send, "socket") {
			if s.calls > s.socket {
				out.sendCalls += s.calls - s.socket
			} else {
				out.sendSockets += s.socket - s.calls
			}
		}
	}
	out.packets(r, send)
	out.looks(r)
	return out
}

func (o *reconciled) document(f *fileState, size uint64, pages, added bool) {
	if f.read || f.touched || f.added {
		o.documents++
	}
	o.bytes += f.bytes
	var calls, given uint64
	switch {
	case pages && !f.whole:
		calls, given = f.calls.without(size, f.pages), f.pages.without(size, append(append(spans{}, f.calls...), f.maps...).merged())
	case added && !f.whole:
		if f.read && !f.added {
			calls = size
		}
		if f.added && !f.wasRead && !f.mapped {
			given = size
		}
	}
	o.callsOnly += calls
	o.pagesOnly += given
	if calls+given > 0 {
		o.unexplained++
		o.firstUnexplained = append(o.firstUnexplained, f.first)
	}
}

func (s spans) merged() spans {
	var out spans
	for _, x := range s {
		out = out.add(x.from, x.to)
	}
	return out
}

func (o *reconciled) packets(r *run, send []string) {
	o.counted = r.rec.counted
	type seen struct{ packets, bytes uint64 }
	have := map[netKey]*seen{}
	if r.flows != nil {
		o.captured = r.flows.outgoing
		for _, f := range r.flows.list {
			k := netKey{uint64(f.key.proto), uint64(f.key.port), uint64(f.key.far), f.key.dst}
			if have[k] == nil {
				have[k] = &seen{}
			}
			have[k].packets += f.packets
			have[k].bytes += f.wire
		}
	}
	for k, n := range r.rec.net {
		s := have[k]
		if s == nil {
			s = &seen{}
		}
		own := n.owned
		if own > s.packets {
			own = s.packets
		}
		o.owned += own
		if n.bytes > s.bytes {
			o.missing += n.bytes - s.bytes
		}
	}
	o.unowned = o.captured - o.owned
}

func (o *reconciled) looks(r *run) {
	s := &r.rec.state
	o.lookTasks, o.lookFiles, o.lookMaps = s.said[0], s.said[1], s.said[2]
	o.stateUnexplained, o.firstUnexplainedState = s.unexplained()
}

// State: what looks found, and what explains it.

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
