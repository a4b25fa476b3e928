/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_time - times in numbers and in words.
 *
 * Source: configuration manual 7.3.1; RFC 9110 section 5.6.7.
 */
#include "conv_int.h"

#include <time.h>

#include <base/clock.h>

#define TIME_TEXT 512           /* a formatted time is no longer */

/* `v` units since 1970, of `per_s`: whole seconds, and what is left in ns. */
static int64_t
seconds(int64_t v, int64_t per_s, int64_t *ns)
{
	int64_t s = v / per_s, rest = v % per_s;

	if (rest < 0) {
		s--;
		rest += per_s;
	}
	*ns = rest * (1000000000 / per_s);
	return (s);
}

static bool
conv_http_date(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const int64_t per_s[] = { 1, 1000, 1000000 };
	char *p = arena_get(t->arena, 32);
	int64_t v, ns;

	if (p == NULL || __builtin_add_overflow(s->num, arg[0].num, &v))
		return (false);
	http_date(seconds(v, per_s[arg[1].num], &ns), p);
	return (conv_give(s, p, 29));
}

/* ---- strftime(3), with %N ---- */

/* The format with %N, %1N to %9N replaced by digits; `fmt` ends with NUL.
 * False when it gets too long. */
static bool
put_ns(const char *fmt, int64_t ns, char *out)
{
	char digit[10];
	size_t n = 0, width, skip;

	for (int i = 8; i >= 0; i--, ns /= 10)
		digit[i] = (char)('0' + ns % 10);
	while (*fmt != '\0') {
		if (n + 12 > TIME_TEXT)
			return (false);
		skip = width = 0;
		if (fmt[0] == '%' && fmt[1] == 'N') {
			skip = 2;
			width = 9;
		} else if (fmt[0] == '%' && fmt[1] >= '1' && fmt[1] <= '9' &&
		    fmt[2] == 'N') {
			skip = 3;
			width = (size_t)(fmt[1] - '0');
		} else if (fmt[0] == '%' && fmt[1] == '%') {
			out[n++] = *fmt++;
			out[n++] = *fmt++;
			continue;
		}
		if (skip == 0)
			out[n++] = *fmt++;
		memcpy(out + n, digit, width);
		n += width;
		fmt += skip;
	}
	out[n] = '\0';
	return (true);
}

static bool
format(struct txn *t, const struct arg *arg, struct smp *s, int64_t per_s,
    bool local)
{
	static char fmt[TIME_TEXT + 1], out[TIME_TEXT];
	const char *f = arg[0].str.p;
	int64_t v, ns;
	time_t when;
	struct tm tm;
	size_t n;

	if (__builtin_add_overflow(s->num, arg[1].num, &v))
		return (false);
	when = (time_t)seconds(v, per_s, &ns);
	if ((local ? localtime_r(&when, &tm) : gmtime_r(&when, &tm)) == NULL)
		return (false);
	if (per_s != 1) {
		if (!put_ns(f, ns, fmt))
			return (false);
		f = fmt;
	}
	n = strftime(out, sizeof out, f, &tm);
	return (conv_give(s, arena_dup(t->arena, span_of(out, n)), n));
}

/* Time zones are read before the process has no files any more. */
static bool
check_local(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	tzset();
	return (true);
}

static bool
check_utc(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	return (true);
}

#define TIME_ROW(ident, per_s, local, check_, ex, res, text)                 \
static bool                                                                  \
conv_##ident(struct txn *t, const struct arg *arg, struct smp *s)            \
{                                                                            \
	return (format(t, arg, s, per_s, local));                            \
}                                                                            \
CONV_ROW(ident, #ident, "str format, int offset=0", SMP_INT, SMP_STR,        \
    conv_##ident, ex, res, text, .check = check_)

TIME_ROW(ltime, 1, true, check_local, "int(0),ltime(%%)", "%",
    "Seconds since 1970, and <offset> more, as a local time in a format of "
    "strftime(3).");
TIME_ROW(ms_ltime, 1000, true, check_local, "int(1042),ms_ltime(%3N)", "042",
    "As ltime(), from milliseconds. In all formats of milliseconds and "
    "microseconds %N is the fraction in nanoseconds, and %1N to %9N that "
    "many digits of it.");
TIME_ROW(us_ltime, 1000000, true, check_local,
    "int(1000042),us_ltime(%6N)", "000042",
    "As ms_ltime(), from microseconds.");
TIME_ROW(utime, 1, false, check_utc, "int(784111777),utime(%Y-%m-%d %T)",
    "1994-11-06 08:49:37", "As ltime(), in UTC.");
TIME_ROW(ms_utime, 1000, false, check_utc,
    "int(784111777042),ms_utime(%T.%3N)", "08:49:37.042",
    "As ms_ltime(), in UTC.");
TIME_ROW(us_utime, 1000000, false, check_utc,
    "int(784111777000042),us_utime(%T.%6N)", "08:49:37.000042",
    "As us_ltime(), in UTC.");

/* ---- dates of HTTP ---- */

static bool
conv_date(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
	    "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y" };
	struct tm tm;
	char text[64];
	const char *end;
	time_t now = (time_t)(clock_wall_us() / 1000000), at;
	bool found = false;

	(void)t;
	(void)arg;
	if (!span_copy(text, sizeof text, span_trim(s->str)) ||
	    strlen(text) != span_trim(s->str).n)
		return (false);
	for (size_t i = 0; i < sizeof forms / sizeof *forms && !found; i++) {
		memset(&tm, 0, sizeof tm);
		end = strptime(text, forms[i], &tm);
		found = end != NULL && *end == '\0';
		/* two digits of a year: not more than 50 years ahead */
		if (found && i == 1 && (at = timegm(&tm)) > now &&
		    (at - now) / 31557600 > 50)
			tm.tm_year -= 100;
	}
	return (found && conv_give_num(s, timegm(&tm)));
}

CONV_ROW(date, "date", "", SMP_STR, SMP_INT, conv_date,
    "str(\"Sun, 06 Nov 1994 08:49:37 GMT\"),date", "784111777",
    "The seconds since 1970 of a date in any of the three forms of HTTP.");
CONV_ROW(http_date, "http_date", "int offset=0, enum(s|ms|us) unit=s",
    SMP_INT, SMP_STR, conv_http_date, "int(0),http_date",
    "Thu, 01 Jan 1970 00:00:00 GMT", "A time in seconds since 1970, or in "
    "<unit>, as a date of HTTP; <offset> is added to it.");
