/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the page: nothing that would be taken for HTML, and figures as
 * people read them.
 */
#include <base/test.h>

#include "../stat_html.c"

#include <base/must.h>

static const char *
shown(void (*put)(struct text *, uint64_t), uint64_t n)
{
	static char out[64];
	struct text t;

	text_init(&t);
	put(&t, n);
	snprintf(out, sizeof out, "%.*s", SPAN_FMT(text_span(&t)));
	text_fini(&t);
	return (out);
}

TEST(text_is_no_html)
{
	struct text t;

	text_init(&t);
	put_escaped(&t, "<a href=\"x\">&</a>");
	CHECK_SPAN(text_span(&t),
	    "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
	text_fini(&t);
}

TEST(durations_and_numbers)
{
	CHECK_STR(shown(put_duration, 0), "0s");
	CHECK_STR(shown(put_duration, 59), "59s");
	CHECK_STR(shown(put_duration, 61), "1m1s");
	CHECK_STR(shown(put_duration, 7500), "2h5m");
	CHECK_STR(shown(put_duration, 1051200), "12d4h");
	CHECK_STR(shown(put_grouped, 0), "0");
	CHECK_STR(shown(put_grouped, 999), "999");
	CHECK_STR(shown(put_grouped, 1234567), "1&#8239;234&#8239;567");
}

TEST(colours)
{
	static const struct { const char *status, *colour; } rows[] = {
		{ "UP", "up" }, { "OPEN", "up" }, { "no check", "up" },
		{ "UP 1/3", "warn" }, { "UP (2/3)", "up" },
		{ "DOWN", "down" }, { "DOWN 1/2", "down" },
		{ "MAINT", "off" }, { "DRAIN", "off" }, { "FULL", "warn" },
		{ "NOLB", "warn" },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		CHECK_STR(class_of(rows[i].status), rows[i].colour);
}
