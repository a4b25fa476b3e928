/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_render - all files of a plan.
 */
#include "ing_render_int.h"

#include <stdlib.h>

#include <base/must.h>

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

bool
ing_render(struct ing_plan *plan, struct ing_files *files, char **why)
{
	struct ing_rendering r = { .plan = plan, .files = files };
	const char *bad;
	struct text t;
	unsigned n;

	text_init(&r.sticky);
	ing_cfg_init(&r.cfg, &plan->mem);
	ing_render_maps(&r);
	ing_render_front(&r);
	ing_render_backends(&r);
	ing_cfg_write(&r.cfg, &ing_files_add(files, "ecluse.cfg")->body);
	qsort(files->v, files->n, sizeof *files->v, file_cmp);
	n = ing_cfg_bad(&r.cfg, &bad);
	ing_cfg_fini(&r.cfg);
	ing_index_fini(&r.seen);
	if (n == 0)
		return (true);
	text_init(&t);
	text_printf(&t, "%u values can't be written into a configuration; the "
	    "first is %s. Please report this: such a value should have been "
	    "refused with its object", n, bad);
	*why = t.p;
	return (false);
}
