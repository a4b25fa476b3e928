/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_xprt - the transport: bytes go through OpenSSL on their way to the
 * socket.
 *
 * OpenSSL reads and writes by a BIO over the connection, so that what the
 * kernel said last is known on both sides: an edge is used up once. It reads
 * ahead, as much as its buffer takes, and gives its buffers back when they
 * are empty, so that an idle connection has none.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <base/must.h>
#include <base/pool.h>
#include <xprt/conn.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "tls_capture.h"
#include "tls_count.h"

#define RECORD_MAX 16384        /* payload of one record (RFC 8446 5.1) */
#define BURST 65536             /* bytes after a pause in short records … */
#define PAUSE_MS 1000           /* … which is this long (tune.ssl.maxrecord) */

static struct pool tls_pool = POOL_INIT("tls_conn", sizeof(struct tls_conn));

extern const struct xprt_ops tls_xprt;

struct tls_conn *
tls_of(const struct conn *c)
{
	if (c == NULL || c->xprt != &tls_xprt || c->xprt_state == NULL)
		return (NULL);
	return (OBJ(c->xprt_state, struct tls_conn, TLS_CONN_MAGIC));
}

/* ---- a flight of the handshake, sent in one piece ---- */

/* OpenSSL writes message by message, and tickets by themselves: together they
 * are one packet. */
struct tls_rest {
	size_t n;
	char data[];
};

static struct tls_conn *gathering;      /* whose flight it is */
static char flight[32768];
static size_t flight_n;

static ssize_t
send_raw(struct conn *c, const char *p, size_t n)
{
	ssize_t put;

	do
		put = send(c->fd, p, n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < (ssize_t)n)
		c->can_out = false;
	return (put);
}

static void
drop_rest(struct tls_conn *t)
{
	if (t->rest != NULL)
		OPENSSL_free(t->rest);
	t->rest = NULL;
}

/* False: not all of it could go, now or ever. */
static bool
keep_rest(struct tls_conn *t, const char *p, size_t n)
{
	struct tls_rest *r = n == 0 ? NULL : OPENSSL_malloc(sizeof *r + n);

	if (r != NULL) {
		r->n = n;
		memcpy(r->data, p, n);
	}
	drop_rest(t);
	t->rest = r;
	if (r == NULL && n > 0)
		t->conn->sys_errno = ENOMEM;
	return (n == 0);
}

static bool
send_flight(struct tls_conn *t)
{
	ssize_t put = 0;

	gathering = NULL;
	if (flight_n == 0)
		return (true);
	if (t->conn->can_out)
		put = send_raw(t->conn, flight, flight_n);
	if (put < 0 && errno != EAGAIN) {
		t->conn->sys_errno = errno;
		put = (ssize_t)flight_n;        /* reading will tell */
	}
	if (put < 0)
		put = 0;
	return (keep_rest(t, flight + put, flight_n - (size_t)put));
}

static bool
send_rest(struct tls_conn *t)
{
	ssize_t put;

	if (t->rest == NULL)
		return (true);
	if (!t->conn->can_out)
		return (false);
	put = send_raw(t->conn, t->rest->data, t->rest->n);
	if (put < 0)
		return (false);
	return (keep_rest(t, t->rest->data + put, t->rest->n - (size_t)put));
}

static bool
gather_flight(const char *p, size_t n)
{
	if (n > sizeof flight - flight_n)
		return (false);
	memcpy(flight + flight_n, p, n);
	flight_n += n;
	return (true);
}

/* ---- the socket, as OpenSSL sees it ---- */

static int
sock_read(BIO *bio, char *p, int n)
{
	struct tls_conn *t = BIO_get_data(bio);
	struct conn *c = t->conn;
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (!c->can_in) {
		BIO_set_retry_read(bio);
		return (-1);
	}
	do
		got = recv(c->fd, p, (size_t)n, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		if (got < n && !c->hup)
			c->can_in = false;
		return ((int)got);
	}
	c->can_in = false;
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	else if (got < 0)
		c->sys_errno = errno;
	else
		t->eof = true;
	return ((int)got);
}

