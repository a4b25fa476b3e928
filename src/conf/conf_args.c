/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_args - the words of a line as parse functions take them, and what is
 * said when one is missing or wrong.
 */
#include "conf_int.h"

#include <stdio.h>

#include <base/must.h>
#include <base/num.h>
#include <os/addr.h>

/* "'timeout client'", "'server b/s' : 'weight'": who complains. */
static void
put_who(struct conf_line *l, struct text *t)
{
	if (l->subject == NULL)
		return;
	text_printf(t, "'%s", l->subject);
	for (int i = 0; i < 2 && l->subject_of[i] != NULL; i++)
		text_printf(t, "%c%s", i == 0 ? ' ' : '/', l->subject_of[i]);
	text_addz(t, "' : ");
}

struct diag_pos
conf_pos(const struct conf_line *l, const struct conf_word *w)
{
	struct diag_pos pos = { .file = l->file, .line = l->line };

	if (w == NULL && l->n > 0)
		w = &l->word[0];
	if (w != NULL) {
		pos.col = w->col;
		pos.width = w->width;
	}
	return (pos);
}

static void
record(struct conf_line *l, enum diag_level level, const struct conf_word *w,
    const char *fmt, va_list ap)
{
	struct diag *d;
	struct text t;

	text_init(&t);
	put_who(l, &t);
	text_vprintf(&t, fmt, ap);
	d = diag_add(l->conf->diags, level, conf_pos(l, w), l->source, "%s",
	    t.p);
	if (l->conf->state != NULL)     /* a line of a file being read */
		l->conf->state->last = d;
	text_fini(&t);
}

bool
conf_err(struct conf_line *l, const struct conf_word *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(l, DIAG_ALERT, w, fmt, ap);
	va_end(ap);
	return (false);
}

bool
conf_warn(struct conf_line *l, const struct conf_word *w, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(l, DIAG_WARNING, w, fmt, ap);
	va_end(ap);
	return (false);
}

bool
conf_diag(struct conf_line *l, const struct conf_word *w, const char *fmt,
    ...)
{
	va_list ap;

	if (!l->conf->diagnostics)
		return (false);
	va_start(ap, fmt);
	record(l, DIAG_DIAG, w, fmt, ap);
	va_end(ap);
	return (false);
}

void
conf_err_hint(struct conf_line *l, const char *fmt, ...)
{
	char hint[512];
	va_list ap;

	if (l->conf->state == NULL || l->conf->state->last == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(hint, sizeof hint, fmt, ap);
	va_end(ap);
	diag_hint(l->conf->state->last, "%s", hint);
}

/* Line `no` of a file. Messages come in the order of lines, mostly: go on
 * from the last one. */
static struct span
line_of(struct conf_file *f, int no)
{
	struct span rest, line = SPAN_NONE;

	if (f->at_line == 0 || no < f->at_line) {
		f->at_line = 1;
		f->at = 0;
	}
	rest = span_skip(span_of(f->image, f->n), f->at);
	for (; f->at_line < no; f->at_line++)
		if (!span_cut(&rest, '\n', &line) || rest.p == NULL)
			return (SPAN_NONE);
	f->at = (size_t)(rest.p - f->image);
	span_cut(&rest, '\n', &line);
	return (line);
}

/* The source of a line that was read before, for messages at the end. */
static struct span
source_of(struct conf *c, struct diag_pos pos)
{
	if (c->state == NULL || pos.file == NULL || pos.line < 1)
		return (SPAN_NONE);
	for (struct conf_file *f = c->state->files; f != NULL; f = f->next)
		if (f->path == pos.file)
			return (line_of(f, pos.line));
	return (SPAN_NONE);
}

bool
conf_fail(struct conf *c, enum diag_level level, struct diag_pos pos,
    const char *fmt, ...)
{
	va_list ap;
	struct diag *d;

	if (level == DIAG_DIAG && !c->diagnostics)
		return (false);
	va_start(ap, fmt);
	d = diag_vadd(c->diags, level, pos, source_of(c, pos), fmt, ap);
	va_end(ap);
	if (c->state != NULL)
		c->state->last = d;
	return (false);
}

bool
conf_accept(struct conf_line *l, const char *word)
{
	if (!conf_next_is(l, word))
		return (false);
	l->at++;
	return (true);
}

/* The keyword of the line with all its words, as the operator wrote it. */
static const char *
kw_name(const struct conf_line *l)
{
	return (l->kw != NULL ? l->kw->name : l->word[0].text.p);
}

bool
conf_want(struct conf_line *l, const char *what, struct span *out)
{
	const struct conf_word *last;

	if (l->at < l->n) {
		*out = l->word[l->at++].text;
		return (true);
	}
	last = &l->word[l->n - 1];
	conf_err(l, last, "'%s' expects %s, but the line ends here",
	    kw_name(l), what);
	if (l->kw != NULL && l->kw->args != NULL && l->kw->args[0] != '\0')
		conf_err_hint(l, "%s %s", l->kw->name, l->kw->args);
	return (false);
}

bool
conf_want_int(struct conf_line *l, const char *what, int64_t lo, int64_t hi,
    int64_t *out)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, what, &s))
		return (false);
	if (!num_i64(s, out))
		return (conf_err(l, w, "'%s' expects %s, got '%s'",
		    kw_name(l), what, s.p));
	if (*out < lo || *out > hi)
		return (conf_err(l, w, "'%s' value must be between %lld and "
		    "%lld (was '%s')", kw_name(l), (long long)lo,
		    (long long)hi, s.p));
	return (true);
}

