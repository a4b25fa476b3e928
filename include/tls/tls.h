/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TLS_H
#define TLS_TLS_H
/*
 * tls - TLS as a transport: contexts, certificates, sessions.
 *
 * Certificates are read once per generation, by the keeper, and kept as
 * bytes; a worker makes OpenSSL's objects of one when the first handshake
 * wants it. The transport is found by its name (xprt/conn.h); what a
 * connection negotiated is asked by conn_tell() and by the ssl_ samples.
 */
#include <stdbool.h>
#include <stdint.h>

#include <base/span.h>

struct conf_line;

/* tls_setup - shared memory for sessions and counts, by the keeper; false
 * with *err. */
bool tls_setup(const char **err);

/* tls_finish_bind, tls_finish_server - the transport of a line whose words are
 * all known, of a proxy that is not in the model; false after an error. */
struct conf;
struct px_bind;
struct px_server;
#ifdef USE_OPENSSL
bool tls_finish_bind(struct conf *, struct px_bind *);
bool tls_finish_server(struct conf *, struct px_server *);
#else                           /* then no line has such words */
static inline bool
tls_finish_bind(struct conf *c, struct px_bind *b)
{
	(void)c;
	(void)b;
	return (true);
}

static inline bool
tls_finish_server(struct conf *c, struct px_server *sv)
{
	(void)c;
	(void)sv;
	return (true);
}
#endif

/* tls_want_alpn - a list of protocols, as on the wire: each behind its length;
 * HTTP/2 is left out with a warning as long as there is none. False after an
 * error. */
bool tls_want_alpn(struct conf_line *, struct span *out);

/* tls_want_host - the name of a host, 1 to 255 characters, behind `word`; false
 * after an error that says that `what` was expected. */
bool tls_want_host(struct conf_line *, const char *word, const char *what,
    struct span *out);

/* tls_host_name - what a Host header has TLS ask a server for: its host
 * without the port; n 0 for none, or an address (RFC 6066 3). */
struct span tls_host_name(struct span host);

/* What the process knows of TLS connections, all workers together. */
struct tls_counts {
	uint32_t conns;                 /* open with clients */
	uint32_t conns_max;             /* maxsslconn; 0: no limit */
	uint32_t rate, rate_max;        /* handshakes a second */
	uint32_t rate_limit;            /* maxsslrate; 0: no limit */
	uint32_t key_rate, key_rate_max;        /* full handshakes a second */
};

/* tls_count - fills it; zeroes when there is no TLS. */
void tls_count(struct tls_counts *);
#endif
