/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_annot.c"

#include <ingress/store.h>

TEST(every_option_is_an_annotation_or_a_setting_of_its_own)
{
	size_t seen[sizeof(struct ing_opts)] = { 0 };

	EACH_OPT(o) {
		if (o->key != NULL && !CHECK(ing_annot_find(o->key) != NULL))
			printf("    %s is not in annot.def\n", o->key);
		CHECK(o->offset < sizeof(struct ing_opts));
		CHECK(o->parse != NULL && o->doc != NULL);
		if (!CHECK_EQ(seen[o->offset]++, 0))
			printf("    %s\n", o->key);
	}
	EACH_OPT(o)
		if (o->configmap != NULL)
			CHECK(ing_opt_setting(o->configmap) == o);
	for (size_t i = 0; i < ing_annots_n; i++)
		CHECK(ing_annot_find(ing_annots[i].key) == &ing_annots[i]);
	CHECK(ing_annot_find("nothing") == NULL);
}

/* The value as ing_opts_text() prints it, or "!" and why not. */
static char *
try(const char *key, const char *value, bool *open)
{
	struct ing_pair pair = { .value = span_str(value) };
	struct ing_ingress ing = { .o = { .ns = "web", .annots = {
	    &pair, 1 } } };
	static const char *const prefix[] = { "nginx.ingress.kubernetes.io" };
	struct ing_annot_ctx ctx = { .prefixes = prefix, .n_prefixes = 1,
	    .risk_limit = ING_HIGH };
	struct ing_store *store = ing_store_new();
	struct ing_opts dflt, opts;
	struct arena mem;
	struct text t, full;

	arena_init(&mem, 0);
	text_init(&t);
	text_init(&full);
	text_printf(&full, "%s/%s", prefix[0], key);
	pair.key = full.p;
	ctx.mem = &mem;
	ctx.store = store;
	ing_opts_defaults(&ctx, NULL, &dflt);
	opts = dflt;
	*open = ing_annot_read(&ctx, &ing, &opts);
	for (int at = ING_AT_RULES; at <= ING_AT_PLAN; at++)
		ing_opts_text(&opts, &dflt, (enum ing_opt_at)at, &t);
	text_addz(&t, "");
	text_fini(&full);
	arena_reset(&mem);
	ing_store_free(store);
	return (t.p);
}

