/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_agent_kw - words of server lines about agents.
 */
#include "chk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <px/live.h>

static struct chk_srv_cfg *
cfg_of(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &chk_srv_slot));
}

static bool
parse_check(struct conf_line *l, void *obj)
{
	cfg_of(obj)->agent = !l->no;
	return (true);
}

static bool
parse_no_check(struct conf_line *l, void *obj)
{
	(void)l;
	cfg_of(obj)->agent = false;
	return (true);
}

static bool
parse_addr(struct conf_line *l, void *obj)
{
	struct chk_srv_cfg *cfg;
	struct addr to;

	if (!conf_want_ip(l, "agent-addr", false, &to))
		return (false);
	cfg = cfg_of(obj);
	cfg->agent_addr = to;
	cfg->agent_addr.port = 0;       /* agent-port says it */
	cfg->has_agent_addr = true;
	return (true);
}

static bool
parse_port(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a port", 1, 65535, &n))
		return (false);
	cfg_of(obj)->agent_port = (uint16_t)n;
	return (true);
}

static bool
parse_inter(struct conf_line *l, void *obj)
{
	return (chk_want_interval(l, &cfg_of(obj)->agent_inter_ms));
}

static bool
parse_send(struct conf_line *l, void *obj)
{
	return (conf_want(l, "what to send", &cfg_of(obj)->agent_send));
}

/* An agent is never where the server is. */
static bool
check_port(struct conf *conf, struct px_server *sv)
{
	const struct chk_srv_cfg *cfg = px_get(&sv->slots, &chk_srv_slot);

	return (!cfg->agent || cfg->agent_port != 0 || conf_fail(conf,
	    DIAG_ALERT, sv->pos, "server '%s' does not have agent port: "
	    "'agent-check' needs 'agent-port <port>'", sv->name));
}
PX_SERVER_CHECK(chk_agent_port, 30, &chk_srv_slot, check_port);

#define SERVER_WORD(ident, word, bits, words, fn, text)                      \
	KEYWORD(chk_agent_##ident) = {                                       \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
SERVER_WORD(check, "agent-check", KW_NO, "", parse_check,
    "Ask a program beside the server, at agent-port, how it fares. It answers "
    "with a line of words: `75%` sets the weight to so much of what is "
    "configured, `maxconn:30` the limit; `ready`, `drain` and `maint` the "
    "administrative state; `down`, `fail` or `stopped`, with a reason behind "
    "a `#`, take the server down, `up` back up if its checks agree. What the "
    "line does not name stays as it is, and so does all when there is no "
    "answer.");
SERVER_WORD(no_check, "no-agent-check", 0, "", parse_no_check,
    "Ask no agent, whatever default-server says.");
SERVER_WORD(addr, "agent-addr", 0, "<address>", parse_addr,
    "Where the agent is, if not at the server's address.");
SERVER_WORD(port, "agent-port", 0, "<port>", parse_port,
    "The agent's port.");
SERVER_WORD(inter, "agent-inter", 0, "<time>", parse_inter,
    "Time between two questions to the agent (2s); without `timeout check` "
    "also how long it has for an answer.");
SERVER_WORD(send, "agent-send", 0, "<text>", parse_send,
    "What the agent is sent first, such as the server's name and a line "
    "break.");
