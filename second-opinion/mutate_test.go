package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Records that nobody recorded: events of a golden bundle dropped, doubled, changed, others put between them. What this program
// derives from such a core is put into it as its findings, and the first verifier must derive the same bytes, or refuse where this one does.
// HALLMARK_VERIFY is that verifier; HALLMARK_MUTATIONS says how many (60), HALLMARK_SEED where to begin.

type rawEvent struct {
	kind   int
	head   [6]uint64 // time cpu seq tgid tid tseq
	fields []interface{}
}

func decodeEvents(t *testing.T, file []byte) []*rawEvent {
	var out []*rawEvent
	if _, err := readEvents(file, func(e *event) {
		r := &rawEvent{kind: e.kind, head: [6]uint64{e.time, e.cpu, e.seq, e.tgid, e.tid, e.tseq}}
		for i, ty := range kinds[e.kind].types {
			switch ty {
			case 'b':
				r.fields = append(r.fields, string(e.b[i]))
			case 'i':
				r.fields = append(r.fields, int64(e.u[i]))
			default:
				r.fields = append(r.fields, e.u[i])
			}
		}
		out = append(out, r)
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *rawEvent) encode(b []byte) []byte {
	b = cborHead(cborHead(b, 4, uint64(7+len(r.fields))), 0, uint64(r.kind))
	for _, v := range r.head {
		b = cborHead(b, 0, v)
	}
	for _, f := range r.fields {
		switch v := f.(type) {
		case uint64:
			b = cborHead(b, 0, v)
		case int64:
			if v < 0 {
				b = cborHead(b, 1, uint64(-1-v))
			} else {
				b = cborHead(b, 0, uint64(v))
			}
		case string:
			b = append(cborHead(b, 2, uint64(len(v))), v...)
		}
	}
	return b
}

var strangePaths = []string{"/etc/shadow", "/tmp/x", "/srv/documents/letter.eml", "/srv/documents/none", "/proc/1/status", "/proc/77/maps", "/dev/null", "", "/", "/usr/lib/x.so", "/memfd:x",
	"pipe:[7]", "/lib/x", "/root/.pyzor/servers", "/var/lib/pyzor/db", "/usr/bin/python3.11", "/dev/zero", "/home/a/.cache/pyzor/x", "/etc/machine-id", "[vdso]", "/dev/pts/0", "/dev/pts/ptmx"}

type mutator struct {
	r      *rand.Rand
	events []*rawEvent
}

func (m *mutator) some() *rawEvent { return m.events[1+m.r.Intn(len(m.events)-2)] }

// strange is a value for a field: of another event, or one that stands at a border.
func (m *mutator) strange(kind, i int) interface{} {
	name := kinds[kind].fields[i]
	switch kinds[kind].types[i] {
	case 'b':
		if name == "addr" {
			return []string{"\xc6\x12\x00\x01", "\x08\x08\x08\x08", "", "/x"}[m.r.Intn(4)]
		}
		return strangePaths[m.r.Intn(len(strangePaths))]
	case 'i':
		return []int64{0, -2, -115, 7}[m.r.Intn(4)]
	}
	switch name {
	case "source", "from_cpu", "means", "when":
		return uint64(m.r.Intn(6))
	case "layer":
		return uint64(m.r.Intn(4))
	case "nr":
		return []uint64{0, 1, 9, 16, 41, 54, 59, 101, 157, 159, 165, 257, 285, 310, 321, 425, 999, compatBit + 5, compatBit + 26}[m.r.Intn(19)]
	case "mode":
		return []uint64{0100644, 0040755, 0020666, 0010600, 0140777, 0060600, 0}[m.r.Intn(7)]
	case "family":
		return []uint64{1, 2, 10, 16, 17}[m.r.Intn(5)]
	case "type":
		return uint64(1 + m.r.Intn(3))
	}
	for tries := 0; tries < 20; tries++ {
		if e := m.some(); e.kind == kind {
			return e.fields[i]
		}
	}
	return []uint64{0, 1, 2, 3, 4, 5, 12, 4095, 4096, 4097, 1 << 32, 1<<53 - 1}[m.r.Intn(12)]
}

func (m *mutator) made(kind int) *rawEvent {
	e := &rawEvent{kind: kind}
	near := m.some()
	e.head = near.head
	if near.head[1] >= laneTLS {
		e.head[1], e.head[3], e.head[4] = 0, 100, 100
	}
	for i := range kinds[kind].fields {
		e.fields = append(e.fields, m.strange(kind, i))
	}
	if kind == kGap || kind == kLook || kind == kFreeze || kind == kOutput {
		e.head[1], e.head[3], e.head[4], e.head[5] = 65535, 0, 0, 0
	}
	return e
}

func (m *mutator) once() {
	at := 1 + m.r.Intn(len(m.events)-2)
	switch m.r.Intn(7) {
	case 0:
		m.events = append(m.events[:at:at], m.events[at+1:]...)
	case 1:
		m.insert(at, *m.events[at])
	case 2, 3, 4:
		kind := []int{kGap, kOpen, kOpen, kRead, kWrite, kMap, kMap, kBind, kListen, kCred, kDeny, kOutput, kFreeze, kPages, kRing, kSent, kPacket, kCall, kCall, kMove, kLook, kAlive,
			kHeld, kMapped, kCopyup, kExec, kFork, kExit, kSend, kSocket, kConnect}[m.r.Intn(31)]
		m.insert(at, *m.made(kind))
	default:
		e := *m.events[at]
		if len(e.fields) > 0 {
			e.fields = append([]interface{}{}, e.fields...)
			i := m.r.Intn(len(e.fields))
			e.fields[i] = m.strange(e.kind, i)
			m.events[at] = &e
		}
	}
}

func (m *mutator) insert(at int, e rawEvent) {
	e.fields = append([]interface{}{}, e.fields...)
	m.events = append(m.events[:at:at], append([]*rawEvent{&e}, m.events[at:]...)...)
}

// renumber makes the numbers whole again, so that nothing seems lost.
func (m *mutator) renumber() {
	seq, tseq := map[uint64]uint64{}, map[uint64]uint64{}
	made := uint64(0)
	for i, e := range m.events {
		c := *e
		c.head[2] = seq[c.head[1]]
		seq[c.head[1]]++
		if c.head[1] != 65535 {
			made++
		}
		if c.head[4] != 0 && c.head[1] < laneTLS {
			c.head[5] = tseq[c.head[4]]
			tseq[c.head[4]]++
			if c.kind == kExit {
				tseq[c.head[4]] = 0
			}
		}
		if c.kind == kFork {
			tseq[c.fields[1].(uint64)] = 0
		}
		m.events[i] = &c
	}
	last := m.events[len(m.events)-1]
	last.fields = append([]interface{}{}, last.fields...)
	if last.kind == kEnd {
		last.fields[2] = made
	}
}

// sealed is the bundle of these parts with core.json and manifest.json made anew.
func sealed(t *testing.T, parts map[string][]byte, order []string) []byte {
	b := &bundle{part: parts}
	for _, n := range order {
		b.members = append(b.members, member{name: n, data: parts[n]})
	}
	records := map[string]*recordSummary{}
	for _, n := range order {
		if filepath.Base(n) == "record.cbor.zst" {
			records[n], _ = readEvents(parts[n], nil)
		} else if filepath.Base(n) == "tree.cbor.zst" {
			records[n], _ = readTree(parts[n], nil)
		}
	}
	plan, _ := readJSON(parts["plan.json"])
	var err error
	if parts["core.json"], err = b.makeCore(records, plan.int("semantics")); err != nil {
		return nil
	}
	for i := range b.members {
		b.members[i].data = parts[b.members[i].name]
	}
	parts["manifest.json"] = b.makeManifest()
	for i := range b.members {
		b.members[i].data = parts[b.members[i].name]
	}
	return pack(b.members)
}

func firstSays(t *testing.T, verify, bundle string) map[string]string {
	out, _ := exec.Command(verify, bundle, "--json").Output()
	var doc struct {
		Checks []struct{ Check, Outcome, Detail string }
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%s says %q", verify, out)
	}
	said := map[string]string{}
	for _, c := range doc.Checks {
		said[c.Check] = c.Outcome + " " + c.Detail
	}
	return said
}

func number2(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

func TestMutations(t *testing.T) {
	verifier := os.Getenv("HALLMARK_VERIFY")
	if verifier == "" {
		t.Skip("HALLMARK_VERIFY names no other verifier")
	}
	file, err := os.ReadFile("../tests/golden/v2/sample.hallmark")
	if err != nil {
		t.Fatal(err)
	}
	members, _ := readContainer(file)
	parts, order := map[string][]byte{}, []string{}
	for _, m := range members {
		if len(m.name) < 11 || m.name[:11] != "attestation" {
			parts[m.name] = m.data
			order = append(order, m.name)
		}
	}
	const record = "runs/0001/record.cbor.zst"
	whole := decodeEvents(t, parts[record])
	first, wrong := number2("HALLMARK_SEED", 1), 0
	kept := os.Getenv("HALLMARK_KEEP")
	for n := first; n < first+number2("HALLMARK_MUTATIONS", 60); n++ {
		m := &mutator{r: rand.New(rand.NewSource(int64(n))), events: append([]*rawEvent{}, whole...)}
		for i := m.r.Intn(3); i >= 0; i-- {
			m.once()
		}
		if m.r.Intn(5) > 0 {
			m.renumber()
		}
		tried := map[string][]byte{}
		for k, v := range parts {
			tried[k] = v
		}
		tried[record] = writeRecord(t, func(yield func(int, []byte)) {
			var raw []byte
			for _, e := range m.events {
				raw = e.encode(raw)
			}
			yield(len(m.events), raw)
		})
		bundle := sealed(t, tried, order)
		if bundle == nil {
			continue
		}
		v := verify(bundle, &request{})
		refused := v.derived == nil
		if !refused {
			tried["findings.json"] = v.derived.write(nil)
			bundle = sealed(t, tried, order)
		}
		name := filepath.Join(t.TempDir(), "tried.hallmark")
		os.WriteFile(name, bundle, 0o600)
		said := firstSays(t, verifier, name)
		good := said["findings"][:5] == "holds"
		if good == refused || said["core"][:5] != "holds" {
			wrong++
			t.Errorf("mutation %d: refused here: %v; there %s; core %s", n, refused, said["findings"], said["core"])
			if kept != "" {
				os.WriteFile(filepath.Join(kept, fmt.Sprintf("%d.hallmark", n)), bundle, 0o600)
			}
		}
	}
	t.Logf("%d differ", wrong)
}
