package main

// What events tell of who chose what in a flow's headers (findings.md, "What the kernel makes").

import "fmt"

type socketFact struct {
	family, stype, proto uint64
	bound, chosen        bool // to a port; by the kernel
	left                 bool // a packet of it was counted
}

type sendFacts struct {
	sockets      map[uint64]*socketFact
	packetSocket bool
	rawSocket    bool
	rawIP        bool // IPPROTO_RAW, or IP_HDRINCL
	portRange    bool
	window       bool
	options      string
	boundPorts   map[[2]uint64]bool // type, port
	rawFlows     map[netKey]bool
	told         map[netKey]bool // flows of which an event tells
	sizes        map[netKey]string
	inodes       map[netKey]map[uint64]bool
}

func newSendFacts() *sendFacts {
	return &sendFacts{sockets: map[uint64]*socketFact{}, boundPorts: map[[2]uint64]bool{}, rawFlows: map[netKey]bool{}, told: map[netKey]bool{}, sizes: map[netKey]string{}, inodes: map[netKey]map[uint64]bool{}}
}

const (
	familyPacket = 17
	typeRaw      = 3
)

func (s *sendFacts) socket(e *event) *socketFact {
	f := s.sockets[e.n("ino")]
	if f == nil {
		f = &socketFact{}
		s.sockets[e.n("ino")] = f
	}
	return f
}

func (s *sendFacts) take(e *event) {
	switch e.kind {
	case kSocket:
		f := s.socket(e)
		f.family, f.stype, f.proto = e.n("family"), e.n("type")&15, e.n("proto")
		s.packetSocket = s.packetSocket || f.family == familyPacket
		if f.stype == typeRaw && (f.family == 2 || f.family == 10) {
			s.rawSocket = true
			s.rawIP = s.rawIP || f.proto == 255
		}
	case kBind:
		if e.result() != 0 {
			return
		}
		f := s.socket(e)
		f.stype, f.family = e.n("type")&15, e.n("family")
		if e.n("port") != 0 {
			s.boundPorts[[2]uint64{f.stype, e.n("port")}] = true
			f.bound = true
		} else {
			f.chosen = true
		}
	case kConnect:
		if r := e.result(); r == 0 || r == -115 {
			f := s.socket(e)
			f.stype, f.family = e.n("type")&15, e.n("family")
			f.chosen = true
		}
	case kSend:
		f := s.socket(e)
		f.stype, f.family = e.n("type")&15, e.n("family")
		f.chosen = true
		k := netKey{e.n("proto"), e.n("local_port"), e.n("port"), e.s("addr")}
		s.told[k] = true
		s.sizes[k] += fmt.Sprint(e.n("bytes"), " ")
	case kPacket:
		k := netKey{e.n("proto"), e.n("local_port"), e.n("port"), e.s("addr")}
		s.told[k] = true
		f := s.socket(e)
		f.left = true
		if f.stype == typeRaw {
			s.rawFlows[k] = true
		}
	case kCall:
		if e.n("nr") == 54 || e.n("nr") == compatBit+366 {
			s.option(e.n("arg1"), e.n("arg2"))
		}
	}
}

func (s *sendFacts) option(level, name uint64) {
	switch {
	case level == 0 && name == 3:
		s.rawIP = true
	case level == 0 && name == 51:
		s.portRange = true
	case level == 1 && (name == 8 || name == 33 || name == 18), level == 6 && name == 10:
		s.window = true
	case level == 6 && (name == 3 || name == 1):
		s.options += fmt.Sprint(name, " ")
	}
}

type chosen struct {
	packets, ip, port, window bool
	sends                     string
}

// of tells what the product could choose of a flow.
func (s *sendFacts) of(f *flow, witnessed bool) chosen {
	if !witnessed {
		return chosen{true, true, true, true, ""}
	}
	k := netKey{uint64(f.key.proto), uint64(f.key.port), uint64(f.key.far), f.key.dst}
	raw := s.rawFlows[k]
	out := chosen{packets: s.packetSocket || raw || s.rawSocket && !s.told[k]}
	out.ip = s.packetSocket || raw && s.rawIP
	stype := map[int]uint64{protoTCP: 1, protoUDP: 2, protoICMP: 2}[f.key.proto]
	out.port = s.boundPorts[[2]uint64{stype, uint64(f.key.port)}] || s.portRange
	for _, x := range s.sockets {
		if x.stype == stype && (x.family == 2 || x.family == 10) && x.chosen && !x.bound && !x.left {
			out.port = true
		}
	}
	out.window = s.window
	out.sends = s.sizes[k] + "/" + s.options
	return out
}

// settled says that nothing of the product's choice shows in what differs.
func (r *run) settled(f *feature, other *run, g *feature) bool {
	var a, b chosen
	if f != nil && f.flow > 0 {
		a = r.choices[f.flow-1]
	}
	if g != nil && g.flow > 0 {
		b = other.choices[g.flow-1]
	}
	origin := 0
	if f != nil {
		origin = f.origin
	} else if g != nil {
		origin = g.origin
	}
	packets := a.packets || b.packets
	switch origin {
	case originKernel:
		return !packets
	case originIP:
		return !a.ip && !b.ip
	case originPort:
		return !packets && !a.port && !b.port
	case originWindow:
		return !packets && !a.window && !b.window
	case originCut:
		return !packets && a.sends == b.sends
	case originDerived:
		return true
	}
	return false
}
