#pragma once
/* Where Hallmark's own data lie: claims, products, suppliers, policies. */
#include "fail.h"

/* The folder: $HALLMARK_DATA, else beside the build, else installed; malloc'ed. HM_E_SYSTEM where none of them is one. */
int hm_data_folder(char **ret, struct hm_fail *fail) HM_MUST_CHECK;
