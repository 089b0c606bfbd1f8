/* Attaches what gives out UDP ports in turn (bpf/ports.bpf.c) to the product's control group, where it stays as long as the group does. */
#include "chamber_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <ports.skel.h>

static void destroy(struct ports_bpf **skeleton)
{
	ports_bpf__destroy(*skeleton);
}

int hm_chamber_ports(int cgroup, struct hm_fail *fail)
{
	libbpf_print_fn_t printer = libbpf_set_print(NULL);
	HM_CLEANUP(destroy) struct ports_bpf *skeleton = ports_bpf__open_and_load();

	libbpf_set_print(printer);
	if (!skeleton || bpf_prog_attach(bpf_program__fd(skeleton->progs.next_port), cgroup, BPF_CGROUP_INET4_CONNECT,
					 BPF_F_ALLOW_MULTI) < 0) {
		hm_fail_errno(fail, "attaching what gives out the chamber's UDP ports");
		return hm_fail_advise(fail, "hallmark doctor says what this kernel can do");
	}
	return 0;
}
