#pragma once
/* The parts of an experiment that never was: two factors, three confirming pairs each. Of the documents' content a field of a datagram
 * depends; what is sent, and to whom, is as hostile as in sample_parts.h. */
#include "sample_parts.h"

#define SAMPLE_ENDPOINT "[203.0.113.9]:24441/udp"

static inline void sample_message(struct hm_parts *parts, unsigned run, const char *digest, const char *thread, bool second)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_FREE char *name = hm_sprintf("runs/%04u/packets.pcapng", run);
	HM_FREE char *message = hm_sprintf("Op: " SAMPLE_SCRIPT SAMPLE_ANSI "\nOp-Digest: %s\nThread: %s\nUser: " SAMPLE_BIDI SAMPLE_QUOTES "\n%s\n",
					   digest, thread, second ? "Only: here\n" : "");
	uint8_t noise[700];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 7 + i / 16 + (i == 300 ? run : 0));
	hm_pcapng_start(&out, 0);
	make_udp(&out, "198.18.0.2", 40000, "203.0.113.9", 24441, hm_slice_text(message));
	make_udp(&out, "198.18.0.2", 40001, "198.51.100.77", 443, (struct hm_slice){ noise, sizeof(noise) });
	assert_int_equal(hm_parts_take(parts, name, &out, NULL), 0);
}

static inline void sample_influence(struct hm_parts *parts)
{
	make_json(parts, "findings.json",
		  "{'schema':'hallmark/findings/v1','semantics':3,'product':{'name':'scan" SAMPLE_HOSTILE "','purl':'pkg:deb/debian/scan@1','supplier':null,"
		  "'argv':['scan'],'definitions':[],'artifacts':[]},"
		  "'experiment':{'screen':6,'confirm':6,'runs':24,'factors':['content','names','host.name'],'internet':'simulated',"
		  "'witnesses':{'read':['syscall'],'send':['packet']}},'losses':[],"
		  "'claims':["
		  "{'id':'capable.listening','question':2,'verdict':'upheld','reason':'ports.none','values':{'runs':24},'evidence':[],"
		  "'bound':{'pairs':24,'confidence':[19,20],'rate_bp':1173}},"
		  "{'id':'collect.content','question':1,'verdict':'refuted','reason':'influence.confirmed','values':{'features':2,'bytes':240,'of':5000},"
		  "'evidence':[]},"
		  "{'id':'collect.host','question':1,'verdict':'upheld','reason':'nothing.depends','values':{'runs':24},'evidence':[],"
		  "'bound':{'pairs':3,'confidence':[19,20],'rate_bp':6316}},"
		  "{'id':'collect.names','question':1,'verdict':'not verifiable','reason':'bytes.unaccounted','values':{'bytes':900,'features':12,'of':5000},"
		  "'evidence':[]},"
		  "{'id':'collect.residue','question':1,'verdict':'refuted','reason':'residue.depends','values':{'features':3,'paths':2},'evidence':[]}],"
		  "'not_tested':[],'influence':["
		  "{'factor':'content','endpoint':'" SAMPLE_ENDPOINT "','layer':'udp','feature':'0.0.line.op-digest','grade':'dependent','declared':false,"
		  "'p':{'b':1,'m':255,'family':1,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'" SAMPLE_ENDPOINT "','layer':'udp','feature':'0.0.size','grade':'dependent','declared':false,"
		  "'p':{'b':1,'m':255,'family':2,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'[198.51.100.77]:443/udp','layer':'udp','feature':'0.0.data','grade':'dependent','declared':false,"
		  "'p':{'b':1,'m':255,'family':1,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'','layer':'','feature':'order','grade':'dependent','declared':false,"
		  "'p':{'b':1,'m':255,'family':1,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'" SAMPLE_HOSTILE ":1/udp','layer':'udp','feature':'7.9." SAMPLE_HOSTILE "','grade':'dependent',"
		  "'declared':false,'p':{'b':1,'m':255,'family':1,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'" SAMPLE_HOSTILE ":1/udp','layer':'udp','feature':'hex.digest.sha256','grade':'proven','declared':false},"
		  "{'factor':'content','endpoint':'disk','layer':'disk','feature':'all','grade':'dependent','declared':false,"
		  "'p':{'b':0,'m':255,'family':0,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'disk','layer':'disk','feature':'file.content:/tmp/%1b" SAMPLE_HOSTILE "','grade':'dependent','declared':false,"
		  "'p':{'b':0,'m':255,'family':0,'phase':'confirm'}},"
		  "{'factor':'content','endpoint':'disk','layer':'disk','feature':'file.content:/tmp/state','grade':'dependent','declared':false,"
		  "'p':{'b':0,'m':255,'family':0,'phase':'confirm'}},"
		  "{'factor':'" SAMPLE_HOSTILE "','endpoint':'x','layer':'x','feature':'x','grade':'dependent','declared':false}],"
		  "'located':["
		  "{'factor':'content','endpoint':'" SAMPLE_ENDPOINT "','layer':'udp','feature':'0.0.line.op-digest','reason':'located','rest':'same','blocks':40,"
		  "'places':[{'document':'letter.eml','part':'file','offset':120,'length':293,'of':1545,'with':[],'blocks':11,'error':[1,2048]}]},"
		  "{'factor':'content','endpoint':'" SAMPLE_ENDPOINT "','layer':'udp','feature':'0.0.size','reason':'located','rest':'same','blocks':40,"
		  "'places':[{'document':'letter.eml','part':'file','offset':120,'length':293,'of':1545,'with':[],'blocks':12,'error':[1,2048]}]},"
		  "{'factor':'content','endpoint':'[198.51.100.77]:443/udp','layer':'udp','feature':'0.0.data','reason':'not confirmed','rest':'differs','blocks':40,"
		  "'places':[{'document':'plan.odt','part':'text','offset':7,'length':1,'of':400,'with':['note.txt'],'blocks':11,'error':[1,2048]},"
		  "{'document':'" SAMPLE_HOSTILE "','part':null,'offset':null,'length':null,'of':null,'with':['" SAMPLE_HOSTILE "'],'blocks':11,'error':'x'}]},"
		  "{'factor':'content','endpoint':'','layer':'','feature':'order','reason':'unsteady','rest':null,'blocks':40,'places':[]},"
		  "{'factor':'content','endpoint':'disk','layer':'disk','feature':'all','reason':'disk','rest':null,'blocks':0,'places':[]},"
		  "{'factor':'content','endpoint':'" SAMPLE_HOSTILE "','layer':'udp','feature':'" SAMPLE_HOSTILE "','reason':'" SAMPLE_HOSTILE "'},"
		  "'text',{'factor':7}],"
		  "'ledger':[{'endpoint':'" SAMPLE_HOSTILE ":1/udp','wire':100,'constant':50,'explained':0,'influenced':[],'unaccounted':50},"
		  "{'endpoint':'[198.51.100.77]:443/udp','wire':4000,'constant':3100,'explained':0,'influenced':[{'factors':['content'],"
		  "'declared':false,'bytes':50}],'unaccounted':850},"
		  "{'endpoint':'" SAMPLE_ENDPOINT "','wire':800,'constant':500,'explained':60,'influenced':[{'factors':['content'],'declared':false,"
		  "'bytes':190},{'factors':['content','" SAMPLE_HOSTILE "'],'declared':true,'bytes':50}],'unaccounted':0},"
		  "{'endpoint':'quiet.example:80/tcp','wire':100,'constant':100,'explained':0,'influenced':[],'unaccounted':0}],"
		  "'scope':{'not_asserted':['timing','" SAMPLE_HOSTILE "']}}");
}

