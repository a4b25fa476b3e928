/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_plan_be - backends: one per Service and port (and set of options that
 * need lines of their own), its servers from EndpointSlices, its policies.
 */
#include "ing_opt_int.h"
#include "ing_plan_int.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/num.h>

void
ing_plan_slices(struct ing_planning *p)
{
	const struct ing_obj *const *all;
	size_t n;

	all = ing_store_all(p->store, ING_SLICE, &n);
	for (size_t i = 0; i < n; i++) {
		const struct ing_slice *s = (const struct ing_slice *)all[i];
		struct ing_slice_ref *ref, *first;

		if (s->service == NULL)
			continue;
		ref = arena_zget(p->mem, sizeof *ref);
		ref->slice = s;
		first = ing_index_put(&p->slices, ing_plan_key(p, s->o.ns,
		    s->service, "", ""), ref);
		if (first != ref) {
			ref->next = first->next;
			first->next = ref;
		}
	}
}

/* --- servers --------------------------------------------------------------- */

/* An address that may be a pod's: not this machine's, not a group's. */
static bool
is_usable(const struct ing_planning *p, const char *ip)
{
	struct in_addr v4;
	struct in6_addr v6;
	uint32_t a;

	if (inet_pton(AF_INET, ip, &v4) == 1) {
		a = ntohl(v4.s_addr);
		if (a >> 24 == 127)
			return (p->o->allow_loopback_endpoints);
		return (a >> 24 != 0 && a >> 16 != 0xa9fe && a >> 28 < 0xe);
	}
	if (inet_pton(AF_INET6, ip, &v6) != 1)
		return (false);
	if (IN6_IS_ADDR_LOOPBACK(&v6))
		return (p->o->allow_loopback_endpoints);
	return (!IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_V4MAPPED(&v6) &&
	    !IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_MULTICAST(&v6));
}

static char *
server_name(struct arena *mem, const char *ip, int64_t port)
{
	size_t n = strlen(ip);
	char *name = arena_get(mem, n + 22);

	memcpy(name, ip, n);
	name[n] = '_';
	n++;
	n += num_put(name + n, (uint64_t)port);
	name[n] = '\0';
	return (name);
}

static void
add_server(struct ing_servers *s, const char *ip, int64_t port, bool drain,
    bool dns)
{
	struct ing_server *one;

	s->v = ing_plan_vec(s->p->mem, s->v, s->n, sizeof *s->v);
	one = &s->v[s->n++];
	one->ip = ip;
	one->port = port;
	one->drain = drain;
	one->dns = dns;
	one->name = server_name(s->p->mem, ip, port);
	s->n_active += !drain;
}

static bool
is_tcp(const char *protocol)
{
	return (protocol == NULL || strcmp(protocol, "TCP") == 0);
}

static bool
same_name(const char *a, const char *b)
{
	return (strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0);
}

static void
add_endpoint(struct ing_servers *s, const struct ing_endpoint *e, int64_t port)
{
	const char *const *ip = e->addresses.v;

	if (e->addresses.n == 0 || !is_usable(s->p, ip[0]))
		return;
	if (e->ready != 0)
		add_server(s, ip[0], port, false, false);
	else if (e->serving == 1 && e->terminating == 1)
		add_server(s, ip[0], port, true, false);
}

void
ing_plan_add_slice(struct ing_servers *s, const struct ing_slice *slice,
    const char *port_name)
{
	if (slice->address_type != NULL &&
	    strcmp(slice->address_type, "FQDN") == 0)
		return;
	ING_EACH(struct ing_slice_port, sp, slice->ports) {
		if (!is_tcp(sp->protocol) || sp->port == 0 ||
		    !same_name(sp->name, port_name))
			continue;
		ING_EACH(struct ing_endpoint, e, slice->endpoints)
			add_endpoint(s, e, sp->port);
	}
}

/* By name; of the same one first that which is not drained. */
static int
server_cmp(const void *a, const void *b)
{
	const struct ing_server *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return (c != 0 ? c : (int)x->drain - (int)y->drain);
}

