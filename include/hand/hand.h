/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAND_HAND_H
#define HAND_HAND_H
/*
 * hand - live connections go from an old worker to a new one.
 *
 * The master pairs the workers of two generations with socketpairs. The old
 * one walks its connections; each that can be expressed now is frozen into a
 * record, and records go over with their descriptors, many in a frame. The
 * new one thaws them, answers which it took, and serves them only after that.
 * Until the answer a connection is neither served nor given up by the old
 * one: refused, or when the new one dies, it is served on as if nothing had
 * happened.
 *
 * A protocol knows how to freeze and thaw; this room knows when and how many
 * at once. Kinds are found by name, so other versions understand each other.
 * What the frames look like is in doc/handover.md.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/list.h>
#include <wire/wire.h>

struct loop;

#define HAND_FDS_MAX 32                 /* of one connection */

/*
 * A connection of this worker that may go. The protocol embeds one in its
 * connection object and keeps it listed from birth to death: hand_enter(),
 * hand_leave(). The object is found again with HOLDER().
 */
struct hand_item {
	struct list node;
	uint32_t id;                    /* while it is on its way; else 0 */
	uint8_t kind;                   /* hand_kind_at() */
	uint8_t refused;                /* why the new one does not take it:
	                                 * hand_refusal(), or 0 */
	uint32_t task;                  /* which is refused, and not the
	                                 * connection; 0: the connection */
	uint8_t deaths;                 /* of new workers, with this one on its
	                                 * way; HAND_DEATHS_MAX: refused */
	bool first;                     /* waits to go before others */
	bool stays;                     /* was told so: HAND_NEVER */
};

enum hand_when {
	HAND_NOW,
	HAND_SOON,              /* ask again a little later */
	HAND_NEVER,             /* stays until it ends */
	HAND_ALONG              /* goes with another: not looked at */
};

struct hand_kind {
	const char *name;               /* "h1", never changed */
	uint16_t layout;                /* of the record */

	/* old worker */

	/* what - a word for reports: "http-idle", "tunnel"; NULL: not shown,
	 * as it is a part of another */
	const char *(*what)(const struct hand_item *);
	/* can - may it go? For HAND_SOON and HAND_NEVER *why says what it
	 * waits for (a constant). */
	enum hand_when (*can)(struct hand_item *, const char **why);
	/* freeze - stop serving, write the record, name the descriptors
	 * (still owned by the connection). False: it could not, serve on. */
	bool (*freeze)(struct hand_item *, struct wire_out *, int *fds,
	    size_t *n_fds);
	/* task - a number for what the connection does now, 0 for nothing. When
	 * the other lacks what the task needs (HAND_WHY_...), the connection is
	 * asked again as soon as that is over. May be NULL. */
	uint32_t (*task)(const struct hand_item *);
	/* gone - taken by the other: free it; closing its descriptors here
	 * must not be seen by the peer (no shutdown). Also used by the new
	 * worker, for one that it thawed and then must not serve. */
	void (*gone)(struct hand_item *);
	/* back - serve on. `stays`: it will not be asked again; an idle one
	 * is closed politely, others say so with their next message. */
	void (*back)(struct hand_item *, bool stays);
	/* serve - it was to go first, hand_first(), and cannot: serve here
	 * what came on it. stays - it is HAND_NEVER: an idle one is closed
	 * politely and may be freed, others say so with their next message.
	 * Both may be NULL for what never asks, and for a part of another. */
	void (*serve)(struct hand_item *);
	void (*stays)(struct hand_item *);

	/* new worker */

	/* thaw - take the descriptors and be ready to serve, but do not read,
	 * write or run anything yet. NULL: refused, the descriptors are closed
	 * by the caller; *why says what is wrong (a constant). */
	struct hand_item *(*thaw)(struct wire_in *, const int *fds,
	    size_t n_fds, const char **why);
	/* start - it is ours now: serve it. */
	void (*start)(struct hand_item *);
};

#define HAND_KIND(ident)                                                     \
	static const struct hand_kind hand_kind_##ident;                     \
	static const struct hand_kind *const hand_kindp_##ident              \
	    __attribute__((section("hand_kinds"), used))                     \
	    = &hand_kind_##ident;                                            \
	static const struct hand_kind hand_kind_##ident
