/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "fake_api.h"

#include "../ing_status.c"

static struct loop loop;
static struct ing_store *store;
static struct ing_options options;
static struct ing_status *s;
static int lefts;

static void
on_left(void *arg)
{
	(void)arg;
	lefts++;
}

static void
put(const char *json)
{
	struct diags diags;
	struct kube_doc doc;
	struct ing_obj *o;
	char *why;

	diags_init(&diags);
	MUST(kube_json_read(span_str(json), "t", &kube_limits_object, &doc,
	    &diags));
	MUST(ing_model_read(doc.root, ING_KINDS, &o, &why, NULL) ==
	    ING_READ_OK);
	ing_store_put(store, &o);
	kube_doc_fini(&doc);
	diags_fini(&diags);
}

#define INGRESS(name, status)                                                \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\","      \
	"\"metadata\":{\"namespace\":\"web\",\"name\":\"" name "\"},"         \
	"\"spec\":{\"ingressClassName\":\"nginx\"},\"status\":{"             \
	"\"loadBalancer\":{\"ingress\":[" status "]}}}"
#define SERVICE(spec, status)                                                \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{"          \
	"\"namespace\":\"own\",\"name\":\"lb\"},\"spec\":{" spec "},"         \
	"\"status\":{\"loadBalancer\":{\"ingress\":[" status "]}}}"

static void
begin(void)
{
	loop_open(&loop);
	store = ing_store_new();
	memset(&options, 0, sizeof options);
	options.update_status = options.update_status_on_shutdown = true;
	options.status_update_interval_s = 60;
	options.controller_class = "k8s.io/ingress-nginx";
	options.ingress_class = "nginx";
	lefts = 0;
	put("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\","
	    "\"metadata\":{\"name\":\"nginx\"},\"spec\":{\"controller\":"
	    "\"k8s.io/ingress-nginx\"}}");
}

static void
open_it(void)
{
	s = ing_status_open(NULL, &loop, store, &options, "own", "me");
}

/* All Ingresses of the store are served now. */
static void
serve(void)
{
	struct ing_plan *plan = ing_plan_make(store, &options);

	ing_status_serve(s, plan);
	ing_plan_free(plan);
}

static void
end(void)
{
	ing_status_close(s);
	ing_store_free(store);
	loop_close(&loop);
	fake_forget();
}

#define PATCH(name) \
	"PATCH /apis/networking.k8s.io/v1/namespaces/web/ingresses/" name     \
	"/status"

TEST(only_the_leader_writes_and_only_what_is_served)
{
	begin();
	options.publish_status_address = (struct ing_list){
		{ "lb.example.com", "192.0.2.7", "192.0.2.7" }, 3 };
	put(INGRESS("a", ""));
	put(INGRESS("b", "{\"hostname\":\"lb.example.com\"},"
	    "{\"ip\":\"192.0.2.7\"}"));
	open_it();
	serve();
	CHECK_STR(fake_asked(), "");
	ing_status_lead(s, true);
	CHECK_STR(fake_asked(), PATCH("a"));
	CHECK(fake_sent("{\"status\":{\"loadBalancer\":{\"ingress\":["
	    "{\"ip\":\"192.0.2.7\"},{\"hostname\":\"lb.example.com\"}]}}}"));
	fake_answer(200, "{}");
	CHECK_STR(fake_asked(), "");    /* "b" has them, in another order */
	end();
}

TEST(not_at_all_when_told_so)
{
	begin();
	options.publish_status_address = (struct ing_list){ { "192.0.2.7" },
		1 };
	options.update_status = false;
	put(INGRESS("a", ""));
	open_it();
	ing_status_lead(s, true);
	serve();
	CHECK_STR(fake_asked(), "");
	end();
}

