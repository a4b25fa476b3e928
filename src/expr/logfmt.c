/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt - log-format strings: compiled to a list of pieces, run to bytes.
 *
 * A run never allocates and never writes behind the end it was given. In
 * formats of log lines spaces are merged and those at the beginning dropped.
 *
 * Source: configuration manual 8.2.6, 8.6.
 */
#include "logfmt_int.h"

#include <base/must.h>
#include <base/num.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- compiling ---- */

struct parse {
	struct conf_line *l;
	const struct conf_word *w;
	struct arena *arena;
	struct logfmt *fmt;
	struct piece **tail;
	struct text lit;                /* literal bytes not yet a piece */
	bool space;                     /* the last byte was one */
	enum logfmt_use use;
	unsigned stages;
	unsigned all_flags;             /* set by %o */
	uint8_t enc;                    /* of these flags: enum logfmt_enc */
	bool bin;                       /* they have "+bin" */
	struct span name;               /* of the item that comes */
	uint8_t type;
	struct span rest;
};

static struct piece *
piece_add(struct parse *p, enum piece_kind kind)
{
	struct piece *x = arena_zget(p->arena, sizeof *x);

	x->kind = (uint8_t)kind;
	*p->tail = x;
	p->tail = &x->next;
	if (p->lit.n != 0) {
		char *lead = arena_zget(p->arena, p->lit.n + LEAD_ROOM);

		memcpy(lead, p->lit.p, p->lit.n);
		x->lead = span_of(lead, p->lit.n);
		x->lead_n = p->lit.n > LEAD_ROOM ? LEAD_LONG :
		    (uint8_t)p->lit.n;
		x->merges = *lead == ' ' && p->fmt->merge;
	}
	text_clear(&p->lit);
	return (x);
}

static void
literal(struct parse *p, char c)
{
	if (c == ' ' && p->space && p->use == LOGFMT_LOG)
		return;
	p->space = c == ' ';
	text_addc(&p->lit, c);
}

static bool
bad(struct parse *p, struct span at, const char *what)
{
	struct conf_word w = expr_sub(p->w, at);

	return (conf_err(p->l, &w, "%s", what));
}

/* "(name)" or "(name:type)" */
static bool
take_item_name(struct parse *p)
{
	static const struct { const char *name; uint8_t type; } types[] = {
		{ "bool", SMP_BOOL }, { "int", SMP_INT }, { "sint", SMP_INT },
		{ "str", SMP_STR },
	};
	ptrdiff_t close = span_find(p->rest, ')'), colon;
	struct span name, type;

	if (close < 0)
		return (bad(p, p->rest, "missing ')' after the name of a "
		    "format item"));
	name = span_of(p->rest.p + 1, (size_t)close - 1);
	p->rest = span_skip(p->rest, (size_t)close + 1);
	if ((colon = span_find(name, ':')) >= 0) {
		type = span_skip(name, (size_t)colon + 1);
		name.n = (size_t)colon;
		for (size_t i = 0; i < NELEM(types); i++)
			if (span_is(type, types[i].name))
				p->type = types[i].type;
		if (p->type == SMP_ANY)
			return (bad(p, type, "expected 'bool', 'int' or 'str' "
			    "as the type of a format item"));
	}
	if (name.n != 0)
		p->name = arena_span(p->arena, name);
	return (true);
}

/* "+json" and the like. */
static bool
take_encoding(struct parse *p, struct span part)
{
	if (span_is(part, "+json"))
		p->enc = ENC_JSON;
	else if (span_is(part, "+cbor"))
		p->enc = ENC_CBOR;
	else if (span_is(part, "+bin"))
		p->bin = true;
	else
		return (false);
	return (true);
}

/* Those of a single item; one of a format that is encoded as a whole has its
 * encoding anyway. */
static bool
encode_item(struct parse *p, struct piece *x, struct span at)
{
	if (p->bin) {
		struct conf_word w = expr_sub(p->w, at);

		conf_warn(p->l, &w, "the format flag 'bin' makes no difference "
		    "to one item; '%%{+bin}o' is for all that follow");
	}
	if (p->enc == ENC_TEXT)
		return (true);
	x->kind = x->kind == PIECE_EXPR ? PIECE_CODED_EXPR : PIECE_CODED_VAR;
	x->flags |= (p->enc == ENC_CBOR ? FLAG_CBOR : 0) |
	    (p->fmt->bin ? FLAG_BIN : 0);
	return (true);
}

