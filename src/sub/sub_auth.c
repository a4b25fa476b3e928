/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sub_auth - auth-request: a service of its own is asked about a request, and
 * the rules behind decide by what it said.
 *
 * The stream waits, nothing else does. Until there is an answer it stays with
 * the worker that asked, and goes on in a new one only then; so nothing of
 * this is handed over but the variables.
 */
#include "sub_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <expr/vars.h>
#include <rule/rule.h>

struct hdr_save {
	struct hdr_save *next;
	struct span name;
	unsigned nth;                   /* from 1 */
	const struct expr_var *var;
};

struct auth_act {
	struct sub_ask ask;
	const struct expr_var *var;     /* of the status */
	struct hdr_save *save;
};

/* ---- the configuration ---- */

/* "x-user", or "set-cookie(2)": the second of them. */
static bool
take_save(struct conf_line *l, struct auth_act *a)
{
	struct hdr_save *h = arena_zget(l->conf->arena, sizeof *h), **at;
	const struct conf_word *w = conf_peek(l);
	struct span name, var, no = SPAN("1");
	ptrdiff_t open;
	const char *err;

	if (!conf_want(l, "a header name", &name))
		return (false);
	if ((open = span_find(name, '(')) > 0 && name.p[name.n - 1] == ')') {
		no = span_of(name.p + open + 1, name.n - (size_t)open - 2);
		name.n = (size_t)open;
	}
	if (!http_is_token(name) || no.n != 1 || *no.p < '1' || *no.p > '9')
		return (conf_err(l, w, "expected a header name, or "
		    "'<name>(<n>)' with a number from 1 to 9, found '%.*s'",
		    SPAN_FMT(w->text)));
	h->name = name;
	h->nth = (unsigned)(*no.p - '0');
	w = conf_peek(l);
	if (!conf_want(l, "a variable", &var))
		return (false);
	if ((h->var = expr_var_named(var, &err)) == NULL)
		return (conf_err(l, w, "'%.*s': %s", SPAN_FMT(var), err));
	for (at = &a->save; *at != NULL; at = &(*at)->next)
		;
	*at = h;
	return (true);
}

static bool
take_var(struct conf_line *l, struct auth_act *a)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	const char *err = "expected 'auth-request(<variable>)'";

	if (open > 0 && w->text.p[w->text.n - 1] == ')')
		a->var = expr_var_named(span_of(w->text.p + open + 1,
		    w->text.n - (size_t)open - 2), &err);
	return (a->var != NULL || conf_err(l, w, "'%.*s': %s",
	    SPAN_FMT(w->text), err));
}

static bool
take_option(struct conf_line *l, struct auth_act *a, enum rule_set set)
{
	bool found;

	if (conf_accept(l, "save"))
		return (take_save(l, a));
	if (!sub_ask_option(l, &a->ask, set, &found))
		return (false);
	return (found || conf_err(l, conf_peek(l), "expected 'method', "
	    "'path', 'hdr', 'save' or 'timeout'"));
}

static bool
parse_auth(struct conf_line *l, struct px *px, enum rule_set set, void **priv)
{
	struct auth_act *a = arena_zget(l->conf->arena, sizeof *a);

	(void)px;
	*priv = a;
	if (!take_var(l, a) || !sub_ask_begin(l, &a->ask))
		return (false);
	while (conf_left(l) > 0 && !conf_next_is(l, "if") &&
	    !conf_next_is(l, "unless"))
		if (!take_option(l, a, set))
			return (false);
	return (true);
}

struct wait {                           /* in the arena of who asks */
	struct sub_wait on;
	const struct auth_act *act;
	uint16_t status;                /* 0: there was no answer */
};

/* ---- the answer ---- */

static struct span
nth_header(const struct http_head *head, const struct hdr_save *h)
{
	enum http_name id = http_name_id(h->name);
	struct http_hdr *at = NULL;

	for (unsigned i = 0; i < h->nth; i++)
		if ((at = http_find(head, id, h->name, at)) == NULL)
			return (SPAN_NONE);
	return (span_of(at->value, at->value_n));
}

