/* SPDX-License-Identifier: Apache-2.0 */
/* Dates agree with the C library over four centuries. */
#include <time.h>

#include <base/test.h>

#include "../http_date.c"

TEST(known_dates)
{
	char text[30];

	http_date(784111777, text);
	CHECK_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	http_date(0, text);
	CHECK_STR(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	http_date(951782400, text);
	CHECK_STR(text, "Tue, 29 Feb 2000 00:00:00 GMT");
	http_date(INT64_C(253402300799), text);
	CHECK_STR(text, "Fri, 31 Dec 9999 23:59:59 GMT");
	http_date(INT64_C(253402300800), text);
	CHECK_STR(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	http_date(-1, text);
	CHECK_STR(text, "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(days_of_four_centuries)
{
	for (int64_t t = 3600; t < INT64_C(86400) * 146097; t += 86400 + 61) {
		time_t tt = (time_t)t;
		char want[64], text[30];
		struct tm tm;

		gmtime_r(&tt, &tm);
		strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		http_date(t, text);
		if (strcmp(text, want) != 0)
			CHECK_STR(text, want);
	}
	CHECK(true);
}