/* "{+Q,-X}" */
static bool
take_flags(struct parse *p, unsigned *flags)
{
	static const char letters[] = "QXEM";
	struct span whole = p->rest, part;
	ptrdiff_t close = span_find(p->rest, '}');
	const char *l;

	if (close < 0)
		return (bad(p, p->rest, "missing '}' after the flags of a "
		    "format variable"));
	p->rest = span_skip(whole, (size_t)close + 1);
	whole = span_of(whole.p + 1, (size_t)close - 1);
	while (span_cut(&whole, ',', &part)) {
		part = span_trim(part);
		if (part.n == 0 || take_encoding(p, part))
			continue;
		if (part.n == 1 && memchr(letters, *part.p, 4) != NULL) {
			struct conf_word w = expr_sub(p->w, part);

			conf_warn(p->l, &w, "a format flag without '+' or '-' "
			    "changes nothing");
			continue;
		}
		if (part.n < 2 || (*part.p != '+' && *part.p != '-'))
			return (bad(p, part, "expected format flags as "
			    "'+Q,-X'; flags are Q, X, E, M, json, cbor, "
			    "bin"));
		for (size_t i = 1; i < part.n; i++) {
			if ((l = memchr(letters, part.p[i], 4)) == NULL)
				return (bad(p, part, "unknown format flag; "
				    "flags are Q, X, E, M"));
			if (*part.p == '+')
				*flags |= 1u << (l - letters);
			else
				*flags &= ~(1u << (l - letters));
		}
	}
	return (true);
}

static bool
take_expr(struct parse *p, unsigned flags)
{
	struct span in = span_skip(p->rest, 1), rest = in;
	struct expr *e;
	struct piece *x;

	e = expr_parse_rest(p->l, p->w, &rest, NULL);
	if (e == NULL)
		return (false);
	while (rest.n > 0 && *rest.p == ' ')
		rest = span_skip(rest, 1);
	if (rest.n == 0 || *rest.p != ']')
		return (bad(p, rest, "expected ']' after the sample "
		    "expression"));
	if ((e->stages & p->stages) == 0)
		return (bad(p, span_of(in.p, (size_t)(rest.p - in.p)),
		    "sample expression is not available here: what it reads "
		    "does not exist yet, or not any more"));
	x = piece_add(p, PIECE_EXPR);
	x->name = p->name;
	x->type = p->type;
	x->expr = e;
	/* X is for variables alone; the reference quotes samples in log lines
	 * only, in spite of Q */
	x->flags = (uint8_t)(p->use == LOGFMT_LOG ? flags :
	    flags & ~(unsigned)FLAG_Q);
	p->fmt->late |= expr_fetch_of(e)->late;
	if (p->fmt->bin && e->type == SMP_BIN)
		x->flags |= FLAG_BIN;
	x->code = p->use == LOGFMT_RAW || (x->flags & FLAG_BIN) != 0 ?
	    LOGVAR_PLAIN : p->use == LOGFMT_LOG ? LOGVAR_LINE : LOGVAR_FIELD;
	p->rest = span_skip(rest, 1);
	p->space = false;
	return (encode_item(p, x, in));
}

static bool
is_alnum(char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'));
}

/* Variables that say nothing about a stream: for where there is none. */
static bool
needs_no_stream(struct span name)
{
	static const char *const names[] = { "H", "T", "Tl", "Ts", "ms", "pid",
	    "t" };

	for (size_t i = 0; i < NELEM(names); i++)
		if (span_is(name, names[i]))
			return (true);
	return (false);
}

