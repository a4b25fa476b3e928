/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head - heads from a pool, and finding, adding and removing headers.
 */
#include <base/must.h>
#include <base/pool.h>
#include <http/http.h>

#define DEFAULT_ROWS 101
#define FEW_ROWS 24             /* enough for most messages */

/* A head has a few rows of its own; a message with more gets a table. */
struct few {
	struct http_head head;
	struct http_hdr row[FEW_ROWS + HTTP_SPARE_ROWS];
};

static struct pool head_pool = POOL_INIT("http_head", sizeof(struct few));
static struct pool rows_pool = POOL_INIT("http_rows",
    (DEFAULT_ROWS + HTTP_SPARE_ROWS) * sizeof(struct http_hdr));
static unsigned head_rows = DEFAULT_ROWS + HTTP_SPARE_ROWS;

void
http_setup(unsigned max_hdr)
{
	MUST(max_hdr > 0 && max_hdr <= UINT16_MAX - HTTP_SPARE_ROWS);
	head_rows = max_hdr + HTTP_SPARE_ROWS;
	pool_set_size(&rows_pool, head_rows * sizeof(struct http_hdr));
}

static struct http_hdr *
own_rows(struct http_head *h)
{
	return (HOLDER(h, struct few, head)->row);
}

bool
http_grow(struct http_head *h)
{
	struct http_hdr *more;

	if (h->cap >= head_rows || (more = pool_get(&rows_pool)) == NULL)
		return (false);
	memcpy(more, h->hdr, h->cap * sizeof *more);
	h->hdr = more;
	h->cap = (uint16_t)head_rows;
	return (true);
}


struct http_head *
http_head_new(void)
{
	struct http_head *h = pool_get(&head_pool);

	if (h == NULL)
		return (NULL);
	h->hdr = own_rows(h);           /* rows are left as they are */
	h->cap = NELEM(HOLDER(h, struct few, head)->row);
	if (h->cap > head_rows)
		h->cap = (uint16_t)head_rows;
	http_head_clear(h);
	return (h);
}

void
http_head_free(struct http_head *h)
{
	if (h == NULL)
		return;
	if (h->hdr != own_rows(h))
		pool_put(&rows_pool, h->hdr);
	pool_put(&head_pool, HOLDER(h, struct few, head));
}

void
http_head_clear(struct http_head *h)
{
	struct http_hdr *hdr = h->hdr;
	uint16_t cap = h->cap;

	memset(h, 0, sizeof *h);
	h->hdr = hdr;
	h->cap = cap;
}

/* ---- find ---- */

static inline bool
is_row(const struct http_hdr *r, enum http_name id, struct span name)
{
	return (r->name != NULL && r->id == id && (id != HTTP_OTHER ||
	    span_ieq(span_of(r->name, r->name_n), name)));
}

static inline bool
may_have(const struct http_head *h, enum http_name id)
{
	return (id >= 32 || http_has(h, id));
}

static struct http_hdr *
find_row(const struct http_head *h, enum http_name id, struct span name,
    struct http_hdr *from)
{
	for (struct http_hdr *r = from; r < h->hdr + h->n; r++)
		if (is_row(r, id, name))
			return (r);
	return (NULL);
}

struct http_hdr *
http_find(const struct http_head *h, enum http_name id, struct span name,
    const struct http_hdr *prev)
{
	if (id == HTTP_OTHER)
		id = http_name_id(name);
	if (!may_have(h, id))
		return (NULL);
	return (find_row(h, id, name,
	    prev == NULL ? h->hdr : h->hdr + (prev - h->hdr) + 1));
}

/* Names without a number are compared; apart, so that others cost little. */
static const struct http_hdr * __attribute__((noinline))
find_only_other(const struct http_head *h, struct span name)
{
	const struct http_hdr *r = find_row(h, HTTP_OTHER, name, h->hdr);

	return (r == NULL || find_row(h, HTTP_OTHER, name, h->hdr +
	    (r - h->hdr) + 1) != NULL ? NULL : r);
}

