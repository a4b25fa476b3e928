/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_label - labels with SRV records: each record is a server of the
 * backend, taken from those that have this label and no record yet.
 *
 * A record is known by its target and port. It gives the server a port, a
 * weight and a name; the address comes with it or is looked up as any other.
 *
 * Source: configuration manual, 5.2 (resolve-opts) and 5.3; RFC 2782.
 */
#include "dns_int.h"

#ifdef USE_CARES
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <chk/chk.h>
#include <srv/state.h>

struct rec {
	struct list node;
	char *target;
	uint16_t port, weight;
	struct addr ip;                 /* ADDR_NONE: to be looked up */
	int64_t seen_ms;
	struct dns_srv *user;           /* NULL: there are too few servers */
};

struct dns_label {                      /* of servers of one backend */
	unsigned magic;
#define LABEL_MAGIC 0xd25a1abe
	struct list node;
	struct dns_look look;
	const struct be *be;
	char host[DNS_HOST];
	struct dns_srv **user;
	unsigned n_user;
	struct list recs;
	struct tmr tmr;                 /* the next look-up */
	int64_t valid_ms;
};

static struct list labels = LIST_INIT(labels);
static bool open_now;

/* ---- records and servers ---- */

/* 0 to 65535 becomes 0 to 256, and what is not 0 stays so. */
static unsigned
weight_of(uint16_t weight)
{
	return ((weight + 255u) / 256);
}

static void
apply_weight(const struct rec *r)
{
	struct srv *srv = r->user->srv;
	unsigned weight = weight_of(r->weight);
	char text[16];

	if (r->user->cfg->ignore_weight ||
	    atomic_load(&srv->shm->uweight) == weight)
		return;
	snprintf(text, sizeof text, "%u", weight);
	(void)chk_set_weight(srv, span_str(text));
}

static void
apply_port(const struct rec *r)
{
	struct addr a;

	srv_addr(r->user->srv, NULL, &a);
	if (a.port == r->port)
		return;
	a.port = r->port;
	srv_addr_set(r->user->srv, &a);
}

static void
apply(struct rec *r)
{
	struct dns_srv *u = r->user;
	bool named = strcmp(u->shm->fqdn, r->target) == 0;

	apply_port(r);
	apply_weight(r);
	if (!named)
		dns_srv_rename(u, r->target, "SRV record");
	if (r->ip.family == ADDR_NONE) {
		dns_name_join(u, r->target);
		return;
	}
	dns_name_join(u, NULL);
	(void)chk_resolved(u->srv, &r->ip, "DNS additional record",
	    dns_fqdn(u->srv));
}

static void
drop_rec(struct rec *r)
{
	struct dns_srv *u = r->user;

	if (u != NULL) {
		u->taken = false;
		dns_name_join(u, NULL);
		chk_unresolved(u->srv, dns_status_text(DNS_OBSOLETE));
		srv_addr_set(u->srv, &(struct addr){ .family = ADDR_NONE });
		dns_srv_rename(u, "", NULL);
	}
	list_del(&r->node);
	free(r->target);
	free(r);
}

static void
give(struct rec *r, struct dns_srv *u)
{
	r->user = u;
	u->taken = true;
}

/* The server that had this record under another agent, or before. */
static struct dns_srv *
owner_of(const struct dns_label *l, const struct rec *r)
{
	struct addr a;

	for (unsigned i = 0; i < l->n_user; i++) {
		struct dns_srv *u = l->user[i];

		if (u->taken || strcmp(u->shm->fqdn, r->target) != 0)
			continue;
		srv_addr(u->srv, NULL, &a);
		if (a.port == r->port)
			return (u);
	}
	return (NULL);
}

static struct dns_srv *
free_user(const struct dns_label *l)
{
	for (unsigned i = 0; i < l->n_user; i++)
		if (!l->user[i]->taken)
			return (l->user[i]);
	return (NULL);
}

/* A record finds its old server before another one may take it. */
static void
give_out(struct dns_label *l)
{
	struct dns_srv *u;

	LIST_EACH(it, &l->recs) {
		struct rec *r = LIST_ITEM(it, struct rec, node);

		if (r->user == NULL && (u = owner_of(l, r)) != NULL)
			give(r, u);
	}
	LIST_EACH(it, &l->recs) {
		struct rec *r = LIST_ITEM(it, struct rec, node);

		if (r->user == NULL && (u = free_user(l)) != NULL)
			give(r, u);
	}
	LIST_EACH(it, &l->recs) {
		struct rec *r = LIST_ITEM(it, struct rec, node);

		if (r->user != NULL)
			apply(r);
	}
	/* Servers of another agent's records that are gone. */
	for (unsigned i = 0; i < l->n_user; i++)
		if (!l->user[i]->taken) {
			chk_unresolved(l->user[i]->srv,
			    dns_status_text(DNS_OBSOLETE));
			dns_srv_rename(l->user[i], "", NULL);
		}
}

