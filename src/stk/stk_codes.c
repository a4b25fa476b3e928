/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_codes - which statuses of servers count as errors (http_err_cnt) and as
 * failures (http_fail_cnt): http-err-codes, http-fail-codes.
 *
 * Source: configuration manual (3.1 and later) 3.1 "http-err-codes".
 */
#include "stk_int.h"

#include <base/num.h>
#include <conf/conf.h>
#include <conf/kw.h>

#define CODE_MIN 100
#define CODE_MAX 599

struct codes {
	uint64_t bit[(CODE_MAX + 1) / 64 + 1];
};

static struct codes errors, failures;
static bool touched;                    /* else the usual ones */

static bool
has(const struct codes *c, unsigned status)
{
	return (status <= CODE_MAX && (c->bit[status / 64] >> status % 64 & 1));
}

static void
set_range(struct codes *c, unsigned lo, unsigned hi, bool on)
{
	for (; lo <= hi; lo++) {
		uint64_t bit = UINT64_C(1) << lo % 64;

		c->bit[lo / 64] = on ? c->bit[lo / 64] | bit :
		    c->bit[lo / 64] & ~bit;
	}
}

static void
begin(void)
{
	if (touched)
		return;
	touched = true;
	errors = failures = (struct codes){ 0 };
	set_range(&errors, 400, 499, true);
	set_range(&failures, 500, 599, true);
	set_range(&failures, 501, 501, false);
	set_range(&failures, 505, 505, false);
}

bool
stk_is_error(unsigned status)
{
	return (__builtin_expect(touched, 0) ? has(&errors, status) :
	    status / 100 == 4);
}

bool
stk_is_failure(unsigned status)
{
	return (__builtin_expect(touched, 0) ? has(&failures, status) :
	    status / 100 == 5 && status != 501 && status != 505);
}

/* "500", "500-504"; false: it is none. */
static bool
read_range(struct span s, unsigned *lo, unsigned *hi)
{
	struct span first;
	uint64_t a, b;

	if (!span_cut(&s, '-', &first) || !num_u64(first, &a))
		return (false);
	b = a;
	if (s.p != NULL && !num_u64(s, &b))
		return (false);
	if (a < CODE_MIN || b > CODE_MAX || a > b)
		return (false);
	*lo = (unsigned)a;
	*hi = (unsigned)b;
	return (true);
}

/* One word: with '+' or '-' a change, else the whole of it anew. */
static bool
change(struct codes *c, struct span word)
{
	bool add = word.n != 0 && word.p[0] == '+';
	bool del = word.n != 0 && word.p[0] == '-';
	struct codes now = { 0 };
	struct span one;
	unsigned lo, hi;

	if (add || del) {
		now = *c;
		word = span_skip(word, 1);
	}
	while (span_cut(&word, ',', &one)) {
		if (!read_range(one, &lo, &hi))
			return (false);
		set_range(&now, lo, hi, !del);
	}
	*c = now;
	return (true);
}

static bool
parse_codes(struct conf_line *l, void *obj)
{
	struct codes *c = l->kw->name[5] == 'e' ? &errors : &failures;
	const struct conf_word *w;

	(void)obj;
	begin();
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'%s' expects statuses", l->kw->name));
	for (; (w = conf_peek(l)) != NULL; l->at++)
		if (!change(c, w->text))
			return (conf_err(l, w, "'%s' expects statuses from %d to "
			    "%d such as '400-499,501', with '+' or '-' before "
			    "those that change; not '%s'", l->kw->name, CODE_MIN,
			    CODE_MAX, w->text.p));
	return (true);
}

#define CODES_ARGS "[+|-]<status>[-<status>][,...]..."

KEYWORD(http_err_codes) = {
	.name = "http-err-codes", .in = KW_GLOBAL, .args = CODES_ARGS,
	.parse = parse_codes,
	.doc = "The statuses of responses that count as errors of the client "
	    "(`http_err_cnt`, `http_err_rate`), in place of 400 to 499; with + "
	    "or - those that are added or taken out.",
	.example = "http-err-codes 400-499 -404",
};
KEYWORD(http_fail_codes) = {
	.name = "http-fail-codes", .in = KW_GLOBAL, .args = CODES_ARGS,
	.parse = parse_codes,
	.doc = "The statuses of responses that count as failures of the server "
	    "(`http_fail_cnt`, `http_fail_rate`), in place of 500 to 599 without "
	    "501 and 505; with + or - those that are added or taken out.",
	.example = "http-fail-codes +501,505",
};
