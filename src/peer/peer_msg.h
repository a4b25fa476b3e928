/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PEER_MSG_H
#define PEER_MSG_H
/*
 * peer_msg - messages of the peers protocol 2.1, to and from bytes. Pure: no
 * table is touched, nothing is allocated but by the text that is appended to.
 *
 * Source: "Peers protocol 2.1" of HAProxy's documentation, and where that is
 * silent or wrong (the number of acknowledgements, timed updates, arrays) the
 * bytes that two HAProxy 2.6 exchange.
 */
#include <base/span.h>
#include <base/text.h>
#include <stk/sync.h>

#define PEER_MSG_MAX    65536           /* bytes of a message, head included */
#define PEER_NAME_MAX   255

enum peer_class { PEER_C_CONTROL = 0, PEER_C_ERROR = 1, PEER_C_TABLE = 10 };

enum peer_control {
	PEER_RESYNC_REQ = 0,            /* teach me all */
	PEER_RESYNC_DONE = 1,           /* that was all */
	PEER_RESYNC_PART = 2,           /* … but I may lack some myself */
	PEER_RESYNC_ACK = 3,
	PEER_HEARTBEAT = 4
};

enum peer_error { PEER_E_PROTOCOL = 0, PEER_E_SIZE = 1 };

enum peer_type {                        /* of PEER_C_TABLE */
	PEER_T_UPDATE = 128,            /* id, key, data */
	PEER_T_NEXT = 129,              /* the same, id one up */
	PEER_T_DEFINE = 130,
	PEER_T_SWITCH = 131,            /* to a table defined before */
	PEER_T_ACK = 132,
	PEER_T_TIMED = 133,             /* id, time left, key, data */
	PEER_T_TIMED_NEXT = 134
};

/* ---- integers: 1 byte below 240, else 4 bits and then 7 of each byte ---- */

void peer_put_int(struct text *, uint64_t);
/* peer_get_int - false: it does not end here, or is too large. */
bool peer_get_int(struct span *in, uint64_t *out);

/* ---- frames ---- */

struct peer_frame {
	uint8_t cls, type;
	struct span body;               /* n 0 for control and error */
};

enum peer_got { PEER_GOT, PEER_MORE, PEER_BAD, PEER_BIG };

/* peer_frame_get - the message that `in` begins with; *used: its bytes. */
enum peer_got peer_frame_get(struct span in, struct peer_frame *,
    size_t *used);
void peer_put_control(struct text *, enum peer_control);
void peer_put_error(struct text *, enum peer_error);

/* ---- definitions ---- */

struct peer_def {
	uint64_t id;                    /* the sender's number of the table */
	char name[PEER_NAME_MAX + 1];
	uint8_t type;                   /* enum stk_type */
	uint32_t key_bytes;
	uint32_t expire_ms;
	uint8_t n[STK_DATA_N];          /* elements of each; 0: none */
	uint32_t period[STK_DATA_N];
};

/* peer_def_of - how we define a table of ours. */
struct peer_def peer_def_of(const struct stk_traits *, uint64_t id);
void peer_put_def(struct text *, const struct peer_def *);
bool peer_get_def(struct span body, struct peer_def *);

/* ---- acknowledgements, switches ---- */

void peer_put_ack(struct text *, uint64_t table, uint32_t id);
bool peer_get_ack(struct span body, uint64_t *table, uint32_t *id);

/* ---- names that were sent already are sent as numbers ---- */

#define PEER_DICT       128             /* numbers are 1 to this */
#define PEER_DICT_NAME  128             /* bytes of a name, with its end */

struct peer_dict {
	char rx[PEER_DICT + 1][PEER_DICT_NAME];
	char tx[PEER_DICT + 1][PEER_DICT_NAME];
	uint32_t used[PEER_DICT + 1];   /* of tx: when last */
	uint32_t clock, n;
};

/* ---- updates ---- */

struct peer_update {
	uint8_t type;                   /* enum peer_type */
	uint32_t id;                    /* in: the one before */
	struct stk_image image;
};

/* peer_put_update - as `type` says. */
void peer_put_update(struct text *, const struct peer_def *,
    struct peer_dict *, enum peer_type, uint32_t id, const struct stk_image *);

/*
 * peer_get_update - of a table defined as `def`; u->type is set, and u->id that
 * of the update before. Names and the key are slices of `body` or of the
 * dictionary. Data that we do not know is left out. False: malformed.
 */
bool peer_get_update(struct span body, const struct peer_def *,
    struct peer_dict *, struct peer_update *u);
#endif
