/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smp_regex - regular expressions (expr/regex.h).
 */
#include <expr/regex.h>

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/must.h>
#include <base/num.h>
#include <conf/conf.h>

void (*smp_regex_gave_up)(const struct diag_pos *, struct span, size_t,
    unsigned);

#ifdef USE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* How much may be tried for one match: some hundredths of a second. */
#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 100000
#define SAY_MS 1000
#define HEAD_MAX 22

struct smp_regex {
	struct smp_regex *next, **at;   /* in the list of all */
	pcre2_code *code;
	bool jit, icase;
	uint8_t head_n;                 /* a text it matches begins by these: */
	char head[HEAD_MAX];
	struct gave_up {                /* at the limit */
		int64_t said_ms;
		unsigned times;         /* since then */
	} *gave_up;
	struct diag_pos pos;
	struct span text;
};

static struct smp_regex *all;           /* they live as long as the program */
static pcre2_match_data *match_data;    /* one process, one thread */
static pcre2_match_context *limits;

/* The end of the class that begins at `i`; 0: not one that we read. */
static size_t
skip_class(struct span re, size_t i)
{
	i++;
	if (i < re.n && re.p[i] == '^')
		i++;
	if (i < re.n && re.p[i] == ']')
		i++;
	for (; i < re.n && re.p[i] != ']'; i++) {
		if (re.p[i] == '[')
			return (0);
		if (re.p[i] == '\\' && ++i < re.n &&
		    strchr("QEc", re.p[i]) != NULL)
			return (0);
	}
	return (i < re.n ? i + 1 : 0);
}

/* Is there no '|' outside of parentheses? False also where we do not know:
 * quoting, comments, and groups that change how the rest is read. */
static bool
is_one_branch(struct span re)
{
	int depth = 0;
	size_t i = 0;

	while (i < re.n) {
		char c = re.p[i], next = i + 1 < re.n ? re.p[i + 1] : '\0';

		if (c == '[') {
			if ((i = skip_class(re, i)) == 0)
				return (false);
			continue;
		}
		if (c == '\\') {
			if (next == '\0' || strchr("QEc", next) != NULL)
				return (false);
			i += 2;
			continue;
		}
		if (c == '(' && (next == '*' || (next == '?' &&
		    (i + 2 >= re.n || strchr(":=!>|", re.p[i + 2]) == NULL))))
			return (false);
		depth += (c == '(') - (c == ')');
		if (c == '|' && depth == 0)
			return (false);
		i++;
	}
	return (true);
}

/*
 * The characters behind a leading '^' that stand for themselves, as far as we
 * can tell: most texts of a long list are refused by them, which costs a tenth
 * of asking PCRE2.
 */
static size_t
literal_head(struct span re, char head[HEAD_MAX])
{
	size_t i = 1, n = 0;

	if (re.n == 0 || *re.p != '^' || !is_one_branch(re))
		return (0);
	while (i < re.n && n < HEAD_MAX) {
		char c = re.p[i];

		if (c == '\\') {
			if (i + 1 >= re.n || isalnum((uint8_t)re.p[i + 1]))
				break;
			c = re.p[++i];
		} else if (c == '\0' || strchr("^$.[](){}|*+?#", c) != NULL)
			break;
		head[n++] = c;
		i++;
	}
	/* it may be repeated, and be there no time */
	if (n > 0 && i < re.n && strchr("*?{", re.p[i]) != NULL)
		n--;
	return (n);
}

static bool
begins(const struct smp_regex *re, struct span s)
{
	struct span head = span_of(re->head, re->head_n);

	if (s.n < head.n)
		return (false);
	s.n = head.n;
	return (re->icase ? span_ieq(s, head) : span_eq(s, head));
}

struct smp_regex *
smp_regex_new(struct span text, bool icase, const char **err)
{
	static char message[256];
	struct smp_regex *re;
	pcre2_code *code;
	PCRE2_SIZE at;
	int no, n;

	code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
	    icase ? PCRE2_CASELESS : 0, &no, &at, NULL);
	if (code == NULL) {
		n = pcre2_get_error_message(no, (PCRE2_UCHAR *)message,
		    sizeof message - 32);
		if (n < 0)
			message[0] = '\0';
		*err = message;
		return (NULL);
	}
	if (match_data == NULL) {
		match_data = pcre2_match_data_create(SMP_REGEX_GROUPS, NULL);
		limits = pcre2_match_context_create(NULL);
		MUST(match_data != NULL && limits != NULL);
		pcre2_set_match_limit(limits, MATCH_LIMIT);
		pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	}
	re = must_alloc(sizeof *re + sizeof *re->gave_up + text.n);
	re->gave_up = memset(re + 1, 0, sizeof *re->gave_up);
	re->text = span_of(memcpy(re->gave_up + 1, text.n == 0 ? "" : text.p,
	    text.n), text.n);
	re->pos = conf_here;
	re->next = all;
	re->at = &all;
	if (all != NULL)
		all->at = &re->next;
	all = re;
	re->code = code;
	re->icase = icase;
	re->head_n = (uint8_t)literal_head(text, re->head);
	re->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
	return (re);
}

