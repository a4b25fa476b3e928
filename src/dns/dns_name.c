/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name - names and their addresses. One name is looked up once, however
 * many servers and rules ask for it; its servers get the addresses dealt out.
 *
 * A name with servers is looked up again every "timeout resolve". One that
 * only rules ask for is looked up when its answer is older than "hold valid",
 * and forgotten when nobody asked for so long.
 *
 * Source: configuration manual, 5.2 and 5.3.
 */
#include "dns_int.h"

#ifdef USE_CARES
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/rand.h>
#include <chk/chk.h>
#include <log/log.h>

#define BUCKETS 4096

struct ip {
	struct addr addr;               /* port 0 */
	int64_t seen_ms;
	/* while addresses are dealt out in one backend: */
	const struct be *be;
	const struct dns_srv *owner;
};

struct dns_name {
	unsigned magic;
#define NAME_MAGIC 0xd25a3e01
	struct list node;               /* in its bucket */
	struct list idle_node;          /* in `idle`: nobody waits for it */
	struct dns_look look;
	char host[DNS_HOST];
	struct list users;              /* struct dns_srv.node */
	struct list askers;             /* struct asker.node */
	struct tmr tmr;                 /* the next look-up, or its end */
	int64_t valid_ms;               /* of the last valid answer, or start */
	uint32_t version;               /* of the addresses; 0: none yet */
	unsigned n_ip, turn;
	struct ip *ip;
};

struct asker {
	struct list node;
	dns_found_fn *told;
	void *arg;
};

static struct list *buckets;
static uint64_t seed;
/* Hosts in requests are the clients' choice: of more names than that, those go
 * first which nobody asked for the longest. */
static unsigned n_names, names_max = 65536;
static struct list idle = LIST_INIT(idle);
static bool open_now;
static uint32_t pass;

/* ---- which server gets which address ---- */

static bool
same_ip(const struct addr *a, const struct addr *b)
{
	return (a->family == b->family && memcmp(a->ip, b->ip,
	    a->family == ADDR_V6 ? 16 : 4) == 0);
}

static struct ip *
find_ip(const struct dns_name *nm, const struct addr *addr)
{
	for (unsigned i = 0; i < nm->n_ip; i++)
		if (same_ip(&nm->ip[i].addr, addr))
			return (&nm->ip[i]);
	return (NULL);
}

static struct ip *
ip_now(const struct dns_name *nm, const struct dns_srv *u)
{
	struct addr now;

	if ((atomic_load(&u->srv->shm->admin) & SRV_RMAINT) != 0)
		return (NULL);
	srv_addr(u->srv, NULL, &now);
	return (find_ip(nm, &now));
}

/* Servers of SRV records differ by their ports. */
static bool
may_share(const struct dns_srv *u)
{
	return (u->cfg->allow_dup || u->label != NULL);
}

static bool
is_near(const struct dns_srv_cfg *cfg, const struct addr *ip)
{
	for (unsigned i = 0; i < cfg->n_nets; i++)
		if (addr_net_has(&cfg->net[i], ip))
			return (true);
	return (false);
}

static bool
is_taken(const struct dns_srv *u, const struct ip *ip)
{
	return (ip->be == u->srv->be && ip->owner != u);
}

/* The preferred networks first, then one that nobody has, then its own. */
static struct ip *
choose(const struct dns_name *nm, const struct dns_srv *u)
{
	const struct ip *mine = ip_now(nm, u);
	struct ip *best = NULL;
	int best_score = -1;

	for (unsigned k = 0; k < nm->n_ip; k++) {
		struct ip *ip = &nm->ip[k];
		bool taken = is_taken(u, ip);
		int score = (is_near(u->cfg, &ip->addr) ? 4 : 0) +
		    (taken ? 0 : 2) + (ip == mine ? 1 : 0);

		if ((taken && !may_share(u)) || score <= best_score)
			continue;
		best = ip;
		best_score = score;
	}
	return (best);
}

static void
own(struct ip *ip, const struct dns_srv *u)
{
	ip->be = u->srv->be;
	ip->owner = u;
}

static void
disown(struct ip *ip, const struct dns_srv *u)
{
	if (ip != NULL && ip->owner == u)
		ip->be = NULL;
}

/* Returns whether it moved. */
static bool
give_one(struct dns_name *nm, struct dns_srv *u, const char *by)
{
	struct ip *ip = choose(nm, u);
	unsigned came;

	if (ip == NULL) {
		chk_unresolved(u->srv, dns_status_text(DNS_VALID));
		return (false);
	}
	disown(ip_now(nm, u), u);
	own(ip, u);
	came = chk_resolved(u->srv, &ip->addr, by, dns_fqdn(u->srv));
	if (came & CHK_CAME_BACK)
		log_event(u->srv->be->px, LOG_L_NOTICE, "Server %s/%s "
		    "administratively READY thanks to valid DNS answer.",
		    u->srv->be->px->name, u->srv->cfg->name);
	u->version = nm->version;
	return ((came & CHK_MOVED) != 0);
}

