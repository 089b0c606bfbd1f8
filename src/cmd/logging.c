#include "logging.h"

#include "attest.h"
#include "folder.h"
#include "log.h"
#include "program.h"
#include "signer.h"

struct opened {
	struct hm_policy *policy;
	struct hm_log *log;
};

static void release(struct opened *o)
{
	hm_log_close(o->log);
	hm_policy_free(o->policy);
}

static int open_log(struct opened *o, const struct hm_logging *l, struct hm_fail *fail)
{
	int r = l->policy ? hm_policy_load(&o->policy, l->policy, fail) : 0;

	if (r == 0)
		r = hm_log_open(&o->log, l->folder, l->key, o->policy, fail);
	if (r == 0 && hm_log_recovered(o->log))
		hm_program_note("log %s: %llu entries of a batch that was interrupted are in it now", l->folder, (unsigned long long)hm_log_recovered(o->log));
	return r;
}

int hm_logging_ready(const struct hm_logging *l, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct opened o = { 0 };

	return open_log(&o, l, fail);
}

static int append(const struct hm_logging *l, struct hm_slice entry, struct hm_slice extra, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct opened o = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	HM_CLOSE int fd = hm_folder_open(l->folder, fail);
	struct hm_tile_source source = hm_folder_source(&fd);
	uint64_t index;
	int r = fd < 0 ? fd : open_log(&o, l, fail);

	if (r == 0)
		r = hm_log_append(o.log, &entry, 1, &index, fail);
	if (r == 0)
		r = hm_folder_checkpoint(source, &note, fail);
	return r < 0 ? r : hm_folder_receipt(source, hm_slice_of(&note), index, extra, receipt, fail);
}

int hm_logging_attestation(const struct hm_logging *l, struct hm_slice statement, struct hm_slice signature, struct hm_slice spki,
			   struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes entry = { 0 };

	hm_entry_attestation(&entry, statement, signature, spki);
	return append(l, hm_slice_of(&entry), spki, receipt, fail);
}

int hm_logging_plan(const struct hm_logging *l, const char *assessor_key, struct hm_slice plan, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *public = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 }, pae = { 0 }, signature = { 0 }, entry = { 0 }, extra = { 0 };
	int r = hm_signer_load(&signer, assessor_key, fail);

	if (r == 0)
		r = hm_signer_public(signer, &pem, fail);
	if (r == 0)
		r = hm_pubkey_parse(&public, hm_slice_of(&pem), fail);
	if (r < 0)
		return r;
	hm_dsse_pae(&pae, HM_PLAN_TYPE, plan);
	r = hm_signer_sign(signer, hm_slice_of(&pae), &signature, fail);
	if (r < 0)
		return r;
	hm_entry_plan(&entry, plan, hm_slice_of(&signature), hm_pubkey_spki(public));
	hm_bytes_slice(&extra, hm_pubkey_spki(public));
	hm_bytes_slice(&extra, hm_slice_of(&signature));
	return append(l, hm_slice_of(&entry), hm_slice_of(&extra), receipt, fail);
}
