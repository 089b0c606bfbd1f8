/* A CBOR sequence by npm's cbor2: count.mjs MODULES FILE. Prints how many items, and the SHA-256 of what it encodes them to again, deterministically (CDE). */
import { createHash } from "crypto";
import { readFileSync } from "fs";
import { join, resolve } from "path";
import { pathToFileURL } from "url";

const [modules, file] = process.argv.slice(2);
const { cdeEncodeOptions, decodeSequence, encode } = await import(pathToFileURL(join(resolve(modules), "cbor2/lib/index.js")));
const hash = createHash("sha256");
let count = 0;

/* A plain array of bytes: what is cut out of a Buffer is a Buffer, which would be written as a map. */
for (const item of decodeSequence(new Uint8Array(readFileSync(file)))) {
	hash.update(encode(item, cdeEncodeOptions));
	count++;
}
console.log(count, hash.digest("hex"));
