/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: whole lines as they arrive at a socket, levels, samples, lengths,
 * refused configuration.
 */
#include <base/test.h>

#include <sys/socket.h>
#include <unistd.h>

#include "../../expr/test/expr_try.h"
#include "log_int.h"

static int
udp_socket(unsigned *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof sin;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sin, &n) == 0);
	*port = ntohs(sin.sin_port);
	return (fd);
}

/* The next line without its LF, "(none)" when nothing came. */
static const char *
line_of(int fd)
{
	static char text[70000];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return ("(none)");
	CHECK(text[n - 1] == '\n');
	text[n - 1] = '\0';
	return (text);
}

struct scene {
	struct try t;
	int fd;
	unsigned port;
};

/* A stream of frontend "f", all moments known; %u in `cfg` is the port. */
static bool
start(struct scene *s, const char *cfg)
{
	struct txn *t = &s->t.txn;
	char text[2048];

	try_init(&s->t);
	s->fd = udp_socket(&s->port);
	snprintf(text, sizeof text, cfg, s->port, s->port, s->port);
	if (!try_load(&s->t, text))
		return (false);
	setenv("TZ", "UTC", 1);
	log_start(4242);
	t->fe = px_find(s->t.model, SPAN("f"), PX_FE);
	t->be = px_find(s->t.model, SPAN("b"), PX_BE);
	t->srv = t->be != NULL ? t->be->servers : NULL;
	t->is_http = t->fe->mode == PX_HTTP;
	t->uri = SPAN("/a?b=\"c");
	t->meth = HTTP_GET;
	t->req_minor = 1;
	t->status = 200;
	t->bytes_out = 1234;
	t->bytes_in = 99;
	memcpy(t->term, "--", 3);
	t->t = (struct txn_times){ .accept = 1000000,
	    .accept_wall = 1234567890123456, .request_wall = 1234567891500000,
	    .handshake = 1001000, .idle_end = 1011000, .request = 1031000,
	    .queued = 1061000, .connected = 1101000, .response = 1151000,
	    .end = 1211000 };
	t->n_act = 1;
	t->n_fe = 2;
	t->n_be = 3;
	t->n_srv = 4;
	return (true);
}

static void
stop(struct scene *s)
{
	close(s->fd);
	try_fini(&s->t);
}

#define HTTP "defaults\n\tmode http\nbackend b\n\tserver s1 127.0.0.1:1\n"   \
	"frontend f\n"

/* Formats hold '%' themselves, and `cfg` is a format of ours. */
static void
double_percents(char *cfg)
{
	for (char *p = strstr(cfg, "raw local0"); p != NULL && *p; p++)
		if (*p == '%') {
			memmove(p + 1, p, strlen(p) + 1);
			p++;
		}
}

TEST(the_standard_formats)
{
	static const struct { const char *option, *want; } rows[] = {
		{ "option httplog", "10.0.0.7:1234 [13/Feb/2009:23:31:31.500] "
		    "f b/s1 20/30/40/50/200 200 1234 - - ---- 1/2/3/4/0 0/0 "
		    "\"GET /a?b=#22c HTTP/1.1\"" },
		{ "option tcplog", "10.0.0.7:1234 [13/Feb/2009:23:31:30.123] "
		    "f b/s1 30/40/211 1234 -- 1/2/3/4/0 0/0" },
		{ "option httplog clf", "10.0.0.7 - - "
		    "[13/Feb/2009:23:31:31 +0000] \"GET /a?b=#22c HTTP/1.1\" "
		    "200 1234 \"\" \"\" 1234 123 \"f\" \"b\" \"s1\" 20 30 40 "
		    "50 200 ---- 1 2 3 4 0 0 0 \"\" \"\" " },
		{ "log-format \"%Th %Ti %TR %Tq %Tw %Tc %Tr %Td %Ta %Tt %Tu\"",
		    "1 10 20 31 30 40 50 60 200 211 201" },
		{ "log-format \"%{+X}ci %{+X}cp %{+X}Ts %{+X}pid %{+X}rt %rt\"",
		    "0A000007 04D2 499602D2 1092 0000 0" },
		{ "log-format \"%HM|%HU|%HP|%HQ|%HPO|%HV|%ST|%rc|%U|%ms\"",
		    "GET|/a?b=#22c|/a|?b=#22c|/a|HTTP/1.1|200|0|99|123" },
		{ "log-format \"%T %Tl %trg %trl\"",
		    "13/Feb/2009:23:31:30 +0000 13/Feb/2009:23:31:30 +0000 "
		    "13/Feb/2009:23:31:31 +0000 13/Feb/2009:23:31:31 +0000" },
	};
	struct scene s;
	char cfg[512];

	for (size_t i = 0; i < NELEM(rows); i++) {
		snprintf(cfg, sizeof cfg, HTTP
		    "\tlog 127.0.0.1:%%u format raw local0\n\t%s\n",
		    rows[i].option);
		double_percents(cfg);
		CHECK(start(&s, cfg));
		log_access(&s.t.txn, LOG_AT_CLOSE);
		CHECK_STR(line_of(s.fd), rows[i].want);
		stop(&s);
	}
}

