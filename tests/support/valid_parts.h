#pragma once
/* A small assessment whose every part belongs to the others: what `assess` leaves behind, made by hand. Tests change one
 * thing in it and look whether it is refused. Where a test needs another plan, record or document from the start, it sets
 * a field of struct valid. */
#include <sys/stat.h>

#include "attest.h"
#include "bundle.h"
#include "digest.h"
#include "evaluate.h"
#include "make_parts.h"
#include "planted.h"
#include "signature.h"
#include "signer.h"
#include "text.h"

struct valid {
	unsigned plan_semantics, event_version, extra_kind; /* 0 is what is current, and no event more */
	bool skip_run_2;				     /* planned and not there */
	const char *dropped;				     /* assessment.json's list, "" is none */
	bool foreign_plan;				     /* the records were made for another plan */
	bool late_names;				     /* a name-resolution block behind a packet */
	bool other_seed;				     /* assessment.json reveals another seed */
	uint8_t seed;					     /* 0 is the one that all have */
	bool reaches;					     /* the product opens /etc/shadow */
	unsigned time_limit;				     /* of the plan; 0 is 60 */
};

#define VALID_TARGET "/srv/documents"
#define VALID_SCAN "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"

/* Keys of tests only: RFC 6979 A.2.5, and one more. */
static const char valid_key[] = "-----BEGIN PRIVATE KEY-----\n"
				"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n"
				"Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
				"+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
				"-----END PRIVATE KEY-----\n";

static inline void valid_digest(char hex[65], const struct hm_parts *parts, const char *name)
{
	struct hm_slice content;
	struct hm_sha256 digest;

	assert_true(hm_parts_get(parts, name, &content));
	hm_sha256_slice(&digest, content);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, sizeof(digest.b) });
}

static inline void valid_claims(struct hm_parts *parts)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *path = hm_sprintf("%s/../data/claims/claims.json", HM_TEST_DATA);

	assert_int_equal(hm_fs_read(&text, path, 1 << 20, NULL), 0);
	assert_int_equal(hm_parts_take(parts, "claims.json", &text, NULL), 0);
}

static inline void valid_plan(struct hm_parts *parts, const struct valid *v, const uint8_t *seed)
{
	struct hm_sha256 commitment;
	char claims[65], hex[65];
	HM_FREE char *plan = NULL;

	valid_digest(claims, parts, "claims.json");
	hm_seed_commit(&commitment, seed);
	hm_text_hex_into(hex, (struct hm_slice){ commitment.b, sizeof(commitment.b) });
	plan = hm_sprintf("{'schema':'hallmark/plan/v1','format':1,'semantics':%u,'commitment':'%s','claim_set':'sha256:%s',"
			  "'declaration':null,'product':{'name':'scan','executable':{'path':'/usr/bin/scan','sha256':'" VALID_SCAN "'}},"
			  "'argv':['/usr/bin/scan','" VALID_TARGET "'],'stdin':null,'factors':[],"
			  "'runs':[{'run':1,'kind':'aa'},{'run':2,'kind':'aa'}],'feature_version':1,'alpha':[1,100],"
			  "'internet':'simulated','scenario':null,'profile':'confined','target':'" VALID_TARGET "','time_limit_s':%u}",
			  v->plan_semantics ? v->plan_semantics : HM_SEMANTICS, hex, claims, v->time_limit ? v->time_limit : 60);
	make_json(parts, "plan.json", plan);
}

static inline void valid_assessment(struct hm_parts *parts, const struct valid *v, const uint8_t *seed)
{
	uint8_t other[32];
	char hex[65];
	HM_FREE char *text = NULL;

	memcpy(other, seed, sizeof(other));
	other[31] ^= v->other_seed;
	hm_text_hex_into(hex, (struct hm_slice){ other, sizeof(other) });
	text = hm_sprintf("{'schema':'hallmark/assessment/v1','seed':'%s','kernel':{'release':'6.1.0-28-amd64','machine':'x86_64'},"
			  "'witnesses':{'read':['syscall'],'send':['packet','syscall']},'chamber':{'profile':'confined','internet':'simulated',"
			  "'hostname':'ws-17','machine_id':'00112233445566778899aabbccddeeff','address':'198.18.0.2','target':'" VALID_TARGET "',"
			  "'equal':[],'absent_mounts':[],'self_test':{'result':'passed','rows':[{'way':'read','kind':'read','witnesses':['syscall'],'result':'seen','why':''}]}},"
			  "'runs':["
			  "{'run':1,'kind':'aa','outcome':'exited','status':0,'start_us':1700000000000000,'end_us':1700000002500000},"
			  "{'run':2,'kind':'aa','outcome':'exited','status':0,'start_us':1700000003000000,'end_us':1700000005500000}],"
			  "'dropped':[%s]}",
			  hex, v->dropped ? v->dropped : "");
	make_json(parts, "assessment.json", text);
}

