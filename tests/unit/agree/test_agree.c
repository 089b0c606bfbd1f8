/* Two findings: what is the same, what one alone has, and when they cannot be compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agree.h"

#define DESIGN "'claim_set':'sha256:aa','semantics':4,'experiment':{'factors':['content'],'internet':'simulated'},"
#define BASE                                                                                                                                 \
	DESIGN "'claims':[{'id':'b','verdict':'upheld'}],'not_tested':[{'id':'c','reason':'needs tls'}],"

/* What hm_agree makes of both, in one canonical line. Quotes are single ones. */
static char *agree(const char *old, const char *new)
{
	HM_JSON json_t *a = NULL, *b = NULL, *out = NULL;
	struct hm_bytes text = { 0 };
	char *copies[] = { hm_sprintf("{%s}", old), hm_sprintf("{%s}", new) };

	for (size_t i = 0; i < 2; i++) {
		for (char *c = copies[i]; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		assert_int_equal(hm_json_parse(i ? &b : &a, hm_slice_text(copies[i]), "findings", NULL), 0);
		free(copies[i]);
	}
	out = hm_agree(a, b);
	json_object_set_new(out, "exit", json_integer(hm_agree_exit(out)));
	hm_json_write(&text, out);
	hm_bytes_u8(&text, 0);
	for (char *c = (char *)text.data; *c; c++)
		*c = *c == '"' ? '\'' : *c;
	return (char *)text.data;
}

static void told(const char *old, const char *new, const char *wanted)
{
	HM_FREE char *text = agree(old, new);

	if (!strstr(text, wanted))
		fail_msg("no %s in %s", wanted, text);
}

static void the_same(void **state HM_UNUSED)
{
	told(BASE "'influence':[],'ledger':[],'product':{'artifacts':[]}", BASE "'influence':[],'ledger':[],'product':{'artifacts':[]}",
	     "{'agree':true,'claims':{'differ':[],'same':['b','c']},'endpoints':{'new':[],'old':[]},'exit':0,"
	     "'influence':{'new':[],'old':[],'same':[]},'not_comparable':[],'product':{'changed':[],'same':true}}");
	/* Findings that lack what others have are told by what they lack, not by a crash. */
	told("", "", "'agree':true");
}

static void verdicts(void **state HM_UNUSED)
{
	told(BASE "'influence':[]", "'claims':[{'id':'a','verdict':'refuted'},{'id':'c','verdict':'upheld'}],'not_tested':[]",
	     "'claims':{'differ':[{'id':'a','new':'refuted','old':'unknown'},{'id':'b','new':'unknown','old':'upheld'},"
	     "{'id':'c','new':'upheld','old':'not tested'}],'same':[]}");
	told(BASE "'influence':[]", BASE "'influence':[]", "'exit':0");
	told(DESIGN "'claims':[{'id':'a','verdict':'refuted'}]", DESIGN "'claims':[{'id':'a','verdict':'upheld'}]", "'exit':1");
}

static void influence(void **state HM_UNUSED)
{
	/* Two features of one layer are one; another layer is another. */
	told("'influence':[{'factor':'content','endpoint':'x:1/udp','layer':'udp','feature':'1'},{'factor':'content','endpoint':'x:1/udp','layer':'udp','feature':'2'}]",
	     "'influence':[{'factor':'content','endpoint':'x:1/udp','layer':'udp','feature':'3'}]",
	     "'influence':{'new':[],'old':[],'same':[{'endpoint':'x:1/udp','factor':'content','layer':'udp'}]}");
	told("'influence':[{'factor':'content','endpoint':'x:1/tcp','layer':'tcp'}]", "'influence':[{'factor':'content','endpoint':'x:1/tcp','layer':'tls'}]",
	     "'influence':{'new':[{'endpoint':'x:1/tcp','factor':'content','layer':'tls'}],'old':[{'endpoint':'x:1/tcp','factor':'content','layer':'tcp'}],'same':[]}");
	told("'influence':[{'factor':'content','endpoint':'x','layer':'tcp'}]", "'influence':[]", "'agree':false");
	/* Endpoints alone are told and count for nothing. */
	told("'ledger':[{'endpoint':'a'},{'endpoint':'b'}]", "'ledger':[{'endpoint':'b'},{'endpoint':'c'}]", "'agree':true");
	told("'ledger':[{'endpoint':'a'},{'endpoint':'b'}]", "'ledger':[{'endpoint':'b'},{'endpoint':'c'}]", "'endpoints':{'new':['c'],'old':['a']}");
}

static void product(void **state HM_UNUSED)
{
	told("'product':{'artifacts':[{'path':'/a','role':'package','sha256':'11'},{'path':'main.cvd','role':'definitions','sha256':'1'}]}",
	     "'product':{'artifacts':[{'path':'/a','role':'package','sha256':'11'},{'path':'main.cvd','role':'definitions','sha256':'2'}]}",
	     "'product':{'changed':[{'new':'2','old':'1','path':'main.cvd','role':'definitions'}],'same':true}");
	told("'product':{'artifacts':[{'path':'/a','role':'executed','sha256':'11'}]}",
	     "'product':{'artifacts':[{'path_b64':'L/8=','role':'package','sha256':'22'}]}",
	     "'product':{'changed':[{'new':null,'old':'11','path':'/a','role':'executed'},{'new':'22','old':null,'path':'L/8=','role':'package'}],'same':false}");
	/* What has no digest on either side is not known to be the same. */
	told("'product':{'artifacts':[{'path':'/a','role':'executed','sha256':null}]}", "'product':{'artifacts':[{'path':'/a','role':'executed','sha256':null}]}",
	     "'same':false}");
}

static void not_comparable(void **state HM_UNUSED)
{
	told(BASE "'influence':[]", "'claim_set':'sha256:bb','semantics':3,'experiment':{'factors':['names'],'internet':'closed'}",
	     "'not_comparable':['claim_set','semantics','factors','internet']");
	told(BASE "'influence':[]", "'claim_set':'sha256:bb','semantics':4,'experiment':{'factors':['content'],'internet':'simulated'}", "'exit':2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same), cmocka_unit_test(verdicts),	      cmocka_unit_test(influence),
		cmocka_unit_test(product),  cmocka_unit_test(not_comparable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
