#pragma once
/* The parts of an assessment that never was: every field that a product chooses (names, arguments, payloads, output) is
 * hostile to whoever shows it. Tests look for the raw forms in what the report makes of it. */
#include "make_parts.h"

#define SAMPLE_SCRIPT "<script>alert(1)</script>"
#define SAMPLE_ANSI "\033[31mred\033[0m\a\b"
#define SAMPLE_BIDI "invoice\xe2\x80\xae" "fdp.exe\xe2\x81\xa6\xd8\x9c"
#define SAMPLE_HIDDEN "zero\xe2\x80\x8bwidth\xef\xbb\xbf"
#define SAMPLE_BROKEN "bad\xff\xc0\xaf\xed\xa0\x80utf"
#define SAMPLE_QUOTES "\"'><img src=x onerror=alert(2)>&amp;"
#define SAMPLE_LINES "two\nlines\r\tand\xe2\x80\xa8more"

/* What must never stand in a page or on a terminal. */
static const char *const sample_raw[] = { "\033", "\a", "\b", "\r", "\xe2\x80\xae", "\xe2\x81\xa6", "\xd8\x9c", "\xe2\x80\x8b",
					  "\xef\xbb\xbf", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x80\xa8" };

#define SAMPLE_OPEN(inode, name)                                                                                             \
	(struct hm_event){ .kind = HM_EV_OPEN, .tgid = 100, .tid = 100,                                                        \
			   .field = { MAKE_U(257), MAKE_U(3), MAKE_U(0), MAKE_U(0100644), MAKE_U(2049), MAKE_U(inode), MAKE_U(1),   \
				      MAKE_U(HM_LAYER_LOWER), MAKE_B(name) } }
#define SAMPLE_READ(inode, bytes)                                                                                            \
	(struct hm_event){ .kind = HM_EV_READ, .tgid = 100, .tid = 100,                                                        \
			   .field = { MAKE_U(0), MAKE_U(3), MAKE_U(2049), MAKE_U(inode), MAKE_U(1), MAKE_U(HM_LAYER_LOWER),         \
				      MAKE_U(0), MAKE_U(bytes) } }
#define SAMPLE_EXEC(pid, inode, name, arguments)                                                                             \
	(struct hm_event){ .kind = HM_EV_EXEC, .tgid = pid, .tid = pid,                                                        \
			   .field = { MAKE_U(2049), MAKE_U(inode), MAKE_U(1), MAKE_U(HM_LAYER_LOWER), MAKE_B(name),                 \
				      MAKE_B(arguments), MAKE_U(sizeof(arguments) - 1) } }
#define SAMPLE_OUTPUT(stream, text)                                                                                          \
	(struct hm_event){ .kind = HM_EV_OUTPUT, .tgid = 100, .tid = 100, .field = { MAKE_U(stream), MAKE_B(text) } }

static inline void sample_record(struct hm_parts *parts)
{
	static const char *const opened[] = { "/usr/lib/x86_64-linux-gnu/libc.so.6", "/etc/passwd", "/etc/ssl/openssl.cnf" };
	HM_CLEANUP(make_items_release) struct make_items items = { 0 };

	make_event(&items, (struct hm_event){ .kind = HM_EV_START, .field = { MAKE_U(1), MAKE_B(""), MAKE_U(1), MAKE_B("6.1.0-28-amd64"),
									      MAKE_U(2), MAKE_B("read:syscall send:packet") } });
	make_event(&items, SAMPLE_EXEC(100, 11, "/usr/bin/scan", "scan\0--all\0/home/" SAMPLE_SCRIPT "\0" SAMPLE_ANSI "\0"));
	for (size_t i = 0; i < HM_COUNT(opened); i++) {
		struct hm_event e = SAMPLE_OPEN(20 + i, "");

		e.field[HM_OPEN_PATH].b = hm_slice_text(opened[i]);
		make_event(&items, e);
		make_event(&items, SAMPLE_READ(20 + i, 832 * (i + 1)));
	}
	make_event(&items, SAMPLE_OPEN(40, "/srv/documents/" SAMPLE_SCRIPT ".txt"));
	make_event(&items, SAMPLE_READ(40, 4711));
	make_event(&items, SAMPLE_OPEN(41, "/srv/documents/" SAMPLE_BIDI));
	make_event(&items, SAMPLE_READ(41, 1));
	make_event(&items, SAMPLE_OPEN(42, "/srv/documents/" SAMPLE_LINES));
	make_event(&items, SAMPLE_OPEN(43, "/srv/documents/" SAMPLE_QUOTES));
	make_event(&items, SAMPLE_OPEN(44, "/srv/documents/" SAMPLE_BROKEN));
	make_event(&items, SAMPLE_OPEN(45, "/srv/documents/" SAMPLE_HIDDEN));
	make_event(&items, SAMPLE_OPEN(46, "/srv/documents/" SAMPLE_ANSI "/below"));
	make_event(&items, (struct hm_event){ .kind = HM_EV_FORK, .tgid = 100, .tid = 100, .field = { MAKE_U(101), MAKE_U(101), MAKE_U(0) } });
	make_event(&items, SAMPLE_EXEC(101, 12, "/bin/sh", "sh\0-c\0" SAMPLE_QUOTES SAMPLE_BIDI "\0"));
	make_event(&items, SAMPLE_OUTPUT(1, "found " SAMPLE_SCRIPT SAMPLE_ANSI "\nnext " SAMPLE_BIDI SAMPLE_BROKEN "\n"));
	make_event(&items, SAMPLE_OUTPUT(2, "warning " SAMPLE_QUOTES SAMPLE_HIDDEN "\n"));
	make_event(&items, (struct hm_event){ .kind = HM_EV_EXIT, .tgid = 101, .tid = 101, .field = { MAKE_U(9), MAKE_U(1) } });
	make_event(&items, (struct hm_event){ .kind = HM_EV_EXIT, .tgid = 100, .tid = 100, .field = { MAKE_U(1 << 8), MAKE_U(1) } });
	make_event(&items, (struct hm_event){ .kind = HM_EV_END });
	make_record(parts, "runs/0001/record.cbor.zst", HM_RECORD_EVENTS, &items);
}

static inline void sample_entry(struct make_items *items, struct hm_slice path, char type, struct hm_slice link)
{
	struct hm_bytes *out = make_item(items);
	uint8_t digest[32];

	memset(digest, 0xab, sizeof(digest));
	hm_cbor_array(out, 8);
	hm_cbor_bytes(out, path);
	hm_cbor_uint(out, (uint64_t)type);
	hm_cbor_uint(out, type == 'd' ? 040755 : 0100644);
	hm_cbor_uint(out, 0);
	hm_cbor_uint(out, 0);
	hm_cbor_uint(out, 1234567);
	hm_cbor_bytes(out, (struct hm_slice){ digest, type == 'f' ? sizeof(digest) : 0 });
	hm_cbor_bytes(out, link);
}

static inline void sample_tree(struct hm_parts *parts)
{
	HM_CLEANUP(make_items_release) struct make_items items = { 0 };

	sample_entry(&items, HM_SLICE("/tmp"), 'd', HM_SLICE(""));
	sample_entry(&items, HM_SLICE("/tmp/" SAMPLE_ANSI SAMPLE_SCRIPT), 'f', HM_SLICE(""));
	sample_entry(&items, HM_SLICE("/tmp/link"), 'l', HM_SLICE(SAMPLE_QUOTES SAMPLE_BIDI));
	sample_entry(&items, HM_SLICE("/usr/share/doc/gone"), 'w', HM_SLICE(""));
	make_record(parts, "runs/0001/tree.cbor.zst", HM_RECORD_TREE, &items);
}

static inline void sample_packets(struct hm_parts *parts)
{
	static const char payload[] = "POST /collect HTTP/1.1\r\nHost: vendor.example\r\n\r\n" SAMPLE_SCRIPT SAMPLE_ANSI SAMPLE_BIDI
				      SAMPLE_BROKEN SAMPLE_QUOTES;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	uint8_t noise[900];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 7 + i / 16);
	hm_pcapng_start(&out, 0);
	make_udp(&out, "198.18.0.2", 40000, "203.0.113.9", 24441, HM_SLICE(payload));
	make_udp(&out, "203.0.113.9", 24441, "198.18.0.2", 40000, HM_SLICE("answer"));
	for (size_t i = 0; i < 3; i++)
		make_udp(&out, "198.18.0.2", 40001, "198.51.100.77", 443, (struct hm_slice){ noise, sizeof(noise) });
	assert_int_equal(hm_parts_take(parts, "runs/0001/packets.pcapng", &out, NULL), 0);
}

