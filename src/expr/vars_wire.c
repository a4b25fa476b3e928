/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_wire - the variables of a stream or session as a record: a field per
 * variable, numbered from 1, which holds its name and its value.
 */
#include "vars_int.h"

#include <wire/wire.h>

enum {                                  /* tags; never reused */
	TAG_NAME = 1, TAG_TYPE = 2, TAG_NUM = 3, TAG_ADDR = 4, TAG_TEXT = 5,
	TAG_METH = 6
};

static bool
is_text(uint64_t type)
{
	return (type == SMP_STR || type == SMP_BIN || type == SMP_METH);
}

static void
put_one(struct wire_out *out, const struct expr_var *name,
    const struct var_value *v)
{
	wire_put_bytes(out, TAG_NAME, WIRE_REQUIRED, name->name);
	wire_put_u64(out, TAG_TYPE, WIRE_REQUIRED, v->type);
	if (v->type == SMP_BOOL || v->type == SMP_INT)
		wire_put_u64(out, TAG_NUM, WIRE_REQUIRED, (uint64_t)v->num);
	else if (is_text(v->type)) {
		wire_put_bytes(out, TAG_TEXT, WIRE_REQUIRED, v->str);
		wire_put_u64(out, TAG_METH, WIRE_REQUIRED, v->meth);
	} else if (v->type != SMP_NONE)
		wire_put_bytes(out, TAG_ADDR, WIRE_REQUIRED,
		    span_of((const char *)&v->addr, sizeof v->addr));
}

void
expr_vars_put(struct wire_out *out, const struct expr_vars *x)
{
	unsigned tag = 0;

	for (uint32_t i = 0; x != NULL && i < x->n; i++) {
		const struct expr_var *name = expr_var_at(x->session, i);
		size_t mark;

		if (!x->v[i].exists || name == NULL || tag == WIRE_TAG_MAX)
			continue;
		mark = wire_begin(out, ++tag, WIRE_OPTIONAL);
		put_one(out, name, &x->v[i]);
		wire_end(out, mark);
	}
}

static bool
take_addr(struct wire_in *in, struct smp *s)
{
	struct span bytes;

	if (!wire_find(in, TAG_ADDR, &bytes) || bytes.n != sizeof s->addr)
		return (false);
	memcpy(&s->addr, bytes.p, sizeof s->addr);
	return (s->addr.family == (s->type == SMP_V4 ? ADDR_V4 : ADDR_V6));
}

static bool
take_value(struct wire_in *in, struct smp *s)
{
	uint64_t type, num;

	if (!wire_find_u64(in, TAG_TYPE, &type) || type > SMP_NONE)
		return (false);
	s->type = (uint8_t)type;
	switch (type) {
	case SMP_NONE:
		return (true);
	case SMP_BOOL: case SMP_INT:
		if (!wire_find_u64(in, TAG_NUM, &num))
			return (false);
		s->num = (int64_t)num;
		return (true);
	case SMP_V4: case SMP_V6:
		return (take_addr(in, s));
	case SMP_STR: case SMP_BIN: case SMP_METH:
		if (!wire_find(in, TAG_TEXT, &s->str) ||
		    !wire_find_u64(in, TAG_METH, &num) || num > UINT8_MAX)
			return (false);
		s->meth = (uint8_t)num;
		return (true);
	default:
		return (false);
	}
}

/* The variable of that name here, in the same kind of place; NULL: none. */
static struct var_value *
find_place(struct expr_vars *x, struct span name)
{
	for (struct expr_var *v = expr_var_first(); v != NULL; v = v->next)
		if (v->slot == NULL && span_eq(v->name, name) &&
		    (v->scope == EXPR_SCOPE_SESS) == x->session &&
		    v->at < x->n)
			return (&x->v[v->at]);
	return (NULL);
}

static bool
get_one(struct span record, struct arena *a, struct expr_vars *x)
{
	struct smp s = { 0 };
	struct wire_in in;
	struct span name;
	struct var_value *v;

	wire_in_init(&in, record);
	if (!wire_find(&in, TAG_NAME, &name) || !take_value(&in, &s))
		return (false);
	if ((v = find_place(x, name)) == NULL)
		return (true);
	if (s.type != SMP_NONE)
		return (expr_var_keep(v, a, &s));
	v->exists = true;
	return (true);
}

bool
expr_vars_get(struct wire_in *in, struct arena *a, struct expr_vars **vars)
{
	struct expr_vars *x = NULL;
	enum wire_need need;
	struct span record;
	unsigned tag;

	while (wire_next(in, &tag, &need, &record)) {
		if (x == NULL && (x = expr_vars_new(a)) == NULL)
			return (false);
		if (get_one(record, a, x))
			continue;
		if (a == NULL)
			expr_vars_free(x);
		return (false);
	}
	if (in->err != NULL) {
		if (a == NULL)
			expr_vars_free(x);
		return (false);
	}
	if (x != NULL) {
		expr_vars_count(x);
		*vars = x;
	}
	return (true);
}
