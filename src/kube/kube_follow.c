/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_follow - a kube_watch with a network.
 */
#include <kube/watch.h>

#include <stdlib.h>

#include <base/clock.h>
#include <base/must.h>

struct kube_follow {
	unsigned magic;
#define KUBE_FOLLOW_MAGIC 0x5a9b10c6
	struct kube_watch w;
	struct kube_api *api;
	struct loop *loop;
	struct kube_call *call;         /* under way, or NULL */
	struct tmr timer;               /* when none is, or of a watch that
	                                 * has to prove itself */
};

static void step(struct kube_follow *);

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

static void
on_page(const struct kube_reply *r, void *arg)
{
	struct kube_follow *f = OBJ(arg, struct kube_follow,
	    KUBE_FOLLOW_MAGIC);

	f->call = NULL;
	kube_watch_page(&f->w, r, now_ms());
	step(f);
}

static void
on_begun(void *arg)
{
	struct kube_follow *f = OBJ(arg, struct kube_follow,
	    KUBE_FOLLOW_MAGIC);

	kube_watch_begun(&f->w);
}

static bool
on_part(struct span s, void *arg)
{
	struct kube_follow *f = OBJ(arg, struct kube_follow,
	    KUBE_FOLLOW_MAGIC);

	return (kube_watch_bytes(&f->w, s));
}

static void
on_end(const struct kube_reply *r, void *arg)
{
	struct kube_follow *f = OBJ(arg, struct kube_follow,
	    KUBE_FOLLOW_MAGIC);

	f->call = NULL;
	tmr_stop(&f->loop->wheel, &f->timer);
	kube_watch_ended(&f->w, r, now_ms());
	step(f);
}

static void
on_timer(struct tmr *t)
{
	struct kube_follow *f = HOLDER(t, struct kube_follow, timer);

	if (f->call != NULL)
		kube_watch_lives(&f->w);
	else
		step(f);
}

static void
step(struct kube_follow *f)
{
	struct kube_ask ask = { .arg = f };
	struct text url;
	int64_t wait_ms;

	text_init(&url);
	switch (kube_watch_next(&f->w, now_ms(), &url, &wait_ms)) {
	case KUBE_DO_LIST:
		ask.done = on_page;
		ask.path = url.p;
		f->call = kube_api_call(f->api, &ask);
		break;
	case KUBE_DO_WATCH:
		ask.part = on_part;
		ask.begun = on_begun;
		ask.done = on_end;
		ask.path = url.p;
		/* The server ends it in time; a dead one does not. */
		ask.timeout_s = f->w.watch_s + 30;
		f->call = kube_api_call(f->api, &ask);
		tmr_arm(&f->loop->wheel, &f->timer, now_ms() +
		    KUBE_WATCH_HEALTHY_MS);
		break;
	case KUBE_DO_WAIT:
		tmr_arm(&f->loop->wheel, &f->timer, now_ms() + wait_ms);
		break;
	}
	text_fini(&url);
}

struct kube_follow *
kube_follow_open(struct kube_api *api, struct loop *loop, const char *path,
    const char *query, const struct kube_watch_ops *ops, void *arg)
{
	struct kube_follow *f = must_alloc(sizeof *f);

	f->magic = KUBE_FOLLOW_MAGIC;
	f->api = api;
	f->loop = loop;
	tmr_init(&f->timer, on_timer);
	kube_watch_init(&f->w, path, query, ops, arg);
	tmr_arm(&loop->wheel, &f->timer, now_ms());
	return (f);
}

void
kube_follow_close(struct kube_follow *f)
{
	if (f == NULL)
		return;
	kube_call_drop(f->call);
	tmr_stop(&f->loop->wheel, &f->timer);
	kube_watch_fini(&f->w);
	free(f);
}

bool
kube_follow_is_listed(const struct kube_follow *f)
{
	return (f->w.was_listed);
}
