/* What is shown of pairs of runs. */
#include "../../support/sample_experiment.h"
#include "factor.h"
#include "report_internal.h"

static struct hm_bytes page_of(struct hm_parts *parts)
{
	struct hm_bytes page = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_report_html(&page, parts, &fail) < 0)
		fail_msg("%s", fail.text);
	hm_bytes_u8(&page, 0);
	return page;
}

static char *table_of(struct hm_parts *parts, unsigned width)
{
	const struct hm_parts *const list[] = { parts };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_report_table(&out, list, 1, width, false, &fail) < 0)
		fail_msg("%s", fail.text);
	return hm_slice_dup(hm_slice_of(&out));
}

static void shows(const struct hm_bytes *page, const char *text)
{
	if (!strstr((const char *)page->data, text))
		fail_msg("not on the page: %s", text);
}

static void hides(const struct hm_bytes *page, const char *text)
{
	if (strstr((const char *)page->data, text))
		fail_msg("on the page: %s", text);
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

/* The sample's parts, one of them replaced (NULL: left out). */
static struct hm_parts *parts_with(const char *name, const char *instead)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *all = sample_experiment();
	struct hm_parts *some = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(all); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		struct hm_slice content;
		const char *at = hm_parts_at(all, i, &content);

		if (strcmp(at, name) == 0)
			continue;
		hm_bytes_slice(&copy, content);
		assert_int_equal(hm_parts_take(some, at, &copy, NULL), 0);
	}
	if (instead)
		make_json(some, name, instead);
	return some;
}

static void hostile_content_is_inert(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	HM_FREE char *table = table_of(parts, 80);

	page.len--;
	for (size_t i = 0; i < HM_COUNT(sample_raw); i++) {
		assert_null(memmem(page.data, page.len, sample_raw[i], strlen(sample_raw[i])));
		assert_null(strstr(table, sample_raw[i]));
	}
	assert_true(hm_text_is_utf8(hm_slice_of(&page)));
	assert_true(hm_text_is_utf8(hm_slice_text(table)));
	hides(&page, "<script");
	hides(&page, "<img");
}

static void sentences_that_are_quoted(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	HM_FREE char *table = table_of(parts, 6000);

	shows(&page, "sends to " SAMPLE_ENDPOINT " depends on the content of files: the field op-digest differed with it in 3 of 3 pairs of runs "
		     "that were alike in all else (p 2 in 256) and the length of the message in 1 of 3 (p 3 in 256).");
	shows(&page, "In 3 pairs of runs that differed only in the names of files and folders, no dependence was confirmed, but nothing accounts for "
		     "900 of 5,000 bytes that left, in 12 fields, and these could carry it.");
	assert_non_null(strstr(table, "refuted         collect.content: What scan"));
	assert_non_null(strstr(table, "op-digest differed with it in 3 of 3 pairs of runs that were alike in all else (p 2 in 256)"));
	assert_non_null(strstr(table, "not verifiable  collect.names: In 3 pairs of runs that differed only in the names"));
	assert_non_null(strstr(table, SAMPLE_ENDPOINT " 800 bytes: 500 constant, 60 explained, 240 influenced, 0 unaccounted"));
	assert_non_null(strstr(table, "not asserted    timing, "));
	/* The endpoint at which it was found, before those at which it was confirmed. */
	assert_non_null(strstr(table, "holds the content of files itself: a digest of planted documents was found in it."));
	assert_non_null(strstr(table, "So does what it sends to 2 more endpoints."));
}

