#include "replies.h"

#include "fs.h"
#include "reply.h"

void hm_replies_release(struct hm_replies *r)
{
	for (size_t i = 0; i < r->key_count; i++)
		hm_pubkey_free(r->keys[i]);
	free(r->keys);
}

int hm_replies_load(struct hm_replies *r, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *keys = hm_args_all(args, "supplier-key", &count);

	r->path = hm_args_all(args, "reply", &r->count);
	r->keys = hm_alloc(count + 1, sizeof(*r->keys));
	for (size_t i = 0; i < count; i++, r->key_count++) {
		int code = hm_pubkey_load(&r->keys[i], keys[i], fail);

		if (code < 0)
			return code;
	}
	return 0;
}

/* One file: what it says, and the supplier's key, NULL when it is by none. */
static int take(json_t **ret, const struct hm_pubkey **by, const struct hm_parts *parts, const struct hm_replies *r, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_foreign_release) struct hm_foreign envelope = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint64_t signers;
	int code = hm_fs_read(&text, path, HM_REPLY_MAX, fail);

	if (code == 0)
		code = hm_foreign_read(&envelope, hm_slice_of(&text), fail);
	if (code == 0)
		code = hm_reply_read(ret, &envelope, parts, fail);
	if (code < 0)
		return code;
	signers = hm_foreign_signers(&envelope, r->keys, r->key_count);
	*by = signers ? r->keys[__builtin_ctzll(signers)] : NULL;
	if (*by)
		json_object_set_new(*ret, "key", json_string(hm_pubkey_id(*by)));
	return 0;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void say_one(struct hm_verify *v, const char *path, const json_t *row, const char *key)
{
	if (strcmp(text_of(row, "kind"), "declaration") == 0)
		hm_verify_say(v, "reply", HM_CHECK_HOLDS, "%s: the bundle's declaration.json is what key %s signed", path, key);
	else
		hm_verify_say(v, "reply", HM_CHECK_HOLDS, "%s: %zu claims answered on %s, by key %s; it changes no verdict", path,
			      json_array_size(json_object_get(row, "claims")), text_of(row, "date"), key);
}

int hm_replies_check(struct hm_verify *v, const struct hm_replies *r, json_t *shown, struct hm_fail *fail)
{
	for (size_t i = 0; i < r->count; i++) {
		HM_JSON json_t *row = NULL;
		const struct hm_pubkey *by = NULL;
		int code = v->parts ? take(&row, &by, v->parts, r, r->path[i], fail)
				    : hm_fail_set(fail, HM_E_BAD, "there is no bundle that it could be about: its container is malformed");

		if (code == HM_E_SYSTEM)
			return code;
		if (code < 0) {
			hm_verify_say(v, "reply", HM_CHECK_FALSE, "%s: %s", r->path[i], fail->text);
		} else if (!by) {
			hm_verify_say(v, "reply", r->key_count ? HM_CHECK_FALSE : HM_CHECK_UNCHECKED, "%s: %s", r->path[i],
				      r->key_count ? "it is by no supplier's key that was given" : "no --supplier-key was given: anybody may have written it");
		} else {
			say_one(v, r->path[i], row, hm_pubkey_id(by));
			json_array_append(shown, row);
		}
	}
	return 0;
}

int hm_replies_take(const struct hm_parts *parts, const struct hm_replies *r, bool skip_others, json_t *shown, struct hm_fail *fail)
{
	if (r->count && !r->key_count)
		return hm_fail_set(fail, HM_E_USAGE, "--reply: nobody is believed without --supplier-key PUB");
	for (size_t i = 0; i < r->count; i++) {
		HM_JSON json_t *row = NULL;
		const struct hm_pubkey *by = NULL;
		int code = take(&row, &by, parts, r, r->path[i], fail);

		if (code == HM_E_BAD && skip_others)
			continue;
		if (code < 0)
			return hm_fail_in(fail, "%s", r->path[i]);
		if (!by)
			return hm_fail_set(fail, HM_E_BAD, "%s: it is by no supplier's key that was given", r->path[i]);
		json_array_append(shown, row);
	}
	return 0;
}

/* Characters that nobody sees, and that turn or hide others: C1 controls, zero-width and bidi characters, the byte order mark. */
static size_t unseen(const uint8_t *p)
{
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (p[0] == 0xe2 && ((p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae))) || (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)))
		return 3;
	return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

/* A text of UTF-8 on one line. */
static void put_text(struct hm_bytes *out, const char *text)
{
	for (const uint8_t *p = (const uint8_t *)text; *p;) {
		size_t hidden = unseen(p);

		hm_bytes_u8(out, hidden ? '?' : *p < 0x20 || *p == 0x7f ? ' ' : *p);
		p += hidden ? hidden : 1;
	}
}

static void put_member(struct hm_bytes *out, const char *before, const json_t *object, const char *name)
{
	hm_bytes_text(out, before);
	put_text(out, text_of(object, name));
}

static void tell_answer(struct hm_bytes *out, const json_t *answer)
{
	hm_bytes_printf(out, "  %-22s %s; the answer: %s", text_of(answer, "id"), text_of(answer, "verdict"), text_of(answer, "answer"));
	if (*text_of(answer, "fixed_in"))
		put_member(out, " in ", answer, "fixed_in");
	put_member(out, ": ", answer, "text");
	hm_bytes_u8(out, '\n');
}

static void tell_row(struct hm_bytes *out, const json_t *row)
{
	const json_t *answer;
	size_t i;

	if (strcmp(text_of(row, "kind"), "declaration") == 0) {
		put_member(out, "declaration of ", row, "product");
		put_member(out, ", signed by the supplier's key ", row, "key");
		hm_bytes_u8(out, '\n');
		return;
	}
	put_member(out, "reply of ", row, "supplier");
	put_member(out, ", ", row, "date");
	put_member(out, ", by key ", row, "key");
	hm_bytes_text(out, " (the supplier's word; it changes no verdict)\n");
	if (*text_of(row, "statement")) {
		put_member(out, "  ", row, "statement");
		hm_bytes_u8(out, '\n');
	}
	json_array_foreach (json_object_get(row, "claims"), i, answer)
		tell_answer(out, answer);
}

void hm_replies_tell(struct hm_bytes *out, const json_t *shown)
{
	const json_t *row;
	size_t i;

	json_array_foreach (shown, i, row)
		tell_row(out, row);
}
