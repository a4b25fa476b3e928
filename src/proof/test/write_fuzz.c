/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any words: what ingress writes is read back by conf as the same words, or was
 * counted as bad.
 */
#include <base/must.h>
#include <conf/conf.h>
#include <ingress/cfg.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span all = span_of((const char *)p, n), word, rest;
	struct conf_word *got;
	const char *err, *what;
	struct ing_cfg cfg;
	struct arena mem;
	struct text out;
	int col, count, i = 1;

	arena_init(&mem, 0);
	text_init(&out);
	ing_cfg_init(&cfg, &mem);
	ing_section(&cfg, "x", SPAN_NONE);
	ing_line(&cfg, "word");
	for (rest = all; span_cut(&rest, '\n', &word);)
		ing_cfg_text(&cfg, word);
	if (ing_cfg_bad(&cfg, &what) == 0) {
		ing_line_write(cfg.sections->lines->next, &out);
		count = conf_split(&mem, text_span(&out), &got, &err, &col);
		for (rest = all; span_cut(&rest, '\n', &word); i++) {
			MUST(i < count);
			MUST(span_eq(got[i].text, word));
		}
		MUST(i == count);
	}
	ing_cfg_fini(&cfg);
	text_fini(&out);
	arena_reset(&mem);
	return (0);
}
