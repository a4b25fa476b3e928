/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_APPLY_H
#define INGRESS_APPLY_H
/*
 * apply - files into a directory at once, and the proxy onto them.
 *
 * BASE/current is a symbolic link to BASE/gen-N. A new rendering is written
 * beside, synced, and becomes current by one rename. When the proxy refuses it,
 * the link goes back.
 */
#include <ingress/render.h>

/* ing_apply_plain - write the files below `dir`, which is made if missing. What
 * else is there stays. False with *why. */
bool ing_apply_plain(const char *dir, const struct ing_files *, char **why);

enum ing_applied {
	ING_APPLY_SAME,         /* what is current is equal: nothing done */
	ING_APPLY_DONE,         /* the proxy, if any, has taken it */
	ING_APPLY_REFUSED,      /* by the proxy; the old one is current again */
	ING_APPLY_FAILED        /* could not be written, or no proxy there */
};

/*
 * ing_apply - make the files current, and reload.
 *
 * master_socket  of the proxy; NULL: nobody to ask
 * why            set unless SAME or DONE; freed by the caller
 */
enum ing_applied ing_apply(const char *base, const struct ing_files *,
    const char *master_socket, char **why);

/* ing_apply_reload - only the reload: the files are there already, and the
 * proxy could not be asked before. Never SAME. */
enum ing_applied ing_apply_reload(const char *master_socket, char **why);
#endif
