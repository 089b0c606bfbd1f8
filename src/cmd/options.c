#include "options.h"

static int find_long(const struct hm_command *command, const char *name, size_t len)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (strlen(command->options[i].name) == len && memcmp(command->options[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

static int find_letter(const struct hm_command *command, char letter)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (command->options[i].letter && command->options[i].letter == letter)
			return (int)i;
	return -1;
}

static void push(const char ***list, size_t *count, const char *value)
{
	*list = hm_realloc(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = value;
}

static int take(struct hm_args *args, size_t index, const char *given, char ***at, struct hm_fail *fail)
{
	const struct hm_option *option = &args->command->options[index];

	if (!option->value && given)
		return hm_fail_set(fail, HM_E_USAGE, "--%s takes no value", option->name);
	if (option->value && !given) {
		given = (*at)[1];
		if (!given)
			return hm_fail_set(fail, HM_E_USAGE, "--%s needs a value: %s", option->name, option->value);
		(*at)++;
	}
	if (args->values[index] && !option->repeat)
		return hm_fail_set(fail, HM_E_USAGE, "--%s is given twice", option->name);
	push(&args->value[index], &args->values[index], given ? given : "");
	return 0;
}

static int take_word(struct hm_args *args, char ***at, struct hm_fail *fail)
{
	const char *word = **at;
	const char *equals;
	int index;

	if (word[0] != '-' || !word[1]) {
		push(&args->operand, &args->operands, word);
		return 0;
	}
	if (word[1] != '-') {
		index = find_letter(args->command, word[1]);
		if (index < 0)
			return hm_fail_set(fail, HM_E_USAGE, "unknown option -%c", word[1]);
		return take(args, (size_t)index, word[2] ? word + 2 : NULL, at, fail);
	}
	equals = strchrnul(word, '=');
	index = find_long(args->command, word + 2, (size_t)(equals - word - 2));
	if (index < 0)
		return hm_fail_set(fail, HM_E_USAGE, "unknown option %.*s", (int)(equals - word), word);
	return take(args, (size_t)index, *equals ? equals + 1 : NULL, at, fail);
}

static int check_operands(const struct hm_args *args, struct hm_fail *fail)
{
	const struct hm_command *command = args->command;

	if (args->product && !command->takes_product)
		return hm_fail_set(fail, HM_E_USAGE, "%s takes no \"-- COMMAND\"", command->name);
	if (args->product && !args->product[0])
		return hm_fail_set(fail, HM_E_USAGE, "there is no command behind \"--\"");
	if (args->operands < command->min)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark %s %s", command->name, command->usage);
	if (args->operands > command->max)
		return hm_fail_set(fail, HM_E_USAGE, "unexpected operand %s%s", args->operand[command->max],
				   command->takes_product ? " (put \"--\" before the product's command)" : "");
	return 0;
}

int hm_args_parse(struct hm_args *args, const struct hm_command *command, int argc, char **argv, struct hm_fail *fail)
{
	char **end = argv + argc;

	*args = (struct hm_args){ .command = command };
	for (char **at = argv; at < end; at++) {
		int r;

		if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0)
			return 1;
		if (strcmp(*at, "--") == 0) {
			args->product = (const char *const *)(at + 1);
			break;
		}
		r = take_word(args, &at, fail);
		if (r < 0)
			return hm_fail_advise(fail, "hallmark %s --help lists the options", command->name);
	}
	return check_operands(args, fail);
}

void hm_args_release(struct hm_args *args)
{
	for (size_t i = 0; i < HM_OPTIONS_MAX; i++)
		free(args->value[i]);
	free(args->operand);
	*args = (struct hm_args){ 0 };
}

void hm_args_help(struct hm_bytes *out, const char *program, const struct hm_command *command)
{
	hm_bytes_printf(out, "usage: %s %s\n\n%s\n", program, command->usage, command->detail);
	if (command->option_count)
		hm_bytes_text(out, "\noptions:\n");
	for (size_t i = 0; i < command->option_count; i++) {
		const struct hm_option *option = &command->options[i];
		HM_FREE char *left = hm_sprintf("%c%c%s--%s%s%s", option->letter ? '-' : ' ', option->letter ? option->letter : ' ',
						option->letter ? ", " : "  ", option->name, option->value ? " " : "",
						option->value ? option->value : "");

		hm_bytes_printf(out, "  %-28s %s%s\n", left, option->help, option->repeat ? " (may be repeated)" : "");
	}
	hm_bytes_printf(out, "  -h, --%-22s this text\n", "help");
}

static size_t index_of(const struct hm_args *args, const char *name)
{
	int index = find_long(args->command, name, strlen(name));

	if (index < 0)
		abort();
	return (size_t)index;
}

const char *hm_args_get(const struct hm_args *args, const char *name)
{
	size_t index = index_of(args, name);

	return args->values[index] ? args->value[index][args->values[index] - 1] : NULL;
}

const char *const *hm_args_all(const struct hm_args *args, const char *name, size_t *count)
{
	size_t index = index_of(args, name);

	*count = args->values[index];
	return args->value[index];
}
