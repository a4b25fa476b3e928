/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H
/*
 * http - the version-free HTTP message head: request line or status, a table
 * of header slices, and what they say about the body. Pure: no I/O, no rules.
 *
 * A head borrows the bytes it was parsed from. Edits replace slices by others
 * (the stream's arena, constants); nothing is moved. Names known to us are
 * small integers, so a look-up compares one of them.
 *
 * Source: RFC 9110.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/arena.h>
#include <base/span.h>

struct wire_in;
struct wire_out;

enum http_name {                /* header names with a meaning here */
	HTTP_OTHER = 0,
#define NAME(id, text) HTTP_##id,
#include <http/name.def>
#undef NAME
	HTTP_NAME_N
};

enum http_meth {
	HTTP_METH_OTHER = 0,
	HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS,
	HTTP_CONNECT, HTTP_TRACE, HTTP_PATCH
};

struct http_hdr {
	const char *name;       /* as sent; NULL: removed */
	const char *value;      /* without white space around it */
	uint32_t value_n;
	uint16_t name_n;
	uint8_t id;             /* enum http_name */
	bool raw;               /* name, ": ", value, CRLF lie together in the
	                         * message exactly so: may be copied as one */
};

enum http_body {
	HTTP_NO_BODY,           /* none at all */
	HTTP_LENGTH,            /* `length` bytes */
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,       /* response: ends with the connection */
	HTTP_TUNNEL             /* after 101, or 2xx to CONNECT */
};

struct http_head {
	bool request;
	uint8_t major, minor;           /* 1,0  1,1  2,0 */
	uint8_t meth;                   /* enum http_meth */
	uint8_t body;                   /* enum http_body */
	uint16_t status;                /* response */
	/* what Connection and its friends said (message as received) */
	bool close, keep_alive;         /* tokens in Connection */
	bool upgrade;                   /* "upgrade" token and an Upgrade field */
	bool expect_100;
	uint64_t length;                /* HTTP_LENGTH */
	struct span method;             /* request */
	struct span target;             /* request: as received or set */
	struct span reason;             /* response */
	struct span version;            /* as sent, when it is none of HTTP/1; it
	                                 * goes on so when `minor` is 0 */
	uint16_t n;                     /* rows used, removed ones included */
	uint16_t cap;                   /* rows there are */
	uint32_t known;                 /* bit per enum http_name < 32: present */
	struct http_hdr *hdr;
};

/* Rows that a parser leaves free in every table, for what rules add. */
#define HTTP_SPARE_ROWS 16

/* A head with a few rows, from a pool; they are not zeroed. NULL without
 * memory. http_grow - make room for max_hdr + HTTP_SPARE_ROWS rows, which may
 * move them; false when there is already, or no memory. */
struct http_head *http_head_new(void);
bool http_grow(struct http_head *);
void http_head_free(struct http_head *);
void http_head_clear(struct http_head *);
/* http_setup - rows of every head from now on; before the first is made. */
void http_setup(unsigned max_hdr);

/* ---- names, methods, statuses ---- */
enum http_name http_name_id(struct span name);
struct span http_name_text(enum http_name);
enum http_meth http_meth_id(struct span);
struct span http_meth_text(enum http_meth);
struct span http_reason(unsigned status);       /* "Not Found"; never empty */

/* http_is_token, http_is_field_value - nothing but bytes RFC 9110 5.6.2, 5.5 allow */
bool http_is_token(struct span);
bool http_is_field_value(struct span);

/* http_is_proxied - a request as clients send it to a proxy: its target is
 * neither a path nor "*". */
static inline bool
http_is_proxied(const struct http_head *h)
{
	return (h->target.n != 0 && h->target.p[0] != '/' &&
	    h->target.p[0] != '*');
}

/* ---- look-up and edit ---- */

/* http_find - the next header after `prev` (NULL: from the first) with this
 * id or, for HTTP_OTHER, this name. NULL: no more. */
struct http_hdr *http_find(const struct http_head *, enum http_name,
    struct span name, const struct http_hdr *prev);

/* http_find_only - the header of that `known` id (its name's own) and name, when
 * there is exactly one; else NULL. */
