/* A run's witnesses, as a row of findings.json. */
#include "evaluate_internal.h"

static json_t *number(uint64_t v)
{
	const uint64_t max = (1ull << 53) - 1;

	return json_integer((json_int_t)(v > max ? max : v));
}

struct member {
	const char *name;
	uint64_t value;
};

static json_t *numbers(const struct member *members, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, members[i].name, number(members[i].value));
	return object;
}

#define NUMBERS(...) \
	numbers((const struct member[]){ __VA_ARGS__ }, sizeof((const struct member[]){ __VA_ARGS__ }) / sizeof(struct member))

/* The words behind `kind` in "read:a,b send:c". What is no text is left out: START's words are the recorder's own. */
static json_t *words(const char *text, const char *kind)
{
	json_t *list = json_array();

	for (; text && *text; text += strcspn(text, " "), text += *text == ' ') {
		size_t word = strcspn(text, " "), at = strlen(kind);

		if (at > word || strncmp(text, kind, at) != 0)
			continue;
		while (at < word) {
			size_t len = strcspn(text + at, ", ");

			if (hm_text_is_utf8((struct hm_slice){ (const uint8_t *)text + at, len }))
				json_array_append_new(list, json_stringn(text + at, len));
			at += len + 1;
		}
	}
	return list;
}

static json_t *calls(const struct hm_reconciled *w)
{
	json_t *list = json_array();

	/* A name can stand more than once there, one behind the other. */
	for (size_t i = 0, next; i < w->reach_count; i = next) {
		uint64_t done = 0, denied = 0;
		json_t *row;

		for (next = i; next < w->reach_count && strcmp(w->reaches[next].name, w->reaches[i].name) == 0; next++) {
			done += w->reaches[next].done;
			denied += w->reaches[next].denied;
		}
		row = NUMBERS({ "done", done }, { "denied", denied });
		json_object_set_new(row, "call", json_string(w->reaches[i].name));
		json_array_append_new(list, row);
	}
	return list;
}

json_t *hm_reconciled_json(const struct hm_run *run)
{
	const struct hm_reconciled *w = run->reconciled;
	json_t *row = json_object(), *witnesses = json_object();

	json_object_set_new(witnesses, "read", words(w->witnesses, "read:"));
	json_object_set_new(witnesses, "send", words(w->witnesses, "send:"));
	json_object_set_new(row, "run", json_integer(run->number));
	json_object_set_new(row, "witnesses", witnesses);
	json_object_set_new(row, "tasks", number(w->tasks));
	json_object_set_new(row, "reads", NUMBERS({ "documents", w->reads.documents }, { "files", w->reads.files },
						  { "bytes", w->reads.bytes }, { "calls_only", w->reads.calls_only },
						  { "pages_only", w->reads.pages_only }, { "unnamed", w->reads.unnamed }));
	json_object_set_new(row, "sends", NUMBERS({ "sockets", w->sends.sockets }, { "bytes", w->sends.bytes },
						  { "calls_only", w->sends.calls_only }, { "sockets_only", w->sends.sockets_only }));
	json_object_set_new(row, "packets", NUMBERS({ "captured", w->packets.captured }, { "counted", w->packets.counted },
						    { "owned", w->packets.owned }, { "unowned", w->packets.unowned },
						    { "missing", w->packets.bytes_missing }));
	json_object_set_new(row, "state", NUMBERS({ "looks", w->state.looks }, { "tasks", w->state.tasks }, { "files", w->state.files },
						  { "mappings", w->state.mappings }, { "unexplained", w->state.unexplained }));
	json_object_set_new(row, "stopped", NUMBERS({ "times", w->stopped.times }, { "signals", w->stopped.signals },
						    { "us", w->stopped.us }));
	json_object_set_new(row, "calls", calls(w));
	return row;
}
