/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: choosing a backend, editing messages, answering, refusing bad lines.
 */
#include <base/must.h>
#include <base/test.h>
#include <expr/vars.h>
#include <srv/srv.h>

#include "../../expr/test/expr_try.h"
#include "rule_int.h"

/* Backends may be chosen, as in a process. */
static void
publish_all(void)
{
	static struct be_shm shm;
	static struct be *all;
	uint32_t n = 0;

	PX_EACH(px, px_model)
		if ((px->kind & PX_BE) != 0)
			px->rt = n++;
	free(all);
	srv_all_be = all = must_alloc((n + 1) * sizeof *all);
	for (uint32_t i = 0; i < n; i++)
		all[i].shm = &shm;
}

static const char *
chosen(struct try *t, const char *target, const char *host)
{
	const char *h[2] = { host, NULL };
	const struct px *be;

	publish_all();
	try_request(t, "GET", target, h);
	t->txn.fe = px_find(t->model, SPAN("f"), PX_FE);
	be = rule_choose(t->txn.fe, &t->txn);
	return (be != NULL ? be->name : "(none)");
}

TEST(the_first_line_that_matches_chooses)
{
	struct try t;

	try_init(&t);
	CHECK(try_load(&t, "defaults\n\tmode http\n"
	    "backend a\nbackend b\nbackend c\nbackend d\nbackend dyn-x\n"
	    "frontend f\n"
	    "\tuse_backend a if { hdr(host) -i one.org two.org }\n"
	    "\tuse_backend b if { hdr(host) -i two.org three.org }\n"
	    "\tuse_backend c if { path_beg /x/y }\n"
	    "\tuse_backend d if { path_beg /x }\n"
	    "\tuse_backend a if { path_beg /x/y/z }\n"
	    "\tuse_backend dyn-%[path,field(3,/)] if { path_beg /dyn/ }\n"
	    "\tuse_backend b if { src 10.0.0.0/8 } { path /src }\n"
	    "\tdefault_backend d\n"));
	CHECK_STR(chosen(&t, "/", "Host: TWO.org"), "a");
	CHECK_STR(chosen(&t, "/", "Host: Three.org"), "b");
	CHECK_STR(chosen(&t, "/x", "Host: three.org"), "b");
	CHECK_STR(chosen(&t, "/x", "Host: four.org"), "d");
	CHECK_STR(chosen(&t, "/x/y/z/1", "Host: four.org"), "c");
	CHECK_STR(chosen(&t, "/dyn/x", "Host: four.org"), "dyn-x");
	CHECK_STR(chosen(&t, "/dyn/none", "Host: four.org"), "d");
	CHECK_STR(chosen(&t, "/src", "Host: four.org"), "b");
	CHECK_STR(chosen(&t, "/other", "Host: four.org"), "d");
	try_fini(&t);
}

TEST(thousands_of_host_lines_are_one_step)
{
	struct try t;
	struct text cfg;
	const struct rule_cfg *c;
	char host[64];

	try_init(&t);
	text_init(&cfg);
	text_addz(&cfg, "defaults\n\tmode http\n");
	for (int i = 0; i < 3000; i++)
		text_printf(&cfg, "backend b%d\n", i);
	text_addz(&cfg, "frontend f\n");
	for (int i = 0; i < 3000; i++)
		text_printf(&cfg, "\tuse_backend b%d if { req.hdr(Host) -i "
		    "h%d.example.org }\n", i, i);
	CHECK(try_load(&t, cfg.p));
	text_fini(&cfg);
	c = px_get(&px_find(t.model, SPAN("f"), PX_FE)->slots, &rule_slot);
	CHECK_EQ(c->n_steps, 1);
	for (int i = 0; i < 3000; i += 271) {
		snprintf(host, sizeof host, "Host: H%d.Example.org", i);
		CHECK_EQ(atoi(chosen(&t, "/", host) + 1), i);
	}
	CHECK_STR(chosen(&t, "/", "Host: h3000.example.org"), "(none)");
	try_fini(&t);
}

