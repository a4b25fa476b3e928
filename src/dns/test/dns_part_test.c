/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../dns_part.c"

#include <unistd.h>

static struct shm *
fresh(void)
{
	const char *err;
	int fd = shm_create("test");

	the_shm = shm_attach(fd, &err);
	(void)close(fd);
	return (the_shm);
}

TEST(what_the_first_release_wrote_under_another_number_is_kept)
{
	static const struct {
		const char *name;
		enum shm_layout was, is;
		size_t n;
	} rows[] = {
		{ "dns-ns/a/b", (enum shm_layout)401, SHM_DNS_NS,
		    sizeof(struct dns_ns_shm) },
		{ "dns-srv/a/b", (enum shm_layout)402, SHM_DNS_SRV,
		    sizeof(struct dns_srv_shm) },
	};
	struct shm *s = fresh();

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct span name = span_str(rows[i].name);
		void *old;
		char *at;

		shm_begin(s, 1);
		CHECK_EQ(shm_slot(s, name, rows[i].was, rows[i].n, &old,
		    NULL), SHM_FRESH);
		memset(old, 0x5a, rows[i].n);
		shm_begin(s, 2);
		at = slot_of(name, rows[i].is, rows[i].n);
		CHECK(at != NULL && at != old);
		CHECK_MEM(at, rows[i].n, old, rows[i].n);
		CHECK_EQ(shm_lost(), 0);
		/* Once: what was written since counts. */
		at[0] = 7;
		CHECK(slot_of(name, rows[i].is, rows[i].n) == at && at[0] == 7);
	}
	shm_detach(s);
}