void
smp_regex_free(struct smp_regex *re)
{
	if (re == NULL)
		return;
	*re->at = re->next;
	if (re->next != NULL)
		re->next->at = re->at;
	pcre2_code_free(re->code);
	free(re);
}

/* It may happen with each request: said once a second. */
static void __attribute__((noinline))
give_up(const struct smp_regex *re, struct span s)
{
	struct gave_up *g = re->gave_up;
	int64_t now_ms = clock_mono_us() / 1000;

	g->times++;
	if (smp_regex_gave_up == NULL || (g->said_ms != 0 &&
	    now_ms - g->said_ms < SAY_MS))
		return;
	smp_regex_gave_up(&re->pos, re->text, s.n, g->times);
	g->said_ms = now_ms;
	g->times = 0;
}

static int
run(const struct smp_regex *re, struct span s, size_t from)
{
	int n;

	if (s.p == NULL)
		s.p = "";
	if (re->head_n != 0 && from == 0 && !begins(re, s))
		return (PCRE2_ERROR_NOMATCH);
	if (re->jit)
		n = pcre2_jit_match(re->code, (PCRE2_SPTR)s.p, s.n, from, 0,
		    match_data, limits);
	else
		n = pcre2_match(re->code, (PCRE2_SPTR)s.p, s.n, from, 0,
		    match_data, limits);
	if (__builtin_expect(n < PCRE2_ERROR_NOMATCH, 0))
		give_up(re, s);
	return (n);
}

bool
smp_regex_has(const struct smp_regex *re, struct span s)
{
	return (run(re, s, 0) >= 0);
}

bool
smp_regex_groups_at(const struct smp_regex *re, struct span s, size_t from,
    struct span group[SMP_REGEX_GROUPS])
{
	const PCRE2_SIZE *at;
	int n = run(re, s, from);

	if (n < 0)
		return (false);
	if (n == 0)
		n = SMP_REGEX_GROUPS;
	at = pcre2_get_ovector_pointer(match_data);
	for (int i = 0; i < SMP_REGEX_GROUPS; i++)
		group[i] = i < n && at[2 * i] != PCRE2_UNSET ?
		    span_of(s.p + at[2 * i], at[2 * i + 1] - at[2 * i]) :
		    SPAN_NONE;
	return (true);
}

#else

struct smp_regex *
smp_regex_new(struct span text, bool icase, const char **err)
{
	(void)text;
	(void)icase;
	*err = "this program was built without regular expressions "
	    "(USE_PCRE2)";
	return (NULL);
}

void
smp_regex_free(struct smp_regex *re)
{
	free(re);
}

bool
smp_regex_has(const struct smp_regex *re, struct span s)
{
	(void)re;
	(void)s;
	return (false);
}

bool
smp_regex_groups_at(const struct smp_regex *re, struct span s, size_t from,
    struct span group[SMP_REGEX_GROUPS])
{
	(void)from;
	(void)group;
	return (smp_regex_has(re, s));
}
#endif

bool
smp_regex_groups(const struct smp_regex *re, struct span s,
    struct span group[SMP_REGEX_GROUPS])
{
	return (smp_regex_groups_at(re, s, 0, group));
}

size_t
smp_regex_expand(struct span in, const struct span group[SMP_REGEX_GROUPS],
    char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		struct span piece = { in.p + i, 1 };
		char hex;

		if (in.p[i] == '\\' && i + 1 < in.n) {
			char c = in.p[++i];

			piece = span_of(in.p + i, 1);
			if (c >= '0' && c <= '9')
				piece = group[c - '0'];
			else if (c == 'x' && i + 2 < in.n &&
			    num_hexval(in.p[i + 1]) >= 0 &&
			    num_hexval(in.p[i + 2]) >= 0) {
				hex = (char)(num_hexval(in.p[i + 1]) << 4 |
				    num_hexval(in.p[i + 2]));
				i += 2;
				piece = span_of(&hex, 1);
			}
		}
		if (piece.n > size - n)
			return (SIZE_MAX);
		if (piece.n != 0)
			memcpy(dst + n, piece.p, piece.n);
		n += piece.n;
	}
	return (n);
}
