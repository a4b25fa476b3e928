/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_ticket - session tickets: sealed with keys that all workers and
 * generations share, which are changed now and then; or with those of a file
 * (tls-ticket-keys), for several machines.
 *
 * Source: RFC 5077 4, for the form of a ticket; RFC 8446 4.6.1.
 */
#include "tls_sess.h"

#ifdef USE_OPENSSL

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/b64.h>
#include <base/must.h>
#include <os/fd.h>
#include <os/loop.h>
#include <shm/shm.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define KEYS_SHARED 3           /* in use, and two that were */
#define KEYS_FILE   3           /* of a file, its last ones */
#define PERIOD_S    3600        /* of a key, at least */
#define FILE_MAX    (1u << 20)

struct key {
	uint8_t name[16];
	uint8_t aes[32], mac[32];
};

/* Secrets of sessions that are over soon go with the segment, which no process
 * but ours can map. */
struct keys_shm {
	struct shm_lock lock;
	uint32_t n;                     /* 0: none yet */
	uint32_t spare;
	int64_t made_wall_s;            /* key[0] */
	struct key key[KEYS_SHARED];    /* the newest first */
};
_Static_assert(sizeof(struct keys_shm) == 264, "see shm/layout.def");

static struct keys_shm *shared;

struct tls_ticket_file {
	struct tls_ticket_file *next;
	const char *path;
	unsigned no;
	bool live;                      /* the runtime API changed it */
	uint8_t bytes;                  /* 16 or 32: of a key */
	uint32_t n;
	struct key key[KEYS_FILE];      /* [n - 2] seals */
};

bool
tls_ticket_setup(void)
{
	void *at;

	if (shm_slot(the_shm, SPAN("tls-keys"), SHM_TLS_KEYS, sizeof *shared,
	    &at, NULL) == SHM_FAILED)
		return (false);
	shared = at;
	return (true);
}

/* ---- the shared keys ---- */

static void
change_keys(int64_t now_s, const struct key *fresh)
{
	memmove(&shared->key[1], &shared->key[0], (KEYS_SHARED - 1) *
	    sizeof shared->key[0]);
	shared->key[0] = *fresh;
	shared->made_wall_s = now_s;
	if (shared->n < KEYS_SHARED)
		shared->n++;
}

static bool
is_old(int64_t now_s)
{
	int64_t period = tls_global()->lifetime_s;

	if (period < PERIOD_S)
		period = PERIOD_S;
	return (shared->n == 0 || now_s - shared->made_wall_s >= period);
}

/* The key to seal with; a new one when its time has come. */
static bool
current_key(struct key *out)
{
	int64_t now_s = the_loop->wall_us / 1000000;
	struct key fresh;
	bool good = true;

	if (is_old(now_s)) {
		good = RAND_priv_bytes((unsigned char *)&fresh,
		    sizeof fresh) == 1;
		(void)shm_lock(&shared->lock);
		if (good && is_old(now_s))      /* nobody was faster */
			change_keys(now_s, &fresh);
		shm_unlock(&shared->lock);
		OPENSSL_cleanse(&fresh, sizeof fresh);
	}
	if (!good)
		return (false);
	(void)shm_lock(&shared->lock);
	*out = shared->key[0];
	shm_unlock(&shared->lock);
	return (true);
}

/* Which key has that name: its place, or -1. */
static int
find_shared(const unsigned char *name, struct key *out)
{
	int at = -1;

	(void)shm_lock(&shared->lock);
	for (uint32_t i = 0; i < shared->n && at < 0; i++)
		if (memcmp(shared->key[i].name, name, 16) == 0) {
			*out = shared->key[i];
			at = (int)i;
		}
	shm_unlock(&shared->lock);
	return (at);
}

/* ---- what OpenSSL calls ---- */

static bool
init_both(const struct key *k, size_t bytes, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	static EVP_CIPHER *aes[2];
	EVP_CIPHER **c = &aes[bytes == 32];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
		    (void *)(uintptr_t)k->mac, bytes),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    (char *)(uintptr_t)"SHA256", 0),
		OSSL_PARAM_construct_end() };

	if (*c == NULL)
		*c = EVP_CIPHER_fetch(NULL, bytes == 32 ? "AES-256-CBC" :
		    "AES-128-CBC", NULL);
	return (*c != NULL && EVP_CipherInit_ex2(cipher, *c, k->aes, iv, seal,
	    NULL) == 1 && EVP_MAC_CTX_set_params(mac, params) == 1);
}

static int
seal_ticket(const struct tls_ticket_file *f, unsigned char *name,
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct key k;
	bool good;

	if (f != NULL)
		k = f->key[f->n - 2];
	else if (!current_key(&k))
		return (-1);
	memcpy(name, k.name, sizeof k.name);
	good = RAND_bytes(iv, 16) == 1 && init_both(&k, f != NULL ? f->bytes :
	    32, iv, cipher, mac, 1);
	OPENSSL_cleanse(&k, sizeof k);
	return (good ? 1 : -1);
}

/* 0: not one of ours, 1: good, 2: good, and the client gets a newer one. */
static int
open_ticket(const struct tls_ticket_file *f, const unsigned char *name,
    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct key k;
	int at = -1;
	bool good, newest;

	if (f == NULL) {
		at = find_shared(name, &k);
		newest = at == 0;
	} else {
		for (uint32_t i = 0; i < f->n && at < 0; i++)
			if (memcmp(f->key[i].name, name, 16) == 0)
				at = (int)i;
		if (at >= 0)
			k = f->key[at];
		newest = at == (int)f->n - 2;
	}
	if (at < 0)
		return (0);
	good = init_both(&k, f != NULL ? f->bytes : 32, iv, cipher, mac, 0);
	OPENSSL_cleanse(&k, sizeof k);
	return (!good ? -1 : newest ? 1 : 2);
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	const struct tls_ticket_file *f = tls_of_ssl(ssl)->bind->tickets;

	if (f == NULL && shared == NULL)
		return (-1);
	return (seal ? seal_ticket(f, name, iv, cipher, mac) :
	    open_ticket(f, name, iv, cipher, mac));
}

