/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_print - rows of values as CSV, as typed lines and as JSON.
 */
#include "stat_int.h"

#include <inttypes.h>
#include <string.h>

const struct stat_col stat_px_cols[COL_N] = {
#define COL(name, tag, type, help) { #name, tag, STAT_##type, help },
#include "stat_px.def"
#undef COL
};

const struct stat_col stat_info_cols[INFO_N] = {
#define INFO(ident, name, tag, type, help) { name, tag, STAT_##type, help },
#include "stat_info.def"
#undef INFO
};

static const char *const type_names[] = { "u32", "u64", "s32", "str" };

struct stat_opts
stat_opts_parse(const struct cli_ctx *x, int at)
{
	struct stat_opts o = { .form = STAT_PLAIN };

	for (int i = at; i < x->n; i++) {
		if (cli_is(x, i, "typed"))
			o.form = STAT_TYPED;
		else if (cli_is(x, i, "json"))
			o.form = STAT_JSON;
		else if (cli_is(x, i, "desc"))
			o.desc = true;
		else if (cli_is(x, i, "no-maint"))
			o.no_maint = true;
		else if (cli_is(x, i, "up"))
			o.up = true;
	}
	return (o);
}

static void
put_value(struct text *out, const struct stat_col *c, const struct stat_val *v)
{
	switch (c->type) {
	case STAT_STR:
		text_addz(out, v->z);
		break;
	case STAT_S32:
		text_printf(out, "%" PRId64, v->n);
		break;
	default:
		text_printf(out, "%" PRIu64, (uint64_t)v->n);
	}
}

/* ---- CSV ---- */

/* A column stands between those that all versions have and the others. */
static void
put_border(struct text *out, int col)
{
	if (col == COL_ssl_sess)
		text_addz(out, "-,");
}

void
stat_csv_head(struct text *out)
{
	text_addz(out, "# ");
	for (int i = 0; i < COL_N; i++) {
		put_border(out, i);
		text_addz(out, stat_px_cols[i].name);
		text_addc(out, ',');
	}
	text_addc(out, '\n');
}

/* A text of the table: in quotes when it has a comma, a quote or a line
 * end. */
static void
put_csv_text(struct text *out, const char *z)
{
	if (strpbrk(z, ",\"\r\n") == NULL) {
		text_addz(out, z);
		return;
	}
	text_addc(out, '"');
	for (; *z != '\0'; z++) {
		if (*z == '"')
			text_addc(out, '"');
		text_addc(out, *z);
	}
	text_addc(out, '"');
}

void
stat_csv_row(struct text *out, const struct stat_row *r)
{
	for (int i = 0; i < COL_N; i++) {
		const struct stat_val *v = &r->v[i];

		put_border(out, i);
		if (v->set && stat_px_cols[i].type == STAT_STR)
			put_csv_text(out, v->z);
		else if (v->set)
			put_value(out, &stat_px_cols[i], v);
		text_addc(out, ',');
	}
	text_addc(out, '\n');
}

/* ---- typed ---- */

static void
put_typed(struct text *out, const struct stat_col *c, const struct stat_val *v,
    bool desc)
{
	text_printf(out, ".1:%s:%s:", c->tag, type_names[c->type]);
	put_value(out, c, v);
	if (desc)
		text_printf(out, ":\"%s\"", c->help);
	text_addc(out, '\n');
}

void
stat_typed_row(struct text *out, const struct stat_row *r, bool desc)
{
	for (int i = 0; i < COL_N; i++) {
		if (!r->v[i].set)
			continue;
		text_printf(out, "%c.%u.%u.%d.%s", r->kind, r->iid, r->sid, i,
		    stat_px_cols[i].name);
		put_typed(out, &stat_px_cols[i], &r->v[i], desc);
	}
}

/* ---- JSON ---- */

