/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_html - the statistics page as HTML: one file, no script, nothing loaded
 * from elsewhere; light or dark as the browser is.
 */
#include "stat_page.h"

#include <os/loop.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The page's only script: its hash (SHA-256, base64) is in the policy that goes
 * with the page, so a test holds both together. */
static const char tick[] =
    "this.form.querySelectorAll('[name=s]').forEach(c=>c.checked=this.checked)";

static const char style[] =
    ":root{--bg:#fff;--fg:#1b1f24;--dim:#667;--line:#d8dce2;--head:#f1f3f6;"
    "--up:#1a7f37;--down:#c5221f;--warn:#9a6700;--off:#6639ba}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e4e7eb;"
    "--dim:#9aa3ad;--line:#333a42;--head:#1e2329;--up:#3fb950;--down:#ff7b72;"
    "--warn:#d29922;--off:#a78bfa}}"
    "body{margin:1.5rem;background:var(--bg);color:var(--fg);"
    "font:14px/1.45 system-ui,sans-serif}"
    "h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:1.6rem 0 .4rem}"
    "p{margin:.3rem 0;color:var(--dim)}a{color:inherit}"
    ".box{overflow-x:auto;border:1px solid var(--line);border-radius:6px}"
    "table{border-collapse:collapse;width:100%;font-size:12.5px;"
    "font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .5rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}"
    "thead th{background:var(--head);font-weight:600;color:var(--dim)}"
    "thead tr:first-child th{text-align:center;border-left:1px solid "
    "var(--line)}"
    "tbody th,td.l{text-align:left}tbody tr:last-child>*{border-bottom:0}"
    ".up{color:var(--up)}.down{color:var(--down);font-weight:600}"
    ".warn{color:var(--warn)}.off{color:var(--off)}"
    ".sum>*{background:var(--head);font-weight:600}"
    "small{color:var(--dim);display:block;font-weight:400}"
    "form{margin:0}input,select,button{font:inherit;color:inherit;"
    "background:var(--bg);border:1px solid var(--line);border-radius:4px;"
    "padding:.15rem .4rem}button{cursor:pointer;background:var(--head)}"
    "td.t,th.t{text-align:center;width:1%}.act{display:flex;gap:.5rem;"
    "align-items:center;padding:.4rem .5rem;background:var(--head);"
    "border-top:1px solid var(--line)}"
    "dl{display:grid;grid-template-columns:auto auto;gap:0 .8rem;margin:.3rem "
    "0}dt{color:var(--dim)}dd{margin:0;text-align:right}"
    "[role=status]{border:1px solid;border-radius:6px;padding:.4rem .7rem}";

/* Columns in groups, as people read them. */
static const struct group {
	const char *title;
	struct { const char *name; int col; } c[9];
} groups[] = {
	{ "Queue", { { "Cur", COL_qcur }, { "Max", COL_qmax },
	    { "Limit", COL_qlimit } } },
	{ "Session rate", { { "Cur", COL_rate }, { "Max", COL_rate_max },
	    { "Limit", COL_rate_lim } } },
	{ "Sessions", { { "Cur", COL_scur }, { "Max", COL_smax },
	    { "Limit", COL_slim }, { "Total", COL_stot },
	    { "LbTot", COL_lbtot }, { "Last", COL_lastsess } } },
	{ "Bytes", { { "In", COL_bin }, { "Out", COL_bout } } },
	{ "Denied", { { "Req", COL_dreq }, { "Resp", COL_dresp } } },
	{ "Errors", { { "Req", COL_ereq }, { "Conn", COL_econ },
	    { "Resp", COL_eresp } } },
	{ "Warnings", { { "Retr", COL_wretr }, { "Redis", COL_wredis } } },
	{ "Server", { { "Status", COL_status }, { "LastChk", COL_check_status },
	    { "Wght", COL_weight }, { "Act", COL_act }, { "Bck", COL_bck },
	    { "Chk", COL_chkfail }, { "Dwn", COL_chkdown },
	    { "Dwntme", COL_downtime }, { "Thrtle", COL_throttle } } },
};

#define N_GROUPS (sizeof groups / sizeof groups[0])
#define GROUP_MAX (sizeof groups[0].c / sizeof groups[0].c[0])

