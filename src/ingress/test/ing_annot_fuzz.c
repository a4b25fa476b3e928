/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any value for any option: it is taken or refused with a reason, and what is
 * taken holds no control character, so that the encoder has nothing to refuse.
 */
#include "../ing_annot.c"

#include <ingress/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(const char *s)
{
	MUST(s == NULL || !has_control(span_str(s)));
}

static void
check_field(const struct ing_opt *o, const struct ing_opts *opts)
{
	const struct ing_strs *l = const_field(o, opts);

	if (o->kind == ING_O_STR)
		check_text(*(const char *const *)const_field(o, opts));
	for (uint32_t i = 0; o->kind == ING_O_STRS && i < l->n; i++)
		check_text(l->v[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ing_annot_ctx ctx = { .risk_limit = ING_HIGH };
	struct ing_opts opts;
	struct arena mem;
	struct text t;
	struct ing_parse said;
	size_t row = 0;
	static struct ing_store *empty;

	if (n == 0)
		return (0);
	if (empty == NULL)
		empty = ing_store_new();
	arena_init(&mem, 0);
	text_init(&t);
	ctx.mem = &mem;
	ctx.store = empty;
	EACH_OPT(o) {
		if (row++ != p[0])
			continue;
		memset(&opts, 0, sizeof opts);
		if (!parse(&ctx, o, "ns", span_of((const char *)p + 1, n - 1),
		    &opts, &said))
			MUST(said.why[0] != '\0');
		check_field(o, &opts);
		ing_opts_text(&opts, NULL, o->at, &t);
	}
	text_fini(&t);
	arena_reset(&mem);
	return (0);
}
