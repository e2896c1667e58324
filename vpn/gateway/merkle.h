/*
 * merkle - the hash tree of an append-only log: RFC 6962 section 2.1, SHA-256; the checks of proofs as RFC 9162
 * sections 2.1.3.2 and 2.1.4.2 write them out. Pure; psa_crypto_init() is the caller's.
 */
#ifndef VPN_GATEWAY_MERKLE_H
#define VPN_GATEWAY_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MERKLE_BYTES = 32, MERKLE_PATH_MAX = 64 };

struct merkle_hash {
	uint8_t bytes[MERKLE_BYTES];
};

/* What must be kept of a tree to make it grow: its size, and the roots of the full subtrees that it is made of, the
 * one of 2^i leaves at peaks[i] where bit i of `size` is set. All zero is the empty tree. Copying it is a snapshot. */
struct merkle {
	uint64_t size;
	struct merkle_hash peaks[MERKLE_PATH_MAX];
};

struct merkle_path {
	struct merkle_hash hashes[MERKLE_PATH_MAX + 1];
	size_t count;
};

/* Hash of one entry. 0 or -EIO (the crypto library failed). */
int merkle_leaf(const void *entry, size_t size, struct merkle_hash *leaf);

/* One leaf more. 0 or -EIO; then the tree is as it was. */
int merkle_add(struct merkle *tree, const struct merkle_hash *leaf);

/* The peaks of a tree, one after the other, the smallest subtree's first; and back, for a tree of `size` leaves. They
 * are worth what the root is: who reads them back compares that. merkle_from_peaks(): 0, or -EBADMSG (not so many). */
size_t merkle_peaks(const struct merkle *tree, struct merkle_hash peaks[MERKLE_PATH_MAX]);
int merkle_from_peaks(uint64_t size, const struct merkle_hash *peaks, size_t count, struct merkle *tree);

/* Of the empty tree it is SHA-256 of nothing. 0 or -EIO. */
int merkle_root(const struct merkle *tree, struct merkle_hash *root);

/* Proofs over all leaves of the (larger) tree. 0, -EINVAL (index or size beyond the tree), -EIO. */
int merkle_inclusion(const struct merkle_hash *leaves, uint64_t size, uint64_t index, struct merkle_path *path);
int merkle_consistency(const struct merkle_hash *leaves, uint64_t old_size, uint64_t size, struct merkle_path *path);

bool merkle_inclusion_holds(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
			    const struct merkle_path *path, const struct merkle_hash *root);
bool merkle_consistency_holds(uint64_t old_size, const struct merkle_hash *old_root, uint64_t size,
			      const struct merkle_hash *root, const struct merkle_path *path);

#endif
