/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strm_fetch_now - samples of what applies to a stream by now: timeouts that
 * rules may have changed, the rule that ended the last list, what its two
 * connections speak, and what came before them.
 *
 * Source: configuration manual 7.3.2, 7.3.3.
 */
#include "strm_int.h"

#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <base/must.h>
#include <base/num.h>
#include <expr/expr.h>
#include <xprt/conn.h>
#include <xprt/proxy_proto.h>

#define ON_FE SMP_ANYWHERE
#define ON_BE (SMP_OF_BACKEND | SMP_FROM_RES | SMP_AT(CHECK))
#define ON_RES (SMP_FROM_RES | SMP_AT(CHECK))

#define ROW(ident, out_, at, run_, doc_, ...)                                \
FETCH(ident) = {                                                             \
	.name = #ident, .args = "", .out = out_, .stages = at, .run = run_,  \
	.fresh = true, .doc = doc_,                                          \
	.example = "http-response set-header X-V %[" #ident "]",             \
	__VA_ARGS__                                                          \
}

/* ---- timeouts ---- */

#define NOW(ident, at, px_, value, doc_)                                     \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	const struct px *px = px_;                                           \
                                                                             \
	(void)arg;                                                           \
	if (px == NULL)                                                      \
		return (false);                                              \
	s->num = (int64_t)(value);                                           \
	return (true);                                                       \
}                                                                            \
ROW(ident, SMP_INT, at, fetch_##ident, doc_)

NOW(cur_client_timeout, ON_FE, t->fe,
    txn_timeout(t, TXN_TIMEOUT_CLIENT, px->timeout->client),
    "The client's timeout of this stream, in ms: what a rule set, or "
    "'timeout client'.");
NOW(cur_server_timeout, ON_BE, t->be,
    txn_timeout(t, TXN_TIMEOUT_SERVER, px->timeout->server),
    "The server's timeout of this stream, in ms: what a rule set, or "
    "'timeout server'.");
NOW(cur_tunnel_timeout, ON_BE, t->be,
    txn_timeout(t, TXN_TIMEOUT_TUNNEL, px->timeout->tunnel),
    "The timeout of this stream as a tunnel, in ms: what a rule set, or "
    "'timeout tunnel'.");
NOW(cur_connect_timeout, ON_BE, t->be,
    txn_timeout(t, TXN_TIMEOUT_CONNECT, px->timeout->connect),
    "How long a connection to a server may take for this stream, in ms.");
NOW(cur_queue_timeout, ON_BE, t->be,
    txn_timeout(t, TXN_TIMEOUT_QUEUE, px_queue_ms(px)),
    "How long this stream may wait in a queue, in ms.");
NOW(cur_tarpit_timeout, ON_FE, t->be != NULL ? t->be : t->fe,
    txn_timeout(t, TXN_TIMEOUT_TARPIT, px_tarpit_ms(px)),
    "How long a tarpit rule would hold this stream, in ms.");
NOW(cur_max_retries, ON_BE, t->be,
    t->retries_most != 0 ? t->retries_most - 1 : px->retries,
    "How often a server may be tried again for this stream: what a rule "
    "set, or 'retries'.");

/* ---- how it went ---- */

static bool
fetch_server_status(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->srv_status;
	return (s->num != 0);
}
ROW(server_status, SMP_INT, ON_RES, fetch_server_status,
    "The status that the server answered, whatever rules made of it.");

static bool
fetch_rule_file(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->str = t->rule_file;
	return (s->str.p != NULL);
}
ROW(last_rule_file, SMP_STR, ON_FE | SMP_AT(CLI), fetch_rule_file,
    "The configuration file with the last rule that ended a list: one that "
    "accepts, denies, answers or redirects.");

static bool
fetch_rule_line(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	s->num = t->rule_line;
	return (t->rule_file.p != NULL);
}
ROW(last_rule_line, SMP_INT, ON_FE | SMP_AT(CLI), fetch_rule_line,
    "The line of that file.");

/* ---- what the connections speak ---- */

static bool
fetch_quic_enabled(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)t;
	(void)arg;
	s->num = 0;
	return (true);
}
ROW(quic_enabled, SMP_BOOL, SMP_ALWAYS, fetch_quic_enabled,
    "Whether QUIC can be spoken: it cannot, so far.");

