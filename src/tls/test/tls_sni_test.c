/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate a host name leads to: exact names, wildcards, filters and
 * defaults of a bind line.
 */
#include <base/test.h>

#include "../tls_sni.c"

#include <stdlib.h>
#include <unistd.h>

#include "make_cert.h"

/* Contexts live as long as the generation, that is the process. */
TEST_MAY_LEAK

static struct arena arena;
static struct diags diags;
static char dir[64];

static const char *
path(const char *name)
{
	static char p[4][128];
	static unsigned i;

	snprintf(p[++i % 4], sizeof p[0], "%s/%s", dir, name);
	return (p[i % 4]);
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	MUST(f != NULL && fputs(text, f) >= 0);
	fclose(f);
}

static void
begin(void)
{
	strcpy(dir, "/tmp/tls_sni.XXXXXX");
	MUST(mkdtemp(dir) != NULL);
	make_pem(path("a.pem"), "ec", "a.example", "DNS:a2.example");
	make_pem(path("w.pem"), "ec", "*.w.example", NULL);
	make_pem(path("x.pem.rsa"), "rsa", "x.example", NULL);
	make_pem(path("x.pem.ecdsa"), "ec", "X.example", NULL);
}

static void
end(void)
{
	char cmd[128];

	px_model_free(px_model);
	diags_fini(&diags);
	arena_reset(&arena);
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	MUST(system(cmd) == 0);
}

static struct tls_bind *
load(const char *words)
{
	struct conf c = { .arena = &arena, .diags = &diags };
	char cfg[1024];

	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	snprintf(cfg, sizeof cfg, "global\n crt-base %s\ndefaults\n"
	    " timeout client 1s\nfrontend f\n bind :443 ssl %s\n", dir, words);
	if (!CHECK(conf_load_text(&c, "t.cfg", span_str(cfg)))) {
		LIST_EACH(it, &diags.all)
			fprintf(stderr, "%s\n", LIST_ITEM(it, struct diag,
			    node)->text);
		return (NULL);
	}
	return (px_edit(&px_find(px_model, SPAN("f"), PX_FE)->binds->slots,
	    &tls_bind_slot));
}

/* "a.pem" and so on, in order. */
static const char *
files(const struct tls_entry *e)
{
	static char all[256];

	all[0] = '\0';
	for (; e != NULL; e = e->next) {
		strcat(all, e->line->cert->path + strlen(dir) + 1);
		strcat(all, " ");
	}
	return (all);
}

static void
leads_to(const struct tls_bind *b, const char *name, const char *expected)
{
	CHECK_STR(files(tls_sni_find(b, span_str(name))), expected);
}

TEST(names_of_certificates)
{
	const struct tls_bind *b;

	begin();
	if ((b = load("crt a.pem crt w.pem crt x.pem")) != NULL) {
		leads_to(b, "a.example", "a.pem ");
		leads_to(b, "A2.Example", "a.pem ");
		leads_to(b, "a.example.", "a.pem ");
		leads_to(b, "b.example", "");
		leads_to(b, "one.w.example", "w.pem ");
		leads_to(b, "one.two.w.example", "");
		leads_to(b, "w.example", "");
		leads_to(b, ".w.example", "");
		leads_to(b, "x.example", "x.pem.ecdsa x.pem.rsa ");
		leads_to(b, "", "");
		CHECK_STR(files(b->defaults), "a.pem ");
	}
	end();
}

TEST(a_bundle_is_the_default_as_a_whole)
{
	const struct tls_bind *b;

	begin();
	if ((b = load("crt x.pem crt a.pem")) != NULL)
		CHECK_STR(files(b->defaults), "x.pem.ecdsa x.pem.rsa ");
	px_model_free(px_model);
	if ((b = load("crt a.pem default-crt w.pem")) != NULL)
		CHECK_STR(files(b->defaults), "w.pem ");
	end();
}

TEST(lists_say_which_names)
{
	const struct tls_bind *b;
	char words[256];

	begin();
	put("list", "# comment\n\na.pem !*\n"
	    "w.pem [ssl-min-ver TLSv1.3] *.v.example !no.v.example  # more\n"
	    "x.pem.rsa[alpn http/1.1]No.V.example\n");
	snprintf(words, sizeof words, "crt-list %s", path("list"));
	if ((b = load(words)) != NULL) {
		leads_to(b, "a.example", "");
		leads_to(b, "yes.v.example", "w.pem ");
		leads_to(b, "no.v.example", "x.pem.rsa ");
		leads_to(b, "one.w.example", "");
		CHECK_STR(files(b->defaults), "a.pem ");
		CHECK(b->lines->next->ctx != b->ctx);
		CHECK_EQ(b->lines->next->ctx->conf.min, TLS_VER_13);
		CHECK(b->lines->ctx == b->ctx);
	}
	end();
}

TEST(a_star_in_a_list_is_the_default)
{
	const struct tls_bind *b;
	char words[256];

	begin();
	put("list", "a.pem\nw.pem *\n");
	snprintf(words, sizeof words, "crt-list %s", path("list"));
	if ((b = load(words)) != NULL)
		CHECK_STR(files(b->defaults), "w.pem ");
	end();
}

/* A certificate gets other contents, as the runtime API does it. */
TEST(names_follow_the_contents)
{
	struct tls_bind *b;
	struct tls_line *first;
	struct text t;

	begin();
	if ((b = load("crt a.pem crt w.pem crt x.pem")) != NULL) {
		first = b->lines;
		tls_sni_drop(b, first);
		leads_to(b, "a.example", "");
		text_init(&t);
		cert_pack(b->lines->next->cert, &t);
		CHECK(cert_unpack(first->cert, text_span(&t)));
		text_fini(&t);
		tls_sni_add(b, first);
		tls_sni_defaults(b);
		leads_to(b, "a2.example", "");
		/* The order of lines decides, not when a name came. */
		leads_to(b, "one.w.example", "a.pem w.pem ");
		CHECK_STR(files(b->defaults), "a.pem ");
		tls_sni_drop(b, first);
		leads_to(b, "one.w.example", "w.pem ");
	}
	end();
}
