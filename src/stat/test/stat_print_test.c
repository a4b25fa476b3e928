/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of a row: CSV with its quotes, typed lines, JSON.
 */
#include <base/test.h>

#include "../stat_print.c"

#include <base/must.h>

static struct text out;

static void
clear(void)
{
	text_fini(&out);
	text_init(&out);
	text_addz(&out, "");
}

static struct stat_row
row(const char *name, const char *status, uint64_t stot, int lastsess)
{
	struct stat_row r = { .kind = 'S', .iid = 3, .sid = 1 };

	r.v[COL_pxname] = (struct stat_val){ true, 0, name };
	r.v[COL_status] = (struct stat_val){ true, 0, status };
	r.v[COL_stot] = (struct stat_val){ true, (int64_t)stot, NULL };
	r.v[COL_lastsess] = (struct stat_val){ true, lastsess, NULL };
	return (r);
}

static size_t
count(const char *z, char c)
{
	size_t n = 0;

	for (; *z != '\0'; z++)
		n += *z == c;
	return (n);
}

TEST(head_and_rows_have_as_many_columns)
{
	struct stat_row r = row("be", "UP", 7, -1);

	clear();
	stat_csv_head(&out);
	CHECK_EQ(count(out.p, ','), COL_N + 1);
	CHECK(strncmp(out.p, "# pxname,svname,qcur,", 21) == 0);
	CHECK(strstr(out.p, ",uweight,agg_server_status,") != NULL);
	CHECK(strstr(out.p, ",agg_check_status,-,ssl_sess,") != NULL);
	clear();
	stat_csv_row(&out, &r);
	CHECK_EQ(count(out.p, ','), COL_N + 1);
	CHECK(strncmp(out.p, "be,,,,,,,7,,,", 13) == 0);
	CHECK(strstr(out.p, ",-1,") != NULL);
	CHECK_STR(out.p + out.n - 7, ",-,,,,\n");
}

TEST(columns_are_where_tools_look_for_them)
{
	CHECK_EQ(COL_status, 17);
	CHECK_EQ(COL_check_status, 36);
	CHECK_EQ(COL_lastsess, 55);
	CHECK_EQ(COL_addr, 73);
	CHECK_EQ(COL_conn_tot, 79);
	CHECK_EQ(COL_uweight, 99);
	CHECK_EQ(INFO_idle_pct, 49);
	CHECK_EQ(INFO_start_time, 70);
}

TEST(texts_with_commas_are_quoted)
{
	static const struct { const char *z, *csv; } t[] = {
		{ "UP", "UP" }, { "", "" }, { "a b", "a b" },
		{ "a,b", "\"a,b\"" }, { "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "a\nb", "\"a\nb\"" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		clear();
		put_csv_text(&out, t[i].z);
		CHECK_STR(out.p, t[i].csv);
	}
}

TEST(typed_lines)
{
	struct stat_row r = row("be", "UP 1/3", UINT64_MAX, -1);

	clear();
	stat_typed_row(&out, &r, false);
	CHECK_STR(out.p, "S.3.1.0.pxname.1:KNS:str:be\n"
	    "S.3.1.7.stot.1:MCP:u64:18446744073709551615\n"
	    "S.3.1.17.status.1:SGP:str:UP 1/3\n"
	    "S.3.1.55.lastsess.1:MAP:s32:-1\n");
	clear();
	stat_typed_row(&out, &r, true);
	CHECK(strstr(out.p, "S.3.1.0.pxname.1:KNS:str:be:\"name of") != NULL);
}

TEST(json_row)
{
	struct stat_row r = row("b\"e", "UP", 1, 0);

	r.v[COL_stot].set = r.v[COL_lastsess].set = false;
	clear();
	stat_json_row(&out, &r, false);
	CHECK_STR(out.p, "[{\"objType\":\"Server\",\"proxyId\":3,\"id\":1,"
	    "\"field\":{\"pos\":0,\"name\":\"pxname\"},\"processNum\":1,"
	    "\"tags\":{\"origin\":\"Key\",\"nature\":\"Name\","
	    "\"scope\":\"Service\"},\"value\":{\"type\":\"str\","
	    "\"value\":\"b\\\"e\"}},{\"objType\":\"Server\",\"proxyId\":3,"
	    "\"id\":1,\"field\":{\"pos\":17,\"name\":\"status\"},"
	    "\"processNum\":1,\"tags\":{\"origin\":\"Status\","
	    "\"nature\":\"Gauge\",\"scope\":\"Process\"},\"value\":{"
	    "\"type\":\"str\",\"value\":\"UP\"}}]");
}

TEST(every_tag_has_its_words)
{
	for (int i = 0; i < COL_N; i++)
		for (int k = 0; k < 3; k++)
			CHECK(strcmp(tag_word(k, stat_px_cols[i].tag[k]),
			    "Unknown") != 0);
	for (int i = 0; i < INFO_N; i++)
		for (int k = 0; k < 3; k++)
			CHECK(strcmp(tag_word(k, stat_info_cols[i].tag[k]),
			    "Unknown") != 0);
}

TEST(info_forms)
{
	struct stat_val v[INFO_N] = { { false, 0, NULL } };
	struct stat_opts o = { .form = STAT_PLAIN };

	v[INFO_name] = (struct stat_val){ true, 0, "HAProxy" };
	v[INFO_pid] = (struct stat_val){ true, 42, NULL };
	clear();
	stat_info_put(&out, v, &o);
	CHECK_STR(out.p, "Name: HAProxy\nPid: 42\n");
	o.form = STAT_TYPED;
	clear();
	stat_info_put(&out, v, &o);
	CHECK_STR(out.p, "0.Name.1:POS:str:HAProxy\n6.Pid.1:SGP:u32:42\n");
	o.form = STAT_JSON;
	clear();
	stat_info_put(&out, v, &o);
	CHECK(strncmp(out.p, "[{\"field\":{\"pos\":0,", 19) == 0);
	CHECK_STR(out.p + out.n - 3, "}]\n");
}

TEST(words_choose_the_form)
{
	struct cli_ctx x = { .n = 4, .at = 2 };
	struct stat_opts o;

	x.arg[2] = SPAN("json");
	x.arg[3] = SPAN("no-maint");
	o = stat_opts_parse(&x, 2);
	CHECK_EQ(o.form, STAT_JSON);
	CHECK(o.no_maint && !o.up && !o.desc);
	o = stat_opts_parse(&x, 3);
	CHECK_EQ(o.form, STAT_PLAIN);
}
