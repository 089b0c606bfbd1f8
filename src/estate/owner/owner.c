#include "owner.h"

static bool holds(const struct hm_owner *row, const char *day)
{
	return (!row->from || strcmp(row->from, day) <= 0) && (!row->to || strcmp(day, row->to) < 0);
}

static bool has(const struct hm_owner *const *step, size_t n, const struct hm_owner *row)
{
	for (size_t i = 0; i < n; i++)
		if (step[i] == row)
			return true;
	return false;
}

static size_t add_rows(const struct hm_owner *step[HM_OWNER_MAX], size_t n, const struct hm_owner *rows, size_t count, const char *supplier,
		       const char *day)
{
	for (size_t i = 0; i < count && n < HM_OWNER_MAX; i++)
		if (strcmp(rows[i].supplier, supplier) == 0 && holds(&rows[i], day) && !has(step, n, &rows[i]))
			step[n++] = &rows[i];
	return n;
}

size_t hm_owner_on(const struct hm_owner *step[HM_OWNER_MAX], const struct hm_owner *rows, size_t count, const char *supplier, const char *day)
{
	size_t n = add_rows(step, 0, rows, count, supplier, day);

	/* Breadth first: `step` is the queue too. */
	for (size_t i = 0; i < n; i++)
		if (step[i]->controller)
			n = add_rows(step, n, rows, count, step[i]->controller, day);
	return n;
}

static int number(const char *text, size_t digits)
{
	int n = 0;

	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

bool hm_owner_is_date(const char *text, bool coarse)
{
	size_t len = strlen(text);
	int year, month, day;

	if (len != 10 && !(coarse && (len == 4 || len == 7)))
		return false;
	year = number(text, 4);
	if (year < 1000 || len == 4)
		return year >= 1000;
	month = text[4] == '-' ? number(text + 5, 2) : -1;
	if (month < 1 || month > 12 || len == 7)
		return month >= 1 && month <= 12;
	day = text[7] == '-' ? number(text + 8, 2) : -1;
	return day >= 1 && day <= days_of(year, month);
}
