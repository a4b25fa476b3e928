/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_thaw_fuzz - any bytes as a frozen connection: it is refused, or served
 * and ended without a fault; what was thawed can be frozen again. The first
 * byte says which kind, the second how many descriptors come along.
 *
 * Covers thaw of every layer: h1, tcp, stream, message heads, connection.
 */
#include <base/must.h>

#include "strm_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const kinds[] = { "h1", "h1-server", "tcp" };
static int peers[HAND_FDS_MAX];

/* An idle connection to a server has to lead there. */
static void
open_fds(int *fds, size_t n, bool to_server)
{
	int pair[2];

	for (size_t i = 0; i < n; i++) {
		if (i == 0 && to_server) {
			fds[i] = world_connect();
			peers[i] = world_origin();
			continue;
		}
		MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0, pair) == 0);
		fds[i] = pair[0];
		peers[i] = pair[1];
	}
}

/* Whatever lives is frozen once more, or ended. */
static void
clear_up(void)
{
	static char out[1 << 20];

	LIST_EACH(l, &hand_items) {
		struct hand_item *it = LIST_ITEM(l, struct hand_item, node);
		const struct hand_kind *kind = hand_kind_of(it);
		int fds[HAND_FDS_MAX];
		struct wire_out o;
		const char *why;
		size_t n = 0;

		if (kind->can(it, &why) != HAND_NOW)
			continue;
		wire_out_init(&o, out, sizeof out);
		MUST(kind->freeze(it, &o, fds, &n) && !o.over);
		hand_leave(it);
		kind->gone(it);
		break;          /* others may have gone with it */
	}
	strm_kill_all();
	mux_leave(0);
	mux_leaving = mux_ending = false;
	srv_idle_close_all(NULL);
	world_turn(1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct hand_kind *const *kind;
	int fds[HAND_FDS_MAX];
	struct hand_item *it;
	struct wire_in in;
	const char *why = NULL;
	size_t n_fds;

	if (n < 2)
		return (0);
	world_open();
	kind = hand_kind_find(span_str(kinds[data[0] % NELEM(kinds)]));
	n_fds = data[1] % 8;
	MUST(kind != NULL);
	open_fds(fds, n_fds, strcmp((*kind)->name, "h1-server") == 0);
	wire_in_init(&in, span_of((const char *)data + 2, n - 2));
	it = (*kind)->thaw(&in, fds, n_fds, &why);
	if (it == NULL) {
		MUST(why != NULL);
		for (size_t i = 0; i < n_fds; i++)
			MUST(close(fds[i]) == 0);       /* still ours */
	} else if (data[1] & 8) {
		(*kind)->start(it);
		world_turn(1);
	}
	for (size_t i = 0; i < n_fds; i++)
		(void)close(peers[i]);
	clear_up();
	for (int tries = 0; tries < 3 && hand_items_n > 0; tries++)
		clear_up();
	return (0);
}
