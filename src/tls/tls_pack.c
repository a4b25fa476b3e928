/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pack - all that a certificate is made of, in one piece of bytes: so it
 * goes from the agent to the workers, and so it is kept when it came at run
 * time.
 *
 * Pieces follow each other: what it is, its length, its bytes. Any
 * program that reads it is the one that wrote it.
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <base/must.h>

#include <openssl/crypto.h>

enum what { PACK_CHAIN, PACK_LEAF, PACK_LABEL, PACK_KEY, PACK_DH, PACK_OCSP,
	PACK_SCTL, PACK_ISSUER, PACK_KINDS };

struct piece {
	uint32_t what, n;
};

/* Where a piece belongs that there is one of. */
static struct span *
field_of(struct cert *c, enum what what)
{
	static const size_t at[PACK_KINDS] = {
		[PACK_LEAF] = offsetof(struct cert, leaf),
		[PACK_LABEL] = offsetof(struct cert, key_label),
		[PACK_KEY] = offsetof(struct cert, key),
		[PACK_DH] = offsetof(struct cert, dh),
		[PACK_OCSP] = offsetof(struct cert, ocsp),
		[PACK_SCTL] = offsetof(struct cert, sctl),
		[PACK_ISSUER] = offsetof(struct cert, issuer),
	};

	return ((struct span *)(void *)((char *)c + at[what]));
}

static void
put(struct text *t, enum what what, struct span s)
{
	struct piece h = { what, (uint32_t)s.n };

	text_add(t, span_of((const char *)&h, sizeof h));
	text_add(t, s);
}

void
cert_text_wipe(struct text *t)
{
	OPENSSL_cleanse(t->p, t->cap); /* what it held before, too */
	text_fini(t);
}

void
cert_pack(const struct cert *c, struct text *t)
{
	for (enum what w = PACK_LEAF; w < PACK_KINDS; w++) {
		struct span s = *field_of((struct cert *)(uintptr_t)c, w);

		if (s.p != NULL)
			put(t, w, s);
	}
	for (uint32_t i = 0; i < c->n_chain; i++)
		put(t, PACK_CHAIN, c->chain[i]);
}

static bool
take(struct span *in, struct piece *h, struct span *s)
{
	if (in->n < sizeof *h)
		return (false);
	memcpy(h, in->p, sizeof *h);
	*in = span_skip(*in, sizeof *h);
	if (h->what >= PACK_KINDS || h->n > in->n)
		return (false);
	*s = span_of(in->p, h->n);
	*in = span_skip(*in, h->n);
	return (true);
}

/* How many certificates follow the first; -1: these are not such bytes. */
static int
count_chain(struct span in)
{
	struct piece h;
	struct span s;
	int n = 0;

	while (in.n > 0) {
		if (!take(&in, &h, &s))
			return (-1);
		n += h.what == PACK_CHAIN;
	}
	return (n);
}

static void
forget(struct cert *c)
{
	cert_unuse(c);
	if (c->block != NULL)
		OPENSSL_cleanse(c->block, c->block_bytes);
	free(c->block);
	c->block = NULL;
	for (enum what w = PACK_LEAF; w < PACK_KINDS; w++)
		*field_of(c, w) = SPAN_NONE;
	c->chain = NULL;
	c->n_chain = 0;
	memset(&c->facts, 0, sizeof c->facts);
}

bool
cert_unpack(struct cert *c, struct span in)
{
	int n = count_chain(in);
	struct piece h;
	struct span s;
	char *block;
	size_t bytes;

	if (n < 0)
		return (false);
	bytes = (size_t)n * sizeof *c->chain + in.n;
	block = bytes == 0 ? NULL : must_alloc(bytes);
	forget(c);
	if (block == NULL)
		return (true);
	c->block = block;
	c->block_bytes = bytes;
	c->chain = (struct span *)(void *)block;
	in.p = memcpy(block + (size_t)n * sizeof *c->chain, in.p, in.n);
	while (take(&in, &h, &s)) {
		if (h.what == PACK_CHAIN)
			c->chain[c->n_chain++] = s;
		else
			*field_of(c, h.what) = s;
	}
	return (c->leaf.p == NULL || cert_facts(c->leaf, &c->facts));
}

#endif
