/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_watch - list, watch, and what to do when either fails.
 */
#include <kube/watch.h>

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <base/rand.h>

#define PAGE 500                /* objects in a page of a list */
#define WATCH_S 300             /* and up to twice as long */
#define LINE_MAX (8u << 20)     /* of a watch: one object */
#define BACKOFF_MS 200
#define BACKOFF_MAX_MS 30000

void
kube_watch_init(struct kube_watch *w, const char *path, const char *query,
    const struct kube_watch_ops *ops, void *arg)
{
	memset(w, 0, sizeof *w);
	w->ops = ops;
	w->arg = arg;
	w->path = must_strdup(path);
	w->query = must_strdup(query);
	text_init(&w->line);
}

static void
set(char **at, struct span s)
{
	free(*at);
	*at = s.n > 0 ? span_dup(s) : NULL;
}

void
kube_watch_fini(struct kube_watch *w)
{
	free(w->path);
	free(w->query);
	free(w->trouble);
	set(&w->version, SPAN_NONE);
	set(&w->more, SPAN_NONE);
	text_fini(&w->line);
}

/* --- trouble --------------------------------------------------------------- */

static void
say(struct kube_watch *w, const char *verb, const char *what)
{
	struct text doing;

	if (w->trouble != NULL && strcmp(w->trouble, what) == 0)
		return;
	set(&w->trouble, span_str(what));
	text_init(&doing);
	text_printf(&doing, "%s %s", verb, w->path);
	w->ops->trouble(doing.p, what, w->arg);
	text_fini(&doing);
}

static void
well(struct kube_watch *w)
{
	w->fails = 0;
	if (w->trouble == NULL)
		return;
	set(&w->trouble, SPAN_NONE);
	w->ops->trouble("", NULL, w->arg);
}

/* Later each time, and never all at once: half to one and a half of the time. */
static void
back_off(struct kube_watch *w, int64_t now_ms, int asked_s)
{
	int64_t ms = BACKOFF_MS << (w->fails < 8 ? w->fails : 8);

	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	ms = ms / 2 + (int64_t)rand_below((uint32_t)ms);
	if (ms < 1000 * (int64_t)asked_s)
		ms = 1000 * (int64_t)asked_s + rand_below(1000);
	w->fails++;
	w->not_before_ms = now_ms + ms;
}

/* "403 Forbidden: ..." of a Status object, or of what else came. */
static void
failed(struct kube_watch *w, const struct kube_reply *r, int64_t now_ms,
    const char *verb)
{
	struct kube_doc doc;
	struct diags diags;
	struct text t;
	bool is_doc;

	text_init(&t);
	diags_init(&diags);
	is_doc = r->status != 0 && kube_json_read(r->body, "answer",
	    &kube_limits_object, &doc, &diags);
	kube_reply_why(r, &t);
	if (is_doc) {
		struct span m = kube_str(kube_get(doc.root, "message"));

		if (m.n > 0)
			text_addz(&t, ": ");
		text_quote(&t, m.n > 300 ? span_of(m.p, 300) : m);
		kube_doc_fini(&doc);
	}
	diags_fini(&diags);
	say(w, verb, t.p);
	text_fini(&t);
	back_off(w, now_ms, r->retry_after_s);
}

/* --- what to ask ----------------------------------------------------------- */

static void
add_escaped(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("-_.~", *s) != NULL)
			text_addc(t, *s);
		else
			text_printf(t, "%%%02X", (unsigned char)*s);
	}
}

enum kube_step
kube_watch_next(struct kube_watch *w, int64_t now_ms, struct text *url,
    int64_t *wait_ms)
{
	if (now_ms < w->not_before_ms) {
		*wait_ms = w->not_before_ms - now_ms;
		return (KUBE_DO_WAIT);
	}
	text_clear(url);
	text_printf(url, "%s?%s%s", w->path, w->query,
	    w->query[0] != '\0' ? "&" : "");
	if (w->version == NULL || w->more != NULL) {
		text_printf(url, "limit=%d", PAGE);
		if (w->more != NULL) {
			text_addz(url, "&continue=");
			add_escaped(url, w->more);
		} else {
			w->ops->begin(w->arg);
		}
		return (KUBE_DO_LIST);
	}
	/* Not all watches of all replicas end at the same time. */
	w->watch_s = WATCH_S + (int)rand_below(WATCH_S);
	w->began_ms = now_ms;
	w->expired = w->skipping = w->begun = false;
	text_clear(&w->line);
	text_printf(url, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%d"
	    "&resourceVersion=", w->watch_s);
	add_escaped(url, w->version);
	return (KUBE_DO_WATCH);
}

/* --- a list ---------------------------------------------------------------- */

static void
start_over(struct kube_watch *w)
{
	set(&w->version, SPAN_NONE);
	set(&w->more, SPAN_NONE);
}

static bool
take_page(struct kube_watch *w, const struct kube_node *root)
{
	const struct kube_node *items = kube_get(root, "items");
	struct span version = kube_str(kube_at(root,
	    "metadata.resourceVersion"));
	struct span more = kube_str(kube_at(root, "metadata.continue"));

	if (version.n == 0 || (items != NULL && items->kind != KUBE_LIST &&
	    items->kind != KUBE_NULL))
		return (false);
	if (items != NULL && items->kind == KUBE_LIST)
		for (uint32_t i = 0; i < items->n; i++)
			w->ops->object(&items->item[i], w->arg);
	set(&w->version, version);
	set(&w->more, more);
	if (w->more == NULL) {
		w->was_listed = true;
		w->ops->listed(w->arg);
	}
	return (true);
}

