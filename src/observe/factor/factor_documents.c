/* The documents whose content is the secret: what somebody's home folder in a department might hold. Everything is invented;
 * telephone numbers begin as those that Ofcom keeps for drama, National Insurance numbers have the prefix QQ, which is
 * never given out, sort codes begin with 00. Secrets stand where secrets stand: in numbers of people and accounts, in pass
 * words, and as words of five letters in every line of a letter, since spam filters throw away what is long and unbroken
 * before they digest a message. */
#include "factor_internal.h"
#include "planted_formats.h"
#include "text.h"

/* Of one length and with the hyphen in the same place. */
const char hm_factor_marked[] = "OFFICIAL-SENSITIVE";
const char hm_factor_unmarked[] = "INFORMAL-MEMORANDA";

#define WORD L L L L L
#define TELEPHONE "020 7946 0" D D D
#define INSURANCE "QQ" D D D D D D "A"
#define ACCOUNT "00-" D D "-" D D "," D D D D D D D D
#define ROW(name) "\"" name "\"," INSURANCE "," TELEPHONE "," ACCOUNT ","

static const char accounts_csv[] =
	"name,national insurance,telephone,sort code,account,reference\r\n"
	ROW("Ashworth, Edith") TOKEN "\r\n" ROW("Barlow, Tom") "\r\n"
	ROW("Cavendish, Mary") TOKEN "\r\n" ROW("Dunne, Patrick") "\r\n"
	ROW("Eccles, Ruth") TOKEN "\r\n" ROW("Farrar, Winifred") "\r\n"
	FILL;

static const char lists_txt[] =
	"Names of those who were told: list " TOKEN "\n"
	"Names of those who were not: list " TOKEN "\n"
	"The first list is read out by " WORD ", the second by " WORD ".\n"
	"Both lists are kept in the second drawer under " D D D D D D ".\n";

static const char certificate_pdf[] =
	"Medical certificate\n\nPatient number " TOKEN "\n"
	"I examined the above on 9 May 2024 and advise six weeks away from work.\n"
	"The test result is filed under " TOKEN ".\n"
	"Blood group, pulse and pressure: " U ", " D D ", " D D D " over " D D ".\n"
	"Dr H. Ellery, Occupational Health, " TELEPHONE "\n";

static const char note_txt[] =
	"Permanent Secretary\n14 May 2024\n\n"
	"You asked for the current word for the operation. It is " TOKEN ".\n"
	"It changes on the first of the month; please tell nobody outside the list.\n\n"
	"The convoy leaves depot " WORD " at " D D " minutes past four and is expected at\n"
	"gate " WORD " between seven and half past. The gate opens to the answer " TOKEN ".\n\n"
	"I have kept no copy of this note. Should it be lost, ring " TELEPHONE ".\n"
	FILL;

static const char memo_txt[] =
	MARK "\n\nMinutes of the meeting of 13 May 2024, room " D "." D D "\n\n"
	"1. Supplier review. The panel agreed that reference " TOKEN " goes forward.\n"
	"2. The reserve price stays at " D "," D D D "," D D D " pounds until the panel meets again.\n"
	"3. Objections are to be sent under " TOKEN " before Friday noon.\n"
	"4. Any other business: " WORD " reported on " WORD ".\n" FILL "\nRegistry: " CODE "\n";

static const char plan_odt[] =
	"Plan for the move of the records office & its staff\n"
	"Stage 1 empties rooms " D D " to " D D "; stage 2 the basement, shelf " WORD ".\n"
	"The new alarm code until handover is " TOKEN ".\n"
	"Contractors sign in under " TOKEN " <both sites>.\n"
	"Costs are in the accounts under " D D D D D D ".\n";

static const char report_pdf[] =
	MARK "\nAssessment of supply to the northern stations\n\n"
	"The stations hold stock for " D D " days. The figure falls to " D " when\n"
	"both roads are closed, as they were in February (see table " D ").\n"
	"The store at station " WORD " is known as " TOKEN ".\n"
	"Its keeper answers to " TOKEN " and to no other call.\n"
	"Distribution: two copies, by hand.\n" FILL "Registry: " CODE "\n";

static const char briefing_docx[] =
	MARK " (registry " CODE ")\n"
	"Briefing for the minister's visit to " WORD "\n"
	"Arrival at gate " D D " under the name " WORD "; the driver asks for " TOKEN ".\n"
	"Line to take on the inquiry: we do not comment on case " TOKEN ".\n"
	"The private office is on " TELEPHONE " throughout.\n";

