/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_PAT_INT_H
#define EXPR_PAT_INT_H
/*
 * pat - patterns: what ACLs compare with and maps look up.
 *
 * A *reference* is a list of patterns, with values when it is a map: a file,
 * or the words of one "acl" line. Everybody who names the same file shares
 * one. A *use* is a way to search it: a match method, case or not; each has
 * an index, also shared.
 *
 * The rows of a reference are in parts. The base is what the configuration
 * said: the keeper fills it before any fork, so processes share its pages,
 * and a change of a row costs the page it is on. What is added at run time
 * goes to a part of the process, one for each version (`prepare`, `commit`).
 */
#include "expr_int.h"

#include <expr/regex.h>
#include <os/addr.h>

#define PAT_MISS UINT32_MAX

struct pat_row {                /* 24 bytes: there may be millions */
	const char *key;                /* as written */
	uint32_t key_n;
	uint32_t val;                   /* value: at key + val; 0: none */
	uint32_t val_n : 31;
	uint32_t dead : 1;              /* deleted; indexes still name it */
	uint32_t id;                    /* the same in all processes */
};

struct pat_part {
	uint32_t ver;
	bool base;                      /* its texts are not freed one by one */
	struct pat_row *row;
	uint32_t n, cap, live;
	struct pat_index **ix;          /* one per use of the reference */
	unsigned n_ix;
	struct pat_part *next;
};

/* ---- pat_index.c: the rows of one part by one method ---- */

struct pat_index;

/* pat_index_new - empty; `n`: rows that are expected. */
struct pat_index *pat_index_new(enum acl_match, bool icase, size_t n);
void pat_index_free(struct pat_index *);

/* pat_index_add - row number `no` of `row`; false with *err, a sentence, when
 * it is no pattern for that method. */
bool pat_index_add(struct pat_index *, const struct pat_row *row, uint32_t no,
    const char **err);

/* pat_index_fill - add the first `n` rows that are not deleted to an empty
 * one; false with *err and the number of the row that is no pattern. */
bool pat_index_fill(struct pat_index *, const struct pat_row *row, uint32_t n,
    uint32_t *bad, const char **err);

/*
 * pat_index_find - the row that `s` matches, or PAT_MISS. `s` has the type
 * of the method (pat_type()).
 *
 * `first`: of all rows that match the smallest number; else the finest match
 * where there is such a thing (prefixes, networks). *len is how
 * fine it is, in bytes or bits.
 */
uint32_t pat_index_find(struct pat_index *, const struct pat_row *row,
    const struct smp *s, bool first, size_t *len);

/*
 * pat_index_hits - "str", "beg", "end": the first row of each text that
 * matches, at most `max` of them; returns how many there are.
 * pat_index_next - the next row of the same text, or PAT_MISS.
 */
unsigned pat_index_hits(const struct pat_index *, const struct pat_row *row,
    struct span s, uint32_t *hit, unsigned max);
uint32_t pat_index_next(const struct pat_index *, uint32_t no);

/* pat_index_regex - the compiled expression of a row. */
const struct smp_regex *pat_index_regex(const struct pat_index *,
    uint32_t no);

/* pat_index_is_tree - an order of its own, not that of the rows: "get map"
 * tells. */
bool pat_index_is_tree(const struct pat_index *);

/* pat_type - what a sample must be for that method. */
enum smp_type pat_type(enum acl_match);

/* ---- pat_cache.c: results of searches that try many patterns ---- */

/* pat_cache_state - a number for the state of a list that no other has. */
uint64_t pat_cache_state(void);

/* pat_cache_get - the result for `text` in a list of that state, if it is
 * known; *name is for pat_cache_put(), which remembers it. */
bool pat_cache_get(uint64_t state, struct span text, uint64_t *name,
    uint32_t *no);
void pat_cache_put(uint64_t name, uint32_t no);

/* ---- pat_ref.c ---- */

/* Who reads the values: bits of pat_use.views. */
enum pat_view { PAT_VIEW_NONE, PAT_VIEW_ACL, PAT_VIEW_STR, PAT_VIEW_INT, PAT_VIEW_IP,
	PAT_VIEW_REGM };

struct pat_use {
	struct pat_ref *ref;
	uint8_t match;                  /* enum acl_match */
	bool icase;
	uint8_t views;                  /* bit per enum pat_view */
	unsigned no;                    /* in the reference */
	struct pat_index *base, *cur;   /* of the current version; or NULL */
	struct pat_use *next;
};

struct pat_watch {              /* somebody who compiled the rows away */
	struct pat_watch *next;
	bool *stale;
};

struct pat_ref {
	struct pat_ref *next;
	uint32_t no;                    /* the same in all processes */
	int64_t id;                     /* "#12"; -1: not yet */
	struct span name;               /* of the file; empty: a line's words */
	bool map;                       /* rows have values */
	bool is_map, is_acl;            /* who uses it */
	bool by_key;                    /* some rule changes it */
	bool changed;                   /* at run time, in this process */
	struct text *users;             /* "by map at file 'x' line 4, …" */
	struct span words;              /* "acl 'path' file 'x' line 4" */
	struct span file;               /* its contents, in which rows point */
	struct pat_use *uses;
	unsigned n_uses;
	struct pat_watch *watches;
	uint32_t curr_ver, next_ver;
	uint32_t next_id;
	struct pat_part base;
	bool base_gone;                 /* cleared, or another version */
	struct pat_part *cur;           /* of the current version; or NULL */
	struct pat_part *prepared;      /* of versions to come */
};

/*
 * pat_ref_file - the reference of that name: a file, read now, "opt@" before
 * a file that need not be there, "virt@" before one that is not. NULL after
 * an error.
 */
