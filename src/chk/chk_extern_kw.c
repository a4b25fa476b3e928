/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_extern_kw - external-check in all sections, and its option.
 */
#include "chk_int.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

static struct chk_px_cfg *
cfg_of(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_edit(&px->slots, &chk_px_slot));
}

static bool
parse_global(struct conf_line *l, void *obj)
{
	struct px_global *g = OBJ(obj, struct px_global, PX_GLOBAL_MAGIC);
	struct chk_global_cfg *cfg = px_edit(&g->slots, &chk_global_slot);

	cfg->external = true;
	cfg->preserve_env = conf_accept(l, "preserve-env");
	return (conf_end(l));
}

static bool
parse_option(struct conf_line *l, void *obj)
{
	struct chk_px_cfg *cfg = cfg_of(obj);

	if (!l->no)
		cfg->type = CHK_TYPE_EXTERN;
	else if (cfg->type == CHK_TYPE_EXTERN)
		cfg->type = CHK_TYPE_L4;
	return (conf_end(l));
}

static bool
parse_command(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a command", &s))
		return (false);
	cfg_of(obj)->ext_command = s.p;
	return (conf_end(l));
}

static bool
parse_path(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a list of directories", &s))
		return (false);
	cfg_of(obj)->ext_path = s.p;
	return (conf_end(l));
}

/* A program is run only where the operator allowed it twice. */
static bool
check_external(struct conf *conf)
{
	const struct chk_global_cfg *g = px_get(&px_model->global.slots,
	    &chk_global_slot);
	bool good = true;

	PX_EACH(px, px_model) {
		const struct chk_px_cfg *cfg = px_get(&px->slots,
		    &chk_px_slot);

		if ((px->kind & PX_BE) == 0 || cfg->type != CHK_TYPE_EXTERN)
			continue;
		if (!g->external)
			good = conf_fail(conf, DIAG_ALERT, px->pos,
			    "'%s': 'option external-check' needs "
			    "'external-check' in the global section", px->name);
		if (cfg->ext_command == NULL)
			good = conf_fail(conf, DIAG_ALERT, px->pos,
			    "'%s': 'option external-check' needs "
			    "'external-check command'", px->name);
		else if (cfg->ext_command[0] != '/' && cfg->ext_path == NULL)
			good = conf_fail(conf, DIAG_ALERT, px->pos,
			    "'%s': 'external-check command %s' is not an "
			    "absolute path and there is no 'external-check "
			    "path' to look in", px->name, cfg->ext_command);
	}
	return (good);
}
CONF_CHECK(chk_external, 30, check_external);

KEYWORD(external_check) = {
	.name = "external-check", .in = KW_GLOBAL, .args = "[preserve-env]",
	.parse = parse_global,
	.doc = "Allow checks that are programs (option external-check). They "
	    "get an environment of their own; with `preserve-env` what we were "
	    "started with as well.",
	.example = "external-check",
};
KEYWORD(option_external_check) = {
	.name = "option external-check", .in = KW_DEFAULTS | KW_BACKEND,
	.flags = KW_NO, .args = "", .parse = parse_option,
	.doc = "Checks run the program of `external-check command`, and pass "
	    "when it ends with exit code 0.",
};
KEYWORD(external_check_command) = {
	.name = "external-check command", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<command>", .parse = parse_command,
	.doc = "The program of external checks. Its arguments are address and "
	    "port of the proxy's first socket and of the server, with NOT_USED "
	    "for what there is not; its environment has these and more in "
	    "HAPROXY_PROXY_ADDR, _PORT, _NAME, _ID and HAPROXY_SERVER_ADDR, "
	    "_PORT, _NAME, _ID, _MAXCONN, _CURCONN, _SSL, _PROTO.",
	.example = "external-check command /bin/true",
};
KEYWORD(external_check_path) = {
	.name = "external-check path", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<directories>", .parse = parse_path,
	.doc = "PATH of external checks, in which a command without a leading "
	    "slash is looked for.",
	.example = "external-check path \"/usr/bin:/bin\"",
};
