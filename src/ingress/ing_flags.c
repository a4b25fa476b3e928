/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_flags - the command line: one row per flag.
 *
 * As with the flags of Go, one or two dashes, "--name=value" or "--name value";
 * a boolean needs no value. Flags of ingress-nginx that make no sense here are
 * accepted and said to do nothing, so that a manifest can be kept.
 */
#include <ingress/options.h>

#include "ing_selector_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>
#include <base/span.h>

enum flag_type { FLAG_BOOL, FLAG_STR, FLAG_PORT, FLAG_LIST, FLAG_COUNT,
	FLAG_SECONDS, FLAG_MS, FLAG_SELECTOR, FLAG_IDLE };

struct flag {
	const char *name;
	enum flag_type type;
	size_t offset;
	const char *dflt;
	const char *help;
};

#define F(name, type, member, dflt, help)                                    \
	{ name, FLAG_##type, offsetof(struct ing_options, member), dflt, help }

static const struct flag flags[] = {
	F("controller-class", STR, controller_class, "k8s.io/ingress-nginx",
	    "spec.controller of the IngressClasses that are ours"),
	F("ingress-class", STR, ingress_class, "nginx",
	    "value of the annotation kubernetes.io/ingress.class that is ours"),
	F("ingress-class-by-name", BOOL, class_by_name, NULL,
	    "an IngressClass named as --ingress-class is ours, whatever its "
	    "controller"),
	F("watch-ingress-without-class", BOOL, watch_without_class, NULL,
	    "Ingresses that name no class are ours"),
	F("watch-namespace", STR, watch_namespace, NULL,
	    "only objects of this namespace"),
	F("watch-namespace-selector", SELECTOR, watch_selector, NULL,
	    "only Ingresses of namespaces with these labels, like "
	    "'team=web,tier in (a,b),!old'"),
	F("secrets-by-name", BOOL, secrets_by_name, NULL,
	    "read only Secrets that are named, each for itself; no right to "
	    "list them is needed"),
	F("disable-catch-all", BOOL, disable_catch_all, NULL,
	    "refuse Ingresses with a default backend"),
	F("annotations-prefix", LIST, annotations_prefix,
	    "nginx.ingress.kubernetes.io", "before the names of annotations; "
	    "several with commas"),
	F("configmap", STR, configmap, NULL,
	    "namespace/name of the ConfigMap with settings for all"),
	F("default-backend-service", STR, default_backend_service, NULL,
	    "namespace/name of the Service for what no rule matches"),
	F("default-ssl-certificate", STR, default_ssl_certificate, NULL,
	    "namespace/name of the Secret for hosts without one"),
	F("disable-svc-external-name", BOOL, disable_svc_external_name, NULL,
	    "refuse Services of type ExternalName"),
	F("allow-loopback-endpoints", BOOL, allow_loopback_endpoints, NULL,
	    "endpoints may be on this machine; for tests"),
	F("http-port", PORT, http_port, "80", "0: do not listen"),
	F("https-port", PORT, https_port, "443", "0: do not listen"),
	F("health-check-path", STR, health_check_path, "/healthz",
	    "answered 200 for hosts without rules"),
	F("timings", BOOL, timings, NULL,
	    "say what each step of render costs"),
	F("status-port", PORT, status_port, "0",
	    "of the proxy: /healthz, and /metrics with --enable-metrics"),
	F("enable-metrics", BOOL, enable_metrics, NULL,
	    "the proxy's metrics for Prometheus on --status-port"),
	F("proxy-protocol", BOOL, proxy_protocol, NULL,
	    "the PROXY protocol is expected on both ports"),
	F("enable-ssl-passthrough", BOOL, enable_ssl_passthrough, NULL,
	    "the annotation ssl-passthrough is obeyed"),
	F("workers", COUNT, workers, "0",
	    "processes of the proxy; 0: one for each CPU"),
	F("output", STR, output, NULL, "render: directory for what is written"),
	F("dir", STR, dir, "/run/ecluse/conf",
	    "directory whose 'current' the proxy reads"),
	F("master-socket", STR, master_socket, "/run/ecluse/master.sock",
	    "of the proxy, to ask for a reload"),
	F("live", BOOL, live, NULL,
	    "render, check: the cluster's objects instead of files"),
	F("kubeconfig", STR, kubeconfig, NULL,
	    "where the API server is; without it $KUBECONFIG, or a pod's "
	    "service account"),
	F("apiserver-host", STR, apiserver_host, NULL,
	    "URL of the API server instead of the one found"),
	F("wait-before-update", MS, wait_before_update_ms, "10ms",
	    "how long changes are gathered"),
	F("reload-interval", MS, reload_interval_ms, "250ms",
	    "between two reloads of many; the first four come at once"),
	F("healthz-port", PORT, healthz_port, "10254",
	    "/healthz, /readyz and /metrics of this program"),
	F("healthz-host", STR, healthz_host, NULL, "address for them"),
	F("nginx-metrics", BOOL, nginx_metrics, "true",
	    "/metrics has those of ingress-nginx's controller under their "
	    "names as well"),
	F("disable-sync-events", BOOL, disable_sync_events, NULL,
	    "no Event when an Ingress is accepted"),
	F("election-id", STR, election_id, "ecluse-ingress-leader",
	    "name of the Lease"),
	F("election-ttl", SECONDS, election_ttl_s, "30s",
	    "how long a leader leads without a word"),
	F("disable-leader-election", BOOL, disable_leader_election, NULL,
	    "lead always; there is one replica"),
	F("update-status", BOOL, update_status, "true",
	    "write the addresses of Ingresses into their status"),
	F("update-status-on-shutdown", BOOL, update_status_on_shutdown, "true",
	    "the last replica that leaves takes the addresses out again"),
	F("status-update-interval", SECONDS, status_update_interval_s, "60s",
	    "how often addresses are looked at again"),
	F("publish-service", STR, publish_service, NULL,
	    "namespace/name of the Service whose addresses are written"),
	F("publish-status-address", LIST, publish_status_address, NULL,
	    "or these addresses; several with commas"),
	F("report-node-internal-ip-address", BOOL, report_node_internal, NULL,
	    "of nodes the internal address"),
	F("shutdown-grace-period", SECONDS, shutdown_grace_s, "0",
	    "how long to go on after the signal to leave"),
	F("post-shutdown-grace-period", SECONDS, post_shutdown_grace_s, "0",
	    "and after that, before the end"),
	F("timeout", SECONDS, timeout_s, "30s", "probe: how long to try"),
	/* Kept manifests have these; there is nothing to do. */
	{ "maxmind-license-key", FLAG_IDLE, 0, NULL, NULL },
	{ "maxmind-edition-ids", FLAG_IDLE, 0, NULL, NULL },
	{ "maxmind-mirror", FLAG_IDLE, 0, NULL, NULL },
	{ "maxmind-retries-count", FLAG_IDLE, 0, NULL, NULL },
	{ "maxmind-retries-timeout", FLAG_IDLE, 0, NULL, NULL },
	{ "internal-logger-address", FLAG_IDLE, 0, NULL, NULL },
	{ "stream-port", FLAG_IDLE, 0, NULL, NULL },
	{ "profiler-port", FLAG_IDLE, 0, NULL, NULL },
	{ "dynamic-configuration-retries", FLAG_IDLE, 0, NULL, NULL },
};

static const struct flag *
find(struct span name)
{
	for (size_t i = 0; i < NELEM(flags); i++)
		if (span_is(name, flags[i].name))
			return (&flags[i]);
	if (span_is(name, "o"))
		return (find(SPAN("output")));
	return (NULL);
}

static bool
set_bool(bool *at, const char *value)
{
	*at = value == NULL || strcmp(value, "true") == 0 ||
	    strcmp(value, "1") == 0;
	return (*at || strcmp(value, "false") == 0 ||
	    strcmp(value, "0") == 0);
}

static bool
set_list(struct arena *mem, struct ing_list *at, const char *value)
{
	struct span rest = span_str(value), one;

	at->n = 0;
	while (span_cut(&rest, ',', &one)) {
		if (at->n == ING_LIST_MAX)
			return (false);
		at->v[at->n++] = arena_dup(mem, one);
	}
	return (true);
}

/* Durations as Go writes them, "1m30s"; a bare number is in `unit_ms`. */
static bool
set_duration(int64_t *ms, const char *value, int64_t unit_ms)
{
	static const struct { const char *name; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	struct span s = span_str(value);
	uint64_t n;

	*ms = 0;
	if (num_u64(s, &n) && n < 1000000) {
		*ms = (int64_t)n * unit_ms;
		return (true);
	}
	while (s.n > 0) {
		size_t digits = 0, letters = 0;
		int64_t unit = 0;

		while (digits < s.n && s.p[digits] >= '0' &&
		    s.p[digits] <= '9')
			digits++;
		while (digits + letters < s.n && (s.p[digits + letters] < '0' ||
		    s.p[digits + letters] > '9'))
			letters++;
		for (size_t i = 0; i < NELEM(units); i++)
			if (span_is(span_of(s.p + digits, letters),
			    units[i].name))
				unit = units[i].ms;
		if (unit == 0 || !num_u64(span_of(s.p, digits), &n) ||
		    n > 1000000)
			return (false);
		*ms += (int64_t)n * unit;
		s = span_skip(s, digits + letters);
	}
	return (value[0] != '\0');
}

static bool
set_selector(const struct flag *f, const char *value, struct arena *mem,
    struct ing_selector **at, char **why)
{
	char *what = NULL;

	*at = NULL;
	if (value[0] == '\0' || (*at = ing_selector_parse(mem,
	    span_str(value), &what)) != NULL)
		return (true);
	text_why(why, "--%s: %s", f->name, what);
	free(what);
	return (false);
}

static bool
set(const struct flag *f, const char *value, struct ing_options *o,
    char **why)
{
	void *at = (char *)o + f->offset;
	int64_t ms;
	uint64_t n;

	switch (f->type) {
	case FLAG_BOOL:
		if (set_bool(at, value))
			return (true);
		return (text_why(why, "--%s: expected true or false, found '%s'",
		    f->name, value));
	case FLAG_PORT:
		if (num_u64(span_str(value), &n) && n <= 65535) {
			*(int64_t *)at = (int64_t)n;
			return (true);
		}
		return (text_why(why, "--%s: expected a port from 0 to 65535, "
		    "found '%s'", f->name, value));
	case FLAG_COUNT:
		if (num_u64(span_str(value), &n) && n <= 4096) {
			*(int64_t *)at = (int64_t)n;
			return (true);
		}
		return (text_why(why, "--%s: expected a number from 0 to 4096, "
		    "found '%s'", f->name, value));
	case FLAG_SECONDS:
	case FLAG_MS:
		if (set_duration(&ms, value, f->type == FLAG_MS ? 1 : 1000)) {
			*(int64_t *)at = f->type == FLAG_MS ? ms :
			    (ms + 999) / 1000;
			return (true);
		}
		return (text_why(why, "--%s: expected a time like 30s or 1m30s, "
		    "found '%s'", f->name, value));
	case FLAG_SELECTOR:
		return (set_selector(f, value, &o->mem, at, why));
	case FLAG_IDLE:
		fprintf(stderr, "ecluse-ingress: --%s does nothing here\n",
		    f->name);
		return (true);
	case FLAG_LIST:
		if (set_list(&o->mem, at, value))
			return (true);
		return (text_why(why, "--%s: more than %d values", f->name,
		    ING_LIST_MAX));
	case FLAG_STR:
		*(const char **)at = value[0] != '\0' ? value : NULL;
		return (true);
	}
	return (false);
}

/* One argument that begins with '-'; `next` is used when it holds the value. */
static bool
take(const char *arg, const char *next, bool *used, struct ing_options *o,
    char **why)
{
	const char *name = arg + (arg[1] == '-' ? 2 : 1);
	const char *eq = strchr(name, '=');
	struct span n = eq != NULL ? span_of(name, (size_t)(eq - name)) :
	    span_str(name);
	const struct flag *f = find(n);

	if (f == NULL)
		return (text_why(why, "unknown flag '%.*s'; --help lists them",
		    (int)(n.n + (size_t)(name - arg)), arg));
	if (eq == NULL && f->type != FLAG_BOOL) {
		if (next == NULL)
			return (text_why(why, "--%s: expected a value behind it",
			    f->name));
		*used = true;
		return (set(f, next, o, why));
	}
	return (set(f, eq == NULL ? NULL : eq + 1, o, why));
}

bool
ing_flags_parse(int argc, char **argv, struct ing_options *o, char **why)
{
	int n = 0;

	memset(o, 0, sizeof *o);
	arena_init(&o->mem, 0);
	for (size_t i = 0; i < NELEM(flags); i++)
		if (flags[i].dflt != NULL)
			MUST(set(&flags[i], flags[i].dflt, o, why));
	for (int i = 0; i < argc; i++) {
		bool used = false;

		if (argv[i][0] != '-' || argv[i][1] == '\0')
			argv[n++] = argv[i];
		else if (!take(argv[i], argv[i + 1], &used, o, why))
			return (false);
		i += used;
	}
	if (o->watch_namespace != NULL && o->watch_selector != NULL)
		return (text_why(why, "--watch-namespace and "
		    "--watch-namespace-selector: expected one of them"));
	o->args = argv;
	o->n_args = n;
	return (true);
}

void
ing_flags_fini(struct ing_options *o)
{
	arena_reset(&o->mem);
}

void
ing_flags_help(struct text *out)
{
	for (size_t i = 0; i < NELEM(flags); i++)
		if (flags[i].help != NULL)
			text_printf(out, "  --%-28s %s%s%s%s\n",
			    flags[i].name, flags[i].help, flags[i].dflt != NULL ? " (" : "",
			    flags[i].dflt != NULL ? flags[i].dflt : "",
			    flags[i].dflt != NULL ? ")" : "");
}