static bool
take_var(struct parse *p, unsigned flags)
{
	struct span name = { p->rest.p, 0 };
	const struct logvar *v;
	struct conf_word at;
	struct piece *x;

	while (name.n < p->rest.n && is_alnum(name.p[name.n]))
		name.n++;
	p->rest = span_skip(p->rest, name.n);
	if (span_is(name, "o")) {
		p->all_flags = flags;
		if (p->enc != ENC_TEXT)
			p->fmt->enc = p->enc;
		p->fmt->bin |= p->bin;
		return (true);
	}
	if ((p->stages & ~(unsigned)SMP_INTERNAL) == 0 &&
	    !needs_no_stream(name))
		return (bad(p, name, "there is no stream here that this format "
		    "variable could tell about"));
	if ((v = expr_logvar_find(name)) == NULL) {
		at = expr_sub(p->w, name);
		conf_err(p->l, &at, "no such format variable '%.*s'",
		    SPAN_FMT(name));
		conf_err_hint(p->l, "write '%%%%' for the character '%%'");
		return (false);
	}
	x = piece_add(p, v->number != NULL ? PIECE_NUMBER : PIECE_VAR);
	x->name = p->name;
	x->type = p->type;
	x->var = v;
	x->flags = (uint8_t)flags;
	if (v->http_only && p->fmt->http_only == NULL)
		p->fmt->http_only = v->name;
	p->fmt->late |= v->late;
	p->space = false;
	return (encode_item(p, x, name));
}

/* What follows a '%'. */
static bool
take_percent(struct parse *p)
{
	unsigned flags = p->all_flags;

	p->rest = span_skip(p->rest, 1);
	if (p->rest.n != 0 && *p->rest.p == '%') {
		p->rest = span_skip(p->rest, 1);
		literal(p, '%');
		return (true);
	}
	p->name = SPAN_NONE;
	p->type = SMP_ANY;
	p->enc = ENC_TEXT;
	p->bin = false;
	if (p->rest.n != 0 && *p->rest.p == '(' && !take_item_name(p))
		return (false);
	if (p->rest.n != 0 && *p->rest.p == '{' && !take_flags(p, &flags))
		return (false);
	if (p->rest.n != 0 && *p->rest.p == '[')
		return (take_expr(p, flags));
	if (p->rest.n == 0 || !is_alnum(*p->rest.p))
		return (bad(p, p->rest, "expected a format variable after "
		    "'%'; write '%%' for that character itself"));
	return (take_var(p, flags));
}

/* As in the reference, such a format in a rule of a frontend has all lines of
 * that frontend wait. */
static void
note_late(const struct parse *p)
{
	struct px *px = p->l->obj;

	if (px != NULL && p->fmt->late && (p->stages & SMP_AT(LOG)) == 0)
		px->late_rules = true;
}

struct logfmt *
logfmt_parse(struct conf_line *l, const struct conf_word *w, struct span text,
    enum logfmt_use use, unsigned stages)
{
	struct parse p = { .l = l, .w = w, .arena = l->conf->arena,
	    .use = use, .stages = stages, .space = true, .rest = text,
	    .all_flags = use == LOGFMT_LOG ? FLAG_M : 0 };
	bool ok = true;

	p.fmt = arena_zget(p.arena, sizeof *p.fmt);
	p.tail = &p.fmt->first;
	p.fmt->merge = use == LOGFMT_LOG;
	text_init(&p.lit);
	while (ok && p.rest.n > 0) {
		if (*p.rest.p == '%')
			ok = take_percent(&p);
		else {
			literal(&p, *p.rest.p);
			p.rest = span_skip(p.rest, 1);
		}
	}
	if (p.lit.n != 0)
		piece_add(&p, PIECE_TEXT);
	text_fini(&p.lit);
	note_late(&p);
	return (ok ? p.fmt : NULL);
}

bool
logfmt_is_late(const struct logfmt *f)
{
	return (f->late);
}

const char *
logfmt_http_only(const struct logfmt *f)
{
	return (f->http_only);
}

bool
logfmt_constant(const struct logfmt *f, struct span *text)
{
	*text = SPAN("");
	if (f->first == NULL)
		return (f->enc == ENC_TEXT);
	*text = f->first->lead;
	return (f->first->kind == PIECE_TEXT && f->first->next == NULL &&
	    f->enc == ENC_TEXT);
}

bool
logfmt_is_plain(const struct logfmt *f)
{
	const struct piece *x = f->first;

	return (x != NULL && x->kind == PIECE_EXPR && x->next == NULL &&
	    x->lead_n == 0 && x->flags == 0 && f->enc == ENC_TEXT && !f->bin);
}

/* ---- running ---- */

