/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_INT_H
#define LOG_INT_H
/*
 * log_int - what the files of this room share: targets, settings, sinks.
 */
#include <expr/expr.h>
#include <log/log.h>
#include <px/px.h>

enum log_format { LOG_LOCAL, LOG_RFC3164, LOG_RFC5424, LOG_PRIORITY,
	LOG_SHORT, LOG_TIMED, LOG_ISO, LOG_RAW, LOG_UNSET };

struct log_range {
	uint32_t lo, hi;                /* from 1 */
};

struct log_sample {                     /* "sample 1,3-4:5" */
	struct log_range *range;
	unsigned n;
	uint32_t size;
	uint32_t *at;                   /* lines of this round so far */
};

/* "log-profile": what targets that name it get instead of the proxy's. */
struct log_profile_on {
	bool given, drop;
	const char *tag;                /* or NULL, as the others */
	struct logfmt *format, *sd;
};
struct log_profile {
	struct log_profile *next;
	const char *name, *tag;
	struct log_profile_on on[LOG_EVENT_N];
};

struct log_target {
	struct log_target *next;
	const char *profile_name;       /* or NULL */
	const struct log_profile *profile;
	struct diag_pos pos;
	struct addr_spec addr;
	uint8_t format;                 /* enum log_format */
	uint8_t facility;               /* 0..23 */
	uint8_t max_level, min_level;   /* more serious is less */
	uint32_t len;                   /* bytes of a line, LF included */
	struct log_sample sample;
	const char *text;
};

enum log_std { LOG_STD_NONE, LOG_STD_TCP, LOG_STD_HTTP, LOG_STD_CLF,
	LOG_STD_HTTPS, LOG_STD_OWN };

struct log_cfg {                        /* slot of a proxy */
	struct log_target *targets;
	bool global;                    /* and those of the global section */
	bool profiled;                  /* a target of either has a profile */
	bool wanted;                    /* there are a target and a format, so
	                                 * that streams have a line */
	uint8_t steps;                  /* bit per step at which a line is
	                                 * written; 0: "close" */
	uint8_t std;                    /* enum log_std */
	const char *tag;
	/* texts until the end of the configuration, then formats */
	struct logfmt *format, *sd, *error, *uniq;
	struct span uniq_header;
	struct diag_pos pos;            /* of the format */
	uint32_t *counter;              /* %lc */
};

struct log_global_cfg {                 /* slot of the global section */
	struct log_target *targets;
	const char *tag;
	bool send_host;
	const char *host;
};

PX_SLOT_DECLARE(log_slot);
PX_SLOT_DECLARE(log_global_slot);

/* What goes before the text of a line. */
struct log_head {
	int level;
	const char *tag;
	struct span sd;                 /* structured data, or p NULL */
};

/* log_pid_shown - as given to log_start(). */
extern int log_pid_shown;

/* log_put - one line to each of the targets; `text` has `spare` writable
 * bytes behind it. */
void log_put(const struct log_target *, const struct log_head *,
    struct span text);

/* log_put_one - the same to one of them, if its levels and its sample take
 * it. */
bool log_takes(const struct log_target *, int level);
void log_put_one(const struct log_target *, const struct log_head *,
    struct span text);

/* log_send - a line in pieces, at the end of this turn; log_send_open - its
 * sockets; log_flush - what is kept goes now: log_send.c */
struct iovec;
void log_send(const struct log_target *, struct iovec *piece, int n);
void log_send_open(void);
void log_flush(void);

/* log_conn_text - the line of a connection that never became a stream, where no
 * format says another. */
size_t log_conn_text(struct txn *, char *dst, size_t size);

/* log_emit - a line to all targets of a frontend, by their profiles (or by
 * `profile` when that is not NULL): log_profile.c */
void log_emit(const struct log_cfg *, struct txn *, enum log_event, int level,
    const char *tag, const struct log_profile *profile);
/* log_profiles_bind - name to profile, for a list of targets. */
bool log_profiles_bind(struct conf *, struct log_target *, bool *any);
/* log_profiles_late - a line of theirs has to wait for the end of a stream. */
bool log_profiles_late(const struct log_target *);
static inline bool
log_is_late(const struct logfmt *f)
{
	return (f != NULL && logfmt_is_late(f));
}

/* log_date_clf - "23/Nov/2026:15:38:26" of a wall time in seconds, local or
 * GMT, 20 bytes; zone: " +0000", 6 bytes. From a cache of the last second. */
struct log_date {
	int64_t s;
	char text[21];
	char zone[8];                   /* " +0100" */
	char iso_zone[8];               /* "+01:00" */
	char iso[20];                   /* "2026-11-23T15:38:26" */
	char syslog[16];                /* "Nov 23 15:38:26" */
};
const struct log_date *log_date(int64_t wall_s, bool gmt);

/* log_regex - what smp_regex_gave_up (expr/regex.h) points to. */
void log_regex(const struct diag_pos *, struct span text, size_t bytes,
    unsigned times);

/* log_make_id - fill t->uniq_id; what txn_make_id points to. */
void log_make_id(struct txn *);

const char *log_hostname(void);
uint32_t log_line_no(const struct txn *);
#endif
