/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: both directions of a table, what is skipped, what is refused.
 */
#include <base/test.h>

#include "../wire_in.c"
#include "../wire_out.c"

struct thing {
	uint8_t state;
	bool flag;
	uint16_t port;
	uint32_t n;
	int64_t when;
	uint8_t ip[16];
	struct span name;
	struct buf in;
};

static const struct wire_field thing_wire[] = {
	WIRE(1, U8, WIRE_REQUIRED, struct thing, state),
	WIRE(2, BOOL, WIRE_OPTIONAL, struct thing, flag),
	WIRE(3, U16, WIRE_OPTIONAL, struct thing, port),
	WIRE(4, U32, WIRE_OPTIONAL, struct thing, n),
	WIRE(5, I64, WIRE_REQUIRED, struct thing, when),
	WIRE(6, RAW, WIRE_OPTIONAL, struct thing, ip),
	WIRE(7, SPAN, WIRE_OPTIONAL, struct thing, name),
	WIRE(8, BUF, WIRE_OPTIONAL, struct thing, in),
	WIRE_END
};

static char mem[4096], mem2[4096];

static struct span
write_thing(struct thing *t)
{
	struct wire_out o;

	wire_out_init(&o, mem, sizeof mem);
	wire_put(&o, thing_wire, t);
	CHECK(!o.over);
	return (span_of(o.p, o.n));
}

static struct thing
example(void)
{
	struct thing t = { .state = 3, .flag = true, .port = 8080,
		.n = 0xdeadbeef, .when = -5, .ip = { 10, 0, 0, 1 },
		.name = SPAN("web1") };

	CHECK(buf_hold(&t.in) && buf_add(&t.in, SPAN("pending")));
	return (t);
}

TEST(what_is_written_is_read)
{
	struct thing t = example(), u = { 0 };
	struct wire_out o;
	struct wire_in in;
	struct span s = write_thing(&t);

	wire_in_init(&in, s);
	CHECK(wire_get(&in, thing_wire, &u, NULL));
	CHECK(u.state == 3 && u.flag && u.port == 8080 && u.when == -5);
	CHECK(u.n == 0xdeadbeef && memcmp(u.ip, t.ip, 16) == 0);
	CHECK_SPAN(u.name, "web1");
	CHECK_SPAN(buf_peek(&u.in), "pending");
	wire_out_init(&o, mem2, sizeof mem2);
	wire_put(&o, thing_wire, &u);
	CHECK_MEM(o.p, o.n, s.p, s.n);
	buf_drop(&t.in);
	buf_drop(&u.in);
}

TEST(every_cut_record_is_refused)
{
	struct thing t = example(), u = { 0 };
	struct span s = write_thing(&t);
	struct wire_in in;
	int refused = 0;

	for (size_t n = 0; n < s.n; n++) {
		char *copy = malloc(n == 0 ? 1 : n);

		memcpy(copy, s.p, n);
		wire_in_init(&in, span_of(copy, n));
		refused += !wire_get(&in, thing_wire, &u, NULL);
		free(copy);
	}
	/* Between optional fields a shorter record is a whole one. */
	CHECK_EQ(s.n - (size_t)refused, 3);
	if (u.in.data != NULL)
		buf_drop(&u.in);
	buf_drop(&t.in);
}

static bool
reads(struct wire_out *o, const uint16_t *more, const char **err)
{
	struct thing u = { 0 };
	struct wire_in in;
	bool good;

	wire_in_init(&in, span_of(o->p, o->n));
	good = wire_get(&in, thing_wire, &u, more);
	*err = in.err;
	if (u.in.data != NULL)
		buf_drop(&u.in);
	return (good);
}

TEST(unknown_fields_are_skipped_or_refuse)
{
	static const uint16_t more[] = { 99, 0 };
	struct thing t = { .state = 1 };
	struct wire_out o;
	const char *err;

	wire_out_init(&o, mem, sizeof mem);
	wire_put(&o, thing_wire, &t);
	wire_put_u64(&o, 98, WIRE_OPTIONAL, 1);
	CHECK(reads(&o, NULL, &err));
	wire_put_u64(&o, 99, WIRE_REQUIRED, 1);
	CHECK(!reads(&o, NULL, &err));
	CHECK_STR(err, "a required field is unknown here");
	CHECK(reads(&o, more, &err));
	wire_put_bytes(&o, 7, WIRE_OPTIONAL, SPAN("again"));
	CHECK(!reads(&o, more, &err));
	CHECK_STR(err, "a field occurs twice");
}

TEST(bad_values_are_refused)
{
	static const struct { unsigned tag; struct span s; const char *err; }
	rows[] = {
		{ 1, { "\1\2", 2 }, "integer field of another length" },
		{ 2, { "\2", 1 }, "yes-or-no field with another value" },
		{ 6, { "abc", 3 }, "field of another length" },
		{ 3, { "", 0 }, "integer field of another length" },
	};
	struct wire_out o;
	const char *err;

	for (size_t i = 0; i < NELEM(rows); i++) {
		wire_out_init(&o, mem, sizeof mem);
		wire_put_bytes(&o, rows[i].tag, WIRE_OPTIONAL, rows[i].s);
		CHECK(!reads(&o, NULL, &err));
		CHECK_STR(err, rows[i].err);
	}
}

TEST(more_than_a_buffer_is_refused)
{
	size_t n = buf_size + 1;
	char *big = calloc(1, n), *room = malloc(n + 100);
	struct wire_out o;
	const char *err;

	wire_out_init(&o, room, n + 100);
	wire_put_bytes(&o, 8, WIRE_OPTIONAL, span_of(big, n));
	CHECK(!reads(&o, NULL, &err));
	CHECK_STR(err, "bytes are more than a buffer here holds");
	free(big);
	free(room);
}

TEST(records_nest)
{
	struct wire_out o;
	struct wire_in in, inner;
	size_t mark;
	uint64_t v;

	wire_out_init(&o, mem, sizeof mem);
	mark = wire_begin(&o, 5, WIRE_REQUIRED);
	wire_put_u64(&o, 1, WIRE_REQUIRED, 77);
	wire_end(&o, mark);
	wire_put_u64(&o, 6, WIRE_REQUIRED, 78);
	wire_in_init(&in, span_of(o.p, o.n));
	CHECK(wire_find_in(&in, 5, &inner));
	CHECK(wire_find_u64(&inner, 1, &v) && v == 77);
	CHECK(!wire_find_u64(&inner, 6, &v));
	CHECK(wire_find_u64(&in, 6, &v) && v == 78);
}

TEST(what_does_not_fit_makes_the_record_void)
{
	struct wire_out o;

	wire_out_init(&o, mem, 20);
	wire_put_u64(&o, 1, WIRE_REQUIRED, 1);
	CHECK(!o.over);
	wire_put_u64(&o, 2, WIRE_REQUIRED, 1);
	CHECK(o.over && o.n <= 20);
}
