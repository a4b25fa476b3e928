/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_name - numbers for header names and methods, words for statuses.
 *
 * A name is found with one hash of its length, first and last letter, and one
 * comparison. The hash has no collisions: two SLOTs that meet do not compile
 * (initializer overridden). A name without SLOT fails the unit test; when no
 * free slot is left for it, search other factors for the hash.
 */
#include <base/must.h>
#include <http/http.h>

static const struct span name_text[HTTP_NAME_N] = {
#define NAME(id, text) [HTTP_##id] = { text, sizeof(text) - 1 },
#include <http/name.def>
#undef NAME
};

#define NAME_MIN 2
#define NAME_MAX 19
#define HASH(n, first, last) (((n) * 2 + (first) * 24 + (last) * 5) & 127)
#define SLOT(n, first, last, id) [HASH(n, first, last)] = HTTP_##id

static const uint8_t name_slot[128] = {
	SLOT(10, 'c', 'n', CONNECTION),
	SLOT(14, 'c', 'h', CONTENT_LENGTH),
	SLOT(17, 't', 'g', TRANSFER_ENCODING),
	SLOT(4,  'h', 't', HOST),
	SLOT(7,  'u', 'e', UPGRADE),
	SLOT(6,  'e', 't', EXPECT),
	SLOT(10, 'k', 'e', KEEP_ALIVE),
	SLOT(16, 'p', 'n', PROXY_CONNECTION),
	SLOT(2,  't', 'e', TE),
	SLOT(7,  't', 'r', TRAILER),
	SLOT(6,  'c', 'e', COOKIE),
	SLOT(10, 's', 'e', SET_COOKIE),
	SLOT(15, 'x', 'r', X_FORWARDED_FOR),
	SLOT(13, 'a', 'n', AUTHORIZATION),
	SLOT(10, 'u', 't', USER_AGENT),
	SLOT(6,  'a', 't', ACCEPT),
	SLOT(15, 'a', 'g', ACCEPT_ENCODING),
	SLOT(12, 'c', 'e', CONTENT_TYPE),
	SLOT(16, 'c', 'g', CONTENT_ENCODING),
	SLOT(13, 'c', 'l', CACHE_CONTROL),
	SLOT(4,  'd', 'e', DATE),
	SLOT(4,  'e', 'g', ETAG),
	SLOT(8,  'l', 'n', LOCATION),
	SLOT(6,  's', 'r', SERVER),
	SLOT(7,  'r', 'r', REFERER),
	SLOT(6,  'o', 'n', ORIGIN),
	SLOT(4,  'v', 'y', VARY),
	SLOT(17, 'x', 'o', X_FORWARDED_PROTO),
	SLOT(9,  'f', 'd', FORWARDED),
	SLOT(16, 'w', 'e', WWW_AUTHENTICATE),
	SLOT(17, 's', 'y', SEC_WEBSOCKET_KEY),
	SLOT(19, 'p', 'n', PROXY_AUTHORIZATION),
	SLOT(18, 'p', 'e', PROXY_AUTHENTICATE),
	SLOT(13, 'i', 'h', IF_NONE_MATCH),
	SLOT(17, 'i', 'e', IF_MODIFIED_SINCE),
	SLOT(13, 'l', 'd', LAST_MODIFIED),
	SLOT(7,  'e', 's', EXPIRES),
	SLOT(3,  'a', 'e', AGE),
	SLOT(6,  'p', 'a', PRAGMA),
	SLOT(5,  'r', 'e', RANGE),
	SLOT(13, 'c', 'e', CONTENT_RANGE),
	SLOT(11, 'r', 'r', RETRY_AFTER),
};

static inline uint64_t
load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return (v);
}

static inline uint32_t
load4(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return (v);
}

/* Equal but for the case of letters: only the bytes of `low` with bit 6 set
 * may differ, in bit 5. The lower-case side decides what a letter is, so no
 * control byte can pass for a '-'. */
static inline bool
same8(const char *any, const char *low)
{
	uint64_t l = load8(low);

	return (((load8(any) ^ l) &
	    ~((l & UINT64_C(0x4040404040404040)) >> 1)) == 0);
}

static inline bool
same4(const char *any, const char *low)
{
	uint32_t l = load4(low);

	return (((load4(any) ^ l) & ~((l & 0x40404040u) >> 1)) == 0);
}

static inline bool
same_name(const char *any, const char *low, size_t n)
{
	if (n >= 8)
		return (same8(any, low) && same8(any + n - 8, low + n - 8) &&
		    (n <= 16 || same8(any + 8, low + 8)));
	if (n >= 4)
		return (same4(any, low) && same4(any + n - 4, low + n - 4));
	for (size_t i = 0; i < n; i++)
		if (span_lower(any[i]) != low[i])
			return (false);
	return (true);
}

enum http_name
http_name_id(struct span name)
{
	unsigned id;

	if (name.n < NAME_MIN || name.n > NAME_MAX)
		return (HTTP_OTHER);
	id = name_slot[HASH(name.n, (uint8_t)name.p[0] | 0x20u,
	    (uint8_t)name.p[name.n - 1] | 0x20u)];
	if (name_text[id].n != name.n ||
	    !same_name(name.p, name_text[id].p, name.n))
		return (HTTP_OTHER);
	return ((enum http_name)id);
}

struct span
http_name_text(enum http_name id)
{
	MUST((unsigned)id < HTTP_NAME_N);
	return (name_text[id]);
}

