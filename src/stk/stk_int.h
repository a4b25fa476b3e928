/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STK_INT_H
#define STK_INT_H
/*
 * stk_int - tables as they lie in shared memory, and what the files of this
 * room share.
 *
 * Times in shared memory are milliseconds of CLOCK_MONOTONIC, cut to 32 bits:
 * only differences are looked at, and no entry lives longer than 24.8 days.
 * Indexes of entries count from 1; 0 is none.
 */
#include <stk/stk.h>
#include <stk/sync.h>

#include <stdatomic.h>

#include <base/diag.h>
#include <base/text.h>
#include <expr/expr.h>
#include <px/px.h>
#include <shm/shm.h>

#define STK_STRIPES_MAX 64

/* ---- shared memory: SHM_STK ---- */

enum stk_state {
	STK_VIRGIN = 0,                 /* or being moved: nobody may take it */
	STK_FREE = 1,                   /* in its stripe's free list */
	STK_USED = 2
};

struct stk_entry {                      /* then its data, then its key */
	uint32_t next;                  /* in its bucket, or the free list */
	uint32_t older, newer;          /* of its stripe, by `due` */
	uint32_t hash;                  /* its low bits: stripe and bucket */
	uint32_t due;                   /* when it expires; in a table where
	                                 * nothing does: last touched */
	uint32_t state : 2;             /* enum stk_state */
	uint32_t use : 30;              /* references: it stays while there are
	                                 * any */
};
_Static_assert(sizeof(struct stk_entry) == 24, "LAYOUT(STK)");

struct stk_rate {                       /* events of a sliding window */
	uint32_t from;                  /* this period began, ms */
	uint32_t cur, prev;             /* of this period and the one before */
};

struct stk_stripe {
	struct shm_lock lock;
	uint32_t oldest, newest;        /* entries in order of `due` */
	uint32_t free;
	uint32_t n;                     /* entries in use */
	_Atomic uint32_t first_due;     /* of `oldest` */
	/* A change of references on its way, to be undone when its process
	 * died: what was there before. */
	uint32_t undo_entry;            /* 0: none */
	uint32_t undo_ref;              /* process << 20 | slot in its list */
	uint32_t undo_use, undo_cur;
	uint64_t undo_word;             /* of the reference */
	uint32_t spare[2];
};
_Static_assert(sizeof(struct stk_stripe) == 64, "LAYOUT(STK)");

struct stk_shm {                        /* SHM_STK */
	uint32_t magic;
#define STK_SHM_MAGIC 0x57ab1e01
	uint8_t  type;                  /* enum stk_type */
	uint8_t  spare0;
	uint16_t entry_bytes;
	uint32_t key_bytes;
	uint16_t key_at;                /* in an entry */
	uint16_t spare1;
	uint32_t cap;                   /* entries there is room for */
	uint32_t n_buckets, n_stripes;  /* powers of two */
	_Atomic uint32_t size;          /* entries allowed: configuration */
	_Atomic uint32_t used;
	_Atomic uint32_t top;           /* entries ever taken into use */
	_Atomic uint32_t gen_live;      /* last generation that served with it;
	                                 * 0: none */
	struct shm_lock names_lock;
	_Atomic uint32_t n_names;       /* values of server_key; 0 unused */
	uint32_t spare2[2];
	uint64_t seed;                  /* of hashes */
	uint64_t stripes_at, buckets_at, entries_at, names_at;  /* from here */
	uint16_t data_at[32];           /* in an entry; 0: not stored */
	uint8_t  data_n[32];            /* elements; 0: not stored */
};
_Static_assert(sizeof(struct stk_shm) == 200, "LAYOUT(STK)");
_Static_assert(STK_DATA_N <= 32, "LAYOUT(STK)");

#define STK_NAMES       4096            /* of servers, in one table */
#define STK_NAME_BYTES  128

/*
 * Entries that changed, for the agent to tell peers: SHM_STK_LOG. A bit per
 * entry says that it is in the ring, then there are the slots of the ring.
 */
struct stk_log {
	uint32_t magic;
#define STK_LOG_MAGIC 0x57ab1e09
	uint32_t n_slots;               /* a power of two, twice the entries */
	_Atomic uint32_t tail;          /* producers */
	_Atomic uint32_t head;          /* the taker */
	_Atomic uint32_t taker;         /* its generation; 0: none yet */
	_Atomic int32_t taker_pid;      /* 0: it left all in order */
	_Atomic uint32_t asleep;        /* the taker wants to be woken */
	uint32_t hole_at, hole_ms;      /* a slot that waits for its entry */
	uint32_t spare0;
	uint64_t ring_at;               /* from here */
	uint64_t spare[2];
	_Atomic uint32_t busy[SHM_PROCS];       /* what each is appending */
	_Atomic uint32_t bits[];
};
_Static_assert(sizeof(struct stk_log) == 64 + 4 * SHM_PROCS,
    "LAYOUT(STK_LOG)");

