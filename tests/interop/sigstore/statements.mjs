/* Sigstore's verifier on a bundle without a log's entry: statements.mjs MODULES BUNDLE KEY. Exits 0 when it accepts, 1 with what it says. */
import { readFileSync } from "fs";
import { createRequire } from "module";
import { join, resolve } from "path";
import { pathToFileURL } from "url";

const [modules, file, key] = process.argv.slice(2);
const load = createRequire(pathToFileURL(join(resolve(modules), "x.js")));
const { bundleFromJSON } = load("@sigstore/bundle"), { TrustedRoot } = load("@sigstore/protobuf-specs");
const { toSignedEntity, toTrustMaterial, Verifier } = load("@sigstore/verify");
const b = JSON.parse(readFileSync(file, "utf8")), der = Buffer.from(readFileSync(key, "utf8").replace(/-----.*-----|\n/g, ""), "base64");

try {
	const material = toTrustMaterial(TrustedRoot.fromJSON({ mediaType: "application/vnd.dev.sigstore.trustedroot.v0.2+json" }),
		{ [b.verificationMaterial.publicKey.hint]: { rawBytes: der } });

	new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundleFromJSON(b)));
} catch (e) {
	console.log(e.message || "refused");
	process.exit(1);
}