#define SAMPLE_LEVELS(n) "'levels':[{'factor':'content','level':" n "},{'factor':'names','level':" n "},{'factor':'host.name','level':" n "}]"
#define SAMPLE_FILE "'size':9,'mode':420,'uid':0,'gid':0,'mtime':1715677200,'atime':1715677200,'role':'document','marking':null,'tokens':[],'draw':0"

/* The two sets: one document with other words, one with another owner, time and attribute, one of another name, and one that is alike. */
static inline void sample_documents(struct hm_parts *parts)
{
	static const char *const contents[] = { "the word is <b>AAAA</b>, as you\r\nguessed " SAMPLE_BIDI, "the word is <b>BBBBBB</b>, as you\r\nguessed "
						SAMPLE_BIDI, "\x01\x02\x03\x04", "same" };

	for (size_t i = 0; i < HM_COUNT(contents); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		HM_FREE char *name = hm_sprintf("planted/%04zu", i + 1);

		hm_bytes_text(&content, contents[i]);
		assert_int_equal(hm_parts_take(parts, name, &content, NULL), 0);
	}
	make_json(parts, "planted.json",
		  "{'schema':'hallmark/planted/v2','target':'/t','sets':["
		  "{'set':1," SAMPLE_LEVELS("0") ",'files':["
		  "{'path':'" SAMPLE_HOSTILE "/owned','part':'planted/0004','sha256':'d'," SAMPLE_FILE ",'xattrs':[]},"
		  "{'path':'" SAMPLE_HOSTILE "/same','part':'planted/0004','sha256':'d'," SAMPLE_FILE ",'xattrs':[]},"
		  "{'path':'alpha','part':'planted/0003','sha256':'c'," SAMPLE_FILE ",'xattrs':[]},"
		  "{'path':'letter-\\u202e.eml','part':'planted/0001','sha256':'a'," SAMPLE_FILE ",'xattrs':[]}]},"
		  "{'set':2," SAMPLE_LEVELS("1") ",'files':["
		  "{'path':'" SAMPLE_HOSTILE "/owned','part':'planted/0004','sha256':'d','size':9,'mode':384,'uid':7,'gid':8,'mtime':1715677201,"
		  "'atime':1715677200,'role':'document','marking':null,'tokens':[],'draw':0,'xattrs':[{'name':'user.x','value':'" SAMPLE_HOSTILE "'}]},"
		  "{'path':'" SAMPLE_HOSTILE "/same','part':'planted/0004','sha256':'d'," SAMPLE_FILE ",'xattrs':[]},"
		  "{'path':'letter-\\u202e.eml','part':'planted/0002','sha256':'b'," SAMPLE_FILE ",'xattrs':[]},"
		  "{'path':'omega','part':'planted/0003','sha256':'c'," SAMPLE_FILE ",'xattrs':[]}]}]}");
}

