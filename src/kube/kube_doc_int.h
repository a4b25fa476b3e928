/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_DOC_INT_H
#define KUBE_DOC_INT_H
/*
 * kube_doc_int - what the two readers share: limits, and building in an arena.
 */
#include <kube/doc.h>

struct kube_build {
	struct arena *mem;
	const struct kube_limits *limits;
	struct diags *diags;
	const char *file;
	size_t bytes;           /* of strings so far */
	uint32_t nodes;
	bool refused;           /* something was, since it was set to false */
};

/* kube_refuse - a message at `line`:`col` (0: unknown); returns false. */
bool kube_refuse(struct kube_build *, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* kube_count - one more node of `bytes` bytes at `depth`; false, with a
 * message, past a limit. */
bool kube_count(struct kube_build *, uint32_t depth, size_t bytes, int line,
    int col);

/* kube_text - the bytes of a string, copied; false past 2 GiB. */
bool kube_text(struct kube_build *, struct span, struct kube_node *);

/* kube_twice - refuse a map that has a key twice. */
bool kube_twice(struct kube_build *, const struct kube_node *map);

/* kube_plain - what an unquoted scalar of YAML 1.2's core schema is. */
bool kube_plain(struct kube_build *, struct span, struct kube_node *);
#endif
