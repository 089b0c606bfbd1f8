/* Evidence added up: what is an item, what is a candidate, what is contained in what. Tables are made here; observations are stated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "found.h"
#include "fs.h"

#define HEAD "id,supplier,product,class,kind,indicator,relation,source,date,confidence\n"
#define END ",https://a.example,2024-01-02,high\n"

static const char tables[][4096] = {
	"id,name,kind,source,date\nacme,Acme,security,https://a.example,2024-01-02\nparent,Parent,vendor,https://a.example,2024-01-02\nother,Other,vendor,https://a.example,2024-01-02\n",
	"supplier,controller,country,from,to,source,date,confidence\nacme,parent,US,2020,,https://a.example,2024-01-02,high\nacme,,GB,,2020,https://a.example,2024-01-02,high\n",
	HEAD "acme.package.acme-av,acme,Acme AV,antivirus,package,acme-av,branded" END "acme.path.opt,acme,,,path,/opt/acme/,branded" END
	     "acme.service.acmed,acme,Acme AV,antivirus,service,acmed,branded" END "acme.process.acmed,acme,Acme AV,antivirus,process,acmed,branded" END
	     "acme.file.one,acme,Engine,antivirus,file,one.kdc,contains" END "acme.file.two,acme,Engine,antivirus,file,*.stt,contains" END
	     "acme.file.three,acme,Engine,antivirus,file,index.xml,contains" END "acme.symbol.scan,acme,Engine,antivirus,symbol,acme_scan,contains" END
	     "acme.version.acme,acme,,,version,Acme Ltd,branded" END "acme.string.acme,acme,,,string,Acme Engine,contains" END
	     "acme.organisation.acme,acme,,,organisation,Acme Ltd,branded" END "acme.domain.acme,acme,,,domain,.acme.example,contains" END
	     "acme.definitions.acme,acme,Engine,antivirus,definitions,acme-base,contains" END
	     "acme.purl.acme,acme,Acme tools,code,purl,pkg:npm/%40acme/*,branded" END "acme.cpe_vendor.acme,acme,,,cpe_vendor,acme,branded" END
	     "acme.signer.acme,acme,,,signer,Acme Ltd,branded" END "acme.path.cfg,acme,Acme AV,antivirus,path,/etc/acme.conf,branded" END "acme.path.two,acme,Acme AV,antivirus,path,/opt/acme/bin/two,branded" END
	     "acme.path.three,acme,Acme AV,antivirus,path,/usr/lib/acme,branded" END "acme.bundle.acme,acme,Acme Mac,antivirus,bundle,com.acme.*,branded" END,
};

static struct hm_suppliers *suppliers;

static int setup(void **state HM_UNUSED)
{
	char folder[] = "/tmp/hm-found-XXXXXX";
	const char *folders[] = { folder };
	struct hm_fail fail;
	int r = mkdtemp(folder) ? 0 : -1;

	for (size_t i = 0; i < HM_COUNT(tables) && r == 0; i++) {
		HM_FREE char *path = hm_sprintf("%s/%zu.csv", folder, i);

		r = hm_fs_write_atomic(path, hm_slice_text(tables[i]), 0644, &fail);
	}
	if (r == 0)
		r = hm_suppliers_load(&suppliers, folders, 1, &fail);
	if (r < 0)
		print_error("%s\n", fail.text);
	return hm_fs_remove_tree(folder, NULL) < 0 ? -1 : r;
}

static int teardown(void **state HM_UNUSED)
{
	hm_suppliers_free(suppliers);
	return 0;
}

static struct hm_found *begin(void)
{
	struct hm_found *f = hm_found_new(suppliers, "2024-06-01");

	hm_found_target(f, "t", "folder", true);
	return f;
}

static void see(struct hm_found *f, struct hm_observation o)
{
	o.source = "test";
	assert_int_equal(hm_found_observe(f, &o, NULL), 0);
}

#define SEE(f, ...) see(f, (struct hm_observation){ __VA_ARGS__ })

/* "relation supplier product state score outer; ..." of items, then after a bar of candidates. */
static char *told(struct hm_found *f, const struct hm_found_filter *filter)
{
	HM_JSON json_t *document = hm_found_document(f, filter), *again = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	static const char *const lists[] = { "items", "candidates" };
	struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };
	const json_t *item;
	size_t i;

	/* What is written is read again, to the byte. */
	hm_json_write(&text, document);
	if (hm_found_read(&again, hm_slice_of(&text), "found", &fail) < 0)
		fail_msg("%s", fail.text);
	assert_true(json_equal(document, again));
	for (size_t l = 0; l < 2; l++) {
		hm_bytes_text(&out, l ? "| " : "");
		json_array_foreach (json_object_get(document, lists[l]), i, item)
			hm_bytes_printf(&out, "%s %s %s %s %d %s; ", json_string_value(json_object_get(item, "relation")), json_string_value(json_object_get(item, "supplier")),
					json_string_value(json_object_get(item, "product")), json_string_value(json_object_get(item, "state")),
					(int)json_integer_value(json_object_get(item, "score")), json_string_value(json_object_get(item, "outer")));
	}
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}

