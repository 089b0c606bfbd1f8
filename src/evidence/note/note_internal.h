#pragma once
/* Shared by the files of this module. */
#include "note.h"

/* Whether these bytes can be a key's name. */
bool hm_note_is_name(struct hm_slice s) HM_MUST_CHECK;
