/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H
/*
 * wire - tagged records: how state is written to leave a process.
 *
 * A record is a row of fields, each {tag, need, length, bytes}, all integers
 * little-endian. One table of rows serves both directions, so that writing
 * and reading cannot drift:
 *
 *	static const struct wire_field h1_wire[] = {
 *		WIRE(1, U8,  WIRE_REQUIRED, struct h1_conn, state),
 *		WIRE(2, U64, WIRE_REQUIRED, struct h1_conn, body_left),
 *		WIRE(3, BUF, WIRE_OPTIONAL, struct h1_conn, in),
 *		WIRE_END
 *	};
 *
 * Tags are never reused. A reader skips an optional tag that it does not know
 * and refuses a record with a required one that it does not know; a required
 * row of its own that is absent is refused as well. A field that occurs twice
 * is refused. Input is hostile: no length is believed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>

enum wire_need {
	WIRE_OPTIONAL = 0,
	WIRE_REQUIRED = 1
};

enum wire_kind {
	WIRE_KIND_END = 0,
	WIRE_KIND_U8,           /* uint8_t, bool (0 or 1 is checked by thaw) */
	WIRE_KIND_U16,
	WIRE_KIND_U32,
	WIRE_KIND_U64,
	WIRE_KIND_I32,
	WIRE_KIND_I64,
	WIRE_KIND_BOOL,         /* bool; anything but 0 and 1 is refused */
	WIRE_KIND_RAW,          /* the bytes of a member of fixed size without
	                         * padding or pointers: struct addr, uint8_t[n] */
	WIRE_KIND_SPAN,         /* struct span; reading: slices of the input */
	WIRE_KIND_BUF           /* struct buf; reading: replaces the contents;
	                         * refused when longer than buf_size */
};

#define WIRE_TAG_MAX 0x7fff

struct wire_field {
	uint16_t tag;           /* 1 to WIRE_TAG_MAX */
	uint8_t kind;           /* enum wire_kind */
	uint8_t need;           /* enum wire_need */
	uint32_t size;          /* of the member */
	size_t at;              /* offsetof the member */
};

#define WIRE(tag_, kind_, need_, type_, member_)                             \
	{ (tag_), WIRE_KIND_##kind_, (need_),                                \
	    sizeof(((type_ *)0)->member_), offsetof(type_, member_) }
#define WIRE_END { 0, WIRE_KIND_END, 0, 0, 0 }
#define WIRE_FIELDS_MAX 64              /* rows of one table */

/* ---- writing ---- */

struct wire_out {
	char *p;                /* the caller's memory */
	size_t n, cap;          /* bytes used, bytes there are */
	bool over;              /* something did not fit: the record is void */
};

/* wire_out_init - write into `cap` bytes at `mem`. */
void wire_out_init(struct wire_out *, void *mem, size_t cap);

/* wire_put - all rows of a table from `obj`. */
void wire_put(struct wire_out *, const struct wire_field *, const void *obj);

/* Single fields, for what a table cannot say. */
void wire_put_u64(struct wire_out *, unsigned tag, enum wire_need, uint64_t);
void wire_put_bytes(struct wire_out *, unsigned tag, enum wire_need,
    struct span);

/* wire_begin, wire_end - a record inside a field. wire_begin() returns the
 * mark that wire_end() wants; they nest. */
size_t wire_begin(struct wire_out *, unsigned tag, enum wire_need);
void wire_end(struct wire_out *, size_t mark);

/* ---- reading ---- */

struct wire_in {
	struct span all;        /* the record */
	struct span left;       /* not read yet by wire_next() */
	const char *err;        /* first thing found wrong, or NULL */
};

void wire_in_init(struct wire_in *, struct span record);

/*
 * wire_get - fill `obj` by a table; members without a field keep what they
 * had. Reads the whole record, wherever wire_next() is.
 *
 * `more` is NULL, or names with a 0 at its end the tags that the caller reads
 * itself (wire_find), so that they are not taken for unknown ones.
 *
 * Returns false with in->err when the record is refused; `obj` may then be
 * half filled.
 */
bool wire_get(struct wire_in *, const struct wire_field *, void *obj,
    const uint16_t *more);

/* wire_next - the next field in order; false at the end or when malformed
 * (in->err). */
bool wire_next(struct wire_in *, unsigned *tag, enum wire_need *,
    struct span *bytes);

/* wire_find - the bytes of a field by its tag; false when there is none. */
bool wire_find(struct wire_in *, unsigned tag, struct span *bytes);

/* wire_find_u64 - an integer field of 1, 2, 4 or 8 bytes. */
bool wire_find_u64(struct wire_in *, unsigned tag, uint64_t *);

/* wire_find_in - a record inside a field. */
bool wire_find_in(struct wire_in *, unsigned tag, struct wire_in *inner);
#endif
