/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_index - the rows of one part by one match method.
 *
 *	str bin         a hash of the texts
 *	beg end         the same, asked for each length that a pattern has,
 *	                while one hash value rolls over the sample
 *	dir dom         the same from each delimiter on
 *	ip              a hash per family, asked for each length of a network;
 *	                masks with gaps one by one, after these
 *	int len         sorted ranges
 *	sub             chains by the first byte
 *	reg             a list
 *
 * The results of the last two are remembered when there are many patterns
 * (pat_cache).
 *
 * Rows are only added. A deleted one stays in the index and is passed over;
 * rows of the same text hang together as a ring, so that the next of them
 * counts then.
 *
 * Source: configuration manual 7.1 to 7.1.6.
 */
#include "pat_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

#define FEW 4                   /* so many texts are compared one by one */
#define HEX_MAX 4096            /* bytes of a "bin" pattern */
#define MANY_REGS 3             /* so many rows make a result worth keeping */
#define MANY_SUBS 16

struct slot {                   /* of a text */
	uint32_t hash;
	uint32_t no;                    /* last of its ring; PAT_MISS: free */
};

struct net {
	uint8_t ip[16];
	uint32_t no;                    /* as in struct slot */
	uint32_t bits;
};

struct nets {                   /* of one family */
	struct net *slot;
	uint32_t mask, n;
	uint8_t bits[129];              /* lengths in use, longest first */
	unsigned n_bits;
};

struct gap {                    /* an IPv4 address under a mask with gaps */
	uint32_t ip, mask, no;
};

struct addrs {
	struct nets of[2];              /* IPv4, IPv6 */
	struct gap *gap;                /* in the order of their rows */
	uint32_t n_gaps, cap_gaps;
};

struct range {
	int64_t lo, hi;
	int64_t top;                    /* highest `hi` up to this one */
	uint32_t no;
};

struct pat_index {
	uint8_t match;                  /* enum acl_match */
	bool icase;
	uint32_t n;                     /* rows that were added */
	uint32_t expect;
	uint64_t state;                 /* changes with them: for pat_cache */
	uint32_t *ring;                 /* next row of the same text + 1, the
	                                 * last one names the first; 0: alone */
	uint32_t ring_cap;
	union {
		struct {                /* texts; slot NULL: few of them */
			struct slot *slot;
			uint32_t mask, used;
			uint64_t *lens; /* bit per length in use */
			uint32_t len_max;
		} t;
		struct {
			uint32_t first[256], last[256];
			uint32_t *chain;
			uint32_t cap, empty;
		} *sub;
		struct {
			struct smp_regex **v;
			uint32_t cap;
		} re;
		struct {
			struct range *v;
			uint32_t n, cap, sorted;
		} r;
		struct addrs *a;
	};
};

enum smp_type
pat_type(enum acl_match m)
{
	switch (m) {
	case ACL_FOUND:
		return (SMP_ANY);
	case ACL_BOOL:
		return (SMP_BOOL);
	case ACL_INT:
		return (SMP_INT);
	case ACL_IP:
		return (SMP_ADDR);
	case ACL_BIN:
		return (SMP_BIN);
	default:
		return (SMP_STR);
	}
}

struct pat_index *
pat_index_new(enum acl_match match, bool icase, size_t n)
{
	struct pat_index *x = must_alloc(sizeof *x);

	memset(x, 0, sizeof *x);
	x->match = (uint8_t)match;
	x->icase = icase || match == ACL_BIN;   /* compared as hexadecimal */
	x->expect = n > UINT32_MAX / 4 ? UINT32_MAX / 4 : (uint32_t)n;
	if (match == ACL_SUB) {
		x->sub = must_alloc(sizeof *x->sub);
		memset(x->sub, 0xff, sizeof *x->sub);
		x->sub->chain = NULL;
		x->sub->cap = 0;
	} else if (match == ACL_IP) {
		x->a = must_alloc(sizeof *x->a);
		memset(x->a, 0, sizeof *x->a);
	}
	return (x);
}

void
pat_index_free(struct pat_index *x)
{
	if (x == NULL)
		return;
	switch (x->match) {
	case ACL_SUB:
		free(x->sub->chain);
		free(x->sub);
		break;
	case ACL_REG:
		for (uint32_t i = 0; i < x->re.cap; i++)
			smp_regex_free(x->re.v[i]);
		free(x->re.v);
		break;
	case ACL_INT: case ACL_LEN:
		free(x->r.v);
		break;
	case ACL_IP:
		free(x->a->of[0].slot);
		free(x->a->of[1].slot);
		free(x->a->gap);
		free(x->a);
		break;
	default:
		free(x->t.slot);
		free(x->t.lens);
	}
	free(x->ring);
	free(x);
}

