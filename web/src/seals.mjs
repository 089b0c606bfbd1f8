/* core.json and manifest.json: made again from the parts, and compared byte for byte. */
import { bytesOf, hex, refuse, same, Unknown } from "./bytes.mjs";
import { Tally } from "./events.mjs";
import { list, member, parse } from "./json.mjs";
import { besides, inManifest, roleOf } from "./parts.mjs";
import { packetsRoot } from "./packets.mjs";
import { EVENTS, readRecord, TREE } from "./record.mjs";

const FORMAT = 1, CORE_MAX = 16 << 20;

/* The one number that is read before anything else is believed: which format the bundle says it has. */
export function checkFormat(parts) {
	const core = parts.get("core.json");

	if (!core || core.size > CORE_MAX)
		refuse("core.json is missing or too large");
	const document = parse(core.whole(), "core.json"), schema = member(document, "schema"), format = member(document, "format");

	if (typeof schema !== "string" || !schema.startsWith("hallmark/core/v") || !Number.isInteger(format) || format < 1)
		refuse("core.json: not the core of a Hallmark bundle");
	if (format !== FORMAT || schema !== "hallmark/core/v1")
		throw new Unknown(`bundle format ${format} (${schema}) is not known to this page: get a newer one`);
}

export const digestOf = (parts, name) => (parts.has(name) ? "sha256:" + hex(parts.get(name).sha256) : null);

/* In bytewise order of names, which are ASCII: that of `parts`. */
export function checkManifest(parts) {
	const rows = [...parts.values()].filter((m) => inManifest(m.name))
		.map((m) => `{"length":${m.size},"name":"${m.name}","sha256":"${hex(m.sha256)}"}`);
	const again = `{"members":[${rows.join(",")}],"schema":"hallmark/manifest/v1"}`;
	const there = parts.get("manifest.json").whole();

	if (same(bytesOf(again), there))
		return;
	let at = '{"members":['.length;

	for (const row of rows) {
		if (!same(bytesOf(row), there.subarray(at, at + row.length)))
			refuse(`manifest.json differs at ${/"name":"([^"]*)"/.exec(row)[1]}`);
		at += row.length + 1;
	}
	refuse("manifest.json differs at its end");
}

/* Reads all records, trees and packet files, each once. What is wrong with one is kept and thrown by whoever asks for it. */
export class Runs {
	#read = new Map();

	constructor(parts, progress) {
		for (const part of parts.values()) {
			const role = roleOf(part.name).role;

			if (role === "events" || role === "tree")
				this.#keep(part.name, () => this.#record(part, role === "events" ? EVENTS : TREE, progress));
			else if (role === "packets")
				this.#keep(part.name, () => packetsRoot(part, parts.get(besides(part.name, "packets.salts")), progress));
		}
	}

	#keep(name, read) {
		try {
			this.#read.set(name, read());
		} catch (e) {
			this.#read.set(name, e);
		}
	}

	#record(part, kind, progress) {
		const tally = new Tally(), head = readRecord(part, kind === EVENTS ? tally.item : () => {}, progress);

		return { ...head, tally, kindHolds: head.kind === kind };
	}

	get(name) {
		const there = this.#read.get(name);

		if (there instanceof Error)
			throw there;
		return there;
	}

	/* The same, as core.json needs it: of the right kind, and all gaps and ends well formed. */
	checked(name) {
		const record = this.get(name);

		if (!record.kindHolds)
			refuse(`${name}: a record of another kind`);
		if (record.tally.wrong)
			throw record.tally.wrong;
		return record;
	}
}

/* Where what tells the losses is withheld, they are those that core.json states; never fewer than are left to be counted. */
function lossesOf(record, left, name, core) {
	if (!record.withheld.length)
		return left;
	const stated = member(list(member(core, "records")).find((row) => member(row, "name") === name), "lost");

	return Number.isInteger(stated) && stated >= left ? stated : refuse(`${name}: core.json states fewer losses than are left to be counted`);
}

function recordRow(parts, runs, core, { name }) {
	const role = roleOf(name).role;

	if (role === "tree" || role === "events") {
		const r = runs.checked(name);

		return `{"cut":${r.cut},"items":${r.items},"leaves":${r.blocks},"lost":${role === "tree" ? 0 : lossesOf(r, r.tally.lost, name, core)},"name":"${name}","root":"${hex(r.root)}"}`;
	}
	const record = runs.checked(besides(name, "record.cbor.zst")), r = runs.get(name);

	return `{"leaves":${r.leaves},"lost":${lossesOf(record, record.tally.packetsLost, name, core)},"name":"${name}","root":"${hex(r.root)}"}`;
}

export function checkCore(parts, runs) {
	const semantics = member(parse(parts.get("plan.json").whole(), "plan.json"), "semantics");

	const core = parse(parts.get("core.json").whole(), "core.json");

	if (!Number.isInteger(semantics) || semantics < 1)
		refuse("plan.json: semantics is no number from 1");
	const all = [...parts.values()], role = (m) => roleOf(m.name).role;
	const inputs = all.filter((m) => role(m) === "input").map((m) => `{"name":"${m.name}","sha256":"${hex(m.sha256)}"}`);
	const records = all.filter((m) => ["tree", "events", "packets"].includes(role(m))).map((m) => recordRow(parts, runs, core, m));
	const again = `{"claim_set":"${digestOf(parts, "claims.json")}","findings":"${digestOf(parts, "findings.json")}","format":${FORMAT},` +
		`"inputs":[${inputs.join(",")}],"records":[${records.join(",")}],"schema":"hallmark/core/v1","semantics":${semantics}}`;

	if (!same(bytesOf(again), parts.get("core.json").whole()))
		refuse("core.json does not describe these parts");
}
