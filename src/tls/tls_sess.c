/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_sess - sessions that are taken up again: for whom, and how long. They
 * are with the client in a ticket (tls_ticket.c), or here (tls_cache.c).
 */
#include "tls_ca.h"
#include "tls_sess.h"

#ifdef USE_OPENSSL

#include <base/must.h>

/* Sessions are for one line and what it asks of clients: one that was made
 * where no certificate was wanted says nothing where one is, nor one that was
 * made before its certificate was revoked. */
void
tls_sess_context(SSL_CTX *ssl, const struct tls_bind *b, const struct tls_conf *c)
{
	uint64_t id = span_hash(span_str(b->bind->px->name));
	const char *ca = c->ca_file != NULL ? c->ca_file : c->ca_verify_file;

	if (c->verify > TLS_VERIFY_NONE && ca != NULL)
		id = span_hash_seed(span_str(ca), id + c->verify +
		    ((uint64_t)c->verify_depth << 8)) ^ tls_ca_state(c);
	(void)SSL_CTX_set_session_id_context(ssl, (const unsigned char *)&id,
	    sizeof id);
}

void
tls_sess_setup(SSL_CTX *ssl, struct tls_bind *b, const struct tls_conf *c)
{
	tls_sess_context(ssl, b, c);
	(void)SSL_CTX_set_timeout(ssl, tls_global()->lifetime_s);
	tls_ticket_use(ssl);
	tls_cache_use(ssl);
}

#endif
