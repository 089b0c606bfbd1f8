package main

// Calls that reach behind the recorder or around a witness: by name, how often done and refused, what they make doubtful.

type reachCount struct {
	name         string
	touches      int
	done, denied uint64
	first        uint64
}

const compatBit = 1 << 30

var ioctlRows = []struct {
	mask, command uint64
	touches       int
}{
	{0xffff, 0x2101, touchesRecord}, {0xffff, 0x2103, touchesReads | touchesPaths}, {0xffff, 0x587d, touchesRecord},
	{0xffff, 0x5877, 0}, {0xffff, 0x5412, 0}, {0xffff, 0x54ca, 0}, {0xff00, 0xae00, 0}, {0xff00, 0xaf00, 0},
}

func reachOf(nr uint64) reachRow {
	for _, r := range reachRows {
		own := r.n64
		if nr&compatBit != 0 {
			own = r.n32
		}
		if own >= 0 && nr&^compatBit == uint64(own) {
			return r
		}
	}
	return reachRow{name: "other", touches: touchesRecord}
}

func touchesOf(r reachRow, arg0, arg1 uint64) int {
	switch r.name {
	case "ptrace":
		if arg0 == 16 || arg0 == 0x4206 {
			return touchesRecord
		}
		return 0
	case "ioctl":
		for _, c := range ioctlRows {
			if arg1&c.mask == c.command {
				return c.touches
			}
		}
	}
	return r.touches
}
