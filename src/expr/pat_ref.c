/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_ref - all lists of patterns: files and the words of ACLs, read once and
 * searched by whoever needs them.
 *
 * Source: configuration manual 7.1 (-f, -M, -u), 7.3.1 (map), 2.7 in later
 * versions (opt@, virt@).
 */
#include "pat_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>
#include <os/fd.h>

#define FILE_LIMIT (1u << 31)

static struct pat_ref *all, **all_end = &all;
static uint32_t n_refs;
static struct pat_ref **by_no;

/* ---- the register ---- */

static struct pat_ref *
ref_new(struct span name)
{
	struct pat_ref *r = must_alloc(sizeof *r);

	memset(r, 0, sizeof *r);
	r->name = name;
	r->id = -1;
	r->no = n_refs++;
	if ((r->no & (r->no - 1)) == 0)         /* double, to stay linear */
		by_no = must_realloc(by_no,
		    (r->no == 0 ? 1 : 2 * (size_t)r->no) * sizeof *by_no);
	by_no[r->no] = r;
	r->base.base = true;
	*all_end = r;
	all_end = &r->next;
	return (r);
}

struct pat_ref *
pat_first(void)
{
	return (all);
}

struct pat_ref *
pat_by_no(uint32_t no)
{
	return (no < n_refs ? by_no[no] : NULL);
}

struct pat_ref *
pat_by_name(struct span name)
{
	uint64_t id = 0;
	bool number = name.n > 1 && *name.p == '#' &&
	    num_u64(span_skip(name, 1), &id);

	for (struct pat_ref *r = all; r != NULL; r = r->next)
		if (number ? r->id == (int64_t)id :
		    r->name.n != 0 && span_eq(r->name, name))
			return (r);
	return (NULL);
}

static int
number_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y ? -1 : x > y);
}

/* Numbers for those that have none, in the order of the file, around those
 * that were given. */
static bool
give_numbers(struct conf *conf)
{
	int64_t *taken = must_alloc((n_refs + 1) * sizeof *taken);
	int64_t id = 0;
	size_t n = 0, at = 0;

	(void)conf;
	for (struct pat_ref *r = all; r != NULL; r = r->next)
		if (r->id >= 0)
			taken[n++] = r->id;
	qsort(taken, n, sizeof *taken, number_cmp);
	for (struct pat_ref *r = all; r != NULL; r = r->next) {
		if (r->id >= 0)
			continue;
		for (; at < n && taken[at] <= id; at++)
			if (taken[at] == id)
				id++;
		r->id = id++;
	}
	free(taken);
	return (true);
}
CONF_CHECK(pat_numbers, 40, give_numbers);

bool
pat_ref_number(struct pat_ref *ref, int64_t id)
{
	for (const struct pat_ref *r = all; r != NULL; r = r->next)
		if (r->id == id && r != ref)
			return (false);
	ref->id = id;
	return (true);
}

void
pat_ref_user(struct pat_ref *r, const struct conf_line *l, bool map)
{
	if (map)
		r->is_map = true;
	else
		r->is_acl = true;
	if (r->name.n == 0)
		return;
	if (r->users == NULL) {
		r->users = must_alloc(sizeof *r->users);
		text_init(r->users);
	} else
		text_addz(r->users, ", ");
	text_printf(r->users, "by %s at file '%s' line %d",
	    map ? "map" : "acl", l->file, l->line);
}

struct pat_ref *
pat_ref_words(struct conf_line *l, struct span what)
{
	struct pat_ref *r = ref_new(SPAN_NONE);

	r->is_acl = true;
	r->words = span_str(arena_printf(l->conf->arena,
	    "acl '%.*s' file '%s' line %d", SPAN_FMT(what), l->file, l->line));
	return (r);
}

static void
ref_free(struct pat_ref *r)
{
	struct pat_use *u;
	struct pat_part *p;

	for (uint32_t i = 0; i < r->base.n && r->map; i++)
		if (!pat_row_stable(r, &r->base.row[i]))        /* was set */
			free((char *)(uintptr_t)r->base.row[i].key);
	pat_part_free(&r->base);
	if (r->cur != NULL) {
		pat_part_free(r->cur);
		free(r->cur);
	}
	while ((p = r->prepared) != NULL) {
		r->prepared = p->next;
		pat_part_free(p);
		free(p);
	}
	while ((u = r->uses) != NULL) {
		r->uses = u->next;
		free(u);
	}
	if (r->users != NULL)
		text_fini(r->users);
	free(r->users);
	free((char *)(uintptr_t)r->file.p);
	free(r);
}