static void upheld_by_pairs(void **state HM_UNUSED)
{
	static const struct {
		const char *ledger, *says;
	} rows[] = {
		{ "", "not one byte left" },
		{ "{'endpoint':'a','wire':7,'constant':7,'explained':0,'influenced':[],'unaccounted':0}", "not one byte that left differed" },
		{ "{'endpoint':'a','wire':7,'constant':5,'explained':2,'influenced':[],'unaccounted':0}",
		  "every byte that left was the same in both or is accounted for by something else" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_FREE char *findings = hm_sprintf(
			"{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan'},'experiment':{'screen':6,'factors':['content']},'losses':[],"
			"'claims':[{'id':'capable.listening','question':2,'verdict':'upheld','reason':'ports.none','values':{'runs':24},'evidence':[],"
			"'bound':{'pairs':24,'confidence':[19,20],'rate_bp':1173}},{'id':'collect.content','question':1,'verdict':'upheld','reason':"
			"'nothing.left','values':{},'evidence':[],'bound':{'pairs':3,'confidence':[19,20],'rate_bp':6316}}],'not_tested':[],"
			"'influence':[],'ledger':[%s],'scope':{'not_asserted':[]}}", rows[i].ledger);
		HM_FREE char *said = hm_sprintf("In 3 pairs of runs that differed only in the content of files, %s; a dependence that shows itself in more "
						"than 63.16 %% of such pairs would have been seen with 95 %% confidence.", rows[i].says);
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with("findings.json", findings);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
		HM_FREE char *table = table_of(parts, 6000);

		shows(&page, said);
		assert_non_null(strstr(table, said));
		assert_non_null(strstr(table, "upheld          collect.content: In"));
		/* Pairs are pairs, runs are runs. */
		shows(&page, "what shows itself in more than 11.73 % of runs would have been seen with 95 % confidence (24 runs); where pairs were "
			     "compared, a dependence that shows itself in more than 63.16 % of such pairs");
		shows(&page, "<b class=\"state unseen\">not seen</b><span>in 3 pairs:</span><span>at most 63.16 % of them</span>");
	}
}

/* Blocks 50 and 51 are a pair that keeps, and one that sends what was kept: of the latter's runs both find the same documents. */
static void what_a_later_start_sends(void **state HM_UNUSED)
{
	static const char plan[] = "{'blocks':[{'block':50,'phase':'store','factor':'content','runs':[3,4]},"
				   "{'block':51,'phase':'send','factor':'content','runs':[2,1]},{'block':52,'phase':'send','factor':'content','runs':[7,8]}]}";
	static const char findings[] =
		"{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan'},'experiment':{'screen':6,'factors':['content']},'losses':[],"
		"'claims':[{'id':'collect.residue','question':1,'verdict':'refuted','reason':'residue.sent','values':{'features':1},'evidence':[]}],"
		"'not_tested':[],'influence':[{'factor':'content','endpoint':'" SAMPLE_ENDPOINT "','layer':'udp','feature':'0.0.line.op-digest',"
		"'grade':'dependent','declared':false,'p':{'b':1,'m':255,'family':1,'phase':'send'}}],'ledger':[],'scope':{}}";
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *all = parts_with("findings.json", findings), *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	HM_FREE char *table = NULL;

	for (size_t i = 0; i < hm_parts_count(all); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		struct hm_slice content;
		const char *at = hm_parts_at(all, i, &content);

		hm_bytes_slice(&copy, content);
		if (strcmp(at, "plan.json") != 0)
			assert_int_equal(hm_parts_take(parts, at, &copy, NULL), 0);
	}
	make_json(parts, "plan.json", plan);
	page = page_of(parts);
	table = table_of(parts, 6000);
	assert_non_null(strstr(table, "What scan sends to " SAMPLE_ENDPOINT " when it starts again depends on the content of files that it saw before: the "
				      "field op-digest differed with it in 1 of 1 pair of runs"));
	assert_non_null(strstr(table, "refuted         collect.residue: 1 field of what a later start sent depends on what was left on disk."));
	shows(&page, "Then <b>1</b> of two runs each");
	/* In place A of the store block was the run with level 1: the first of the send block has it too. */
	shows(&page, "<h3>Two runs that began with what others had kept, which differed in the content of files</h3>");
	shows(&page, "Field</th><th role=\"columnheader\" scope=\"col\">Run 1, level 0</th><th role=\"columnheader\" scope=\"col\">Run 2, level 1</th>");
	/* It was the runs before that found other documents. */
	shows(&page, "Document</th><th role=\"columnheader\" scope=\"col\">Run 4, level 0</th><th role=\"columnheader\" scope=\"col\">Run 3, level 1</th>");
}

/* Pairs that repeat one draw are one for a bound. */
static void pairs_that_count(void **state HM_UNUSED)
{
	static const char findings[] =
		"{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan'},'experiment':{'screen':6,'factors':['content']},'losses':[],"
		"'claims':[{'id':'collect.content','question':1,'verdict':'upheld','reason':'nothing.left','values':{},'evidence':[],"
		"'bound':{'pairs':2,'confidence':[19,20],'rate_bp':7764}}],'not_tested':[],'influence':[],'ledger':[],'scope':{}}";
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with("findings.json", findings);
	HM_FREE char *table = table_of(parts, 6000);

	assert_non_null(strstr(table, "with 95 % confidence (2 of the 3 pairs count for this: the others repeat what was drawn once)."));
}

/* A claim that could not be judged for another reason than bytes says so, in the sentence and in the cell. */
static void what_stands_against_it_is_told(void **state HM_UNUSED)
{
	static const char findings[] =
		"{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan'},'experiment':{'screen':6,'factors':['content','marking']},"
		"'losses':[],'claims':[{'id':'collect.content','question':1,'verdict':'not verifiable','reason':'run.missing','values':{'runs':4},"
		"'evidence':[]}],'not_tested':[],'influence':[],'ledger':[],'scope':{'not_asserted':[]}}";
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with("findings.json", findings);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	shows(&page, "Whether what scan sends depends on the content of files cannot be told: 4 runs planned and not here.");
	shows(&page, "<b class=\"state open\">cannot tell</b><span>4 runs planned and not here</span>");
	/* Of the marking no pair was done. */
	shows(&page, "<b class=\"state open\">cannot tell</b><span>no pair was done</span>");
	hides(&page, "not seen</b>");
}

static void factors_by_endpoints(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	shows(&page, "<b>6</b> pairs of runs in which all");
	shows(&page, "<b>9</b> in each of which one");
	shows(&page, "<b class=\"state depends\">depends</b><span>2 fields, p 2 in 256</span>");
	shows(&page, "<b class=\"state depends\">depends</b><span>1 form of it found</span><span>1 field, p 2 in 256</span>");
	shows(&page, "<b class=\"state open\">cannot tell</b><span>850 bytes unaccounted</span>");
	shows(&page, "<i class=\"label\" aria-hidden=\"true\">quiet.example:80/tcp</i><b class=\"state unseen\">not seen</b><span>in its bytes, in 3 pairs</span>");
	/* Each that was not tested with its reason. */
	shows(&page, "<li><code>marking</code> <span>a protective marking on documents</span> <i>not asked for</i></li>");
	shows(&page, "<li><code>metadata.inode</code> <span>the inode numbers of files</span> <i>cannot be set: the file system gives them out</i></li>");
	hides(&page, "<li><code>names</code>");
}

static void two_messages_side_by_side(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	shows(&page, "scope=\"col\">Run 1, level 0</th><th role=\"columnheader\" scope=\"col\">Run 2, level 1</th>");
	/* The bytes that differ and no others; what is hostile in the same value is inert. */
	shows(&page, "<code>0e3c&lt;script&gt;alert(1)&lt;/script&gt;<mark>dddd</mark></code>");
	shows(&page, "<code>0e3c&lt;script&gt;alert(1)&lt;/script&gt;<mark>ffff</mark></code>");
	shows(&page, "<code>line.op-digest</code><b>depends, p 2 in 256</b>");
	/* Of another length: what is neither a common beginning nor a common end. */
	shows(&page, "<code>line.thread</code><span>differs here, not shown to depend</span>");
	shows(&page, "<code><mark>56789</mark></code>");
	shows(&page, "<code>line.only</code><span>differs here, not shown to depend</span></th><td role=\"cell\"><i class=\"label\" "
		     "aria-hidden=\"true\">level 0</i><i class=\"none\">not sent</i>");
	shows(&page, "<code>size</code><b>depends, p 3 in 256</b>");
	/* No text: hex, from a little before the first difference, with what is left out. */
	shows(&page, "<span class=\"cut\">268 bytes before</span> <code>");
	shows(&page, "<mark>47</mark> ");
	shows(&page, "<span class=\"cut\">240 bytes more</span>");
}

/* What was left on disk is not what was sent. */
static void left_on_disk(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	HM_FREE char *table = table_of(parts, 6000);

	assert_non_null(strstr(table, "refuted         collect.residue: What scan"));
	/* What follows from another field is said last. */
	assert_non_null(strstr(table, "leaves on disk depends on the content of files: the content of /tmp/%1b<script>"));
	assert_non_null(strstr(table, ", the content of /tmp/state in 3 of 3 (p 1 in 256) and all that was left in 3 of 3 (p 1 in 256)."));
	shows(&page, "<i class=\"label\" aria-hidden=\"true\">left on disk</i><b class=\"state depends\">depends</b><span>3 fields, p 1 in 256</span>");
	shows(&page, "<i class=\"label\" aria-hidden=\"true\">left on disk</i><span>not compared</span>");
	hides(&page, "sends to disk");
	{
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *some = parts_with("runs/0001/tree.cbor.zst", NULL);
		HM_FREE char *said = table_of(some, 6000);

		assert_non_null(strstr(said, "the content of /tmp/state in 2 of 2"));
		assert_non_null(strstr(said, "op-digest differed with it in 3 of 3"));
	}
}

/* What was put in, beside what came out: the product's input first. */
static void documents_that_varied(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	const char *input = strstr((const char *)page.data, ".eml</code><span>content</span>"), *owner;

	shows(&page, "What varied: 3 planted documents.");
	assert_non_null(input);
	shows(&page, "<code>the word is &lt;b&gt;<mark>AAAA</mark>&lt;/b&gt;, as you\\x0D\\x0A\nguessed invoice\\xE2");
	shows(&page, "<mark>BBBBBB</mark>");
	owner = strstr(input, "/owned</code><span>permissions</span>");
	assert_non_null(owner);
	shows(&page, "<code>06<mark>44</mark></code>");
	shows(&page, "<code>06<mark>00</mark></code>");
	shows(&page, "<code>2024-05-14 09:00:0<mark>1</mark>, read 2024-05-14 09:00:00</code>");
	shows(&page, "And 1 more document.");
	hides(&page, "/same</code>");
}

/* Without packets, planted documents or plan there are no pairs to show, and nothing is made up. */
static void what_is_not_there_is_not_shown(void **state HM_UNUSED)
{
	static const char *const names[] = { "plan.json", "planted.json", "assessment.json" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with(names[i], NULL);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

		shows(&page, "the field op-digest (p 2 in 256) and the length of the message (p 3 in 256).");
		hides(&page, "differed with it in");
		hides(&page, "class=\"aligned\"");
	}
	{
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with("runs/0002/packets.pcapng", NULL);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

		shows(&page, "op-digest differed with it in 2 of 2 pairs");
		/* Of runs 3 and 4 the coin gave level 1 to the first. */
		shows(&page, "scope=\"col\">Run 4, level 0</th><th role=\"columnheader\" scope=\"col\">Run 3, level 1</th>");
	}
}

static void bars_are_true_to_scale(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	shows(&page, "<rect x=\"0.00%\" width=\"62.50%\" height=\"100%\" class=\"constant\"/>"
		     "<rect x=\"62.50%\" width=\"7.50%\" height=\"100%\" class=\"explained\" fill=\"url(#dots)\"/>"
		     "<rect x=\"70.00%\" width=\"23.75%\" height=\"100%\" class=\"influenced\"/>"
		     "<rect x=\"93.75%\" width=\"6.25%\" height=\"100%\" class=\"influenced\"/></svg>");
	shows(&page, "<b>190</b> influenced <span class=\"faint\">23.7 %</span> by the content of files</li>");
	shows(&page, "<td>5,000</td><td>3,750</td><td>60</td><td>290</td><td>900</td>");
	assert_int_equal(count_of((const char *)page.data, "<svg class=\"bar\""), 4);
}

/* Numbers that no sound ledger holds must do no harm. */
static void false_ledgers_stay_in_their_bars(void **state HM_UNUSED)
{
	static const char findings[] =
		"{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan'},'experiment':{'screen':6,'factors':['content','content']},"
		"'losses':[],'claims':[],'not_tested':[],'influence':[7,{},{'factor':'content'},{'factor':'content','endpoint':'a','feature':'1.2.'}],"
		"'ledger':[{'endpoint':'a','wire':9007199254740991,'constant':9007199254740991,'explained':9007199254740991,'influenced':"
		"[7,{'bytes':9007199254740991},{'factors':[7],'bytes':1}],'unaccounted':1},{'wire':0,'constant':5},{}],'scope':{}}";
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = parts_with("findings.json", findings);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);

	shows(&page, "<rect x=\"0.00%\" width=\"100.00%\" height=\"100%\" class=\"constant\"/></svg>");
}

