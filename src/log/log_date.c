/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_date - dates as log lines show them; a second is formatted once.
 */
#include "log_int.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void
fill(struct log_date *d, int64_t s, bool gmt)
{
	static const char *const month[] = { "Jan", "Feb", "Mar", "Apr",
	    "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t when = (time_t)s;
	char text[64];
	struct tm tm;
	long off;
	char sign;
	unsigned h, m;

	if (gmt)
		gmtime_r(&when, &tm);
	else
		localtime_r(&when, &tm);
	off = gmt ? 0 : tm.tm_gmtoff / 60;
	sign = off < 0 ? '-' : '+';
	h = (unsigned)(off < 0 ? -off : off) / 60 % 100;
	m = (unsigned)(off < 0 ? -off : off) % 60;
	snprintf(text, sizeof text, "%02d/%s/%04d:%02d:%02d:%02d", tm.tm_mday,
	    month[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	span_copy(d->text, sizeof d->text, span_str(text));
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d",
	    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	span_copy(d->iso, sizeof d->iso, span_str(text));
	snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", month[tm.tm_mon],
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	span_copy(d->syslog, sizeof d->syslog, span_str(text));
	snprintf(d->zone, sizeof d->zone, " %c%02u%02u", sign, h, m);
	snprintf(d->iso_zone, sizeof d->iso_zone, "%c%02u:%02u", sign, h, m);
	d->s = s;
}

const struct log_date *
log_date(int64_t s, bool gmt)
{
	/* streams that began at different times take turns */
	static struct log_date kept[2][16];
	struct log_date *d = &kept[gmt][s & 15];

	if (d->s != s || d->text[0] == '\0')
		fill(d, s, gmt);
	return (d);
}

const char *
log_hostname(void)
{
	static char host[256];

	if (host[0] == '\0' && gethostname(host, sizeof host - 1) != 0)
		return ("-");
	return (host);
}
