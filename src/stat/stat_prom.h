/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAT_PROM_H
#define STAT_PROM_H
/*
 * stat_prom - the Prometheus exporter, inside the room: what its files share.
 */
#include "stat_int.h"

/* stat_prom_label - a label's value, without quotes around it. */
void stat_prom_label(struct text *, const char *);

/* stat_prom_join - the samples of one metric, gathered in `part` (emptied), with
 * its head; nothing when there are none. */
void stat_prom_join(struct text *out, struct text *part, const char *kind,
    const char *name, const char *type, const char *help);

/* stat_prom_process, stat_prom_tables - the whole program, stick tables.
 * stat_prom_handover - what crossed changes of generation. stat_prom_hung -
 * processes that were ended as they hung. */
void stat_prom_process(struct text *out);
void stat_prom_handover(struct text *out);
void stat_prom_hung(struct text *out);
void stat_prom_tables(struct text *out);

/* ---- stat_hist.c ---- */

#define STAT_HISTS 6
struct stat_hist {                      /* zeroed */
	struct text of[STAT_HISTS];
};

/* stat_hist_take - a proxy's times. stat_hist_join - those of all. */
void stat_hist_take(struct stat_hist *, const struct px *, bool fe, bool be);
void stat_hist_join(struct stat_hist *, struct text *out);
#endif
