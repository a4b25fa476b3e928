/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_conn - samples from the connection, the proxies and the process, and
 * constants.
 *
 * Source: configuration manual 7.3.2, 7.3.3.
 */
#include <expr/expr.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/num.h>
#include <base/rand.h>

/* ---- addresses ---- */

static bool
address(struct txn *t, enum txn_addr which, struct smp *s)
{
	const struct addr *a = txn_addr(t, which);

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	s->type = a->family == ADDR_V4 ? SMP_V4 : SMP_V6;
	s->addr = *a;
	return (true);
}

static bool
port(struct txn *t, enum txn_addr which, struct smp *s)
{
	const struct addr *a = txn_addr(t, which);

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return (false);
	s->num = a->port;
	return (true);
}

#define ADDRESS(which, NAME, what)                                           \
static bool                                                                  \
fetch_##which(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	(void)arg;                                                           \
	return (address(t, NAME, s));                                        \
}                                                                            \
static bool                                                                  \
fetch_##which##_port(struct txn *t, const struct arg *arg, struct smp *s)    \
{                                                                            \
	(void)arg;                                                           \
	return (port(t, NAME, s));                                           \
}                                                                            \
FETCH(which) = {                                                             \
	.name = #which, .args = "", .out = SMP_ADDR,                         \
	.stages = SMP_ANYWHERE, .run = fetch_##which,                        \
	.doc = "The address of " what ".",                                   \
	.example = "acl lan " #which " 10.0.0.0/8 fd00::/8",                 \
};                                                                           \
FETCH(which##_port) = {                                                      \
	.name = #which "_port", .args = "", .out = SMP_INT,                  \
	.stages = SMP_ANYWHERE, .run = fetch_##which##_port,                 \
	.doc = "The port of " what ".",                                      \
	.example = "acl known " #which "_port 80 443 8000:8999",             \
}

ADDRESS(src, TXN_SRC, "the client");
ADDRESS(dst, TXN_DST, "this side, which the client connected to");

/* ---- inspection ---- */

static struct span
payload(struct txn *t, bool response)
{
	return (t->ops != NULL && t->ops->payload != NULL ?
	    t->ops->payload(t, response) : SPAN_NONE);
}

/* A head that was read is no bytes any more, but they have come. */
static int64_t
head_bytes(const struct http_head *h)
{
	size_t n = h->method.n + h->target.n;

	for (unsigned i = 0; i < h->n; i++)
		if (h->hdr[i].name != NULL)
			n += h->hdr[i].name_n + h->hdr[i].value_n;
	return ((int64_t)n);
}

static bool
arrived(struct txn *t, bool response, struct smp *s)
{
	const struct http_head *h = response ? t->res : t->req;

	s->num = (int64_t)payload(t, response).n;
	if (t->is_http && h != NULL && t->stage != TXN_CHECK)
		s->num += head_bytes(h);
	s->waits = true;
	return (true);
}

static bool
fetch_req_len(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (arrived(t, false, s));
}

static bool
fetch_res_len(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (arrived(t, true, s));
}

static bool
fetch_wait_end(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	/* only the content rules wait */
	s->num = t->wait_over || (t->stage != TXN_CONTENT &&
	    t->stage != TXN_RES_CONTENT);
	s->waits = !s->num;
	return (true);
}

/* ---- names ---- */

static bool
name(struct smp *s, const char *z)
{
	s->str = span_str(z);
	s->constant = true;
	return (z != NULL);
}

static bool
fetch_fe_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (t->fe != NULL && name(s, t->fe->name));
}

/* While none is chosen, as for what rules of the frontend answer, the frontend
 * is meant, as in %b of log lines. */
static const struct px *
backend(const struct txn *t)
{
	return (t->be != NULL ? t->be : t->fe);
}

static bool
fetch_be_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (backend(t) != NULL && name(s, backend(t)->name));
}

static bool
fetch_srv_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (t->srv != NULL && name(s, t->srv->name));
}

static bool
fetch_so_name(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (t->listen != NULL && name(s, t->listen->bind->name));
}

static bool
fetch_fe_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->fe != NULL ? t->fe->id : 0;
	return (t->fe != NULL);
}

static bool
fetch_be_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = backend(t) != NULL ? backend(t)->id : 0;
	return (backend(t) != NULL);
}

static bool
fetch_srv_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->srv != NULL ? t->srv->id : 0;
	return (t->srv != NULL);
}

static bool
fetch_hostname(struct txn *t, const struct arg *arg, struct smp *s)
{
	static char host[256];

	(void)t;
	(void)arg;
	if (host[0] == '\0' && gethostname(host, sizeof host - 1) != 0)
		return (false);
	return (name(s, host));
}

static bool
fetch_env(struct txn *t, const struct arg *arg, struct smp *s)
{
	const char *v = getenv(arg[0].str.p);

	if (v == NULL)
		return (false);
	s->str = arena_span(t->arena, span_str(v));
	return (s->str.p != NULL);
}

