#pragma once
#include "product.h"
#include "yamldoc.h"

/* What a member of a YAML mapping must be. */
enum row_kind {
	ROW_TEXT,    /* not empty */
	ROW_TEXTS,   /* list of such */
	ROW_INTEGER, /* at least 0 */
	ROW_OBJECT,
	ROW_LIST,    /* of anything: the caller looks at the items */
};

struct row {
	const char *name;
	enum row_kind kind;
	bool required, may_be_null;
};

/* Checks that `node` is a mapping of these members and no others. `what` names it in the error. */
int product_check(const struct hm_yaml *y, const json_t *node, const char *what, const struct row *rows, size_t count,
		  struct hm_fail *fail) HM_MUST_CHECK;

/* declaration.json from the mapping `node`; `product` is its product's name, or NULL when the mapping must name it. */
int product_declare(json_t **ret, const struct hm_yaml *y, const json_t *node, const char *product, struct hm_fail *fail)
	HM_MUST_CHECK;

/* Moves `content` in. */
void product_add_file(struct hm_product_files *files, const char *path, struct hm_bytes *content, mode_t mode);

static inline const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
