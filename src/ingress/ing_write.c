/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_write - the only place where words become bytes.
 *
 * A word of harmless characters is written as it is; others in single quotes,
 * within which nothing but the quote has a meaning; those with a single quote
 * in double quotes with escapes.
 * Source: configuration manual, 2.2 (quoting and escaping).
 */
#include <ingress/cfg.h>

static const bool is_plain[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['_'] = true, ['-'] = true, ['.'] = true, [','] = true, [':'] = true,
	[';'] = true, ['/'] = true, ['@'] = true, ['%'] = true, ['+'] = true,
	['='] = true, ['*'] = true, ['?'] = true, ['!'] = true, ['&'] = true,
	['~'] = true, ['^'] = true, ['|'] = true, ['<'] = true, ['>'] = true,
	['('] = true, [')'] = true, ['['] = true, [']'] = true, ['{'] = true,
	['}'] = true,
};

static void
write_text(struct span s, struct text *out)
{
	bool plain = s.n > 0, single = false;

	for (size_t i = 0; i < s.n; i++) {
		plain &= is_plain[(uint8_t)s.p[i]];
		single |= s.p[i] == '\'';
	}
	if (plain) {
		text_add(out, s);
	} else if (!single) {
		text_addc(out, '\'');
		text_add(out, s);
		text_addc(out, '\'');
	} else {
		text_addc(out, '"');
		for (size_t i = 0; i < s.n; i++) {
			if (strchr("\"\\$", s.p[i]) != NULL)
				text_addc(out, '\\');
			text_addc(out, s.p[i]);
		}
		text_addc(out, '"');
	}
}

void
ing_line_write(const struct ing_line *l, struct text *out)
{
	for (const struct ing_word *w = l->first; w != NULL; w = w->next) {
		if (w != l->first)
			text_addc(out, ' ');
		if (w->kind == ING_W_KEY)
			text_add(out, w->s);
		else
			write_text(w->s, out);
	}
}

#define WORDS_BYTES 262144      /* so much is used again before it is freed */

static void
forget(struct ing_cfg *c)
{
	c->follows |= c->sections != NULL;
	c->sections = c->section = NULL;
	c->last = &c->sections;
	c->line = NULL;
	if (c->words.used_bytes > WORDS_BYTES)
		arena_reset(&c->words);
}

void
ing_cfg_write(struct ing_cfg *c, struct text *out)
{
	for (const struct ing_section *s = c->sections; s != NULL;
	    s = s->next) {
		if (s != c->sections || c->follows)
			text_addc(out, '\n');
		for (const struct ing_line *l = s->lines; l != NULL;
		    l = l->next) {
			if (l != s->lines)
				text_addc(out, '\t');
			ing_line_write(l, out);
			text_addc(out, '\n');
		}
	}
	forget(c);
}

static bool
is_one_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (false);
	return (s.n > 0);
}

bool
ing_map_write(struct text *out, struct span key, struct span value)
{
	if (!is_one_word(key) || !is_one_word(value) || key.p[0] == '#')
		return (false);
	text_add(out, key);
	text_addc(out, ' ');
	text_add(out, value);
	text_addc(out, '\n');
	return (true);
}
