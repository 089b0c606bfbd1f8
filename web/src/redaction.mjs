/* What is withheld (doc/format/bundle.md, "Redaction"): redaction.json is made again, and all else must be as manifest.original.json has it. */
import { bytesOf, compareText, hex, refuse, same } from "./bytes.mjs";
import { member, parse, write } from "./json.mjs";
import { besides, inManifest, roleOf } from "./parts.mjs";

const ORIGINAL = "manifest.original.json", REDACTION = "redaction.json";
const own = (name) => name === ORIGINAL || name === REDACTION;

/* One more block that is withheld: neighbours are one row, of packet files those of the same kind. */
export function grow(rows, block, { first, items, what }) {
	const last = rows.at(-1);

	if (last && last.to + 1 === block && last.what === what) {
		last.to = block;
		if (what === undefined)
			last.items += items;
		return;
	}
	rows.push(what === undefined ? { first, from: block, items, to: block } : { from: block, to: block, what });
}

function rowsOf(parts, runs) {
	const rows = new Map();

	for (const { name } of parts.values())
		if (["events", "tree", "packets"].includes(roleOf(name).role) && runs.get(name).withheld.length)
			rows.set(name, runs.get(name).withheld);
	return rows;
}

function readOriginal(parts) {
	const manifest = parse(parts.get(ORIGINAL).whole(), ORIGINAL), members = member(manifest, "members");
	const exact = (value, names) => value !== null && typeof value === "object" && Object.keys(value).filter((n) => n !== "x").sort().join() === names;
	let before = "";

	if (!exact(manifest, "members,schema") || !Array.isArray(members) || typeof manifest.schema !== "string")
		refuse(`${ORIGINAL}: not of its form`);
	for (const m of members) {
		if (!exact(m, "length,name,sha256") || !Number.isInteger(m.length) || typeof m.name !== "string" || typeof m.sha256 !== "string" ||
		    compareText(before, m.name) >= 0 || !inManifest(m.name) || own(m.name))
			refuse(`${ORIGINAL}: it is no manifest of a bundle in which nothing was withheld`);
		before = m.name;
	}
	return members;
}

function checkMember(parts, rows, m) {
	const part = parts.get(m.name), features = roleOf(m.name).role === "derived";
	const lacking = features && ["record.cbor.zst", "tree.cbor.zst", "packets.pcapng"].some((file) => rows.has(besides(m.name, file)));

	if (!part && !lacking)
		refuse(`${m.name} is gone, and nothing of its run is withheld`);
	if (part && lacking)
		refuse(`${m.name} is there, and of its run something is withheld`);
	if (!part || rows.has(roleOf(m.name).role === "salts" ? besides(m.name, "packets.pcapng") : m.name))
		return;
	if (write({ length: part.size, name: m.name, sha256: hex(part.sha256) }) !== write(m))
		refuse(`${m.name} is another than before, and nothing of it is withheld`);
}

/* Null where nothing is withheld, or says so; else the text of what holds. Throws what is wrong. */
export function checkRedaction(parts, runs) {
	const rows = rowsOf(parts, runs);

	if (!parts.has(REDACTION))
		return rows.size ? refuse(`something is withheld, and there is no ${REDACTION}`) : null;
	if (!rows.size)
		refuse(`${REDACTION} is there, and nothing is withheld`);
	const members = readOriginal(parts), names = new Set(members.map((m) => m.name));

	for (const m of members)
		checkMember(parts, rows, m);
	for (const { name } of parts.values())
		if (inManifest(name) && !own(name) && !names.has(name))
			refuse(`${name} was not there before`);
	const files = (packets) => [...rows].filter(([name]) => (roleOf(name).role === "packets") === packets).map(([name, withheld]) => ({ name, withheld }));
	const again = { packets: files(true), records: files(false), removed: [...names].filter((n) => !parts.has(n)), schema: "hallmark/redaction/v1" };

	if (!same(bytesOf(write(again)), parts.get(REDACTION).whole()))
		refuse(`${REDACTION} is not what is withheld`);
	return "what is withheld is listed; all else is as it was, but for features that follow from it";
}
