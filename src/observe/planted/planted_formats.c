/* Lines of text as plain text, PDF, OpenDocument and Office Open XML. */
#include "planted_formats.h"

#define CREATED_PDF "D:20240514090000Z"
#define CREATED_XML "2024-05-14T09:00:00"

static void line_text(struct hm_bytes *out, const struct hm_doc_line *line, const hm_token *token)
{
	hm_bytes_text(out, line->before);
	if (line->token >= 0)
		hm_bytes_text(out, token[line->token]);
	if (line->after)
		hm_bytes_text(out, line->after);
}

void hm_doc_text(struct hm_bytes *out, const struct hm_doc_line *lines, size_t count, const hm_token *token)
{
	for (size_t i = 0; i < count; i++) {
		line_text(out, &lines[i], token);
		hm_bytes_u8(out, '\n');
	}
}

/* The page: one text object, 14 points from line to line (ISO 32000-1 section 9.4). */
static void pdf_page(struct hm_bytes *out, const struct hm_doc_line *lines, size_t count, const hm_token *token)
{
	hm_bytes_text(out, "BT /F1 11 Tf 14 TL 72 770 Td\n");
	for (size_t i = 0; i < count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };

		line_text(&line, &lines[i], token);
		hm_bytes_u8(out, '(');
		for (size_t k = 0; k < line.len; k++) {
			if (strchr("()\\", line.data[k]))
				hm_bytes_u8(out, '\\');
			hm_bytes_u8(out, line.data[k]);
		}
		hm_bytes_text(out, ") Tj T*\n");
	}
	hm_bytes_text(out, "ET\n");
}

void hm_doc_pdf(struct hm_bytes *out, const char *title, const struct hm_doc_line *lines, size_t count,
		const hm_token *token, bool deflated)
{
	static const char *const fixed[] = {
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	};
	enum { INFO = HM_COUNT(fixed) + 1, PAGE, END };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 }, packed = { 0 };
	size_t start = out->len, at[END] = { 0 }, xref;

	pdf_page(&page, lines, count, token);
	if (deflated)
		hm_doc_deflate(&packed, hm_slice_of(&page), false);
	hm_bytes_text(out, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
	for (size_t i = 0; i < HM_COUNT(fixed); i++) {
		at[i + 1] = out->len - start;
		hm_bytes_printf(out, "%zu 0 obj\n%s\nendobj\n", i + 1, fixed[i]);
	}
	at[INFO] = out->len - start;
	hm_bytes_printf(out, "%d 0 obj\n<< /Title (%s) /CreationDate (" CREATED_PDF ") >>\nendobj\n", INFO, title);
	at[PAGE] = out->len - start;
	hm_bytes_printf(out, "%d 0 obj\n<< /Length %zu%s >>\nstream\n", PAGE, deflated ? packed.len : page.len,
			deflated ? " /Filter /FlateDecode" : "");
	hm_bytes_slice(out, deflated ? hm_slice_of(&packed) : hm_slice_of(&page));
	hm_bytes_text(out, "\nendstream\nendobj\n");
	xref = out->len - start;
	hm_bytes_printf(out, "xref\n0 %d\n0000000000 65535 f \n", END);
	for (int i = 1; i < END; i++)
		hm_bytes_printf(out, "%010zu 00000 n \n", at[i]);
	hm_bytes_printf(out, "trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%zu\n%%%%EOF\n", END, INFO, xref);
}

static void xml_text(struct hm_bytes *out, struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.data[i]) {
		case '&':
			hm_bytes_text(out, "&amp;");
			break;
		case '<':
			hm_bytes_text(out, "&lt;");
			break;
		case '>':
			hm_bytes_text(out, "&gt;");
			break;
		default:
			hm_bytes_u8(out, s.data[i]);
		}
	}
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS(name) "xmlns:" name "=\"urn:oasis:names:tc:opendocument:xmlns:" name ":1.0\""

