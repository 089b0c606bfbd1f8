/* Attaches the device filter (bpf/devices.bpf.c) to the run's control group, where it stays as long as the group does:
 * also when hallmark is killed. */
#include "chamber_internal.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <devices.skel.h>

static void destroy(struct devices_bpf **skeleton)
{
	devices_bpf__destroy(*skeleton);
}

int hm_chamber_devices(int cgroup, struct hm_fail *fail)
{
	libbpf_print_fn_t printer = libbpf_set_print(NULL);
	HM_CLEANUP(destroy) struct devices_bpf *skeleton = devices_bpf__open_and_load();

	libbpf_set_print(printer);
	if (!skeleton || bpf_prog_attach(bpf_program__fd(skeleton->progs.devices), cgroup, BPF_CGROUP_DEVICE,
					 BPF_F_ALLOW_MULTI) < 0) {
		hm_fail_errno(fail, "attaching the chamber's device filter");
		return hm_fail_advise(fail, "hallmark doctor says what this kernel can do");
	}
	return 0;
}