/* Source: controller.md 10. */
TEST(the_addresses_of_a_service_by_its_type)
{
	static const struct { const char *service, *want; } rows[] = {
		{ SERVICE("\"type\":\"LoadBalancer\"",
		    "{\"ip\":\"192.0.2.1\"},{\"hostname\":\"x.example\"}"),
		    "[{\"ip\":\"192.0.2.1\"},{\"hostname\":\"x.example\"}]" },
		{ SERVICE("\"type\":\"LoadBalancer\",\"externalIPs\":"
		    "[\"192.0.2.9\"]", "{\"ip\":\"192.0.2.1\"}"),
		    "[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2.9\"}]" },
		{ SERVICE("\"clusterIP\":\"10.96.0.7\"", ""),
		    "[{\"ip\":\"10.96.0.7\"}]" },
		{ SERVICE("\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\"",
		    ""), "[{\"ip\":\"10.96.0.7\"}]" },
		{ SERVICE("\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\","
		    "\"externalIPs\":[\"192.0.2.9\"]", ""),
		    "[{\"ip\":\"192.0.2.9\"}]" },
		{ SERVICE("\"type\":\"ExternalName\",\"externalName\":"
		    "\"lb.example\"", ""), "[{\"hostname\":\"lb.example\"}]" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		begin();
		options.publish_service = "own/lb";
		put(INGRESS("a", ""));
		put(rows[i].service);
		open_it();
		ing_status_lead(s, true);
		serve();
		if (CHECK_STR(fake_asked(), PATCH("a")))
			CHECK(fake_sent(rows[i].want));
		end();
	}
}

/* A load balancer that is still being made takes no address away. */
TEST(no_address_is_no_reason_to_write)
{
	begin();
	options.publish_service = "own/lb";
	put(INGRESS("a", "{\"ip\":\"192.0.2.1\"}"));
	put(SERVICE("\"type\":\"LoadBalancer\"", ""));
	open_it();
	ing_status_lead(s, true);
	serve();
	CHECK_STR(fake_asked(), "");
	put(SERVICE("\"type\":\"LoadBalancer\"", "{\"ip\":\"192.0.2.2\"}"));
	serve();
	CHECK_STR(fake_asked(), PATCH("a"));
	CHECK(fake_sent("[{\"ip\":\"192.0.2.2\"}]"));
	end();
}

#define POD(name, node, ready, phase, more)                                  \
	"{\"metadata\":{\"name\":\"" name "\"" more ",\"labels\":{\"app\":"   \
	"\"edge\",\"pod-template-hash\":\"5f\",\"x.io/part\":\"a\"}},"        \
	"\"spec\":{\"nodeName\":\"" node "\"},\"status\":{\"phase\":\""       \
	phase "\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready    \
	"\"}]}}"
#define NODE                                                                 \
	"{\"status\":{\"addresses\":[{\"type\":\"Hostname\",\"address\":"     \
	"\"n\"},{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},"          \
	"{\"type\":\"ExternalIP\",\"address\":\"192.0.2.1\"}]}}"
#define INNER                                                                \
	"{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":"   \
	"\"10.0.0.2\"}]}}"

static void
find_nodes(const char *pods)
{
	put(INGRESS("a", ""));
	open_it();
	ing_status_lead(s, true);
	serve();
	CHECK_STR(fake_asked(), "GET /api/v1/namespaces/own/pods/me");
	fake_answer(200, POD("me", "n1", "True", "Running", ""));
	CHECK_STR(fake_asked(), "GET /api/v1/namespaces/own/pods?labelSelector="
	    "app%3Dedge%2Cx.io/part%3Da");
	fake_answer(200, pods);
}

TEST(the_nodes_of_our_pods_that_are_ready)
{
	static const char pods[] = "{\"items\":["
	    POD("me", "n1", "True", "Running", "") ","
	    POD("two", "n2", "True", "Running", "") ","
	    POD("twin", "n2", "True", "Running", "") ","
	    POD("sick", "n3", "False", "Running", "") ","
	    POD("gone", "n4", "True", "Succeeded", "") "]}";

	for (int internal = 0; internal < 2; internal++) {
		begin();
		options.report_node_internal = internal;
		find_nodes(pods);
		CHECK_STR(fake_asked(), "GET /api/v1/nodes/n1");
		fake_answer(200, NODE);
		CHECK_STR(fake_asked(), "GET /api/v1/nodes/n2");
		fake_answer(200, INNER);        /* it has no other */
		CHECK_STR(fake_asked(), PATCH("a"));
		CHECK(fake_sent(internal ? "[{\"ip\":\"10.0.0.1\"},"
		    "{\"ip\":\"10.0.0.2\"}]" : "[{\"ip\":\"10.0.0.2\"},"
		    "{\"ip\":\"192.0.2.1\"}]"));
		end();
	}
}

TEST(pods_that_are_not_ready_yet_are_looked_at_soon)
{
	begin();
	find_nodes("{\"items\":[" POD("me", "n1", "False", "Running", "")
	    "]}");
	CHECK_STR(fake_asked(), "");
	CHECK(s->timer.due_ms - clock_mono_us() / 1000 <= SOON_MS);
	on_timer(&s->timer);
	CHECK(strstr(fake_asked(), "pods?labelSelector") != NULL);
	end();
}

TEST(what_cannot_be_read_is_said_once_and_tried_again)
{
	begin();
	put(INGRESS("a", ""));
	open_it();
	ing_status_lead(s, true);
	serve();
	fake_answer(403, "{}");
	CHECK(strstr(s->finding_trouble.said, "cannot read our own pod: the "
	    "API server answers 403") != NULL);
	CHECK_STR(fake_asked(), "");
	on_timer(&s->timer);
	CHECK_STR(fake_asked(), "GET /api/v1/namespaces/own/pods/me");
	fake_answer(200, "{\"metadata\":{}}");  /* who are its replicas? */
	CHECK(strstr(s->finding_trouble.said, "no labels") != NULL);
	end();
}

/* --- leaving ---------------------------------------------------------------- */

static void
ready_to_leave(const char *published)
{
	options.publish_status_address = (struct ing_list){ { "192.0.2.7" },
		1 };
	put(INGRESS("a", "{\"ip\":\"192.0.2.7\"}"));
	put(INGRESS("b", "{\"ip\":\"192.0.2.8\"}"));
	open_it();
	serve();
	ing_status_lead(s, true);
	if (fake_next() != NULL)
		fake_answer(200, "{}");         /* "b" */
	put(INGRESS("b", "{\"ip\":\"192.0.2.8\"}"));
	ing_status_withdraw(s, on_left, NULL);
	if (fake_next() != NULL)
		fake_answer(200, POD("me", "n1", "True", "Running", ""));
	if (fake_next() != NULL)
		fake_answer(200, published);
}

#define LEAVES ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\""

TEST(the_last_takes_out_what_is_its_own)
{
	begin();
	ready_to_leave("{\"items\":["
	    POD("me", "n1", "True", "Running", LEAVES) ","
	    POD("two", "n2", "True", "Running", LEAVES) ","
	    POD("old", "n2", "False", "Failed", "") "]}");
	CHECK_STR(fake_asked(), PATCH("a"));    /* "b" is somebody else's */
	CHECK(fake_sent("{\"status\":{\"loadBalancer\":{\"ingress\":[]}}}"));
	CHECK_EQ(lefts, 0);
	fake_answer(200, "{}");
	CHECK_EQ(lefts, 1);
	end();
}

/* The nodes were being looked at again: that changes nothing any more. */
TEST(what_is_found_when_we_leave_is_not_published)
{
	static const char pods[] = "{\"items\":["
	    POD("me", "n1", "True", "Running", "") "]}";

	begin();
	find_nodes(pods);
	fake_answer(200, NODE);
	fake_answer(200, "{}");                 /* the status of "a" */
	put(INGRESS("a", "{\"ip\":\"192.0.2.1\"}"));
	on_timer(&s->timer);
	ing_status_withdraw(s, on_left, NULL);
	fake_answer(200, "{\"items\":[]}");     /* of the timer */
	fake_answer(200, pods);                 /* who is left: only we */
	CHECK_STR(fake_asked(), PATCH("a"));
	CHECK(fake_sent("\"ingress\":[]"));
	fake_answer(200, "{}");
	CHECK_EQ(lefts, 1);
	end();
}

TEST(others_go_on_so_nothing_is_taken_out)
{
	begin();
	ready_to_leave("{\"items\":["
	    POD("me", "n1", "True", "Running", LEAVES) ","
	    POD("two", "n2", "False", "Running", "") "]}");
	CHECK_STR(fake_asked(), "");
	CHECK_EQ(lefts, 1);
	serve();                /* nothing is written any more */
	ing_status_lead(s, true);
	on_timer(&s->timer);
	CHECK_STR(fake_asked(), "");
	end();
}

TEST(nothing_is_taken_out_when_told_so_or_when_nobody_knows)
{
	begin();
	options.update_status_on_shutdown = false;
	ready_to_leave("{\"items\":[]}");
	CHECK_STR(fake_asked(), "");
	CHECK_EQ(lefts, 1);
	end();
	begin();
	ready_to_leave("{");
	CHECK_STR(fake_asked(), "");
	CHECK_EQ(lefts, 1);
	end();
	begin();
	options.publish_status_address = (struct ing_list){ { "192.0.2.7" },
		1 };
	put(INGRESS("a", "{\"ip\":\"192.0.2.7\"}"));
	open_it();
	ing_status_lead(s, true);
	serve();
	ing_status_withdraw(s, on_left, NULL);
	fake_answer(404, "{}");
	CHECK_EQ(lefts, 1);
	end();
}