static void
answered(void *arg, const struct http_head *head)
{
	struct wait *w = HOLDER(arg, struct wait, on);

	w->status = head->status;
	for (const struct hdr_save *h = w->act->save; h != NULL;
	    h = h->next) {
		struct smp s = { .type = SMP_STR, .str = nth_header(head, h) };

		if (s.str.p != NULL)
			expr_var_set(h->var, w->on.txn, 0, &s);
	}
}

static const struct sub_ops auth_ops = { .answered = answered,
	.over = sub_wait_over };

static void
drop(struct rule_wait *rw)
{
	sub_wait_drop(HOLDER(rw, struct sub_wait, wait));
}

/* ---- the rule ---- */

/* What an earlier request of this stream left must not count for this one. */
static void
forget(const struct auth_act *a, struct txn *t)
{
	for (const struct hdr_save *h = a->save; h != NULL; h = h->next)
		expr_var_unset(h->var, t);
}

static enum rule_verdict
say(const struct auth_act *a, struct txn *t, unsigned status)
{
	struct smp s = { .type = SMP_INT, .num = status };

	expr_var_set(a->var, t, 0, &s);
	return (RULE_NEXT);
}

static enum rule_verdict
begin(const struct auth_act *a, struct txn *t, struct rule_run *run)
{
	struct wait *w = arena_zget(t->arena, sizeof *w);

	forget(a, t);
	if (w == NULL)
		return (say(a, t, 0));
	w->act = a;
	if (!sub_wait_begin(&w->on, &a->ask, t, &auth_ops, drop))
		return (say(a, t, 0));
	return (w->on.sub == NULL ? say(a, t, w->status) :
	    sub_wait_pause(&w->on, run, a->ask.ms));
}

static enum rule_verdict
run_auth(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct auth_act *a = priv;
	struct wait *w;

	if (!run->paused)
		return (begin(a, t, run));
	w = HOLDER(run->wait, struct wait, on.wait);
	if (sub_wait_more(&w->on, run))
		return (RULE_WAIT);
	if (w->on.sub != NULL) {           /* it took too long */
		w->status = 0;
		forget(a, t);
	}
	drop(run->wait);
	run->wait = NULL;
	run->paused = false;
	return (say(a, t, w->status));
}

ACTION(auth_request) = {
	.name = "auth-request", .parens = true, .sets = 1u << RULE_HTTP_REQ,
	.args = "(<variable>) <proxy> [method <method>] [path <fmt>] "
	    "[hdr <name> <fmt>]... [save <header>[(<n>)] <variable>]... "
	    "[timeout <time>]",
	.parse = parse_auth, .run = run_auth,
	.doc = "Sends a request of our own, without a body, to a 'frontend' or "
	    "'listen' section, which needs no 'bind' line for that, and puts "
	    "the status of the answer into the variable, or 0 when there is "
	    "none: the rules behind this one decide what becomes of the request. "
	    "It is a GET with the headers of the request and its path, when "
	    "nothing else is said; <hdr> replaces a header, or removes it by an "
	    "empty value. <save> keeps a header of the answer, the first or the "
	    "n-th of that name, in a variable, which is unset when there is "
	    "none. After the timeout (60s) there is no answer. The request "
	    "waits, nothing else does. A word of this program, which HAProxy "
	    "lacks.",
	.example = "http-request auth-request(txn.auth) login path /check "
	    "save x-user txn.user",
};

static bool
fetch_sub(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->type = SMP_BOOL;
	s->num = sub_is(t);
	return (true);
}

FETCH(sub_request) = {
	.name = "sub_request", .args = "", .out = SMP_BOOL, .run = fetch_sub,
	.stages = SMP_ANYWHERE & ~SMP_AT(CHECK),
	.doc = "True for a request that an 'auth-request' or 'answer-from' rule "
	    "sent. A word of this program, which HAProxy lacks.",
	.example = "http-request set-log-level silent if { sub_request }",
};
