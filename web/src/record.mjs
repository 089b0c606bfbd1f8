/* The record of doc/format/record.md, block by block: headers, checksums, zstd frames, leaves and roots. Memory is that of one
 * block, whatever the record's length. */
import { decompress } from "fzstd";
import { bytesOf, isZero, latin1, le16, le32, le64, refuse, same, Unknown, Writer } from "./bytes.mjs";
import { Cbor } from "./cbor.mjs";
import { grow } from "./redaction.mjs";
import { crc32c, leafOf, Merkle, xxh64Low } from "./hashes.mjs";

const VERSION = 1, BLOCK = 152, TOTALS = 80, FIXED = 18, FOREIGN_MAX = 4096, RAW_MAX = 16 << 20;
export const EVENTS = 1, TREE = 2;
const frames = [
	{ magic: 0x184d2a53, length: BLOCK, name: "HMRBLOCK" },
	{ magic: 0x184d2a54, length: TOTALS, name: "HMRTOTAL" },
];

/* The frame of ours that begins here, as far as the bytes go: one of `frames`, or null where it is torn. */
function frameAt(rest) {
	const frame = frames.find((f) => {
		const start = new Writer().le(f.magic, 4).le(0, 4).bytes(bytesOf(f.name)).done();
		const magic = Math.min(4, rest.length), name = Math.min(16, rest.length);

		return same(start.subarray(0, magic), rest.subarray(0, magic)) && (name <= 8 || same(start.subarray(8, name), rest.subarray(8, name)));
	});

	if (!frame)
		refuse("not a record, or bytes that belong to no block");
	if (rest.length < FIXED)
		return null;
	const length = le32(rest, 4) + 8, version = le16(rest, 16);

	if (version === VERSION && length !== frame.length)
		refuse("a header has a wrong length");
	if (version === VERSION && rest.length < length)
		return null;
	if (version !== VERSION && (length < FIXED + 4 || length > FOREIGN_MAX || length > rest.length))
		refuse("a header has a wrong version or length");
	if (crc32c(rest.subarray(0, length - 4)) !== le32(rest, length - 4))
		refuse("a header's CRC is wrong");
	if (version !== VERSION)
		throw new Unknown(`format version ${version}, and this page knows ${VERSION}`);
	return frame;
}

function readBlock(b) {
	const flags = b[19];
	const block = {
		kind: b[18], withheld: (flags & 1) === 1, count: le32(b, 20), number: le64(b, 24), first: le64(b, 32), rawLength: le32(b, 56),
		frameLength: le32(b, 60), frameCrc: le32(b, 64), salt: b.slice(68, 84), leaf: b.slice(84, 116), root: b.slice(116, 148),
	};
	const ordered = le32(b, 44) < le32(b, 52) || (le32(b, 44) === le32(b, 52) && le32(b, 40) <= le32(b, 48));
	const empty = block.frameLength === 0 && block.frameCrc === 0 && isZero(block.salt);

	if ((block.kind !== EVENTS && block.kind !== TREE) || flags > 1 || block.count === 0 || block.count > block.rawLength ||
	    block.rawLength > RAW_MAX || !ordered || (block.withheld ? !empty : block.frameLength === 0))
		refuse("a header holds values that no writer writes");
	return block;
}

/* Whether this is one zstd frame with content size and checksum and nothing else, and where its blocks end (RFC 8878 section 3.1.1). */
function isOneFrame(f, rawLength) {
	if (f.length < 6 || le32(f, 0) !== 0xfd2fb528 || (f[4] & 0x3f) !== 0x24)
		return false;
	const size = [1, 2, 4, 8][f[4] >> 6];
	let at = 5 + size, last = false;

	if (at > f.length || [f[5], le16(f, 5) + 256, le32(f, 5), size === 8 && f.length >= 13 ? le64(f, 5) : 0][f[4] >> 6] !== rawLength)
		return false;
	while (!last) {
		if (at + 3 > f.length)
			return false;
		const head = f[at] | (f[at + 1] << 8) | (f[at + 2] << 16);

		if (((head >> 1) & 3) === 3)
			return false;
		last = (head & 1) === 1;
		at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
	}
	return at + 4 === f.length;
}