/* Sorted, each once. Draining ones serve when there are no others. */
void
ing_plan_servers_end(struct ing_servers *s, struct ing_plan_be *be)
{
	uint32_t n = 0;

	if (s->n > 0)
		qsort(s->v, s->n, sizeof *s->v, server_cmp);
	for (uint32_t i = 0; i < s->n; i++) {
		if (n > 0 && strcmp(s->v[n - 1].name, s->v[i].name) == 0)
			continue;
		s->v[n] = s->v[i];
		s->v[n].drain &= s->n_active > 0;
		n++;
	}
	be->servers = s->v;
	be->n_servers = n;
}

/* The port of a Service that a rule means: by number, by target, by name. */
static const struct ing_svc_port *
find_port(const struct ing_service *svc, const struct ing_backend_ref *ref)
{
	ING_EACH(struct ing_svc_port, a, svc->ports)
		if (ref->port != 0 && a->port == ref->port)
			return (a);
	ING_EACH(struct ing_svc_port, b, svc->ports)
		if (ref->port != 0 ? b->target.num == ref->port :
		    ref->port_name != NULL && b->target.name != NULL &&
		    strcmp(b->target.name, ref->port_name) == 0)
			return (b);
	ING_EACH(struct ing_svc_port, c, svc->ports)
		if (ref->port_name != NULL && c->name != NULL &&
		    strcmp(c->name, ref->port_name) == 0)
			return (c);
	return (NULL);
}

/* A name that a resolver may be asked for: not this machine's. */
static bool
is_dns_name(struct span s)
{
	struct span label;

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n == 0 || s.n > 253 || span_is(s, "localhost") ||
	    span_ends(s, SPAN(".localhost")))
		return (false);
	while (span_cut(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-')
			return (false);
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];

			if (!((c >= 'a' && c <= 'z') || (c >= '0' &&
			    c <= '9') || c == '-' || c == '_'))
				return (false);
		}
	}
	return (true);
}

static void
add_external(struct ing_servers *s, const struct ing_ingress *by,
    const struct ing_service *svc, const struct ing_backend_ref *ref)
{
	const struct ing_svc_port *port = find_port(svc, ref);
	int64_t n = port != NULL ? port->port : ref->port;
	const char *name = svc->external_name;
	struct ing_plan *plan = s->p->plan;
	unsigned char bin[16];

	if (s->p->o->disable_svc_external_name)
		ing_plan_problem(plan, &by->o, "ExternalNameDisabled", true,
		    "Service '%s' is of type ExternalName, which "
		    "--disable-svc-external-name refuses", svc->o.name);
	else if (name == NULL || n == 0)
		ing_plan_problem(plan, &by->o, "ServicePort", true,
		    "Service '%s' is of type ExternalName: a port number and "
		    "spec.externalName are needed", svc->o.name);
	else if (inet_pton(AF_INET, name, bin) == 1 ||
	    inet_pton(AF_INET6, name, bin) == 1) {
		if (is_usable(s->p, name))
			add_server(s, name, n, false, false);
	} else if (is_dns_name(span_str(name)))
		add_server(s, name, n, false, true);
	else
		ing_plan_problem(plan, &by->o, "ExternalName", true,
		    "Service '%s': spec.externalName is no DNS name that "
		    "may be asked for", svc->o.name);
}

static void
find_servers(struct ing_planning *p, struct ing_plan_be *be,
    const struct ing_backend_ref *ref)
{
	struct ing_servers s = { .p = p };
	const struct ing_service *svc = (const struct ing_service *)
	    ing_store_find(p->store, ING_SERVICE, be->ns, be->service);
	const struct ing_svc_port *port;
	const struct ing_slice_ref *r;

	if (svc == NULL) {
		ing_plan_problem(p->plan, &be->by->o, "ServiceNotFound",
		    false, "there is no Service '%s'; its paths answer 503",
		    be->service);
		return;
	}
	if (svc->type != NULL && strcmp(svc->type, "ExternalName") == 0) {
		add_external(&s, be->by, svc, ref);
		ing_plan_servers_end(&s, be);
		return;
	}
	if ((port = find_port(svc, ref)) == NULL) {
		ing_plan_problem(p->plan, &be->by->o, "ServicePort", false,
		    "Service '%s' has no port '%s'; its paths answer 503",
		    be->service, be->port);
		return;
	}
	if (be->opts->service_upstream && svc->cluster_ip != NULL &&
	    is_usable(p, svc->cluster_ip)) {
		add_server(&s, svc->cluster_ip, port->port, false, false);
		ing_plan_servers_end(&s, be);
		return;
	}
	be->port_of = port;
	r = ing_index_get(&p->slices, ing_plan_key(p, be->ns, be->service,
	    "", ""));
	for (; r != NULL; r = r->next)
		ing_plan_add_slice(&s, r->slice, port->name);
	ing_plan_servers_end(&s, be);
}

