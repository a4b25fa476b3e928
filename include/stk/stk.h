/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STK_STK_H
#define STK_STK_H
/*
 * stk - stick tables: what is remembered about a key (an address, a cookie),
 * in shared memory, one truth for all workers.
 *
 * A table is a slot of the state segment, so it survives workers, reloads and
 * upgrades. Entries lie in stripes with a lock each; a process that dies
 * inside a lock leaves a journal from which the next one mends the stripe.
 *
 * A connection or stream that tracks a key holds a reference to its entry in
 * a `stk_set`; references are noted in shared memory too, so that those of a
 * dead process are given back.
 *
 * Source: configuration manual 4.2 (stick-table, stick), 7.3 (sc_*, table_*).
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>
#include <expr/expr.h>

struct stk_table;
struct stk_set;                         /* what a connection or stream tracks */
struct wire_in;
struct wire_out;

enum stk_data {
#define STK_DATA(ident, name, form, array) STK_##ident,
#include <stk/data.def>
#undef STK_DATA
	STK_DATA_N
};

/* stk_setup - find or make the shared part of every table (the keeper, before
 * it forks). False with *err, a sentence. */
bool stk_setup(const char **err);

/* stk_copy - fill the tables with what those of the same names have in another
 * segment, which is only read (keeper_copy.c). */
struct shm;
void stk_copy(struct shm *from);

/* stk_serve - this generation's workers begin to serve: its tables are those
 * that the next one goes on with. */
void stk_serve(void);

/* stk_table_find - by the name of its proxy, or NULL. */
struct stk_table *stk_table_find(struct span name);

/* stk_each_table - tell of all tables, oldest first. */
struct stk_about {
	const char *name, *type;
	uint32_t size, used;
};
void stk_each_table(void (*fn)(const struct stk_about *, void *), void *arg);

/* stk_table_takes - the type of sample that its keys are made of. */
enum smp_type stk_table_takes(const struct stk_table *);

/* stk_counters - tune.stick-counters: keys that may be tracked at once. */
unsigned stk_counters(void);

/* ---- tracking: struct txn has the set of its stream and that of its
 *      client connection ---- */

/*
 * stk_track - counter `no` of this stream (of the connection, in stages CONN
 * and SESS) follows the key that the sample is in `table`, unless it follows
 * one already. No entry can be had from a full table: nothing happens.
 */
void stk_track(struct txn *, unsigned no, struct stk_table *,
    const struct expr *key);

/* stk_inc_gpc - add to a general purpose counter of counter `no`; idx < 0:
 * gpc0 or gpc1, -1 and -2. stk_set_gpt - a tag; idx < 0: gpt0. */
void stk_inc_gpc(struct txn *, unsigned no, int idx, uint32_t by);
void stk_set_gpt(struct txn *, unsigned no, int idx, uint32_t value);

/* stk_set_free - the connection or stream ends: let go of what it tracks; NULL
 * is fine. A void pointer, as this is a callback of connections. */
void stk_set_free(void *);

/* What happens to what is tracked. */
enum stk_event {
	STK_EV_SESSION,                 /* passed the layer 4 rules */
	STK_EV_REQUEST,                 /* a request began */
	STK_EV_ERROR,                   /* the client's fault, or denied */
	STK_EV_FAILURE                  /* the server gave no valid response */
};
void stk_count(struct txn *, enum stk_event);
void stk_count_response(struct txn *, unsigned status); /* of a server */
void stk_count_bytes(struct txn *, uint64_t in, uint64_t out);

/* stk_on, … - the same, cheap when nothing is tracked. */
static inline bool
stk_tracks(const struct txn *t)
{
	return (__builtin_expect(t->stk != NULL ||
	    (t->conn_stk != NULL && *t->conn_stk != NULL), 0));
}

static inline void
stk_on(struct txn *t, enum stk_event ev)
{
	if (stk_tracks(t))
		stk_count(t, ev);
}

static inline void
stk_on_response(struct txn *t, unsigned status)
{
	if (stk_tracks(t))
		stk_count_response(t, status);
}

static inline void
stk_on_bytes(struct txn *t, uint64_t in, uint64_t out)
{
	if (stk_tracks(t))
		stk_count_bytes(t, in, out);
}

/*
 * stk_track_put - what a set tracks, as a record inside field `tag`; nothing
 * for none. stk_track_get - track the same again, here: conn_cur and the use
 * count go up by what the other process takes down when its set is dropped.
 * The set lies in `arena` (a stream's), or on the heap (NULL: a connection's).
 * Tables that are gone or have other keys are left out. False: malformed;
 * what was taken is in the set.
 */
void stk_track_put(struct wire_out *, unsigned tag, const struct stk_set *);
bool stk_track_get(struct wire_in *, unsigned tag, struct arena *,
    struct stk_set **);

/* stk_notes_put, stk_notes_get - the same for keys that a stream is going to
 * store as soon as its server is reached. */
void stk_notes_put(struct wire_out *, unsigned tag, const struct txn *);
bool stk_notes_get(struct wire_in *, unsigned tag, struct txn *);

/* ---- a rate with a limit, which streams share by a key ---- */

struct stk_share {
	const struct stk_table *tab;    /* NULL: none */
	uint32_t entry, slot;
	uint8_t data;                   /* enum stk_data: a rate */
};

/* stk_share_begin - the entry of the key that the sample is, made if need be,
 * and kept until stk_share_end(). False: there is no key, or no room. */
bool stk_share_begin(struct stk_share *, struct txn *, const struct stk_table *,
    const struct expr *key, enum stk_data rate);
void stk_share_end(struct stk_share *);

/*
 * stk_share_take - count `want` events, or as many as `limit` leaves over the
 * rate's period, if those are `least` or more; returns how many. Processes
 * never get more together. stk_share_give - so many did not happen.
 */
uint64_t stk_share_take(const struct stk_share *, uint64_t limit,
    uint64_t want, uint64_t least);
void stk_share_give(const struct stk_share *, uint64_t n);

/* stk_table_period - ms, as the table says; 0: it does not store that. */
uint32_t stk_table_period(const struct stk_table *, enum stk_data rate);

/* stk_share_put, stk_share_get - by the names of table and key, as
 * stk_track_put(). When it cannot be had here, `tab` is NULL. */
void stk_share_put(struct wire_out *, unsigned tag, const struct stk_share *);
bool stk_share_get(struct wire_in *, unsigned tag, struct stk_share *,
    enum stk_data rate);

/* ---- stickiness ---- */

extern bool stk_sticky;                 /* any backend has stick rules */

/* stk_match - the server that stick rules of the backend want for this
 * stream, of those that may be had, or NULL; notes what is to be stored. */
typedef bool stk_may_fn(struct txn *, const struct px_server *);
const struct px_server *stk_find_server(struct txn *, stk_may_fn *);
static inline const struct px_server *
stk_match(struct txn *t, stk_may_fn *may)
{
	return (__builtin_expect(stk_sticky, 0) ? stk_find_server(t, may) :
	    NULL);
}

/* stk_store_request - the server was reached: store what was noted.
 * stk_store_response - run the rules for the response and store. */
void stk_store_notes(struct txn *);
static inline void
stk_store_request(struct txn *t)
{
	if (__builtin_expect(t->stk_notes != NULL, 0))
		stk_store_notes(t);
}

void stk_run_response(struct txn *);
static inline void
stk_store_response(struct txn *t)
{
	if (__builtin_expect(stk_sticky, 0))
		stk_run_response(t);
}
#endif
