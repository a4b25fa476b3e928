/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LB_LB_INT_H
#define LB_LB_INT_H
/*
 * lb_int - what algorithms share: the map of turns, the ring of positions, and
 * how a stream's key becomes a number.
 */
#include <expr/expr.h>
#include <lb/lb.h>

/* ---- how keys lead to servers: hash-type, hash-balance-factor ---- */

enum lb_fn { LB_SDBM, LB_DJB2, LB_CRC32, LB_NONE };

/* hash-preserve-affinity: when the server that a key leads to is passed by. */
enum lb_affinity {
	LB_AFFINE_ALWAYS,               /* never: it is waited for */
	LB_AFFINE_MAXCONN,              /* when it is full */
	LB_AFFINE_MAXQUEUE              /* when its queue is full, too */
};

struct lb_hash_cfg {
	bool ring;                      /* hash-type consistent */
	bool avalanche;
	uint8_t fn;                     /* enum lb_fn */
	uint8_t affinity;               /* enum lb_affinity */
	uint16_t factor;                /* hash-balance-factor; 0: off */
};
PX_SLOT_DECLARE(lb_hash_slot);

/* ---- what the key is: the words of the balance line ---- */

enum lb_key { LB_KEY_NONE, LB_KEY_SOURCE, LB_KEY_URI, LB_KEY_PARAM,
	LB_KEY_HDR, LB_KEY_RDP, LB_KEY_EXPR };

struct lb_key_cfg {
	uint8_t key;                    /* enum lb_key */
	bool whole, path_only;          /* uri */
	bool domain_only;               /* hdr */
	bool check_post;                /* parameter: wait for the body */
	uint32_t len, depth;            /* uri; 0: all */
	uint32_t draws;                 /* random */
	struct span name;               /* of the parameter, header, cookie */
	const struct expr *expr;
	struct diag_pos pos;
};
PX_SLOT_DECLARE(lb_key_slot);

static inline const struct lb_hash_cfg *
lb_hash_of(const struct be *be)
{
	return (px_get(&be->px->slots, &lb_hash_slot));
}

static inline const struct lb_key_cfg *
lb_key_of(const struct be *be)
{
	return (px_get(&be->px->slots, &lb_key_slot));
}

/* lb_arg - "NAME" of the algorithm's word "algo(NAME)"; p NULL: it has none.
 * False after an error: no closing parenthesis. */
bool lb_arg(struct conf_line *, struct span *out);

/* ---- lb_key.c ---- */

/* lb_key_hash - the number of the stream's key; false: it has none. */
bool lb_key_hash(const struct be *, struct txn *, uint32_t *hash);

/* ---- lb_map.c: static turns ---- */

/*
 * A round of turns in which each server comes as often as its weight says.
 * The order is the reference's, since hashes point into it.
 */
struct lb_map {                         /* be->lb_local */
	uint32_t epoch;
	uint32_t n;                     /* turns */
	uint32_t room;
	uint32_t turn[];                /* server numbers */
};

/* lb_map_of - the map for the servers as they are now; NULL: none is in the
 * set, or no memory. */
const struct lb_map *lb_map_of(struct be *);

/* lb_map_next - whose turn it is; as lb_algo.pick. */
struct srv *lb_map_next(struct be *, struct srv *avoid);

/* lb_map_layout - write the turns of `n` servers; the sum of weights is
 * `sum`. False without memory. */
bool lb_map_layout(const uint32_t *weight, uint32_t n, uint32_t sum,
    uint32_t *turn);

/* ---- lb_ring.c: positions of servers on a circle ---- */

struct lb_ring_node {
	uint32_t at;
	uint32_t srv;
};

struct lb_ring {                        /* be->lb_local */
	uint32_t epoch;
	uint32_t n;
	uint32_t room;
	uint64_t weight;                /* of all servers on it */
	struct lb_ring_node node[];     /* sorted */
};

const struct lb_ring *lb_ring_of(struct be *);

/* lb_passes_by - hash-preserve-affinity: not this server, now. */
bool lb_passes_by(enum lb_affinity, const struct srv *);

/* lb_ring_pick - the server nearest to `hash`, or the next one on the way
 * that is not `avoid`, is not above hash-balance-factor, and is not passed by. */
struct srv *lb_ring_pick(struct be *, uint32_t hash, struct srv *avoid);

/* lb_ring_next - each node in turn, for streams without a key. */
struct srv *lb_ring_next(struct be *, struct srv *avoid);
#endif
