/* Who says so: keys, DSSE envelopes, the in-toto statement that the bundle calls for, and the Sigstore bundles beside the envelopes
 * (doc/format/bundle.md). All but the signature is made again and compared; WebCrypto does the arithmetic of the signature. */
import { base64, bytesOf, compareText, hex, joined, latin1, refuse, same, unbase64, utf8 } from "./bytes.mjs";
import { sha256 } from "./hashes.mjs";
import { member, parse, write } from "./json.mjs";
import { loggedAttestation, loggedPlan, tlogEntry } from "./log.mjs";

const TYPE = "application/vnd.in-toto+json", ATTESTATIONS = "attestations.intoto.jsonl", SIGNERS_MAX = 12, SCALAR = 32, PEM_MAX = 8192;
/* SubjectPublicKeyInfo of P-256 up to the point's 64 bytes (RFC 5480): there is one form. */
const SPKI = Uint8Array.of(0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04);
/* The same of Ed25519 (RFC 8410), up to the key's 32 bytes. */
const EDWARDS = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const begins = (der, head, rest) => der.length === head.length + rest && same(der.subarray(0, head.length), head);

/* The one PEM block of RFC 7468 in lines of 64; the last line feed may be missing. */
function readPem(bytes) {
	const text = latin1(bytes.subarray(0, PEM_MAX + 1)), begin = "-----BEGIN PUBLIC KEY-----\n", end = "-----END PUBLIC KEY-----\n";
	const whole = text.endsWith("\n") ? text : text + "\n";
	const body = whole.slice(begin.length, -end.length);
	const der = unbase64(body.replaceAll("\n", ""));

	if (!der || bytes.length > PEM_MAX || begin + base64(der).replace(/.{1,64}/g, "$&\n") + end !== whole)
		refuse('public key: not exactly one PEM block "PUBLIC KEY" (lines of 64, nothing else)');
	return der;
}