static void expect(struct hm_found *f, const char *wanted)
{
	HM_FREE char *got = told(f, NULL);

	hm_found_free(f);
	assert_string_equal(got, wanted);
}

#define ACME_AV(state, score) "branded acme Acme AV " state " " score " ; controlled parent Acme AV " state " " score " ; | "

static void test_one_weak_is_a_candidate(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "acme-av", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "ACME-AV", .state = HM_STATE_INSTALLED);
	expect(f, "| branded acme Acme AV installed 50 ; ");
}

static void test_one_strong(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PACKAGE_FILES, .value = "acme-av", .verified = true, .state = HM_STATE_INSTALLED);
	expect(f, ACME_AV("installed", "100"));
}

static void test_two_weak(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/bin/acmed", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed.service", .state = HM_STATE_RUNNING);
	expect(f, ACME_AV("running", "100"));
}

static void test_two_of_one_channel(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/a", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/etc/acme.conf", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acmecorp/a", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme Acme AV present 50 ; ");
}

static void test_a_set_of_paths(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	/* Two, and one above another of them. */
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/a", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/bin/two", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/etc/acme.conf", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme Acme AV present 50 ; ");
	f = begin();
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/bin/two", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/usr/lib/acme/three", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/etc/acme.conf", .state = HM_STATE_PRESENT);
	expect(f, ACME_AV("present", "130"));
}

static void test_strings_never_count(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	for (int i = 0; i < 10; i++)
		SEE(f, .kind = HM_OBSERVED_STRING, .value = "Acme Engine", .path = "/usr/bin/lister", .state = HM_STATE_PRESENT);
	expect(f, "| ");
}

static void test_low_alone_is_nothing(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_DOMAIN, .value = "update.acme.example", .detail = "in an executable", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/srv/one.kdc", .state = HM_STATE_PRESENT);
	expect(f, "| contains acme Engine present 40 ; ");
}

static void test_a_set_in_one_folder(void **state HM_UNUSED)
{
	static const char *const apart[] = { "/srv/a/one.kdc", "/srv/b/x.stt", "/srv/c/index.xml" }, *const together[] = { "/srv/a/one.kdc", "/srv/a/x.stt", "/srv/a/INDEX.xml" };
	struct hm_found *f = begin();

	for (int i = 0; i < 3; i++)
		SEE(f, .kind = HM_OBSERVED_PATH, .value = apart[i], .state = HM_STATE_PRESENT);
	expect(f, "| ");
	f = begin();
	for (int i = 0; i < 3; i++)
		SEE(f, .kind = HM_OBSERVED_PATH, .value = together[i], .state = HM_STATE_PRESENT);
	expect(f, "contains acme Engine present 100 ; controlled parent Engine present 100 ; | ");
}