/* ---- methods ---- */

static const struct span meth_text[] = {
	[HTTP_METH_OTHER] = { "<OTHER>", 7 },
	[HTTP_GET] = { "GET", 3 },
	[HTTP_HEAD] = { "HEAD", 4 },
	[HTTP_POST] = { "POST", 4 },
	[HTTP_PUT] = { "PUT", 3 },
	[HTTP_DELETE] = { "DELETE", 6 },
	[HTTP_OPTIONS] = { "OPTIONS", 7 },
	[HTTP_CONNECT] = { "CONNECT", 7 },
	[HTTP_TRACE] = { "TRACE", 5 },
	[HTTP_PATCH] = { "PATCH", 5 },
};

static enum http_meth
meth_if(struct span s, enum http_meth m)
{
	return (memcmp(s.p, meth_text[m].p, s.n) == 0 ? m : HTTP_METH_OTHER);
}

enum http_meth
http_meth_id(struct span s)
{
	switch (s.n) {
	case 3:
		return (meth_if(s, s.p[0] == 'G' ? HTTP_GET : HTTP_PUT));
	case 4:
		return (meth_if(s, s.p[0] == 'H' ? HTTP_HEAD : HTTP_POST));
	case 5:
		return (meth_if(s, s.p[0] == 'T' ? HTTP_TRACE : HTTP_PATCH));
	case 6:
		return (meth_if(s, HTTP_DELETE));
	case 7:
		return (meth_if(s, s.p[0] == 'O' ? HTTP_OPTIONS :
		    HTTP_CONNECT));
	default:
		return (HTTP_METH_OTHER);
	}
}

struct span
http_meth_text(enum http_meth m)
{
	MUST((unsigned)m < NELEM(meth_text));
	return (meth_text[m]);
}

/* ---- statuses: the IANA registry as of RFC 9110 ---- */

static const struct status_row {
	uint16_t status;
	uint8_t n;
	char text[33];
} status_rows[] = {
#define STATUS(no, text) { no, sizeof(text) - 1, text }
	STATUS(100, "Continue"),
	STATUS(101, "Switching Protocols"),
	STATUS(102, "Processing"),
	STATUS(103, "Early Hints"),
	STATUS(200, "OK"),
	STATUS(201, "Created"),
	STATUS(202, "Accepted"),
	STATUS(203, "Non-Authoritative Information"),
	STATUS(204, "No Content"),
	STATUS(205, "Reset Content"),
	STATUS(206, "Partial Content"),
	STATUS(207, "Multi-Status"),
	STATUS(208, "Already Reported"),
	STATUS(226, "IM Used"),
	STATUS(300, "Multiple Choices"),
	STATUS(301, "Moved Permanently"),
	STATUS(302, "Found"),
	STATUS(303, "See Other"),
	STATUS(304, "Not Modified"),
	STATUS(305, "Use Proxy"),
	STATUS(307, "Temporary Redirect"),
	STATUS(308, "Permanent Redirect"),
	STATUS(400, "Bad Request"),
	STATUS(401, "Unauthorized"),
	STATUS(402, "Payment Required"),
	STATUS(403, "Forbidden"),
	STATUS(404, "Not Found"),
	STATUS(405, "Method Not Allowed"),
	STATUS(406, "Not Acceptable"),
	STATUS(407, "Proxy Authentication Required"),
	STATUS(408, "Request Timeout"),
	STATUS(409, "Conflict"),
	STATUS(410, "Gone"),
	STATUS(411, "Length Required"),
	STATUS(412, "Precondition Failed"),
	STATUS(413, "Content Too Large"),
	STATUS(414, "URI Too Long"),
	STATUS(415, "Unsupported Media Type"),
	STATUS(416, "Range Not Satisfiable"),
	STATUS(417, "Expectation Failed"),
	STATUS(418, "I'm a teapot"),
	STATUS(421, "Misdirected Request"),
	STATUS(422, "Unprocessable Content"),
	STATUS(423, "Locked"),
	STATUS(424, "Failed Dependency"),
	STATUS(425, "Too Early"),
	STATUS(426, "Upgrade Required"),
	STATUS(428, "Precondition Required"),
	STATUS(429, "Too Many Requests"),
	STATUS(431, "Request Header Fields Too Large"),
	STATUS(451, "Unavailable For Legal Reasons"),
	STATUS(500, "Internal Server Error"),
	STATUS(501, "Not Implemented"),
	STATUS(502, "Bad Gateway"),
	STATUS(503, "Service Unavailable"),
	STATUS(504, "Gateway Timeout"),
	STATUS(505, "HTTP Version Not Supported"),
	STATUS(506, "Variant Also Negotiates"),
	STATUS(507, "Insufficient Storage"),
	STATUS(508, "Loop Detected"),
	STATUS(510, "Not Extended"),
	STATUS(511, "Network Authentication Required"),
#undef STATUS
};

struct span
http_reason(unsigned status)
{
	static const struct span by_class[] = {
		{ "Informational", 13 }, { "Success", 7 },
		{ "Redirection", 11 }, { "Client Error", 12 },
		{ "Server Error", 12 }
	};

	for (size_t i = 0; i < NELEM(status_rows); i++)
		if (status_rows[i].status == status)
			return (span_of(status_rows[i].text,
			    status_rows[i].n));
	if (status >= 100 && status < 600)
		return (by_class[status / 100 - 1]);
	return (SPAN("Other"));
}
