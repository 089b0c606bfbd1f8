#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int hm_fail_set(struct hm_fail *fail, int code, const char *format, ...)
{
	va_list args;

	if (!fail)
		return code;
	fail->code = code;
	va_start(args, format);
	vsnprintf(fail->text, sizeof(fail->text), format, args);
	va_end(args);
	return code;
}

int hm_fail_errno(struct hm_fail *fail, const char *format, ...)
{
	int error = errno;
	va_list args;
	size_t used;

	if (!fail)
		return HM_E_SYSTEM;
	fail->code = HM_E_SYSTEM;
	va_start(args, format);
	vsnprintf(fail->text, sizeof(fail->text), format, args);
	va_end(args);
	used = strlen(fail->text);
	snprintf(fail->text + used, sizeof(fail->text) - used, ": %s", strerror(error));
	errno = error;
	return HM_E_SYSTEM;
}

int hm_fail_in(struct hm_fail *fail, const char *format, ...)
{
	char before[sizeof(fail->text)];
	va_list args;
	size_t used;

	if (!fail)
		return HM_E_BAD;
	memcpy(before, fail->text, sizeof(before));
	va_start(args, format);
	vsnprintf(fail->text, sizeof(fail->text), format, args);
	va_end(args);
	used = strlen(fail->text);
	snprintf(fail->text + used, sizeof(fail->text) - used, ": %s", before);
	return fail->code;
}

int hm_fail_advise(struct hm_fail *fail, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!fail)
		return HM_E_BAD;
	used = strlen(fail->text);
	if (used + 4 > sizeof(fail->text))
		return fail->code;
	memcpy(fail->text + used, " (", 3);
	used += 2;
	va_start(args, format);
	vsnprintf(fail->text + used, sizeof(fail->text) - used, format, args);
	va_end(args);
	used = strlen(fail->text);
	if (used + 2 <= sizeof(fail->text))
		memcpy(fail->text + used, ")", 2);
	return fail->code;
}

int hm_fail_exit(int code)
{
	switch (code) {
	case 0:
		return 0;
	case HM_E_BAD:
		return 1;
	case HM_E_UNKNOWN:
		return 2;
	case HM_E_USAGE:
		return 3;
	case HM_E_INTERRUPTED:
		return 130;
	default:
		return 4;
	}
}