TEST(lines_of_a_host_and_a_path_are_one_step)
{
	struct try t;
	const struct rule_cfg *c;

	try_init(&t);
	CHECK(try_load(&t, "defaults\n\tmode http\n"
	    "backend a\nbackend b\nbackend c\nbackend d\nbackend dyn-x\n"
	    "frontend f\n"
	    "\tacl one hdr(host) -i one.org\n"
	    "\tacl one hdr(host) -i uno.org\n"
	    "\tacl two hdr(host) -i two.org\n"
	    "\tuse_backend a if one { path_beg /a }\n"
	    "\tuse_backend b if { path_beg /b } two or one { path_beg /b }\n"
	    "\tuse_backend dyn-%[path,field(2,/)] if two !{ path_beg /c }\n"
	    "\tuse_backend c if one\n"
	    "\tuse_backend d if two { path_beg /c }\n"));
	c = px_get(&px_find(t.model, SPAN("f"), PX_FE)->slots, &rule_slot);
	CHECK_EQ(c->n_steps, 1);
	CHECK_STR(chosen(&t, "/a1", "Host: One.org"), "a");
	CHECK_STR(chosen(&t, "/a1", "Host: uno.org"), "a");
	CHECK_STR(chosen(&t, "/a1", "Host: two.org"), "(none)");
	CHECK_STR(chosen(&t, "/b", "Host: two.org"), "b");
	CHECK_STR(chosen(&t, "/b", "Host: uno.org"), "b");
	CHECK_STR(chosen(&t, "/x", "Host: two.org"), "dyn-x");
	CHECK_STR(chosen(&t, "/x", "Host: uno.org"), "c");
	CHECK_STR(chosen(&t, "/c", "Host: two.org"), "d");
	CHECK_STR(chosen(&t, "/a", "Host: three.org"), "(none)");
	try_fini(&t);
}