/* References of all processes: SHM_STK_REFS. A word is the table's offset
 * from this struct in units of 64 << 32 | entry; 0: free. */
#define STK_REFS        (1u << 19)      /* of one process */
struct stk_refs {
	_Atomic uint32_t top[SHM_PROCS];        /* words ever used */
	uint64_t word[SHM_PROCS][STK_REFS];
};

/* ---- a table of this process ---- */

struct stk_table {
	unsigned magic;
#define STK_TABLE_MAGIC 0x57ab1e70
	struct stk_table *next;         /* of all, newest first */
	const struct px *px;
	const char *name;
	struct diag_pos pos;
	uint8_t type;                   /* enum stk_type */
	bool nopurge;
	bool by_addr;                   /* srvkey addr */
	uint32_t key_bytes;
	uint32_t size;
	uint32_t expire_ms;             /* 0: never */
	uint8_t n[STK_DATA_N];          /* elements stored; 0: none */
	uint32_t period[STK_DATA_N];    /* ms */
	const char *write_to;           /* or NULL */
	struct diag_pos write_to_pos;
	const char *peers;              /* section, or NULL */
	struct diag_pos peers_pos;
	const char *wire;               /* its name for peers */
	bool recv_only;
	bool replicated;
	struct stk_shm *shm;
	struct stk_log *log;            /* NULL unless replicated */
};
extern struct stk_table *stk_all;

static inline struct stk_stripe *
stk_stripe_at(const struct stk_shm *m, uint32_t hash)
{
	return ((struct stk_stripe *)(void *)((char *)(uintptr_t)m +
	    m->stripes_at) + (hash & (m->n_stripes - 1)));
}

static inline struct stk_entry *
stk_entry_at(const struct stk_shm *m, uint32_t index)
{
	return ((void *)((char *)(uintptr_t)m + m->entries_at +
	    (uint64_t)(index - 1) * m->entry_bytes));
}

static inline uint32_t
stk_index_of(const struct stk_shm *m, const struct stk_entry *e)
{
	return ((uint32_t)((uint64_t)((const char *)e - (const char *)m -
	    m->entries_at) / m->entry_bytes) + 1);
}

static inline uint8_t *
stk_entry_key(const struct stk_shm *m, const struct stk_entry *e)
{
	return ((uint8_t *)(uintptr_t)e + m->key_at);
}

/* stk_data_at - where an entry has its element `i` of `d`, or NULL. */
static inline void *
stk_data_at(const struct stk_shm *m, const struct stk_entry *e,
    enum stk_data d, unsigned i)
{
	static const uint8_t width[] = { 4, 8, 12, 4 };

	if (i >= m->data_n[d])
		return (NULL);
	return ((char *)(uintptr_t)e + m->data_at[d] +
	    i * width[stk_data_rows[d].form]);
}

/* stk_now - the loop's time as it is in shared memory. */
uint32_t stk_now(void);

/* ---- stk_shape.c: a table's place in shared memory ---- */

/* stk_shape - fill the header of a table; returns the bytes it needs. */
uint64_t stk_shape(const struct stk_table *, struct stk_shm *);

/* ---- stk_entry.c ---- */

struct stk_key {
	uint32_t hash;
	const uint8_t *p;               /* key_bytes of the table */
};

/* stk_hash - by the table's seed. */
uint32_t stk_hash(const struct stk_shm *, const uint8_t *key);

/*
 * stk_get - the entry of a key, its stripe locked: stk_put() soon. NULL, and
 * nothing locked, when there is none, or with `make` when it cannot be made.
 * stk_touch - it lives on from now.
 */
struct stk_entry *stk_get(const struct stk_table *, const struct stk_key *,
    bool make);
void stk_touch(const struct stk_table *, struct stk_entry *);
void stk_put(const struct stk_table *, struct stk_entry *);
/* stk_put_changed - the same after a change that peers are to know. */
void stk_put_changed(const struct stk_table *, struct stk_entry *);

/* stk_age - an entry expires at `due`, which is not later than it would. */
void stk_age(const struct stk_table *, struct stk_entry *, uint32_t due);

/* stk_take - lock an entry that a reference keeps; then stk_put(). */
struct stk_entry *stk_take(const struct stk_table *, uint32_t index);

/* stk_lock - a stripe, mended if its last owner died inside. */
void stk_lock(struct stk_shm *, struct stk_stripe *);

/* stk_remove - drop an entry without references; the stripe is locked. */
void stk_remove(struct stk_shm *, struct stk_stripe *, struct stk_entry *);

/* stk_sweep - drop what has expired, at most `most` of each stripe; returns
 * how many went. */
uint32_t stk_sweep(const struct stk_table *, uint32_t most);

/* ---- stk_log.c ---- */

/* stk_log_setup - find or make the log of a table; `name` is that of the
 * table's slot. False: no room. */
