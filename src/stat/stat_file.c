/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_file - "dump stats-file", and "stats-file", which begins with what it
 * wrote: the counters of objects that have a guid.
 *
 * A reload hands the counters over by itself, as they are in shared memory. The
 * file is for a process that begins without: it is read once in the life of the
 * shared memory, and what an object has counted already wins.
 *
 * Lines of words with commas between them: kind, guid, counters. Those that
 * begin with '#' name the words of the lines of their kind that follow, so that
 * another release, with other counters, takes those that it knows.
 *
 * Source: configuration manual 3.1 "stats-file"; management manual 9.5.
 */
#include "stat_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <base/num.h>
#include <cnt/cnt.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <ipc/say.h>
#include <shm/shm.h>
#include <stat/file.h>

#define FIRST   "#ecluse-stats-file,1"
#define COLS    128             /* counters of a kind, bytes of a guid, at most */
#define PIECE   16384

static const char *const kinds[] = { [CNT_KIND_FE] = "fe",
	[CNT_KIND_BE] = "be", [CNT_KIND_SRV] = "srv", [CNT_KIND_LI] = "li" };

static const char *path;        /* stats-file */

/* ---- objects ---- */

/* With counters of its own, and a name to know them by. */
typedef void visit_fn(enum cnt_kind, const char *guid, uint32_t off, void *);

static void
visit(const struct px *px, visit_fn *fn, void *arg)
{
	if (px->guid != NULL && (px->kind & PX_FE) != 0)
		fn(CNT_KIND_FE, px->guid, px->cnt_fe, arg);
	if (px->guid != NULL && (px->kind & PX_BE) != 0)
		fn(CNT_KIND_BE, px->guid, px->cnt_be, arg);
	for (const struct px_listen *l = px->listens; l != NULL; l = l->next)
		if (l->guid != NULL && l->cnt != 0)
			fn(CNT_KIND_LI, l->guid, l->cnt, arg);
	PX_EACH_SERVER(sv, px)
		if (sv->guid != NULL)
			fn(CNT_KIND_SRV, sv->guid, sv->cnt, arg);
}

/* ---- writing ---- */

static void
put_head(struct text *out)
{
	text_addz(out, FIRST "\n");
	for (unsigned k = 0; k < NELEM(kinds); k++) {
		text_printf(out, "#%s,guid", kinds[k]);
		for (unsigned i = 0; i < cnt_n_rows[k]; i++)
			text_printf(out, ",%s", cnt_rows[k][i].name);
		text_addc(out, '\n');
	}
}

static void
put(enum cnt_kind kind, const char *guid, uint32_t off, void *arg)
{
	struct text *out = arg;
	uint64_t v[COLS];

	MUST(cnt_n_rows[kind] <= COLS);
	cnt_sum(off, v, cnt_n_rows[kind]);
	text_printf(out, "%s,%s", kinds[kind], guid);
	for (unsigned i = 0; i < cnt_n_rows[kind]; i++)
		text_printf(out, ",%llu", (unsigned long long)v[i]);
	text_addc(out, '\n');
}

static enum cli_done
run_dump(struct cli_ctx *x)
{
	size_t enough = x->out->n + PIECE;
	struct px *px = x->priv;

	if (x->turn == 0) {
		px = px_model->all;
		put_head(x->out);
	}
	for (; px != NULL && x->out->n < enough; px = px->next)
		visit(px, put, x->out);
	x->priv = px;
	return (px != NULL ? CLI_MORE : CLI_DONE);
}

CLI_COMMAND(dump_stats_file) = {
	.name = "dump stats-file", .args = "", .level = PX_LEVEL_USER,
	.run = run_dump,
	.doc = "counters of what has a guid, for stats-file",
};

/* ---- reading ---- */

struct object {
	const char *guid;
	enum cnt_kind kind;
	uint32_t off;
};

struct reader {
	struct object *obj;             /* sorted, by guid and kind */
	size_t n_obj;
	const struct cnt_row *col[NELEM(kinds)][COLS];  /* by word, or NULL */
	unsigned n[NELEM(kinds)];       /* words behind the guid */
	enum cnt_kind kind;             /* of the line */
};

static int
compare(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	int d = strcmp(x->guid, y->guid);

	return (d != 0 ? d : (int)x->kind - (int)y->kind);
}

static void
note(enum cnt_kind kind, const char *guid, uint32_t off, void *arg)
{
	struct reader *r = arg;

	r->obj = must_realloc(r->obj, (r->n_obj + 1) * sizeof *r->obj);
	r->obj[r->n_obj++] = (struct object){ guid, kind, off };
}

