/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_take_fuzz - any bytes as a frame of offers: each connection is taken
 * or refused with a reason, or the frame breaks the rules; no descriptor is
 * lost or closed twice. The first byte says how many come along.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "../hand_list.c"
#include "../hand_take.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct pretend {
	struct hand_item item;
	int fds[HAND_FDS_MAX];
	size_t n;
};

static struct pretend pool[HAND_BATCH];
static unsigned used;

static const char *
pretend_what(const struct hand_item *i)
{
	(void)i;
	return ("pretend");
}

static struct hand_item *
pretend_thaw(struct wire_in *in, const int *fds, size_t n, const char **why)
{
	struct pretend *p = &pool[used];
	struct span s;

	if (n > HAND_FDS_MAX || !wire_find(in, 1, &s)) {
		*why = "bad";
		return (NULL);
	}
	used++;
	p->n = n;
	memcpy(p->fds, fds, n * sizeof *fds);
	list_init(&p->item.node);
	return (&p->item);
}

static void
pretend_end(struct hand_item *i)
{
	struct pretend *p = HOLDER(i, struct pretend, item);

	for (size_t f = 0; f < p->n; f++)
		MUST(close(p->fds[f]) == 0);
}

HAND_KIND(pretend) = { .name = "p", .layout = 1, .what = pretend_what,
	.thaw = pretend_thaw, .start = pretend_end, .gone = pretend_end };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ipc_msg m = { .type = IPC_OFFERS, .flags = HAND_VERSION };
	struct answer a = { .n_taken = 0 };
	int fds[16];
	bool good;

	if (n < 1)
		return (0);
	used = 0;
	m.fds = fds;
	m.cut = (data[0] & 16) != 0;
	m.n_fds = m.cut ? 0 : data[0] % 16;
	for (size_t i = 0; i < m.n_fds; i++)
		MUST((fds[i] = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	m.data = span_of((const char *)data + 1, n - 1);
	wire_out_init(&a.out, a.bytes, sizeof a.bytes);
	good = take_frame(&m, &a);
	settle(&a, good && !a.out.over);
	for (size_t i = 0; i < m.n_fds; i++)
		if (fds[i] >= 0)
			MUST(close(fds[i]) == 0);
	return (0);
}