static const char gate_c[] =
	"/* Gate controller: checks what the keypad sent. */\n#include <string.h>\n\n"
	"#define SITE " D D D D D D "\n\n"
	"static const char day_code[] = \"" TOKEN "\";\n"
	"static const char night_code[] = \"" TOKEN "\";\n\n"
	"int gate_opens(const char *typed, int hour)\n{\n"
	"\tconst char *code = hour >= 6 && hour < 22 ? day_code : night_code;\n\n"
	"\treturn strcmp(typed, code) == 0;\n}\n" FILL;

/* What stands behind the form feed is the attachment. */
#define BOUNDARY "=_part_of_the_letter"
#define LETTER(links) \
	"Return-Path: <george@stores.example>\n" \
	"From: George Fell <george@stores.example>\n" \
	"To: Harriet Lowe <harriet@department.example>\n" \
	"Subject: " MARK ": stores for the north\n" \
	"Date: Tue, 14 May 2024 09:00:00 +0000\n" \
	"Message-ID: <20240514090000.17@stores.example>\n" \
	"X-Registry: " CODE "\n" \
	"MIME-Version: 1.0\n" \
	"Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\n\n" \
	"--" BOUNDARY "\n" \
	"Content-Type: text/plain; charset=us-ascii\n" \
	"Content-Transfer-Encoding: 7bit\n\n" \
	"Dear Harriet,\n\nthe word for this week is " TOKEN ", as you\nguessed. In order:\n\n" \
	WORD ": the north store is short of lamp oil and of rope\n" \
	WORD ": two lorries are to be sent on Thursday with both\n" \
	WORD ": the driver of the first one knows the way by night\n" \
	WORD ": the second one must wait for him at the old bridge\n" \
	WORD ": nobody is to use the telephone between the two gates\n" \
	WORD ": the stores are to be counted again before they leave\n" \
	WORD ": the count is to be sent to me and to nobody else\n" \
	WORD ": burn the list of names when the last man has gone\n" \
	links FILL \
	"\nThe full call sign is " TOKEN ". The paper with the\nfigures is attached.\n\nYours ever,\nGeorge\n" \
	"--" BOUNDARY "\n" \
	"Content-Type: text/csv; charset=us-ascii; name=\"figures.csv\"\n" \
	"Content-Disposition: attachment; filename=\"figures.csv\"\n" \
	"Content-Transfer-Encoding: base64\n\n\f" \
	"what,how much,signed for by\n" \
	"rope in fathoms," D D D "," TOKEN "\n" \
	"lamp oil in gallons," D D "," WORD "\n" \
	"axles," D "," TOKEN "\n"
/* Spam filters ask lists about the hosts that a message links to, under domains that can be registered. */
#define HOST L L L L L L L L L L
static const char letter_eml[] = LETTER("\nThe forms are at http://" HOST ".org.uk/" TOKEN "\nand at https://www." HOST ".co.uk/forms\n");
/* That of planted.json's version 2. */
static const char letter_2_eml[] = LETTER("");

static void as_it_is(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	hm_bytes_slice(out, text);
}

/* Cuts a copy of `text` into lines; *copy holds them. */
static size_t lines_of(struct hm_doc_line lines[32], char **copy, struct hm_slice text)
{
	char *at = *copy = hm_slice_dup(text);
	size_t count = 0;

	while (*at && count < 32) {
		lines[count++] = (struct hm_doc_line){ .before = at, .token = -1 };
		at += strcspn(at, "\n");
		if (*at)
			*at++ = 0;
	}
	return count;
}

static void certificate(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	HM_FREE char *copy = NULL;
	struct hm_doc_line lines[32];
	size_t count = lines_of(lines, &copy, text);

	hm_doc_pdf(out, "Certificate", lines, count, NULL, true);
}

static void report(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	HM_FREE char *copy = NULL;
	struct hm_doc_line lines[32];
	size_t count = lines_of(lines, &copy, text);

	hm_doc_pdf(out, "Supply to the northern stations", lines, count, NULL, false);
}

static void plan(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	HM_FREE char *copy = NULL;
	struct hm_doc_line lines[32];
	size_t count = lines_of(lines, &copy, text);

	hm_doc_odt(out, "Plan for the move", lines, count, NULL);
}

static void briefing(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	HM_FREE char *copy = NULL;
	struct hm_doc_line lines[32];
	size_t count = lines_of(lines, &copy, text);

	hm_doc_docx(out, "Briefing", lines[0].before, lines + 1, count - 1);
}

