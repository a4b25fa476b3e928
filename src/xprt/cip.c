/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cip - headers of NetScaler's Client IP insertion.
 */
#include <xprt/cip.h>

#include <string.h>

#define OLD_BYTES 8             /* before the IP header */
#define NEW_BYTES 12
#define TCP_MIN 20
#define V4_MIN 20
#define V6_MIN 40
#define IS_TCP 6                /* IANA's protocol number */

static uint32_t
get16(const char *p)
{
	return ((uint32_t)(uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static uint32_t
get32(const char *p)
{
	return (get16(p) << 16 | get16(p + 2));
}

static unsigned
version_of(const char *ip)
{
	return ((uint8_t)ip[0] >> 4);
}

/* As far as it is here. */
static bool
has_magic(struct span in, uint32_t magic)
{
	for (size_t i = 0; i < in.n && i < 4; i++)
		if ((uint8_t)in.p[i] != (uint8_t)(magic >> (24 - 8 * i)))
			return (false);
	return (true);
}

/*
 * Where the IP header begins, and how long it is with that of TCP. The length
 * of all that the newer layout has is not looked at: devices and their
 * documents differ in what it counts.
 */
static enum why
find_headers(struct span in, size_t *at, size_t *n)
{
	unsigned version;

	*at = OLD_BYTES + 1;
	if (in.n < *at)
		return (WHY_AGAIN);
	version = version_of(in.p + OLD_BYTES);
	if (version == 4 || version == 6) {
		*at = OLD_BYTES;
		*n = get32(in.p + 4);
		return (WHY_OK);
	}
	*at = NEW_BYTES;
	if (in.n < *at)
		return (WHY_AGAIN);
	*n = get16(in.p + 10);
	return (get16(in.p + 8) == 1 ? WHY_OK : WHY_CIP_PROTO);
}

/* Addresses of `bytes` each, the source's first. */
static void
take_addresses(struct conn_cip *c, const char *p, unsigned family,
    size_t bytes)
{
	c->src.family = c->dst.family = (uint8_t)family;
	memcpy(c->src.ip, p, bytes);
	memcpy(c->dst.ip, p + bytes, bytes);
}

static enum why
parse_headers(struct span h, struct conn_cip *c)
{
	const char *p = h.p;
	size_t n;

	if (version_of(p) == 4) {
		n = 4 * (size_t)(p[0] & 15);
		if (n < V4_MIN || p[9] != IS_TCP)
			return (WHY_CIP_PROTO);
		take_addresses(c, p + 12, ADDR_V4, 4);
	} else if (version_of(p) == 6 && p[6] == IS_TCP) {
		n = V6_MIN;
		take_addresses(c, p + 8, ADDR_V6, 16);
	} else {
		return (WHY_CIP_PROTO);
	}
	if (h.n < n + TCP_MIN)
		return (WHY_CIP_SHORT);
	c->src.port = (uint16_t)get16(p + n);
	c->dst.port = (uint16_t)get16(p + n + 2);
	return (WHY_OK);
}

enum why
conn_cip_parse(struct span in, uint32_t magic, struct conn_cip *c,
    size_t *used)
{
	enum why why;
	size_t n;

	memset(c, 0, sizeof *c);
	if (!has_magic(in, magic))
		return (WHY_CIP_MAGIC);
	if ((why = find_headers(in, used, &n)) != WHY_OK)
		return (why);
	if (n < V4_MIN + TCP_MIN)
		return (WHY_CIP_SHORT);
	if (n > CONN_CIP_MAX - NEW_BYTES)
		return (WHY_CIP_PROTO);
	n += *used;
	if (in.n < n) {
		*used = n;
		return (WHY_AGAIN);
	}
	why = parse_headers(span_of(in.p + *used, n - *used), c);
	*used = n;
	return (why);
}
