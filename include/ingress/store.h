/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_STORE_H
#define INGRESS_STORE_H
/*
 * store - the objects as we know them, by kind, namespace and name.
 *
 * The sources put and delete; the plan reads. Each change that matters (another
 * resourceVersion, an object more or less) makes a new generation number, so
 * that nobody plans twice for the same.
 */
#include <ingress/model.h>

struct ing_store;

struct ing_store *ing_store_new(void);
void ing_store_free(struct ing_store *);

/* ing_store_put - take an object, in place of its former version. True when
 * that is a change: without resourceVersions always. */
bool ing_store_put(struct ing_store *, struct ing_obj **);

/* ing_store_del - false when it was not there. */
bool ing_store_del(struct ing_store *, enum ing_kind, const char *ns,
    const char *name);

/* ing_store_find - borrowed until the next change; NULL when not there. */
const struct ing_obj *ing_store_find(const struct ing_store *, enum ing_kind,
    const char *ns, const char *name);

/*
 * ing_store_all - all of a kind, sorted by namespace and name.
 *
 * The array and the objects are the store's, until its next change.
 */
const struct ing_obj *const *ing_store_all(struct ing_store *, enum ing_kind,
    size_t *n);

/* ing_store_generation - of all kinds; grows with every change. */
uint64_t ing_store_generation(const struct ing_store *);

/* ing_store_bytes - what all objects hold. */
size_t ing_store_bytes(const struct ing_store *);

/*
 * ing_store_list_begin, _end - around the puts of a whole list of a kind: what
 * came from the same source before and was not among them is deleted at the
 * end. Each put tells its source in the object; files are source 0.
 */
void ing_store_list_begin(struct ing_store *, enum ing_kind, unsigned source);
void ing_store_list_end(struct ing_store *, enum ing_kind, unsigned source);

/*
 * ing_store_asked - which Secrets and ConfigMaps were looked for since
 * ing_store_forget_asked(), there or not: those that a source should follow.
 * Sorted, each once, the store's until its next look-up.
 */
struct ing_asked {
	enum ing_kind kind;
	char *ns, *name;
};
const struct ing_asked *ing_store_asked(const struct ing_store *, size_t *n);
void ing_store_forget_asked(struct ing_store *);

/*
 * ing_store_touched - what changed since ing_store_forget_touched(): the
 * Services whose EndpointSlices did, each perhaps more than once. NULL when
 * something else changed as well, or so much that it is not told. The store's
 * until its next change.
 */
struct ing_touched { char *ns, *service; };
const struct ing_touched *ing_store_touched(const struct ing_store *,
    size_t *n);
void ing_store_forget_touched(struct ing_store *);
#endif
