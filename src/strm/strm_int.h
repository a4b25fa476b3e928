/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_INT_H
#define STRM_INT_H
/*
 * strm - one exchange between a client and a server, inside the room.
 *
 * The stream is a state machine that is woken by its ends and timers and runs
 * as far as it can. A step does one thing and says whether to go on.
 */
#include <base/arena.h>
#include <base/buf.h>
#include <base/list.h>
#include <cnt/cnt.h>
#include <mux/mux.h>
#include <os/tmr.h>
#include <px/px.h>
#include <rule/rule.h>
#include <srv/srv.h>

enum strm_step { STEP_GO, STEP_WAIT, STEP_GONE };

/*
 * The phases, with the letter that the log's termination state shows for an
 * end in them (configuration manual 8.5). Numbers stand in frozen images.
 */
#define STRM_PHASES(P)                                                       \
	P(0, REQUEST,  'R', step_request)                                    \
	P(1, TARPIT,   'T', step_tarpit)                                     \
	P(2, CHOOSE,   'R', step_choose)                                     \
	P(3, ACQUIRE,  'C', step_acquire)                                    \
	P(4, QUEUE,    'Q', step_queue)                                      \
	P(5, CONNECT,  'C', step_connect)                                    \
	P(6, BACKOFF,  'C', step_backoff)                                    \
	P(7, EXCHANGE, 'H', step_exchange)                                   \
	P(8, SERVE,    'R', step_serve)
enum strm_phase {
#define PHASE(no, name, letter, fn) STRM_##name = no,
	STRM_PHASES(PHASE)
#undef PHASE
	STRM_PHASE_N
};

/* The "tcp-response content" rules of this exchange. */
enum strm_inspect {
	STRM_INSPECT_NONE, STRM_INSPECT_DUE, STRM_INSPECT_WAITS,
	STRM_INSPECT_REFUSED            /* the stream ends by them */
};

/* Bytes that were spliced out of one side and wait in a pipe. */
struct strm_pipe {
	int rd, wr;                     /* -1: none */
	uint32_t held;
	bool bulk;                      /* reads came back full */
	bool eager;                     /* option splice-…: try at once */
};

/* A request that may be sent again: its head stays, and the body so far. */
struct strm_kept {
	struct buf buf;
	uint64_t at;                    /* bytes of it sent this time */
	bool off;                       /* too long */
	bool whole;
};