/* Text as it may stand in an element or a quoted attribute. */
static void
put_escaped(struct text *out, const char *z)
{
	for (; *z != '\0'; z++) {
		switch (*z) {
		case '<':
			text_addz(out, "&lt;");
			break;
		case '>':
			text_addz(out, "&gt;");
			break;
		case '&':
			text_addz(out, "&amp;");
			break;
		case '"':
			text_addz(out, "&quot;");
			break;
		default:
			text_addc(out, *z);
		}
	}
}

static void
put_escaped_span(struct text *out, struct span s)
{
	char z[2] = "";

	for (size_t i = 0; i < s.n; i++) {
		z[0] = s.p[i];
		put_escaped(out, z);
	}
}

/* "5s", "3m10s", "2h5m", "12d4h". */
static void
put_duration(struct text *out, uint64_t s)
{
	if (s < 60)
		text_printf(out, "%us", (unsigned)s);
	else if (s < 3600)
		text_printf(out, "%um%us", (unsigned)(s / 60),
		    (unsigned)(s % 60));
	else if (s < 86400)
		text_printf(out, "%uh%um", (unsigned)(s / 3600),
		    (unsigned)(s % 3600 / 60));
	else
		text_printf(out, "%" PRIu64 "d%uh", s / 86400,
		    (unsigned)(s % 86400 / 3600));
}

/* "1 234 567", with narrow blanks that do not break. */
static void
put_grouped(struct text *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text_addz(out, "&#8239;");
		text_addc(out, digits[i]);
	}
}

static void
put_cell(struct text *out, const struct stat_row *r, int col)
{
	const struct stat_val *v = &r->v[col];

	if (!v->set)
		return;
	if (stat_px_cols[col].type == STAT_STR) {
		put_escaped(out, v->z);
	} else if (col == COL_lastsess || col == COL_downtime) {
		if (v->n >= 0)
			put_duration(out, (uint64_t)v->n);
		else
			text_addz(out, "?");
	} else if (col == COL_throttle) {
		text_printf(out, "%u%%", (unsigned)v->n);
	} else
		put_grouped(out, (uint64_t)v->n);
}

static const char *
class_of(const char *status)
{
	if (strncmp(status, "UP", 2) == 0 || strcmp(status, "OPEN") == 0 ||
	    strcmp(status, "no check") == 0)
		return (strchr(status, '/') != NULL && status[2] == ' ' &&
		    status[3] != '(' ? "warn" : "up");
	if (strncmp(status, "DOWN", 4) == 0)
		return ("down");
	if (strcmp(status, "FULL") == 0 || strncmp(status, "NOLB", 4) == 0)
		return ("warn");
	return ("off");
}

/* ---- head ---- */

/* The page with other options; the filter stays. */
static void
put_link(struct stat_page *p, const char *options, const char *name)
{
	text_addz(&p->out, " &middot; <a href=\"");
	put_escaped_span(&p->out, p->v.base);
	text_addz(&p->out, options);
	if (p->v.filter.n != 0) {
		text_addz(&p->out, "?scope=");
		put_escaped_span(&p->out, p->v.filter);
	}
	text_printf(&p->out, "\">%s</a>", name);
}

/* A form puts its fields behind '?', where the URI may have something already:
 * then there is none. */
static void
put_filter(struct stat_page *p)
{
	if (span_find(p->v.base, '?') >= 0)
		return;
	text_addz(&p->out, "<form method=\"get\" action=\"");
	put_escaped_span(&p->out, p->v.base);
	text_addz(&p->out, "\"><label>Only names with <input name=\"scope\" "
	    "size=\"8\" maxlength=\"20\" value=\"");
	put_escaped_span(&p->out, p->v.filter);
	text_addz(&p->out, "\"></label></form>\n");
}

static void
put_links(struct stat_page *p)
{
	text_addz(&p->out, "<p>");
	text_printf(&p->out, "pid %d &middot; up ",
	    (int)agent_facts.keeper_pid);
	put_duration(&p->out, (uint64_t)(the_loop->now_us -
	    agent_facts.start_mono_us) / 1000000);
	text_printf(&p->out, " &middot; %u connections open",
	    fe_conn_total());
	if (p->cfg->refresh_s != 0)
		put_link(p, p->v.refresh ? ";norefresh" : "", p->v.refresh ?
		    "stop refreshing" : "refresh");
	put_link(p, p->v.opt.up ? "" : ";up", p->v.opt.up ?
	    "show all servers" : "hide servers that are down");
	put_link(p, ";csv;norefresh", "CSV");
	put_link(p, ";json;norefresh", "JSON");
	put_link(p, ";json-schema", "schema");
	text_addz(&p->out, "</p>\n");
	put_filter(p);
}

