#pragma once
/* Java's trust stores: one more authority, without Java. JKS (as sun.security.provider.JavaKeyStore writes it) with the password that everybody
 * uses, and PKCS#12 (RFC 7292) with that, with none, or without authentication, as JDKs since 18 ship it. */
#include "bytes.h"
#include "fail.h"

#define HM_KEYSTORE_ALIAS "debian:chamber_root_ca.pem"

/* The store with the certificate `der` added to those that it trusts, into the empty `out`. What is there stays as it is, to the byte; what is added,
 * and the authentication, is a function of store and certificate. HM_E_UNKNOWN for what is neither, HM_E_BAD for a store that is damaged or has another password. */
int hm_keystore_add(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail) HM_MUST_CHECK;