static struct rec *
find_rec(const struct dns_label *l, const struct dns_rec *from)
{
	LIST_EACH(it, (struct list *)(uintptr_t)&l->recs) {
		struct rec *r = LIST_ITEM(it, struct rec, node);

		if (r->port == from->port &&
		    strcmp(r->target, from->target) == 0)
			return (r);
	}
	return (NULL);
}

static void
learn(struct dns_label *l, const struct dns_answer *a)
{
	int64_t now = the_loop->now_ms;

	for (unsigned i = 0; i < a->n; i++) {
		const struct dns_rec *from = &a->rec[i];
		struct rec *r = find_rec(l, from);

		if (r == NULL) {
			r = must_alloc(sizeof *r);
			r->target = span_dup(span_str(from->target));
			r->port = from->port;
			list_push_back(&l->recs, &r->node);
		}
		r->weight = from->weight;
		r->ip = from->ip;
		r->seen_ms = now;
	}
	LIST_EACH(it, &l->recs) {
		struct rec *r = LIST_ITEM(it, struct rec, node);

		if (r->seen_ms != now && now - r->seen_ms >=
		    l->look.sect->hold_ms[DNS_OBSOLETE])
			drop_rec(r);
	}
}

static void
lose(struct dns_label *l, enum dns_status status)
{
	if (the_loop->now_ms - l->valid_ms < l->look.sect->hold_ms[status])
		return;
	LIST_EACH(it, &l->recs)
		drop_rec(LIST_ITEM(it, struct rec, node));
	give_out(l);
}

/* ---- its life ---- */

static void
on_done(struct dns_look *look, enum dns_status status, struct dns_ns *by,
    const struct dns_answer *a)
{
	struct dns_label *l = OBJ(HOLDER(look, struct dns_label, look),
	    struct dns_label, LABEL_MAGIC);

	(void)by;
	if (status == DNS_VALID) {
		l->valid_ms = the_loop->now_ms;
		learn(l, a);
		give_out(l);
	} else
		lose(l, status);
	tmr_arm(&the_loop->wheel, &l->tmr, the_loop->now_ms +
	    look->sect->resolve_ms);
}

static void
on_due(struct tmr *t)
{
	struct dns_label *l = OBJ(HOLDER(t, struct dns_label, tmr),
	    struct dns_label, LABEL_MAGIC);

	if (open_now)
		dns_look_start(&l->look);
}

static struct dns_label *
label_of(const struct dns_srv *u)
{
	struct span host = u->srv->cfg->named->host;
	struct dns_label *l;

	LIST_EACH(it, &labels) {
		l = LIST_ITEM(it, struct dns_label, node);
		if (l->be == u->srv->be && l->look.sect == u->cfg->sect &&
		    span_is(host, l->host))
			return (l);
	}
	l = must_alloc(sizeof *l);
	l->magic = LABEL_MAGIC;
	l->be = u->srv->be;
	span_copy(l->host, sizeof l->host, host);
	l->look = (struct dns_look){ .sect = u->cfg->sect, .host = l->host,
	    .srv = true, .done = on_done };
	dns_look_init(&l->look);
	list_init(&l->recs);
	tmr_init(&l->tmr, on_due);
	l->user = must_alloc(u->srv->be->n * sizeof(struct dns_srv *));
	list_push_back(&labels, &l->node);
	return (l);
}

void
dns_label_join(struct dns_srv *u)
{
	u->label = label_of(u);
	u->label->user[u->label->n_user++] = u;
}

void
dns_label_gates(bool open)
{
	open_now = open;
	LIST_EACH(it, &labels) {
		struct dns_label *l = LIST_ITEM(it, struct dns_label, node);

		l->valid_ms = the_loop->now_ms;
		if (open)
			tmr_arm(&the_loop->wheel, &l->tmr, the_loop->now_ms);
		else {
			dns_look_stop(&l->look);
			tmr_stop(&the_loop->wheel, &l->tmr);
		}
	}
}
#endif