/* One of the tests that conditions below are made of. */
static void
random_test(struct text *cfg)
{
	static const char *const forms[] = { "hdr(host) -i h%u.org",
	    "hdr(host) -i H%u.ORG h%u.org", "path_beg /p%u",
	    "path_beg /p%u/x /p%u", "path /p%u", "hdr(x) v%u", "src 10.0.0.%u",
	    "hdr(host),lower -m end %u.org" };
	/* more of the first than of others, so that lines have it in common */
	const char *form = forms[rand() % 3 == 0 ? 0 :
	    (unsigned)rand() % NELEM(forms)];
	unsigned i = (unsigned)rand() % 4, j = (unsigned)rand() % 4;

	text_addz(cfg, rand() % 6 == 0 ? " !{ " : " { ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text_printf(cfg, form, i, j);
#pragma GCC diagnostic pop
	text_addz(cfg, " }");
}

static const char *
chosen_line_by_line(const struct px *fe, struct txn *t)
{
	for (const struct px_use_be *u = fe->use_be; u != NULL; u = u->next)
		if (cond_true(u->cond, t))
			return (u->be->name);
	return ("(none)");
}

TEST(what_one_look_up_chooses_is_what_the_lines_say)
{
	char target[32], host[32], x[32];
	unsigned steps = 0, lines = 0, hits = 0;

	srand(7);
	for (int round = 0; round < 60; round++) {
		struct try t;
		struct text cfg;
		const struct px *fe;
		unsigned n = 2 + (unsigned)rand() % 12;

		try_init(&t);
		text_init(&cfg);
		text_addz(&cfg, "defaults\n\tmode http\n");
		for (unsigned i = 0; i < n; i++)
			text_printf(&cfg, "backend b%u\n", i);
		text_addz(&cfg, "frontend f\n");
		for (unsigned i = 0; i < n; i++) {
			text_printf(&cfg, "\tuse_backend b%u %s", i,
			    rand() % 9 == 0 ? "unless" : "if");
			for (int k = 1 + rand() % 3; k > 0; k--) {
				random_test(&cfg);
				if (k > 1 && rand() % 3 == 0)
					text_addz(&cfg, " or");
			}
			text_addz(&cfg, "\n");
		}
		CHECK(try_load(&t, cfg.p));
		publish_all();
		fe = px_find(t.model, SPAN("f"), PX_FE);
		steps += ((const struct rule_cfg *)px_get(&fe->slots,
		    &rule_slot))->n_steps;
		lines += n;
		for (int k = 0; k < 60; k++) {
			const char *h[] = { host, x, rand() % 5 == 0 ?
			    "Host: h0.org, h2.org" : NULL, NULL };
			const char *want, *got;

			snprintf(target, sizeof target, "/p%d%s", rand() % 5,
			    rand() % 2 ? "/x" : "");
			snprintf(host, sizeof host, "Host: %c%d.org",
			    rand() % 2 ? 'h' : 'H', rand() % 5);
			snprintf(x, sizeof x, "X: v%d", rand() % 4);
			try_request(&t, "GET", target, h);
			t.txn.fe = fe;
			want = chosen_line_by_line(fe, &t.txn);
			txn_touch(&t.txn);
			got = rule_choose(fe, &t.txn) == NULL ? "(none)" :
			    rule_choose(fe, &t.txn)->name;
			hits += strcmp(want, "(none)") != 0;
			if (!CHECK_STR(got, want))
				fprintf(stderr, "%s %s:\n%s", target, host,
				    cfg.p);
		}
		text_fini(&cfg);
		try_fini(&t);
	}
	CHECK(steps + 50 < lines);      /* some were made one */
	CHECK(hits > 1000);
}

/* Run the http-request rules of frontend f; the request's text after that. */
static enum rule_verdict
run(struct try *t, const char *rules, struct rule_run *r)
{
	static const char *const headers[] = { "Host: a.org", "X-A: 1",
	    "X-A: 2, 22", "X-B: b", NULL };
	char cfg[2048];

	snprintf(cfg, sizeof cfg, "defaults\n\tmode http\nfrontend f\n%s",
	    rules);
	memset(r, 0, sizeof *r);
	if (!try_load(t, cfg))
		return ((enum rule_verdict)-1);
	try_request(t, "GET", "/p/q?x=1", headers);
	t->txn.fe = px_find(t->model, SPAN("f"), PX_FE);
	return (rule_run(t->txn.fe, RULE_HTTP_REQ, &t->txn, r));
}

static const char *
head_text(const struct http_head *h)
{
	static char out[1024];
	int n = snprintf(out, sizeof out, "%.*s %.*s", SPAN_FMT(h->method),
	    SPAN_FMT(h->target));

	for (unsigned i = 0; i < h->n; i++)
		if (h->hdr[i].name != NULL)
			n += snprintf(out + n, sizeof out - (size_t)n,
			    "|%.*s:%.*s", (int)h->hdr[i].name_n,
			    h->hdr[i].name, (int)h->hdr[i].value_n,
			    h->hdr[i].value);
	return (out);
}

TEST(edits)
{
	static const struct { const char *rule, *want; } rows[] = {
		{ "set-header X-A %[src]",
		    "GET /p/q?x=1|Host:a.org|X-B:b|X-A:10.0.0.7" },
		{ "add-header X-C c%[path,length]",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b|X-C:c4" },
		{ "del-header x-a", "GET /p/q?x=1|Host:a.org|X-B:b" },
		{ "del-header x- -m beg", "GET /p/q?x=1|Host:a.org" },
		{ "del-header ^x-[b-z] -m reg",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:2, 22" },
		{ "set-path /n%[path]",
		    "GET /n/p/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "set-pathq /n?y",
		    "GET /n?y|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "set-query z=%[url_param(x)]",
		    "GET /p/q?z=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "set-uri http://h/",
		    "GET http://h/|X-A:1|X-A:2, 22|X-B:b|Host:h" },
		{ "set-method PUT",
		    "PUT /p/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "replace-path ^/p/(.*) /z/\\\\1",
		    "GET /z/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "replace-header X-A ^2(.*) <\\\\1>",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:<, 22>|X-B:b" },
		{ "replace-value X-A ^2(.*) <\\\\1>",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:<>,<2>|X-B:b" },
		{ "set-path \"/a b\"",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
		{ "set-header X-B n if { path /no }",
		    "GET /p/q?x=1|Host:a.org|X-A:1|X-A:2, 22|X-B:b" },
	};
	struct rule_run r;
	struct try t;
	char line[256];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(line, sizeof line, "\thttp-request %s\n",
		    rows[i].rule);
		CHECK_EQ(run(&t, line, &r), RULE_NEXT);
		if (!CHECK_STR(head_text(t.txn.req), rows[i].want))
			printf("    in '%s'\n", rows[i].rule);
		try_fini(&t);
	}
}

TEST(an_edit_is_seen_by_the_next_rule)
{
	struct rule_run r;
	struct try t;

	try_init(&t);
	CHECK_EQ(run(&t, "\thttp-request set-header X-Z 1 if { path /p/q }\n"
	    "\thttp-request set-path /new\n"
	    "\thttp-request deny deny_status 429 if { path /new } "
	    "{ hdr(x-z) 1 }\n", &r), RULE_DENY);
	CHECK_EQ(r.status, 429);
	CHECK_EQ(r.why, WHY_REQ_DENIED);
	CHECK_EQ(r.reply->status, 429);
	try_fini(&t);
}

static unsigned
n_skips(const struct try *t)
{
	const struct rule_list *l = &((const struct rule_cfg *)px_get(
	    &px_find(t->model, SPAN("f"), PX_FE)->slots,
	    &rule_slot))->set[RULE_HTTP_REQ];
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++)
		n += l->v[i].skips;
	return (n);
}

TEST(rules_go_with_the_test_that_they_begin_with)
{
	static const struct { const char *a, *b; unsigned skips; } rows[] = {
		{ "if one", "if one { path / }", 1 },
		{ "if one { path / }", "if one !METH_GET", 1 },
		{ "if { path -m found }", "if { path -m found }", 1 },
		{ "if !{ var(txn.a) -m found }",
		    "if !{ var(txn.a) -m found } one", 1 },
		{ "if { var(txn.a) -m found }",
		    "if !{ var(txn.a) -m found }", 0 },
		{ "if { var(txn.a) -m found }",
		    "if { var(txn.b) -m found }", 0 },
		{ "if { var(txn.a),lower -m found }",
		    "if { var(txn.a),lower -m found }", 0 },
		{ "if { rand(9) -m found }", "if { rand(9) -m found }", 0 },
		{ "if two", "if two", 0 },
		{ "unless one", "unless one", 0 },
		{ "if one or METH_GET", "if one", 0 },
		{ "if one", "if METH_GET one", 0 },
		{ "if one", "", 0 },
	};
	struct rule_run r;
	struct try t;
	char text[512];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(text, sizeof text, "\tacl one hdr(x-a) 22\n"
		    "\tacl two rand(2) 1\n\tacl two path /\n"
		    "\thttp-request add-header r a %s\n"
		    "\thttp-request add-header r b %s\n",
		    rows[i].a, rows[i].b);
		CHECK_EQ(run(&t, text, &r), RULE_NEXT);
		if (!CHECK_EQ(n_skips(&t), rows[i].skips))
			printf("    in '%s', '%s'\n", rows[i].a, rows[i].b);
		try_fini(&t);
	}
}

/* Rules that are skipped are those that would not have run. */
TEST(rules_that_are_skipped_would_have_done_nothing)
{
	static const char *const tests[] = { "{ var(txn.a) -m found }",
	    "!{ var(txn.a) -m found }", "{ var(txn.b) -m found }", "one",
	    "!one", "{ req.hdr(r) -m found }" };
	static const char *const acts[] = { "set-var(txn.a) int(1)",
	    "unset-var(txn.a)", "set-var(txn.b) int(1)", "del-header x-a",
	    "add-header r n", "add-header x-a 22" };
	unsigned skips = 0;

	srand(3);
	for (int round = 0; round < 80; round++) {
		char want[1024];
		struct rule_run r;
		struct text cfg;
		struct try t;
		struct rule_list *l;

		try_init(&t);
		text_init(&cfg);
		text_addz(&cfg, "\tacl one hdr(x-a) 22\n");
		for (int i = 0; i < 14; i++)
			text_printf(&cfg, "\thttp-request %s if %s %s\n"
			    "\thttp-request add-header log %d if %s\n",
			    acts[rand() % 6], tests[rand() % 3],
			    rand() % 2 ? tests[rand() % 6] : "", i,
			    tests[rand() % 6]);
		CHECK_EQ(run(&t, cfg.p, &r), RULE_NEXT);
		snprintf(want, sizeof want, "%s", head_text(t.txn.req));
		skips += n_skips(&t);
		l = &rule_cfg_edit(px_find(t.model, SPAN("f"),
		    PX_FE))->set[RULE_HTTP_REQ];
		for (unsigned i = 0; i < l->n; i++)
			l->v[i].skips = 0;
		try_request(&t, "GET", "/p/q?x=1", (const char *const[]){
		    "Host: a.org", "X-A: 1", "X-A: 2, 22", "X-B: b", NULL });
		expr_vars_end(&t.txn);
		memset(&r, 0, sizeof r);
		CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &r),
		    RULE_NEXT);
		if (!CHECK_STR(want, head_text(t.txn.req)))
			printf("    in\n%s", cfg.p);
		text_fini(&cfg);
		try_fini(&t);
	}
	CHECK(skips > 80);
}