/* not printable or '#', '"'; '{', '|', '}'; needs a backslash; ends a line;
 * not in a header field (RFC 9110 5.5) */
#define CODE_HTTP 1
#define CODE_HEADER 2
#define CODE_ESCAPE 4
#define CODE_LINE 8
#define CODE_FIELD 16

static uint8_t
code_of(uint8_t c)
{
	switch (c) {
	case '"':
		return (CODE_HTTP | CODE_ESCAPE);
	case '\\': case ']':
		return (CODE_ESCAPE);
	case '#':
		return (CODE_HTTP);
	case '\0': case '\n': case '\r':
		return (CODE_HTTP | CODE_LINE | CODE_FIELD);
	case '{': case '|': case '}':
		return (CODE_HEADER);
	default:
		return (((c < 32 && c != '\t') || c == 127 ? CODE_FIELD : 0) |
		    (c < 32 || c > 126 ? CODE_HTTP : 0));
	}
}

static uint8_t code_tab[256];

static void
code_init(void)
{
	for (int i = 0; i < 256; i++)
		code_tab[i] = code_of((uint8_t)i);
}

#define ALL(c) (UINT64_C(0x0101010101010101) * (c))

/*
 * None of eight bytes is anything that a line, a target or a header has coded:
 * below ' ', '"', '#', above 'z'. Some that need no code are taken for such,
 * and are looked at one by one.
 */
static inline bool
is_plain(const char *p)
{
	uint64_t x, quote;

	memcpy(&x, p, sizeof x);
	quote = (x & ALL(0xfe)) ^ ALL(0x22);            /* '"' and '#' */
	return (((x | (x + ALL(0x80 - '{')) | (x - ALL(' ')) |
	    (quote - ALL(1))) & ALL(0x80)) == 0);
}

#ifdef __SSE2__
/* The same of sixteen; signed, so that what is above 127 is below ' '. */
static inline bool
is_plain_16(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i out = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(' ')),
	    _mm_cmpgt_epi8(v, _mm_set1_epi8('z')));
	const __m128i mark = _mm_or_si128(
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));

	return (_mm_movemask_epi8(_mm_or_si128(out, mark)) == 0);
}
#endif

static inline size_t
plain_run(struct span s, size_t from, unsigned coded)
{
	size_t i = from;

	if ((coded & CODE_ESCAPE) == 0) {
#ifdef __SSE2__
		while (i + 16 <= s.n && is_plain_16(s.p + i))
			i += 16;
		if (s.n >= 16 && s.n - i < 16 && is_plain_16(s.p + s.n - 16))
			return (s.n);
#endif
		while (i + 8 <= s.n && is_plain(s.p + i))
			i += 8;
		if (s.n >= 8 && s.n - i < 8 && is_plain(s.p + s.n - 8))
			return (s.n);
	}
	while (i < s.n && (code_tab[(uint8_t)s.p[i]] & coded) == 0)
		i++;
	return (i);
}

static const uint8_t hashes[] = { [LOGVAR_PLAIN] = 0,
	[LOGVAR_LINE] = CODE_LINE, [LOGVAR_HTTP] = CODE_HTTP,
	[LOGVAR_HEADER] = CODE_HTTP | CODE_HEADER,
	[LOGVAR_FIELD] = CODE_FIELD };

static void
put_coded(struct logfmt_out *o, struct span s, unsigned flags, unsigned code)
{
	static const char digit[] = "0123456789ABCDEF";
	uint8_t hash = hashes[code];
	uint8_t esc = (flags & FLAG_E) != 0 ? CODE_ESCAPE : 0;

	if (__builtin_expect(code_tab['"'] == 0, 0))
		code_init();
	if ((hash | esc) == 0) {
		logfmt_bytes(o, s.p, s.n);
		return;
	}
	for (size_t i = 0; i < s.n; ) {
		size_t run = plain_run(s, i, hash | esc);
		uint8_t c;

		logfmt_bytes(o, s.p + i, run - i);
		if (run == s.n)
			break;
		c = (uint8_t)s.p[run];
		if ((code_tab[c] & esc) != 0) {
			logfmt_char(o, '\\');
			logfmt_char(o, (char)c);
		} else {
			logfmt_char(o, code == LOGVAR_FIELD ? '%' : '#');
			logfmt_char(o, digit[c >> 4]);
			logfmt_char(o, digit[c & 15]);
		}
		i = run + 1;
	}
}