struct strm {
	unsigned magic;
#define STRM_MAGIC 0x57e4a3b9
	uint8_t phase;                  /* enum strm_phase, set by strm_go() */
	uint8_t list;                   /* of rules, next to run */
	uint8_t conn_mode;              /* enum px_conn_mode in force */
	bool running : 1;               /* inside strm_run() */
	bool again : 1;                 /* woken meanwhile */
	bool tunnel : 1;                /* bytes are opaque both ways */
	bool req_sent : 1;              /* the request's head is queued */
	bool req_done : 1;              /* the whole request went */
	bool res_head : 1;              /* the final response head went */
	bool res_done : 1;              /* the whole response went */
	bool cli_shut : 1, srv_shut : 1;        /* half-closed towards … */
	bool logged : 1;
	bool granted : 1;               /* the queue gave us a slot */
	bool entered : 1;               /* a backend was chosen */
	bool backend_rules : 1;         /* those of the backend run */
	bool monitor : 1;               /* answered as a monitor request */
	bool fresh_only : 1;            /* take no idle connection */
	bool frozen : 1;                /* on its way to another worker */
	bool buffering : 1;             /* option http-buffer-request waits */
	bool res_waits : 1;             /* a response rule waits for a body */
	bool thawed : 1;                /* came from one, nothing moved yet */
	bool awaits_head : 1;           /* its client just became one of HTTP */
	bool begun : 1;                 /* its first look at the request was
	                                 * taken: monitor-uri, captures */
	bool indep : 1;                 /* option independent-streams of a side:
	                                 * set when it connects, or came over */
	bool no_cookie : 1;             /* its server set none: checkcache. Not
	                                 * frozen: the response is looked at */
	bool no_upgrade : 1;            /* it asks for none: a 101 is wrong. Not
	                                 * frozen: one that came over may */
	bool in_body : 1;               /* came over with a part of its body
	                                 * gone, and that was not kept */
	bool looks : 1;                 /* rules wait for bytes of the client.
	                                 * Not frozen, as they are waited for
	                                 * where they began */
	uint8_t inspect;                /* enum strm_inspect */
	uint8_t kill_why;               /* while frozen: enum why, to end with */
	struct mux_end *cli, *srv;
	struct txn txn;
	struct arena arena;
	struct buf req_buf;             /* what req's slices point into */
	struct rule_run rules;
	struct srv_slot slot;
	struct srv *avoid;              /* failed last: take another */
	int64_t turn_ms;                /* when that one may be tried again. Not
	                                 * frozen: at once, there */
	struct srv *want;               /* persistence: take this one. Not
	                                 * frozen: used when one is acquired */
	bool want_down;                 /* even if it is down */
	int64_t room_ms;                /* since when it waits for room for a
	                                 * connection; 0: not. Not frozen: the
	                                 * wait begins anew */
	bool directed;                  /* something named the server that it
	                                 * has. Not frozen: the next is anyone's */
	enum why begin_why, grant_why;
	uint16_t tries;                 /* connections attempted */
	uint8_t no_socket;              /* for the next */
	bool lacked;                    /* there was none for want of something
	                                 * of ours. Within a step */
	uint8_t srv_err;                /* strm_server_error() of the last that
	                                 * failed. Not frozen: the next tells */
	struct {                        /* profiling.tasks */
		uint32_t calls;
		int64_t cpu_ns, lat_ns;
		int64_t begun_ns;       /* of the call under way; 0: none */
	} prof;
	int64_t cli_seen_ms, srv_seen_ms;       /* last activity of a side */
	int64_t cli_read_ms, srv_read_ms;       /* last bytes from it; kept
	                                         * while `indep` */
	int64_t thawed_seen_ms;         /* the later of both when it came */
	size_t looked_bytes;            /* of the client, while `looks` */
	uint64_t counted_in, counted_out;       /* bytes in the counters */
	int64_t counted_ms;             /* when they went there */
	int64_t wait_until_ms;          /* queue, tarpit, connect, back-off */
	struct tmr tmr;
	struct strm_pipe up, down;      /* to the server, to the client */
	struct strm_kept *kept;         /* retry-on; else NULL */
	uint64_t names_epoch;           /* of the request whose header names
	                                 * strm_names_ok() last saw. Not frozen:
	                                 * it looks again */
	struct {                        /* a long answer of our own. Not frozen:
	                                 * it is sent where it was made */
		char *body;
		size_t n, at;
		enum why why;
	} serve;
	struct list node;               /* all streams of this worker */
	uint32_t id;
};

extern struct list strm_all;            /* struct strm.node */

/* ---- strm_open.c ---- */
void strm_free(struct strm *);
void strm_run(struct strm *);

static inline void
strm_go(struct strm *s, enum strm_phase to)
{
	s->phase = (uint8_t)to;
}

/* strm_attach - the client end, and what its connection keeps for all its
 * streams. */
void strm_attach(struct strm *, struct mux_end *cli);

/* strm_wait - have the stream run again when `ms` passed (0: never). */
void strm_wait(struct strm *, int64_t ms);

/* strm_new - empty, listed, without ends; NULL without memory. */
struct strm *strm_new(void);

/* strm_of_txn - the stream whose facts these are; NULL: it is no stream's. */
struct strm *strm_of_txn(struct txn *);

/* ---- strm_debug.c: what -d shows; call when strm_debugs() ---- */
void strm_debug_accept(struct strm *);
void strm_debug_request(struct strm *);
void strm_debug_response(struct strm *);
void strm_debug_end(struct strm *);
static inline bool
strm_debugs(void)
{
	return (__builtin_expect(px_model->global.debug_mode, 0));
}

/* strm_server_error - what a server end failed of, by the numbers of samples;
 * 0: of nothing that is known. */
