/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: what each flag sets, what is refused.
 */
#include <base/test.h>

#include "../keeper_cmdline.c"

TEST_MAY_LEAK

static struct keeper_opts o;

static int
read_line(const char *line)
{
	static char copy[512];
	static char *argv[32];
	char *at = copy, *word;
	int argc = 0;

	snprintf(copy, sizeof copy, "%s", line);
	while ((word = strsep(&at, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	fflush(stdout);
	return (keeper_cmdline(argc, argv, &o));
}

TEST(flags_set_what_they_say)
{
	CHECK_EQ(read_line("/x/ecluse -W -f a -f b -n 5 -N 6 -p p -L me "
	    "-S s,level,user -m 70 -q -V -- c d"), -1);
	CHECK_STR(o.progname, "ecluse");
	CHECK(o.master && o.quiet && o.verbose && !o.daemon && !o.notify);
	CHECK(o.n_files == 4 && strcmp(o.files[3].path, "d") == 0);
	CHECK(o.maxconn == 5 && o.px_maxconn == 6 && o.memory_mb == 70);
	CHECK_STR(o.pidfile, "p");
	CHECK(o.n_master_sockets == 1);
	CHECK_STR(o.master_sockets[0], "s,level,user");
}

TEST(ws_and_d_stay_in_front)
{
	CHECK_EQ(read_line("e -Ws -D -f a"), -1);
	CHECK(o.master && o.notify && o.foreground);
	CHECK_EQ(read_line("e -d -f a"), -1);
	CHECK(o.debug && o.foreground);
	CHECK_EQ(read_line("e -D -f a"), -1);
	CHECK(o.daemon && !o.foreground);
}

TEST(glued_values)
{
	CHECK_EQ(read_line("e -dKcfg,smp -f a"), -1);
	CHECK(o.check);
	CHECK_STR(o.keywords, "cfg,smp");
	CHECK_EQ(read_line("e -dM99 -f a"), -1);
	CHECK_EQ(pool_poison, 99);
	CHECK_EQ(read_line("e -dM0x20,no-poison -f a"), -1);
	CHECK_EQ(pool_poison, -1);
}

TEST(processes_to_finish)
{
	CHECK_EQ(read_line("e -f a -sf 12 13 -x /s -D"), -1);
	CHECK(o.n_old_pids == 2 && o.old_pids[1] == 13 &&
	    o.old_signal == SIGUSR1 && o.daemon);
	CHECK_STR(o.getsocks, "/s");
	CHECK_EQ(read_line("e -f a -st 9"), -1);
	CHECK(o.old_signal == SIGTERM && o.old_pids[0] == 9);
	CHECK_EQ(read_line("e -f a -sf"), -1);
	CHECK_EQ(o.n_old_pids, 0);
}

TEST(what_is_refused)
{
	static const char *const lines[] = {
		"e", "e -c", "e -f", "e -f a -Z", "e a", "e --canal", "e -c a",
		"e -f a -sf x", "e -f a -n x", "e -f a -m", "e -f a -dA",
		"e -f a -dr", "e -f a -dMcanal", "e -f a -sf/-st 1",
		"e -f a -Wx", "e -vx",
	};

	for (size_t i = 0; i < NELEM(lines); i++)
		if (!CHECK_EQ(read_line(lines[i]), 1))
			printf("    line: %s\n", lines[i]);
}

TEST(conditions)
{
	CHECK_EQ(read_line("e -cc 1"), 0);
	CHECK_EQ(read_line("e -cc 0"), 1);
	CHECK_EQ(read_line("e -cc canal"), 2);
}