function uncompress(block, frame) {
	let raw = null;

	if (crc32c(frame) !== block.frameCrc)
		refuse("its frame's CRC is wrong");
	if (!isOneFrame(frame, block.rawLength))
		refuse("its frame is not one zstd frame of the right form and length");
	try {
		raw = decompress(frame, new Uint8Array(block.rawLength));
	} catch {
		/* said below */
	}
	if (!raw || raw.length !== block.rawLength || xxh64Low(raw) !== le32(frame, frame.length - 4))
		refuse("its frame does not uncompress");
	return raw;
}

function checkContent(block, frame, onItem) {
	const raw = uncompress(block, frame), items = new Cbor(raw);
	let count = 0;

	if (!same(leafOf(block.salt, raw), block.leaf))
		refuse("its leaf hash is not that of its content");
	for (; items.left; count++) {
		const start = items.at;

		items.skip();
		onItem(raw.subarray(start, items.at), block.first + count);
	}
	if (count !== block.count)
		refuse(`its content is not ${block.count} items of deterministic CBOR`);
}

function takeBlock(state, block, frame, onItem) {
	const { head, tree, seek } = state;

	if (block.number !== head.blocks || block.first !== head.items || (head.blocks && block.kind !== head.kind))
		refuse("it is out of its order");
	if (!block.withheld)
		checkContent(block, frame, onItem);
	tree.append(block.leaf);
	if (!same(tree.root(), block.root))
		refuse("the root after it is not that of the leaves");
	seek.le(BLOCK, 4).le(0, 4);
	if (!block.withheld)
		seek.le(block.frameLength, 4).le(block.rawLength, 4);
	state.rawBytes += block.rawLength;
	head.kind = block.kind;
	head.blocks++;
	head.items += block.count;
	if (block.withheld)
		grow(head.withheld, block.number, { first: block.first, items: block.count });
}

/* The footer has one right form, which is made again and compared. */
function checkFooter(state, member, at) {
	const { head, tree } = state, kind = head.blocks ? head.kind : member.read(at, FIXED + 1)[18];

	if (kind !== EVENTS && kind !== TREE)
		refuse(`record: no kind ${kind}`);
	head.kind = kind;
	const totals = new Writer().le(frames[1].magic, 4).le(TOTALS - 8, 4).bytes(bytesOf("HMRTOTAL")).le(VERSION, 2).le(kind, 1).le(0, 1)
		.le(head.blocks, 8).le(head.items, 8).le(state.rawBytes, 8).bytes(tree.root()).done();
	const entries = state.seek.le(TOTALS, 4).le(0, 4).done();
	const want = new Writer().bytes(totals).le(crc32c(totals), 4).le(0x184d2a5e, 4).le(entries.length + 9, 4).bytes(entries)
		.le(entries.length / 8, 4).le(0, 1).le(0x8f92eab1, 4).done();
	const length = member.size - at;

	if (length > want.length || !same(member.read(at, length), want.subarray(0, length)))
		refuse("record: its footer is not that of its blocks");
	head.cut = length < want.length;
}

/* Reads a whole record and gives {kind, root, blocks, items, cut, withheld}; `withheld` as redaction.json has it, `onItem` gets each item that is not
 * withheld, and its position. Torn
 * bytes at the end only set `cut`. */
export function readRecord(member, onItem, progress) {
	const state = { head: { kind: 0, blocks: 0, items: 0, withheld: [], cut: true }, tree: new Merkle(), seek: new Writer(), rawBytes: 0 };
	let at = 0;

	try {
		while (at < member.size) {
			const frame = frameAt(member.read(at, FOREIGN_MAX));

			if (frame === frames[1]) {
				checkFooter(state, member, at);
				break;
			}
			if (!frame)
				break;
			const block = readBlock(member.read(at, BLOCK));

			if (block.frameLength > member.size - at - BLOCK)
				break;
			takeBlock(state, block, member.read(at + BLOCK, block.frameLength), onItem);
			at += BLOCK + block.frameLength;
			progress(BLOCK + block.frameLength);
		}
	} catch (e) {
		if (typeof e.message === "string")
			e.message = `record: block ${state.head.blocks}: ${e.message}`;
		throw e;
	} finally {
		member.release();
	}
	return { ...state.head, root: state.tree.root() };
}