void
stat_html_head(struct stat_page *p)
{
	const char *node = p->cfg->node != NULL ? p->cfg->node :
	    agent_facts.node;
	const char *desc = p->cfg->desc != NULL ? p->cfg->desc :
	    agent_facts.description;

	text_addz(&p->out, "<!doctype html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><meta name=\"viewport\" "
	    "content=\"width=device-width\"><meta name=\"color-scheme\" "
	    "content=\"light dark\"><title>Statistics");
	if (p->cfg->show_node && node != NULL) {
		text_addz(&p->out, " of ");
		put_escaped(&p->out, node);
	}
	text_printf(&p->out, "</title><style>%s</style></head><body>\n"
	    "<h1>Écluse%s%s", style, p->cfg->hide_version ? "" : " ",
	    p->cfg->hide_version ? "" : agent_facts.version);
	if (p->cfg->show_node && node != NULL) {
		text_addz(&p->out, " on ");
		put_escaped(&p->out, node);
	}
	text_addz(&p->out, "</h1>\n");
	if (p->cfg->show_desc && desc != NULL) {
		text_addz(&p->out, "<p>");
		put_escaped(&p->out, desc);
		text_addz(&p->out, "</p>\n");
	}
	put_links(p);
	if (p->v.result >= 0)
		stat_result_put(&p->out, p->v.result);
}

/* ---- a proxy ---- */

static bool
has_form(const struct stat_page *p, const struct px *px)
{
	return (p->admin && (px->kind & PX_BE) != 0 && be_of(px)->n > 0);
}

/* ---- what has no column ---- */

static bool
has_column(int col)
{
	if (col == COL_pxname || col == COL_svname || col == COL_type)
		return (true);
	for (size_t g = 0; g < N_GROUPS; g++)
		for (size_t i = 0; i < GROUP_MAX &&
		    groups[g].c[i].name != NULL; i++)
			if (groups[g].c[i].col == col)
				return (true);
	return (false);
}

static void
put_more(struct stat_page *p)
{
	struct text *out = &p->out;

	if (!p->cfg->modules)
		return;
	text_addz(out, "<td class=\"l\"><details><summary>more</summary><dl>");
	for (int col = 0; col < COL_N; col++) {
		if (!p->row.v[col].set || has_column(col))
			continue;
		text_addz(out, "<dt title=\"");
		put_escaped(out, stat_px_cols[col].help);
		text_printf(out, "\">%s</dt><dd>", stat_px_cols[col].name);
		put_cell(out, &p->row, col);
		text_addz(out, "</dd>");
	}
	text_addz(out, "</dl></details></td>");
}

static void
put_columns(struct stat_page *p, const struct px *px)
{
	struct text *out = &p->out;

	text_addz(out, "<thead><tr>");
	if (has_form(p, px))
		text_printf(out, "<th class=\"t\" rowspan=\"2\"><input "
		    "type=\"checkbox\" aria-label=\"all servers\" "
		    "onclick=\"%s\"></th>", tick);
	text_addz(out, "<th></th>");
	for (size_t g = 0; g < N_GROUPS; g++) {
		int n = 0;

		while (n < (int)GROUP_MAX && groups[g].c[n].name != NULL)
			n++;
		text_printf(out, "<th colspan=\"%d\">%s</th>", n,
		    groups[g].title);
	}
	if (p->cfg->modules)
		text_addz(out, "<th rowspan=\"2\"></th>");
	text_addz(out, "</tr><tr><th></th>");
	for (size_t g = 0; g < N_GROUPS; g++)
		for (size_t i = 0; i < GROUP_MAX &&
		    groups[g].c[i].name != NULL; i++)
			text_printf(out, "<th>%s</th>", groups[g].c[i].name);
	text_addz(out, "</tr></thead><tbody>\n");
}