/* Room for number `no` in an array of 32-bit numbers or pointers; what is new
 * is zeroed. */
static void *
grow(void *v, uint32_t *cap, uint32_t no, uint32_t expect, size_t size)
{
	uint32_t want = *cap;

	if (no < want)
		return (v);
	want = want < 4 ? 4 : want;
	if (want < expect)
		want = expect;
	while (want <= no)
		want += want / 2;
	v = must_realloc(v, want * size);
	memset((char *)v + *cap * size, 0, (want - *cap) * size);
	*cap = want;
	return (v);
}

/* ---- rings: rows of the same text ---- */

/* `no` goes behind `tail`, the last of its ring. */
static void
ring_add(struct pat_index *x, uint32_t tail, uint32_t no)
{
	uint32_t high = tail > no ? tail : no;

	x->ring = grow(x->ring, &x->ring_cap, high, 0, sizeof *x->ring);
	x->ring[no] = x->ring[tail] != 0 ? x->ring[tail] : tail + 1;
	x->ring[tail] = no + 1;
}

/* The first of the ring that is not deleted. */
static uint32_t
ring_first(const struct pat_index *x, const struct pat_row *row,
    uint32_t tail)
{
	uint32_t at = tail;

	if (tail >= x->ring_cap || x->ring[tail] == 0)
		return (row[tail].dead ? PAT_MISS : tail);
	do {
		at = x->ring[at] - 1;
		if (!row[at].dead)
			return (at);
	} while (at != tail);
	return (PAT_MISS);
}

/* ---- texts ---- */

static bool
is_delim(unsigned match, char c)
{
	if (match == ACL_DIR)
		return (c == '/' || c == '?');
	return (c == '.' || c == ':' || c == '/' || c == '?');
}

/* The part of a pattern that is compared. */
static struct span
text_of(const struct pat_index *x, const struct pat_row *r)
{
	struct span p = pat_key(r);

	if (x->match == ACL_DIR || x->match == ACL_DOM) {
		while (p.n > 0 && is_delim(x->match, *p.p))
			p = span_skip(p, 1);
		while (p.n > 0 && is_delim(x->match, p.p[p.n - 1]))
			p.n--;
	}
	return (p);
}

static bool
text_eq(const struct pat_index *x, struct span a, struct span b)
{
	return (x->icase ? span_ieq(a, b) : span_eq(a, b));
}

/* A hash that grows byte by byte (FNV-1a), for prefixes. */
#define ROLL_START 0xcbf29ce484222325u
#define ROLL_PRIME 0x100000001b3u

static inline uint64_t
roll(uint64_t h, uint8_t c)
{
	return ((h ^ c) * ROLL_PRIME);
}

static inline uint32_t
roll_end(uint64_t h)
{
	h ^= h >> 29;                   /* the low bits hardly mix else */
	h *= 0xbf58476d1ce4e5b9u;
	return ((uint32_t)(h >> 32));
}

static inline uint8_t
fold(const struct pat_index *x, char c)
{
	return (x->icase ? span_lower_tab[(uint8_t)c] : (uint8_t)c);
}

static uint32_t
text_hash(const struct pat_index *x, struct span s)
{
	uint64_t h = ROLL_START;

	if (x->match == ACL_STR || x->match == ACL_BIN)
		return ((uint32_t)(x->icase ? span_ihash(s) : span_hash(s)));
	if (x->match == ACL_END)
		for (size_t i = s.n; i-- > 0;)
			h = roll(h, fold(x, s.p[i]));
	else
		for (size_t i = 0; i < s.n; i++)
			h = roll(h, fold(x, s.p[i]));
	return (roll_end(h));
}

/* Where a text is or would go. */
static struct slot *
text_slot(const struct pat_index *x, const struct pat_row *row,
    uint32_t hash, struct span s)
{
	uint32_t at = hash & x->t.mask;

	for (;; at = (at + 1) & x->t.mask) {
		struct slot *e = &x->t.slot[at];

		if (e->no == PAT_MISS || (e->hash == hash &&
		    text_eq(x, text_of(x, &row[e->no]), s)))
			return (e);
	}
}

