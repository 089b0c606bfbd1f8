package main

// What a run's events and tree say, kept as distinct facts, so that memory does not grow with the record.

import (
	"fmt"
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
	mode    uint64 // the type alone
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
	features     []*feature
	sends        *sendFacts
	choices      []chosen // by flow
	longPlain    bool     // plaintext that features do not hold
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
	waiting   []event
	stood     bool
	stopped   bool     // the record ends as interrupted
	nowhere   uint64   // calls for ways out that the chamber lacks
	nowhereAt []uint64 // of the first 64
	tree      []treeEntry
	given     givenFacts
	givenAt   map[int]spans // by flow: where tokens and digests are in what was given

	loss lossCount
	rec  *reconcile
}

func newRun(n int) *run {
	return &run{n: n, opens: map[pathFact]*pathFact{}, code: map[codeFact]*codeFact{}, states: map[stateFact]bool{}, loss: newLoss(), rec: newReconcile(), sends: newSendFacts()}
}

func (r *run) takeEntry(t *treeEntry) { r.tree = append(r.tree, *t) }

func (r *run) take(e *event) {
	// What contradicts itself makes the core malformed; but where it does so only because something is withheld before it, the record is read up to there.
	if r.loss.err != nil && r.version >= 2 {
		return
	}
	r.loss.take(e)
	if r.loss.err != nil && r.version >= 2 {
		return
	}
	switch e.kind {
	case kStart:
		r.version, r.witnesses = e.n("version"), e.s("witnesses")
	case kGap:
		switch e.n("source") {
		case 2:
			r.before = true
		}
	case kEnd:
		r.stopped = e.n("outcome") == 3
	case kExec:
		r.begun = true
		r.execs++
	}
	r.given.take(e)
	r.rec.take(e, r)
	if r.begun || r.before {
		r.sends.take(e)
		r.fact(e)
	}
}

// goNowhere: a way out that the chamber lacks was asked for.
func (r *run) goNowhere(e *event) {
	if r.nowhere++; r.nowhere <= 64 {
		r.nowhereAt = append(r.nowhereAt, e.pos)
	}
}