void
tls_ticket_use(SSL_CTX *ssl)
{
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
}

/* ---- keys of a file ---- */

static bool
take_key(struct tls_ticket_file *f, const uint8_t *p, size_t n)
{
	struct key *k = &f->key[KEYS_FILE - 1];

	if (f->n == 0)
		f->bytes = n == 48 ? 16 : 32;
	if (n != 16 + 2u * f->bytes)
		return (false);
	if (f->n == KEYS_FILE)
		memmove(&f->key[0], &f->key[1], (KEYS_FILE - 1) * sizeof *k);
	else
		k = &f->key[f->n++];
	memcpy(k->name, p, 16);
	/* The longer form has them the other way round. */
	memcpy(f->bytes == 16 ? k->aes : k->mac, p + 16, f->bytes);
	memcpy(f->bytes == 16 ? k->mac : k->aes, p + 16 + f->bytes, f->bytes);
	return (true);
}

static bool
take_lines(struct conf_line *l, const struct conf_word *w, struct span text,
    struct tls_ticket_file *f)
{
	uint8_t bytes[B64_DECODED(128)];
	struct span line;
	bool good = true;
	int no = 0;
	size_t n;

	while (good && span_cut(&text, '\n', &line)) {
		no++;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		line = span_trim(line);
		if (line.n == 0)
			continue;
		good = line.n <= 128 && b64_get((char *)bytes, &n, line,
		    B64_STD) && (n == 48 || n == 80) && take_key(f, bytes, n);
	}
	OPENSSL_cleanse(bytes, sizeof bytes);
	if (!good)
		return (conf_err(l, w, "'%s' : line %d of '%.*s': expected 48 "
		    "or 80 bytes in base64, as many as in the first line",
		    l->kw->name, no, SPAN_FMT(w->text)));
	return (f->n == KEYS_FILE || conf_err(l, w, "'%s' : '%.*s' has %u "
	    "keys, expected at least %d", l->kw->name, SPAN_FMT(w->text),
	    f->n, KEYS_FILE));
}

static struct tls_ticket_file *files;
static const struct px_model *of_model;         /* which these belong to */

struct tls_ticket_file *
tls_ticket_first(void)
{
	return (of_model == px_model ? files : NULL);
}

static struct tls_ticket_file *
find_file(const char *path)
{
	struct tls_ticket_file *f = tls_ticket_first();

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	return (f);
}

static struct tls_ticket_file *
file_new(const char *path)
{
	struct tls_ticket_file *f = arena_zget(px_model->arena, sizeof *f);
	struct tls_ticket_file *first = tls_ticket_first(), **at = &first;

	while (*at != NULL) {
		f->no++;
		at = &(*at)->next;
	}
	*at = f;
	f->path = arena_dup(px_model->arena, span_str(path));
	files = first;
	of_model = px_model;
	return (f);
}

struct tls_ticket_file *
tls_ticket_read(struct conf_line *l, const struct conf_word *w,
    const char *path)
{
	struct tls_ticket_file *f;
	bool good;
	size_t n;
	char *p;

	if ((f = find_file(path)) != NULL)
		return (f);
	if ((p = fd_read_file(path, FILE_MAX, &n)) == NULL) {
		conf_err(l, w, "'%s' : unable to read '%s' : %s", l->kw->name,
		    path, strerror(errno));
		return (NULL);
	}
	f = file_new(path);
	good = take_lines(l, w, span_of(p, n), f);
	OPENSSL_cleanse(p, n);
	free(p);
	return (good ? f : NULL);
}

/* ---- for the runtime API ---- */

struct tls_ticket_file *
tls_ticket_next(const struct tls_ticket_file *f)
{
	return (f->next);
}

const char *
tls_ticket_path(const struct tls_ticket_file *f)
{
	return (f->path);
}

unsigned
tls_ticket_no(const struct tls_ticket_file *f)
{
	return (f->no);
}

bool
tls_ticket_is_live(const struct tls_ticket_file *f)
{
	return (f->live);
}

bool
tls_ticket_text(const struct tls_ticket_file *f, unsigned i, struct text *t)
{
	const struct key *k;
	uint8_t bytes[80];
	char out[B64_ENCODED(80)];

	if (i >= f->n)
		return (false);
	k = &f->key[i];
	memcpy(bytes, k->name, 16);
	memcpy(bytes + 16, f->bytes == 16 ? k->aes : k->mac, f->bytes);
	memcpy(bytes + 16 + f->bytes, f->bytes == 16 ? k->mac : k->aes,
	    f->bytes);
	text_add(t, span_of(out, b64_put(out, span_of((const char *)bytes,
	    16 + 2u * f->bytes), B64_STD)));
	OPENSSL_cleanse(bytes, sizeof bytes);
	return (true);
}

bool
tls_ticket_add(struct tls_ticket_file *f, const uint8_t *key, size_t n)
{
	if (!take_key(f, key, n))
		return (false);
	f->live = true;
	return (true);
}

struct span
tls_ticket_keys(const struct tls_ticket_file *f)
{
	return (span_of((const char *)f->key, sizeof f->key));
}

void
tls_ticket_take(const char *path, struct span keys)
{
	struct tls_ticket_file *f = find_file(path);

	if (f == NULL || keys.n != sizeof f->key)
		return;
	memcpy(f->key, keys.p, sizeof f->key);
	f->live = true;
}

#endif