/* OpenDocument 1.2 part 3 section 3: `mimetype` first, stored, so that its text stands at offset 38 of the file. */
void hm_doc_odt(struct hm_bytes *out, const char *title, const struct hm_doc_line *lines, size_t count,
		const hm_token *token)
{
	static const char mimetype[] = "application/vnd.oasis.opendocument.text";
	static const char styles[] = XML "<office:document-styles " NS("office") " " NS("style")
		" office:version=\"1.2\"><office:styles/></office:document-styles>\n";
	static const char manifest[] = XML "<manifest:manifest " NS("manifest") " manifest:version=\"1.2\">\n"
		" <manifest:file-entry manifest:full-path=\"/\" manifest:version=\"1.2\""
		" manifest:media-type=\"application/vnd.oasis.opendocument.text\"/>\n"
		" <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\n"
		" <manifest:file-entry manifest:full-path=\"meta.xml\" manifest:media-type=\"text/xml\"/>\n"
		" <manifest:file-entry manifest:full-path=\"styles.xml\" manifest:media-type=\"text/xml\"/>\n"
		"</manifest:manifest>\n";
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 }, meta = { 0 };
	struct hm_zip zip = { 0 };

	hm_bytes_text(&content, XML "<office:document-content " NS("office") " " NS("text")
		      " office:version=\"1.2\"><office:body><office:text>\n");
	for (size_t i = 0; i < count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };

		line_text(&line, &lines[i], token);
		hm_bytes_text(&content, "<text:p>");
		xml_text(&content, hm_slice_of(&line));
		hm_bytes_text(&content, "</text:p>\n");
	}
	hm_bytes_text(&content, "</office:text></office:body></office:document-content>\n");
	hm_bytes_text(&meta, XML "<office:document-meta " NS("office") " " NS("meta")
		      " xmlns:dc=\"http://purl.org/dc/elements/1.1/\" office:version=\"1.2\"><office:meta><dc:title>");
	xml_text(&meta, hm_slice_text(title));
	hm_bytes_text(&meta, "</dc:title><meta:creation-date>" CREATED_XML
		      "</meta:creation-date></office:meta></office:document-meta>\n");

	hm_zip_add(&zip, "mimetype", hm_slice_text(mimetype), false);
	hm_zip_add(&zip, "content.xml", hm_slice_of(&content), true);
	hm_zip_add(&zip, "meta.xml", hm_slice_of(&meta), true);
	hm_zip_add(&zip, "styles.xml", hm_slice_text(styles), true);
	hm_zip_add(&zip, "META-INF/manifest.xml", hm_slice_text(manifest), true);
	hm_zip_end(&zip, out);
}

#define OOXML "http://schemas.openxmlformats.org/"
#define WORD_TYPE "application/vnd.openxmlformats-officedocument.wordprocessingml."
#define WORD_NS "xmlns:w=\"" OOXML "wordprocessingml/2006/main\" xmlns:r=\"" OOXML "officeDocument/2006/relationships\""
#define RELATION(id, type, target) \
	"<Relationship Id=\"" id "\" Type=\"" OOXML type "\" Target=\"" target "\"/>"

static void docx_paragraph(struct hm_bytes *out, struct hm_slice text)
{
	hm_bytes_text(out, "<w:p><w:r><w:t xml:space=\"preserve\">");
	xml_text(out, text);
	hm_bytes_text(out, "</w:t></w:r></w:p>\n");
}

/* ECMA-376 part 2 (packages) and part 1 section 17: the smallest package with a header that readers open. */
void hm_doc_docx(struct hm_bytes *out, const char *title, const char *header, const struct hm_doc_line *lines, size_t count)
{
	static const char types[] = XML "<Types xmlns=\"" OOXML "package/2006/content-types\">"
		"<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
		"<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
		"<Override PartName=\"/word/document.xml\" ContentType=\"" WORD_TYPE "document.main+xml\"/>"
		"<Override PartName=\"/word/header1.xml\" ContentType=\"" WORD_TYPE "header+xml\"/>"
		"<Override PartName=\"/docProps/core.xml\""
		" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>\n";
	static const char package[] = XML "<Relationships xmlns=\"" OOXML "package/2006/relationships\">"
		RELATION("rId1", "officeDocument/2006/relationships/officeDocument", "word/document.xml")
		RELATION("rId2", "package/2006/relationships/metadata/core-properties", "docProps/core.xml")
		"</Relationships>\n";
	static const char parts[] = XML "<Relationships xmlns=\"" OOXML "package/2006/relationships\">"
		RELATION("rId1", "officeDocument/2006/relationships/header", "header1.xml") "</Relationships>\n";
	HM_CLEANUP(hm_bytes_release) struct hm_bytes body = { 0 }, above = { 0 }, meta = { 0 };
	struct hm_zip zip = { 0 };

	hm_bytes_text(&body, XML "<w:document " WORD_NS "><w:body>\n");
	for (size_t i = 0; i < count; i++)
		docx_paragraph(&body, hm_slice_text(lines[i].before));
	hm_bytes_text(&body, "<w:sectPr><w:headerReference w:type=\"default\" r:id=\"rId1\"/></w:sectPr></w:body></w:document>\n");
	hm_bytes_text(&above, XML "<w:hdr " WORD_NS ">");
	docx_paragraph(&above, hm_slice_text(header));
	hm_bytes_text(&above, "</w:hdr>\n");
	hm_bytes_text(&meta, XML "<cp:coreProperties xmlns:cp=\"" OOXML "package/2006/metadata/core-properties\""
		      " xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\""
		      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>");
	xml_text(&meta, hm_slice_text(title));
	hm_bytes_text(&meta, "</dc:title><dcterms:created xsi:type=\"dcterms:W3CDTF\">" CREATED_XML
		      "Z</dcterms:created></cp:coreProperties>\n");
	hm_zip_add(&zip, "[Content_Types].xml", hm_slice_text(types), true);
	hm_zip_add(&zip, "_rels/.rels", hm_slice_text(package), true);
	hm_zip_add(&zip, "word/document.xml", hm_slice_of(&body), true);
	hm_zip_add(&zip, "word/header1.xml", hm_slice_of(&above), false);
	hm_zip_add(&zip, "word/_rels/document.xml.rels", hm_slice_text(parts), true);
	hm_zip_add(&zip, "docProps/core.xml", hm_slice_of(&meta), true);
	hm_zip_end(&zip, out);
}