struct pat_ref *pat_ref_file(struct conf_line *, const struct conf_word *,
    struct span name, bool map);

/* pat_ref_words - a new one, for the words of an ACL that begins by `what`. */
struct pat_ref *pat_ref_words(struct conf_line *, struct span what);

/* pat_ref_number - "-u": false when another has it. */
bool pat_ref_number(struct pat_ref *, int64_t id);

/* pat_ref_user - remember who uses it, for `show map`. */
void pat_ref_user(struct pat_ref *, const struct conf_line *, bool map);

/* pat_use_get - a way to search it, built when it is new. NULL with *err,
 * a sentence that says where. */
struct pat_use *pat_use_get(struct pat_ref *, enum acl_match, bool icase,
    enum pat_view, const char **err);

/* pat_value_check - false with *err when a value has not the type that some
 * user needs. */
bool pat_value_check(const struct pat_ref *, struct span, const char **err);

/* pat_word - a row from the configuration. */
bool pat_word(struct pat_use *, struct span key, const char **err);

/* pat_find - the row that the value matches, or NULL; the index that found it
 * and its number there. pat_has - whether there is one. */
const struct pat_row *pat_find(const struct pat_use *, const struct smp *,
    const struct pat_index **ix, uint32_t *no);
bool pat_has(const struct pat_use *, const struct smp *);

static inline struct span
pat_key(const struct pat_row *r)
{
	return (span_of(r->key, r->key_n));
}

static inline struct span
pat_value(const struct pat_row *r)
{
	return (r->val == 0 ? SPAN_NONE : span_of(r->key + r->val, r->val_n));
}

/* pat_row_stable - its texts live as long as the program. */
bool pat_row_stable(const struct pat_ref *, const struct pat_row *);

/* pat_first, pat_next - all references. */
struct pat_ref *pat_first(void);
struct pat_ref *pat_by_no(uint32_t no);
struct pat_ref *pat_by_name(struct span);       /* "#12", or a file */

/* ---- changes at run time, in one process (pat_change.c) ---- */

/* pat_add - a row of version `ver`; `id` 0: the next one. False with *err. */
bool pat_add(struct pat_ref *, uint32_t ver, uint32_t id, struct span key,
    struct span val, const char **err);

/* pat_row_at - live row by its id, in the current version. */
struct pat_row *pat_row_at(struct pat_ref *, uint32_t id,
    struct pat_part **part);

/* pat_each - live rows of a version, in order: *at starts at 0. NULL: end. */
struct pat_row *pat_each(struct pat_ref *, uint32_t ver, uint64_t *at);

/* pat_set - another value; false with *err when it has not the type that a
 * use needs. */
bool pat_set(struct pat_ref *, struct pat_row *, struct span val,
    const char **err);
void pat_del(struct pat_ref *, struct pat_row *, struct pat_part *);
void pat_clear(struct pat_ref *, uint32_t ver);
void pat_commit(struct pat_ref *, uint32_t ver);

/* pat_forget_added - all rows but those of the base, of all versions. */
void pat_forget_added(struct pat_ref *);

/* pat_by_key - whoever changes rows by their key says so first: an index of
 * exact texts is kept. */
bool pat_by_key(struct pat_ref *);

/* pat_put - "set-map", "add-acl": the row of that key gets the value, or
 * there is a new one. pat_drop - "del-map", "del-acl"; how many there were. */
bool pat_put(struct pat_ref *, uint32_t id, struct span key, struct span val,
    const char **err);
unsigned pat_drop(struct pat_ref *, struct span key);

/* pat_by_text - the row of exactly that key, or NULL. */
struct pat_row *pat_by_text(struct pat_ref *, struct span key);

/* pat_count - rows of all versions. */
uint64_t pat_count(const struct pat_ref *);

/* pat_part_index - (re)build the index of a use over a part. */
bool pat_part_index(struct pat_part *, struct pat_use *, uint32_t *bad,
    const char **err);
void pat_part_free(struct pat_part *);
void pat_ref_changed(struct pat_ref *);
void pat_uses_point(struct pat_ref *);

/* ---- the agent tells the workers what it changed (pat_sync.c) ---- */

struct pat_sync {               /* changes of one command */
	struct text text;
};
enum pat_sync_what { PAT_SYNC_CLEAR, PAT_SYNC_PREPARE, PAT_SYNC_COMMIT };

void pat_sync_begin(struct pat_sync *);
/* the row was just added: its number is the last one given */
void pat_sync_add(struct pat_sync *, const struct pat_ref *, uint32_t ver,
    struct span key, struct span val);
void pat_sync_set(struct pat_sync *, const struct pat_ref *, uint32_t id,
    struct span val);
void pat_sync_del(struct pat_sync *, const struct pat_ref *, uint32_t id);
void pat_sync_version(struct pat_sync *, const struct pat_ref *,
    enum pat_sync_what, uint32_t ver);

/* pat_sync_end - send what is left; `done` is called when all workers have
 * done it, as that of agent_ask(). */
uint32_t pat_sync_end(struct pat_sync *, int ms, void (*done)(int, void *),
    void *arg);

/* Somebody who wants to know the lists while the agent is still learning them:
 * pat_agent_wait - false: they are known; else `go` will be called, once,
 * unless pat_agent_unwait() is called for `arg` before. */
struct pat_waiter {
	struct pat_waiter *next;
	void (*go)(void *arg);
	void *arg;
};
bool pat_agent_wait(struct pat_waiter *);
void pat_agent_unwait(const void *arg);

/* pat_forget - all of them are gone; for tests. */
void pat_forget(void);
#endif