static void
text_resize(struct pat_index *x, uint32_t n)
{
	struct slot *old = x->t.slot;
	uint32_t old_n = old != NULL ? x->t.mask + 1 : 0, cap = 16;

	while (cap < n + n / 2)
		cap *= 2;
	x->t.slot = must_alloc(cap * sizeof *x->t.slot);
	memset(x->t.slot, 0xff, cap * sizeof *x->t.slot);
	x->t.mask = cap - 1;
	for (uint32_t i = 0; i < old_n; i++) {
		uint32_t at = old[i].hash & x->t.mask;

		if (old[i].no == PAT_MISS)
			continue;
		while (x->t.slot[at].no != PAT_MISS)
			at = (at + 1) & x->t.mask;
		x->t.slot[at] = old[i];
	}
	free(old);
}

static void
note_length(struct pat_index *x, size_t n)
{
	uint32_t words = x->t.lens == NULL ? 0 : x->t.len_max / 64 + 1;
	uint32_t need = (uint32_t)n / 64 + 1;

	if (need > words) {
		x->t.lens = must_realloc(x->t.lens, need * sizeof *x->t.lens);
		memset(x->t.lens + words, 0,
		    (need - words) * sizeof *x->t.lens);
	}
	if (n > x->t.len_max)
		x->t.len_max = (uint32_t)n;
	x->t.lens[n / 64] |= 1ull << (n % 64);
}

static void
text_insert(struct pat_index *x, const struct pat_row *row, uint32_t no,
    uint32_t hash)
{
	struct span s = text_of(x, &row[no]);
	struct slot *e;

	if (s.n == 0 && (x->match == ACL_DIR || x->match == ACL_DOM))
		return;                 /* matches nothing */
	if (x->t.used + 1 > x->t.mask - x->t.mask / 4)
		text_resize(x, 2 * x->t.used);
	e = text_slot(x, row, hash, s);
	if (e->no != PAT_MISS)
		ring_add(x, e->no, no);
	else {
		e->hash = hash;
		x->t.used++;
	}
	e->no = no;
	if (x->match != ACL_STR && x->match != ACL_BIN)
		note_length(x, s.n);
}

static bool
is_hex(struct span p)
{
	for (size_t i = 0; i < p.n; i++)
		if (num_hexval(p.p[i]) < 0)
			return (false);
	return (p.n % 2 == 0 && p.n <= 2 * HEX_MAX);
}

static bool
put_text(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	bool parts = x->match == ACL_DIR || x->match == ACL_DOM;

	if (x->match == ACL_BIN && !is_hex(pat_key(&row[no]))) {
		*err = "expected an even number of hexadecimal digits";
		return (false);
	}
	if (x->t.slot == NULL) {
		/* rows of a part come in order: these are all there are */
		if (!parts && no < FEW && x->expect <= FEW)
			return (true);
		text_resize(x, x->expect > no ? x->expect : no);
		for (uint32_t i = 0; i < no && !parts && x->n != 0; i++)
			text_insert(x, row, i,
			    text_hash(x, text_of(x, &row[i])));
	}
	text_insert(x, row, no, text_hash(x, text_of(x, &row[no])));
	return (true);
}

/* Many at once: the places of some are fetched from memory while the hashes
 * of others are computed. */
static void
fill_texts(struct pat_index *x, const struct pat_row *row, uint32_t n)
{
	uint32_t hash[32], end;

	text_resize(x, n);
	for (uint32_t at = 0; at < n; at = end) {
		end = n - at < NELEM(hash) ? n : at + (uint32_t)NELEM(hash);
		for (uint32_t i = at; i < end; i++) {
			hash[i - at] = text_hash(x, text_of(x, &row[i]));
			__builtin_prefetch(&x->t.slot[hash[i - at] &
			    x->t.mask], 1);
		}
		for (uint32_t i = at; i < end; i++)
			if (!row[i].dead)
				text_insert(x, row, i, hash[i - at]);
	}
	x->n = n;
}

/* One of few: compared one by one. */
static uint32_t
few_find(const struct pat_index *x, const struct pat_row *row, struct span s,
    bool first, size_t *len)
{
	uint32_t best = PAT_MISS;

	for (uint32_t i = 0; i < x->n; i++) {
		struct span p = pat_key(&row[i]), of = s;

		if (row[i].dead || p.n > s.n)
			continue;
		if (x->match == ACL_BEG)
			of.n = p.n;
		else if (x->match == ACL_END)
			of = span_skip(s, s.n - p.n);
		if (!text_eq(x, p, of) || (best != PAT_MISS && p.n <= *len))
			continue;
		best = i;
		*len = p.n;
		if (first || x->match == ACL_STR)
			break;
	}
	return (best);
}

