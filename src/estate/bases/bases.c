/* One row a format: how it begins, and what decides whether it is one. */
#include "bases.h"
#include "cursor.h"
#include "digest.h"
#include "text.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

struct format {
	const char *name;
	struct hm_slice magic;
	/* The detail when the bytes are a base, else NULL. */
	char *(*parse)(struct hm_slice bytes);
};

static struct hm_slice part(struct hm_cursor *c, char until)
{
	size_t left = hm_cursor_left(c);
	const uint8_t *end = left ? memchr(c->at, until, left) : NULL;
	struct hm_slice s = hm_cursor_bytes(c, end ? (size_t)(end - c->at) : left);

	if (end)
		hm_cursor_u8(c);
	return s;
}

static bool digits(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.len > 0 && s.len < 12;
}

static bool printable(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	return s.len > 0;
}

/* "dated YYYY-MM-DD", by which decide knows the day; "" where it is none. */
static char *dated(unsigned year, unsigned month, unsigned day)
{
	bool is_day = year >= 1990 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;

	return is_day ? hm_sprintf(", dated %04u-%02u-%02u", year, month, day) : hm_strdup("");
}

/* "07 Sep 2023 02-34 -0400" */
static char *dated_in_words(struct hm_slice time)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	HM_FREE char *text = hm_slice_dup(time);
	char month[4] = "";
	const char *at;
	unsigned day = 0, year = 0;

	if (sscanf(text, "%2u %3[A-Za-z] %4u", &day, month, &year) != 3 || strlen(month) != 3)
		return hm_strdup("");
	at = strstr(months, month);
	return at && (at - months) % 3 == 0 ? dated(year, (unsigned)(at - months) / 3 + 1, day) : hm_strdup("");
}

#define CVD_HEAD 512

/* ClamAV-VDB:time:version:signatures:level:md5:signature:builder:seconds, padded with blanks to 512 bytes, then a tar, packed with
 * gzip (cvd) or not (cld, cud). The MD5 is that of all behind the header; a cld's has none that holds. */
static char *clamav(struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ bytes.data, bytes.len < CVD_HEAD ? bytes.len : CVD_HEAD });
	struct hm_slice time, version, count, level, md5, body;
	uint8_t sum[64];
	char hex[65];
	const char *checked = "its MD5 does not hold", *form = "cld";
	HM_FREE char *day = NULL;

	if (bytes.len < CVD_HEAD + 2)
		return NULL;
	part(&c, ':');
	time = part(&c, ':');
	version = part(&c, ':');
	count = part(&c, ':');
	level = part(&c, ':');
	md5 = part(&c, ':');
	body = (struct hm_slice){ bytes.data + CVD_HEAD, bytes.len - CVD_HEAD };
	if (!printable(time) || time.len > 64 || !digits(version) || !digits(count) || !digits(level) || md5.len != 32)
		return NULL;
	if (memcmp(body.data, "\x1f\x8b", 2) == 0)
		form = "cvd";
	if (hm_digest_of(sum, HM_MD5, body) == 16 &&
	    memcmp(hm_text_hex_into(hex, (struct hm_slice){ sum, 16 }), md5.data, 32) == 0)
		checked = "its MD5 holds";
	else if (form[1] == 'l' && (body.len < 263 || memcmp(body.data + 257, "ustar", 5) != 0))
		return NULL;
	day = dated_in_words(time);
	return hm_sprintf("%s, version %.*s of %.*s, %.*s signatures; %s%s", form, (int)version.len, (const char *)version.data, (int)time.len,
			  (const char *)time.data, (int)count.len, (const char *)count.data, checked, day);
}

/* ClamAV-Diff:version:length:, and a script packed with gzip. */
static char *cdiff(struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice version, length;

	part(&c, ':');
	version = part(&c, ':');
	length = part(&c, ':');
	if (!digits(version) || !digits(length) || hm_cursor_left(&c) < 2 || memcmp(c.at, "\x1f\x8b", 2) != 0)
		return NULL;
	return hm_sprintf("cdiff, update to version %.*s", (int)version.len, (const char *)version.data);
}

#define AVC_BANNER "AVP Antiviral Database. (c)Kaspersky Lab "
#define AVC_HEAD 64

/* .avc: a head of 64 bytes that holds the banner and two years, "1997-2013.", and nothing else (J. Koret, E. Bachaalany, "The Antivirus
 * Hacker's Handbook", 2015, chapter 3); packed and encrypted data behind it, so no text. */
static char *avc(struct hm_slice bytes)
{
	const uint8_t *years = bytes.data + sizeof(AVC_BANNER) - 1, *end = bytes.data + AVC_HEAD;

	if (bytes.len < 2 * AVC_HEAD || !digits((struct hm_slice){ years, 4 }) || years[4] != '-' || !digits((struct hm_slice){ years + 5, 4 }))
		return NULL;
	for (const uint8_t *at = years + 9; at < end; at++)
		if (*at != 0 && *at != '.' && *at != ' ' && *at != '\r' && *at != '\n')
			return NULL;
	if (!memchr(end, 0, bytes.len - AVC_HEAD))
		return NULL;
	return hm_sprintf("avc, %.9s", (const char *)years);
}

/* libyara's arena: "YARA", the format's version, how many buffers; then their offsets and sizes, all inside the file (version 20
 * and later: yr_arena_load_stream). */
