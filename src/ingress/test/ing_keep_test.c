/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_keep.c"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <kube/doc.h>

#define SERVICES 12
#define SLICES 20               /* names; not all are there at a time */
#define STEPS 600

/* Numbers that are the same in every run. */
static uint32_t seed;

static unsigned
any(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return ((seed >> 8) % n);
}

static void
put(struct ing_store *s, struct text *t)
{
	struct kube_doc doc;
	struct diags diags;
	struct ing_obj *o;
	char *why = NULL;

	diags_init(&diags);
	if (CHECK(kube_json_read(text_span(t), "test", &kube_limits_object,
	    &doc, &diags))) {
		if (CHECK_EQ(ing_model_read(doc.root, ING_KINDS, &o, &why,
		    NULL), ING_READ_OK))
			ing_store_put(s, &o);
		kube_doc_fini(&doc);
	}
	diags_fini(&diags);
	free(why);
	text_fini(t);
}

static void
put_service(struct ing_store *s, unsigned i)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "{\"apiVersion\":\"v1\",\"kind\":\"Service\","
	    "\"metadata\":{\"namespace\":\"n%u\",\"name\":\"s%u\"},\"spec\":{"
	    "\"clusterIP\":\"10.9.0.%u\",\"ports\":[{\"name\":\"web\","
	    "\"port\":%u,\"targetPort\":8080},{\"name\":\"more\","
	    "\"port\":81,\"targetPort\":8081}]}}", i % 2, i, i + 1,
	    any(20) == 0 ? 79 : 80);
	put(s, &t);
}

/* `calm`: another address, and nothing else. */
static void
put_slice(struct ing_store *s, unsigned i, bool calm)
{
	unsigned service = !calm && any(6) == 0 ? any(SERVICES) : i % SERVICES;
	unsigned n = calm ? 1 : any(10) == 0 ? 0 : 1 + any(4);
	struct text t;

	text_init(&t);
	text_printf(&t, "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":"
	    "\"EndpointSlice\",\"addressType\":\"IPv4\",\"metadata\":{"
	    "\"namespace\":\"n%u\",\"name\":\"e%u\",\"labels\":{"
	    "\"kubernetes.io/service-name\":\"s%u\"}},\"ports\":[{\"name\":"
	    "\"%s\",\"port\":%u}],\"endpoints\":[", service % 2, i, service,
	    !calm && any(8) == 0 ? "more" : "web", 8080 + any(2));
	for (unsigned k = 0; k < n; k++) {
		bool ready = calm || any(4) != 0;

		text_printf(&t, "%s{\"addresses\":[\"10.%u.0.%u\"],"
		    "\"conditions\":{\"ready\":%s,\"serving\":true,"
		    "\"terminating\":%s}}", k > 0 ? "," : "", any(2), any(9) +
		    1, ready ? "true" : "false", ready ? "false" : "true");
	}
	text_addz(&t, "]}");
	put(s, &t);
}

static void
put_ingress(struct ing_store *s, unsigned i)
{
	static const char *const sets[][2] = {
		{ "proxy-read-timeout", "61" },
		{ "affinity", "cookie" },
		{ "default-backend", "s0" },
		{ "backend-protocol", "AUTO_HTTP" },
		{ "backend-protocol", "HTTPS" },
		{ "service-upstream", "true" },
		{ "custom-http-errors", "404" },
		{ "auth-url", "http://s2.n0.svc/check" },
		{ "limit-rps", "5" },
		{ "canary", "true" },
		{ "proxy-body-size", "2m" },
		{ "x", "y" },
	};
	const char *const *set = sets[any(NELEM(sets))];
	struct text t;

	text_init(&t);
	text_printf(&t, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"
	    "\"Ingress\",\"metadata\":{\"namespace\":\"n%u\",\"name\":\"i%u\","
	    "\"annotations\":{\"nginx.ingress.kubernetes.io/%s\":\"%s\","
	    "\"nginx.ingress.kubernetes.io/canary-weight\":\"20\"}},\"spec\":{"
	    "\"ingressClassName\":\"nginx\",%s\"rules\":[{\"host\":\"h%u.test\","
	    "\"http\":{\"paths\":[{\"path\":\"/%s\",\"pathType\":\"Prefix\","
	    "\"backend\":{\"service\":{\"name\":\"s%u\",\"port\":{%s}}}}]}}]}}",
	    i % 2, i, set[0], set[1], any(4) == 0 ?
	    "\"tls\":[{\"hosts\":[\"h1.test\"]}]," : "", any(6) / 2,
	    any(2) ? "" : "a", any(SERVICES) / 2 * 2 + i % 2,
	    any(2) ? "\"number\":80" : "\"name\":\"more\"");
	put(s, &t);
}

/* Two that share a cookie: their servers are in a map as well. */
static void
put_canary(struct ing_store *s, bool canary)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"
	    "\"Ingress\",\"metadata\":{\"namespace\":\"n1\",\"name\":\"%s\","
	    "\"annotations\":{\"nginx.ingress.kubernetes.io/%s\"}},\"spec\":{"
	    "\"ingressClassName\":\"nginx\",\"rules\":[{\"host\":"
	    "\"sticky.test\",\"http\":{\"paths\":[{\"path\":\"/\","
	    "\"pathType\":\"Prefix\",\"backend\":{\"service\":{\"name\":"
	    "\"s%d\",\"port\":{\"name\":\"web\"}}}}]}}]}}",
	    canary ? "side" : "main", canary ?
	    "canary\":\"true\",\"nginx.ingress.kubernetes.io/canary-weight\":"
	    "\"20" : "affinity\":\"cookie", canary ? 3 : 1);
	put(s, &t);
}

