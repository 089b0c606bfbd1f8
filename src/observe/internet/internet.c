#include "internet.h"
#include <internet.skel.h>
