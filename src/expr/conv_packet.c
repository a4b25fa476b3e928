/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_packet - parts of the first packet of a connection: Ethernet, IPv4 and
 * IPv6, TCP, as a bind line can keep it.
 *
 * Nothing is trusted: a header that is not all there, or says that it is
 * longer than what there is, gives no result.
 *
 * Source: configuration manual 7.3.1; IEEE 802.3 and 802.1Q; RFC 791 section
 * 3.1, RFC 8200 sections 3 and 4, RFC 9293 section 3.1.
 */
#include "conv_int.h"

enum { TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8 };
enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK = 4,
	OPT_TIME = 8 };
enum { PROTO_TCP = 6 };

/* ---- Ethernet ---- */

struct eth {
	size_t head;                    /* bytes, with the tags of VLANs */
	unsigned proto, vlan;
	bool tagged;
};

static bool
eth_parse(struct span in, struct eth *e)
{
	e->tagged = false;
	for (e->head = 14; in.n >= e->head; e->head += 4) {
		e->proto = conv_be16(in.p + e->head - 2);
		if (e->proto != TYPE_VLAN && e->proto != TYPE_QINQ)
			return (true);
		if (in.n < e->head + 2)
			return (false);
		e->vlan = conv_be16(in.p + e->head) & 0xfff;
		e->tagged = true;
	}
	return (false);
}

/* ---- IP ---- */

struct ip {
	unsigned version, tos, ttl, proto;
	bool df, options;
	struct addr src, dst;
	struct span hdr, data;
};

/* Headers between that of IPv6 and what it carries. */
static bool
skip_extensions(struct ip *ip, struct span *rest)
{
	size_t n;

	for (;;) {
		switch (ip->proto) {
		case 0: case 43: case 60: case 135:     /* RFC 8200, 6275 */
			if (rest->n < 8)
				return (false);
			n = 8 + 8 * (size_t)(uint8_t)rest->p[1];
			break;
		case 44:                                /* a fragment */
			n = 8;
			break;
		case 51:                                /* RFC 4302 */
			if (rest->n < 8)
				return (false);
			n = 8 + 4 * (size_t)(uint8_t)rest->p[1];
			break;
		default:
			return (true);
		}
		if (n > rest->n)
			return (false);
		ip->options = true;
		ip->proto = (uint8_t)rest->p[0];
		*rest = span_skip(*rest, n);
	}
}

static bool
ip4_parse(struct span in, struct ip *ip)
{
	size_t head, all;

	if (in.n < 20)
		return (false);
	head = 4 * (size_t)(in.p[0] & 15);
	all = conv_be16(in.p + 2);
	if (head < 20 || all < head || head > in.n)
		return (false);
	ip->options = head > 20;
	ip->tos = (uint8_t)in.p[1];
	ip->df = (in.p[6] & 0x40) != 0;
	ip->ttl = (uint8_t)in.p[8];
	ip->proto = (uint8_t)in.p[9];
	ip->src.family = ip->dst.family = ADDR_V4;
	memcpy(ip->src.ip, in.p + 12, 4);
	memcpy(ip->dst.ip, in.p + 16, 4);
	ip->hdr = span_of(in.p, head);
	if (all < in.n)
		in.n = all;             /* what is behind only fills a frame */
	ip->data = span_skip(in, head);
	return (true);
}

static bool
ip6_parse(struct span in, struct ip *ip)
{
	struct span rest;
	size_t all;

	if (in.n < 40)
		return (false);
	all = 40 + (size_t)conv_be16(in.p + 4);
	if (all < in.n)
		in.n = all;
	ip->tos = conv_be16(in.p) >> 4 & 0xff;
	ip->df = true;
	ip->proto = (uint8_t)in.p[6];
	ip->ttl = (uint8_t)in.p[7];
	ip->src.family = ip->dst.family = ADDR_V6;
	memcpy(ip->src.ip, in.p + 8, 16);
	memcpy(ip->dst.ip, in.p + 24, 16);
	rest = span_skip(in, 40);
	if (!skip_extensions(ip, &rest))
		return (false);
	ip->hdr = span_of(in.p, in.n - rest.n);
	ip->data = rest;
	return (true);
}

