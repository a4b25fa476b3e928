/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_take - the new worker's side: thaw what comes, answer, then serve.
 *
 * Nothing that was thawed reads or writes before the answer has left, so a
 * worker that dies until then has done nothing that its connections' peers
 * could have seen, and the old one goes on with them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/must.h>
#include <ipc/ipc.h>
#include <os/fault.h>
#include <os/fd.h>

#include "hand_int.h"

struct entry {
	const struct hand_kind *const *kind;
	uint32_t id;
	uint64_t layout, n_fds, long_n;
	struct span kind_name, record;
};

struct answer {
	char bytes[16 * 1024];
	struct wire_out out;
	uint32_t taken[IPC_FDS_MAX];
	struct hand_item *item[IPC_FDS_MAX];
	size_t n_taken;
	uint32_t last_id;       /* of what was offered so far */
};

static char long_bytes[HAND_LONG_MAX];  /* touched as far as used */

/* ---- one entry ---- */

static bool
read_entry(struct span bytes, struct entry *e, const char **why)
{
	struct wire_in in;
	uint64_t id;

	*e = (struct entry){ 0 };
	wire_in_init(&in, bytes);
	if (!wire_find_u64(&in, HAND_E_ID, &id) || id > UINT32_MAX ||
	    !wire_find(&in, HAND_E_KIND, &e->kind_name) ||
	    !wire_find_u64(&in, HAND_E_LAYOUT, &e->layout) ||
	    !wire_find_u64(&in, HAND_E_FDS, &e->n_fds))
		return (false);
	e->id = (uint32_t)id;
	*why = "a kind of connection that is not known here";
	if ((e->kind = hand_kind_find(e->kind_name)) == NULL)
		return (true);
	*why = "written in a layout that is not known here";
	if ((*e->kind)->layout != e->layout || fault_at("hand.layout"))
		e->kind = NULL;
	if (!wire_find(&in, HAND_E_RECORD, &e->record) &&
	    !wire_find_u64(&in, HAND_E_LONG, &e->long_n))
		return (false);
	return (true);
}

/* A long record is copied: memory that another process has may shrink. */
static bool
read_long(struct entry *e, const int *fds)
{
	struct stat st;

	if (e->long_n == 0)
		return (true);
	if (e->long_n > HAND_LONG_MAX || e->n_fds == 0 ||
	    fstat(fds[0], &st) != 0 || !S_ISREG(st.st_mode) ||
	    pread(fds[0], long_bytes, e->long_n, 0) != (ssize_t)e->long_n)
		return (false);
	e->record = span_of(long_bytes, e->long_n);
	return (true);
}

/* Nearly all are sockets; asking for that is cheaper than fstat(). */
static bool
is_stream(int fd)
{
	struct stat st;
	int type;
	socklen_t n = sizeof type;

	return (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 ||
	    (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)));
}

/* All descriptors but a record's memory are sockets or pipes. */
static bool
are_streams(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_stream(fds[i]))
			return (false);
	return (true);
}

/* Returns what was thawed; its descriptors are then no more in `fds`. */
static struct hand_item *
thaw(struct entry *e, int *fds, const char **why)
{
	size_t skip = e->long_n != 0, n = (size_t)e->n_fds - skip;
	struct hand_item *item;
	struct wire_in in;

	*why = "its record is damaged";
	if (!read_long(e, fds))
		return (NULL);
	*why = "what came with it is no socket";
	if (!are_streams(fds + skip, n))
		return (NULL);
	wire_in_init(&in, e->record);
	*why = "it could not be thawed";
	item = fault_at("hand.thaw") ? NULL : (*e->kind)->thaw(&in, fds + skip, n, why);
	if (item == NULL && in.err != NULL)
		*why = in.err;
	for (size_t i = skip; item != NULL && i < e->n_fds; i++)
		fds[i] = -1;
	return (item);
}

struct taker {                  /* a channel to an old worker */
	struct list node;
	struct ipc_chan chan;
	uint32_t last_id;
};

static struct list takers = LIST_INIT(takers);

/* ---- a frame ---- */

