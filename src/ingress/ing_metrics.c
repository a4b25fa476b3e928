/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_metrics - what is told to Prometheus: numbers of our own, and those of
 * ingress-nginx's controller under their names, so that dashboards go on.
 *
 * What there is of each object is written when a plan is made, for what went
 * must be gone from here, too. Source: controller.md 11.
 */
#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <ingress/cert.h>
#include <version.h>

#define NGINX "nginx_ingress_controller_"

/* --- the text format -------------------------------------------------------- */

static void
head(struct text *t, const char *name, const char *type, const char *help)
{
	text_printf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
metric(struct text *t, const char *name, const char *type, const char *help,
    double value)
{
	head(t, name, type, help);
	text_printf(t, "%s %.17g\n", name, value);
}

/* name="value", with a comma before it unless it is the first. */
static void
label(struct text *t, const char *name, const char *value)
{
	text_printf(t, "%s%s=\"", t->p[t->n - 1] == '{' ? "" : ",", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			text_addc(t, '\\');
		if (*value == '\n')
			text_addz(t, "\\n");
		else
			text_addc(t, *value);
	}
	text_addc(t, '"');
}

/* --- as ingress-nginx has them ---------------------------------------------- */

/* A series with the labels that all of them have; the caller adds others, and
 * the value. */
static void
begin(struct text *t, const struct ing_metrics *m, const char *name)
{
	text_printf(t, NGINX "%s{", name);
	label(t, "controller_class", m->o->controller_class);
	label(t, "controller_namespace", m->ns);
	label(t, "controller_pod", m->pod);
}

static void
nginx_head(struct text *t, const char *name, const char *type,
    const char *help)
{
	char full[100];

	snprintf(full, sizeof full, NGINX "%s", name);
	head(t, full, type, help);
}

static void
nginx(struct text *t, const struct ing_metrics *m, const char *name,
    const char *type, const char *help, double value)
{
	nginx_head(t, name, type, help);
	begin(t, m, name);
	text_printf(t, "} %.17g\n", value);
}

static void
write_certs(struct text *t, const struct ing_metrics *m,
    const struct ing_plan *plan)
{
	nginx_head(t, "ssl_expire_time_seconds", "gauge",
	    "When the certificate of a host ends, in seconds since 1970.");
	for (uint32_t i = 0; i < plan->n_hosts; i++) {
		const struct ing_plan_host *h = plan->hosts[i];

		if (h->cert == NULL)
			continue;
		begin(t, m, "ssl_expire_time_seconds");
		label(t, "class", m->o->controller_class);
		label(t, "host", h->name);
		text_printf(t, ",identifier=\"%s-%s\"", h->cert->o.ns,
		    h->cert->o.name);
		label(t, "namespace", h->cert->o.ns);
		label(t, "secret_name", h->cert->o.name);
		text_printf(t, "} %lld\n",
		    (long long)ing_cert_of(h->cert)->not_after);
	}
}

struct orphan {
	const struct ing_obj *ing;
	const char *type;
};

static int
orphan_cmp(const void *a, const void *b)
{
	const struct orphan *x = a, *y = b;
	int c = strcmp(x->ing->ns, y->ing->ns);

	if (c == 0)
		c = strcmp(x->ing->name, y->ing->name);
	return (c != 0 ? c : strcmp(x->type, y->type));
}

/* An Ingress with several such backends is told once. */
static void
write_orphans(struct text *t, const struct ing_metrics *m,
    const struct ing_plan *plan, const struct ing_store *store)
{
	struct orphan *v = must_alloc((plan->n_backends + 1) * sizeof *v);
	size_t n = 0;

	for (uint32_t i = 0; i < plan->n_backends; i++) {
		const struct ing_plan_be *b = plan->backends[i];

		if (b->n_servers == 0 && b->by != NULL)
			v[n++] = (struct orphan){ &b->by->o, ing_store_find(
			    store, ING_SERVICE, b->ns, b->service) == NULL ?
			    "no-service" : "no-endpoint" };
	}
	qsort(v, n, sizeof *v, orphan_cmp);
	nginx_head(t, "orphan_ingress", "gauge",
	    "1: an Ingress has a backend without a Service or endpoints.");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && orphan_cmp(&v[i - 1], &v[i]) == 0)
			continue;
		begin(t, m, "orphan_ingress");
		label(t, "ingress", v[i].ing->name);
		label(t, "namespace", v[i].ing->ns);
		label(t, "type", v[i].type);
		text_addz(t, "} 1\n");
	}
	free(v);
}

