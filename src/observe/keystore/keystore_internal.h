#pragma once
#include "keystore.h"

#define KEYSTORE_PASSWORD "changeit"

int keystore_jks(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail) HM_MUST_CHECK;
int keystore_pkcs12(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail) HM_MUST_CHECK;
