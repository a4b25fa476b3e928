/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_model - which fields of which objects we use, and within what limits.
 */
#include "ing_shape_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>

const struct ing_kind_info ing_kinds[ING_KINDS] = {
	[ING_INGRESS] = { "Ingress", "networking.k8s.io/v1", "ingresses",
	    true },
	[ING_CLASS] = { "IngressClass", "networking.k8s.io/v1",
	    "ingressclasses", false },
	[ING_SERVICE] = { "Service", "v1", "services", true },
	[ING_SLICE] = { "EndpointSlice", "discovery.k8s.io/v1",
	    "endpointslices", true },
	[ING_SECRET] = { "Secret", "v1", "secrets", true },
	[ING_CONFIGMAP] = { "ConfigMap", "v1", "configmaps", true },
	[ING_NAMESPACE] = { "Namespace", "v1", "namespaces", false },
	[ING_POD] = { "Pod", "v1", "pods", true },
	[ING_NODE] = { "Node", "v1", "nodes", false },
};

#define AT(type, member)  offsetof(struct type, member)
#define SHAPE_OF(type, table)                                                \
	static const struct ing_shape table##_shape = {                      \
	    sizeof(struct type), table }
#define END { NULL, ING_F_TEXT, 0, false, 0, 0, NULL }
#define TEXT(p, t, m)     { p, ING_F_TEXT, AT(t, m), false, 0, 0, NULL }
#define FIELD(p, k, t, m) { p, ING_F_##k, AT(t, m), false, 0, 0, NULL }
#define MUST_BE(p, k, t, m) { p, ING_F_##k, AT(t, m), true, 0, 0, NULL }
#define PORT(p, t, m)     { p, ING_F_INT, AT(t, m), false, 0, 65535, NULL }
#define ONE(p, t, m, s)   { p, ING_F_SHAPE, AT(t, m), false, 0, 0, &s##_shape }
#define MANY(p, t, m, s, most)                                               \
	{ p, ING_F_SHAPES, AT(t, m), false, 0, most, &s##_shape }

/* --- every object ---------------------------------------------------------- */

static const struct ing_field meta[] = {
	FIELD("metadata.namespace", LABEL, ing_obj, ns),
	MUST_BE("metadata.name", NAME, ing_obj, name),
	TEXT("metadata.uid", ing_obj, uid),
	TEXT("metadata.resourceVersion", ing_obj, version),
	FIELD("metadata.creationTimestamp", TIME, ing_obj, created),
	FIELD("metadata.deletionTimestamp", TIME, ing_obj, deleted),
	FIELD("metadata.labels", PAIRS, ing_obj, labels),
	FIELD("metadata.annotations", PAIRS, ing_obj, annots),
	END
};
SHAPE_OF(ing_obj, meta);

/* --- Ingress, IngressClass ------------------------------------------------- */

static const struct ing_field backend_ref[] = {
	FIELD("service.name", NAME, ing_backend_ref, service),
	FIELD("service.port.name", PORT_NAME, ing_backend_ref, port_name),
	PORT("service.port.number", ing_backend_ref, port),
	TEXT("resource.kind", ing_backend_ref, resource),
	END
};
SHAPE_OF(ing_backend_ref, backend_ref);

static const struct ing_field path[] = {
	FIELD("path", TEXT, ing_path, path),
	TEXT("pathType", ing_path, type),
	ONE("backend", ing_path, backend, backend_ref),
	END
};
SHAPE_OF(ing_path, path);

static const struct ing_field rule[] = {
	FIELD("host", HOST, ing_rule, host),
	MANY("http.paths", ing_rule, paths, path, 1024),
	END
};
SHAPE_OF(ing_rule, rule);

static const struct ing_field tls[] = {
	FIELD("hosts", HOSTS, ing_tls, hosts),
	FIELD("secretName", NAME, ing_tls, secret),
	END
};
SHAPE_OF(ing_tls, tls);

static const struct ing_field address[] = {
	TEXT("ip", ing_address, ip),
	TEXT("hostname", ing_address, hostname),
	END
};
SHAPE_OF(ing_address, address);

static const struct ing_field ingress[] = {
	FIELD("spec.ingressClassName", NAME, ing_ingress, class_name),
	ONE("spec.defaultBackend", ing_ingress, dflt, backend_ref),
	MANY("spec.rules", ing_ingress, rules, rule, 1024),
	MANY("spec.tls", ing_ingress, tls, tls, 1024),
	MANY("status.loadBalancer.ingress", ing_ingress, published, address,
	    1024),
	END
};
SHAPE_OF(ing_ingress, ingress);

static const struct ing_field class[] = {
	TEXT("spec.controller", ing_class, controller),
	END
};
SHAPE_OF(ing_class, class);

/* --- Service, EndpointSlice ------------------------------------------------ */

static const struct ing_field svc_port[] = {
	FIELD("name", PORT_NAME, ing_svc_port, name),
	TEXT("protocol", ing_svc_port, protocol),
	PORT("port", ing_svc_port, port),
	PORT("nodePort", ing_svc_port, node_port),
	FIELD("targetPort", INTSTR, ing_svc_port, target),
	END
};
SHAPE_OF(ing_svc_port, svc_port);

static const struct ing_field service[] = {
	TEXT("spec.type", ing_service, type),
	TEXT("spec.clusterIP", ing_service, cluster_ip),
	TEXT("spec.externalName", ing_service, external_name),
	FIELD("spec.externalIPs", TEXTS, ing_service, external_ips),
	MANY("spec.ports", ing_service, ports, svc_port, 1024),
	MANY("status.loadBalancer.ingress", ing_service, published, address,
	    1024),
	END
};
SHAPE_OF(ing_service, service);

static const struct ing_field slice_port[] = {
	FIELD("name", PORT_NAME, ing_slice_port, name),
	TEXT("protocol", ing_slice_port, protocol),
	PORT("port", ing_slice_port, port),
	END
};
SHAPE_OF(ing_slice_port, slice_port);

static const struct ing_field zone[] = {
	TEXT("name", ing_zone, name),
	END
};
SHAPE_OF(ing_zone, zone);

static const struct ing_field endpoint[] = {
	FIELD("addresses", TEXTS, ing_endpoint, addresses),
	FIELD("conditions.ready", BOOL, ing_endpoint, ready),
	FIELD("conditions.serving", BOOL, ing_endpoint, serving),
	FIELD("conditions.terminating", BOOL, ing_endpoint, terminating),
	TEXT("nodeName", ing_endpoint, node),
	TEXT("zone", ing_endpoint, zone),
	TEXT("targetRef.name", ing_endpoint, target),
	MANY("hints.forZones", ing_endpoint, for_zones, zone, 64),
	END
};
SHAPE_OF(ing_endpoint, endpoint);

static const struct ing_field slice[] = {
	TEXT("addressType", ing_slice, address_type),
	MANY("ports", ing_slice, ports, slice_port, 256),
	MANY("endpoints", ing_slice, endpoints, endpoint, 1000),
	END
};
SHAPE_OF(ing_slice, slice);

/* --- Secret, ConfigMap, and what status needs ------------------------------ */

static const struct ing_field secret[] = {
	TEXT("type", ing_data, type),
	FIELD("data", BASE64, ing_data, data),
	FIELD("stringData", PAIRS, ing_data, data),
	END
};
SHAPE_OF(ing_data, secret);

static const struct ing_field configmap[] = {
	FIELD("data", PAIRS, ing_data, data),
	END
};
SHAPE_OF(ing_data, configmap);

static const struct ing_field namespace[] = { END };
SHAPE_OF(ing_obj, namespace);

static const struct ing_field condition[] = {
	TEXT("type", ing_condition, type),
	TEXT("status", ing_condition, status),
	END
};
SHAPE_OF(ing_condition, condition);

static const struct ing_field pod[] = {
	TEXT("status.phase", ing_pod, phase),
	TEXT("spec.nodeName", ing_pod, node),
	MANY("status.conditions", ing_pod, conditions, condition, 64),
	END
};
SHAPE_OF(ing_pod, pod);

static const struct ing_field node_address[] = {
	TEXT("type", ing_node_address, type),
	TEXT("address", ing_node_address, address),
	END
};
SHAPE_OF(ing_node_address, node_address);

static const struct ing_field node[] = {
	MANY("status.addresses", ing_node, addresses, node_address, 64),
	END
};
SHAPE_OF(ing_node, node);

static const struct ing_shape *const shapes[ING_KINDS] = {
	[ING_INGRESS] = &ingress_shape, [ING_CLASS] = &class_shape,
	[ING_SERVICE] = &service_shape, [ING_SLICE] = &slice_shape,
	[ING_SECRET] = &secret_shape, [ING_CONFIGMAP] = &configmap_shape,
	[ING_NAMESPACE] = &namespace_shape, [ING_POD] = &pod_shape,
	[ING_NODE] = &node_shape,
};

/* --- reading --------------------------------------------------------------- */

static enum ing_kind
kind_of(const struct kube_node *n)
{
	struct span kind = kube_str(kube_get(n, "kind"));
	struct span api = kube_str(kube_get(n, "apiVersion"));

	for (int i = 0; i < ING_KINDS; i++)
		if (span_is(kind, ing_kinds[i].kind) &&
		    span_is(api, ing_kinds[i].api))
			return ((enum ing_kind)i);
	return (ING_KINDS);
}

static struct ing_obj *
fail(struct ing_mem *m, enum ing_kind kind, const struct ing_obj *o,
    char **why)
{
	struct text t;

	text_init(&t);
	text_printf(&t, "%s %s%s%s: %s", ing_kinds[kind].kind,
	    o->ns != NULL ? o->ns : "", o->ns != NULL ? "/" : "",
	    o->name != NULL ? o->name : "(no name)", *why);
	free(*why);
	*why = t.p;
	ing_mem_free(m);
	return (NULL);
}

static struct ing_obj *
read_as(const struct kube_node *n, enum ing_kind kind, char **why,
    struct ing_at *at)
{
	const struct ing_shape *s = shapes[kind];
	struct ing_mem *m = ing_mem_new();
	struct ing_obj *o = ing_mem_get(m, s->bytes);

	*why = NULL;
	*at = (struct ing_at){ n->line, n->col };
	o->magic = ING_OBJ_MAGIC;
	o->kind = kind;
	o->mem = m;
	if (!ing_shape_read(&meta_shape, n, m, o, why, at) ||
	    !ing_shape_read(s, n, m, o, why, at))
		return (fail(m, kind, o, why));
	if (!ing_kinds[kind].namespaced)
		o->ns = "";
	else if (o->ns == NULL)
		o->ns = "default";      /* as kubectl has it */
	if (kind == ING_SLICE)
		((struct ing_slice *)o)->service = ing_pair_find(&o->labels,
		    "kubernetes.io/service-name").p;
	o->bytes = ing_mem_bytes(m);
	return (o);
}

enum ing_read
ing_model_read(const struct kube_node *n, enum ing_kind as,
    struct ing_obj **out, char **why, struct ing_at *at)
{
	enum ing_kind kind = as == ING_KINDS ? kind_of(n) : as;
	struct ing_at nowhere;

	*out = NULL;
	*why = NULL;
	if (kind == ING_KINDS)
		return (ING_READ_OTHER);
	*out = read_as(n, kind, why, at != NULL ? at : &nowhere);
	return (*out != NULL ? ING_READ_OK : ING_READ_BAD);
}

void
ing_obj_free(struct ing_obj *o)
{
	if (o != NULL)
		ing_mem_free(o->mem);
}

struct span
ing_pair_find(const struct ing_vec *v, const char *key)
{
	const struct ing_pair *p = v->v;
	uint32_t low = 0, high = v->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = strcmp(p[mid].key, key);

		if (c == 0)
			return (p[mid].value);
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (SPAN_NONE);
}
