/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_check - what only the whole configuration can tell: names that must
 * exist, numbers not given yet, proxies that make no sense.
 */
#include "px_int.h"

#include <stdlib.h>

#include <base/must.h>
#include <px/live.h>

static const char *
what_is(const struct px *px)
{
	return (px->kind == (PX_FE | PX_BE) ? "proxy" : px->section);
}

/* ---- names ---- */

static bool
check_modes(struct conf *c, const struct px *fe, const struct px *be,
    const char *how)
{
	if (fe->mode == be->mode || fe->mode == PX_TCP)
		return (true);
	return (conf_fail(c, DIAG_ALERT, fe->pos, "http %s '%s' (%s:%d) "
	    "tries to use incompatible tcp %s '%s' (%s:%d) %s (see 'mode')",
	    what_is(fe), fe->name, fe->pos.file, fe->pos.line, what_is(be),
	    be->name, be->pos.file, be->pos.line, how));
}

static bool
resolve(struct conf *c, struct px *fe, const char *name, struct diag_pos pos,
    const char *keyword, const char *how, struct px **out)
{
	*out = px_find(px_model, span_str(name), PX_BE);
	if (*out == fe)
		return (conf_fail(c, DIAG_ALERT, pos, "Proxy '%s': loop "
		    "detected for %s: '%s'", fe->name, keyword, name));
	if (*out == NULL)
		return (conf_fail(c, DIAG_ALERT, pos, "Proxy '%s': unable to "
		    "find required %s: '%s'", fe->name, keyword, name));
	return (check_modes(c, fe, *out, how));
}

static bool
resolve_names(struct conf *c)
{
	bool good = true;

	PX_EACH(px, px_model) {
		if ((px->kind & PX_FE) == 0 || px->disabled)
			continue;
		if (px->default_be_name != NULL)
			good &= resolve(c, px, px->default_be_name,
			    *px->default_be_pos, "default_backend", "as its default backend",
			    &px->default_be);
		if (px->default_be_name != NULL && px->n_servers != 0)
			conf_fail(c, DIAG_WARNING, *px->default_be_pos,
			    "in proxy '%s', the 'default_backend' rule always "
			    "has precedence over the servers, which will never "
			    "be used", px->name);
		for (struct px_use_be *u = px->use_be; u != NULL; u = u->next)
			if (u->name != NULL)
				good &= resolve(c, px, u->name, u->pos,
				    "use_backend", "in a 'use_backend' rule",
				    &u->be);
	}
	return (good);
}

CONF_CHECK(px_names, 0, resolve_names);

/* ---- numbers ---- */

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return ((x > y) - (x < y));
}

struct numbers {
	uint32_t *used, n, at, next;
};

/* The next free number; those in `used` (sorted) are taken. */
static uint32_t
next_free(struct numbers *nu)
{
	uint32_t id = ++nu->next;

	while (nu->used != NULL && nu->at < nu->n && nu->used[nu->at] <= id) {
		if (nu->used[nu->at] == id)
			id = ++nu->next;
		nu->at++;
	}
	return (id);
}

/* One that has its number takes a place as well, so that numbers follow the
 * order of lines, as those of HAProxy do. */
static void
skip_number(struct numbers *nu)
{
	nu->next++;
}

static void
sort_numbers(struct numbers *nu)
{
	if (nu->n > 0)
		qsort(nu->used, nu->n, sizeof *nu->used, by_number);
}

static void
number_proxies(void)
{
	struct numbers nu = { NULL, 0, 0, 0 };

	nu.used = must_alloc((px_model->n_px + 1) * sizeof *nu.used);
	PX_EACH(px, px_model)
		if (px->id != 0) {
			px->id_given = true;
			nu.used[nu.n++] = px->id;
		}
	sort_numbers(&nu);
	if (px_model->global.stats_binds != NULL)
		skip_number(&nu);       /* the runtime API's, as in HAProxy */
	PX_EACH(px2, px_model)
		if (px2->id == 0)
			px2->id = next_free(&nu);
		else
			skip_number(&nu);
	free(nu.used);
}

static void
number_servers(struct px *px)
{
	struct numbers nu = { NULL, 0, 0, 0 };

	if (px_id_any())
		PX_EACH_SERVER(sv, px) {
			sv->id_given = sv->id != 0;
			nu.n += sv->id_given;
		}
	if (nu.n > 0) {
		nu.used = must_alloc(nu.n * sizeof *nu.used);
		nu.n = 0;
		PX_EACH_SERVER(s2, px)
			if (s2->id != 0)
				nu.used[nu.n++] = s2->id;
		sort_numbers(&nu);
	}
	PX_EACH_SERVER(s3, px)
		if (s3->id == 0)
			s3->id = next_free(&nu);
		else
			skip_number(&nu);
	free(nu.used);
}

