/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNS_INT_H
#define DNS_DNS_INT_H
/*
 * What the files of this room share.
 *
 * From below: a question to one name server (dns_ask.c), its answer read
 * (dns_answer.c), a look-up that asks all of a section and repeats itself
 * (dns_look.c); on top of it names with addresses (dns_name.c), labels with
 * SRV records (dns_label.c), and servers which have one or the other
 * (dns_part.c).
 */
#include <base/list.h>
#include <dns/dns.h>
#include <os/loop.h>
#include <px/px.h>

#define DNS_HOST 256            /* bytes of a name with its NUL */

/* What a look-up came to; each has its "hold". */
enum dns_status { DNS_VALID, DNS_NX, DNS_TIMEOUT, DNS_REFUSED, DNS_OTHER,
	DNS_OBSOLETE, DNS_STATUS_N };

/* Types of records: RFC 1035 3.2.2, RFC 3596, RFC 2782. */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

/* ---- settings ---- */

/* What came from a name server, and its title in "show resolvers". */
#define DNS_COUNTS(C)                                                        \
	C(SENT, "sent", "sent")                                              \
	C(SEND_ERROR, "send_error", "snd_error")                             \
	C(VALID, "valid", "valid")                                           \
	C(UPDATE, "update", "update")                                        \
	C(CNAME, "cname", "cname")                                           \
	C(CNAME_ERROR, "cname_error", "cname_error")                         \
	C(ANY_ERR, "any_err", "any_err")                                     \
	C(NX, "nx", "nx")                                                    \
	C(TIMEOUT, "timeout", "timeout")                                     \
	C(REFUSED, "refused", "refused")                                     \
	C(OTHER, "other", "other")                                           \
	C(INVALID, "invalid", "invalid")                                     \
	C(TOO_BIG, "too_big", "too_big")                                     \
	C(TRUNCATED, "truncated", "truncated")                               \
	C(OUTDATED, "outdated", "outdated")
enum dns_count {
#define COUNT(name, word, title) DNS_COUNT_##name,
	DNS_COUNTS(COUNT)
#undef COUNT
	DNS_COUNT_N
};

struct dns_ns_shm {                     /* SHM_DNS_NS; agents write */
	_Atomic uint64_t n[DNS_COUNT_N];
	uint8_t spare[8];
};
_Static_assert(sizeof(struct dns_ns_shm) == 128, "see shm/layout.def");

struct ares_channeldata;

struct dns_ns {                         /* a name server */
	struct dns_ns *next;
	const char *name;
	struct addr addr;
	bool tcp;
	int line;                       /* where it was named */
	struct dns_ns_shm *shm;
	/* in the agent, from its first question on: */
	struct ares_channeldata *chan;  /* of c-ares; NULL: not open */
	struct list socks;              /* private to dns_ask.c */
	struct tmr tmr;
	struct loop_task task;
};

struct dns_sect {
	struct dns_sect *next;
	const char *name;
	struct dns_ns *ns;              /* in file order */
	unsigned n_ns;
	uint32_t no;
	int32_t retries, payload;
	int64_t resolve_ms, retry_ms;
	int64_t hold_ms[DNS_STATUS_N];
	struct diag_pos pos;
};

#define DNS_NETS 16

struct dns_srv_cfg {                    /* of a server line */
	const char *resolvers;          /* NULL: not looked up */
	struct diag_pos pos;            /* of that word */
	struct dns_sect *sect;          /* of that name; when all is read */
	bool v4_first, allow_dup, ignore_weight;
	unsigned n_nets;
	struct addr_net net[DNS_NETS];
};
PX_SLOT_DECLARE(dns_srv_slot);

/* Types of addresses that are asked for at all: bits. */
enum dns_family { DNS_V4 = 1, DNS_V6 = 2 };

struct resolve_act;

struct dns_glob {                       /* of the whole configuration */
	struct dns_sect *sects;         /* in file order */
	struct resolve_act *acts;       /* private to dns_act.c */
	unsigned families;              /* bits of enum dns_family */
};
PX_SLOT_DECLARE(dns_glob_slot);

static inline const struct dns_glob *
dns_glob(void)
{
	return (px_get(&px_model->global.slots, &dns_glob_slot));
}

static inline struct dns_glob *
dns_glob_edit(void)
{
	return (px_edit(&px_model->global.slots, &dns_glob_slot));
}

#define DNS_EACH_SECT(s)                                                     \
	for (struct dns_sect *s = dns_glob()->sects; s != NULL; s = s->next)

struct dns_sect *dns_sect_find(const char *name);

/* ---- dns_answer.c: what a message says ---- */

