/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H
/*
 * expr - samples: typed values fetched from a stream and converted; the
 * conditions made of them (ACLs); log-format strings.
 *
 * Everything is resolved, type-checked and folded when the configuration is
 * read. Evaluation allocates from the stream's arena only and never fails in
 * another way than "there is no sample".
 *
 * Source: configuration manual 7 (ACLs, fetches, converters), 8.2.4 (formats).
 */
#include <stdbool.h>
#include <stdint.h>

#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/txn.h>

enum smp_type {
	SMP_ANY = 0, SMP_BOOL, SMP_INT, SMP_ADDR, SMP_V4, SMP_V6, SMP_STR,
	SMP_BIN, SMP_METH, SMP_NONE
};

struct smp {
	uint8_t type;                   /* enum smp_type */
	bool each;                      /* the caller wants each value of a list
	                                 * in turn, not the usual one */
	/* zero before each evaluation, so next to each other */
	bool constant;                  /* bytes live as long as the program */
	bool more;                      /* call the fetch again for the next */
	bool waits;                     /* more input may change this, or bring
	                                 * it: set by the fetch */
	uint8_t meth;                   /* METH: enum http_meth */
	uint32_t it[3];                 /* where an iterating fetch is */
	union {
		int64_t num;            /* BOOL, INT */
		struct span str;        /* STR, BIN, METH (text) */
		struct addr addr;       /* V4, V6, ADDR */
	};
};

/* An argument of a fetch or converter, as its grammar says. */
enum arg_type { ARG_NONE, ARG_INT, ARG_STR, ARG_TIME, ARG_SIZE, ARG_BOOL,
	ARG_BE, ARG_FE, ARG_SRV, ARG_NET, ARG_ENUM, ARG_TABLE,
	ARG_USERLIST, ARG_VAR };        /* "num": an INT, or a variable */
struct arg {
	uint8_t type;                   /* ARG_NONE: left out */
	int64_t num;                    /* INT, TIME (ms), SIZE, BOOL, ENUM */
	struct span str;
	const void *ptr;                /* resolved object */
};

/*
 * Argument grammar: comma-separated "type name", "=default" makes it
 * optional, "[lo..hi]" bounds a number: "str name, int occ=0 [-10..100]".
 */
struct smp_fetch {
	const char *name;
	const char *args;               /* grammar; "" for none */
	uint8_t out;                    /* enum smp_type */
	uint32_t stages;                /* bit per enum txn_stage where it means
	                                 * something */
	/* false: no sample. A fetch of lists sets out->more when there may be
	 * another value; it is then called again with out->it as it left it
	 * (zeroed for the first call) and out->more set. */
	bool (*run)(struct txn *, const struct arg *, struct smp *out);
	const char *doc, *example;
	uint8_t acl;                    /* enum smp_acl */
	const char *acl_fetch;          /* what the name means in conditions,
	                                 * when it is not this one: "req.hdr" */
	bool acl_only;                  /* a name for conditions alone */
	bool fresh;                     /* differs from call to call: rand() */
	bool steady;                    /* fresh, and yet the same for as long as
	                                 * no rule runs: var() */
	bool constant;                  /* folded when it is parsed: str() */
	bool list;                      /* conditions look at each value */
	bool waits;                     /* may set out->waits; then also fresh */
	bool dotted;                    /* patterns may be versions: "3.1" */
	bool raw;                       /* of bytes that nobody parses: there
	                                 * are none in mode http */
	bool wants_pattern;             /* a condition without is an error */
	bool late;                      /* whole at the end of a stream: a log
	                                 * line that has it waits for that */
	/* may refine arguments after parsing; false with *err, a sentence */
	bool (*check)(struct arg *, const char **err);
	/* the same where it matters on which line it stands; false after
	 * recording the error */
	bool (*setup)(struct conf_line *, const struct conf_word *,
	    struct arg *);
};

/* What a fetch documents for conditions, when they name no -m method. */
enum smp_acl {
	SMP_ACL_TYPED,          /* bool, int, addr by type; text needs -m */
	SMP_ACL_EXACT,          /* text: exact match; bytes: hexadecimal ones;
	                         * numbers: as always */
	SMP_ACL_ALL             /* and NAME_beg _dir _dom _end _len _reg _sub */
};

