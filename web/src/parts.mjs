/* What a bundle of format 1 may consist of: the table of doc/format/bundle.md. `#` stands for a number, `%` for 16 hex digits. */
import { refuse } from "./bytes.mjs";

const MIB = 1 << 20;

const rules = [
	["core.json", "seals", 16],
	["manifest.json", "seals", 16],
	["plan.json", "input", 1, "required"],
	["assessment.json", "input", 4, "required"],
	["declaration.json", "input", 1],
	["claims.json", "input", 1, "required"],
	["product.json", "input", 32, "required"],
	["planted.json", "input", 4, "required"],
	["planted/#", "input", 0],
	["scenario.json", "input", 32],
	["replication.json", "stated", 32],
	["manifest.original.json", "stated", 16],
	["redaction.json", "stated", 32],
	["findings.json", "findings", 32, "required"],
	["runs/#/features.cbor.zst", "derived", 0],
	["runs/#/packets.pcapng", "packets", 0],
	["runs/#/packets.salts", "salts", 0],
	["runs/#/record.cbor.zst", "events", 0],
	["runs/#/tree.cbor.zst", "tree", 0],
	["attestations.intoto.jsonl", "outside", 64],
	["attestation-%.sigstore.json", "outside", 64],
	["attestation-%.tlog-proof", "outside", 0.125],
	["plan.tlog-proof", "outside", 0.125],
	["report.html", "outside", 256],
].map(([pattern, role, mib, required]) => ({
	pattern, role, max: mib * MIB, required: Boolean(required),
	is: new RegExp("^" + pattern.replaceAll(".", "\\.").replace("#", "(?!0000)(?:[0-9]{4}|[1-9][0-9]{4,8})").replace("%", "[0-9a-f]{16}") + "$"),
}));

export const roleOf = (name) => rules.find((rule) => rule.is.test(name));
export const inManifest = (name) => name !== "manifest.json" && roleOf(name) && roleOf(name).role !== "outside";
export const runOf = (name) => Number(name.split("/")[1]);
export const besides = (name, file) => name.slice(0, name.lastIndexOf("/") + 1) + file;

export function isPlain(name) {
	return /^[a-z0-9._/-]{1,255}$/.test(name) && !name.includes("..") && name.split("/").every((part) => part !== "" && part !== ".");
}

function needs(parts, name, other) {
	if (!parts.has(other))
		refuse(`parts: ${name} is there and ${other} is not`);
}

function checkOne(parts, member) {
	const rule = roleOf(member.name);

	if (!rule)
		refuse(`parts: ${member.name} has no place in a bundle of format 1`);
	if (rule.max && member.size > rule.max)
		refuse(`parts: ${member.name} has ${member.size} bytes, more than the ${rule.max} that a reader takes`);
	if (rule.role === "derived")
		needs(parts, member.name, besides(member.name, "packets.pcapng"));
	if (["events", "tree", "packets", "salts", "derived"].includes(rule.role))
		needs(parts, member.name, besides(member.name, "record.cbor.zst"));
	if (rule.role === "packets" || rule.role === "salts")
		needs(parts, member.name, besides(member.name, rule.role === "packets" ? "packets.salts" : "packets.pcapng"));
}

/* `parts` is a Map from names to members. */
export function checkParts(parts) {
	if (parts.has("redaction.json") !== parts.has("manifest.original.json"))
		refuse("parts: of redaction.json and manifest.original.json one is there and the other is not");
	for (const member of parts.values())
		checkOne(parts, member);
	for (const rule of rules)
		if ((rule.required || rule.role === "seals") && !parts.has(rule.pattern))
			refuse(`parts: ${rule.pattern} is missing`);
}
