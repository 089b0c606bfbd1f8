/* Restricted RFC 8785 JSON, doc/CONTRACTS.md section 3. A document is read, written again and compared: so members that are there
 * twice, white space, other escapes and other spellings of numbers are refused without a parser of our own. */
import { Refused, utf8 } from "./bytes.mjs";

const DEPTH = 32;

export function write(value) {
	if (Array.isArray(value))
		return "[" + value.map(write).join(",") + "]";
	if (value !== null && typeof value === "object") /* names are ASCII: the order of code units is bytewise */
		return "{" + Object.keys(value).sort().map((name) => JSON.stringify(name) + ":" + write(value[name])).join(",") + "}";
	return JSON.stringify(value);
}

/* What RFC 8785 leaves of this value under our restrictions; null when nothing is wrong with it. */
function broken(value, depth) {
	if (typeof value === "number")
		return Number.isSafeInteger(value) ? null : "a number is not an integer within 2^53-1";
	if (typeof value === "string")
		return value.includes("\0") || /[\ud800-\udfff]/u.test(value) ? "a string holds NUL or half a character" : null;
	if (value === null || typeof value !== "object")
		return null;
	if (depth === 0)
		return "nested deeper than 32";
	for (const name of Object.keys(value)) {
		if (!Array.isArray(value) && !/^[ -~]*$/.test(name))
			return "a member's name is not plain ASCII";
		const wrong = broken(value[name], depth - 1);

		if (wrong)
			return wrong;
	}
	return null;
}

export function parse(bytes, what) {
	const text = utf8(bytes);
	let value;

	try {
		value = text === null ? undefined : JSON.parse(text);
	} catch {
		/* said below */
	}
	if (value === undefined)
		throw new Refused(`${what}: not acceptable JSON`);
	const wrong = broken(value, DEPTH);

	if (wrong)
		throw new Refused(`${what}: not acceptable JSON: ${wrong}`);
	if (write(value) !== text)
		throw new Refused(`${what}: not in canonical form`);
	return value;
}

/* A member of an object, never one that every object has; undefined where it is none. */
export function member(value, name) {
	return value !== null && typeof value === "object" && !Array.isArray(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export const list = (value) => (Array.isArray(value) ? value : []);
