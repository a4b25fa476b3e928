/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TORTURE_TORTURE_H
#define TORTURE_TORTURE_H
/*
 * torture - clients that never retry, and check every byte they get.
 *
 * A crowd is a number of connections that all do the same (one row of the
 * table in crowd.c): short requests at a rate, silent connections, slow
 * bodies, tunnels.  Each connection runs one exchange after the other, or
 * one exchange that becomes a tunnel.  What goes wrong is counted where it
 * happened, and the request is not sent again.
 */
#include "../../bench/net.h"
#include <stdbool.h>

/* --- timers: a wheel of 1 ms slots (wheel.c) ------------------------------ */
struct timer {
	struct timer *next, *prev;      /* both NULL: not in the wheel */
	int64_t due_us;
	void (*fn)(struct timer *);
};

void    wheel_init(void);
void    wheel_arm(struct timer *, int64_t due_us, void (*)(struct timer *));
void    wheel_stop(struct timer *);
void    wheel_run(void);
int64_t wheel_wait_us(void);    /* until the next one, 50 ms at most */

/* --- bytes that say where they belong (bytes.c) --------------------------- */
#define BYTES_FRAME 64          /* size of a numbered frame */

void bytes_init(void);
void bytes_fill(uint32_t seed, uint64_t at, char *p, size_t n);
bool bytes_right(uint32_t seed, uint64_t at, const char *p, size_t n);
void bytes_frames(uint32_t seed, uint64_t at, char *p, size_t n);
bool bytes_frames_right(uint32_t seed, uint64_t at, const char *p, size_t n);

/* --- when bytes came (stamp.c) -------------------------------------------- */
#define STAMP_MARK 1            /* first byte of a probe's frame */
#define STAMP_AT (BYTES_FRAME - 8)      /* where the server says how long */

int64_t stamp_now_ns(void);
void    stamp_enable(int fd);
ssize_t stamp_read(int fd, char *, size_t, int64_t *came_ns);

/* --- the answer to a request (answer.c) ----------------------------------- */
enum answer_form { FORM_NONE, FORM_LENGTH, FORM_CHUNKED, FORM_CLOSE };
enum answer_state { ANSWER_MORE, ANSWER_DONE, ANSWER_BAD };

struct answer {
	char    head[1024];
	int     head_len;
	bool    in_body, tunnel;
	bool    closing;        /* it carries "Connection: close" */
	uint8_t form;           /* enum answer_form */
	int     status, version;
	int64_t left;           /* of the body or of the chunk */
	int     chunk;          /* enum, see answer.c */
	char    text[32];       /* the first bytes of the body */
	int     text_len;
};

typedef void answer_body_fn(void *priv, const char *, size_t);
void answer_init(struct answer *, bool tunnel);
void answer_init_body(struct answer *, enum answer_form, int64_t length);
enum answer_state answer_feed(struct answer *, const char *, size_t n,
    size_t *used, void *priv, answer_body_fn *);

/* --- a connection and what it is asked to do ------------------------------ */
enum form { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };
enum phase { CLOSED, CONNECTING, QUIET, BUSY, TUNNEL, LEAVING };

struct ask {
	const char *method;
	char     path[72];
	uint8_t  up_form;       /* enum form */
	bool     close;         /* asks for "Connection: close" */
	bool     drip;          /* the head a few bytes at a time */
	bool     tunnel;        /* an answer of 101 or 200 opens a tunnel */
	uint8_t  copies;        /* sent at once, pipelined */
	int64_t  up, up_rate;   /* bytes, bytes a second */
	int64_t  down, read_rate;       /* down < 0: whatever comes */
};

struct conn {
	struct timer timer;     /* first: see CONN() */
	struct crowd *crowd;
	struct conn *next;      /* in the list of those ready for a request */
	int      index, fd;
	uint8_t  phase;         /* enum phase */
	bool     doomed, waits_room, deaf, wrong, told, listed;
	uint32_t seed, events;
	uint32_t addr;          /* its own address and port, host order */
	uint16_t port;
	struct ask ask;
	struct answer in;
	int      answers_left;
	int64_t  t0, progress_us, worst_us, worst_at;
	int64_t  sent_ns, came_ns;      /* of a probe's frame */
	uint8_t  held[8];       /* ns, by the server, as it says */
	uint64_t got, made;     /* bytes of this body, or of the tunnel */
	size_t   out_off, out_len;
	char     out[];         /* crowd->kind->room bytes */
};
#define CONN(timer) ((struct conn *)(timer))

void link_open(struct conn *);
void link_close(struct conn *);
void link_flush(struct conn *);
void link_listen(struct conn *, bool);
void link_event(struct conn *, uint32_t events);
void link_fail(struct conn *, const char *why);
void link_sweep(void);          /* gives up on those that make no progress */

void exchange_begin(struct conn *, int64_t t0);
void exchange_push(struct conn *);
void exchange_bytes(struct conn *, const char *, size_t);
bool exchange_ended(struct conn *);     /* was the end of input its end? */

void tunnel_begin(struct conn *);
void tunnel_bytes(struct conn *, const char *, size_t);
void tunnel_leave(struct conn *);

/* --- crowds (crowd.c) ----------------------------------------------------- */
struct kind {
	const char *name;
	int      n;             /* connections unless told otherwise */
	size_t   room;          /* bytes of output buffer */
	bool     tcp, body;     /* port of TCP; a cut body is not a request */
	bool     probe;         /* its round trips measure the pause */
	bool     speaks;        /* talks when told so by "speak" */
	double   rate;          /* requests a second over all connections */
	int64_t  every_us;      /* or: pause of each between two */
	void   (*fill)(struct conn *, struct ask *);
};

struct crowd {
	const struct kind *kind;
	int      n;
	double   rate;
	int64_t  every_us, due_us;
	struct conn **conns, *ready, **ready_end;
	/* what happened */
	long opened, begun, sent, done, lost, closed, told, cut, wrong, broken;
	long stale, frames, faults;
	uint64_t bytes_up, bytes_down;
};

extern struct crowd crowds[];
extern int n_crowds;

void crowd_init(void);
bool crowd_set(const char *word, double value);
void crowd_start(void);
void crowd_run(void);           /* starts what the rates ask for */
int64_t crowd_wait_us(void);
void crowd_rest(struct conn *); /* an exchange is over: what is next? */
void crowd_replace(struct conn *);      /* … and it ended badly */
void crowd_speak(void);
void crowd_stop(void);
bool crowd_is_ready(void);
bool crowd_is_quiet(void);
int  crowd_left(void);
void crowd_each(void (*)(struct conn *));

/* --- what everybody looks at (clients.c, report.c) ------------------------ */
extern int64_t now;             /* us, set once per turn of the loop */
extern int ep, http_port, tcp_port, slot_base;
extern bool paused, stopping;

void report_fault(struct conn *, const char *what, const char *why);
void report_latency(struct conn *, int64_t us);
void report_round_trip(struct conn *, int64_t us);
void report_late(int64_t us);
void report_version(struct conn *, int version, int64_t t0);
void report_mark(int version);  /* a reload begins; 0: nothing does */
void report_over(void);         /* … and has ended */
void report_killed(int64_t at);
void report_window(void);       /* closes the window when its time is over */
void report_event(const char *name);
void report_counts(const char *name);
#endif
