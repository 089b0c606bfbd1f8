package main

// collect.encrypted: what of the stretches outside TLS can be read on the way (findings.md). Flows that hold TLS are not opened here.

// usesTLS: a ClientHello stands within the first 16 KiB of what the connection said.
func (f *flow) usesTLS() bool {
	if f.key.proto != protoTCP {
		return false
	}
	b := f.payload[:min(len(f.payload), 16384+5)]
	for i := 0; i+6 <= len(b); i++ {
		if b[i] == 22 && b[i+1] == 3 && b[i+2] <= 4 && b[i+5] == 1 {
			return true
		}
	}
	return false
}

func (r *run) usesTLS() bool {
	if r.flows == nil {
		return false
	}
	for _, f := range r.flows.list {
		if f.usesTLS() {
			return true
		}
	}
	return false
}

func printable(c byte) bool {
	return c >= 32 && c < 127 || c == '\t' || c == '\r' || c == '\n'
}

func canRead(b []byte) bool {
	run, all := 0, len(b) >= 8
	for _, c := range b {
		if !printable(c) {
			run, all = 0, false
			continue
		}
		if run++; run >= 24 {
			return true
		}
	}
	return all
}

// readable as it is or behind up to two encodings.
func readable(v *view, depth int) bool {
	if canRead(v.data) {
		return true
	}
	if depth == 2 {
		return false
	}
	for _, d := range decoders {
		for _, inner := range d.open(v) {
			if readable(inner, depth+1) {
				return true
			}
		}
	}
	return false
}

type stretch struct{ from, to int }

// stretches of a flow: datagrams, or all that a connection said.
func (f *flow) stretches() []stretch {
	if f.key.proto == protoTCP {
		if len(f.payload) == 0 {
			return nil
		}
		return []stretch{{0, len(f.payload)}}
	}
	var out []stretch
	for i, from := range f.grams {
		to := len(f.payload)
		if i+1 < len(f.grams) {
			to = f.grams[i+1]
		}
		if to > from {
			out = append(out, stretch{from, to})
		}
	}
	return out
}

func claimEncrypted(c *core, r *run, j *judgement) {
	j.good.add("bytes", 0)
	if r.flows == nil {
		return
	}
	names := map[string]bool{}
	for _, f := range r.flows.list {
		names[f.host()] = true
	}
	hits := c.searchRun(r)
	for i, f := range r.flows.list {
		if f.usesTLS() {
			continue // the claim is taken then
		}
		for _, s := range f.stretches() {
			piece := f.payload[s.from:s.to]
			question := f.key.proto == protoUDP && f.key.far == 53
			if question {
				q := readQuestion(piece)
				question = q.name != ""
				if q.good && names[q.name] && (q.qtype == 1 || q.qtype == 28 || q.qtype == 65) {
					continue
				}
			}
			if f.ofKernel(piece) {
				continue
			}
			code := "bytes.opaque"
			if question || hits.within(i, uint64(s.from), uint64(s.to)) || readable(&view{data: piece}, 0) {
				code = "bytes.readable"
			}
			j.ground(code).add("bytes", uint64(len(piece))).flow(r.n, i, f.layer, uint64(s.from), uint64(len(piece)))
		}
	}
}

// ofKernel: what the kernel sends by itself: ARP, neighbour discovery, multicast reports, ICMP errors.
func (f *flow) ofKernel(b []byte) bool {
	switch f.key.proto {
	case -1:
		return len(b) >= 8 && b[0] == 0 && b[1] == 1 && b[2] == 8 && b[3] == 0 && b[4] == 6 && b[5] == 4
	case 2:
		return true
	case protoICMP:
		return b[0] == 3 || b[0] == 11 || b[0] == 12
	case 58:
		return b[0] < 128 || b[0] >= 130 && b[0] <= 137 || b[0] == 143
	}
	return false
}

func (h *hitList) within(flow int, from, to uint64) bool {
	for _, x := range h.list {
		if x.flow == flow && x.from < to && x.to > from {
			return true
		}
	}
	return false
}
