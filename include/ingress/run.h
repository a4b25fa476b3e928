/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_RUN_H
#define INGRESS_RUN_H
/*
 * run - beside a proxy in a cluster: what the API server says becomes the
 * configuration, again and again.
 */
#include <ingress/options.h>
#include <ingress/plan.h>
#include <ingress/render.h>

/* ing_run - follow until SIGTERM or SIGINT. Returns the program's exit code;
 * what happens is said on standard error. */
int ing_run(struct ing_options *);

/* ing_live_load - all of the cluster into the store, once. False with *why when
 * the API server can't be reached or does not answer in a minute. */
bool ing_live_load(const struct ing_options *, struct ing_store *, char **why);

/* ing_ask - one command to the proxy's master socket; its answer is added to
 * `out`. False with *why. */
bool ing_ask(const char *socket_path, const char *command, struct text *out,
    char **why);

/* Commands of their own (ing_tool.c); each returns an exit code. */
int ing_tool_init(struct ing_options *);
int ing_tool_validate(struct ing_options *);
int ing_tool_probe(struct ing_options *);
int ing_tool_ask(struct ing_options *);
#endif
