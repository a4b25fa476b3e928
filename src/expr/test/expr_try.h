/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_TRY_H
#define EXPR_TRY_H
/*
 * expr_try - for tests: a configuration line and a stream to evaluate on.
 */
#include <stdio.h>
#include <string.h>

#include <base/buf.h>
#include <conf/conf.h>
#include <expr/expr.h>
#include <px/px.h>

struct try {
	struct arena conf_arena, arena;
	struct diags diags;
	struct conf conf;
	struct px_model *model;
	struct txn txn;
	struct conf_line line;
	char error[512], why[512];      /* the last one, of a whole file */
};

static struct arena try_kept[256];
static unsigned try_n_kept;

static inline void
try_addr(struct txn *t, enum txn_addr which)
{
	struct addr *a = &t->addr[which];

	a->family = ADDR_V4;
	a->ip[0] = which == TXN_SRC ? 10 : 127;
	a->ip[3] = 7;
	a->port = which == TXN_SRC ? 1234 : 80;
}

static inline struct span
try_payload(struct txn *t, bool response)
{
	(void)t;
	return (response ? SPAN("pong") : SPAN("ping"));
}

static const struct txn_ops try_ops = { .want_addr = try_addr,
	.payload = try_payload };

static inline void
try_sink(const struct diag *d, void *arg)
{
	struct try *t = arg;

	snprintf(t->error, sizeof t->error, "%s", d->text);
}

static inline void
try_init(struct try *t)
{
	memset(t, 0, sizeof *t);
	if (buf_size == 0)
		buf_setup(16384);
	arena_init(&t->conf_arena, 0);
	arena_init(&t->arena, 1 << 20);
	diags_init(&t->diags);
	t->diags.sink = try_sink;
	t->diags.sink_arg = t;
	t->conf.arena = &t->conf_arena;
	t->conf.diags = &t->diags;
	t->model = px_model_new(&t->conf_arena);
	conf_load_text(&t->conf, "empty.cfg", SPAN(""));
	t->txn.ops = &try_ops;
	t->txn.arena = &t->arena;
	t->txn.log_level = -1;
	t->txn.is_http = true;
}

/* try_load - a whole configuration. */
static inline bool
try_load(struct try *t, const char *text)
{
	bool ok = conf_load_text(&t->conf, "test.cfg", span_str(text));

	if (!ok)
		snprintf(t->why, sizeof t->why, "%s", t->error);
	return (ok);
}

/* try_line - a line of words, for parse functions. */
static inline struct conf_line *
try_line(struct try *t, const char *text)
{
	struct conf_word *w;
	const char *err;
	int col;

	t->error[0] = '\0';
	t->line = (struct conf_line){ .conf = &t->conf, .file = "test.cfg",
	    .line = 1, .source = span_str(text) };
	t->line.n = conf_split(t->conf.arena, span_str(text), &w, &err, &col);
	t->line.word = w;
	return (&t->line);
}

/* try_request - "GET /path" and headers "name: value", NULL at the end. */
static inline void
try_request(struct try *t, const char *method, const char *target,
    const char *const *headers)
{
	struct http_head *h = http_head_new();

	h->request = true;
	h->major = 1;
	h->minor = 1;
	h->method = span_str(method);
	h->meth = (uint8_t)http_meth_id(h->method);
	h->target = span_str(target);
	for (; headers != NULL && *headers != NULL; headers++) {
		const char *colon = strchr(*headers, ':');

		http_add(h, span_of(*headers, (size_t)(colon - *headers)),
		    span_trim(span_str(colon + 1)));
	}
	if (t->txn.req != NULL)
		http_head_free(t->txn.req);
	t->txn.req = h;
	t->txn.meth = h->meth;
	t->txn.stage = TXN_REQ;
	txn_touch(&t->txn);
}

static inline void
try_fini(struct try *t)
{
	if (t->txn.req != NULL)
		http_head_free(t->txn.req);
	if (t->txn.res != NULL)
		http_head_free(t->txn.res);
	arena_reset(&t->arena);
	diags_fini(&t->diags);
	expr_forget();
	/* a model lives as long as its program: keep it in reach */
	try_kept[try_n_kept++ % 256] = t->conf_arena;
}
#endif