static inline void sample_left(struct hm_parts *parts, unsigned run, unsigned level)
{
	HM_CLEANUP(make_items_release) struct make_items items = { 0 };
	HM_FREE char *name = hm_sprintf("runs/%04u/tree.cbor.zst", run);
	struct hm_bytes *out = make_item(&items);
	uint8_t digest[32];

	memset(digest, level ? 0xcd : 0xef, sizeof(digest));
	hm_cbor_array(out, 8);
	hm_cbor_bytes(out, HM_SLICE("/tmp/state"));
	hm_cbor_uint(out, 'f');
	hm_cbor_uint(out, 0100644);
	hm_cbor_uint(out, 0);
	hm_cbor_uint(out, 0);
	hm_cbor_uint(out, 9);
	hm_cbor_bytes(out, (struct hm_slice){ digest, sizeof(digest) });
	hm_cbor_bytes(out, HM_SLICE(""));
	make_record(parts, name, HM_RECORD_TREE, &items);
}

/* Runs 1 to 6 confirm for content, 7 to 12 for names, 13 to 18 for the host's name; of two runs the even one has level 1, but of runs
 * 3 and 4 the odd one. */
static inline struct hm_parts *sample_experiment(void)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes plan = { 0 }, assessment = { 0 }, sets = { 0 };
	static const char *const factors[] = { "content", "names", "host.name" };
	struct hm_parts *parts = hm_parts_new();

	for (unsigned run = 1; run <= 18; run++) {
		const char *factor = factors[(run - 1) / 6], *comma = run > 1 ? "," : "";
		unsigned level = (run % 2 == 0) != (run == 3 || run == 4);

		if (run % 2)
			hm_bytes_printf(&plan, "%s{'block':%u,'phase':'confirm','factor':'%s','runs':[%u,%u]}", comma, run / 2 + 1, factor, run, run + 1);
		hm_bytes_printf(&assessment, "%s{'run':%u,'kind':'confirm','outcome':'exited','status':0,'start_us':%u,'end_us':%u}", comma, run,
				1000000 * run, 1000000 * run + 5);
		hm_bytes_printf(&sets, "%s{'run':%u,'set':%u}", comma, run, 1 + level);
		sample_message(parts, run, run <= 6 && level ? "0e3c" SAMPLE_SCRIPT "ffff" : "0e3c" SAMPLE_SCRIPT "dddd", run == 2 ? "1234" : "56789", run == 2);
		if (run <= 6)
			sample_left(parts, run, level);
	}
	for (struct hm_bytes *b = &plan; b; b = b == &plan ? &assessment : b == &assessment ? &sets : NULL)
		hm_bytes_u8(b, 0);
	{
		HM_FREE char *p = hm_sprintf("{'factors':['content'],'stdin':'/t/letter.eml','blocks':[%s,{'block':99,'phase':'confirm','factor':'content','runs':[1,77]},"
					     "{'block':98,'phase':'confirm','factor':'content','runs':[1]},7]}", (char *)plan.data);
		HM_FREE char *a = hm_sprintf("{'runs':[%s],'sets':[%s],'chamber':{'address':'198.18.0.2','self_test':'none'}}", (char *)assessment.data,
					     (char *)sets.data);

		make_json(parts, "plan.json", p);
		make_json(parts, "assessment.json", a);
	}
	sample_documents(parts);
	sample_influence(parts);
	return parts;
}
