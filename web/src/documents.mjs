/* The documents of the core against each other and against the records. What needs products, documents or packets to be understood is
 * not done here: it is said to be unchecked. */
import { bytesOf, hex, joined, refuse, same, unhex, Unknown } from "./bytes.mjs";
import { eventsOf, readStart, SEMANTICS } from "./events.mjs";
import { derive, sha256 } from "./hashes.mjs";
import { list, member, parse } from "./json.mjs";
import { roleOf, runOf } from "./parts.mjs";
import { digestOf } from "./seals.mjs";

/* Claim sets that Hallmark published. */
const claimSets = ["sha256:c0aa38fe50946c32b219913d273c0c8d745cff1c0a206dabac3aeea5167c54dd"];

export function checkPlan(parts, plan) {
	for (const [name, part] of [["claim_set", "claims.json"], ["declaration", "declaration.json"], ["scenario", "scenario.json"]])
		if (member(plan, name) !== digestOf(parts, part))
			refuse(`plan.json was made for another ${part}, or for none`);
	return "made for this claim set, declaration and scenario";
}

const seedOf = (assessment) => unhex(member(assessment, "seed"), 32);

export function checkSeed(plan, assessment) {
	const seed = seedOf(assessment), committed = member(plan, "commitment");

	if (!seed || typeof committed !== "string")
		refuse("plan.json has no commitment, or assessment.json no seed of 32 bytes");
	if (hex(sha256(joined(bytesOf("hallmark/seed/v1\0"), seed))) !== committed)
		refuse("assessment.json reveals another seed than plan.json committed to");
	return "it is the one that plan.json committed to";
}

/* Run numbers of these rows, each once. */
function runsOf(rows) {
	const runs = new Set();

	if (!Array.isArray(rows))
		refuse("plan.json or assessment.json: its runs are malformed");
	for (const row of rows) {
		const run = member(row, "run");

		if (!Number.isInteger(run) || run < 1 || run >= 100000 || runs.has(run))
			refuse("plan.json or assessment.json: its runs are malformed");
		runs.add(run);
	}
	return runs;
}

/* False where the beginning is withheld. */
function checkStart(parts, plan, record, run) {
	if (record.withheld.length && (record.tally.first === null || record.tally.firstAt !== 0))
		return false;
	const start = readStart(record.tally.first), semantics = member(plan, "semantics");

	if (Number.isInteger(semantics) && semantics <= SEMANTICS && eventsOf(semantics) !== start.version)
		refuse(`its events are of version ${start.version}, and plan.json says other semantics`);
	if (!same(start.plan, parts.get("plan.json").sha256))
		refuse("it was made for another plan");
	if (start.run !== run)
		refuse(`it is the record of run ${start.run}`);
	return true;
}

/* Each record was made for this plan and its run; each planned run has a record or was dropped. */
export function checkRecords(parts, plan, assessment, runs) {
	if (plan === null || assessment === null)
		throw new Unknown("there is no plan or no assessment to hold them against");
	const planned = runsOf(member(plan, "runs")), dropped = runsOf(member(assessment, "dropped")), recorded = new Set();
	let events = 0, cut = 0, startless = 0;

	for (const { name } of parts.values()) {
		if (roleOf(name).role !== "events")
			continue;
		const record = runs.get(name), run = runOf(name);

		try {
			startless += !checkStart(parts, plan, record, run);
			if (!planned.has(run))
				refuse("its run was not planned");
		} catch (e) {
			e.message = `${name}: ${e.message}`;
			throw e;
		}
		recorded.add(run);
		events += record.items;
		cut += record.cut;
	}
	for (const run of [...planned].sort((a, b) => a - b))
		if (!dropped.has(run) && !recorded.has(run))
			refuse(`run ${run} was planned, has no record and was not dropped`);
	if (startless)
		throw new Unknown(`of ${startless} records the beginning is withheld: that they are of this plan is the word of whoever signed`);
	return `${recorded.size} records of this plan, ${events} events, ${cut} cut short`;
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function token(seed, n) {
	const d = derive(seed, `secret/aa/content/0/${n}`);

	return Array.from({ length: 20 }, (_, i) => {
		const bit = 5 * i;

		return CROCKFORD[(((d[bit >> 3] << 8) | d[(bit >> 3) + 1]) >> (11 - (bit % 8))) & 31];
	}).join("");
}

/* The part that a row of planted.json names has its digest and size. */
function checkPart(parts, file) {
	const name = member(file, "part"), part = typeof name === "string" ? parts.get(name) : undefined;

	if (!part || roleOf(name).pattern !== "planted/#")
		refuse(`planted.json: a file's part ${typeof name === "string" ? name : ""} is missing`);
	if (member(file, "sha256") !== hex(part.sha256))
		refuse(`${name} has another SHA-256`);
	if (member(file, "size") !== part.size)
		refuse(`${name} has another size`);
	return name;
}

function checkTokens(files, seed) {
	let n = 0;

	for (const file of files) {
		const tokens = member(file, "tokens");

		if (!Array.isArray(tokens) || !tokens.every((t) => t === token(seed, n++)))
			refuse(`${member(file, "part")} has tokens that the seed does not give`);
	}
	return n;
}

export function checkPlanted(parts, planted, assessment) {
	const sets = member(planted, "sets"), files = member(planted, "files"), seed = seedOf(assessment);
	const there = [...parts.keys()].filter((name) => roleOf(name).pattern === "planted/#");

	if (!Array.isArray(sets) && (!Array.isArray(files) || !seed))
		refuse("planted.json has no files, or there is no seed");
	const rows = Array.isArray(sets) ? sets.flatMap((set) => list(member(set, "files"))) : files;
	const named = rows.map((file) => checkPart(parts, file));

	if (Array.isArray(sets))
		throw new Unknown(`${rows.length} files in ${sets.length} sets have the size and SHA-256 of their part; this page does not make them again from the seed`);
	named.forEach((name, i) => {
		if (name !== `planted/${String(i + 1).padStart(4, "0")}`)
			refuse(`${name} does not stand in the order of its number`);
	});
	const tokens = checkTokens(files, seed);

	if (there.length !== files.length)
		refuse("there are planted parts that planted.json does not list");
	return `${files.length} files, ${tokens} tokens derived again from the seed`;
}

export function checkClaimSet(parts) {
	const digest = digestOf(parts, "claims.json");

	if (!claimSets.includes(digest))
		throw new Unknown(`own claim set: read it first (claims.json, ${digest})`);
	return "one that Hallmark published";
}

const replicationShape = {
	schema: "string", of: "string", agree: "boolean", not_comparable: "list", same: "list", differ: "list", influence: "object",
	product_same: "boolean", kernel: "object", semantics: "object",
};
const typeOf = (value) => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);

/* replication.json by itself: its form, and that it speaks of another bundle. Whether it is true takes that bundle. */
export function checkReplication(replication, bundle) {
	const names = Object.keys(replication ?? {}).filter((name) => name !== "x").sort();

	if (typeOf(replication) !== "object" || names.join() !== Object.keys(replicationShape).sort().join() ||
	    !names.every((name) => typeOf(replication[name]) === replicationShape[name]) || replication.schema !== "hallmark/replication/v1")
		refuse("replication.json: not of its form");
	if (!/^sha256:[0-9a-f]{64}$/.test(replication.of) || replication.of === `sha256:${bundle}`)
		refuse("it names no other bundle");
	throw new Unknown(`it says that it replicates ${replication.of}; that takes both bundles, and hallmark verify --replication`);
}

export const document = (parts, name) => parse(parts.get(name).whole(), name);
