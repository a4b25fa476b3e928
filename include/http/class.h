/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CLASS_H
#define HTTP_CLASS_H
/*
 * class - what each byte may be in an HTTP message, one look-up per byte.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_C_TOKEN  = 1,      /* RFC 9110 5.6.2 */
	HTTP_C_VALUE  = 2,      /* field-vchar, space, tab: RFC 9110 5.5 */
	HTTP_C_TARGET = 4,      /* visible ASCII but '#': RFC 9112 3.2 */
	HTTP_C_HOST   = 8,      /* uri-host and port: RFC 3986 3.2.2 */
	HTTP_C_PLAIN  = 16      /* in names that no server mixes up: letters,
	                         * digits, '-' */
};

extern const uint8_t http_class_tab[256];

static inline bool
http_is_class(char c, unsigned mask)
{
	return ((http_class_tab[(uint8_t)c] & mask) != 0);
}
#endif
