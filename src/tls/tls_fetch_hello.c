/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_fetch_hello - samples of what is kept of a handshake when it is asked
 * for: parts of the ClientHello (tune.ssl.capture-buffer-size), and its
 * secrets (tune.ssl.keylog).
 *
 * Source: configuration manual 7.3.4; RFC 8701 for GREASE; the NSS key log
 * format.
 */
#include "tls_capture.h"
#include "tls_fetch.h"

#ifdef USE_OPENSSL

#include <stdio.h>

#include <base/hash.h>
#include <base/must.h>

#include <openssl/crypto.h>

/* ---- the ClientHello ---- */

struct tls_hello {
	uint16_t version;
	uint16_t n[TLS_HELLO_PARTS];    /* bytes of each part */
	uint64_t ciphers_xxh;           /* of all of them, also those cut off */
	uint8_t data[];
};

/* Bytes behind a length of one or two octets, as extensions have lists. */
static size_t
list_of(SSL *ssl, unsigned ext, unsigned octets, const unsigned char **p)
{
	size_t n, len;

	if (!SSL_client_hello_get0_ext(ssl, ext, p, &n) || n < octets)
		return (0);
	len = octets == 1 ? (*p)[0] : (size_t)(*p)[0] << 8 | (*p)[1];
	*p += octets;
	return (len <= n - octets ? len : 0);
}

static size_t
keep(struct tls_hello *h, size_t at, size_t most, unsigned part,
    const unsigned char *p, size_t n)
{
	if (n > most - at)
		n = (most - at) & ~(size_t)1;
	memcpy(h->data + at, p, n);
	h->n[part] = (uint16_t)n;
	return (at + n);
}

/* The types of the extensions in the order in which they came. */
static size_t
keep_types(SSL *ssl, struct tls_hello *h, size_t at, size_t most)
{
	unsigned char out[256];
	size_t n = 0, n_types;
	int *types;

	if (!SSL_client_hello_get1_extensions_present(ssl, &types, &n_types))
		return (at);
	for (size_t i = 0; i < n_types && n + 2 <= sizeof out; i++) {
		out[n++] = (unsigned char)(types[i] >> 8);
		out[n++] = (unsigned char)types[i];
	}
	OPENSSL_free(types);
	return (keep(h, at, most, TLS_HELLO_EXTS, out, n));
}

void
tls_capture_hello(SSL *ssl, struct tls_conn *t)
{
	size_t most = tls_global()->capture_bytes, at = 0, n;
	struct tls_hello *h;
	const unsigned char *p;

	if (most == 0)
		return;
	if (t->hello == NULL)
		t->hello = OPENSSL_malloc(sizeof *h + most);
	if ((h = t->hello) == NULL)
		return;
	memset(h, 0, sizeof *h);
	h->version = (uint16_t)SSL_client_hello_get0_legacy_version(ssl);
	n = SSL_client_hello_get0_ciphers(ssl, &p);
	h->ciphers_xxh = hash_xxh64(span_of((const char *)p, n));
	at = keep(h, at, most, TLS_HELLO_CIPHERS, p, n);
	at = keep_types(ssl, h, at, most);
	n = list_of(ssl, TLSEXT_TYPE_supported_groups, 2, &p);
	at = keep(h, at, most, TLS_HELLO_GROUPS, p, n);
	n = list_of(ssl, TLSEXT_TYPE_ec_point_formats, 1, &p);
	at = keep(h, at, most, TLS_HELLO_FORMATS, p, n);
	n = list_of(ssl, TLSEXT_TYPE_signature_algorithms, 2, &p);
	at = keep(h, at, most, TLS_HELLO_SIGALGS, p, n);
	n = list_of(ssl, TLSEXT_TYPE_supported_versions, 1, &p);
	(void)keep(h, at, most, TLS_HELLO_VERSIONS, p, n);
}

static struct span
part_of(const struct tls_hello *h, unsigned part)
{
	const uint8_t *p = h->data;

	for (unsigned i = 0; i < part; i++)
		p += h->n[i];
	return (span_of((const char *)p, h->n[part]));
}