static void
refuse(struct answer *a, uint32_t id, const char *why)
{
	size_t mark = wire_begin(&a->out, HAND_A_REFUSED, WIRE_REQUIRED);

	wire_put_u64(&a->out, HAND_R_ID, WIRE_REQUIRED, id);
	wire_put_bytes(&a->out, HAND_R_WHY, WIRE_REQUIRED,
	    span_of(why, strnlen(why, 95)));
	wire_end(&a->out, mark);
}

/* False: the frame breaks the rules. */
static bool
take_frame(struct ipc_msg *m, struct answer *a)
{
	struct wire_in in;
	enum wire_need need;
	struct span bytes;
	const char *why;
	struct entry e;
	unsigned tag;
	size_t at = 0;

	wire_in_init(&in, m->data);
	while (wire_next(&in, &tag, &need, &bytes)) {
		struct hand_item *item = NULL;

		if (tag != HAND_ENTRY || !read_entry(bytes, &e, &why) ||
		    a->n_taken == HAND_BATCH || e.id <= a->last_id)
			return (false);         /* (none is offered twice) */
		a->last_id = e.id;
		if (m->cut)
			why = "no descriptors are left here: raise 'ulimit-n'";
		else if (e.n_fds > m->n_fds - at)
			return (false);
		else if (e.kind != NULL)
			item = thaw(&e, m->fds + at, &why);
		at += m->cut ? 0 : e.n_fds;
		if (item == NULL) {
			refuse(a, e.id, why);
			continue;
		}
		a->taken[a->n_taken] = e.id;
		a->item[a->n_taken++] = item;
	}
	return (in.err == NULL);
}

/* The answer has left: they are ours. Else the other one goes on with them. */
static void
settle(struct answer *a, bool ours)
{
	for (size_t i = 0; i < a->n_taken; i++) {
		struct hand_item *it = a->item[i];

		if (ours) {
			hand_took_n++;
			hand_kind_of(it)->start(it);
		} else {
			hand_leave(it);
			hand_kind_of(it)->gone(it);
		}
	}
}

static void
on_offers(struct taker *t, struct ipc_msg *m)
{
	struct ipc_chan *c = &t->chan;
	struct answer a;
	bool good;

	a.n_taken = 0;
	a.last_id = t->last_id;
	wire_out_init(&a.out, a.bytes, sizeof a.bytes);
	good = m->flags == HAND_VERSION && take_frame(m, &a);
	t->last_id = a.last_id;
	if (good && a.n_taken > 0)
		wire_put_bytes(&a.out, HAND_A_TAKEN, WIRE_REQUIRED,
		    span_of((const char *)a.taken,
		    a.n_taken * sizeof a.taken[0]));
	good = good && !a.out.over && !fault_at("hand.ack") &&
	    ipc_send_tag(c, IPC_ANSWERS, HAND_VERSION, m->tag, a.out.p,
	    a.out.n, NULL, 0);
	settle(&a, good);
	if (!good)
		ipc_close(c);
}

static void
free_taker(struct taker *t)
{
	ipc_close(&t->chan);
	list_del(&t->node);
	free(t);
}

static void
on_giver(struct ipc_chan *c, struct ipc_msg *m, void *arg)
{
	struct taker *t = arg;

	if (m != NULL && m->type == IPC_OFFERS)
		on_offers(t, m);
	if (m == NULL || m->type == IPC_HAND_END || c->fd < 0)
		free_taker(t);
}

void
hand_take(struct loop *loop, int fd)
{
	struct taker *t = must_alloc(sizeof *t);

	list_push_back(&takers, &t->node);
	ipc_open(&t->chan, fd, IPC_WORKER, IPC_WORKER, loop, on_giver, t);
	t->chan.per_turn = 1;
}

void
hand_take_end(void)
{
	LIST_EACH(it, &takers) {
		struct taker *t = LIST_ITEM(it, struct taker, node);

		/* An answer that waits must leave: what it says is so. */
		if (!list_empty(&t->chan.out))
			continue;
		(void)ipc_send(&t->chan, IPC_HAND_END, NULL, 0, NULL, 0);
		free_taker(t);
	}
}
