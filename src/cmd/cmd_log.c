#include "commands.h"

#include "cmd_log.h"
#include "fs.h"
#include "log_files.h"
#include "program.h"
#include "text.h"
#include "web.h"

static const struct hm_option options[] = {
	{ "key", 'k', "KEY", false, "the log's private key (hallmark keygen --log); for checkpoint and check KEY.pub is read" },
	{ "policy", 'p', "FILE", false, "which log and witnesses to trust, and their quorum (tlog-policy)" },
	{ "lines", 0, NULL, false, "append: each line of the files is an entry; - is standard input" },
	{ "batch", 0, "N", false, "append: so many entries at a time, 256 at most (default)" },
	{ "receipts", 0, "FOLDER", false, "append: write NAME.tlog-proof for each file into this folder" },
	{ "index", 'i', "N", false, "prove: a receipt for the entry at this index" },
	{ "from", 0, "SIZE", false, "prove: that the log extends its tree of this size" },
	{ "output", 'o', "FILE", false, "prove, enter: write there" },
	{ "signer", 0, "FILE", false, "enter: the private key that signed the bundle" },
	{ "listen", 'l', "ADDRESS:PORT", false, "serve, accept: where (127.0.0.1:8080)" },
	{ "submitter", 0, "PUB", true, "accept: take entries that this key signed (PEM)" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
};

struct reading {
	struct hm_log_files files;
	struct hm_policy *policy;
	struct hm_bytes note;
	struct hm_policy_outcome outcome;
};

static void release(struct reading *r)
{
	hm_log_files_release(&r->files);
	hm_policy_free(r->policy);
	hm_bytes_release(&r->note);
}

/* The published checkpoint, by a log that is trusted. */
static int open_trusted(struct reading *r, const struct hm_args *args, struct hm_fail *fail)
{
	int e = hm_log_files_open(&r->files, args->operand[1], fail);

	if (e == 0)
		e = hm_log_trust(&r->policy, hm_args_get(args, "policy"), hm_args_get(args, "key"), fail);
	if (e == 0)
		e = hm_folder_checkpoint(r->files.source, &r->note, fail);
	return e < 0 ? e : hm_policy_check(&r->outcome, r->policy, hm_slice_of(&r->note), fail);
}

static int print(const struct hm_args *args, const struct hm_bytes *out, struct hm_fail *fail)
{
	return hm_args_has(args, "quiet") ? 0 : hm_program_print(hm_slice_of(out), fail);
}

static void put_witnesses(struct hm_bytes *out, const struct hm_policy_outcome *o)
{
	for (size_t i = 0; i < o->witnesses; i++)
		hm_bytes_printf(out, "cosigned by %s at %llu\n", o->by[i]->name, (unsigned long long)o->time[i]);
	if (!o->demands)
		hm_bytes_text(out, "no quorum is demanded: nothing shows that others are not shown another log\n");
	else if (!o->quorum)
		hm_bytes_text(out, "the quorum has not cosigned\n");
}

static int run_checkpoint(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct reading r = { .files.folder = -1 };
	int e;

	/* With the private key what was left undone is done first. */
	if (hm_args_has(args, "key") && access(hm_args_get(args, "key"), R_OK) == 0) {
		e = hm_log_run_publish(args, fail);
		if (e < 0)
			return e;
	}
	e = open_trusted(&r, args, fail);
	if (e == 0)
		e = print(args, &r.note, fail);
	return e < 0 ? e : r.outcome.quorum ? 0 : 2;
}

static int number(uint64_t *out, const char *name, const char *text, struct hm_fail *fail)
{
	char *end;

	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || *out > INT64_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "--%s: %s is no number", name, text);
	return 0;
}

