/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_PLACE_INT_H
#define ING_PLACE_INT_H
/*
 * place - a text of a response that takes the place of another: of Location and
 * Refresh (proxy-redirect-*), of attributes of cookies (proxy-cookie-*).
 *
 * The old one is a text that means itself, or an expression of nginx; the new one
 * may have what that caught, and variables.
 */
#include <base/arena.h>
#include <base/span.h>
#include <base/text.h>

struct ing_old {
	bool regex;             /* "~REGEX" */
	bool any_case;          /* "~*REGEX" */
	bool anchored;          /* it began with '^', which is not in `text` */
	struct span text;
};

/* ing_old_read - false: an expression with '^' elsewhere, or with one side of a
 * '|' behind it, which would mean another thing inside of ours. */
bool ing_old_read(struct span, struct ing_old *);

/* ing_old_inside - an expression, so that it stays inside of an attribute: '.'
 * and the like take no ';', '$' is its end. Returns how many groups it has, or -1
 * when it can't be said so. */
int ing_old_inside(struct text *, struct span regex);

struct ing_part {               /* one of these three */
	const char *sample;     /* of a request, what a variable stands for */
	int group;              /* what the expression caught, from 1 */
	struct span text;
};

struct ing_place {
	struct ing_part *v;
	uint32_t n;
};

/* ing_place_read - false: a variable that nobody knows. */
bool ing_place_read(struct arena *, struct span, struct ing_place *);
#endif