static uint32_t
exact_find(const struct pat_index *x, const struct pat_row *row,
    struct span s, size_t *len)
{
	const struct slot *e = text_slot(x, row, text_hash(x, s), s);

	*len = s.n;
	return (e->no == PAT_MISS ? PAT_MISS : ring_first(x, row, e->no));
}

static bool
has_length(const struct pat_index *x, size_t n)
{
	return (x->t.lens[n / 64] >> (n % 64) & 1);
}

/* Prefixes, or suffixes, of any length in use. */
static uint32_t
ends_find(const struct pat_index *x, const struct pat_row *row, struct span s,
    bool first, size_t *len)
{
	size_t max = s.n < x->t.len_max ? s.n : x->t.len_max;
	bool back = x->match == ACL_END;
	uint32_t best = PAT_MISS, no;
	uint64_t h = ROLL_START;
	const struct slot *e;

	if (x->t.lens == NULL)
		return (PAT_MISS);
	for (size_t n = 0;; n++) {
		struct span p = { back ? s.p + s.n - n : s.p, n };

		if (has_length(x, n)) {
			e = text_slot(x, row, roll_end(h), p);
			no = e->no == PAT_MISS ? PAT_MISS :
			    ring_first(x, row, e->no);
			if (no != PAT_MISS && (!first || no < best)) {
				best = no;
				*len = n;
			}
		}
		if (n == max)
			return (best);
		h = roll(h, fold(x, back ? p.p[-1] : s.p[n]));
	}
}

/* Parts between delimiters that begin at `s`. */
static uint32_t
parts_from(const struct pat_index *x, const struct pat_row *row,
    struct span s, uint32_t best)
{
	size_t max = s.n < x->t.len_max ? s.n : x->t.len_max;
	uint64_t h = ROLL_START;
	const struct slot *e;
	uint32_t no;

	for (size_t n = 1; n <= max; n++) {
		h = roll(h, fold(x, s.p[n - 1]));
		if (!has_length(x, n) ||
		    (n != s.n && !is_delim(x->match, s.p[n])))
			continue;
		e = text_slot(x, row, roll_end(h), span_of(s.p, n));
		no = e->no == PAT_MISS ? PAT_MISS :
		    ring_first(x, row, e->no);
		if (no < best)
			best = no;
	}
	return (best);
}

static uint32_t
parts_find(const struct pat_index *x, const struct pat_row *row,
    struct span s)
{
	uint32_t best = PAT_MISS;

	if (x->t.lens == NULL)
		return (PAT_MISS);
	for (size_t at = 0; at < s.n; at++)
		if (at == 0 || is_delim(x->match, s.p[at - 1]))
			best = parts_from(x, row, span_skip(s, at), best);
	return (best);
}

/* The bytes of a sample as "bin" patterns are written. */
static uint32_t
bin_find(const struct pat_index *x, const struct pat_row *row, struct span s,
    size_t *len)
{
	static const char digits[] = "0123456789abcdef";
	static char hex[2 * HEX_MAX];

	if (s.n > HEX_MAX)
		return (PAT_MISS);
	for (size_t i = 0; i < s.n; i++) {
		hex[2 * i] = digits[(uint8_t)s.p[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)s.p[i] & 15];
	}
	s = span_of(hex, 2 * s.n);
	return (x->t.slot == NULL ? few_find(x, row, s, true, len) :
	    exact_find(x, row, s, len));
}

/* ---- texts anywhere ---- */

static bool
sub_add(struct pat_index *x, const struct pat_row *row, uint32_t no)
{
	struct span p = pat_key(&row[no]);
	uint8_t c;

	x->sub->chain = grow(x->sub->chain, &x->sub->cap, no, x->expect,
	    sizeof *x->sub->chain);
	x->sub->chain[no] = PAT_MISS;
	if (p.n == 0) {
		if (x->sub->empty == PAT_MISS)
			x->sub->empty = no;
		return (true);
	}
	c = fold(x, *p.p);
	if (x->sub->first[c] == PAT_MISS)
		x->sub->first[c] = no;
	else
		x->sub->chain[x->sub->last[c]] = no;
	x->sub->last[c] = no;
	return (true);
}

