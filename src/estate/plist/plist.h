#pragma once
/* Property lists of macOS, in XML (by expat) and in Apple's binary form (by the bounded cursor: the libraries that read it build a tree, which a list that refers to itself in many places
 * makes endless). Only what stands right in the outermost dictionary is told: texts, booleans, and the first text of an array. No entity is expanded, no tree is built.
 *
 * Source: Apple's CFBinaryPList.c and the DTD of property lists. */
#include "bytes.h"
#include "fail.h"

/* A value other than 0 ends the reading and is returned. Booleans are "true" and "false". */
typedef int (*hm_plist_fn)(void *cookie, const char *key, const char *value);
/* HM_E_BAD: it is no property list, or damaged; what could be read was told. */
int hm_plist_read(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
