/* Commands whose modules this build lacks (meson.build, "groups") are there by name, and say why. */
#include "commands.h"

#define ABSENT(id, why) const struct hm_command hm_cmd_##id = { .name = #id, .summary = "(not in this build)", .absent = why }

#ifndef HM_HAS_RECORDER
#define RECORDER "it was made without what runs products, signs and keeps logs (meson setup says what is missing, or -Dobserve=disabled)"
ABSENT(assess, RECORDER);
ABSENT(observe, RECORDER);
ABSENT(replicate, RECORDER);
ABSENT(attest, RECORDER);
ABSENT(reply, RECORDER);
ABSENT(keygen, RECORDER);
ABSENT(log, RECORDER);
ABSENT(witness, RECORDER);
ABSENT(doctor, RECORDER);
#endif
#ifndef HM_HAS_FIND
ABSENT(find, "it was made without libelf, libyajl, libhs (Hyperscan or Vectorscan), SQLite, libarchive, The Sleuth Kit, libqcow, libsquashfs or libseccomp (meson setup says which)");
#endif
#ifndef HM_HAS_DECIDE
ABSENT(decide, "it was made without what find needs, or without libyaml (meson setup says which)");
#endif
