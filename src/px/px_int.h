/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_PX_INT_H
#define PX_PX_INT_H
/*
 * px_int - what the files of the room share.
 */
#include <conf/conf.h>
#include <px/px.h>

/* px_slots_init - number the slots of all rooms. */
void px_slots_init(void);

/* px_subject - "server b/s", for messages about the line; `b` may be NULL. */
void px_subject(struct conf_line *, const char *what, const char *a,
    const char *b);

/* px_want_u32 - one number from `lo` to `hi`, and nothing behind it. */
bool px_want_u32(struct conf_line *, int64_t lo, int64_t hi, uint32_t *out);

/* px_text - a NUL-terminated copy for the life of the generation. */
const char *px_text(struct span);

/* px_hash_* - names to objects; doubles are allowed. */
struct px_hash;
struct px_hash *px_hash_new(void);
void px_hash_add(struct px_hash *, uint64_t hash, void *obj);
/* px_hash_next - objects with that hash; *at starts at 0. */
void *px_hash_next(const struct px_hash *, uint64_t hash, size_t *at);

/* px_hash_drop - forget one that was added. */
void px_hash_drop(struct px_hash *, uint64_t hash, void *obj);

/* px_id_claim - `obj` is number `id` among the proxies, or among the servers or
 * bind lines of proxy `no`. Returns who has it already, or NULL. */
enum px_id_space { PX_ID_PROXY, PX_ID_SERVER, PX_ID_BIND };
void *px_id_claim(enum px_id_space, uint32_t no, uint32_t id, void *obj);
/* px_id_any - did anybody claim one? */
bool px_id_any(void);

uint64_t px_server_hash(const struct px *, struct span name);

/* px_server_name_add - it is in the list of its proxy, and is to be found by
 * name as well. */
void px_server_name_add(struct px_server *);

/* px_server_bare - a server that default-server lines say nothing of.
 * px_server_addr - its address. px_server_list - the last of its proxy's.
 * px_live_id_owner - who has that number, or NULL. */
struct px_server *px_server_bare(struct px *, const char *name);
bool px_server_addr(struct conf_line *, const struct conf_word *,
    struct px_server *);
void px_server_list(struct px_server *);
const struct px_server *px_live_id_owner(const struct px *, uint32_t id);
#endif