/* Those of one backend; of two that have the same address, the first keeps
 * it. What `set server addr` said lasts until the answer is another one. */
static bool
give_be(struct dns_name *nm, const struct be *be, const char *by)
{
	bool any = false;

	LIST_EACH(it, &nm->users) {
		struct dns_srv *u = LIST_ITEM(it, struct dns_srv, node);
		struct ip *ip = u->srv->be == be ? ip_now(nm, u) : NULL;

		if (ip != NULL && !is_taken(u, ip))
			own(ip, u);
	}
	LIST_EACH(it, &nm->users) {
		struct dns_srv *u = LIST_ITEM(it, struct dns_srv, node);

		if (u->srv->be != be)
			continue;
		u->pass = pass;
		if (u->version == nm->version)
			continue;
		any |= give_one(nm, u, by);
	}
	return (any);
}

/* Returns whether a server moved. */
static bool
give_out(struct dns_name *nm, const char *by)
{
	bool any = false;

	pass++;
	LIST_EACH(it, &nm->users) {
		const struct dns_srv *u = LIST_ITEM(it, struct dns_srv, node);

		if (u->pass != pass)
			any |= give_be(nm, u->srv->be, by);
	}
	for (unsigned i = 0; i < nm->n_ip; i++)
		nm->ip[i].be = NULL;
	return (any);
}

/* ---- what an answer says ---- */

static void
see(struct dns_name *nm, const struct addr *addr, bool *changed)
{
	struct ip *ip = find_ip(nm, addr);

	if (ip == NULL) {
		if (nm->n_ip % 8 == 0) {
			ip = realloc(nm->ip, (nm->n_ip + 8u) * sizeof *ip);
			MUST(ip != NULL);
			nm->ip = ip;
		}
		ip = &nm->ip[nm->n_ip++];
		*ip = (struct ip){ .addr = *addr };
		*changed = true;
	}
	ip->seen_ms = the_loop->now_ms;
}

/* An answer need not have all of them: one that is missing is believed in for
 * "hold obsolete". */
static void
learn(struct dns_name *nm, const struct dns_answer *a)
{
	int64_t now = the_loop->now_ms;
	bool changed = nm->version == 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < a->n; i++)
		see(nm, &a->rec[i].ip, &changed);
	for (unsigned i = 0; i < nm->n_ip; i++)
		if (nm->ip[i].seen_ms == now || now - nm->ip[i].seen_ms <
		    nm->look.sect->hold_ms[DNS_OBSOLETE])
			nm->ip[kept++] = nm->ip[i];
	changed |= kept != nm->n_ip;
	nm->n_ip = kept;
	nm->valid_ms = now;
	if (changed && ++nm->version == 0)
		nm->version = 1;
}

static const struct addr *
next_ip(struct dns_name *nm)
{
	return (nm->n_ip == 0 ? NULL : &nm->ip[nm->turn++ % nm->n_ip].addr);
}

static void
tell_askers(struct dns_name *nm, bool found)
{
	struct list *node;

	while ((node = list_pop_front(&nm->askers)) != NULL) {
		struct asker *a = LIST_ITEM(node, struct asker, node);

		a->told(a->arg, found ? next_ip(nm) : NULL);
		free(a);
	}
}

static void
lose(struct dns_name *nm, enum dns_status status)
{
	if (the_loop->now_ms - nm->valid_ms <
	    nm->look.sect->hold_ms[status])
		return;
	nm->n_ip = 0;
	nm->version = 0;
	LIST_EACH(it, &nm->users) {
		struct dns_srv *u = LIST_ITEM(it, struct dns_srv, node);

		u->version = 0;
		chk_unresolved(u->srv, dns_status_text(status));
	}
}

/* ---- its life ---- */

static bool
has_users(const struct dns_name *nm)
{
	return (open_now && !list_empty(&nm->users));
}

/* Without servers, what it knows is kept as long as it is good. */
static void
rest(struct dns_name *nm)
{
	const struct dns_sect *s = nm->look.sect;
	int64_t ms = has_users(nm) ? s->resolve_ms : nm->n_ip > 0 ?
	    s->hold_ms[DNS_VALID] + 1 : 0;

	if (list_empty(&nm->users)) {
		list_del(&nm->idle_node);
		list_push_back(&idle, &nm->idle_node);
	}
	tmr_arm(&the_loop->wheel, &nm->tmr, the_loop->now_ms + ms);
}

static void
on_done(struct dns_look *l, enum dns_status status, struct dns_ns *by,
    const struct dns_answer *a)
{
	struct dns_name *nm = OBJ(HOLDER(l, struct dns_name, look),
	    struct dns_name, NAME_MAGIC);
	char said[2 * DNS_HOST];

	if (status == DNS_VALID) {
		learn(nm, a);
		snprintf(said, sizeof said, "%s/%s", l->sect->name, by->name);
		if (has_users(nm) && give_out(nm, said))
			dns_count(by, DNS_COUNT_UPDATE);
	} else if (has_users(nm))
		lose(nm, status);
	tell_askers(nm, status == DNS_VALID);
	rest(nm);
}