/* --- backends -------------------------------------------------------------- */

static const char *
opts_text(struct ing_planning *p, const struct ing_opts *opts,
    enum ing_opt_at at)
{
	const char *z = "";
	struct text text;

	text_init(&text);
	ing_opts_text(opts, &p->plan->defaults, at, &text);
	if (text.n > 0)
		z = arena_dup(p->mem, text_span(&text));
	text_fini(&text);
	return (z);
}

/* Most Ingresses say what others say. */
struct ing_said {
	struct ing_opts opts;
	const char *be_text, *rules_text;
};

static struct span
bytes_of(const struct ing_opts *opts)
{
	return (span_of((const char *)opts, sizeof *opts));
}

void
ing_plan_taken(struct ing_planning *p, struct ing_taken *t,
    const struct ing_opts *opts)
{
	struct ing_said *s = ing_index_get(&p->said, bytes_of(opts));

	if (s == NULL) {
		s = arena_get(p->mem, sizeof *s);
		memcpy(&s->opts, opts, sizeof *opts);
		s->be_text = opts_text(p, opts, ING_AT_BACKEND);
		s->rules_text = opts_text(p, opts, ING_AT_RULES);
		ing_index_put(&p->said, bytes_of(&s->opts), s);
	}
	t->opts = &s->opts;
	t->be_text = s->be_text;
	t->rules_text = s->rules_text;
}

static const char *
hex(struct arena *mem, const char *text)
{
	return (arena_printf(mem, "%016" PRIx64, span_hash(span_str(text))));
}

/* As the rule says it. */
static const char *
port_text(struct ing_planning *p, const struct ing_backend_ref *ref)
{
	char z[24];

	if (ref->port <= 0)
		return (ref->port == 0 ? ref->port_name :
		    arena_printf(p->mem, "%" PRId64, ref->port));
	return (arena_dup(p->mem, span_of(z, num_put(z,
	    (uint64_t)ref->port))));
}

/* Names of Kubernetes have no '_', so no two are alike. */
static const char *
backend_id(struct ing_planning *p, const struct ing_plan_be *be,
    const char *special)
{
	const char *parts[] = { be->ns, be->service, be->port,
	    special[0] == '\0' ? NULL : hex(p->mem, special) };
	size_t n = NELEM(parts) - (special[0] == '\0'), bytes = 0;
	char *id, *at;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(parts[i]) + 1;
	id = at = arena_get(p->mem, bytes);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(parts[i]);

		memcpy(at, parts[i], len);
		at += len;
		*at++ = '_';
	}
	at[-1] = '\0';
	return (id);
}

static struct ing_plan_be *
new_backend(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_backend_ref *ref, const char *port)
{
	struct ing_plan *plan = p->plan;
	struct ing_plan_be *be = arena_zget(p->mem, sizeof *be);

	be->ns = t->ing->o.ns;
	be->service = ref->service;
	be->port = port;
	be->by = t->ing;
	be->opts = t->opts;
	be->id = backend_id(p, be, t->be_text);
	be->service_opts = ing_index_put(&p->services, ing_plan_key(p, be->ns,
	    be->service, port, ""), (void *)(uintptr_t)be->opts);
	find_servers(p, be, ref);
	plan->backends = ing_plan_vec(p->mem, plan->backends,
	    plan->n_backends, sizeof *plan->backends);
	plan->backends[plan->n_backends++] = be;
	return (be);
}