TEST(moments_not_reached_are_minus_one)
{
	struct scene s;

	CHECK(start(&s, HTTP "\tlog 127.0.0.1:%u format raw local0\n"
	    "\tlog-format \"%%TR/%%Tw/%%Tc/%%Tr/%%Ta %%Td %%Tq %%Ti %%s %%r "
	    "%%si\"\n"));
	s.t.txn.t.request = s.t.txn.t.queued = s.t.txn.t.connected = 0;
	s.t.txn.t.response = 0;
	s.t.txn.srv = NULL;
	s.t.txn.uri = SPAN_NONE;
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd),
	    "-1/-1/-1/-1/200 -1 -1 10 <NOSRV> <BADREQ> -");
	s.t.txn.t.idle_end = 0;
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd),
	    "-1/-1/-1/-1/210 -1 -1 -1 <NOSRV> <BADREQ> -");
	stop(&s);
}

TEST(headers_of_lines)
{
	struct scene s;
	const char *l;

	CHECK(start(&s, "global\n\tlog-tag tag\n" HTTP
	    "\tlog 127.0.0.1:%u local0\n"
	    "\tlog 127.0.0.1:%u format short daemon\n"
	    "\tlog 127.0.0.1:%u format priority user\n"
	    "\tlog-format x\n"));
	log_access(&s.t.txn, LOG_AT_CLOSE);
	l = line_of(s.fd);
	CHECK(strncmp(l, "<134>", 5) == 0);
	CHECK(strlen(l) == 5 + 15 + strlen(" tag[4242]: x"));
	CHECK(strstr(l, " tag[4242]: x") != NULL);
	CHECK_STR(line_of(s.fd), "<6>x");
	CHECK_STR(line_of(s.fd), "<14>x");
	stop(&s);
	CHECK(start(&s, "global\n\tlog-send-hostname me\n" HTTP
	    "\tlog-tag px\n"
	    "\tlog 127.0.0.1:%u format rfc5424 local7\n"
	    "\tlog 127.0.0.1:%u local0\n"
	    "\tlog-format x\n\tlog-format-sd [a]\n"));
	log_access(&s.t.txn, LOG_AT_CLOSE);
	l = line_of(s.fd);
	CHECK(strncmp(l, "<190>1 20", 9) == 0);
	CHECK(strstr(l, " me px 4242 - [a] x") != NULL);
	CHECK(strstr(line_of(s.fd), " me px[4242]: x") != NULL);
	stop(&s);
}

TEST(levels_lengths_and_samples)
{
	struct scene s;

	CHECK(start(&s, HTTP "\toption log-separate-errors\n"
	    "\tlog 127.0.0.1:%u format short local0 err\n"
	    "\tlog 127.0.0.1:%u format short local0 info notice\n"
	    "\tlog-format x\n"));
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "<6>x");
	CHECK_STR(line_of(s.fd), "(none)");
	s.t.txn.status = 503;
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "<3>x");
	CHECK_STR(line_of(s.fd), "<5>x");
	s.t.txn.log_level = 8;
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "(none)");
	stop(&s);

	CHECK(start(&s, HTTP "\toption dontlog-normal\n"
	    "\tlog 127.0.0.1:%u len 80 format raw local0\n"
	    "\tlog-format \"%%HU%%HU%%HU%%HU%%HU%%HU%%HU%%HU%%HU%%HU%%HU%%HU"
	    "\"\n"));
	CHECK(!log_access(&s.t.txn, LOG_AT_CLOSE));
	CHECK_STR(line_of(s.fd), "(none)");
	s.t.txn.retries = 1;
	CHECK(log_access(&s.t.txn, LOG_AT_CLOSE));
	CHECK_EQ(strlen(line_of(s.fd)), 79);
	stop(&s);

	CHECK(start(&s, HTTP
	    "\tlog 127.0.0.1:%u format raw sample 2-3:4 local0\n"
	    "\tlog-format \"%%lc\"\n"));
	for (int i = 0; i < 8; i++)
		log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "1");
	CHECK_STR(line_of(s.fd), "2");
	CHECK_STR(line_of(s.fd), "5");
	CHECK_STR(line_of(s.fd), "6");
	CHECK_STR(line_of(s.fd), "(none)");
	stop(&s);
}

TEST(lines_are_early_unless_a_format_is_late)
{
	static const struct { const char *format; bool early; } rows[] = {
		{ "option httplog", false },
		{ "option httplog\n\toption logasap", true },
		{ "log-format \"%HU %ST %tsc\"", true },
		{ "log-format \"%HU %ts\"", false },
		{ "log-format %HU\n\tlog-format-sd %B", false },
		{ "log-format %HU\n\terror-log-format %Tt", false },
		{ "log-format %HU\n\tunique-id-format %Tt", false },
		{ "log-format %HU\n\tlog-steps close", false },
	};
	struct scene s;
	char cfg[512];

	for (size_t i = 0; i < NELEM(rows); i++) {
		snprintf(cfg, sizeof cfg, HTTP
		    "\tlog 127.0.0.1:%%u format raw local0\n\t%s\n",
		    rows[i].format);
		double_percents(cfg);
		CHECK(start(&s, cfg));
		CHECK_EQ(s.t.txn.fe->log_early, rows[i].early);
		stop(&s);
	}
}

