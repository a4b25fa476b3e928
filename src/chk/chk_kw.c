/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_kw - words about checks: of server lines and of the global section.
 */
#include "chk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <px/live.h>

static const struct chk_srv_cfg initial = {
	.inter_ms = 2000, .rise = 2, .fall = 3, .agent_inter_ms = 2000,
	.on_error = CHK_ON_FAIL_CHECK,
};

PX_SLOT(PX_OBJ_SERVER, struct chk_srv_cfg, chk_srv_slot, &initial);
PX_SLOT(PX_OBJ_GLOBAL, struct chk_global_cfg, chk_global_slot, NULL);

static struct chk_srv_cfg *
cfg_of(void *obj)
{
	struct px_server *sv = OBJ(obj, struct px_server, PX_SERVER_MAGIC);

	return (px_edit(&sv->slots, &chk_srv_slot));
}

static bool
parse_check(struct conf_line *l, void *obj)
{
	cfg_of(obj)->check = !l->no;
	return (true);
}

static bool
parse_no_check(struct conf_line *l, void *obj)
{
	(void)l;
	cfg_of(obj)->check = false;
	return (true);
}

static bool
parse_send_proxy(struct conf_line *l, void *obj)
{
	cfg_of(obj)->send_proxy = !l->no;
	return (true);
}

static bool
parse_no_send_proxy(struct conf_line *l, void *obj)
{
	(void)l;
	cfg_of(obj)->send_proxy = false;
	return (true);
}

bool
chk_want_interval(struct conf_line *l, int32_t *out)
{
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	if (ms <= 0 || ms > INT32_MAX)
		return (conf_err(l, w, "expected a time between 1ms and 24 "
		    "days, found '%s'", w->text.p));
	*out = (int32_t)ms;
	return (true);
}

static bool
parse_inter(struct conf_line *l, void *obj)
{
	return (chk_want_interval(l, &cfg_of(obj)->inter_ms));
}

static bool
parse_fastinter(struct conf_line *l, void *obj)
{
	return (chk_want_interval(l, &cfg_of(obj)->fast_ms));
}

static bool
parse_downinter(struct conf_line *l, void *obj)
{
	return (chk_want_interval(l, &cfg_of(obj)->down_ms));
}

static bool
want_count(struct conf_line *l, int32_t *out)
{
	int64_t n;

	if (!conf_want_int(l, "a number of checks", 1, 10000, &n))
		return (false);
	*out = (int32_t)n;
	return (true);
}

static bool
parse_rise(struct conf_line *l, void *obj)
{
	return (want_count(l, &cfg_of(obj)->rise));
}

static bool
parse_fall(struct conf_line *l, void *obj)
{
	return (want_count(l, &cfg_of(obj)->fall));
}

static bool
parse_port(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a port", 1, 65535, &n))
		return (false);
	cfg_of(obj)->port = (uint16_t)n;
	return (true);
}

static bool
parse_addr(struct conf_line *l, void *obj)
{
	struct chk_srv_cfg *cfg;
	struct addr to;

	if (!conf_want_ip(l, "addr", false, &to))
		return (false);
	cfg = cfg_of(obj);
	cfg->addr = to;
	cfg->has_addr = true;
	return (true);
}

static bool
parse_init_state(struct conf_line *l, void *obj)
{
	static const char *const names[] = { [CHK_INIT_UP] = "up",
		[CHK_INIT_FULLY_UP] = "fully-up", [CHK_INIT_DOWN] = "down",
		[CHK_INIT_FULLY_DOWN] = "fully-down" };
	const struct conf_word *w = conf_peek(l);

	for (size_t i = 0; i < NELEM(names); i++)
		if (conf_accept(l, names[i])) {
			cfg_of(obj)->init = (uint8_t)i;
			return (true);
		}
	return (conf_err(l, w, "'init-state' expects 'fully-up', 'up', 'down' "
	    "or 'fully-down'"));
}

/* Whether the script itself says the port of each connection. */
static bool
script_has_ports(const struct px *px)
{
	const struct chk_px_cfg *cfg = px_get(&px->slots, &chk_px_slot);
	const struct chk_step *s = cfg->script;

	while (s != NULL && (s->kind == CHK_COMMENT || s->kind == CHK_SET))
		s = s->next;
	if (s == NULL || s->kind != CHK_CONNECT)
		return (false);
	for (; s != NULL; s = s->next)
		if (s->kind == CHK_CONNECT && s->port == 0 &&
		    s->port_expr == NULL)
			return (false);
	return (true);
}

/* A check needs a port to go to. */
static bool
check_port(struct conf *conf, struct px_server *sv)
{
	const struct chk_srv_cfg *cfg = px_get(&sv->slots, &chk_srv_slot);

	if (!cfg->check || cfg->port != 0 || px_server_has_label(sv) ||
	    sv->unix_path != NULL || sv->addr.port != 0 ||
	    (cfg->has_addr && cfg->addr.port != 0) ||
	    script_has_ports(sv->px))
		return (true);
	return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s' has neither "
	    "service port nor check port, and no check can be made",
	    sv->name));
}
PX_SERVER_CHECK(chk_port, 30, &chk_srv_slot, check_port);

