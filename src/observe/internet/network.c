/* The link between the chamber and its internet, by netlink.
 *
 * Nothing but the product may make packets: IPv6 is off in both namespaces before a link is there (no router
 * solicitations, no multicast reports), neighbours are permanent and the address has no on-link prefix (no ARP, for no
 * address), and the veth has no offloads, so that a captured frame is what a wire would carry, checksums included. (A
 * checksum of 0 is 0xffff there, in TCP too: that is how Linux writes it without a card's help. Receivers take both.)
 *
 * Nor may the machine's load make any, or twins would differ by it: no probe for what may be lost (RFC 8985 section 7), no
 * second sending within 3 s, and each segment is acknowledged when it comes, not when a timer says. */
#include "internet_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <sched.h>
#include <sys/ioctl.h>

/* Another number than the chamber's end gets (2): the kernel takes a pair of equal ones for an ordinary interface, and
 * tells that it is up only a second later. */
enum { INTERNET_INDEX = 3 };

/* Of RFC 2863, "up", as the kernel numbers it. */
enum { OPERATIONAL = 6 };

/* Nothing is sent a second time within this. */
enum { RTO_MIN_MS = 3000 };

static const uint8_t chamber_mac[6] = { 0x02, 0xc6, 0x12, 0, 0, 2 };
static const uint8_t internet_mac[6] = { 0x02, 0xc6, 0x12, 0, 0, 1 };

static void drop_addr(struct nl_addr **a)
{
	nl_addr_put(*a);
}

static void drop_link(struct rtnl_link **l)
{
	rtnl_link_put(*l);
}

static void drop_rtnl_addr(struct rtnl_addr **a)
{
	rtnl_addr_put(*a);
}

static void drop_neigh(struct rtnl_neigh **n)
{
	rtnl_neigh_put(*n);
}

static void drop_route(struct rtnl_route **r)
{
	rtnl_route_put(*r);
}

static void drop_rule(struct rtnl_rule **r)
{
	rtnl_rule_put(*r);
}

static void drop_socket(struct nl_sock **s)
{
	nl_socket_free(*s);
}

static int enter(int ns, struct hm_fail *fail)
{
	return setns(ns, CLONE_NEWNET) == 0 ? 0 : hm_fail_errno(fail, "cannot enter a network namespace");
}

/* /proc/sys/net shows the namespace of the process that opens the file. A kernel without IPv6 lacks its files. */
static int sysctl(const char *name, const char *value, bool optional, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("/proc/sys/net/%s", name);
	HM_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && optional)
		return 0;
	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		return hm_fail_errno(fail, "cannot set %s to %s", path, value);
	return 0;
}

static int ipv6_off(struct hm_fail *fail)
{
	static const char *const names[] = { "ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6",
					     "ipv6/conf/lo/disable_ipv6" };

	for (size_t i = 0; i < HM_COUNT(names); i++)
		if (sysctl(names[i], "1", true, fail) < 0)
			return fail->code;
	return 0;
}

static int netlink(int r, const char *what, struct hm_fail *fail)
{
	return r >= 0 ? 0 : hm_fail_set(fail, HM_E_SYSTEM, "cannot %s: %s", what, nl_geterror(r));
}

static int open_netlink(struct nl_sock **ret, struct hm_fail *fail)
{
	HM_CLEANUP(drop_socket) struct nl_sock *s = nl_socket_alloc();

	if (!s)
		abort();
	if (netlink(nl_connect(s, NETLINK_ROUTE), "open a netlink socket", fail) < 0)
		return fail->code;
	*ret = hm_take_ptr(&s);
	return 0;
}

static struct nl_addr *ipv4(const char *text, int prefix)
{
	struct in_addr a;
	struct nl_addr *addr;

	if (inet_pton(AF_INET, text, &a) != 1)
		abort();
	addr = nl_addr_build(AF_INET, &a, sizeof(a));
	if (!addr)
		abort();
	nl_addr_set_prefixlen(addr, prefix);
	return addr;
}

static int link_up(struct nl_sock *s, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(drop_link) struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();

	rtnl_link_set_name(link, name);
	rtnl_link_set_ifindex(link, (int)if_nametoindex(name));
	rtnl_link_set_flags(change, IFF_UP);
	return netlink(rtnl_link_change(s, link, change, 0), "bring an interface up", fail);
}

