/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy_proto - PROXY protocol headers, read and written.
 */
#include <xprt/proxy_proto.h>

#include <arpa/inet.h>
#include <string.h>

#include <base/num.h>

static const char v2_sign[12] = {
	'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
};

#define V1_SIGN SPAN("PROXY ")
#define V2_SIGN span_of(v2_sign, sizeof v2_sign)

#define V2_LOCAL  0x20          /* version and command */
#define V2_PROXY  0x21
#define V2_UNSPEC 0x00          /* family and protocol */
#define V2_TCP4   0x11
#define V2_TCP6   0x21
#define V4_BYTES  12
#define V6_BYTES  36
#define UNIX_BYTES 216
#define TLV_HEAD  3

static unsigned
get16(const char *p)
{
	return ((unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

/* Is `in` the beginning of `sign`, or the reverse? */
static bool
agrees(struct span in, struct span sign)
{
	size_t n = in.n < sign.n ? in.n : sign.n;

	return (memcmp(in.p, sign.p, n) == 0);
}

/* ---- version 1 ---- */

/* Length of the line with its CRLF, or the reason there is none. */
static enum why
find_line(struct span in, size_t *n)
{
	size_t i = 0;

	while (i < in.n && i < CONN_PROXY_V1_MAX - 1 && in.p[i] != '\r' &&
	    in.p[i] != '\n')
		i++;
	if (i == CONN_PROXY_V1_MAX - 1 || (i < in.n && in.p[i] != '\r') ||
	    (i + 1 < in.n && in.p[i + 1] != '\n'))
		return (WHY_PROXY_BAD);
	*n = i + 2 <= in.n ? i + 2 : in.n + 1;
	return (i + 2 <= in.n ? WHY_OK : WHY_AGAIN);
}

static bool
parse_ip(struct span word, unsigned family, struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof *a);
	a->family = (uint8_t)family;
	return (word.n < sizeof text && span_find(word, '\0') < 0 &&
	    span_copy(text, sizeof text, word) &&
	    inet_pton(family == ADDR_V4 ? AF_INET : AF_INET6, text,
	    a->ip) == 1);
}

static bool
parse_port(struct span word, uint16_t *port)
{
	uint64_t v;

	if (word.n > 5 || (word.n > 1 && word.p[0] == '0') ||
	    !num_u64(word, &v) || v > UINT16_MAX)
		return (false);
	*port = (uint16_t)v;
	return (true);
}

/* "SRC DST SPORT DPORT", one space between each and nothing behind. */
static bool
parse_addresses(struct span s, unsigned family, struct conn_proxy *pp)
{
	struct span word[5];
	size_t n = 0;

	while (n < 5 && span_cut(&s, ' ', &word[n]))
		n++;
	return (n == 4 && parse_ip(word[0], family, &pp->src) &&
	    parse_ip(word[1], family, &pp->dst) &&
	    parse_port(word[2], &pp->src.port) &&
	    parse_port(word[3], &pp->dst.port));
}

static enum why
parse_v1(struct span in, struct conn_proxy *pp, size_t *used)
{
	enum why why = find_line(in, used);
	struct span s;

	if (why != WHY_OK)
		return (why);
	pp->version = 1;
	s = span_skip(span_of(in.p, *used - 2), V1_SIGN.n);
	/* whatever follows UNKNOWN is to be ignored */
	if (span_is(s, "UNKNOWN") || span_begins(s, SPAN("UNKNOWN ")))
		return (WHY_OK);
	pp->has_addr = true;
	if (span_begins(s, SPAN("TCP4 ")) &&
	    parse_addresses(span_skip(s, 5), ADDR_V4, pp))
		return (WHY_OK);
	if (span_begins(s, SPAN("TCP6 ")) &&
	    parse_addresses(span_skip(s, 5), ADDR_V6, pp))
		return (WHY_OK);
	return (WHY_PROXY_BAD);
}

/* ---- version 2 ---- */

/* CRC32c of RFC 4960 appendix B, four bits at a time. */
static uint32_t
crc32c(uint32_t crc, const char *p, size_t n)
{
	static const uint32_t tab[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75
	};

	for (size_t i = 0; i < n; i++) {
		crc ^= (uint8_t)p[i];
		crc = crc >> 4 ^ tab[crc & 15];
		crc = crc >> 4 ^ tab[crc & 15];
	}
	return (crc);
}

/* The checksum of a header in which `sum` (four bytes of it) is zero. */
static bool
is_crc_right(struct span header, const char *sum)
{
	static const char zero[4];
	size_t before = (size_t)(sum - header.p);
	uint32_t crc = 0xffffffff, want;

	crc = crc32c(crc, header.p, before);
	crc = crc32c(crc, zero, sizeof zero);
	crc = ~crc32c(crc, sum + 4, header.n - before - 4);
	memcpy(&want, sum, sizeof want);
	return (crc == ntohl(want));
}

/* Takes the first TLV off `rest`; false when it does not fit. */
static bool
take_tlv(struct span *rest, unsigned *type, struct span *value)
{
	if (rest->n < TLV_HEAD)
		return (false);
	*type = (uint8_t)rest->p[0];
	value->n = get16(rest->p + 1);
	value->p = rest->p + TLV_HEAD;
	if (value->n > rest->n - TLV_HEAD)
		return (false);
	*rest = span_skip(*rest, TLV_HEAD + value->n);
	return (true);
}

/* The TLVs fill their space exactly, here and one level down. */
static bool
is_tlv_list(struct span s)
{
	struct span value;
	unsigned type;

	while (s.n != 0)
		if (!take_tlv(&s, &type, &value))
			return (false);
	return (true);
}

static bool
is_tlv_right(struct span header, unsigned type, struct span value)
{
	switch (type) {
	case CONN_PROXY_CRC32C:
		return (value.n == 4 && is_crc_right(header, value.p));
	case CONN_PROXY_UNIQUE_ID:
		return (value.n <= CONN_PROXY_UNIQUE_ID_MAX);
	case CONN_PROXY_SSL:
		return (value.n >= 5 && is_tlv_list(span_skip(value, 5)));
	default:
		return (true);
	}
}

static bool
check_tlvs(struct span header, struct span tlvs)
{
	struct span value;
	unsigned type;

	while (tlvs.n != 0)
		if (!take_tlv(&tlvs, &type, &value) ||
		    !is_tlv_right(header, type, value))
			return (false);
	return (true);
}

static void
take_addresses(struct conn_proxy *pp, const char *p, unsigned family)
{
	size_t n = family == ADDR_V4 ? 4 : 16;

	pp->has_addr = true;
	pp->src.family = pp->dst.family = (uint8_t)family;
	memcpy(pp->src.ip, p, n);
	memcpy(pp->dst.ip, p + n, n);
	pp->src.port = (uint16_t)get16(p + 2 * n);
	pp->dst.port = (uint16_t)get16(p + 2 * n + 2);
}

/* Bytes of addresses for a byte of family and protocol; -1: not valid. */
static int
address_bytes(unsigned family)
{
	switch (family) {
	case V2_UNSPEC:
		return (0);
	case V2_TCP4:
	case V2_TCP4 + 1:       /* UDP */
		return (V4_BYTES);
	case V2_TCP6:
	case V2_TCP6 + 1:
		return (V6_BYTES);
	case 0x31:              /* UNIX, stream and datagram */
	case 0x32:
		return (UNIX_BYTES);
	default:
		return (-1);
	}
}

/* The block of a PROXY command, all of it there. */
static enum why
parse_block(struct span header, struct conn_proxy *pp)
{
	struct span block = span_skip(header, CONN_PROXY_V2_MIN);
	unsigned family = (uint8_t)header.p[13];
	int n = address_bytes(family);

	if (n < 0 || block.n < (size_t)n)
		return (WHY_PROXY_BAD);
	if (family == V2_TCP4)
		take_addresses(pp, block.p, ADDR_V4);
	else if (family == V2_TCP6)
		take_addresses(pp, block.p, ADDR_V6);
	else if (family == V2_UNSPEC)
		return (WHY_OK);        /* the block means nothing then */
	pp->tlvs = span_skip(block, (size_t)n);
	return (check_tlvs(header, pp->tlvs) ? WHY_OK : WHY_PROXY_BAD);
}

static enum why
parse_v2(struct span in, struct conn_proxy *pp, size_t *used)
{
	unsigned command;

	*used = CONN_PROXY_V2_MIN;
	if (in.n <= sizeof v2_sign)
		return (WHY_AGAIN);
	command = (uint8_t)in.p[12];
	if (command != V2_LOCAL && command != V2_PROXY)
		return (WHY_PROXY_BAD);
	if (in.n < CONN_PROXY_V2_MIN)
		return (WHY_AGAIN);
	*used += get16(in.p + 14);
	if (in.n < *used)
		return (WHY_AGAIN);
	pp->version = 2;
	return (command == V2_LOCAL ? WHY_OK :
	    parse_block(span_of(in.p, *used), pp));
}

enum why
conn_proxy_parse(struct span in, struct conn_proxy *pp, size_t *used)
{
	memset(pp, 0, sizeof *pp);
	*used = 1;
	if (in.n == 0)
		return (WHY_AGAIN);
	if (agrees(in, V2_SIGN))
		return (parse_v2(in, pp, used));
	if (agrees(in, V1_SIGN))
		return (parse_v1(in, pp, used));
	return (WHY_PROXY_BAD);
}

bool
conn_proxy_tlv(struct span tlvs, unsigned want, struct span *value)
{
	unsigned type;

	while (take_tlv(&tlvs, &type, value))
		if (type == want)
			return (true);
	return (false);
}

/* ---- writing ---- */

/* IPv4 in the IPv6 form for it (RFC 4291 2.5.5.2). */
static void
make_v6(struct addr *a)
{
	if (a->family != ADDR_V4)
		return;
	memcpy(a->ip + 12, a->ip, 4);
	memset(a->ip, 0, 10);
	memset(a->ip + 10, 0xff, 2);
	a->family = ADDR_V6;
}

static bool
is_ip(const struct addr *a)
{
	return (a != NULL && (a->family == ADDR_V4 || a->family == ADDR_V6));
}

static void
put16(char *p, unsigned v)
{
	p[0] = (char)(v >> 8);
	p[1] = (char)v;
}

/* One family for both; false when there is none. */
static bool
same_family(const struct addr *src, const struct addr *dst, struct addr ab[2])
{
	if (!is_ip(src) || !is_ip(dst))
		return (false);
	ab[0] = *src;
	ab[1] = *dst;
	if (src->family != dst->family) {
		make_v6(&ab[0]);
		make_v6(&ab[1]);
	}
	return (true);
}

static size_t
write_v1(char *to, const struct addr ab[2])
{
	struct span tag = ab[0].family == ADDR_V4 ? SPAN("PROXY TCP4 ") :
	    SPAN("PROXY TCP6 ");
	char *p = to;

	memcpy(p, tag.p, tag.n);
	p += tag.n;
	for (int i = 0; i < 2; i++) {
		p += addr_print(&ab[i], p);
		*p++ = ' ';
	}
	p += num_put(p, ab[0].port);
	*p++ = ' ';
	p += num_put(p, ab[1].port);
	*p++ = '\r';
	*p++ = '\n';
	return ((size_t)(p - to));
}

static size_t
write_v2(char *to, const struct addr ab[2])
{
	size_t n = ab[0].family == ADDR_V4 ? 4 : 16;
	char *p = to + CONN_PROXY_V2_MIN;

	to[13] = n == 4 ? V2_TCP4 : V2_TCP6;
	memcpy(p, ab[0].ip, n);
	memcpy(p + n, ab[1].ip, n);
	put16(p + 2 * n, ab[0].port);
	put16(p + 2 * n + 2, ab[1].port);
	return (2 * n + 4);
}

size_t
conn_proxy_emit(char *dst, size_t size, unsigned version,
    const struct addr *src, const struct addr *dst_addr)
{
	static const struct span unknown = { "PROXY UNKNOWN\r\n", 15 };
	char out[CONN_PROXY_EMIT_MAX + ADDR_TEXT];
	struct addr ab[2];
	bool known = same_family(src, dst_addr, ab);
	size_t n;

	if (version == 1 && known) {
		n = write_v1(out, ab);
	} else if (version == 1) {
		n = unknown.n;
		memcpy(out, unknown.p, n);
	} else {
		memcpy(out, v2_sign, sizeof v2_sign);
		out[12] = src == NULL ? V2_LOCAL : V2_PROXY;
		out[13] = V2_UNSPEC;
		n = known ? write_v2(out, ab) : 0;
		put16(out + 14, (unsigned)n);
		n += CONN_PROXY_V2_MIN;
	}
	if (n > size)
		return (0);
	memcpy(dst, out, n);
	return (n);
}

/* ---- writing TLVs ---- */

void
conn_proxy_add(struct conn_proxy_out *o, struct span s)
{
	if (s.n > o->size - o->n) {
		o->cut = true;
		return;
	}
	memcpy(o->p + o->n, s.p, s.n);
	o->n += s.n;
}

/* The length is known when it closes. */
size_t
conn_proxy_open(struct conn_proxy_out *o, unsigned type)
{
	char head[TLV_HEAD] = { (char)type };
	size_t mark = o->n;

	conn_proxy_add(o, span_of(head, sizeof head));
	return (mark);
}

void
conn_proxy_close(struct conn_proxy_out *o, size_t mark)
{
	size_t n = o->n - mark;

	if (o->cut)                     /* its head may not be there */
		return;
	put16(o->p + mark + 1, (unsigned)(n - TLV_HEAD));
}

char *
conn_proxy_room(struct conn_proxy_out *o, size_t *room)
{
	*room = o->size - o->n;
	return (o->p + o->n);
}

/* Who filled all the room may have been cut. */
void
conn_proxy_wrote(struct conn_proxy_out *o, size_t n)
{
	o->n += n;
	o->cut = o->cut || o->n == o->size;
}

void
conn_proxy_put(struct conn_proxy_out *o, unsigned type, struct span value)
{
	size_t mark = conn_proxy_open(o, type);

	conn_proxy_add(o, value);
	conn_proxy_close(o, mark);
}

void
conn_proxy_want_crc(struct conn_proxy_out *o)
{
	o->crc_at = o->n + TLV_HEAD;
	conn_proxy_put(o, CONN_PROXY_CRC32C, span_of("\0\0\0", 4));
}

void
conn_proxy_finish(struct conn_proxy_out *o)
{
	uint32_t crc;

	if (o->cut)
		return;
	put16(o->p + 14, (unsigned)(o->n - CONN_PROXY_V2_MIN));
	if (o->crc_at == 0)
		return;
	crc = htonl(~crc32c(0xffffffff, o->p, o->n));
	memcpy(o->p + o->crc_at, &crc, sizeof crc);
}