struct dns_rec {
	struct addr ip;                 /* A, AAAA; of an SRV record's target,
	                                 * when the message has it, else
	                                 * ADDR_NONE */
	uint16_t priority, weight, port;        /* SRV */
	char *target;                   /* SRV: lower case, without the last
	                                 * dot; owned */
};

struct dns_answer {
	struct dns_rec *rec;
	unsigned n;
	bool cname;                     /* the name is another one's alias */
};

/*
 * dns_answer_read - the records of type `type` in the answer to a question,
 * under its name or what that is an alias of; with SRV records the addresses
 * of their targets as far as they are in the message.
 *
 * Returns false when the message is malformed; `a` is then empty. No records
 * at all are an answer as well.
 * Source: RFC 1035 4.1; RFC 2782.
 */
bool dns_answer_read(const unsigned char *p, size_t n, enum dns_type type,
    struct dns_answer *a);
void dns_answer_fini(struct dns_answer *);

/* dns_host_fits - could be the name of a host or a service: its characters,
 * the length of its parts. */
bool dns_host_fits(struct span);

/* ---- dns_ask.c: a question to one name server ---- */

/* What it answered; `a` has records when DNS_VALID, and is the caller's. */
typedef void dns_told_fn(void *arg, struct dns_ns *, enum dns_status,
    const struct dns_answer *a);

/* dns_ask - `told` is called once, perhaps before the return. */
void dns_ask(const struct dns_sect *, struct dns_ns *, const char *host,
    enum dns_type, dns_told_fn *told, void *arg);
void dns_count(struct dns_ns *, enum dns_count);

/* ---- dns_look.c: a look-up ---- */

struct dns_look {
	const struct dns_sect *sect;
	const char *host;               /* lives as long as this */
	bool srv;                       /* SRV records; else addresses */
	bool v6_first;
	/* it ended; by NULL unless DNS_VALID. Not called after dns_look_stop */
	void (*done)(struct dns_look *, enum dns_status, struct dns_ns *by,
	    const struct dns_answer *);
	struct dns_round *round;        /* asking; NULL: it rests */
	struct tmr tmr;                 /* when to ask again */
	uint8_t type;                   /* enum dns_type asked for now */
	bool other_type;                /* the second choice */
	int tries;
	int64_t asked_ms;
	enum dns_status status;         /* of the last answer */
};
void dns_look_init(struct dns_look *);
void dns_look_start(struct dns_look *); /* nothing while it is asking */
void dns_look_stop(struct dns_look *);
bool dns_look_is_on(const struct dns_look *);

/* dns_status_text - why a server is in maintenance. */
const char *dns_status_text(enum dns_status);

/* ---- servers ---- */

struct dns_name;
struct dns_label;

struct dns_srv_shm {                    /* SHM_DNS_SRV; the agent writes */
	char fqdn[DNS_HOST];            /* "": none */
	uint64_t cfg_host;              /* hash of the configured name, 0: new */
	uint8_t spare[56];
};
_Static_assert(sizeof(struct dns_srv_shm) == 320, "see shm/layout.def");

struct dns_srv {                        /* a server that is looked up */
	struct srv *srv;
	const struct dns_srv_cfg *cfg;
	struct dns_srv_shm *shm;
	struct list node;               /* in the name's list */
	struct dns_name *name;          /* NULL: none now */
	struct dns_label *label;        /* NULL: it has no SRV records */
	bool taken;                     /* by a record of the label */
	uint32_t version;               /* of the name's addresses it has seen;
	                                 * 0: none */
	uint32_t pass;                  /* private to dns_name.c */
};

/* dns_srv_rename - another name from now on, "" for none. */
void dns_srv_rename(struct dns_srv *, const char *host, const char *by);

/* ---- dns_name.c ---- */

/* dns_name_join - have the address of a server follow a name; it leaves the
 * one it had. NULL: only leave. */
void dns_name_join(struct dns_srv *, const char *host);

/* dns_name_hurry - look it up now, as its address seems to be wrong; not more
 * often than "hold valid". */
void dns_name_hurry(struct dns_name *);

/* dns_name_gates - the servers of this generation are ours to change. */
void dns_name_gates(bool open);

/* dns_name_ask - an address for `host`, known or looked up now; `told` is
 * called once, perhaps before the return, with NULL when there is none. */
typedef void dns_found_fn(void *arg, const struct addr *);
void dns_name_ask(const struct dns_sect *, const char *host, bool v6_first,
    dns_found_fn *told, void *arg);

/* ---- dns_label.c ---- */
void dns_label_join(struct dns_srv *);
void dns_label_gates(bool open);
#endif
