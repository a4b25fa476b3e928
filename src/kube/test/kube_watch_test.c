/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../kube_watch.c"

/* What the machine told, as text: "begin", "+name", "-name", "listed", ... */
static struct text told;

static void
add(const char *sign, const char *what)
{
	text_printf(&told, "%s%s%s", told.n > 0 ? " " : "", sign, what);
}

static void
on_begin(void *arg)
{
	(void)arg;
	add("begin", "");
}

static void
on_object(const struct kube_node *n, void *arg)
{
	(void)arg;
	add("+", kube_str(kube_at(n, "metadata.name")).p);
}

static void
on_gone(const struct kube_node *n, void *arg)
{
	(void)arg;
	add("-", kube_str(kube_at(n, "metadata.name")).p);
}

static void
on_listed(void *arg)
{
	(void)arg;
	add("listed", "");
}

static void
on_trouble(const char *doing, const char *what, void *arg)
{
	(void)arg;
	if (what == NULL)
		add("!", "well");
	else
		text_printf(&told, "%s!%s: %s", told.n > 0 ? " " : "", doing,
		    what);
}

static const struct kube_watch_ops ops = { on_begin, on_object, on_gone,
	on_listed, on_trouble };

static struct kube_watch w;
static struct text url;
static int64_t now, wait_ms;

static void
begin(void)
{
	text_init(&told);
	text_init(&url);
	now = 1000;
	kube_watch_init(&w, "/api/v1/services", "", &ops, NULL);
}

static void
end(void)
{
	kube_watch_fini(&w);
	text_fini(&url);
	text_fini(&told);
}

static void
check_told(const char *want)
{
	CHECK_STR(told.n > 0 ? told.p : "", want);
	text_clear(&told);
}

static void
page(int status, const char *body)
{
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_LIST);
	kube_watch_page(&w, &(struct kube_reply){ .status = status,
	    .body = span_str(body), .error = "no route" }, now);
}

#define OBJ_(name, v)                                                        \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" v "\"}}"
#define LIST_(v, more, items)                                                \
	"{\"kind\":\"ServiceList\",\"metadata\":{\"resourceVersion\":\"" v    \
	"\",\"continue\":\"" more "\"},\"items\":[" items "]}"

static void
watch(void)
{
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_WATCH);
}

static void
ended(int status)
{
	kube_watch_ended(&w, &(struct kube_reply){ .status = status,
	    .error = "the connection broke" }, now);
}

static bool
bytes(const char *s)
{
	return (kube_watch_bytes(&w, span_str(s)));
}

TEST(a_list_in_pages_then_a_watch_from_there)
{
	begin();
	page(200, LIST_("7", "a+b", OBJ_("one", "3")));
	CHECK_STR(url.p, "/api/v1/services?limit=500");
	check_told("begin +one");
	page(200, LIST_("7", "", OBJ_("two", "5")));
	CHECK_STR(url.p, "/api/v1/services?limit=500&continue=a%2Bb");
	check_told("+two listed");
	watch();
	CHECK(strstr(url.p, "watch=1&allowWatchBookmarks=true") != NULL);
	CHECK(strstr(url.p, "&resourceVersion=7") != NULL);
	end();
}

TEST(lines_may_come_in_any_pieces)
{
	static const char line[] = "{\"type\":\"MODIFIED\",\"object\":"
	    OBJ_("one", "8") "}\n{\"type\":\"DELETED\",\"object\":"
	    OBJ_("two", "9") "}\n";

	begin();
	page(200, LIST_("7", "", ""));
	watch();
	text_clear(&told);
	for (size_t i = 0; i + 1 < sizeof line; i++)
		CHECK(kube_watch_bytes(&w, span_of(line + i, 1)));
	check_told("+one -two");
	ended(200);
	now += 60000;
	watch();
	CHECK(strstr(url.p, "&resourceVersion=9") != NULL);
	end();
}

TEST(half_a_line_is_forgotten_and_asked_for_again)
{
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	text_clear(&told);
	CHECK(bytes("{\"type\":\"ADDED\",\"object\":{\"meta"));
	now += 6000;
	ended(0);
	check_told("!watch /api/v1/services: the connection broke");
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_WAIT);
	CHECK(wait_ms > 0 && wait_ms <= 400);
	now += wait_ms;
	watch();
	CHECK(strstr(url.p, "&resourceVersion=7") != NULL);
	CHECK(bytes("{\"type\":\"ADDED\",\"object\":" OBJ_("x", "8") "}\n"));
	check_told("+x");
	now += 6000;
	ended(200);
	check_told("!well");
	end();
}

TEST(a_bookmark_moves_the_place_and_tells_nothing)
{
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	text_clear(&told);
	CHECK(bytes("{\"type\":\"BOOKMARK\",\"object\":" OBJ_("", "20")
	    "}\n"));
	check_told("");
	now += 6000;
	ended(200);
	watch();
	CHECK(strstr(url.p, "&resourceVersion=20") != NULL);
	end();
}

