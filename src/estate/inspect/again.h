#pragma once
/* Package files of a system that can only be walked (a container image, an archive, a squashfs): what its databases are held against is gathered while it is
 * walked again, as often as an answer leads to another question (a list of digests, then its files, then where links lead). */
#include "inspect_internal.h"
#include "source.h"

struct inspect_again;
void inspect_again_free(struct inspect_again *again); /* NULL is fine */
/* Keeps a database and the names of its packages that show a row (which are taken) for the end of the walk. */
void inspect_again_keep(struct inspect *s, const struct hm_source *source, const struct hm_source_file *file);
/* Asks again until every answer is there, and observes. `each`: gets the entries of the first of these walks too, with `s`; NULL: nobody does, and where nothing was kept nothing is walked. */
int inspect_again_ask(struct inspect *s, hm_entry_fn each, struct hm_fail *fail) HM_MUST_CHECK;
