/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filt_bwlim - limits of bandwidth: each stream by itself, or all that have a
 * key in common, by a rate in a stick table.
 *
 * Nothing is held for a stream that has to wait but a timer: bytes stay in the
 * kernel, and go from socket to socket in pieces where nobody needs to see
 * them.
 *
 * Source: configuration manual 9.8.
 */
#include "filt_bwlim.h"

#include <os/loop.h>
#include <rule/rule.h>
#include <wire/wire.h>

#define SHARED_WAIT_MS 100              /* at most, before asking again */

static struct bwlim_use *
of(struct filt_use *u)
{
	return (HOLDER(u, struct bwlim_use, use));
}

static const struct bwlim_cfg *
cfg_of(const struct filt_use *u)
{
	return (u->filt->cfg);
}

static enum stk_data
rate_of(const struct bwlim_cfg *c)
{
	return (c->response ? STK_BYTES_OUT_RATE : STK_BYTES_IN_RATE);
}

void
filt_bwlim_start(struct txn *t, const struct filt *f, uint64_t limit,
    uint32_t period_ms, uint64_t free)
{
	const struct bwlim_cfg *c = f->cfg;
	struct filt_use *u = filt_use_get(t, f);
	struct bwlim_use *b;

	if (u == NULL)
		return;
	b = of(u);
	stk_share_end(&b->share);
	b->bucket.limit = limit != 0 ? limit : c->limit;
	b->bucket.period_ms = period_ms != 0 ? period_ms : c->period_ms;
	b->free = free;
	bucket_start(&b->bucket, the_loop->now_us);
	if (c->key != NULL)
		(void)stk_share_begin(&b->share, t, c->table, c->key,
		    rate_of(c));
}

/* Without a key, or an entry for it, nothing is limited. */
static bool
bwlim_cares(const struct filt_use *u, bool response)
{
	const struct bwlim_cfg *c = cfg_of(u);
	const struct bwlim_use *b = HOLDER(u, const struct bwlim_use, use);

	return (c->response == response && b->bucket.limit != 0 &&
	    (c->key == NULL || b->share.tab != NULL));
}

/* All get slices in turn. */
static uint64_t
take_shared(const struct bwlim_use *b, const struct bwlim_cfg *c,
    uint64_t want, int64_t *again_ms)
{
	uint64_t slice = bucket_slice(&b->bucket), least = c->min_size, n;

	if (least > c->limit)
		least = c->limit;
	if (slice < least)
		slice = least;
	n = stk_share_take(&b->share, c->limit, want < slice ? want : slice,
	    least == 0 ? 1 : least);
	if (n == 0) {
		*again_ms = bucket_slice_ms(&b->bucket);
		if (*again_ms > SHARED_WAIT_MS)
			*again_ms = SHARED_WAIT_MS;
	}
	return (n);
}

static uint64_t
bwlim_take(struct filt_use *u, bool response, uint64_t want,
    int64_t *again_ms)
{
	const struct bwlim_cfg *c = cfg_of(u);
	struct bwlim_use *b = of(u);

	(void)response;
	b->was_free = b->free > 0;
	if (b->was_free) {
		if (want > b->free)
			want = b->free;
		b->free -= want;
		return (want);
	}
	if (b->share.tab != NULL)
		return (take_shared(b, c, want, again_ms));
	return (bucket_take(&b->bucket, want, c->min_size, the_loop->now_us,
	    again_ms));
}

static void
bwlim_give(struct filt_use *u, bool response, uint64_t n)
{
	struct bwlim_use *b = of(u);

	(void)response;
	if (b->was_free)
		b->free += n;
	else if (b->share.tab != NULL)
		stk_share_give(&b->share, n);
	else
		b->bucket.left += n;
}

static void
bwlim_end(struct filt_use *u)
{
	stk_share_end(&of(u)->share);
}

bool
filt_bwlim_is(const struct filt *f)
{
	return (f->kind->end == bwlim_end);
}

/* ---- hand-over ---- */

#define TAG_SHARE 5     /* 6: free */
static const struct wire_field fields[] = {
	WIRE(1, U64, WIRE_REQUIRED, struct bwlim_use, bucket.limit),
	WIRE(2, U32, WIRE_REQUIRED, struct bwlim_use, bucket.period_ms),
	WIRE(3, U64, WIRE_REQUIRED, struct bwlim_use, bucket.left),
	WIRE(4, I64, WIRE_REQUIRED, struct bwlim_use, bucket.at_us),
	WIRE(6, U64, WIRE_OPTIONAL, struct bwlim_use, free),
	/* not frozen: share (by its names), was_free (nothing is half taken) */
	WIRE_END
};

static void
bwlim_put(const struct filt_use *u, struct wire_out *out)
{
	const struct bwlim_use *b = HOLDER(u, const struct bwlim_use, use);

	wire_put(out, fields, b);
	stk_share_put(out, TAG_SHARE, &b->share);
}

static bool
bwlim_get(struct filt_use *u, struct txn *t, struct wire_in *in)
{
	static const uint16_t more[] = { TAG_SHARE, 0 };
	const struct bwlim_cfg *c = cfg_of(u);
	struct bwlim_use *b = of(u);

	(void)t;
	if (!wire_get(in, fields, b, more))
		return (false);
	if (b->bucket.limit == 0 || b->bucket.period_ms == 0 ||
	    b->bucket.period_ms > INT32_MAX ||
	    b->bucket.left > bucket_most(&b->bucket, b->bucket.limit)) {
		in->err = "a limit of bandwidth that cannot be";
		return (false);
	}
	return (stk_share_get(in, TAG_SHARE, &b->share, rate_of(c)));
}

/* ---- the line ---- */

