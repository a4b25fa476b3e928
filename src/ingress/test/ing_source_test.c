/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

/* What is followed goes nowhere: the test says what the server told. */
#define kube_follow_open      fake_follow_open
#define kube_follow_close     fake_follow_close
#define kube_follow_is_listed fake_follow_is_listed

#include "../ing_source.c"

struct kube_follow {
	char *path;
	const struct kube_watch_ops *ops;
	void *arg;
	bool listed, closed;
};

static struct kube_follow follows[64];
static unsigned n_follows;
static struct ing_store *store;
static struct ing_options options;
static struct ing_source *src;
static int changes;
static char refused[300];

struct kube_follow *
kube_follow_open(struct kube_api *api, struct loop *loop, const char *path,
    const char *query, const struct kube_watch_ops *ops, void *arg)
{
	struct kube_follow *f = &follows[n_follows++];
	struct text t;

	(void)api;
	(void)loop;
	MUST(n_follows < NELEM(follows));
	text_init(&t);
	text_printf(&t, "%s%s%s", path, query[0] != '\0' ? "?" : "", query);
	*f = (struct kube_follow){ .path = t.p, .ops = ops, .arg = arg };
	return (f);
}

void
kube_follow_close(struct kube_follow *f)
{
	f->closed = true;
}

bool
kube_follow_is_listed(const struct kube_follow *f)
{
	return (f->listed);
}

static struct kube_follow *
following(const char *path)
{
	for (unsigned i = 0; i < n_follows; i++)
		if (!follows[i].closed && strcmp(follows[i].path, path) == 0)
			return (&follows[i]);
	return (NULL);
}

static void
on_change(void *arg)
{
	(void)arg;
	changes++;
}

static void
on_refusal(enum ing_kind kind, const struct kube_node *meta, const char *why,
    void *arg)
{
	(void)kind;
	(void)meta;
	(void)arg;
	if (why != NULL)
		span_copy(refused, sizeof refused, span_str(why));
}

static void
begin(void)
{
	static const struct ing_source_fns fns = { on_change, on_refusal };

	changes = 0;
	refused[0] = '\0';
	store = ing_store_new();
	src = ing_source_open(NULL, NULL, store, &options, &fns, NULL);
}

static void
end(void)
{
	ing_source_close(src);
	ing_store_free(store);
	for (unsigned i = 0; i < n_follows; i++) {
		CHECK(follows[i].closed);
		free(follows[i].path);
	}
	n_follows = 0;
	memset(&options, 0, sizeof options);
}

/* An object that came (sign '+') or went. */
static void
tell(struct kube_follow *f, char sign, const char *json)
{
	struct diags diags;
	struct kube_doc doc;

	diags_init(&diags);
	MUST(kube_json_read(span_str(json), "t", &kube_limits_object, &doc,
	    &diags));
	if (sign == '+')
		f->ops->object(doc.root, f->arg);
	else
		f->ops->gone(doc.root, f->arg);
	kube_doc_fini(&doc);
	diags_fini(&diags);
}

static void
list(struct kube_follow *f, const char *object)
{
	f->ops->begin(f->arg);
	if (object != NULL)
		tell(f, '+', object);
	f->listed = true;
	f->ops->listed(f->arg);
}

#define SERVICE(name, version)                                               \
	"{\"metadata\":{\"namespace\":\"web\",\"name\":\"" name "\","         \
	"\"uid\":\"u\",\"resourceVersion\":\"" version "\"},\"spec\":{"       \
	"\"ports\":[{\"port\":80}]}}"
#define SECRET(name)                                                         \
	"{\"metadata\":{\"namespace\":\"web\",\"name\":\"" name "\"},"        \
	"\"type\":\"kubernetes.io/tls\",\"data\":{}}"

TEST(collections_of_all_namespaces_or_one)
{
	begin();
	CHECK(following("/apis/networking.k8s.io/v1/ingresses") != NULL);
	CHECK(following("/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2F"
	    "tls") != NULL);
	CHECK(following("/api/v1/namespaces") == NULL);
	end();
	options.watch_namespace = "web";
	options.publish_service = "own/lb";
	begin();
	CHECK(following("/apis/networking.k8s.io/v1/namespaces/web/ingresses")
	    != NULL);
	CHECK(following("/apis/networking.k8s.io/v1/ingressclasses") != NULL);
	CHECK(following("/api/v1/namespaces/own/services?fieldSelector="
	    "metadata.name%3Dlb") != NULL);
	end();
	options.secrets_by_name = true;
	begin();
	for (unsigned i = 0; i < n_follows; i++)
		CHECK(strstr(follows[i].path, "secrets") == NULL);
	ing_store_find(store, ING_SECRET, "web", "cert");
	ing_source_wanted(src);
	CHECK(following("/api/v1/namespaces/web/secrets?fieldSelector="
	    "metadata.name%3Dcert") != NULL);
	end();
}

