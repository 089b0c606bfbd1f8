/* The packet socket on the internet's end of the link, with a ring that the kernel fills (TPACKET_V3,
 * Documentation/networking/packet_mmap.rst): frames lie one behind the other in blocks. A block is handed over when it is
 * full, or BLOCK_TIMEOUT_MS after its first frame; so a reader that is kept from running for ten seconds loses nothing of a
 * trickle, nor of a flood what the ring holds. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "internet_internal.h"

enum {
	BLOCK = 64 << 10,
	BLOCKS = HM_INTERNET_RING / BLOCK,
	BLOCK_TIMEOUT_MS = 20,
	MACS = 12, /* a VLAN's tag stands behind them */
	TAG = 4,
};

void hm_internet_ring_close(struct packet_ring *ring)
{
	if (ring->blocks)
		munmap(ring->blocks, HM_INTERNET_RING);
	if (ring->fd >= 0)
		close(ring->fd);
	hm_bytes_release(&ring->tagged);
	*ring = (struct packet_ring){ .fd = -1 };
}

static int map_ring(struct packet_ring *ring, struct hm_fail *fail)
{
	struct tpacket_req3 request = { .tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = 2048,
					.tp_frame_nr = HM_INTERNET_RING / 2048, .tp_retire_blk_tov = BLOCK_TIMEOUT_MS };
	int version = TPACKET_V3;
	void *blocks;

	if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return hm_fail_errno(fail, "cannot capture packets: setting the ring up");
	blocks = mmap(NULL, HM_INTERNET_RING, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (blocks == MAP_FAILED)
		return hm_fail_errno(fail, "cannot capture packets: mapping the ring");
	ring->blocks = blocks;
	return 0;
}

int hm_internet_ring_open(struct packet_ring *ring, const char *interface, struct hm_fail *fail)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(interface) };

	/* Protocol 0: nothing arrives before it is bound. */
	*ring = (struct packet_ring){ .fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
	if (ring->fd < 0)
		return hm_fail_errno(fail, "cannot capture packets: opening a packet socket");
	if (map_ring(ring, fail) < 0)
		return fail->code;
	if (bind(ring->fd, (struct sockaddr *)&all, sizeof(all)) < 0)
		return hm_fail_errno(fail, "cannot capture packets of %s", interface);
	return 0;
}

/* The kernel takes a VLAN's tag out of the frame. */
static struct hm_slice with_tag(struct packet_ring *ring, const struct tpacket3_hdr *head, struct hm_slice frame)
{
	uint16_t tag[2] = { htons(head->tp_status & TP_STATUS_VLAN_TPID_VALID ? head->hv1.tp_vlan_tpid : ETH_P_8021Q),
			    htons((uint16_t)head->hv1.tp_vlan_tci) };

	if (!(head->tp_status & TP_STATUS_VLAN_VALID) || frame.len < MACS)
		return frame;
	ring->tagged.len = 0;
	hm_bytes_append(&ring->tagged, frame.data, MACS);
	hm_bytes_append(&ring->tagged, tag, TAG);
	hm_bytes_append(&ring->tagged, frame.data + MACS, frame.len - MACS);
	return hm_slice_of(&ring->tagged);
}

static void read_block(struct packet_ring *ring, const struct tpacket_block_desc *block, packet_visit *visit, void *cookie)
{
	const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
		const struct tpacket3_hdr *head = (const struct tpacket3_hdr *)at;
		const struct sockaddr_ll *from = (const struct sockaddr_ll *)(at + TPACKET_ALIGN(sizeof(*head)));
		struct hm_slice frame = with_tag(ring, head, (struct hm_slice){ at + head->tp_mac, head->tp_snaplen });

		if (from->sll_pkttype != PACKET_OUTGOING && frame.len > ETH_HLEN)
			ring->incoming += head->tp_len - ETH_HLEN + WIRE_FRAME;
		visit(cookie, (uint64_t)head->tp_sec * 1000000000 + head->tp_nsec, frame,
		      head->tp_len + (uint32_t)(frame.len - head->tp_snaplen));
		at += head->tp_next_offset;
	}
}

bool hm_internet_ring_read(struct packet_ring *ring, size_t max, packet_visit *visit, void *cookie)
{
	for (size_t i = 0; i < max; i++) {
		struct tpacket_block_desc *block = (void *)(ring->blocks + (size_t)ring->next * BLOCK);

		if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return false;
		read_block(ring, block, visit, cookie);
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		ring->next = (ring->next + 1) % BLOCKS;
	}
	return true;
}

int hm_internet_ring_dropped(struct packet_ring *ring, uint64_t *count, struct hm_fail *fail)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	/* Reading sets them to 0. */
	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		return hm_fail_errno(fail, "cannot tell how many packets were lost");
	ring->dropped += stats.tp_drops;
	*count = ring->dropped;
	return 0;
}