void
pat_forget(void)
{
	struct pat_ref *r;

	while ((r = all) != NULL) {
		all = r->next;
		ref_free(r);
	}
	all_end = &all;
	free(by_no);
	by_no = NULL;
	n_refs = 0;
}

/* ---- rows from the configuration ---- */

static void
base_room(struct pat_part *p, size_t n)
{
	if (n <= p->cap)
		return;
	p->cap = p->cap == 0 ? 1 : 4 * p->cap;
	if (p->cap < n)
		p->cap = (uint32_t)n;
	p->row = must_realloc(p->row, p->cap * sizeof *p->row);
}

static struct pat_row *
base_row(struct pat_ref *r, struct span key, struct span val)
{
	struct pat_row *row;

	base_room(&r->base, r->base.n + 1);
	row = &r->base.row[r->base.n];
	*row = (struct pat_row){ .key = key.p, .key_n = (uint32_t)key.n,
	    .id = ++r->next_id };
	if (val.p != NULL) {
		row->val = (uint32_t)(val.p - key.p);
		row->val_n = (uint32_t)val.n & 0x7fffffff;
	}
	r->base.n++;
	r->base.live++;
	return (row);
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

/* Up to the first blank. */
static size_t
word_length(struct span s)
{
	const char *space = memchr(s.p, ' ', s.n), *tab;

	if (space != NULL)
		s.n = (size_t)(space - s.p);
	tab = memchr(s.p, '\t', s.n);
	return (tab != NULL ? (size_t)(tab - s.p) : s.n);
}

/* One line of a file: a pattern, or a key and its value. */
static void
take_line(struct pat_ref *r, struct span line)
{
	struct span val = SPAN_NONE;
	size_t n;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 || *line.p == '#')
		return;
	while (line.n > 0 && is_blank(*line.p))
		line = span_skip(line, 1);
	if (line.n == 0)
		return;
	if (r->map) {
		n = word_length(line);
		val = span_skip(line, n);
		while (val.n > 0 && is_blank(*val.p))
			val = span_skip(val, 1);
		while (val.n > 0 && is_blank(val.p[val.n - 1]))
			val.n--;
		line.n = n;
		if (val.n == 0)         /* the end of the line is a value */
			val = span_of(line.p + line.n, 0);
	}
	base_row(r, line, val);
}

static void
take_file(struct pat_ref *r)
{
	struct span rest = r->file, line;
	const char *p = rest.p, *end = rest.p + rest.n;
	size_t lines = 1;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		lines++;
		p++;
	}
	if (r->base.row == NULL) {
		r->base.row = must_alloc(lines * sizeof *r->base.row);
		r->base.cap = (uint32_t)lines;
	}
	while (span_cut(&rest, '\n', &line))
		take_line(r, line);
}

/* "opt@/path" and the like. */
static void
name_kind(struct span *path, bool *optional, bool *virtual)
{
	*optional = span_begins(*path, SPAN("opt@"));
	*virtual = span_begins(*path, SPAN("virt@"));
	if (*optional)
		*path = span_skip(*path, 4);
	else if (span_begins(*path, SPAN("file@")))
		*path = span_skip(*path, 5);
}

static bool
read_file(struct conf_line *l, const struct conf_word *w, struct pat_ref *r,
    struct span name)
{
	struct span file = name;
	bool optional, virtual;
	const char *path;
	char *data;
	size_t n;

	name_kind(&file, &optional, &virtual);
	if (virtual)
		return (true);
	path = conf_path(l, file);
	data = fd_read_file(path, FILE_LIMIT, &n);
	if (data == NULL && optional && errno == ENOENT)
		return (true);
	if (data == NULL)
		return (conf_err(l, w, "cannot read the pattern file '%s': %s",
		    path, strerror(errno)));
	r->file = span_of(data, n);
	take_file(r);
	return (true);
}