void
kube_watch_page(struct kube_watch *w, const struct kube_reply *r,
    int64_t now_ms)
{
	struct kube_doc doc;
	struct diags diags;
	bool good;

	/* The place where the next page begins is known for minutes only. */
	if (r->status == 410) {
		start_over(w);
		back_off(w, now_ms, r->retry_after_s);
		return;
	}
	if (r->status != 200) {
		/* A page is asked for again, but not for ever. */
		if (w->fails > 3)
			start_over(w);
		failed(w, r, now_ms, "list");
		return;
	}
	diags_init(&diags);
	good = kube_json_read(r->body, "list", &kube_limits_list, &doc,
	    &diags);
	if (good) {
		good = take_page(w, doc.root);
		kube_doc_fini(&doc);
	}
	diags_fini(&diags);
	if (good) {
		well(w);
		return;
	}
	start_over(w);
	failed(w, &(struct kube_reply){ .error = "the answer is no list" },
	    now_ms, "list");
}

/* --- a watch --------------------------------------------------------------- */

/* The server ends a watch with a Status; 410 says that the version is gone. */
static bool
take_error(struct kube_watch *w, const struct kube_node *status)
{
	const struct kube_node *code = kube_get(status, "code");

	w->expired = code != NULL && code->kind == KUBE_INT &&
	    code->num == 410;
	if (!w->expired) {
		struct span m = kube_str(kube_get(status, "message"));
		struct text t;

		text_init(&t);
		text_addz(&t, m.n > 0 ? "" : "what comes is no event");
		text_quote(&t, m.n > 300 ? span_of(m.p, 300) : m);
		say(w, "watch", t.p);
		text_fini(&t);
	}
	/* Whatever it was: what we know may be old. */
	start_over(w);
	return (false);
}

static bool
take_event(struct kube_watch *w, const struct kube_node *root)
{
	struct span type = kube_str(kube_get(root, "type"));
	const struct kube_node *o = kube_get(root, "object");
	struct span version = kube_str(kube_at(o,
	    "metadata.resourceVersion"));

	if (o == NULL || o->kind != KUBE_MAP)
		return (take_error(w, NULL));
	if (span_is(type, "ERROR"))
		return (take_error(w, o));
	if (span_is(type, "ADDED") || span_is(type, "MODIFIED"))
		w->ops->object(o, w->arg);
	else if (span_is(type, "DELETED"))
		w->ops->gone(o, w->arg);
	else if (!span_is(type, "BOOKMARK"))
		return (true);          /* of a later server */
	if (version.n > 0)
		set(&w->version, version);
	return (true);
}

static bool
take_line(struct kube_watch *w, struct span line)
{
	struct kube_doc doc;
	struct diags diags;
	bool more;

	if (line.n == 0)
		return (true);
	diags_init(&diags);
	if (!kube_json_read(line, "watch", &kube_limits_object, &doc,
	    &diags)) {
		diags_fini(&diags);
		return (take_error(w, NULL));
	}
	diags_fini(&diags);
	more = take_event(w, doc.root);
	kube_doc_fini(&doc);
	return (more);
}

void
kube_watch_begun(struct kube_watch *w)
{
	w->begun = true;
}

void
kube_watch_lives(struct kube_watch *w)
{
	if (w->begun)
		well(w);
}

bool
kube_watch_bytes(struct kube_watch *w, struct span s)
{
	ptrdiff_t at;

	while ((at = span_find(s, '\n')) >= 0) {
		struct span line = span_of(s.p, (size_t)at);
		bool more = true;

		s = span_skip(s, (size_t)at + 1);
		if (w->skipping) {
			w->skipping = false;
		} else if (w->line.n > 0) {
			text_add(&w->line, line);
			more = take_line(w, text_span(&w->line));
		} else {
			more = take_line(w, line);
		}
		text_clear(&w->line);
		if (!more)
			return (false);
	}
	if (w->skipping)
		return (true);
	if (w->line.n + s.n > LINE_MAX) {
		say(w, "watch", "an object of more than 8 MiB is left out");
		text_clear(&w->line);
		w->skipping = true;
		return (true);
	}
	text_add(&w->line, s);
	return (true);
}

void
kube_watch_ended(struct kube_watch *w, const struct kube_reply *r,
    int64_t now_ms)
{
	bool lived = now_ms - w->began_ms >=
	    KUBE_WATCH_HEALTHY_MS;

	text_clear(&w->line);           /* half a line is nothing */
	if (w->expired || r->status == 410) {
		start_over(w);
		if (lived)
			w->fails = 0;
		/* At once the first time; a server that always says so must
		 * not be asked all the time. */
		if (w->fails > 0)
			back_off(w, now_ms, r->retry_after_s);
		w->fails++;
	} else if (r->status != 200) {
		failed(w, r, now_ms, "watch");
	} else if (lived) {
		/* What broke it was told; the next list shows if it is over. */
		if (w->version != NULL)
			well(w);
	} else {
		back_off(w, now_ms, 0);
	}
}
