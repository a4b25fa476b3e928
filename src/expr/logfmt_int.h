/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_LOGFMT_INT_H
#define EXPR_LOGFMT_INT_H
/*
 * logfmt_int - a compiled format: its pieces, and where they write to.
 */
#include <string.h>

#include "expr_int.h"

enum piece_kind { PIECE_TEXT, PIECE_VAR, PIECE_NUMBER, PIECE_EXPR,
	/* the same, as one value of JSON or CBOR: "%{+json}[src]" */
	PIECE_CODED_VAR, PIECE_CODED_EXPR };

enum piece_flag {
	FLAG_Q = 1,             /* quote */
	FLAG_X = 2,             /* hexadecimal */
	FLAG_E = 4,             /* escape with backslashes */
	FLAG_M = 8,             /* '-' when there is no value */
	/* of coded pieces: CBOR, and no JSON; its bytes, and no hex */
	FLAG_CBOR = 16, FLAG_BIN = 32
};

struct piece {                          /* a text and what follows it */
	struct piece *next;
	struct span lead;               /* LEAD_ROOM bytes can be read */
	uint8_t lead_n;                 /* its length; or LEAD_LONG */
	bool merges;                    /* it begins with a space that is left
	                                 * out behind another */
	uint8_t kind, flags;
	uint8_t code;                   /* enum logvar_code of an expression */
	uint8_t type;                   /* enum smp_type that "%(name:type)"
	                                 * asks for; SMP_ANY: its own */
	struct span name;               /* of "%(name)"; p NULL: none */
	union {                         /* PIECE_TEXT: nothing */
		const struct logvar *var;
		const struct expr *expr;
	};
};

/* Text, or an object of the named pieces. */
enum logfmt_enc { ENC_TEXT, ENC_JSON, ENC_CBOR };

#define LEAD_ROOM 8
#define LEAD_LONG (LEAD_ROOM + 1)

struct logfmt {
	struct piece *first;
	const char *http_only;
	uint8_t enc;                    /* enum logfmt_enc */
	bool bin;                       /* ENC_CBOR: bytes, and no hex */
	bool merge;                     /* spaces around pieces without text */
	bool late;                      /* see logfmt_is_late() */
};

struct logfmt_out {
	char *at, *end;
};

/* logfmt_bytes, logfmt_char - append, cut at the end of the room. */
static inline void
logfmt_bytes(struct logfmt_out *o, const char *p, size_t n)
{
	if (n > (size_t)(o->end - o->at))
		n = (size_t)(o->end - o->at);
	if (n >= 8 && n <= 16) {        /* not worth a call */
		memcpy(o->at, p, 8);
		memcpy(o->at + n - 8, p + n - 8, 8);
	} else if (n >= 4 && n < 8) {
		memcpy(o->at, p, 4);
		memcpy(o->at + n - 4, p + n - 4, 4);
	} else if (n < 4) {
		for (size_t i = 0; i < n; i++)
			o->at[i] = p[i];
	} else
		memcpy(o->at, p, n);
	o->at += n;
}

static inline void
logfmt_char(struct logfmt_out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

/* logfmt_number - a variable that is one. */
void logfmt_number(struct logfmt_out *, int64_t v, unsigned hex_digits);

/* logfmt_value - what a piece is: of type BOOL, INT, STR or BIN; false:
 * nothing. Text may be in a static buffer. */
bool logfmt_value(const struct piece *, struct txn *, struct smp *);

/* logfmt_json_value, logfmt_cbor_value - one piece. */
void logfmt_json_value(struct logfmt_out *, const struct piece *,
    struct txn *);
void logfmt_cbor_value(struct logfmt_out *, bool bin, const struct piece *,
    struct txn *);

/* logfmt_json, logfmt_cbor - the whole format as one object. */
void logfmt_cbor(struct logfmt_out *, const struct logfmt *, struct txn *);
void logfmt_json(struct logfmt_out *, const struct logfmt *, struct txn *);
#endif
