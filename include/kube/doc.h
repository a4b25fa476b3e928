/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_DOC_H
#define KUBE_DOC_H
/*
 * doc - what a YAML or JSON document says: a bounded tree that never changes.
 *
 * Both readers make the same tree, so those above never know which language an
 * object came in. Maps keep the order of the text; a key is there once.
 * A string is a string only if the text says so: `yes` and `on` are strings,
 * as they are to the API server (YAML 1.2), and 0o17 is no number.
 * A string may hold any character, NUL too: what may be in it is a matter of
 * the field, and one field of one object must not take a whole list with it.
 * Everything of one document is in one arena and goes away with it.
 */
#include <base/arena.h>
#include <base/diag.h>
#include <base/span.h>

enum kube_kind {
	KUBE_NULL,
	KUBE_BOOL,
	KUBE_INT,               /* fits int64_t */
	KUBE_REAL,              /* any other number; its text is kept */
	KUBE_STRING,
	KUBE_LIST,
	KUBE_MAP
};

struct kube_pair;

struct kube_node {
	enum kube_kind kind;
	uint32_t n;             /* bytes, items or pairs */
	int line, col;          /* from 1; 0 unknown (JSON) */
	union {
		bool yes;                       /* KUBE_BOOL */
		int64_t num;                    /* KUBE_INT */
		const char *str;                /* KUBE_STRING, KUBE_REAL; a
		                                 * NUL is behind it, and may
		                                 * be inside as well */
		const struct kube_node *item;   /* KUBE_LIST */
		const struct kube_pair *pair;   /* KUBE_MAP */
	};
};

struct kube_pair {
	struct span key;
	struct kube_node value;
};

struct kube_doc {
	struct arena mem;
	const struct kube_node *root;
};

/* Limits of one document. An etcd object is at most 1.5 MiB. */
struct kube_limits {
	size_t bytes;           /* of text, and of what aliases make of it */
	uint32_t nodes;
	uint32_t depth;
};
extern const struct kube_limits kube_limits_object;     /* one object */
extern const struct kube_limits kube_limits_list;       /* a page of a list */

/*
 * kube_doc_fn - called for each document, in the order of the text.
 *
 * The document belongs to the reader, which frees it afterwards. False stops
 * the reading.
 */
typedef bool kube_doc_fn(const struct kube_doc *, void *arg);

/*
 * kube_yaml_read - all documents of a YAML stream (JSON is YAML as well).
 *
 * file    for positions in messages; must outlive `diags`
 * Returns false when something was refused. A document that breaks a rule of
 * ours (a key twice, too deep, too big) is left out, with a message, and those
 * after it are read; what is no YAML at all ends the reading.
 */
bool kube_yaml_read(struct span in, const char *file,
    const struct kube_limits *, kube_doc_fn *, void *arg, struct diags *);

/* kube_json_read - one JSON document into `out` (freed with kube_doc_fini();
 * nothing to free when false). No positions but in the message. */
bool kube_json_read(struct span in, const char *file,
    const struct kube_limits *, struct kube_doc *out, struct diags *);

void kube_doc_fini(struct kube_doc *);

/* kube_get - the value of a key, or NULL: no map, no such key. */
const struct kube_node *kube_get(const struct kube_node *, const char *key);

/* kube_at - the same through maps, "metadata.name" with dots. */
const struct kube_node *kube_at(const struct kube_node *, const char *path);

/* kube_str - a string's bytes; SPAN_NONE for all else, and for NULL. */
struct span kube_str(const struct kube_node *);

/* kube_found - "number 42", "list of 3", "string \"x\"": for messages; short,
 * printable, in `room` bytes at `out`. */
const char *kube_found(const struct kube_node *, char *out, size_t room);

extern const char *const kube_kind_name[];      /* "string" ... */
#endif
