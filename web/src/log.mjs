/* Receipts of a log (doc/format/log.md): the entry is made again, and its proof followed to the root of the checkpoint. Whose log it is, and who
 * cosigned, takes a policy, which this page does not read. */
import { base64, bytesOf, joined, refuse, same, unbase64, utf8 } from "./bytes.mjs";
import { sha256 } from "./hashes.mjs";

const SPKI = 91, NOTE_MAX = 65536, RECEIPT_MAX = 131072;
const FORM = /^c2sp\.org\/tlog-proof@v1\n(?:extra ([A-Za-z0-9+/=]+)\n)?index (0|[1-9][0-9]{0,15})\n((?:[A-Za-z0-9+/=]{44}\n){0,63})\n([^]+)$/;
const HEAD = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]{44})\n(?:[^\n]+\n)*$/;
const node = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

function readHash(text) {
	const bytes = unbase64(text);

	return bytes && bytes.length === 32 ? bytes : refuse("a receipt with a hash that is none");
}

/* What a note says, and the id of the first signature under the origin's name. */
function readNote(text) {
	const at = text.lastIndexOf("\n\n") + 2, lines = text.slice(at).split("\n");
	const head = HEAD.exec(text.slice(0, at - 1));

	if (at < 2 || !head || text.length > NOTE_MAX || lines.pop() !== "" || !lines.length || lines.length > 64 || /[\0-\x09\x0b-\x1f\x7f]/.test(text))
		refuse("a receipt whose checkpoint is none");
	const signatures = lines.map((line) => {
		const [, name, blob] = /^\u2014 ([^\s+]+) ([^ ]+)$/u.exec(line) ?? refuse("a receipt whose checkpoint is no note");
		const bytes = unbase64(blob);

		return bytes && bytes.length >= 5 ? { name, id: bytes.subarray(0, 4) } : refuse("a receipt whose checkpoint is no note");
	});

	return { size: Number(head[2]), root: readHash(head[3]), id: signatures.find((s) => s.name === head[1])?.id ?? new Uint8Array(4) };
}

function readReceipt(bytes) {
	const text = utf8(bytes);
	const [, extra, index, hashes, note] = (text !== null && bytes.length <= RECEIPT_MAX && FORM.exec(text)) || refuse("a receipt that is none");
	const given = unbase64(extra ?? "");

	if (!given || (extra !== undefined && !given.length))
		refuse("a receipt whose extra is not base64");
	return { extra: given, index: Number(index), proof: hashes.split("\n").filter(Boolean).map(readHash), note, ...readNote(note) };
}

/* RFC 9162 section 2.1.3.2. */
function included(r, entry) {
	let fn = r.index, sn = r.size - 1, hash = sha256(joined(Uint8Array.of(0), bytesOf(entry)));

	if (!(r.index < r.size) || r.size > Number.MAX_SAFE_INTEGER)
		return false;
	for (const p of r.proof) {
		if (sn === 0)
			return false;
		if (fn % 2 || fn === sn) {
			hash = node(p, hash);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else {
			hash = node(hash, p);
		}
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	return sn === 0 && same(hash, r.root);
}

function entryOf(head, tail, digest, signature, spki) {
	return `${head}"data":{"algorithm":"SHA2_256","digest":"${base64(digest)}"},"signature":{"content":"${base64(signature)}",` +
		`"verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"${base64(spki)}"}}}${tail}`;
}

function placed(r, entry) {
	if (!included(r, entry))
		refuse("a receipt whose proof does not lead to the root of its checkpoint");
	return { ...r, entry };
}

/* The receipt of an envelope, `signed` being what its signature is over. */
export function loggedAttestation(bytes, envelope, signed) {
	const r = readReceipt(bytes);

	if (r.extra.length !== SPKI || base64(sha256(r.extra)) !== envelope.keyid)
		refuse("a receipt whose extra is not the signer's key");
	return placed(r, entryOf('{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{', "}}}", sha256(signed), envelope.signature, r.extra));
}

/* plan.tlog-proof; `verifies` tells whether a key's SubjectPublicKeyInfo signed bytes. */
export async function loggedPlan(bytes, plan, envelopes, verifies) {
	const type = "application/vnd.hallmark.plan+json", r = readReceipt(bytes), spki = r.extra.subarray(0, SPKI), signature = r.extra.subarray(SPKI);
	const pae = joined(bytesOf(`DSSEv1 ${type.length} ${type} ${plan.length} `), plan);

	if (!envelopes.some((e) => e.keyid === base64(sha256(spki))) || !await verifies(spki, signature, pae))
		refuse("a plan that no signer of this bundle signed");
	return placed(r, entryOf('{"apiVersion":"1","kind":"hallmark.plan","spec":{', "}}", sha256(plan), signature, spki));
}

/* What a Sigstore bundle says of an entry, as text of UTF-8 in bytes. */
export function tlogEntry(r) {
	const quoted = r.note.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");

	return `{"canonicalizedBody":"${base64(bytesOf(r.entry))}","inclusionProof":{"checkpoint":{"envelope":"${quoted}"},` +
		`"hashes":[${r.proof.map((h) => `"${base64(h)}"`).join(",")}],"logIndex":"${r.index}","rootHash":"${base64(r.root)}","treeSize":"${r.size}"},` +
		`"integratedTime":"0","kindVersion":{"kind":"hashedrekord","version":"0.0.2"},"logId":{"keyId":"${base64(r.id)}"},"logIndex":"${r.index}"}`;
}
