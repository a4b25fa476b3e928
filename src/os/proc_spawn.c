/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_spawn - a program of somebody else's, with nothing of ours.
 */
#include <os/proc.h>

#include <fcntl.h>
#include <spawn.h>

int
proc_spawn(const struct proc_program *p, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	if ((err = posix_spawnattr_init(&attr)) != 0)
		return (err);
	if ((err = posix_spawn_file_actions_init(&files)) != 0) {
		posix_spawnattr_destroy(&attr);
		return (err);
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (p->out >= 0)
		posix_spawn_file_actions_adddup2(&files, p->out, 1);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	err = (p->search ? posix_spawnp : posix_spawn)(pid, p->path, &files,
	    &attr, p->argv, p->envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return (err);
}
