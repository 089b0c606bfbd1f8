#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sbom.h"

#define HASH "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
#define SAME "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789" /* in lower case */

static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_printf(cookie, "%s %s|%s|%s|%s\n", hm_observation_kind_name(o->kind), o->value, o->detail ? o->detail : "", o->outer ? o->outer : "",
			o->sha256 ? o->sha256 : "");
	return 0;
}

static void expect(const char *text, int result, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seen = { 0 };
	struct hm_sbom_file file = { hm_slice_text(text), "bom.json", NULL };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_sbom_read(&file, observe, &seen, &fail), result);
	assert_int_equal(fail.text[0] != 0, result != 0);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

static void cyclonedx(void **state HM_UNUSED)
{
	expect("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1.5,"
	       "\"metadata\":{\"component\":{\"name\":\"gateway\",\"version\":\"7\"}},"
	       "\"components\":[{\"name\":\"engine\",\"group\":\"k\",\"version\":\"8\",\"supplier\":{\"name\":\"Seller\"},\"manufacturer\":{\"name\":\"Maker\"},"
	       "\"purl\":\"pkg:generic/engine@8\",\"cpe\":\"cpe:2.3:a:k:engine:8\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"" HASH "\"}],"
	       "\"licenses\":[{\"license\":{\"name\":\"Maker's own\"}},{\"license\":{\"id\":\"MIT\"}}],\"components\":[{\"name\":\"inner\",\"author\":\"A\"}]}],"
	       "\"services\":[{\"name\":\"cloud\",\"provider\":{\"name\":\"P\"}}]}",
	       0,
	       "component gateway|7||\n"
	       "component k/engine|8|gateway|" SAME "\norganisation Seller|k/engine|gateway|" SAME "\norganisation Maker|k/engine|gateway|" SAME "\n"
	       "purl pkg:generic/engine@8|k/engine|gateway|" SAME "\ncpe cpe:2.3:a:k:engine:8|k/engine|gateway|" SAME "\nlicence Maker's own|k/engine|gateway|" SAME "\n"
	       "component inner||k/engine|\norganisation A|inner|k/engine|\n"
	       "component cloud||gateway|\norganisation P|cloud|gateway|\n");
	expect("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"9\",\"components\":[{\"name\":\"a\"}]}", HM_E_UNKNOWN, "component a|||\n");
}

static void xml(void **state HM_UNUSED)
{
	expect("<?xml version=\"1.0\"?>\n<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\" version=\"1\"><metadata><timestamp>t</timestamp><component type=\"application\"><name> gateway </name>"
	       "<version>7</version></component></metadata><components><component type=\"library\"><supplier><name>Seller</name></supplier><manufacturer><name>Maker</name></manufacturer>"
	       "<group>k</group><name>engine</name><version>8</version><hashes><hash alg=\"MD5\">00</hash><hash alg=\"SHA-256\">" HASH "</hash></hashes>"
	       "<licenses><license><name>Maker's own</name></license><license><id>MIT</id></license></licenses><cpe>cpe:2.3:a:k:engine:8</cpe><purl>pkg:generic/engine@8</purl>"
	       "<x:other xmlns:x=\"urn:x\"><x:name>not this</x:name></x:other><components><component><author>A</author><name>inner</name></component></components></component></components>"
	       "<services><service><provider><name>P</name></provider><name>cloud</name></service></services><dependencies><dependency ref=\"a\"/></dependencies></bom>",
	       0,
	       "component gateway|7||\n"
	       "component k/engine|8|gateway|" SAME "\norganisation Seller|k/engine|gateway|" SAME "\norganisation Maker|k/engine|gateway|" SAME "\n"
	       "purl pkg:generic/engine@8|k/engine|gateway|" SAME "\ncpe cpe:2.3:a:k:engine:8|k/engine|gateway|" SAME "\nlicence Maker's own|k/engine|gateway|" SAME "\n"
	       "component inner||k/engine|\norganisation A|inner|k/engine|\n"
	       "component cloud||gateway|\norganisation P|cloud|gateway|\n");
	expect("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components><component><name>a</name></component><component><name>b", HM_E_BAD, "component a|||\n");
	expect("<bom xmlns=\"http://cyclonedx.org/schema/bom/9.0\"><components><component><name>a</name></component></components></bom>", HM_E_UNKNOWN, "component a|||\n");
	expect("<!DOCTYPE bom [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><components><component><name>&b;</name></component></components></bom>",
	       HM_E_BAD, "");
}

static void sniffed(void **state HM_UNUSED)
{
	assert_int_equal(hm_sbom_sniff(HM_SLICE("{\"input\":{\"bomFormat\":\"CycloneDX\"}}")), HM_SBOM_NONE);
	assert_int_equal(hm_sbom_sniff(HM_SLICE("{\"a\":\"\\\"bomFormat\\\":\",\"b\":[\"SPDXID\"]}")), HM_SBOM_NONE);
	assert_int_equal(hm_sbom_sniff(HM_SLICE("\xef\xbb\xbf \n{\"$schema\":\"x\", \"bomFormat\" : \"CycloneDX\"")), HM_SBOM_CYCLONEDX);
	assert_int_equal(hm_sbom_sniff(HM_SLICE("see SPDXVersion: SPDX-2.3")), HM_SBOM_NONE);
	assert_int_equal(hm_sbom_sniff(HM_SLICE("# x\nSPDXVersion: SPDX-2.3")), HM_SBOM_SPDX_TAGS);
	assert_int_equal(hm_sbom_sniff(HM_SLICE("<a>http://cyclonedx.org/")), HM_SBOM_NONE);
}

