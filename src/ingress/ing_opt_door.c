/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_opt_door - settings of the ConfigMap about connections of clients: TLS,
 * the heads of their requests, how long they live, where they come in.
 */
#include "ing_opt_int.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <base/b64.h>
#include <base/num.h>
#include <ingress/cert.h>
#include <ingress/store.h>

#define SESSIONS_PER_MIB 4000   /* as nginx says of its cache */
#define HEAD_MAX (1 << 20)

static bool
parse_curves(struct ing_parse *p, struct span v, void *field)
{
	const char *list = arena_dup(p->mem, v);
	SSL_CTX *ctx;
	bool good;

	if (span_is(v, "auto")) {
		*(const char **)field = NULL;
		return (true);
	}
	ctx = SSL_CTX_new(TLS_method());
	good = ctx != NULL;
	for (size_t i = 0; good && i < v.n; i++)
		good = ing_opt_is_word(v.p[i]) ||
		    strchr(":-", v.p[i]) != NULL;
	good = good && SSL_CTX_set1_groups_list(ctx, list) == 1;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	if (good)
		*(const char **)field = list;
	return (good || ing_parse_bad(p, v, "auto, or curves as OpenSSL has "
	    "them, with colons between"));
}

/* Of any namespace: who writes the ConfigMap may read it. */
static bool
parse_dh(struct ing_parse *p, struct span v, void *field)
{
	const struct ing_data *s;
	const struct ing_dh *dh;

	if (span_find(v, '/') <= 0)
		return (ing_parse_bad(p, v, "NAMESPACE/NAME of a Secret"));
	s = ing_opt_data(p, ING_SECRET, arena_dup(p->mem, v));
	if (s == NULL)
		return (false);
	if ((dh = ing_dh_of(s))->why != NULL) {
		snprintf(p->why, sizeof p->why, "Secret '%.80s': %s",
		    s->o.name, dh->why);
		return (false);
	}
	*(const struct ing_data **)field = s;
	return (true);
}

static bool
parse_cache(struct ing_parse *p, struct span v, void *field)
{
	int64_t bytes, n;

	if (!ing_parse_size(p, v, &bytes) || bytes < 1 << 16)
		return (ing_parse_bad(p, v, "a size like 10m"));
	n = bytes / 1024 * SESSIONS_PER_MIB / 1024;
	*(int64_t *)field = n > 10000000 ? 10000000 : n;
	return (true);
}

static bool
parse_record(struct ing_parse *p, struct span v, void *field)
{
	int64_t n;

	if (!ing_parse_size(p, v, &n) || n < 512 || n > 16384)
		return (ing_parse_bad(p, v, "a size from 512 to 16k"));
	*(int64_t *)field = n;
	return (true);
}

/* The whole file of nginx in base64: 48 bytes, or 80 for AES-256. */
static bool
parse_key(struct ing_parse *p, struct span v, void *field)
{
	char key[B64_DECODED(128)];
	size_t n = 0;

	if (v.n > 128 || !b64_get(key, &n, v, B64_STD) ||
	    (n != 48 && n != 80)) {
		snprintf(p->why, sizeof p->why, "expected 48 or 80 bytes in "
		    "base64");
		return (false);
	}
	*(const char **)field = arena_dup(p->mem, v);
	return (true);
}

static bool
parse_head(struct ing_parse *p, struct span v, void *field)
{
	int64_t n;

	if (!ing_parse_size(p, v, &n) || n < 1 || n > HEAD_MAX)
		return (ing_parse_bad(p, v, "a size up to 1m"));
	*(int64_t *)field = n;
	return (true);
}

/* "4 8k": so many buffers, each so large. */
static bool
parse_heads(struct ing_parse *p, struct span v, void *field)
{
	struct span rest = v, number, size;
	uint64_t count;
	int64_t n = 0;

	if (!span_cut(&rest, ' ', &number) || !num_u64(number, &count) ||
	    count < 1 || count > 1024)
		return (ing_parse_bad(p, v, "a number and a size, like 4 8k"));
	size = span_trim(rest);
	if (!ing_parse_size(p, size, &n) || n < 1 ||
	    (int64_t)count * n > HEAD_MAX)
		return (ing_parse_bad(p, v, "a number and a size, like 4 8k, "
		    "of 1m together at most"));
	*(int64_t *)field = (int64_t)count * n;
	return (true);
}

