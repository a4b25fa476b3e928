/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_act - do-resolve: the address of a name that a request has, in a
 * variable for the rules behind.
 *
 * The worker asks its agent and the stream waits; nothing else does. Should no
 * answer come at all, as the agent died, it goes on after the time that the
 * longest look-up can take.
 *
 * Source: configuration manual 4.2.
 */
#include "dns_int.h"

#include <stdlib.h>

#include <agent/agent.h>
#include <base/must.h>
#include <base/text.h>
#include <expr/vars.h>
#include <rule/rule.h>

#define SLACK_MS 500            /* for the ways to the agent and back */

struct resolve_act {
	struct resolve_act *next;
	const struct expr_var *var;
	const struct expr *expr;
	const char *resolvers;
	struct diag_pos pos;
	const struct dns_sect *sect;    /* of that name; when all is read */
	bool v6_first;
};

/* ---- between worker and agent ---- */

struct question {
	uint64_t token;
	uint32_t sect;                  /* its number */
	uint8_t v6_first, spare[3];
	char host[DNS_HOST];            /* as many bytes as it takes, and 0 */
};

struct reply {
	uint64_t token;
	struct addr ip;                 /* ADDR_NONE: there is none */
	uint32_t spare;
};

static void told(struct span);
static void said(struct agent_worker *, struct span);

AGENT_TOPIC(dns_ask) = { .name = "dns", .told = told, .said = said };

/* ---- in the worker: who waits ---- */

struct wait {                           /* in the stream's arena */
	struct rule_wait wait;
	struct txn *txn;
	uint32_t place;
	bool over;
	struct addr ip;
};

/* A token is a place in this table and how often it was used, so that a late
 * answer finds nobody. */
static struct place { struct wait *wait; uint32_t turn, next_free; } *places;
static uint32_t n_places, free_place;   /* 0: none, else place + 1 */

static void
add_places(void)
{
	uint32_t n = n_places == 0 ? 64 : n_places * 2;
	struct place *p = realloc(places, n * sizeof *p);

	MUST(p != NULL);
	for (uint32_t i = n_places; i < n; i++)
		p[i] = (struct place){ .next_free = i + 1 < n ? i + 2 : 0 };
	free_place = n_places + 1;
	places = p;
	n_places = n;
}

static uint64_t
enter(struct wait *w)
{
	struct place *p;

	if (free_place == 0)
		add_places();
	w->place = free_place - 1;
	p = &places[w->place];
	free_place = p->next_free;
	p->wait = w;
	p->turn++;
	return ((uint64_t)p->turn << 32 | w->place);
}

static void
leave(struct rule_wait *rw)
{
	const struct wait *w = HOLDER(rw, struct wait, wait);
	struct place *p = &places[w->place];

	p->wait = NULL;
	p->next_free = free_place;
	free_place = w->place + 1;
}

static void
told(struct span data)
{
	struct reply r;
	uint32_t no;
	struct wait *w;

	if (data.n != sizeof r)
		return;
	memcpy(&r, data.p, sizeof r);
	no = (uint32_t)r.token;
	if (no >= n_places || places[no].turn != r.token >> 32 ||
	    (w = places[no].wait) == NULL || w->over)
		return;
	w->over = true;
	w->ip = r.ip;
	w->txn->ops->wake(w->txn);
}

/* ---- in the agent ---- */

#ifdef USE_CARES

struct pending {
	pid_t pid;                      /* of the worker */
	uint64_t token;
};

static void
found(void *arg, const struct addr *ip)
{
	struct pending *p = arg;
	struct reply r = { .token = p->token };

	if (ip != NULL)
		r.ip = *ip;
	LIST_EACH(it, &agent_workers) {
		struct agent_worker *w = LIST_ITEM(it, struct agent_worker,
		    node);

		if (w->pid == p->pid)
			agent_tell(w, &AGENT_TOPIC_OF(dns_ask), &r, sizeof r);
	}
	free(p);
}

static void
said(struct agent_worker *w, struct span data)
{
	const struct dns_sect *sect = dns_glob()->sects;
	struct question q = { 0 };
	struct pending *p;

	if (data.n <= offsetof(struct question, host) || data.n > sizeof q)
		return;
	memcpy(&q, data.p, data.n);
	q.host[DNS_HOST - 1] = '\0';
	while (sect != NULL && sect->no != q.sect)
		sect = sect->next;
	if (sect == NULL)
		return;
	p = must_alloc(sizeof *p);
	*p = (struct pending){ w->pid, q.token };
	dns_name_ask(sect, q.host, q.v6_first != 0, found, p);
}
#else
static void
said(struct agent_worker *w, struct span data)
{
	(void)w;
	(void)data;
}
#endif

/* ---- the rule ---- */

static bool
take_host(const struct resolve_act *a, struct txn *t, char host[DNS_HOST])
{
	struct span s = expr_text(a->expr, t);

	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.p == NULL || !dns_host_fits(s))
		return (false);
	span_copy(host, DNS_HOST, s);
	for (char *c = host; *c != '\0'; c++)
		*c = span_lower(*c);
	return (true);
}

/* Both types of address, as often as is asked. */
static int64_t
longest_ms(const struct dns_sect *s)
{
	return (2 * s->retries * s->retry_ms + SLACK_MS);
}