static const char *
reply_text(const struct http_reply *r)
{
	static char out[1024];
	int n = snprintf(out, sizeof out, "%u|%.*s|%.*s", r->status,
	    SPAN_FMT(r->content_type), SPAN_FMT(r->body));

	for (const struct http_reply_hdr *h = r->hdrs; h != NULL; h = h->next)
		n += snprintf(out + n, sizeof out - (size_t)n, "|%.*s: %.*s",
		    SPAN_FMT(h->name), SPAN_FMT(h->value));
	return (out);
}

TEST(answers)
{
	static const struct { const char *rule, *want; } rows[] = {
		{ "return", "200||" },
		{ "return status 204 content-type text/plain", "204||" },
		{ "return content-type text/plain string \"a  b\"",
		    "200|text/plain|a  b" },
		{ "return status 201 content-type a/b lf-string %[path] hdr "
		    "X-C c hdr X-D %[src]",
		    "201|a/b|/p/q|X-C: c|X-D: 10.0.0.7" },
		{ "return content-type a/b string x hdr A b",
		    "200|a/b|x|A: b" },
		{ "redirect location /there",
		    "302|||location: /there|cache-control: no-cache" },
		{ "redirect location /t%[path] code 301",
		    "301|||location: /t/p/q" },
		{ "redirect prefix http://h code 308",
		    "308|||location: http://h/p/q?x=1" },
		{ "redirect prefix http://h code 308 drop-query append-slash",
		    "308|||location: http://h/p/q/" },
		{ "redirect prefix / code 301", "301|||location: /p/q?x=1" },
		{ "redirect scheme https code 301",
		    "301|||location: https://a.org/p/q?x=1" },
		{ "redirect location /c code 301 set-cookie A=b",
		    "301|||location: /c|set-cookie: A=b; path=/;" },
		{ "redirect code 301 set-cookie A=b location /c",
		    "301|||location: /c|set-cookie: A=b; path=/;" },
		{ "redirect location /c code 301 clear-cookie A",
		    "301|||location: /c|set-cookie: A; path=/; Max-Age=0;" },
	};
	struct rule_run r;
	struct try t;
	char line[256];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(line, sizeof line, "\thttp-request %s\n",
		    rows[i].rule);
		CHECK_EQ(run(&t, line, &r), RULE_REPLY);
		if (r.reply != NULL &&
		    !CHECK_STR(reply_text(r.reply), rows[i].want))
			printf("    in '%s'\n", rows[i].rule);
		try_fini(&t);
	}
}