size_t
logfmt_coded(char *dst, size_t size, struct span s, enum logvar_code code)
{
	struct logfmt_out o = { dst, dst + size };

	put_coded(&o, s, 0, code);
	return ((size_t)(o.at - dst));
}

/* A text with what the flags ask for around and in it. */
static void
put_text(struct logfmt_out *o, struct span s, unsigned flags, unsigned code)
{
	if ((flags & FLAG_Q) != 0) {
		logfmt_char(o, '"');
		if (s.n != 0)
			put_coded(o, s, flags, code);
		logfmt_char(o, '"');
	} else if (s.n != 0 && code == LOGVAR_PLAIN && (flags & FLAG_E) == 0)
		logfmt_bytes(o, s.p, s.n);
	else if (s.n != 0)
		put_coded(o, s, flags, code);
	else if ((flags & FLAG_M) != 0)
		logfmt_char(o, '-');
}

static void
put_expr(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	struct smp s;
	struct span text = SPAN_NONE;

	/* (as a text, bytes would end at the first that is 0) */
	if (expr_eval(x->expr, t, &s) && (((x->flags & FLAG_BIN) != 0 &&
	    s.type == SMP_BIN) || smp_cast(t, &s, SMP_STR)))
		text = s.str;
	put_text(o, text, x->flags, x->code);
}

#define CODED_MOST 3            /* bytes of what was one */

/* Few texts have anything that is coded. */
static struct span
coded_copy(struct arena *a, struct span s, unsigned code)
{
	struct logfmt_out o;
	char *p;

	if (__builtin_expect(code_tab['"'] == 0, 0))
		code_init();
	if (plain_run(s, 0, hashes[code]) == s.n)
		return (arena_span(a, s));
	if ((p = arena_get(a, s.n * CODED_MOST)) == NULL)
		return (SPAN_NONE);
	o = (struct logfmt_out){ p, p + s.n * CODED_MOST };
	put_coded(&o, s, 0, code);
	return (span_of(p, (size_t)(o.at - p)));
}

bool
logfmt_plain(const struct logfmt *f, struct txn *t, struct span *text)
{
	const struct piece *x = f->first;
	struct smp s;
	bool made;

	if (!logfmt_is_plain(f))
		return (false);
	*text = SPAN("");
	if (!expr_eval(x->expr, t, &s))
		return (true);
	made = s.type < SMP_STR;        /* the text of a number, an address */
	if (!smp_cast(t, &s, SMP_STR) || s.str.n == 0)
		return (true);
	*text = made ? s.str : coded_copy(t->arena, s.str, x->code);
	return (true);
}

#define NUMBER_ROOM 24

void
logfmt_number(struct logfmt_out *o, int64_t v, unsigned hex_digits)
{
	char text[32], *p = text + sizeof text;
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	if (hex_digits != 0) {
		left = (uint64_t)v;
		do {
			*--p = "0123456789ABCDEF"[left & 15];
			left >>= 4;
		} while (left != 0 || p > text + sizeof text - hex_digits);
		logfmt_bytes(o, p, (size_t)(text + sizeof text - p));
		return;
	}
	if (v < 0)
		logfmt_char(o, '-');
	if ((size_t)(o->end - o->at) >= sizeof text)
		o->at += num_put(o->at, left);
	else
		logfmt_bytes(o, text, num_put(text, left));
}

/* With the flag Q: a text has quotes around it, and so has what there is not,
 * also of a number; a list without values is nothing. */
static void
put_quoted(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	const struct logvar *v = x->var;
	bool hex = (x->flags & FLAG_X) != 0, quote = v->quoted && !hex;
	char *start = o->at;
	size_t n;

	if (quote)
		logfmt_char(o, '"');
	n = v->put_quoted != NULL ?
	    v->put_quoted(t, o->at, (size_t)(o->end - o->at)) :
	    v->put(t, o->at, (size_t)(o->end - o->at), hex);
	o->at += n;
	if (n == 0) {
		o->at = start;
		if (!v->bare)
			logfmt_bytes(o, "\"\"", 2);
	} else if (quote)
		logfmt_char(o, '"');
}