TEST(it_is_synced_when_each_was_told_once)
{
	const char *what = NULL;

	begin();
	for (unsigned i = 0; i < n_follows; i++) {
		CHECK(!ing_source_is_synced(src, &what));
		CHECK(what != NULL);
		list(&follows[i], NULL);
	}
	CHECK(ing_source_is_synced(src, &what));
	end();
}

TEST(what_a_second_list_does_not_have_is_gone)
{
	struct kube_follow *f;

	begin();
	f = following("/api/v1/services");
	list(f, SERVICE("one", "1"));
	CHECK_EQ(changes, 1);
	tell(f, '+', SERVICE("one", "1"));      /* nothing new */
	CHECK_EQ(changes, 1);
	tell(f, '+', SERVICE("two", "2"));
	CHECK_EQ(changes, 2);
	list(f, SERVICE("two", "2"));
	CHECK(ing_store_find(store, ING_SERVICE, "web", "one") == NULL);
	CHECK(ing_store_find(store, ING_SERVICE, "web", "two") != NULL);
	tell(f, '-', SERVICE("two", "3"));
	CHECK(ing_store_find(store, ING_SERVICE, "web", "two") == NULL);
	end();
}

/* A restart would not know its version before, either. */
TEST(a_bad_object_takes_its_place_and_no_others)
{
	struct kube_follow *f;

	begin();
	f = following("/api/v1/services");
	list(f, SERVICE("one", "1"));
	tell(f, '+', SERVICE("two", "2"));
	tell(f, '+', "{\"metadata\":{\"namespace\":\"web\",\"name\":\"one\"},"
	    "\"spec\":{\"ports\":7}}");
	CHECK(strstr(refused, "Service web/one: ") != NULL);
	CHECK(ing_store_find(store, ING_SERVICE, "web", "one") == NULL);
	CHECK(ing_store_find(store, ING_SERVICE, "web", "two") != NULL);
	end();
}

TEST(what_is_asked_for_by_name_is_followed_as_long_as_it_is)
{
	static const char path[] = "/api/v1/namespaces/web/secrets?"
	    "fieldSelector=metadata.name%3Dusers";
	const char *what;

	begin();
	for (unsigned i = 0; i < n_follows; i++)
		list(&follows[i], NULL);
	list(following("/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2F"
	    "tls"), SECRET("cert"));
	ing_store_find(store, ING_SECRET, "web", "users");
	ing_store_find(store, ING_SECRET, "web", "cert");
	ing_source_wanted(src);
	CHECK(following(path) != NULL);
	CHECK(following("/api/v1/namespaces/web/secrets?fieldSelector="
	    "metadata.name%3Dcert") == NULL);   /* is in the collection */
	CHECK(!ing_source_is_synced(src, &what));
	CHECK_STR(what, "secrets web/users");
	list(following(path), SECRET("users"));
	CHECK(ing_source_is_synced(src, &what));
	ing_source_wanted(src);                 /* nobody asked for it */
	CHECK(following(path) == NULL);
	CHECK(ing_store_find(store, ING_SECRET, "web", "users") == NULL);
	end();
}

TEST(a_trouble_of_many_is_one)
{
	begin();
	for (unsigned i = 0; i < 3; i++)
		follows[i].ops->trouble("list x", "no route", follows[i].arg);
	CHECK(src->troubles != NULL && src->troubles->next == NULL);
	CHECK_EQ(src->troubles->now, 3);
	follows[0].ops->trouble("list x", "answers 500", follows[0].arg);
	CHECK_EQ(src->troubles->next->now, 2);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(src->troubles != NULL);
		follows[i].ops->trouble("", NULL, follows[i].arg);
	}
	CHECK(src->troubles == NULL);
	follows[1].ops->trouble("list x", "no route", follows[1].arg);
	end();
}
