package main

// What a run's events and tree say, kept as distinct facts, so that memory does not grow with the record.

import (
	"sort"
	"strings"
)

type fileID struct{ dev, ino, gen uint64 }

type pathFact struct {
	path    string
	layer   uint64
	writing bool
	cut     bool
	first   uint64
	id      fileID
	mode    uint64
}

type codeFact struct {
	path     string
	layer    uint64
	id       fileID
	executed bool
	first    uint64
}

type stateFact struct {
	uid, euid, eff, prm uint64
	first               uint64
}

type portFact struct {
	kind   int
	family uint64
	port   uint64
	addr   string
	first  uint64
	stype  uint64
}

type outputFact struct {
	stream uint64
	data   []byte
	pos    uint64
}

type run struct {
	n            int
	sum, treeSum *recordSummary
	packets      *packetFile
	flows        *flows

	version   uint64
	witnesses string
	before    bool // the product was there before the recorder
	execs     uint64
	begun     bool
	opens     map[pathFact]*pathFact
	openList  []*pathFact
	code      map[codeFact]*codeFact
	codeList  []*codeFact
	states    map[stateFact]bool
	stateList []stateFact
	ports     []portFact
	output    []outputFact
	outCut    uint64
	tree      []treeEntry

	loss lossCount
	rec  *reconcile
}

func newRun(n int) *run {
	return &run{n: n, opens: map[pathFact]*pathFact{}, code: map[codeFact]*codeFact{}, states: map[stateFact]bool{}, loss: newLoss(), rec: newReconcile()}
}

func (r *run) takeEntry(t *treeEntry) { r.tree = append(r.tree, *t) }

func (r *run) take(e *event) {
	r.loss.take(e)
	switch e.kind {
	case kStart:
		r.version, r.witnesses = e.n("version"), e.s("witnesses")
	case kGap:
		switch e.n("source") {
		case 2:
			r.before = true
		case 4:
			r.outCut += e.n("count")
		}
	case kExec:
		r.begun = true
		r.execs++
	}
	r.rec.take(e, r)
	if r.begun {
		r.fact(e)
	}
}

func (r *run) fact(e *event) {
	switch e.kind {
	case kExec:
		r.addCode(e, true)
		r.addState(e)
		r.addOpenOf(e, 0, false)
	case kCred:
		r.addState(e)
	case kOpen:
		r.addOpenOf(e, e.n("flags"), e.n("cut") != 0)
	case kMap:
		if e.n("prot")&4 != 0 {
			r.addCode(e, false)
		}
	case kListen, kBind:
		if e.result() == 0 {
			r.ports = append(r.ports, portFact{e.kind, e.n("family"), e.n("port"), e.s("addr"), e.pos, e.n("type")})
		}
	case kOutput:
		r.output = append(r.output, outputFact{e.n("stream"), []byte(e.s("data")), e.pos})
	}
}

func (r *run) addOpenOf(e *event, flags uint64, cut bool) {
	if e.kind == kExec {
		return
	}
	k := pathFact{path: plainPath(e.s("path")), layer: e.n("layer"), writing: flags&3 != 0, cut: cut, id: fileID{e.n("dev"), e.n("ino"), e.n("gen")}, mode: e.n("mode")}
	if r.opens[k] == nil {
		f := k
		f.first = e.pos
		r.opens[k] = &f
		r.openList = append(r.openList, &f)
	}
}

func (r *run) addCode(e *event, executed bool) {
	k := codeFact{path: plainPath(e.s("path")), layer: e.n("layer"), id: fileID{e.n("dev"), e.n("ino"), e.n("gen")}, executed: executed}
	if r.code[k] == nil {
		f := k
		f.first = e.pos
		r.code[k] = &f
		r.codeList = append(r.codeList, &f)
	}
}