uint8_t strm_server_error(struct mux_end *);
uint8_t strm_errno_error(int err);

/* ---- strm_admit.c ---- */
/* strm_session - see mux_stream_ops.session */
bool strm_session(struct conn *, const struct px_listen *);

/* ---- strm_freeze.c ---- */
/* strm_freeze_ops - its half of the contract for hand-overs. */
void strm_freeze_ops(struct mux_stream_ops *);
/* strm_moved_here - a thawed stream: has anything moved since? */
bool strm_moved_here(struct strm *);

/* ---- strm_fetch_ends.c ---- */
/* strm_entity - what last_entity says; at most `size` bytes at `p`. */
struct span strm_entity(const struct txn *, char *p, size_t size);

/* ---- strm_req.c ---- */
enum strm_step step_request(struct strm *);
enum strm_step step_tarpit(struct strm *);
enum strm_step step_choose(struct strm *);
/* strm_look_over - `timeout client` ends the waiting of rules for bytes of the
 * client. Always STEP_GONE. */
enum strm_step strm_look_over(struct strm *);
/* strm_gather - see txn_ops.gather; a client that waits to be asked for its
 * body is. */
enum why strm_gather(struct strm *, bool response, size_t want);
/* strm_release_req - the request's bytes are not needed any more. */
void strm_release_req(struct strm *);

/* ---- strm_switch.c: from mode tcp to HTTP ---- */
/* strm_sniff - see txn_ops.sniff. strm_sniffs - rules look at a stream of
 * mode tcp from here on, until strm_sniffed(). */
struct http_head *strm_sniff(struct txn *);
void strm_sniff_begin(struct strm *);
void strm_sniff_end(struct strm *);
static inline void
strm_sniffs(struct strm *s)
{
	if (__builtin_expect(!s->txn.is_http, 0))
		strm_sniff_begin(s);
}
static inline void
strm_sniffed(struct strm *s)
{
	if (__builtin_expect(s->txn.sniffs, 0))
		strm_sniff_end(s);
}
/* strm_switch - its client speaks HTTP/1 from here on, and what it sent so far
 * is the beginning of a request. */
enum strm_step strm_switch(struct strm *);

/* ---- strm_profile.c: what the stream's calls cost ---- */
extern bool strm_profiles;      /* calls are counted, or measured */
/* strm_profile_run - as `run`, measured; false: the stream is gone. */
bool strm_profile_run(struct strm *, bool (*run)(struct strm *));

/* ---- strm_pick.c ---- */
enum strm_step step_acquire(struct strm *);
enum strm_step step_queue(struct strm *);
enum strm_step step_connect(struct strm *);
enum strm_step step_backoff(struct strm *);
/* strm_client_left - the client closed, and option abortonclose (or a reset)
 * says that this ends the stream. */
bool strm_client_left(const struct strm *);
/* strm_slot_begin - who is called for the slot that is about to be taken. */
void strm_slot_begin(struct strm *);
/* strm_kill_slot - its server left, or was told to end its sessions. */
void strm_kill_slot(struct srv_slot *, enum why);
/* strm_retry - the connection failed with `why`: try again if allowed. */
enum strm_step strm_retry(struct strm *, enum why);

/* strm_may_again - after this the request may be sent once more (retry-on), if
 * it was kept. strm_again - have that done. */
bool strm_may_again(const struct strm *, uint32_t what);
enum strm_step strm_again(struct strm *, enum why);

/* ---- strm_fwd.c ---- */
enum strm_step step_exchange(struct strm *);
/* strm_pump - move payload from one end to the other: WHY_OK it is all over
 * there; WHY_AGAIN; WHY_CLI_*, WHY_SRV_* who broke it. */
enum why strm_pump(struct strm *, struct mux_end *from, struct mux_end *to);
/* strm_deadlines - arm both ends by what is awaited from them. */
void strm_deadlines(struct strm *);
bool strm_overdue(struct strm *, struct mux_end *);

/* ---- strm_resp.c ---- */
/* strm_response - take the response head, if it is there, and send it on:
 * STEP_GO when payload may follow. */