static char *yara(struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	unsigned version, buffers;

	hm_cursor_bytes(&c, 4);
	version = hm_cursor_u8(&c);
	buffers = hm_cursor_u8(&c);
	if (c.bad || version < 18 || version > 64 || buffers == 0 || buffers > 16)
		return NULL;
	for (unsigned i = 0; i < buffers; i++) {
		uint64_t offset = hm_cursor_le(&c, 8), size = hm_cursor_le(&c, 4);

		if (c.bad || offset > bytes.len || size > bytes.len - offset)
			return NULL;
	}
	return hm_sprintf("rules compiled by YARA, format %u", version);
}

/* A PE whose resource holds "RMDX" (a packed module of MpEngine): {magic, time, ?, ?, ?, ?, offset of the packed data, ...}; the data
 * begins with its unpacked size and checksum. */
static char *vdm(struct hm_slice bytes)
{
	const uint8_t *at = bytes.len > 4096 ? memmem(bytes.data, 65536 < bytes.len ? 65536 : bytes.len, "RMDX", 4) : NULL;
	struct hm_cursor c;
	uint64_t time, options, offset;
	HM_FREE char *day = NULL;
	struct tm tm;
	time_t made;

	if (!at)
		return NULL;
	c = hm_cursor_of((struct hm_slice){ at, (size_t)(bytes.data + bytes.len - at) });
	hm_cursor_bytes(&c, 4);
	time = hm_cursor_le(&c, 4);
	hm_cursor_bytes(&c, 4);
	options = hm_cursor_le(&c, 4);
	hm_cursor_bytes(&c, 8);
	offset = hm_cursor_le(&c, 4);
	if (c.bad || time == 0 || !(options & 2) || offset < 28 || offset > 4096 || offset + 8 > (uint64_t)(bytes.data + bytes.len - at))
		return NULL;
	made = (time_t)time;
	day = gmtime_r(&made, &tm) ? dated((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) : hm_strdup("");
	return hm_sprintf("signatures of MpEngine, made at %llu%s", (unsigned long long)time, day);
}

#define INDEX_HEAD 4096

/* The index of Kaspersky's update tree, u0607g.xml and the *-0607g.xml of its parts: XML with UpdateDate="DDMMYYYY HHMM" near its beginning, as programs that keep mirrors of it read it. It is no
 * base, and weighs little (suppliers/kaspersky.csv); it says of which day the bases beside it are. */
static char *update_index(struct hm_slice bytes)
{
	static const char mark[] = "UpdateDate=\"";
	const uint8_t *at = memmem(bytes.data, bytes.len < INDEX_HEAD ? bytes.len : INDEX_HEAD, mark, sizeof(mark) - 1);
	char text[14] = "";
	unsigned day, month, year;
	HM_FREE char *when = NULL;

	if (!at || (size_t)(bytes.data + bytes.len - at) < sizeof(mark) - 1 + 13)
		return NULL;
	memcpy(text, at + sizeof(mark) - 1, 13);
	if (strspn(text, "0123456789") != 8 || text[8] != ' ' || strspn(text + 9, "0123456789") != 4 || sscanf(text, "%2u%2u%4u", &day, &month, &year) != 3)
		return NULL;
	when = dated(year, month, day);
	return *when ? hm_sprintf("update index%s", when) : NULL;
}

static const struct format formats[] = {
	{ "clamav", { (const uint8_t *)"ClamAV-VDB:", 11 }, clamav },
	{ "clamav", { (const uint8_t *)"ClamAV-Diff:", 12 }, cdiff },
	{ "kaspersky", { (const uint8_t *)AVC_BANNER, sizeof(AVC_BANNER) - 1 }, avc },
	{ "kaspersky.index", { (const uint8_t *)"<?xml", 5 }, update_index },
	{ "yara", { (const uint8_t *)"YARA", 4 }, yara },
	{ "microsoft", { (const uint8_t *)"MZ", 2 }, vdm },
};

static bool begins(const struct format *f, struct hm_slice s)
{
	return s.len >= f->magic.len && memcmp(s.data, f->magic.data, f->magic.len) == 0;
}

static int tell(const struct hm_bases_file *file, const char *format, const char *detail, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	struct hm_observation o = { .kind = HM_OBSERVED_DEFINITIONS, .value = format, .detail = detail, .path = file->path, .outer = file->outer,
				    .state = HM_STATE_PRESENT, .source = "bases" };

	return observe(cookie, &o, fail);
}

/* XML is everywhere: only what is called as the index is. */
static bool is_index(struct hm_slice path)
{
	static const char end[] = "0607g.xml";
	size_t n = sizeof(end) - 1;

	return path.len >= n && strncasecmp((const char *)path.data + path.len - n, end, n) == 0;
}

bool hm_bases_sniff(struct hm_slice head, struct hm_slice path)
{
	for (size_t i = 0; i < HM_COUNT(formats); i++)
		if (begins(&formats[i], head) && (formats[i].parse != update_index || is_index(path)))
			return true;
	return false;
}

int hm_bases_read(const struct hm_bases_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_COUNT(formats); i++) {
		bool could = begins(&formats[i], file->bytes) && (formats[i].parse != update_index || is_index(hm_slice_text(file->path ? file->path : "")));
		HM_FREE char *detail = could ? formats[i].parse(file->bytes) : NULL;

		if (detail)
			return tell(file, formats[i].name, detail, observe, cookie, fail);
	}
	return 0;
}
