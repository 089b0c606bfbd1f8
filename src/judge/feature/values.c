/* Forms and JSON (RFC 8259) as their values. What is not told is glue, the names in it too: a product that hides something in a name
 * changes the glue. */
#include "fields_internal.h"

enum { VALUES_MAX = 1000, DEPTH_MAX = 32, PAIR_NAME_MAX = 64 };

static size_t place_of(const struct hm_splitting *s, const uint8_t *at)
{
	return (size_t)(at - s->message.data);
}

/* ---- pairs ---- */

/* The next piece, without the '&' that ends it. */
static struct hm_slice take_piece(struct hm_slice *rest)
{
	const uint8_t *end = memchr(rest->data, '&', rest->len);
	struct hm_slice piece = { rest->data, end ? (size_t)(end - rest->data) : rest->len };
	size_t used = piece.len + (end != NULL);

	rest->data += used;
	rest->len -= used;
	return piece;
}

/* The length of the name before '=', 0 when it is no pair. */
static size_t pair_name(struct hm_slice piece)
{
	const uint8_t *mark = piece.len ? memchr(piece.data, '=', piece.len) : NULL;
	size_t len = mark ? (size_t)(mark - piece.data) : 0;

	return len <= PAIR_NAME_MAX ? len : 0;
}

bool hm_split_pairs(struct hm_splitting *s, const char *prefix, struct hm_slice part)
{
	struct hm_slice rest = part;
	size_t pairs = 0;

	while (rest.len)
		if (!pair_name(take_piece(&rest)) || ++pairs > VALUES_MAX)
			return false;
	for (rest = part; rest.len;) {
		struct hm_slice piece = take_piece(&rest);
		size_t len = pair_name(piece);
		struct hm_field_name name = { .len = 0 };

		if (len + 1 == piece.len)
			continue;
		name.len = (size_t)snprintf(name.text, sizeof(name.text), "%s.", prefix);
		hm_field_name_add(&name, (struct hm_slice){ piece.data, len });
		hm_field_name_end(s, &name);
		hm_field_span(s, name.text, place_of(s, piece.data) + len + 1, piece.len - len - 1);
	}
	return pairs > 0;
}

/* ---- JSON ---- */

struct json {
	struct hm_splitting *s; /* NULL: only look whether it is JSON */
	const uint8_t *at, *end;
	struct hm_field_name name; /* of the value that is read */
	unsigned depth;
	size_t values;
};

static void skip_space(struct json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

static bool take(struct json *j, char c)
{
	skip_space(j);
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

/* What stands between quotes; the first has been taken. */
static bool take_string(struct json *j, struct hm_slice *out)
{
	const uint8_t *begin = j->at;

	for (; j->at < j->end && *j->at >= 0x20; j->at++) {
		if (*j->at == '"') {
			*out = (struct hm_slice){ begin, (size_t)(j->at - begin) };
			j->at++;
			return true;
		}
		if (*j->at == '\\' && ++j->at == j->end)
			return false;
	}
	return false;
}

/* A number, true, false, null: whatever has only their letters. */
static bool take_word(struct json *j, struct hm_slice *out)
{
	const uint8_t *begin = j->at;

	while (j->at < j->end && ((*j->at >= '0' && *j->at <= '9') || (*j->at >= 'a' && *j->at <= 'z') || *j->at == 'E' || *j->at == '-' ||
				  *j->at == '+' || *j->at == '.'))
		j->at++;
	*out = (struct hm_slice){ begin, (size_t)(j->at - begin) };
	return out->len > 0;
}

static bool tell_value(struct json *j, struct hm_slice value)
{
	struct hm_field_name name = j->name;

	if (++j->values > VALUES_MAX)
		return false;
	if (!j->s || !value.len)
		return true;
	hm_field_name_end(j->s, &name);
	hm_field_span(j->s, name.text, place_of(j->s, value.data), value.len);
	return true;
}

static bool take_value(struct json *j);

/* An element of a list or a member of an object: its name is the container's and its own. */
static bool take_inner(struct json *j, struct hm_slice own)
{
	struct hm_field_name outer = j->name;
	bool good;

	if (j->depth > 1 && j->name.len < HM_FIELD_NAME_MAX)
		j->name.text[j->name.len++] = '/';
	hm_field_name_add(&j->name, own);
	good = take_value(j);
	j->name = outer;
	return good;
}

static bool take_list(struct json *j)
{
	if (take(j, ']'))
		return true;
	for (size_t i = 0; i <= VALUES_MAX; i++) {
		char own[24];

		snprintf(own, sizeof(own), "%zu", i);
		if (!take_inner(j, hm_slice_text(own)))
			return false;
		if (take(j, ']'))
			return true;
		if (!take(j, ','))
			return false;
	}
	return false;
}

static bool take_object(struct json *j)
{
	if (take(j, '}'))
		return true;
	for (size_t i = 0; i <= VALUES_MAX; i++) {
		struct hm_slice own;

		if (!take(j, '"') || !take_string(j, &own) || !take(j, ':') || !take_inner(j, own))
			return false;
		if (take(j, '}'))
			return true;
		if (!take(j, ','))
			return false;
	}
	return false;
}

static bool take_value(struct json *j)
{
	struct hm_slice value;
	bool good, list = false;

	if ((list = take(j, '[')) || take(j, '{')) {
		if (j->depth == DEPTH_MAX)
			return false;
		j->depth++;
		good = list ? take_list(j) : take_object(j);
		j->depth--;
		return good;
	}
	good = take(j, '"') ? take_string(j, &value) : take_word(j, &value);
	return good && tell_value(j, value);
}

static bool read_json(struct hm_splitting *s, const char *prefix, struct hm_slice part)
{
	struct json j = { .s = s, .at = part.data, .end = part.data + part.len };

	j.name.len = (size_t)snprintf(j.name.text, sizeof(j.name.text), "%s.", prefix);
	skip_space(&j);
	if (j.at == j.end || (*j.at != '{' && *j.at != '[') || !take_value(&j))
		return false;
	skip_space(&j);
	return j.at == j.end;
}

bool hm_split_json(struct hm_splitting *s, const char *prefix, struct hm_slice part)
{
	return part.len && read_json(NULL, prefix, part) && read_json(s, prefix, part);
}