struct pat_ref *
pat_ref_file(struct conf_line *l, const struct conf_word *w, struct span name,
    bool map)
{
	struct pat_ref *r;

	if (span_begins(name, SPAN("file@")))
		name = span_skip(name, 5);
	if (name.n == 0) {
		conf_err(l, w, "expected the name of a pattern file");
		return (NULL);
	}
	if ((r = pat_by_name(name)) != NULL) {
		if (r->map == map)
			return (r);
		conf_err(l, w, "the file '%.*s' is already used as a %s "
		    "column file and cannot be read as a %s column file, too",
		    SPAN_FMT(name), map ? "one" : "two", map ? "two" : "one");
		if (!map)
			conf_err_hint(l, "put '-M' before '-f' to compare "
			    "with the keys of a map");
		return (NULL);
	}
	r = ref_new(arena_span(l->conf->arena, name));
	r->map = map;
	return (read_file(l, w, r, name) ? r : NULL);
}

/* "FILE:LINE: " of a row that was read from a file. */
static const char *
where(const struct pat_ref *r, const struct pat_row *row)
{
	static char text[512];
	int line = 1;

	if (r->file.p == NULL)
		return ("");
	for (const char *p = r->file.p; p < row->key; p++)
		line += *p == '\n';
	snprintf(text, sizeof text, "%.*s:%d: ", SPAN_FMT(r->name), line);
	return (text);
}

/* ---- uses ---- */

bool
pat_part_index(struct pat_part *p, struct pat_use *u, uint32_t *bad,
    const char **err)
{
	struct pat_index *x = pat_index_new(u->match, u->icase, p->n);

	if (!pat_index_fill(x, p->row, p->n, bad, err)) {
		pat_index_free(x);
		return (false);
	}
	if (u->no >= p->n_ix) {
		p->ix = must_realloc(p->ix, (u->no + 1) * sizeof *p->ix);
		while (p->n_ix <= u->no)
			p->ix[p->n_ix++] = NULL;
	}
	pat_index_free(p->ix[u->no]);
	p->ix[u->no] = x;
	return (true);
}

void
pat_part_free(struct pat_part *p)
{
	for (unsigned i = 0; i < p->n_ix; i++)
		pat_index_free(p->ix[i]);
	free(p->ix);
	for (uint32_t i = 0; i < p->n && !p->base; i++)
		free((char *)(uintptr_t)p->row[i].key);
	free(p->row);
}

void
pat_uses_point(struct pat_ref *r)
{
	for (struct pat_use *u = r->uses; u != NULL; u = u->next) {
		u->base = r->base_gone ? NULL : r->base.ix[u->no];
		u->cur = r->cur == NULL ? NULL : r->cur->ix[u->no];
	}
}

static bool
value_fits(enum pat_view view, struct span val)
{
	struct addr_net net;
	int64_t v;

	switch (view) {
	case PAT_VIEW_INT:
		return (num_i64(val, &v));
	case PAT_VIEW_IP:
		return (span_find(val, '/') < 0 && addr_net_parse(val, &net));
	default:
		return (true);
	}
}

static const char *
view_wants(enum pat_view view)
{
	return (view == PAT_VIEW_INT ? "a number" : "an address");
}

bool
pat_value_check(const struct pat_ref *r, struct span val, const char **err)
{
	static char text[160];

	for (const struct pat_use *u = r->uses; u != NULL; u = u->next)
		for (int v = PAT_VIEW_INT; v <= PAT_VIEW_IP; v++) {
			if ((u->views >> v & 1) == 0 || value_fits(v, val))
				continue;
			snprintf(text, sizeof text, "'%.*s' is not %s, as a "
			    "user of this map needs",
			    val.n > 80 ? 80 : (int)val.n, val.p,
			    view_wants(v));
			*err = text;
			return (false);
		}
	return (true);
}

