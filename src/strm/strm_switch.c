/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_switch - streams that begin in mode tcp and become HTTP: by the rule
 * "switch-mode http", or as a backend of mode http is chosen. What ran before
 * is not lost, variables and tracked keys stay.
 *
 * Before that, rules may look for a request among the bytes that are here.
 */
#include "strm_int.h"

static bool
find_head(struct txn *t, struct http_head *head)
{
	struct span data = t->ops->payload(t, false);
	enum why why = data.n == 0 ? WHY_AGAIN :
	    mux_proto_for(PX_HTTP)->look(data, head);

	t->head_waits = why == WHY_AGAIN;
	return (why == WHY_OK);
}

struct http_head *
strm_sniff(struct txn *t)
{
	struct http_head *head = http_head_new();

	if (head == NULL || find_head(t, head))
		return (t->req = head);
	http_head_free(head);
	return (NULL);
}

void
strm_sniff_begin(struct strm *s)
{
	s->txn.sniffs = true;
	txn_touch(&s->txn);             /* there may be more than last time */
}

void
strm_sniff_end(struct strm *s)
{
	s->txn.sniffs = s->txn.head_waits = false;
	if (s->txn.req != NULL)
		http_head_free(s->txn.req);
	s->txn.req = NULL;
	txn_touch(&s->txn);
}

enum strm_step
strm_switch(struct strm *s)
{
	struct mux_end *cli;

	if (s->txn.listen->bind->proto == PX_PROTO_NONE)
		return (strm_hang_up(s, WHY_REQ_DENIED));
	cli = mux_proto_for(PX_HTTP)->take(s->cli, s);
	if (cli == NULL)
		return (strm_hang_up(s, WHY_NOMEM));
	strm_attach(s, cli);
	s->txn.is_http = true;
	s->tunnel = false;
	s->awaits_head = true;
	s->rules = (struct rule_run){ 0 };
	strm_wait(s, 0);
	return (STEP_WAIT);
}
