/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <base/test.h>

#include "../peer_msg.c"

static size_t
unhex(const char *hex, char *out)
{
	size_t n = 0;
	unsigned v;

	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (char)v;
	return (n);
}

static bool
is_hex(const struct text *t, const char *hex)
{
	char want[512];
	size_t n = unhex(hex, want);

	return (t->n == n && memcmp(t->p, want, n) == 0);
}

/* The example of the protocol's text, and the limits of each length. */
TEST(integers_are_written_and_read)
{
	static const struct {
		uint64_t v;
		const char *hex;
	} rows[] = {
		{ 0, "00" }, { 0xef, "ef" }, { 0xf0, "f000" },
		{ 0x1234, "f49401" }, { 300, "fc03" }, { 2287, "ff7f" },
		{ 2288, "f08000" }, { 264431, "ffff7f" },
		{ 264432, "f0808000" }, { 33818863, "ffffff7f" },
		{ 33818864, "f080808000" }, { UINT32_MAX, "fff0fefe7e" },
		{ UINT64_MAX, "fff0fefefefefefefe0e" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		uint64_t v = 0;
		struct text t;
		struct span in;

		text_init(&t);
		peer_put_int(&t, rows[i].v);
		CHECK(is_hex(&t, rows[i].hex));
		in = text_span(&t);
		CHECK(peer_get_int(&in, &v));
		CHECK_EQ(v, rows[i].v);
		CHECK_EQ(in.n, 0);
		in = span_of(t.p, t.n - 1);
		CHECK(!peer_get_int(&in, &v));
		text_fini(&t);
	}
}

TEST(an_integer_of_more_than_64_bits_is_none)
{
	static const char *const rows[] = { "ffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffff7f", "ff80808080808080807f" };

	for (size_t i = 0; i < NELEM(rows); i++) {
		char bytes[64];
		struct span in = span_of(bytes, unhex(rows[i], bytes));
		uint64_t v;

		CHECK(!peer_get_int(&in, &v));
	}
}

TEST(a_frame_is_cut_off_the_front)
{
	static const struct {
		const char *hex;
		int got;
		size_t used, body;
	} rows[] = {
		{ "00", PEER_MORE, 0, 0 },
		{ "0004", PEER_GOT, 2, 0 },
		{ "000400", PEER_GOT, 2, 0 },
		{ "0a84", PEER_MORE, 0, 0 },
		{ "0a8405", PEER_MORE, 0, 0 },
		{ "0a840502000000", PEER_MORE, 0, 0 },
		{ "0a84050200000001", PEER_GOT, 8, 5 },
		{ "ff00", PEER_BAD, 0, 0 },
		{ "0a80ffff7f", PEER_BIG, 0, 0 },
		{ "0a80fffffffffffffffffffffffffff7", PEER_BAD, 0, 0 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char bytes[64];
		struct peer_frame f;
		size_t used = 0;
		int got = peer_frame_get(span_of(bytes, unhex(rows[i].hex,
		    bytes)), &f, &used);

		if (!CHECK_EQ(got, rows[i].got))
			printf("    %s\n", rows[i].hex);
		if (got == PEER_GOT) {
			CHECK_EQ(used, rows[i].used);
			CHECK_EQ(f.body.n, rows[i].body);
		}
	}
}

/* As two HAProxy 2.6 were seen to define them to each other. */
static const char of_ip[] = "0a82340204745f69700404fef0fe0cf0eda30103f0e2"
    "0305f0e20308f0e2030af0e2030cf0e2030ef0e20310f0e20312f0e20315f0e203";
static const char of_int[] = "0a821a0405745f696e740204f0f1fe6ef0eda3011603"
    "17021802f0e203";
static const char of_str[] = "0a820e0605745f7374720615f5f1fe0000";

static struct peer_def
def_of(const char *hex)
{
	static char bytes[256];
	struct peer_frame f;
	struct peer_def d;
	size_t used;

	CHECK_EQ(peer_frame_get(span_of(bytes, unhex(hex, bytes)), &f, &used),
	    PEER_GOT);
	CHECK_EQ(f.type, PEER_T_DEFINE);
	CHECK(peer_get_def(f.body, &d));
	return (d);
}

TEST(definitions_are_read_and_written_the_same)
{
	static const char *const rows[] = { of_ip, of_int, of_str };

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct peer_def d = def_of(rows[i]);
		struct text t;

		text_init(&t);
		peer_put_def(&t, &d);
		CHECK(is_hex(&t, rows[i]));
		text_fini(&t);
	}
}

TEST(a_definition_says_what_a_table_has)
{
	struct peer_def d = def_of(of_int);

	CHECK_EQ(d.id, 4);
	CHECK_STR(d.name, "t_int");
	CHECK_EQ(d.type, STK_INTEGER);
	CHECK_EQ(d.key_bytes, 4);
	CHECK_EQ(d.expire_ms, 600000);
	CHECK_EQ(d.n[STK_GPT], 3);
	CHECK_EQ(d.n[STK_GPC], 2);
	CHECK_EQ(d.n[STK_GPC_RATE], 2);
	CHECK_EQ(d.period[STK_GPC_RATE], 10000);
	CHECK_EQ(d.n[STK_GPC0], 0);
	d = def_of(of_str);
	CHECK_EQ(d.key_bytes, 21);              /* len 20 */
	CHECK_EQ(d.expire_ms, 0);
	CHECK_EQ(d.n[STK_SERVER_KEY], 1);
}

TEST(a_definition_that_is_cut_or_wrong_is_refused)
{
	static const char *const rows[] = {
		"", "01", "0130", "0105616263", "0102616206",
		"01026162061502031500",         /* a rate that is not stored */
		"0102616206150202fff0",
	};
	struct peer_def d;
	char bytes[64];

	for (size_t i = 0; i < NELEM(rows); i++)
		if (!CHECK(!peer_get_def(span_of(bytes, unhex(rows[i],
		    bytes)), &d)))
			printf("    %s\n", rows[i]);
	/* of an older peer, and of a newer one */
	CHECK(peer_get_def(span_of(bytes, unhex("01026162061504", bytes)),
	    &d));
	CHECK_EQ(d.n[STK_GPC0], 1);
	CHECK(peer_get_def(span_of(bytes, unhex("01026162061504f01430050607",
	    bytes)), &d));
}

static const struct stk_cell *
cell_of(const struct stk_image *im, enum stk_data d, unsigned no)
{
	for (uint32_t i = 0; i < im->n; i++)
		if (im->cell[i].data == d && im->cell[i].i == no)
			return (&im->cell[i]);
	return (NULL);
}

static struct peer_update u;
static struct peer_dict dict;

static bool
take(const struct peer_def *d, const char *hex, uint32_t before)
{
	static char bytes[256];
	struct peer_frame f;
	size_t used;

	CHECK_EQ(peer_frame_get(span_of(bytes, unhex(hex, bytes)), &f, &used),
	    PEER_GOT);
	u.type = f.type;
	u.id = before;
	return (peer_get_update(f.body, d, &dict, &u));
}

TEST(updates_are_read)
{
	struct peer_def ip = def_of(of_ip), in = def_of(of_int);
	uint32_t key;

	CHECK(take(&ip, "0a8054000000010a01020307f82f01370000fdada3d90f000000"
	    "00fdada3d90f000000fdada3d90f000000fdada3d90f0000fff0db9ca316fdad"
	    "a3d90f000000fdada3d90f000000fdada3d90f000000fdada3d90f0000", 9));
	CHECK_EQ(u.id, 1);
	CHECK(!u.image.has_left);
	CHECK_SPAN(u.image.key, "\x0a\x01\x02\x03");
	CHECK_EQ(cell_of(&u.image, STK_GPT0, 0)->v, 7);
	CHECK_EQ(cell_of(&u.image, STK_GPC0, 0)->v, 1000);
	CHECK_EQ(cell_of(&u.image, STK_GPC0_RATE, 0)->v, 55);
	CHECK_EQ(cell_of(&u.image, STK_GPC0_RATE, 0)->age, 1);
	CHECK_EQ(cell_of(&u.image, STK_BYTES_IN_CNT, 0)->v, 99999999999);

	CHECK(take(&in, "0a801b000000010000004d0000000000f3e6a3d90f0000f3e6a3"
	    "d90f0000", 0));
	memcpy(&key, u.image.key.p, 4);
	CHECK_EQ(key, 77);
	CHECK_EQ(u.image.n, 7);
}

TEST(updates_may_count_on_and_say_what_is_left)
{
	struct peer_def d = def_of(of_str);

	CHECK(take(&d, "0a810a0568656c6c6f040000030000", 6));
	CHECK_EQ(u.id, 7);
	CHECK_SPAN(u.image.key, "hello");
	CHECK_EQ(cell_of(&u.image, STK_SERVER_ID, 0)->v, 4);
	CHECK(take(&d, "0a850e0000000900092584026b30010000", 6));
	CHECK_EQ(u.id, 9);
	CHECK(u.image.has_left);
	CHECK_EQ(u.image.left_ms, 0x92584);
	CHECK(take(&d, "0a860a00092585026b31020000", 9));
	CHECK_EQ(u.id, 10);
	CHECK_EQ(u.image.left_ms, 0x92585);
}

TEST(names_are_known_after_they_were_sent_once)
{
	struct peer_def d = def_of(of_str);

	memset(&dict, 0, sizeof dict);
	CHECK(take(&d, "0a801200000005062f73746b2f31010004010273310a", 0));
	CHECK_SPAN(cell_of(&u.image, STK_SERVER_KEY, 0)->name, "s1");
	CHECK(take(&d, "0a800f00000008062f73746b2f3101000101", 0));
	CHECK_SPAN(cell_of(&u.image, STK_SERVER_KEY, 0)->name, "s1");
	CHECK(take(&d, "0a800f00000008062f73746b2f3101000109", 0));
	CHECK_SPAN(cell_of(&u.image, STK_SERVER_KEY, 0)->name, "");
	/* numbers that there are not, a name that does not fit */
	CHECK(!take(&d, "0a800f00000008062f73746b2f3101000100", 0));
	CHECK(!take(&d, "0a800f00000008062f73746b2f3101000181", 0));
	CHECK(!take(&d, "0a801200000005062f73746b2f310100040109730a00", 0));
	CHECK(!take(&d, "0a800e00000008062f73746b2f31010001", 0));
}

/* More names than numbers: the one that was not used longest is told anew. */
TEST(numbers_of_names_are_used_again)
{
	static struct peer_dict ours, theirs;
	struct peer_def d = def_of(of_str);
	static struct stk_image im;
	char name[16];

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 200; i++) {
			struct peer_frame f;
			struct text t;
			size_t used;

			im = (struct stk_image){ .key = SPAN("k"), .n = 3 };
			snprintf(name, sizeof name, "s%d", i * 7 % 200);
			im.cell[0].data = STK_SERVER_ID;
			im.cell[1].data = STK_GPC0;
			im.cell[2].data = STK_SERVER_KEY;
			im.cell[2].name = span_str(name);
			text_init(&t);
			peer_put_update(&t, &d, &ours, PEER_T_UPDATE, 1, &im);
			CHECK_EQ(peer_frame_get(text_span(&t), &f, &used),
			    PEER_GOT);
			u.type = f.type;
			CHECK(peer_get_update(f.body, &d, &theirs, &u));
			CHECK(span_is(cell_of(&u.image, STK_SERVER_KEY,
			    0)->name, name));
			text_fini(&t);
		}
}

TEST(acknowledgements_are_read_and_written)
{
	uint64_t table;
	struct text t;
	uint32_t id;

	text_init(&t);
	peer_put_ack(&t, 2, 0x01020304);
	CHECK(is_hex(&t, "0a84050201020304"));
	CHECK(peer_get_ack(span_of(t.p + 3, 5), &table, &id));
	CHECK_EQ(table, 2);
	CHECK_EQ(id, 0x01020304);
	CHECK(!peer_get_ack(span_of(t.p + 3, 4), &table, &id));
	text_fini(&t);
}
