/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_say - lines of the log, and what is wrong: once, and once when it is over.
 */
#include "ing_run_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/clock.h>
#include <base/must.h>

void
ing_say(const char *fmt, ...)
{
	int64_t us = clock_wall_us();
	time_t s = us / 1000000;
	char now[32];
	struct text t;
	struct tm tm;
	va_list ap;

	gmtime_r(&s, &tm);
	text_init(&t);
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03dZ ecluse-ingress: %s\n", now,
	    (int)(us / 1000 % 1000), t.p);
	text_fini(&t);
}

void
ing_trouble_say(struct ing_trouble *t, const char *what)
{
	if (t->said != NULL && strcmp(t->said, what) == 0)
		return;
	ing_say("%s", what);
	free(t->said);
	t->said = must_strdup(what);
}

void
ing_trouble_reply(struct ing_trouble *t, const char *doing,
    const struct kube_reply *r)
{
	struct text what;

	text_init(&what);
	text_printf(&what, "%s: ", doing);
	kube_reply_why(r, &what);
	ing_trouble_say(t, what.p);
	text_fini(&what);
}

void
ing_trouble_over(struct ing_trouble *t, const char *what)
{
	if (t->said != NULL)
		ing_say("%s", what);
	ing_trouble_fini(t);
}

void
ing_trouble_fini(struct ing_trouble *t)
{
	free(t->said);
	t->said = NULL;
}