/* RFC 5322 and 2046: lines end with CR LF; the attachment is base64 in lines of 76 characters. */
static void letter(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting HM_UNUSED)
{
	const uint8_t *cut = memchr(text.data, '\f', text.len);
	size_t head = (size_t)(cut - text.data);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes coded = { 0 };

	for (size_t i = 0; i < head; i++) {
		if (text.data[i] == '\n')
			hm_bytes_u8(out, '\r');
		hm_bytes_u8(out, text.data[i]);
	}
	hm_text_base64(&coded, (struct hm_slice){ cut + 1, text.len - head - 1 });
	for (size_t i = 0; i < coded.len; i += 76) {
		hm_bytes_append(out, coded.data + i, coded.len - i < 76 ? coded.len - i : 76);
		hm_bytes_text(out, "\r\n");
	}
	hm_bytes_text(out, "--" BOUNDARY "--\r\n");
}

/* The EICAR file; or, where no sample is to be, a file with its bytes: every digit and every letter has moved to the place of
 * the next but two of its class. */
static void sample(struct hm_bytes *out, struct hm_slice text HM_UNUSED, const struct hm_factor_setting *setting)
{
	size_t start = out->len;

	hm_doc_eicar(out);
	for (int class = 0; class < 2 && !setting->present; class++) {
		size_t place[HM_SHA256_LEN * 4], count = 0;
		uint8_t kept[HM_COUNT(place)];

		for (size_t i = start; i < out->len; i++)
			if (class ? out->data[i] >= 'A' && out->data[i] <= 'Z' : out->data[i] >= '0' && out->data[i] <= '9') {
				kept[count] = out->data[i];
				place[count++] = i;
			}
		for (size_t i = 0; i < count; i++)
			out->data[place[i]] = kept[(i + 3) % count];
	}
}

/* A sample beside documents once made a product send the whole archive to its maker. */
static void archive(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes notice = { 0 };
	struct hm_zip zip = { 0 };

	sample(&notice, text, setting);
	hm_zip_add(&zip, "lists.txt", text, true);
	hm_zip_add(&zip, "notice.com", hm_slice_of(&notice), false);
	hm_zip_end(&zip, out);
}

#define NAMED(text) text "-" L L L L L L L L
#define DOCUMENTS(letter_text) { \
	{ "archive.zip", NULL, NAMED("archive") ".zip", HM_TAKES_SAMPLE, true, NULL, lists_txt, archive }, \
	{ "briefing.docx", NULL, NAMED("briefing") ".docx", HM_TAKES_MARKING, true, NULL, briefing_docx, briefing }, \
	{ "finance/accounts.csv", "finance", NAMED("accounts") ".csv", HM_TAKES_NONE, false, \
	  "\"Nobody, Named\",QQ000000A,020 7946 0000,00-00-00,00000000,\r\n", accounts_csv, as_it_is }, \
	{ "health/certificate.pdf", "health", NAMED("certificate") ".pdf", HM_TAKES_NONE, true, NULL, certificate_pdf, certificate }, \
	{ "letter.eml", NULL, NAMED("letter") ".eml", HM_TAKES_MARKING, false, \
	  "as before: nothing else was asked for, and nothing else will be sent\n", letter_text, letter }, \
	{ "memos/0117.txt", "memos", NAMED("0117") ".txt", HM_TAKES_MARKING, false, "5. The panel adjourned for tea.\n", memo_txt, as_it_is }, \
	{ "note.txt", NULL, NAMED("note") ".txt", HM_TAKES_NONE, false, "Nothing further is known at present.\n", note_txt, as_it_is }, \
	{ "notice.com", NULL, NAMED("notice") ".com", HM_TAKES_SAMPLE, false, NULL, NULL, sample }, \
	{ "plan.odt", NULL, NAMED("plan") ".odt", HM_TAKES_NONE, true, NULL, plan_odt, plan }, \
	{ "report.pdf", NULL, NAMED("report") ".pdf", HM_TAKES_MARKING, false, "Nothing further is known at present.\n", report_pdf, report }, \
	{ "source/gate.c", "source", NAMED("gate") ".c", HM_TAKES_NONE, false, "/* The gate is painted green. */\n", gate_c, as_it_is }, \
}
const struct hm_factor_doc hm_factor_docs[] = DOCUMENTS(letter_eml);
static const struct hm_factor_doc documents_2[] = DOCUMENTS(letter_2_eml);
const size_t hm_factor_doc_count = HM_COUNT(hm_factor_docs);

const struct hm_factor_doc *hm_factor_docs_of(unsigned version)
{
	return version == 2 ? documents_2 : hm_factor_docs;
}
