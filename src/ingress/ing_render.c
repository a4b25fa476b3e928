/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render - all files of a plan.
 */
#include "ing_render_int.h"

#include <stdlib.h>

#include <base/must.h>

#define CFG_FILE "ecluse.cfg"

struct ing_file *
ing_files_add(struct ing_files *f, const char *path)
{
	struct ing_file *one;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 16 : f->cap * 2;
		f->v = must_realloc(f->v, f->cap * sizeof *f->v);
	}
	one = &f->v[f->n++];
	memset(one, 0, sizeof *one);
	one->path = must_strdup(path);
	text_init(&one->body);
	return (one);
}

void
ing_files_fini(struct ing_files *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		text_fini(&f->v[i].body);
	}
	free(f->v);
	memset(f, 0, sizeof *f);
}

static int
file_cmp(const void *a, const void *b)
{
	const struct ing_file *x = a, *y = b;

	return (strcmp(x->path, y->path));
}

static void
begin(struct ing_rendering *r, struct ing_plan *plan, struct ing_files *files)
{
	memset(r, 0, sizeof *r);
	r->plan = plan;
	r->files = files;
	text_init(&r->sticky);
	text_init(&r->out);
	ing_cfg_init(&r->cfg, &plan->mem);
}

static void
end(struct ing_rendering *r)
{
	ing_cfg_fini(&r->cfg);
	ing_index_fini(&r->lists);
	ing_index_fini(&r->tables);
	ing_index_fini(&r->seen);
}

bool
ing_render(struct ing_plan *plan, struct ing_files *files, char **why)
{
	struct ing_rendering r;
	const char *bad;
	struct text t;
	unsigned n;

	begin(&r, plan, files);
	ing_render_maps(&r);
	ing_render_front(&r);
	ing_render_backends(&r);
	ing_cfg_write(&r.cfg, &r.out);
	ing_files_add(files, CFG_FILE)->body = r.out;
	qsort(files->v, files->n, sizeof *files->v, file_cmp);
	n = ing_cfg_bad(&r.cfg, &bad);
	end(&r);
	if (n == 0)
		return (true);
	text_init(&t);
	text_printf(&t, "%u values can't be written into a configuration; the "
	    "first is %s. Please report this: such a value should have been "
	    "refused with its object", n, bad);
	*why = t.p;
	return (false);
}

/* --- a few backends anew ------------------------------------------------------ */

struct lines {
	struct ing_plan_be *be;
	size_t at, bytes;       /* where they were, */
	struct span now;        /* what they are */
};

static int
place_cmp(const void *a, const void *b)
{
	const struct lines *x = a, *y = b;

	return (x->at < y->at ? -1 : x->at > y->at);
}

static void
put_lines(struct text *body, const struct lines *v, uint32_t n)
{
	struct span old = text_span(body);
	struct text out;
	size_t at = 0;

	text_init(&out);
	for (uint32_t i = 0; i < n; i++) {
		text_add(&out, span_of(old.p + at, v[i].at - at));
		v[i].be->at = out.n;
		text_add(&out, v[i].now);
		at = v[i].at + v[i].bytes;
	}
	text_add(&out, span_skip(old, at));
	text_fini(body);
	*body = out;
}

/* All others moved by what those before them grew. */
static void
move_others(struct ing_plan *plan, const struct lines *v, uint32_t n)
{
	for (uint32_t i = 0; i < plan->n_backends; i++) {
		struct ing_plan_be *be = plan->backends[i];
		size_t was = be->at;

		for (uint32_t k = 0; k < n && !be->moved && v[k].at < was; k++)
			be->at += v[k].now.n - v[k].bytes;
	}
}

static struct text *
cfg_body(struct ing_files *files)
{
	for (uint32_t i = 0; i < files->n; i++)
		if (strcmp(files->v[i].path, CFG_FILE) == 0)
			return (&files->v[i].body);
	return (NULL);
}

/* Files that such lines name are there already. */
bool
ing_render_moved(struct ing_plan *plan, struct ing_files *files)
{
	uint32_t n = plan->n_moved;
	struct lines *v = must_alloc((n + 1) * sizeof *v);
	struct ing_files named = { .v = NULL };
	struct ing_rendering r;
	struct span rest;
	const char *bad;
	bool good;

	begin(&r, plan, &named);
	r.cfg.follows = true;
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct lines){ plan->moved[i], plan->moved[i]->at,
			plan->moved[i]->bytes, SPAN_NONE };
	qsort(v, n, sizeof *v, place_cmp);
	for (uint32_t i = 0; i < n; i++)
		ing_render_be(&r, v[i].be);
	rest = text_span(&r.out);
	for (uint32_t i = 0; i < n; i++) {
		v[i].now = span_of(rest.p, v[i].be->bytes);
		rest = span_skip(rest, v[i].be->bytes);
	}
	if (n > 0) {
		put_lines(cfg_body(files), v, n);
		move_others(plan, v, n);
	}
	good = ing_cfg_bad(&r.cfg, &bad) == 0;
	end(&r);
	text_fini(&r.out);
	ing_files_fini(&named);
	free(v);
	return (good);
}
