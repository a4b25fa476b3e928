/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_api - libcurl's multi interface beside our own loop: curl waits, and
 * looks at the loop's epoll descriptor as one more.
 */
#include <kube/api.h>

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>

#include <base/clock.h>
#include <base/list.h>
#include <base/must.h>
#include <base/num.h>

#define CONNECT_MS 10000
#define TOKEN_AGE_MS 60000
#define BODY_MAX (64u << 20)

struct kube_api {
	unsigned magic;
#define KUBE_API_MAGIC 0x5a9b10c4
	struct kube_conf *conf;
	struct loop *loop;
	CURLM *multi;
	struct list calls;
	int64_t token_ms;       /* when the token was read */
	bool turning;
};

struct kube_call {
	unsigned magic;
#define KUBE_CALL_MAGIC 0x5a9b10c5
	struct list node;
	struct kube_api *api;
	CURL *easy;
	struct curl_slist *fields;
	struct text body;       /* of the answer */
	struct kube_ask ask;
	char *sent;             /* body of the request */
	char error[CURL_ERROR_SIZE];
	int retry_after_s;
	bool dropped, too_long, stopped;
};

struct kube_api *
kube_api_open(struct kube_conf *conf, struct loop *loop)
{
	struct kube_api *a = must_alloc(sizeof *a);

	MUST(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	a->magic = KUBE_API_MAGIC;
	a->conf = conf;
	a->loop = loop;
	a->multi = curl_multi_init();
	MUST(a->multi != NULL);
	a->token_ms = clock_mono_us() / 1000;
	list_init(&a->calls);
	(void)curl_multi_setopt(a->multi, CURLMOPT_PIPELINING,
	    CURLPIPE_MULTIPLEX);
	return (a);
}

static void
call_free(struct kube_call *c)
{
	list_del(&c->node);
	(void)curl_multi_remove_handle(c->api->multi, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->fields);
	if (c->sent != NULL)
		explicit_bzero(c->sent, c->ask.body.n);
	free(c->sent);
	text_fini(&c->body);
	free(c);
}

void
kube_api_close(struct kube_api *a)
{
	if (a == NULL)
		return;
	LIST_EACH(n, &a->calls)
		call_free(LIST_ITEM(n, struct kube_call, node));
	(void)curl_multi_cleanup(a->multi);
	free(a);
}

/* --- one request ----------------------------------------------------------- */

static size_t
on_bytes(char *p, size_t one, size_t n, void *arg)
{
	struct kube_call *c = OBJ(arg, struct kube_call, KUBE_CALL_MAGIC);
	long status = 0;

	n *= one;
	if (c->dropped)
		return (0);
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (c->ask.part != NULL && status == 200) {
		if (c->ask.part(span_of(p, n), c->ask.arg) && !c->dropped)
			return (n);
		c->stopped = true;
		return (0);
	}
	if (c->body.n + n > BODY_MAX) {
		c->too_long = true;
		return (0);
	}
	text_add(&c->body, span_of(p, n));
	return (n);
}

/* The empty line behind the fields, and not those of "100 Continue". */
static void
head_ended(struct kube_call *c)
{
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 && c->ask.begun != NULL && !c->dropped)
		c->ask.begun(c->ask.arg);
}

static size_t
on_field(char *p, size_t one, size_t n, void *arg)
{
	struct kube_call *c = OBJ(arg, struct kube_call, KUBE_CALL_MAGIC);
	struct span line = span_of(p, n * one), name;
	uint64_t s;

	if (span_is(line, "\r\n"))
		head_ended(c);
	if (span_cut(&line, ':', &name) && line.p != NULL &&
	    span_iis(name, "retry-after")) {
		while (line.n > 0 && (line.p[line.n - 1] == '\n' ||
		    line.p[line.n - 1] == '\r'))
			line.n--;
		if (num_u64(span_trim(line), &s) && s < 3600)
			c->retry_after_s = (int)s;
	}
	return (n * one);
}

static void
add_field(struct kube_call *c, const char *name, const char *value)
{
	struct curl_slist *l;
	struct text t;

	text_init(&t);
	text_printf(&t, "%s: %s", name, value);
	l = curl_slist_append(c->fields, t.p);
	MUST(l != NULL);
	c->fields = l;
	explicit_bzero(t.p, t.n);
	text_fini(&t);
}

static void
set_blob(CURL *e, CURLoption o, const char *pem)
{
	struct curl_blob b = { .data = (void *)(uintptr_t)pem,
		.len = strlen(pem), .flags = CURL_BLOB_COPY };

	(void)curl_easy_setopt(e, o, &b);
}