/* "old SIZE", the proof, an empty line, the checkpoint: what a witness takes. */
static int prove_consistency(const struct reading *r, uint64_t from, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = NULL;
	struct hm_sha256 proof[HM_PROOF_MAX];
	struct hm_checkpoint head;
	struct hm_note note;
	size_t count;
	int e = hm_note_parse(&note, hm_slice_of(&r->note), fail);

	if (e == 0)
		e = hm_checkpoint_parse(&head, note.text, fail);
	if (e < 0)
		return e;
	tree = hm_tree_open(r->files.source, head.size);
	e = hm_tree_consistency(tree, from, proof, &count, fail);
	if (e < 0)
		return e;
	hm_bytes_printf(out, "old %llu\n", (unsigned long long)from);
	for (size_t i = 0; i < count; i++) {
		hm_text_base64(out, (struct hm_slice){ proof[i].b, HM_SHA256_LEN });
		hm_bytes_u8(out, '\n');
	}
	hm_bytes_u8(out, '\n');
	hm_bytes_slice(out, hm_slice_of(&r->note));
	return 0;
}

static int run_prove(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct reading r = { .files.folder = -1 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const char *index = hm_args_get(args, "index"), *from = hm_args_get(args, "from"), *path = hm_args_get(args, "output");
	uint64_t n = 0;
	int e;

	if (!index == !from)
		return hm_fail_set(fail, HM_E_USAGE, "log prove: --index N for an entry, or --from SIZE for an older tree");
	e = number(&n, index ? "index" : "from", index ? index : from, fail);
	if (e == 0)
		e = hm_log_files_open(&r.files, args->operand[1], fail);
	if (e == 0)
		e = hm_folder_checkpoint(r.files.source, &r.note, fail);
	if (e == 0 && index)
		e = hm_folder_receipt(r.files.source, hm_slice_of(&r.note), n, (struct hm_slice){ 0 }, &out, fail);
	if (e == 0 && from)
		e = prove_consistency(&r, n, &out, fail);
	if (e < 0)
		return e;
	return path ? hm_fs_write_atomic(path, hm_slice_of(&out), 0644, fail) : hm_program_print(hm_slice_of(&out), fail);
}

/* KEY.signed, where it is. */
static int map_history(struct hm_map *map, const char *key, struct hm_fail *fail)
{
	HM_FREE char *path = key ? hm_sprintf("%s.signed", key) : NULL;

	return path && access(path, F_OK) == 0 ? hm_fs_map(map, path, fail) : 0;
}

static int run_check(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct reading r = { .files.folder = -1 };
	HM_CLEANUP(hm_fs_unmap) struct hm_map history = { { NULL, 0 } };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_folder_check checked;
	int e = open_trusted(&r, args, fail);

	if (e == 0)
		e = map_history(&history, hm_args_get(args, "key"), fail);
	hm_program_working("reading all entries");
	if (e == 0)
		e = hm_folder_check_all(&checked, r.files.source, &r.outcome.checkpoint, r.outcome.log, history.bytes, fail);
	hm_program_done();
	if (e < 0)
		return e;
	hm_bytes_printf(&out, "%s: %llu entries, %llu tiles, the checkpoint and %llu signatures agree\n", r.outcome.log->name,
			(unsigned long long)checked.entries, (unsigned long long)checked.tiles, (unsigned long long)checked.roots);
	put_witnesses(&out, &r.outcome);
	e = print(args, &out, fail);
	return e < 0 ? e : r.outcome.quorum ? 0 : 2;
}

static int run_verify(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, entry = { 0 }, out = { 0 };
	HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { .index = 0 };
	struct hm_policy_outcome outcome;
	struct hm_sha256 leaf;
	struct hm_slice slice;
	int e = hm_log_trust(&policy, hm_args_get(args, "policy"), hm_args_get(args, "key"), fail);

	if (e == 0)
		e = hm_fs_read(&text, args->operand[1], HM_RECEIPT_MAX, fail);
	if (e == 0)
		e = hm_fs_read(&entry, args->operand[2], HM_ENTRY_MAX, fail);
	if (e == 0)
		e = hm_receipt_parse(&receipt, hm_slice_of(&text), fail);
	if (e < 0)
		return e;
	slice = hm_slice_of(&entry);
	hm_merkle_leaf(&leaf, &slice, 1);
	e = hm_receipt_check(&outcome, &receipt, &leaf, policy, fail);
	if (e < 0)
		return e;
	hm_bytes_printf(&out, "%s is entry %llu of %s\n", args->operand[2], (unsigned long long)receipt.index, outcome.log->name);
	put_witnesses(&out, &outcome);
	e = print(args, &out, fail);
	return e < 0 ? e : outcome.quorum ? 0 : 1;
}

/* Names of the log's format alone: no other file of the folder can be had. */
void hm_log_serve_file(void *context, const struct hm_web_request *request, struct hm_web_answer *answer)
{
	struct hm_tile_source *source = context;
	const char *path = request->path + 1;
	bool checkpoint = strcmp(path, "checkpoint") == 0;
	struct hm_tile tile;
	struct hm_fail fail;

	if (!checkpoint && !hm_tile_parse(&tile, path))
		return;
	if (source->read(source->context, path, HM_BUNDLE_MAX, &answer->body, &fail) != 0)
		return;
	answer->status = 200;
	answer->type = checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream";
	answer->forever = !checkpoint;
}

static int run_serve(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_web_cleanup) struct hm_web *web = NULL;
	HM_CLOSE int folder = hm_folder_open(args->operand[1], fail);
	struct hm_tile_source source = hm_folder_source(&folder);
	const char *listen = hm_args_get(args, "listen");
	int e = folder < 0 ? folder : hm_web_open(&web, listen ? listen : "127.0.0.1:8080", 0, hm_log_serve_file, &source, fail);

	if (e < 0)
		return e;
	hm_program_catch_signals();
	if (!hm_args_has(args, "quiet"))
		hm_program_note("serving %s, read only, on port %u", args->operand[1], hm_web_port(web));
	return hm_web_run(web, hm_program_stopped, fail);
}