func (r *run) addState(e *event) {
	k := stateFact{uid: e.n("uid"), euid: e.n("euid"), eff: e.n("cap_eff"), prm: e.n("cap_prm")}
	if !r.states[k] {
		r.states[k] = true
		k.first = e.pos
		r.stateList = append(r.stateList, k)
	}
}

// witnessesOf are the names behind `read:` or `send:`, sorted.
func witnessesOf(text, what string) []string {
	list := []string{}
	for _, part := range strings.Fields(text) {
		if strings.HasPrefix(part, what+":") {
			for _, w := range strings.Split(part[len(what)+1:], ",") {
				if w != "" {
					list = append(list, w)
				}
			}
		}
	}
	sort.Strings(list)
	return list
}

// Losses: what the record itself shows to be missing.

type span struct{ from, to uint64 }

type lossCount struct {
	next     map[uint64]uint64 // by CPU
	holes    map[uint64][]span
	told     map[uint64][]span
	threads  map[uint64]uint64
	gaps     uint64
	missing  uint64 // by threads
	tasks    uint64
	made     uint64 // events of the kernel's CPUs
	produced uint64
	ended    bool
	packets  uint64
}

func newLoss() lossCount {
	return lossCount{next: map[uint64]uint64{}, holes: map[uint64][]span{}, told: map[uint64][]span{}, threads: map[uint64]uint64{}}
}

const noNumber = ^uint64(0)

func (l *lossCount) take(e *event) {
	if want := l.next[e.cpu]; e.seq > want {
		l.holes[e.cpu] = append(l.holes[e.cpu], span{want, e.seq})
	}
	l.next[e.cpu] = e.seq + 1
	if e.cpu != 65535 {
		l.made++
	}
	switch e.kind {
	case kGap:
		switch e.n("source") {
		case 0, 1, 2:
			l.gaps = addCapped(l.gaps, e.n("count"))
			l.told[e.n("from_cpu")] = append(l.told[e.n("from_cpu")], span{e.n("first"), e.n("first") + e.n("count")})
		case 3:
			l.packets = addCapped(l.packets, e.n("count"))
		}
	case kEnd:
		l.produced, l.ended = e.n("produced"), true
	}
	if e.tid != 0 && e.cpu < 65534 {
		l.thread(e)
	}
}

func (l *lossCount) thread(e *event) {
	want, known := l.threads[e.tid]
	switch {
	case e.tseq == noNumber:
		return
	case !known:
		l.missing += e.tseq
		l.tasks++
	case e.tseq < want:
		l.missing += 1 + e.tseq
		l.tasks++
	default:
		l.missing += e.tseq - want
	}
	if e.kind == kExit {
		delete(l.threads, e.tid)
		return
	}
	l.threads[e.tid] = e.tseq + 1
}

// untold is what CPUs' numbers leave out and no gap event tells of.
func (l *lossCount) untold() uint64 {
	var n uint64
	for cpu, holes := range l.holes {
		for _, h := range holes {
			left := h.to - h.from
			for _, t := range l.told[cpu] {
				from, to := maxOf(h.from, t.from), t.to
				if to > h.to {
					to = h.to
				}
				if from < to {
					left -= to - from
				}
			}
			n += left
		}
	}
	return n
}

func (r *run) eventsLost() uint64 {
	l := &r.loss
	n := l.gaps + l.untold()
	if r.version >= 2 {
		n = maxOf(n, l.missing)
	}
	if l.ended && l.produced > l.made {
		n = maxOf(n, l.produced-l.made)
	}
	n += r.sum.withheld
	n = maxOf(n, r.sum.endLost)
	if n == 0 && (!l.ended || r.sum.cut) {
		n = 1
	}
	return n
}

func (r *run) packetsLost() uint64 {
	n := maxOf(r.loss.packets, r.sum.packetLost)
	if r.flows != nil {
		n += r.flows.cut
		for _, f := range r.flows.list {
			if f.holes {
				n++
			}
		}
	}
	return n
}
