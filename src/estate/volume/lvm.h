#pragma once
/* The logical volumes of LVM on some devices, each as bytes that can be read. Linear and striped ones; others, and those that lie in part on a device that
 * is not here, are told with a reason. */
#include "volume.h"

struct hm_lvm;
struct hm_lvm_volume {
	const char *group, *name;
	const char *why; /* it cannot be read: the reason. NULL: */
	struct hm_volume_from from;
};

/* `device`: pieces that begin as LVM's do; they are copied. HM_E_BAD: none can be understood. */
int hm_lvm_open(struct hm_lvm **ret, const struct hm_volume_from *device, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
void hm_lvm_cleanup(struct hm_lvm **lvm);
size_t hm_lvm_count(const struct hm_lvm *lvm) HM_MUST_CHECK;
/* The i-th; valid as long as `lvm` is. */
const struct hm_lvm_volume *hm_lvm_volume(const struct hm_lvm *lvm, size_t i) HM_MUST_CHECK;
