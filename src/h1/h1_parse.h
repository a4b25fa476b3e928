/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_PARSE_H
#define H1_PARSE_H
/*
 * h1_parse - what the parsers of requests, responses and trailers share: the
 * scanner of many bytes at once, one field line, the field section.
 */
#include <base/why.h>
#include <h1/h1.h>
#include <http/class.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Where a parser is. On failure `p` is the byte that was wrong. */
struct h1_at {
	const char *lo;         /* first byte of the input */
	const char *p;
	const char *end;
};

/* Everything the fields say about the framing, while they are read. */
struct h1_framing {
	uint8_t n_chunked, n_other;     /* transfer codings seen */
	bool chunked_last;
	bool odd_expect;        /* an expectation we do not know */
};

struct h1_line {                /* one field line */
	struct span name, value;
	enum http_name id;
	bool raw;               /* see struct http_hdr */
};

#ifdef __SSE2__
/* Bits of bytes that end a value: controls but tab, DEL. */
static inline unsigned
h1_value_mask(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i low = _mm_cmpeq_epi8(
	    _mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
	const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	return ((unsigned)_mm_movemask_epi8(
	    _mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

/* Bits of bytes that cannot be in a target: see HTTP_C_TARGET. */
static inline unsigned
h1_target_mask(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i low = _mm_cmpeq_epi8(
	    _mm_min_epu8(v, _mm_set1_epi8(0x20)), v);
	const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
	const __m128i mark = _mm_cmpeq_epi8(v, _mm_set1_epi8('#'));

	/* the sign bit of v itself stands for 0x80 and above */
	return ((unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, v),
	    _mm_or_si128(del, mark))));
}

/*
 * Sixteen at a time; the last block is read so that it ends with the input
 * (the bytes before `p` are shifted out), so nothing past `end` is touched.
 */
#define H1_SCAN(mask_of, class)                                              \
	unsigned m;                                                          \
                                                                             \
	for (; end - p >= 16; p += 16)                                       \
		if ((m = mask_of(p)) != 0)                                   \
			return (p + __builtin_ctz(m));                       \
	if (end - lo >= 16) {                                                \
		m = mask_of(end - 16) >> (16 - (end - p));                   \
		return (m != 0 ? p + __builtin_ctz(m) : end);                \
	}                                                                    \
	while (p < end && http_is_class(*p, (class)))                        \
		p++;                                                         \
	return (p)

/* Bits of colons; sixteen bytes are readable. */
static inline unsigned
h1_colon_mask(const char *p)
{
	return ((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
	    _mm_loadu_si128((const __m128i *)(const void *)p),
	    _mm_set1_epi8(':'))));
}

/* A colon in the first bytes, where that of a field line is; else NULL. */
static inline const char *
h1_near_colon(const char *p, const char *end)
{
	unsigned m;

	if (end - p < 16)
		return (NULL);
	if ((m = h1_colon_mask(p)) != 0)
		return (p + __builtin_ctz(m));
	if (end - p < 32 || (m = h1_colon_mask(p + 16)) == 0)
		return (NULL);
	return (p + 16 + __builtin_ctz(m));
}
#else
#define H1_SCAN(mask_of, class)                                              \
	(void)lo;                                                            \
	while (p < end && http_is_class(*p, (class)))                        \
		p++;                                                         \
	return (p)

static inline const char *
h1_near_colon(const char *p, const char *end)
{
	(void)p;
	(void)end;
	return (NULL);
}
#endif

/* h1_scan_value, h1_scan_target - the first byte from `p` on that is not part
 * of it, or `end`. `lo` is the first byte that may be read. */
static inline const char *
h1_scan_value(const char *lo, const char *p, const char *end)
{
	H1_SCAN(h1_value_mask, HTTP_C_VALUE);
}

static inline const char *
h1_scan_target(const char *lo, const char *p, const char *end)
{
	H1_SCAN(h1_target_mask, HTTP_C_TARGET);
}

static inline const char *
h1_scan_token(const char *p, const char *end)
{
	while (p < end && http_is_class(*p, HTTP_C_TOKEN))
		p++;
	return (p);
}

static inline bool
h1_is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

static inline bool
h1_is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/*
 * h1_odd_name_end, h1_odd_value_end - the same for a relaxed parser, from where
 * a strict one stopped. A CR or LF ends the line for it as well.
 * h1_is_odd_framing - a name that somebody may read as that of a framing field:
 * it is one when all but its letters is left out.
 * h1_version_take - at->p behind a word such as "RTSP/1.10", which says what
 * major, minor and version of the head are.
 */
const char *h1_odd_name_end(const char *p, const char *end);
const char *h1_odd_value_end(const char *p, const char *end);
bool h1_is_odd_framing(struct span name);
enum why h1_version_take(struct h1_at *, struct http_head *);

/*
 * h1_line_end - CRLF at at->p: WHY_OK and at->p behind it, WHY_AGAIN when it
 * may still become one, else WHY_REQ_BAD with at->p where it went wrong.
 */
static inline enum why
h1_line_end(struct h1_at *at)
{
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != '\r')
		return (WHY_REQ_BAD);
	if (++at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != '\n')
		return (WHY_REQ_BAD);
	at->p++;
	return (WHY_OK);
}