TEST(verdicts)
{
	static const struct { const char *rule; int want, status; } rows[] = {
		{ "deny", RULE_DENY, 403 }, { "tarpit", RULE_TARPIT, 500 },
		{ "tarpit deny_status 429", RULE_TARPIT, 429 },
		{ "deny status 418", RULE_DENY, 418 },
		{ "allow", RULE_STOP, 0 }, { "reject", RULE_CLOSE, 0 },
		{ "silent-drop", RULE_DROP, 0 },
		{ "redirect location \"\" ignore-empty", RULE_NEXT, 0 },
		{ "set-log-level silent", RULE_NEXT, 0 },
	};
	struct rule_run r;
	struct try t;
	char line[256];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(line, sizeof line, "\thttp-request %s\n",
		    rows[i].rule);
		if (!CHECK_EQ(run(&t, line, &r), rows[i].want) ||
		    !CHECK_EQ(r.status, rows[i].status))
			printf("    in '%s'\n", rows[i].rule);
		try_fini(&t);
	}
}

TEST(redirect_lines_come_after_http_request_rules)
{
	struct rule_run r;
	struct try t;

	try_init(&t);
	CHECK_EQ(run(&t, "\tredirect location /r code 301\n"
	    "\thttp-request deny if { path /p/q }\n", &r), RULE_DENY);
	try_fini(&t);
	try_init(&t);
	CHECK_EQ(run(&t, "\tredirect location /%[path] code 301\n"
	    "\thttp-request deny if { path /other }\n", &r), RULE_REPLY);
	CHECK_STR(reply_text(r.reply), "301|||location: /%[path]");
	try_fini(&t);
}

