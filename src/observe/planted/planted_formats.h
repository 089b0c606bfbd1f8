#pragma once
/* Writers of document formats, for whoever plants documents. Each is a pure function: the same tokens give the same bytes (a deflated part also
 * depends on the version of zlib; the bundle holds the bytes, so nobody needs to make them again). */
#include "bytes.h"

typedef char hm_token[21];

/* The EICAR anti-malware test file (eicar.org), 68 bytes. It is put together from two halves at run time, so that neither
 * our source nor our binary is what scanners look for. */
void hm_doc_eicar(struct hm_bytes *out);

/* What a person reads in a document of several lines; a line may hold one token. */
struct hm_doc_line {
	const char *before;
	int token; /* index of the token that follows `before`, or -1 */
	const char *after;
};

/* Plain text, a PDF 1.4 of one page (its content stream plain or deflated) and an OpenDocument text with these lines. */
void hm_doc_text(struct hm_bytes *out, const struct hm_doc_line *lines, size_t count, const hm_token *token);
void hm_doc_pdf(struct hm_bytes *out, const char *title, const struct hm_doc_line *lines, size_t count,
		const hm_token *token, bool deflated);
void hm_doc_odt(struct hm_bytes *out, const char *title, const struct hm_doc_line *lines, size_t count,
		const hm_token *token);
/* Office Open XML text (ECMA-376) without tokens; `header` stands above every page, in a member that is stored. */
void hm_doc_docx(struct hm_bytes *out, const char *title, const char *header, const struct hm_doc_line *lines, size_t count);

/* A ZIP archive (APPNOTE.TXT 6.3): add members, then end. */
struct hm_zip {
	struct hm_bytes file, directory;
	unsigned members;
};
void hm_zip_add(struct hm_zip *zip, const char *name, struct hm_slice content, bool deflated);
/* Appends the whole archive to `out` and releases what `zip` owns. */
void hm_zip_end(struct hm_zip *zip, struct hm_bytes *out);
/* Appends `plain` deflated: a zlib stream (RFC 1950), or the bare RFC 1951 bits when `bare`. */
void hm_doc_deflate(struct hm_bytes *out, struct hm_slice plain, bool bare);