static bool
take_kind(struct span s, enum cnt_kind *kind)
{
	for (unsigned k = 0; k < NELEM(kinds); k++)
		if (span_is(s, kinds[k])) {
			*kind = (enum cnt_kind)k;
			return (true);
		}
	return (false);
}

static bool
take_columns(struct reader *r, struct span line)
{
	struct span s;
	unsigned n = 0;

	if (!span_cut(&line, ',', &s) || !take_kind(s, &r->kind))
		return (true);          /* of another release */
	if (!span_cut(&line, ',', &s) || !span_is(s, "guid"))
		return (false);
	for (; n < COLS && span_cut(&line, ',', &s); n++) {
		r->col[r->kind][n] = NULL;
		for (unsigned i = 0; i < cnt_n_rows[r->kind]; i++)
			if (span_is(s, cnt_rows[r->kind][i].name))
				r->col[r->kind][n] = &cnt_rows[r->kind][i];
	}
	r->n[r->kind] = n;
	return (line.n == 0);
}

/* What it has counted already wins. */
static void
preload(const struct object *o, const uint64_t *v)
{
	unsigned n = cnt_n_rows[o->kind];
	uint64_t now[COLS];

	cnt_sum(o->off, now, n);
	for (unsigned i = 0; i < n; i++)
		if (now[i] != 0)
			return;
	cnt_add(o->off, v, n);
}

/* Values in the order of the columns, then the object. False: it is no line of
 * ours. */
static bool
take_values(struct reader *r, struct span line)
{
	uint64_t v, values[COLS] = { 0 };
	const struct cnt_row *col;
	struct object key, *o;
	char guid[COLS];
	unsigned n = 0;
	struct span s;

	if (!span_cut(&line, ',', &s) || !take_kind(s, &r->kind))
		return (true);
	if (!span_cut(&line, ',', &s) || !span_copy(guid, sizeof guid, s))
		return (false);
	for (; n < r->n[r->kind] && span_cut(&line, ',', &s); n++) {
		if (!num_u64(s, &v))
			return (false);
		if ((col = r->col[r->kind][n]) != NULL)
			values[col - cnt_rows[r->kind]] = v;
	}
	if (n != r->n[r->kind] || n == 0 || line.n > 0)
		return (false);
	key = (struct object){ guid, r->kind, 0 };
	o = r->n_obj == 0 ? NULL : bsearch(&key, r->obj, r->n_obj,
	    sizeof key, compare);
	if (o != NULL)
		preload(o, values);
	return (true);
}

static bool
take_line(struct reader *r, struct span line, int no)
{
	if (no == 1)
		return (span_is(line, FIRST));
	if (line.n == 0)
		return (true);
	return (line.p[0] == '#' ? take_columns(r, span_skip(line, 1)) :
	    take_values(r, line));
}

static void
read_file(FILE *f)
{
	struct reader *r = must_alloc(sizeof *r);
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int no = 0;

	PX_EACH(px, px_model)
		visit(px, note, r);
	if (r->n_obj > 0)
		qsort(r->obj, r->n_obj, sizeof *r->obj, compare);
	while ((n = getline(&line, &room, f)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (take_line(r, span_of(line, (size_t)n), ++no))
			continue;
		if (no == 1) {
			ipc_say(DIAG_WARNING, "stats-file '%s': not written by "
			    "'dump stats-file' of this program: it is not used",
			    path);
			break;
		}
		ipc_say(DIAG_WARNING, "stats-file '%s', line %d: not as 'dump "
		    "stats-file' writes it: the line is not used", path, no);
	}
	free(line);
	free(r->obj);
	free(r);
}

void
stat_file_load(void)
{
	void *at;
	FILE *f;

	if (path == NULL || shm_slot(the_shm, SPAN("stats-file"), SHM_GLOBAL,
	    sizeof(uint64_t), &at, NULL) != SHM_FRESH)
		return;
	if ((f = fopen(path, "re")) == NULL) {
		ipc_say(DIAG_WARNING, "can't read the stats-file '%s': %s; "
		    "counters begin with zero", path, strerror(errno));
		return;
	}
	read_file(f);
	(void)fclose(f);
}

static bool
parse_stats_file(struct conf_line *l, void *obj)
{
	struct span s;

	(void)obj;
	if (!conf_want(l, "a file's path", &s))
		return (false);
	path = s.p;
	return (conf_end(l));
}

KEYWORD(stats_file) = {
	.name = "stats-file", .in = KW_GLOBAL, .args = "<file>",
	.parse = parse_stats_file,
	.doc = "What `dump stats-file` wrote: at the first start that has this "
	    "line, objects with the same kind and `guid` begin with those "
	    "counters, unless they have counted already. A reload hands "
	    "counters over without it, and does not read it again.",
	.example = "stats-file /var/lib/haproxy/stats",
};
