/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_test - processes: titles, signals as events, privileges, notices.
 */
#include <base/test.h>

#include "../proc.c"
#include "../proc_drop.c"
#include "../proc_signal.c"

#include <fcntl.h>
#include <sys/wait.h>

#include "in_child.h"

static int got_sigs[8], n_sigs;
static pid_t got_from;

static void
on_signal(void *arg, int sig, pid_t from)
{
	CHECK(arg == &n_sigs);
	got_sigs[n_sigs++] = sig;
	got_from = from;
}

/* That it is not, after an upgrade, is shown by a test of the whole. */
TEST(nothing_was_replaced)
{
	CHECK(proc_is_current());
}

TEST(signals_are_events)
{
	struct loop loop;
	sigset_t set;

	loop_open(&loop);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	CHECK(proc_signals(&loop, &set, on_signal, &n_sigs) >= 0);
	loop_turn(&loop, 0);
	CHECK_EQ(n_sigs, 0);
	raise(SIGUSR1);
	raise(SIGTERM);
	raise(SIGTERM);                         /* pending is pending */
	loop_turn(&loop, 1000);
	CHECK_EQ(n_sigs, 2);
	CHECK_EQ(got_sigs[0] + got_sigs[1], SIGUSR1 + SIGTERM);
	CHECK_EQ(got_from, getpid());
	loop_turn(&loop, 0);
	CHECK_EQ(n_sigs, 2);
	loop_close(&loop);
	proc_signals_reset();
	CHECK(listeners == NULL);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	CHECK(!sigismember(&set, SIGUSR1));
}

static int
reset_and_die(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGTERM, SIG_IGN);
	proc_signals_reset();
	raise(SIGTERM);
	return (0);
}

TEST(a_reset_brings_back_the_defaults)
{
	CHECK_EQ(in_child(reset_and_die), -SIGTERM);
}

static int
orphaned(void)
{
	signal(SIGUSR2, SIG_DFL);
	proc_die_with_parent(SIGUSR2, getppid() + 1);
	return (0);
}

static int
not_orphaned(void)
{
	int sig = 0;

	proc_die_with_parent(SIGUSR2, getppid());
	prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
	return (sig == SIGUSR2 ? 0 : 1);
}

TEST(nobody_outlives_the_parent)
{
	CHECK_EQ(in_child(orphaned), -SIGUSR2);
	CHECK_EQ(in_child(not_orphaned), 0);
}

/* The kernel's "status" of this process has this line. */
static bool
status_has(const char *line)
{
	char text[8192];
	int fd = open("/proc/thread-self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return (strstr(text, line) != NULL);
}

static int
drop_to_nobody(void)
{
	struct proc_identity id = { .set_uid = true, .set_gid = true,
	    .uid = 65534, .gid = 65533, .dumpable = true };
	const char *what;

	if (!proc_drop(&id, &what))
		return (1);
	return (getuid() == 65534 && geteuid() == 65534 &&
	    getegid() == 65533 && getgroups(0, NULL) == 0 &&
	    setuid(0) != 0 && prctl(PR_GET_DUMPABLE) == 1 &&
	    status_has("NoNewPrivs:\t1") &&
	    status_has("CapPrm:\t0000000000000000") ? 0 : 2);
}

#define SOME_CAPS (1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_RAW)

static int
drop_but_bind(void)
{
	struct proc_identity id = { .set_uid = true, .uid = 65534,
	    .caps = SOME_CAPS };
	uint32_t had = permitted(SOME_CAPS);
	const char *what;

	if (!proc_drop(&id, &what))
		return (1);
	return (getuid() == 65534 && had != 0 &&
	    permitted(SOME_CAPS) == had &&
	    !status_has("CapPrm:\t0000000000000000") ? 0 : 2);
}

static int
drop_nothing(void)
{
	struct proc_identity id = { .caps = SOME_CAPS };
	const char *what;
	uid_t uid = getuid();

	return (proc_drop(&id, &what) && getuid() == uid &&
	    status_has("NoNewPrivs:\t1") ? 0 : 1);
}

static int
drop_in_nowhere(void)
{
	struct proc_identity id = { .chroot = "/nonexistent/dir" };
	const char *what = "";

	return (!proc_drop(&id, &what) && strcmp(what, "chroot") == 0 ? 0 : 1);
}

TEST(privileges_are_given_up)
{
	CHECK_EQ(in_child(drop_nothing), 0);
	CHECK_EQ(in_child(drop_in_nowhere), 0);
	if (geteuid() != 0)
		return;                 /* the rest takes root */
	CHECK_EQ(in_child(drop_to_nobody), 0);
	if (permitted(SOME_CAPS) & 1u << CAP_NET_BIND_SERVICE)
		CHECK_EQ(in_child(drop_but_bind), 0);
}

TEST(titles_stay_inside_of_argv)
{
	static char memory[] = "prog\0-f\0file\0LANG=C\0HOME=/\0!";
	char *argv[] = { memory, memory + 5, memory + 8, NULL };
	char *env[] = { memory + 13, memory + 20, NULL };
	char **saved = environ;
	char name[17] = "";

	environ = env;
	proc_title_init(3, argv);
	CHECK(environ != env);
	CHECK_STR(environ[1], "HOME=/");
	CHECK_EQ(title_bytes, 27);
	proc_title("worker %d", 1);
	CHECK_STR(memory, "worker 1");
	CHECK_STR(environ[0], "LANG=C");
	prctl(PR_GET_NAME, name, 0, 0, 0);
	CHECK_STR(name, "worker 1");
	proc_title("%s", "a title much longer than all that there is room for");
	CHECK_STR(memory, "a title much longer than a");
	CHECK_EQ(memory[27], '!');
	free(environ[0]);
	free(environ[1]);
	free(environ);
	environ = saved;
	title = NULL;
	proc_title("nothing happens");
}

TEST(notices_to_the_manager)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[64], msg[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ssize_t n;

	snprintf(name, sizeof(name), "@proc_test.%ld", (long)getpid());
	memcpy(un.sun_path + 1, name + 1, strlen(name) - 1);
	CHECK(bind(fd, (void *)&un, (socklen_t)(offsetof(struct sockaddr_un,
	    sun_path) + strlen(name))) == 0);
	unsetenv("NOTIFY_SOCKET");
	proc_notify("READY=%d", 0);
	CHECK_EQ(read(fd, msg, sizeof(msg)), -1);
	setenv("NOTIFY_SOCKET", name, 1);
	proc_notify("READY=%d", 1);
	n = read(fd, msg, sizeof(msg));
	CHECK(n == 7 && memcmp(msg, "READY=1", 7) == 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	proc_notify("READY=%d", 2);
	CHECK_EQ(read(fd, msg, sizeof(msg)), -1);
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

TEST(cpus)
{
	unsigned long mask[16] = { 0 };
	cpu_set_t before;
	int first = 0;

	CHECK(proc_cpu_count() >= 1);
	CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
	while (!CPU_ISSET(first, &before))
		first++;
	mask[(size_t)first / (8 * sizeof(long))] |=
	    1ul << ((size_t)first % (8 * sizeof(long)));
	CHECK(proc_pin(mask, 16));
	CHECK_EQ(proc_cpu_count(), 1);
	memset(mask, 0, sizeof(mask));
	CHECK(!proc_pin(mask, 16));
	CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
	proc_started_now();
	CHECK_EQ(proc_start_s(), 0);
	start_us -= 5000000;
	CHECK_EQ(proc_start_s(), 5);
}
