/* plain_print FOLDER: connections of every kind in one packet file, FOLDER/all.pcapng, and what we find in the stream of each,
 * FOLDER/NUMBER.text, by number of the connection in the file. Prints the names of the connections. */
#include "plain.h"

#include "../support/talk.h"

static void write_file(const char *folder, const char *name, struct hm_slice bytes)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, name);
	HM_FCLOSE FILE *file = fopen(path, "wb");

	if (!file || (bytes.len && fwrite(bytes.data, 1, bytes.len, file) != bytes.len))
		abort();
}

/* Application data of a connection, as spans of the stream tell it. */
static void write_connection(const char *folder, size_t number, const struct hm_flow *flow, const struct hm_plain *plain, size_t connection)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	const struct hm_connection *c = &flow->connection[connection];
	HM_FREE char *name = hm_sprintf("%zu.text", number);

	for (size_t i = 0; i < plain->spans; i++) {
		const struct hm_plain_span *span = &plain->span[i];

		if (span->kind == HM_PLAIN_DATA && span->offset >= c->sent && span->offset < c->sent + c->sent_len)
			hm_bytes_append(&text, plain->text.data + span->text, span->length);
	}
	write_file(folder, name, hm_slice_of(&text));
}

int main(int argc, char **argv)
{
	struct hm_bytes file = { 0 };
	struct talked talked = { 0 };
	struct hm_plains plains;
	struct hm_flows flows;
	size_t number = 0;

	if (argc != 2)
		return 3;
	for (size_t i = 0; i < HM_COUNT(talks); i++) {
		/* Others take what is said to port 443 for TLS from its first byte on. */
		if (talks[i].prelude)
			continue;
		talked.port = (uint16_t)(40000 + i);
		talk_do(&talks[i], &talked);
	}
	talk_file(&file, &talked, NULL);
	if (talked.failed || hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL) < 0 || hm_plains_read(&plains, &flows, true, NULL) < 0)
		return 1;
	write_file(argv[1], "all.pcapng", hm_slice_of(&file));
	for (size_t i = 0; i < flows.count; i++)
		for (size_t k = 0; k < flows.list[i].connections; k++) {
			printf("%s\n", talks[i].name);
			write_connection(argv[1], number++, &flows.list[i], &plains.list[i], k);
		}
	hm_plains_release(&plains);
	hm_flows_release(&flows);
	hm_bytes_release(&file);
	talk_release(&talked);
	return 0;
}
