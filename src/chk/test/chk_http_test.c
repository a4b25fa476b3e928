/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request of a check, and the verdict on its response, whole and byte by
 * byte.
 */
#include <base/test.h>

#include "../chk_http.c"

#include "../../srv/test/srv_try.h"

#include <lb/lb.h>

static const struct chk_px_cfg *
load(const char *lines)
{
	static char cfg[1024];

	snprintf(cfg, sizeof cfg, "backend b\n%s", lines);
	if (!try_parse(cfg)) {
		printf("    refused: %s\n", try_error);
		return (NULL);
	}
	return (px_get(&px_model->all->slots, &chk_px_slot));
}

static const struct chk_step *
step_of(const struct chk_px_cfg *cfg, enum chk_kind kind)
{
	const struct chk_step *s = cfg == NULL ? NULL : cfg->script;

	while (s != NULL && s->kind != kind)
		s = s->next;
	return (s);
}

static const struct {
	const char *lines, *request;
} requests[] = {
	{ " option httpchk\n", "OPTIONS / HTTP/1.0\r\n\r\n" },
	{ " option httpchk /x\n", "OPTIONS /x HTTP/1.0\r\n\r\n" },
	{ " option httpchk GET /x\n", "GET /x HTTP/1.0\r\n\r\n" },
	{ " option httpchk head / http/1.1rnhost:a\n",
	    "head / http/1.1rnhost:a\r\n\r\n" },
	{ " option httpchk GET /x HTTP/1.1\\r\\nHost:\\ www\n",
	    "GET /x HTTP/1.1\r\nHost: www\r\nconnection: close\r\n\r\n" },
	{ " option httpchk\n http-check send meth HEAD uri /h ver HTTP/1.1 "
	    "hdr Host a.b hdr X-Y \"1 2\"\n", "HEAD /h HTTP/1.1\r\n"
	    "Host: a.b\r\nX-Y: 1 2\r\nconnection: close\r\n\r\n" },
	{ " option httpchk\n http-check send meth PUT body abc\n",
	    "PUT / HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc" },
};

TEST(requests_are_as_the_lines_say)
{
	for (size_t i = 0; i < NELEM(requests); i++) {
		const struct chk_step *step = step_of(load(requests[i].lines),
		    CHK_SEND);
		size_t n;
		char *p = step == NULL ? NULL : chk_request(&step->request,
		    SPAN_NONE, &n);

		CHECK_STR(p, requests[i].request);
		free(p);
	}
}

/* More than one of a kind, and where the implied ones come. */
static const struct {
	const char *lines, *kinds;
} scripts[] = {
	{ "", "SE" },
	{ " http-check expect status 201\n", "SE" },
	{ " http-check send uri /a\n", "SE" },
	{ " http-check connect port 81\n", "CSE" },
	{ " http-check comment x\n http-check send uri /a\n"
	    " http-check expect status 200\n http-check expect string x\n",
	    "#SEE" },
	{ " http-check connect\n http-check send uri /a\n"
	    " http-check expect status 200\n http-check connect port 81\n"
	    " http-check send uri /b\n", "CSECSE" },
};

TEST(scripts_have_what_lines_leave_out)
{
	static const char letters[] = "CSE#";
	char cfg[512];

	for (size_t i = 0; i < NELEM(scripts); i++) {
		const struct chk_px_cfg *px;
		char got[16] = "";
		size_t n = 0;

		snprintf(cfg, sizeof cfg, " option httpchk\n%s",
		    scripts[i].lines);
		if ((px = load(cfg)) == NULL)
			CHECK(false);
		else
			for (const struct chk_step *s = px->script; s != NULL;
			    s = s->next)
				got[n++] = letters[s->kind];
		CHECK_STR(got, scripts[i].kinds);
	}
}

#define R(code, reason) "HTTP/1.1 " code " " reason "\r\n\r\n"

#define HEADS "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX:  p, q \r\n\r\n"

