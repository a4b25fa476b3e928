/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_ACL_SET_H
#define EXPR_ACL_SET_H
/*
 * acl_set - indexes over constant patterns: exact strings in a hash, prefixes
 * in a sorted array, numbers in merged ranges, networks by their length.
 *
 * Each entry carries a number; a look-up gives the smallest of those that
 * match, so that a run of conditions can become one index.
 */
#include <base/arena.h>
#include <base/span.h>
#include <os/addr.h>

#define ACL_MISS UINT32_MAX

/* Exact texts; `icase` folds ASCII. */
struct acl_hash {
	struct acl_hash_row {
		struct span key;
		uint32_t hash, no;
	} *row;                         /* open addressing; p NULL: free */
	uint32_t mask, n;
	bool icase;
};
void acl_hash_build(struct acl_hash *, struct arena *, const struct span *,
    const uint32_t *no, size_t n, bool icase);
uint32_t acl_hash_find(const struct acl_hash *, struct span);

/* Prefixes, or suffixes when `back`. */
struct acl_prefix {
	struct acl_prefix_row {
		struct span key;
		uint32_t parent;        /* longest key that begins this one */
		uint32_t no;            /* smallest of this and its parents */
	} *row;
	uint32_t n;
	bool icase, back;
};
void acl_prefix_build(struct acl_prefix *, struct arena *,
    const struct span *, const uint32_t *no, size_t n, bool icase,
    bool back);
uint32_t acl_prefix_find(const struct acl_prefix *, struct span);

/* acl_prefix_bounded - some key begins `s` and ends there, or at one of the
 * bytes of `delims`. */
bool acl_prefix_bounded(const struct acl_prefix *, struct span s,
    const char *delims);

/* Networks: a hash of masked addresses, one probe per length in use. */
struct acl_nets {
	struct acl_net_row {
		uint8_t ip[16];
		uint8_t bits;           /* of 128; v4 counts from 96 */
		bool used;
	} *row;
	uint32_t mask;
	uint8_t bits[129];              /* lengths in use */
	unsigned n_bits;
};
void acl_nets_build(struct acl_nets *, struct arena *,
    const struct addr_net *, size_t n);
bool acl_nets_has(const struct acl_nets *, const struct addr *);

/* Numbers lo..hi, sorted and merged. */
struct acl_range {
	int64_t lo, hi;
};
size_t acl_ranges_merge(struct acl_range *, size_t n);
bool acl_ranges_has(const struct acl_range *, size_t n, int64_t v);
#endif
