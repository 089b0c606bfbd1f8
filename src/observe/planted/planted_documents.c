/* The documents: what somebody's home folder in a department might hold. All of it is invented; telephone numbers are
 * those that Ofcom keeps for drama, National Insurance numbers have the prefix QQ, which is never given out. */
#include "planted_internal.h"

#include "text.h"

#define LINE(text) { text, -1, NULL }
#define WITH(before, number, after) { before, number, after }

void hm_doc_eicar(struct hm_bytes *out)
{
	hm_bytes_text(out, "X5O!P%@AP[4\\PZX54(P^)7CC)7}$");
	hm_bytes_text(out, "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*");
}

static void letter_txt(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		LINE("UK SECRET"),
		LINE(""),
		LINE("Permanent Secretary"),
		LINE("14 May 2024"),
		LINE(""),
		WITH("You asked for the current word for the operation. It is ", 0, "."),
		LINE("It changes on the first of the month; please tell nobody outside the list."),
		LINE(""),
		LINE("The convoy leaves the depot at 04:10 and is expected at the northern gate"),
		WITH("between 06:30 and 06:50. The gate opens to the answer ", 1, "."),
		LINE(""),
		LINE("I have kept no copy of this note."),
		LINE(""),
		LINE("UK SECRET"),
	};

	hm_doc_text(out, lines, HM_COUNT(lines), token);
}

/* Twins: equal but for the marking, which another word of its length replaces, and for their tokens. */
static void memo(struct hm_bytes *out, const char *marking, const hm_token *token)
{
	const struct hm_doc_line lines[] = {
		LINE(marking),
		LINE(""),
		LINE("Minutes of the meeting of 13 May 2024, room 4.17"),
		LINE(""),
		WITH("1. Supplier review. The panel agreed that reference ", 0, " goes forward."),
		LINE("2. The reserve price stays at 4,180,000 pounds until the panel meets again."),
		WITH("3. Objections are to be sent under ", 1, " before Friday noon."),
		LINE("4. Any other business: none."),
		LINE(""),
		LINE(marking),
	};

	hm_doc_text(out, lines, HM_COUNT(lines), token);
}

static void memo_marked(struct hm_bytes *out, const hm_token *token)
{
	memo(out, "OFFICIAL-SENSITIVE", token);
}

static void memo_unmarked(struct hm_bytes *out, const hm_token *token)
{
	memo(out, "CANTEEN NEWSLETTER", token);
}

static void accounts_csv(struct hm_bytes *out, const hm_token *token)
{
	hm_bytes_text(out, "name,national insurance,telephone,sort code,account,reference\r\n");
	hm_bytes_printf(out, "\"Ashworth, Edith\",QQ123456A,020 7946 0018,00-00-01,00012345,%s\r\n", token[0]);
	hm_bytes_text(out, "\"Barlow, Tom\",QQ234567B,0131 496 0122,00-00-02,00023456,\r\n");
	hm_bytes_printf(out, "\"Cavendish, Mary\",QQ345678C,029 2018 0333,00-00-03,00034567,%s\r\n", token[1]);
	hm_bytes_text(out, "\"Dunne, Patrick\",QQ456789D,028 9649 6444,00-00-04,00045678,\r\n");
	hm_bytes_printf(out, "\"Eccles, Ruth\",QQ567890A,01632 960555,00-00-05,00056789,%s\r\n", token[2]);
}

static void report_pdf(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		LINE("UK SECRET"),
		LINE("Assessment of supply to the northern stations"),
		LINE(""),
		LINE("The stations hold stock for eleven days. The figure falls to six when"),
		LINE("both roads are closed, as they were in February (see table 2)."),
		WITH("The store at the second station is known as ", 0, "."),
		WITH("Its keeper answers to ", 1, " and to no other call."),
		LINE("Distribution: two copies, by hand."),
	};

	hm_doc_pdf(out, "Supply to the northern stations", lines, HM_COUNT(lines), token, false);
}

static void scan_pdf(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		LINE("Medical certificate"),
		LINE(""),
		WITH("Patient number ", 0, ""),
		LINE("I examined the above on 9 May 2024 and advise six weeks away from work."),
		WITH("The test result is filed under ", 1, "."),
		LINE("Dr H. Ellery, Occupational Health"),
	};

	hm_doc_pdf(out, "Certificate", lines, HM_COUNT(lines), token, true);
}

static void plan_odt(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		LINE("UK OFFICIAL"),
		LINE("Plan for the move of the records office & its staff"),
		LINE("Stage 1 empties rooms 1 to 12; stage 2 the basement."),
		WITH("The new alarm code until handover is ", 0, "."),
		WITH("Contractors sign in under ", 1, " <both sites>."),
		LINE("Costs are in finance/accounts.csv."),
	};

	hm_doc_odt(out, "Plan for the move", lines, HM_COUNT(lines), token);
}

static void source_c(struct hm_bytes *out, const hm_token *token)
{
	hm_bytes_printf(out,
			"/* Gate controller: checks what the keypad sent. */\n"
			"#include <string.h>\n\n"
			"static const char day_code[] = \"%s\";\n"
			"static const char night_code[] = \"%s\";\n\n"
			"int gate_opens(const char *typed, int hour)\n"
			"{\n"
			"\tconst char *code = hour >= 6 && hour < 22 ? day_code : night_code;\n\n"
			"\treturn strcmp(typed, code) == 0;\n"
			"}\n",
			token[0], token[1]);
}

