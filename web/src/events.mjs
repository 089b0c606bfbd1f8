/* Of events, what a page needs that derives no finding: the first, gaps and the end (doc/format/record.md). */
import { Refused, refuse, Unknown } from "./bytes.mjs";
import { Cbor } from "./cbor.mjs";

/* What this page knows: the version of events, and the semantics of findings that go with each. */
export const EVENT_VERSION = 3, SEMANTICS = 5;
export const eventsOf = (semantics) => (semantics < 2 ? semantics : semantics < 4 ? 2 : 3);

const START = 0, GAP = 1, END = 2, U32_MAX = 0xffffffff;
const GAP_PACKETS = 3, GAP_OUTPUT = 4;
const fields = {
	[START]: ["version", "plan:b", "run", "kernel:b", "cpus", "witnesses:b"],
	[GAP]: ["source", "from_cpu", "first", "count"],
	[END]: ["outcome", "status", "produced", "lost", "packets", "packets_lost", "egress_packets", "egress_bytes"],
};

function headOf(item) {
	const c = new Cbor(item);

	try {
		const count = c.array();

		return { c, count, kind: c.unsigned() };
	} catch {
		throw new Refused("an item is no event");
	}
}

/* The fields of an event of one of the three kinds. */
function decode({ c, count, kind }) {
	const event = { kind };

	c.unsigned();
	for (const what of ["cpu", null, "tgid", "tid", null])
		if (c.unsigned() > U32_MAX && what)
			refuse("event: malformed");
	for (const field of fields[kind]) {
		const [name, bytes] = field.split(":");

		event[name] = bytes ? c.string() : c.unsigned();
	}
	if (c.left || count !== 7 + fields[kind].length)
		refuse("event: malformed");
	return event;
}

const sum = (a, b) => Math.min(a + b, Number.MAX_SAFE_INTEGER);

/* Gathers from the items of one record. What is wrong with an item is kept: `wrong`. */
export class Tally {
	#events = 0;
	#packets = 0;
	#endEvents = 0;
	#endPackets = 0;
	wrong = null;
	first = null; /* the first item that is there, and its position */
	firstAt = 0;

	item = (bytes, position) => {
		if (this.first === null) {
			this.first = bytes.slice();
			this.firstAt = position;
		}
		try {
			this.#count(headOf(bytes));
		} catch (e) {
			this.wrong ??= e;
		}
	};

	#count(head) {
		if (head.kind === GAP) {
			const event = decode(head);

			if (event.source === GAP_PACKETS)
				this.#packets = sum(this.#packets, event.count);
			else if (event.source !== GAP_OUTPUT)
				this.#events = sum(this.#events, event.count);
		} else if (head.kind === END) {
			const event = decode(head);

			this.#endEvents = sum(this.#endEvents, event.lost);
			this.#endPackets = sum(this.#endPackets, event.packets_lost);
		}
	}

	get lost() {
		return Math.max(this.#events, this.#endEvents);
	}

	get packetsLost() {
		return Math.max(this.#packets, this.#endPackets);
	}
}

/* The start event that a record begins with. */
export function readStart(first) {
	if (first === null)
		refuse("it is empty");
	const head = headOf(first);

	if (head.kind > 0xffff || head.count < 7)
		refuse("event: malformed");
	if (head.kind !== START)
		refuse("it does not begin with a start");
	const event = decode(head);

	if (event.version === 0 || event.version > EVENT_VERSION)
		throw new Unknown(`its events are of version ${event.version}, which this page does not know`);
	return event;
}