/* All values have the form that a view needs. */
static bool
check_view(const struct pat_ref *r, enum pat_view view, const char **err)
{
	static char text[700];

	if (view != PAT_VIEW_INT && view != PAT_VIEW_IP)
		return (true);
	for (uint32_t i = 0; i < r->base.n; i++) {
		struct span val = pat_value(&r->base.row[i]);

		if (value_fits(view, val))
			continue;
		snprintf(text, sizeof text, "%s'%.*s': expected %s as the "
		    "value of '%.*s'", where(r, &r->base.row[i]),
		    val.n > 80 ? 80 : (int)val.n, val.p, view_wants(view),
		    r->base.row[i].key_n > 80 ? 80 :
		    (int)r->base.row[i].key_n, r->base.row[i].key);
		*err = text;
		return (false);
	}
	return (true);
}

static struct pat_use *
find_use(const struct pat_ref *r, enum acl_match match, bool icase)
{
	struct pat_use *u;

	for (u = r->uses; u != NULL; u = u->next)
		if (u->match == match && u->icase == icase)
			return (u);
	return (NULL);
}

static struct pat_use *
use_new(struct pat_ref *r, enum acl_match match, bool icase, const char **err)
{
	static char text[1200];
	struct pat_use *u = must_alloc(sizeof *u), **at;
	const struct pat_row *row;
	uint32_t bad;

	*u = (struct pat_use){ .ref = r, .match = (uint8_t)match,
	    .icase = icase, .no = r->n_uses };
	if (!pat_part_index(&r->base, u, &bad, err)) {
		row = &r->base.row[bad];
		snprintf(text, sizeof text, "%s'%.*s' is no pattern for match "
		    "method '%s': %s", where(r, row),
		    row->key_n > 200 ? 200 : (int)row->key_n, row->key,
		    acl_match_names[match], *err);
		*err = text;
		free(u);
		return (NULL);
	}
	for (at = &r->uses; *at != NULL; at = &(*at)->next)
		;
	*at = u;
	r->n_uses++;
	u->base = r->base.ix[u->no];
	return (u);
}

struct pat_use *
pat_use_get(struct pat_ref *r, enum acl_match match, bool icase,
    enum pat_view view, const char **err)
{
	struct pat_use *u;

	if (!check_view(r, view, err))
		return (NULL);
	if ((u = find_use(r, match, icase)) == NULL)
		u = use_new(r, match, icase, err);
	if (u != NULL)
		u->views |= (uint8_t)(1u << view);
	return (u);
}

bool
pat_word(struct pat_use *u, struct span key, const char **err)
{
	struct pat_ref *r = u->ref;

	base_row(r, key, SPAN_NONE);
	return (pat_index_add(u->base, r->base.row, r->base.n - 1, err));
}

/* ---- looking up ---- */

/* Of a list the first that matches counts; prefixes and networks are trees,
 * as the manual says: the finest match. */
static bool
takes_first(const struct pat_use *u)
{
	return (u->match != ACL_BEG && u->match != ACL_IP);
}

const struct pat_row *
pat_find(const struct pat_use *u, const struct smp *s,
    const struct pat_index **ix, uint32_t *no)
{
	const struct pat_ref *r = u->ref;
	uint32_t a = PAT_MISS, b = PAT_MISS;
	size_t a_len = 0, b_len = 0;
	bool first = takes_first(u);

	if (u->base != NULL)
		a = pat_index_find(u->base, r->base.row, s, first, &a_len);
	if (__builtin_expect(u->cur != NULL, 0))
		b = pat_index_find(u->cur, r->cur->row, s, first, &b_len);
	if (b != PAT_MISS && (a == PAT_MISS || (!first && b_len > a_len))) {
		if (ix != NULL)
			*ix = u->cur;
		*no = b;
		return (&r->cur->row[b]);
	}
	if (ix != NULL)
		*ix = u->base;
	*no = a;
	return (a == PAT_MISS ? NULL : &r->base.row[a]);
}

bool
pat_has(const struct pat_use *u, const struct smp *s)
{
	const struct pat_ref *r = u->ref;
	size_t len;

	return ((u->base != NULL && pat_index_find(u->base, r->base.row, s,
	    true, &len) != PAT_MISS) || (u->cur != NULL &&
	    pat_index_find(u->cur, r->cur->row, s, true, &len) != PAT_MISS));
}

bool
pat_row_stable(const struct pat_ref *r, const struct pat_row *row)
{
	return (r->file.p != NULL && row->key >= r->file.p &&
	    row->key < r->file.p + r->file.n);
}
