/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ingress writes is what conf reads: the same words, whatever is in them.
 */
#include <base/test.h>

#include <base/must.h>
#include <base/rand.h>
#include <conf/conf.h>
#include <ingress/cfg.h>

TEST_MAY_LEAK

#define WORDS 6

static void
random_word(char *out, size_t *n)
{
	static const char hard[] = "'\"\\$ #%{}[]();,=~\t-ab0\xc3\xa4\x7f\n";
	size_t len = rand_below(12);

	for (size_t i = 0; i < len; i++)
		out[i] = rand_below(8) == 0 ? (char)rand_below(256) :
		    hard[rand_below(sizeof hard - 1)];
	*n = len;
}

static bool
has_control(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)p[i] < 0x20 || p[i] == 0x7f)
			return (true);
	return (false);
}

/* One line of random words; what is not accepted must be counted as bad. */
static void
try_once(void)
{
	char word[WORDS][16];
	size_t len[WORDS];
	struct conf_word *got;
	struct ing_cfg cfg;
	struct arena mem;
	struct text out;
	const char *err = NULL, *what;
	int col, n, skipped = 0;

	arena_init(&mem, 0);
	text_init(&out);
	ing_cfg_init(&cfg, &mem);
	ing_section(&cfg, "x", SPAN_NONE);
	ing_line(&cfg, "word");
	for (int i = 0; i < WORDS; i++) {
		random_word(word[i], &len[i]);
		skipped += has_control(word[i], len[i]);
		ing_cfg_text(&cfg, span_of(word[i], len[i]));
	}
	CHECK_EQ(ing_cfg_bad(&cfg, &what), skipped);
	ing_line_write(cfg.sections->lines->next, &out);
	CHECK(memchr(out.p, '\n', out.n) == NULL);
	n = conf_split(&mem, text_span(&out), &got, &err, &col);
	if (!CHECK_EQ(n, WORDS + 1))
		printf("    %s: %s\n", out.p, err == NULL ? "" : err);
	for (int i = 0; i < WORDS && n == WORDS + 1; i++) {
		if (has_control(word[i], len[i]))
			CHECK_EQ(got[i + 1].text.n, 0);
		else if (!CHECK_MEM(got[i + 1].text.p, got[i + 1].text.n,
		    word[i], len[i]))
			printf("    in: %s\n", out.p);
	}
	ing_cfg_fini(&cfg);
	text_fini(&out);
	arena_reset(&mem);
}

TEST(words_come_back_as_they_were)
{
	rand_seed();
	setenv("ab", "expanded", 1);
	for (int i = 0; i < 20000; i++)
		try_once();
}
