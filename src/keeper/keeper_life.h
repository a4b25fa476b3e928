/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KEEPER_KEEPER_LIFE_H
#define KEEPER_KEEPER_LIFE_H
/*
 * What moves a generation from phase to phase; called for signals and for
 * messages from the master.
 */
#include "keeper_int.h"

void keeper_open_gates(struct keeper *);
void keeper_quiesce(struct keeper *);
void keeper_leave(struct keeper *);             /* soft stop */
void keeper_stop(struct keeper *, int status);  /* at once */
void keeper_pause(struct keeper *, bool);
void keeper_signal(struct keeper *, int sig);
void keeper_check_end(struct keeper *);
void keeper_on_master(struct ipc_chan *, struct ipc_msg *, void *keeper);

/* keeper_run - fork all and turn until the end of this generation. */
void keeper_run(struct keeper *);
#endif
