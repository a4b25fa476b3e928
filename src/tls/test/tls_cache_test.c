/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions kept in shared memory: found until they end, wiped when they make
 * room.
 */
#include <base/test.h>

#include "../tls_cache.c"

#include <stdlib.h>
#include <unistd.h>

static struct arena arena;
static struct loop loop;

static void
begin(uint32_t entries)
{
	const char *err;

	arena_init(&arena, 0);
	px_model_new(&arena);
	((struct tls_global *)px_edit(&px_model->global.slots,
	    &tls_global_slot))->cache_size = entries;
	the_loop = &loop;
	loop.wall_us = 1000 * 1000000LL;
	the_shm = shm_attach(shm_create("test"), &err);
	CHECK(the_shm != NULL);
	shm_begin(the_shm, 1);
	CHECK(tls_cache_setup());
}

static void
end(void)
{
	int fd = shm_fd(the_shm);

	shm_detach(the_shm);
	close(fd);
	px_model_free(px_model);
	arena_reset(&arena);
	the_loop = NULL;
}

static struct span
id_no(unsigned n)
{
	static char id[32];

	memset(id, 0, sizeof id);
	memcpy(id, &n, sizeof n);
	return (span_of(id, sizeof id));
}

static bool
has(const struct table *t, unsigned n)
{
	uint8_t out[BIG];
	size_t bytes;

	return (take_out(t, id_no(n), out, &bytes) && bytes == sizeof n &&
	    memcmp(out, &n, bytes) == 0);
}

static void
put(const struct table *t, unsigned n)
{
	put_in(t, id_no(n), (const uint8_t *)&n, sizeof n);
}

TEST(a_session_is_found_until_it_ends)
{
	const struct table *t = &tables[0];

	begin(100);
	put(t, 1);
	put(t, 2);
	CHECK(has(t, 1));
	CHECK(has(t, 2));
	CHECK(!has(t, 3));
	CHECK(!has(&tables[1], 1));
	forget(t, id_no(1));
	CHECK(!has(t, 1));
	the_loop->wall_us += 299 * 1000000LL;
	CHECK(has(t, 2));
	the_loop->wall_us += 1000000LL;
	CHECK(!has(t, 2));
	end();
}

TEST(the_one_that_ends_first_makes_room)
{
	const struct table *t = &tables[0];
	unsigned found = 0;

	begin(8);                               /* one set */
	for (unsigned i = 0; i < 8; i++) {
		put(t, i);
		the_loop->wall_us += 1000000;
	}
	put(t, 3);                              /* again: no other place */
	for (unsigned i = 0; i < 8; i++)
		found += has(t, i);
	CHECK_EQ(found, 8);
	put(t, 100);
	CHECK(has(t, 100));
	CHECK(!has(t, 0));
	CHECK(has(t, 1));
	end();
}

TEST(nothing_is_left_of_what_was_wiped)
{
	const struct table *t = &tables[0];
	const uint8_t *p;
	size_t n, left = 0;

	begin(8);
	put(t, 0x5ec7e7);
	forget(t, id_no(0x5ec7e7));
	p = t->shm->sets;
	n = WAYS * t->entry_bytes;
	for (size_t i = 0; i < n; i++)
		left += p[i] != 0;
	CHECK_EQ(left, 0);
	end();
}
