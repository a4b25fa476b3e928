/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_door_test - doors are found by the number of the launched process.
 */
#include <base/test.h>

#include "../ipc_door.c"
#include "../ipc_getsocks.c"

#include <stddef.h>
#include <sys/un.h>

static int
dial(const char *name)
{
	const char *err = NULL;

	return (ipc_getsocks_dial(name, &err));
}

TEST(a_door_is_found_by_its_number)
{
	pid_t me = getpid();
	struct ipc_door d;
	int a, b, c;

	CHECK(!ipc_door_find(me, 0, &d));
	CHECK((a = ipc_door_open(me, me)) >= 0);
	CHECK(ipc_door_find(me, 0, &d));
	CHECK(!ipc_door_find(me, 1, &d));
	CHECK((c = dial(d.name)) >= 0);
	fd_close(&c);
	CHECK(ipc_door_open(me, me) == -1);     /* one owner */
	CHECK((b = ipc_door_open(me, me + 1)) >= 0);
	CHECK(ipc_door_find(me, 1, &d));
	CHECK(!ipc_door_find(me, 2, &d));
	fd_close(&a);
	CHECK(ipc_door_find(me, 0, &d));
	CHECK((c = dial(d.name)) >= 0);         /* the one that is left */
	fd_close(&c);
	fd_close(&b);
	CHECK(!ipc_door_find(me, 0, &d));
}

/* Names of others, whatever they are like, are no doors. */
TEST(other_names_are_no_doors)
{
	static const char *const ends[] = { "", "0", "-1", "x", "1x",
		"99999999999", "1 2" };
	pid_t me = getpid();
	struct ipc_door d;

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct sockaddr_un un = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int n = snprintf(un.sun_path + 1, sizeof un.sun_path - 1,
		    "ecluse.%d.%s", (int)me, ends[i]);

		CHECK(bind(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(
		    struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0);
		CHECK(!ipc_door_find(me, 0, &d));
		fd_close(&fd);
	}
}