/* ---- what came in the PROXY header ---- */

/* The first of that type; for conditions each. */
static bool
tlv_of(struct txn *t, unsigned type, struct smp *s)
{
	const struct strm *strm = strm_of_txn(t);
	const struct conn *c = strm == NULL || strm->cli == NULL ? NULL :
	    strm->cli->ops->conn(strm->cli);
	struct span all, more;

	s->more = false;
	if (c == NULL || c->tlvs == NULL)
		return (false);
	all = conn_tlvs(c);
	if (!conn_proxy_tlv(span_skip(all, s->it[0]), type, &s->str))
		return (false);
	s->it[0] = (uint32_t)(s->str.p + s->str.n - all.p);
	s->more = s->each &&
	    conn_proxy_tlv(span_skip(all, s->it[0]), type, &more);
	return (true);
}

/* Only who asks makes connections keep them. */
static bool
keep_tlvs(struct arg *arg, const char **err)
{
	(void)arg;
	(void)err;
	conn_keeps_tlvs = true;
	return (true);
}

static bool
fetch_authority(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (tlv_of(t, CONN_PROXY_AUTHORITY, s));
}
ROW(fc_pp_authority, SMP_STR, ON_FE, fetch_authority,
    "The name of the host that the client asked for, as the PROXY header "
    "tells it.", .check = keep_tlvs);

static bool
fetch_unique_id(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (tlv_of(t, CONN_PROXY_UNIQUE_ID, s));
}
ROW(fc_pp_unique_id, SMP_STR, ON_FE, fetch_unique_id,
    "The identifier of the connection in the PROXY header.",
    .check = keep_tlvs);

static bool
fetch_tlv(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (tlv_of(t, (unsigned)arg[0].num, s));
}

/* A number, or a name that the protocol gives it. */
static bool
check_tlv(struct arg *arg, const char **err)
{
	static const struct { const char *name; uint8_t type; } names[] = {
		{ "ALPN", 0x01 }, { "AUTHORITY", CONN_PROXY_AUTHORITY },
		{ "CRC32", CONN_PROXY_CRC32C }, { "CRC32C", CONN_PROXY_CRC32C },
		{ "NOOP", 0x04 }, { "UNIQUE_ID", CONN_PROXY_UNIQUE_ID },
		{ "SSL", CONN_PROXY_SSL }, { "SSL_VERSION", 0x21 },
		{ "SSL_CN", 0x22 }, { "SSL_CIPHER", 0x23 },
		{ "SSL_SIG_ALG", 0x24 }, { "SSL_KEY_ALG", 0x25 },
		{ "NETNS", 0x30 },
	};
	struct span s = arg[0].str;
	uint64_t v = 256;

	for (size_t i = 0; i < NELEM(names); i++)
		if (span_is(s, names[i].name))
			v = names[i].type;
	if (v == 256 && !(span_begins(s, SPAN("0x")) ?
	    num_hex(span_skip(s, 2), &v) : num_u64(s, &v)))
		v = 256;
	*err = "expected the type of a TLV, 0 to 255 (also as 0xE0), or "
	    "ALPN, AUTHORITY, CRC32, NOOP, UNIQUE_ID, SSL, SSL_VERSION, "
	    "SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG, NETNS";
	arg[0].num = (int64_t)v;
	return (v < 256 && keep_tlvs(arg, err));
}
FETCH(fc_pp_tlv) = {
	.name = "fc_pp_tlv", .args = "str type", .out = SMP_STR,
	.stages = SMP_ANYWHERE & ~(SMP_AT(CHECK) | SMP_AT(CONN)),
	.run = fetch_tlv, .check = check_tlv, .fresh = true, .list = true,
	.doc = "What the PROXY header says with a TLV of that type, a number "
	    "or a name: the first of them; conditions look at each.",
	.example = "http-request set-header X-Cloud %[fc_pp_tlv(0xEA)]",
};