/* Where things can be fetched: sets of enum txn_stage. */
#define SMP_AT(stage)   (1u << TXN_##stage)
#define SMP_ALWAYS      (~0u)
#define SMP_INTERNAL    (SMP_AT(PARSER) | SMP_AT(CLI))
#define SMP_ANYWHERE    (SMP_ALWAYS & ~SMP_INTERNAL)
/* rules of frontends and of backends; the latter alone */
#define SMP_CONTENT     (SMP_AT(CONTENT) | SMP_AT(BE_CONTENT))
#define SMP_REQ_HEAD    (SMP_AT(REQ) | SMP_AT(BE_REQ))
#define SMP_OF_BACKEND  (SMP_AT(BE_CONTENT) | SMP_AT(BE_REQ) | \
	SMP_AT(BE_REQ_BODY) | SMP_AT(SERVER) | SMP_AT(SOURCE))
#define SMP_REQUEST     (SMP_OF_BACKEND | SMP_AT(REQ) | SMP_AT(REQ_BODY) | \
	SMP_AT(CHOOSE) | SMP_AT(CONTENT))
#define SMP_RESPONSE    (SMP_AT(RES) | SMP_AT(RES_CONTENT))
/* known from the request on, and kept until the line is logged */
#define SMP_FROM_REQ    (SMP_REQUEST | SMP_RESPONSE | SMP_AT(LOG))
#define SMP_FROM_RES    (SMP_RESPONSE | SMP_AT(LOG))

struct smp_conv {
	const char *name;
	const char *args;
	uint8_t in, out;
	bool (*run)(struct txn *, const struct arg *, struct smp *inout);
	const char *doc;
	const char *example[2];         /* input expression, output */
	bool (*check)(struct arg *, const char **err);
	bool fresh;                     /* differs from call to call, also for
	                                 * the same input */
	/* after the arguments were parsed: loads files and the like; false
	 * after recording the error */
	bool (*setup)(struct conf_line *, const struct conf_word *,
	    const struct smp_conv *, struct arg *);
	bool live;                      /* its result may change while the
	                                 * program runs: not folded */
	bool typed;                     /* `run` sets the type; `out` is the
	                                 * one it mostly has */
};

#define FETCH(ident)                                                         \
	static const struct smp_fetch smp_row_##ident;                       \
	static const struct smp_fetch *const smp_ptr_##ident                 \
	    KW_SECTION("kw_fetch") = &smp_row_##ident;                       \
	static const struct smp_fetch smp_row_##ident
#define CONVERTER(ident)                                                     \
	static const struct smp_conv conv_row_##ident;                       \
	static const struct smp_conv *const conv_ptr_##ident                 \
	    KW_SECTION("kw_conv") = &conv_row_##ident;                       \
	static const struct smp_conv conv_row_##ident

struct expr;                            /* compiled: fetch + converters */

/* expr_parse - one sample expression ("hdr(host),lower") in `text`, a slice
 * of the word `w`. NULL after recording the error. */
struct expr *expr_parse(struct conf_line *, const struct conf_word *w,
    struct span text, unsigned stages);

/* expr_parse_words - the same, when the line was read up to that word: more
 * converters may follow in words of their own ("src ipmask(24)"). */
struct expr *expr_parse_words(struct conf_line *, const struct conf_word *w,
    struct span text, unsigned stages);

/* expr_eval - run it; false: no sample. */
bool expr_eval(const struct expr *, struct txn *, struct smp *);

/*
 * expr_more - the next value of a list, after expr_eval() or this left
 * s->more set (also when it returned false: one value had no such form).
 */
bool expr_more(const struct expr *, struct txn *, struct smp *s);

/* expr_text - run it and cast to a string; p NULL: no sample. */
struct span expr_text(const struct expr *, struct txn *);
enum smp_type expr_type(const struct expr *);

/*
 * expr_find_table - the object behind an argument "table", by name; NULL with
 * *why, a sentence. Set by the room that has tables, before the
 * configuration is read.
 */
