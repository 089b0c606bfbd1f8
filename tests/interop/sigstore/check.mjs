/* Sigstore's verifier (@sigstore/verify 4.1.3, which asks for Node 22 and runs on 20 too) on a bundle of ours: check.mjs MODULES FOLDER. FOLDER has
 * bundle.sigstore.json, key.pub (PEM), other.pub and trusted_root.json. Our key, our log, no network. Prints TAP. */
import { readFileSync } from "fs";
import { createRequire } from "module";
import { join, resolve } from "path";
import { pathToFileURL } from "url";

const [modules, folder] = process.argv.slice(2);
const load = createRequire(pathToFileURL(join(resolve(modules), "x.js")));
const { bundleFromJSON } = load("@sigstore/bundle"), { TrustedRoot } = load("@sigstore/protobuf-specs");
const { toSignedEntity, toTrustMaterial, Verifier } = load("@sigstore/verify");
const text = (name) => readFileSync(join(folder, name), "utf8");
const der = (name) => Buffer.from(text(name).replace(/-----.*-----|\n/g, ""), "base64");
const bundle = () => JSON.parse(text("bundle.sigstore.json")), root = JSON.parse(text("trusted_root.json"));
let number = 0, failed = false;

/* What it says, or "" when it accepts. */
function verify(b, key, trusted) {
	try {
		const material = toTrustMaterial(TrustedRoot.fromJSON(trusted), { [b.verificationMaterial.publicKey.hint]: { rawBytes: key } });

		new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundleFromJSON(b)));
		return "";
	} catch (e) {
		return e.message || "refused";
	}
}

function result(good, name, said) {
	number++;
	failed ||= !good;
	console.log(`${good ? "ok" : "not ok"} ${number} - ${name}${said ? ` (${said.replace(/\s+/g, " ")})` : ""}`);
}

function refuses(name, change, key = der("key.pub"), trusted = root) {
	const b = bundle();

	change(b, b.verificationMaterial.tlogEntries[0]);
	const said = verify(b, key, trusted);

	result(said !== "", `it refuses ${name}`, said);
}

const flip = (base64) => {
	const bytes = Buffer.from(base64, "base64");

	bytes[3] ^= 1;
	return bytes.toString("base64");
};
const elsewhere = structuredClone(root);

elsewhere.tlogs[0].baseUrl = "https://other.example/log";
const said = verify(bundle(), der("key.pub"), root);

result(said === "", "it accepts our bundle with our key and our log", said);
refuses("a wrong key", () => {}, der("other.pub"));
refuses("a swapped payload", (b) => { b.dsseEnvelope.payload = Buffer.from("{}").toString("base64"); });
refuses("an altered signature", (b) => { b.dsseEnvelope.signatures[0].sig = flip(b.dsseEnvelope.signatures[0].sig); });
refuses("an altered proof", (b, e) => { e.inclusionProof.hashes[0] = flip(e.inclusionProof.hashes[0]); });
refuses("an altered index", (b, e) => { e.logIndex = e.inclusionProof.logIndex = String(Number(e.logIndex) - 1); });
refuses("an altered checkpoint", (b, e) => { e.inclusionProof.checkpoint.envelope = e.inclusionProof.checkpoint.envelope.replace(/\n(\d+)\n/, (m, n) => `\n${Number(n) + 1}\n`); });
refuses("an altered entry", (b, e) => { e.canonicalizedBody = flip(e.canonicalizedBody); });
refuses("no entry", (b) => { b.verificationMaterial.tlogEntries = []; });
refuses("another origin", () => {}, der("key.pub"), elsewhere);
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
