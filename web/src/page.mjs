/* What people see. Everything that comes out of a bundle gets into the page as text, without what could steer how it is shown. */
/* global WORKER */
const $ = (id) => document.getElementById(id);
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const plain = (text) => String(text).replace(steering, "?");

const chosen = { bundle: null, keys: [] };
let worker = null;

function make(tag, text, properties = {}) {
	const element = Object.assign(document.createElement(tag), properties);

	element.append(...(Array.isArray(text) ? text : [plain(text)]));
	return element;
}

function table(caption, heads, rows) {
	const head = make("tr", heads.map((h) => make("th", h, { scope: "col" })));

	return make("table", [make("caption", caption), make("thead", [head]), make("tbody", rows)]);
}

const words = {
	0: ["good", "All that was asked for holds."],
	1: ["bad", "Refused: something is false or malformed."],
	2: ["fair", "Sound as far as this page can check. What it did not check is named below."],
};

function showChecks({ rows, exit, bundle }) {
	const [kind, text] = words[exit];
	const signed = rows.some((r) => r.check === "signature" && r.outcome === "holds");
	const marks = { holds: "\u2713 holds", FALSE: "\u2717 FALSE", unchecked: "\u2013 unchecked" };
	const who = exit === 1 ? "" : signed ? " It was signed by the key that you gave." : " Nothing shows who made it: no signature was checked against a key of yours.";

	$("result").replaceChildren(
		make("h2", "Result"),
		make("p", text + who, { className: `verdict ${kind}`, id: "verdict" }),
		make("p", bundle ? ["Bundle ", make("code", `sha256:${bundle}`)] : "No bundle id: the container could not be read."),
		table("What was checked", ["check", "outcome", "detail"], rows.map((r) => make("tr",
			[make("th", r.check, { scope: "row" }), make("td", marks[r.outcome], { className: r.outcome }), make("td", r.detail)]))),
	);
}

function showClaims(says, exit) {
	if (!says || exit === 1)
		return;
	const shown = says.claims.map((c) => make("tr", [make("th", c.id, { scope: "row" }), make("td", c.statement), make("td", c.verdict),
		make("td", [c.reason, c.bound].filter(Boolean).join("; "))]));
	const untested = says.untested.map((c) => make("tr", [make("th", c.id, { scope: "row" }), make("td", c.statement), make("td", "not tested"), make("td", c.reason)]));
	const rest = says.count - shown.length - untested.length;

	$("result").append(
		make("h2", "What the bundle says"),
		make("p", "These verdicts are the bundle's word. This page recomputed none of them: it did not look into events, packets or documents " +
			"for what they mean. hallmark-verify derives each of them again and demands the same bytes."),
		make("p", `Product: ${says.product || "not named"}${says.supplier ? ` by ${says.supplier}` : ""}. Command: ${says.argv || "not named"}.`),
		table("Claims, as findings.json has them", ["claim", "statement", "verdict, the bundle says", "reason and bound, the bundle says"], [...shown, ...untested]),
		make("p", rest > 0 ? `${rest} more are not shown.` : ""),
	);
}

function showJson({ rows, exit, bundle }) {
	const text = JSON.stringify({ schema: "hallmark/verification/v1", bundle: bundle && `sha256:${bundle}`, exit, checks: rows });

	$("result").append(make("details", [make("summary", "The checks as JSON, as hallmark-verify --json has them"), make("pre", text, { id: "json" })]));
}

function show(result) {
	showChecks(result);
	showClaims(result.says, result.exit);
	showJson(result);
	$("status").textContent = `Done. ${words[result.exit][1]}`;
}

function fail(text) {
	$("status").textContent = plain(`Not checked: ${text}`);
	$("progress").hidden = true;
	$("result").replaceChildren();
}

function stop() {
	if (worker)
		worker.terminate();
	worker = null;
}

function said({ data }) {
	if (data.result || data.failed) {
		stop();
		$("progress").hidden = true;
		document.documentElement.dataset.state = "done";
		return data.result ? show(data.result) : fail(data.failed);
	}
	const doing = data.progress === "container" ? "Reading the container" : "Reading records and packets";

	$("progress").value = data.of ? data.bytes / data.of : 0;
	$("status").textContent = `${doing}: ${Math.floor(data.bytes / 1048576)} MiB of at most ${Math.ceil(data.of / 1048576)}.`;
}

function start() {
	stop();
	document.documentElement.dataset.state = "working";
	$("result").replaceChildren();
	if (!globalThis.isSecureContext || !crypto.subtle)
		return fail("this browser gives the page no WebCrypto here. Open it as a file, or by https.");
	$("progress").hidden = false;
	$("progress").removeAttribute("value");
	$("status").textContent = plain(`Checking ${chosen.bundle.name} ${chosen.keys.length ? `with ${chosen.keys.map((k) => k.name).join(", ")}` : "without a key"}.`);
	const url = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));

	worker = new Worker(url);
	URL.revokeObjectURL(url);
	worker.onmessage = said;
	worker.onerror = (e) => {
		stop();
		fail(e.message || "the browser let no worker run");
	};
	worker.postMessage(chosen);
}

/* A key begins like PEM; anything else is taken for a bundle, so that it is told why it is none. */
async function isKey(file) {
	return file.size < 65536 && (await file.slice(0, 11).text()) === "-----BEGIN ";
}

async function dropped(files) {
	const kinds = await Promise.all(files.map(isKey)), keys = files.filter((_, i) => kinds[i]), bundles = files.filter((_, i) => !kinds[i]);

	if (bundles.length > 1)
		return fail("drop one bundle at a time.");
	if (keys.length)
		chosen.keys = keys;
	if (bundles.length)
		chosen.bundle = bundles[0];
	update();
}

function update() {
	$("have").textContent = plain(`Bundle: ${chosen.bundle ? chosen.bundle.name : "none yet"}. Keys: ${chosen.keys.map((k) => k.name).join(", ") || "none yet"}.`);
	if (chosen.bundle)
		start();
}

function wire() {
	const zone = $("drop");
	const over = (on) => (e) => {
		e.preventDefault();
		zone.classList.toggle("over", on);
	};

	$("bundle").addEventListener("change", (e) => {
		chosen.bundle = e.target.files[0] ?? null;
		update();
	});
	$("key").addEventListener("change", (e) => {
		chosen.keys = [...e.target.files];
		update();
	});
	addEventListener("dragover", over(true));
	addEventListener("dragleave", over(false));
	addEventListener("drop", (e) => {
		over(false)(e);
		if (e.dataTransfer)
			dropped([...e.dataTransfer.files]);
	});
	$("tool").hidden = false;
}

wire();
