/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAND_HAND_H
#define HAND_HAND_H
/*
 * hand - live connections go from an old worker to a new one.
 *
 * The master pairs the workers of two generations with socketpairs. The old
 * one walks its connections; each that can be expressed now is frozen into a
 * record, which goes over with its descriptors. The new one thaws it and
 * says ack, or refuses and says nack. Until then the connection is neither
 * served nor given up by the old one: on nack, or when the new one dies, it is
 * served on as if nothing had happened.
 *
 * A protocol knows how to freeze and thaw; this room knows when and how many
 * at once. Kinds are found by name, so other versions understand each other.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/list.h>
#include <wire/wire.h>

struct loop;

#define HAND_FDS_MAX 16                 /* of one connection */

enum hand_when {
	HAND_NOW,
	HAND_SOON,              /* ask again a little later */
	HAND_NEVER              /* stays until it ends */
};

struct hand_kind {
	const char *name;               /* "tcp", never changed */
	uint16_t layout;                /* of the record */

	/* old worker */
	enum hand_when (*can)(void *conn);
	/* freeze - stop serving, write the record, name the descriptors
	 * (still owned by `conn`). False: it could not, serve on. */
	bool (*freeze)(void *conn, struct wire_out *, int *fds, size_t *n_fds);
	/* gone - acknowledged: free it; closing its descriptors here must not
	 * be seen by the peer (no shutdown). */
	void (*gone)(void *conn);
	/* back - refused: serve on. */
	void (*back)(void *conn);

	/* new worker */
	/* thaw - take the descriptors and serve. NULL: refused, the
	 * descriptors are closed by the caller; *why says what is wrong. */
	void *(*thaw)(struct wire_in *, const int *fds, size_t n_fds,
	    const char **why);
};

#define HAND_KIND(ident)                                                     \
	static const struct hand_kind hand_kind_##ident;                     \
	static const struct hand_kind *const hand_kindp_##ident              \
	    __attribute__((section("hand_kinds"), used))                     \
	    = &hand_kind_##ident;                                            \
	static const struct hand_kind hand_kind_##ident
#define HAND_KIND_OF(ident) (&hand_kind_##ident)

/*
 * A connection of the old worker that may go. The protocol embeds one and
 * keeps it listed from birth to death: hand_enter(), hand_leave().
 */
struct hand_item {
	struct list node;
	const struct hand_kind *kind;
	void *conn;
	uint32_t id;                    /* while it is on its way; else 0 */
	bool refused;                   /* by the new one: not asked again */
	uint8_t deaths;                 /* of new workers, with this one on its
	                                 * way; HAND_DEATHS_MAX: refused */
};

void hand_enter(struct hand_item *, const struct hand_kind *, void *conn);

/* hand_leave - it ends here. Not for one that is on its way (MUST). */
void hand_leave(struct hand_item *);

/* hand_in_flight - frozen and sent, not answered yet: leave it alone. */
static inline bool
hand_in_flight(const struct hand_item *i)
{
	return (i->id != 0);
}

#define HAND_DEATHS_MAX 2

/* How handing over goes on, as `heard` is told. */
enum hand_event {
	HAND_PASSED,    /* once: every connection was looked at and what could
	                 * go at once was answered. Those that said HAND_SOON
	                 * go later, as long as this process lives */
	HAND_BROKEN,    /* the new worker is gone: what it had not answered is
	                 * served here; hand_give() may be called again */
	HAND_STUCK      /* it has not answered for seconds. Nothing is taken
	                 * back, as it may still read what was sent: end it */
};

/* hand_give - old worker: begin to hand over on `fd` (owned). Counts go on
 * over several calls. */
struct hand_counts {
	uint32_t carried;       /* acknowledged */
	uint32_t refused;       /* by the new worker */
	uint32_t never;         /* cannot be expressed */
	uint32_t left;          /* still here */
};
typedef void hand_heard_fn(enum hand_event, const struct hand_counts *);
void hand_give(struct loop *, int fd, hand_heard_fn *heard);

/* hand_take - new worker: thaw what comes on `fd` (owned). */
void hand_take(struct loop *, int fd);

/* hand_now - counts so far of this process's giving and taking. */
void hand_now(struct hand_counts *gave, uint32_t *took);

/* hand_n_items - connections entered and not left. */
uint32_t hand_n_items(void);
#endif
