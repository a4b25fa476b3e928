/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_sink - which targets get a line, and what goes before its text.
 */
#include "log_int.h"

#include <string.h>
#include <sys/uio.h>

#include <base/clock.h>
#include <base/num.h>
#include <expr/regex.h>

int log_pid_shown;

void
log_start(int pid)
{
	log_pid_shown = pid;
	smp_regex_gave_up = log_regex;
	log_send_open();
}

/* ---- what goes before the text ---- */

struct head_buf {
	char p[512];
	size_t n;
};

static void
add(struct head_buf *b, const char *p, size_t n)
{
	if (n > sizeof b->p - b->n)
		n = sizeof b->p - b->n;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void
addz(struct head_buf *b, const char *z)
{
	add(b, z, strlen(z));
}

static void
add_number(struct head_buf *b, uint64_t v)
{
	char digits[24];

	add(b, digits, num_put(digits, v));
}

static void
add_priority(struct head_buf *b, unsigned priority)
{
	addz(b, "<");
	add_number(b, priority);
	addz(b, ">");
}

static void
add_iso(struct head_buf *b, int64_t wall_us)
{
	const struct log_date *d = log_date(wall_us / 1000000, false);
	int64_t us = wall_us % 1000000;
	char f[8] = ".";

	for (int i = 6; i > 0; i--, us /= 10)
		f[i] = (char)('0' + us % 10);
	addz(b, d->iso);
	add(b, f, 7);
	addz(b, d->iso_zone);
	addz(b, " ");
}

static void
add_3164(struct head_buf *b, const struct log_head *h, const char *host)
{
	addz(b, log_date(clock_wall_us() / 1000000, false)->syslog);
	addz(b, " ");
	if (host != NULL) {
		addz(b, host);
		addz(b, " ");
	}
	addz(b, h->tag);
	addz(b, "[");
	add_number(b, (uint64_t)log_pid_shown);
	addz(b, "]: ");
}

static void
add_5424(struct head_buf *b, const struct log_head *h, const char *host)
{
	addz(b, "1 ");
	add_iso(b, clock_wall_us());
	addz(b, host != NULL ? host : "-");
	addz(b, " ");
	addz(b, h->tag);
	addz(b, " ");
	add_number(b, (uint64_t)log_pid_shown);
	addz(b, " - ");
	if (h->sd.n == 0)
		addz(b, "- ");
}

static unsigned
level_of(const struct log_target *t, const struct log_head *h)
{
	return (h->level < t->min_level ? t->min_level : (unsigned)h->level);
}

static void
build_head(struct head_buf *b, const struct log_target *t,
    const struct log_head *h)
{
	const struct log_global_cfg *g = px_get(&px_model->global.slots,
	    &log_global_slot);
	unsigned level = level_of(t, h);
	unsigned priority = t->facility * 8u + level;
	unsigned format = t->format != LOG_UNSET ? t->format :
	    g->send_host ? LOG_RFC3164 : LOG_LOCAL;

	b->n = 0;
	switch (format) {
	case LOG_LOCAL:
		add_priority(b, priority);
		add_3164(b, h, NULL);
		break;
	case LOG_RFC3164:               /* it has a host name in any case */
		add_priority(b, priority);
		add_3164(b, h, g->host != NULL ? g->host : "localhost");
		break;
	case LOG_RFC5424:
		add_priority(b, priority);
		add_5424(b, h, g->host);
		break;
	case LOG_PRIORITY:
		add_priority(b, priority);
		break;
	case LOG_SHORT:
		add_priority(b, level);
		break;
	case LOG_TIMED:
		add_priority(b, level);
		add_iso(b, clock_wall_us());
		break;
	case LOG_ISO:
		add_iso(b, clock_wall_us());
		break;
	default:
		break;
	}
}

/*
 * Most heads say the same for a second. Of several targets each keeps its own,
 * unless their numbers meet.
 */
static const struct head_buf *
head_of(const struct log_target *t, const struct log_head *h)
{
	static struct kept {
		const struct log_target *target;
		const char *tag;
		int64_t second;
		int level, pid;
		struct head_buf head;
	} kept[8];
	struct kept *k = &kept[((uintptr_t)t >> 4 ^ (uintptr_t)t >> 8) & 7];
	int64_t second = clock_wall_us() / 1000000;
	bool fits = t->format != LOG_RFC5424 && t->format != LOG_TIMED &&
	    t->format != LOG_ISO;

	if (fits && k->target == t && k->second == second &&
	    k->level == h->level && k->tag == h->tag &&
	    k->pid == log_pid_shown)
		return (&k->head);
	build_head(&k->head, t, h);
	k->target = t;
	k->tag = h->tag;
	k->second = second;
	k->level = h->level;
	k->pid = log_pid_shown;
	return (&k->head);
}

/* ---- lines ---- */

/* The next line of a target that takes only some of them. */
static bool
is_sampled(const struct log_sample *s)
{
	uint32_t no;

	if (s->size == 0)
		return (true);
	no = *s->at % s->size + 1;
	*s->at = no;
	for (unsigned i = 0; i < s->n; i++)
		if (no >= s->range[i].lo && no <= s->range[i].hi)
			return (true);
	return (false);
}

void
log_put_one(const struct log_target *t, const struct log_head *h,
    struct span text)
{
	static char space[] = " ", newline[] = "\n";
	const struct head_buf *head = head_of(t, h);
	struct iovec iov[5];
	size_t left = t->len - 1;
	int n = 0;

#define PIECE(from, len) do {                                                \
	size_t k = (len) < left ? (len) : left;                              \
	if (k != 0)                                                          \
		iov[n++] = (struct iovec){ (char *)(uintptr_t)(from), k };   \
	left -= k;                                                           \
} while (0)
	PIECE(head->p, head->n);
	if (t->format == LOG_RFC5424 && h->sd.n != 0) {
		PIECE(h->sd.p, h->sd.n);
		PIECE(space, (size_t)1);
	}
	PIECE(text.p, text.n);
#undef PIECE
	iov[n++] = (struct iovec){ newline, 1 };
	log_send(t, iov, n);
}

bool
log_takes(const struct log_target *t, int level)
{
	return (level <= t->max_level && is_sampled(&t->sample));
}

void
log_put(const struct log_target *t, const struct log_head *h,
    struct span text)
{
	for (; t != NULL; t = t->next)
		if (log_takes(t, h->level))
			log_put_one(t, h, text);
}
