#include "policy.h"

#include "fs.h"
#include "lines.h"

#define TEXT_MAX ((size_t)1 << 20)
#define WORDS (HM_POLICY_MAX * 2 + 3)

struct party {
	struct hm_vkey key;
	char *url;
};

/* A witness or a group, by its name. Members are names that stand before it. */
struct named {
	struct hm_slice name; /* in the policy's text */
	size_t witness;	      /* which, when `needed` is 0 */
	size_t needed;
	size_t members;
	size_t member[2 * HM_POLICY_MAX];
	bool taken; /* is a member already */
};

struct hm_policy {
	struct hm_bytes text;
	struct party log[HM_POLICY_MAX], witness[HM_POLICY_MAX];
	size_t logs, witnesses, groups;
	struct named named[2 * HM_POLICY_MAX];
	size_t names;
	bool quorum_given;
	size_t quorum; /* of `named`, or SIZE_MAX for none */
};

struct words {
	struct hm_slice word[WORDS];
	size_t count;
};

void hm_policy_free(struct hm_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < HM_POLICY_MAX; i++) {
		free(policy->log[i].url);
		free(policy->witness[i].url);
	}
	hm_bytes_release(&policy->text);
	free(policy);
}

void hm_policy_cleanup(struct hm_policy **policy)
{
	hm_policy_free(*policy);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The words of a line; false when it has a byte that has no place in a policy, or too many words. */
static bool split(struct words *out, struct hm_slice line)
{
	out->count = 0;
	for (size_t i = 0; i < line.len;) {
		size_t start = i;

		if ((line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7f)
			return false;
		if (is_blank(line.data[i])) {
			i++;
			continue;
		}
		while (i < line.len && !is_blank(line.data[i]) && line.data[i] >= 0x20 && line.data[i] != 0x7f)
			i++;
		if (out->count == WORDS)
			return false;
		out->word[out->count++] = (struct hm_slice){ line.data + start, i - start };
	}
	return true;
}

static bool is_word(struct hm_slice s, const char *word)
{
	return hm_slice_eq(s, hm_slice_text(word));
}

static bool has_key(const struct party *party, size_t count, const struct hm_vkey *key)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(party[i].key.key, key->key, sizeof(key->key)) == 0)
			return true;
	return false;
}

static const char *add_party(struct hm_policy *p, struct party *list, size_t *count, struct hm_slice key, const struct hm_slice *url)
{
	struct party *party = &list[*count];
	struct hm_fail fail;

	if (*count == HM_POLICY_MAX)
		return "more than there is room for";
	if (hm_vkey_parse(&party->key, key, &fail) < 0)
		return "its key is no verifier key";
	if (party->key.type == (list == p->log ? HM_KEY_WITNESS : HM_KEY_LOG))
		return "its key is of a type for another purpose";
	if (has_key(p->log, p->logs, &party->key) || has_key(p->witness, p->witnesses, &party->key))
		return "its key is there already";
	party->url = url ? hm_slice_dup(*url) : NULL;
	++*count;
	return NULL;
}

static size_t find_name(const struct hm_policy *p, struct hm_slice name)
{
	for (size_t i = 0; i < p->names; i++)
		if (hm_slice_eq(p->named[i].name, name))
			return i;
	return SIZE_MAX;
}

static const char *add_name(struct hm_policy *p, struct hm_slice name)
{
	if (is_word(name, "none") || find_name(p, name) != SIZE_MAX)
		return "its name stands for something already";
	p->named[p->names++] = (struct named){ .name = name };
	return NULL;
}

static const char *read_log(struct hm_policy *p, const struct words *w)
{
	if (w->count != 2 && w->count != 3)
		return "not: log VKEY [URL]";
	return add_party(p, p->log, &p->logs, w->word[1], w->count == 3 ? &w->word[2] : NULL);
}