#define HAND_KIND_OF(ident) (&hand_kindp_##ident)

/* hand_enter - list a connection; `kind` from HAND_KIND_OF(). */
void hand_enter(struct hand_item *, const struct hand_kind *const *kind);

/* hand_leave - it ends here. Not for one that is on its way (MUST). */
void hand_leave(struct hand_item *);

extern struct list hand_items;          /* listed, and not waiting to go first */
extern uint32_t hand_items_n;

/* hand_kind_find - a kind by its name, or NULL. hand_kind_of - an item's. */
const struct hand_kind *const *hand_kind_find(struct span name);
const struct hand_kind *hand_kind_of(const struct hand_item *);

/* hand_in_flight - frozen and sent, not answered yet: leave it alone. */
static inline bool
hand_in_flight(const struct hand_item *i)
{
	return (i->id != 0);
}

#define HAND_DEATHS_MAX 2

/* Why an exchange is refused and its connection is not: the other has no such
 * backend or server, but the next request may go elsewhere. */
#define HAND_WHY_BACKEND "its backend is gone"
#define HAND_WHY_SERVER  "its server is gone"

/* How handing over goes on, as `heard` is told. */
enum hand_event {
	HAND_PASSED,    /* once: every connection was looked at and what could
	                 * go at once was answered. Those that said HAND_SOON
	                 * go later, as long as this process lives */
	HAND_ENDED,     /* nothing more will go: the rest was refused or cannot
	                 * be expressed. Without HAND_PASSED before it, when
	                 * none said HAND_SOON */
	HAND_BROKEN,    /* the new worker is gone, or leaves: what it had not
	                 * answered is served here; hand_give() may be called
	                 * again */
	HAND_STUCK      /* it has not answered for seconds. Nothing is taken
	                 * back, as it may still read what was sent: end it */
};

/* hand_give - old worker: begin to hand over on `fd` (owned). Counts go on
 * over several calls. */
#define HAND_WAITS 8
struct hand_counts {
	uint32_t carried;       /* acknowledged */
	uint32_t refused;       /* by the new worker */
	uint32_t never;         /* cannot be expressed */
	uint32_t closed;        /* idle, and ended here for one of the two */
	uint32_t left;          /* still here */
	/* How long the carried ones were served by nobody: from freezing to
	 * the answer, after which the other one serves. */
	uint64_t waited_us;             /* summed up */
	uint32_t waits[HAND_WAITS];     /* how many at most hand_wait_us[i] */
};
extern const uint32_t hand_wait_us[HAND_WAITS];
typedef void hand_heard_fn(enum hand_event, const struct hand_counts *);
void hand_give(struct loop *, int fd, hand_heard_fn *heard);

/* hand_giving - a hand-over is under way from this worker. */
extern bool hand_giving;

/*
 * hand_first - something new begins on a connection, the next request: from
 * the first moment of a hand-over on, that is the new generation's. True: it
 * goes now, before those on which nothing happens; leave unread what came.
 * False: nobody takes it, serve it here.
 */
bool hand_goes_first(struct hand_item *);

static inline bool
hand_first(struct hand_item *i)
{
	return (__builtin_expect(hand_giving, false) && hand_goes_first(i));
}

/* hand_take - new worker: thaw what comes on `fd` (owned). */
void hand_take(struct loop *, int fd);

/* hand_take_end - take no more, as this worker is to leave itself: what comes
 * now would miss its own handing over. Old workers hear HAND_BROKEN and give
 * to another one. */
void hand_take_end(void);

/* hand_now - counts so far of this process's giving; looks at every
 * connection. hand_taken - how many it took; costs nothing. */
void hand_now(struct hand_counts *gave);
uint32_t hand_taken(void);

/*
 * hand_closed - this process closes it, as it does not go and nothing happens
 * on it: counted, with the reason why it did not. To be said before it ends.
 */
void hand_closed(struct hand_item *);

/*
 * hand_rows - what went and what did not, by kind and reason: at most `max`
 * rows, returns how many. A row with `why` NULL counts what was carried, the
 * others what is left, and what was closed here, because of that.
 */
struct hand_row {
	const char *kind;       /* hand_kind.what */
	const char *why;
	uint32_t carried, left, closed;
};
#define HAND_ROWS_MAX 48
size_t hand_rows(struct hand_row *, size_t max);
#endif