export async function readKey(bytes) {
	const der = readPem(bytes);
	const edwards = begins(der, EDWARDS, SCALAR);
	let key = null;

	if (!edwards && !begins(der, SPKI, 2 * SCALAR))
		refuse("public key: neither an uncompressed point of P-256 nor a key of Ed25519");
	try {
		key = await crypto.subtle.importKey("spki", der, edwards ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
	} catch (e) {
		refuse(edwards && e.name === "NotSupportedError" ? "public key: this browser knows no Ed25519" : "public key: the point is not on its curve");
	}
	return { id: base64(sha256(der)), key, edwards };
}

/* One INTEGER of at most 256 bits, positive and shortest (X.690 section 8.3.2), as 32 bytes; null for any other. */
function readInteger(der, at) {
	const length = der[at + 1], value = der.subarray(at + 2, at + 2 + length);

	if (der[at] !== 2 || !length || length > SCALAR + 1 || value.length !== length || value[0] >= 0x80)
		return null;
	if (value[0] === 0 && (length === 1 || value[1] < 0x80))
		return null; /* zero, or a needless zero byte */
	if (length > SCALAR && value[0] !== 0)
		return null;
	const digits = value[0] === 0 ? value.subarray(1) : value, out = new Uint8Array(SCALAR);

	out.set(digits, SCALAR - digits.length);
	return { value: out, next: at + 2 + length };
}

/* r and s one behind the other, as WebCrypto wants them, of an ECDSA-Sig-Value in strict DER (RFC 3279); else null. */
export function rawSignature(der) {
	if (der[0] !== 0x30 || der[1] !== der.length - 2)
		return null;
	const r = readInteger(der, 2), s = r && readInteger(der, r.next);

	return s && s.next === der.length ? joined(r.value, s.value) : null;
}

function pae(payload) {
	return joined(bytesOf(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload);
}

const envelopeText = (e) => `{"payload":"${base64(e.statement)}","payloadType":"${TYPE}","signatures":[{"keyid":"${e.keyid}","sig":"${base64(e.signature)}"}]}`;
const sigstoreText = (e, logged) => `{"dsseEnvelope":${envelopeText(e)},"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",` +
	`"verificationMaterial":{"publicKey":{"hint":"${e.keyid}"},"tlogEntries":[${logged ? tlogEntry(logged) : ""}]}}`;
const envelopeForm = new RegExp(`^\\{"payload":"([^"]*)","payloadType":"${TYPE.replace(/[.+]/g, "\\$&")}","signatures":\\[\\{"keyid":"([^"]*)","sig":"([^"]*)"\\}\\]\\}$`);

function readEnvelope(line) {
	const [, payload, keyid, sig] = envelopeForm.exec(line) ?? refuse("envelope: not the canonical form of one in-toto statement with one signature");
	const statement = unbase64(payload), signature = unbase64(sig), digest = unbase64(keyid);

	if (!statement || !signature)
		refuse("envelope: its base64 is not strict (RFC 4648 section 4, padded, no set bits behind the end)");
	if (signature.length !== 2 * SCALAR && rawSignature(signature) === null)
		refuse("envelope: its signature is neither 64 bytes nor DER in its shortest form");
	if (!digest || digest.length !== 32)
		refuse("envelope: its keyid is not the base64 of a SHA-256");
	const name = `attestation-${hex(digest.subarray(0, 8))}`;

	return { statement, signature, keyid, sigstore: `${name}.sigstore.json`, receipt: `${name}.tlog-proof` };
}

function readEnvelopes(bytes) {
	const lines = latin1(bytes).split("\n"), envelopes = [];

	if (!bytes.length)
		refuse(`${ATTESTATIONS} is empty`);
	if (lines.pop() !== "")
		refuse(`${ATTESTATIONS}: the last line does not end`);
	if (lines.length > SIGNERS_MAX)
		refuse(`${ATTESTATIONS}: more than ${SIGNERS_MAX} signatures`);
	for (const line of lines) {
		const envelope = readEnvelope(line);

		if (envelopes.length && envelopes.at(-1).keyid >= envelope.keyid)
			refuse(`${ATTESTATIONS}: signatures are not in order of their keys, or one key signed twice`);
		envelopes.push(envelope);
	}
	return envelopes;
}

/* A path as text: percent-encoded where it is none. */
function subjectName(artifact) {
	const path = member(artifact, "path"), encoded = member(artifact, "path_b64");

	if ((path === undefined) === (encoded === undefined))
		refuse("findings.json: an artifact: member path: it is missing, or there twice");
	if (typeof path === "string")
		return path;
	const bytes = typeof encoded === "string" ? unbase64(encoded) : null;

	if (!bytes || (utf8(bytes) !== null && !bytes.includes(0)))
		refuse("findings.json: an artifact: member path: neither text nor base64 of what is no text");
	return Array.from(bytes, (b) => {
		const c = String.fromCharCode(b);

		return /[A-Za-z0-9\-._~/]/.test(c) ? c : "%" + b.toString(16).toUpperCase().padStart(2, "0");
	}).join("");
}

/* All artifacts, sorted, each pair of name and digest once; a name that has several digests has the digest behind it. */
function subjects(artifacts) {
	/* Of what was executed and is gone nobody knows the digest. */
	const pairs = artifacts.filter((artifact) => member(artifact, "sha256") !== null).map((artifact) => {
		const digest = member(artifact, "sha256");

		if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest))
			refuse("findings.json: an artifact without a sha256");
		return { name: subjectName(artifact), digest };
	}).sort((a, b) => compareText(a.name, b.name) || (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0));
	const once = pairs.filter((p, i) => !i || p.name !== pairs[i - 1].name || p.digest !== pairs[i - 1].digest);

	if (!once.length)
		refuse("statement: findings.json names no artifact, so there is nothing to attest");
	return once.map((p, i) => {
		const shared = once[i - 1]?.name === p.name || once[i + 1]?.name === p.name;

		return { digest: { sha256: p.digest }, name: shared ? `${p.name}#sha256:${p.digest}` : p.name };
	});
}

function predicate(parts, claims) {
	const verdicts = ["upheld", "refuted", "not verifiable"];

	if (!claims.every((c) => typeof member(c, "id") === "string" && verdicts.includes(member(c, "verdict"))))
		refuse("findings.json: a claim without id or known verdict");
	const [passedTests, failedTests, warnedTests] = verdicts.map((v) => claims.filter((c) => c.verdict === v).map((c) => c.id).sort(compareText));
	const result = failedTests.length ? "FAILED" : warnedTests.length || !passedTests.length ? "WARNED" : "PASSED";
	/* Of a redacted bundle what was signed is the manifest of before. */
	const manifest = parts.get("manifest.original.json") ?? parts.get("manifest.json");
	const configuration = [["core.json", parts.get("core.json")], ["manifest.json", manifest]].map(([name, part]) => ({ digest: { sha256: hex(part.sha256) }, name }));

	return { configuration, failedTests, passedTests, result, warnedTests };
}

/* The statement that these parts call for, as bytes. */
export function statementOf(parts) {
	const findings = parse(parts.get("findings.json").whole(), "findings.json");
	const artifacts = member(member(findings, "product"), "artifacts"), claims = member(findings, "claims");

	if (!Array.isArray(artifacts) || !Array.isArray(claims))
		refuse("findings.json: no artifacts or no claims");
	return bytesOf(write({
		_type: "https://in-toto.io/Statement/v1", subject: subjects(artifacts),
		predicateType: "https://in-toto.io/attestation/test-result/v0.1", predicate: predicate(parts, claims),
	}));
}