#define SAMPLE_HEX "abababababababababababababababababababababababababababababababab"
#define SAMPLE_HOSTILE "<script>alert(3)</script>\\u001b[2J\\u202e\\u200b\\n&`"

/* Two runs' witnesses. */
#define SAMPLE_RECONCILED                                                                                                   \
	"'reconciled':[{'run':1,'witnesses':{'read':['page-cache','syscall'],'send':['packet','socket','syscall']},'tasks':3,"   \
	"'reads':{'documents':45,'files':120,'bytes':188416,'calls_only':4096,'pages_only':0,'unnamed':1},"                     \
	"'sends':{'sockets':2,'bytes':198,'calls_only':0,'sockets_only':0},"                                                    \
	"'packets':{'captured':14,'counted':13,'owned':12,'unowned':2,'missing':0},"                                            \
	"'state':{'looks':2,'tasks':1,'files':3,'mappings':14,'unexplained':0},'stopped':{'times':3,'signals':1,'us':12345},"   \
	"'calls':[{'call':'ptrace','done':0,'denied':4},{'call':'" SAMPLE_HOSTILE "','done':1,'denied':0}]},"                   \
	"{'run':2,'witnesses':{'read':['page-cache','syscall'],'send':['packet','socket','syscall']},'tasks':1,"               \
	"'reads':{'documents':1,'files':7,'bytes':1,'calls_only':0,'pages_only':0,'unnamed':0},"                                \
	"'sends':{'sockets':0,'bytes':0,'calls_only':0,'sockets_only':0},"                                                      \
	"'packets':{'captured':0,'counted':0,'owned':0,'unowned':0,'missing':0},"                                               \
	"'state':{'looks':2,'tasks':0,'files':0,'mappings':0,'unexplained':0},'stopped':{'times':0,'signals':0,'us':0},'calls':[]}],"