extern const void *(*expr_find_table)(struct span name, const char **why);

/* Which worker this is, from 0: what threads are elsewhere. */
extern int expr_worker_no;

/* smp_arg_int - the number that a "num" argument is or that its variable has;
 * false when it has none. */
bool smp_arg_int(const struct arg *, struct txn *, int64_t *);

/* smp_may_cast - values of that type can have that form. */
bool smp_may_cast(enum smp_type from, enum smp_type to);
const char *smp_type_name(enum smp_type);

/* smp_cast - change the type; false when the value has no such form. Uses the
 * arena of the txn. */
bool smp_cast_to(struct txn *, struct smp *, enum smp_type);
static inline bool
smp_cast(struct txn *t, struct smp *s, enum smp_type to)
{
	return (s->type == to || to == SMP_ANY || smp_cast_to(t, s, to));
}

/* expr_forget - the arena of all expressions is gone; for tests, which load
 * more than one configuration. */
void expr_forget(void);

/* ---- conditions ---- */

struct cond;                            /* compiled */

/*
 * cond_parse - the rest of the line from "if" or "unless" (consumed here).
 *
 * Named ACLs are those of `px` (and its defaults: none, as HAProxy). Returns
 * false after an error; *out is NULL when the line has no condition left.
 */
bool cond_parse(struct conf_line *, struct px *, unsigned stages,
    struct cond **out);

/*
 * cond_stages - the stages at which the condition can be true; bits as given
 * to cond_parse.
 */
unsigned cond_stages(const struct cond *);

/* cond_known_at - all that it looks at is there at one of those stages. NULL
 * looks at nothing. expr_known_at - the same of an expression. */
bool cond_known_at(const struct cond *, unsigned stages);
bool expr_known_at(const struct expr *, unsigned stages);

/*
 * cond_try - the same while input may still come: COND_WAIT when more of it
 * may make a difference. NULL is true. After txn->wait_over never COND_WAIT.
 */
enum cond_result { COND_FALSE, COND_TRUE, COND_WAIT };
enum cond_result cond_try(const struct cond *, struct txn *);

/* cond_true - NULL is true. */
bool cond_eval(const struct cond *, struct txn *);
static inline bool
cond_true(const struct cond *c, struct txn *t)
{
	return (c == NULL || cond_eval(c, t));
}

/*
 * cond_pivots - tests that a condition needs: unless one of the patterns of
 * such a test matches, the condition is false, and nothing else in it would
 * have been looked at that leaves a trace. So of many conditions with a pivot
 * in common, one look-up finds those that may be true.
 *
 * At most `max` are written to `out`; returns how many.
 */
struct cond_pivot {
	const struct expr *expr;
	const char *match;              /* "str", "beg" or "end" */
	bool icase;
	bool whole;                     /* when it matches the condition is
	                                 * true: there is nothing else */
	int test;                       /* which one it is; -1: of several
	                                 * groups joined by "or" */
	size_t n;                       /* patterns */
};
#define COND_PIVOTS 4
unsigned cond_pivots(const struct cond *, struct cond_pivot *out,
    unsigned max);

/* cond_rest - cond_eval() when the test number `test` is known to be true;
 * -1: none is. */
bool cond_rest(const struct cond *, int test, struct txn *);

/*
 * cond_same_first - both are false unless the same test, their first, is true,
 * and as long as no rule runs that stays so: where it fails for one of them,
 * the other one need not be looked at. cond_first - that test.
 */
bool cond_same_first(const struct cond *, const struct cond *);
bool cond_first(const struct cond *, struct txn *);

/* cond_pivot_same - of two conditions, and so one look-up for both. */
bool cond_pivot_same(const struct cond_pivot *, const struct cond_pivot *);

/* cond_pivot_patterns - the `n` patterns. cond_pivot_watch - *stale is set
 * when they change at run time. */
void cond_pivot_patterns(const struct cond *, const struct cond_pivot *,
    struct span *out);
void cond_pivot_watch(struct arena *, const struct cond *,
    const struct cond_pivot *, bool *stale);

/* expr_same - two compiled expressions that always give the same sample. */
bool expr_same(const struct expr *, const struct expr *);