static int
sock_write(BIO *bio, const char *p, int n)
{
	struct tls_conn *t = BIO_get_data(bio);
	struct conn *c = t->conn;
	ssize_t put;

	BIO_clear_retry_flags(bio);
	if (gathering == t && gather_flight(p, (size_t)n))
		return (n);
	if (gathering == t && !send_flight(t)) {
		BIO_set_retry_write(bio);
		return (-1);
	}
	if (!c->can_out) {
		BIO_set_retry_write(bio);
		return (-1);
	}
	put = send_raw(c, p, (size_t)n);
	if (put >= 0)
		return ((int)put);
	if (errno == EAGAIN)
		BIO_set_retry_write(bio);
	else
		c->sys_errno = errno;
	return (-1);
}

static long
sock_ctrl(BIO *bio, int what, long n, void *p)
{
	const struct tls_conn *t = BIO_get_data(bio);

	(void)n;
	(void)p;
	switch (what) {
	case BIO_CTRL_FLUSH:
		return (1);
	case BIO_CTRL_EOF:
		return (t->eof);
	default:
		return (0);
	}
}

static BIO *
bio_new(struct tls_conn *t)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL) {
		method = BIO_meth_new(BIO_get_new_index() |
		    BIO_TYPE_SOURCE_SINK, "conn");
		MUST(method != NULL);
		BIO_meth_set_read(method, sock_read);
		BIO_meth_set_write(method, sock_write);
		BIO_meth_set_ctrl(method, sock_ctrl);
	}
	if ((bio = BIO_new(method)) == NULL)
		return (NULL);
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	return (bio);
}

/* ---- the handshake ---- */

static void
tls_accept(struct conn *c, const struct px_bind *b)
{
	struct tls_conn *t = pool_zget(&tls_pool);

	c->xprt_state = t;
	if (t == NULL)
		return;
	t->magic = TLS_CONN_MAGIC;
	t->conn = c;
	t->bind = px_get(&b->slots, &tls_bind_slot);
}

/* The first bytes are there, or the end: a client that says nothing costs no
 * more than its socket. */
static bool
has_begun(struct conn *c)
{
	char byte;
	ssize_t n;

	if (!c->can_in)
		return (false);
	n = recv(c->fd, &byte, 1, MSG_PEEK);
	if (n >= 0 || errno != EAGAIN)
		return (true);
	c->can_in = false;
	return (false);
}

static enum why
start(struct tls_conn *t)
{
	BIO *bio;

	if (!tls_count_begin(t))
		return (WHY_TLS_FULL);
	t->ssl = SSL_new(t->bind->ctx->ssl);
	bio = t->ssl == NULL ? NULL : bio_new(t);
	if (bio == NULL)
		return (WHY_TLS_NOMEM);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	SSL_set_accept_state(t->ssl);
	return (WHY_OK);
}

/* Nothing of it exists before the connection is established. */
static bool
tls_connect(struct conn *c, struct xprt_to *to)
{
	struct tls_conn *t = pool_zget(&tls_pool);

	c->xprt_state = t;
	if (t == NULL)
		return (false);
	t->magic = TLS_CONN_MAGIC;
	t->conn = c;
	t->server = tls_server_of(to->server);
	t->alpn = to->alpn;
	t->name_counts = to->name_counts;
	if (to->name.n > 0) {
		t->name = OPENSSL_strndup(to->name.p, to->name.n);
		to->name = span_of(t->name, to->name.n);
	}
	if (to->first.n > 0)
		(void)keep_rest(t, to->first.p, to->first.n);
	return ((t->name != NULL || to->name.n == 0) &&
	    (t->rest != NULL || to->first.n == 0));
}

