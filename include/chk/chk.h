/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHK_CHK_H
#define CHK_CHK_H
/*
 * chk - health checks, and every change of a server's state with its log
 * line: what checks find and what people order through the runtime API.
 *
 * All of it runs in the agent, whose writes to shared memory every worker sees
 * at once. A generation takes up the state where the one before left it.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>
#include <srv/srv.h>

/* What the last check found; numbers as in "show servers state". */
#define CHK_STATUSES(S)                                                      \
	S(0,  UNK,     "UNK",     "Unknown")                                 \
	S(1,  INI,     "INI",     "Initializing")                            \
	S(3,  CHECKED, "CHECKED", "No status change")                        \
	S(4,  HANA,    "HANA",    "Health analyze")                          \
	S(5,  SOCKERR, "SOCKERR", "Socket error")                            \
	S(6,  L4OK,    "L4OK",    "Layer4 check passed")                     \
	S(7,  L4TOUT,  "L4TOUT",  "Layer4 timeout")                          \
	S(8,  L4CON,   "L4CON",   "Layer4 connection problem")               \
	S(9,  L6OK,    "L6OK",    "Layer6 check passed")                     \
	S(10, L6TOUT,  "L6TOUT",  "Layer6 timeout")                          \
	S(11, L6RSP,   "L6RSP",   "Layer6 invalid response")                 \
	S(12, L7TOUT,  "L7TOUT",  "Layer7 timeout")                          \
	S(13, L7RSP,   "L7RSP",   "Layer7 invalid response")                 \
	S(15, L7OK,    "L7OK",    "Layer7 check passed")                     \
	S(16, L7OKC,   "L7OKC",   "Layer7 check conditionally passed")       \
	S(17, L7STS,   "L7STS",   "Layer7 wrong status")                     \
	S(18, PROCERR, "PROCERR", "External check error")                    \
	S(19, PROCTOUT, "PROCTOUT", "External check timeout")                \
	S(20, PROCOK,  "PROCOK",  "External check passed")
enum chk_status {
#define STATUS(no, name, word, text) CHK_##name = (no),
	CHK_STATUSES(STATUS)
#undef STATUS
	CHK_STATUS_N = 21
};

/* srv_shm.chk_state and agent_state, srv_shm.chk_result */
enum chk_flag { CHK_RUNNING = 1, CHK_CONFIGURED = 2, CHK_ENABLED = 4,
	CHK_PAUSED = 8, CHK_AGENT = 16 };
enum chk_result { CHK_RES_UNKNOWN = 0, CHK_RES_NEUTRAL = 1, CHK_RES_FAILED = 2,
	CHK_RES_PASSED = 3, CHK_RES_COND = 4 };

/* chk_word, chk_desc - "L7STS", "Layer7 wrong status"; "" for others. */
const char *chk_word(unsigned status);
const char *chk_desc(unsigned status);

/* chk_has - the server's line says "check". chk_rise, chk_fall. */
bool chk_has(const struct srv *);
int chk_rise(const struct srv *);
int chk_fall(const struct srv *);

/* chk_setup - places in shared memory for what checks and agents say; the
 * keeper, once, behind srv_setup(). */
bool chk_setup(const char **err);

/* chk_port, chk_addr - where checks go, when the line says so or people did;
 * else 0, NULL. chk_agent_port, chk_agent_addr - the same of the agent. */
unsigned chk_port(const struct srv *);
const struct addr *chk_addr(const struct srv *);
unsigned chk_agent_port(const struct srv *);
const struct addr *chk_agent_addr(const struct srv *);

/* chk_has_agent - its line says agent-check. chk_agent_now - what the agent
 * said last. */
bool chk_has_agent(const struct srv *);
struct chk_agent_now {
	unsigned status;                /* enum chk_status */
	int health, ms;
	const char *said;               /* "" when nothing */
};
struct chk_agent_now chk_agent_now(const struct srv *);

/* chk_observed_fails - how often errors in its traffic counted as a failed
 * check. */
uint64_t chk_observed_fails(const struct srv *);

/* chk_info - what the last check said in words ("Connection refused"), this
 * agent's; "" when nothing. */
const char *chk_info(const struct srv *);

/* chk_status_text - the status column of "show stat": "UP", "UP 1/3",
 * "DOWN", "DOWN 1/2", "NOLB", "MAINT", "DRAIN", "no check". */
#define CHK_STATUS_TEXT 160
const char *chk_status_text(const struct srv *, char dst[CHK_STATUS_TEXT]);

/* chk_tracked_name - "app/web1", the server that it tracks; "" for none. */
const char *chk_tracked_name(const struct srv *, char dst[CHK_STATUS_TEXT]);

/* chk_down_s - seconds down in total, up to now. */
int64_t chk_down_s(const struct srv *);
int64_t chk_be_down_s(const struct be *);

/* ---- orders of the runtime API ---- */

enum chk_admin { CHK_READY, CHK_DRAIN, CHK_MAINT };

/* chk_set_admin - "set server … state", "enable|disable server" (the latter
 * pass CHK_READY and CHK_MAINT). */
void chk_set_admin(struct srv *, enum chk_admin);

/* chk_set_health - "set server … health"; false: it tracks another server. */
enum chk_health { CHK_UP, CHK_STOPPING, CHK_DOWN };
bool chk_set_health(struct srv *, enum chk_health);

/* chk_enable - "enable|disable health"; false: no checks configured. */
bool chk_enable(struct srv *, bool on);

/* chk_agent_enable - "enable|disable agent"; false: there is none.
 * chk_agent_set_health - "set server … agent up|down"; false: none, or off. */
bool chk_agent_enable(struct srv *, bool on);
bool chk_agent_set_health(struct srv *, bool up);

/* chk_set_check_addr - "set server … check-addr", "agent-addr", "check-port",
 * "agent-port": `to` NULL, `port` 0: stays as it is. False: the server has no
 * such check, or it is off. */
bool chk_set_check_addr(struct srv *, const struct addr *to, unsigned port);
bool chk_agent_set_addr(struct srv *, const struct addr *to, unsigned port);

/* chk_agent_set_send - "set server … agent-send". NULL: done; else the
 * sentence that says why not. */
const char *chk_agent_set_send(struct srv *, struct span);

/* chk_set_weight - "10" or "50%" (of the configured weight). NULL: done; else
 * the sentence that says why not. */
const char *chk_set_weight(struct srv *, struct span);

/* chk_set_maxconn - "set maxconn server"; 0: no limit. */
void chk_set_maxconn(struct srv *, uint32_t max);

/* chk_set_addr - as `set server … addr`: `port` 0 keeps the port. The answer
 * in words is put into `text`. */
struct text;
void chk_set_addr(struct srv *, const struct addr *, unsigned port,
    struct text *);

/*
 * chk_resolved - the look-up of its name says that the server is at `ip`
 * (port 0: the port it has), `by` says who said so, `name` is looked up. It
 * comes back when it was in maintenance for want of an address.
 * chk_unresolved - it has none any more: in maintenance, as `why` says.
 */
enum chk_came { CHK_MOVED = 1, CHK_CAME_BACK = 2 };
unsigned chk_resolved(struct srv *, const struct addr *ip, const char *by,
    struct span name);
void chk_unresolved(struct srv *, const char *why);

/* chk_timed_out - a check could not connect in time: the server may have moved.
 * Set by who knows names; or NULL. */
extern void (*chk_timed_out)(struct srv *);

/* chk_kill_sessions - "shutdown sessions server": in all workers. */
void chk_kill_sessions(struct srv *);
#endif
