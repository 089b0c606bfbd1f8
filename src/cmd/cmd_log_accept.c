/* A log that others write to: who may is a list of keys. */
#include "accept.h"
#include "cmd_log.h"
#include "folder.h"
#include "program.h"

struct accepting {
	struct hm_policy *policy;
	struct hm_accept *log;
	struct hm_pubkey **keys;
	size_t key_count;
	int folder;
};

static void release(struct accepting *a)
{
	hm_accept_close(a->log);
	hm_policy_free(a->policy);
	for (size_t i = 0; i < a->key_count; i++)
		hm_pubkey_free(a->keys[i]);
	free(a->keys);
	if (a->folder >= 0)
		close(a->folder);
}

static void answer_request(void *context, const struct hm_web_request *request, struct hm_web_answer *answer)
{
	struct accepting *a = context;
	struct hm_tile_source source = hm_folder_source(&a->folder);

	if (!request->post) {
		hm_log_serve_file(&source, request, answer);
		return;
	}
	if (strcmp(request->path, "/add-entry") != 0)
		return;
	answer->type = "text/plain; charset=utf-8";
	answer->status = hm_accept_take(a->log, request->body, &answer->body);
	if (answer->status == 503)
		hm_program_note("the log could not be written: %.*s", (int)answer->body.len, (const char *)answer->body.data);
}

static int load_keys(struct accepting *a, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *path = hm_args_all(args, "submitter", &count);

	if (!count)
		return hm_fail_set(fail, HM_E_USAGE, "log accept: --submitter PUB, a key that may submit, is needed");
	a->keys = hm_alloc(count, sizeof(*a->keys));
	for (size_t i = 0; i < count; i++, a->key_count++) {
		int r = hm_pubkey_load(&a->keys[i], path[i], fail);

		if (r < 0)
			return r;
	}
	return 0;
}

int hm_log_run_accept(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct accepting a = { .folder = -1 };
	HM_CLEANUP(hm_web_cleanup) struct hm_web *web = NULL;
	const char *listen = hm_args_get(args, "listen"), *key = hm_args_get(args, "key");
	int r = key ? 0 : hm_fail_set(fail, HM_E_USAGE, "log accept: --key KEY, the log's private key, is needed");

	if (r == 0)
		r = load_keys(&a, args, fail);
	if (r == 0 && hm_args_has(args, "policy"))
		r = hm_policy_load(&a.policy, hm_args_get(args, "policy"), fail);
	if (r == 0)
		r = a.folder = hm_folder_open(args->operand[1], fail);
	if (r >= 0)
		r = hm_accept_open(&a.log, args->operand[1], key, a.policy, a.keys, a.key_count, fail);
	if (r == 0)
		r = hm_web_open(&web, listen ? listen : "127.0.0.1:8080", HM_SUBMISSION_MAX, answer_request, &a, fail);
	if (r < 0)
		return r;
	hm_program_catch_signals();
	if (!hm_args_has(args, "quiet"))
		hm_program_note("serving %s, and taking entries of %zu keys, on port %u", args->operand[1], a.key_count, hm_web_port(web));
	return hm_web_run(web, hm_program_stopped, fail);
}