static bool
fetch_nbproc(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = 1;
	return (true);
}

/* ---- time and chance ---- */

static bool
fetch_date(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const int64_t per_s[] = { 1, 1000, 1000000 };
	int64_t us = clock_wall_us();

	(void)t;
	return (!__builtin_add_overflow(us / (1000000 / per_s[arg[1].num]),
	    arg[0].num, &s->num));
}

static bool
fetch_rand(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	s->num = arg[0].type == ARG_INT ? rand_below((uint32_t)arg[0].num) :
	    (uint32_t)rand_u64();
	return (true);
}

/* RFC 9562 4: 16 bytes as hexadecimal digits, in groups. */
static bool
fetch_uuid(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const char digit[] = "0123456789abcdef";
	static const uint8_t place[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21,
	    24, 26, 28, 30, 32, 34 };
	uint64_t a = rand_u64(), b = rand_u64();
	char *p = arena_get(t->arena, 36);

	if (p == NULL)
		return (false);
	if (arg[0].num == 7)            /* begins with the milliseconds */
		a = (uint64_t)(clock_wall_us() / 1000) << 16 | (a & 0xfff);
	a = (a & ~UINT64_C(0xf000)) | (uint64_t)arg[0].num << 12;
	b = (b & UINT64_MAX >> 2) | UINT64_C(1) << 63;
	p[8] = p[13] = p[18] = p[23] = '-';
	for (int i = 0; i < 16; i++) {
		uint8_t v = (uint8_t)((i < 8 ? a : b) >> (56 - i % 8 * 8));

		p[place[i]] = digit[v >> 4];
		p[place[i] + 1] = digit[v & 15];
	}
	s->str = span_of(p, 36);
	return (true);
}

static bool
check_uuid(struct arg *arg, const char **err)
{
	*err = "UUIDs are of version 4 or 7";
	return (arg[0].num == 4 || arg[0].num == 7);
}

/* ---- constants ---- */

static bool
fetch_true(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = 1;
	return (true);
}

static bool
fetch_false(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = 0;
	return (true);
}

static bool
fetch_num(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	s->num = arg[0].num;
	return (true);
}

static bool
fetch_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	s->str = arg[0].str;
	return (true);
}

static bool
fetch_meth(struct txn *t, const struct arg *arg, struct smp *s)
{
	s->meth = http_meth_id(arg[0].str);
	return (fetch_str(t, arg, s));
}

static bool
fetch_net(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct addr_net *net = arg[0].ptr;

	(void)t;
	s->addr = net->addr;
	return (true);
}

static bool
check_v4(struct arg *arg, const char **err)
{
	const struct addr_net *net = arg->ptr;

	*err = "expected an IPv4 address";
	return (net->addr.family == ADDR_V4 && span_find(arg->str, '/') < 0);
}

static bool
check_v6(struct arg *arg, const char **err)
{
	const struct addr_net *net = arg->ptr;

	*err = "expected an IPv6 address";
	return (net->addr.family == ADDR_V6 && span_find(arg->str, '/') < 0);
}

/* bin(): the digits are replaced by the bytes they stand for. */
static bool
check_bin(struct arg *arg, const char **err)
{
	char *b = (char *)(uintptr_t)arg->str.p;        /* ours, just made */

	*err = "expected an even number of hexadecimal digits";
	if (arg->str.n % 2 != 0)
		return (false);
	for (size_t i = 0; i < arg->str.n; i += 2) {
		int hi = num_hexval(b[i]), lo = num_hexval(b[i + 1]);

		if (hi < 0 || lo < 0)
			return (false);
		b[i / 2] = (char)(hi << 4 | lo);
	}
	arg->str.n /= 2;
	return (true);
}

/* ---- rows ---- */

#define OF_BE  (SMP_OF_BACKEND | SMP_FROM_RES | SMP_AT(CHECK))
#define OF_SRV (SMP_AT(SOURCE) | SMP_FROM_RES | SMP_AT(CHECK))
#define OF_FE  (SMP_ANYWHERE & ~SMP_AT(CHECK))

#define ROW(ident, word, args_, type, at, fn, ex, ...)                       \
FETCH(ident) = { .name = word, .args = args_, .out = type, .stages = at,     \
	.run = fn, .example = ex, .doc = __VA_ARGS__ }

ROW(req_len, "req.len", "", SMP_INT, SMP_REQUEST, fetch_req_len,
    "tcp-request content accept if { req.len gt 0 }",
    "How many bytes of the request wait to be looked at.", .waits = true,
    .fresh = true);
ROW(req_len_old, "req_len", "", SMP_INT, SMP_REQUEST, fetch_req_len,
    "tcp-request content accept if { req_len gt 0 }",
    "The old name of req.len.", .waits = true, .fresh = true);