struct ing_plan_be *
ing_plan_tcp_be(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_backend_ref *ref)
{
	struct ing_plan *plan = p->plan;
	struct ing_plan_be *be;
	const char *port;
	struct span key;

	if (ref->service == NULL || (ref->port == 0 &&
	    ref->port_name == NULL))
		return (NULL);
	port = port_text(p, ref);
	key = ing_plan_key(p, t->ing->o.ns, ref->service, port, "tcp");
	if ((be = ing_index_get(&p->backends, key)) != NULL)
		return (be);
	be = arena_zget(p->mem, sizeof *be);
	be->ns = t->ing->o.ns;
	be->service = ref->service;
	be->port = port;
	be->by = t->ing;
	be->tcp = true;
	be->opts = be->service_opts = &plan->defaults;
	be->id = arena_printf(p->mem, "%s_%s_%s_tcp", be->ns, be->service,
	    port);
	find_servers(p, be, ref);
	plan->backends = ing_plan_vec(p->mem, plan->backends,
	    plan->n_backends, sizeof *plan->backends);
	plan->backends[plan->n_backends++] = be;
	ing_index_put(&p->backends, key, be);
	return (be);
}

/* "NAME.NAMESPACE.svc" and what may follow, or without ".svc": the Service, when
 * there is one. */
static const struct ing_service *
service_of(struct ing_planning *p, const char *host, const char **ns,
    const char **name)
{
	struct span rest = span_str(host), label[2], svc = SPAN_NONE;

	for (int i = 0; i < 2; i++)
		if (!span_cut(&rest, '.', &label[i]) || label[i].n == 0)
			return (NULL);
	if (rest.n > 0 && (!span_cut(&rest, '.', &svc) ||
	    !span_is(svc, "svc")))
		return (NULL);
	*name = arena_dup(p->mem, label[0]);
	*ns = arena_dup(p->mem, label[1]);
	return ((const struct ing_service *)ing_store_find(p->store,
	    ING_SERVICE, *ns, *name));
}

static void
find_asked(struct ing_planning *p, struct ing_plan_be *be)
{
	const struct ing_ask *a = be->asked;
	struct ing_backend_ref ref = { .port = a->port };
	struct ing_servers s = { .p = p };
	unsigned char bin[16];

	if (service_of(p, a->host, &be->ns, &be->service) != NULL) {
		ref.service = be->service;
		find_servers(p, be, &ref);
	} else if (inet_pton(AF_INET, a->host, bin) == 1 ||
	    inet_pton(AF_INET6, a->host, bin) == 1) {
		if (is_usable(p, a->host))
			add_server(&s, a->host, a->port, false, false);
		ing_plan_servers_end(&s, be);
	} else if (is_dns_name(span_str(a->host))) {
		add_server(&s, a->host, a->port, false, true);
		ing_plan_servers_end(&s, be);
	}
	if (be->n_servers == 0)
		ing_plan_problem(p->plan, &be->by->o, "AuthService", false,
		    "%s: there is no server at '%s' that may be asked; what "
		    "it guards answers 500", a->global ? "global-auth-url" :
		    "auth-url", a->host);
}

/* Who is asked about requests, once for all Ingresses that speak with it
 * alike. */
static const struct ing_plan_be *
ask_be(struct ing_planning *p, const struct ing_taken *t)
{
	const struct ing_ask *a = t->opts->asks;
	struct ing_plan *plan = p->plan;
	struct ing_plan_be *be;
	struct ing_opts *opts;
	const char *id;

	if (a->host == NULL) {
		plan->asks_itself = true;
		return (NULL);
	}
	id = arena_printf(p->mem, "_ask_%s_%s_%" PRId64 "_%" PRId64 "_%" PRId64,
	    a->tls ? "https" : "http", a->host, a->port,
	    t->opts->connect_timeout_s, t->opts->read_timeout_s);
	if ((be = ing_index_get(&p->backends, span_str(id))) != NULL)
		return (be);
	be = arena_zget(p->mem, sizeof *be);
	opts = arena_get(p->mem, sizeof *opts);
	*opts = plan->defaults;
	opts->connect_timeout_s = t->opts->connect_timeout_s;
	opts->read_timeout_s = t->opts->read_timeout_s;
	opts->protocol = a->tls ? ING_HTTPS : ING_HTTP;
	be->id = id;
	be->ns = be->service = "";
	be->port = arena_printf(p->mem, "%" PRId64, a->port);
	be->by = t->ing;
	be->inside = true;
	be->asked = a;
	be->opts = be->service_opts = opts;
	find_asked(p, be);
	plan->backends = ing_plan_vec(p->mem, plan->backends,
	    plan->n_backends, sizeof *plan->backends);
	plan->backends[plan->n_backends++] = be;
	ing_index_put(&p->backends, span_str(id), be);
	return (be);
}

