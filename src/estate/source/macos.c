/* Property lists of macOS: bundles, installers' receipts, and what launchd starts. */
#include "plist.h"
#include "source_internal.h"

struct wanted {
	const char *key;
	char *value;
};

static int on_value(void *cookie, const char *key, const char *value)
{
	for (struct wanted *w = cookie; w->key; w++)
		if (!w->value && strcmp(w->key, key) == 0)
			w->value = hm_strdup(value);
	return 0;
}

static void read_list(struct hm_source_out *out, struct hm_slice bytes, struct wanted *wanted)
{
	struct hm_fail why = { 0 };

	if (hm_plist_read(bytes, on_value, wanted, &why) != 0)
		hm_source_leave(out, "%s", why.text);
}

static void release(struct wanted *wanted)
{
	for (; wanted->key; wanted++)
		free(wanted->value);
}

static struct hm_slice slice(const char *text)
{
	return text ? hm_slice_text(text) : (struct hm_slice){ NULL, 0 };
}

int hm_source_macos_bundle(struct hm_source_out *out, struct hm_slice bytes)
{
	struct wanted w[] = { { "CFBundleIdentifier", NULL }, { "CFBundleShortVersionString", NULL }, { "CFBundleVersion", NULL }, { NULL, NULL } };
	int r = 0;

	read_list(out, bytes, w);
	if (w[0].value)
		r = hm_source_tell(out, (struct hm_observation){ .kind = HM_OBSERVED_BUNDLE, .value = w[0].value, .detail = w[1].value ? w[1].value : w[2].value, .state = HM_STATE_PRESENT });
	release(w);
	return r;
}

/* The installer's own note of what it put there. */
int hm_source_macos_receipt(struct hm_source_out *out, struct hm_slice bytes)
{
	struct wanted w[] = { { "PackageIdentifier", NULL }, { "PackageVersion", NULL }, { NULL, NULL } };
	struct hm_source_package package = { 0 };
	int r = 0;

	read_list(out, bytes, w);
	package.name = slice(w[0].value);
	package.version = slice(w[1].value);
	if (w[0].value && (r = hm_source_package(out, &package)) == 0)
		r = hm_source_tell(out, (struct hm_observation){ .kind = HM_OBSERVED_BUNDLE, .value = w[0].value, .detail = w[1].value, .state = HM_STATE_INSTALLED });
	release(w);
	return r;
}

/* What launchd reads is started, unless the list itself says that it is not. */
int hm_source_macos_launchd(struct hm_source_out *out, struct hm_slice bytes)
{
	struct wanted w[] = { { "Label", NULL }, { "Program", NULL }, { "ProgramArguments", NULL }, { "Disabled", NULL }, { NULL, NULL } };
	const struct hm_source_file *file = out->file;
	struct hm_observation o = { .kind = HM_OBSERVED_SERVICE, .state = HM_STATE_INSTALLED };
	int r = 0;

	read_list(out, bytes, w);
	o.value = w[0].value;
	o.detail = w[1].value ? w[1].value : w[2].value;
	if (w[3].value && strcmp(w[3].value, "true") == 0)
		o.state = HM_STATE_PRESENT;
	if (o.value && o.detail && *o.detail == '/' && file->there && file->there(file->system, &o, o.detail) == 0)
		o.state = HM_STATE_RESIDUE;
	if (o.value)
		r = hm_source_tell(out, o);
	release(w);
	return r;
}