TEST(a_version_that_is_gone_begins_again_at_once)
{
	begin();
	page(200, LIST_("7", "", OBJ_("one", "3")));
	watch();
	now += 10000;
	text_clear(&told);
	CHECK(!bytes("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
	    "\"code\":410,\"message\":\"too old\"}}\n"));
	ended(200);
	page(200, LIST_("30", "", OBJ_("two", "29")));
	check_told("begin +two listed");
	watch();
	/* A server that says so every time is not asked every time. */
	CHECK(!bytes("{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"));
	ended(200);
	page(200, LIST_("31", "", ""));
	watch();
	CHECK(!bytes("{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"));
	ended(200);
	CHECK(kube_watch_next(&w, now, &url, &wait_ms) != KUBE_DO_WATCH);
	end();
}

TEST(a_page_whose_token_expired_begins_the_list_again)
{
	begin();
	page(200, LIST_("7", "next", OBJ_("one", "3")));
	page(410, "{\"kind\":\"Status\",\"code\":410}");
	now += 60000;
	page(200, LIST_("9", "", OBJ_("one", "3")));
	CHECK_STR(url.p, "/api/v1/services?limit=500");
	check_told("begin +one begin +one listed");
	end();
}

TEST(refusals_are_said_once_and_asked_later_each_time)
{
	static const char status[] = "{\"kind\":\"Status\",\"code\":403,"
	    "\"message\":\"services is forbidden\"}";
	int64_t last = 0;

	begin();
	for (int i = 0; i < 12; i++) {
		page(403, status);
		CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms),
		    KUBE_DO_WAIT);
		CHECK(wait_ms <= 45000);
		last = wait_ms;
		now += wait_ms;
	}
	CHECK(last >= 15000);
	CHECK(strstr(told.p, "answers 403: services is forbidden") != NULL);
	CHECK_EQ(strstr(strstr(told.p, "!") + 1, "!") == NULL, true);
	text_clear(&told);
	page(200, LIST_("7", "", ""));
	check_told("begin listed !well");
	end();
}

TEST(a_busy_server_is_left_alone_as_long_as_it_asks)
{
	begin();
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_LIST);
	kube_watch_page(&w, &(struct kube_reply){ .status = 429,
	    .retry_after_s = 7 }, now);
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_WAIT);
	CHECK(wait_ms >= 7000 && wait_ms <= 8000);
	end();
}

TEST(what_is_no_list_and_no_line_is_trouble)
{
	static const char *const bodies[] = { "", "{", "[]", "null", "{}",
		"{\"metadata\":{},\"items\":[]}",
		"{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":3}" };

	for (size_t i = 0; i < NELEM(bodies); i++) {
		begin();
		page(200, bodies[i]);
		check_told("begin !list /api/v1/services: the answer is no "
		    "list");
		end();
	}
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	CHECK(!bytes("not json\n"));
	now += 6000;
	ended(200);
	CHECK_EQ(kube_watch_next(&w, now, &url, &wait_ms), KUBE_DO_LIST);
	end();
}

TEST(a_line_without_end_is_left_out)
{
	char *much = must_alloc(1u << 20);
	unsigned turns = 0;

	memset(much, 'x', 1u << 20);
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	text_clear(&told);
	for (; turns < 12; turns++)
		CHECK(kube_watch_bytes(&w, span_of(much, 1u << 20)));
	CHECK(w.line.cap <= 16u << 20);
	CHECK(bytes("\n{\"type\":\"ADDED\",\"object\":" OBJ_("x", "8") "}\n"));
	check_told("!watch /api/v1/services: an object of more than 8 MiB is "
	    "left out +x");
	free(much);
	end();
}

/* A watch may go on for minutes: that it is well again is said before. */
TEST(a_watch_that_lives_is_well)
{
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	ended(0);
	now += 60000;
	watch();
	text_clear(&told);
	kube_watch_lives(&w);           /* the server has said nothing */
	check_told("");
	kube_watch_begun(&w);
	check_told("");
	kube_watch_lives(&w);
	check_told("!well");
	kube_watch_lives(&w);
	check_told("");
	ended(0);
	check_told("!watch /api/v1/services: the connection broke");
	end();
}

TEST(an_error_in_the_stream_is_said_in_words)
{
	begin();
	page(200, LIST_("7", "", ""));
	watch();
	text_clear(&told);
	CHECK(!bytes("{\"type\":\"ERROR\",\"object\":{\"code\":500,"
	    "\"message\":\"etcd is away\"}}\n"));
	check_told("!watch /api/v1/services: etcd is away");
	now += 6000;
	ended(200);
	check_told("");                 /* the list will show */
	page(200, LIST_("8", "", ""));
	check_told("begin listed !well");
	watch();
	CHECK(!bytes("[]\n"));
	check_told("!watch /api/v1/services: what comes is no event");
	end();
}
