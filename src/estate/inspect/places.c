/* Small files that tell of services, timers, accounts and trusted roots: by where they lie. */
#include "inspect_internal.h"

#include "digest.h"
#include "text.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SMALL ((size_t)4 << 20)

/* Of Windows' folders the case does not count; no other differs by case alone. */
static bool begins(const char *s, const char *with)
{
	return strncasecmp(s, with, strlen(with)) == 0;
}

static const char *ending(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0 ? s + n - m : NULL;
}

static int small(struct inspect *s, struct hm_slice *bytes)
{
	struct hm_fail why = { 0 };

	return hm_target_bytes(s->target, SMALL, bytes, &why);
}

/* The program of the first ExecStart, or NULL. */
static char *program_of(struct hm_slice text)
{
	const uint8_t *at = text.len ? memmem(text.data, text.len, "\nExecStart=", 11) : NULL;
	const uint8_t *end = text.data + text.len, *start;

	if (!at)
		return NULL;
	for (at += 11; at < end && strchr("-@:+! \t\"", *at) && *at; at++)
		;
	for (start = at; at < end && *at > ' ' && *at != '"'; at++)
		;
	return at > start && *start == '/' ? hm_slice_dup((struct hm_slice){ start, (size_t)(at - start) }) : NULL;
}

/* A unit whose program is gone is what stayed behind. Not every target can be asked for another file. */
static bool program_gone(struct inspect *s, struct hm_slice text)
{
	HM_FREE char *program = program_of(text);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes first = { 0 };
	struct hm_fail why = { 0 };

	return program && (!s->entry->outer || s->entry->root) && hm_target_has_others(s->target) && inspect_other(s, program, (size_t)1 << 30, &first, &why) == 1;
}

static int unit(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	const char *name = strrchr(e->path, '/') + 1, *end = ending(name, ".service") ? ending(name, ".service") : ending(name, ".timer");
	HM_FREE char *value = end ? hm_slice_dup((struct hm_slice){ (const uint8_t *)name, (size_t)(end - name) }) : NULL;
	struct hm_observation o = { .kind = end && strcmp(end, ".timer") == 0 ? HM_OBSERVED_TIMER : HM_OBSERVED_SERVICE, .value = value, .path = e->path,
				    .outer = e->outer, .source = "systemd", .state = HM_STATE_PRESENT };
	struct hm_slice text;

	if (!end)
		return 0;
	if (e->type == HM_ENTRY_LINK)
		o.state = strstr(e->path, ".wants/") || strstr(e->path, ".requires/") ? HM_STATE_INSTALLED : HM_STATE_PRESENT;
	else if (hm_inspect_shows(s->rules, &o) && small(s, &text) == 0 && program_gone(s, text))
		o.state = HM_STATE_RESIDUE;
	return inspect_pass(s, &o, fail);
}

static int init_script(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	struct hm_observation o = { .kind = HM_OBSERVED_SERVICE, .value = strrchr(e->path, '/') + 1, .path = e->path, .outer = e->outer, .source = "init.d",
				    .state = HM_STATE_PRESENT };

	return inspect_pass(s, &o, fail);
}

static int accounts(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	struct hm_slice text;
	int r = small(s, &text) == 0 ? 0 : inspect_unread(s, e, "too large", fail);

	for (size_t at = 0; r == 0 && at < text.len;) {
		const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end ? (size_t)(end - text.data) - at : text.len - at;
		HM_FREE char *line = hm_slice_dup((struct hm_slice){ text.data + at, len });
		struct hm_observation o = { .kind = HM_OBSERVED_ACCOUNT, .value = line, .path = e->path, .outer = e->outer, .source = "passwd", .state = HM_STATE_RESIDUE };

		line[strcspn(line, ":")] = 0;
		if (*line)
			r = inspect_pass(s, &o, fail);
		at += len + 1;
	}
	return r;
}

static int certificate(struct inspect *s, const struct hm_entry *e, X509 *x, struct hm_fail *fail)
{
	char hex[65], subject[1024];
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct hm_observation o = { .kind = HM_OBSERVED_CERTIFICATE, .value = subject, .detail = "trusted root", .path = e->path, .outer = e->outer, .source = "roots",
				    .state = HM_STATE_INSTALLED, .sha256 = hex };

	if (!X509_NAME_oneline(X509_get_subject_name(x), subject, sizeof(subject)) || X509_digest(x, EVP_sha256(), sum, &len) != 1 || len != 32)
		return 0;
	hm_text_hex_into(hex, (struct hm_slice){ sum, 32 });
	return inspect_pass(s, &o, fail);
}

static int roots(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	struct hm_slice text;
	BIO *bio = small(s, &text) == 0 && text.len < INT32_MAX ? BIO_new_mem_buf(text.data, (int)text.len) : NULL;
	X509 *x;
	int r = 0;

	while (bio && r == 0 && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		r = certificate(s, e, x, fail);
		X509_free(x);
	}
	BIO_free(bio);
	return r;
}

/* A file that is called as drivers are, where a system takes its drivers from. Elsewhere the name alone says less. */
static int driver(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	const char *name = strrchr(e->path, '/') + 1, *end = strcasestr(name, ".ko");
	HM_FREE char *value = NULL;
	struct hm_observation o = { .kind = HM_OBSERVED_KERNEL_MODULE, .detail = "in the system's folder of drivers", .path = e->path, .outer = inspect_outer(s, e), .source = "walk",
				    .state = HM_STATE_PRESENT };

	if (!end || (strcmp(end, ".ko") != 0 && strncmp(end, ".ko.", 4) != 0))
		end = strlen(name) > 4 && strcasecmp(name + strlen(name) - 4, ".sys") == 0 ? name + strlen(name) - 4 : NULL;
	if (!end || end == name)
		return 0;
	value = hm_slice_dup((struct hm_slice){ (const uint8_t *)name, (size_t)(end - name) });
	o.value = value;
	return inspect_pass(s, &o, fail);
}

static const struct place {
	const char *begins, *ends; /* NULL: any */
	bool links;		   /* links count too */
	int (*tell)(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail);
} places[] = {
	{ "/etc/systemd/system/", NULL, true, unit },
	{ "/usr/lib/systemd/system/", NULL, true, unit },
	{ "/lib/systemd/system/", NULL, true, unit },
	{ "/usr/local/lib/systemd/system/", NULL, true, unit },
	{ "/lib/modules/", NULL, false, driver },
	{ "/usr/lib/modules/", NULL, false, driver },
	{ "/Windows/System32/drivers/", NULL, false, driver },
	{ "/etc/init.d/", NULL, false, init_script },
	{ "/etc/rc.d/init.d/", NULL, false, init_script },
	{ "/etc/passwd", "/etc/passwd", false, accounts },
	{ "/etc/ssl/certs/", NULL, false, roots },
	{ "/usr/share/ca-certificates/", ".crt", false, roots },
	{ "/usr/local/share/ca-certificates/", ".crt", false, roots },
	{ "/etc/pki/ca-trust/source/anchors/", NULL, false, roots },
	{ "/etc/pki/tls/certs/", NULL, false, roots },
};

int inspect_places(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_COUNT(places); i++) {
		const struct place *p = &places[i];
		bool whole = p->ends && strcmp(p->begins, p->ends) == 0;

		if (!begins(e->path, p->begins) || (whole ? strcmp(e->path, p->begins) != 0 : p->ends && !ending(e->path, p->ends)))
			continue;
		if (e->type == HM_ENTRY_FILE || (p->links && e->type == HM_ENTRY_LINK))
			return p->tell(s, e, fail);
	}
	return 0;
}
