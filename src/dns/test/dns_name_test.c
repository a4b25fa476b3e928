/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name_test - how the addresses of a name are dealt out to its servers.
 */
#include <base/test.h>

#include "../dns_int.h"

#ifdef USE_CARES
#include <chk/chk.h>
#include <srv/state.h>

static unsigned
fake_resolved(struct srv *srv, const struct addr *ip, const char *by,
    struct span name)
{
	(void)by;
	(void)name;
	srv_addr_set(srv, ip);
	atomic_fetch_and(&srv->shm->admin, ~(uint32_t)SRV_RMAINT);
	return (CHK_MOVED);
}

static void
fake_unresolved(struct srv *srv, const char *why)
{
	(void)why;
	srv_addr_set(srv, NULL);
	atomic_fetch_or(&srv->shm->admin, SRV_RMAINT);
}

#define chk_resolved fake_resolved
#define chk_unresolved fake_unresolved
#include "../dns_name.c"
#undef chk_resolved
#undef chk_unresolved

#define SERVERS 4

static struct loop loop;
static struct be backends[2];
static struct srv srv[SERVERS];
static struct srv_shm shm[SERVERS];
static struct px_server cfg[SERVERS];
static struct dns_srv_cfg usual;
static struct dns_sect sect = { .name = "dns" };
static struct dns_srv user[SERVERS];
static struct dns_name *name;

static void
begin(unsigned n)
{
	the_loop = &loop;
	tmr_wheel_init(&loop.wheel, loop.now_ms);
	memset(user, 0, sizeof user);
	memset(shm, 0, sizeof shm);
	usual = (struct dns_srv_cfg){ .sect = &sect };
	for (unsigned i = 0; i < n; i++) {
		srv[i] = (struct srv){ .magic = SRV_MAGIC,
		    .be = &backends[0], .cfg = &cfg[i], .shm = &shm[i] };
		shm[i].admin = SRV_RMAINT;
		user[i] = (struct dns_srv){ .srv = &srv[i], .cfg = &usual };
		list_init(&user[i].node);
		dns_name_join(&user[i], "a.test");
	}
	name = user[0].name;
}

static void
end(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		dns_name_join(&user[i], NULL);
	free_name(name);
}

/* A valid answer: addresses 10.0.0.x, a digit each. */
static void
answer(const char *digits)
{
	struct dns_rec rec[16];
	struct dns_answer a = { .rec = rec };

	for (; *digits != '\0'; digits++)
		rec[a.n++].ip = (struct addr){ .family = ADDR_V4,
		    .ip = { 10, 0, 0, (uint8_t)(*digits - '0') } };
	loop.now_ms++;
	learn(name, &a);
	(void)give_out(name, "dns/n1");
}

/* The last digits of all servers, '-' for one in maintenance. */
static const char *
dealt(unsigned n)
{
	static char text[SERVERS + 1];
	struct addr a;

	for (unsigned i = 0; i < n; i++) {
		srv_addr(&srv[i], NULL, &a);
		text[i] = shm[i].admin & SRV_RMAINT ? '-' :
		    (char)('0' + a.ip[3]);
	}
	text[n] = '\0';
	return (text);
}

TEST(each_has_its_own_and_keeps_it)
{
	begin(3);
	answer("12");
	CHECK_STR(dealt(3), "12-");
	answer("213");
	CHECK_STR(dealt(3), "123");
	answer("32");
	CHECK_STR(dealt(3), "-23");
	answer("4325");
	CHECK_STR(dealt(3), "423");
	end(3);
}

TEST(what_people_set_lasts_until_the_answer_changes)
{
	struct addr a = { .family = ADDR_V4, .ip = { 10, 0, 0, 9 } };

	begin(2);
	answer("12");
	srv_addr_set(&srv[0], &a);
	answer("21");
	CHECK_STR(dealt(2), "92");
	answer("213");
	CHECK_STR(dealt(2), "12");
	end(2);
}

TEST(allow_dup_ip_shares_only_what_it_must)
{
	begin(3);
	usual.allow_dup = true;
	answer("1");
	CHECK_STR(dealt(3), "111");
	answer("12");
	CHECK_EQ(strspn(dealt(3), "12"), 3);
	CHECK(strchr(dealt(3), '2') != NULL);
	end(3);
}

TEST(networks_are_preferred)
{
	begin(2);
	usual.n_nets = 1;
	CHECK(addr_net_parse(SPAN("10.0.0.4/30"), &usual.net[0]));
	answer("1");
	CHECK_STR(dealt(2), "1-");
	answer("125");
	CHECK_STR(dealt(2), "51");
	end(2);
}

TEST(backends_do_not_share_out)
{
	begin(3);
	srv[1].be = &backends[1];
	answer("1");
	CHECK_STR(dealt(3), "11-");
	end(3);
}

TEST(an_address_is_obsolete_after_a_while)
{
	begin(1);
	sect.hold_ms[DNS_OBSOLETE] = 10;
	answer("1");
	answer("2");
	CHECK_STR(dealt(1), "1");
	CHECK_EQ(name->n_ip, 2);
	loop.now_ms += 10;
	answer("2");
	CHECK_STR(dealt(1), "2");
	CHECK_EQ(name->n_ip, 1);
	sect.hold_ms[DNS_OBSOLETE] = 0;
	end(1);
}

static unsigned n_told, n_found;

static void
told(void *arg, const struct addr *ip)
{
	(void)arg;
	n_told++;
	n_found += ip != NULL;
}

static void
ask(const char *host)
{
	dns_name_ask(&sect, host, true, told, NULL);
}

TEST(names_that_nobody_waits_for_make_room)
{
	static const struct dns_rec rec = { .ip = { .family = ADDR_V4 } };
	struct dns_answer a = { .rec = (struct dns_rec *)(uintptr_t)&rec,
	    .n = 1 };
	struct dns_name *old, *new;

	begin(1);
	sect.hold_ms[DNS_VALID] = 1000;
	names_max = 3;
	old = name_of(&sect, "b.test", true, false);
	learn(old, &a);
	rest(old);
	new = name_of(&sect, "c.test", true, false);
	learn(new, &a);
	rest(new);
	CHECK_EQ(n_names, 3);
	ask("b.test");                  /* known, so at once */
	CHECK_EQ(n_found, 1);
	CHECK(name_of(&sect, "d.test", true, false) != NULL);
	CHECK_EQ(n_names, 3);           /* b.test went, a.test has a server */
	CHECK(name_of(&sect, "c.test", true, false) == new);
	CHECK(list_linked(&name->users));
	loop.now_ms += 1001;
	CHECK(!is_fresh(new));
	tmr_wheel_turn(&loop.wheel, loop.now_ms);
	CHECK_EQ(n_names, 2);           /* c.test is forgotten */
	free_name(name_of(&sect, "d.test", true, false));
	names_max = 65536;
	end(1);
}

TEST(a_fault_counts_after_its_hold)
{
	begin(1);
	sect.hold_ms[DNS_NX] = 50;
	answer("1");
	lose(name, DNS_NX);
	CHECK_STR(dealt(1), "1");
	loop.now_ms += 50;
	lose(name, DNS_NX);
	CHECK_STR(dealt(1), "-");
	answer("1");
	CHECK_STR(dealt(1), "1");
	end(1);
}
#else
TEST(there_is_nothing_without_c_ares)
{
	CHECK(true);
}
#endif
