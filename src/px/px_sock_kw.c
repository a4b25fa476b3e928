/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_sock_kw - tune.sndbuf, tune.rcvbuf, tune.notsent-lowat of clients and
 * servers; tune.maxpollevents.
 *
 * Source: configuration manual 3.2.
 */
#include "px_int.h"

#include <os/loop.h>
#include <px/sock.h>

static struct px_sock_tune tunes[PX_SOCK_SIDES];
bool px_sock_tuned;

const struct px_sock_tune *
px_sock_tune(enum px_sock_side side)
{
	return (&tunes[side]);
}

static bool
parse_size(struct conf_line *l, void *obj)
{
	const struct conf_word *w = conf_peek(l);
	const char *name = l->kw->name;
	struct px_sock_tune *t = &tunes[span_ends(span_str(name),
	    SPAN(".client")) ? PX_SOCK_CLIENT : PX_SOCK_SERVER];
	int *at = strstr(name, "sndbuf") != NULL ? &t->sndbuf :
	    strstr(name, "rcvbuf") != NULL ? &t->rcvbuf : &t->notsent_lowat;
	uint64_t n;

	(void)obj;
	if (!conf_want_size(l, "a size", &n))
		return (false);
	if (n > INT32_MAX)
		return (conf_err(l, w, "'%s' is at most 2g-1", name));
	*at = (int)n;
	px_sock_tuned = true;
	return (conf_end(l));
}

static bool
parse_maxpollevents(struct conf_line *l, void *obj)
{
	int64_t n;

	(void)obj;
	if (!conf_want_int(l, "a number of events", 1, LOOP_BATCH_MAX, &n))
		return (false);
	loop_batch = (int)n;
	return (conf_end(l));
}

#define GLOBAL(ident, word, words, fn, text, line)                           \
	KEYWORD(sock_##ident) = {                                            \
		.name = word, .in = KW_GLOBAL, .args = words, .parse = fn,   \
		.doc = text, .example = line,                                \
	}
#define SIZES(side, whom)                                                    \
	GLOBAL(sndbuf_##side, "tune.sndbuf." #side, "<size>", parse_size,    \
	    "The kernel's buffer for what is sent to " whom ", in place of " \
	    "one that grows with need.", "tune.sndbuf." #side " 64k");       \
	GLOBAL(rcvbuf_##side, "tune.rcvbuf." #side, "<size>", parse_size,    \
	    "The kernel's buffer for what came from " whom ", in place of "  \
	    "one that grows with need.", "tune.rcvbuf." #side " 64k");       \
	GLOBAL(lowat_##side, "tune.notsent-lowat." #side, "<size>",          \
	    parse_size, "So many bytes that were not sent yet may lie in "   \
	    "the kernel's buffers to " whom " before it takes no more.",     \
	    "tune.notsent-lowat." #side " 128k")
SIZES(client, "clients");
SIZES(server, "servers");
GLOBAL(maxpollevents, "tune.maxpollevents", "<n>", parse_maxpollevents,
    "Events that are asked of the kernel at once (256, which is also the "
    "most).", "tune.maxpollevents 100");