#define SAMPLE_SELF_TEST                                                                                                    \
	"{'result':'failed','rows':["                                                                                          \
	"{'way':'pread','kind':'read','witnesses':['page-cache','syscall'],'result':'seen','why':''},"                          \
	"{'way':'io_uring read','kind':'refuse','witnesses':['syscall'],'result':'denied','why':''},"                           \
	"{'way':'" SAMPLE_HOSTILE "','kind':'" SAMPLE_HOSTILE "','witnesses':['" SAMPLE_HOSTILE "'],'result':'" SAMPLE_HOSTILE "'," \
	"'why':'" SAMPLE_HOSTILE "'},"                                                                                          \
	"{'way':'a double-forked daemon','kind':'send','witnesses':['packet'],'result':'missed','why':'no call of it is in the record'}]}"

static inline void sample_findings(struct hm_parts *parts)
{
	make_json(parts, "findings.json",
		  "{'schema':'hallmark/findings/v1','semantics':2,'claim_set':'sha256:" SAMPLE_HEX "','plan':'sha256:" SAMPLE_HEX "',"
		  "'product':{'name':'scan" SAMPLE_HOSTILE "','purl':'pkg:deb/debian/scan@1.4.3%2Bdfsg-1?arch=amd64',"
		  "'supplier':{'id':'acme','name':'Acme " SAMPLE_HOSTILE "','control':{'country':'ZZ','since':null,'source':'register, "
		  "2024'}},'argv':['/usr/bin/scan','--all','" SAMPLE_HOSTILE "',''],'definitions':[],"
		  "'artifacts':[{'path':'/usr/bin/scan','sha256':'" SAMPLE_HEX "','role':'executed','package':'scan'},"
		  "{'path_b64':'L3Vzci9saWIvYmFk/3V0Zg==','sha256':'" SAMPLE_HEX "','role':'mapped','package':null}]},"
		  "'experiment':{'screen':0,'confirm':0,'runs':1,'factors':[],'internet':'simulated',"
		  "'witnesses':{'read':['syscall','page-cache'],'send':['packet','socket']}},"
		  "'losses':[{'run':1,'events':0,'packets':0}]," SAMPLE_RECONCILED
		  "'claims':["
		  "{'id':'capable.listening','question':2,'verdict':'upheld','reason':'sample.none','values':{'ports':0},'evidence':[]},"
		  "{'id':'capable.reach','question':2,'verdict':'refuted','reason':'sample.files','values':{'files':1,'path':'"
		  SAMPLE_HOSTILE "'},'evidence':[{'run':1,'event':8},{'run':1,'event':99}]},"
		  "{'id':'collect.content','question':1,'verdict':'not verifiable','reason':'sample.bytes','values':{'bytes':4711},"
		  "'evidence':[{'run':1,'flow':0,'layer':'udp','offset':48,'length':25},{'run':1,'flow':1,'layer':'udp',"
		  "'offset':2000,'length':8}]},"
		  "{'id':'detect.samples','question':null,'verdict':'upheld','reason':'sample.none','values':{'ports':41},'evidence':[],"
		  "'bound':{'pairs':12,'confidence':[19,20],'rate_bp':2210}}],"
		  "'not_tested':[{'id':'collect.names','reason':'needs experiment'},{'id':'control.offline','reason':'" SAMPLE_HOSTILE "'}],"
		  "'influence':[],'ledger':[{'endpoint':'[198.51.100.77]:443/udp','wire':2784,'constant':0,'explained':84,'influenced':[],"
		  "'unaccounted':2700},{'endpoint':'" SAMPLE_HOSTILE ":24441/udp','wire':200,'constant':100,'explained':28,'influenced':"
		  "[{'factors':['content'],'declared':false,'bytes':72}],'unaccounted':0}],"
		  "'scope':{'not_asserted':['timing','dormant behaviour','server side']}}");
}

