/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STK_SYNC_H
#define STK_SYNC_H
/*
 * sync - what replication sees of tables: which entries changed here, what is
 * in an entry, and how to learn one that changed elsewhere.
 *
 * A replicated table has a log in shared memory: a ring of the entries that
 * changed and were not taken yet, each at most once, so that it can't
 * overflow. Workers append, the agent of the generation that serves takes.
 * Other tables have none and pay a branch on a pointer.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/diag.h>
#include <base/span.h>
#include <stk/stk.h>

#define STK_ARRAY_MAX   100             /* elements of an array */
#define STK_KEY_MAX     16384           /* bytes of a key */

enum stk_type { STK_IP = 0, STK_IPV6 = 1, STK_INTEGER = 2, STK_STRING = 3,
	STK_BINARY = 4, STK_TYPE_N };

enum stk_form { STK_FORM_U32, STK_FORM_U64, STK_FORM_RATE, STK_FORM_KEY };

struct stk_data_row {
	const char *name;
	uint8_t form;                   /* enum stk_form */
	bool array;
};
extern const struct stk_data_row stk_data_rows[STK_DATA_N];

/* ---- tables ---- */

/* stk_next - all of them, in no order; NULL begins. */
struct stk_table *stk_next(const struct stk_table *);

struct stk_traits {
	const char *name;               /* as the runtime API has it */
	const char *peers;              /* section, or NULL */
	struct diag_pos peers_pos;
	const char *wire;               /* its name for peers */
	uint8_t type;                   /* enum stk_type */
	uint32_t key_bytes;             /* of text: with its end */
	uint32_t expire_ms;             /* 0: never */
	uint8_t n[STK_DATA_N];          /* elements stored; 0: none */
	uint32_t period[STK_DATA_N];    /* ms */
};
struct stk_traits stk_traits_of(const struct stk_table *);

/* stk_replicate - this table needs a log; before stk_setup(). */
void stk_replicate(struct stk_table *);

/* ---- the log of changes ---- */

/* stk_wake_fd - becomes readable when changes wait for a taker that slept; -1
 * without a log. */
extern int stk_wake_fd;

/* stk_log_open - the changes of a table are this agent's from now on, until
 * the next one opens it. */
enum stk_log_was {
	STK_LOG_FRESH,                  /* nobody took any yet */
	STK_LOG_LOST,                   /* the agent before died: what it had
	                                 * taken is not known */
	STK_LOG_HANDED                  /* it puts back what it could not use */
};
enum stk_log_was stk_log_open(const struct stk_table *, uint32_t gen);

/* stk_log_close - what this agent took and could not use it has noted again. */
void stk_log_close(const struct stk_table *);

/* stk_log_take - the next entry that changed; 0: none, or not ours. */
uint32_t stk_log_take(const struct stk_table *, uint32_t gen);

/* stk_log_note - this entry changed; no lock is held. */
void stk_log_note(const struct stk_table *, uint32_t index);

/* stk_log_sleep - wake us with the next change. True: there are some. */
bool stk_log_sleep(const struct stk_table *);

/* ---- entries ---- */

#define STK_CELLS_MAX (STK_DATA_N + 3 * STK_ARRAY_MAX)

struct stk_cell {                       /* one element */
	uint8_t data, i;                /* enum stk_data, place in an array */
	uint32_t age, prev;             /* RATE: of this period, and the events
	                                 * of the one before */
	uint64_t v;                     /* RATE: events of this period */
	struct span name;               /* KEY: or n 0 */
};

struct stk_image {                      /* of an entry */
	struct span key;                /* text without its end */
	uint32_t left_ms;               /* until it expires */
	bool has_left;                  /* false: as a new one */
	uint32_t n;
	struct stk_cell cell[STK_CELLS_MAX];
};

/* stk_top - entries are 1 to this. */
uint32_t stk_top(const struct stk_table *);

/* stk_image_get - what is in an entry; the key is valid until the next call.
 * False: it is not in use, or has expired. */
bool stk_image_get(const struct stk_table *, uint32_t index,
    struct stk_image *);

/*
 * stk_image_put - learn: the entry is made if it is missing, what this table
 * stores of the cells replaces what it had, and it lives on. That is no
 * change of ours: it is not logged. Current connections are this node's own
 * business, but in a table with `recv-only`. What can be copied without harm
 * also goes to the table of `write-to`.
 *
 * False: the table is full.
 */
bool stk_image_put(const struct stk_table *, const struct stk_image *);
#endif
