/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_date - IMF-fixdate without locale and without time zones.
 */
#include <http/http.h>

static char *
put2(char *p, unsigned v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return (p);
}

static char *
put_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return (p + n);
}

/*
 * Days since 1970 to a date of the Gregorian calendar. Years are counted from
 * March, so that the leap day is the last of its year; 400 years are a cycle
 * of 146,097 days.
 */
static void
civil(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned m = (5 * doy + 2) / 153;

	*day = doy - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (unsigned)(yoe + era * 400) + (*month <= 2);
}

void
http_date(int64_t wall_s, char dst[30])
{
	static const char week[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	unsigned year, month, day, s;
	int64_t days;
	char *p = dst;

	if (wall_s < 0 || wall_s > INT64_C(253402300799))
		wall_s = 0;     /* before 1970 or after 9999: has no form */
	days = wall_s / 86400;
	s = (unsigned)(wall_s % 86400);
	civil(days, &year, &month, &day);
	p = put_text(p, week + days % 7 * 3, 3);
	p = put_text(p, ", ", 2);
	p = put2(p, day);
	*p++ = ' ';
	p = put_text(p, months + (month - 1) * 3, 3);
	*p++ = ' ';
	p = put2(p, year / 100);
	p = put2(p, year % 100);
	*p++ = ' ';
	p = put2(p, s / 3600);
	*p++ = ':';
	p = put2(p, s / 60 % 60);
	*p++ = ':';
	p = put2(p, s % 60);
	put_text(p, " GMT", 5);
}
