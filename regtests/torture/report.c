/* SPDX-License-Identifier: Apache-2.0 */
/* What is told to the driver, one JSON object a line: events as they happen,
 * the first faults in detail, and all counts when asked. */
#include "torture.h"

#define WINDOW_US 1000000       /* what happens so long after a signal */
#define MARGIN_US 20000         /* and after the old generation has left */
#define LONG_PAUSE_US 2000      /* told, to see when it was */
#define FAULTS_TOLD 60          /* in detail, of each crowd */

static struct hist latency[2];  /* of requests: calm, after a signal */
static struct hist pause_seen[2];       /* worst of each probe in a window */
static struct hist wait_seen[2];        /* of any message of a probe in one */
static struct hist late[2];     /* and the worst of our own timers */
static int64_t late_us;
static int64_t window_end, killed_at, kill_end, served_us, kill_worst_us;
static int64_t mark_at, seen_at;
static int newest, in_reload;

static double
seconds(int64_t us)
{
	return ((double)us / 1e6);
}

void
report_event(const char *name)
{
	printf("{\"event\":\"%s\",\"t\":%.6f}\n", name, seconds(now));
}

void
report_fault(struct conn *c, const char *what, const char *why)
{
	if (c->crowd->faults++ >= FAULTS_TOLD)
		return;
	printf("{\"event\":\"fault\",\"t\":%.6f,\"what\":\"%s\","
	    "\"crowd\":\"%s\",\"index\":%d,\"port\":%u,\"why\":\"%s\",",
	    seconds(now), what, c->crowd->kind->name, c->index, c->port, why);
	printf("\"status\":%d,\"sent\":%llu,\"got\":%llu,\"age\":%.6f,"
	    "\"after_signal\":%.6f,\"version\":%d}\n", c->in.status,
	    (unsigned long long)c->made, (unsigned long long)c->got,
	    seconds(now - c->t0), seconds(now - mark_at), c->in.version);
}

void
report_latency(struct conn *c, int64_t us)
{
	if (killed_at > 0 && now >= killed_at && !c->doomed) {
		if (served_us < 0)
			served_us = now - killed_at;
		if (c->t0 >= killed_at && us > kill_worst_us &&
		    c->crowd->rate > 0)
			kill_worst_us = us;
	}
	if (c->crowd->rate > 0)
		hist_add(&latency[now < window_end && in_reload], us);
}

void
report_round_trip(struct conn *c, int64_t us)
{
	if (!c->crowd->kind->probe)
		return;
	if (us > c->worst_us) {
		c->worst_us = us;
		c->worst_at = now;
	}
	if (window_end == 0)
		return;
	/* While one waits, no other is sent: those count that would have been. */
	hist_add(&wait_seen[in_reload], us);
	while ((us -= c->crowd->every_us) > 0)
		hist_add(&wait_seen[in_reload], us);
}

/* A timer ran later than it should: these clients did not get their share of
 * the machine, or had too much to do, and the proxy is not to blame. */
void
report_late(int64_t us)
{
	if (us > late_us)
		late_us = us;
}

/* An answer that carries the number of the configuration it came through. */
void
report_version(struct conn *c, int version, int64_t t0)
{
	if (version > newest) {
		newest = version;
		seen_at = now;
		printf("{\"event\":\"seen\",\"t\":%.6f,\"version\":%d}\n",
		    seconds(now), version);
	} else if (version > 0 && version < newest &&
	    t0 > seen_at + WINDOW_US) {
		c->crowd->stale++;
	}
}

static void
close_probe(struct conn *c)
{
	int64_t us = c->worst_us;

	if (!c->crowd->kind->probe || c->phase != TUNNEL)
		return;
	if (c->got != c->made && now - c->t0 > us)
		us = now - c->t0;
	hist_add(&pause_seen[in_reload], us);
	c->worst_us = 0;
	if (in_reload && us > LONG_PAUSE_US)
		printf("{\"event\":\"pause\",\"crowd\":\"%s\",\"index\":%d,"
		    "\"ms\":%.3f,\"after_signal_ms\":%.3f}\n",
		    c->crowd->kind->name, c->index, (double)us / 1e3,
		    (double)(c->worst_at - mark_at) / 1e3);
}

static void
forget_probe(struct conn *c)
{
	c->worst_us = 0;
}

static void
close_window(void)
{
	if (window_end == 0)
		return;
	window_end = 0;
	crowd_each(close_probe);
	hist_add(&late[in_reload], late_us);
	in_reload = 0;
}

void
report_mark(int version)
{
	close_window();
	crowd_each(forget_probe);
	late_us = 0;
	in_reload = version > 0;
	mark_at = now;
	window_end = now + WINDOW_US;
}

/* The change is over: what a connection has to wait for from here on is not
 * its doing. A round trip that began before it still counts. */
void
report_over(void)
{
	if (window_end > now + MARGIN_US)
		window_end = now + MARGIN_US;
}

void
report_killed(int64_t at)
{
	killed_at = at;
	kill_end = at + WINDOW_US;
	served_us = -1;
	kill_worst_us = 0;
}

void
report_window(void)
{
	if (window_end > 0 && now >= window_end)
		close_window();
	if (killed_at > 0 && now >= kill_end &&
	    (served_us >= 0 || now >= kill_end + 10 * WINDOW_US)) {
		printf("{\"event\":\"killed\",\"t\":%.6f,\"served_ms\":%.3f,"
		    "\"worst_ms\":%.3f}\n", seconds(killed_at),
		    (double)served_us / 1e3, (double)kill_worst_us / 1e3);
		killed_at = 0;
	}
}

static void
print_hist(const char *name, const struct hist *h)
{
	printf("\"%s\":{\"n\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	    "\"worst_ms\":%.3f},", name, (unsigned long long)h->n,
	    h->n ? (double)hist_q(h, .5) / 1e3 : 0,
	    h->n ? (double)hist_q(h, .99) / 1e3 : 0, (double)h->max / 1e3);
}

static void
print_crowd(const struct crowd *w)
{
	printf("\"%s\":{\"connections\":%d,\"opened\":%ld,\"begun\":%ld,"
	    "\"sent\":%ld,\"done\":%ld,\"lost\":%ld,\"closed\":%ld,"
	    "\"told\":%ld,\"cut\":%ld,\"wrong\":%ld,\"broken\":%ld,",
	    w->kind->name, w->n, w->opened, w->begun, w->sent, w->done,
	    w->lost, w->closed, w->told, w->cut, w->wrong, w->broken);
	printf("\"stale\":%ld,\"frames\":%ld,\"bytes_up\":%llu,"
	    "\"bytes_down\":%llu,\"tcp\":%s}", w->stale, w->frames,
	    (unsigned long long)w->bytes_up, (unsigned long long)w->bytes_down,
	    w->kind->tcp ? "true" : "false");
}

void
report_counts(const char *name)
{
	int i;

	printf("{\"event\":\"%s\",\"t\":%.6f,", name, seconds(now));
	print_hist("latency_calm", &latency[0]);
	print_hist("latency_reload", &latency[1]);
	print_hist("pause_calm", &pause_seen[0]);
	print_hist("pause_reload", &pause_seen[1]);
	print_hist("wait_calm", &wait_seen[0]);
	print_hist("wait_reload", &wait_seen[1]);
	print_hist("late_calm", &late[0]);
	print_hist("late_reload", &late[1]);
	printf("\"unfinished\":%d,\"crowds\":{", stopping ? crowd_left() : 0);
	for (i = 0; i < n_crowds; i++) {
		if (i > 0)
			putchar(',');
		print_crowd(&crowds[i]);
	}
	printf("}}\n");
}
