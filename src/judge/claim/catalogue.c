/* The claims of CONTRACTS section 2, each with who decides it. A claim that nothing here decides says what it waits for. */
#include "claim_internal.h"

#include <linux/capability.h>

#define CAP(name) (1ull << CAP_##name)

/* What lets a process read what its user may not, or what others hold in memory. */
#define READING (CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(SETUID) | CAP(SETGID) | CAP(SYS_PTRACE) | \
				CAP(SYS_ADMIN) | CAP(SYS_RAWIO) | CAP(SYS_CHROOT) | CAP(MKNOD) | CAP(SYSLOG) | CAP(PERFMON) | \
				CAP(BPF) | CAP(MAC_OVERRIDE) | CAP(AUDIT_READ) | CAP(CHECKPOINT_RESTORE) | CAP(IPC_OWNER))
/* What lets it send past the ordinary socket calls, or change where packets go. */
#define SENDING (CAP(NET_RAW) | CAP(NET_ADMIN) | CAP(NET_BIND_SERVICE) | CAP(NET_BROADCAST) | CAP(SYS_ADMIN) | CAP(BPF))
/* What lets it put code into the kernel or into other processes, or gain privileges for what it executes. */
#define LOADING (CAP(SYS_MODULE) | CAP(SYS_ADMIN) | CAP(SYS_RAWIO) | CAP(SYS_BOOT) | CAP(BPF) | CAP(PERFMON) | \
				CAP(SYS_PTRACE) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(MKNOD) | CAP(MAC_ADMIN))

enum {
	EVENTS = HM_TOUCH_EVENTS,
	PACKETS = HM_TOUCH_EVENTS | HM_TOUCH_PACKETS,
	TREE = HM_TOUCH_EVENTS | HM_TOUCH_TREE,
	OUTPUT = HM_TOUCH_EVENTS | HM_TOUCH_OUTPUT,
	/* What only semantics 2 looks at: */
	READS = HM_TOUCH_READS | HM_TOUCH_PATHS,
	CODE = HM_TOUCH_CODE | HM_TOUCH_PATHS,
	PATHS = HM_TOUCH_PATHS,
	PORTS = HM_TOUCH_PORTS,
};

/* Sorted by id. */
static const struct hm_claim catalogue[] = {
	{ "capable.listening", 2, .touches = EVENTS | PORTS, .run = hm_claim_listening, .upheld = "ports.none" },
	{ "capable.load", 2, .needs = "privileges", .touches = EVENTS, .run = hm_claim_privilege, .upheld = "privileges.declared",
	  .mask = LOADING },
	{ "capable.reach", 2, .touches = TREE | READS, .run = hm_claim_reach, .upheld = "reach.inside" },
	{ "capable.read", 2, .needs = "privileges", .touches = EVENTS, .run = hm_claim_privilege, .upheld = "privileges.declared",
	  .mask = READING },
	{ "capable.send", 2, .needs = "privileges", .touches = EVENTS, .run = hm_claim_privilege, .upheld = "privileges.declared",
	  .mask = SENDING },
	{ "change.code", 3, .touches = EVENTS | CODE, .run = hm_claim_code, .upheld = "code.installed" },
	{ "change.files", 3, .touches = TREE | PATHS, .run = hm_claim_changed_files, .upheld = "files.own" },
	{ "change.persistence", 3, .untested = "needs scenario" },
	{ "change.updates", 3, .untested = "needs scenario" },
	{ "collect.authenticated", 1, .untested = "needs tls", .since = 4, .touches = PACKETS, .run = hm_claim_authenticated,
	  .upheld = "certificate.refused", .wrong = true, .idle = "no tls" },
	{ "collect.content", 1, .touches = PACKETS, .run = hm_claim_content, .upheld = "nothing.left", .wrong = true },
	{ "collect.encrypted", 1, .untested = "needs tls", .since = 4, .touches = PACKETS, .run = hm_claim_encrypted, .upheld = "bytes.sealed",
	  .wrong = true },
	{ "collect.host", 1, .untested = "needs experiment", .touches = PACKETS, .upheld = "nothing.depends" },
	{ "collect.inventory", 1, .untested = "needs experiment", .touches = PACKETS, .upheld = "nothing.depends" },
	{ "collect.metadata", 1, .untested = "needs experiment", .touches = PACKETS, .upheld = "nothing.depends" },
	{ "collect.names", 1, .untested = "needs experiment", .touches = PACKETS, .upheld = "nothing.depends" },
	{ "collect.residue", 1, .untested = "needs experiment", .touches = HM_TOUCH_TREE, .run = hm_claim_residue, .upheld = "residue.equal",
	  .factor = "content" },
	{ "control.offline", 4, .untested = "needs scenario" },
	{ "control.sealed", 4, .untested = "needs seal" },
	{ "control.switches", 4, .untested = "needs experiment" },
	{ "declared.collection", 1, .untested = "needs experiment", .since = 4, .paired = true, .needs = "collects", .touches = PACKETS,
	  .upheld = "collection.declared" },
	{ "declared.endpoints", 1, .needs = "endpoints", .touches = PACKETS, .run = hm_claim_endpoints, .upheld = "endpoints.declared", .wrong = true },
	{ "declared.files", 3, .needs = "writes", .touches = TREE | PATHS, .run = hm_claim_declared_files, .upheld = "writes.declared" },
	{ "declared.privilege", 2, .needs = "privileges", .touches = EVENTS, .run = hm_claim_privilege, .upheld = "privileges.declared",
	  .mask = UINT64_MAX },
	{ "detect.markings", 0, .untested = "needs experiment" },
	{ "detect.samples", 0, .needs = "detects", .touches = OUTPUT, .run = hm_claim_samples, .upheld = "samples.found" },
	{ "identity.package", 0, .untested = "needs reference" },
};

const struct hm_claim *hm_claim_find(const char *id)
{
	for (size_t i = 0; i < HM_COUNT(catalogue); i++)
		if (strcmp(catalogue[i].id, id) == 0)
			return &catalogue[i];
	return NULL;
}

unsigned hm_claim_looks(const char *id, bool experiment)
{
	const unsigned all = HM_TOUCH_EVENTS | HM_TOUCH_PACKETS | HM_TOUCH_TREE;
	const struct hm_claim *claim = hm_claim_find(id);
	unsigned looks = claim ? claim->touches & all : 0;

	if (claim && claim->touches & ~all)
		looks |= HM_TOUCH_EVENTS; /* what was read, mapped, printed: events tell it */
	return experiment && looks & (HM_TOUCH_PACKETS | HM_TOUCH_TREE) ? all : looks;
}
