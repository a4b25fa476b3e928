/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_state - files that "show servers state" wrote, read at start: the lines
 * of servers that this configuration has.
 *
 * What is read here is used for a server that no running generation knows:
 * its address by px_init_addr, the rest by room srv.
 *
 * Source: configuration manual, "load-server-state-from-file"; management
 * manual 9.3, "show servers state".
 */
#include "px_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <base/text.h>

enum from { FROM_NONE, FROM_GLOBAL, FROM_LOCAL };

struct state_cfg {                      /* of a proxy */
	enum from from;
	const char *file;               /* NULL: the proxy's name */
};
PX_SLOT(PX_OBJ_PROXY, struct state_cfg, px_state_slot, NULL);

struct state_glob {
	const char *file, *base;
	struct diag_pos pos;            /* of server-state-file */
};
PX_SLOT(PX_OBJ_GLOBAL, struct state_glob, px_state_glob_slot, NULL);

static const struct state_cfg *
cfg_of(const struct px *px)
{
	return (px_get(&px->slots, &px_state_slot));
}

/* ---- a line ---- */

#define FIELDS_MIN 19           /* up to srv_port */
#define FIELDS_MAX 40

/* Places in a line; the number of fields has grown and may again. */
enum field { F_BE_NAME = 1, F_SRV_NAME = 3, F_ADDR, F_STATE, F_ADMIN,
	F_UWEIGHT, F_IWEIGHT, F_AGE, F_CHK_STATUS, F_CHK_RESULT, F_CHK_HEALTH,
	F_CHK_STATE, F_FQDN = 17, F_PORT, F_SRVRECORD, F_USE_SSL, F_CHK_PORT,
	F_CHK_ADDR, F_AGENT_ADDR, F_AGENT_PORT };

static unsigned
split(struct span line, struct span f[FIELDS_MAX])
{
	unsigned n = 0;
	struct span s;

	while (n < FIELDS_MAX && span_cut(&line, ' ', &s))
		if (s.n > 0)
			f[n++] = s;
	return (n);
}

static bool
take(struct span s, uint64_t max, uint64_t *out)
{
	return (num_u64(s, out) && *out <= max);
}

/* The numbers of a line; false when one is none or out of range. */
static bool
read_fields(const struct span *f, struct px_state *st)
{
	uint64_t v[F_CHK_STATE + 1], port;
	static const uint64_t max[F_CHK_STATE + 1] = {
		[F_STATE] = 3, [F_ADMIN] = 0x7f, [F_UWEIGHT] = 256,
		[F_IWEIGHT] = 256, [F_AGE] = INT32_MAX, [F_CHK_STATUS] = 255,
		[F_CHK_RESULT] = 4, [F_CHK_HEALTH] = 20000,
		[F_CHK_STATE] = 0x1f,
	};
	struct addr_net net;

	for (int i = F_STATE; i <= F_CHK_STATE; i++)
		if (!take(f[i], max[i], &v[i]))
			return (false);
	if (!take(f[F_PORT], 65535, &port))
		return (false);
	if (span_find(f[F_ADDR], '/') < 0 && addr_net_parse(f[F_ADDR], &net))
		st->ip = net.addr;
	st->port = (uint16_t)port;
	st->state = (uint8_t)v[F_STATE];
	st->admin = (uint8_t)v[F_ADMIN];
	st->uweight = (uint16_t)v[F_UWEIGHT];
	st->iweight = (uint16_t)v[F_IWEIGHT];
	st->age_s = (uint32_t)v[F_AGE];
	st->chk_status = (uint8_t)v[F_CHK_STATUS];
	st->chk_result = (uint8_t)v[F_CHK_RESULT];
	st->chk_health = (int16_t)v[F_CHK_HEALTH];
	st->chk_state = (uint8_t)v[F_CHK_STATE];
	return (true);
}

static struct addr
read_addr(struct span s)
{
	struct addr_net net;

	if (span_find(s, '/') < 0 && addr_net_parse(s, &net))
		return (net.addr);
	return ((struct addr){ .family = ADDR_NONE });
}

/* Where checks go, in lines that say so. */
static void
read_places(const struct span *f, unsigned n, struct px_state *st)
{
	uint64_t port;

	if (n <= F_CHK_ADDR)
		return;
	st->chk_addr = read_addr(f[F_CHK_ADDR]);
	if (take(f[F_CHK_PORT], 65535, &port))
		st->chk_port = (uint16_t)port;
	if (n <= F_AGENT_PORT)
		return;
	st->agent_addr = read_addr(f[F_AGENT_ADDR]);
	if (take(f[F_AGENT_PORT], 65535, &port))
		st->agent_port = (uint16_t)port;
}

/* False: the line is not one of "show servers state". `only`: lines of other
 * backends are another file's affair. */
static bool
read_line(struct span line, const struct px *only)
{
	struct span f[FIELDS_MAX];
	unsigned n = split(line, f);
	struct px_state st = { .ip = { .family = ADDR_NONE },
		.chk_addr = { .family = ADDR_NONE },
		.agent_addr = { .family = ADDR_NONE } }, *kept;
	struct px_server *sv;
	struct px *px;

	if (n == 0 || f[0].p[0] == '#')
		return (true);
	if (n < FIELDS_MIN || !read_fields(f, &st))
		return (false);
	read_places(f, n, &st);
	px = px_find(px_model, f[F_BE_NAME], PX_BE);
	if (px == NULL || (only != NULL ? px != only :
	    cfg_of(px)->from != FROM_GLOBAL))
		return (true);
	if ((sv = px_server_find(px, f[F_SRV_NAME])) == NULL)
		return (true);          /* it left the configuration */
	kept = arena_get(px_model->arena, sizeof *kept);
	*kept = st;
	kept->fqdn = arena_span(px_model->arena, f[F_FQDN]);
	kept->srvrecord = arena_span(px_model->arena, n > F_SRVRECORD ?
	    f[F_SRVRECORD] : SPAN("-"));
	sv->saved = kept;
	return (true);
}