TEST(named_defaults_give_their_rules_first)
{
	struct rule_run r = { 0 };
	struct try t;

	try_init(&t);
	CHECK(try_load(&t, "defaults d\n\tmode http\n"
	    "\thttp-request set-header X-1 d\n"
	    "frontend f from d\n\thttp-request set-header X-1 %[hdr(x-1)]f\n"
	    "frontend g from d\n"));
	try_request(&t, "GET", "/", NULL);
	t.txn.fe = px_find(t.model, SPAN("f"), PX_FE);
	CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &r), RULE_NEXT);
	CHECK_STR(head_text(t.txn.req), "GET /|X-1:df");
	try_request(&t, "GET", "/", NULL);
	r = (struct rule_run){ 0 };
	t.txn.fe = px_find(t.model, SPAN("g"), PX_FE);
	CHECK_EQ(rule_run(t.txn.fe, RULE_HTTP_REQ, &t.txn, &r), RULE_NEXT);
	CHECK_STR(head_text(t.txn.req), "GET /|X-1:d");
	try_fini(&t);
}

TEST(content_rules_wait_for_bytes)
{
	struct rule_run r = { 0 };
	struct try t;

	try_init(&t);
	CHECK(try_load(&t, "frontend f\n\tmode tcp\n"
	    "\ttcp-request inspect-delay 3s\n"
	    "\ttcp-request content accept if { src 1.1.1.1 }\n"
	    "\ttcp-request content accept if { req.len gt 100 }\n"
	    "\ttcp-request content reject\n"));
	t.txn.fe = px_find(t.model, SPAN("f"), PX_FE);
	CHECK_EQ(rule_run(t.txn.fe, RULE_TCP_REQ, &t.txn, &r), RULE_WAIT);
	CHECK_EQ(r.at, 1);
	CHECK_EQ(r.wait_ms, 3000);
	t.txn.wait_over = true;
	CHECK_EQ(rule_run(t.txn.fe, RULE_TCP_REQ, &t.txn, &r), RULE_CLOSE);
	try_fini(&t);
}

