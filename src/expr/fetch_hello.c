/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_hello - samples from bytes that nobody has parsed: payload at an
 * offset, a TLS ClientHello on its way through, the cookie of RDP.
 *
 * What is not complete yet makes content rules wait.
 * Source: configuration manual 7.3.5; RFC 8446 4.1.2, 4.2; RFC 6066 3 (name);
 * RFC 7301 3.1 (ALPN); RFC 5077 3.2 (tickets); MS-RDPBCGR 2.2.1.1.
 */
#include <expr/expr.h>

#include <base/buf.h>
#include <base/must.h>
#include <base/num.h>

/* Where HTTP is read there are no bytes that nobody has parsed. */
static struct span
payload(struct txn *t, bool response)
{
	if (t->is_http && t->stage != TXN_CHECK)
		return (SPAN_NONE);
	return (t->ops != NULL && t->ops->payload != NULL ?
	    t->ops->payload(t, response) : SPAN_NONE);
}

static uint32_t
number(const char *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (uint8_t)p[i];
	return (v);
}

/* ---- bytes at an offset ---- */

/* What no buffer holds never comes. */
static bool
may_come(size_t from, size_t n)
{
	return (from <= buf_size && n <= buf_size - from);
}

static bool
piece(struct txn *t, bool response, const struct arg *arg, struct smp *s)
{
	struct span all = payload(t, response);
	size_t from = (size_t)arg[0].num, n = (size_t)arg[1].num;

	if (from > all.n || n > all.n - from || all.n == 0) {
		s->waits = may_come(from, n);
		return (false);
	}
	s->str = span_of(all.p + from, n != 0 ? n : all.n - from);
	s->waits = n == 0;
	return (true);
}

/* The offset of the bytes: arg[2].num is it, or, "+2" and "-1", relative to
 * the end of the length. */
static bool
check_lv(struct arg *arg, const char **err)
{
	*err = "expected a number as the second offset, '+' or '-' before it "
	    "when it is relative";
	if (arg[2].type == ARG_STR && !num_i64(arg[2].str, &arg[2].num))
		return (false);
	*err = "a length has 1 to 4 bytes";
	return (arg[1].num >= 1 && arg[1].num <= 4);
}

static bool
length_value(struct txn *t, bool response, const struct arg *arg,
    struct smp *s)
{
	struct span all = payload(t, response);
	size_t at = (size_t)arg[0].num, size = (size_t)arg[1].num;
	int64_t from;
	uint32_t n;

	s->waits = true;
	if (at > all.n || size > all.n - at)
		return (false);
	n = number(all.p + at, size);
	from = (int64_t)(at + size);
	if (arg[2].type == ARG_STR)
		from = (*arg[2].str.p == '+' || *arg[2].str.p == '-' ? from :
		    0) + arg[2].num;
	if (from < 0)
		return (s->waits = false);
	if ((uint64_t)from > all.n || n > all.n - (size_t)from) {
		s->waits = may_come((size_t)from, n);
		return (false);
	}
	s->waits = false;
	if (n == 0)                     /* no session, no key */
		return (false);
	s->str = span_of(all.p + from, n);
	return (true);
}

static bool
is_response(const struct txn *t)
{
	return (t->stage == TXN_RES_CONTENT || t->stage == TXN_RES);
}

static bool
fetch_req_payload(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (piece(t, false, arg, s));
}

static bool
fetch_res_payload(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (piece(t, true, arg, s));
}

static bool
fetch_payload(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (piece(t, is_response(t), arg, s));
}

static bool
fetch_req_lv(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (length_value(t, false, arg, s));
}

static bool
fetch_res_lv(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (length_value(t, true, arg, s));
}

static bool
fetch_lv(struct txn *t, const struct arg *arg, struct smp *s)
{
	return (length_value(t, is_response(t), arg, s));
}

/* ---- TLS hello ---- */

enum found { FOUND, FOUND_NOT, FOUND_NOT_YET };

