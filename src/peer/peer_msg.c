/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_msg - integers, frames, definitions and acknowledgements.
 */
#include "peer_msg.h"

#include <string.h>

#include <base/must.h>

/* ---- integers ---- */

void
peer_put_int(struct text *t, uint64_t v)
{
	if (v < 0xf0) {
		text_addc(t, (char)v);
		return;
	}
	text_addc(t, (char)(v | 0xf0));
	for (v = (v - 0xf0) >> 4; v >= 0x80; v = (v - 0x80) >> 7)
		text_addc(t, (char)(v | 0x80));
	text_addc(t, (char)v);
}

bool
peer_get_int(struct span *in, uint64_t *out)
{
	unsigned shift = 4;
	uint64_t v;
	uint8_t c;

	if (in->n == 0)
		return (false);
	v = c = (uint8_t)in->p[0];
	*in = span_skip(*in, 1);
	if (c >= 0xf0) {
		do {
			if (in->n == 0 || shift > 60)
				return (false);
			c = (uint8_t)in->p[0];
			*in = span_skip(*in, 1);
			if ((uint64_t)c << shift >> shift != c ||
			    __builtin_add_overflow(v, (uint64_t)c << shift,
			    &v))
				return (false);
			shift += 7;
		} while (c >= 0x80);
	}
	*out = v;
	return (true);
}

static bool
get_u32(struct span *in, uint32_t *out)
{
	uint64_t v;

	if (!peer_get_int(in, &v) || v > UINT32_MAX)
		return (false);
	*out = (uint32_t)v;
	return (true);
}

static bool
get_be32(struct span *in, uint32_t *out)
{
	const uint8_t *p = (const uint8_t *)in->p;

	if (in->n < 4)
		return (false);
	*out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
	*in = span_skip(*in, 4);
	return (true);
}

static void
put_be32(struct text *t, uint32_t v)
{
	char b[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8),
		(char)v };

	text_add(t, span_of(b, 4));
}

static bool
get_bytes(struct span *in, uint64_t n, struct span *out)
{
	if (n > in->n)
		return (false);
	*out = span_of(in->p, (size_t)n);
	*in = span_skip(*in, (size_t)n);
	return (true);
}

/* ---- frames ---- */

enum peer_got
peer_frame_get(struct span in, struct peer_frame *f, size_t *used)
{
	struct span rest;
	uint64_t n;

	if (in.n < 2)
		return (PEER_MORE);
	f->cls = (uint8_t)in.p[0];
	f->type = (uint8_t)in.p[1];
	f->body = span_of(in.p + 2, 0);
	*used = 2;
	if (f->cls == 255)
		return (PEER_BAD);
	if (f->type < 128)
		return (PEER_GOT);
	rest = span_skip(in, 2);
	if (!peer_get_int(&rest, &n))
		return (in.n < 2 + 10 ? PEER_MORE : PEER_BAD);
	if (n > PEER_MSG_MAX - 16)
		return (PEER_BIG);
	if (!get_bytes(&rest, n, &f->body))
		return (PEER_MORE);
	*used = (size_t)(rest.p - in.p);
	return (PEER_GOT);
}

static void
put_two(struct text *t, unsigned cls, unsigned type)
{
	text_addc(t, (char)cls);
	text_addc(t, (char)type);
}

/* A message of a table is made without its length, which goes in between at
 * the end; put_frame() returns where the body begins. */
static size_t
put_frame(struct text *t, enum peer_type type)
{
	put_two(t, PEER_C_TABLE, type);
	return (t->n);
}

static void
end_frame(struct text *t, size_t from)
{
	size_t n = t->n - from, head;
	char length[16];

	peer_put_int(t, n);
	head = t->n - from - n;
	memcpy(length, t->p + from + n, head);
	memmove(t->p + from + head, t->p + from, n);
	memcpy(t->p + from, length, head);
}

void
peer_put_control(struct text *t, enum peer_control type)
{
	put_two(t, PEER_C_CONTROL, type);
}

void
peer_put_error(struct text *t, enum peer_error type)
{
	put_two(t, PEER_C_ERROR, type);
}

/* ---- definitions ---- */

static const uint8_t type_wire[STK_TYPE_N] = { [STK_INTEGER] = 2,
	[STK_IP] = 4, [STK_IPV6] = 5, [STK_STRING] = 6, [STK_BINARY] = 7 };

static bool
is_rate(unsigned d)
{
	return (stk_data_rows[d].form == STK_FORM_RATE);
}

