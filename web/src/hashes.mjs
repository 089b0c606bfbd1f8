/* SHA-256 from a library; the checks against accident (CRC-32, CRC-32C, XXH64), and trees of RFC 6962. */
import { sha256 } from "@noble/hashes/sha2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { bytesOf, joined, le32 } from "./bytes.mjs";

export { sha256 };

/* D(label), doc/CONTRACTS.md section 4. */
export const derive = (seed, label) => hmac(sha256, seed, bytesOf("hallmark/derive/v1\0" + label));

/* Reflected CRC of 32 bits, eight bytes at a time; `crc` goes on from what was before. */
function makeCrc(polynomial) {
	const table = Array.from({ length: 8 }, () => new Uint32Array(256));

	for (let i = 0; i < 256; i++) {
		let v = i;

		for (let bit = 0; bit < 8; bit++)
			v = v & 1 ? (v >>> 1) ^ polynomial : v >>> 1;
		table[0][i] = v;
	}
	for (let i = 0; i < 256; i++)
		for (let k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >>> 8) ^ table[0][table[k - 1][i] & 0xff];
	const [t0, t1, t2, t3, t4, t5, t6, t7] = table;

	return (b, crc = 0) => {
		let c = ~crc, i = 0;

		for (; i + 8 <= b.length; i += 8) {
			c ^= b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24);
			c = t7[c & 0xff] ^ t6[(c >>> 8) & 0xff] ^ t5[(c >>> 16) & 0xff] ^ t4[c >>> 24] ^
				t3[b[i + 4]] ^ t2[b[i + 5]] ^ t1[b[i + 6]] ^ t0[b[i + 7]];
		}
		for (; i < b.length; i++)
			c = (c >>> 8) ^ t0[(c ^ b[i]) & 0xff];
		return ~c >>> 0;
	};
}

export const crc32 = makeCrc(0xedb88320);
export const crc32c = makeCrc(0x82f63b78);

/* XXH64 with seed 0, its lower 32 bits: the checksum of a zstd frame (RFC 8878 section 3.1.1). Numbers of 64 bits are pairs
 * (high, low) in Int32Arrays: JavaScript's own are too slow by ten times. */
const P1 = [0x9e3779b1 | 0, 0x85ebca87 | 0], P2 = [0xc2b2ae3d | 0, 0x27d4eb4f | 0], P3 = [0x165667b1 | 0, 0x9e3779f9 | 0];
const P4 = [0x85ebca77 | 0, 0xc2b2ae63 | 0], P5 = [0x27d4eb2f | 0, 0x165667c5 | 0];
let H = 0, L = 0; /* what the functions below return */

function multiply(ah, al, [bh, bl]) {
	const a0 = al & 0xffff, a1 = al >>> 16, b0 = bl & 0xffff, b1 = bl >>> 16;
	const p = a0 * b0, q = a1 * b0 + (p >>> 16), r = (q & 0xffff) + a0 * b1;

	/* q and r have up to 33 bits: exact as numbers, not as bits. */
	H = (Math.imul(ah, bl) + Math.imul(al, bh) + a1 * b1 + Math.floor(q / 65536) + Math.floor(r / 65536)) | 0;
	L = Math.imul(al, bl);
}

function add(ah, al, bh, bl) {
	const low = (al >>> 0) + (bl >>> 0);

	H = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0;
	L = low | 0;
}

function rotate(h, l, n) {
	if (n >= 32)
		[h, l, n] = [l, h, n - 32];
	H = n ? (h << n) | (l >>> (32 - n)) : h;
	L = n ? (l << n) | (h >>> (32 - n)) : l;
}

/* acc = rotate(acc + input * P2, 31) * P1 */
function round(ah, al, ih, il) {
	multiply(ih, il, P2);
	add(ah, al, H, L);
	rotate(H, L, 31);
	multiply(H, L, P1);
}

/* h ^= h >>> n, for n up to 63 */
function mixShift(h, l, n) {
	const sh = n < 32 ? h >>> n : 0, sl = n < 32 ? (l >>> n) | (h << (32 - n)) : h >>> (n - 32);

	H = h ^ sh;
	L = l ^ sl;
}

function stripes(b, end) {
	const h = new Int32Array(4), l = new Int32Array(4);
	let at = 0;

	add(...P1, ...P2);
	[h[0], l[0]] = [H, L];
	[h[1], l[1]] = P2;
	add(~P1[0], ~P1[1], 0, 1); /* 0 - P1 */
	[h[3], l[3]] = [H, L];
	for (; at + 32 <= end; at += 32)
		for (let i = 0; i < 4; i++) {
			round(h[i], l[i], le32(b, at + 8 * i + 4), le32(b, at + 8 * i));
			h[i] = H;
			l[i] = L;
		}
	H = L = 0;
	for (let i = 0; i < 4; i++) {
		const [sumH, sumL] = [H, L];

		rotate(h[i], l[i], [1, 7, 12, 18][i]);
		add(sumH, sumL, H, L);
	}
	for (let i = 0; i < 4; i++) {
		const [sumH, sumL] = [H, L];

		round(0, 0, h[i], l[i]);
		multiply(sumH ^ H, sumL ^ L, P1);
		add(H, L, ...P4);
	}
	return at;
}

export function xxh64Low(b) {
	let at = 0;

	if (b.length >= 32)
		at = stripes(b, b.length);
	else
		[H, L] = P5;
	add(H, L, Math.floor(b.length / 0x100000000), b.length | 0);
	for (; at + 8 <= b.length; at += 8) {
		const [h, l] = [H, L];

		round(0, 0, le32(b, at + 4), le32(b, at));
		rotate(h ^ H, l ^ L, 27);
		multiply(H, L, P1);
		add(H, L, ...P4);
	}
	if (at + 4 <= b.length) {
		const [h, l] = [H, L];

		multiply(0, le32(b, at), P1);
		rotate(h ^ H, l ^ L, 23);
		multiply(H, L, P2);
		add(H, L, ...P3);
		at += 4;
	}
	for (; at < b.length; at++) {
		const [h, l] = [H, L];

		multiply(0, b[at], P5);
		rotate(h ^ H, l ^ L, 11);
		multiply(H, L, P1);
	}
	mixShift(H, L, 33);
	multiply(H, L, P2);
	mixShift(H, L, 29);
	multiply(H, L, P3);
	mixShift(H, L, 32);
	return L >>> 0;
}

const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);

export const leafOf = (salt, content) => sha256.create().update(LEAF).update(salt).update(content).digest();
const nodeOf = (left, right) => sha256(joined(NODE, left, right));

/* The tree of RFC 6962 section 2.1, leaf by leaf: whole subtrees wait until their right neighbour is whole. */
export class Merkle {
	#waiting = []; /* {size, hash}, sizes falling powers of two */
	size = 0;

	append(leaf) {
		let size = 1, hash = leaf;

		while (this.#waiting.length && this.#waiting.at(-1).size === size) {
			hash = nodeOf(this.#waiting.pop().hash, hash);
			size *= 2;
		}
		this.#waiting.push({ size, hash });
		this.size++;
	}

	root() {
		if (!this.#waiting.length)
			return sha256(new Uint8Array(0));
		return this.#waiting.reduceRight((right, left) => (right ? nodeOf(left.hash, right) : left.hash), null);
	}
}