static int create_veth(struct nl_sock *s, int chamber, const uint8_t *mac, struct hm_fail *fail)
{
	HM_CLEANUP(drop_link) struct rtnl_link *link = rtnl_link_veth_alloc();
	HM_CLEANUP(drop_addr) struct nl_addr *ours = nl_addr_build(AF_LLC, internet_mac, sizeof(internet_mac));
	HM_CLEANUP(drop_addr) struct nl_addr *theirs = nl_addr_build(AF_LLC, (void *)(uintptr_t)mac, 6);
	struct rtnl_link *peer = rtnl_link_veth_get_peer(link);
	int r;

	rtnl_link_set_name(link, INTERNET_INTERFACE);
	rtnl_link_set_ifindex(link, INTERNET_INDEX);
	rtnl_link_set_addr(link, ours);
	rtnl_link_set_name(peer, CHAMBER_INTERFACE);
	rtnl_link_set_addr(peer, theirs);
	rtnl_link_set_ns_fd(peer, chamber);
	r = rtnl_link_add(s, link, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(peer);
	return netlink(r, "create the link between chamber and internet", fail);
}

/* An address without the route that the kernel would make of its prefix. */
static int add_address(struct nl_sock *s, int index, const char *text, int prefix, struct hm_fail *fail)
{
	HM_CLEANUP(drop_rtnl_addr) struct rtnl_addr *addr = rtnl_addr_alloc();
	HM_CLEANUP(drop_addr) struct nl_addr *local = ipv4(text, prefix);

	rtnl_addr_set_ifindex(addr, index);
	rtnl_addr_set_local(addr, local);
	rtnl_addr_set_flags(addr, IFA_F_NOPREFIXROUTE);
	return netlink(rtnl_addr_add(s, addr, 0), "add an address", fail);
}

static int add_neighbour(struct nl_sock *s, int index, const char *text, const uint8_t mac[6], struct hm_fail *fail)
{
	HM_CLEANUP(drop_neigh) struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	HM_CLEANUP(drop_addr) struct nl_addr *dst = ipv4(text, 32);
	HM_CLEANUP(drop_addr) struct nl_addr *link = nl_addr_build(AF_LLC, mac, 6);

	rtnl_neigh_set_ifindex(neigh, index);
	rtnl_neigh_set_dst(neigh, dst);
	rtnl_neigh_set_lladdr(neigh, link);
	rtnl_neigh_set_state(neigh, NUD_PERMANENT);
	return netlink(rtnl_neigh_add(s, neigh, NLM_F_CREATE | NLM_F_REPLACE), "add a neighbour", fail);
}

struct route {
	const char *to;
	int prefix;
	const char *via; /* NULL: on the link */
	int index, table, type;
};

static int add_route(struct nl_sock *s, const struct route *r, struct hm_fail *fail)
{
	HM_CLEANUP(drop_route) struct rtnl_route *route = rtnl_route_alloc();
	HM_CLEANUP(drop_addr) struct nl_addr *dst = ipv4(r->to, r->prefix);
	HM_CLEANUP(drop_addr) struct nl_addr *via = r->via ? ipv4(r->via, 32) : NULL;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	rtnl_route_set_dst(route, dst);
	rtnl_route_set_table(route, (uint32_t)r->table);
	rtnl_route_set_type(route, (uint8_t)r->type);
	rtnl_route_set_scope(route, r->type == RTN_LOCAL ? RT_SCOPE_HOST : via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	rtnl_route_nh_set_ifindex(hop, r->index);
	if (via)
		rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_add_nexthop(route, hop);
	/* Both sides of this link are one machine, which loses nothing and may be busy: what TCP does by the clock depends on that. */
	if (r->type == RTN_UNICAST && (rtnl_route_set_metric(route, RTAX_RTO_MIN, RTO_MIN_MS) < 0 || rtnl_route_set_metric(route, RTAX_QUICKACK, 1) < 0))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot say when a route sends again");
	return netlink(rtnl_route_add(s, route, NLM_F_CREATE | NLM_F_EXCL), "add a route", fail);
}

/* Every address is in table local, so that the kernel speaks for every address; but only what comes in by the link is
 * looked up there, or an answer to the chamber would be for ourselves. */
static int add_rule(struct nl_sock *s, struct hm_fail *fail)
{
	HM_CLEANUP(drop_rule) struct rtnl_rule *rule = rtnl_rule_alloc(), *first = rtnl_rule_alloc();
	int r;

	rtnl_rule_set_family(rule, AF_INET);
	rtnl_rule_set_iif(rule, INTERNET_INTERFACE);
	rtnl_rule_set_table(rule, RT_TABLE_LOCAL);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	rtnl_rule_set_prio(rule, 1);
	r = rtnl_rule_add(s, rule, NLM_F_CREATE | NLM_F_EXCL);
	if (r < 0)
		return netlink(r, "add a routing rule", fail);
	rtnl_rule_set_family(first, AF_INET);
	rtnl_rule_set_table(first, RT_TABLE_LOCAL);
	rtnl_rule_set_action(first, FR_ACT_TO_TBL);
	rtnl_rule_set_prio(first, 0);
	return netlink(rtnl_rule_delete(s, first, 0), "take a routing rule away", fail);
}

/* A moment after it is up, an interface becomes operational, which a product may look at, and gets its queue: until then, told or
 * not, what is sent there is thrown away. The interface's flag says "running" before either. */
static int wait_running(const char *interface, struct hm_fail *fail)
{
	HM_CLEANUP(drop_socket) struct nl_sock *s = NULL;

	if (open_netlink(&s, fail) < 0)
		return fail->code;
	for (int i = 0; i < 3000; i++) {
		HM_CLEANUP(drop_link) struct rtnl_link *link = NULL;
		const char *queue;

		if (netlink(rtnl_link_get_kernel(s, 0, interface, &link), "read the state of an interface", fail) < 0)
			return fail->code;
		queue = rtnl_link_get_qdisc(link);
		if (rtnl_link_get_operstate(link) == OPERATIONAL && queue && strcmp(queue, "noop") != 0)
			return 0;
		usleep(1000);
	}
	return hm_fail_set(fail, HM_E_SYSTEM, "the link between chamber and internet did not come up");
}

static int offloads_off(const char *interface, struct hm_fail *fail)
{
	static const struct {
		uint32_t command;
		const char *name;
	} offloads[] = { { ETHTOOL_STSO, "TCP segmentation" }, { ETHTOOL_SGSO, "segmentation" },
			 { ETHTOOL_SGRO, "receive" },	       { ETHTOOL_STXCSUM, "transmit checksum" },
			 { ETHTOOL_SRXCSUM, "receive checksum" }, { ETHTOOL_SSG, "scatter" } };
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return hm_fail_errno(fail, "cannot open a socket");
	for (size_t i = 0; i < HM_COUNT(offloads); i++) {
		struct ethtool_value v = { .cmd = offloads[i].command, .data = 0 };
		struct ifreq request = { .ifr_data = (void *)&v };

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
		if (ioctl(fd, SIOCETHTOOL, &request) < 0)
			return hm_fail_errno(fail, "cannot switch %s offload off", offloads[i].name);
	}
	return 0;
}

static int loopback(struct hm_fail *fail)
{
	HM_CLEANUP(drop_socket) struct nl_sock *s = NULL;

	if (ipv6_off(fail) < 0 || open_netlink(&s, fail) < 0 || link_up(s, "lo", fail) < 0)
		return fail->code;
	return 0;
}

int hm_internet_net_closed(int chamber, int own, struct hm_fail *fail)
{
	/* As systemd sets it on Debian: anybody may ping, and the self-test tries. */
	if (enter(chamber, fail) < 0 || loopback(fail) < 0 || sysctl("ipv4/ping_group_range", "0 2147483647", true, fail) < 0)
		return fail->code;
	return enter(own, fail);
}

static int internet_side(int chamber, const uint8_t *mac, const char *address, struct hm_fail *fail)
{
	/* Answers leave with the address that the product called, whatever it was. */
	static const char *const sysctls[][2] = { { "ipv4/conf/all/rp_filter", "0" },
						  { "ipv4/conf/default/rp_filter", "0" },
						  { "ipv4/ip_unprivileged_port_start", "0" },
						  { "ipv4/icmp_echo_ignore_all", "0" },
						  { "ipv4/tcp_early_retrans", "0" } };
	HM_CLEANUP(drop_socket) struct nl_sock *s = NULL;
	struct route routes[] = {
		{ .to = address, .prefix = 32, .table = RT_TABLE_MAIN, .type = RTN_UNICAST },
		{ .to = "0.0.0.0", .prefix = 0, .table = RT_TABLE_LOCAL, .type = RTN_LOCAL },
	};

	for (size_t i = 0; i < HM_COUNT(sysctls); i++)
		if (sysctl(sysctls[i][0], sysctls[i][1], false, fail) < 0)
			return fail->code;
	if (loopback(fail) < 0 || open_netlink(&s, fail) < 0 || create_veth(s, chamber, mac, fail) < 0 ||
	    offloads_off(INTERNET_INTERFACE, fail) < 0)
		return fail->code;
	routes[0].index = (int)if_nametoindex(INTERNET_INTERFACE);
	routes[1].index = (int)if_nametoindex("lo");
	if (add_address(s, routes[0].index, HM_INTERNET_ADDRESS, 15, fail) < 0 ||
	    link_up(s, INTERNET_INTERFACE, fail) < 0 ||
	    add_neighbour(s, routes[0].index, address, mac, fail) < 0 ||
	    add_route(s, &routes[0], fail) < 0 || add_route(s, &routes[1], fail) < 0)
		return fail->code;
	return add_rule(s, fail);
}

int hm_internet_net_create(int chamber, int own, const uint8_t *mac, const char *address, struct hm_fail *fail)
{
	if (mac && (mac[0] & 1 || memcmp(mac, internet_mac, sizeof(internet_mac)) == 0))
		return hm_fail_set(fail, HM_E_USAGE, "the hardware address of the chamber's card is a group's, or its internet's");
	if (hm_internet_net_closed(chamber, own, fail) < 0)
		return fail->code;
	return internet_side(chamber, mac ? mac : chamber_mac, address, fail);
}

static int chamber_side(const char *address, struct hm_fail *fail)
{
	/* The host's clock would be in every TCP packet. */
	HM_CLEANUP(drop_socket) struct nl_sock *s = NULL;
	int index = (int)if_nametoindex(CHAMBER_INTERFACE);
	struct route link = {
		.to = HM_INTERNET_ADDRESS, .prefix = 32, .table = RT_TABLE_MAIN, .type = RTN_UNICAST, .index = index
	};
	struct route all = { .to = "0.0.0.0", .prefix = 0, .via = HM_INTERNET_ADDRESS, .table = RT_TABLE_MAIN,
			     .type = RTN_UNICAST, .index = index };

	if (sysctl("ipv4/tcp_timestamps", "0", false, fail) < 0 || sysctl("ipv4/tcp_early_retrans", "0", false, fail) < 0 || open_netlink(&s, fail) < 0 || offloads_off(CHAMBER_INTERFACE, fail) < 0 ||
	    add_address(s, index, address, 15, fail) < 0 || link_up(s, CHAMBER_INTERFACE, fail) < 0 ||
	    add_neighbour(s, index, HM_INTERNET_ADDRESS, internet_mac, fail) < 0 || add_route(s, &link, fail) < 0)
		return fail->code;
	if (add_route(s, &all, fail) < 0)
		return fail->code;
	return wait_running(CHAMBER_INTERFACE, fail);
}

int hm_internet_net_join(int chamber, int own, const char *address, struct hm_fail *fail)
{
	if (enter(chamber, fail) < 0 || chamber_side(address, fail) < 0)
		return fail->code;
	if (enter(own, fail) < 0)
		return fail->code;
	return wait_running(INTERNET_INTERFACE, fail);
}

int hm_internet_net_dropped(uint64_t *count, struct hm_fail *fail)
{
	HM_CLEANUP(drop_socket) struct nl_sock *s = NULL;
	HM_CLEANUP(drop_link) struct rtnl_link *link = NULL;

	if (open_netlink(&s, fail) < 0 ||
	    netlink(rtnl_link_get_kernel(s, 0, INTERNET_INTERFACE, &link), "read the link's counters", fail) < 0)
		return fail->code;
	*count = rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED);
	return 0;
}
