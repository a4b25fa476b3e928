/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_profile - what the calls of a stream cost, and how long they had to
 * wait for those of others: "profiling.tasks", and the samples that tell it.
 *
 * Source: configuration manual 3.2, 7.3.2.
 */
#include "strm_int.h"

#include <base/clock.h>
#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>
#include <expr/expr.h>

enum strm_profile { PROFILE_OFF, PROFILE_ON, PROFILE_AUTO };

bool strm_profiles;
static enum strm_profile mode;

/* ---- measuring ---- */

#define AUTO_TURNS 1024         /* of the loop, in one look at it */
#define AUTO_ON_US 1000         /* average length of a turn */
#define AUTO_OFF_US 990

/* "auto": only while turns of the loop are long. */
static bool
measures(void)
{
	static uint64_t turns;
	static int64_t busy_us;
	static bool on;
	uint64_t n = the_loop->n_turns - turns;

	if (mode != PROFILE_AUTO)
		return (mode == PROFILE_ON);
	if (n < AUTO_TURNS)
		return (on);
	on = (the_loop->busy_us - busy_us) / (int64_t)n >=
	    (on ? AUTO_OFF_US : AUTO_ON_US);
	turns = the_loop->n_turns;
	busy_us = the_loop->busy_us;
	return (on);
}

/* All events of a turn are due when it begins: who comes later waited. */
bool
strm_profile_run(struct strm *s, bool (*run)(struct strm *))
{
	s->prof.calls++;
	if (measures()) {
		s->prof.begun_ns = clock_mono_ns();
		s->prof.lat_ns += s->prof.begun_ns - the_loop->now_us * 1000;
	}
	if (!run(s))
		return (false);
	if (s->prof.begun_ns != 0)
		s->prof.cpu_ns += clock_mono_ns() - s->prof.begun_ns;
	s->prof.begun_ns = 0;
	return (true);
}

/* ---- the word ---- */

static bool
parse_tasks(struct conf_line *l, void *obj)
{
	(void)obj;
	if (conf_accept(l, "on"))
		mode = PROFILE_ON;
	else if (conf_accept(l, "auto"))
		mode = PROFILE_AUTO;
	else if (conf_accept(l, "off"))
		mode = PROFILE_OFF;
	else
		return (conf_err(l, conf_peek(l), "expected 'auto', 'on' or "
		    "'off'"));
	strm_profiles |= mode != PROFILE_OFF;
	return (conf_end(l));
}

KEYWORD(profiling_tasks) = {
	.name = "profiling.tasks", .in = KW_GLOBAL, .args = "{ auto | on | off }",
	.parse = parse_tasks,
	.doc = "Whether the processor time of each stream is measured, for "
	    "cpu_ns_avg, cpu_ns_tot, lat_ns_avg and lat_ns_tot; 'auto': while "
	    "turns of the event loop take a millisecond or more on average. "
	    "Default: off, which costs nothing.",
	.example = "profiling.tasks on",
};

/* ---- samples ---- */

/* That of the call under way counts, as the log line is written in the last. */
static int64_t
cpu_ns(const struct strm *s)
{
	return (s->prof.begun_ns == 0 ? s->prof.cpu_ns :
	    s->prof.cpu_ns + clock_mono_ns() - s->prof.begun_ns);
}

/* Calls are only counted where somebody asks. */
static bool
count_calls(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	strm_profiles = true;
	return (true);
}

#define PER_CALL(s, v) ((s)->prof.calls == 0 ? 0 : (v) / (s)->prof.calls)
#define COST(ident, value, check_, doc_)                                     \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *out)         \
{                                                                            \
	const struct strm *s = strm_of_txn(t);                               \
                                                                             \
	(void)arg;                                                           \
	if (s == NULL)                                                       \
		return (false);                                              \
	out->num = value;                                                    \
	return (true);                                                       \
}                                                                            \
FETCH(ident) = {                                                             \
	.name = #ident, .args = "", .out = SMP_INT,                          \
	.stages = SMP_ANYWHERE | SMP_AT(CLI), .run = fetch_##ident,      \
	.check = check_, .fresh = true, .doc = doc_,                         \
	.example = "log-format %[" #ident "]",                               \
}
COST(cpu_calls, s->prof.calls, count_calls,
    "How many times the stream was called upon since it began.");
COST(cpu_ns_avg, PER_CALL(s, cpu_ns(s)), NULL,
    "Nanoseconds that the stream took in each call on average; needs "
    "'profiling.tasks'.");
COST(cpu_ns_tot, cpu_ns(s), NULL,
    "Nanoseconds that the stream took in all its calls; needs "
    "'profiling.tasks'.");
COST(lat_ns_avg, PER_CALL(s, s->prof.lat_ns), NULL,
    "Nanoseconds between an event and the call of its stream, on average, "
    "which others took meanwhile; needs 'profiling.tasks'.");
COST(lat_ns_tot, s->prof.lat_ns, NULL,
    "Nanoseconds between events and the calls of their stream, all together; "
    "needs 'profiling.tasks'.");