static enum why
start_client(struct tls_conn *t)
{
	BIO *bio;

	if (!tls_count_begin(t) || !tls_connect_begin(t) ||
	    (bio = bio_new(t)) == NULL)
		return (WHY_SRV_TLS);
	SSL_set_bio(t->ssl, bio, bio);
	return (WHY_OK);
}

static enum why
failure(struct tls_conn *t, int how)
{
	t->err = t->conn->xprt_err = ERR_peek_error();
	ERR_clear_error();
	if (t->server != NULL)
		return (t->crt_err == X509_V_ERR_HOSTNAME_MISMATCH ?
		    WHY_SRV_NAME : t->crt_err != 0 || t->ca_err != 0 ?
		    WHY_SRV_CERT : WHY_SRV_TLS);
	if (t->crt_err != 0 && !t->eof)
		return (WHY_TLS_CERT);
	if (t->ca_err != 0 && !t->eof)
		return (WHY_TLS_CA);
	if (t->eof || (how == SSL_ERROR_SYSCALL && t->err == 0))
		return (WHY_TLS_CLOSED);
	return (WHY_TLS_FAILED);
}

static enum why
step(struct tls_conn *t)
{
	struct conn *c = t->conn;
	int r, how;
	bool sent;

	if (!send_rest(t))
		return (WHY_AGAIN);
	gathering = t;
	flight_n = 0;
	r = SSL_do_handshake(t->ssl);
	t->cert = NULL;
	sent = gathering != t || send_flight(t);
	if (!sent && r == 1)
		return (WHY_AGAIN);             /* it will say so again */
	if (r == 1) {
		tls_count_done(t);
		/* What was read ahead, no edge will tell of. */
		c->can_in = c->can_in || SSL_has_pending(t->ssl) || c->hup;
		return (WHY_OK);
	}
	how = SSL_get_error(t->ssl, r);
	if (how == SSL_ERROR_WANT_READ || how == SSL_ERROR_WANT_WRITE)
		return (WHY_AGAIN);
	return (failure(t, how));
}

static enum why
tls_handshake(struct conn *c)
{
	struct tls_conn *t = tls_of(c);
	enum why why = WHY_OK;

	if (t == NULL)
		return (WHY_TLS_NOMEM);
	if (t->ssl == NULL && t->server != NULL)
		why = start_client(t);
	else if (t->ssl == NULL) {
		if (!has_begun(c))
			return (WHY_AGAIN);
		why = start(t);
	}
	if (why == WHY_OK)
		why = step(t);
	if (why != WHY_OK && why != WHY_AGAIN)
		tls_count_failed(t);
	return (why);
}

static enum why
tls_late(struct conn *c)
{
	struct tls_conn *t = tls_of(c);

	if (t != NULL)
		tls_count_failed(t);
	return (t != NULL && t->server != NULL ? WHY_SRV_CONN_TIMEOUT :
	    WHY_TLS_TIMEOUT);
}

/* ---- bytes ---- */

static ssize_t
broken(struct tls_conn *t, int how)
{
	struct conn *c = t->conn;

	c->can_in = false;
	c->eof = true;
	if (how != SSL_ERROR_ZERO_RETURN) {
		c->err = true;
		if (c->sys_errno == 0)
			c->sys_errno = EPROTO;
	}
	ERR_clear_error();
	return (-1);
}

