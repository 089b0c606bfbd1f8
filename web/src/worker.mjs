/* The worker: all reading and hashing happens here, so that the page answers meanwhile. */
import { FileSource } from "./source.mjs";
import { verify } from "./verify.mjs";

const EVERY = 100; /* ms between two words of progress */

onmessage = async ({ data: { bundle, keys } }) => {
	const read = { container: 0, records: 0 };
	let told = 0;

	const progress = (part, bytes) => {
		const now = performance.now();

		read[part] += bytes;
		if (now - told >= EVERY) {
			told = now;
			postMessage({ progress: part, bytes: read[part], of: bundle.size });
		}
	};

	try {
		const texts = await Promise.all(keys.map(async (key) => ({ name: key.name, bytes: new Uint8Array(await key.slice(0, 65536).arrayBuffer()) })));

		postMessage({ result: await verify(new FileSource(bundle), texts, progress) });
	} catch (e) {
		postMessage({ failed: String(e.message) });
	}
};
