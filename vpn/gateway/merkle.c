#include "vpn/gateway/merkle.h"

#include <errno.h>
#include <psa/crypto.h>
#include <string.h>

/* What sets a leaf's hash apart from a node's, so that neither can be passed off as the other. */
enum { LEAF = 0x00, NODE = 0x01 };

static int hash_two(uint8_t kind, const void *a, size_t a_size, const void *b, size_t b_size, struct merkle_hash *out)
{
	psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
	size_t size;
	if (psa_hash_setup(&operation, PSA_ALG_SHA_256) == PSA_SUCCESS &&
	    psa_hash_update(&operation, &kind, 1) == PSA_SUCCESS &&
	    psa_hash_update(&operation, a, a_size) == PSA_SUCCESS &&
	    psa_hash_update(&operation, b, b_size) == PSA_SUCCESS &&
	    psa_hash_finish(&operation, out->bytes, sizeof out->bytes, &size) == PSA_SUCCESS)
		return 0;
	psa_hash_abort(&operation);
	return -EIO;
}

static int node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *out)
{
	return hash_two(NODE, left->bytes, sizeof left->bytes, right->bytes, sizeof right->bytes, out);
}

int merkle_leaf(const void *entry, size_t size, struct merkle_hash *leaf)
{
	return hash_two(LEAF, entry, size, "", 0, leaf);
}

int merkle_add(struct merkle *tree, const struct merkle_hash *leaf)
{
	struct merkle_hash carried = *leaf;
	int i = 0, error = 0;
	for (; !error && (tree->size >> i & 1); i++)
		error = node(&tree->peaks[i], &carried, &carried);
	if (error)
		return error;
	tree->peaks[i] = carried;
	tree->size++;
	return 0;
}

size_t merkle_peaks(const struct merkle *tree, struct merkle_hash peaks[MERKLE_PATH_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < MERKLE_PATH_MAX; i++)
		if (tree->size >> i & 1)
			peaks[count++] = tree->peaks[i];
	return count;
}

int merkle_from_peaks(uint64_t size, const struct merkle_hash *peaks, size_t count, struct merkle *tree)
{
	size_t at = 0;
	*tree = (struct merkle){.size = size};
	for (size_t i = 0; i < MERKLE_PATH_MAX; i++) {
		if (!(size >> i & 1))
			continue;
		if (at == count)
			return -EBADMSG;
		tree->peaks[i] = peaks[at++];
	}
	return at == count ? 0 : -EBADMSG;
}

int merkle_root(const struct merkle *tree, struct merkle_hash *root)
{
	size_t size;
	if (tree->size == 0)
		return psa_hash_compute(PSA_ALG_SHA_256, NULL, 0, root->bytes, sizeof root->bytes, &size) == PSA_SUCCESS
			   ? 0
			   : -EIO;
	int i = 0, error = 0;
	while (!(tree->size >> i & 1))
		i++;
	*root = tree->peaks[i];
	for (i++; i < MERKLE_PATH_MAX && !error; i++)
		if (tree->size >> i & 1)
			error = node(&tree->peaks[i], root, root);
	return error;
}

static int subtree(const struct merkle_hash *leaves, uint64_t size, struct merkle_hash *root)
{
	struct merkle tree = {0};
	int error = 0;
	for (uint64_t i = 0; i < size && !error; i++)
		error = merkle_add(&tree, &leaves[i]);
	return error ? error : merkle_root(&tree, root);
}

/* The largest power of two below `size`, which is at least two: where RFC 6962 splits a tree. */
static uint64_t split(uint64_t size)
{
	uint64_t k = 1;
	while (k << 1 < size)
		k <<= 1;
	return k;
}