/* check-proto is what the kind of check speaks anyway. */
static bool
check_proto(struct conf *conf, struct px_server *sv)
{
	const struct chk_px_cfg *how = px_get(&sv->px->slots, &chk_px_slot);
	bool http = how->type == CHK_TYPE_HTTP;

	if (sv->check_proto == PX_PROTO_AUTO ||
	    http == (sv->check_proto == PX_PROTO_H1))
		return (true);
	return (conf_fail(conf, DIAG_ALERT, sv->pos, "server '%s' : "
	    "'check-proto' does not fit its checks, which speak %s", sv->name,
	    http ? "HTTP: 'h1' does" : "no HTTP: 'none' does"));
}
PX_SERVER_CHECK(chk_proto, 30, NULL, check_proto);

static struct chk_global_cfg *
global_of(void *obj)
{
	struct px_global *g = OBJ(obj, struct px_global, PX_GLOBAL_MAGIC);

	return (px_edit(&g->slots, &chk_global_slot));
}

static bool
parse_spread(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a percentage", 0, 50, &n))
		return (false);
	global_of(obj)->spread_percent = (int)n;
	return (conf_end(l));
}

static bool
parse_max_spread(struct conf_line *l, void *obj)
{
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	global_of(obj)->max_spread_ms = ms;
	return (conf_end(l));
}

static bool
parse_at_once(struct conf_line *l, void *obj)
{
	int64_t n;

	if (!conf_want_int(l, "a number of checks (0: no limit)", 0, INT32_MAX,
	    &n))
		return (false);
	global_of(obj)->at_once = (unsigned)n;
	return (conf_end(l));
}

KEYWORD(at_once) = {
	.name = "tune.max-checks-per-thread", .in = KW_GLOBAL, .args = "<n>",
	.parse = parse_at_once,
	.doc = "Checks that may be under way at a time, in the agent, which does "
	    "them all; others wait for one to end. 0, the default: no limit.",
	.example = "tune.max-checks-per-thread 50",
};
KEYWORD(spread_checks) = {
	.name = "spread-checks", .in = KW_GLOBAL, .args = "<percent>",
	.parse = parse_spread,
	.doc = "Vary the time between checks by so much, 0 to 50, so that "
	    "checks of many servers on one machine do not come together.",
	.example = "spread-checks 5",
};
KEYWORD(max_spread_checks) = {
	.name = "max-spread-checks", .in = KW_GLOBAL, .args = "<time>",
	.parse = parse_max_spread,
	.doc = "The first checks of all servers come within this time; without "
	    "it, within the shortest `inter`.",
};

#define SERVER_WORD(ident, word, bits, words, fn, text)                      \
	KEYWORD(chk_##ident) = {                                             \
		.name = word, .in = KW_SERVER, .flags = (bits),              \
		.args = words, .parse = fn, .doc = text,                     \
	}
SERVER_WORD(check, "check", KW_NO, "", parse_check,
    "Check its health and use it only while it is well.");
SERVER_WORD(no_check, "no-check", 0, "", parse_no_check,
    "Do not check its health, whatever default-server says.");
SERVER_WORD(check_send_proxy, "check-send-proxy", KW_NO, "", parse_send_proxy,
    "Begin checks with a PROXY header even if they go to another port.");
SERVER_WORD(no_check_send_proxy, "no-check-send-proxy", 0, "",
    parse_no_send_proxy,
    "Begin checks with a PROXY header only if requests do.");
SERVER_WORD(inter, "inter", 0, "<time>", parse_inter,
    "Time between checks (2s).");
SERVER_WORD(fastinter, "fastinter", 0, "<time>", parse_fastinter,
    "Time between checks while the server is between up and down "
    "(as inter).");
SERVER_WORD(downinter, "downinter", 0, "<time>", parse_downinter,
    "Time between checks while the server is down (as inter).");
SERVER_WORD(rise, "rise", 0, "<n>", parse_rise,
    "Good checks in a row that bring it up (2).");
SERVER_WORD(fall, "fall", 0, "<n>", parse_fall,
    "Bad checks in a row that take it down (3).");
SERVER_WORD(port, "port", 0, "<port>", parse_port,
    "Check another port than that of the requests.");
SERVER_WORD(addr, "addr", 0, "<address>[:<port>]", parse_addr,
    "Check another address than that of the requests.");
SERVER_WORD(init_state, "init-state", 0, "up|fully-up|down|fully-down",
    parse_init_state,
    "What is believed before the first check: `up`, the default, and `down` "
    "change with one check, the others after `fall` or `rise`.");
