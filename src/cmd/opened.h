#pragma once
/* TLS of an earlier run, opened for its answers to be given again: the internet's replay knows packets, the judge knows TLS. */
#include "internet.h"

hm_replay_open hm_open_replayed;
