/* The table of ways. A row says who does it, and what the record must show of it. */
#include <errno.h>
#include <linux/fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "selftest_internal.h"

/* Reads are seen twice: the second witness follows from `by` and from what the kernel has. */
#define GET (1u << HM_PAGES_GET | 1u << HM_PAGES_ADD)
#define MAP (1u << HM_PAGES_MAP | 1u << HM_PAGES_FAULT | 1u << HM_PAGES_ADD)
#define DIRECT (1u << HM_PAGES_DIRECT)
#define READS(text, function, number) \
	.name = text, .kind = HM_SELFTEST_READ, .act = function, .nr = number, .by = GET, .at = READ_AT, \
	.bytes = READ_BYTES

#define INSIDE (HM_BY_SYSCALL | HM_BY_SOCKET)
#define OUTSIDE (INSIDE | HM_BY_CGROUP_SKB | HM_BY_PACKET)
#define SENDS(text, function, number, protocol) \
	.name = text, .kind = HM_SELFTEST_SEND, .act = function, .nr = number, .witnesses = OUTSIDE, .proto = protocol, \
	.bytes = SENT_BYTES

#define REFUSES(text, function, number) \
	.name = text, .kind = HM_SELFTEST_REFUSE, .act = function, .nr = number, .witnesses = HM_BY_SYSCALL

#define STATE(text, function) .name = text, .kind = HM_SELFTEST_STATE, .act = function, .witnesses = HM_BY_SYSCALL

const struct hm_way hm_ways[] = {
	{ READS("read", hm_read_read, SYS_read) },
	{ READS("pread", hm_read_pread, SYS_pread64) },
	{ READS("readv", hm_read_readv, SYS_readv) },
	{ READS("preadv", hm_read_preadv, SYS_preadv) },
	{ READS("preadv2", hm_read_preadv2, SYS_preadv2) },
	{ .name = "mmap", .kind = HM_SELFTEST_READ, .act = hm_read_mmap, .nr = SYS_mmap, .by = MAP, .at = PAGE_AT,
	  .bytes = PAGE_BYTES },
	{ .name = "mmap.populate", .kind = HM_SELFTEST_READ, .act = hm_read_populate, .nr = SYS_mmap, .by = MAP,
	  .at = PAGE_AT, .bytes = PAGE_BYTES },
	{ READS("sendfile", hm_read_sendfile, SYS_sendfile) },
	{ READS("splice", hm_read_splice, SYS_splice) },
	{ READS("copy_file_range", hm_read_copy, SYS_copy_file_range), .planted = true, .lacks = { HM_READ_STAYED },
	  .lack = "its document stays in the page cache" },
	{ .name = "direct", .kind = HM_SELFTEST_READ, .act = hm_read_direct, .nr = SYS_pread64, .by = DIRECT,
	  .at = PAGE_AT, .bytes = PAGE_BYTES, .lacks = { EINVAL }, .lack = "the documents' file system has no direct reads" },
	{ READS("scm_rights", hm_read_passed, SYS_pread64), .opened_by = SYS_recvmsg },
	{ READS("proc.mem", hm_read_memory, SYS_pread64), .memory = true },
	{ READS("int80", hm_read_32, HM_READ_32), .lacks = { ENOSYS, -SIGSEGV }, .lack = "this kernel runs no 32-bit programs" },

	{ SENDS("tcp", hm_send_tcp, SYS_sendto, IPPROTO_TCP) },
	{ SENDS("tcp.write", hm_send_write, SYS_write, IPPROTO_TCP) },
	{ SENDS("tcp.zerocopy", hm_send_zerocopy, SYS_sendto, IPPROTO_TCP) },
	{ SENDS("tcp.sendfile", hm_send_sendfile, SYS_sendfile, IPPROTO_TCP) },
	{ SENDS("tcp.splice", hm_send_splice, SYS_splice, IPPROTO_TCP) },
	{ SENDS("udp", hm_send_unconnected, SYS_sendto, IPPROTO_UDP) },
	{ SENDS("udp.connected", hm_send_udp, SYS_sendto, IPPROTO_UDP) },
	{ SENDS("udp.sendmsg", hm_send_message, SYS_sendmsg, IPPROTO_UDP) },
	{ SENDS("udp.sendmmsg", hm_send_messages, SYS_sendmmsg, IPPROTO_UDP), .times = 2 },
	{ SENDS("icmp.raw", hm_send_icmp, SYS_sendto, IPPROTO_ICMP) },
	{ SENDS("icmp.ping", hm_send_ping, SYS_sendto, IPPROTO_ICMP), .lacks = { EACCES },
	  .lack = "no group may make ping sockets (net.ipv4.ping_group_range)" },
	{ SENDS("ip.raw", hm_send_raw, SYS_sendto, IPPROTO_RAW) },
	{ .name = "netlink", .kind = HM_SELFTEST_SEND, .act = hm_send_netlink, .nr = SYS_sendto, .witnesses = INSIDE,
	  .bytes = 16 + SENT_BYTES },
	{ .name = "unix", .kind = HM_SELFTEST_SEND, .act = hm_send_unix, .nr = SYS_sendto, .witnesses = INSIDE, .bytes = SENT_BYTES },
	{ SENDS("child", hm_send_child, SYS_sendto, IPPROTO_UDP) },
	{ SENDS("daemon", hm_send_daemon, SYS_sendto, IPPROTO_UDP), .late = true },

	{ REFUSES("io_uring", hm_refused_io_uring, SYS_io_uring_setup) },
	{ REFUSES("aio", hm_refused_aio, SYS_io_setup) },
	{ REFUSES("process_vm_readv", hm_refused_vm_readv, SYS_process_vm_readv) },
	{ REFUSES("open_by_handle_at", hm_refused_handle, SYS_open_by_handle_at) },
	{ REFUSES("pidfd_getfd", hm_refused_getfd, SYS_pidfd_getfd) },
	{ REFUSES("fanotify", hm_refused_fanotify, SYS_fanotify_init) },
	{ REFUSES("mknod.block", hm_refused_block, SYS_mknodat) },
	{ REFUSES("packet", hm_refused_packet, SYS_socket), .arg0 = AF_PACKET, .has_arg0 = true },
	{ REFUSES("vsock", hm_refused_vsock, SYS_socket), .arg0 = AF_VSOCK, .has_arg0 = true },
	{ .name = "outside", .kind = HM_SELFTEST_REFUSE, .act = hm_refused_outside, .nr = SYS_connect, .witnesses = HM_BY_SYSCALL },

	{ STATE("flood", hm_state_flood) },
	{ STATE("path", hm_state_deep) },
	{ .name = "look", .kind = HM_SELFTEST_STATE, .act = hm_state_held, .witnesses = HM_BY_LOOK, .late = true, .stays = true },
	{ STATE("record", NULL) },
};
const size_t hm_way_count = HM_COUNT(hm_ways);
_Static_assert(HM_COUNT(hm_ways) <= HM_SELFTEST_ROWS, "a row for each way");

