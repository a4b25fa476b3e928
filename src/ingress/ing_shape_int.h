/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_SHAPE_INT_H
#define ING_SHAPE_INT_H
/*
 * ing_shape_int - tables of typed fields, and the one reader that obeys them.
 */
#include <ingress/model.h>

enum ing_field_type {
	ING_F_TEXT,             /* printable, no control characters */
	ING_F_LABEL,            /* RFC 1123 label: a-z 0-9 -, 63 */
	ING_F_NAME,             /* RFC 1123 subdomain, 253 */
	ING_F_HOST,             /* the same, lower-cased, "*." before it */
	ING_F_PORT_NAME,        /* RFC 6335: a-z 0-9 -, 15, a letter in it */
	ING_F_INT,              /* min..max */
	ING_F_BOOL,             /* int: -1, 0, 1 */
	ING_F_TIME,             /* RFC 3339, seconds since 1970 */
	ING_F_INTSTR,           /* a port, or the name of one */
	ING_F_TEXTS,            /* vector of TEXT */
	ING_F_HOSTS,            /* vector of HOST */
	ING_F_PAIRS,            /* map of strings, sorted */
	ING_F_BASE64,           /* map of strings, decoded, sorted */
	ING_F_SHAPE,            /* nested struct */
	ING_F_SHAPES            /* vector of nested structs */
};

struct ing_shape;

struct ing_field {
	const char *path;               /* "spec.ingressClassName" */
	enum ing_field_type type;
	size_t offset;
	bool must;                      /* refused without it */
	int64_t min, max;               /* INT; max also of bytes and items */
	const struct ing_shape *shape;
};

struct ing_shape {
	size_t bytes;
	const struct ing_field *fields; /* ends with path NULL */
};

/* Memory of one object: few, small, doubling blocks. */
struct ing_mem *ing_mem_new(void);
void *ing_mem_get(struct ing_mem *, size_t bytes);      /* zeroed */
char *ing_mem_dup(struct ing_mem *, struct span);
size_t ing_mem_bytes(const struct ing_mem *);
void ing_mem_free(struct ing_mem *);

/* ing_shape_read - fill `out`; false with *why (freed by the caller), and in
 * *at where. */
bool ing_shape_read(const struct ing_shape *, const struct kube_node *,
    struct ing_mem *, void *out, char **why, struct ing_at *at);
#endif
