/* The order of checks, from the outside in, as in hallmark-verify: what cannot be parsed is not looked into. Each check is a row with
 * an outcome, named like that of hallmark-verify; what this page does not check has its row too. */
import { hex, Refused, Unknown } from "./bytes.mjs";
import { readContainer } from "./container.mjs";
import { checkClaimSet, checkPlan, checkPlanted, checkRecords, checkReplication, checkSeed, document } from "./documents.mjs";
import { list, member } from "./json.mjs";
import { checkParts, roleOf } from "./parts.mjs";
import { checkRedaction } from "./redaction.mjs";
import { checkCore, checkFormat, checkManifest, Runs } from "./seals.mjs";
import { checkLog, checkTrust, readKey } from "./trust.mjs";

export class Rows {
	rows = [];

	add(check, outcome, detail) {
		this.rows.push({ check, outcome, detail });
	}

	holds(check, detail) {
		this.add(check, "holds", detail);
	}

	false(check, detail) {
		this.add(check, "FALSE", detail);
	}

	unchecked(check, detail) {
		this.add(check, "unchecked", detail);
	}

	/* What was thrown: false what was refused, unchecked what is unknown or what this browser could not do. */
	thrown(check, e) {
		if (e instanceof Refused)
			this.false(check, e.message);
		else
			this.unchecked(check, e instanceof Unknown ? e.message : `this browser could not check it: ${e.message}`);
	}

	/* A row from what `what` returns, a text, or throws. */
	check(name, what) {
		try {
			this.holds(name, what());
			return true;
		} catch (e) {
			this.thrown(name, e);
			return false;
		}
	}

	get exit() {
		return this.rows.some((r) => r.outcome === "FALSE") ? 1 : this.rows.some((r) => r.outcome === "unchecked") ? 2 : 0;
	}
}

function checkContainer(say, source, progress) {
	let parts = null;
	const counts = () => `${parts.size} members in canonical form, ${source.size} bytes`;

	if (!say.check("container", () => ((parts = readContainer(source, progress)), counts())))
		return null;
	try {
		checkFormat(parts);
	} catch (e) {
		say.thrown("core", e);
		return null;
	}
	return say.check("parts", () => (checkParts(parts), "each has its place, none is missing")) ? parts : null;
}

function parseDocuments(say, parts) {
	const documents = {};

	for (const [row, name] of [["plan", "plan"], ["seed", "assessment"], ["planted", "planted"]])
		try {
			documents[name] = document(parts, `${name}.json`);
		} catch (e) {
			documents[name] = null;
			say.thrown(row, e);
		}
	return documents;
}

/* A row only where something is withheld, or is said to be. */
function sayRedaction(say, parts, runs) {
	try {
		const text = checkRedaction(parts, runs);

		if (text)
			say.holds("redaction", text);
	} catch (e) {
		say.thrown("redaction", e);
	}
}

function checkDocuments(say, parts, runs) {
	const { plan, assessment, planted } = parseDocuments(say, parts);

	if (plan !== null)
		say.check("plan", () => checkPlan(parts, plan));
	say.check("records", () => checkRecords(parts, plan, assessment, runs));
	if (assessment !== null)
		say.check("seed", () => checkSeed(plan, assessment));
	if (planted !== null)
		say.check("planted", () => checkPlanted(parts, planted, assessment));
	return assessment;
}

/* What stands in the bundle and only the program checks, or nobody. */
async function sayUnchecked(say, parts, assessment, bundle) {
	const derived = [...parts.keys()].filter((name) => roleOf(name).role === "derived").length;
	const resumed = list(member(assessment, "resumed")).length;

	if (derived)
		say.unchecked("features", `those of ${derived} runs were not derived again`);
	say.unchecked("findings", "not derived again from the records: this page recomputes no claim; hallmark-verify does");
	if (parts.has("replication.json"))
		say.check("replication", () => checkReplication(document(parts, "replication.json"), bundle));
	if (resumed)
		say.unchecked("resumed", `${resumed} times after its seed was revealed: nothing shows that nobody used it`);
	await checkLog(say, parts);
	if (parts.has("report.html"))
		say.unchecked("report", "report.html was not made again");
}

const SHOWN = 500, TEXT = 300;
const cut = (text) => (typeof text === "string" ? text.slice(0, TEXT) : "");

/* Claims as findings.json has them: the bundle's word. */
function claimsOf(parts) {
	try {
		const findings = document(parts, "findings.json"), product = member(findings, "product");
		const statements = new Map(list(member(document(parts, "claims.json"), "claims")).map((c) => [member(c, "id"), member(c, "statement")]));
		const row = (c) => ({ id: cut(member(c, "id")), statement: cut(statements.get(member(c, "id"))), reason: cut(member(c, "reason")) });
		const claims = list(member(findings, "claims")), untested = list(member(findings, "not_tested"));

		return {
			product: cut(member(product, "name")), supplier: cut(member(member(product, "supplier"), "name")),
			argv: list(member(product, "argv")).slice(0, 50).map(cut).join(" "), count: claims.length + untested.length,
			claims: claims.slice(0, SHOWN).map((c) => ({ ...row(c), verdict: cut(member(c, "verdict")), bound: boundOf(member(c, "bound")) })),
			untested: untested.slice(0, SHOWN).map(row),
		};
	} catch {
		return null; /* said by a row */
	}
}

function boundOf(bound) {
	const confidence = list(member(bound, "confidence")), rate = member(bound, "rate_bp"), pairs = member(bound, "pairs");

	if (!Number.isInteger(rate) || !Number.isInteger(pairs) || confidence.length !== 2)
		return "";
	return `in at most ${rate / 100} % of pairs, confidence ${cut(String(confidence[0]))} in ${cut(String(confidence[1]))}, from ${pairs}`;
}

/* Checks a bundle. `keys` are texts of PEM, as bytes, each with a `name`. `progress(part, bytes)` is told what is being read. Gives
 * {rows, exit, bundle, says}, of which `says` is the bundle's word. */
export async function verify(source, keys, progress) {
	const say = new Rows(), trusted = [];
	let bundle = null, says = null;

	for (const { name, bytes } of keys)
		try {
			trusted.push(await readKey(bytes));
		} catch (e) {
			say.thrown("key", Object.assign(e, { message: `${name}: ${e.message}` }));
		}
	if (say.rows.length)
		return { rows: say.rows, exit: 1, bundle, says };
	const parts = checkContainer(say, source, (n) => progress("container", n));

	if (parts) {
		bundle = hex(parts.get("core.json").sha256);
		say.check("manifest", () => (checkManifest(parts), "every member has the length and SHA-256 that it names"));
		const runs = new Runs(parts, (n) => progress("records", n));

		if (say.check("core", () => (checkCore(parts, runs), "digests, Merkle roots, counts and losses are those of the parts")))
			sayRedaction(say, parts, runs);
		const assessment = checkDocuments(say, parts, runs);

		await checkTrust(say, parts, trusted);
		say.check("claim set", () => checkClaimSet(parts));
		await sayUnchecked(say, parts, assessment, bundle);
		says = claimsOf(parts);
	}
	return { rows: say.rows, exit: say.exit, bundle, says };
}