static void
put_class(struct ing_store *s)
{
	struct text t;

	text_init(&t);
	text_addz(&t, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":"
	    "\"IngressClass\",\"metadata\":{\"name\":\"nginx\"},\"spec\":{"
	    "\"controller\":\"k8s.io/ingress-nginx\"}}");
	put(s, &t);
}

/* Mostly endpoints; of a few steps in a row sometimes. */
static void
change(struct ing_store *s)
{
	char name[16];

	for (unsigned n = any(8) == 0 ? any(80) : 1; n > 0; n--)
		switch (any(40)) {
		case 0:
			put_service(s, any(SERVICES));
			break;
		case 1:
		case 2:
			put_ingress(s, any(16));
			break;
		case 3:
		case 4:
			snprintf(name, sizeof name, "e%u", any(SLICES));
			(void)ing_store_del(s, ING_SLICE, any(2) ? "n0" : "n1",
			    name);
			break;
		default:
			put_slice(s, any(SLICES), false);
			break;
		}
}

static bool
is_same(const struct ing_files *a, const struct ing_files *b)
{
	if (!CHECK_EQ(a->n, b->n))
		return (false);
	for (uint32_t i = 0; i < a->n; i++) {
		struct span x = text_span(&a->v[i].body),
		    y = text_span(&b->v[i].body);

		if (!CHECK_STR(a->v[i].path, b->v[i].path) ||
		    !CHECK_MEM(x.p, x.n, y.p, y.n))
			return (false);
	}
	return (true);
}

/* What is said about objects as well. */
static bool
says_same(const struct ing_plan *a, const struct ing_plan *b)
{
	if (!CHECK_EQ(a->n_problems, b->n_problems))
		return (false);
	for (uint32_t i = 0; i < a->n_problems; i++)
		if (!CHECK_STR(a->problems[i].text, b->problems[i].text) ||
		    !CHECK(a->problems[i].obj == b->problems[i].obj))
			return (false);
	return (true);
}

static void
begin(struct ing_store *s, struct ing_options *o)
{
	char *why = NULL;

	CHECK(ing_flags_parse(0, NULL, o, &why));
	o->https_port = 0;
	put_class(s);
	for (unsigned i = 0; i < SERVICES; i++)
		put_service(s, i);
	for (unsigned i = 0; i < 16; i++)
		put_ingress(s, i);
	put_canary(s, false);
	put_canary(s, true);
}

TEST(what_is_kept_is_what_would_be_made_anew)
{
	struct ing_store *s = ing_store_new();
	struct ing_keep keep = { .plan = NULL };
	unsigned kept = 0, moved = 0;
	struct ing_options o;
	char *why = NULL;
	bool same = true;

	seed = 7;
	begin(s, &o);
	for (int step = 0; step < STEPS && same; step++) {
		struct ing_files files = { .v = NULL };
		struct ing_plan *plan;

		change(s);
		if (!ing_keep_plan(&keep, s, &o)) {
			kept++;
			moved += keep.plan->n_moved;
		}
		CHECK(ing_keep_render(&keep, &why));
		plan = ing_plan_make(s, &o);
		CHECK(ing_render(plan, &files, &why));
		same = is_same(&keep.files, &files) &&
		    says_same(keep.plan, plan);
		ing_files_fini(&files);
		ing_plan_free(plan);
	}
	CHECK(kept > STEPS / 4);
	CHECK(moved > STEPS / 10);
	ing_keep_fini(&keep);
	ing_flags_fini(&o);
	ing_store_free(s);
}

/* A slice whose address leads to an update, and to nothing else. */
static unsigned
find_calm(struct ing_store *s, struct ing_keep *keep,
    const struct ing_options *o)
{
	char *why = NULL;

	for (unsigned i = 0; i < SERVICES * 8; i++) {
		put_slice(s, i / 8, true);
		if (!ing_keep_plan(keep, s, o) && keep->plan->n_moved > 0)
			return (i / 8);
		CHECK(ing_keep_render(keep, &why));
	}
	return (SERVICES);
}

/* They take from an arena that never gives back. */
TEST(many_updates_make_a_plan_anew)
{
	struct ing_store *s = ing_store_new();
	struct ing_keep keep = { .plan = NULL };
	unsigned i, n, anew = 0;
	struct ing_options o;
	char *why = NULL;

	seed = 7;
	begin(s, &o);
	i = find_calm(s, &keep, &o);
	CHECK(i < SERVICES);
	keep.bytes_most = keep.plan->mem.used_bytes;
	for (n = 0; n < 20000 && anew == 0; n++) {
		put_slice(s, i, true);
		anew += ing_keep_plan(&keep, s, &o);
		CHECK(ing_keep_render(&keep, &why));
	}
	CHECK(anew == 1);
	CHECK(n > 10);
	ing_keep_fini(&keep);
	ing_flags_fini(&o);
	ing_store_free(s);
}
