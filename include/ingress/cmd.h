/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_CMD_H
#define INGRESS_CMD_H
/*
 * cmd - the commands of ecluse-ingress; see `ecluse-ingress --help`.
 */
#include <ingress/options.h>
#include <ingress/plan.h>

/* ing_cmd_main - the program; returns its exit code. */
int ing_cmd_main(int argc, char **argv);

/* ing_cmd_load - objects of YAML and JSON files ("-": standard input) into the
 * store. What is wrong is said on standard error; false when anything was. */
bool ing_cmd_load(struct ing_store *, char **files, int n);

/* ing_cmd_class - when there is no IngressClass at all, as in most files: the
 * one of our name is ours. */
void ing_cmd_class(struct ing_store *, const struct ing_options *);

/*
 * ing_cmd_fallback - the certificate for those who show no other, into
 * o->fallback_pem (the bytes are those of `pem`). Made once and kept in `dir`,
 * as clients may have been told to trust it; NULL: not kept.
 */
void ing_cmd_fallback(struct ing_options *, const char *dir, struct text *pem);

/* ing_cmd_ipv6 - whether this machine has addresses of IPv6 to listen at. */
bool ing_cmd_ipv6(void);

/* ing_cmd_problems - what is wrong, a line each, on standard error; returns how
 * many. */
uint32_t ing_cmd_problems(const struct ing_plan *);

/* ing_read_file - all of a file ("-": standard input), at most `max` bytes;
 * false with errno. */
bool ing_read_file(const char *path, size_t max, struct text *out);

/* ing_path - "dir/name", freed by the caller. */
char *ing_path(const char *dir, const char *name);
#endif