const struct http_hdr *
http_find_only(const struct http_head *h, enum http_name known, struct span name)
{
	const struct http_hdr *found = NULL, *end = h->hdr + h->n;

	if (!may_have(h, known))
		return (NULL);
	if (known == HTTP_OTHER)
		return (find_only_other(h, name));
	for (const struct http_hdr *r = h->hdr; r < end; r++)
		if (r->id == known && r->name != NULL) {
			if (found != NULL)
				return (NULL);
			found = r;
		}
	return (found);
}

struct span
http_get(const struct http_head *h, enum http_name id)
{
	struct http_hdr *r;

	MUST(id != HTTP_OTHER);
	r = http_find(h, id, SPAN_NONE, NULL);
	return (r == NULL ? SPAN_NONE : span_of(r->value, r->value_n));
}

/* ---- edit ---- */

static bool
is_writable(struct span name, struct span value)
{
	return (name.n <= UINT16_MAX && value.n <= UINT32_MAX &&
	    http_is_token(name) && http_is_field_value(value));
}

static void
fill_row(struct http_head *h, struct http_hdr *r, enum http_name id,
    struct span name, struct span value)
{
	r->name = name.p;
	r->name_n = (uint16_t)name.n;
	r->value = value.p;
	r->value_n = (uint32_t)value.n;
	r->id = (uint8_t)id;
	r->raw = false;
	if (id < 32)
		h->known |= 1u << id;
}

/* Remove all of that name; `known` is the name's own id. */
static unsigned
del_rows(struct http_head *h, enum http_name known, struct span name)
{
	unsigned n = 0;

	if (!may_have(h, known))
		return (0);
	for (struct http_hdr *r = h->hdr; r < h->hdr + h->n; r++)
		if (is_row(r, known, name)) {
			r->name = NULL;
			n++;
		}
	if (known != HTTP_OTHER && known < 32)
		h->known &= ~(1u << known);
	return (n);
}

bool
http_add_known(struct http_head *h, enum http_name id, struct span name,
    struct span value)
{
	if (h->n == h->cap && !http_grow(h))
		return (false);
	fill_row(h, &h->hdr[h->n++], id, name, value);
	return (true);
}

bool
http_add(struct http_head *h, struct span name, struct span value)
{
	value = span_trim(value);
	return (is_writable(name, value) &&
	    http_add_known(h, http_name_id(name), name, value));
}

bool
http_set_known(struct http_head *h, enum http_name id, struct span name,
    struct span value)
{
	struct http_hdr *r = NULL;

	if (h->n == h->cap && !http_grow(h) &&
	    (r = http_find(h, id, name, NULL)) == NULL)
		return (false);
	del_rows(h, id, name);
	/* the new one comes last, or where the old one was in a full table */
	fill_row(h, r != NULL ? r : &h->hdr[h->n++], id, name, value);
	return (true);
}

bool
http_set(struct http_head *h, struct span name, struct span value)
{
	value = span_trim(value);
	return (is_writable(name, value) &&
	    http_set_known(h, http_name_id(name), name, value));
}

unsigned
http_del_known(struct http_head *h, enum http_name id, struct span name)
{
	return (del_rows(h, id, name));
}

unsigned
http_del(struct http_head *h, enum http_name id, struct span name)
{
	return (del_rows(h, id == HTTP_OTHER ? http_name_id(name) : id, name));
}

void
http_del_hdr(struct http_head *h, struct http_hdr *r)
{
	MUST(r >= h->hdr && r < h->hdr + h->n);
	if (r->name == NULL)
		return;
	r->name = NULL;
	if (r->id != HTTP_OTHER && r->id < 32 &&
	    find_row(h, (enum http_name)r->id, SPAN_NONE, h->hdr) == NULL)
		h->known &= ~(1u << r->id);
}