/* With the flag E: what `put` wrote gets its backslashes. Quotes are either
 * coded or around it. */
static void __attribute__((noinline, cold))
escape_put(struct logfmt_out *o, const char *start)
{
	for (char *p = o->at; p > start; p--)
		if ((p[-1] == '\\' || p[-1] == ']') && o->at < o->end) {
			memmove(p, p - 1, (size_t)(o->at - p) + 1);
			p[-1] = '\\';
			o->at++;
		}
}

static inline void
put_simply(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	const struct logvar *v = x->var;
	size_t n = v->put(t, o->at, (size_t)(o->end - o->at),
	    (x->flags & FLAG_X) != 0);

	o->at += n;
	if (n == 0 && !v->bare && (x->flags & FLAG_M) != 0)
		logfmt_char(o, '-');
}

static void
put_flagged(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	const char *start = o->at;

	if ((x->flags & FLAG_Q) != 0)
		put_quoted(o, x, t);
	else
		put_simply(o, x, t);
	if ((x->flags & FLAG_E) != 0)
		escape_put(o, start);
}

static void
put_var(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	const struct logvar *v = x->var;

	if (v->text != NULL) {
		struct span s = v->text(t);

		if (s.n != 0 || !v->bare || (x->flags & FLAG_Q) != 0)
			put_text(o, s, x->flags, v->code);
		return;
	}
	if (__builtin_expect((x->flags & (FLAG_Q | FLAG_E)) != 0, 0)) {
		put_flagged(o, x, t);
		return;
	}
	put_simply(o, x, t);
}

/* The text before a piece; no space at the beginning, nor behind a piece that
 * wrote nothing if there was one before it, when they are merged. */
static void __attribute__((noinline))
put_long_lead(struct logfmt_out *o, struct span lead, bool skip)
{
	logfmt_bytes(o, lead.p + skip, lead.n - skip);
}

static inline void
put_lead(struct logfmt_out *o, const struct piece *x, const char *start,
    const char *last)
{
	bool skip = x->merges && o->at == last &&
	    (o->at == start || o->at[-1] == ' ');

	if (__builtin_expect(skip || x->lead_n == LEAD_LONG ||
	    o->end - o->at < LEAD_ROOM, 0))
		put_long_lead(o, x->lead, skip);
	else {
		memcpy(o->at, x->lead.p, LEAD_ROOM);
		o->at += x->lead_n;
	}
}

static void __attribute__((noinline))
put_item(struct logfmt_out *o, const struct piece *x, struct txn *t)
{
	if ((x->flags & FLAG_CBOR) != 0)
		logfmt_cbor_value(o, (x->flags & FLAG_BIN) != 0, x, t);
	else
		logfmt_json_value(o, x, t);
}

size_t
logfmt_run(const struct logfmt *f, struct txn *t, char *dst, size_t size)
{
	struct logfmt_out o = { dst, dst + size };
	const char *last = dst;

	if (f->enc != ENC_TEXT) {
		if (f->enc == ENC_JSON)
			logfmt_json(&o, f, t);
		else
			logfmt_cbor(&o, f, t);
		return ((size_t)(o.at - dst));
	}
	for (const struct piece *x = f->first; x != NULL; x = x->next) {
		if (x->lead_n != 0)
			put_lead(&o, x, dst, last);
		last = o.at;            /* where this one begins */
		if (x->kind == PIECE_NUMBER) {
			int64_t v = x->var->number(t);

			/* most numbers of a line have one digit */
			if ((uint64_t)v < 10 && (x->flags & FLAG_X) == 0 &&
			    o.at < o.end)
				*o.at++ = (char)('0' + v);
			else if (v > 0 && (x->flags & FLAG_X) == 0 &&
			    o.end - o.at >= NUMBER_ROOM)
				o.at += num_put(o.at, (uint64_t)v);
			else
				logfmt_number(&o, v, (x->flags & FLAG_X) != 0 ?
				    x->var->hex : 0);
		} else if (x->kind == PIECE_VAR)
			put_var(&o, x, t);
		else if (x->kind == PIECE_EXPR)
			put_expr(&o, x, t);
		else if (x->kind != PIECE_TEXT)
			put_item(&o, x, t);
	}
	return ((size_t)(o.at - dst));
}