static void
free_name(struct dns_name *nm)
{
	dns_look_stop(&nm->look);
	tmr_stop(&the_loop->wheel, &nm->tmr);
	list_del(&nm->node);
	list_del(&nm->idle_node);
	n_names--;
	free(nm->ip);
	nm->magic = 0;
	free(nm);
}

static void
on_due(struct tmr *t)
{
	struct dns_name *nm = OBJ(HOLDER(t, struct dns_name, tmr),
	    struct dns_name, NAME_MAGIC);

	if (has_users(nm))
		dns_look_start(&nm->look);
	else if (list_empty(&nm->users) && list_empty(&nm->askers))
		free_name(nm);
}

static struct dns_name *
new_name(const struct dns_sect *sect, const char *host, bool v6_first,
    struct list *bucket)
{
	struct dns_name *nm = must_alloc(sizeof *nm);

	nm->magic = NAME_MAGIC;
	span_copy(nm->host, sizeof nm->host, span_str(host));
	nm->look = (struct dns_look){ .sect = sect, .host = nm->host,
	    .v6_first = v6_first, .done = on_done };
	dns_look_init(&nm->look);
	list_init(&nm->idle_node);
	list_init(&nm->users);
	list_init(&nm->askers);
	tmr_init(&nm->tmr, on_due);
	nm->valid_ms = the_loop->now_ms;
	list_push_front(bucket, &nm->node);
	n_names++;
	return (nm);
}

static void
make_buckets(void)
{
	if (buckets != NULL)
		return;
	buckets = must_alloc(BUCKETS * sizeof *buckets);
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&buckets[i]);
	seed = rand_u64();
}

static bool
make_room(void)
{
	struct list *node = list_first(&idle);

	if (node == NULL)
		return (false);
	free_name(LIST_ITEM(node, struct dns_name, idle_node));
	return (true);
}

static struct dns_name *
name_of(const struct dns_sect *sect, const char *host, bool v6_first,
    bool is_config)
{
	struct list *bucket;

	make_buckets();
	bucket = &buckets[span_hash_seed(span_str(host), seed) % BUCKETS];
	LIST_EACH(it, bucket) {
		struct dns_name *nm = LIST_ITEM(it, struct dns_name, node);

		if (nm->look.sect == sect && nm->look.v6_first == v6_first &&
		    strcmp(nm->host, host) == 0)
			return (nm);
	}
	if (n_names >= names_max && !is_config && !make_room())
		return (NULL);
	return (new_name(sect, host, v6_first, bucket));
}

/* ---- servers ---- */

void
dns_name_join(struct dns_srv *u, const char *host)
{
	struct dns_name *was = u->name;

	u->name = host == NULL ? NULL : name_of(u->cfg->sect, host,
	    !u->cfg->v4_first, true);
	if (was == u->name)
		return;
	if (was != NULL) {
		list_del(&u->node);
		/* Others may have its address now. */
		was->version += was->version != 0;
		if (list_empty(&was->users))
			rest(was);
	}
	if (u->name == NULL)
		return;
	u->version = 0;
	list_del(&u->name->idle_node);
	list_push_back(&u->name->users, &u->node);
	if (open_now)
		tmr_arm(&the_loop->wheel, &u->name->tmr, the_loop->now_ms);
}

static bool
is_fresh(const struct dns_name *nm)
{
	return (nm->n_ip > 0 && the_loop->now_ms - nm->valid_ms <=
	    nm->look.sect->hold_ms[DNS_VALID]);
}

void
dns_name_hurry(struct dns_name *nm)
{
	if (has_users(nm) && !is_fresh(nm))
		dns_look_start(&nm->look);
}

/* The first look-ups are spread a little: ten per millisecond. */
void
dns_name_gates(bool open)
{
	int64_t now = the_loop->now_ms;
	unsigned n = 0;

	open_now = open;
	if (buckets == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_EACH(it, &buckets[i]) {
			struct dns_name *nm = LIST_ITEM(it, struct dns_name,
			    node);

			if (list_empty(&nm->users))
				continue;
			nm->valid_ms = now;
			if (open)
				tmr_arm(&the_loop->wheel, &nm->tmr,
				    now + n++ / 10);
			else if (list_empty(&nm->askers))
				dns_look_stop(&nm->look);
		}
}

/* ---- rules ---- */

void
dns_name_ask(const struct dns_sect *sect, const char *host, bool v6_first,
    dns_found_fn *told, void *arg)
{
	struct dns_name *nm = name_of(sect, host, v6_first, false);
	struct asker *a;

	if (nm == NULL || is_fresh(nm)) {
		told(arg, nm == NULL ? NULL : next_ip(nm));
		return;
	}
	a = must_alloc(sizeof *a);
	a->told = told;
	a->arg = arg;
	list_push_back(&nm->askers, &a->node);
	list_del(&nm->idle_node);
	dns_look_start(&nm->look);
}
#endif