/* ---- a file ---- */

/* All lines; 0, or the number of the one that is wrong. */
static int
read_text(struct span text, const struct px *only)
{
	struct span line;
	int no = 0;

	while (span_cut(&text, '\n', &line)) {
		no++;
		if (no == 1 ? !span_is(span_trim(line), "1") :
		    !read_line(span_trim(line), only))
			return (no);
	}
	return (no == 0 ? 1 : 0);
}

static bool
slurp(const char *path, struct text *out)
{
	FILE *f = fopen(path, "re");
	char piece[4096];
	size_t n;
	bool good;

	if (f == NULL)
		return (false);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		text_add(out, span_of(piece, n));
	good = ferror(f) == 0;
	fclose(f);
	return (good);
}

/* A file that is not there or not to be read costs what it would have told,
 * not the start. */
static void
read_file(struct conf *c, struct diag_pos pos, const char *name,
    const struct px *only)
{
	const struct state_glob *g = px_get(&px_model->global.slots,
	    &px_state_glob_slot);
	const char *path = name;
	struct text t;
	int line;

	if (name[0] != '/' && g->base != NULL)
		path = arena_printf(px_model->arena, "%s/%s", g->base, name);
	text_init(&t);
	if (!slurp(path, &t))
		conf_fail(c, DIAG_WARNING, pos, "can't read the server state "
		    "file '%s': %s; its servers start as configured", path,
		    strerror(errno));
	else if ((line = read_text(text_span(&t), only)) == 1)
		conf_fail(c, DIAG_WARNING, pos, "the server state file '%s' "
		    "does not begin with its version, 1; it is not used",
		    path);
	else if (line != 0)
		conf_fail(c, DIAG_WARNING, pos, "line %d of the server state "
		    "file '%s' is not as 'show servers state' writes it; the "
		    "rest is not used", line, path);
	text_fini(&t);
}

static bool
read_all(struct conf *c)
{
	const struct state_glob *g = px_get(&px_model->global.slots,
	    &px_state_glob_slot);
	bool global = false;

	PX_EACH(px, px_model) {
		const struct state_cfg *s = cfg_of(px);

		if ((px->kind & PX_BE) == 0)
			continue;
		global |= s->from == FROM_GLOBAL;
		if (s->from == FROM_LOCAL)
			read_file(c, px->pos, s->file != NULL ? s->file :
			    px->name, px);
	}
	if (global && g->file != NULL)
		read_file(c, g->pos, g->file, NULL);
	return (true);
}

CONF_CHECK(px_state, 3, read_all);

/* ---- words ---- */

static struct state_glob *
glob_of(void *obj)
{
	struct px_global *g = OBJ(obj, struct px_global, PX_GLOBAL_MAGIC);

	return (px_edit(&g->slots, &px_state_glob_slot));
}

static bool
parse_file(struct conf_line *l, void *obj)
{
	struct state_glob *g = glob_of(obj);
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, "a file's path", &s))
		return (false);
	g->file = s.p;
	g->pos = conf_pos(l, w);
	return (conf_end(l));
}

static bool
parse_base(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a directory", &s))
		return (false);
	glob_of(obj)->base = s.p;
	return (conf_end(l));
}

static struct state_cfg *
edit(void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);

	return (px_edit(&px->slots, &px_state_slot));
}

static bool
parse_load(struct conf_line *l, void *obj)
{
	static const char *const names[] = { [FROM_NONE] = "none",
		[FROM_GLOBAL] = "global", [FROM_LOCAL] = "local" };

	for (unsigned i = 0; i < NELEM(names); i++)
		if (conf_accept(l, names[i])) {
			edit(obj)->from = (enum from)i;
			return (conf_end(l));
		}
	return (conf_err(l, conf_peek(l), "'load-server-state-from-file' "
	    "expects 'global', 'local' or 'none'"));
}

static bool
parse_name(struct conf_line *l, void *obj)
{
	struct span s;

	if (!conf_want(l, "a file's path or 'use-backend-name'", &s))
		return (false);
	edit(obj)->file = span_is(s, "use-backend-name") ? NULL : s.p;
	return (conf_end(l));
}

KEYWORD(server_state_file) = {
	.name = "server-state-file", .in = KW_GLOBAL, .args = "<file>",
	.parse = parse_file,
	.doc = "What `show servers state` wrote, read at start for backends "
	    "with `load-server-state-from-file global`. Servers that a "
	    "running generation hands over keep what they have.",
	.example = "server-state-file /var/lib/haproxy/server-state",
};
KEYWORD(server_state_base) = {
	.name = "server-state-base", .in = KW_GLOBAL, .args = "<directory>",
	.parse = parse_base,
	.doc = "Where state files are that are named without a directory.",
};
KEYWORD(load_server_state) = {
	.name = "load-server-state-from-file",
	.in = KW_DEFAULTS | KW_BACKEND, .args = "global|local|none",
	.parse = parse_load,
	.doc = "Begin with the states, weights and addresses of servers that "
	    "a file has: `server-state-file`, or with `local` the backend's "
	    "own.",
};
KEYWORD(server_state_file_name) = {
	.name = "server-state-file-name", .in = KW_DEFAULTS | KW_BACKEND,
	.args = "<file>|use-backend-name", .parse = parse_name,
	.doc = "The file of `load-server-state-from-file local`; without it, "
	    "the backend's name.",
};