struct peer_def
peer_def_of(const struct stk_traits *x, uint64_t id)
{
	struct peer_def d = { .id = id, .type = x->type,
		.key_bytes = x->key_bytes, .expire_ms = x->expire_ms };

	(void)span_copy(d.name, sizeof d.name, span_str(x->wire));
	memcpy(d.n, x->n, sizeof d.n);
	memcpy(d.period, x->period, sizeof d.period);
	return (d);
}

void
peer_put_def(struct text *t, const struct peer_def *d)
{
	size_t at = put_frame(t, PEER_T_DEFINE), n = strlen(d->name);
	uint64_t bits = 0;

	for (unsigned i = 0; i < STK_DATA_N; i++)
		bits |= (uint64_t)(d->n[i] != 0) << i;
	peer_put_int(t, d->id);
	peer_put_int(t, n);
	text_add(t, span_of(d->name, n));
	peer_put_int(t, type_wire[d->type]);
	peer_put_int(t, d->key_bytes);
	peer_put_int(t, bits);
	peer_put_int(t, d->expire_ms);
	for (unsigned i = 0; i < STK_DATA_N; i++) {
		if (d->n[i] == 0 || !(stk_data_rows[i].array || is_rate(i)))
			continue;
		peer_put_int(t, i);
		if (stk_data_rows[i].array)
			peer_put_int(t, d->n[i]);
		if (is_rate(i))
			peer_put_int(t, d->period[i]);
	}
	end_frame(t, at);
}

/* What is said of arrays and rates, in order. An older peer says nothing. */
static bool
get_details(struct span *in, struct peer_def *d)
{
	uint32_t type, n, period;

	while (in->n > 0) {
		if (!get_u32(in, &type))
			return (false);
		if (type >= STK_DATA_N)
			return (true);  /* of a newer one: what follows, too */
		n = 1;
		period = 0;
		if (stk_data_rows[type].array && (!get_u32(in, &n) ||
		    n == 0 || n > STK_ARRAY_MAX))
			return (false);
		if (is_rate(type) && !get_u32(in, &period))
			return (false);
		if (d->n[type] == 0)
			return (false);
		d->n[type] = (uint8_t)n;
		d->period[type] = period;
	}
	return (true);
}

bool
peer_get_def(struct span in, struct peer_def *d)
{
	uint64_t n, bits;
	uint32_t type;
	struct span name;

	memset(d, 0, sizeof *d);
	if (!peer_get_int(&in, &d->id) || !peer_get_int(&in, &n) ||
	    !get_bytes(&in, n, &name) || !get_u32(&in, &type) ||
	    !get_u32(&in, &d->key_bytes) || !peer_get_int(&in, &bits))
		return (false);
	/* A name that is too long is none of ours: cut, it must not be one. */
	if (name.n > PEER_NAME_MAX || memchr(name.p, '\0', name.n) != NULL)
		name = SPAN("");
	(void)span_copy(d->name, sizeof d->name, name);
	for (d->type = 0; d->type < STK_TYPE_N; d->type++)
		if (type_wire[d->type] == type)
			break;
	for (unsigned i = 0; i < STK_DATA_N; i++)
		d->n[i] = bits >> i & 1;
	if (in.n > 0 && !get_u32(&in, &d->expire_ms))
		return (false);
	return (get_details(&in, d));
}

/* ---- acknowledgements ---- */

void
peer_put_ack(struct text *t, uint64_t table, uint32_t id)
{
	size_t at = put_frame(t, PEER_T_ACK);

	peer_put_int(t, table);
	put_be32(t, id);
	end_frame(t, at);
}

bool
peer_get_ack(struct span in, uint64_t *table, uint32_t *id)
{
	return (peer_get_int(&in, table) && get_be32(&in, id));
}

/* ---- names ---- */

/* The number that a name has, *known when the other side has it, too. */
static unsigned
number_of(struct peer_dict *d, struct span name, bool *known)
{
	unsigned no = 1;

	*known = true;
	for (unsigned i = 1; i <= d->n; i++) {
		if (span_is(name, d->tx[i])) {
			d->used[i] = ++d->clock;
			return (i);
		}
		if (d->used[i] < d->used[no])
			no = i;
	}
	*known = false;
	if (d->n < PEER_DICT)
		no = ++d->n;
	(void)span_copy(d->tx[no], PEER_DICT_NAME, name);
	d->used[no] = ++d->clock;
	return (no);
}

static void
put_name(struct text *t, struct peer_dict *d, struct span name)
{
	unsigned no;
	bool known;

	if (name.n == 0 || name.n >= PEER_DICT_NAME) {
		peer_put_int(t, 0);
		return;
	}
	no = number_of(d, name, &known);
	if (known) {            /* a number is one byte */
		peer_put_int(t, 1);
		peer_put_int(t, no);
		return;
	}
	peer_put_int(t, 2 + name.n);
	peer_put_int(t, no);
	peer_put_int(t, name.n);
	text_add(t, name);
}