static bool
bad_time(struct conf_line *l, const struct conf_word *w, enum num_unit how)
{
	struct span s = w->text;
	size_t i = 0;

	if (how == NUM_OVER)
		return (conf_err(l, w, "timer overflow in argument '%s' to "
		    "'%s' (maximum value is 2147483647 ms or ~24.8 days)",
		    s.p, kw_name(l)));
	if (how == NUM_UNDER)
		return (conf_err(l, w, "timer underflow in argument '%s' to "
		    "'%s' (minimum non-null value is 1 ms)", s.p,
		    kw_name(l)));
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	conf_err(l, w, "unexpected character '%c' in '%s'",
	    i < s.n ? s.p[i] : ' ', kw_name(l));
	conf_err_hint(l, "a time is a number and one of us, ms, s, m, h, d");
	return (false);
}

bool
conf_want_time(struct conf_line *l, const char *what, const char *unit,
    int64_t *out_ms)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;
	int64_t us;
	enum num_unit how;

	if (!conf_want(l, what, &s))
		return (false);
	if (s.n == 0)
		return (conf_err(l, w, "'%s' expects %s, got ''", kw_name(l),
		    what));
	how = num_time(s, unit, &us);
	if (how == NUM_OK && us / 1000 > INT32_MAX)
		how = NUM_OVER;
	if (how != NUM_OK)
		return (bad_time(l, w, how));
	*out_ms = (us + 999) / 1000;
	return (true);
}

bool
conf_want_size(struct conf_line *l, const char *what, uint64_t *out)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, what, &s))
		return (false);
	switch (num_size(s, out)) {
	case NUM_OK:
		return (true);
	case NUM_OVER:
		return (conf_err(l, w, "'%s' : '%s' is too large",
		    kw_name(l), s.p));
	default:
		conf_err(l, w, "'%s' expects %s, got '%s'", kw_name(l), what,
		    s.p);
		conf_err_hint(l, "a size is a number of bytes, or with k, m "
		    "or g behind it");
		return (false);
	}
}

static const bool is_name_char[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['-'] = true, ['_'] = true, ['.'] = true, [':'] = true,
};

bool
conf_want_name(struct conf_line *l, const char *what, struct span *out)
{
	const struct conf_word *w = conf_peek(l);

	if (!conf_want(l, what, out))
		return (false);
	if (out->n == 0)
		return (conf_err(l, w, "'%s' expects %s, got an empty word",
		    kw_name(l), what));
	for (size_t i = 0; i < out->n; i++)
		if (!is_name_char[(uint8_t)out->p[i]])
			return (conf_err(l, w, "character '%c' is not "
			    "permitted in '%s' name '%s'", out->p[i],
			    kw_name(l), out->p));
	return (true);
}

bool
conf_want_ip(struct conf_line *l, const char *word, bool port,
    struct addr *out)
{
	const struct conf_word *w = conf_peek(l);
	struct addr_spec a;
	struct span text;
	const char *err;

	if (!conf_want(l, port ? "an address and a port" : "an address",
	    &text))
		return (false);
	if (!addr_parse(text, &a, &err))
		return (conf_err(l, w, "'%s' : %s in '%s'", word, err, text.p));
	if (!a.need_dns && a.addr.family != ADDR_V4 &&
	    a.addr.family != ADDR_V6)
		return (conf_err(l, w, "'%s' expects an IP address, not '%s'",
		    word, text.p));
	if (port && (!a.port_given || a.port_offset || a.addr.port == 0))
		return (conf_err(l, w, "'%s' : missing port specification in "
		    "'%s'", word, text.p));
	if (a.port_given && a.port_last != a.addr.port)
		return (conf_err(l, w, "'%s' : a range of ports is not "
		    "supported in '%s'", word, text.p));
	if (a.need_dns && !addr_resolve(&a, &err))
		return (conf_err(l, w, "'%s' : invalid address: '%.*s' in "
		    "'%s': %s", word, SPAN_FMT(a.host), text.p, err));
	*out = a.addr;
	return (true);
}

bool
conf_end(struct conf_line *l)
{
	/* Empty words at the end do no harm: a variable may be empty. */
	while (l->at < l->n && l->word[l->n - 1].text.n == 0)
		l->n--;
	if (l->at >= l->n)
		return (true);
	return (conf_err(l, &l->word[l->at], "'%s' cannot handle unexpected "
	    "argument '%s'", kw_name(l), l->word[l->at].text.p));
}
