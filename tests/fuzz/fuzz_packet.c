/* Whatever the headers say, the payload lies in the frame, and ports are there only where a transport header is whole. */
#include <netinet/in.h>

#include "ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_packet p;
	char text[46];

	hm_packet_read(&p, (struct hm_slice){ data, size });
	if (p.payload.len && (p.payload.data < data + 14 || p.payload.data + p.payload.len > data + size))
		abort();
	if (p.version != 0 && p.version != 4 && p.version != 6)
		abort();
	if (!p.version && (p.payload.len || p.proto || p.ip_len || p.src_port || p.dst_port))
		abort();
	if (p.fragment && (p.src_port || p.dst_port || p.tcp_seq || p.tcp_flags))
		abort();
	if ((p.tcp_seq || p.tcp_ack || p.tcp_flags) && p.proto != IPPROTO_TCP)
		abort();
	if (!p.cut && p.version && size < 14 + p.ip_len)
		abort();
	if (p.payload.len > p.ip_len)
		abort();
	if (strlen(hm_ip_text(text, p.version, p.src)) >= sizeof(text))
		abort();
	return 0;
}
