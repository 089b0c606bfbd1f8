package main

// Kinds of events: the table of record.md ("Kinds"), which a test compares with this one.

import "strings"

const kindTable = `
0 start: version, plan b, run, kernel b, cpus, witnesses b
1 gap: source, from_cpu, first, count
2 end: outcome, status, produced, lost, packets, packets_lost, egress_packets, egress_bytes
3 fork: child_tgid, child_tid, flags
4 exec: dev, ino, gen, layer, path b, argv b, argv_len, uid, euid, gid, egid, cap_eff, cap_prm, cap_bnd, nnp, seccomp, ns_mnt, ns_pid, ns_net, ns_user
5 exit: code, last
6 open: nr, fd, flags, mode, dev, ino, gen, layer, path b, cut
7 read: nr, fd, dev, ino, gen, layer, offset, bytes
8 write: nr, fd, dev, ino, gen, layer, offset, bytes
9 map: nr, dev, ino, gen, layer, offset, length, prot, flags, path b
10 socket: fd, family, type, proto, ino
11 connect: fd, ino, family, type, addr b, port, result i
12 bind: fd, ino, family, type, addr b, port, result i
13 listen: fd, ino, family, type, addr b, port, result i
14 accept: fd, ino, family, type, addr b, port
15 send: nr, fd, ino, family, type, proto, addr b, port, local_port, bytes
16 recv: nr, fd, ino, family, type, proto, addr b, port, local_port, bytes
17 cred: nr, uid, euid, gid, egid, cap_eff, cap_prm, cap_bnd, nnp, seccomp
18 deny: nr, result i, arg0, arg1
19 output: stream, data b
20 freeze: means, began, duration, fill
21 pages: by, dev, ino, gen, offset, length, times
22 ring: opcode, result i, dev, ino, gen, layer, path b
23 sent: nr, ino, family, type, proto, addr b, port, local_port, bytes, times
24 packet: owner, ino, family, proto, addr b, port, local_port, bytes, packets
25 call: nr, result i, arg0, arg1, arg2
26 move: moved_tgid, moved_tid, inside, path b
27 look: look, when, tasks, files, mappings
28 alive: look, of_tgid, of_tid, uid, euid, gid, egid, cap_eff, cap_prm, cap_bnd, nnp, seccomp, dev, ino, gen, layer, path b
29 held: look, of_tgid, fd, flags, mode, dev, ino, gen, layer, path b
30 mapped: look, of_tgid, offset, length, prot, dev, ino, gen, layer, path b
31 copyup: from_dev, from_ino, from_gen, dev, ino, gen
32 library: dev, ino, gen, layer, functions, watched, until, why, held, path b
33 given: function, connection, length, offset, nested, cut, data b
34 taken: function, connection, result i, bytes
`

type kindRow struct {
	name   string
	fields []string
	types  []byte // u i b
}

var kinds = func() []kindRow {
	var rows []kindRow
	for _, line := range strings.Split(strings.TrimSpace(kindTable), "\n") {
		head := strings.SplitN(line, ": ", 2)
		row := kindRow{name: strings.Fields(head[0])[1]}
		for _, f := range strings.Split(head[1], ", ") {
			w := append(strings.Fields(f), "u")
			row.fields, row.types = append(row.fields, w[0]), append(row.types, w[1][0])
		}
		rows = append(rows, row)
	}
	return rows
}()

func kindOfEvent(name string) int {
	for i, k := range kinds {
		if k.name == name {
			return i
		}
	}
	panic(name)
}

const (
	kStart = iota
	kGap
	kEnd
	kFork
	kExec
	kExit
	kOpen
	kRead
	kWrite
	kMap
	kSocket
	kConnect
	kBind
	kListen
	kAccept
	kSend
	kRecv
	kCred
	kDeny
	kOutput
	kFreeze
	kPages
	kRing
	kSent
	kPacket
	kCall
	kMove
	kLook
	kAlive
	kHeld
	kMapped
	kCopyup
	kLibrary
	kGiven
	kTaken
)

const maxFields = 24

type event struct {
	pos, time, seq, tseq uint64
	kind                 int
	cpu, tgid, tid       uint64
	u                    [maxFields]uint64 // unsigned, and the bits of signed ones
	b                    [maxFields][]byte
}

// at is the place of a field, by name; each kind's are looked up once.
func fieldAt(kind int, name string) int {
	for i, f := range kinds[kind].fields {
		if f == name {
			return i
		}
	}
	return -1
}

var fieldIndex = func() []map[string]int {
	var all []map[string]int
	for _, k := range kinds {
		m := map[string]int{}
		for i, f := range k.fields {
			m[f] = i
		}
		all = append(all, m)
	}
	return all
}()

func (e *event) n(name string) uint64 {
	i, ok := fieldIndex[e.kind][name]
	if !ok {
		panic(kinds[e.kind].name + "." + name)
	}
	return e.u[i]
}

func (e *event) s(name string) string {
	i, ok := fieldIndex[e.kind][name]
	if !ok {
		panic(kinds[e.kind].name + "." + name)
	}
	return string(e.b[i])
}

func (e *event) result() int64 {
	return int64(e.n("result"))
}

// readEvent takes one item; slices point into c.
func readEvent(c *cborCursor, e *event) bool {
	n := c.array()
	e.kind = int(c.uint())
	if c.bad || e.kind >= len(kinds) || n != 7+len(kinds[e.kind].fields) {
		return false
	}
	e.time, e.cpu, e.seq = c.uint(), c.uint(), c.uint()
	e.tgid, e.tid, e.tseq = c.uint(), c.uint(), c.uint()
	for i, t := range kinds[e.kind].types {
		switch t {
		case 'u':
			e.u[i] = c.uint()
		case 'i':
			e.u[i] = uint64(c.int())
		case 'b':
			e.b[i] = c.bytes()
		}
	}
	return !c.bad && e.cpu <= 65535 && e.tgid < 1<<32 && e.tid < 1<<32
}