struct hello {
	uint8_t type;                   /* of the handshake message: 1, 2 */
	uint32_t version;               /* major << 16 | minor */
	struct span ciphers;
	struct span extensions;
};

/* `n` bytes of the front; false: there are not so many. */
static bool
take(struct span *s, size_t n, struct span *out)
{
	if (n > s->n)
		return (false);
	*out = span_of(s->p, n);
	*s = span_skip(*s, n);
	return (true);
}

/* What a length of `size` bytes says. */
static bool
take_lv(struct span *s, size_t size, struct span *out)
{
	struct span len;

	return (take(s, size, &len) && take(s, number(len.p, size), out));
}

/* The record that holds the hello, whole. */
static enum found
find_record(struct span in, struct span *body)
{
	if (in.n > 0 && in.p[0] != 0x16)
		return (FOUND_NOT);
	if (in.n > 1 && in.p[1] != 3)
		return (FOUND_NOT);
	if (in.n < 5)
		return (FOUND_NOT_YET);
	in = span_skip(in, 3);
	if (number(in.p, 2) < 4 || number(in.p, 2) > 16384 + 256)
		return (FOUND_NOT);
	return (take_lv(&in, 2, body) ? FOUND : FOUND_NOT_YET);
}

static enum found
find_hello(struct span in, struct hello *h)
{
	struct span body, msg, rest;
	enum found f = find_record(in, &body);

	if (f != FOUND)
		return (f);
	*h = (struct hello){ .type = (uint8_t)body.p[0] };
	body = span_skip(body, 1);
	if ((h->type != 1 && h->type != 2) || !take_lv(&body, 3, &msg) ||
	    msg.n < 2 + 32)
		return (FOUND_NOT);
	h->version = number(msg.p, 1) << 16 | number(msg.p + 1, 1);
	msg = span_skip(msg, 2 + 32);
	if (!take_lv(&msg, 1, &rest))           /* session */
		return (FOUND_NOT);
	if (h->type == 2)
		return (FOUND);
	if (!take_lv(&msg, 2, &h->ciphers) || !take_lv(&msg, 1, &rest))
		return (FOUND_NOT);
	if (msg.n != 0 && !take_lv(&msg, 2, &h->extensions))
		return (FOUND_NOT);
	return (FOUND);
}

static bool
hello_of(struct txn *t, bool response, struct smp *s, struct hello *h)
{
	enum found f = find_hello(payload(t, response), h);

	s->waits = f == FOUND_NOT_YET;
	return (f == FOUND);
}

static bool
find_extension(const struct hello *h, unsigned type, struct span *out)
{
	struct span rest = h->extensions, id;

	while (take(&rest, 2, &id) && take_lv(&rest, 2, out))
		if (number(id.p, 2) == type)
			return (true);
	return (false);
}

/* An extension of the client's hello. */
static bool
extension_of(struct txn *t, struct smp *s, unsigned type, struct span *out)
{
	struct hello h;

	return (hello_of(t, false, s, &h) && h.type == 1 &&
	    find_extension(&h, type, out));
}

static bool
fetch_hello_type(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct hello h;

	(void)arg;
	if (!hello_of(t, false, s, &h))
		return (false);
	s->num = h.type;
	return (true);
}

static bool
fetch_res_hello_type(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct hello h;

	(void)arg;
	if (!hello_of(t, true, s, &h))
		return (false);
	s->num = h.type;
	return (true);
}

/* SSLv2 puts the version behind a length of two bytes and a type. */
static bool
fetch_ssl_ver(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span in = payload(t, false);
	struct hello h;

	(void)arg;
	if (in.n >= 5 && ((uint8_t)in.p[0] & 0x80) != 0 && in.p[2] == 1) {
		s->num = number(in.p + 3, 1) << 16 | number(in.p + 4, 1);
		return (true);
	}
	if (!hello_of(t, false, s, &h) || h.type != 1)
		return (false);
	s->num = h.version;
	return (true);
}

