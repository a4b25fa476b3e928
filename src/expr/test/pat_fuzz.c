/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pattern files: any bytes are rows, and each method takes or refuses them;
 * what it takes is found again by texts out of the same bytes, before and
 * after deletions.
 */
#include "../pat_index.c"
#include "../pat_ref.c"
#include "../pat_change.c"

static void
search(struct pat_ref *r, struct span text)
{
	struct txn t;
	struct arena a;
	struct span rest = text, one;
	uint32_t no;

	arena_init(&a, 1 << 20);
	memset(&t, 0, sizeof t);
	t.arena = &a;
	while (span_cut(&rest, '\n', &one))
		for (const struct pat_use *u = r->uses; u != NULL;
		    u = u->next) {
			struct smp s = { .type = SMP_STR, .str = one };

			if (smp_cast(&t, &s, pat_type(u->match)))
				(void)pat_find(u, &s, NULL, &no);
		}
	/* an exact text is found as long as one row has it */
	for (uint32_t i = 0; i < r->base.n; i++) {
		struct pat_row *row = &r->base.row[i];
		struct pat_row *found = pat_by_text(r, pat_key(row));

		MUST(row->dead || (found != NULL && !found->dead &&
		    span_eq(pat_key(found), pat_key(row))));
	}
	arena_reset(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pat_ref *r;
	const char *err;

	if (n < 1 || n > 4096)
		return (0);
	r = ref_new(SPAN("fuzz"));
	r->map = (*p & 1) != 0;
	r->file.p = span_dup(span_of((const char *)p + 1, n - 1));
	r->file.n = n - 1;
	take_file(r);
	for (int m = ACL_INT; m < ACL_MATCH_N; m++)
		(void)pat_use_get(r, m, (*p & 2) != 0, PAT_VIEW_STR, &err);
	(void)pat_use_get(r, ACL_STR, false, PAT_VIEW_INT, &err);
	MUST(pat_by_key(r));
	search(r, r->file);
	for (uint32_t i = 0; i < r->base.n; i += 2)
		pat_del(r, &r->base.row[i], &r->base);
	(void)pat_put(r, 0, SPAN("k"), SPAN("v"), &err);
	search(r, r->file);
	pat_commit(r, 1);
	pat_forget();
	return (0);
}
