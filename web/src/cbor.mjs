/* The CBOR subset of doc/format/record.md: integers, byte strings and arrays, shortest forms, eight deep. */
import { Refused } from "./bytes.mjs";

const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, ARRAY = 4, DEPTH = 8;

export class Cbor {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	get left() {
		return this.bytes.length - this.at;
	}

	bad() {
		throw new Refused("not deterministic CBOR of the subset of records");
	}

	/* Sets `major` and `value` of the head that comes; a value beyond 2^53 is rounded, `top` has its upper 32 bits. */
	head() {
		const b = this.bytes, info = b[this.at] & 31;

		if (this.at >= b.length || info > 27)
			this.bad();
		this.major = b[this.at++] >> 5;
		this.value = info;
		this.top = 0;
		if (info < 24)
			return;
		const size = 1 << (info - 24);

		if (this.left < size)
			this.bad();
		this.value = 0;
		for (let i = 0; i < size; i++) {
			if (i === 4)
				this.top = this.value;
			this.value = this.value * 256 + b[this.at++];
		}
		if (this.value < [24, 256, 65536, 4294967296][info - 24])
			this.bad();
	}

	/* The value of the next head, which must be of that major type. */
	take(major) {
		this.head();
		if (this.major !== major)
			this.bad();
		return this.value;
	}

	unsigned() {
		return this.take(UNSIGNED);
	}

	array() {
		return this.take(ARRAY) <= this.left ? this.value : this.bad();
	}

	string() {
		return this.take(BYTES) <= this.left ? this.bytes.subarray(this.at, (this.at += this.value)) : this.bad();
	}

	/* Steps over one item. */
	skip() {
		const open = [1];

		while (open.length) {
			if (open[open.length - 1] === 0) {
				open.pop();
				continue;
			}
			open[open.length - 1]--;
			this.head();
			if (this.major === UNSIGNED || (this.major === NEGATIVE && this.top < 0x80000000))
				continue;
			if (this.value > this.left || (this.major !== BYTES && this.major !== ARRAY) || (this.major === ARRAY && open.length > DEPTH))
				this.bad();
			if (this.major === BYTES)
				this.at += this.value;
			else
				open.push(this.value);
		}
	}
}
