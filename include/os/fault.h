/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_FAULT_H
#define OS_FAULT_H
/*
 * fault - go wrong on purpose, at a named point: how a test shows that a
 * change of generation may fail at any step.
 *
 * Nothing happens unless the environment has ECLUSE_FAULT when the process
 * starts, a list separated by commas of
 *
 *	[ROLE[/GENERATION]:]POINT[:N]:ACTION
 *
 * ROLE        master, keeper, agent or worker; all when it is missing
 * GENERATION  of the keeper, from 1; all when it is missing. A generation
 *             that fails is one as well, so the next one has the next number.
 * POINT       has a dot in it: "hand.thaw"
 * N           at the N-th time that this process comes by; "*": each time; 1
 * ACTION      kill (SIGKILL), exit (status 1), stop (SIGSTOP), spin (a loop
 *             without an end), fail (the caller takes it that the step
 *             failed), delay=MS (sleep); with @PATH behind it only if that
 *             file is not there yet: it is made, so that of many processes
 *             one does it
 *
 * What happens is said on standard error, so that a test can tell that it
 * did. A list that can't be read ends the process.
 */
#include <stdbool.h>
#include <stdint.h>

extern bool fault_armed;        /* something is to happen in this process */

bool fault_hit(const char *point);

/* fault_at - true: behave as if this step failed. */
static inline bool
fault_at(const char *point)
{
	return (__builtin_expect(fault_armed, false) && fault_hit(point));
}

/* fault_scope - what this process is from now on; counting begins at 0. `gen`
 * 0: of none, or not known yet. */
void fault_scope(const char *role, uint32_t gen);
#endif