static const char *read_witness(struct hm_policy *p, const struct words *w)
{
	const char *wrong;

	if (w->count != 3 && w->count != 4)
		return "not: witness NAME VKEY [URL]";
	wrong = add_party(p, p->witness, &p->witnesses, w->word[2], w->count == 4 ? &w->word[3] : NULL);
	if (!wrong)
		wrong = add_name(p, w->word[1]);
	if (!wrong)
		p->named[p->names - 1].witness = p->witnesses - 1;
	return wrong;
}

/* K, any or all, of that many members; 0 for anything else. */
static size_t read_needed(struct hm_slice word, size_t members)
{
	uint64_t n = 0;

	if (is_word(word, "any"))
		return 1;
	if (is_word(word, "all"))
		return members;
	return hm_line_number(&n, word) && n <= members ? (size_t)n : 0;
}

static const char *read_group(struct hm_policy *p, const struct words *w)
{
	struct named group = { 0 };
	const char *wrong;

	if (w->count < 4)
		return "not: group NAME K|any|all MEMBER...";
	if (p->groups == HM_POLICY_MAX)
		return "more than there is room for";
	group.name = w->word[1];
	for (size_t i = 3; i < w->count; i++) {
		size_t member = find_name(p, w->word[i]);

		if (member == SIZE_MAX)
			return "a member is none of the names before it";
		if (p->named[member].taken)
			return "a member is one already";
		p->named[member].taken = true;
		group.member[group.members++] = member;
	}
	group.needed = read_needed(w->word[2], group.members);
	if (!group.needed)
		return "how many of its members are needed is no number from 1 to all of them";
	wrong = add_name(p, group.name);
	if (wrong)
		return wrong;
	p->named[p->names - 1] = group;
	p->groups++;
	return NULL;
}

static const char *read_quorum(struct hm_policy *p, const struct words *w)
{
	if (w->count != 2)
		return "not: quorum NAME|none";
	if (p->quorum_given)
		return "there is one already";
	p->quorum_given = true;
	p->quorum = find_name(p, w->word[1]);
	if (p->quorum == SIZE_MAX && !is_word(w->word[1], "none"))
		return "it is none of the names before it";
	return NULL;
}

static const struct {
	const char *word;
	const char *(*read)(struct hm_policy *p, const struct words *w);
} kinds[] = { { "log", read_log }, { "witness", read_witness }, { "group", read_group }, { "quorum", read_quorum } };

static const char *read_line(struct hm_policy *p, struct hm_slice line)
{
	struct words words;

	if (!split(&words, line))
		return "a control character, or too many words";
	if (words.count == 0 || words.word[0].data[0] == '#')
		return NULL;
	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (is_word(words.word[0], kinds[i].word))
			return kinds[i].read(p, &words);
	return "it begins with none of log, witness, group, quorum";
}

int hm_policy_parse(struct hm_policy **ret, struct hm_slice text, struct hm_fail *fail)
{
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *p = hm_alloc(1, sizeof(*p));
	struct hm_cursor c;
	size_t number = 0;

	if (text.len > TEXT_MAX)
		return hm_fail_set(fail, HM_E_BAD, "log policy: larger than %zu bytes", TEXT_MAX);
	hm_bytes_slice(&p->text, text);
	c = hm_cursor_of(hm_slice_of(&p->text));
	while (hm_cursor_left(&c)) {
		struct hm_slice line = hm_line(&c);
		const char *wrong = c.bad ? "it does not end with a line feed" : read_line(p, line);

		number++;
		if (wrong)
			return hm_fail_set(fail, HM_E_BAD, "log policy: line %zu: %s", number, wrong);
	}
	if (!p->quorum_given)
		return hm_fail_set(fail, HM_E_BAD, "log policy: no quorum line (\"quorum none\" is one)");
	*ret = hm_take_ptr(&p);
	return 0;
}

