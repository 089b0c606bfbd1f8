/* Bytes, and texts of them in the one form that each has. What is refused is thrown: Refused for what is false or malformed,
 * Unknown for what this page cannot judge. */
export class Refused extends Error {}
export class Unknown extends Error {}

export function refuse(text) {
	throw new Refused(text);
}

export function same(a, b) {
	if (a.length !== b.length)
		return false;
	for (let i = 0; i < a.length; i++)
		if (a[i] !== b[i])
			return false;
	return true;
}

export const isZero = (bytes) => bytes.every((b) => b === 0);

export const le16 = (b, at) => b[at] | (b[at + 1] << 8);
export const le32 = (b, at) => (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0;
/* A number beyond 2^53 comes out rounded, and beyond it: no length and no count that holds is. */
export const le64 = (b, at) => le32(b, at) + le32(b, at + 4) * 0x100000000;

const ascii = new TextEncoder();
export const bytesOf = (text) => ascii.encode(text);

/* The text that these bytes are in UTF-8, or null. */
export function utf8(bytes) {
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return null;
	}
}

/* One character a byte. */
export function latin1(bytes) {
	let text = "";

	for (let i = 0; i < bytes.length; i += 8192)
		text += String.fromCharCode(...bytes.subarray(i, i + 8192));
	return text;
}

export function joined(...parts) {
	const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
	let at = 0;

	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return out;
}

/* A writer of little-endian fields. */
export class Writer {
	#parts = [];

	le(value, size) {
		const out = new Uint8Array(size);

		for (let i = 0; i < size; i++, value = Math.floor(value / 256))
			out[i] = value % 256;
		return this.bytes(out);
	}

	bytes(part) {
		this.#parts.push(part);
		return this;
	}

	done() {
		return joined(...this.#parts);
	}
}

export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/* Exactly `size` bytes in lower case, or null. */
export function unhex(text, size) {
	if (typeof text !== "string" || text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
		return null;
	return Uint8Array.from({ length: size }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function base64(bytes) {
	return btoa(latin1(bytes));
}

/* RFC 4648 section 4, padded, without set bits behind the end; else null. */
export function unbase64(text) {
	if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
		return null;
	const raw = atob(text);

	return btoa(raw) === text ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
}

/* Bytewise order of UTF-8, which is that of code points and not that of JavaScript's strings. */
export function compareText(a, b) {
	for (let i = 0; i < a.length && i < b.length; i++)
		if (a.charCodeAt(i) !== b.charCodeAt(i)) {
			const x = a.codePointAt(i), y = b.codePointAt(i);
			const low = (c) => (c >= 0xdc00 && c <= 0xdfff ? 0x10000 : c); /* second half of a pair that began alike */

			return low(x) - low(y) || a.charCodeAt(i) - b.charCodeAt(i);
		}
	return a.length - b.length;
}