TEST(captures_keep_values_for_the_log)
{
	struct rule_run r;
	struct try t;

	try_init(&t);
	CHECK_EQ(run(&t, "\tcapture request header X-A len 3\n"
	    "\tcapture request header X-None len 3\n"
	    "\tcapture cookie sid= len 6\n"
	    "\tdeclare capture request len 4\n"
	    "\thttp-request capture path id 2\n"
	    "\thttp-request capture str(abcdef) len 2\n", &r), RULE_NEXT);
	http_add(t.txn.req, SPAN("Cookie"), SPAN("sid2=x; sid=abcdef; sid=9"));
	rule_capture(&t.txn, false);
	CHECK_SPAN(t.txn.cap_cookie_req, "sid=ab");
	CHECK_EQ(t.txn.cap_req.n, 4);
	CHECK_SPAN(t.txn.cap_req.v[0], "2, ");
	CHECK(t.txn.cap_req.v[1].p == NULL);
	CHECK_SPAN(t.txn.cap_req.v[2], "/p/q");
	CHECK_SPAN(t.txn.cap_req.v[3], "ab");
	try_fini(&t);
}

TEST(bad_lines_are_refused_with_reasons)
{
	static const struct { const char *line, *says; } rows[] = {
		{ "http-request", "expected an action" },
		{ "http-request dney", "knows no action 'dney'" },
		{ "http-request deny when TRUE", "'if'" },
		{ "http-request deny if { path / } extra", "no such ACL" },
		{ "http-request return status 99", "" },
		{ "http-request return string x", "needs 'content-type'" },
		{ "http-request return string x string y content-type a/b",
		    "only one body" },
		{ "http-request return status 299 default-errorfiles",
		    "no error files for status 299" },
		{ "http-request return content-type a/b file /nonexistent",
		    "cannot read" },
		{ "http-request return hdr", "" },
		{ "http-request set-header", "" },
		{ "http-request set-header a:b c", "is not a header name" },
		{ "http-request set-header a %zz", "no such format variable" },
		{ "http-request set-header a %[res.hdr(x)]", "not available" },
		{ "http-request redirect to /x", "expected 'location'" },
		{ "http-request redirect location /x code 200",
		    "redirects have code" },
		{ "http-request replace-header a ( b", "regular expression" },
		{ "http-request set-log-level loud", "unknown log level" },
		{ "http-request set-nice 1025", "1024" },
		{ "http-request set-priority-class", "a sample expression" },
		{ "http-request wait-for-body 1s", "expected 'time <time>'" },
		{ "http-request wait-for-body time 1s at-least x",
		    "a number of bytes" },
		{ "http-response set-path /x", "knows no action" },
		{ "use_backend nobody if TRUE", "unable to find" },
		{ "use_backend x when TRUE", "'if' or 'unless'" },
		{ "capture request header", "" },
		{ "capture request header X lne 4", "'len <length>'" },
		{ "acl or path /", "is an operator" },
		{ "acl x", "expected a sample expression" },
	};
	struct rule_run r;
	struct try t;
	char line[256];

	for (size_t i = 0; i < NELEM(rows); i++) {
		try_init(&t);
		snprintf(line, sizeof line, "\t%s\n", rows[i].line);
		if (!CHECK((int)run(&t, line, &r) == -1) ||
		    !CHECK(strstr(t.error, rows[i].says) != NULL))
			printf("    '%s' says: %s\n", rows[i].line, t.error);
		try_fini(&t);
	}
}
