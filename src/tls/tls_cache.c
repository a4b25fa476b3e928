/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cache - sessions of clients without tickets, shared by workers and
 * generations.
 *
 * A hash of sets in shared memory: a session is in one of a few places, and
 * the one that ends first makes room. Two tables: sessions are short, but for
 * those with the certificate of a client. A lock guards the sets of a stripe.
 */
#include "tls_sess.h"

#ifdef USE_OPENSSL

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <base/must.h>
#include <cnt/cnt.h>
#include <os/loop.h>
#include <shm/shm.h>

#include <openssl/crypto.h>

#define WAYS    8               /* places of a session */
#define STRIPES 64
#define SMALL   320             /* bytes of a session, written down */
#define BIG     4040
#define BIG_PART 16             /* one of so many has a big place */

struct sess_shm {
	uint8_t id[32];
	uint32_t due_wall_s;            /* 0: free */
	uint16_t id_bytes, bytes;
	uint8_t data[];
};
_Static_assert(sizeof(struct sess_shm) == 40, "see shm/layout.def");

struct cache_shm {
	struct shm_lock lock[STRIPES];
	uint8_t sets[];
};

static struct table {
	struct cache_shm *shm;
	uint32_t n_sets;
	size_t entry_bytes;
} tables[2] = { { NULL, 0, 40 + SMALL }, { NULL, 0, 40 + BIG } };

static uint32_t
now_s(void)
{
	return ((uint32_t)(the_loop->wall_us / 1000000));
}

/* Private memory becomes each worker's own when it is forked. */
static void *
private(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return (p == MAP_FAILED ? NULL : p);
}

static bool
open_table(struct table *t, uint32_t entries)
{
	char name[64];
	size_t bytes;
	void *at;

	t->n_sets = (entries + WAYS - 1) / WAYS;
	bytes = sizeof *t->shm + (size_t)t->n_sets * WAYS * t->entry_bytes;
	snprintf(name, sizeof name, "tls-cache/%zu/%u", t->entry_bytes,
	    t->n_sets);
	if (tls_global()->private_cache)
		at = private(bytes);
	else if (shm_slot(the_shm, span_str(name), SHM_TLS_CACHE, bytes, &at,
	    NULL) == SHM_FAILED)
		at = NULL;
	if (at == NULL)
		return (false);
	t->shm = at;
	return (true);
}

bool
tls_cache_setup(void)
{
	uint32_t n = tls_global()->cache_size;

	if (n == 0)
		return (true);
	return (open_table(&tables[0], n) &&
	    open_table(&tables[1], n / BIG_PART + 1));
}

/* ---- one table ---- */

static struct sess_shm *
entry(const struct table *t, uint32_t set, uint32_t way)
{
	return ((void *)(t->shm->sets + ((size_t)set * WAYS + way) *
	    t->entry_bytes));
}

/* Identifiers are made at random; what clients make up is only looked for. */
static uint32_t
set_of(const struct table *t, struct span id)
{
	return ((uint32_t)(span_hash(id) % t->n_sets));
}

static struct shm_lock *
lock_of(const struct table *t, uint32_t set)
{
	return (&t->shm->lock[set % STRIPES]);
}

static void
wipe(struct sess_shm *s, size_t bytes)
{
	OPENSSL_cleanse(s, bytes);
}

static struct sess_shm *
find(const struct table *t, uint32_t set, struct span id)
{
	for (uint32_t i = 0; i < WAYS; i++) {
		struct sess_shm *s = entry(t, set, i);

		if (s->due_wall_s != 0 && s->id_bytes == id.n &&
		    memcmp(s->id, id.p, id.n) == 0)
			return (s);
	}
	return (NULL);
}

static struct sess_shm *
make_room(const struct table *t, uint32_t set)
{
	struct sess_shm *best = entry(t, set, 0);

	for (uint32_t i = 1; i < WAYS; i++) {
		struct sess_shm *s = entry(t, set, i);

		if (s->due_wall_s < best->due_wall_s)
			best = s;
	}
	wipe(best, t->entry_bytes);
	return (best);
}

/* Copies a session out; false: not there. One whose writer died half way is
 * not to be trusted, nor are the others of its stripe. */