/* acl_named - the ACL of that name in the section that is read, or one that is
 * predefined; NULL after recording the error. acl_true - whether it holds. */
struct acl;
const struct acl *acl_named(struct conf_line *, const struct conf_word *,
    struct span name);
bool acl_true(const struct acl *, struct txn *);

/*
 * acl_method - the `i`th match method and what it does; acl_predefined - the
 * `i`th ACL that needs no declaration and what it is. For manuals: false
 * behind the last.
 */
bool acl_method(size_t i, const char **name, const char **doc);
bool acl_predefined(size_t i, const char **name, const char **text);

/* ---- log-format ---- */

struct logfmt;

/* LOGFMT_RAW: bytes stay as they are; in a line what would end it is coded, in
 * all others what a header field may not have, as %XX. */
enum logfmt_use { LOGFMT_LOG, LOGFMT_HEADER, LOGFMT_BODY, LOGFMT_NAME,
	LOGFMT_RAW };

/*
 * logfmt_parse - compile a format string: text, %variables, %[expressions],
 * %{flags}. `stages` as for expr_parse. NULL after recording the error.
 */
struct logfmt *logfmt_parse(struct conf_line *, const struct conf_word *w,
    struct span text, enum logfmt_use, unsigned stages);

/* logfmt_run - at most `size` bytes at `dst`, cut there; returns how many. */
size_t logfmt_run(const struct logfmt *, struct txn *, char *dst, size_t);

/* logfmt_constant - true when the text does not depend on the stream. */
bool logfmt_constant(const struct logfmt *, struct span *text);

/* logfmt_plain - the whole text is the value of one expression, coded where
 * the format asks for that: in the arena, or for ever. False: run it. */
bool logfmt_plain(const struct logfmt *, struct txn *, struct span *text);
bool logfmt_is_plain(const struct logfmt *);

/* logfmt_http_only - the first variable that needs mode http, or NULL. */
const char *logfmt_http_only(const struct logfmt *);

/* logfmt_is_late - it tells what is whole only at the end of a stream. */
bool logfmt_is_late(const struct logfmt *);

enum logvar_code {              /* what cannot stand in a line as it is */
	LOGVAR_PLAIN,           /* nothing: our own names */
	LOGVAR_LINE,            /* NUL, CR, LF become #XX */
	LOGVAR_HTTP,            /* not printable, '#', '"' become #XX */
	LOGVAR_HEADER,          /* and '{', '|', '}' */
	LOGVAR_FIELD            /* what no header field has becomes %XX */
};

/* logfmt_coded - a text with what cannot stand there coded, at most `size`
 * bytes at `dst`; returns how many. */
size_t logfmt_coded(char *dst, size_t size, struct span, enum logvar_code);

/* A %variable: rows of room log (and others). It has one of `text`, `put`,
 * `number`. */
struct logvar {
	const char *name;               /* "ci" */
	bool http_only;
	bool late;                      /* whole at the end of a stream */
	/* the value, quoted and encoded by the caller; p NULL: there is none */
	struct span (*text)(struct txn *);
	uint8_t code;                   /* enum logvar_code */
	bool bare;                      /* nothing, not '-', without a value; the
	                                 * space behind it goes, too */
	/* write at most `size` bytes at out; returns how many, 0: no value.
	 * `hex`: the flag X was given */
	size_t (*put)(struct txn *, char *out, size_t size, bool hex);
	/* or a number, as it mostly is: -1 is a value, too */
	int64_t (*number)(struct txn *);
	uint8_t hex;                    /* digits of `number` with the flag X,
	                                 * at least; 0: X makes no difference */
	bool quoted;                    /* what `put` wrote is quoted by Q */
	/* or it is several values, and this writes each in quotes */
	size_t (*put_quoted)(struct txn *, char *out, size_t size);
	const char *doc;
};
#define LOGVAR(ident)                                                        \
	static const struct logvar logvar_row_##ident;                       \
	static const struct logvar *const logvar_ptr_##ident                 \
	    KW_SECTION("kw_logvar") = &logvar_row_##ident;                   \
	static const struct logvar logvar_row_##ident
#endif