static bool
fetch_sni(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext, list, type;

	(void)arg;
	if (!extension_of(t, s, 0, &ext) || !take_lv(&ext, 2, &list))
		return (false);
	while (take(&list, 1, &type) && take_lv(&list, 2, &s->str))
		if (*type.p == 0)
			return (true);
	return (false);
}

/* The protocol that the client wants most; for conditions each. */
static bool
fetch_alpn(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext, list;
	uint32_t skip = s->it[0];

	(void)arg;
	s->more = false;
	if (!extension_of(t, s, 16, &ext) || !take_lv(&ext, 2, &list))
		return (false);
	for (uint32_t i = 0; i <= skip; i++)
		if (!take_lv(&list, 1, &s->str))
			return (false);
	s->it[0]++;
	s->more = s->each && list.n != 0;
	return (true);
}

static bool
fetch_ec_ext(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext;

	(void)arg;
	s->num = extension_of(t, s, 10, &ext);
	return (s->num != 0);
}

static bool
fetch_st_ext(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct hello h;
	struct span ext;

	(void)arg;
	if (!hello_of(t, false, s, &h) || h.type != 1)
		return (false);
	s->num = !find_extension(&h, 35, &ext) ? 0 : ext.n == 0 ? 1 : 2;
	return (true);
}

static bool
fetch_ciphers(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct hello h;

	(void)arg;
	if (!hello_of(t, false, s, &h) || h.type != 1)
		return (false);
	s->str = h.ciphers;
	return (true);
}

static bool
fetch_sigalgs(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext;

	(void)arg;
	return (extension_of(t, s, 13, &ext) && take_lv(&ext, 2, &s->str));
}

static bool
fetch_groups(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext;

	(void)arg;
	return (extension_of(t, s, 10, &ext) && take_lv(&ext, 2, &s->str));
}

/* The groups that keys were sent for, two bytes each. */
static bool
fetch_keyshares(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span ext, list, group, key;
	size_t n = 0;
	char *p;

	(void)arg;
	if (!extension_of(t, s, 51, &ext) || !take_lv(&ext, 2, &list) ||
	    (p = arena_get(t->arena, list.n + 1)) == NULL)
		return (false);
	while (take(&list, 2, &group) && take_lv(&list, 2, &key)) {
		memcpy(p + n, group.p, 2);
		n += 2;
	}
	s->str = span_of(p, n);
	return (true);
}

/* ---- RDP ---- */

#define RDP_HEAD 11                     /* TPKT, and X.224 connection request */

static enum found
find_rdp_cookie(struct span in, const struct arg *arg, struct span *value)
{
	static const struct span word = { "Cookie:", 7 };
	struct span line, name;
	ptrdiff_t end, eq;

	if ((in.n > 0 && in.p[0] != 3) || (in.n > 5 &&
	    (uint8_t)in.p[5] != 0xe0))
		return (FOUND_NOT);
	if (in.n < RDP_HEAD + word.n)
		return (FOUND_NOT_YET);
	line = span_skip(in, RDP_HEAD);
	if (!span_ieq(span_of(line.p, word.n), word))
		return (FOUND_NOT);
	line = span_skip(line, word.n);
	if ((end = span_search(line, SPAN("\r\n"))) < 0)
		return (FOUND_NOT_YET);
	line = span_trim(span_of(line.p, (size_t)end));
	if ((eq = span_find(line, '=')) < 0)
		return (FOUND_NOT);
	name = span_of(line.p, (size_t)eq);
	*value = span_skip(line, (size_t)eq + 1);
	return (arg[0].type == ARG_STR && !span_ieq(name, arg[0].str) ?
	    FOUND_NOT : FOUND);
}

static bool
fetch_rdp(struct txn *t, const struct arg *arg, struct smp *s)
{
	enum found f = find_rdp_cookie(payload(t, false), arg, &s->str);

	s->waits = f == FOUND_NOT_YET;
	return (f == FOUND);
}

static bool
fetch_rdp_cnt(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span value;
	enum found f = find_rdp_cookie(payload(t, false), arg, &value);

	s->waits = f == FOUND_NOT_YET;
	s->num = f == FOUND;
	return (f != FOUND_NOT_YET);
}