static const struct {
	const char *lines, *in;
	enum chk_status status;
	unsigned code;
	const char *info;
} verdicts[] = {
	{ "", R("200", "OK"), CHK_L7OK, 200, "" },
	{ "", "HTTP/1.0 399\r\n\r\n", CHK_L7OK, 399, "" },
	{ "", R("404", "Not Found"), CHK_L7STS, 404, "Not Found" },
	{ "", R("199", "x"), CHK_L7STS, 199, "x" },
	{ "", "HTTP/1.1 2x0 OK\r\n\r\n", CHK_L7RSP, 0, "" },
	{ "", "HTTP/1.1 2000 OK\r\n\r\n", CHK_L7RSP, 0, "" },
	{ "", "SSH-2.0-x\r\n\r\n", CHK_L7RSP, 0, "" },
	{ "", "HTTP/1.1 200", CHK_L7RSP, 0, "" },
	{ "", "", CHK_L7RSP, 0, "" },
	{ " http-check expect status 200,400-410\n", R("405", "x"), CHK_L7OK,
	    405, "" },
	{ " http-check expect status 200,400-410\n", R("411", "y"), CHK_L7STS,
	    411, "y" },
	{ " http-check expect ! status 200\n", R("200", "z"), CHK_L7STS, 200,
	    "z" },
	{ " http-check expect ! status 200\n", R("500", ""), CHK_L7OK, 500,
	    "" },
	{ " http-check expect rstatus ^5\n", R("503", ""), CHK_L7OK, 503, "" },
	{ " http-check expect rstatus ^5\n", R("200", "no"), CHK_L7STS, 200,
	    "no" },
	{ " http-check expect string alive\n", R("500", "") "it is alive",
	    CHK_L7OK, 500, "" },
	{ " http-check expect string alive\n", R("200", "") "dead", CHK_L7RSP,
	    200, "HTTP content check did not match" },
	{ " http-check disable-on-404\n http-check expect status 200\n",
	    R("404", "Not Found"), CHK_L7OKC, 404, "" },
	{ " http-check expect error-status L7RSP status 200\n",
	    R("404", "no"), CHK_L7RSP, 404, "no" },
	{ " http-check expect min-recv 0 string x\n", R("200", "OK"),
	    CHK_L7RSP, 200, "HTTP content check did not match" },
	{ " http-check expect ! rstring D.AD\n", R("200", "") "DEAD",
	    CHK_L7RSP, 200, "HTTP check matched unwanted content" },
	{ " http-check expect hdr name x value q\n", HEADS, CHK_L7OK, 200,
	    "" },
	{ " http-check expect fhdr name x value q\n", HEADS, CHK_L7RSP, 200,
	    "HTTP check found no such header" },
	{ " http-check expect fhdr name x value \"p, q\"\n", HEADS, CHK_L7OK,
	    200, "" },
	{ " http-check expect hdr name -m end ookie value -m sub =1\n", HEADS,
	    CHK_L7OK, 200, "" },
	{ " http-check expect hdr name -m beg set- value -m reg ^a=.$\n",
	    HEADS, CHK_L7OK, 200, "" },
	{ " http-check expect hdr name x value Q\n", HEADS, CHK_L7RSP, 200,
	    "HTTP check found no such header" },
	{ " http-check expect ! hdr name -m sub SET\n", HEADS, CHK_L7RSP, 200,
	    "HTTP check matched an unwanted header" },
	{ " http-check expect hdr name body\n", HEADS "body: no", CHK_L7RSP,
	    200, "HTTP check found no such header" },
};

TEST(verdicts_come_from_whole_and_cut_responses)
{
	char lines[512];

	for (size_t i = 0; i < NELEM(verdicts); i++) {
		size_t n = strlen(verdicts[i].in);
		struct chk_verdict v = { 0 };
		const struct chk_step *step;
		enum why why = WHY_AGAIN;

		snprintf(lines, sizeof lines, " option httpchk\n%s",
		    verdicts[i].lines);
		if ((step = step_of(load(lines), CHK_EXPECT)) == NULL) {
			CHECK(false);
			continue;
		}
		for (size_t k = 0; k <= n && why == WHY_AGAIN; k++)
			why = chk_http_judge(&step->expect,
			    span_of(verdicts[i].in, k), false, &v);
		if (why == WHY_AGAIN)
			why = chk_http_judge(&step->expect,
			    span_of(verdicts[i].in, n), true, &v);
		CHECK_EQ(why, WHY_OK);
		CHECK_EQ(v.status, verdicts[i].status);
		CHECK_EQ(v.code, verdicts[i].code);
		CHECK_MEM(v.info.p, v.info.n, verdicts[i].info,
		    strlen(verdicts[i].info));
	}
}

static const char *const bad[] = {
	" http-check expect status 20x\n",
	" http-check expect status 300-200\n",
	" http-check expect status 200,\n",
	" http-check expect header x\n",
	" http-check expect\n",
	" http-check expect rstatus (\n",
	" http-check send meth\n",
	" http-check send uri-lf /%[path]\n",
	" http-check send hdr x %[path]\n",
	" http-check send body-lf %[nope]\n",
	" http-check set-var(txn.x) int(3)\n",
	" http-check set-var(check.x int(3)\n",
	" http-check set-var int(3)\n",
	" http-check set-var(check.x) path\n",
	" http-check unset-var(check.x,ifset)\n",
	" http-check set-var-fmt(check.x) %[path]\n",
	" http-check expect hdr x\n",
	" http-check expect hdr name -m dom x\n",
	" http-check expect hdr name-lf -m reg x\n",
	" http-check expect fhdr name x value -m reg (\n",
	" http-check send meth GET\n http-check send meth PUT\n",
	" http-check expect status 200 ok-status L7RSP\n",
	" http-check expect status-code path status 200\n",
	" http-check expect status-code int(3)\n",
	" http-check send uri /\n http-check connect\n",
	" http-check connect\n http-check expect status 200\n",
	" http-check connect proto h2\n",
	" http-check connect ssl sni\n",
	" http-check connect ssl sni \"\"\n",
	" server s 127.0.0.1:80 check check-ssl\n",
	" server s 127.0.0.1:80 check-sni\n",
	" server s 127.0.0.1:80 check-alpn a,,b\n",
	" option httpchk\n http-check connect ssl\n"
	    " server s 127.0.0.1:80 check\n",
	" http-check connect port zero\n",
	" option httpchk GET / \"HTTP/1.1 x\"\n",
	" option external-check\n external-check command /bin/true\n",
	" option external-check x\n",
	" external-check command\n",
	" external-check path\n",
	" server s 127.0.0.1:80 check inter 0\n",
	" server s 127.0.0.1:80 check rise 0\n",
	" server s 127.0.0.1:80 init-state maybe\n",
	" server s 127.0.0.1:80 check port 0\n",
	" server s 127.0.0.1 check\n",
};

TEST(bad_lines_are_refused)
{
	char cfg[512];

	for (size_t i = 0; i < NELEM(bad); i++) {
		snprintf(cfg, sizeof cfg, "backend b\n%s", bad[i]);
		CHECK(!try_parse(cfg));
		if (try_error[0] == '\0')
			printf("    row %zu\n", i);
		CHECK(try_error[0] != '\0');
	}
}
