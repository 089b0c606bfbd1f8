/* verify.html from its parts: build.mjs NODE_MODULES VERSION OUT. One file without a request: the worker is a text in the script, script
 * and style are let through by their SHA-256 and nothing else is. The same input gives the same bytes. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [modules, version, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const { build } = createRequire(pathToFileURL(join(resolve(modules), "x.js")))("esbuild");
const text = (...path) => readFileSync(join(...path), "utf8");

async function bundle(entry, define) {
	const { outputFiles } = await build({
		entryPoints: [join(here, "src", entry)], bundle: true, write: false, format: "iife", target: "es2022", charset: "ascii",
		legalComments: "inline", nodePaths: [resolve(modules)], absWorkingDir: here, define, logLevel: "warning",
	});

	/* Where a file lay is no part of it. */
	return outputFiles[0].text.replace(/^\s*\/\/ \S+\.m?js\n/gm, "");
}

const hash = (content) => "sha256-" + createHash("sha256").update(content).digest("base64");
const escaped = (content) => content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const script = await bundle("page.mjs", { WORKER: JSON.stringify(await bundle("worker.mjs", {})) });
const style = text(here, "style.css");
const libraries = Object.keys(JSON.parse(text(here, "package.json")).dependencies);
const licences = libraries.map((name) => `${name} ${JSON.parse(text(modules, name, "package.json")).version}\n\n${text(modules, name, "LICENSE")}`);
const values = {
	SCRIPT: script, STYLE: style, "SCRIPT-HASH": hash(script), "STYLE-HASH": hash(style), VERSION: version,
	SEMANTICS: /SEMANTICS = (\d+)/.exec(text(here, "src", "events.mjs"))[1], LICENCES: escaped(licences.join("\n")),
};

if (/<\/(script|style)/i.test(script + style) || script.includes("<!--"))
	throw new Error("the script would end early in a page");
writeFileSync(out, text(here, "verify.html").replace(/@([A-Z-]+)@/g, (_, name) => values[name]));