#define VALID_EXEC(inode, name, arguments)                                                                                    \
	(struct hm_event){ .kind = HM_EV_EXEC, .tgid = 100, .tid = 100,                                                         \
			   .field = { MAKE_U(2049), MAKE_U(inode), MAKE_U(1), MAKE_U(HM_LAYER_LOWER), MAKE_B(name),                  \
				      MAKE_B(arguments), MAKE_U(sizeof(arguments) - 1) } }
#define VALID_OPEN(inode, layer, name)                                                                                        \
	(struct hm_event){ .kind = HM_EV_OPEN, .tgid = 100, .tid = 100,                                                         \
			   .field = { MAKE_U(257), MAKE_U(3), MAKE_U(0), MAKE_U(0100644), MAKE_U(2049), MAKE_U(inode), MAKE_U(1),    \
				      MAKE_U(layer), MAKE_B(name) } }

/* As make_record, with every third item closing a block, so that there are borders. */
static inline void valid_record_file(struct hm_parts *parts, const char *name, enum hm_record_kind kind,
				     const struct make_items *items)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	char folder[] = "/tmp/hm-valid-XXXXXX", path[64];
	struct hm_record_writer *w;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/record", folder);
	assert_int_equal(hm_record_create(&w, path, kind, NULL), 0);
	for (size_t i = 0; i < items->count; i++) {
		assert_int_equal(hm_record_append(w, hm_slice_of(&items->item[i]), i * 1000000, NULL), 0);
		if (i % 3 == 2)
			assert_int_equal(hm_record_sync(w, NULL), 0);
	}
	assert_int_equal(hm_record_finish(w, NULL, NULL), 0);
	assert_int_equal(hm_fs_read(&content, path, 1 << 20, NULL), 0);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	assert_int_equal(hm_parts_take(parts, name, &content, NULL), 0);
}

/* An event of a kind that does not exist yet. */
static inline void valid_unknown_event(struct make_items *items, unsigned kind)
{
	struct hm_bytes *out = make_item(items);

	hm_cbor_array(out, 7);
	hm_cbor_uint(out, kind);
	hm_cbor_uint(out, 5000000);
	for (size_t i = 0; i < 5; i++)
		hm_cbor_uint(out, i == 1 ? items->count - 1 : 0);
}

static inline void valid_run(struct hm_parts *parts, const struct valid *v, unsigned run)
{
	HM_CLEANUP(make_items_release) struct make_items items = { 0 }, tree = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packets = { 0 }, salts = { 0 };
	HM_FREE char *record_name = hm_sprintf("runs/%04u/record.cbor.zst", run), *tree_name = hm_sprintf("runs/%04u/tree.cbor.zst", run);
	HM_FREE char *packets_name = hm_sprintf("runs/%04u/packets.pcapng", run), *salts_name = hm_sprintf("runs/%04u/packets.salts", run);
	struct hm_sha256 plan;
	struct hm_slice text;

	assert_true(hm_parts_get(parts, "plan.json", &text));
	hm_sha256_slice(&plan, text);
	plan.b[0] ^= v->foreign_plan;
	make_event(&items, (struct hm_event){ .kind = HM_EV_START,
					      .field = { MAKE_U(v->event_version ? v->event_version : HM_EVENT_VERSION),
							 { .b = { plan.b, sizeof(plan.b) } }, MAKE_U(run), MAKE_B("6.1.0-28-amd64"), MAKE_U(2),
							 MAKE_B("read:syscall send:packet,syscall") } });
	make_event(&items, VALID_EXEC(11, "/usr/bin/scan", "/usr/bin/scan\0" VALID_TARGET "\0"));
	make_event(&items, VALID_OPEN(12, HM_LAYER_LOWER, "/usr/lib/libscan.so"));
	make_event(&items, VALID_OPEN(13, HM_LAYER_PLAIN, VALID_TARGET "/letter.txt"));
	make_event(&items, (struct hm_event){ .kind = HM_EV_OUTPUT, .tgid = 100, .tid = 100, .field = { MAKE_U(1), MAKE_B("done\n") } });
	if (v->reaches)
		make_event(&items, VALID_OPEN(77, HM_LAYER_LOWER, "/etc/shadow"));
	if (v->extra_kind)
		valid_unknown_event(&items, v->extra_kind);
	make_event(&items, (struct hm_event){ .kind = HM_EV_EXIT, .tgid = 100, .tid = 100, .field = { MAKE_U(0), MAKE_U(1) } });
	make_event(&items, (struct hm_event){ .kind = HM_EV_END, .field = { MAKE_U(HM_OUTCOME_EXITED), MAKE_U(0), MAKE_U(items.count - 1),
									    MAKE_U(0), MAKE_U(1), MAKE_U(0), MAKE_U(1), MAKE_U(44) } });
	valid_record_file(parts, record_name, HM_RECORD_EVENTS, &items);
	{
		struct hm_bytes *out = make_item(&tree);
		uint8_t digest[32] = { 7 };

		hm_cbor_array(out, 8);
		hm_cbor_bytes(out, HM_SLICE("/tmp/scan.log"));
		hm_cbor_uint(out, 'f');
		hm_cbor_uint(out, 0100644);
		hm_cbor_uint(out, 0);
		hm_cbor_uint(out, 0);
		hm_cbor_uint(out, 5);
		hm_cbor_bytes(out, (struct hm_slice){ digest, sizeof(digest) });
		hm_cbor_bytes(out, HM_SLICE(""));
	}
	valid_record_file(parts, tree_name, HM_RECORD_TREE, &tree);
	hm_pcapng_start(&packets, 0);
	make_udp(&packets, "198.18.0.2", 40000, "203.0.113.9", 24441, HM_SLICE("hello from the"));
	if (v->late_names)
		hm_pcapng_names(&packets, &(struct hm_pcapng_name){ { 203, 0, 113, 9 }, "scan.example" }, 1);
	for (size_t i = 0; i < (v->late_names ? 4 : 3) * 16; i++)
		hm_bytes_u8(&salts, (uint8_t)(i * 11 + run)); /* section header, interface, packet */
	assert_int_equal(hm_parts_take(parts, packets_name, &packets, NULL), 0);
	assert_int_equal(hm_parts_take(parts, salts_name, &salts, NULL), 0);
}

