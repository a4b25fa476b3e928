/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_PROC_H
#define OS_PROC_H
/*
 * proc - processes: identity, privileges, signals as loop events, notices to
 * the service manager.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

struct loop;

/* proc_title - what ps shows ("ecluse worker 1"). Call proc_title_init()
 * first thing in main(). */
void proc_title_init(int argc, char **argv);
void proc_title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* proc_die_with_parent - SIGKILL... when the parent ends: `sig` through
 * prctl; checks that the parent still is `parent`. */
void proc_die_with_parent(int sig, pid_t parent);

struct proc_identity {
	bool set_uid, set_gid;
	uid_t uid;
	gid_t gid;
	const char *chroot;     /* or NULL */
	uint32_t caps;          /* to keep of those it has: bit per capability
	                         * of capabilities(7), the first 32 */
	bool new_privs;         /* may gain privileges by set-user-ID programs */
	bool dumpable;
};

/* proc_drop - chroot, groups, gid, uid, no new privileges. On failure false
 * with *what naming the step and errno. */
bool proc_drop(const struct proc_identity *, const char **what);

/* proc_cpu_count - CPUs this process may use. */
int proc_cpu_count(void);

/* proc_pin - run on these CPUs (bit per CPU). */
bool proc_pin(const unsigned long *mask, size_t words);

/* proc_signals - have `fn` called from the loop for each of the signals of
 * `set` (signalfd; they become blocked). Returns the descriptor. */
typedef void proc_signal_fn(void *arg, int sig, pid_t from);
int proc_signals(struct loop *, const sigset_t *, proc_signal_fn *, void *arg);

/* proc_signals_reset - after fork: default actions, nothing blocked. */
void proc_signals_reset(void);

/* proc_notify - one datagram to $NOTIFY_SOCKET (sd_notify(3)); quiet without
 * it. */
void proc_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* proc_is_current - the program and the libraries of this process are still
 * those on disk (none was replaced by an upgrade); false when it can't be
 * told (proc(5)). */
bool proc_is_current(void);

/* proc_start_s - seconds since this process was started: proc_title_init(), or
 * proc_signals_reset() after fork. */
long proc_start_s(void);

/* proc_cpu_us - processor time that a process has used; -1 when it can't be
 * told. proc_state - its state, the letter of proc_pid_stat(5); '\0' when it
 * can't be told. */
int64_t proc_cpu_us(pid_t);
char proc_state(pid_t);

/* proc_short_turns - ask the scheduler for short turns, for this process and
 * those that it starts.  While connections cross, more processes are busy than
 * there are processors: with turns of the usual length (1 to 3 ms) a message
 * that waits for three of them in a row is late.  The share of the processors
 * stays the same.  Linux 6.12 and later; has no effect before, nor on a
 * process whose policy is not the usual one. */
void proc_short_turns(void);

/* Let others go first from here on, for good: what is left of this process is
 * its own end, and the kernel's work for that (thousands of descriptors, their
 * names in /proc) should not hold up those who serve. Not idle priority: it
 * must end soon on a busy machine, too. */
void proc_step_back(void);

/* proc_hold_back - the same, once, for a child that is ending. Has no effect
 * where that is not allowed. */
void proc_hold_back(pid_t pid);

/*
 * proc_spawn - start another program: no signal of ours is blocked, ignored or
 * handled there, its input is empty, and it has no descriptor of ours but its
 * output and errors. 0, or an errno value; who calls waits for its end.
 */
struct proc_program {
	const char *path;
	bool search;                    /* in $PATH, when there is no slash */
	char *const *argv, *const *envp;        /* both end with NULL */
	int out;                        /* its output; -1: ours */
};
int proc_spawn(const struct proc_program *, pid_t *pid);

#endif
