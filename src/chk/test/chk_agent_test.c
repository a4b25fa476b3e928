/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of agents, taken apart and obeyed.
 */
#include <base/test.h>

#include "../chk_agent.c"

TEST(lines_are_taken_apart)
{
	static const struct {
		const char *in, *weight, *word, *why, *unknown;
		int64_t maxconn;
		int admin, state;
	} rows[] = {
		{ "75%", "75%", "", "", "", -1, -1, CHK_AGENT_NONE },
		{ " up\t,110% ", "110%", "up", "", "", -1, -1, CHK_AGENT_UP },
		{ "DOWN # too hot ", "", "DOWN", "too hot", "", -1, -1,
		    CHK_AGENT_DOWN },
		{ "fail,#up", "", "fail", "up", "", -1, -1, CHK_AGENT_DOWN },
		{ "stopped", "", "stopped", "", "", -1, -1, CHK_AGENT_DOWN },
		{ "down#hot x", "", "", "", "down#hot", -1, -1,
		    CHK_AGENT_NONE },
		{ "ready maint drain", "", "", "", "", -1, CHK_DRAIN,
		    CHK_AGENT_NONE },
		{ "maxconn:30 MAINT", "", "", "", "", 30, CHK_MAINT,
		    CHK_AGENT_NONE },
		{ "maxconn:0", "", "", "", "", 0, -1, CHK_AGENT_NONE },
		{ "maxconn: 3", "", "", "", "maxconn:", -1, -1,
		    CHK_AGENT_NONE },
		{ "maxconn:99999999999", "", "", "", "maxconn:99999999999", -1,
		    -1, CHK_AGENT_NONE },
		{ "%", "", "", "", "%", -1, -1, CHK_AGENT_NONE },
		{ "10", "", "", "", "10", -1, -1, CHK_AGENT_NONE },
		{ "-5% up", "", "up", "", "-5%", -1, -1, CHK_AGENT_UP },
		{ "", "", "", "", "", -1, -1, CHK_AGENT_NONE },
		{ " ,#", "", "", "", "", -1, -1, CHK_AGENT_NONE },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct chk_agent_line l;
		bool good;

		chk_agent_parse(span_str(rows[i].in), &l);
		good = CHECK(span_is(l.weight, rows[i].weight));
		good &= CHECK(span_is(l.word, rows[i].word));
		good &= CHECK(span_is(l.why, rows[i].why));
		good &= CHECK(span_is(l.unknown, rows[i].unknown));
		good &= CHECK_EQ(l.maxconn, rows[i].maxconn);
		good &= CHECK_EQ(l.admin, rows[i].admin);
		good &= CHECK_EQ(l.state, rows[i].state);
		if (!good)
			printf("    in '%s'\n", rows[i].in);
	}
}

TEST(a_line_is_waited_for)
{
	struct chk_verdict v;

	CHECK_EQ(judge_line(SPAN("up"), false, &v), WHY_AGAIN);
	CHECK_EQ(judge_line(SPAN_NONE, false, &v), WHY_AGAIN);
	CHECK_EQ(judge_line(SPAN("up\rx"), false, &v), WHY_OK);
	CHECK_EQ(v.status, CHK_CHECKED);
	CHECK_SPAN(v.info, "up");
	CHECK_EQ(judge_line(SPAN("up"), true, &v), WHY_OK);
	CHECK_EQ(v.status, CHK_L7RSP);
	CHECK_EQ(judge_line(SPAN_NONE, true, &v), WHY_OK);
	CHECK_EQ(v.status, CHK_L7RSP);
}