/* ---- rows ---- */

#define IN_RES (SMP_RESPONSE | SMP_AT(CHECK))
#define IN_REQ SMP_REQUEST
#define IN_BOTH (IN_REQ | IN_RES)
#define SIDE_IN_REQ  "quest"
#define SIDE_IN_RES  "sponse"
#define SIDE_IN_BOTH SIDE_IN_REQ
#define SIDE_SMP_ANYWHERE SIDE_IN_REQ
#define SAMPLE(ident, word, args_, type, at, fn, doc_, example_, ...)        \
FETCH(ident) = {                                                             \
	.name = word, .args = args_, .out = type, .stages = at, .run = fn,   \
	.doc = doc_, .waits = true, .fresh = true, .raw = true,              \
	.example = example_,                                                 \
	__VA_ARGS__                                                          \
}
#define ROW(ident, word, args_, type, at, fn, doc_, ...)                     \
	SAMPLE(ident, word, args_, type, at, fn, doc_, "tcp-re" SIDE_##at    \
	    " content accept if { " word " -m found }", __VA_ARGS__)
#define PIECE(ident, word, at, fn, doc_, ...)                                \
	SAMPLE(ident, word, "int offset [0..], int length [0..]", SMP_BIN,   \
	    at, fn, doc_, "tcp-re" SIDE_##at " content accept if { " word    \
	    "(0,2) -m bin 1603 }", __VA_ARGS__)
#define LV(ident, word, at, fn, doc_, ...)                                   \
	SAMPLE(ident, word, "int offset [0..], int size [1..4], str value=", \
	    SMP_BIN, at, fn, doc_, "tcp-re" SIDE_##at " content accept if { "\
	    word "(43,1) -m found }", .check = check_lv, __VA_ARGS__)

#define PIECE_DOC "<length> bytes at <offset> of what waits of the "
PIECE(req_payload, "req.payload", IN_REQ,
    fetch_req_payload, PIECE_DOC "request, or all behind it for 0. "
    "Conditions compare hexadecimal digits.", .acl = SMP_ACL_EXACT);
PIECE(res_payload, "res.payload", IN_RES,
    fetch_res_payload, PIECE_DOC "response, or all behind it for 0.");
PIECE(payload, "payload", IN_BOTH,
    fetch_payload, "As res.payload in rules for responses, as req.payload "
    "elsewhere. Conditions compare hexadecimal digits with that of requests.",
    .acl = SMP_ACL_EXACT, .acl_fetch = "req.payload");
#define LV_DOC "As many bytes as a number of <size> bytes at <offset> says; "  \
	"they begin behind it, or at <value>, which is relative to there with "\
	"a sign. Of what waits of the "
LV(req_payload_lv, "req.payload_lv", IN_REQ,
    fetch_req_lv, LV_DOC "request. Conditions compare hexadecimal digits.",
    .acl = SMP_ACL_EXACT);
LV(res_payload_lv, "res.payload_lv", IN_RES,
    fetch_res_lv, LV_DOC "response.");
LV(payload_lv, "payload_lv", IN_BOTH,
    fetch_lv, "As res.payload_lv in rules for responses, as req.payload_lv "
    "elsewhere. Conditions compare hexadecimal digits with that of requests.",
    .acl = SMP_ACL_EXACT, .acl_fetch = "req.payload_lv");

#define TYPE_DOC "The type of the TLS hello on its way through, when it has "  \
	"come whole: 1 of a client, 2 of a server."
ROW(hello_type, "req.ssl_hello_type", "", SMP_INT, IN_REQ,
    fetch_hello_type, TYPE_DOC);
ROW(hello_type_old, "req_ssl_hello_type", "", SMP_INT, IN_REQ,
    fetch_hello_type, TYPE_DOC);
ROW(res_hello_type, "res.ssl_hello_type", "", SMP_INT, IN_RES,
    fetch_res_hello_type, TYPE_DOC);
