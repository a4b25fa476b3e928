/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_cli - "show peers": sections, their nodes, and how far each is with
 * each table.
 *
 * Source: management manual 9.3.
 */
#include "peer_int.h"

#include <base/must.h>
#include <cli/cli.h>

static const char *
status_word(const struct peer_node *n)
{
	switch (n->status) {
	case PEER_S_NONE:
		return ("NONE");
	case PEER_S_CONNECTING:
		return ("CONN");
	case PEER_S_OK:
		return ("ESTA");
	case PEER_S_LATER:
		return ("RETR");
	case PEER_S_PROTOCOL:
		return ("PROT");
	case PEER_S_VERSION:
		return ("VERS");
	case PEER_S_NOT_ME:
	case PEER_S_STRANGER:
		return ("NAME");
	default:
		return ("UNKN");
	}
}

static const char *
state_word(const struct peer_sess *s)
{
	static const char *const words[] = { [PEER_CONNECTING] = "CON",
		[PEER_WAITS_STATUS] = "STA", [PEER_WAITS_HELLO] = "HEL",
		[PEER_RUNS] = "EST", [PEER_OVER] = "END" };

	return (words[s->state]);
}

/* "5s", "<PAST>", "<NEVER>": until a moment. */
static void
put_until(struct text *out, const char *name, bool any, int64_t at_ms)
{
	int64_t left = at_ms - peer_now_ms();

	if (!any)
		text_printf(out, " %s=<NEVER>", name);
	else if (left <= 0)
		text_printf(out, " %s=<PAST>", name);
	else
		text_printf(out, " %s=%llds", name, (long long)(left / 1000));
}

static uint64_t
types_of(const struct peer_def *d)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < STK_DATA_N; i++)
		bits |= (uint64_t)(d->n[i] != 0) << i;
	return (bits);
}

static void
put_table(struct text *out, const struct peer_section *sec,
    const struct peer_node *n, unsigned i)
{
	const struct peer_table *t = &sec->tables[i];
	const struct peer_theirs *x = n->sess == NULL ||
	    n->sess->theirs == NULL ? NULL : &n->sess->theirs[i];
	const struct peer_progress *at = n->at == NULL ? NULL : &n->at[i];

	text_printf(out, "          %p local_id=%u remote_id=%llu "
	    "remote_data=0x%llx learn=%d\n", (const void *)t, i + 1,
	    x == NULL ? 0 : (unsigned long long)x->def.id, x == NULL ? 0 :
	    (unsigned long long)types_of(&x->def), x != NULL && x->learn);
	text_printf(out, "              last_acked=%u last_pushed=%u "
	    "last_get=%u\n", at == NULL ? 0 : at->acked, at == NULL ? 0 :
	    at->sent, x == NULL ? 0 : x->got);
	text_printf(out, "              table:%p id=%s update=%u\n",
	    (const void *)t->t, t->x.name, t->order.last_id);
}

static void
put_names(struct text *out, const char *which,
    const char (*names)[PEER_DICT_NAME])
{
	text_printf(out, "        %s dictionary cache:\n", which);
	for (unsigned i = 1; i <= PEER_DICT; i++)
		if (names[i][0] != '\0')
			text_printf(out, "          %3u -> %s\n", i,
			    names[i]);
}

static void
put_session(struct text *out, const struct peer_sess *s, bool dict)
{
	const char *learning = s->asked ? " learning" : "";

	text_printf(out, "        session:%p by=%s state=%s waiting=%zu%s%s\n",
	    (const void *)s, s->outgoing ? "us" : "them", state_word(s),
	    s->out.n - s->out_at, s->teaching ? " teaching" : "", learning);
	if (!dict || s->dict == NULL)
		return;
	put_names(out, "TX", s->dict->tx);
	put_names(out, "RX", s->dict->rx);
}

static void
put_node(struct text *out, const struct peer_section *sec,
    const struct peer_node *n, bool dict)
{
	const struct peer_sess *s = n->sess;
	char addr[ADDR_TEXT] = "-";

	if (!n->local && n->srv->unix_path == NULL)
		(void)addr_print_port(&n->addr.addr, addr);
	text_printf(out, "  %p: id=%s(%s,%s) addr=%s last_status=%s",
	    (const void *)n, n->name, n->local ? "local" : "remote",
	    s != NULL && s->state == PEER_RUNS ? "active" : "inactive",
	    n->srv->unix_path != NULL ? n->srv->unix_path : addr,
	    status_word(n));
	if (n->up_ms == 0)
		text_addz(out, " last_hdshk=<NEVER>\n       ");
	else
		text_printf(out, " last_hdshk=%llds\n       ", (long long)
		    (peer_now_ms() - n->up_ms) / 1000);
	put_until(out, "reconnect", !n->local && s == NULL, n->retry_ms);
	put_until(out, "heartbeat", s != NULL && s->state == PEER_RUNS,
	    s == NULL ? 0 : s->out_ms + PEER_HEARTBEAT_MS);
	text_printf(out, " confirm=%d tx_hbt=%u rx_hbt=%u no_hbt=%u "
	    "new_conn=%u proto_err=%u coll=%u\n", s != NULL && s->unconfirmed,
	    n->n_beats_out, n->n_beats_in, n->n_silent, n->n_conn, n->n_bad,
	    n->n_collided);
	if (s != NULL)
		put_session(out, s, dict);
	text_addz(out, "        shared tables:\n");
	for (unsigned i = 0; i < sec->n_tables; i++)
		put_table(out, sec, n, i);
}

static void
put_section(struct text *out, const struct peer_section *sec, bool dict)
{
	static const char *const resync[] = { [PEER_R_NONE] = "done",
		[PEER_R_WANTED] = "wanted", [PEER_R_ASKED] = "asked" };

	text_printf(out, "%p: ", (const void *)sec);
	cli_put_date(out, sec->since_wall_us, 3);
	text_printf(out, " id=%s disabled=%d resync=%s", sec->px->name,
	    sec->disabled, resync[sec->resync]);
	put_until(out, "resync_timeout", sec->since_wall_us != 0,
	    sec->resync == PEER_R_NONE ? 0 : sec->resync_ms);
	text_addc(out, '\n');
	for (const struct peer_node *n = sec->nodes; n != NULL; n = n->next)
		put_node(out, sec, n, dict);
	text_addc(out, '\n');
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	bool dict = cli_is(x, x->at, "dict");
	struct span name = cli_arg(x, x->at + (dict || cli_is(x, x->at, "-")));
	bool any = false;

	for (const struct peer_section *s = peer_sections; s != NULL;
	    s = s->next) {
		if (name.n != 0 && !span_is(name, s->px->name))
			continue;
		any = true;
		put_section(x->out, s, dict);
	}
	if (!any && name.n != 0)
		text_addz(x->out, "No such peers\n");
	return (CLI_DONE);
}

CLI_COMMAND(show_peers) = {
	.name = "show peers", .level = PX_LEVEL_USER, .run = run_show,
	.args = "[dict|-] [section]",
	.doc = "dump some information about all the peers or this peers "
	    "section",
};
