/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_PROC_INT_H
#define OS_PROC_INT_H
/*
 * proc_int - shared by the files of proc.
 */

/* proc_started_now - the process begins now (start, or after fork). */
void proc_started_now(void);
#endif