static uint32_t
sub_find(const struct pat_index *x, const struct pat_row *row, struct span s)
{
	uint32_t best = x->sub->empty;

	if (best != PAT_MISS && row[best].dead)
		best = PAT_MISS;
	for (size_t at = 0; at < s.n; at++) {
		uint32_t i = x->sub->first[fold(x, s.p[at])];

		for (; i < best; i = x->sub->chain[i])
			if (!row[i].dead && row[i].key_n <= s.n - at &&
			    text_eq(x, pat_key(&row[i]),
			    span_of(s.p + at, row[i].key_n)))
				best = i;
	}
	return (best);
}

/* ---- regular expressions ---- */

static bool
reg_add(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	struct smp_regex *re = smp_regex_new(pat_key(&row[no]), x->icase, err);

	if (re == NULL)
		return (false);
	x->re.v = grow(x->re.v, &x->re.cap, no, x->expect, sizeof *x->re.v);
	x->re.v[no] = re;
	return (true);
}

static uint32_t
reg_find(const struct pat_index *x, const struct pat_row *row, struct span s)
{
	for (uint32_t i = 0; i < x->re.cap; i++)
		if (x->re.v[i] != NULL && !row[i].dead &&
		    smp_regex_has(x->re.v[i], s))
			return (i);
	return (PAT_MISS);
}

const struct smp_regex *
pat_index_regex(const struct pat_index *x, uint32_t no)
{
	return (no < x->re.cap ? x->re.v[no] : NULL);
}

/* One of the two, or what it found before. A deleted row is no result, and
 * no reason to forget the others. */
static uint32_t
slow_find(const struct pat_index *x, const struct pat_row *row, struct span s)
{
	bool reg = x->match == ACL_REG;
	uint64_t name = 0;
	uint32_t no;

	if (x->n >= (reg ? MANY_REGS : MANY_SUBS) &&
	    pat_cache_get(x->state, s, &name, &no) &&
	    (no == PAT_MISS || (no < x->n && !row[no].dead)))
		return (no);
	no = reg ? reg_find(x, row, s) : sub_find(x, row, s);
	pat_cache_put(name, no);
	return (no);
}

/* ---- numbers ---- */

static bool
range_parse(struct span p, struct range *r, const char **err)
{
	ptrdiff_t colon = span_find(p, ':');
	struct span lo, hi;

	r->lo = INT64_MIN;
	r->hi = INT64_MAX;
	*err = "expected a number, or a range as 'low:high'";
	if (colon < 0) {
		if (!num_i64(p, &r->lo))
			return (false);
		r->hi = r->lo;
		return (true);
	}
	lo = span_of(p.p, (size_t)colon);
	hi = span_skip(p, (size_t)colon + 1);
	if ((lo.n != 0 && !num_i64(lo, &r->lo)) ||
	    (hi.n != 0 && !num_i64(hi, &r->hi)) || p.n == 1)
		return (false);
	*err = "the low end of the range is above its high end";
	return (r->lo <= r->hi);
}

static bool
range_add(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	struct range r = { .no = no };

	if (!range_parse(pat_key(&row[no]), &r, err))
		return (false);
	x->r.v = grow(x->r.v, &x->r.cap, x->r.n, x->expect, sizeof r);
	x->r.v[x->r.n++] = r;
	return (true);
}

static int
range_cmp(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->lo < y->lo ? -1 : x->lo > y->lo);
}

/* Few that came since are looked at one by one; then all are sorted again. */
static void
range_sort(struct pat_index *x)
{
	int64_t top = INT64_MIN;

	if (x->r.n - x->r.sorted <= FEW + x->r.sorted / 64)
		return;
	qsort(x->r.v, x->r.n, sizeof *x->r.v, range_cmp);
	for (uint32_t i = 0; i < x->r.n; i++) {
		if (x->r.v[i].hi > top)
			top = x->r.v[i].hi;
		x->r.v[i].top = top;
	}
	x->r.sorted = x->r.n;
}