void
stat_html_proxy(struct stat_page *p, const struct px *px)
{
	struct text *out = &p->out;

	text_addz(out, "<h2 id=\"");
	put_escaped(out, px->name);
	text_addz(out, "\">");
	put_escaped(out, px->name);
	text_addz(out, "</h2>\n");
	if (p->cfg->show_desc && px->description != NULL) {
		text_addz(out, "<p>");
		put_escaped(out, px->description);
		text_addz(out, "</p>\n");
	}
	if (has_form(p, px))
		text_addz(out, "<form method=\"post\">");
	text_addz(out, "<div class=\"box\"><table>");
	put_columns(p, px);
}

static void
put_tick(struct stat_page *p, const struct px *px)
{
	if (!has_form(p, px))
		return;
	if (p->row.kind != 'S') {
		text_addz(&p->out, "<td></td>");
		return;
	}
	text_addz(&p->out, "<td class=\"t\"><input type=\"checkbox\" "
	    "name=\"s\" value=\"");
	put_escaped(&p->out, p->row.v[COL_svname].z);
	text_addz(&p->out, "\" aria-label=\"");
	put_escaped(&p->out, p->row.v[COL_svname].z);
	text_addz(&p->out, "\"></td>");
}

static void
put_actions(struct stat_page *p, const struct px *px)
{
	text_addz(&p->out, "<div class=\"act\"><label>With the servers ticked: "
	    "<select name=\"action\"><option value=\"\"></option>");
	for (const struct stat_order *o = stat_orders; o->word != NULL; o++)
		text_printf(&p->out, "<option value=\"%s\">%s</option>",
		    o->word, o->label);
	text_printf(&p->out, "</select></label><input type=\"hidden\" "
	    "name=\"b\" value=\"#%u\"><button>Apply</button></div>", px->id);
}

static void
put_legend(struct stat_page *p)
{
	const struct stat_row *r = &p->row;

	if (!p->cfg->legends || (r->kind != 'S' && r->kind != 'L'))
		return;
	text_printf(&p->out, "<small>id %u", r->sid);
	if (r->v[COL_addr].set) {
		text_addz(&p->out, ", ");
		put_escaped(&p->out, r->v[COL_addr].z);
	}
	if (r->v[COL_last_chk].set && r->v[COL_last_chk].z[0] != '\0') {
		text_addz(&p->out, "<br>last check: ");
		put_escaped(&p->out, r->v[COL_last_chk].z);
	}
	text_addz(&p->out, "</small>");
}

static void
put_status(struct stat_page *p)
{
	const struct stat_row *r = &p->row;

	text_printf(&p->out, "<td class=\"l %s\">",
	    class_of(r->v[COL_status].z));
	if (r->v[COL_lastchg].set && r->v[COL_lastchg].n >= 0) {
		put_duration(&p->out, (uint64_t)r->v[COL_lastchg].n);
		text_addc(&p->out, ' ');
	}
	put_cell(&p->out, r, COL_status);
	text_addz(&p->out, "</td>");
}

void
stat_html_row(struct stat_page *p, const struct px *px)
{
	const struct stat_row *r = &p->row;

	text_printf(&p->out, "<tr%s>", r->kind == 'S' || r->kind == 'L' ?
	    "" : " class=\"sum\"");
	put_tick(p, px);
	text_addz(&p->out, "<th>");
	put_escaped(&p->out, r->kind == 'F' ? "Frontend" : r->kind == 'B' ?
	    "Backend" : r->v[COL_svname].z);
	put_legend(p);
	text_addz(&p->out, "</th>");
	for (size_t g = 0; g < N_GROUPS; g++)
		for (size_t i = 0; i < GROUP_MAX &&
		    groups[g].c[i].name != NULL; i++) {
			int col = groups[g].c[i].col;

			if (col == COL_status) {
				put_status(p);
				continue;
			}
			text_addz(&p->out, "<td>");
			put_cell(&p->out, r, col);
			text_addz(&p->out, "</td>");
		}
	put_more(p);
	text_addz(&p->out, "</tr>\n");
}

void
stat_html_proxy_end(struct stat_page *p, const struct px *px)
{
	text_addz(&p->out, "</tbody></table>");
	if (has_form(p, px))
		put_actions(p, px);
	text_printf(&p->out, "</div>%s\n", has_form(p, px) ? "</form>" : "");
}

void
stat_html_end(struct stat_page *p)
{
	text_addz(&p->out, "</body></html>\n");
}