/* Spam filters throw away what is long and unbroken before they digest a message, so a token as a whole may never
 * count: every line of the body also has a quarter of one as a word of five letters. */
static void letter_body(struct hm_bytes *out, const hm_token *token)
{
	static const char *const says[] = {
		"the north store is short of lamp oil and of rope",
		"two lorries are to be sent on Thursday with both",
		"the driver of the first one knows the way by night",
		"the second one must wait for him at the old bridge",
		"nobody is to use the telephone between the two gates",
		"the stores are to be counted again before they leave",
		"the count is to be sent to me and to nobody else",
		"burn the list of names when the last man has gone",
	};

	hm_bytes_printf(out, "Dear Harriet,\r\n\r\nthe word for this week is %s, as you\r\nguessed. In order:\r\n\r\n", token[0]);
	for (unsigned i = 0; i < HM_COUNT(says); i++)
		hm_bytes_printf(out, "%.5s: %s\r\n", token[i / 4] + 5 * (i % 4), says[i]);
	hm_bytes_printf(out, "\r\nThe full call sign is %s. The paper with the\r\nfigures is attached.\r\n\r\nYours ever,\r\nGeorge\r\n",
			token[1]);
}

/* RFC 5322 and 2046: a text and an attachment in base64, lines of 76 characters. */
static void letter_eml(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		WITH("Rope, 200 fathoms, for ", 2, ""),
		LINE("Lamp oil, 40 gallons, not before Tuesday"),
		WITH("Two axles, to be signed for by ", 3, ""),
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes paper = { 0 }, coded = { 0 };

	hm_bytes_text(out, "Return-Path: <george@stores.example>\r\n"
			   "From: George Fell <george@stores.example>\r\n"
			   "To: Harriet Lowe <harriet@department.example>\r\n"
			   "Subject: Stores for the north\r\n"
			   "Date: Tue, 14 May 2024 09:00:00 +0000\r\n"
			   "Message-ID: <20240514090000.17@stores.example>\r\n"
			   "MIME-Version: 1.0\r\n"
			   "Content-Type: multipart/mixed; boundary=\"=_part_of_the_letter\"\r\n"
			   "\r\n"
			   "--=_part_of_the_letter\r\n"
			   "Content-Type: text/plain; charset=us-ascii\r\n"
			   "Content-Transfer-Encoding: 7bit\r\n"
			   "\r\n");
	letter_body(out, token);
	hm_bytes_text(out, "--=_part_of_the_letter\r\n"
			   "Content-Type: text/plain; charset=us-ascii; name=\"figures.txt\"\r\n"
			   "Content-Disposition: attachment; filename=\"figures.txt\"\r\n"
			   "Content-Transfer-Encoding: base64\r\n"
			   "\r\n");
	hm_doc_text(&paper, lines, HM_COUNT(lines), token);
	hm_text_base64(&coded, hm_slice_of(&paper));
	for (size_t i = 0; i < coded.len; i += 76) {
		hm_bytes_append(out, coded.data + i, coded.len - i < 76 ? coded.len - i : 76);
		hm_bytes_text(out, "\r\n");
	}
	hm_bytes_text(out, "--=_part_of_the_letter--\r\n");
}

/* What became known in 2017: a sample beside documents made a product send the whole archive to its maker. */
static void archive_zip(struct hm_bytes *out, const hm_token *token)
{
	static const struct hm_doc_line lines[] = {
		LINE("UK SECRET"),
		WITH("Names of those who were told: list ", 0, ""),
		WITH("Names of those who were not: list ", 1, ""),
		LINE("Both lists are kept in the second drawer."),
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 }, eicar = { 0 };
	struct hm_zip zip = { 0 };

	hm_doc_text(&names, lines, HM_COUNT(lines), token);
	hm_doc_eicar(&eicar);
	hm_zip_add(&zip, "lists.txt", hm_slice_of(&names), true);
	hm_zip_add(&zip, "eicar.com", hm_slice_of(&eicar), false);
	hm_zip_end(&zip, out);
}

static void eicar_com(struct hm_bytes *out, const hm_token *token HM_UNUSED)
{
	hm_doc_eicar(out);
}

const struct hm_doc hm_docs[] = {
	{ "archive.zip", "document", NULL, 2, archive_zip },
	{ "eicar.com", "sample", NULL, 0, eicar_com },
	{ "finance/accounts.csv", "document", NULL, 3, accounts_csv },
	{ "health/certificate.pdf", "document", NULL, 2, scan_pdf },
	{ "letter.eml", "document", NULL, 4, letter_eml },
	{ "letter.txt", "document", "UK SECRET", 2, letter_txt },
	{ "memos/0117.txt", "document", "OFFICIAL-SENSITIVE", 2, memo_marked },
	{ "memos/0118.txt", "document", NULL, 2, memo_unmarked },
	{ "plan.odt", "document", "UK OFFICIAL", 2, plan_odt },
	{ "report.pdf", "document", "UK SECRET", 2, report_pdf },
	{ "source/gate.c", "document", NULL, 2, source_c },
};
const size_t hm_doc_count = HM_COUNT(hm_docs);
