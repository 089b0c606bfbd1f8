package main

// Packets to outgoing flows and endpoints (findings.md, "Flows").

import (
	"bytes"
	"fmt"
	"net"
	"sort"
	"strings"
)

const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
)

type piece struct {
	at   uint64 // in the stream
	data []byte
}

type flowKey struct {
	proto     int // -1 link
	src, dst  string
	port, far uint16
}

type flow struct {
	key      flowKey
	endpoint string
	layer    string
	wire     uint64
	payload  []byte
	grams    []int // where each datagram begins, but for TCP
	bytes    uint64
	packets  uint64
	cut      bool
	holes    bool
	isn      uint32
	synSeen  bool
	segments []piece
	complain bool // nothing but ICMP errors
}

type flows struct {
	list              []*flow
	byKey             map[flowKey]*flow
	names             map[string]string
	cut               uint64 // packets that are cut short
	outgoing          uint64 // packets
	bytes             uint64 // of IP packets
	lastDatagramFrags map[string]flowKey
}

type ipPacket struct {
	src, dst []byte
	proto    int
	payload  []byte
	length   int
	frag     bool // a fragment but the first
	more     bool
}

func parseIP(b []byte) (*ipPacket, bool) {
	if len(b) >= 20 && b[0]>>4 == 4 {
		head, total := int(b[0]&15)*4, int(b[2])<<8|int(b[3])
		if head < 20 || total < head {
			return nil, false
		}
		p := &ipPacket{src: b[12:16], dst: b[16:20], proto: int(b[9]), length: total}
		off := int(b[6]&0x1f)<<8 | int(b[7])
		p.frag, p.more = off != 0, b[6]&0x20 != 0
		end := min(total, len(b))
		if head <= end {
			p.payload = b[head:end]
		}
		return p, true
	}
	if len(b) >= 40 && b[0]>>4 == 6 {
		n := int(b[4])<<8 | int(b[5])
		return &ipPacket{src: b[8:24], dst: b[24:40], proto: int(b[6]), payload: b[40:min(len(b), 40+n)], length: 40 + n}, true
	}
	return nil, false
}

// readFlows takes the packets of a run; chamber is its address.
func readFlows(f *packetFile, chamber string) *flows {
	out := &flows{byKey: map[flowKey]*flow{}, names: map[string]string{}, lastDatagramFrags: map[string]flowKey{}}
	own := net.ParseIP(chamber).To4()
	order := make([]int, len(f.packets))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return f.packets[order[i]].ns < f.packets[order[j]].ns })
	var mac []byte
	for _, p := range f.packets {
		if len(p.data) >= 34 && ipType(p.data) == 4 && bytes.Equal(p.data[26:30], own) {
			mac = p.data[6:12]
			break
		}
	}
	for _, i := range order {
		out.take(&f.packets[i], own, mac)
	}
	for _, fl := range out.list {
		fl.finish()
	}
	return out
}

func ipType(frame []byte) int {
	if len(frame) < 14 {
		return 0
	}
	switch int(frame[12])<<8 | int(frame[13]) {
	case 0x0800:
		return 4
	case 0x86dd:
		return 6
	}
	return 0
}

func (o *flows) take(p *packet, own, mac []byte) {
	var ip *ipPacket
	ok := false
	if ipType(p.data) != 0 {
		ip, ok = parseIP(p.data[14:])
	}
	if ok && bytes.Equal(ip.dst, own) && !bytes.Equal(ip.src, own) && !bytes.Equal(p.data[6:12], mac) {
		return
	}
	o.outgoing++
	if int(p.orig) > len(p.data) {
		o.cut++
	}
	if !ok {
		fl := o.flowOf(flowKey{proto: -1})
		fl.packets++
		rest, wire := p.data, uint64(p.orig) // what is behind the Ethernet header
		if len(rest) >= 14 {
			rest, wire = rest[14:], wire-14
		}
		fl.wire += wire
		fl.add(rest)
		return
	}
	o.bytes += uint64(ip.length)
	o.takeIP(p, ip)
	if extra := len(p.data) - 14 - ip.length; extra > 0 {
		fl := o.flowOf(flowKey{proto: -1})
		fl.wire += uint64(extra)
		fl.add(p.data[14+ip.length:])
	}
}