int merkle_inclusion(const struct merkle_hash *leaves, uint64_t size, uint64_t index, struct merkle_path *path)
{
	path->count = 0;
	if (index >= size)
		return -EINVAL;
	/* From the root down: the sibling of each subtree that the leaf is in; then turned round. */
	int error = 0;
	while (size > 1 && !error) {
		const uint64_t k = split(size);
		const bool right = index >= k;
		error = subtree(right ? leaves : leaves + k, right ? k : size - k, &path->hashes[path->count++]);
		leaves += right ? k : 0;
		index -= right ? k : 0;
		size = right ? size - k : k;
	}
	for (size_t i = 0; i < path->count / 2; i++) {
		const struct merkle_hash other = path->hashes[i];
		path->hashes[i] = path->hashes[path->count - 1 - i];
		path->hashes[path->count - 1 - i] = other;
	}
	return error;
}

/* SUBPROOF(m, D[n], whole) of RFC 6962 section 2.1.2. */
static int subproof(const struct merkle_hash *leaves, uint64_t m, uint64_t n, bool whole, struct merkle_path *path)
{
	if (m == n)
		return whole ? 0 : subtree(leaves, n, &path->hashes[path->count++]);
	const uint64_t k = split(n);
	int error;
	if (m <= k) {
		error = subproof(leaves, m, k, whole, path);
		return error ? error : subtree(leaves + k, n - k, &path->hashes[path->count++]);
	}
	error = subproof(leaves + k, m - k, n - k, false, path);
	return error ? error : subtree(leaves, k, &path->hashes[path->count++]);
}

int merkle_consistency(const struct merkle_hash *leaves, uint64_t old_size, uint64_t size, struct merkle_path *path)
{
	path->count = 0;
	if (old_size == 0 || old_size > size)
		return -EINVAL;
	return subproof(leaves, old_size, size, true, path);
}

static bool equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool merkle_inclusion_holds(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
			    const struct merkle_path *path, const struct merkle_hash *root)
{
	struct merkle_hash hash = *leaf;
	uint64_t fn = index, sn = size - 1;
	if (index >= size)
		return false;
	for (size_t i = 0; i < path->count; i++) {
		const struct merkle_hash *p = &path->hashes[i];
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			if (node(p, &hash, &hash))
				return false;
			for (; !(fn & 1) && fn != 0; fn >>= 1, sn >>= 1)
				;
		} else if (node(&hash, p, &hash)) {
			return false;
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && equal(&hash, root);
}

/* One step of RFC 9162 section 2.1.4.2: `old_hash` grows only while the path is inside the older tree. */
static bool climb(const struct merkle_hash *p, uint64_t *fn, uint64_t *sn, struct merkle_hash *old_hash,
		  struct merkle_hash *hash)
{
	if (*sn == 0)
		return false;
	if ((*fn & 1) || *fn == *sn) {
		if (node(p, old_hash, old_hash) || node(p, hash, hash))
			return false;
		for (; !(*fn & 1) && *fn != 0; *fn >>= 1, *sn >>= 1)
			;
	} else if (node(hash, p, hash)) {
		return false;
	}
	*fn >>= 1;
	*sn >>= 1;
	return true;
}

bool merkle_consistency_holds(uint64_t old_size, const struct merkle_hash *old_root, uint64_t size,
			      const struct merkle_hash *root, const struct merkle_path *path)
{
	if (old_size == 0 || old_size > size)
		return false;
	if (old_size == size)
		return path->count == 0 && equal(old_root, root);
	uint64_t fn = old_size - 1, sn = size - 1;
	/* A full older tree is its own first hash and is not sent. */
	const bool full = (old_size & (old_size - 1)) == 0;
	if (!full && path->count == 0)
		return false;
	struct merkle_hash old_hash = full ? *old_root : path->hashes[0], hash = old_hash;
	for (; fn & 1; fn >>= 1, sn >>= 1)
		;
	for (size_t i = full ? 0 : 1; i < path->count; i++)
		if (!climb(&path->hashes[i], &fn, &sn, &old_hash, &hash))
			return false;
	return sn == 0 && equal(&old_hash, old_root) && equal(&hash, root);
}
