/* The canonical ZIP of doc/format/bundle.md. Local headers are followed from the first byte and nothing in them is taken on trust:
 * each is made again from name, size and CRC of what was read, and so are the directory and its end, and all of it must be what
 * stands in the file. The one pass over the contents takes their SHA-256 too. */
import { bytesOf, latin1, le16, le32, le64, refuse, same, Writer } from "./bytes.mjs";
import { crc32, sha256 } from "./hashes.mjs";
import { isPlain } from "./parts.mjs";
import { Member, WINDOW } from "./source.mjs";

const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, MAX32 = 0xffffffff, MAX16 = 0xffff;
const low32 = (v) => Math.min(v, MAX32);

function rank(name) {
	return ["core.json", "manifest.json"].indexOf(name) + 1 || 3;
}

const before = (a, b) => rank(a) < rank(b) || (rank(a) === rank(b) && a < b);

function commonFields(out, m, extra, zip64) {
	out.le(zip64 ? 45 : 10, 2).le(0, 2).le(0, 2).le(0, 2).le(0x21, 2).le(m.crc, 4).le(low32(m.size), 4).le(low32(m.size), 4);
	return out.le(m.name.length, 2).le(extra, 2);
}

function localHeader(m) {
	const big = m.size >= MAX32, out = new Writer().le(LOCAL, 4);

	commonFields(out, m, big ? 20 : 0, big).bytes(bytesOf(m.name));
	if (big)
		out.le(1, 2).le(16, 2).le(m.size, 8).le(m.size, 8);
	return out.done();
}

function directoryEntry(m) {
	const big = m.size >= MAX32, far = m.header >= MAX32, values = (big ? 16 : 0) + (far ? 8 : 0);
	const out = new Writer().le(CENTRAL, 4).le(values ? 45 : 10, 2);

	commonFields(out, m, values ? values + 4 : 0, values > 0).le(0, 2).le(0, 2).le(0, 2).le(0, 4).le(low32(m.header), 4);
	out.bytes(bytesOf(m.name));
	if (values)
		out.le(1, 2).le(values, 2);
	if (big)
		out.le(m.size, 8).le(m.size, 8);
	if (far)
		out.le(m.header, 8);
	return out.done();
}

function endRecords(count, directory, end) {
	const size = end - directory, out = new Writer();

	if (count >= MAX16 || size >= MAX32 || directory >= MAX32)
		out.le(0x06064b50, 4).le(44, 8).le(45, 2).le(45, 2).le(0, 8).le(count, 8).le(count, 8).le(size, 8).le(directory, 8)
			.le(0x07064b50, 4).le(0, 4).le(end, 8).le(1, 4);
	out.le(0x06054b50, 4).le(0, 4).le(Math.min(count, MAX16), 2).le(Math.min(count, MAX16), 2);
	return out.le(low32(size), 4).le(low32(directory), 4).le(0, 2).done();
}

/* The header at `at`, as far as it is needed to find the content. */
function readHeader(file, at, last) {
	const head = file.read(at, 30 + 255 + 20);

	if (head.length < 30)
		refuse("container: a member's header is cut short or not canonical");
	const flags = le16(head, 6), method = le16(head, 8), size32 = le32(head, 18), length = le16(head, 26), extra = le16(head, 28);
	const data = 30 + length + extra;

	if (length > 255 || (extra !== 0 && (extra !== 20 || size32 !== MAX32)) || data > head.length)
		refuse("container: a member's header is cut short or not canonical");
	const name = latin1(head.subarray(30, 30 + length));
	const size = extra ? le64(head, 30 + length + 12) : size32;

	if (!isPlain(name))
		refuse("container: a member's name is not made of [a-z0-9._/-] and plain components");
	if (flags || method)
		refuse(`container: member ${name} is compressed, encrypted or streamed (flags ${flags}, method ${method})`);
	if (size > file.size - at - data)
		refuse(`container: member ${name} claims ${size} bytes, ${file.size - at - data} are left`);
	if (last !== null && !before(last, name))
		refuse(`container: member ${name} is out of order or there twice`);
	return { name, size, header: at, data: at + data };
}

/* CRC-32 and SHA-256 of a member's content. */
function digest(member, progress) {
	const hash = sha256.create();
	let crc = 0;

	for (let at = 0; at < member.size; at += WINDOW) {
		const piece = member.read(at, WINDOW);

		crc = crc32(piece, crc);
		hash.update(piece);
		progress(piece.length);
	}
	member.release();
	return { crc, sha256: hash.digest() };
}

function expect(file, at, bytes) {
	const there = file.read(at, bytes.length);

	if (there.length < bytes.length)
		refuse(`container: cut short behind byte ${at}`);
	if (!same(there, bytes))
		refuse(`container: not in canonical form, or altered, between bytes ${at} and ${at + bytes.length}`);
	return at + bytes.length;
}

/* The members, in order of their names; each has `sha256`. `progress` is told how many bytes were read. */
export function readContainer(source, progress) {
	const file = new Member(source, "the file", 0, source.size);
	const members = [];
	let at = 0;

	while (file.size - at >= 4 && le32(file.read(at, 4), 0) === LOCAL) {
		const head = readHeader(file, at, members.length ? members.at(-1).name : null);
		const member = new Member(source, head.name, head.data, head.size);

		Object.assign(member, { header: at }, digest(member, progress));
		expect(file, at, localHeader(member));
		members.push(member);
		at = head.data + head.size;
	}
	if (!members.length)
		refuse("container: not a bundle: it does not begin with a member");
	const directory = at;

	for (const m of members)
		at = expect(file, at, directoryEntry(m));
	at = expect(file, at, endRecords(members.length, directory, at));
	if (at !== file.size)
		refuse(`container: ${file.size - at} bytes behind its end`);
	return new Map(members.sort((a, b) => (a.name < b.name ? -1 : 1)).map((m) => [m.name, m]));
}