static uint32_t
range_find(struct pat_index *x, const struct pat_row *row, int64_t v)
{
	uint32_t best = PAT_MISS, lo = 0, hi;

	range_sort(x);
	hi = x->r.sorted;
	while (lo < hi) {               /* ranges that begin at v or below */
		uint32_t mid = lo + (hi - lo) / 2;

		if (x->r.v[mid].lo <= v)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo > 0 && x->r.v[lo - 1].top >= v; lo--)
		if (x->r.v[lo - 1].hi >= v && x->r.v[lo - 1].no < best &&
		    !row[x->r.v[lo - 1].no].dead)
			best = x->r.v[lo - 1].no;
	for (uint32_t i = x->r.sorted; i < x->r.n; i++)
		if (x->r.v[i].lo <= v && v <= x->r.v[i].hi &&
		    x->r.v[i].no < best && !row[x->r.v[i].no].dead)
			best = x->r.v[i].no;
	return (best);
}

/* ---- networks ---- */

static void
cut_bits(uint8_t ip[16], unsigned bits)
{
	if (bits >= 128)
		return;
	ip[bits / 8] &= (uint8_t)(0xff00u >> (bits % 8));
	memset(ip + bits / 8 + 1, 0, 15 - bits / 8);
}

static uint32_t
net_hash(const uint8_t ip[16], unsigned bits)
{
	uint64_t a, b;

	memcpy(&a, ip, 8);
	memcpy(&b, ip + 8, 8);
	a = (a ^ bits) * 0x9e3779b97f4a7c15u ^ b;
	a = (a ^ a >> 32) * 0xbf58476d1ce4e5b9u;
	return ((uint32_t)(a >> 32));
}

static struct net *
net_slot(const struct nets *x, const uint8_t ip[16], unsigned bits)
{
	uint32_t at = net_hash(ip, bits) & x->mask;

	while (x->slot[at].no != PAT_MISS && (x->slot[at].bits != bits ||
	    memcmp(x->slot[at].ip, ip, 16) != 0))
		at = (at + 1) & x->mask;
	return (&x->slot[at]);
}

static void
nets_resize(struct nets *x, uint32_t n)
{
	struct net *old = x->slot;
	uint32_t old_n = old != NULL ? x->mask + 1 : 0, cap = 4;

	while (cap < n + n / 2)
		cap *= 2;
	x->slot = must_alloc(cap * sizeof *x->slot);
	memset(x->slot, 0xff, cap * sizeof *x->slot);
	x->mask = cap - 1;
	for (uint32_t i = 0; i < old_n; i++)
		if (old[i].no != PAT_MISS)
			*net_slot(x, old[i].ip, old[i].bits) = old[i];
	free(old);
}

static void
nets_note(struct nets *x, uint8_t bits)
{
	unsigned i = 0;

	while (i < x->n_bits && x->bits[i] > bits)
		i++;
	if (i < x->n_bits && x->bits[i] == bits)
		return;
	memmove(x->bits + i + 1, x->bits + i, x->n_bits - i);
	x->bits[i] = bits;
	x->n_bits++;
}