func (r *run) fact(e *event) {
	switch e.kind {
	case kConnect:
		to := e.s("addr")
		if e.n("family") != 10 || len(to) != 16 || e.result() == 0 || e.result() == -115 ||
			to[:15] == strings.Repeat("\x00", 15) || to[:12] == strings.Repeat("\x00", 10)+"\xff\xff" {
			return
		}
		r.goNowhere(e)
	case kDeny:
		switch e.n("nr") {
		case 41, 1<<30 + 359, 1<<30 + 102:
			switch uint32(e.n("arg0")) {
			case 17, 21, 29, 30, 31, 36, 39, 40, 42, 43, 44:
				r.goNowhere(e)
			}
		}
	case kLook:
		if r.before && !r.stood {
			if e.n("when") != 0 {
				r.loss.err = fmt.Errorf("the first look is not that of the start")
			}
			r.stood = true
			r.standing()
		}
		r.waiting = nil
	case kAlive, kHeld, kMapped:
		if r.before {
			r.waiting = append(r.waiting, keep(e))
		}
	case kExec:
		r.addCode(e, true)
		r.addState(e)
		r.addOpenOf(e, 0, false)
	case kCred:
		r.addState(e)
	case kOpen:
		if e.n("flags")&openPath == 0 {
			r.addOpenOf(e, e.n("flags"), e.n("cut") != 0)
		}
	case kRing:
		if e.result() >= 0 && e.n("dev") != 0 {
			r.addOpenOf(e, 0, false)
		}
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

// standing takes what there was before the recorder came as facts.
func (r *run) standing() {
	for i := range r.waiting {
		e := &r.waiting[i]
		switch e.kind {
		case kAlive:
			r.addState(e)
			if e.n("dev") != 0 || e.n("ino") != 0 {
				r.addCode(e, true)
			}
			r.execs++
			r.begun = true
		case kHeld:
			r.addOpenOf(e, e.n("flags"), false)
		case kMapped:
			if e.n("prot")&4 != 0 {
				r.addCode(e, false)
			}
		}
	}
}

func (r *run) addOpenOf(e *event, flags uint64, cut bool) {
	if e.kind == kExec {
		return
	}
	k := pathFact{path: e.s("path"), layer: e.n("layer"), writing: flags&3 != 0, cut: cut}
	if e.kind == kOpen || e.kind == kHeld {
		k.mode = e.n("mode") & 0170000
	}
	if r.opens[k] == nil {
		f := k
		f.first = e.pos
		r.opens[k] = &f
		r.openList = append(r.openList, &f)
	}
}

func (r *run) addCode(e *event, executed bool) {
	k := codeFact{path: e.s("path"), layer: e.n("layer"), id: fileID{e.n("dev"), e.n("ino"), e.n("gen")}, executed: executed}
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
	next                 map[uint64]uint64 // by CPU
	holes                map[uint64][]span
	told                 map[uint64][]span
	threads              map[uint64]*thread
	ended1               map[uint64]bool
	err                  error
	gaps                 uint64
	missing              uint64 // by threads
	tasks                uint64
	made                 uint64 // events of the kernel's CPUs
	produced             uint64
	ended                bool
	packets              uint64
	looks                uint64
	anyGap               bool
	packetGap, outputGap bool
	strange              bool // a gap of a source that is not documented: whatever it is, it is missing
}

func newLoss() lossCount {
	return lossCount{next: map[uint64]uint64{}, holes: map[uint64][]span{}, told: map[uint64][]span{}, threads: map[uint64]*thread{}, ended1: map[uint64]bool{}}
}

const linuxMostTasks = 1 << 22

// O_PATH: a descriptor by which nothing can be read.
const openPath = 010000000

// Lanes of events that no CPU counts: plaintext given to TLS, packets, the recorder itself.
const laneTLS = 65533

const noNumber = ^uint64(0)

func (l *lossCount) take(e *event) {
	if want := l.next[e.cpu]; e.seq < want {
		l.fail("event %d of CPU %d comes twice, or out of its order", e.seq, e.cpu)
	} else if e.seq > want {
		l.holes[e.cpu] = append(l.holes[e.cpu], span{want, e.seq})
	}
	l.next[e.cpu] = e.seq + 1
	if e.cpu != 65535 {
		l.made++
	}
	switch e.kind {
	case kGap:
		switch e.n("source") {
		default:
			l.gaps = addCapped(l.gaps, e.n("count"))
			l.anyGap = true
			l.strange = l.strange || e.n("source") > 4
			l.gap(e.n("from_cpu"), e.n("first"), e.n("count"), e.n("source") <= 1)
		case 4:
			l.outputGap = true
		case 3:
			l.packetGap = true
			l.packets = addCapped(l.packets, e.n("count"))
		}
	case kEnd:
		l.produced, l.ended = e.n("produced"), true
	}
	switch e.kind {
	case kFork:
		delete(l.threads, e.n("child_tid"))
		l.possible(e.n("child_tgid"), e.n("child_tid"))
	case kMove:
		l.possible(e.n("moved_tgid"), e.n("moved_tid"))
	case kAlive:
		l.possible(e.n("of_tgid"), e.n("of_tid"))
	case kOutput:
		if s := e.n("stream"); s != 1 && s != 2 {
			l.fail("output on stream %d", s)
		}
	}
	if e.tid > linuxMostTasks || e.tgid > linuxMostTasks {
		l.possible(e.tgid, e.tid)
	}
	l.look(e)
	if e.tid != 0 && e.cpu < laneTLS {
		if err := l.thread(e); err != nil && l.err == nil {
			l.err = err
		}
	}
}

// gap: the numbers that it tells of are not those of events that are there; those before it that are missing are told by nothing.
func (l *lossCount) gap(cpu, first, count uint64, sure bool) {
	if count == 0 && first == 0 || first+count < first {
		return
	}
	l.told[cpu] = append(l.told[cpu], span{first, first + count})
	if first > l.next[cpu] {
		l.holes[cpu] = append(l.holes[cpu], span{l.next[cpu], first})
	}
	if first >= l.next[cpu] {
		l.next[cpu] = first + count
		return
	}
	left := count
	for _, h := range l.holes[cpu] {
		from, to := maxOf(first, h.from), first+count
		if to > h.to {
			to = h.to
		}
		if from < to {
			left -= to - from
		}
	}
	if left > 0 && sure {
		l.fail("a gap event tells of events that are there")
	}
}

func (l *lossCount) fail(format string, args ...interface{}) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

func (l *lossCount) possible(tgid, tid uint64) {
	if tgid < 1 || tid < 1 || tgid > linuxMostTasks || tid > linuxMostTasks {
		l.fail("thread %d of process %d, which Linux cannot have", tid, tgid)
	}
}

// look: looks are numbered from 0, and what a look saw stands before it, with its number.
func (l *lossCount) look(e *event) {
	switch e.kind {
	case kAlive, kHeld, kMapped:
		if e.n("look") != l.looks {
			l.fail("a row of another look")
		}
	case kLook:
		if e.n("look") != l.looks {
			l.fail("looks are not numbered 0, 1, 2")
		}
		l.looks++
	}
}

type thread struct {
	tgid, next uint64
	became     bool // took the number of its process's first to execute
}

// thread follows the numbers of one thread's events.
func (l *lossCount) thread(e *event) error {
	if e.tseq == noNumber {
		return nil
	}
	t := l.threads[e.tid]
	first := e.tid == e.tgid
	switch {
	case t == nil && first && e.tseq > 0 && l.becomes(e):
		t = l.threads[e.tid]
	case t == nil:
		l.missing += e.tseq
		l.tasks++
		if l.ended1[e.tid] && first {
			l.othersEnd(e, e.kind == kExec && e.tseq == 0)
		}
	case e.tseq >= t.next:
		l.missing += e.tseq - t.next
	case e.tseq > 0:
		return fmt.Errorf("number %d of thread %d comes twice", e.tseq, e.tid)
	default:
		l.tasks++
		if e.kind != kExec || !t.became {
			l.missing++
		}
		if e.kind == kExec && first {
			l.othersEnd(e, !t.became)
		}
		t.became = false
	}
	if e.kind == kExit {
		delete(l.threads, e.tid)
		l.ended1[e.tid] = true
		return nil
	}
	if t = l.threads[e.tid]; t == nil {
		t = &thread{}
		l.threads[e.tid] = t
	}
	t.tgid, t.next = e.tgid, e.tseq+1
	return nil
}

// becomes finds the thread of the process that goes on under its first's number.
func (l *lossCount) becomes(e *event) bool {
	for tid, t := range l.threads {
		if t.tgid == e.tgid && t.next == e.tseq {
			delete(l.threads, tid)
			t.became = true
			l.threads[e.tid] = t
			return true
		}
	}
	return false
}

// othersEnd: where a program was executed the other threads are gone, and their exits should have been told; one is the one that executed.
func (l *lossCount) othersEnd(e *event, oneIsFree bool) {
	n := uint64(0)
	for tid, t := range l.threads {
		if t.tgid == e.tgid && tid != e.tid {
			delete(l.threads, tid)
			n++
		}
	}
	if oneIsFree && n > 0 {
		n--
	}
	l.missing += n
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
	if l.anyGap {
		n = maxOf(n, 1)
	}
	n += r.sum.withheld + r.rec.state.lost
	n = maxOf(n, r.sum.endLost)
	if n == 0 && (!l.ended || r.sum.cut) {
		n = 1
	}
	return n
}

func (r *run) packetsLost() uint64 {
	n := maxOf(r.loss.packets, r.sum.packetLost)
	if r.packets != nil {
		n = maxOf(n, uint64(len(r.packets.gone)))
	}
	if r.version >= 2 && hasWord(witnessesOf(r.witnesses, "send"), "cgroup_skb") && r.rec.hasEnd {
		switch c := r.rec; {
		case c.endPk != c.counted:
			n = maxOf(n, apart(c.endPk, c.counted))
		case c.endBy != c.netByte:
			n = maxOf(n, 1)
		}
	}
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