/* What Sigstore's verifiers want to know of a log (sigstore/protobuf-specs, TrustedRoot 0.2). */
static int run_trust(const struct hm_args *args, struct hm_fail *fail)
{
	static const uint8_t spki_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 }; /* RFC 8410 */
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 }, spki = { 0 }, id = { 0 };
	const struct hm_vkey *key;
	int e = hm_log_trust(&policy, hm_args_get(args, "policy"), hm_args_get(args, "key"), fail);

	if (e < 0)
		return e;
	hm_bytes_text(&out, "{\"mediaType\":\"application/vnd.dev.sigstore.trustedroot.v0.2+json\",\"tlogs\":[");
	for (size_t i = 0; (key = hm_policy_log(policy, i, NULL)); i++) {
		if (strpbrk(key->name, "\"\\"))
			return hm_fail_set(fail, HM_E_BAD, "log %s: its name is no URL", key->name);
		spki.len = id.len = 0;
		hm_bytes_append(&spki, spki_head, sizeof(spki_head));
		hm_bytes_append(&spki, key->key, sizeof(key->key));
		hm_text_base64(&id, (struct hm_slice){ key->id, sizeof(key->id) });
		hm_bytes_printf(&out, "%s{\"baseUrl\":\"https://%s\",\"checkpointKeyId\":{\"keyId\":\"%.*s\"},\"hashAlgorithm\":\"SHA2_256\",\"logId\":{\"keyId\":\"%.*s\"},"
				      "\"publicKey\":{\"keyDetails\":\"PKIX_ED25519\",\"rawBytes\":\"", i ? "," : "", key->name, (int)id.len, (char *)id.data, (int)id.len,
				(char *)id.data);
		hm_text_base64(&out, hm_slice_of(&spki));
		hm_bytes_text(&out, "\",\"validFor\":{\"start\":\"1970-01-01T00:00:00Z\"}}}");
	}
	hm_bytes_text(&out, "]}\n");
	return hm_program_print(hm_slice_of(&out), fail);
}