static bool
ip_parse(struct span in, struct ip *ip)
{
	memset(ip, 0, sizeof *ip);
	if (in.n == 0)
		return (false);
	ip->version = (uint8_t)in.p[0] >> 4;
	return (ip->version == 4 ? ip4_parse(in, ip) :
	    ip->version == 6 && ip6_parse(in, ip));
}

/* ---- TCP ---- */

struct tcp {
	unsigned src, dst, flags, win, words, mss, wscale;
	uint32_t seq, tsval;
	bool has_wscale, has_sack, has_time, data;
	size_t n_kinds;
	uint8_t kinds[40];
};

static bool
tcp_option(struct tcp *tcp, struct span *in)
{
	unsigned kind = (uint8_t)*in->p;
	size_t n = 1;

	tcp->kinds[tcp->n_kinds++] = (uint8_t)kind;
	if (kind != OPT_NOP) {
		if (in->n < 2 || (n = (uint8_t)in->p[1]) < 2 || n > in->n)
			return (false);
		if (kind == OPT_MSS && n == 4)
			tcp->mss = conv_be16(in->p + 2);
		else if (kind == OPT_WSCALE && n == 3) {
			tcp->has_wscale = true;
			tcp->wscale = (uint8_t)in->p[2];
		} else if (kind == OPT_SACK)
			tcp->has_sack = true;
		else if (kind == OPT_TIME && n == 10) {
			tcp->has_time = true;
			tcp->tsval = conv_be32(in->p + 2);
		}
	}
	*in = span_skip(*in, n);
	return (true);
}

static bool
tcp_parse(struct span in, struct tcp *tcp)
{
	struct span options;
	size_t head;

	memset(tcp, 0, sizeof *tcp);
	if (in.n < 20)
		return (false);
	tcp->words = (uint8_t)in.p[12] >> 4;
	head = 4 * (size_t)tcp->words;
	if (head < 20 || head > in.n)
		return (false);
	tcp->src = conv_be16(in.p);
	tcp->dst = conv_be16(in.p + 2);
	tcp->seq = conv_be32(in.p + 4);
	tcp->flags = (uint8_t)in.p[13];
	tcp->win = conv_be16(in.p + 14);
	tcp->data = in.n > head;
	options = span_of(in.p + 20, head - 20);
	while (options.n > 0 && *options.p != OPT_END)
		if (!tcp_option(tcp, &options))
			return (false);
	return (true);
}

/* ---- fingerprint ---- */

enum { FP_TTL = 1, FP_OPTIONS = 2, FP_SRC = 4, FP_BYTES = 8 };

static bool
conv_ip_fp(struct txn *t, const struct arg *arg, struct smp *s)
{
	char *p = arena_get(t->arena, FP_BYTES + 1 + 40 + 16);
	struct ip ip;
	struct tcp tcp;
	size_t n = FP_BYTES, k;

	if (p == NULL || !ip_parse(s->str, &ip) || ip.proto != PROTO_TCP ||
	    !tcp_parse(ip.data, &tcp))
		return (false);
	memset(p, 0, FP_BYTES);
	p[0] = (char)ip.tos;
	p[1] = (char)((ip.version == 6) << 7 | ip.df << 6 |
	    ((ip.ttl > 32) + (ip.ttl > 64) + (ip.ttl > 128)) << 4 |
	    ip.options << 3 | tcp.data << 2 | tcp.flags >> 6);
	p[2] = (char)(tcp.words << 4 | (tcp.has_wscale ?
	    (tcp.wscale > 14 ? 14 : tcp.wscale) + 1 : 0));
	p[3] = (char)(tcp.win >> 8);
	p[4] = (char)tcp.win;
	p[5] = (char)(tcp.mss >> 8);
	p[6] = (char)tcp.mss;
	for (size_t i = 0; i < tcp.n_kinds; i++)
		if (tcp.kinds[i] >= 2)
			p[7] = (char)(p[7] | 1 << (tcp.kinds[i] > 8 ? 7 :
			    tcp.kinds[i] - 2));
	if ((arg[0].num & FP_TTL) != 0)
		p[n++] = (char)ip.ttl;
	if ((arg[0].num & FP_OPTIONS) != 0) {
		memcpy(p + n, tcp.kinds, tcp.n_kinds);
		n += tcp.n_kinds;
	}
	if ((arg[0].num & FP_SRC) != 0) {
		k = ip.version == 4 ? 4 : 16;
		memcpy(p + n, ip.src.ip, k);
		n += k;
	}
	return (conv_give(s, p, n));
}