/*
 * h1_line_fast - a field line as nearly all are: "Name: value" CRLF with one
 * space. False leaves at->p, and says nothing.
 */
static inline bool
h1_line_fast(struct h1_at *at, struct h1_line *l)
{
	const char *name = at->p, *colon = h1_near_colon(name, at->end);
	const char *value, *eov;

	if (colon == NULL || at->end - colon < 3 || colon[1] != ' ')
		return (false);
	l->name = span_of(name, (size_t)(colon - name));
	l->id = http_name_id(l->name);
	value = colon + 2;
	/* a known name is a token; others are looked at byte by byte */
	if (h1_is_blank(*value) || (l->id == HTTP_OTHER &&
	    (name == colon || h1_scan_token(name, colon) != colon)))
		return (false);
	eov = h1_scan_value(at->lo, value, at->end);
	if (at->end - eov < 2 || memcmp(eov, "\r\n", 2) != 0 ||
	    h1_is_blank(eov[-1]))
		return (false);
	l->value = span_of(value, (size_t)(eov - value));
	l->raw = true;
	at->p = eov + 2;
	return (true);
}

/*
 * h1_line_parse - one field line at at->p, which is not the empty line
 * (RFC 9112 5). A line that begins with white space is obs-fold: refused, as
 * is white space before the colon. Moves at->p as h1_line_end(). `relaxed`, a
 * constant: takes what h1_req_relax() does.
 */
static inline enum why
h1_line_parse(struct h1_at *at, struct h1_line *l, const bool relaxed)
{
	const char *name = at->p, *value, *eov;
	enum why why;

	if (h1_line_fast(at, l))
		return (WHY_OK);
	at->p = h1_scan_token(name, at->end);
	if (relaxed && at->p != at->end && !h1_is_blank(*name))
		at->p = h1_odd_name_end(at->p, at->end);
	if (at->p == at->end)
		return (WHY_AGAIN);
	if (*at->p != ':' || at->p == name)
		return (WHY_REQ_BAD);
	l->name = span_of(name, (size_t)(at->p - name));
	if (relaxed && h1_is_odd_framing(l->name))
		return (WHY_REQ_BAD);
	l->id = http_name_id(l->name);
	value = at->p + 1;
	while (value < at->end && h1_is_blank(*value))
		value++;
	l->raw = value == at->p + 2 && value[-1] == ' ';
	eov = h1_scan_value(at->lo, value, at->end);
	if (relaxed)
		eov = h1_odd_value_end(eov, at->end);
	at->p = eov;
	if ((why = h1_line_end(at)) != WHY_OK)
		return (why);
	while (eov > value && h1_is_blank(eov[-1]))
		eov--;
	l->value = span_of(value, (size_t)(eov - value));
	l->raw = l->raw && eov + 2 == at->p;
	return (WHY_OK);
}

/*
 * h1_fields_parse - the field section up to its empty line into rows of the
 * head, with what the framing fields say. WHY_OK leaves at->p behind the
 * empty line. Reasons are those of a request. h1_fields_relax - the same for
 * relaxed parsers: apart, so that the others pay nothing for it.
 */
enum why h1_fields_parse(struct h1_at *, struct http_head *,
    struct h1_framing *);
enum why h1_fields_relax(struct h1_at *, struct http_head *,
    struct h1_framing *);

/* h1_relaxes - a reason for which a relaxed parser may find otherwise. */
static inline bool
h1_relaxes(enum why why)
{
	return (why == WHY_REQ_BAD || why == WHY_REQ_BAD_VERSION ||
	    why == WHY_RES_BAD);
}

/* h1_framing_check - transfer codings and lengths fit each other: WHY_OK,
 * WHY_REQ_BAD, or WHY_REQ_TE_UNKNOWN for a coding that we do not have. */
enum why h1_framing_check(const struct http_head *, const struct h1_framing *,
    bool relaxed);

/* h1_is_still_short - nothing new since `*scan` can end a line or be wrong,
 * so parsing again would say WHY_AGAIN again; moves *scan. */
static inline bool
h1_is_still_short(struct span in, size_t *scan)
{
	if (in.n == 0)
		return (true);
	if (*scan == 0 || *scan > in.n || h1_scan_value(in.p, in.p + *scan,
	    in.p + in.n) != in.p + in.n)
		return (false);
	*scan = in.n;
	return (true);
}

static inline enum why
h1_stop(const struct h1_at *at, enum why why, size_t *scan, size_t *bad)
{
	if (why == WHY_AGAIN)
		*scan = (size_t)(at->end - at->lo);
	else
		*bad = (size_t)(at->p - at->lo);
	return (why);
}
#endif
