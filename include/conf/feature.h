/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_FEATURE_H
#define CONF_FEATURE_H
/*
 * feature - what this build has: `feature(NAME)` is true for what -vv prints
 * with a plus. One table, used by both.
 *
 * enabled(NAME) asks for what this run uses of it; switched off by options
 * such as -dS before the configuration is read.
 */
#include <stdbool.h>
#include <stddef.h>

struct conf_feature {
	const char *name;
	bool on;
};

extern const struct conf_feature conf_features[];
extern const size_t conf_features_n;

struct conf_enabled {
	const char *name;
	bool on;
};

extern struct conf_enabled conf_enabled[];
extern const size_t conf_enabled_n;

/* conf_disable - enabled(name) becomes false; false for an unknown name. */
bool conf_disable(const char *name);
#endif