static const char *
kind_word(char kind)
{
	switch (kind) {
	case 'F':
		return ("Frontend");
	case 'B':
		return ("Backend");
	case 'S':
		return ("Server");
	default:
		return ("Listener");
	}
}

/* The letters of a tag in words; management manual 9.2. */
static const char *
tag_word(int place, char letter)
{
	static const struct { int place; char letter; const char *word; } t[] = {
		{ 0, 'M', "Metric" }, { 0, 'S', "Status" }, { 0, 'K', "Key" },
		{ 0, 'C', "Config" }, { 0, 'P', "Product" },
		{ 1, 'A', "Age" }, { 1, 'a', "Avg" }, { 1, 'C', "Counter" },
		{ 1, 'D', "Duration" }, { 1, 'G', "Gauge" },
		{ 1, 'L', "Limit" }, { 1, 'M', "Max" }, { 1, 'm', "Min" },
		{ 1, 'N', "Name" }, { 1, 'O', "Output" }, { 1, 'R', "Rate" },
		{ 1, 'T', "Time" }, { 2, 'C', "Cluster" },
		{ 2, 'P', "Process" }, { 2, 'S', "Service" },
		{ 2, 's', "System" },
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		if (t[i].place == place && t[i].letter == letter)
			return (t[i].word);
	return ("Unknown");
}

static void
put_json_value(struct text *out, const struct stat_col *c,
    const struct stat_val *v, bool desc)
{
	text_printf(out, "\"processNum\":1,\"tags\":{\"origin\":\"%s\","
	    "\"nature\":\"%s\",\"scope\":\"%s\"},\"value\":{\"type\":\"%s\","
	    "\"value\":", tag_word(0, c->tag[0]), tag_word(1, c->tag[1]),
	    tag_word(2, c->tag[2]), type_names[c->type]);
	if (c->type == STAT_STR)
		text_json(out, span_str(v->z));
	else
		put_value(out, c, v);
	text_addz(out, desc ? "},\"desc\":" : "}");
	if (desc)
		text_json(out, span_str(c->help));
	text_addc(out, '}');
}

void
stat_json_row(struct text *out, const struct stat_row *r, bool desc)
{
	bool first = true;

	text_addc(out, '[');
	for (int i = 0; i < COL_N; i++) {
		if (!r->v[i].set)
			continue;
		text_printf(out, "%s{\"objType\":\"%s\",\"proxyId\":%u,"
		    "\"id\":%u,\"field\":{\"pos\":%d,\"name\":\"%s\"},",
		    first ? "" : ",", kind_word(r->kind), r->iid, r->sid, i,
		    stat_px_cols[i].name);
		put_json_value(out, &stat_px_cols[i], &r->v[i], desc);
		first = false;
	}
	text_addc(out, ']');
}

/* ---- show info ---- */

static void
put_info(struct text *out, int i, const struct stat_val *v,
    const struct stat_opts *o)
{
	const struct stat_col *c = &stat_info_cols[i];

	switch (o->form) {
	case STAT_TYPED:
		text_printf(out, "%d.%s", i, c->name);
		put_typed(out, c, v, o->desc);
		break;
	case STAT_JSON:
		text_printf(out, "%s{\"field\":{\"pos\":%d,\"name\":\"%s\"},",
		    i == 0 ? "" : ",", i, c->name);
		put_json_value(out, c, v, o->desc);
		break;
	default:
		text_printf(out, "%s: ", c->name);
		put_value(out, c, v);
		if (o->desc)
			text_printf(out, ":\"%s\"", c->help);
		text_addc(out, '\n');
	}
}

void
stat_info_put(struct text *out, const struct stat_val *v,
    const struct stat_opts *o)
{
	if (o->form == STAT_JSON)
		text_addc(out, '[');
	for (int i = 0; i < INFO_N; i++)
		if (v[i].set)
			put_info(out, i, &v[i], o);
	if (o->form == STAT_JSON)
		text_addz(out, "]\n");
}
