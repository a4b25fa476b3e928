/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAT_INT_H
#define STAT_INT_H
/*
 * stat, inside the room: values with a name, a type and a tag, in rows; and
 * the forms in which they are shown.
 *
 * Source: management manual 9.1 (CSV), 9.2 (typed).
 */
#include <stdbool.h>
#include <stdint.h>

#include <agent/agent.h>
#include <base/text.h>
#include <cli/cli.h>
#include <px/px.h>
#include <srv/srv.h>

enum stat_type { STAT_U32, STAT_U64, STAT_S32, STAT_STR };

struct stat_col {
	const char *name;
	const char *tag;                /* origin, nature, scope */
	enum stat_type type;
	const char *help;
};

struct stat_val {                       /* zeroed: there is none */
	bool set;
	int64_t n;                      /* U64 as its bits */
	const char *z;                  /* STAT_STR */
};

enum stat_px_col {
#define COL(name, tag, type, help) COL_##name,
#include "stat_px.def"
#undef COL
	COL_N
};
extern const struct stat_col stat_px_cols[COL_N];

enum stat_info_col {
#define INFO(ident, name, tag, type, help) INFO_##ident,
#include "stat_info.def"
#undef INFO
	INFO_N
};
extern const struct stat_col stat_info_cols[INFO_N];

/* A line of "show stat". */
struct stat_row {
	char kind;                      /* 'F', 'B', 'S' or 'L' */
	uint32_t iid, sid;
	struct stat_val v[COL_N];
	char status[160], addr[ADDR_TEXT + 8], check[32], info[256],
	    agent[32], tracked[160], said[128];
	char name[32];
};

enum stat_form { STAT_PLAIN, STAT_TYPED, STAT_JSON };

struct stat_opts {
	enum stat_form form;
	bool desc;                      /* with the help texts */
	bool no_maint;                  /* no servers in maintenance */
	bool up;                        /* only servers that are up */
};

/* stat_opts_parse - the words behind a command, from number `at`. */
struct stat_opts stat_opts_parse(const struct cli_ctx *, int at);

/* ---- stat_px.c: what is known about an object ---- */

void stat_fe(const struct px *, struct stat_row *);
void stat_listen(const struct px_listen *, struct stat_row *);
void stat_srv(const struct srv *, struct stat_row *);
void stat_be(const struct be *, const struct stat_opts *, struct stat_row *);

/* ---- stat_limits.c ---- */

extern uint32_t stat_hard_maxconn;      /* of the start */

/* ---- stat_load.c ---- */

#define STAT_ASK_MS 500         /* for workers to answer */

struct stat_load {                      /* of a worker */
	uint64_t turns, events, fds, tasks;
	uint64_t busy_us, idle_us;      /* since it began */
	uint64_t pool_bytes, pool_used, pool_failed;
};

/* stat_ask_load - have every worker tell its load: `piece` is called for each
 * answer, as agent_ask() does. stat_load_read - take one apart. */
uint32_t stat_ask_load(agent_piece_fn *piece, agent_done_fn *done, void *arg);
bool stat_load_read(struct span, struct stat_load *);

/* ---- stat_info.c ---- */

/* stat_info_here - what every process knows of it: facts, limits, counts. */
void stat_info_here(struct stat_val v[INFO_N]);

/* stat_clear_peaks - of the whole process group. */
void stat_clear_peaks(void);

/* ---- stat_print.c ---- */

/* stat_csv_head, stat_csv_row - "show stat" as a table. */
void stat_csv_head(struct text *);
void stat_csv_row(struct text *, const struct stat_row *);

/* stat_typed_row - one value per line with its type. */
void stat_typed_row(struct text *, const struct stat_row *, bool desc);

/* stat_json_row - a list of objects. */
void stat_json_row(struct text *, const struct stat_row *, bool desc);

/* stat_schema_put - the JSON schema of both. */
void stat_schema_put(struct text *);

/* stat_info_put - "show info" in any form. */
void stat_info_put(struct text *, const struct stat_val *v,
    const struct stat_opts *);
#endif
