/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srv_conv - what a name stands for: converters of names of frontends,
 * backends and servers, as variables and maps give them.
 *
 * Source: configuration manual 7.3.1.
 */
#include "srv_int.h"

#include <expr/expr.h>
#include <srv/state.h>

static bool
conv_fe_exists(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = px_find(px_model, s->str, PX_FE) != NULL;
	return (true);
}

static bool
conv_nbsrv(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct px *px = px_find(px_model, s->str, PX_BE);
	const struct be *be = px == NULL ? NULL : be_of(px);

	(void)t;
	(void)arg;
	if (be == NULL)
		return (false);
	s->num = be_usable_count(be);
	return (true);
}

/* "backend/server", or a server of the backend of this stream. */
static const struct srv *
named_server(const struct txn *t, struct span name)
{
	ptrdiff_t slash = span_find(name, '/');
	const struct px *px = slash < 0 ? t->be : px_find(px_model,
	    span_of(name.p, (size_t)slash), PX_BE);
	const struct px_server *cfg;

	if (px == NULL)
		return (NULL);
	cfg = px_server_find(px, slash < 0 ? name :
	    span_skip(name, (size_t)slash + 1));
	return (cfg == NULL ? NULL : srv_of(cfg));
}

static bool
conv_srv_is_up(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct srv *srv = named_server(t, s->str);

	(void)arg;
	if (srv == NULL)
		return (false);
	s->num = srv_is_up(srv);
	return (true);
}

static bool
conv_srv_queue(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct srv *srv = named_server(t, s->str);

	(void)arg;
	if (srv == NULL)
		return (false);
	s->num = atomic_load_explicit(&srv->shm->queued,
	    memory_order_relaxed);
	return (true);
}

CONVERTER(fe_exists) = {
	.name = "fe_exists", .args = "", .in = SMP_STR, .out = SMP_BOOL,
	.run = conv_fe_exists, .live = true,
	.doc = "Whether there is a frontend of that name.",
	.example = { "str(door),fe_exists", "1" },
};
CONVERTER(nbsrv) = {
	.name = "nbsrv", .args = "", .in = SMP_STR, .out = SMP_INT,
	.run = conv_nbsrv, .fresh = true, .live = true,
	.doc = "How many servers can be used of the backend of that name; no "
	    "result when there is none.",
	.example = { "str(app),nbsrv", "1" },
};
CONVERTER(srv_is_up) = {
	.name = "srv_is_up", .args = "", .in = SMP_STR, .out = SMP_BOOL,
	.run = conv_srv_is_up, .fresh = true, .live = true,
	.doc = "Whether the server of that name is up: 'backend/server', or a "
	    "server of the backend that the request goes to. No result when "
	    "there is none.",
	.example = { "str(app/s),srv_is_up", "1" },
};
CONVERTER(srv_queue) = {
	.name = "srv_queue", .args = "", .in = SMP_STR, .out = SMP_INT,
	.run = conv_srv_queue, .fresh = true, .live = true,
	.doc = "How many streams wait for the server of that name, given as for "
	    "srv_is_up().",
	.example = { "str(app/s),srv_queue", "0" },
};