static bool
take_out(const struct table *t, struct span id, uint8_t *out, size_t *n)
{
	uint32_t set = set_of(t, id);
	bool torn = shm_lock(lock_of(t, set)), good = false;
	struct sess_shm *s = find(t, set, id);

	if (torn)
		for (uint32_t i = 0; i < WAYS; i++)
			wipe(entry(t, set, i), t->entry_bytes);
	else if (s != NULL && s->due_wall_s <= now_s())
		wipe(s, t->entry_bytes);
	else if (s != NULL && s->bytes <= t->entry_bytes - sizeof *s) {
		memcpy(out, s->data, s->bytes);
		*n = s->bytes;
		good = true;
	}
	shm_unlock(lock_of(t, set));
	return (good);
}

static void
put_in(const struct table *t, struct span id, const uint8_t *p, size_t n)
{
	uint32_t set = set_of(t, id);
	struct sess_shm *s;

	(void)shm_lock(lock_of(t, set));
	if ((s = find(t, set, id)) == NULL)
		s = make_room(t, set);
	memcpy(s->id, id.p, id.n);
	s->id_bytes = (uint16_t)id.n;
	memcpy(s->data, p, n);
	s->bytes = (uint16_t)n;
	s->due_wall_s = now_s() + tls_global()->lifetime_s;
	shm_unlock(lock_of(t, set));
}

static void
forget(const struct table *t, struct span id)
{
	uint32_t set = set_of(t, id);
	struct sess_shm *s;

	(void)shm_lock(lock_of(t, set));
	if ((s = find(t, set, id)) != NULL)
		wipe(s, t->entry_bytes);
	shm_unlock(lock_of(t, set));
}

/* ---- what OpenSSL calls ---- */

/* Tickets of TLS 1.3 are sessions as well, which clients keep. */
static bool
client_keeps_it(const SSL *ssl)
{
	return (SSL_version(ssl) == TLS1_3_VERSION &&
	    (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0);
}

static struct span
id_of(const SSL_SESSION *sess)
{
	unsigned n;
	const unsigned char *p = SSL_SESSION_get_id(sess, &n);

	return (span_of((const char *)p, n));
}

static int
on_new(SSL *ssl, SSL_SESSION *sess)
{
	uint8_t data[BIG], *p = data;
	struct span id = id_of(sess);
	int n = client_keeps_it(ssl) ? 0 : i2d_SSL_SESSION(sess, NULL);

	if (n <= 0 || n > BIG || id.n == 0 || id.n > 32)
		return (0);
	n = i2d_SSL_SESSION(sess, &p);
	put_in(&tables[n > SMALL], id, data, (size_t)n);
	OPENSSL_cleanse(data, (size_t)n);
	return (0);                     /* we keep no reference */
}

static SSL_SESSION *
on_get(SSL *ssl, const unsigned char *id, int id_n, int *copy)
{
	uint8_t data[BIG];
	const uint8_t *p = data;
	struct span s = span_of((const char *)id, (size_t)id_n);
	SSL_SESSION *sess = NULL;
	size_t n = 0;

	(void)ssl;
	*copy = 0;
	CNT_PROC()->ssl_cache_lookups++;
	if (id_n > 0 && id_n <= 32 && (take_out(&tables[0], s, data, &n) ||
	    take_out(&tables[1], s, data, &n)))
		sess = d2i_SSL_SESSION(NULL, &p, (long)n);
	OPENSSL_cleanse(data, n);
	if (sess == NULL)
		CNT_PROC()->ssl_cache_misses++;
	return (sess);
}

static void
on_remove(SSL_CTX *ctx, SSL_SESSION *sess)
{
	struct span id = id_of(sess);

	(void)ctx;
	if (id.n == 0 || id.n > 32 || tables[0].shm == NULL)
		return;
	forget(&tables[0], id);
	forget(&tables[1], id);
}

static int
on_new_if(SSL *ssl, SSL_SESSION *sess)
{
	return (tables[0].shm == NULL ? 0 : on_new(ssl, sess));
}

static SSL_SESSION *
on_get_if(SSL *ssl, const unsigned char *id, int n, int *copy)
{
	return (tables[0].shm == NULL ? NULL : on_get(ssl, id, n, copy));
}

void
tls_cache_use(SSL_CTX *ssl)
{
	if (tls_global()->cache_size == 0) {
		(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
		return;
	}
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER |
	    SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(ssl, on_new_if);
	SSL_CTX_sess_set_get_cb(ssl, on_get_if);
	SSL_CTX_sess_set_remove_cb(ssl, on_remove);
}

#endif