func (o *flows) takeIP(p *packet, ip *ipPacket) {
	key := flowKey{proto: ip.proto, src: string(ip.src), dst: string(ip.dst)}
	ends := string(ip.src) + string(ip.dst) + string(rune(ip.proto))
	body := ip.payload
	switch {
	case ip.frag:
		if k, ok := o.lastDatagramFrags[ends]; ok {
			key = k
		}
	case ip.proto == protoTCP && len(body) >= 20 || ip.proto == protoUDP && len(body) >= 8:
		key.port, key.far = uint16(body[0])<<8|uint16(body[1]), uint16(body[2])<<8|uint16(body[3])
		o.lastDatagramFrags[ends] = key
	}
	if ip.proto == protoUDP && key.far == 53 && len(body) > 8 && !ip.frag {
		o.ask(body[8:])
	}
	fl := o.flowOf(key)
	fl.packets++
	fl.wire += uint64(ip.length)
	if int(p.orig) > len(p.data) {
		fl.cut = true
	}
	if ip.proto == protoICMP && !ip.frag && len(body) > 0 {
		if t := body[0]; t != 3 && t != 11 && t != 12 {
			fl.complain = false
		} else if fl.packets == 1 {
			fl.complain = true
		}
	}
	switch {
	case ip.frag:
		fl.add(body)
	case ip.proto == protoTCP && len(body) >= 20:
		fl.segment(body)
	case ip.proto == protoUDP && len(body) >= 8:
		end := len(body)
		if n := int(body[4])<<8 | int(body[5]); n >= 8 && n < end && !ip.more {
			end = n // what is behind is told by features alone
		}
		fl.add(body[8:end])
	default:
		fl.add(body)
	}
}

func (fl *flow) add(b []byte) {
	fl.grams = append(fl.grams, len(fl.payload))
	fl.payload = append(fl.payload, b...)
	fl.bytes += uint64(len(b))
}

func (fl *flow) segment(b []byte) {
	seq := uint32(b[4])<<24 | uint32(b[5])<<16 | uint32(b[6])<<8 | uint32(b[7])
	head := int(b[12]>>4) * 4
	if b[13]&2 != 0 {
		fl.isn, fl.synSeen = seq+1, true
		seq++
	} else if !fl.synSeen && len(fl.segments) == 0 {
		fl.isn, fl.synSeen = seq, true
	}
	if head < 20 || head > len(b) || len(b) == head {
		return
	}
	fl.segments = append(fl.segments, piece{uint64(seq - fl.isn), b[head:]})
}

// finish puts a TCP stream together; what was sent again and differs stands behind it.
func (fl *flow) finish() {
	if fl.key.proto != protoTCP {
		return
	}
	var behind []byte
	sort.SliceStable(fl.segments, func(i, j int) bool { return fl.segments[i].at < fl.segments[j].at })
	for _, s := range fl.segments {
		n := uint64(len(fl.payload))
		if s.at > n {
			fl.holes = true
			fl.payload = append(fl.payload, s.data...)
			continue
		}
		again := s.data[:min(len(s.data), int(n-s.at))]
		if !bytes.Equal(again, fl.payload[s.at:int(s.at)+len(again)]) {
			behind = append(behind, again...)
		}
		fl.payload = append(fl.payload, s.data[len(again):]...)
	}
	fl.payload = append(fl.payload, behind...)
	fl.bytes = uint64(len(fl.payload))
}

func (o *flows) flowOf(key flowKey) *flow {
	if fl := o.byKey[key]; fl != nil {
		return fl
	}
	fl := &flow{key: key, layer: layerName(key.proto)}
	fl.endpoint = o.endpointOf(key)
	o.byKey[key] = fl
	o.list = append(o.list, fl)
	return fl
}

// host is the endpoint without port and protocol.
func (f *flow) host() string {
	if i := strings.LastIndexByte(f.endpoint, ':'); i > 0 {
		return f.endpoint[:i]
	}
	return f.endpoint
}

func layerName(proto int) string {
	switch proto {
	case -1:
		return "link"
	case protoICMP:
		return "icmp"
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case 58:
		return "icmpv6"
	}
	return fmt.Sprintf("ip%d", proto)
}

func (o *flows) endpointOf(key flowKey) string {
	if key.proto == -1 {
		return "link"
	}
	host := o.names[key.dst]
	if host == "" {
		host = "[" + net.IP(key.dst).String() + "]"
	}
	return fmt.Sprintf("%s:%d/%s", host, key.far, layerName(key.proto))
}

type question struct {
	name  string
	qtype int
	good  bool
}

func readQuestion(b []byte) question {
	var q question
	if len(b) < 12 || b[2]&0x80 != 0 || b[2]>>3&15 != 0 || b[4] != 0 || b[5] != 1 {
		return q
	}
	at := 12
	var labels []string
	for {
		if at >= len(b) || b[at] > 63 {
			return q
		}
		n := int(b[at])
		at++
		if n == 0 {
			break
		}
		if at+n > len(b) {
			return q
		}
		labels = append(labels, strings.ToLower(string(b[at:at+n])))
		at += n
	}
	if at+4 > len(b) {
		return q
	}
	q.name, q.qtype = strings.Join(labels, "."), int(b[at])<<8|int(b[at+1])
	q.good = b[at+2] == 0 && b[at+3] == 1
	return q
}

func (o *flows) ask(b []byte) {
	if q := readQuestion(b); q.good && q.qtype == 1 {
		a := nameAddress(q.name)
		o.names[string(a[:])] = q.name
	}
}
