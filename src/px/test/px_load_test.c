/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_load_test - configurations become models, or are refused with reasons.
 */
#include <base/test.h>

#include <netdb.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <base/must.h>
#include <conf/conf.h>
#include <http/http.h>
#include <px/errors.h>
#include <px/px.h>
#include <px/userlist.h>

int getaddrinfo(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

/* No name exists: the tests send nothing. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node;
	(void)service;
	(void)hints;
	*res = NULL;
	return (EAI_NONAME);
}

static struct arena arena;
static struct diags diags;

#define TIMEOUTS "defaults\n timeout connect 1s\n timeout client 1s\n" \
	" timeout server 1s\n"

static bool
load(const char *cfg)
{
	struct conf c = { .arena = &arena, .diags = &diags };

	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	return (conf_load_text(&c, "t.cfg", span_str(cfg)));
}

static void
unload(void)
{
	px_model_free(px_model);
	diags_fini(&diags);
	arena_reset(&arena);
}

/* The messages of a load, "LINE text". */
static void
expect(const char *cfg, const char *messages)
{
	struct text t;

	load(cfg);
	text_init(&t);
	text_addz(&t, "");
	LIST_EACH(it, &diags.all) {
		const struct diag *d = LIST_ITEM(it, struct diag, node);

		text_printf(&t, "%d %s\n", d->pos.line, d->text);
	}
	CHECK_STR(t.p == NULL ? "" : t.p, messages);
	text_fini(&t);
	unload();
}

static struct px *
find(const char *name, unsigned kinds)
{
	struct px *px = px_find(px_model, span_str(name), kinds);

	MUST(px != NULL);
	return (px);
}

static struct px_server *
server(const char *be, const char *name)
{
	struct px_server *sv = px_server_find(find(be, PX_BE),
	    span_str(name));

	MUST(sv != NULL);
	return (sv);
}

TEST(a_model)
{
	CHECK(load("global\n maxconn 2000\n stats socket /tmp/x mode 600 "
	    "level admin\ndefaults\n mode http\n timeout connect 5s\n"
	    " timeout client 6s\n timeout server 7000\n option dontlognull\n"
	    "frontend fe\n bind 127.0.0.1:8000-8002,[::1]:80 name n\n"
	    " default_backend app\n no option dontlognull\n"
	    "backend app\n server s1 127.0.0.1:8080\n"
	    "listen l\n bind *:90\n mode tcp\n timeout client 1m\n"
	    " server x 10.0.0.1:80 backup\n"));
	CHECK_EQ(px_model->global.maxconn, 2000);
	CHECK_EQ(px_model->global.stats_binds->level, PX_LEVEL_ADMIN);
	CHECK_EQ(px_model->global.stats_binds->mode, 0600);
	CHECK_EQ(px_model->n_px, 3);
	CHECK_EQ(px_model->n_servers, 2);
	CHECK_EQ(px_model->n_listens, 6);
	CHECK(find("fe", PX_FE)->default_be == find("app", PX_BE));
	CHECK_EQ(find("fe", PX_FE)->mode, PX_HTTP);
	CHECK(!px_opt(find("fe", PX_FE), PX_OPT_DONTLOGNULL));
	CHECK(px_opt(find("l", PX_FE), PX_OPT_DONTLOGNULL));
	CHECK_EQ(find("l", PX_BE)->mode, PX_TCP);
	CHECK_EQ(find("fe", PX_FE)->timeout->client, 6000);
	CHECK_EQ(find("l", PX_FE)->timeout->client, 60000);
	CHECK_EQ(find("l", PX_FE)->timeout->server, 7000);
	CHECK(server("l", "x")->backup);
	CHECK(px_find(px_model, SPAN("fe"), PX_BE) == NULL);
	CHECK(px_server_find(find("app", PX_BE), SPAN("x")) == NULL);
	unload();
}

/* Up to sixteen are compared one by one. */
TEST(servers_are_found_among_few_and_many)
{
	for (int n = 14; n <= 19; n++) {
		struct text t;
		char name[16];

		text_init(&t);
		text_addz(&t, "backend a\n server s1 10.0.0.1:80\nbackend b\n");
		for (int i = 0; i < n; i++)
			text_printf(&t, " server s%d 10.0.1.%d:80\n", i, i + 1);
		CHECK(load(t.p));
		for (int i = 0; i < n; i++) {
			snprintf(name, sizeof name, "s%d", i);
			CHECK_EQ(server("b", name)->addr.ip[3], i + 1);
		}
		CHECK_EQ(server("a", "s1")->addr.ip[2], 0);
		CHECK(px_server_find(find("b", PX_BE), SPAN("sx")) == NULL);
		unload();
		text_printf(&t, " server s%d 10.0.2.1:80\n", n / 2);
		CHECK(!load(t.p));
		unload();
		text_fini(&t);
	}
}

TEST(ranges_and_lists_of_addresses)
{
	static const uint16_t ports[] = { 8000, 8001, 8002, 80 };
	unsigned i = 0;

	CHECK(load("frontend fe\n bind 127.0.0.1:8000-8002,[::1]:80 id 7\n"));
	for (struct px_listen *li = find("fe", PX_FE)->listens; li != NULL;
	    li = li->next, i++) {
		CHECK_EQ(li->addr.addr.port, ports[i]);
		CHECK_EQ(li->luid, i == 0 ? 7 : i + 1);
		CHECK_EQ(li->id, i);
	}
	CHECK_EQ(i, NELEM(ports));
	unload();
}

TEST(unix_bind_prefixes_paths)
{
	struct px_listen *li;

	CHECK(load("global\n unix-bind prefix /run/x mode 770 uid 3\n"
	    "frontend fe\n bind /a\n bind unix@/b mode 700\n"));
	li = find("fe", PX_FE)->listens;
	CHECK_SPAN(li->addr.host, "/run/x/a");
	CHECK_EQ(li->bind->mode, 0770);
	CHECK_EQ(li->bind->uid, 3);
	CHECK_SPAN(li->next->addr.host, "/run/x/b");
	CHECK_EQ(li->next->bind->mode, 0700);
	unload();
}

TEST(default_server_lines_reach_forward_only)
{
	CHECK(load("defaults\n default-server maxconn 30\nbackend b\n"
	    " server s0 10.0.0.1:1\n default-server weight 5\n"
	    " server s1 10.0.0.1:1\n default-server weight 7 backup\n"
	    " server s2 10.0.0.1:1 no-backup maxconn 3\n"
	    "backend c\n server s3 10.0.0.1:1\n"));
	CHECK_EQ(server("b", "s0")->weight, 1);
	CHECK_EQ(server("b", "s0")->maxconn, 30);
	CHECK_EQ(server("b", "s1")->weight, 5);
	CHECK_EQ(server("b", "s1")->maxconn, 30);
	CHECK_EQ(server("b", "s2")->weight, 7);
	CHECK_EQ(server("b", "s2")->maxconn, 3);
	CHECK(!server("b", "s2")->backup);
	CHECK_EQ(server("c", "s3")->weight, 1);
	CHECK_EQ(server("c", "s3")->maxconn, 30);
	unload();
}

static PX_SLOT(PX_OBJ_SERVER, int, test_slot, NULL);

TEST(what_no_line_changed_was_not_said)
{
	CHECK(load(TIMEOUTS "backend b\n server s 192.0.2.1:80\n"));
	CHECK(!px_said(&test_slot));
	*(int *)px_edit(&px_model->all->servers->slots, &test_slot) = 1;
	CHECK(px_said(&test_slot));
	unload();
	CHECK(load(TIMEOUTS "backend b\n server s 192.0.2.1:80\n"));
	CHECK(!px_said(&test_slot));
	unload();
}

TEST(server_ports)
{
	CHECK(load("backend b\n server a 10.0.0.1\n server b 10.0.0.1:+10\n"
	    " server c 10.0.0.1:-5\n server d 10.0.0.1:80\n"
	    " server e /run/app.sock\n"));
	CHECK(server("b", "a")->port_from_client);
	CHECK(!server("b", "a")->has_port_offset);
	CHECK_EQ(server("b", "b")->port_offset, 10);
	CHECK_EQ(server("b", "c")->port_offset, -5);
	CHECK(!server("b", "d")->port_from_client);
	CHECK_EQ(server("b", "d")->addr.port, 80);
	CHECK_STR(server("b", "e")->unix_path, "/run/app.sock");
	CHECK(!server("b", "e")->port_from_client);
	unload();
}

/* As HAProxy 2.6 numbers the same file. */
TEST(numbers_follow_the_lines)
{
	CHECK(load("backend a\n id 2\nbackend b\nbackend c\nbackend d\n"
	    " server x 10.0.0.1\n server y 10.0.0.1 id 1\n"
	    " server z 10.0.0.1\n"));
	CHECK_EQ(find("a", PX_BE)->id, 2);
	CHECK_EQ(find("b", PX_BE)->id, 3);
	CHECK_EQ(find("c", PX_BE)->id, 4);
	CHECK_EQ(find("d", PX_BE)->id, 5);
	CHECK_EQ(server("d", "x")->id, 2);
	CHECK_EQ(server("d", "y")->id, 1);
	CHECK_EQ(server("d", "z")->id, 4);
	unload();
}

TEST(defaults_sections)
{
	CHECK(load("defaults one\n mode http\n retries 7\n"
	    "defaults two from one\n retries 9\n"
	    "backend a\nbackend b from one\ndefaults\nbackend c\n"));
	CHECK_EQ(find("a", PX_BE)->retries, 9);
	CHECK_EQ(find("a", PX_BE)->mode, PX_HTTP);
	CHECK_EQ(find("b", PX_BE)->retries, 7);
	CHECK_EQ(find("c", PX_BE)->retries, 3);
	CHECK_EQ(find("c", PX_BE)->mode, PX_TCP);
	unload();
}

TEST(names_are_checked)
{
	expect("backend a\nbackend a\nlisten b\n bind :1\nbackend b\n",
	    "2 backend 'a' has the same name as backend 'a' declared at "
	    "t.cfg:1\n"
	    "5 backend 'b' has the same name as proxy 'b' declared at "
	    "t.cfg:3\n");
	expect(TIMEOUTS "frontend f\n bind :1\nbackend f\n", "");
	expect("frontend f\n bind :1\n default_backend nope\n",
	    "3 Proxy 'f': unable to find required default_backend: 'nope'\n");
	expect("listen f\n bind :1\n default_backend f\n",
	    "3 Proxy 'f': loop detected for default_backend: 'f'\n");
	expect("frontend f\n bind :1\n mode http\n default_backend b\n"
	    "backend b\n", "1 http frontend 'f' (t.cfg:1) tries to use "
	    "incompatible tcp backend 'b' (t.cfg:5) as its default backend "
	    "(see 'mode')\n");
	expect("backend b\n server s 10.0.0.1\n server s 10.0.0.2\n",
	    "3 backend 'b', another server named 's' was already defined at "
	    "line 2, please use distinct names\n");
	expect("backend b@\n foo\nbackend\n bar\nbackend b from x\n",
	    "1 character '@' is not permitted in 'backend' name 'b@'\n"
	    "2 unknown keyword 'foo' in 'backend' section\n"
	    "3 'backend' expects an <id> argument\n"
	    "4 unknown keyword 'bar' in 'backend' section\n"
	    "5 defaults section 'x' not found for backend 'b'\n");
	expect("defaults a\ndefaults a\nbackend b from a\n",
	    "3 ambiguous defaults section name 'a' referenced by backend 'b' "
	    "exists at least at t.cfg:1 and t.cfg:2\n");
	expect("backend a\n id 3\nbackend b\n id 3\n",
	    "4 custom id 3 is already used by backend 'a' (declared at "
	    "t.cfg:1)\n");
	expect("backend a\n server s 10.0.0.1 id 3\n server t 10.0.0.1 id 3\n"
	    "backend b\n server u 10.0.0.1 id 3 id 3\n",
	    "3 'server a/t' : 'id' : custom id 3 already used at t.cfg:2 "
	    "('server s')\n");
	expect("frontend f\n bind :1 id 2\n bind :3 id 2\n",
	    "3 'bind :3' : 'id' : custom id 2 already used at t.cfg:2\n");
}

TEST(words_of_bind_and_server_are_checked)
{
	expect("frontend f\n bind\n bind 10.0.0.1\n bind :99999\n"
	    " bind :80 level x\n bind no.such:1\n bind :+1\n bind :1,,:2\n"
	    " bind udp@:53\n",
	    "2 'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port"
	    "[-end]}... as arguments\n"
	    "3 'bind' : missing port specification in '10.0.0.1'\n"
	    "4 'bind' : invalid port, expected 0 to 65535 in ':99999'\n"
	    "5 'bind :80' : 'level' only supports 'user', 'operator', and "
	    "'admin' (got 'x')\n"
	    "6 'bind' : invalid address: 'no.such' in 'no.such:1'\n"
	    "7 'bind' : port offset not allowed in ':+1'\n"
	    "8 'bind' : empty address in the list\n"
	    "9 'bind' : datagrams are not supported yet in 'udp@:53'\n");
	expect("backend b\n server\n server a\n server a 10.0.0.1:1-2\n"
	    " server c 10.0.0.1 weight 300\n server d 10.0.0.1 wieght 3\n"
	    " server f fd@3\n",
	    "2 'server' expects <name> and <addr>[:<port>] as arguments\n"
	    "3 'server' expects <name> and <addr>[:<port>] as arguments\n"
	    "4 'server b/a' : port range not allowed in '10.0.0.1:1-2'\n"
	    "5 'server b/c' : weight is not within 0 and 256 (300)\n"
	    "6 'server b/d' : unknown keyword 'wieght'; did you mean "
	    "'weight' maybe ?\n"
	    "7 'server b/f' : 'fd@3' : a server is not reached through a "
	    "descriptor; expected an address, a path or sockpair@<fd>\n");
	expect("backend b\n server e no.such.invalid:1\n",
	    "2 'server b/e' : could not resolve address 'no.such.invalid'\n");
	expect("backend b\n server e no.such.invalid:1 init-addr dns\n",
	    "2 'server b/e' : 'init-addr' expects 'last', 'libc', 'none' or "
	    "an IP address, found 'dns'\n");
}

TEST(a_template_makes_servers_that_are_alike)
{
	const struct px_server *sv;
	static const char *const names[] = { "a1", "a2", "b3", "b4" };
	static const int weights[] = { 7, 7, 1, 1 };
	unsigned i = 0;

	if (!CHECK(load(TIMEOUTS "backend b\n server-template a 2 10.0.0.1:80 "
	    "weight 7\n server-template b 3-4 10.0.0.2:80\n")))
		return;
	for (sv = px_model->all->servers; sv != NULL && i < 4; sv = sv->next) {
		CHECK_STR(sv->name, names[i]);
		CHECK_EQ(sv->weight, weights[i++]);
	}
	CHECK(i == 4 && sv == NULL);
	unload();
	expect("backend b\n server-template a 0 h:1\n server-template a 3-1 "
	    "h:1\n server-template a 1-x h:1\n server-template a 2\n",
	    "2 '0' is an empty range, or one of more than 1000000 servers\n"
	    "3 '3-1' is an empty range, or one of more than 1000000 servers\n"
	    "4 'server-template' expects <n> or <low>-<high>, found '1-x'\n"
	    "5 'server-template' expects <prefix>, <n> or <low>-<high>, and "
	    "<name>[:<port>]\n");
}

TEST(keywords_of_the_other_side)
{
	expect(TIMEOUTS "frontend f\n bind :1\n fullconn 3\n server x 10.0.0.1"
	    "\nbackend b\n bind :2\n",
	    "7 'fullconn' ignored because frontend 'f' has no backend "
	    "capability\n"
	    "8 'server' not allowed because frontend 'f' has no backend "
	    "capability\n"
	    "10 'bind' ignored because backend 'b' has no frontend "
	    "capability\n");
	expect("defaults\n bind :1\n", "2 'bind' not allowed in 'defaults' "
	    "section\n");
}

TEST(warnings_about_sense)
{
	expect(TIMEOUTS "frontend f\n",
	    "5 frontend 'f' has no 'bind' directive. Please declare it as a "
	    "backend if this was intended\n");
	expect(TIMEOUTS " option http-no-delay\nlisten f\n bind :1\n",
	    "6 'option http-no-delay' ignored for proxy 'f' as it requires "
	    "HTTP mode\n");
	load("frontend f\n bind :1\nbackend b\n server s 10.0.0.1:1\n"
	    "backend c\n");
	CHECK_EQ(diags.n[DIAG_WARNING], 2);
	CHECK_EQ(diags.n[DIAG_ALERT], 0);
	unload();
}

TEST(cpu_maps)
{
	const struct px_global *g;

	CHECK(load("global\n cpu-map auto:1/1-3 0-1,4\n cpu-map 1/5 6 7\n"));
	g = &px_model->global;
	CHECK_EQ(CPU_COUNT(&g->cpu_map[0]), 1);
	CHECK(CPU_ISSET(0, &g->cpu_map[0]) && CPU_ISSET(1, &g->cpu_map[1]) &&
	    CPU_ISSET(4, &g->cpu_map[2]));
	CHECK_EQ(CPU_COUNT(&g->cpu_map[3]), 0);
	CHECK(CPU_ISSET(6, &g->cpu_map[4]) && CPU_ISSET(7, &g->cpu_map[4]));
	unload();
	CHECK(load("global\n cpu-map auto:1/even 32-63\n cpu-map 1/odd 5\n"
	    " cpu-map auto:1/2-4 9\n"));
	g = &px_model->global;
	CHECK(CPU_ISSET(5, &g->cpu_map[0]) && CPU_ISSET(9, &g->cpu_map[1]) &&
	    CPU_ISSET(9, &g->cpu_map[2]) && CPU_ISSET(9, &g->cpu_map[3]) &&
	    CPU_ISSET(34, &g->cpu_map[5]) && CPU_ISSET(63, &g->cpu_map[63]));
	CHECK_EQ(CPU_COUNT(&g->cpu_map[65]), 0);
	unload();
	expect("global\n cpu-map auto:1/1-4 0-1\n cpu-map auto:1-2/1-2 0-3\n"
	    " cpu-map 1/1 all\n",
	    "2 cpu-map : 'auto:1/1-4' wants as many CPUs as it names groups "
	    "or threads, or a single one; found 2\n"
	    "3 cpu-map : 'auto:1-2/1-2' wants as many CPUs as it names groups "
	    "or threads, or a single one; found 4\n"
	    "4 cpu-map : 'all' is not a CPU range\n");
	expect("global\n cpu-map x 0\n cpu-map 1/1 y\n cpu-map 1\n",
	    "2 cpu-map : 'x' is not a valid number/range: expected numbers "
	    "from 1 to 256, 'all', 'odd' or 'even'\n"
	    "3 cpu-map : 'y' is not a CPU range\n"
	    "4 'cpu-map' expects CPU numbers or ranges, but the line ends "
	    "here\n");
}

TEST(userlists)
{
	const struct px_userlist *ul;
	const struct px_user *u;

	CHECK(load("userlist l\n user tiger insecure-password roar groups a\n"
	    " user scott password $6$x\n group a\n group b users tiger\n"));
	ul = px_userlist_find(SPAN("l"));
	MUST(ul != NULL);
	u = px_user_find(ul, SPAN("tiger"));
	MUST(u != NULL);
	CHECK_STR(u->password, "roar");
	CHECK(!u->hashed);
	CHECK(px_user_is_in(u, SPAN("a")));
	CHECK(px_user_is_in(u, SPAN("b")));
	u = px_user_find(ul, SPAN("scott"));
	CHECK(u->hashed && !px_user_is_in(u, SPAN("a")));
	unload();
	expect("userlist l\n user x groups g\n group h users y\n",
	    "2 userlist 'l': no such group 'g' specified in user 'x'\n"
	    "3 userlist 'l': no such user 'y' specified in group 'h'\n");
}

TEST(error_files)
{
	char path[] = "/tmp/px_load_test.XX" "XX" "XX", cfg[600];
	static const char page[] = "HTTP/1.1 503 Busy\r\nA: b \r\n"
	    "Content-Length: 4\r\n\r\nwait";
	const struct http_reply *r;
	int fd = mkstemp(path);

	MUST(fd >= 0 && write(fd, page, sizeof page - 1) > 0);
	close(fd);
	snprintf(cfg, sizeof cfg, "http-errors h\n errorfile 503 %s\n"
	    " errorfile 504 /dev/null\ndefaults\n errorfiles h\n"
	    " errorloc 404 /gone\nbackend a\nbackend b\n"
	    " errorloc303 503 /busy\nbackend c\n errorfiles h 504\n", path);
	CHECK(load(cfg));
	r = px_error_reply(find("a", PX_BE), 503);
	MUST(r != NULL && r->raw.p == NULL && r->hdrs != NULL);
	CHECK_EQ(r->status, 503);
	CHECK_SPAN(r->reason, "Busy");
	CHECK_SPAN(r->hdrs->name, "A");
	CHECK_SPAN(r->hdrs->value, "b");
	CHECK(r->hdrs->next == NULL);   /* the framing is ours */
	CHECK_SPAN(r->body, "wait");
	r = px_error_reply(find("b", PX_BE), 503);
	CHECK(r != NULL && r->status == 303 && r->raw.p == NULL);
	CHECK_SPAN(r->hdrs->next->value, "/busy");
	r = px_error_reply(find("c", PX_BE), 504);
	CHECK(r != NULL && r->raw.p != NULL && r->raw.n == 0);
	CHECK(px_error_reply(find("a", PX_BE), 500) == NULL);
	CHECK(px_error_reply(find("a", PX_BE), 999) == NULL);
	unload();
	unlink(path);
	expect("defaults\n errorfile 999 x\n errorfile 503 /nonexistent\n"
	    "backend b\n errorfiles none\n errorfile 503 /dev/null y\n",
	    "2 errorfile : status code '999' not handled\n"
	    "3 errorfile : error opening file '/nonexistent'\n"
	    "6 'errorfile' cannot handle unexpected argument 'y'\n"
	    "5 proxy 'b': unknown http-errors section 'none'\n");
}

/* Twice the backends take about twice as long: no list is walked for each. */
static double
load_many(int n)
{
	struct text t;
	struct timespec a, b;

	text_init(&t);
	text_addz(&t, TIMEOUTS);
	for (int i = 0; i < n; i++)
		text_printf(&t, "backend b%d\n server s1 10.0.0.1:80\n"
		    " server s2 10.0.0.1:80\n", i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	CHECK(load(t.p));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	CHECK_EQ(px_model->n_px, n);
	unload();
	text_fini(&t);
	return ((double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9);
}

TEST(loading_is_linear)
{
	double few, many;

	load_many(1000);
	few = load_many(4000);
	many = load_many(16000);
	CHECK(many < few * 10);
}
