/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_REPORT_H
#define IPC_REPORT_H
/*
 * report - what an old worker says of its handing over (CARRIED): kept by the
 * master, added up, printed, and written down for its next image.
 */
#include <ipc/ipc.h>

struct text;

struct ipc_report {
	struct ipc_carried said;
	uint32_t n_rows;
	struct ipc_row *rows;           /* malloc'ed */
};

/* ipc_report_read - it says this now; returns what happened. Rows that are not
 * understood leave the rows as they were. */
enum ipc_carry ipc_report_read(struct ipc_report *, struct span message);

/* ipc_report_add - sum += one, equal rows added up. */
void ipc_report_add(struct ipc_report *sum, const struct ipc_report *);
void ipc_report_fini(struct ipc_report *);

/* ipc_report_print - a text for each number, between `before` and `after`. */
void ipc_report_print(const struct ipc_report *, struct text *,
    const char *before, const char *after);

/*
 * ipc_report_save - lines "give GEN WORKER ...", "row GEN WORKER ..." and
 * "closed GEN WORKER ...". ipc_report_load - the rest of such a line, behind
 * GEN WORKER; false: of another form.
 */
void ipc_report_save(const struct ipc_report *, uint32_t gen, uint32_t worker,
    struct text *);
bool ipc_report_load(struct ipc_report *, struct span word, struct span rest);
#endif