/* Values that clients send so that servers learn to ignore them. */
static bool
is_grease(const char *p)
{
	return (p[0] == p[1] && (p[0] & 0x0f) == 0x0a);
}

static bool
put_part(struct txn *t, const struct arg *arg, struct smp *s, unsigned part)
{
	const struct tls_conn *c = tls_fc(t);
	struct span in;
	char *out;
	size_t n = 0;

	if (c == NULL || c->hello == NULL)
		return (false);
	in = part_of(c->hello, part);
	if (arg == NULL || arg[0].num == 0)
		return (tls_smp_copy(t, s, in.p, in.n));
	if ((out = arena_get(t->arena, in.n + 1)) == NULL)
		return (false);
	for (size_t i = 0; i + 1 < in.n; i += 2)
		if (!is_grease(in.p + i)) {
			memcpy(out + n, in.p + i, 2);
			n += 2;
		}
	s->str = span_of(out, n);
	return (n > 0);
}

#define PART(ident, word, part, text)                                        \
static bool                                                                  \
fetch_##ident(struct txn *t, const struct arg *arg, struct smp *s)           \
{                                                                            \
	return (put_part(t, arg, s, part));                                  \
}                                                                            \
TLS_FETCH(ident, word, "int filter=0 [0..1]", SMP_BIN, fetch_##ident,        \
    text " With 1 values of GREASE are left out. See "                       \
    "tune.ssl.capture-buffer-size.")
PART(cipherlist, "ssl_fc_cipherlist_bin", TLS_HELLO_CIPHERS,
    "The ciphers of the ClientHello.")
PART(extlist, "ssl_fc_extlist_bin", TLS_HELLO_EXTS,
    "The types of the ClientHello's extensions.")
PART(eclist, "ssl_fc_eclist_bin", TLS_HELLO_GROUPS,
    "The groups of the ClientHello.")
PART(sigalgs, "ssl_fc_sigalgs_bin", TLS_HELLO_SIGALGS,
    "The signature algorithms of the ClientHello.")
PART(versions, "ssl_fc_supported_versions_bin", TLS_HELLO_VERSIONS,
    "The versions of TLS in the ClientHello.")

static bool
fetch_ecformats(struct txn *t, const struct arg *arg, struct smp *s)
{
	(void)arg;
	return (put_part(t, NULL, s, TLS_HELLO_FORMATS));
}
TLS_FETCH(ecformats, "ssl_fc_ecformats_bin", "", SMP_BIN, fetch_ecformats,
    "The point formats of the ClientHello. See tune.ssl.capture-buffer-size.")

static bool
fetch_cipherlist_hex(struct txn *t, const struct arg *arg, struct smp *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct span in;
	char *out;

	if (!put_part(t, arg, s, TLS_HELLO_CIPHERS))
		return (false);
	in = s->str;
	if ((out = arena_get(t->arena, in.n * 2 + 1)) == NULL)
		return (false);
	for (size_t i = 0; i < in.n; i++) {
		out[2 * i] = digits[(uint8_t)in.p[i] >> 4];
		out[2 * i + 1] = digits[(uint8_t)in.p[i] & 15];
	}
	s->str = span_of(out, in.n * 2);
	return (true);
}
TLS_FETCH(cipherlist_hex, "ssl_fc_cipherlist_hex", "int filter=0 [0..1]",
    SMP_STR, fetch_cipherlist_hex,
    "ssl_fc_cipherlist_bin in hexadecimal digits.")

static const char *
cipher_name(SSL *ssl, const char *p, char other[24])
{
	const SSL_CIPHER *c = SSL_CIPHER_find(ssl, (const unsigned char *)p);

	if (c != NULL)
		return (SSL_CIPHER_get_name(c));
	snprintf(other, 24, "UNKNOWN(%02x%02x)", (uint8_t)p[0],
	    (uint8_t)p[1]);
	return (other);
}