ROW(rep_hello_type, "rep_ssl_hello_type", "", SMP_INT, IN_RES,
    fetch_res_hello_type, TYPE_DOC);
#define SNI_DOC "The server name in the TLS hello of a client on its way "     \
	"through."
ROW(req_sni, "req.ssl_sni", "", SMP_STR, IN_REQ, fetch_sni, SNI_DOC,
    .acl = SMP_ACL_EXACT);
ROW(req_sni_old, "req_ssl_sni", "", SMP_STR, IN_REQ, fetch_sni, SNI_DOC,
    .acl = SMP_ACL_EXACT);
#define VER_DOC "The version in the TLS hello of a client on its way through: "\
	"major * 65536 + minor. In conditions '3.3' is TLS 1.2 and above."
ROW(req_ssl_ver, "req.ssl_ver", "", SMP_INT, IN_REQ, fetch_ssl_ver,
    VER_DOC, .dotted = true, .acl = SMP_ACL_EXACT);
ROW(req_ssl_ver_old, "req_ssl_ver", "", SMP_INT, IN_REQ, fetch_ssl_ver,
    VER_DOC, .dotted = true, .acl = SMP_ACL_EXACT);
ROW(req_alpn, "req.ssl_alpn", "", SMP_STR, IN_REQ, fetch_alpn,
    "The first protocol that a TLS hello on its way through offers (ALPN); "
    "conditions look at each.", .list = true);
ROW(req_ec_ext, "req.ssl_ec_ext", "", SMP_BOOL, IN_REQ, fetch_ec_ext,
    "True when a TLS hello on its way through names elliptic curves.");
ROW(req_st_ext, "req.ssl_st_ext", "", SMP_INT, IN_REQ, fetch_st_ext,
    "0 when a TLS hello on its way through knows no tickets, 1 when it wants "
    "one, 2 when it brings one.");
ROW(req_ciphers, "req.ssl_cipherlist", "", SMP_BIN, SMP_ANYWHERE,
    fetch_ciphers, "The ciphers of a TLS hello on its way through.");
ROW(req_sigalgs, "req.ssl_sigalgs", "", SMP_BIN, SMP_ANYWHERE,
    fetch_sigalgs, "Its signature algorithms.");
ROW(req_groups, "req.ssl_supported_groups", "", SMP_BIN, SMP_ANYWHERE,
    fetch_groups, "Its key exchange groups.");
ROW(req_keyshares, "req.ssl_keyshare_groups", "", SMP_BIN, SMP_ANYWHERE,
    fetch_keyshares, "The groups that it brings keys for.");
#define RDP_DOC "The value of the cookie of an RDP connection request, of "   \
	"that name if one is given."
ROW(req_rdp, "req.rdp_cookie", "str name=", SMP_STR, IN_REQ, fetch_rdp,
    RDP_DOC);
ROW(rdp, "rdp_cookie", "str name=", SMP_STR, IN_REQ, fetch_rdp,
    RDP_DOC);
ROW(acl_rdp, "req_rdp_cookie", "str name=", SMP_STR, IN_REQ, fetch_rdp,
    "In conditions: as req.rdp_cookie.", .acl = SMP_ACL_EXACT,
    .acl_fetch = "req.rdp_cookie", .acl_only = true);
#define RDP_CNT_DOC "1 when there is such a cookie, else 0."
ROW(req_rdp_cnt, "req.rdp_cookie_cnt", "str name=", SMP_INT, IN_REQ,
    fetch_rdp_cnt, RDP_CNT_DOC);
ROW(acl_rdp_cnt, "req_rdp_cookie_cnt", "str name=", SMP_INT, IN_REQ,
    fetch_rdp_cnt, "In conditions: as req.rdp_cookie_cnt.",
    .acl = SMP_ACL_EXACT, .acl_fetch = "req.rdp_cookie_cnt",
    .acl_only = true);
ROW(rdp_cnt, "rdp_cookie_cnt", "str name=", SMP_INT, IN_REQ,
    fetch_rdp_cnt, RDP_CNT_DOC);
