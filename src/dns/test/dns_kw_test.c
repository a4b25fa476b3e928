/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_kw_test - what a resolvers section and server lines may say.
 */
#include <base/test.h>

#include <conf/conf.h>

#include "../dns_kw.c"

static struct arena arena;
static struct diags diags;

/* The first error of loading these lines of a resolvers section and words of
 * a server line; "" when there is none. */
static const char *
load(const char *lines, const char *words)
{
	static char text[2048], said[1024];
	struct conf c = { .arena = &arena, .diags = &diags };

	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	snprintf(text, sizeof text, "defaults\n timeout connect 1s\n timeout "
	    "server 1s\nresolvers dns\n nameserver n 127.0.0.1:53\n%s\n"
	    "backend b\n server s a.test:80 init-addr none %s\n", lines,
	    words);
	said[0] = '\0';
	if (!conf_load_text(&c, "t.cfg", span_str(text)) &&
	    !list_empty(&diags.all))
		snprintf(said, sizeof said, "%s", LIST_ITEM(diags.all.next,
		    struct diag, node)->text);
	return (said);
}

static void
unload(void)
{
	px_model_free(px_model);
	diags_fini(&diags);
	arena_reset(&arena);
}

#ifdef USE_CARES

TEST(settings_are_as_written)
{
	const struct dns_srv_cfg *s;
	const struct dns_sect *d;

	CHECK_STR(load(" hold nx 1s\n hold valid 5\n hold obsolete 2m\n"
	    " timeout resolve 3s\n timeout retry 250ms\n resolve_retries 7\n"
	    " accepted_payload_size 4096\n nameserver t tcp@[::1]:5353\n",
	    "resolvers dns resolve-prefer ipv4 resolve-opts "
	    "allow-dup-ip,ignore-weight resolve-net 10.0.0.0/8,::1"), "");
	d = dns_sect_find("dns");
	CHECK_EQ(d->hold_ms[DNS_NX], 1000);
	CHECK_EQ(d->hold_ms[DNS_VALID], 5);
	CHECK_EQ(d->hold_ms[DNS_OBSOLETE], 120000);
	CHECK_EQ(d->hold_ms[DNS_OTHER], 30000);
	CHECK_EQ(d->resolve_ms, 3000);
	CHECK_EQ(d->retry_ms, 250);
	CHECK_EQ(d->retries, 7);
	CHECK_EQ(d->payload, 4096);
	CHECK_EQ(d->n_ns, 2);
	CHECK(!d->ns->tcp && d->ns->next->tcp);
	CHECK_EQ(d->ns->next->addr.port, 5353);
	s = px_get(&px_find(px_model, SPAN("b"), PX_BE)->servers->slots,
	    &dns_srv_slot);
	CHECK(s->sect == d);
	CHECK(s->v4_first && s->allow_dup && s->ignore_weight);
	CHECK_EQ(s->n_nets, 2);
	unload();
}

TEST(what_is_wrong_is_said)
{
	static const struct { const char *lines, *words, *says; } rows[] = {
		{ " nameserver n 127.0.0.2:53", "", "already, at line 5" },
		{ " nameserver m 127.0.0.2", "", "one port" },
		{ " nameserver m 127.0.0.2:0", "", "port" },
		{ " nameserver m 127.0.0.2:1-3", "", "port" },
		{ " nameserver m *:53", "", "IP address" },
		{ " nameserver m a.test:53", "", "IP address" },
		{ " nameserver m /path", "", "IP address" },
		{ " nameserver m tcp@127.0.0.2:53 maxconn 3", "",
		    "'maxconn'" },
		{ " hold nix 1s", "", "'hold' expects" },
		{ " hold nx 25d", "", "24.8 days" },
		{ " timeout nix 1s", "", "supports 'retry', 'resolve'" },
		{ " timeout retry 0", "", "between 1ms" },
		{ " accepted_payload_size 511", "", "512" },
		{ " accepted_payload_size 65536", "", "65535" },
		{ " resolve_retries x", "", "number" },
		{ "", "resolvers nix", "required resolvers 'nix'" },
		{ "", "resolvers dns resolve-opts nix", "found 'nix'" },
		{ "", "resolvers dns resolve-prefer ipv5", "'ipv6'" },
		{ "", "resolvers dns resolve-net x", "found 'x'" },
		{ "resolvers dns", "", "same name" },
		{ "global\n dns-accept-family ipv5", "", "'ipv5'" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *said = load(rows[i].lines, rows[i].words);

		if (!CHECK(strstr(said, rows[i].says) != NULL))
			printf("  row %zu: expected '%s', found '%s'\n", i,
			    rows[i].says, said);
		unload();
	}
}
#else

TEST(the_words_are_refused_without_c_ares)
{
	CHECK(strstr(load("", ""), "USE_CARES") != NULL);
	unload();
}
#endif