static bool
parse_share(struct ing_parse *p, struct span v, void *field)
{
	return ((ing_parse_bool(p, v, field) && *(int64_t *)field != 0) ||
	    ing_parse_bad(p, v, "true (each worker has a socket of its own, "
	    "which stays through all reloads)"));
}

/* "auto", or a mask of bits for each worker: "0001 0010". What is of use here is
 * which there are, as workers take them in order; there have to be as many of
 * both. */
static bool
parse_cpus(struct ing_parse *p, struct span v, void *field)
{
	struct span mask;
	struct text t;
	uint64_t all = 0;
	int cpus;
	bool good = true;

	if (span_is(v, "auto")) {
		*(const char **)field = "auto:1/all 0-63";
		return (true);
	}
	text_init(&t);
	while (good && span_cut(&v, ' ', &mask)) {
		ptrdiff_t one = span_find(mask, '1');

		if (mask.n == 0)
			continue;
		good = one >= 0 && mask.n <= 64 &&
		    span_find(span_skip(mask, (size_t)one + 1), '1') < 0;
		for (size_t i = 0; good && i < mask.n; i++)
			good = mask.p[i] == '0' || mask.p[i] == '1';
		if (!good)
			break;
		text_printf(&t, " %zu", mask.n - 1 - (size_t)one);
		all |= UINT64_C(1) << (mask.n - 1 - (size_t)one);
	}
	good = good && t.n > 0;
	cpus = __builtin_popcountll(all);
	if (good && cpus == 1)
		*(const char **)field = arena_printf(p->mem, "1/all%s", t.p);
	else if (good)
		*(const char **)field = arena_printf(p->mem, "auto:1/1-%d%s",
		    cpus, t.p);
	text_fini(&t);
	return (good || ing_parse_bad(p, v, "auto, or a mask with one bit "
	    "for each worker"));
}

const struct ing_opt ing_opt_door[] = {
	ING_SETTING("ssl-ecdh-curve", STR, curves, parse_curves, "auto", ""),
	ING_SETTING("ssl-dh-param", PTR, dh_params, parse_dh, NULL, ""),
	ING_SETTING("ssl-session-cache", BOOL, tls_sessions, ing_parse_bool, "true",
	    ""),
	ING_SETTING("ssl-session-cache-size", INT, tls_cache, parse_cache, "10m",
	    "counted in sessions, 4000 for each megabyte"),
	ING_SETTING("ssl-session-timeout", INT, tls_session_s, ing_parse_time, "10m",
	    ""),
	ING_SETTING("ssl-session-tickets", BOOL, tls_tickets, ing_parse_bool, "false",
	    ""),
	ING_SETTING("ssl-session-ticket-key", STR, ticket_keys, parse_key, NULL, ""),
	ING_SETTING("ssl-buffer-size", INT, tls_record_bytes, parse_record, NULL,
	    "of the records an answer begins with; those of a long one are "
	    "longer"),
	ING_SETTING("ssl-reject-handshake", BOOL, strict_sni, ing_parse_bool, "false",
	    ""),
	ING_SETTING("enable-underscores-in-headers", BOOL, underscores,
	    ing_parse_bool, "false", ""),
	ING_SETTING("ignore-invalid-headers", BOOL, clean_names, ing_parse_bool,
	    "true", "names that HTTP does not allow are 400 in any case"),
	ING_SETTING("large-client-header-buffers", INT, head_bytes, parse_heads, NULL,
	    "all of a head, and never less than 16k; a longer one is 431"),
	ING_SETTING("client-header-buffer-size", INT, first_head_bytes, parse_head,
	    NULL, "all of a head, and never less than 16k"),
	ING_SETTING("keep-alive-requests", INT, requests, ing_parse_count, "1000",
	    ""),
	ING_SETTING("proxy-protocol-header-timeout", INT, proxy_header_s,
	    ing_parse_time, "5s", ""),
	{ .configmap = "reuse-port", .kind = ING_O_BOOL, OPT(share_port),
	  .at = ING_AT_PLAN, .parse = parse_share, .doc = "",
	  .lacks = "false" },
	ING_SETTING("disable-ipv6", BOOL, no_ipv6, ing_parse_bool, "false", ""),
	ING_SETTING("worker-cpu-affinity", STR, cpus, parse_cpus, NULL,
	    "workers take the processors that are named in order"),
	{ .key = NULL }
};
