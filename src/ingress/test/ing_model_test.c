/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_model.c"

struct got {
	struct ing_obj *o;
	char *why;
	enum ing_read read;
	struct ing_at at;
};

static bool
take(const struct kube_doc *d, void *arg)
{
	struct got *g = arg;

	g->read = ing_model_read(d->root, ING_KINDS, &g->o, &g->why,
	    &g->at);
	return (false);
}

static struct got
read_text(const char *yaml)
{
	struct got g = { .read = ING_READ_BAD };
	struct diags diags;

	diags_init(&diags);
	CHECK(kube_yaml_read(span_str(yaml), "f", &kube_limits_object, take,
	    &g, &diags));
	diags_fini(&diags);
	return (g);
}

#define HEAD "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"             \
	"metadata: { name: a, namespace: b }\n"

TEST(fields_are_read_and_bounded)
{
	static const struct { const char *yaml, *why; } rows[] = {
		{ HEAD, NULL },
		{ HEAD "spec: { rules: [ { host: A.Example.COM. } ] }", NULL },
		{ HEAD "spec: { rules: [ { host: 12 } ] }",
		  "Ingress b/a: spec.rules[0].host: expected a string, found "
		  "number 12" },
		{ HEAD "spec: { rules: [ { host: 'a b' } ] }",
		  "Ingress b/a: spec.rules[0].host: expected a host name" },
		{ HEAD "spec: { rules: [ { host: 'a.*.b' } ] }",
		  "Ingress b/a: spec.rules[0].host: expected a host name" },
		{ HEAD "spec: { rules: [ {}, { http: { paths: [ { path: "
		  "\"/a\\nb\" } ] } } ] }", "Ingress b/a: spec.rules[1].http."
		  "paths[0].path: expected text without control characters" },
		{ HEAD "spec: { rules: [ { http: { paths: [ { backend: { "
		  "service: { name: x, port: { number: 70000 } } } } ] } } ] "
		  "}", "Ingress b/a: spec.rules[0].http.paths[0].service.port."
		  "number: expected a number from 0 to 65535, found number "
		  "70000" },
		{ HEAD "spec: { rules: x }", "Ingress b/a: spec.rules: "
		  "expected a list, found string \"x\"" },
		{ "apiVersion: v1\nkind: Service\nmetadata: { name: A }",
		  "Service (no name): metadata.name: expected a name" },
		{ "apiVersion: v1\nkind: Service\nmetadata: {}",
		  "Service (no name): metadata.name: expected a value" },
		{ "apiVersion: v1\nkind: Service\nmetadata: { name: ../x }",
		  "Service (no name): metadata.name: expected a name" },
		{ "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\n"
		  "data: { a: '%' }", "Secret x: data: expected base64" },
		{ "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\n"
		  "data: { a: 1 }", "Secret x: data: expected strings" },
		{ "apiVersion: v1\nkind: Namespace\nmetadata: { name: x, "
		  "creationTimestamp: yesterday }", "Namespace x: metadata."
		  "creationTimestamp: expected a time" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct got g = read_text(rows[i].yaml);

		CHECK_EQ(g.read, rows[i].why == NULL ? ING_READ_OK :
		    ING_READ_BAD);
		if (rows[i].why != NULL && !CHECK(g.why != NULL &&
		    strncmp(g.why, rows[i].why, strlen(rows[i].why)) == 0))
			printf("    %s\n    %s\n", g.why, rows[i].why);
		free(g.why);
		ing_obj_free(g.o);
	}
}

TEST(an_ingress_is_what_it_says)
{
	struct got g = read_text(HEAD "spec:\n  ingressClassName: c\n"
	    "  rules:\n  - host: '*.A.test'\n    http: { paths: [ { path: /x, "
	    "pathType: Exact, backend: { service: { name: s, port: { name: "
	    "http } } } } ] }\n  tls: [ { hosts: [ A.test ], secretName: t }"
	    " ]\n");
	const struct ing_ingress *i = (const struct ing_ingress *)g.o;
	const struct ing_rule *r;
	const struct ing_path *p;
	const struct ing_tls *t;

	if (!CHECK_EQ(g.read, ING_READ_OK))
		return;
	CHECK_STR(i->o.ns, "b");
	CHECK_STR(i->class_name, "c");
	CHECK_EQ(i->rules.n, 1);
	r = i->rules.v;
	CHECK_STR(r->host, "*.a.test");
	p = r->paths.v;
	CHECK_STR(p->path, "/x");
	CHECK_STR(p->type, "Exact");
	CHECK_STR(p->backend.port_name, "http");
	CHECK_EQ(p->backend.port, 0);
	t = i->tls.v;
	CHECK_STR(*(const char **)t->hosts.v, "a.test");
	CHECK_STR(t->secret, "t");
	CHECK(g.o->bytes < 4096);
	ing_obj_free(g.o);
}

TEST(what_is_not_ours_is_no_fault)
{
	CHECK_EQ(read_text("apiVersion: v1\nkind: Endpoints").read,
	    ING_READ_OTHER);
	CHECK_EQ(read_text("apiVersion: extensions/v1beta1\nkind: Ingress")
	    .read, ING_READ_OTHER);
	CHECK_EQ(read_text("[ 1, 2 ]").read, ING_READ_OTHER);
}

TEST(what_an_endpoint_does_not_say_is_unknown)
{
	struct got g = read_text("apiVersion: discovery.k8s.io/v1\n"
	    "kind: EndpointSlice\nmetadata: { name: a, labels: { "
	    "kubernetes.io/service-name: s } }\nendpoints: [ { addresses: "
	    "[ 10.0.0.1 ] }, { addresses: [ 10.0.0.2 ], conditions: { ready: "
	    "false, serving: true } } ]");
	const struct ing_slice *s = (const struct ing_slice *)g.o;
	const struct ing_endpoint *e;

	if (!CHECK_EQ(g.read, ING_READ_OK))
		return;
	e = s->endpoints.v;
	CHECK_STR(s->service, "s");
	CHECK_STR(s->o.ns, "default");
	CHECK_EQ(e[0].ready, -1);
	CHECK_EQ(e[1].ready, 0);
	CHECK_EQ(e[1].serving, 1);
	CHECK_EQ(e[1].terminating, -1);
	ing_obj_free(g.o);
}

/* Of the field, not of the object. */
TEST(a_fault_has_its_place_in_the_file)
{
	static const struct { const char *yaml; int line, col; } rows[] = {
		{ HEAD "spec: { rules: [ { host: 12 } ] }", 4, 26 },
		{ HEAD "spec:\n  rules: x", 5, 10 },
		{ "# x\napiVersion: v1\nkind: Service\nmetadata: {}", 2, 1 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct got g = read_text(rows[i].yaml);

		CHECK_EQ(g.read, ING_READ_BAD);
		CHECK_EQ(g.at.line, rows[i].line);
		CHECK_EQ(g.at.col, rows[i].col);
		free(g.why);
	}
}