static ssize_t
tls_recv(struct conn *c, char *p, size_t n)
{
	struct tls_conn *t = tls_of(c);
	size_t got = 0, one;
	int how;

	if (__builtin_expect(c->wait_hello, 0))
		return (0);
	do {
		if (!SSL_read_ex(t->ssl, p + got, n - got, &one))
			break;
		got += one;
	} while (got < n && SSL_has_pending(t->ssl));
	if (got > 0) {
		/* Also when its end, or close_notify, came along. */
		if (got == n || SSL_has_pending(t->ssl) || t->eof ||
		    (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
			c->can_in = true;
		return ((ssize_t)got);
	}
	how = SSL_get_error(t->ssl, 0);
	if (how == SSL_ERROR_WANT_READ) {
		c->can_in = false;
		return (0);
	}
	/* It has to say something first: the next edge of any kind. */
	if (how == SSL_ERROR_WANT_WRITE)
		return (0);
	return (broken(t, how));
}

/* Payload of one record, in one piece: where it is, or copied together. */
static const char *
gather(const struct iovec *v, int n, size_t skip, size_t *len)
{
	static char copy[RECORD_MAX];
	size_t have = 0, most = *len;

	for (int i = 0; i < n && have < most; i++) {
		const char *p = v[i].iov_base;
		size_t k = v[i].iov_len;

		if (skip >= k) {
			skip -= k;
			continue;
		}
		p += skip;
		k -= skip;
		skip = 0;
		if (k > most - have)
			k = most - have;
		if (have == 0 && (k == most || i == n - 1)) {
			*len = k;
			return (p);
		}
		memcpy(copy + have, p, k);
		have += k;
	}
	*len = have;
	return (copy);
}

/* Seal and send one record. What the kernel does not take of it stays with
 * OpenSSL, which wants the same length again, and does not look at the bytes
 * a second time. Returns the payload that went, 0: wait, -1: broken. */
static ssize_t
send_record(struct tls_conn *t, const char *p, size_t n)
{
	size_t put;
	int how;

	if (SSL_write_ex(t->ssl, p, n, &put)) {
		t->sealed = 0;
		return ((ssize_t)put);
	}
	how = SSL_get_error(t->ssl, 0);
	if (how == SSL_ERROR_WANT_WRITE || how == SSL_ERROR_WANT_READ) {
		t->sealed = (uint16_t)n;
		t->conn->can_out = false;
		return (0);
	}
	t->conn->err = true;
	t->conn->can_out = false;
	if (t->conn->sys_errno == 0)
		t->conn->sys_errno = EPROTO;
	ERR_clear_error();
	return (-1);
}

/* Short records at the beginning and after a pause, so that the client can use
 * the first bytes before it has many. */
static size_t
record_bytes(struct tls_conn *t)
{
	const struct tls_global *g = tls_global();
	uint32_t most = RECORD_MAX;

	if (g->hard_max_record != 0 && g->hard_max_record < most)
		most = g->hard_max_record;
	if (g->max_record == 0 || g->max_record >= most)
		return (most);
	if (the_loop->now_ms - t->sent_ms > PAUSE_MS)
		t->burst_bytes = 0;
	t->sent_ms = the_loop->now_ms;
	return (t->burst_bytes < BURST ? g->max_record : most);
}

static ssize_t
tls_send(struct conn *c, const struct iovec *v, int n)
{
	struct tls_conn *t = tls_of(c);
	size_t want = 0, took = 0, most = record_bytes(t);
	ssize_t put;

	if (__builtin_expect(c->wait_hello, 0))
		return (0);
	for (int i = 0; i < n; i++)
		want += v[i].iov_len;
	if (t->sealed != 0) {
		const size_t len = t->sealed;
		static const char none[RECORD_MAX];

		if ((put = send_record(t, none, len)) <= 0)
			return (put);
		t->ahead = (uint16_t)len;
	}
	if (t->ahead != 0) {
		took = t->ahead < want ? t->ahead : want;
		t->ahead -= (uint16_t)took;
	}
	while (took < want) {
		size_t len = want - took < most ? want - took : most;
		const char *p = gather(v, n, took, &len);

		put = send_record(t, p, len);
		if (put < 0)
			return (took > 0 ? (ssize_t)took : -1);
		if (put == 0)
			break;
		took += (size_t)put;
		t->burst_bytes += t->burst_bytes < BURST ? (uint32_t)put : 0;
	}
	return ((ssize_t)took);
}

/* ---- the end ---- */

static void
say_goodbye(struct tls_conn *t)
{
	if (t == NULL || t->ssl == NULL || !SSL_is_init_finished(t->ssl) ||
	    t->sealed != 0 || t->ended)
		return;
	t->ended = true;                /* OpenSSL forgets it at an EOF */
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

static void
tls_shut(struct conn *c)
{
	say_goodbye(tls_of(c));
	(void)shutdown(c->fd, SHUT_WR);
}

static void
tls_end(struct conn *c)
{
	say_goodbye(tls_of(c));
}

static void
tls_moved(struct conn *c)
{
	tls_of(c)->conn = c;
}

static void
tls_fini(struct conn *c)
{
	struct tls_conn *t = tls_of(c);

	if (t == NULL)
		return;
	if (t->ssl != NULL) {
		/* However it ended, its session may be taken up again. */
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
		SSL_free(t->ssl);
		ERR_clear_error();
	}
	drop_rest(t);
	OPENSSL_free(t->name);
	tls_capture_drop(t);
	tls_count_end(t);
	t->magic = 0;
	pool_put(&tls_pool, t);
	c->xprt_state = NULL;
}

/* ---- what it can say ---- */

static struct span
cert_sig(const X509 *x)
{
	int nid = x == NULL ? NID_undef : X509_get_signature_nid(x);

	return (nid == NID_undef ? SPAN_NONE : span_str(OBJ_nid2sn(nid)));
}

struct span
tls_key_name(const X509 *x)
{
	static char text[32];
	const EVP_PKEY *key = x == NULL ? NULL : X509_get0_pubkey(x);
	const char *kind;

	if (key == NULL)
		return (SPAN_NONE);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		kind = "RSA";
		break;
	case EVP_PKEY_EC:
		kind = "EC";
		break;
	case EVP_PKEY_DSA:
		kind = "DSA";
		break;
	default:
		return (SPAN_NONE);
	}
	return (span_of(text, (size_t)snprintf(text, sizeof text, "%s%d", kind,
	    EVP_PKEY_get_bits(key))));
}

static struct span
tls_tell(const struct conn *c, enum conn_tell what)
{
	const struct tls_conn *t = tls_of(c);
	const unsigned char *p;
	unsigned n;

	if (t == NULL || t->ssl == NULL)
		return (SPAN_NONE);
	switch (what) {
	case CONN_TELL_VERSION:
		return (span_str(SSL_get_version(t->ssl)));
	case CONN_TELL_CIPHER:
		return (span_str(SSL_get_cipher_name(t->ssl)));
	case CONN_TELL_ALPN:
		SSL_get0_alpn_selected(t->ssl, &p, &n);
		return (n == 0 ? SPAN_NONE : span_of((const char *)p, n));
	case CONN_TELL_CERT_SIG:
		return (cert_sig(SSL_get_certificate(t->ssl)));
	case CONN_TELL_CERT_KEY:
		return (tls_key_name(SSL_get_certificate(t->ssl)));
	case CONN_TELL_SNI:
		if (t->server != NULL)
			return (span_str(t->name));
		return (span_str(SSL_get_servername(t->ssl,
		    TLSEXT_NAMETYPE_host_name)));
	}
	return (SPAN_NONE);
}

const struct xprt_ops tls_xprt = {
	.name = "tls",
	.accept = tls_accept,
	.ask = tls_ask,
	.prepare = tls_prepare,
	.connect = tls_connect,
	.handshake = tls_handshake,
	.late = tls_late,
	.full = tls_count_full,
	.recv = tls_recv,
	.send = tls_send,
	.shut = tls_shut,
	.end = tls_end,
	.moved = tls_moved,
	.fini = tls_fini,
	.tell = tls_tell,
	.stays = "TLS",
	.secure = true,
};
XPRT(tls, tls_xprt);

#endif