static void
ask(const struct resolve_act *a, struct txn *t, struct rule_run *run)
{
	struct question q = { .sect = a->sect->no, .v6_first = a->v6_first };
	struct wait *w;

	if (!take_host(a, t, q.host) ||
	    (w = arena_zget(t->arena, sizeof *w)) == NULL)
		return;
	w->wait.drop = leave;
	w->txn = t;
	q.token = enter(w);
	run->wait = &w->wait;
	run->paused = true;
	run->until_ms = the_loop->now_ms + longest_ms(a->sect);
	run->wait_ms = longest_ms(a->sect);
	agent_say(&AGENT_TOPIC_OF(dns_ask), &q, offsetof(struct question,
	    host) + strlen(q.host) + 1);
}

static void
set(const struct resolve_act *a, struct txn *t, const struct addr *ip)
{
	struct smp s = { .type = ip->family == ADDR_V4 ? SMP_V4 : SMP_V6,
	    .addr = *ip };

	if (ip->family != ADDR_NONE)
		expr_var_set(a->var, t, 0, &s);
}

static enum rule_verdict
run_resolve(const void *priv, struct txn *t, struct rule_run *run)
{
	const struct resolve_act *a = priv;
	struct wait *w;

	if (!run->paused) {
		ask(a, t, run);
		return (run->paused ? RULE_WAIT : RULE_NEXT);
	}
	w = HOLDER(run->wait, struct wait, wait);
	if (!w->over && the_loop->now_ms < run->until_ms)
		return (RULE_WAIT);
	if (w->over)
		set(a, t, &w->ip);
	leave(run->wait);
	run->wait = NULL;
	run->paused = false;
	return (RULE_NEXT);
}

/* "(txn.ip,dns,ipv4)" of the action's word. */
static bool
take_words(struct conf_line *l, struct resolve_act *a)
{
	const struct conf_word *w = rule_word(l);
	ptrdiff_t open = span_find(w->text, '(');
	struct span in, var, name, family = SPAN("ipv6");
	const char *err;

	if (open < 0 || w->text.p[w->text.n - 1] != ')')
		goto odd;
	in = span_of(w->text.p + open + 1, w->text.n - (size_t)open - 2);
	if (!span_cut(&in, ',', &var) || !span_cut(&in, ',', &name) ||
	    name.n == 0)
		goto odd;
	if (span_cut(&in, ',', &family) && ((!span_is(family, "ipv4") &&
	    !span_is(family, "ipv6")) || in.n > 0))
		goto odd;
	a->v6_first = span_is(family, "ipv6");
	a->resolvers = arena_dup(l->conf->arena, name);
	a->pos = conf_pos(l, w);
	a->var = expr_var_named(var, &err);
	return (a->var != NULL || conf_err(l, w, "'%.*s': %s", SPAN_FMT(var),
	    err));
odd:
	return (conf_err(l, w, "expected 'do-resolve(<variable>,<resolvers>"
	    "[,ipv4|ipv6])', found '%.*s'", SPAN_FMT(w->text)));
}

static bool
parse_resolve(struct conf_line *l, struct px *px, enum rule_set rs,
    void **priv)
{
	struct resolve_act *a = arena_zget(l->conf->arena, sizeof *a);
	const struct conf_word *w;
	struct span text;

	(void)px;
	*priv = a;
#ifndef USE_CARES
	return (conf_err(l, rule_word(l), "'do-resolve' needs c-ares, which "
	    "this program was built without (USE_CARES)"));
#endif
	if (!take_words(l, a))
		return (false);
	w = conf_peek(l);
	if (!conf_want(l, "a sample expression that gives a name", &text) ||
	    (a->expr = expr_parse_words(l, w, text, rule_stages(rs))) == NULL)
		return (false);
	a->next = dns_glob()->acts;
	dns_glob_edit()->acts = a;
	return (smp_may_cast(expr_type(a->expr), SMP_STR) || conf_err(l, w,
	    "expected an expression that gives a name, found one of type %s",
	    smp_type_name(expr_type(a->expr))));
}

static bool
link_acts(struct conf *c)
{
	bool good = true;

	for (struct resolve_act *a = dns_glob()->acts; a != NULL; a = a->next)
		if ((a->sect = dns_sect_find(a->resolvers)) == NULL)
			good = conf_fail(c, DIAG_ALERT, a->pos, "can't find "
			    "the resolvers section '%s' for 'do-resolve'",
			    a->resolvers);
	return (good);
}

CONF_CHECK(dns_acts, 12, link_acts);

ACTION(do_resolve) = {
	.name = "do-resolve", .parens = true,
	.sets = 1u << RULE_TCP_REQ | 1u << RULE_HTTP_REQ,
	.args = "(<variable>,<resolvers>[,ipv4|ipv6]) <expr>",
	.parse = parse_resolve, .run = run_resolve,
	.doc = "Looks up the name that the expression gives, without a port, "
	    "and puts an address of it into the variable; it stays as it was "
	    "when there is none. The request waits, nothing else does. "
	    "An answer counts for `hold valid`. The kind of address named last "
	    "is asked for first (ipv6).",
	.example = "http-request do-resolve(txn.ip,dns,ipv4) hdr(host),host_only",
};