bool stk_log_setup(struct stk_table *, struct span name);

/* ---- stk_ref.c ---- */
extern struct stk_refs *stk_refs;

/* stk_ref_take - a reference to a locked entry, and a part in its conn_cur.
 * stk_ref_drop - give it back; the entry is locked. A slot of UINT32_MAX: it
 * was not noted, as there are too many. */
uint32_t stk_ref_take(struct stk_shm *, struct stk_entry *);
void stk_ref_drop(struct stk_shm *, struct stk_entry *, uint32_t slot);
/* stk_ref_undo - finish what a dead process began in this stripe. */
void stk_ref_undo(struct stk_shm *, struct stk_stripe *);
void stk_reap(int proc_no);

/* ---- stk_key.c ---- */
extern const char *const stk_type_names[STK_TYPE_N];

/* stk_type_smp - the sample type that keys of a table are made of. */
enum smp_type stk_type_smp(enum stk_type);

/* stk_key_smp - the key that a sample is; bytes live in a static buffer until
 * the next call. stk_key_text - as people write it. */
bool stk_key_smp(const struct stk_table *, struct txn *, struct smp *,
    struct stk_key *);
bool stk_key_text(const struct stk_table *, struct span, struct stk_key *);
void stk_key_print(const struct stk_table *, const uint8_t *key,
    struct text *);
/* stk_key_get - as a sample; text goes to the arena of the txn. */
bool stk_key_get(const struct stk_table *, const uint8_t *key, struct txn *,
    struct smp *);

/* ---- stk_value.c ---- */

/* All of them: the entry is locked. */
uint64_t stk_value_get(const struct stk_table *, const struct stk_entry *,
    enum stk_data, unsigned i, uint32_t now);
void stk_value_set(const struct stk_table *, struct stk_entry *,
    enum stk_data, unsigned i, uint64_t v, uint32_t now);
/* stk_value_add - events: `d`, unless it is not stored. */
void stk_value_add(const struct stk_table *, struct stk_entry *,
    enum stk_data, unsigned i, uint64_t n, uint32_t now);
/* stk_value_back - so many of a rate's events did not happen. */
void stk_value_back(const struct stk_table *, struct stk_entry *,
    enum stk_data, uint32_t n);
/* stk_cell_get, stk_cell_set - an element as it is, in rates not summed up. */
void stk_cell_get(const struct stk_table *, const struct stk_entry *,
    enum stk_data, unsigned i, uint32_t now, struct stk_cell *);
void stk_cell_set(const struct stk_table *, struct stk_entry *,
    const struct stk_cell *, uint32_t now);
/* stk_name_no - the number of a server_key, made when it is new; 0: no room.
 * stk_name - and back, or NULL. */
uint32_t stk_name_no(struct stk_shm *, struct span);
const char *stk_name(const struct stk_shm *, uint32_t no);

/* ---- stk_set.c ---- */
struct stk_track {
	const struct stk_table *tab;    /* NULL: nothing is tracked */
	uint32_t entry;
	uint32_t slot;                  /* of the reference */
};
struct stk_set {
	uint32_t n;
	bool in_arena;
	struct stk_track v[];           /* stk_counters() of them */
};

/* stk_set_new - empty, in an arena or (NULL) on the heap. */
struct stk_set *stk_set_new(struct arena *);

/* stk_tracked - what counter `no` follows: of the stream, else of its
 * connection; NULL. */
const struct stk_track *stk_tracked(const struct txn *, unsigned no);

/* A general purpose counter or tag and the rate of it: idx < 0: -1 and -2 are
 * gpc0 and gpc1, -1 is gpt0, which are the first of an array where there is
 * one; else the idx'th of the array. */
struct stk_gp {
	uint8_t cnt, rate;              /* enum stk_data */
	unsigned i, rate_i;
};
struct stk_gp stk_gpc(const struct stk_table *, int idx);
struct stk_gp stk_gpt(const struct stk_table *, int idx);

/* ---- stk_stick.c ---- */
struct stk_note {                       /* a key to store with the server */
	struct stk_note *next;
	const struct stk_table *table;
	struct stk_key key;             /* its bytes are in the arena */
};

/* stk_note - add one to those of the stream; the key is copied. */
void stk_note(struct txn *, const struct stk_table *, const struct stk_key *);

/* ---- stk_kw.c ---- */
/* stk_find - for expr_find_table. */
const void *stk_find(struct span name, const char **why);

struct stk_cfg {                        /* slot of a proxy */
	struct stk_table *table;        /* NULL: none */
	struct stk_rule *rules;         /* stick … */
	struct stk_rule *last;
};
PX_SLOT_DECLARE(stk_slot);


/* stk_is_error, stk_is_failure - what a response of a server with this status
 * counts as: http-err-codes, http-fail-codes. */
bool stk_is_error(unsigned status);
bool stk_is_failure(unsigned status);
#endif