static bool
conv_tcp_options(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct tcp tcp;

	(void)arg;
	return (tcp_parse(s->str, &tcp) && conv_give(s, arena_dup(t->arena,
	    span_of((const char *)tcp.kinds, tcp.n_kinds)), tcp.n_kinds));
}

CONV_ROW(ip_fp, "ip.fp", "int mode=0 [0..7]", SMP_BIN, SMP_BIN, conv_ip_fp,
    "bin(4500002c000040004006000001020304050607081f90005000000001000000006002"
    "faf000000000020405b4),ip.fp(5),hex", "005060FAF005B4014001020304",
    "What hosts behind one address differ by, of a packet of TCP on IP: 8 "
    "bytes with the type of service; version, DF, class of TTL, options, "
    "data, CWR and ECE; length of the header and window scale; window; MSS; "
    "which options there are. <mode> is the sum of what is added: 1 the TTL, "
    "2 the kinds of options, 4 the source address.");
CONV_ROW(tcp_options_list, "tcp.options_list", "", SMP_BIN, SMP_BIN,
    conv_tcp_options, "bin(1f90005000000001000000006002faf000000000020405b4),"
    "tcp.options_list,hex", "02",
    "The kinds of the options of a TCP header in their order, a byte each.");

/* ---- single fields ---- */

