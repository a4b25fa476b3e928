/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of tickets: those of a file, and the shared ones, which change with
 * time.
 */
#include <base/test.h>

#include "../tls_ticket.c"

#include <unistd.h>

static struct arena arena;
static struct diags diags;
static struct loop loop;

static const struct kw kw = { .name = "tls-ticket-keys" };

/* The message, or "" when the text was taken. */
static const char *
read_text(const char *text, struct tls_ticket_file *f)
{
	static char said[256];
	struct conf c = { .arena = &arena, .diags = &diags };
	struct conf_line l = { .conf = &c, .file = "t", .kw = &kw };
	struct conf_word w = { .text = SPAN("keys") };

	memset(f, 0, sizeof *f);
	diags_init(&diags);
	said[0] = '\0';
	if (!take_lines(&l, &w, span_str(text), f))
		LIST_EACH(it, &diags.all)
			snprintf(said, sizeof said, "%s", LIST_ITEM(it,
			    struct diag, node)->text);
	diags_fini(&diags);
	return (said);
}

static const char *
line(char fill, size_t n)
{
	static char out[4][200];
	static unsigned at;
	char raw[100], *p = out[++at % 4];

	memset(raw, fill, n);
	p[b64_put(p, span_of(raw, n), B64_STD)] = '\0';
	return (p);
}

TEST(keys_of_a_file)
{
	struct tls_ticket_file f;
	char text[1000];

	arena_init(&arena, 0);
	snprintf(text, sizeof text, "%s\n\n%s \r\n%s\n%s", line('a', 80),
	    line('b', 80), line('c', 80), line('d', 80));
	CHECK_STR(read_text(text, &f), "");
	CHECK_EQ(f.bytes, 32);
	CHECK_EQ(f.n, 3);
	CHECK_EQ(f.key[f.n - 2].name[0], 'c');
	CHECK_EQ(f.key[0].aes[31], 'b');
	snprintf(text, sizeof text, "%s\n%s\n%s\n", line('a', 48),
	    line('b', 48), line('c', 48));
	CHECK_STR(read_text(text, &f), "");
	CHECK_EQ(f.bytes, 16);
	snprintf(text, sizeof text, "%s\n%s\n%s\n", line('a', 48),
	    line('b', 80), line('c', 48));
	CHECK_STR(read_text(text, &f), "'tls-ticket-keys' : line 2 of 'keys': "
	    "expected 48 or 80 bytes in base64, as many as in the first line");
	CHECK_STR(read_text("?\n", &f), "'tls-ticket-keys' : line 1 of 'keys': "
	    "expected 48 or 80 bytes in base64, as many as in the first line");
	CHECK_STR(read_text(line('a', 80), &f), "'tls-ticket-keys' : 'keys' "
	    "has 1 keys, expected at least 3");
	arena_reset(&arena);
}

TEST(the_shared_key_changes)
{
	struct key first, second, k;
	const char *err;
	int fd;

	arena_init(&arena, 0);
	px_model_new(&arena);
	the_loop = &loop;
	loop.wall_us = 1000 * 1000000LL;
	the_shm = shm_attach(fd = shm_create("test"), &err);
	shm_begin(the_shm, 1);
	CHECK(tls_ticket_setup());
	CHECK(current_key(&first));
	loop.wall_us += (PERIOD_S - 1) * 1000000LL;
	CHECK(current_key(&k));
	CHECK_MEM(&k, sizeof k, &first, sizeof first);
	loop.wall_us += 1000000;
	CHECK(current_key(&second));
	CHECK(memcmp(&second, &first, sizeof first) != 0);
	CHECK_EQ(find_shared(first.name, &k), 1);
	CHECK_EQ(find_shared(second.name, &k), 0);
	for (int i = 0; i < 2; i++) {
		loop.wall_us += PERIOD_S * 1000000LL;
		CHECK(current_key(&k));
	}
	CHECK_EQ(find_shared(first.name, &k), -1);
	CHECK_EQ(find_shared(second.name, &k), 2);
	shm_detach(the_shm);
	close(fd);
	px_model_free(px_model);
	arena_reset(&arena);
}
