/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes from a peer, after an odd first byte behind a hello that is fine:
 * no more than an end of the session, and the same whether they come at once
 * or one by one.
 */
#include "../peer_sess.c"
#include "peer_try.h"

static void
run(const uint8_t *data, size_t n, size_t step, struct text *out, int *state)
{
	struct peer_sess *s = peer_sess_new(peer_sections, NULL);

	if ((data[0] & 1) != 0)
		peer_sess_input(s, SPAN("HAProxyS 2.1\na\nb 1 1\n"));
	for (size_t i = 1; i < n; i += step)
		peer_sess_input(s, span_of((const char *)data + i,
		    n - i < step ? n - i : step));
	peer_sess_fill(s);
	if (s->state != PEER_OVER && s->in.n > PEER_MSG_MAX)
		__builtin_trap();
	*state = s->state;
	text_add(out, text_span(&s->out));
	peer_sess_end(s, "done");
	peer_sess_free(s);
	for (struct peer_node *x = peer_sections->nodes; x != NULL;
	    x = x->next)
		if (x->sess != NULL)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct text whole, bytes;
	int s1, s2;

	if (!ready && !try_world("type string len 20 size 50 expire 1m store "
	    "gpc0,server_key,gpc0_rate(10s),gpt(3),bytes_in_cnt"))
		__builtin_trap();
	ready = true;
	if (n == 0)
		return (0);
	text_init(&whole);
	text_init(&bytes);
	run(data, n, n, &whole, &s1);
	run(data, n, 1, &bytes, &s2);
	if (s1 != s2)
		__builtin_trap();
	text_fini(&whole);
	text_fini(&bytes);
	return (0);
}