/* A line's number is its first listener's. */
static void
number_listens(struct px *px)
{
	struct numbers nu = { NULL, 0, 0, 0 };

	for (struct px_bind *b = px->binds; b != NULL; b = b->next)
		nu.n += b->id != 0;
	if (nu.n > 0) {
		nu.used = must_alloc(nu.n * sizeof *nu.used);
		nu.n = 0;
		for (struct px_bind *b = px->binds; b != NULL; b = b->next)
			if (b->id != 0)
				nu.used[nu.n++] = b->id;
		sort_numbers(&nu);
	}
	for (struct px_listen *li = px->listens; li != NULL; li = li->next) {
		bool own = li->bind->id != 0 && li->bind->listens == li;

		li->luid = own ? li->bind->id : next_free(&nu);
		if (own)
			skip_number(&nu);
	}
	free(nu.used);
}

static bool
number_all(struct conf *c)
{
	(void)c;
	number_proxies();
	PX_EACH(px, px_model) {
		if (px->servers != NULL)
			number_servers(px);
		if (px->listens != NULL)
			number_listens(px);
	}
	return (true);
}

CONF_CHECK(px_numbers, 1, number_all);

/* ---- sense ---- */

static void
check_timeouts(struct conf *c, const struct px *px)
{
	const struct px_timeouts *t = px->timeout;
	bool fe = (px->kind & PX_FE) != 0 && px->listens != NULL &&
	    t->client == 0;
	bool be = (px->kind & PX_BE) != 0 && px->servers != NULL &&
	    (t->connect == 0 || t->server == 0);

	if (!fe && !be)
		return;
	conf_fail(c, DIAG_WARNING, (struct diag_pos){ .file = NULL }, "missing "
	    "timeouts for %s '%s'.\n"
	    "   | While not an error, a peer that goes silent would be "
	    "waited for for ever.\n"
	    "   | Please set all of these to a non-zero value: 'client', "
	    "'connect', 'server'.", what_is(px), px->name);
}

/* Options that only HTTP has, also when they come from defaults. */
static void
check_options(struct conf *c, const struct px *px)
{
	static const struct { const char *word; unsigned in, flags; } opts[] = {
#define OPT(name, word, where, flags, doc) { word, where, flags },
#include <px/opt.def>
#undef OPT
	};
	unsigned sides = (px->kind & PX_FE ? KW_FRONTEND : 0) |
	    (px->kind & PX_BE ? KW_BACKEND : 0);

	if (px->mode == PX_HTTP || px->may_switch || px->opt == 0)
		return;
	for (unsigned i = 0; i < NELEM(opts); i++)
		if ((px->opt >> i & 1) != 0 && (opts[i].in & sides) != 0 &&
		    (opts[i].flags & KW_HTTP) != 0)
			conf_fail(c, DIAG_WARNING, px->pos, "'option %s' "
			    "ignored for %s '%s' as it requires HTTP mode",
			    opts[i].word, what_is(px), px->name);
}

static bool
check_sense(struct conf *c)
{
	/* Advice can wait until the file is right. */
	if (c->diags->n[DIAG_ALERT] > 0)
		return (true);
	PX_EACH(px, px_model) {
		if (px->disabled)
			continue;
		if (px->binds != NULL || px->asked)
			;
		else if (px->kind == PX_FE)
			conf_fail(c, DIAG_WARNING, px->pos, "frontend '%s' "
			    "has no 'bind' directive. Please declare it as a "
			    "backend if this was intended", px->name);
		else if (px->kind == (PX_FE | PX_BE))
			conf_fail(c, DIAG_WARNING, px->pos, "proxy '%s' has "
			    "no 'bind' directive. Please declare it as a "
			    "backend if this was intended", px->name);
		check_timeouts(c, px);
		check_options(c, px);
	}
	return (true);
}

CONF_CHECK(px_sense, 9, check_sense);

/* ---- servers, one by one ---- */

bool
px_check_servers(struct conf *c, const struct px_slot *slot,
    bool (*check)(struct conf *, struct px_server *))
{
	bool good = true;

	if (slot != NULL && !px_said(slot))
		return (true);
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			good &= check(c, sv);
	return (good);
}
