/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_tcpka - when TCP's own probes are sent, on connections that want them
 * (option clitcpka, srvtcpka).
 */
#include "px_int.h"

#include <base/must.h>
#include <os/sock.h>

struct tcpka {                          /* 0: as the system has it */
	int idle_s, intvl_s, cnt;
};
struct tcpka_cfg {
	struct tcpka cli, srv;
};
static PX_SLOT(PX_OBJ_PROXY, struct tcpka_cfg, px_tcpka_slot, NULL);

void
px_tcpka_apply(const struct px *px, bool client, int fd)
{
	const struct tcpka_cfg *c = px_get(&px->slots, &px_tcpka_slot);
	const struct tcpka *k = client ? &c->cli : &c->srv;

	(void)sock_set_keepalive(fd, k->idle_s, k->intvl_s, k->cnt);
}

static struct tcpka *
cfg_of(void *obj, bool client)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct tcpka_cfg *c = px_edit(&px->slots, &px_tcpka_slot);

	return (client ? &c->cli : &c->srv);
}

/* What the kernel takes: 1 to 32767 seconds. */
static bool
want_s(struct conf_line *l, int *out)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a time", "s", &ms))
		return (false);
	if (ms <= 0 || ms > INT64_C(32767) * 1000)
		return (conf_err(l, w, "expected a time between 1s and "
		    "32767s"));
	*out = (int)((ms + 999) / 1000);
	return (conf_end(l));
}

static bool
want_cnt(struct conf_line *l, int *out)
{
	int64_t n;

	if (!conf_want_int(l, "a number of probes", 1, 127, &n))
		return (false);
	*out = (int)n;
	return (conf_end(l));
}

#define WORDS(side, client, where, whom)                                     \
static bool                                                                  \
parse_##side##_cnt(struct conf_line *l, void *obj)                           \
{                                                                            \
	return (want_cnt(l, &cfg_of(obj, client)->cnt));                     \
}                                                                            \
static bool                                                                  \
parse_##side##_idle(struct conf_line *l, void *obj)                          \
{                                                                            \
	return (want_s(l, &cfg_of(obj, client)->idle_s));                    \
}                                                                            \
static bool                                                                  \
parse_##side##_intvl(struct conf_line *l, void *obj)                         \
{                                                                            \
	return (want_s(l, &cfg_of(obj, client)->intvl_s));                   \
}                                                                            \
KEYWORD(side##tcpka_cnt) = {                                                 \
	.name = #side "tcpka-cnt", .in = (where), .args = "<count>",         \
	.parse = parse_##side##_cnt,                                         \
	.doc = "With `option " #side "tcpka`: so many TCP probes without an "\
	    "answer end a connection to " whom " (as the system has it).",   \
};                                                                           \
KEYWORD(side##tcpka_idle) = {                                                \
	.name = #side "tcpka-idle", .in = (where), .args = "<time>",         \
	.parse = parse_##side##_idle,                                        \
	.doc = "With `option " #side "tcpka`: TCP probes begin when a "      \
	    "connection to " whom " has been idle for so long, in seconds "  \
	    "without a unit (as the system has it).",                        \
};                                                                           \
KEYWORD(side##tcpka_intvl) = {                                               \
	.name = #side "tcpka-intvl", .in = (where), .args = "<time>",        \
	.parse = parse_##side##_intvl,                                       \
	.doc = "With `option " #side "tcpka`: time between two TCP probes "  \
	    "of a connection to " whom ", in seconds without a unit (as the "\
	    "system has it).",                                               \
}
WORDS(cli, true, KW_DEFAULTS | KW_FRONTEND, "a client");
WORDS(srv, false, KW_DEFAULTS | KW_BACKEND, "a server");