TEST(values_become_options_or_leave_them_alone)
{
	static const struct {
		const char *key, *value, *out;
		bool open;
	} rows[] = {
		{ "ssl-redirect", "false", "ssl-redirect=false\n", true },
		{ "ssl-redirect", " F\n", "ssl-redirect=false\n", true },
		{ "ssl-redirect", "no", "", true },
		{ "ssl-redirect", "true", "", true },
		{ "proxy-read-timeout", "90", "proxy-read-timeout=90\n",
		  true },
		{ "proxy-read-timeout", "90s", "", true },
		{ "proxy-read-timeout", "0", "", true },
		{ "proxy-read-timeout", "99999999999999999999", "", true },
		{ "rewrite-target", "/$1", "rewrite-target=\"/$1\"\n", true },
		{ "rewrite-target", "/'; x", "", true },
		{ "app-root", "/a\nb", "", true },
		{ "app-root", "", "", true },
		{ "allowlist-source-range", "10.0.0.0/8, ::1",
		  "allowlist-source-range=\"10.0.0.0/8\",\"::1\"\n", true },
		{ "allowlist-source-range", "10.0.0.0/33", "", false },
		{ "allowlist-source-range", "10.0.0.1 x", "", false },
		{ "allowlist-source-range", " , ", "", false },
		{ "denylist-source-range", "", "", false },
		{ "auth-type", "xbasic", "", false },
		{ "auth-secret", "users", "auth-secret=\"users\"\n", false },
		{ "auth-url", "http://x/", "auth-url=\"http://x/\"\n",
		  true },
		{ "auth-url", "x/", "auth-url=\"x/\"\n", false },
		{ "auth-url", "http://[::1]:8080?a",
		  "auth-url=\"http://[::1]:8080?a\"\n", true },
		{ "auth-url", "http://a:0/", "auth-url=\"http://a:0/\"\n",
		  false },
		{ "auth-url", "http://a$host/", "auth-url=\"http://a$host/\"\n",
		  false },
		{ "auth-method", "GET", "auth-method=\"GET\"\n", true },
		{ "auth-method", "get", "", false },
		{ "auth-signin", "https://a/?$nil", "", true },
		{ "auth-cache-duration", "200 5m, 401 10s",
		  "auth-cache-duration=\"200 5m, 401 10s\"\n", true },
		{ "auth-cache-duration", "200 5m 401", "", false },
		{ "auth-request-redirect", "/%41$request_uri",
		  "auth-request-redirect=\"/%%41%[pathq]\"\n", true },
		{ "canary-by-header-pattern", "(", "", true },
		{ "canary-by-header-pattern", "a+",
		  "canary-by-header-pattern=\"a+\"\n", true },
		{ "canary-by-header", "X Y", "", true },
		{ "permanent-redirect-code", "308",
		  "permanent-redirect-code=308\n", true },
		{ "permanent-redirect-code", "300", "", true },
		{ "upstream-hash-by", "$request_uri-x",
		  "upstream-hash-by=\"%[pathq]-x\"\n", true },
		{ "upstream-hash-by", "${http_x_key}",
		  "upstream-hash-by=\"%[req.fhdr(x-key)]\"\n", true },
		{ "upstream-hash-by", "$evil", "", true },
		{ "upstream-hash-by", "${host", "", true },
		{ "upstream-hash-by", "%[src]", "", true },
		{ "cors-allow-origin", "https://a.b, x y",
		  "cors-allow-origin=\"https://a.b\"\n", true },
		{ "cors-allow-origin", "x y", "cors-allow-origin=\n", true },
		{ "auth-tls-verify-client", "OPTIONAL",
		  "auth-tls-verify-client=2\n", true },
		{ "auth-tls-verify-client", "maybe", "", true },
		{ "auth-tls-verify-depth", "0", "", true },
		{ "auth-tls-verify-depth", "7", "auth-tls-verify-depth=7\n",
		  true },
		{ "auth-tls-match-cn", "CN=a.b",
		  "auth-tls-match-cn=\"CN=a.b\"\n", true },
		{ "auth-tls-match-cn", "a.b", "", false },
		{ "auth-tls-match-cn", "CN=(", "", false },
		{ "auth-tls-error-page", "/x", "", true },
		{ "auth-tls-secret", "none", "auth-tls-secret=\"none\"\n",
		  false },
		{ "backend-protocol", "https", "backend-protocol=1\n", true },
		{ "backend-protocol", "GRPC", "", false },
		{ "backend-protocol", "spdy", "", true },
		{ "proxy-ssl-secret", "s", "", false },
		{ "proxy-ssl-secret", "far/s", "", false },
		{ "proxy-ssl-ciphers", "HIGH:!aNULL",
		  "proxy-ssl-ciphers=\"HIGH:!aNULL\"\n", true },
		{ "proxy-ssl-ciphers", "HIGH] x", "", true },
		{ "proxy-ssl-protocols", "TLSv1.3", "proxy-ssl-protocols=8\n",
		  true },
		{ "proxy-ssl-protocols", "x", "", true },
		{ "server-alias", "A.test, *.b.test",
		  "server-alias=\"a.test\",\"*.b.test\"\n", true },
		{ "server-alias", "~^X[0-9]", "server-alias=\"~^X[0-9]\"\n",
		  true },
		{ "server-alias", "~(", "", true },
		{ "server-alias", "~", "", true },
		{ "proxy-redirect-from", "off", "", true },
		{ "proxy-redirect-from", "http://a/",
		  "proxy-redirect-from=\"http://a/\"\n", true },
		{ "proxy-redirect-from", "http://$host/", "", true },
		{ "proxy-redirect-from", "~^a|b", "", true },
		{ "proxy-redirect-from", "~(a", "", true },
		{ "proxy-redirect-to", "$host", "proxy-redirect-to=\"$host\"\n",
		  true },
		{ "proxy-redirect-to", "$nobody", "", true },
		{ "proxy-cookie-path", "~^/(.*) /b/$1",
		  "proxy-cookie-path=\"~^/(.*)\",\"/b/$1\"\n", true },
		{ "proxy-cookie-path", "~[\\S] /b", "", true },
		{ "proxy-cookie-path", "/a /b",
		  "proxy-cookie-path=\"/a\",\"/b\"\n", true },
		{ "proxy-cookie-path", "/a", "", true },
		{ "proxy-next-upstream", "error http_503",
		  "proxy-next-upstream=33\n", true },
		{ "proxy-next-upstream", "http_418", "", true },
		{ "limit-rate", "100", "limit-rate=100\n", true },
		{ "custom-headers", "web/none",
		  "custom-headers=\"web/none\"\n", false },
		{ "ssl-ciphers", "AES128-SHA] x", "", true },
		{ "session-cookie-path", "/x;y", "", true },
		{ "session-cookie-expires", "172800",
		  "session-cookie-expires=172800\n", true },
		{ "configuration-snippet", "deny all;", "", true },
		{ "no-such-thing", "x", "", true },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		bool open;
		char *out = try(rows[i].key, rows[i].value, &open);

		if (!CHECK_STR(out, rows[i].out) ||
		    !CHECK_EQ(open, rows[i].open))
			printf("    %s: %s\n", rows[i].key, rows[i].value);
		free(out);
	}
}