enum strm_step strm_response(struct strm *);

/* strm_has_closed - rules of mode tcp wait for bytes that cannot come: that end
 * has closed its side, which nobody saw as nobody read. Then they are told so,
 * and are to run once more. */
bool strm_has_closed(struct strm *, struct mux_end *);

/* ---- strm_inspect.c ---- */
/* strm_inspect_begin - the exchange begins: run the rules, or, if they may
 * wait, note that they are due. */
enum strm_step strm_inspect_begin(struct strm *);
/* strm_inspect - run them, once; STEP_GO: the response may go on. */
enum strm_step strm_inspect(struct strm *);

/* ---- strm_after.c ---- */
/* strm_after - the reply after the http-after-response rules; the same one
 * when there are none. */
const struct http_reply *strm_after(struct strm *, const struct http_reply *);

/* ---- strm_pipe.c ---- */
/* strm_splice - as strm_pump for what needs no look; WHY_INTERNAL: not for
 * this one, copy; WHY_OK: `most` bytes went. */
enum why strm_splice(struct strm *, struct mux_end *from, struct mux_end *to,
    uint64_t most);
void strm_pipe_close(struct strm_pipe *);
/* strm_pipe_adopt - one that came from another process. strm_pipe_disown -
 * its descriptors are the caller's again. */
void strm_pipe_adopt(struct strm_pipe *, int rd, int wr, uint32_t held);
void strm_pipe_disown(struct strm_pipe *);
static inline struct strm_pipe *
strm_pipe_of(struct strm *s, const struct mux_end *from)
{
	return (from->client ? &s->up : &s->down);
}

/* ---- strm_end.c ---- */

/* strm_fail - something ended the stream: answer the client if it still can
 * be answered, log, free. Always STEP_GONE. */
enum strm_step strm_fail(struct strm *, enum why);
/* strm_reply - answer by ourselves, log, free. Always STEP_GONE. */
enum strm_step strm_reply(struct strm *, const struct http_reply *, enum why);
/* strm_finish - both messages went whole. Always STEP_GONE. */
enum strm_step strm_finish(struct strm *);
/* strm_note_use - how much of everything is in use now: for its log line, and
 * for formats of rules. */
void strm_note_use(struct strm *);
/* strm_known - all that is not late is known of the stream, which will end with
 * `why` as far as we can say: its line may be written, instead of at its end. */
void strm_log_early(struct strm *, enum why why);
static inline void
strm_known(struct strm *s, enum why why)
{
	if (__builtin_expect(s->txn.fe->log_early, 0))
		strm_log_early(s, why);
}
/* strm_hint - send the client a response 103 with this header. */
void strm_hint(struct strm *, struct span name, struct span value);
/* strm_continue - send the client a response 100. */
void strm_continue(struct strm *);

/* strm_drop - close without an answer (reject). Always STEP_GONE. */
enum strm_step strm_drop(struct strm *, enum why);
/* strm_forget - close without the client noticing. Always STEP_GONE. */
enum strm_step strm_forget(struct strm *, enum why, unsigned ttl);
/* strm_hang_up - close without an answer, politely. Always STEP_GONE. */
enum strm_step strm_hang_up(struct strm *, enum why);
/* strm_count_bytes - what moved since the last time, into the counters. */
void strm_count_bytes(struct strm *);
/* strm_count_status - a response with this status begins. */
void strm_count_status(struct strm *, unsigned status);

/* ---- strm_serve.c ---- */
/* strm_serve - as strm_reply, for a reply whose body is its own. */
enum strm_step strm_serve(struct strm *, const struct http_reply *,
    enum why);
enum strm_step step_serve(struct strm *);
/* strm_served - all of it went. Always STEP_GONE. */
enum strm_step strm_served(struct strm *, enum why why);

/* ---- strm_cookie.c ---- */
/* strm_persist - which server the request's cookie or a use-server rule asks
 * for, into s->want; the request loses what is not for servers. False: no
 * memory. */
bool strm_persist(struct strm *);
/* strm_even_down - option persist or force-persist: a server that is wanted is
 * taken also when it is down. */