TEST(other_lines)
{
	struct scene s;

	CHECK(start(&s, "global\n\tlog 127.0.0.1:%u format short local0\n"
	    HTTP "\tlog global\n\tbind 127.0.0.1:8080 name door\n"));
	CHECK(!log_wanted(&s.t.txn));
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "(none)");
	log_accept(&s.t.txn);
	CHECK_STR(line_of(s.fd),
	    "<6>Connect from 10.0.0.7:1234 to 127.0.0.7:80 (f/HTTP)");
	log_event(s.t.txn.fe, LOG_L_ALERT, "Server %s is DOWN", "b/s1");
	CHECK_STR(line_of(s.fd), "<1>Server b/s1 is DOWN");
	log_event(NULL, LOG_L_NOTICE, "going");
	CHECK_STR(line_of(s.fd), "<5>going");
	s.t.txn.listen = s.t.txn.fe->listens;
	s.t.txn.why = WHY_PROXY_BAD;
	log_conn_error(&s.t.txn);
	CHECK_STR(line_of(s.fd), "<6>10.0.0.7:1234 "
	    "[13/Feb/2009:23:31:30.123] f/door: Received something which does "
	    "not look like a PROXY protocol header");
	stop(&s);
}

TEST(no_log_forgets_and_more_lines_add)
{
	struct scene s;

	CHECK(start(&s, "defaults\n\tmode http\n"
	    "\tlog 127.0.0.1:%u format raw local0\n\tlog-format x\n"
	    "frontend g\n\tlog 127.0.0.1:%u format raw local0\n"
	    "frontend f\n\tno log\n"));
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "(none)");
	s.t.txn.fe = px_find(s.t.model, SPAN("g"), PX_FE);
	log_access(&s.t.txn, LOG_AT_CLOSE);
	CHECK_STR(line_of(s.fd), "x");
	CHECK_STR(line_of(s.fd), "x");
	CHECK_STR(line_of(s.fd), "(none)");
	stop(&s);
}

TEST(unique_ids_are_made_once_and_sent)
{
	static const char *const none[] = { NULL };
	struct scene s;

	CHECK(start(&s, HTTP "\tunique-id-format %%{+X}ci-%%{+X}fp_%%f\n"
	    "\tunique-id-header X-Id\n"));
	try_request(&s.t, "GET", "/", none);
	log_unique_id(&s.t.txn);
	log_unique_id(&s.t.txn);
	CHECK_SPAN(s.t.txn.uniq_id, "0A000007-0050_f");
	CHECK(http_find(s.t.txn.req, HTTP_OTHER, SPAN("x-id"), NULL) != NULL);
	stop(&s);
}

TEST(a_unique_id_that_names_itself_ends)
{
	struct scene s;

	CHECK(start(&s, HTTP
	    "\tunique-id-format \"<%%ID%%[unique-id]>\"\n"));
	log_unique_id(&s.t.txn);
	CHECK_SPAN(s.t.txn.uniq_id, "<>");
	stop(&s);
}

TEST(bad_lines_are_refused_with_reasons)
{
	static const struct { const char *line, *says; } rows[] = {
		{ "log", "" }, { "log 127.0.0.1", "log facility" },
		{ "log ring@r local0", "not supported yet" },
		{ "log 127.0.0.1 local9", "unknown log facility 'local9'" },
		{ "log 127.0.0.1 len 79 local0", "" },
		{ "log 127.0.0.1 format rfc1 local0", "unknown log format" },
		{ "log 127.0.0.1 local0 loud", "unknown log level" },
		{ "log 127.0.0.1 sample 0:3 local0", "is no range" },
		{ "log 127.0.0.1 sample 1-4:3 local0", "must not be less" },
		{ "log 127.0.0.1 sample 1 local0", "expected ranges" },
		{ "log 127.0.0.1 local0 info notice x", "" },
		{ "log-format %zz", "no such format variable" },
		{ "mode tcp\n\tlog stdout local0\n\tlog-format %HM",
		    "reserved for HTTP mode" },
		{ "unique-id-header a:b", "not a header name" },
	};
	struct try t;
	char cfg[256];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(cfg, sizeof cfg, "frontend f\n\tmode http\n\t%s\n",
		    rows[i].line);
		if (!CHECK(!try_load(&t, cfg)) ||
		    !CHECK(strstr(t.error, rows[i].says) != NULL))
			printf("    '%s' says: %s\n", rows[i].line, t.error);
		try_fini(&t);
	}
}