bool hm_way_is_tried(size_t way, bool closed)
{
	return hm_ways[way].act && (closed || hm_ways[way].act != hm_refused_outside);
}

void hm_way_address(uint8_t address[4], size_t way, bool closed)
{
	static const uint8_t outside[] = { 198, 51, 100, 16 }, inside[] = { 127, 0, 0, 16 };

	memcpy(address, closed ? inside : outside, 4);
	address[3] = (uint8_t)(address[3] + way);
}

uint16_t hm_way_port(size_t way)
{
	return (uint16_t)(20000 + way);
}

void hm_deep_name(char name[256], size_t depth)
{
	const size_t names = DEEP_NAMES - 1, letters = DEEP_BYTES - strlen(DEEP_FOLDER) - names;
	size_t len = letters / names + (depth < letters % names);

	name[0] = 0;
	if (depth >= names)
		return;
	memset(name, 'a' + (int)(depth % 26), len);
	name[len] = 0;
}

const char *hm_selftest_kind_name(enum hm_selftest_kind kind)
{
	static const char *const names[HM_SELFTEST_KINDS] = { "read", "send", "refuse", "state" };

	return names[kind];
}

const char *hm_selftest_result_name(enum hm_selftest_result result)
{
	static const char *const names[HM_SELFTEST_RESULTS] = { "seen", "denied", "missed", "unavailable" };

	return names[result];
}

const char *hm_selftest_witness_name(unsigned bit)
{
	static const char *const names[HM_SELFTEST_BITS] = { "syscall",    "page-cache", "page-cache-add", "direct", "socket",
						       "cgroup_skb", "packet",	  "look" };

	return names[bit];
}