bool strm_even_down(struct strm *);
/* strm_persist_lost - the server it asked for failed: another one. */
void strm_persist_lost(struct strm *);
/* strm_cookie_set - the response's part; false: no memory. */
bool strm_cookie_set(struct strm *);
/* strm_redir - the reply for a server that only redirects, or NULL. */
const struct http_reply *strm_redir(struct strm *);

/* ---- strm_rdp.c ---- */
/* strm_rdp_persist - the server that the RDP cookie names, into s->want. */
void strm_rdp_persist(struct strm *, const struct expr *cookie);

/* ---- strm_kw.c ---- */
/* strm_forwarded - option forwardfor, originalto, forwarded: add addresses. */
bool strm_forwarded(struct strm *);

/* ---- strm_rfc7239.c ---- */
struct strm_rfc7239;
/* strm_rfc7239 - add the header Forwarded. False: it does not fit. */
bool strm_rfc7239(struct strm *, const struct strm_rfc7239 *);

/* ---- strm_names.c; for requests that still have their head ---- */
struct strm_cfg;
/* strm_names_ok - the proxy's policy for odd header names; false: refuse. */
bool strm_names_ok(struct strm *, const struct strm_cfg *);
/* strm_send_name - add the name of the server; false: it does not fit. */
bool strm_send_name(struct strm *, const struct strm_cfg *);

/* ---- strm_checkcache.c ---- */
/* strm_cookie_leaks - caches may keep a cookie of the response; it is said in
 * the log. */
bool strm_cookie_leaks(struct strm *);

/* strm_rounds - how many reads in a row this one gets before others have
 * their turn, `usual` without "set-nice": down to 1, up to four times that. */
static inline int
strm_rounds(const struct strm *s, int usual)
{
	int64_t nice = s->txn.nice;

	if (__builtin_expect(nice == 0, 1))
		return (usual);
	nice = nice < -1024 ? -1024 : nice > 1024 ? 1024 : nice;
	return (nice < 0 ? usual + (int)(-nice * 3 * usual / 1024) :
	    usual - (int)(nice * (usual - 1) / 1024));
}

/* strm_note_independent - option independent-streams: whether it counts. */
static inline void
strm_note_independent(struct strm *s)
{
	s->indep = ((s->txn.fe->opt | s->txn.be->opt) >>
	    PX_OPT_INDEPENDENT_STREAMS & 1) != 0;
	if (__builtin_expect(s->indep, 0))
		s->cli_read_ms = s->srv_read_ms = the_loop->now_ms;
}

/* strm_moved - payload of that side went to the other. */
static inline void
strm_moved(struct strm *s, bool of_client)
{
	s->cli_seen_ms = s->srv_seen_ms = the_loop->now_ms;
	if (__builtin_expect(s->indep, 0))
		*(of_client ? &s->cli_read_ms : &s->srv_read_ms) =
		    the_loop->now_ms;
}

/* strm_watch - the client's leaving matters from now on. */
static inline void
strm_watch(struct strm *s)
{
	if (s->cli->ops->watch != NULL)
		s->cli->ops->watch(s->cli);
}

/* strm_li - counters of the socket the client came through, or NULL. */
static inline struct cnt_li *
strm_li(const struct strm *s)
{
	return (s->txn.listen == NULL || s->txn.listen->cnt == 0 ? NULL :
	    CNT_LI(s->txn.listen->cnt));
}

/* strm_marks - its packets to the server differ from those of others. */
static inline bool
strm_marks(const struct strm *s)
{
	return (__builtin_expect(s->txn.bc.set != 0, 0));
}

/* strm_is_short - `err` of a connection that could not begin says that this
 * machine lacks something; the operator is told (strm_short.c). */
bool strm_is_short(const struct strm *, int err);

/* strm_observe - for servers whose traffic counts as checks. */
static inline void
strm_observe(const struct strm *s, enum srv_seen seen)
{
	if (s->slot.srv != NULL)
		srv_observe(s->slot.srv, seen);
}

static inline bool
is_http(const struct strm *s)
{
	return (s->txn.is_http);
}
#endif
