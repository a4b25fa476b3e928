/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_FAKE_API_H
#define INGRESS_FAKE_API_H
/*
 * fake_api - requests go nowhere: a test sees what was asked, and answers.
 * Included before the source file that is tested.
 */
#define kube_api_call  fake_api_call
#define kube_call_drop fake_call_drop

#include <base/must.h>
#include <base/text.h>
#include <kube/api.h>

#include <stdlib.h>

struct fake_ask {
	char *method, *path, *body;
	kube_reply_fn *done;
	void *arg;
	bool over;              /* answered or dropped */
};

static struct fake_ask fake_asks[256];
static unsigned fake_n;

struct kube_call *
kube_api_call(struct kube_api *api, const struct kube_ask *a)
{
	struct fake_ask *f = &fake_asks[fake_n++];

	(void)api;
	MUST(fake_n < NELEM(fake_asks));
	*f = (struct fake_ask){
		.method = must_strdup(a->method != NULL ? a->method : "GET"),
		.path = must_strdup(a->path),
		.body = span_dup(a->body.p != NULL ? a->body : SPAN("")),
		.done = a->done, .arg = a->arg };
	return ((struct kube_call *)f);
}

void
kube_call_drop(struct kube_call *c)
{
	if (c != NULL)
		((struct fake_ask *)c)->over = true;
}

/* The oldest that waits for its answer, or NULL. */
static struct fake_ask *
fake_next(void)
{
	for (unsigned i = 0; i < fake_n; i++)
		if (!fake_asks[i].over)
			return (&fake_asks[i]);
	return (NULL);
}

/* "PATCH /api/..." of the oldest that waits; "" when nothing does. */
static const char *
fake_asked(void)
{
	static char line[700];
	const struct fake_ask *f = fake_next();

	line[0] = '\0';
	if (f != NULL)
		snprintf(line, sizeof line, "%s %s", f->method, f->path);
	return (line);
}

static bool
fake_sent(const char *what)
{
	const struct fake_ask *f = fake_next();

	return (f != NULL && strstr(f->body, what) != NULL);
}

/* Status 0: the connection broke. */
static void
fake_answer(int status, const char *body)
{
	struct fake_ask *f = fake_next();

	MUST(f != NULL);
	f->over = true;
	f->done(&(struct kube_reply){ .status = status,
	    .body = span_str(body), .error = "the connection broke" },
	    f->arg);
}

static void
fake_forget(void)
{
	for (unsigned i = 0; i < fake_n; i++) {
		free(fake_asks[i].method);
		free(fake_asks[i].path);
		free(fake_asks[i].body);
	}
	fake_n = 0;
}
#endif