static void test_contained_in_a_package(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "gateway", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_SYMBOL, .value = "acme_scan", .path = "/opt/gw/lib/x.so", .outer = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .detail = "CompanyName", .path = "/opt/gw/lib/y.dll", .outer = "gateway", .state = HM_STATE_PRESENT);
	expect(f, "contains acme Engine present 100 gateway; controlled parent Engine present 100 gateway; | ");
}

static void test_a_component_is_in_what_the_bill_is_about(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "gateway", .detail = "7", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "engine", .detail = "8", .outer = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "Acme Ltd", .detail = "engine", .outer = "gateway", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme engine present 50 gateway; ");
}

/* Files of packages that are the supplier's own, by name or by who made them, are not in anything. */
static void test_own_packages(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "acme-av", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/x", .outer = "acme-av", .state = HM_STATE_PRESENT);
	expect(f, ACME_AV("installed", "100"));
	f = begin();
	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "no-row-knows-it", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "Acme Ltd <a@b.example>", .detail = "no-row-knows-it", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_SIGNER, .value = "Acme Ltd", .path = "/usr/bin/x", .outer = "no-row-knows-it", .state = HM_STATE_PRESENT);
	expect(f, "branded acme no-row-knows-it installed 100 ; controlled parent no-row-knows-it installed 100 ; | ");
	/* A package that says nothing: its paths and units are branded all the same. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "blank", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/x", .outer = "blank", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .outer = "blank", .state = HM_STATE_INSTALLED);
	expect(f, ACME_AV("installed", "100"));
}

static void test_a_layer_is_no_product(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme/x", .outer = "layer 2", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SIGNER, .value = "Acme Ltd", .path = "/opt/acme/x", .outer = "layer 2", .state = HM_STATE_PRESENT);
	expect(f, "branded acme  present 100 layer 2; controlled parent  present 100 layer 2; | ");
}

static void test_own_code_is_no_news(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_DEFINITIONS, .value = "acme-base", .path = "/opt/acme/bases/a", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "acme-av", .state = HM_STATE_INSTALLED);
	expect(f, "branded acme Acme AV installed 150 ; branded acme Engine present 150 ; controlled parent Acme AV installed 150 ; controlled parent Engine present 150 ; | ");
}

static void test_residue(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/etc/acme.conf", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PACKAGE, .value = "acme-av", .state = HM_STATE_RESIDUE);
	expect(f, ACME_AV("residue", "100"));
}

static void test_sbom(void **state HM_UNUSED)
{
	struct hm_found *f = begin();
	HM_JSON json_t *document = NULL;
	const json_t *components;

	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "tool", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "acme ltd <a@acme.example>", .detail = "tool", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_CPE, .value = "cpe:2.3:a:Acme:tool:1:*:*:*:*:*:*:*", .detail = "tool", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "lost", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "NOASSERTION", .detail = "lost", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "theirs", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "Somebody", .detail = "theirs", .state = HM_STATE_PRESENT);
	document = hm_found_document(f, NULL);
	components = json_object_get(json_array_get(json_object_get(document, "targets"), 0), "components");
	assert_int_equal(json_integer_value(json_object_get(components, "seen")), 3);
	assert_int_equal(json_integer_value(json_object_get(components, "listed")), 1);
	assert_int_equal(json_integer_value(json_object_get(components, "unlisted")), 1);
	assert_int_equal(json_integer_value(json_object_get(components, "nameless")), 1);
	expect(f, "branded acme tool present 100 ; controlled parent tool present 100 ; | ");
	/* A component in a component of somebody else. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "Somebody", .detail = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_COMPONENT, .value = "sdk", .outer = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_ORGANISATION, .value = "Acme Ltd", .detail = "sdk", .outer = "gateway", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_CPE, .value = "cpe:/a:acme:sdk:1", .detail = "sdk", .outer = "gateway", .state = HM_STATE_PRESENT);
	expect(f, "branded acme sdk present 100 gateway; controlled parent sdk present 100 gateway; | ");
}

static void test_purl(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_PURL, .value = "pkg:npm/%40acme/tool@1.2.3?x=y", .detail = "tool", .state = HM_STATE_INSTALLED);
	SEE(f, .kind = HM_OBSERVED_PURL, .value = "pkg:npm/acme/tool@1.2.3", .detail = "tool", .state = HM_STATE_INSTALLED);
	expect(f, "branded acme Acme tools installed 100 ; controlled parent Acme tools installed 100 ; | ");
}

static void test_bundle(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_BUNDLE, .value = "com.Acme.agent", .path = "/Applications/A.app/Contents/Info.plist", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_BUNDLE, .value = "org.com.acme.agent", .path = "/Applications/B.app/Contents/Info.plist", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/Library/LaunchDaemons/acmed.plist", .state = HM_STATE_INSTALLED);
	expect(f, "branded acme Acme AV installed 100 ; branded acme Acme Mac present 100 ; controlled parent Acme AV installed 100 ; controlled parent Acme Mac present 100 ; | ");
	f = begin();
	SEE(f, .kind = HM_OBSERVED_BUNDLE, .value = "com.acme.agent", .path = "/Applications/A.app/Contents/Info.plist", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme Acme Mac present 50 ; ");
}

static void test_a_name_and_a_mark_of_code(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	/* Neither is enough; together they are two signs, of which the weaker claim is told. */
	SEE(f, .kind = HM_OBSERVED_SYMBOL, .value = "acme_scan", .path = "/usr/lib/x.so", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/etc/systemd/system/acmed.service", .state = HM_STATE_PRESENT);
	expect(f, "contains acme Acme AV present 100 ; contains acme Engine present 100 ; controlled parent Acme AV present 100 ; controlled parent Engine present 100 ; | ");
	/* In two places they are two candidates. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_SYMBOL, .value = "acme_scan", .path = "/usr/lib/x.so", .outer = "/a.zip", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/etc/systemd/system/acmed.service", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme Acme AV present 50 ; contains acme Engine present 50 /a.zip; ");
	/* Low ones are low together, too. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_DOMAIN, .value = "update.acme.example", .detail = "in an executable", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/etc/systemd/system/acmed.service", .state = HM_STATE_PRESENT);
	expect(f, "| branded acme Acme AV present 50 ; ");
	/* A driver's name and its resource, signed by somebody else: the place is where they were seen, whatever they tell alone. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .path = "/acmed.sys", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_PATH, .value = "/opt/acme", .path = "/opt/acme", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/acmed.sys", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	expect(f, "branded acme Acme AV present 100 ; controlled parent Acme AV present 100 ; | contains acme  present 50 signed by Forty-two Ltd; ");
	f = begin();
	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .path = "/acmed.sys", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SERVICE, .value = "acmed", .path = "/acmed.sys", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	expect(f, "contains acme Acme AV present 100 signed by Forty-two Ltd; controlled parent Acme AV present 100 signed by Forty-two Ltd; | ");
}

/* Who signs a file makes it: what names somebody else in it is his. */
static void test_signed_by_another(void **state HM_UNUSED)
{
	struct hm_found *f = begin();

	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .path = "/a.dll", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_SYMBOL, .value = "acme_scan", .path = "/a.dll", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	expect(f, "contains acme Engine present 100 signed by Forty-two Ltd; controlled parent Engine present 100 signed by Forty-two Ltd; | ");
	/* In an archive, it is still in that. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_SIGNER, .value = "Acme Ltd", .path = "/a.dll", .outer = "/x.zip", .verified = true, .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .path = "/a.dll", .outer = "/x.zip!signed by Acme Ltd", .state = HM_STATE_PRESENT);
	expect(f, "branded acme  present 150 /x.zip; controlled parent  present 150 /x.zip; | ");
	/* His own signature on one file does not make another's his. */
	f = begin();
	SEE(f, .kind = HM_OBSERVED_SIGNER, .value = "Acme Ltd", .path = "/a.dll", .verified = true, .state = HM_STATE_PRESENT);
	SEE(f, .kind = HM_OBSERVED_VERSION, .value = "Acme Ltd", .path = "/b.dll", .outer = "signed by Forty-two Ltd", .state = HM_STATE_PRESENT);
	expect(f, "branded acme  present 100 ; controlled parent  present 100 ; | contains acme  present 50 signed by Forty-two Ltd; ");
}

static void test_filter(void **state HM_UNUSED)
{
	static const char *const supplier[] = { "PARENT" }, *const country[] = { "us" }, *const gone[] = { "GB" };
	struct hm_found *f = begin();
	HM_FREE char *a = NULL, *b = NULL, *c = NULL;

	SEE(f, .kind = HM_OBSERVED_SIGNER, .value = "Acme Ltd", .verified = true, .path = "/x", .state = HM_STATE_PRESENT);
	a = told(f, &(struct hm_found_filter){ .supplier = supplier, .suppliers = 1 });
	b = told(f, &(struct hm_found_filter){ .country = country, .countries = 1 });
	c = told(f, &(struct hm_found_filter){ .country = gone, .countries = 1 });
	hm_found_free(f);
	assert_string_equal(a, "branded acme  present 100 ; controlled parent  present 100 ; | ");
	assert_string_equal(b, a);
	assert_string_equal(c, "| ");
	f = begin();
	SEE(f, .kind = HM_OBSERVED_STRING, .value = "Acme Engine", .path = "/usr/bin/lister", .state = HM_STATE_PRESENT);
	free(a);
	a = told(f, &(struct hm_found_filter){ .everything = true });
	hm_found_free(f);
	assert_string_equal(a, "| contains acme  present 0 ; ");
}

static void test_what_was_not_read(void **state HM_UNUSED)
{
	struct hm_found *f = begin();
	HM_JSON json_t *document = NULL;

	for (int i = 0; i < 300; i++)
		hm_found_not_read(f, "/a\n\xff", "it is damaged");
	document = hm_found_document(f, NULL);
	assert_int_equal(hm_found_exit(document), 2);
	document = (json_decref(document), NULL);
	expect(f, "| ");
}

static void test_refuses(void **state HM_UNUSED)
{
	static const char *const bad[] = { "{}", "{\"schema\":\"hallmark/found/v1\"}", "[]", "{\"schema\":\"hallmark/findings/v1\"}" };
	HM_JSON json_t *found = NULL;
	struct hm_fail fail;

	for (size_t i = 0; i < HM_COUNT(bad); i++)
		assert_int_equal(hm_found_read(&found, hm_slice_text(bad[i]), "x", &fail), HM_E_BAD);
	assert_int_equal(hm_found_read(&found, HM_SLICE("{\"schema\":\"hallmark/found/v2\"}"), "x", &fail), HM_E_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_weak_is_a_candidate), cmocka_unit_test(test_one_strong),	      cmocka_unit_test(test_two_weak),
		cmocka_unit_test(test_two_of_one_channel),	cmocka_unit_test(test_strings_never_count),   cmocka_unit_test(test_low_alone_is_nothing),
		cmocka_unit_test(test_a_set_in_one_folder),	cmocka_unit_test(test_contained_in_a_package), cmocka_unit_test(test_a_layer_is_no_product),
		cmocka_unit_test(test_own_code_is_no_news),	cmocka_unit_test(test_residue),		      cmocka_unit_test(test_sbom),
		cmocka_unit_test(test_purl), cmocka_unit_test(test_bundle), cmocka_unit_test(test_signed_by_another), cmocka_unit_test(test_a_name_and_a_mark_of_code),			cmocka_unit_test(test_filter),		      cmocka_unit_test(test_what_was_not_read),
		cmocka_unit_test(test_refuses),			cmocka_unit_test(test_a_set_of_paths),
		cmocka_unit_test(test_a_component_is_in_what_the_bill_is_about), cmocka_unit_test(test_own_packages),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
