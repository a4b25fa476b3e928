/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_SOCK_H
#define PX_SOCK_H
/*
 * px sock - sizes of the kernel's buffers that the global section sets for all
 * connections of a side.
 */
#include <stdbool.h>

enum px_sock_side { PX_SOCK_CLIENT, PX_SOCK_SERVER, PX_SOCK_SIDES };

struct px_sock_tune {                   /* bytes; 0: the kernel's choice */
	int sndbuf, rcvbuf, notsent_lowat;
};

/* px_sock_tuned - anything is set, for any side. px_sock_tune - what. */
extern bool px_sock_tuned;
const struct px_sock_tune *px_sock_tune(enum px_sock_side);
#endif