static uint32_t
v4_of(const uint8_t ip[4])
{
	return ((uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 |
	    (uint32_t)ip[2] << 8 | ip[3]);
}

/* "10.0.5.0/255.0.255.0": what is no number of bits is a mask. */
static bool
gap_parse(struct span s, struct gap *g)
{
	ptrdiff_t slash = span_find(s, '/');
	struct addr_net ip, mask;

	if (slash < 0 ||
	    !addr_net_parse_short(span_of(s.p, (size_t)slash), &ip) ||
	    !addr_net_parse(span_skip(s, (size_t)slash + 1), &mask) ||
	    ip.addr.family != ADDR_V4 || mask.addr.family != ADDR_V4 ||
	    mask.bits != 32)
		return (false);
	g->mask = v4_of(mask.addr.ip);
	g->ip = v4_of(ip.addr.ip) & g->mask;
	return (true);
}

static bool
gap_add(struct addrs *a, struct span key, uint32_t no)
{
	struct gap g = { .no = no }, *v;

	if (!gap_parse(key, &g))
		return (false);
	if (a->n_gaps == a->cap_gaps) {
		a->cap_gaps = a->cap_gaps == 0 ? 4 : 2 * a->cap_gaps;
		v = must_alloc(a->cap_gaps * sizeof *v);
		if (a->n_gaps != 0)
			memcpy(v, a->gap, a->n_gaps * sizeof *v);
		free(a->gap);
		a->gap = v;
	}
	a->gap[a->n_gaps++] = g;
	return (true);
}

static uint32_t
gaps_find(const struct addrs *a, const struct pat_row *row,
    const uint8_t v4[4], size_t *len)
{
	uint32_t ip = v4_of(v4);

	for (uint32_t i = 0; i < a->n_gaps; i++) {
		const struct gap *g = &a->gap[i];

		if ((ip & g->mask) == g->ip && !row[g->no].dead) {
			*len = (size_t)__builtin_popcount(g->mask);
			return (g->no);
		}
	}
	return (PAT_MISS);
}

static bool
net_add(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	struct addr_net net;
	struct nets *f;
	struct net *e;

	if (!addr_net_parse_short(pat_key(&row[no]), &net)) {
		if (gap_add(x->a, pat_key(&row[no]), no))
			return (true);
		*err = "expected an IPv4 or IPv6 address or network";
		return (false);
	}
	f = &x->a->of[net.addr.family == ADDR_V6];
	if (f->slot == NULL || f->n + 1 > f->mask - f->mask / 4)
		nets_resize(f, f->slot == NULL ? x->expect : 2 * f->n);
	cut_bits(net.addr.ip, net.bits);
	e = net_slot(f, net.addr.ip, net.bits);
	if (e->no != PAT_MISS)
		ring_add(x, e->no, no);
	else
		f->n++;
	memcpy(e->ip, net.addr.ip, 16);
	e->bits = net.bits;
	e->no = no;
	nets_note(f, net.bits);
	return (true);
}

static uint32_t
nets_find(const struct pat_index *x, const struct nets *f,
    const struct pat_row *row, const uint8_t addr[16], size_t *len)
{
	uint8_t ip[16];
	uint32_t no;

	memcpy(ip, addr, 16);
	for (unsigned i = 0; i < f->n_bits; i++) {
		const struct net *e;

		cut_bits(ip, f->bits[i]);
		e = net_slot(f, ip, f->bits[i]);
		no = e->no == PAT_MISS ? PAT_MISS :
		    ring_first(x, row, e->no);
		if (no != PAT_MISS) {
			*len = f->bits[i];
			return (no);
		}
	}
	return (PAT_MISS);
}

/* The IPv4 address inside an IPv6 one: ::ffff:a.b.c.d, ::a.b.c.d, 2002:… */
static bool
v4_inside(const uint8_t ip[16], uint8_t v4[16])
{
	static const uint8_t zero[12], mapped[12] = { [10] = 0xff,
		[11] = 0xff };

	memset(v4, 0, 16);
	if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, zero, 12) == 0)
		memcpy(v4, ip + 12, 4);
	else if (ip[0] == 0x20 && ip[1] == 0x02)
		memcpy(v4, ip + 2, 4);
	else
		return (false);
	return (true);
}

static uint32_t
addr_find(const struct pat_index *x, const struct pat_row *row,
    const struct addr *a, size_t *len)
{
	uint8_t other[16] = { [10] = 0xff, [11] = 0xff };
	bool v6 = a->family == ADDR_V6;
	uint8_t ip[16] = { 0 };
	uint32_t no;

	if (a->family != ADDR_V4 && !v6)
		return (PAT_MISS);
	memcpy(ip, a->ip, v6 ? 16 : 4);
	no = nets_find(x, &x->a->of[v6], row, ip, len);
	if (no != PAT_MISS || (x->a->of[!v6].n == 0 && x->a->n_gaps == 0))
		return (no);
	if (!v6)
		memcpy(other + 12, ip, 4);
	else if (!v4_inside(ip, other))
		return (PAT_MISS);
	if (x->a->of[!v6].n != 0)
		no = nets_find(x, &x->a->of[!v6], row, other, len);
	return (no != PAT_MISS || x->a->n_gaps == 0 ? no :
	    gaps_find(x->a, row, v6 ? other : ip, len));
}

/* ---- all of them ---- */

static bool
add_by_method(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	switch (x->match) {
	case ACL_FOUND:
	case ACL_BOOL:
		*err = "this match method takes no value";
		return (false);
	case ACL_INT:
	case ACL_LEN:
		return (range_add(x, row, no, err));
	case ACL_IP:
		return (net_add(x, row, no, err));
	case ACL_REG:
		return (reg_add(x, row, no, err));
	case ACL_SUB:
		return (sub_add(x, row, no));
	default:
		return (put_text(x, row, no, err));
	}
}

bool
pat_index_add(struct pat_index *x, const struct pat_row *row, uint32_t no,
    const char **err)
{
	if (!add_by_method(x, row, no, err))
		return (false);
	x->n = no + 1;
	x->state = pat_cache_state();
	return (true);
}

