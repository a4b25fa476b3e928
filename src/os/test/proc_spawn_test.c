/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program: where it is looked for, what it has of ours.
 */
#include <base/test.h>

#include "../proc_spawn.c"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What it prints, or its error. */
static const char *
output(const char *path, bool search, const char *script)
{
	static char text[256];
	char sh[] = "sh", c[] = "-c", word[] = "WORD=there";
	char *argv[] = { sh, c, (char *)(uintptr_t)script, NULL };
	char *envp[] = { word, NULL };
	struct proc_program p = { path, search, argv, envp, -1 };
	ssize_t n;
	pid_t pid;
	int fd[2], err;

	CHECK_EQ(pipe2(fd, O_CLOEXEC), 0);
	p.out = fd[1];
	err = proc_spawn(&p, &pid);
	(void)close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	(void)close(fd[0]);
	if (err != 0)
		return (strerror(err));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	return (text);
}

TEST(a_program_is_found_as_it_was_asked)
{
	CHECK_STR(output("/bin/sh", false, "echo $WORD"), "there\n");
	CHECK_STR(output("sh", true, "echo $WORD"), "there\n");
	CHECK_STR(output("sh", false, "echo $WORD"), strerror(ENOENT));
}

TEST(it_has_nothing_of_ours)
{
	sigset_t set;
	int open_fd = dup(2);           /* not closed by exec */
	/* Of nobody but the shell: a pipe would be one more. */
	const char *fds = "n=; for i in 0 1 2 3 4 5 6 7 8 9; do"
	    " [ ! -e /proc/$$/fd/$i ] || n=\"$n$i \"; done; echo $n";

	CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_STR(output("/bin/sh", false, "kill -TERM $$; echo alive"), "");
	CHECK_STR(output("/bin/sh", false, "kill -USR1 $$; echo alive"), "");
	CHECK_STR(output("/bin/sh", false, "cat; echo end"), "end\n");
	CHECK_STR(output("/bin/sh", false, fds), "0 1 2\n");
	(void)close(open_fd);
}
