/* What the product held, against what was declared that it may hold: facts of every exec and change of credentials. */
#include "claim_internal.h"

static const char *const capability_names[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
	"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
	"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
	"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

static uint64_t declared_caps(const struct hm_core *core, bool *root)
{
	const json_t *list = json_object_get(core->declaration, "privileges"), *row;
	uint64_t caps = 0;
	size_t i;

	*root = false;
	json_array_foreach (list, i, row) {
		if (strcmp(json_string_value(row), "uid 0") == 0)
			*root = true;
		for (size_t k = 0; k < HM_COUNT(capability_names); k++)
			if (strcmp(json_string_value(row), capability_names[k]) == 0)
				caps |= 1ull << k;
	}
	return caps;
}

void hm_claim_privilege(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	bool root;
	uint64_t declared = declared_caps(core, &root), mask = j->claim->mask;

	for (size_t i = 0; i < run->cred_count; i++) {
		const struct hm_cred_fact *fact = &run->creds[i];
		bool is_root = fact->uid == 0 || fact->euid == 0;
		uint64_t caps = fact->caps & mask;
		bool exceeds = (caps & ~declared) || (is_root && !root);
		struct hm_ground *g = hm_ground(j, exceeds ? "privilege.undeclared" : "privileges.declared");

		hm_ground_add(g, "states", 1);
		hm_ground_or(g, "capabilities", exceeds ? caps & ~declared : caps);
		hm_ground_or(g, "root", exceeds ? is_root && !root : is_root);
		if (exceeds)
			hm_ground_event(g, run, fact->event);
	}
}