/* The Service that has pages for errors: of the Ingress, or of all. */
static const struct ing_service *
find_pages(struct ing_planning *p, const struct ing_taken *t)
{
	const struct ing_service *s = NULL;

	if (t->opts->dflt_service != NULL)
		s = (const struct ing_service *)ing_store_find(p->store,
		    ING_SERVICE, t->ing->o.ns, t->opts->dflt_service);
	if (s == NULL)
		s = p->plan->dflt_service;
	return (s == NULL || s->ports.n == 0 ? NULL : s);
}

static const struct ing_plan_be *
pages_be(struct ing_planning *p, const struct ing_taken *t)
{
	const struct ing_service *s = find_pages(p, t);
	struct ing_plan *plan = p->plan;
	const struct ing_svc_port *port;
	struct ing_backend_ref ref;
	struct ing_plan_be *be;
	const char *id;

	if (s == NULL) {
		ing_plan_problem(plan, &t->ing->o, "CustomErrors", false,
		    "custom-http-errors: there is neither a default-backend "
		    "nor a --default-backend-service that has the pages");
		return (NULL);
	}
	port = s->ports.v;
	id = arena_printf(p->mem, "_pages_%s_%s", s->o.ns, s->o.name);
	if ((be = ing_index_get(&p->backends, span_str(id))) != NULL)
		return (be);
	be = arena_zget(p->mem, sizeof *be);
	be->id = id;
	be->inside = true;
	be->ns = s->o.ns;
	be->service = s->o.name;
	be->port = arena_printf(p->mem, "%" PRId64, port->port);
	be->by = t->ing;
	be->opts = be->service_opts = &plan->defaults;
	ref = (struct ing_backend_ref){ .service = s->o.name,
	    .port = port->port };
	find_servers(p, be, &ref);
	plan->backends = ing_plan_vec(p->mem, plan->backends,
	    plan->n_backends, sizeof *plan->backends);
	plan->backends[plan->n_backends++] = be;
	ing_index_put(&p->backends, span_str(id), be);
	return (be);
}

/* The other's affinity, and all that is about its cookie. */
static void
take_cookie(struct ing_opts *to, const struct ing_opts *from)
{
	to->affinity = from->affinity;
	to->affinity_persistent = from->affinity_persistent;
	to->cookie_change = from->cookie_change;
	to->cookie_name = from->cookie_name;
	to->cookie_domain = from->cookie_domain;
	to->cookie_samesite = from->cookie_samesite;
	to->cookie_max_age_s = from->cookie_max_age_s;
	to->cookie_expires_s = from->cookie_expires_s;
	to->cookie_secure = from->cookie_secure;
	to->cookie_conditional = from->cookie_conditional;
}

struct ing_plan_be *
ing_plan_canary_be(struct ing_planning *p, const struct ing_loc *loc,
    const struct ing_taken *canary, const struct ing_backend_ref *ref)
{
	struct ing_taken *t = arena_zget(p->mem, sizeof *t);
	uint32_t n = p->plan->n_backends;
	struct ing_opts opts = *loc->be->opts;
	struct ing_plan_be *be;

	t->ing = canary->ing;
	t->open = true;
	if (canary->opts->canary_legacy)
		take_cookie(&opts, canary->opts);
	ing_plan_taken(p, t, &opts);
	be = ing_plan_be(p, t, ref);
	if (be != NULL && p->plan->n_backends > n)      /* it is new */
		be->service_opts = canary->opts;
	return (be);
}

struct ing_plan_be *
ing_plan_be(struct ing_planning *p, const struct ing_taken *t,
    const struct ing_backend_ref *ref)
{
	struct ing_plan_be *be;
	const char *port;
	struct span key;

	if (ref->service == NULL || (ref->port == 0 &&
	    ref->port_name == NULL))
		return (NULL);
	port = port_text(p, ref);
	key = ing_plan_key(p, t->ing->o.ns, ref->service, port, t->be_text);
	be = ing_index_get(&p->backends, key);
	if (be == NULL) {
		be = new_backend(p, t, ref, port);
		ing_index_put(&p->backends, key, be);
	}
	return (be);
}