static void spdx(void **state HM_UNUSED)
{
	expect("{\"spdxVersion\":\"SPDX-2.3\",\"name\":\"image\",\"packages\":[{\"name\":\"engine\",\"versionInfo\":\"8\",\"supplier\":\"Organization: Seller\","
	       "\"originator\":\"NOASSERTION\",\"licenseDeclared\":\"LicenseRef-Own\",\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"" HASH "\"}],"
	       "\"externalRefs\":[{\"referenceType\":\"purl\",\"referenceLocator\":\"pkg:deb/e\"},{\"referenceType\":\"cpe23Type\",\"referenceLocator\":\"cpe:2.3:a:k\"},"
	       "{\"referenceType\":\"swh\",\"referenceLocator\":\"x\"}]}]}",
	       0,
	       "component engine|8|image|" SAME "\norganisation Seller|engine|image|" SAME "\npurl pkg:deb/e|engine|image|" SAME "\ncpe cpe:2.3:a:k|engine|image|" SAME "\n"
	       "licence LicenseRef-Own|engine|image|" SAME "\n");
	expect("{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"name\":\"a\",\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"ab\"}]}]}", 0, "component a|||\n");
	expect("{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{\"name\":\"a\",\"supplier\":\"Organization: Seller (x@example.com)\",\"originator\":\"Organization: Maker (UK) ()\"},"
	       "{\"name\":\"b\",\"supplier\":\"Organization: Seller (UK)\",\"originator\":\"Organization: (a@b)\"}]}", 0,
	       "component a|||\norganisation Seller|a||\norganisation Maker (UK)|a||\ncomponent b|||\norganisation Seller (UK)|b||\norganisation (a@b)|b||\n");
	/* Agents may stand behind what names them. */
	expect("{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":[{\"type\":\"software_Package\",\"name\":\"engine\","
	       "\"software_packageVersion\":\"8\",\"suppliedBy\":\"u:a\",\"originatedBy\":[\"u:b\"],\"software_packageUrl\":\"pkg:x/e\","
	       "\"externalIdentifier\":[{\"externalIdentifierType\":\"cpe23\",\"identifier\":\"cpe:2.3:a:k\"}]},"
	       "{\"type\":\"Organization\",\"spdxId\":\"u:a\",\"name\":\"Seller\"},{\"type\":\"Organization\",\"spdxId\":\"u:b\",\"name\":\"Maker\"},"
	       "{\"type\":\"software_Package\",\"spdxId\":\"u:g\",\"name\":\"gateway\"},{\"type\":\"software_Sbom\",\"rootElement\":[\"u:g\"]}]}",
	       0,
	       "component engine|8|gateway|\norganisation Seller|engine|gateway|\norganisation Maker|engine|gateway|\npurl pkg:x/e|engine|gateway|\n"
	       "cpe cpe:2.3:a:k|engine|gateway|\ncomponent gateway|||\n");
	expect("{\"@context\":\"https://spdx.org/rdf/3.0.0/spdx-context.jsonld\",\"@graph\":[{\"type\":\"software_Package\",\"name\":\"engine\"},{", HM_E_BAD,
	       "component engine|||\n");
}

static void spdx_tags(void **state HM_UNUSED)
{
	expect("SPDXVersion: SPDX-2.3\nDocumentName: image\nDocumentComment: <text>PackageName: no\nPackageName: no\n</text>\n\n"
	       "PackageName: engine\r\nPackageVersion: 8\r\nPackageSupplier: Organization: Seller\nPackageOriginator: NOASSERTION\nPackageChecksum: SHA256: " HASH "\n"
	       "PackageLicenseDeclared: LicenseRef-Own\nExternalRef: PACKAGE-MANAGER purl pkg:deb/e\nExternalRef: SECURITY cpe23Type cpe:2.3:a:k\n"
	       "PackageComment: <text>one line</text>\n\nPackageName: other\n",
	       0,
	       "component engine|8|image|" SAME "\norganisation Seller|engine|image|" SAME "\npurl pkg:deb/e|engine|image|" SAME "\ncpe cpe:2.3:a:k|engine|image|" SAME "\n"
	       "licence LicenseRef-Own|engine|image|" SAME "\ncomponent other||image|\n");
	expect("SPDXVersion: SPDX-2.3\nPackageVersion: 8\nPackageName:\n", 0, "");
}

/* What is cut off, nested without end or no text is left out and told; the rest is observed. */
static void hostile(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes deep = { 0 };

	expect("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"name\":\"a\"},{\"name\":", HM_E_BAD, "component a|||\n");
	expect("", HM_E_BAD, "");
	expect("[\"bomFormat\"]", HM_E_BAD, "");
	expect("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"name\":\"a\\u0000b\"},[1],3,{\"name\":\"c\"}]}", 0, "component c|||\n");
	hm_bytes_text(&deep, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"name\":\"a\",\"x\":");
	for (int i = 0; i < 100000; i++)
		hm_bytes_text(&deep, "[");
	for (int i = 0; i < 100000; i++)
		hm_bytes_text(&deep, "]");
	hm_bytes_text(&deep, "},{\"name\":\"b\"}]}");
	hm_bytes_u8(&deep, 0);
	expect((char *)deep.data, HM_E_BAD, "component b|||\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cyclonedx), cmocka_unit_test(xml), cmocka_unit_test(sniffed), cmocka_unit_test(spdx), cmocka_unit_test(spdx_tags), cmocka_unit_test(hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