static void
write_nginx(struct text *t, const struct ing_metrics *m, bool leads)
{
	nginx(t, m, "success", "counter",
	    "Reloads that went well.", (double)m->n_good);
	nginx(t, m, "errors", "counter", "Reloads that did not.",
	    (double)m->n_bad);
	nginx(t, m, "config_hash", "gauge",
	    "A number that is the same for equal configurations.",
	    (double)m->hash);
	nginx(t, m, "config_last_reload_successful", "gauge",
	    "1 when the last reload went well.", m->last_good);
	nginx(t, m, "config_last_reload_successful_timestamp_seconds",
	    "gauge", "When one went well last.", (double)m->last_good_s);
	nginx_head(t, "leader_election_status", "gauge",
	    "1 when this one leads.");
	begin(t, m, "leader_election_status");
	label(t, "name", m->o->election_id);
	text_printf(t, "} %d\n", leads);
	nginx_head(t, "build_info", "gauge", "What runs.");
	begin(t, m, "build_info");
	label(t, "build", ECLUSE_VERSION);
	label(t, "release", ECLUSE_VERSION);
	label(t, "repository", "ecluse");
	text_addz(t, "} 1\n");
	text_add(t, text_span(&m->of_objects));
}

/* --- ours ------------------------------------------------------------------- */

void
ing_metrics_plan(struct ing_metrics *m, const struct ing_plan *plan,
    const struct ing_files *files, const struct ing_store *store)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < files->n; i++)
		h = span_hash_seed(text_span(&files->v[i].body), h);
	m->hash = (int64_t)(h >> 12);   /* exact in a double */
	m->n_ours = plan->n_ours;
	m->n_hosts = plan->n_hosts;
	m->n_backends = plan->n_backends;
	m->n_problems = plan->n_problems;
	text_clear(&m->of_objects);
	if (!m->o->nginx_metrics)
		return;
	write_certs(&m->of_objects, m, plan);
	write_orphans(&m->of_objects, m, plan, store);
}

static void
write_objects(struct text *t, struct ing_store *store)
{
	head(t, "ecluse_ingress_objects", "gauge",
	    "Objects that are known, of each kind.");
	for (int k = 0; k < ING_KINDS; k++) {
		size_t n;

		(void)ing_store_all(store, (enum ing_kind)k, &n);
		text_printf(t, "ecluse_ingress_objects{kind=\"%s\"} %zu\n",
		    ing_kinds[k].kind, n);
	}
}

void
ing_metrics_write(struct text *t, const struct ing_metrics *m,
    struct ing_store *store, unsigned troubles, bool leads)
{
	metric(t, "ecluse_ingress_reloads_total", "counter",
	    "Configurations that the proxy has taken.", (double)m->n_good);
	metric(t, "ecluse_ingress_reload_errors_total", "counter",
	    "Configurations that it has not taken.", (double)m->n_bad);
	metric(t, "ecluse_ingress_unchanged_total", "counter",
	    "Changes of objects that changed no configuration.",
	    (double)m->n_same);
	metric(t, "ecluse_ingress_last_reload_successful", "gauge",
	    "1 when the last one was taken.", m->last_good);
	metric(t, "ecluse_ingress_last_reload_success_timestamp_seconds",
	    "gauge", "When one was taken last.", (double)m->last_good_s);
	metric(t, "ecluse_ingress_config_hash", "gauge",
	    "A number that is the same for equal configurations.",
	    (double)m->hash);
	metric(t, "ecluse_ingress_plan_seconds", "gauge",
	    "Planning and rendering, the last time.",
	    (double)m->plan_us / 1e6);
	metric(t, "ecluse_ingress_apply_seconds", "gauge",
	    "Writing and reloading, the last time.",
	    (double)m->apply_us / 1e6);
	metric(t, "ecluse_ingress_change_seconds", "gauge",
	    "From the API server's word of a change, the first of those gathered, "
	    "to its being served, the last time.",
	    (double)m->change_us / 1e6);
	metric(t, "ecluse_ingress_ingresses", "gauge",
	    "Ingresses that are served.", m->n_ours);
	metric(t, "ecluse_ingress_hosts", "gauge", "Hosts.", m->n_hosts);
	metric(t, "ecluse_ingress_backends", "gauge", "Backends.",
	    m->n_backends);
	metric(t, "ecluse_ingress_problems", "gauge",
	    "Things that are wrong with objects; see Events.", m->n_problems);
	metric(t, "ecluse_ingress_refused", "gauge",
	    "Objects that are not used, as they are malformed.",
	    m->n_refused);
	metric(t, "ecluse_ingress_collections_in_trouble", "gauge",
	    "Collections of objects that cannot be followed now.", troubles);
	metric(t, "ecluse_ingress_store_bytes", "gauge",
	    "Memory of the objects.", (double)ing_store_bytes(store));
	metric(t, "ecluse_ingress_leader", "gauge",
	    "1 when this one writes status addresses.", leads);
	write_objects(t, store);
	head(t, "ecluse_ingress_build_info", "gauge", "What runs.");
	text_addz(t, "ecluse_ingress_build_info{");
	label(t, "version", ECLUSE_VERSION);
	text_addz(t, "} 1\n");
	if (m->o->nginx_metrics)
		write_nginx(t, m, leads);
}

void
ing_metrics_fini(struct ing_metrics *m)
{
	text_fini(&m->of_objects);
}