static void marks(const char *first, const char *second, bool text, const char *marked, const char *other)
{
	const struct hm_slice s[2] = { hm_slice_text(first), hm_slice_text(second) };
	const char *const wanted[2] = { marked, other };
	bool of_first[64], of_second[64], *both[2] = { of_first, of_second };

	report_difference(both, s, text);
	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < s[side].len; i++)
			if (both[side][i] != (wanted[side][i] == '^'))
				fail_msg("%s, %s: byte %zu of side %zu", first, second, i, side);
}

static void bytes_that_differ(void **state HM_UNUSED)
{
	marks("", "", true, "", "");
	marks("abc", "abc", true, "   ", "   ");
	marks("abc", "axc", true, " ^ ", " ^ ");
	marks("", "abc", true, "", "^^^");
	/* Of another length: words that are not in the other's order. */
	marks("one two three", "one 22 three", true, "    ^^^      ", "    ^^      ");
	marks("b=2&c=3", "a=1&b=2&c=3", true, "       ", "^^^^       ");
	marks("aXb", "ab", false, " ^ ", "  ");
	marks("aXb", "ab", true, "^^^", "^^");
}

/* Too long for words: what is neither a common beginning nor a common end. */
static void long_values_by_their_ends(void **state HM_UNUSED)
{
	enum { LONG = 3000 };
	uint8_t a[LONG], b[LONG + 1];
	bool of_a[LONG], of_b[LONG + 1], *both[2] = { of_a, of_b };

	memset(a, '.', sizeof(a));
	memset(b, '.', sizeof(b));
	a[100] = b[100] = b[2000] = 'x';
	a[1999] = 'y';
	report_difference(both, (const struct hm_slice[2]){ { a, sizeof(a) }, { b, sizeof(b) } }, true);
	assert_false(of_a[1998] || of_a[2000] || of_b[1998] || of_b[2001]);
	assert_true(of_a[1999] && of_b[1999] && of_b[2000]);
}