static void
set_identity(struct kube_call *c)
{
	struct kube_conf *conf = c->api->conf;
	struct text t;

	if (conf->ca != NULL)
		set_blob(c->easy, CURLOPT_CAINFO_BLOB, conf->ca);
	if (conf->cert != NULL)
		set_blob(c->easy, CURLOPT_SSLCERT_BLOB, conf->cert);
	if (conf->key != NULL)
		set_blob(c->easy, CURLOPT_SSLKEY_BLOB, conf->key);
	if (conf->insecure) {
		(void)curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (conf->token != NULL) {
		text_init(&t);
		text_printf(&t, "Bearer %s", conf->token);
		add_field(c, "Authorization", t.p);
		explicit_bzero(t.p, t.n);
		text_fini(&t);
	}
}

static void
set_options(struct kube_call *c)
{
	CURL *e = c->easy;
	const struct kube_ask *ask = &c->ask;

	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https,http");
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "ecluse-ingress");
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_field);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 1000L *
	    (ask->timeout_s > 0 ? ask->timeout_s : 30));
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 15L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_2TLS);
	(void)curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING,
	    ask->part == NULL ? "gzip" : NULL);
	add_field(c, "Accept", "application/json");
	if (ask->method != NULL)
		(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, ask->method);
	if (ask->body.p != NULL) {
		add_field(c, "Content-Type", ask->type != NULL ? ask->type :
		    "application/json");
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE,
		    (long)ask->body.n);
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->sent);
	}
	set_identity(c);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->fields);
}

struct kube_call *
kube_api_call(struct kube_api *a, const struct kube_ask *ask)
{
	struct kube_call *c = must_alloc(sizeof *c);
	int64_t now = clock_mono_us() / 1000;
	struct text url;

	MUST(a->magic == KUBE_API_MAGIC);
	if (now - a->token_ms > TOKEN_AGE_MS) {
		(void)kube_conf_token(a->conf);
		a->token_ms = now;
	}
	c->magic = KUBE_CALL_MAGIC;
	c->api = a;
	c->ask = *ask;
	text_init(&c->body);
	if (ask->body.p != NULL)
		c->sent = span_dup(ask->body);
	c->easy = curl_easy_init();
	MUST(c->easy != NULL);
	text_init(&url);
	text_printf(&url, "%s%s", a->conf->server, ask->path);
	(void)curl_easy_setopt(c->easy, CURLOPT_URL, url.p);
	text_fini(&url);
	set_options(c);
	list_push_front(&a->calls, &c->node);
	(void)curl_multi_add_handle(a->multi, c->easy);
	return (c);
}

void
kube_call_drop(struct kube_call *c)
{
	if (c == NULL)
		return;
	MUST(c->magic == KUBE_CALL_MAGIC);
	/* curl may be calling us: it is freed at the end of the turn. */
	c->dropped = true;
	if (!c->api->turning)
		call_free(c);
}

void
kube_reply_why(const struct kube_reply *r, struct text *out)
{
	if (r->status == 0)
		text_addz(out, r->error);
	else
		text_printf(out, "the API server answers %d", r->status);
}

/* --- waiting --------------------------------------------------------------- */

/* Said once, so the same fault must have the same words: curl's own have the
 * time that an attempt took. */
static const char *
error_text(const struct kube_call *c, CURLcode rc)
{
	if (c->too_long)
		return ("the answer is too long");
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_OPERATION_TIMEDOUT ||
	    c->error[0] == '\0')
		return (curl_easy_strerror(rc));
	return (c->error);
}

static void
finish(struct kube_call *c, CURLcode rc)
{
	struct kube_reply r = { .retry_after_s = c->retry_after_s };
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (rc == CURLE_OK || c->stopped) {
		r.status = (int)status;
		r.body = text_span(&c->body);
	} else {
		r.error = error_text(c, rc);
	}
	/* A token that was replaced long ago, or that we never reread. */
	if (r.status == 401) {
		(void)kube_conf_token(c->api->conf);
		c->api->token_ms = clock_mono_us() / 1000;
	}
	if (!c->dropped)
		c->ask.done(&r, c->ask.arg);
	call_free(c);
}

static void
harvest(struct kube_api *a)
{
	struct kube_call *c;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(a->multi, &left)) != NULL) {
		CURLcode rc = m->data.result;
		char *priv = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
		    &priv);
		c = OBJ(priv, struct kube_call, KUBE_CALL_MAGIC);
		finish(c, rc);
	}
	LIST_EACH(n, &a->calls) {
		c = LIST_ITEM(n, struct kube_call, node);
		if (c->dropped)
			call_free(c);
	}
}

void
kube_api_turn(struct kube_api *a, int max_ms)
{
	struct curl_waitfd w = { .fd = a->loop->epfd, .events = CURL_WAIT_POLLIN };
	int64_t next;
	int running;

	MUST(a->magic == KUBE_API_MAGIC);
	next = tmr_wheel_next(&a->loop->wheel, clock_mono_us() / 1000);
	if (next >= 0 && next < max_ms)
		max_ms = (int)next;
	a->turning = true;
	(void)curl_multi_perform(a->multi, &running);
	a->turning = false;
	harvest(a);
	(void)curl_multi_poll(a->multi, &w, 1, max_ms, NULL);
	a->turning = true;
	(void)curl_multi_perform(a->multi, &running);
	a->turning = false;
	harvest(a);
	loop_turn(a->loop, 0);
}