static inline void valid_product(struct hm_parts *parts)
{
	make_json(parts, "product.json",
		  "{'schema':'hallmark/product/v1','name':'scan','purl':'pkg:deb/debian/scan@1.0','supplier':null,'packages':[{'name':'scan',"
		  "'version':'1.0','arch':'amd64','files':[{'path':'/usr/bin/scan','sha256':'" VALID_SCAN "','size':1000,'mode':33261,'uid':0,"
		  "'gid':0,'origin':'package'},{'path':'/usr/lib/libscan.so','sha256':'" VALID_SCAN "','size':1000,'mode':33188,'uid':0,"
		  "'gid':0,'origin':'package'}]}],'unowned':[],'definitions':[]}");
}

/* Everything up to the findings, if they can be made: a core that the evaluator refuses has those of the plain one. */
static inline struct hm_parts *valid_parts(const struct valid *variant)
{
	struct hm_parts *parts = hm_parts_new();
	struct valid plain = { 0 };
	const struct valid *v = variant ? variant : &plain;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	struct hm_fail fail = { 0 };
	uint8_t seed[32];

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(3 * i + 1 + v->seed);
	valid_claims(parts);
	valid_plan(parts, v, seed);
	assert_int_equal(hm_planted_make(parts, seed, "aa", 0, VALID_TARGET, NULL, NULL), 0);
	valid_product(parts);
	valid_run(parts, v, 1);
	if (!v->skip_run_2)
		valid_run(parts, v, 2);
	valid_assessment(parts, v, seed);
	if (hm_evaluate(&findings, parts, &fail) < 0) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *other = NULL;
		struct hm_slice text;

		if (!variant)
			fail_msg("%s", fail.text);
		other = valid_parts(NULL);
		assert_true(hm_parts_get(other, "findings.json", &text));
		findings.len = 0;
		hm_bytes_slice(&findings, text);
	}
	assert_int_equal(hm_parts_take(parts, "findings.json", &findings, NULL), 0);
	return parts;
}

/* The signer of a key in PEM. The caller frees it. */
static inline struct hm_signer *valid_signer(const char *pem)
{
	char folder[] = "/tmp/hm-valid-XXXXXX", path[64];
	struct hm_signer *signer = NULL;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(pem), 0600, NULL), 0);
	assert_int_equal(hm_signer_load(&signer, path, NULL), 0);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	return signer;
}

static inline struct hm_pubkey *valid_pubkey(const struct hm_signer *signer)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	struct hm_pubkey *key = NULL;

	assert_int_equal(hm_signer_public(signer, &pem, NULL), 0);
	assert_int_equal(hm_pubkey_parse(&key, hm_slice_of(&pem), NULL), 0);
	return key;
}

/* Signs what the parts call for. */
static inline void valid_sign(struct hm_parts *parts, const struct hm_signer *signer)
{
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = valid_pubkey(signer);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes statement = { 0 }, pae = { 0 }, signature = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_attest_statement(&statement, parts, &fail) < 0)
		fail_msg("%s", fail.text);
	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, hm_slice_of(&statement));
	assert_int_equal(hm_signer_sign(signer, hm_slice_of(&pae), &signature, NULL), 0);
	assert_int_equal(hm_attest_add(parts, hm_slice_of(&statement), hm_pubkey_id(key), hm_slice_of(&signature), (struct hm_slice){ 0 }, NULL), 0);
}

/* Core, manifest, signature. */
static inline struct hm_parts *valid_sealed(const struct valid *variant, const struct hm_signer *signer)
{
	struct hm_parts *parts = valid_parts(variant);
	struct hm_fail fail = { 0 };

	if (hm_bundle_seal(parts, &fail) < 0)
		fail_msg("%s", fail.text);
	if (signer)
		valid_sign(parts, signer);
	return parts;
}
