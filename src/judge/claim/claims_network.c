/* What left, and to whom. */
#include "claim_internal.h"

#include <arpa/inet.h>

#include "dns.h"

/* The chamber's resolver: asking it is how names become addresses, and every name asked is looked at. */
static const uint8_t resolver[4] = { 198, 18, 0, 1 };
enum { DNS_PORT = 53 };

static void count_leaks(struct hm_ground *g, const struct hm_run *run, bool digest)
{
	for (size_t i = 0; i < run->leak_count; i++) {
		if (run->leaks[i].digest != digest)
			continue;
		hm_ground_leak(g, run, &run->leaks[i]);
		hm_ground_add(g, digest ? "digests" : "tokens", 1);
	}
}

static uint64_t leaked_bytes(const struct hm_run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->flows.count; i++)
		bytes += hm_run_leaked(run, i);
	return bytes;
}

void hm_claim_content(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	uint64_t leaked = leaked_bytes(run);
	bool found[2] = { false, false };

	for (size_t i = 0; i < run->leak_count; i++)
		found[run->leaks[i].digest] = true;
	for (int digest = 0; digest < 2; digest++) {
		struct hm_ground *g;

		if (!found[digest])
			continue;
		g = hm_ground(j, digest ? "content.digest" : "content.token");
		count_leaks(g, run, digest);
		hm_ground_add(g, "bytes", leaked);
		hm_ground_add(g, "of", run->flows.wire);
		hm_ground_add(g, "runs", 1);
	}
	if (run->given_leak_count) {
		struct hm_ground *g = hm_ground(j, "content.given");

		for (size_t i = 0; i < run->given_leak_count; i++) {
			if (run->given_leaks[i].again)
				continue;
			hm_ground_event(g, run, run->given_leaks[i].event);
			hm_ground_add(g, run->given_leaks[i].digest ? "digests" : "tokens", 1);
		}
		hm_ground_add(g, "runs", 1);
	}
	/* An experiment with content accounts for bytes by itself. */
	if (run->flows.wire && !hm_core_tests(core, "content")) {
		struct hm_ground *g = hm_ground(j, "bytes.unexplained");

		hm_ground_add(g, "bytes", run->flows.wire - leaked);
		hm_ground_add(g, "flows", run->flows.count);
		if (core->semantics > 3)
			hm_ground_most(g, "bits", 8 * (run->flows.wire - leaked));
		hm_ground_add(g, "runs", 1);
		if (run->unsearched)
			hm_ground_or(g, "unsearched", 1);
		for (size_t i = 0; i < run->flows.count; i++)
			hm_ground_flow(g, run, i, 0, run->flows.list[i].sent.len);
	}
	if (!hm_core_tests(core, "content"))
		hm_ground_add(hm_ground(j, "nothing.left"), "bytes", run->flows.wire);
}

static bool same_name(const char *declared, const char *asked)
{
	size_t len = strlen(declared);

	if (len && declared[len - 1] == '.')
		len--;
	if (strlen(asked) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((declared[i] >= 'A' && declared[i] <= 'Z' ? declared[i] + 32 : declared[i]) != asked[i])
			return false;
	return true;
}

/* A declared name is a name, or an address as text. */
static bool declared_host(const json_t *row, const struct hm_flow *flow)
{
	HM_FREE char *host = hm_strdup(flow->endpoint);
	const char *name = hm_text_of(row, "name");
	char *colon = strrchr(host, ':');
	uint8_t address[16];

	if (colon)
		*colon = 0;
	if (host[0] != '[')
		return same_name(name, host);
	if (inet_pton(flow->version == 6 ? AF_INET6 : AF_INET, name, address) != 1)
		return false;
	return memcmp(address, flow->remote, flow->version == 6 ? 16 : 4) == 0;
}

static bool is_resolver(const struct hm_flow *flow)
{
	return flow->version == 4 && memcmp(flow->remote, resolver, sizeof(resolver)) == 0;
}

static bool declared_flow(const struct hm_core *core, const struct hm_flow *flow)
{
	const json_t *list = json_object_get(core->declaration, "endpoints"), *row;
	const char *layer = hm_flow_layer(flow);
	bool control = strcmp(layer, "icmp") == 0;
	size_t i;

	if (control && is_resolver(flow))
		return true;
	json_array_foreach (list, i, row)
		if (declared_host(row, flow) &&
		    (control || (hm_number_of(row, "port") == flow->port && strcmp(hm_text_of(row, "proto"), layer) == 0)))
			return true;
	return false;
}

static bool declared_question(const struct hm_core *core, struct hm_slice message)
{
	const json_t *list = json_object_get(core->declaration, "endpoints"), *row;
	struct hm_dns_query query;
	size_t i;

	if (hm_dns_read_query(&query, message) < 0)
		return false;
	json_array_foreach (list, i, row)
		if (same_name(hm_text_of(row, "name"), query.name))
			return true;
	return false;
}

/* Every datagram to the resolver is a question for a declared name, or it refutes. */
static void judge_questions(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run, size_t number)
{
	const struct hm_flow *flow = &run->flows.list[number];

	for (size_t i = 0; i < flow->messages; i++) {
		size_t at = flow->message[i], end = i + 1 < flow->messages ? flow->message[i + 1] : flow->sent.len;
		struct hm_slice message = { flow->sent.data + at, end - at };
		struct hm_ground *g;

		if (declared_question(core, message)) {
			hm_ground_add(hm_ground(j, "endpoints.declared"), "questions", 1);
			continue;
		}
		g = hm_ground(j, "endpoint.undeclared");
		hm_ground_add(g, "questions", 1);
		hm_ground_flow(g, run, number, at, end - at);
	}
}

void hm_claim_endpoints(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	for (size_t i = 0; i < run->flows.count; i++) {
		const struct hm_flow *flow = &run->flows.list[i];
		struct hm_ground *g;

		if (is_resolver(flow) && flow->port == DNS_PORT && strcmp(hm_flow_layer(flow), "udp") == 0) {
			judge_questions(j, core, run, i);
			continue;
		}
		if (declared_flow(core, flow)) {
			hm_ground_add(hm_ground(j, "endpoints.declared"), "flows", 1);
			continue;
		}
		g = hm_ground(j, "endpoint.undeclared");
		hm_ground_add(g, "flows", 1);
		hm_ground_add(g, "bytes", flow->wire);
		hm_ground_flow(g, run, i, 0, flow->sent.len);
	}
}

void hm_claim_listening(struct hm_judgement *j, const struct hm_core *core HM_UNUSED, const struct hm_run *run)
{
	for (size_t i = 0; i < run->listen_count; i++) {
		struct hm_ground *g = hm_ground(j, "port.listening");

		hm_ground_add(g, "ports", 1);
		hm_ground_event(g, run, run->listens[i].event);
	}
}
