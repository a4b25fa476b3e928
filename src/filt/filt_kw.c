/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filt_kw - "filter" lines, and the register of kinds.
 */
#include "filt_int.h"

#include <conf/kw.h>

PX_SLOT(PX_OBJ_PROXY, struct filt_cfg, filt_slot, NULL);

extern const struct filt_kind *const __start_kw_filter[]
    __attribute__((weak));
extern const struct filt_kind *const __stop_kw_filter[]
    __attribute__((weak));

static const struct filt_kind *
find_kind(struct span name)
{
	for (const struct filt_kind *const *k = __start_kw_filter;
	    k < __stop_kw_filter; k++)
		if (span_is(name, (*k)->name))
			return (*k);
	return (NULL);
}

static bool
unknown_kind(struct conf_line *l, const struct conf_word *w)
{
	const char *names[32], *near, *text = NULL, *status = NULL;
	size_t n = 0;

	if (kw_compat != NULL)
		status = kw_compat("flt", w->text, &text);
	if (status != NULL) {
		conf_err(l, w, "filter '%.*s' is not supported%s",
		    SPAN_FMT(w->text),
		    strcmp(status, "refused") == 0 ? "" : " yet");
		if (text != NULL)
			conf_err_hint(l, "%s", text);
		return (false);
	}
	for (const struct filt_kind *const *k = __start_kw_filter;
	    k < __stop_kw_filter && n < 32; k++)
		names[n++] = (*k)->name;
	conf_err(l, w, "there is no filter '%.*s'", SPAN_FMT(w->text));
	if ((near = kw_nearest(w->text, names, n)) != NULL)
		conf_err_hint(l, "did you mean '%s'?", near);
	return (false);
}

static bool
parse_filter(struct conf_line *l, void *obj)
{
	struct px *px = obj;
	const struct conf_word *w = conf_peek(l);
	struct filt *f = arena_zget(l->conf->arena, sizeof *f), **at;
	const struct filt *other;
	struct filt_cfg *c;
	struct span kind;

	if (!conf_want(l, "the kind of a filter", &kind))
		return (false);
	if ((f->kind = find_kind(kind)) == NULL)
		return (unknown_kind(l, w));
	f->px = px;
	f->pos = conf_pos(l, w);
	if (!f->kind->parse(l, f) || !conf_end(l))
		return (false);
	if (f->name.n != 0 && (other = filt_find(px, f->name)) != NULL)
		return (conf_err(l, w, "there is a filter '%.*s' in '%s' "
		    "already, at line %d", SPAN_FMT(f->name), px->name,
		    other->pos.line));
	c = px_edit(&px->slots, &filt_slot);
	for (at = &c->first; *at != NULL; at = &(*at)->next)
		;
	*at = f;
	return (true);
}

static void
dump(struct text *out)
{
	for (const struct filt_kind *const *k = __start_kw_filter;
	    k < __stop_kw_filter; k++)
		text_printf(out, "%s\n", (*k)->name);
}
KW_DUMPER(flt, "flt", dump);

KEYWORD(filter) = {
	.name = "filter", .in = KW_FRONTEND | KW_BACKEND,
	.args = "<kind> <argument>*", .parse = parse_filter,
	.doc = "Adds a filter to the streams of this proxy. 'bwlim-in' and "
	    "'bwlim-out' limit what goes to servers and to clients: '<name> "
	    "default-limit <size> default-period <time> [min-size <size>]' "
	    "gives each stream a limit of its own, '<name> limit <size> key "
	    "<sample> [table <name>] [min-size <size>]' one to all that have "
	    "a key in common, by the bytes_in_rate or bytes_out_rate of a "
	    "stick table. Rules set-bandwidth-limit put them to work.",
	.example = "filter bwlim-out slow default-limit 1m default-period 1s",
};
