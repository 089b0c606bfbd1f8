#pragma once
/* Cleanup attributes: the owner of a thing is visible at its declaration, and no function needs a goto to let it go.
 * A hand-over is written `return hm_take_ptr(&p)` or `hm_take_fd(&fd)`, which leave nothing behind to be cleaned up. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void hm_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void hm_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void hm_cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Frees a malloc()ed pointer at the end of its scope. */
#define HM_FREE __attribute__((cleanup(hm_cleanup_free)))
/* Closes a descriptor at the end of its scope; start it at -1. */
#define HM_CLOSE __attribute__((cleanup(hm_cleanup_close)))
#define HM_FCLOSE __attribute__((cleanup(hm_cleanup_fclose)))
/* Any other release function: it gets a pointer to the variable. */
#define HM_CLEANUP(function) __attribute__((cleanup(function)))

#define HM_MUST_CHECK __attribute__((warn_unused_result))
#define HM_PRINTF(string, first) __attribute__((format(printf, string, first)))
#define HM_UNUSED __attribute__((unused))

static inline int hm_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define hm_take_ptr(pointer)                       \
	({                                         \
		__typeof__(*(pointer)) taken_ = *(pointer); \
		*(pointer) = NULL;                 \
		taken_;                            \
	})

#define HM_COUNT(array) (sizeof(array) / sizeof((array)[0]))