#define PART(ident, word, out_, kind, var, cond, give, ex, res, text)        \
static bool                                                                  \
conv_##ident(struct txn *t, const struct arg *arg, struct smp *s)            \
{                                                                            \
	struct kind var;                                                     \
                                                                             \
	(void)t;                                                             \
	(void)arg;                                                           \
	if (!kind##_parse(s->str, &var) || !(cond))                          \
		return (false);                                              \
	give;                                                                \
	return (true);                                                       \
}                                                                            \
CONV_ROW(ident, word, "", SMP_BIN, out_, conv_##ident, ex, res, text)

#define FRAME "bin(0200000000010200000000028100002a0800450000),"
#define ETH(ident, word, out_, give, ex, res, text)                          \
PART(ident, word, out_, eth, e, true, give, FRAME word ex, res, text)

ETH(eth_data, "eth.data", SMP_BIN, s->str = span_skip(s->str, e.head), ",hex",
    "450000", "What is behind the header of an Ethernet frame.");
ETH(eth_dst, "eth.dst", SMP_BIN, s->str.n = 6; (void)e, ",hex",
    "020000000001", "The destination of an Ethernet frame.");
ETH(eth_hdr, "eth.hdr", SMP_BIN, s->str.n = e.head, ",length", "1",
    "The header of an Ethernet frame, with the tags of VLANs.");
ETH(eth_proto, "eth.proto", SMP_INT, s->num = e.proto, "", "2048",
    "The protocol in an Ethernet frame: 2048 is IPv4, 34525 is IPv6.");
ETH(eth_src, "eth.src", SMP_BIN, s->str = span_of(s->str.p + 6, 6); (void)e,
    ",hex", "020000000002", "The source of an Ethernet frame.");
PART(eth_vlan, "eth.vlan", SMP_INT, eth, e, e.tagged, s->num = e.vlan,
    FRAME "eth.vlan", "42", "The last VLAN that an Ethernet frame is tagged "
    "with; no result without one.");

#define IP4 "bin(4508001800004000400600000102030405060708aabbccdd),"
#define IP(ident, word, out_, give, ex, res, text)                           \
PART(ident, word, out_, ip, ip, true, give, IP4 word ex, res, text)

IP(ip_data, "ip.data", SMP_BIN, s->str = ip.data, ",hex", "AABBCCDD",
    "What an IP packet carries, behind options and extensions.");
IP(ip_df, "ip.df", SMP_INT, s->num = ip.df, "", "1",
    "1 when an IP packet must not be fragmented, as always with IPv6.");
IP(ip_dst, "ip.dst", SMP_ADDR, s->addr = ip.dst, "", "5.6.7.8",
    "The destination of an IP packet.");
IP(ip_hdr, "ip.hdr", SMP_BIN, s->str = ip.hdr, ",hex",
    "4508001800004000400600000102030405060708",
    "The header of an IP packet, with options or extensions.");
IP(ip_proto, "ip.proto", SMP_INT, s->num = ip.proto, "", "6",
    "The protocol in an IP packet: 6 is TCP, 17 is UDP.");
IP(ip_src, "ip.src", SMP_ADDR, s->addr = ip.src, "", "1.2.3.4",
    "The source of an IP packet.");
IP(ip_tos, "ip.tos", SMP_INT, s->num = ip.tos, "", "8",
    "The type of service or traffic class of an IP packet.");
IP(ip_ttl, "ip.ttl", SMP_INT, s->num = ip.ttl, "", "64",
    "The hops that an IP packet had left.");
IP(ip_ver, "ip.ver", SMP_INT, s->num = ip.version, "", "4",
    "The version of an IP packet.");

#define SYN "bin(1f900050000000070000000070c2faf000000000020405b401030307),"
#define TCP(ident, word, give, res, text)                                    \
PART(ident, word, SMP_INT, tcp, h, true, give, SYN word, res, text)

TCP(tcp_dst, "tcp.dst", s->num = h.dst, "80",
    "The destination port of a TCP header.");
TCP(tcp_flags, "tcp.flags", s->num = h.flags, "194",
    "The flags of a TCP header, from FIN (1) to CWR (128).");
TCP(tcp_mss, "tcp.options.mss", s->num = h.mss, "1460",
    "The largest segment that a TCP header announces; 0 when it does not.");
TCP(tcp_sack, "tcp.options.sack", s->num = h.has_sack, "0",
    "1 when a TCP header permits selective acknowledgements.");
TCP(tcp_tsopt, "tcp.options.tsopt", s->num = h.has_time, "0",
    "1 when a TCP header has a timestamp.");
TCP(tcp_wscale, "tcp.options.wscale", s->num = h.wscale, "7",
    "The window scale of a TCP header; 0 without one.");
TCP(tcp_wsopt, "tcp.options.wsopt", s->num = h.has_wscale, "1",
    "1 when a TCP header has a window scale.");
TCP(tcp_seq, "tcp.seq", s->num = h.seq, "7",
    "The sequence number of a TCP header.");
TCP(tcp_src, "tcp.src", s->num = h.src, "8080",
    "The source port of a TCP header.");
TCP(tcp_win, "tcp.win", s->num = h.win, "64240",
    "The window of a TCP header, not scaled.");
PART(tcp_tsval, "tcp.options.tsval", SMP_INT, tcp, h, h.has_time,
    s->num = h.tsval, "bin(1f9000500000000700000000802afaf0000000000101080a"
    "0000002a00000000),tcp.options.tsval", "42",
    "The timestamp in a TCP header; no result without one.");
