/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reply - the built-in pages for errors.
 */
#include <base/must.h>
#include <http/http.h>

static struct http_reply_hdr no_cache = {
	NULL, { "cache-control", 13 }, { "no-cache", 8 }
};
static struct http_reply_hdr challenge = {
	&no_cache, { "www-authenticate", 16 },
	{ "Basic realm=\"restricted\"", 24 }
};

#define PAGE(no, title, text)                                                \
	"<html><body><h1>" #no " " title "</h1>\n" text "\n</body></html>\n"
#define REPLY(no, title, text, headers)                                      \
	{ .status = no, .reason = { title, sizeof(title) - 1 },               \
	  .content_type = { "text/html", 9 },                  \
	  .body = { PAGE(no, title, text), sizeof(PAGE(no, title, text)) - 1 },\
	  .hdrs = (headers) }

static const struct http_reply replies[] = {
	REPLY(200, "OK", "This service is up.", &no_cache),
	REPLY(400, "Bad request",
	    "The request is not valid HTTP and was refused.", &no_cache),
	REPLY(401, "Unauthorized",
	    "Credentials are needed to see this page.", &challenge),
	REPLY(403, "Forbidden",
	    "The rules of this site do not allow this request.", &no_cache),
	REPLY(404, "Not Found", "There is nothing at this address.",
	    &no_cache),
	REPLY(405, "Method Not Allowed",
	    "This address does not take requests of this method.", &no_cache),
	REPLY(407, "Proxy Authentication Required",
	    "Credentials are needed to pass this proxy.", &no_cache),
	REPLY(408, "Request Time-out",
	    "The request did not arrive in the time given to it.", &no_cache),
	REPLY(410, "Gone", "What was at this address is gone for good.",
	    &no_cache),
	REPLY(413, "Content Too Large",
	    "The body of the request is larger than what is accepted.",
	    &no_cache),
	REPLY(414, "URI Too Long",
	    "The address in the request is longer than what is accepted.",
	    &no_cache),
	REPLY(417, "Expectation Failed",
	    "The request expects something that is not known here.",
	    &no_cache),
	REPLY(421, "Misdirected Request",
	    "This connection does not serve the host that was asked for.",
	    &no_cache),
	REPLY(422, "Unprocessable Content",
	    "The content of the request could not be handled.", &no_cache),
	REPLY(425, "Too Early",
	    "The request must be sent again after the handshake.", &no_cache),
	REPLY(429, "Too Many Requests",
	    "More requests came from you than are allowed; wait a while.",
	    &no_cache),
	REPLY(431, "Request Header Fields Too Large",
	    "The header of the request is larger than what is accepted.",
	    &no_cache),
	REPLY(500, "Internal Server Error",
	    "Something failed here while the request was handled.",
	    &no_cache),
	REPLY(501, "Not Implemented",
	    "The request asks for something that is not available here.",
	    &no_cache),
	REPLY(502, "Bad Gateway",
	    "The answer of the server could not be used.", &no_cache),
	REPLY(503, "Service Unavailable",
	    "No server can take the request now.", &no_cache),
	REPLY(504, "Gateway Time-out",
	    "The server did not answer in the time given to it.", &no_cache),
	REPLY(505, "HTTP Version Not Supported",
	    "Only versions 1.0 and 1.1 of HTTP are spoken here.", &no_cache),
};

const struct http_reply *
http_reply_default(unsigned status)
{
	for (size_t i = 0; i < NELEM(replies); i++)
		if (replies[i].status == status)
			return (&replies[i]);
	return (NULL);
}
