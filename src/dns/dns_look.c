/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_look - a look-up: all name servers of a section are asked at once, and
 * the first valid answer ends it.
 *
 * Without one, the other type of address is asked for (unless it was silence),
 * then all of it again as often as "resolve_retries" says. What counts of the
 * faults is the last one.
 *
 * Source: configuration manual, 5.3.2.
 */
#include "dns_int.h"

#ifdef USE_CARES
#include <stdlib.h>

#include <base/must.h>

/* One question to all of them. The look-up may be over, or gone, before the
 * last has answered. */
struct dns_round {
	struct dns_look *look;          /* NULL: it does not wait any more */
	unsigned pending;
};

const char *
dns_status_text(enum dns_status s)
{
	static const char *const text[DNS_STATUS_N] = {
		[DNS_VALID] = "No IP for server",
		[DNS_NX] = "DNS NX status",
		[DNS_TIMEOUT] = "DNS timeout status",
		[DNS_REFUSED] = "DNS refused status",
		[DNS_OTHER] = "unspecified DNS error",
		[DNS_OBSOLETE] = "entry removed from SRV record",
	};

	return (text[s]);
}

static void
leave_round(struct dns_look *l)
{
	if (l->round == NULL)
		return;
	l->round->look = NULL;
	l->round = NULL;
}

bool
dns_look_is_on(const struct dns_look *l)
{
	return (l->round != NULL || l->tmr.due_ms != CLOCK_NEVER);
}

void
dns_look_stop(struct dns_look *l)
{
	leave_round(l);
	tmr_stop(&the_loop->wheel, &l->tmr);
}

static void ask_all(struct dns_look *);

static void
begin_type(struct dns_look *l)
{
	unsigned may = dns_glob()->families;

	l->other_type = false;
	l->type = l->srv ? DNS_SRV : may == DNS_V4 ? DNS_A : may == DNS_V6 ?
	    DNS_AAAA : l->v6_first ? DNS_AAAA : DNS_A;
}

/* Silence was waited for already; who is not there says so at once. */
static int64_t
next_ms(const struct dns_look *l)
{
	int64_t now = the_loop->now_ms;

	if (l->status != DNS_TIMEOUT)
		return (now);
	return (l->asked_ms + l->sect->retry_ms > now ?
	    l->asked_ms + l->sect->retry_ms : now);
}

/* No name server had a valid answer. */
static void
fail(struct dns_look *l)
{
	bool switches = !l->srv && !l->other_type &&
	    l->status != DNS_TIMEOUT && dns_glob()->families == (DNS_V4 | DNS_V6);

	leave_round(l);
	if (switches) {
		l->other_type = true;
		l->type = l->type == DNS_A ? DNS_AAAA : DNS_A;
	} else {
		begin_type(l);
		l->tries++;
	}
	if (l->tries < l->sect->retries)
		tmr_arm(&the_loop->wheel, &l->tmr, next_ms(l));
	else
		l->done(l, l->status, NULL, NULL);
}

static void
told(void *arg, struct dns_ns *ns, enum dns_status status,
    const struct dns_answer *a)
{
	struct dns_round *r = arg;
	struct dns_look *l = r->look;
	bool last = --r->pending == 0;

	if (last)
		free(r);
	if (l == NULL) {
		dns_count(ns, DNS_COUNT_OUTDATED);
		return;
	}
	if (last)
		l->round = NULL;
	l->status = status;
	if (status == DNS_VALID) {
		leave_round(l);
		l->done(l, status, ns, a);
	} else if (last)
		fail(l);
}

/* The round has one of its own count, so that it lives until all were asked,
 * whatever they answer at once. */
static void
ask_all(struct dns_look *l)
{
	struct dns_round *r = must_alloc(sizeof *r);
	const struct dns_sect *sect = l->sect;
	char host[DNS_HOST];
	enum dns_type type = l->type;

	*r = (struct dns_round){ l, sect->n_ns + 1 };
	l->round = r;
	l->asked_ms = the_loop->now_ms;
	l->status = DNS_TIMEOUT;
	span_copy(host, sizeof host, span_str(l->host));
	for (struct dns_ns *ns = sect->ns; ns != NULL; ns = ns->next)
		dns_ask(sect, ns, host, type, told, r);
	l = r->look;
	if (--r->pending > 0)
		return;
	free(r);
	if (l != NULL) {
		l->round = NULL;
		fail(l);
	}
}

static void
on_due(struct tmr *t)
{
	ask_all(HOLDER(t, struct dns_look, tmr));
}

void
dns_look_init(struct dns_look *l)
{
	tmr_init(&l->tmr, on_due);
}

void
dns_look_start(struct dns_look *l)
{
	if (dns_look_is_on(l))
		return;
	l->tries = 0;
	begin_type(l);
	ask_all(l);
}
#endif
