/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_LEVEL_H
#define CONF_LEVEL_H
/*
 * level - the HAProxy level whose language we speak: what version_atleast(),
 * HAPROXY_BRANCH and the line "HAProxy version …" of -v say.
 */
#include <version.h>            /* made by scripts/version */

#define CONF_LEVEL_BRANCH       "3.5"
#define CONF_LEVEL_MAJOR        3
#define CONF_LEVEL_MINOR        5
/* The third word of the line that tools look for. */
#define CONF_LEVEL_VERSION      CONF_LEVEL_BRANCH "-ecluse-" ECLUSE_VERSION
#endif