/* The table of factors is the list. */
static void every_factor_has_words(void **state HM_UNUSED)
{
	static const char *const groups[] = { "metadata", "host", "inventory" };

	for (size_t i = 0; i < hm_factor_count; i++)
		if (strcmp(report_say("factor", hm_factors[i].name), hm_factors[i].name) == 0)
			fail_msg("no words for %s", hm_factors[i].name);
	for (size_t i = 0; i < HM_COUNT(groups); i++)
		assert_string_not_equal(report_say("factor", groups[i]), groups[i]);
}

static void where_it_comes_from(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = sample_experiment();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = page_of(parts);
	HM_FREE char *table = table_of(parts, 6000);

	assert_non_null(strstr(table, "Of what goes to " SAMPLE_ENDPOINT ", the field op-digest and the length of the message depend on letter.eml, bytes 120 to "
				      "412 of 1,545: varied alone, that made the difference in 11 pairs (by chance once in 2,048), and all else made none."));
	assert_non_null(strstr(table, "the message depends on the text of plan.odt, character 7 of 400 and on "));
	assert_non_null(strstr(table, ", together: varied alone, that made the difference in 11 pairs (by chance once in 2,048); something else counts, too; "
				      "there is more, not located: repeats did not bear out what was found."));
	assert_non_null(strstr(table, "Where the order in which endpoints are called comes from was not located: it comes and goes while nothing varies."));
	assert_null(strstr(table, "is not looked for"));
	shows(&page, "Where it comes from");
	shows(&page, "letter.eml, bytes 120 to 412 of 1,545</td>");
	shows(&page, "character 7 of 400, together with note.txt");
	shows(&page, "not located: what is left on disk was not looked for");
}