static bool
fetch_cipherlist_str(struct txn *t, const struct arg *arg, struct smp *s)
{
	SSL *ssl = tls_client(t);
	char out[4096], other[24];
	size_t n = 0;

	if (ssl == NULL || !put_part(t, arg, s, TLS_HELLO_CIPHERS))
		return (false);
	for (size_t i = 0; i + 1 < s->str.n; i += 2) {
		int k = snprintf(out + n, sizeof out - n, "%s%s",
		    n == 0 ? "" : ",", cipher_name(ssl, s->str.p + i, other));

		if ((size_t)k >= sizeof out - n)
			break;
		n += (size_t)k;
	}
	return (tls_smp_copy(t, s, out, n));
}
TLS_FETCH(cipherlist_str, "ssl_fc_cipherlist_str", "int filter=0 [0..1]",
    SMP_STR, fetch_cipherlist_str,
    "The names of the ciphers of the ClientHello, with commas between them.")

static bool
fetch_cipherlist_xxh(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct tls_conn *c = tls_fc(t);

	(void)arg;
	if (c == NULL || c->hello == NULL)
		return (false);
	s->num = (int64_t)c->hello->ciphers_xxh;
	return (true);
}
TLS_FETCH(cipherlist_xxh, "ssl_fc_cipherlist_xxh", "", SMP_INT,
    fetch_cipherlist_xxh,
    "XXH64 of all ciphers of the ClientHello, those as well that did not fit.")

static bool
fetch_hello_version(struct txn *t, const struct arg *arg, struct smp *s)
{
	const struct tls_conn *c = tls_fc(t);

	(void)arg;
	if (c == NULL || c->hello == NULL)
		return (false);
	s->num = c->hello->version;
	return (true);
}
TLS_FETCH(hello_version, "ssl_fc_protocol_hello_id", "", SMP_INT,
    fetch_hello_version, "The version that the ClientHello begins with.")

/* ---- secrets ---- */

#define SECRET_MAX 128          /* hexadecimal digits of one */

static const char *const labels[TLS_SECRETS] = {
	"CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	"SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
	"SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET", "EARLY_EXPORTER_SECRET",
};

struct tls_secrets {
	uint8_t n[TLS_SECRETS];
	char hex[TLS_SECRETS][SECRET_MAX];
};

/* "LABEL client-random secret" */
static void
on_keylog(const SSL *ssl, const char *text)
{
	struct tls_conn *t = tls_of_ssl(ssl);
	struct span line = span_str(text), label, random;

	if (t->secrets == NULL)
		t->secrets = OPENSSL_zalloc(sizeof *t->secrets);
	if (t->secrets == NULL || !span_cut(&line, ' ', &label) ||
	    !span_cut(&line, ' ', &random) || line.n > SECRET_MAX)
		return;
	for (unsigned i = 0; i < TLS_SECRETS; i++)
		if (span_is(label, labels[i])) {
			memcpy(t->secrets->hex[i], line.p, line.n);
			t->secrets->n[i] = (uint8_t)line.n;
		}
}

void
tls_capture_setup(SSL_CTX *ssl)
{
	if (tls_global()->keylog)
		SSL_CTX_set_keylog_callback(ssl, on_keylog);
}

void
tls_capture_drop(struct tls_conn *t)
{
	OPENSSL_free(t->hello);
	if (t->secrets != NULL)
		OPENSSL_clear_free(t->secrets, sizeof *t->secrets);
	t->hello = NULL;
	t->secrets = NULL;
}

#define SECRET(word, i)                                                      \
TLS_SAMPLES(word, SMP_STR,                                                   \
    "A secret of TLS 1.3 in hexadecimal digits, to decrypt recorded "        \
    "traffic. See tune.ssl.keylog.",                                         \
	(void)ssl;                                                           \
	return (c->secrets != NULL &&                                        \
	    tls_smp_copy(t, s, c->secrets->hex[i], c->secrets->n[i]));)
SECRET(client_early_traffic_secret, 0)
SECRET(client_handshake_traffic_secret, 1)
SECRET(server_handshake_traffic_secret, 2)
SECRET(client_traffic_secret_0, 3)
SECRET(server_traffic_secret_0, 4)
SECRET(exporter_secret, 5)
SECRET(early_exporter_secret, 6)

#endif