ROW(res_len, "res.len", "", SMP_INT, SMP_RESPONSE | SMP_AT(CHECK), fetch_res_len,
    "tcp-response content accept if { res.len gt 0 }",
    "How many bytes of the response wait to be looked at.", .waits = true,
    .fresh = true);
ROW(wait_end, "wait_end", "", SMP_BOOL, SMP_ANYWHERE | SMP_AT(CLI), fetch_wait_end,
    "tcp-request content accept if WAIT_END",
    "True when the inspection delay is over.", .waits = true, .fresh = true);
ROW(fe_name, "fe_name", "", SMP_STR, OF_FE, fetch_fe_name,
    "http-request set-header X-Door %[fe_name]",
    "The name of the frontend.");
ROW(be_name, "be_name", "", SMP_STR, OF_BE, fetch_be_name,
    "http-response set-header X-Pool %[be_name]",
    "The name of the backend.");
ROW(srv_name, "srv_name", "", SMP_STR, OF_SRV, fetch_srv_name,
    "http-response set-header X-Server %[srv_name]",
    "The name of the server that was chosen.");
ROW(so_name, "so_name", "", SMP_STR, OF_FE, fetch_so_name,
    "acl admin so_name admin", "The name of the bind line.");
ROW(fe_id, "fe_id", "", SMP_INT, OF_FE, fetch_fe_id,
    "acl first fe_id 1", "The number of the frontend.");
ROW(be_id, "be_id", "", SMP_INT, OF_BE, fetch_be_id,
    "acl first be_id 1", "The number of the backend.");
ROW(srv_id, "srv_id", "", SMP_INT, OF_SRV, fetch_srv_id,
    "acl first srv_id 1", "The number of the server that was chosen.");
ROW(hostname, "hostname", "", SMP_STR, SMP_ALWAYS, fetch_hostname,
    "http-response set-header X-Node %[hostname]",
    "The name of this machine.");
ROW(nbproc, "nbproc", "", SMP_INT, SMP_ALWAYS, fetch_nbproc,
    "http-request set-header X-Procs %[nbproc]",
    "Always 1: the workers of a generation are one process to the outside.");
ROW(env, "env", "str name", SMP_STR, SMP_ALWAYS, fetch_env,
    "http-request set-header X-Site %[env(SITE)]",
    "An environment variable, as it was when the configuration was read.",
    .constant = true);
ROW(date, "date", "int offset=0, enum(s|ms|us) unit=s", SMP_INT, SMP_ALWAYS,
    fetch_date, "http-response set-header Expires %[date(3600),http_date]",
    "The time now, in seconds since 1970 or in another unit.",
    .fresh = true);
ROW(rand, "rand", "int range= [1..4294967295]", SMP_INT, SMP_ALWAYS,
    fetch_rand, "http-request deny if { rand(100) lt 5 }",
    "A number by chance, from 0 to below <range>.", .fresh = true);
ROW(uuid, "uuid", "int version=4 [4..7]", SMP_STR, SMP_ALWAYS, fetch_uuid,
    "unique-id-format %[uuid]", "A UUID of version 4, all random, or of 7, "
    "which begins with the time (RFC 9562).", .fresh = true,
    .check = check_uuid);
ROW(always_true, "always_true", "", SMP_BOOL, SMP_ALWAYS, fetch_true,
    "acl any always_true", "True.", .constant = true);
ROW(always_false, "always_false", "", SMP_BOOL, SMP_ALWAYS, fetch_false,
    "acl none always_false", "False.", .constant = true);
ROW(bool, "bool", "bool value", SMP_BOOL, SMP_ALWAYS, fetch_num,
    "acl yes bool(true)", "A constant truth value.", .constant = true);
ROW(int, "int", "int value", SMP_INT, SMP_ALWAYS, fetch_num,
    "acl ten int(10) 10", "A constant number.", .constant = true);
ROW(str, "str", "str text", SMP_STR, SMP_ALWAYS, fetch_str,
    "http-request set-header X-A %[str(a),upper]", "A constant text.",
    .constant = true);
ROW(bin, "bin", "str hex", SMP_BIN, SMP_ALWAYS, fetch_str,
    "acl same bin(6869) -m str hi", "Constant bytes, in hexadecimal.",
    .constant = true, .check = check_bin);
ROW(meth, "meth", "str method", SMP_METH, SMP_ALWAYS, fetch_meth,
    "acl get meth(GET) GET", "A constant method.", .constant = true);
ROW(ipv4, "ipv4", "net address", SMP_V4, SMP_ALWAYS, fetch_net,
    "acl lan ipv4(10.0.0.1) 10.0.0.0/8", "A constant IPv4 address.",
    .constant = true, .check = check_v4);
ROW(ipv6, "ipv6", "net address", SMP_V6, SMP_ALWAYS, fetch_net,
    "acl here ipv6(::1) ::1", "A constant IPv6 address.",
    .constant = true, .check = check_v6);