const struct http_hdr *http_find_only(const struct http_head *,
    enum http_name known,
    struct span name);

/* http_has - quick test for an id below 32. */
static inline bool
http_has(const struct http_head *h, enum http_name id)
{
	return ((h->known >> id & 1) != 0);
}

/* http_get - value of the first header with this id; p is NULL when absent */
struct span http_get(const struct http_head *, enum http_name);

/* http_add - append; the slices must outlive the head. False: table full or
 * bytes that would break the message (CR, LF, NUL, empty name). */
bool http_add(struct http_head *, struct span name, struct span value);

/* http_set - replace all of that name by one, which comes last; as http_add. */
bool http_set(struct http_head *, struct span name, struct span value);

/* http_add_known, http_set_known - the same for a name and a value without
 * blanks around it that were checked before, with its id. False: table full. */
bool http_add_known(struct http_head *, enum http_name, struct span name,
    struct span value);
bool http_set_known(struct http_head *, enum http_name, struct span name,
    struct span value);

/* http_del - remove all of that name; returns how many. */
unsigned http_del(struct http_head *, enum http_name, struct span name);

/* http_del_known - the same for a name with its id, HTTP_OTHER included. */
unsigned http_del_known(struct http_head *, enum http_name, struct span name);
void http_del_hdr(struct http_head *, struct http_hdr *);

/*
 * http_list_next - walk a comma list, quoted strings respected (RFC 9110
 * 5.6.1): *rest starts as the value; empty elements are skipped.
 */
bool http_list_next(struct span *rest, struct span *item);

/* http_has_item - one element of any header of that id equals `item`,
 * ASCII case folded. */
bool http_has_item(const struct http_head *, enum http_name, struct span);

/* http_strip_hop - remove Connection, what it names, Keep-Alive,
 * Proxy-Connection, and TE unless "trailers" (RFC 9110 7.6.1). Upgrade stays
 * when `keep_upgrade`. */
void http_strip_hop(struct http_head *, bool keep_upgrade);

/* ---- target (RFC 9112 3.2, RFC 3986) ---- */
struct http_uri {
	struct span scheme, authority;  /* absolute and authority form */
	struct span path;               /* "" or "*" or "/…" without query */
	struct span query;              /* without '?'; p NULL when absent */
	struct span path_query;         /* both */
};
bool http_uri_split(enum http_meth, struct span target, struct http_uri *);
/* http_path_query - path and query of a request's target in any form. */
struct span http_path_query(const struct http_head *);

/* http_host - host of the message: authority of the target, else Host; the
 * port is cut off when `no_port`. */
struct span http_host(const struct http_head *, bool no_port);

/* http_date - IMF-fixdate (29 bytes) of a wall time in seconds. */
void http_date(int64_t wall_s, char dst[30]);

/* ---- a reply that no server sent ---- */
struct http_reply {
	uint16_t status;
	struct span reason;             /* empty: by status */
	struct span content_type;       /* empty: no body type */
	struct span body;
	struct http_reply_hdr {
		struct http_reply_hdr *next;
		struct span name, value;
	} *hdrs;                        /* in order */
	bool close;                     /* end the connection after it */
	bool owned;                     /* body is from malloc(), of any length:
	                                 * who sends it frees it */
	/* made anew for each request, by rule_reply_made(); not frozen: one
	 * that is made has none */
	const void *recipe;
	/* errorfile: a whole message as it stands in a file; sent as it is and
	 * the connection is closed. p NULL: none */
	struct span raw;
};

/* http_reply_default - the built-in answer for an error status (400, 403,
 * 408, …); constant. NULL: none for that status. */
const struct http_reply *http_reply_default(unsigned status);

/* ---- hand-over (hand/hand.h) ---- */

/*
 * http_head_put, http_reply_put - write one down. http_head_get,
 * http_reply_get - make it again in `a`; the head comes from http_head_new().
 * False when the record is damaged or memory lacks: the result must not be
 * used then.
 */
void http_head_put(const struct http_head *, struct wire_out *);
bool http_head_get(struct http_head *, struct wire_in *, struct arena *);
void http_reply_put(const struct http_reply *, struct wire_out *);
bool http_reply_get(struct http_reply *, struct wire_in *, struct arena *);
#endif
