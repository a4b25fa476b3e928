/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_answer - reads the records of a name server's message. c-ares reads
 * those of the answer section only; the addresses of SRV targets come in the
 * section of additional ones.
 *
 * Names are read by c-ares. Everything here is a peer's: lengths are checked
 * before each look.
 */
#include "dns_int.h"

#include <stdlib.h>

#include <base/must.h>

#define HEAD 12                 /* RFC 1035 4.1.1 */
#define LABEL 63
#define RECORDS 8192            /* of one message at most: 64 KiB hold fewer */

bool
dns_host_fits(struct span host)
{
	size_t label = 0;

	if (host.n == 0 || host.n >= DNS_HOST - 2)
		return (false);
	for (size_t i = 0; i < host.n; i++) {
		char c = span_lower(host.p[i]);

		if (c == '.') {
			if (label == 0)
				return (false);
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_') || ++label > LABEL)
			return (false);
	}
	return (true);
}

void
dns_answer_fini(struct dns_answer *a)
{
	for (unsigned i = 0; i < a->n; i++)
		free(a->rec[i].target);
	free(a->rec);
	*a = (struct dns_answer){ 0 };
}

#ifdef USE_CARES
#include <ares.h>

struct msg {                            /* being read */
	const unsigned char *p;
	size_t n, at;
};

static unsigned
u16(const unsigned char *p)
{
	return ((unsigned)p[0] << 8 | p[1]);
}

/* The name at m->at, in lower case; "" for the root. */
static bool
take_name(struct msg *m, char out[DNS_HOST])
{
	char *name;
	long used;

	if (m->at >= m->n || ares_expand_name(m->p + m->at, m->p, (int)m->n,
	    &name, &used) != ARES_SUCCESS)
		return (false);
	m->at += (size_t)used;
	span_copy(out, DNS_HOST, span_str(name));
	ares_free_string(name);
	for (char *c = out; *c != '\0'; c++)
		*c = span_lower(*c);
	return (true);
}

struct rr {
	char owner[DNS_HOST];
	unsigned type, class;
	size_t data, data_n;            /* place in the message */
};

static bool
take_rr(struct msg *m, struct rr *r)
{
	if (!take_name(m, r->owner) || m->n - m->at < 10)
		return (false);
	r->type = u16(m->p + m->at);
	r->class = u16(m->p + m->at + 2);
	r->data_n = u16(m->p + m->at + 8);
	m->at += 10;
	r->data = m->at;
	if (m->n - m->at < r->data_n)
		return (false);
	m->at += r->data_n;
	return (true);
}

static struct dns_rec *
add_rec(struct dns_answer *a)
{
	struct dns_rec *r;

	if (a->n % 16 == 0) {
		r = realloc(a->rec, (a->n + 16u) * sizeof *r);
		MUST(r != NULL);
		a->rec = r;
	}
	r = &a->rec[a->n++];
	*r = (struct dns_rec){ .ip = { .family = ADDR_NONE } };
	return (r);
}

static bool
read_ip(const struct msg *m, const struct rr *r, struct addr *ip)
{
	size_t want = r->type == DNS_A ? 4 : 16;

	if (r->data_n != want)
		return (false);
	*ip = (struct addr){ .family = r->type == DNS_A ? ADDR_V4 : ADDR_V6 };
	memcpy(ip->ip, m->p + r->data, want);
	return (true);
}

static bool
read_srv(const struct msg *m, const struct rr *r, struct dns_answer *a)
{
	struct msg target = { m->p, m->n, r->data + 6 };
	const unsigned char *p = m->p + r->data;
	char name[DNS_HOST];
	struct dns_rec *rec;

	if (r->data_n < 7 || !take_name(&target, name) ||
	    target.at != r->data + r->data_n)
		return (false);
	/* "." says that there is no such service (RFC 2782). */
	if (name[0] == '\0')
		return (true);
	rec = add_rec(a);
	rec->priority = (uint16_t)u16(p);
	rec->weight = (uint16_t)u16(p + 2);
	rec->port = (uint16_t)u16(p + 4);
	rec->target = span_dup(span_str(name));
	return (true);
}

static bool
read_answer(struct msg *m, unsigned n, char wanted[DNS_HOST],
    enum dns_type type, struct dns_answer *a)
{
	struct rr r;

	while (n-- > 0) {
		if (!take_rr(m, &r))
			return (false);
		if (r.class != 1 || strcmp(r.owner, wanted) != 0 ||
		    a->n == RECORDS)
			continue;
		if (r.type == DNS_CNAME) {
			struct msg alias = { m->p, m->n, r.data };

			a->cname = true;
			if (!take_name(&alias, wanted))
				return (false);
		} else if (r.type == type && !(type == DNS_SRV ?
		    read_srv(m, &r, a) : read_ip(m, &r, &add_rec(a)->ip)))
			return (false);
	}
	return (true);
}

/* Addresses of targets; what is wrong here costs only itself. */
static void
read_additional(struct msg *m, unsigned n, struct dns_answer *a)
{
	struct addr ip;
	struct rr r;

	while (n-- > 0 && take_rr(m, &r)) {
		if (r.class != 1 || (r.type != DNS_A && r.type != DNS_AAAA) ||
		    !read_ip(m, &r, &ip))
			continue;
		for (unsigned i = 0; i < a->n; i++)
			if (a->rec[i].ip.family == ADDR_NONE &&
			    strcmp(a->rec[i].target, r.owner) == 0)
				a->rec[i].ip = ip;
	}
}

bool
dns_answer_read(const unsigned char *p, size_t n, enum dns_type type,
    struct dns_answer *a)
{
	struct msg m = { p, n, HEAD };
	char wanted[DNS_HOST];
	struct rr r;

	*a = (struct dns_answer){ 0 };
	if (n < HEAD || n > 65535 || u16(p + 4) != 1 ||
	    !take_name(&m, wanted) || m.n - m.at < 4)
		return (false);
	m.at += 4;
	if (!read_answer(&m, u16(p + 6), wanted, type, a)) {
		dns_answer_fini(a);
		return (false);
	}
	if (type != DNS_SRV)
		return (true);
	for (unsigned i = u16(p + 8); i > 0; i--)
		if (!take_rr(&m, &r))
			return (true);
	read_additional(&m, u16(p + 10), a);
	return (true);
}
#endif