function checkStatement(say, parts, envelopes) {
	say.check("statement", () => {
		const again = statementOf(parts);

		for (const e of envelopes)
			if (!same(again, e.statement))
				refuse(`key ${e.keyid} signed another statement than this bundle calls for`);
		return `made again from the bundle: the same ${again.length} bytes`;
	});
}

async function signatureHolds(key, e) {
	if (key.edwards)
		return e.signature.length === 2 * SCALAR && crypto.subtle.verify({ name: "Ed25519" }, key.key, e.signature, pae(e.statement));
	const raw = rawSignature(e.signature) ?? e.signature;

	return raw.length === 2 * SCALAR && crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key.key, raw, pae(e.statement));
}

async function checkSignatures(say, envelopes, keys) {
	let trusted = 0;

	for (const e of envelopes) {
		const key = keys.find((k) => k.id === e.keyid);

		if (!key) {
			say.unchecked("signature", `by key ${e.keyid}, ` +
				(keys.length ? "which is none of those given" : "and no key was given to check it: integrity only"));
			continue;
		}
		trusted++;
		if (await signatureHolds(key, e))
			say.holds("signature", `by key ${e.keyid}`);
		else
			say.false("signature", `it is not a signature by key ${e.keyid}`);
	}
	if (keys.length && !trusted)
		say.false("signature", "none is by a key that was given");
}

const loggedOf = (parts, e) => parts.has(e.receipt) && loggedAttestation(parts.get(e.receipt).whole(), e, pae(e.statement));

async function verifies(spki, signature, bytes) {
	const raw = rawSignature(signature);

	if (spki.length !== SPKI.length + 2 * SCALAR || !same(spki.subarray(0, SPKI.length), SPKI) || raw === null)
		return false;
	try {
		const key = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);

		return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, bytes);
	} catch {
		return false;
	}
}

/* The row log: receipts as far as they hold without a policy. */
export async function checkLog(say, parts) {
	const receipts = [...parts.keys()].filter((name) => /^attestation-.*\.tlog-proof$/.test(name)), plan = "plan.tlog-proof";

	try {
		const envelopes = parts.has(ATTESTATIONS) ? readEnvelopes(parts.get(ATTESTATIONS).whole()) : [];

		if (!receipts.length && !parts.has(plan)) {
			say.unchecked("log", "no log material: nothing shows that this was the only attempt");
			return;
		}
		if (envelopes.filter((e) => loggedOf(parts, e)).length !== receipts.length)
			refuse("there are receipts without an envelope");
		if (parts.has(plan))
			await loggedPlan(parts.get(plan).whole(), parts.get("plan.json").whole(), envelopes, verifies);
		say.unchecked("log", "receipts hold together; this page reads no policy of logs and witnesses: nothing shows that others see this log");
	} catch (e) {
		say.thrown("log", e);
	}
}

function checkSigstore(say, parts, envelopes) {
	const there = [...parts.keys()].filter((name) => /^attestation-.*\.sigstore\.json$/.test(name));

	if (!envelopes.length && !there.length)
		return;
	say.check("sigstore", () => {
		for (const e of envelopes) {
			if (!parts.has(e.sigstore))
				refuse(`the envelope by key ${e.keyid} has none`);
			if (!same(bytesOf(sigstoreText(e, loggedOf(parts, e))), parts.get(e.sigstore).whole()))
				refuse(`the envelope by key ${e.keyid} has one that says something else`);
		}
		if (there.length !== envelopes.length)
			refuse("there are Sigstore bundles without an envelope");
		return "each envelope's Sigstore bundle says the same";
	});
}

/* Adds the rows statement, signature and sigstore. `keys` are the keys that are trusted. */
export async function checkTrust(say, parts, keys) {
	let envelopes = [];

	if (!parts.has(ATTESTATIONS)) {
		say.unchecked("statement", "there is none: nobody put his name to this bundle");
		say[keys.length ? "false" : "unchecked"]("signature", keys.length ? "there is none, and a key was given" : "there is none: integrity only");
		checkSigstore(say, parts, envelopes);
		return;
	}
	try {
		envelopes = readEnvelopes(parts.get(ATTESTATIONS).whole());
	} catch (e) {
		say.thrown("signature", e);
		return;
	}
	checkStatement(say, parts, envelopes);
	await checkSignatures(say, envelopes, keys);
	checkSigstore(say, parts, envelopes);
}

