#pragma once
#include "cursor.h"
#include "volume.h"

#define VOLUME_EXTENTS_MAX ((size_t)4 << 20)

/* A piece of a file. Between extents there are holes. */
struct volume_extent {
	uint64_t logical, length; /* bytes of the file */
	uint64_t physical;	  /* where they are, in the form's own addresses */
	uint64_t packed, unpacked, skip; /* compressed: bytes there, bytes that they become, how many of these come before `logical` */
	unsigned how;	  /* the form's: its compression; 0: none */
	bool zero;	  /* reserved and not written */
	uint8_t *inlined; /* the bytes themselves (`packed` many), owned */
};

struct volume_node {
	uint64_t tree, number; /* the tree is btrfs' alone */
	enum hm_volume_type type;
	uint64_t size;
	unsigned mode;
	uint32_t links;
	uint64_t stamp[2];   /* when it was made and changed last, where that can be compared */
	struct hm_bytes raw; /* the inode as it is there */
	uint64_t detail[4];  /* the form's */
	struct volume_extent *extent;
	size_t extents;
	bool mapped;
};

typedef int (*volume_name_fn)(void *cookie, struct hm_slice name, uint64_t tree, uint64_t number, struct hm_fail *fail);

/* Where a walk begins. */
struct volume_root {
	uint64_t tree, number;
	char *path;	 /* what its entries' paths begin with, "" for a root; owned */
	char *outer;	 /* a snapshot: what it is called, else NULL; owned */
	uint64_t origin; /* a snapshot's: the tree that is walked anyway. What is the same file there is not told again. 0: none */
};

struct volume_form {
	const char *name;
	int (*open)(struct hm_volume *v, struct hm_fail *fail);
	void (*close)(struct hm_volume *v);
	/* Fills the node `tree`, `number`. */
	int (*node)(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail);
	/* All names in a folder but . and .. */
	int (*list)(struct hm_volume *v, struct volume_node *folder, volume_name_fn each, void *cookie, struct hm_fail *fail);
	/* Its extents, ascending. */
	int (*map)(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail);
	/* Bytes of one extent, from `at` in it; at least one. */
	ssize_t (*fetch)(struct hm_volume *v, const struct volume_extent *e, uint64_t at, void *to, size_t len);
	/* The roots that are walked, one after the other: 1 behind the last. NULL: `root_number` alone. */
	int (*root)(struct hm_volume *v, unsigned i, struct volume_root *root, struct hm_fail *fail);
};

#define VOLUME_UNKNOWN UINT64_MAX

struct hm_volume {
	const struct volume_form *form;
	struct hm_volume_from from;
	void *state;	 /* the form's */
	uint64_t inodes; /* in use and to be met, or VOLUME_UNKNOWN */
	uint64_t root_number;
	char *partial;	 /* what is not seen however well it is read, or NULL */
	struct volume_node *at;
	uint64_t tree;
};

/* Of an inode's mode, which all of them keep as the kernel has it. */
enum hm_volume_type volume_type_of(unsigned mode);
/* All of `len`, or HM_E_BAD. */
int volume_at(struct hm_volume *v, uint64_t at, void *to, size_t len, struct hm_fail *fail) HM_MUST_CHECK;
/* A zeroed extent behind the others, or NULL: too many. */
struct volume_extent *volume_extent(struct volume_node *n);
void volume_node_release(struct volume_node *n);
/* Bytes of a mapped node that ends at `size`. */
ssize_t volume_read(struct hm_volume *v, const struct volume_node *n, uint64_t size, uint64_t at, void *to, size_t len);
int volume_map(struct hm_volume *v, struct volume_node *n, struct hm_fail *fail) HM_MUST_CHECK;

static inline uint64_t volume_be(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint64_t volume_le(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = size; i; i--)
		v = v << 8 | p[i - 1];
	return v;
}

extern const struct volume_form volume_btrfs, volume_erofs, volume_ext, volume_xfs;
