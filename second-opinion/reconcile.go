package main

// What one witness of a run says, held against what the others say (findings.md, "Witnesses").

import "strings"

const pageSize = 4096

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
