/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_live - servers that are added to a configuration that is in use.
 *
 * Source: management manual 9.3 "add server", which lists the words that such
 * a server may have.
 */
#include "px_int.h"

#include <base/must.h>
#include <px/live.h>

#include <stdlib.h>

extern const struct px_live_check *const __start_px_live_checks[]
    __attribute__((weak));
extern const struct px_live_check *const __stop_px_live_checks[]
    __attribute__((weak));

#define CHECKS_MAX 32

static const char *const accepted[] = {
	"addr", "agent-addr", "agent-check", "agent-inter", "agent-port",
	"agent-send", "alpn", "backup", "ca-file", "check", "check-alpn",
	"check-proto", "check-send-proxy", "check-sni", "check-ssl",
	"check-via-socks4", "ciphers", "ciphersuites", "crl-file", "crt",
	"disabled", "downinter", "enabled", "error-limit", "fall",
	"fastinter", "force-sslv3", "force-tlsv10", "force-tlsv11",
	"force-tlsv12", "force-tlsv13", "id", "inter", "maxconn", "maxqueue",
	"minconn", "no-ssl-reuse", "no-sslv3", "no-tls-tickets", "no-tlsv10",
	"no-tlsv11", "no-tlsv12", "no-tlsv13", "observe", "on-error",
	"on-marked-down", "on-marked-up", "pool-conn-name", "pool-low-conn",
	"pool-max-conn", "pool-purge-delay", "port", "proto",
	"proxy-v2-options", "rise", "send-proxy", "send-proxy-v2",
	"send-proxy-v2-ssl", "send-proxy-v2-ssl-cn", "slowstart", "sni",
	"source", "ssl", "ssl-max-ver", "ssl-min-ver", "strict-maxconn",
	"tcp-ut", "tfo", "tls-tickets", "track", "usesrc", "verify",
	"verifyhost", "weight", "ws"
};

static bool
may_have(const struct kw *kw)
{
	for (size_t i = 0; i < NELEM(accepted); i++)
		if (span_is(span_str(kw->name), accepted[i]))
			return (true);
	return (false);
}

static int
by_rank(const void *a, const void *b)
{
	const struct px_live_check *const *x = a, *const *y = b;

	return (((*x)->rank > (*y)->rank) - ((*x)->rank < (*y)->rank));
}

static bool
run_checks(struct conf *c, struct px_server *sv)
{
	const struct px_live_check *v[CHECKS_MAX];
	size_t n = 0;

	for (const struct px_live_check *const *p = __start_px_live_checks;
	    p < __stop_px_live_checks; p++) {
		MUST(n < CHECKS_MAX);
		v[n++] = *p;
	}
	qsort(v, n, sizeof v[0], by_rank);
	for (size_t i = 0; i < n; i++)
		if (!v[i]->run(c, sv))
			return (false);
	return (true);
}

/* The words of a session, as those of a line. */
static struct conf_word *
words_of(struct arena *a, const struct span *word, int n)
{
	struct conf_word *w = arena_zget(a, (size_t)(n + 1) * sizeof *w);

	for (int i = 0; i < n; i++) {
		w[i].text = arena_span(a, word[i]);
		w[i].col = 1;
		w[i].width = (int)word[i].n;
	}
	return (w);
}

struct px_server *
px_live_parse(struct px *px, struct span name, const struct span *word, int n,
    struct diags *diags)
{
	struct conf conf = { .arena = px_model->arena, .diags = diags,
		.live = may_have };
	struct conf_line l = { .conf = &conf, .file = "cli", .line = 1, .n = n };
	struct px_server *sv;

	l.word = words_of(conf.arena, word, n);
	sv = px_server_bare(px, px_text(name));
	sv->pos = (struct diag_pos){ .file = l.file, .line = 1 };
	sv->live = true;
	if (n < 1) {
		conf_err(&l, NULL, "'server' expects <name> and "
		    "<addr>[:<port>] as arguments");
		return (NULL);
	}
	l.at = 1;
	if (!px_server_addr(&l, &l.word[0], sv) ||
	    !kw_words(&l, KW_SERVER, sv) || !run_checks(&conf, sv))
		return (NULL);
	sv->id_given = sv->id != 0;
	return (sv);
}

const struct px_server *
px_live_id_owner(const struct px *px, uint32_t id)
{
	PX_EACH_SERVER(sv, px)
		if (sv->id == id)
			return (sv);
	return (NULL);
}

uint32_t
px_live_id(const struct px *px)
{
	/* One of the first so many is free. */
	uint32_t id = 1, end = px->n_servers + 1;
	bool *taken = must_alloc((size_t)end + 1);

	PX_EACH_SERVER(sv, px)
		if (sv->id <= end)
			taken[sv->id] = true;
	while (taken[id])
		id++;
	free(taken);
	return (id);
}

void
px_live_join(struct px_server *sv)
{
	px_server_list(sv);
}

void
px_live_part(struct px_server *sv)
{
	struct px *px = sv->px;
	struct px_server **at = &px->servers, *before = NULL;

	for (; *at != NULL && *at != sv; at = &(*at)->next)
		before = *at;
	MUST(*at == sv);
	*at = sv->next;
	if (px->servers_last == sv)
		px->servers_last = before;
	px->n_servers--;
	if (px->hashed)
		px_hash_drop(px_model->server_names,
		    px_server_hash(px, span_str(sv->name)), sv);
}