bool
pat_index_fill(struct pat_index *x, const struct pat_row *row, uint32_t n,
    uint32_t *bad, const char **err)
{
	if (n > FEW && (x->match == ACL_STR || x->match == ACL_BEG ||
	    x->match == ACL_END || x->match == ACL_DIR ||
	    x->match == ACL_DOM)) {
		fill_texts(x, row, n);
		return (true);
	}
	for (*bad = 0; *bad < n; ++*bad)
		if (!row[*bad].dead && !pat_index_add(x, row, *bad, err))
			return (false);
	return (true);
}

uint32_t
pat_index_find(struct pat_index *x, const struct pat_row *row,
    const struct smp *s, bool first, size_t *len)
{
	*len = 0;
	switch (x->match) {
	case ACL_INT:
		return (range_find(x, row, s->num));
	case ACL_LEN:
		return (range_find(x, row, (int64_t)s->str.n));
	case ACL_IP:
		return (addr_find(x, row, &s->addr, len));
	case ACL_BIN:
		return (bin_find(x, row, s->str, len));
	case ACL_STR:
		return (x->t.slot == NULL ?
		    few_find(x, row, s->str, first, len) :
		    exact_find(x, row, s->str, len));
	case ACL_BEG:
	case ACL_END:
		return (x->t.slot == NULL ?
		    few_find(x, row, s->str, first, len) :
		    ends_find(x, row, s->str, first, len));
	case ACL_DIR:
	case ACL_DOM:
		return (parts_find(x, row, s->str));
	case ACL_SUB:
	case ACL_REG:
		return (slow_find(x, row, s->str));
	default:
		return (PAT_MISS);
	}
}

/* ---- all that match, for those who choose themselves ---- */

static unsigned
few_hits(const struct pat_index *x, const struct pat_row *row, struct span s,
    uint32_t *hit, unsigned max)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		struct span p = pat_key(&row[i]), of = s;

		if (p.n > s.n)
			continue;
		if (x->match == ACL_BEG)
			of.n = p.n;
		else if (x->match == ACL_END)
			of = span_skip(s, s.n - p.n);
		if (!text_eq(x, p, of))
			continue;
		if (n < max)
			hit[n] = i;
		n++;
	}
	return (n);
}

static uint32_t
slot_first(const struct pat_index *x, const struct slot *e)
{
	if (e->no == PAT_MISS || e->no >= x->ring_cap || x->ring[e->no] == 0)
		return (e->no);
	return (x->ring[e->no] - 1);
}

static unsigned
ends_hits(const struct pat_index *x, const struct pat_row *row,
    struct span s, uint32_t *hit, unsigned max)
{
	size_t longest = s.n < x->t.len_max ? s.n : x->t.len_max;
	bool back = x->match == ACL_END;
	uint64_t h = ROLL_START;
	unsigned n = 0;
	uint32_t no;

	if (x->t.lens == NULL)
		return (0);
	for (size_t len = 0;; len++) {
		const char *p = back ? s.p + s.n - len : s.p;

		no = !has_length(x, len) ? PAT_MISS : slot_first(x,
		    text_slot(x, row, roll_end(h), span_of(p, len)));
		if (no != PAT_MISS && n < max)
			hit[n] = no;
		n += no != PAT_MISS;
		if (len == longest)
			return (n);
		h = roll(h, fold(x, back ? p[-1] : s.p[len]));
	}
}

unsigned
pat_index_hits(const struct pat_index *x, const struct pat_row *row,
    struct span s, uint32_t *hit, unsigned max)
{
	uint32_t no;

	if (x->t.slot == NULL)
		return (few_hits(x, row, s, hit, max));
	if (x->match != ACL_STR)
		return (ends_hits(x, row, s, hit, max));
	no = slot_first(x, text_slot(x, row, text_hash(x, s), s));
	if (no == PAT_MISS)
		return (0);
	if (max > 0)
		*hit = no;
	return (1);
}

uint32_t
pat_index_next(const struct pat_index *x, uint32_t no)
{
	uint32_t next;

	if (no >= x->ring_cap || x->ring[no] == 0)
		return (PAT_MISS);
	next = x->ring[no] - 1;
	return (next > no ? next : PAT_MISS);
}

bool
pat_index_is_tree(const struct pat_index *x)
{
	return (x->match == ACL_IP || (!x->icase && (x->match == ACL_STR ||
	    x->match == ACL_BEG)));
}
