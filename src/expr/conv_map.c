/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_map - converters that look a value up in a file of keys and values.
 *
 * Source: configuration manual 7.3.1, "map".
 */
#include "pat_int.h"

#include <base/must.h>
#include <base/num.h>

/* "map_beg_int": the method, and what the value is read as. */
struct map_kind {
	uint8_t match;                  /* enum acl_match */
	uint8_t view;                   /* enum pat_view */
};

static void
kind_of(const char *name, struct map_kind *k)
{
	struct span rest = span_str(name), part;

	*k = (struct map_kind){ ACL_STR, PAT_VIEW_STR };
	(void)span_cut(&rest, '_', &part);      /* "map" */
	if (!span_cut(&rest, '_', &part))
		return;
	if (span_is(part, "regm")) {
		*k = (struct map_kind){ ACL_REG, PAT_VIEW_REGM };
		return;
	}
	for (size_t i = 0; i < ACL_MATCH_N; i++)
		if (span_is(part, acl_match_names[i]))
			k->match = (uint8_t)i;
	if (span_cut(&rest, '_', &part))
		k->view = span_is(part, "int") ? PAT_VIEW_INT :
		    span_is(part, "ip") ? PAT_VIEW_IP : PAT_VIEW_STR;
}

/* The file becomes an index, the default a value of the right type. */
static bool
map_setup(struct conf_line *l, const struct conf_word *w,
    const struct smp_conv *conv, struct arg *arg)
{
	struct addr_net *net;
	struct map_kind k;
	struct pat_ref *r;
	const char *err;

	kind_of(conv->name, &k);
	if ((r = pat_ref_file(l, w, arg[0].str, true)) == NULL)
		return (false);
	arg[0].ptr = pat_use_get(r, k.match, false, k.view, &err);
	if (arg[0].ptr == NULL)
		return (conf_err(l, w, "converter '%s': %s", conv->name, err));
	pat_ref_user(r, l, true);
	if (k.view != PAT_VIEW_IP || arg[1].type == ARG_NONE)
		return (true);
	net = arena_get(l->conf->arena, sizeof *net);
	if (span_find(arg[1].str, '/') >= 0 ||
	    !addr_net_parse(arg[1].str, net))
		return (conf_err(l, w, "converter '%s': expected an address as "
		    "the default, found '%.*s'", conv->name,
		    SPAN_FMT(arg[1].str)));
	arg[1].ptr = net;
	return (true);
}

static const struct pat_row *
look_up(const struct arg *arg, const struct smp *s)
{
	uint32_t no;

	return (pat_find(arg[0].ptr, s, NULL, &no));
}

/* A text of the map; one that may change is copied. */
static bool
give(struct txn *t, const struct arg *arg, const struct pat_row *row,
    struct span text, struct smp *s)
{
	const struct pat_use *u = arg[0].ptr;

	s->constant = pat_row_stable(u->ref, row);
	s->str = s->constant ? text : arena_span(t->arena, text);
	return (s->str.p != NULL);
}

static bool
give_default(const struct arg *arg, struct smp *s)
{
	s->str = arg[1].str;
	s->constant = true;
	return (arg[1].type != ARG_NONE);
}

static bool
map_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct pat_row *row = look_up(arg, s);

	return (row == NULL ? give_default(arg, s) :
	    give(t, arg, row, pat_value(row), s));
}

static bool
map_key(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct pat_row *row = look_up(arg, s);

	return (row != NULL && give(t, arg, row, pat_key(row), s));
}

static bool
map_int(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct pat_row *row = look_up(arg, s);

	(void)t;
	if (row != NULL)
		return (num_i64(pat_value(row), &s->num));
	s->num = arg[1].num;
	return (arg[1].type != ARG_NONE);
}

