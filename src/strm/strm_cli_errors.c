/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_cli_errors - "show errors": the malformed messages that the workers
 * kept, the newest of each proxy and direction, with the byte that was wrong.
 *
 * Source: management manual 9.3: show errors.
 */
#include "strm_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <base/num.h>
#include <cli/cli.h>
#include <strm/errors.h>

#include <stdlib.h>

#define ASK_MS 1000
#define LINE_COLS 70            /* characters of a message per line */

/* What a worker says about one error; `n` bytes of the message follow. With
 * px_no UINT32_MAX it is only the count of all. */
struct said {
	uint32_t px_no, other_no;       /* UINT32_MAX: none */
	uint32_t srv_id;                /* of the backend; 0: none */
	uint32_t no, n, at, count;
	bool response;
	int64_t wall_us;
	struct addr peer;
};

/* ---- in a worker ---- */

static void
say_error(const struct strm_error *e, void *arg)
{
	struct {
		struct said head;
		char bytes[STRM_ERROR_BYTES];
	} m = { .head = {
		.px_no = e->px->no,
		.other_no = e->other == NULL ? UINT32_MAX : e->other->no,
		.srv_id = e->srv == NULL ? 0 : e->srv->id,
		.no = e->no, .n = e->n, .at = e->at,
		.response = e->response, .wall_us = e->wall_us,
		.peer = e->peer,
	} };

	memcpy(m.bytes, e->bytes, e->n);
	agent_answer(arg, &m, sizeof m.head + e->n);
}

static void
answer_errors(struct agent_answer *a, struct span query)
{
	struct said count = { .px_no = UINT32_MAX,
		.count = strm_errors_count() };

	(void)query;
	agent_answer(a, &count, sizeof count);
	strm_errors_each(say_error, a);
}

AGENT_TOPIC(errors) = { .name = "errors", .asked = answer_errors };

/* ---- in the agent ---- */

struct kept {                           /* an error to show */
	struct said head;
	char *bytes;
};

struct errors {
	struct cli_ctx *x;
	const struct px *only;          /* NULL: all */
	bool no_requests, no_responses;
	uint32_t question, count;
	struct kept *slot;              /* two per proxy */
	uint32_t next;                  /* slot to show */
};

static bool
is_wanted(const struct errors *q, const struct said *h)
{
	return ((q->only == NULL || q->only->no == h->px_no) &&
	    !(h->response ? q->no_responses : q->no_requests));
}

static void
on_piece(struct agent_worker *w, struct span data, void *arg)
{
	struct errors *q = arg;
	struct said h;
	struct kept *k;

	(void)w;
	if (data.n < sizeof h)
		return;
	memcpy(&h, data.p, sizeof h);
	q->count += h.count;
	if (h.px_no >= px_model->n_px || h.n != data.n - sizeof h ||
	    !is_wanted(q, &h))
		return;
	k = &q->slot[h.px_no * 2 + h.response];
	if (k->bytes != NULL && k->head.wall_us > h.wall_us)
		return;
	free(k->bytes);
	k->head = h;
	k->bytes = must_alloc(h.n + 1);
	memcpy(k->bytes, data.p + sizeof h, h.n);
}

static void
on_all(int missing, void *arg)
{
	struct errors *q = arg;

	(void)missing;
	q->question = 0;
	cli_resume(q->x);
}

static void
put_proxy(struct text *out, const char *kind, const struct px *px)
{
	if (px == NULL)
		text_printf(out, "%s <NONE> (#-1)", kind);
	else
		text_printf(out, "%s %s (#%u)", kind, px->name, px->id);
}

static void
put_server(struct text *out, const struct said *h, const struct px *px,
    const struct px *other)
{
	const struct px *be = h->response ? px : other;

	if (be != NULL && h->srv_id != 0)
		PX_EACH_SERVER(sv, be)
			if (sv->id == h->srv_id) {
				text_printf(out, ", server %s (#%u)", sv->name,
				    sv->id);
				return;
			}
	text_addz(out, ", server <NONE> (#-1)");
}

static int
put_byte(struct text *out, unsigned char c)
{
	static const struct { char c; const char *z; } named[] = {
		{ '\t', "\\t" }, { '\n', "\\n" }, { '\r', "\\r" },
		{ '\033', "\\e" }, { '\\', "\\\\" },
	};

	for (size_t i = 0; i < NELEM(named); i++)
		if (named[i].c == (char)c) {
			text_addz(out, named[i].z);
			return (2);
		}
	if (c >= ' ' && c < 0x7f) {
		text_addc(out, (char)c);
		return (1);
	}
	text_printf(out, "\\x%02X", c);
	return (4);
}