/* The whole assessment. The caller frees it. */
static inline struct hm_parts *sample_parts(void)
{
	struct hm_parts *parts = hm_parts_new();

	sample_findings(parts);
	make_json(parts, "assessment.json",
		  "{'schema':'hallmark/assessment/v1','seed':'" SAMPLE_HEX "','kernel':{'release':'6.1.0-28-amd64','machine':'x86_64'},"
		  "'witnesses':{'read':['syscall'],'send':['packet']},'chamber':{'profile':'confined','internet':'simulated','hostname':"
		  "'ws-" SAMPLE_HOSTILE "','machine_id':'00112233445566778899aabbccddeeff','address':'198.18.0.2','target':'/srv/documents',"
		  "'equal':[],'absent_mounts':['/mnt/" SAMPLE_HOSTILE "'],'self_test':" SAMPLE_SELF_TEST "},"
		  "'runs':[{'run':1,'kind':'aa','outcome':'exited','status':1,'start_us':1700000000000000,'end_us':1700000002500000}],"
		  "'dropped':[]}");
	make_json(parts, "planted.json",
		  "{'schema':'hallmark/planted/v1','target':'/srv/documents','files':[{'path':'letter.txt','part':'planted/0001','sha256':'"
		  SAMPLE_HEX "','size':4711,'mode':420,'role':'document','marking':'UK SECRET','tokens':['ABCDEFGH']}]}");
	make_json(parts, "declaration.json",
		  "{'schema':'hallmark/declaration/v1','product':'scan','author':'project','source':'" SAMPLE_HOSTILE "'}");
	make_json(parts, "claims.json",
		  "{'schema':'hallmark/claims/v1','claims':[{'id':'capable.reach','question':2,'statement':'it opened only what it was "
		  "asked to scan " SAMPLE_HOSTILE "'},{'id':'collect.content','question':1,'statement':'nothing that leaves depends on the "
		  "content of files'}]}");
	make_json(parts, "core.json", "{'schema':'hallmark/core/v1'}");
	sample_record(parts);
	sample_tree(parts);
	sample_packets(parts);
	return parts;
}