static bool
get_name(struct span *in, struct peer_dict *d, struct span *name)
{
	struct span part;
	uint64_t n, no;

	*name = SPAN_NONE;
	if (!peer_get_int(in, &n) || !get_bytes(in, n, &part))
		return (false);
	if (n == 0)
		return (true);
	if (!peer_get_int(&part, &no) || no == 0 || no > PEER_DICT)
		return (false);
	if (part.n > 0) {
		struct span text;

		if (!peer_get_int(&part, &n) || !get_bytes(&part, n, &text) ||
		    memchr(text.p, '\0', text.n) != NULL)
			return (false);
		if (text.n >= PEER_DICT_NAME)
			text.n = 0;     /* longer than a server's may be */
		(void)span_copy(d->rx[no], PEER_DICT_NAME, text);
	}
	*name = span_str(d->rx[no]);
	return (true);
}

/* ---- updates ---- */

static void
put_key(struct text *t, const struct peer_def *d, struct span key)
{
	uint32_t v;

	switch (d->type) {
	case STK_STRING:
		peer_put_int(t, key.n);
		text_add(t, key);
		break;
	case STK_INTEGER:
		memcpy(&v, key.p, sizeof v);
		put_be32(t, v);
		break;
	default:
		text_add(t, key);
	}
}

void
peer_put_update(struct text *t, const struct peer_def *d,
    struct peer_dict *dict, enum peer_type type, uint32_t id,
    const struct stk_image *im)
{
	size_t at = put_frame(t, type);

	if (type == PEER_T_UPDATE || type == PEER_T_TIMED)
		put_be32(t, id);
	if (type == PEER_T_TIMED || type == PEER_T_TIMED_NEXT)
		put_be32(t, im->left_ms);
	put_key(t, d, im->key);
	for (uint32_t i = 0; i < im->n; i++) {
		const struct stk_cell *c = &im->cell[i];

		if (stk_data_rows[c->data].form == STK_FORM_KEY) {
			put_name(t, dict, c->name);
			continue;
		}
		if (is_rate(c->data))
			peer_put_int(t, c->age);
		peer_put_int(t, c->v);
		if (is_rate(c->data))
			peer_put_int(t, c->prev);
	}
	end_frame(t, at);
}

static bool
get_key(struct span *in, const struct peer_def *d, struct span *key)
{
	static uint32_t number;
	uint64_t n;

	switch (d->type) {
	case STK_STRING:
		return (peer_get_int(in, &n) && get_bytes(in, n, key));
	case STK_INTEGER:
		*key = span_of((const char *)&number, sizeof number);
		return (get_be32(in, &number));
	default:
		return (get_bytes(in, d->key_bytes, key));
	}
}

static bool
get_cell(struct span *in, struct peer_dict *dict, struct stk_cell *c)
{
	switch ((enum stk_form)stk_data_rows[c->data].form) {
	case STK_FORM_KEY:
		return (get_name(in, dict, &c->name));
	case STK_FORM_RATE:
		return (get_u32(in, &c->age) && peer_get_int(in, &c->v) &&
		    get_u32(in, &c->prev));
	default:
		return (peer_get_int(in, &c->v));
	}
}

static bool
get_cells(struct span in, const struct peer_def *d, struct peer_dict *dict,
    struct stk_image *im)
{
	im->n = 0;
	for (unsigned k = 0; k < STK_DATA_N; k++)
		for (unsigned i = 0; i < d->n[k]; i++) {
			struct stk_cell *c = &im->cell[im->n++];

			*c = (struct stk_cell){ .data = (uint8_t)k,
				.i = (uint8_t)i };
			if (!get_cell(&in, dict, c))
				return (false);
		}
	return (true);          /* what follows is of a newer peer */
}

bool
peer_get_update(struct span in, const struct peer_def *d,
    struct peer_dict *dict, struct peer_update *u)
{
	struct stk_image *im = &u->image;

	if (u->type == PEER_T_UPDATE || u->type == PEER_T_TIMED) {
		if (!get_be32(&in, &u->id))
			return (false);
	} else
		u->id++;
	im->has_left = u->type == PEER_T_TIMED || u->type == PEER_T_TIMED_NEXT;
	im->left_ms = 0;
	if (im->has_left && !get_be32(&in, &im->left_ms))
		return (false);
	return (get_key(&in, d, &im->key) && get_cells(in, d, dict, im));
}