static bool
parse_key(struct conf_line *l, struct bwlim_cfg *c)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a sample expression as the key", &s))
		return (false);
	/* rules for requests and for responses may start it */
	c->key = expr_parse_words(l, w, s, c->response ? SMP_RESPONSE |
	    SMP_CONTENT | SMP_REQ_HEAD : SMP_CONTENT | SMP_REQ_HEAD);
	return (c->key != NULL);
}

static bool
want_period(struct conf_line *l, struct bwlim_cfg *c)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a period", "ms", &ms))
		return (false);
	if (ms < 1 || ms > INT32_MAX)
		return (conf_err(l, w, "a period is between 1ms and %dms",
		    INT32_MAX));
	c->period_ms = (uint32_t)ms;
	return (true);
}

static bool
want_limit(struct conf_line *l, uint64_t *limit)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want_size(l, "a number of bytes", limit))
		return (false);
	return ((*limit >= 1 && *limit <= UINT32_MAX) || conf_err(l, w,
	    "a limit is between 1 and %u bytes", UINT32_MAX));
}

static bool
parse_word(struct conf_line *l, struct bwlim_cfg *c)
{
	struct span s;

	if (conf_accept(l, "default-limit"))
		return (want_limit(l, &c->limit));
	if (conf_accept(l, "default-period"))
		return (want_period(l, c));
	if (conf_accept(l, "limit")) {
		c->shared = true;
		return (want_limit(l, &c->limit));
	}
	if (conf_accept(l, "key"))
		return (parse_key(l, c));
	if (conf_accept(l, "min-size"))
		return (conf_want_size(l, "a number of bytes", &c->min_size));
	if (!conf_accept(l, "table"))
		return (conf_err(l, conf_peek(l), "expected 'default-limit', "
		    "'default-period', 'limit', 'key', 'table' or 'min-size', "
		    "found '%.*s'", SPAN_FMT(conf_peek(l)->text)));
	if (!conf_want(l, "the name of a table", &s))
		return (false);
	c->table_name = s.p;
	return (true);
}

/* Either a limit and a period for each stream, or a limit and a key. */
static bool
parse_bwlim(struct conf_line *l, struct filt *f, bool response)
{
	struct bwlim_cfg *c = arena_zget(l->conf->arena, sizeof *c);

	f->cfg = c;
	c->response = response;
	if (!conf_want_name(l, "the name of this limit", &f->name))
		return (false);
	while (conf_left(l) > 0)
		if (!parse_word(l, c))
			return (false);
	if (c->limit == 0 || c->shared != (c->key != NULL) ||
	    c->shared != (c->period_ms == 0) ||
	    (!c->shared && c->table_name != NULL))
		return (conf_err(l, NULL, "filter '%s' '%.*s' expects either "
		    "'default-limit <size> default-period <time>', for each "
		    "stream, or 'limit <size> key <sample>', for all of a key",
		    f->kind->name, SPAN_FMT(f->name)));
	if (c->shared && c->table_name == NULL)
		c->table_name = f->px->name;
	return (true);
}

static bool
parse_in(struct conf_line *l, struct filt *f)
{
	return (parse_bwlim(l, f, false));
}

static bool
parse_out(struct conf_line *l, struct filt *f)
{
	return (parse_bwlim(l, f, true));
}

static bool
check_table(struct conf *conf, const struct filt *f)
{
	struct bwlim_cfg *c = f->cfg;

	if (c->key == NULL)
		return (true);
	if ((c->table = stk_table_find(span_str(c->table_name))) == NULL)
		return (conf_fail(conf, DIAG_ALERT, f->pos, "unable to find "
		    "table '%s', which filter '%.*s' needs", c->table_name,
		    SPAN_FMT(f->name)));
	if (!smp_may_cast(expr_type(c->key), stk_table_takes(c->table)))
		return (conf_fail(conf, DIAG_ALERT, f->pos, "keys of table "
		    "'%s' are of type %s, and that of filter '%.*s' is of type "
		    "%s", c->table_name, smp_type_name(
		    stk_table_takes(c->table)), SPAN_FMT(f->name),
		    smp_type_name(expr_type(c->key))));
	if ((c->period_ms = stk_table_period(c->table, rate_of(c))) == 0)
		return (conf_fail(conf, DIAG_ALERT, f->pos, "table '%s' must "
		    "store bytes_%s_rate(<period>) for filter '%.*s'",
		    c->table_name, c->response ? "out" : "in",
		    SPAN_FMT(f->name)));
	return (true);
}

static bool
check_filters(struct conf *conf)
{
	bool ok = true;

	PX_EACH(px, px_model) {
		const struct filt_cfg *c = px_get(&px->slots, &filt_slot);

		for (const struct filt *f = c->first; f != NULL; f = f->next)
			if (filt_bwlim_is(f))
				ok &= check_table(conf, f);
	}
	return (ok);
}
CONF_CHECK(bwlim, 13, check_filters);

#define BWLIM(ident, word, parse_, doc_, ex)                                 \
FILTER(ident) = {                                                            \
	.name = word, .use_bytes = sizeof(struct bwlim_use),                 \
	.parse = parse_, .take = bwlim_take, .give = bwlim_give,             \
	.cares = bwlim_cares, .end = bwlim_end, .put = bwlim_put,            \
	.get = bwlim_get, .args = "<name> { default-limit <size> "           \
	"default-period <time> | limit <size> key <sample> [table <name>] } "\
	"[min-size <size>]", .doc = doc_, .example = ex                      \
}
BWLIM(bwlim_in, "bwlim-in", parse_in,
    "Limits the bytes that go to servers.",
    "filter bwlim-in up default-limit 100k default-period 1s");
BWLIM(bwlim_out, "bwlim-out", parse_out,
    "Limits the bytes that go to clients.",
    "filter bwlim-out down limit 1m key src table rates");
