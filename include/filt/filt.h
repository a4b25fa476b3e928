/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILT_FILT_H
#define FILT_FILT_H
/*
 * filt - what stands between the two ends of a stream and has a say about its
 * payload.
 *
 * A "filter" line of a proxy is a `struct filt`, of a kind that is a row. At
 * work on a stream it is a `struct filt_use`, in the stream's arena; a stream
 * without any pays for one test of a pointer. A kind may hold payload back
 * (`take`); who looks at it or changes it gets its operations here when there
 * is such a kind.
 *
 * Source: configuration manual 9.
 */
#include <stdbool.h>
#include <stdint.h>

#include <conf/conf.h>
#include <expr/txn.h>

struct filt_kind;
struct wire_in;
struct wire_out;

struct filt {
	struct filt *next;              /* of its proxy, in order */
	const struct filt_kind *kind;
	const struct px *px;
	struct span name;               /* as rules call it */
	void *cfg;                      /* of its kind */
	struct diag_pos pos;
};

struct filt_use {                       /* the kind's own state is behind it */
	struct filt_use *next;
	const struct filt *filt;
};

struct filt_kind {
	const char *name;               /* "bwlim-in": first, for listings */
	size_t use_bytes;               /* of one at work */
	/* the words behind the kind; fills filt->name and cfg */
	bool (*parse)(struct conf_line *, struct filt *);
	/*
	 * take - of `want` bytes of payload that are to go, towards the client
	 * (response) or the server, how many may. 0: ask again in *again_ms,
	 * or when something happened. give - so many of those were not there.
	 */
	uint64_t (*take)(struct filt_use *, bool response, uint64_t want,
	    int64_t *again_ms);
	void (*give)(struct filt_use *, bool response, uint64_t n);
	/* cares - take() has something to say about this direction */
	bool (*cares)(const struct filt_use *, bool response);
	void (*end)(struct filt_use *);         /* may be NULL */
	/* put, get - its state, in a hand-over; get: false, leave it out */
	void (*put)(const struct filt_use *, struct wire_out *);
	bool (*get)(struct filt_use *, struct txn *, struct wire_in *);
	const char *args, *doc, *example;
};
#define FILTER(ident)                                                        \
	static const struct filt_kind filt_row_##ident;                      \
	static const struct filt_kind *const filt_ptr_##ident                \
	    KW_SECTION("kw_filter") = &filt_row_##ident;                     \
	static const struct filt_kind filt_row_##ident

/* filt_find - the filter of that name in a proxy, or NULL. */
const struct filt *filt_find(const struct px *, struct span name);

/* filt_use_get - at work on this stream from now on, if it was not yet; its
 * state is zero then. NULL without memory. */
struct filt_use *filt_use_get(struct txn *, const struct filt *);

/* filt_cares - a filter of this stream may hold payload of this direction
 * back. filt_take, filt_give - as in struct filt_kind, for all of them. */
bool filt_cares(const struct txn *, bool response);
uint64_t filt_take(struct txn *, bool response, uint64_t want,
    int64_t *again_ms);
void filt_give(struct txn *, bool response, uint64_t n);

/* filt_end - the stream ends. */
void filt_end(struct txn *);

/*
 * filt_put, filt_get - those at work, as a record inside field `tag`. Filters
 * that the configuration here lacks are left out. False: malformed.
 */
void filt_put(struct wire_out *, unsigned tag, const struct txn *);
bool filt_get(struct wire_in *, unsigned tag, struct txn *);
#endif