/* --- policies -------------------------------------------------------------- */

static const char *
policy_id(struct ing_planning *p, const struct ing_plan_be *be,
    const char *text)
{
	const char *id = text[0] == '\0' ? "-" : hex(p->mem, text);

	/* Different texts of one hash: nearly impossible, and still no reason
	 * to mix up rules. */
	for (const struct ing_policy *o = be->policies; o != NULL;
	    o = o->next)
		if (strcmp(o->id, id) == 0)
			return (arena_printf(p->mem, "%sx%u", id,
			    be->n_policies));
	return (id);
}

struct ing_policy *
ing_plan_policy_as(struct ing_planning *p, struct ing_plan_be *be,
    const struct ing_policy *like)
{
	struct ing_policy *o, **at = &be->policies;

	for (o = be->policies; o != NULL; o = o->next)
		if (strcmp(o->text, like->text) == 0)
			return (o);
	o = arena_get(p->mem, sizeof *o);
	*o = *like;
	o->id = policy_id(p, be, like->text);
	while (*at != NULL && strcmp((*at)->id, o->id) < 0)
		at = &(*at)->next;
	o->next = *at;
	*at = o;
	be->n_policies++;
	return (o);
}

/* What the rules about clients' certificates are made of. */
static void
add_client(struct text *t, const struct ing_client *c, bool any_host)
{
	const struct ing_opts *o = c->opts;

	if (c->closed)
		return;
	text_printf(t, "client=%" PRId64 ",%" PRId64 ",%d,", o->client_verify,
	    o->client_pass, any_host);
	text_json(t, span_str(o->client_page == NULL ? "" : o->client_page));
	text_json(t, span_str(o->client_cn == NULL ? "" : o->client_cn));
	text_addc(t, '\n');
}

struct ing_policy *
ing_plan_policy(struct ing_planning *p, struct ing_plan_be *be,
    const struct ing_taken *t, const char *path,
    const struct ing_plan_host *h, const struct ing_plan_be *instead_of)
{
	struct ing_policy like = { .opts = t->opts, .by = t->ing,
	    .rewrite_path = path, .host_has_cert = h->has_tls,
	    .instead_of = instead_of, .client = h->client,
	    .any_host = strcmp(h->name, "_") == 0 }, *o;
	struct text text;

	text_init(&text);
	if (t->rules_text[0] != '\0')
		text_addz(&text, t->rules_text);
	if (t->opts->asks != NULL)
		like.ask = ask_be(p, t);
	if (t->opts->error_codes.n > 0 && instead_of == NULL &&
	    (like.pages = pages_be(p, t)) != NULL) {
		/* They are told whose errors they are. */
		like.served_by = be;
		text_printf(&text, "pages=%s\nby=%s\n", like.pages->id,
		    t->ing->o.name);
	}
	if (t->opts->rewrite_target != NULL && path != NULL)
		text_printf(&text, "path=%s\n", path);
	if (t->opts->affinity && t->opts->cookie_path == NULL && path != NULL &&
	    !h->regex && ing_is_plain_path(path) && strcmp(path, "/") != 0) {
		like.cookie_path = path;
		text_printf(&text, "cookie=%s\n", path);
	}
	/* Limits count for each Ingress by itself. */
	if (t->opts->limit_rps > 0 || t->opts->limit_rpm > 0 ||
	    t->opts->limit_connections > 0)
		text_printf(&text, "by=%s\n", t->ing->o.name);
	if (t->opts->ssl_redirect && !t->opts->force_ssl_redirect &&
	    h->has_tls)
		text_addz(&text, ING_POLICY_CERT);
	if (instead_of != NULL)
		text_printf(&text, "instead=%s %s\n", instead_of->id,
		    t->ing->o.name);
	if (h->client != NULL)
		add_client(&text, h->client, like.any_host);
	like.text = text.n == 0 ? "" : arena_dup(p->mem, text_span(&text));
	o = ing_plan_policy_as(p, be, &like);
	text_fini(&text);
	return (o);
}
