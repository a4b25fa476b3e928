/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_take - the new worker's side: thaw what comes, say yes or no.
 */
#include <stdlib.h>
#include <string.h>

#include <base/must.h>
#include <ipc/ipc.h>

#include "hand_int.h"

extern const struct hand_kind *const __start_hand_kinds[]
    __attribute__((weak));
extern const struct hand_kind *const __stop_hand_kinds[]
    __attribute__((weak));

const struct hand_kind *
hand_kind_find(struct span name)
{
	for (const struct hand_kind *const *k = __start_hand_kinds;
	    k < __stop_hand_kinds; k++)
		if (span_is(name, (*k)->name))
			return (*k);
	return (NULL);
}

/* The kind's name, then its record. */
static const struct hand_kind *
cut_kind(const struct ipc_msg *m, struct span *record, const char **why)
{
	const struct hand_kind *k;
	size_t n;

	*why = "a record without a kind";
	if (m->data.n == 0 || (n = (uint8_t)m->data.p[0]) == 0 ||
	    m->data.n - 1 < n)
		return (NULL);
	*why = "a kind that is not known here";
	if ((k = hand_kind_find(span_of(m->data.p + 1, n))) == NULL)
		return (NULL);
	*why = "a layout that is not known here";
	if (k->layout != m->flags)
		return (NULL);
	*record = span_skip(m->data, 1 + n);
	return (k);
}

static void
on_offer(struct ipc_chan *c, struct ipc_msg *m)
{
	const struct hand_kind *k;
	struct span record;
	struct wire_in in;
	const char *why;

	if ((k = cut_kind(m, &record, &why)) != NULL) {
		wire_in_init(&in, record);
		why = "it could not be thawed";
		if (k->thaw(&in, m->fds, m->n_fds, &why) != NULL) {
			for (size_t i = 0; i < m->n_fds; i++)
				m->fds[i] = -1;
			hand_took_n++;
			(void)ipc_send_tag(c, IPC_ACK, 0, m->tag, NULL, 0,
			    NULL, 0);
			return;
		}
	}
	if (why == NULL)
		why = "no reason given";
	(void)ipc_send_tag(c, IPC_NACK, 0, m->tag, why, strnlen(why, 255),
	    NULL, 0);
}

static void
on_giver(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	(void)arg;
	if (m == NULL) {
		free(c);
		return;
	}
	if (m->type == IPC_OFFER)
		on_offer(c, m);
	else if (m->type == IPC_HAND_END) {
		ipc_close(c);
		free(c);
	}
}

void
hand_take(struct loop *loop, int fd)
{
	struct ipc_chan *c = must_alloc(sizeof *c);

	ipc_open(c, fd, IPC_WORKER, IPC_WORKER, loop, on_giver, c);
}