static bool
map_addr(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct pat_row *row = look_up(arg, s);
	struct addr_net net;

	(void)t;
	if (row != NULL) {
		if (!addr_net_parse(pat_value(row), &net))
			return (false);
		s->addr = net.addr;
	} else if (arg[1].type != ARG_NONE)
		s->addr = ((const struct addr_net *)arg[1].ptr)->addr;
	else
		return (false);
	return (true);
}

/* The value with \1 and so on put in from what the expression matched. */
static bool
map_regm(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct pat_index *ix;
	struct span group[SMP_REGEX_GROUPS], val;
	const struct pat_row *row;
	uint32_t no;
	size_t n;
	char *p;

	row = pat_find(arg[0].ptr, s, &ix, &no);
	if (row == NULL)
		return (give_default(arg, s));
	if (!smp_regex_groups(pat_index_regex(ix, no), s->str, group))
		return (false);
	val = pat_value(row);
	n = val.n + 1;
	for (size_t i = 0; i + 1 < val.n; i++)
		if (val.p[i] == '\\' && val.p[i + 1] >= '0' &&
		    val.p[i + 1] <= '9')
			n += group[val.p[i + 1] - '0'].n;
	if ((p = arena_get(t->arena, n)) == NULL)
		return (false);
	n = smp_regex_expand(val, group, p, n);
	s->str = span_of(p, n);
	s->constant = false;
	return (n != SIZE_MAX);
}

/* ---- rows ---- */

#define MAP(ident, word, in_, out_, args_, run_, arg_, ex, doc_)             \
CONVERTER(ident) = { .name = word, .args = args_, .in = in_, .out = out_,    \
	.run = run_, .setup = map_setup, .live = true, .doc = doc_,          \
	.example = { "str(192.0.2.7)," word "(virt@none" arg_ ")", ex } }

#define FILE_STR "str file, str default="
#define FILE_INT "str file, int default="

#define MAP_FAMILY(m, in_, how)                                              \
MAP(map_##m, "map_" #m, in_, SMP_STR, FILE_STR, map_str, ",x", "x",          \
    "The value that a file gives for the first key which matches: " how      \
    " A line of the file is a key, blanks, and the value up to the end of "  \
    "the line. Without such a key the default, or no sample.");              \
MAP(map_##m##_int, "map_" #m "_int", in_, SMP_INT, FILE_INT, map_int, ",7",  \
    "7", "As map_" #m ", for values that are integers.");                    \
MAP(map_##m##_ip, "map_" #m "_ip", in_, SMP_ADDR, FILE_STR, map_addr,        \
    ",::1", "::1", "As map_" #m ", for values that are addresses.");         \
MAP(map_##m##_key, "map_" #m "_key", in_, SMP_STR, "str file", map_key, "",  \
    "(none)", "As map_" #m ", but gives the key that matched, not its "      \
    "value.")

MAP(map, "map", SMP_STR, SMP_STR, FILE_STR, map_str, ",x", "x",
    "Another name of map_str.");
MAP(map_regm, "map_regm", SMP_STR, SMP_STR, FILE_STR, map_regm, ",x", "x",
    "As map_reg, and \\1 to \\9 in the value stand for the groups that the "
    "expression matched.");
MAP_FAMILY(str, SMP_STR, "it is the whole text.");
MAP_FAMILY(beg, SMP_STR, "the text begins by it; of several the longest "
    "counts.");
MAP_FAMILY(sub, SMP_STR, "the text has it somewhere.");
MAP_FAMILY(dir, SMP_STR, "it is a part of the text between slashes.");
MAP_FAMILY(dom, SMP_STR, "it is a part of the text between dots, slashes, "
    "colons or question marks.");
MAP_FAMILY(end, SMP_STR, "the text ends by it.");
MAP_FAMILY(reg, SMP_STR, "it is a regular expression that matches.");
MAP_FAMILY(int, SMP_INT, "a number or a range, low:high.");
MAP_FAMILY(ip, SMP_ADDR, "an address or a network; of several the smallest "
    "network counts.");
