/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_prom - the Prometheus exporter: `http-request use-service
 * prometheus-exporter`.
 *
 * The text format wants all samples of a metric together, and a row of
 * statistics has one of each. So every object is read once, its samples go to a
 * text per metric, and these are joined at the end.
 *
 * Source: prometheus.io/docs/instrumenting/exposition_formats; names, labels
 * and parameters as HAProxy 2.6 shows them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cnt/hist.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <os/loop.h>
#include <rule/rule.h>

#include "stat_prom.h"

enum unit { ONE, MS };

static const struct metric {
	const char *kinds, *name, *type;
	int col;
	enum unit unit;
} metrics[] = {
#define PROM(kinds, name, type, col, unit)                                   \
	{ kinds, name, #type, COL_##col, unit },
#include "stat_prom.def"
#undef PROM
};
#define N_METRICS (sizeof metrics / sizeof metrics[0])

static const char kind_letters[] = "FLBS";
static const char *const kind_names[] = { "frontend", "listener", "backend",
	"server" };
#define N_KINDS 4
#define ALL_SCOPES ((1u << (N_KINDS + 2)) - 1)

static const char *const codes[] = { "1xx", "2xx", "3xx", "4xx", "5xx",
	"other" };
static const char *const fe_states[] = { "DOWN", "UP", NULL };
static const char *const li_states[] = { "WAITING", "OPEN", "FULL", NULL };
static const char *const srv_states[] = { "DOWN", "UP", "MAINT", "DRAIN",
	"NOLB", NULL };
static const char *const checks[] = { "HANA", "SOCKERR", "L4OK", "L4TOUT",
	"L4CON", "L6OK", "L6TOUT", "L6RSP", "L7TOUT", "L7RSP", "L7OK", "L7OKC",
	"L7STS", "PROCERR", NULL };

/* What is no column of its own. */
enum more { STATUS, RESPONSES, CHECK_STATUS, N_MORE };
static const char *const more_names[N_MORE] = { "status",
	"http_responses_total", "check_status" };
static const char *const more_help[N_MORE] = {
	"1 for the state that it is in, 0 for the others",
	"responses by class of their status",
	"1 for the result of the last check, 0 for the others" };

struct prom {
	struct text of[N_KINDS][N_METRICS], more[N_KINDS][N_MORE];
	struct text agg_status, agg_check;
	uint64_t n_state[8], n_check[16];       /* of the backend's servers */
	struct stat_hist hist;
	unsigned scopes;                /* bit per kind, and these */
#define SCOPE_GLOBAL N_KINDS
#define SCOPE_TABLE (N_KINDS + 1)
	bool no_maint;
	struct stat_row row;
};

/* ---- samples ---- */

void
stat_prom_label(struct text *t, const char *z)
{
	for (; *z != '\0'; z++) {
		if (*z == '\\' || *z == '"')
			text_addc(t, '\\');
		text_addc(t, *z);
	}
}

/* haproxy_server_NAME{proxy="be",server="s1" */
static void
begin(struct text *t, const struct stat_row *r, int kind, const char *name)
{
	text_printf(t, "haproxy_%s_%s{proxy=\"", kind_names[kind], name);
	stat_prom_label(t, r->v[COL_pxname].z);
	if (kind_letters[kind] == 'S' || kind_letters[kind] == 'L') {
		text_printf(t, "\",%s=\"", kind_names[kind]);
		stat_prom_label(t, r->v[COL_svname].z);
	}
	text_addc(t, '"');
}

static void
put_value(struct text *t, const struct stat_val *v, enum unit unit)
{
	if (!v->set)
		text_addz(t, "} NaN\n");
	else if (unit == MS)
		text_printf(t, "} %" PRId64 ".%03d\n", v->n / 1000,
		    (int)(v->n % 1000));
	else
		text_printf(t, "} %" PRId64 "\n", v->n);
}

static void
put_states(struct text *t, const struct stat_row *r, int kind,
    const char *name, const char *const *states, int is)
{
	for (int i = 0; states[i] != NULL; i++) {
		begin(t, r, kind, name);
		text_printf(t, ",state=\"%s\"} %d\n", states[i], i == is);
	}
}

static int
index_of(const char *const *states, const char *word, size_t n)
{
	for (int i = 0; states[i] != NULL; i++)
		if (strlen(states[i]) == n && memcmp(states[i], word, n) == 0)
			return (i);
	return (-1);
}

/* "UP 1/3" is UP, as are "no check" and an open frontend. */
static int
state_of(const struct stat_row *r, int kind, const char *const **states)
{
	const char *z = r->v[COL_status].z;
	int is;

	*states = r->kind == 'S' ? srv_states : r->kind == 'L' ? li_states :
	    fe_states;
	is = index_of(*states, z, strcspn(z, " "));
	if (is >= 0 || kind_letters[kind] == 'L')
		return (is);
	return (strcmp(z, "STOP") == 0 ? 0 : 1);
}

/* The word of the last check, without the mark of one that runs. */
static int
check_of(const struct stat_row *r)
{
	const char *z = r->v[COL_check_status].z;

	if (!r->v[COL_check_status].set)
		return (-1);
	z += strspn(z, "* ");
	return (index_of(checks, z, strlen(z)));
}

static bool
http_only(int col)
{
	return (col == COL_req_tot || col == COL_req_rate_max ||
	    col == COL_intercepted);
}

/* Servers without checks have no such samples at all. */
static bool
is_of_checks(int col)
{
	return (col == COL_check_code || col == COL_check_duration);
}

static void
take_row(struct prom *p, int kind)
{
	const struct stat_row *r = &p->row;
	const char *const *states;
	int is = state_of(r, kind, &states), check = check_of(r);
	bool is_http = strcmp(r->v[COL_mode].z, "http") == 0;

	for (size_t i = 0; i < N_METRICS; i++) {
		if (strchr(metrics[i].kinds, r->kind) == NULL ||
		    (http_only(metrics[i].col) && !is_http) ||
		    (is_of_checks(metrics[i].col) && check < 0))
			continue;
		begin(&p->of[kind][i], r, kind, metrics[i].name);
		put_value(&p->of[kind][i], &r->v[metrics[i].col],
		    metrics[i].unit);
	}
	put_states(&p->more[kind][STATUS], r, kind, more_names[STATUS],
	    states, is);
	if (r->kind != 'L' && r->v[COL_hrsp_1xx].set)
		for (int i = 0; i < 6; i++) {
			struct text *t = &p->more[kind][RESPONSES];

			begin(t, r, kind, more_names[RESPONSES]);
			text_printf(t, ",code=\"%s\"", codes[i]);
			put_value(t, &r->v[COL_hrsp_1xx + i], ONE);
		}
	if (r->kind != 'S')
		return;
	if (check >= 0) {
		put_states(&p->more[kind][CHECK_STATUS], r, kind,
		    more_names[CHECK_STATUS], checks, check);
		p->n_check[check]++;
	}
	if (is >= 0)
		p->n_state[is]++;
}

static void
put_sums(struct text *t, const char *proxy, const char *name,
    const char *const *states, uint64_t *n)
{
	for (int i = 0; states[i] != NULL; i++) {
		text_printf(t, "haproxy_backend_%s{proxy=\"", name);
		stat_prom_label(t, proxy);
		text_printf(t, "\",state=\"%s\"} %" PRIu64 "\n", states[i],
		    n[i]);
		n[i] = 0;
	}
}

static bool
wants(const struct prom *p, int kind)
{
	return ((p->scopes >> kind & 1) != 0);
}

static void
take_proxy(struct prom *p, const struct px *px)
{
	static const struct stat_opts plain;
	const struct be *be = be_of(px);

	stat_hist_take(&p->hist, px, wants(p, 0), wants(p, 2));
	if (px->kind & PX_FE) {
		stat_fe(px, &p->row);
		if (wants(p, 0))
			take_row(p, 0);
		for (const struct px_listen *l = px->listens; wants(p, 1) &&
		    l != NULL && px_opt(px, PX_OPT_SOCKET_STATS);
		    l = l->next) {
			stat_listen(l, &p->row);
			take_row(p, 1);
		}
	}
	if (be == NULL)
		return;
	for (uint32_t i = 0; i < be->n; i++) {
		if (be->srv[i]->gone || (p->no_maint &&
		    (be->srv[i]->shm->admin & SRV_MAINT) != 0))
			continue;
		stat_srv(be->srv[i], &p->row);
		take_row(p, 3);
	}
	put_sums(&p->agg_status, px->name, "agg_server_status", srv_states,
	    p->n_state);
	put_sums(&p->agg_check, px->name, "agg_check_status", checks,
	    p->n_check);
	stat_be(be, &plain, &p->row);
	if (wants(p, 2))
		take_row(p, 2);
}

/* ---- the whole ---- */

void
stat_prom_join(struct text *out, struct text *part, const char *kind,
    const char *name, const char *type, const char *help)
{
	if (text_span(part).n != 0) {
		text_printf(out, "# HELP haproxy_%s_%s %s\n# TYPE "
		    "haproxy_%s_%s %s\n", kind, name, help, kind, name, type);
		text_add(out, text_span(part));
	}
	text_fini(part);
}

static void
put_all(struct prom *p, struct text *out)
{
	for (int k = 0; k < N_KINDS; k++) {
		bool shown = wants(p, k);

		for (size_t i = 0; i < N_METRICS; i++) {
			if (!shown)
				text_clear(&p->of[k][i]);
			stat_prom_join(out, &p->of[k][i], kind_names[k],
			    metrics[i].name, metrics[i].type,
			    stat_px_cols[metrics[i].col].help);
		}
		for (int i = 0; i < N_MORE; i++) {
			if (!shown)
				text_clear(&p->more[k][i]);
			stat_prom_join(out, &p->more[k][i], kind_names[k],
			    more_names[i], i == RESPONSES ? "counter" :
			    "gauge", more_help[i]);
		}
	}
	if (!wants(p, 2)) {
		text_clear(&p->agg_status);
		text_clear(&p->agg_check);
	}
	stat_prom_join(out, &p->agg_status, "backend", "agg_server_status", "gauge",
	    "servers by state");
	stat_prom_join(out, &p->agg_check, "backend", "agg_check_status",
	    "gauge", "servers by the result of their last check");
	stat_hist_join(&p->hist, out);
}

/* "?scope=frontend&scope=server&no-maint"; false: a scope that is none. */
static bool
read_query(struct prom *p, struct span target)
{
	struct span rest = target, word, name;
	bool any = false;

	p->scopes = ALL_SCOPES;
	if (!span_cut(&rest, '?', &word) || rest.p == NULL)
		return (true);
	while (span_cut(&rest, '&', &word)) {
		if (span_is(word, "no-maint"))
			p->no_maint = true;
		if (!span_begins(word, SPAN("scope=")))
			continue;
		name = span_skip(word, 6);
		if (!any)
			p->scopes = 0;
		any = true;
		if (span_is(name, "*"))
			p->scopes = ALL_SCOPES;
		else if (span_is(name, "global"))
			p->scopes |= 1u << SCOPE_GLOBAL;
		else if (span_is(name, "sticktable"))
			p->scopes |= 1u << SCOPE_TABLE;
		else if (name.n != 0) {
			int k = index_of((const char *const[]){ "frontend",
			    "listener", "backend", "server", NULL }, name.p,
			    name.n);

			if (k < 0)
				return (false);
			p->scopes |= 1u << k;
		}
	}
	return (true);
}

static void
export(struct prom *p, struct text *out)
{
	PX_EACH(px, px_model)
		if (!px->disabled)
			take_proxy(p, px);
	if (wants(p, SCOPE_GLOBAL)) {
		stat_prom_process(out);
		stat_prom_handover(out);
		stat_prom_hung(out);
	}
	put_all(p, out);
	if (wants(p, SCOPE_TABLE))
		stat_prom_tables(out);
}

static enum rule_verdict
run_service(const void *priv, struct txn *t, struct rule_run *run)
{
	static const struct http_reply_hdr no_cache = { NULL,
	    { "Cache-Control", 13 }, { "no-cache", 8 } };
	struct http_reply *r = arena_zget(t->arena, sizeof *r);
	struct prom *p = calloc(1, sizeof *p);
	struct text out;

	(void)priv;
	t->service = "<PROMEX>";
	run->why = WHY_REPLIED;
	run->status = 500;
	if (r != NULL && p != NULL)     /* by any method: so it always was */
		run->status = read_query(p, t->req->target) ? 0 : 400;
	if (run->status != 0) {
		free(p);
		return (RULE_DENY);
	}
	text_init(&out);
	export(p, &out);
	free(p);
	r->status = 200;
	r->content_type = SPAN("text/plain; version=0.0.4");
	r->hdrs = (struct http_reply_hdr *)(uintptr_t)&no_cache;
	r->body = text_span(&out);      /* from malloc: now the reply's */
	r->owned = true;
	run->reply = r;
	return (RULE_REPLY);
}

static bool
parse_service(struct conf_line *l, struct px *px, enum rule_set set,
    void **priv)
{
	const struct conf_word *w = conf_peek(l);
	struct span name;

	(void)px;
	(void)set;
	*priv = NULL;
	if (!conf_want(l, "the name of a service", &name))
		return (false);
	if (!span_is(name, "prometheus-exporter"))
		return (conf_err(l, w, "service '%s' is not supported; there "
		    "is 'prometheus-exporter'", name.p));
	cnt_hist_wanted = true;
	return (true);
}

ACTION(use_service) = {
	.name = "use-service", .sets = 1u << RULE_HTTP_REQ,
	.args = "prometheus-exporter", .parse = parse_service,
	.run = run_service,
	.doc = "Answers with the statistics in Prometheus' text format, under "
	    "HAProxy's names, and with histograms of times, which are counted "
	    "only where this service is: of frontends "
	    "`request_time_seconds` and `total_time_seconds`, of backends "
	    "`queue_time_seconds`, `connect_time_seconds`, "
	    "`response_time_seconds` and `total_time_seconds`. "
	    "`?scope=global|frontend|listener|backend|server|sticktable` (may be "
	    "repeated) chooses, `no-maint` leaves servers in maintenance out.",
	.example = "http-request use-service prometheus-exporter if { path "
	    "/metrics }",
};

static void
dump_services(struct text *out)
{
	text_addz(out, "prometheus-exporter\n");
}
KW_DUMPER(svc, "svc", dump_services);
