/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_switch - streams that begin in mode tcp and become HTTP: by the rule
 * "switch-mode http", or as a backend of mode http is chosen. What ran before
 * is not lost, variables and tracked keys stay.
 *
 * Before that, rules may look for a request among the bytes that are here.
 */
#include "strm_int.h"

/*
 * The preface of HTTP/2 (RFC 9113 3.4): all that rules can know of such a
 * client in mode tcp. WHY_AGAIN: its beginning is here.
 */
static enum why
look_for_preface(struct span data, struct http_head *head)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	size_t n = sizeof preface - 1;

	if (memcmp(data.p, preface, data.n < n ? data.n : n) != 0)
		return (WHY_REQ_BAD);
	if (data.n < n)
		return (WHY_AGAIN);
	head->request = true;
	head->major = 2;
	head->minor = 0;
	head->meth = HTTP_METH_OTHER;
	head->method = span_of(data.p, 3);
	head->target = span_of(data.p + 4, 1);
	return (WHY_OK);
}

static bool
find_head(struct txn *t, struct http_head *head)
{
	struct span data = t->ops->payload(t, false);
	enum why why = data.n == 0 ? WHY_AGAIN :
	    look_for_preface(data, head);

	if (data.n != 0 && why != WHY_OK && (why != WHY_AGAIN || data.n < 4))
		why = mux_proto_for(PX_HTTP)->look(data, head,
		    t->fe);
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
