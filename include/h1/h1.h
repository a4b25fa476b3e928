/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_H1_H
#define H1_H1_H
/*
 * h1 - HTTP/1 on the wire: heads, chunks, framing. These functions are pure;
 * connections are h1_conn.c.
 *
 * Source: RFC 9112. Nothing ambiguous passes: what two parsers could read in
 * two ways is refused (section 11.2, request smuggling).
 */
#include <base/buf.h>
#include <base/why.h>
#include <http/http.h>

/*
 * h1_req_parse, h1_res_parse - a message head into slices of `in`.
 *
 * in    bytes so far, from the first of the message (empty lines before a
 *       request line are skipped and counted in *used)
 * scan  in/out: how far the search for the end of the head came; 0 at first
 * head  out, when WHY_OK
 * used  out: bytes of the head with its empty line
 * bad   out: offset of the byte that was wrong, for "show errors"
 *
 * WHY_OK; WHY_AGAIN without the end of the head; WHY_REQ_BAD, _BAD_VERSION,
 * _URI_LONG, _HEAD_LONG (more rows than the table has), _TE_UNKNOWN,
 * _EXPECT, WHY_RES_BAD, WHY_RES_HEAD_LONG. Never reads past in.n. Sets body,
 * length, close, keep_alive, upgrade, expect_100 of the head. h1_res_parse
 * needs the request's method (HEAD and CONNECT have no body to speak of).
 *
 * "Content-Length: 0" is HTTP_LENGTH with length 0, so that it is written
 * again. `length` is also set for a response without body (HEAD, 304) that
 * tells one. WHY_REQ_EXPECT and _TE_UNKNOWN leave a whole head behind, other
 * refusals whatever was read. A head that is short is parsed again only when
 * a byte arrived that can end a line or is never allowed.
 */
enum why h1_req_parse(struct span in, size_t *scan, struct http_head *,
    size_t *used, size_t *bad);
enum why h1_res_parse(struct span in, size_t *scan, enum http_meth,
    struct http_head *, size_t *used, size_t *bad);

/*
 * h1_req_relax, h1_res_relax - what the parser said is `why`: judge once more, as
 * accept-unsafe-violations-in-http-request and -response of a proxy want it. The
 * rest is as of h1_req_parse() and h1_res_parse(), at every call of which that
 * says `why`; other reasons are given back.
 */
enum why h1_req_relax(enum why why, struct span in, size_t *scan,
    struct http_head *, size_t *used, size_t *bad);
enum why h1_res_relax(enum why why, struct span in, size_t *scan,
    enum http_meth, struct http_head *, size_t *used, size_t *bad);

/* h1_req_full - why a request whose head does not fit the buffer is refused:
 * WHY_REQ_URI_LONG while still in its first line, else WHY_REQ_HEAD_LONG. */
enum why h1_req_full(struct span in);

/* ---- chunked coding (RFC 9112 7.1) ---- */
enum h1_chunk_state {
	H1_CHUNK_SIZE = 0, H1_CHUNK_EXT = 1, H1_CHUNK_SIZE_LF = 2,
	H1_CHUNK_DATA = 3, H1_CHUNK_DATA_CR = 4, H1_CHUNK_DATA_LF = 5,
	H1_CHUNK_TRAILER = 6, H1_CHUNK_DONE = 7
};
struct h1_chunk {               /* all of it crosses in a hand-over */
	uint64_t left;          /* bytes of this chunk still to come */
	uint8_t state;          /* enum h1_chunk_state */
	uint8_t digits;         /* of the size so far; place in an extension */
	uint16_t ext_bytes;     /* of extensions in this line, bounded */
};
void h1_chunk_init(struct h1_chunk *);

/*
 * h1_chunk_next - the next piece of `in`.
 *
 * Returns WHY_OK with *skip bytes of framing to drop followed by *data bytes
 * of payload (data may be 0 when more framing is needed: then WHY_AGAIN);
 * WHY_EOF after *skip bytes: the body and its trailers ended; WHY_REQ_BAD on
 * malformed framing. *trailers (may be NULL) gets the raw trailer section,
 * without the last empty line, when it ended: a slice of `in`. A trailer
 * section is consumed only as a whole; WHY_AGAIN until then.
 */
enum why h1_chunk_next(struct h1_chunk *, struct span in, size_t *skip,
    size_t *data, struct span *trailers);

/*
 * h1_chunk_merge - make the chunks that are among the *n bytes at `p` one, in
 * place, so that their payload lies in a piece: *data bytes from `p` on. *n
 * gets less by the framing between them. What follows, a part of the framing
 * or the end of the message, stays for h1_chunk_next(); `c` says so, and
 * nothing else has to remember that this was done.
 *
 * WHY_EOF: all of the body is here; WHY_AGAIN; WHY_REQ_BAD behind *data bytes.
 */
enum why h1_chunk_merge(struct h1_chunk *c, char *p, size_t *n, size_t *data);

/* h1_trailers_ok - field lines that may be forwarded as trailers: well-formed
 * and none of the framing, routing or authentication fields. */
bool h1_trailers_ok(struct span);

/* ---- writing ---- */

/* How the writer frames the message and what Connection says. */
struct h1_emit {
	enum http_body body;            /* HTTP_LENGTH writes head->length */
	bool close;                     /* Connection: close */
	bool keep_alive;                /* Connection: keep-alive (for 1.0) */
	bool upgrade;                   /* Connection: Upgrade */
	bool proxied;                   /* say these two by Proxy-Connection */
	bool spelled;                   /* names as h1-case-adjust has them */
	uint8_t minor;                  /* version to write: 1.0 or 1.1 */
};

/*
 * h1_emit_head - write the head at `dst`.
 *
 * The head's own Connection, Keep-Alive, Content-Length, Transfer-Encoding
 * rows are not written; these come from `emit` (hop-by-hop fields must have
 * been stripped). With HTTP_NO_BODY a response to HEAD and 304 keep the length
 * or coding they tell. Returns the bytes written, 0 when `size` is too small.
 */
size_t h1_emit_head(char *dst, size_t size, const struct http_head *,
    const struct h1_emit *);

/* h1_emit_chunk - "SIZE\r\n" of a chunk; returns bytes (18 at most). */
size_t h1_emit_chunk(char *dst, uint64_t size);
#define H1_CHUNK_HEAD_MAX 18

/* h1_emit_reply - a whole reply with its body; as h1_emit_head. `head_only`
 * for HEAD requests. Of `emit` what it says about the connection counts. Date
 * is not added (HAProxy's own replies have none). */
size_t h1_emit_reply(char *dst, size_t size, const struct http_reply *,
    const struct h1_emit *, bool head_only);
#endif
