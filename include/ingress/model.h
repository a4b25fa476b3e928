/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_MODEL_H
#define INGRESS_MODEL_H
/*
 * model - the objects of Kubernetes that we use, as structs of our own.
 *
 * A table of typed fields with limits (ing_model.c) says what is taken from a
 * document; all else of it is dropped. What was read is checked: names are
 * names, numbers are in range, no text holds a control character (but values
 * of annotations, ConfigMaps and Secrets, which their readers check).
 * Absent strings are NULL, absent numbers 0, absent booleans -1.
 * An object owns its memory and never changes.
 */
#include <kube/doc.h>

enum ing_kind {
	ING_INGRESS, ING_CLASS, ING_SERVICE, ING_SLICE, ING_SECRET,
	ING_CONFIGMAP, ING_NAMESPACE, ING_POD, ING_NODE,
	ING_KINDS
};

struct ing_kind_info {
	const char *kind;       /* "Ingress" */
	const char *api;        /* "networking.k8s.io/v1" */
	const char *plural;     /* "ingresses", as in paths of the API */
	bool namespaced;
};
extern const struct ing_kind_info ing_kinds[ING_KINDS];

struct ing_vec {                /* of strings or structs, see the comment */
	void *v;
	uint32_t n;
};

struct ing_pair { const char *key; struct span value; };

struct ing_mem;
struct ing_cert;
struct ing_dh;

struct ing_obj {
	unsigned magic;
#define ING_OBJ_MAGIC 0x1c9e0b1e
	enum ing_kind kind;
	const char *ns;         /* "" for what is in no namespace */
	const char *name;
	const char *uid;
	const char *version;    /* resourceVersion */
	int64_t created;        /* wall, seconds; 0 unknown */
	int64_t deleted;        /* deletionTimestamp; 0: lives */
	struct ing_vec labels;  /* struct ing_pair, sorted by key */
	struct ing_vec annots;  /* idem */
	struct ing_mem *mem;    /* what it owns, itself included */
	size_t bytes;           /* of that */
	uint64_t generation;    /* of the store, when it was put there */
	unsigned source;        /* who put it there; 0: a file */
	bool marked;            /* seen in the list that is being read */
};

struct ing_intstr {             /* a number, or the name of one */
	int64_t num;            /* 0: see name */
	const char *name;       /* NULL: see num; both: absent */
};

struct ing_backend_ref {
	const char *service;    /* NULL: none, or a resource */
	const char *port_name;
	int64_t port;
	const char *resource;   /* kind of a backend that is no Service */
};

struct ing_path {
	const char *path;
	const char *type;       /* Exact, Prefix, ImplementationSpecific */
	struct ing_backend_ref backend;
};

struct ing_rule {
	const char *host;       /* lower case; NULL: any */
	struct ing_vec paths;   /* struct ing_path */
};

struct ing_tls {
	struct ing_vec hosts;   /* const char *, lower case */
	const char *secret;
};

struct ing_ingress {
	struct ing_obj o;
	const char *class_name;
	struct ing_backend_ref dflt;
	struct ing_vec rules;   /* struct ing_rule */
	struct ing_vec tls;     /* struct ing_tls */
	struct ing_vec published;       /* struct ing_address, of the status */
};

struct ing_class {
	struct ing_obj o;
	const char *controller;
};

struct ing_svc_port {
	const char *name;
	const char *protocol;
	int64_t port, node_port;
	struct ing_intstr target;
};

struct ing_address {            /* of a load balancer */
	const char *ip, *hostname;
};

struct ing_service {
	struct ing_obj o;
	const char *type;
	const char *cluster_ip;
	const char *external_name;
	struct ing_vec external_ips;    /* const char * */
	struct ing_vec ports;           /* struct ing_svc_port */
	struct ing_vec published;       /* struct ing_address */
};

struct ing_slice_port {
	const char *name, *protocol;
	int64_t port;
};

struct ing_endpoint {
	struct ing_vec addresses;       /* const char * */
	int ready, serving, terminating;        /* -1: not said */
	const char *node, *zone;
	const char *target;             /* name of the pod */
	struct ing_vec for_zones;       /* struct ing_zone */
};

struct ing_zone { const char *name; };

struct ing_slice {
	struct ing_obj o;
	const char *service;            /* of its label; NULL: none */
	const char *address_type;
	struct ing_vec ports;           /* struct ing_slice_port */
	struct ing_vec endpoints;       /* struct ing_endpoint */
};

struct ing_data {                       /* Secret or ConfigMap */
	struct ing_obj o;
	const char *type;               /* of a Secret */
	struct ing_vec data;            /* struct ing_pair, sorted by key;
	                                 * of a Secret decoded */
	struct ing_cert *cert;          /* see ing_cert_of() */
	struct ing_ca *ca;              /* see ing_ca_of() */
	struct ing_dh *dh;              /* see ing_dh_of() */
};

struct ing_condition { const char *type, *status; };

struct ing_pod {
	struct ing_obj o;
	const char *phase, *node;
	struct ing_vec conditions;      /* struct ing_condition */
};

struct ing_node_address { const char *type, *address; };

struct ing_node {
	struct ing_obj o;
	struct ing_vec addresses;       /* struct ing_node_address */
};

struct ing_at { int line, col; };       /* from 1; 0: not known */

enum ing_read { ING_READ_OK, ING_READ_OTHER, ING_READ_BAD };

/*
 * ing_model_read - make an object of a document.
 *
 * as   the kind, when a list has said it; ING_KINDS: look into the document
 * why  on ING_READ_BAD: which object, which field, what was expected and
 *      found; freed by the caller
 * at   where that is in the file; may be NULL
 * ING_READ_OTHER: not a kind (or a version of one) that we use.
 */
enum ing_read ing_model_read(const struct kube_node *, enum ing_kind as,
    struct ing_obj **out, char **why, struct ing_at *at);

void ing_obj_free(struct ing_obj *);

/* ing_obj_find - the value of a label or annotation; p is NULL without. */
struct span ing_pair_find(const struct ing_vec *, const char *key);

/* Walk a vector of structs. */
#define ING_EACH(type, it, vec)                                              \
	for (const type *it = (const type *)(vec).v,                         \
	    *it##_end = it == NULL ? NULL : it + (vec).n; it != it##_end; it++)
#endif
