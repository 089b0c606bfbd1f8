/* The packet file of doc/format/packets.md as leaves of a tree: each block must have the one form that Hallmark writes. */
import { isZero, le16, le32, le64, refuse, same, Writer } from "./bytes.mjs";
import { leafOf, Merkle } from "./hashes.mjs";
import { grow } from "./redaction.mjs";

const WITHHELD = 0x80686d77;
const SHB = 0x0a0d0d0a, IDB = 1, NRB = 4, EPB = 6, DSB = 10, AROUND = 12, TLS_KEY_LOG = 0x544c534b, NAME_MAX = 1020, SALT = 16;
const padded = (length) => Math.ceil(length / 4) * 4;

function isShb(b) {
	return same(b, new Writer().le(SHB, 4).le(28, 4).le(0x1a2b3c4d, 4).le(1, 2).le(0, 2).le(0xffffffff, 4).le(0xffffffff, 4).le(28, 4).done());
}

function isIdb(b) {
	return b.length === 32 && same(b, new Writer().le(IDB, 4).le(32, 4).le(1, 2).le(0, 2).le(le32(b, 12), 4).le(9, 2).le(1, 2).le(9, 4)
		.le(0, 4).le(32, 4).done());
}

function isEpb(b) {
	const length = b.length >= AROUND + 20 ? le32(b, 20) : -1;

	return length >= 0 && b.length === AROUND + 20 + padded(length) && le32(b, 8) === 0 && length <= le32(b, 24) &&
		isZero(b.subarray(28 + length, 28 + padded(length)));
}

function isDsb(b) {
	const length = b.length >= AROUND + 8 ? le32(b, 12) : 0;

	return length > 0 && b.length === AROUND + 8 + padded(length) && le32(b, 8) === TLS_KEY_LOG && b[15 + length] === 10 &&
		isZero(b.subarray(16 + length, 16 + padded(length))) && b.subarray(16, 16 + length).every((c) => c === 10 || (c >= 0x20 && c <= 0x7e));
}

/* IPv4 records with one name each, addresses ascending; the four zero bytes that end them are no record. */
function isNrb(b) {
	const end = b.length - 8;
	let at = 8, last = -1;

	if (b.length < AROUND + 4 || !isZero(b.subarray(end, end + 4)))
		return false;
	while (at < end) {
		const length = at + 8 <= end ? le16(b, at + 2) : 0, next = at + 4 + padded(length);
		const address = le32(b, at + 4), ascending = ((address & 0xff) * 2 ** 24) + ((address & 0xff00) << 8) + ((address >>> 8) & 0xff00) + (address >>> 24);
		const name = b.subarray(at + 8, at + 3 + length);

		if (le16(b, at) !== 1 || length < 6 || length > 4 + NAME_MAX + 1 || next > end || b[at + 3 + length] !== 0 ||
		    !name.every((c) => c > 0x20 && c <= 0x7e) || !isZero(b.subarray(at + 4 + length, next)) || ascending <= last)
			return false;
		last = ascending;
		at = next;
	}
	return last >= 0;
}

/* Where a block was that redaction took away: its type, its length, its leaf. */
function isWithheld(b) {
	return b.length === 52 && wordOf(b) && le32(b, 12) >= AROUND && le32(b, 12) % 4 === 0;
}

const wordOf = (b) => ({ [NRB]: "names", [EPB]: "packet", [DSB]: "secrets" })[le32(b, 8)];

const forms = new Map([[WITHHELD, isWithheld], [SHB, isShb], [IDB, isIdb], [NRB, isNrb], [EPB, isEpb], [DSB, isDsb]]);

/* {root, leaves} over the blocks, each with its salt. */
export function packetsRoot(packets, salts, progress) {
	const tree = new Merkle(), withheld = [];
	let at = 0;

	while (at < packets.size) {
		const head = packets.read(at, 8), length = head.length === 8 ? le32(head, 4) : 0;

		if (length < AROUND || length % 4 || length > packets.size - at)
			refuse(`${packets.name}: reading packets: a block is cut short or its length is false`);
		const block = packets.read(at, length), form = forms.get(le32(block, 0));

		if (le32(block, length - 4) !== length || (form && !form(block)))
			refuse(`${packets.name}: reading packets: a block of type 0x${le32(block, 0).toString(16)} is not of the form that Hallmark writes`);
		if ((tree.size + 1) * SALT > salts.size)
			refuse(`${packets.name}: reading packets: the salts are not 16 bytes for every block`);
		const salt = salts.read(tree.size * SALT, SALT);

		if (le32(block, 0) === WITHHELD) {
			if (!isZero(salt))
				refuse(`${packets.name}: reading packets: a block that is withheld has its salt`);
			grow(withheld, tree.size, { what: wordOf(block) });
			tree.append(block.slice(16, 48));
		} else {
			tree.append(leafOf(salt, block));
		}
		at += length;
		progress(length);
	}
	packets.release();
	salts.release();
	if (salts.size !== tree.size * SALT)
		refuse(`${packets.name}: reading packets: the salts are not 16 bytes for every block`);
	return { root: tree.root(), leaves: tree.size, withheld };
}
