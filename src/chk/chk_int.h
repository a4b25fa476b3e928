/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHK_CHK_INT_H
#define CHK_CHK_INT_H
/*
 * What the files of this room share: settings, and a check that runs.
 */
#include <chk/chk.h>
#include <os/tmr.h>
#include <px/px.h>

struct smp_regex;

/* ---- settings ---- */

enum chk_init { CHK_INIT_UP, CHK_INIT_FULLY_UP, CHK_INIT_DOWN,
	CHK_INIT_FULLY_DOWN };

struct chk_srv_cfg {                    /* of a server line */
	bool check;
	bool send_proxy;                /* check-send-proxy */
	bool has_addr;
	uint8_t init;                   /* enum chk_init */
	uint16_t port;                  /* 0: not given */
	int32_t inter_ms, fast_ms, down_ms;     /* 0: as inter */
	int32_t rise, fall;
	struct addr addr;
};
PX_SLOT_DECLARE(chk_srv_slot);

enum chk_expect { CHK_EXPECT_NONE, CHK_EXPECT_STATUS, CHK_EXPECT_RSTATUS,
	CHK_EXPECT_STRING, CHK_EXPECT_RSTRING };

struct chk_range {
	uint16_t lo, hi;
};

struct chk_px_cfg {                     /* of a proxy */
	bool http;                      /* option httpchk */
	const void *send_by, *expect_by;        /* proxies that said so */
	uint8_t expect;                 /* enum chk_expect */
	bool negate;
	struct span meth, uri, version; /* empty: default */
	struct span version_extra;      /* header lines with their CRLF, from */
	struct span extra;              /* the option's version, from send */
	struct span body;
	const struct chk_range *ranges;
	unsigned n_ranges;
	struct span text;               /* of string */
	const struct smp_regex *regex;
};
PX_SLOT_DECLARE(chk_px_slot);

struct chk_global_cfg {
	int spread_percent;
	int64_t max_spread_ms;          /* 0: none */
};
PX_SLOT_DECLARE(chk_global_slot);

static inline const struct chk_srv_cfg *
chk_cfg_of(const struct srv *srv)
{
	return (px_get(&srv->cfg->slots, &chk_srv_slot));
}

static inline const struct chk_px_cfg *
chk_px_of(const struct srv *srv)
{
	return (px_get(&srv->be->px->slots, &chk_px_slot));
}

/* ---- a check ---- */

#define CHK_INFO_BYTES 128
#define CHK_IN_BYTES 16384

struct chk {                            /* one per checked server */
	unsigned magic;
#define CHK_MAGIC 0xc4ec7a11
	struct srv *srv;
	struct tmr tmr;                 /* next start, or the deadline */
	int fd;                         /* -1: not running */
	bool connected;
	bool logged;                    /* a result since it was (re)started */
	char *out;                      /* what is to be sent, malloc'ed */
	size_t out_n, out_at;
	char *in;                       /* the response, CHK_IN_BYTES */
	size_t in_n;
	int64_t start_ms, start_us;
	char info[CHK_INFO_BYTES];
};

/* What a check found. */
struct chk_verdict {
	enum chk_status status;
	unsigned code;                  /* HTTP status; 0: none */
	struct span info;               /* may be empty */
	int ms;
};

/* chk_of - the check of a server; NULL: none, or not the agent. */
struct chk *chk_of(const struct srv *);

/* ---- chk_run.c ---- */
void chk_plan(struct chk *, int64_t in_ms);     /* next start */
void chk_stop(struct chk *);                    /* end it, plan nothing */
void chk_due(struct tmr *);                      /* the time has come */
int chk_interval(const struct srv *);

/* ---- chk_http.c ---- */
/* chk_request - the bytes to send; malloc'ed, NULL without memory. */
char *chk_request(const struct chk_px_cfg *, size_t *n);
/* chk_judge - look at the response so far. WHY_AGAIN: more is needed. */
enum why chk_judge(const struct chk_px_cfg *, struct span in, bool eof,
    struct chk_verdict *);

/* ---- chk_state.c ---- */
void chk_found(struct chk *, const struct chk_verdict *);
void chk_take_over(struct srv *);       /* state at the start of an agent */

/* ---- chk_part.c ---- */
/* chk_tell - have every worker close idle connections to the server, and end
 * its sessions unless `kill` is WHY_OK. */
void chk_tell(struct srv *, enum why kill);
void chk_slow(struct srv *);            /* slow start began */
bool chk_is_open(void);                 /* this generation serves */
#endif