int hm_policy_load(struct hm_policy **ret, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	int r = hm_fs_read(&text, path, TEXT_MAX, fail);

	if (r == 0)
		r = hm_policy_parse(ret, hm_slice_of(&text), fail);
	return r < 0 ? hm_fail_in(fail, "%s", path) : 0;
}

struct hm_policy *hm_policy_of(const struct hm_vkey *log)
{
	struct hm_policy *p = hm_alloc(1, sizeof(*p));

	p->log[0].key = *log;
	p->logs = 1;
	p->quorum_given = true;
	p->quorum = SIZE_MAX;
	return p;
}

static const struct hm_vkey *party_at(const struct party *list, size_t count, size_t index, const char **url)
{
	if (index >= count)
		return NULL;
	if (url)
		*url = list[index].url;
	return &list[index].key;
}

const struct hm_vkey *hm_policy_log(const struct hm_policy *policy, size_t index, const char **url)
{
	return party_at(policy->log, policy->logs, index, url);
}

const struct hm_vkey *hm_policy_witness(const struct hm_policy *policy, size_t index, const char **url)
{
	return party_at(policy->witness, policy->witnesses, index, url);
}

/* Names stand before the groups that they are members of: one pass decides all. */
static bool has_quorum(const struct hm_policy *p, const bool *cosigned)
{
	bool held[2 * HM_POLICY_MAX];

	if (p->quorum == SIZE_MAX)
		return true;
	for (size_t i = 0; i <= p->quorum; i++) {
		const struct named *named = &p->named[i];
		size_t count = 0;

		for (size_t k = 0; k < named->members; k++)
			count += held[named->member[k]];
		held[i] = named->needed ? count >= named->needed : cosigned[named->witness];
	}
	return held[p->quorum];
}

static int check_log(struct hm_policy_outcome *out, const struct hm_policy *p, const struct hm_note *note, struct hm_fail *fail)
{
	uint64_t time;

	for (size_t i = 0; i < p->logs; i++) {
		enum hm_note_outcome signed_by = hm_note_check(note, &p->log[i].key, &time);

		if (signed_by == HM_NOTE_FALSE)
			return hm_fail_set(fail, HM_E_BAD, "checkpoint: its signature by log %s is false", p->log[i].key.name);
		if (signed_by == HM_NOTE_GOOD && hm_slice_eq(out->checkpoint.origin, hm_slice_text(p->log[i].key.name)))
			out->log = &p->log[i].key;
	}
	if (!out->log)
		return hm_fail_set(fail, HM_E_BAD, "checkpoint: not signed by a log of the policy under its own name");
	return 0;
}

int hm_policy_check(struct hm_policy_outcome *out, const struct hm_policy *policy, struct hm_slice bytes, struct hm_fail *fail)
{
	bool cosigned[HM_POLICY_MAX] = { false };
	struct hm_note note;
	int r = hm_note_parse(&note, bytes, fail);

	*out = (struct hm_policy_outcome){ .demands = policy->quorum != SIZE_MAX };
	if (r == 0)
		r = hm_checkpoint_parse(&out->checkpoint, note.text, fail);
	if (r == 0 && out->checkpoint.extended)
		r = hm_fail_set(fail, HM_E_BAD, "checkpoint: it has extension lines, which not every cosignature covers");
	if (r == 0)
		r = check_log(out, policy, &note, fail);
	for (size_t i = 0; i < policy->witnesses && r == 0; i++) {
		const struct hm_vkey *key = &policy->witness[i].key;
		uint64_t time;
		enum hm_note_outcome by = hm_note_check(&note, key, &time);

		if (by == HM_NOTE_FALSE)
			r = hm_fail_set(fail, HM_E_BAD, "checkpoint: its cosignature by witness %s is false", key->name);
		if (by != HM_NOTE_GOOD)
			continue;
		cosigned[i] = true;
		out->by[out->witnesses] = key;
		out->time[out->witnesses++] = time;
	}
	out->quorum = r == 0 && has_quorum(policy, cosigned);
	return r;
}