static const struct hm_log_verb verbs[] = {
	{ "create", 1, 1, "DIR --key KEY", " key ", hm_log_run_create },
	{ "append", 2, SIZE_MAX, "DIR --key KEY [--policy FILE] [--lines] [--batch N] [--receipts FOLDER] FILE...",
	  " key policy lines batch receipts quiet ", hm_log_run_append },
	{ "checkpoint", 1, 1, "DIR|URL [--key KEY] [--policy FILE]", " key policy quiet ", run_checkpoint },
	{ "prove", 1, 1, "DIR|URL --index N | --from SIZE [-o FILE]", " index from output ", run_prove },
	{ "check", 1, 1, "DIR|URL [--key KEY] [--policy FILE]", " key policy quiet ", run_check },
	{ "verify", 2, 2, "RECEIPT ENTRY [--key KEY] [--policy FILE]", " key policy quiet ", run_verify },
	{ "trust", 0, 0, "--key KEY | --policy FILE", " key policy ", run_trust },
	{ "enter", 2, 2, "DIR|URL BUNDLE -o NEW --signer FILE [--key KEY] [--policy FILE]", " key policy signer output ", hm_log_run_enter },
	{ "accept", 1, 1, "DIR --key KEY --submitter PUB... [--policy FILE] [--listen ADDRESS:PORT]", " key policy submitter listen quiet ", hm_log_run_accept },
	{ "serve", 1, 1, "DIR [--listen ADDRESS:PORT]", " listen quiet ", run_serve },
};

static int check_use(const struct hm_args *args, const struct hm_log_verb *verb, struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_COUNT(options); i++) {
		HM_FREE char *word = hm_sprintf(" %s ", options[i].name);

		if (hm_args_has(args, options[i].name) && !strstr(verb->takes, word))
			return hm_fail_set(fail, HM_E_USAGE, "log %s takes no --%s (usage: hallmark log %s %s)", verb->name, options[i].name, verb->name,
					   verb->usage);
	}
	if (args->operands - 1 < verb->min || args->operands - 1 > verb->max)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark log %s %s", verb->name, verb->usage);
	return 0;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_COUNT(verbs); i++) {
		int r;

		if (strcmp(args->operand[0], verbs[i].name) != 0)
			continue;
		r = check_use(args, &verbs[i], fail);
		return r < 0 ? r : verbs[i].run(args, fail);
	}
	return hm_fail_set(fail, HM_E_USAGE, "log: unknown verb %s (create, append, checkpoint, prove, check, verify, trust, enter, accept, serve)", args->operand[0]);
}

const struct hm_command hm_cmd_log = {
	.name = "log",
	.summary = "keep a transparency log on plain files",
	.usage = "create|append|checkpoint|prove|check|verify|trust|enter|accept|serve ...",
	.detail = "A C2SP tile log: any web server can serve its files, and any reader of such logs can check them.\n\n"
		  "  log create DIR --key KEY              an empty log; its origin is the key's name\n"
		  "  log append DIR --key KEY FILE...      each file an entry, in batches that are synced, signed and published\n"
		  "  log checkpoint DIR|URL                the signed tree; with the private key what was interrupted is finished first\n"
		  "  log prove DIR|URL --index N           a receipt (.tlog-proof); --from SIZE: that it extends an older tree\n"
		  "  log check DIR|URL                     all entries read, every tile and root made again\n"
		  "  log verify RECEIPT ENTRY              a receipt held against an entry's file\n"
		  "  log trust --key KEY                   trusted_root.json for Sigstore's verifiers\n"
		  "  log enter DIR|URL BUNDLE -o NEW       a bundle's attestation, with its receipt in a new bundle\n"
		  "  log accept DIR --key KEY              entries of keys that may submit, over HTTP, and the files\n"
		  "  log serve DIR                         the files over HTTP, read only\n\n"
		  "What the key signed stands in KEY.signed, beside the key: nothing is signed that does not extend it.\n\n"
		  "exit: 0 done, or everything holds; 1 false or malformed; 2 it holds, but the policy's quorum has not cosigned\n"
		  "(checkpoint, check); 4 could not run, witnesses that do not answer among it.",
	.min = 1,
	.max = SIZE_MAX,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