static void features_in_words(void **state HM_UNUSED)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ "0.0.line.op-digest", "the field op-digest" },
		{ "0.given.0.http.header.x-sum", "the HTTP header x-sum that TLS was given" },
		{ "1.given.2.size", "the length of the message that TLS was given (flow 1, message 2)" },
		{ "0.given.messages", "the number of messages that TLS was given" },
		{ "2.13.http.header.user-agent", "the HTTP header user-agent (flow 2, message 13)" },
		{ "0.1.http.body", "the HTTP body (flow 0, message 1)" },
		{ "3.messages", "the number of messages (flow 3)" },
		{ "0.size", "the number of bytes of the flow" },
		{ "order", "the order in which endpoints are called" },
		{ "0.0.brand.new", "the field brand.new" },
		{ "99999999999999999999999.7.x", "the field x (flow 18446744073709551615, message 7)" },
		{ "", "the field " },
		{ "7", "the field 7" },
		{ "7.", "the field  (flow 7)" },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

		report_field(&out, rows[i].name);
		hm_bytes_u8(&out, 0);
		assert_string_equal(out.data, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_content_is_inert),	  cmocka_unit_test(sentences_that_are_quoted),
		cmocka_unit_test(upheld_by_pairs),		  cmocka_unit_test(what_stands_against_it_is_told),
		cmocka_unit_test(factors_by_endpoints),		  cmocka_unit_test(two_messages_side_by_side),
		cmocka_unit_test(what_is_not_there_is_not_shown), cmocka_unit_test(bars_are_true_to_scale),
		cmocka_unit_test(false_ledgers_stay_in_their_bars), cmocka_unit_test(every_factor_has_words),
		cmocka_unit_test(features_in_words),		  cmocka_unit_test(documents_that_varied),
		cmocka_unit_test(what_a_later_start_sends),	  cmocka_unit_test(where_it_comes_from),
		cmocka_unit_test(left_on_disk),			  cmocka_unit_test(pairs_that_count),
		cmocka_unit_test(bytes_that_differ),		  cmocka_unit_test(long_values_by_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
