/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_RENDER_H
#define INGRESS_RENDER_H
/*
 * render - the files of a plan: configuration, maps, certificates.
 *
 * Routing is by look-up, so that ten hosts or ten thousand cost a request the
 * same: maps/hosts.map and maps/wild.map give the host its key, the key and the
 * path are looked up in maps/exact.map, then maps/prefix.map (longest first),
 * or for hosts in regex mode in maps/regex.map. What is found is
 * "BACKEND/POLICY".
 */
#include <base/text.h>
#include <ingress/plan.h>

struct ing_file {
	char *path;             /* below the directory, '/' between */
	struct text body;
	bool secret;            /* holds a private key: 0600 */
};

struct ing_files {
	struct ing_file *v;     /* sorted by path */
	uint32_t n, cap;
};

/* ing_render - false with *why (freed by the caller) when it can't be written
 * down; that is a fault of ours. May add problems to the plan. */
bool ing_render(struct ing_plan *, struct ing_files *, char **why);
void ing_files_fini(struct ing_files *);

/* ing_render_moved - the files after ing_plan_update(), in place of those that
 * ing_render() made of the same plan. False: it can't be written down. */
bool ing_render_moved(struct ing_plan *, struct ing_files *);

/* ing_files_add - an empty one to write into; valid until the next. */
struct ing_file *ing_files_add(struct ing_files *, const char *path);
#endif
