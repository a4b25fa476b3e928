/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux_freeze - what every end has, written down for another worker, and where
 * a client came in.
 */
#include <mux/mux.h>

#include <expr/vars.h>

enum { TAG_VARS = 20 };                 /* of the session */
static const uint16_t vars_too[] = { TAG_VARS, 0 };

static const struct wire_field fields[] = {
	WIRE(1, BOOL, WIRE_REQUIRED, struct mux_end, connected),
	WIRE(2, BOOL, WIRE_REQUIRED, struct mux_end, reused),
	WIRE(3, BOOL, WIRE_REQUIRED, struct mux_end, eof),
	WIRE(4, BOOL, WIRE_REQUIRED, struct mux_end, close),
	WIRE(5, U64,  WIRE_REQUIRED, struct mux_end, got),
	WIRE(6, U64,  WIRE_REQUIRED, struct mux_end, put),
	/* not frozen: dead (a broken one stays), last (peek says it again),
	 * client (the room knows), strm */
	WIRE_END
};

void
mux_end_put(const struct mux_end *e, struct wire_out *out)
{
	const struct conn *c = e->ops->conn((struct mux_end *)(uintptr_t)e);
	size_t mark;

	wire_put(out, fields, e);
	if (c->vars == NULL)
		return;
	mark = wire_begin(out, TAG_VARS, WIRE_OPTIONAL);
	expr_vars_put(out, c->vars);
	wire_end(out, mark);
}

bool
mux_end_get(struct mux_end *e, struct wire_in *in)
{
	struct expr_vars *vars = NULL;
	struct wire_in values;

	if (!wire_get(in, fields, e, vars_too))
		return (false);
	if (wire_find_in(in, TAG_VARS, &values) &&
	    !expr_vars_get(&values, NULL, &vars)) {
		in->err = "a variable that cannot be";
		return (false);
	}
	e->ops->conn(e)->vars = vars;
	return (true);
}

/* ---- where a client came in ---- */

enum { TAG_FE = 1, TAG_ADDR = 2, TAG_NETNS = 3 };

void
mux_listen_put(const struct px_listen *l, struct wire_out *out)
{
	wire_put_bytes(out, TAG_FE, WIRE_REQUIRED,
	    span_str(l->bind->px->name));
	wire_put_bytes(out, TAG_ADDR, WIRE_REQUIRED, span_str(l->text));
	if (l->bind->namespace != NULL)
		wire_put_bytes(out, TAG_NETNS, WIRE_OPTIONAL,
		    span_str(l->bind->namespace));
}

static const struct px_listen *
with_addr(const struct px *fe, struct span addr, struct span netns)
{
	for (const struct px_listen *l = fe->listens; l != NULL; l = l->next)
		if (span_is(addr, l->text) && span_is(netns,
		    l->bind->namespace == NULL ? "" : l->bind->namespace))
			return (l);
	return (NULL);
}

/* The frontend that has this address now, whatever its name. */
static const struct px_listen *
anywhere(struct span addr, struct span netns, enum px_mode mode)
{
	const struct px_listen *l;

	PX_EACH(px, px_model)
		if ((px->kind & PX_FE) != 0 && px->mode == mode &&
		    !px->disabled &&
		    (l = with_addr(px, addr, netns)) != NULL)
			return (l);
	return (NULL);
}

const struct px_listen *
mux_listen_get(struct wire_in *in, enum px_mode mode, bool idle,
    const char **why)
{
	const struct px_listen *l;
	struct span name, addr, netns;
	const struct px *fe;

	*why = "its record is damaged";
	if (!wire_find(in, TAG_FE, &name) || !wire_find(in, TAG_ADDR, &addr))
		return (NULL);
	if (!wire_find(in, TAG_NETNS, &netns))
		netns = SPAN("");
	fe = px_find(px_model, name, PX_FE);
	if (fe == NULL || fe->disabled) {
		*why = "its frontend is gone";
		return (idle ? anywhere(addr, netns, mode) : NULL);
	}
	*why = "its frontend has another mode now";
	if (fe->mode != mode)
		return (NULL);
	if ((l = with_addr(fe, addr, netns)) != NULL)
		return (l);
	*why = "its frontend does not listen any more";
	return (fe->listens);
}