/* One line of the message per line, long ones in pieces. */
static void
put_bytes(struct text *out, struct span s)
{
	size_t i = 0;
	bool go_on = false;

	while (i < s.n) {
		int cols = 0;

		text_printf(out, "  %05zu%c ", i, go_on ? '+' : ' ');
		go_on = true;
		while (i < s.n && cols < LINE_COLS) {
			cols += put_byte(out, (unsigned char)s.p[i]);
			if (s.p[i++] == '\n') {
				go_on = false;
				break;
			}
		}
		text_addc(out, '\n');
	}
}

static void
put_error(struct text *out, const struct kept *k)
{
	const struct said *h = &k->head;
	const struct px *px = px_by_no(h->px_no), *other;
	uint32_t size = px_model->global.bufsize;
	char peer[ADDR_TEXT];

	other = h->other_no == UINT32_MAX ? NULL : px_by_no(h->other_no);
	text_addz(out, " \n");
	cli_put_date(out, h->wall_us, 3);
	put_proxy(out, h->response ? " backend" : " frontend", px);
	text_printf(out, ": invalid %s\n",
	    h->response ? "response" : "request");
	put_proxy(out, h->response ? "  frontend" : "  backend", other);
	put_server(out, h, px, other);
	addr_print_port(&h->peer, peer);
	text_printf(out, ", event #%u, src %s\n", h->no, peer);
	text_printf(out, "  buffer starts at 0 (including 0 out), %u free,\n"
	    "  len %u, wraps at %u, error at position %u\n  \n",
	    size > h->n ? size - h->n : 0, h->n, size, h->at);
	put_bytes(out, span_of(k->bytes, h->n));
}

static void
free_errors(struct errors *q)
{
	for (uint32_t i = 0; i < px_model->n_px * 2; i++)
		free(q->slot[i].bytes);
	free(q->slot);
	free(q);
}

/* Proxy and direction from the words; false: that was said. */
static bool
parse(struct cli_ctx *x, struct errors *q)
{
	struct span who = cli_arg(x, x->at);
	uint64_t id;

	if (who.n != 0 && !cli_is(x, x->at, "-1")) {
		q->only = px_find(px_model, who, PX_FE | PX_BE);
		if (q->only == NULL && num_u64(who, &id))
			PX_EACH(px, px_model)
				if (px->id == id)
					q->only = px;
		if (q->only == NULL) {
			cli_say(x, 3, "No such proxy.");
			return (false);
		}
	}
	q->no_responses = cli_is(x, x->at + 1, "request");
	q->no_requests = cli_is(x, x->at + 1, "response");
	return (true);
}

static enum cli_done
ask(struct cli_ctx *x)
{
	struct errors *q = must_alloc(sizeof *q);

	memset(q, 0, sizeof *q);
	q->x = x;
	q->slot = calloc(px_model->n_px + 1, 2 * sizeof *q->slot);
	MUST(q->slot != NULL);
	if (!parse(x, q)) {
		free_errors(q);
		return (CLI_DONE);
	}
	x->priv = q;
	q->question = agent_ask(&AGENT_TOPIC_OF(errors), NULL, 0, ASK_MS,
	    on_piece, on_all, q);
	return (CLI_LATER);
}

static enum cli_done
run_errors(struct cli_ctx *x)
{
	struct errors *q = x->priv;

	if (x->turn == 0)
		return (ask(x));
	if (x->turn == 1) {
		text_addz(x->out, "Total events captured on ");
		cli_put_date(x->out, the_loop->wall_us, 3);
		text_printf(x->out, " : %u\n", q->count);
	}
	while (q->next < px_model->n_px * 2) {
		struct kept *k = &q->slot[q->next++];

		if (k->bytes == NULL)
			continue;
		put_error(x->out, k);
		return (CLI_MORE);
	}
	if (q->count > 0)
		text_addc(x->out, '\n');
	free_errors(q);
	return (CLI_DONE);
}

static void
drop_errors(struct cli_ctx *x)
{
	struct errors *q = x->priv;

	if (q->question != 0)
		agent_ask_drop(q->question);
	free_errors(q);
}

CLI_COMMAND(show_errors) = {
	.name = "show errors", .args = "[<px>] [request|response]",
	.level = PX_LEVEL_OPERATOR, .run = run_errors,
	.dropped = drop_errors,
	.doc = "the last malformed request and response of each proxy",
};
