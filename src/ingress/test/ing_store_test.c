/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_store.c"
#include "../ing_shape_int.h"

static struct ing_obj *
object(const char *ns, const char *name, const char *version)
{
	struct ing_mem *m = ing_mem_new();
	struct ing_data *d = ing_mem_get(m, sizeof *d);

	d->o.magic = ING_OBJ_MAGIC;
	d->o.kind = ING_SECRET;
	d->o.mem = m;
	d->o.bytes = 100;
	d->o.ns = ing_mem_dup(m, span_str(ns));
	d->o.name = ing_mem_dup(m, span_str(name));
	d->o.uid = "u";
	d->o.version = ing_mem_dup(m, span_str(version));
	return (&d->o);
}

static bool
put(struct ing_store *s, const char *ns, const char *name,
    const char *version)
{
	struct ing_obj *o = object(ns, name, version);
	bool changed = ing_store_put(s, &o);

	CHECK(o == NULL);
	return (changed);
}

TEST(a_change_is_another_version)
{
	struct ing_store *s = ing_store_new();
	uint64_t g;

	CHECK(put(s, "a", "x", "1"));
	g = ing_store_generation(s);
	CHECK(!put(s, "a", "x", "1"));
	CHECK_EQ(ing_store_generation(s), g);
	CHECK(put(s, "a", "x", "2"));
	CHECK(ing_store_generation(s) > g);
	CHECK_STR(ing_store_find(s, ING_SECRET, "a", "x")->version, "2");
	CHECK(ing_store_find(s, ING_SECRET, "b", "x") == NULL);
	CHECK(ing_store_find(s, ING_SERVICE, "a", "x") == NULL);
	CHECK_EQ(ing_store_bytes(s), 100);
	CHECK(!ing_store_del(s, ING_SECRET, "a", "y"));
	CHECK(ing_store_del(s, ING_SECRET, "a", "x"));
	CHECK_EQ(ing_store_bytes(s), 0);
	ing_store_free(s);
}

/* Through growth and holes, against a plain array. */
TEST(what_was_put_is_found_sorted_and_what_was_deleted_is_not)
{
	struct ing_store *s = ing_store_new();
	bool there[500] = { false };
	const struct ing_obj *const *all;
	char name[16];
	size_t n, count = 0;

	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t k = i * 7919u % 500;

		snprintf(name, sizeof name, "n%03u", k);
		if (i % 3 == 0) {
			CHECK_EQ(ing_store_del(s, ING_SECRET, "a", name),
			    there[k]);
			there[k] = false;
		} else {
			put(s, "a", name, i % 2 ? "1" : "2");
			there[k] = true;
		}
	}
	for (uint32_t k = 0; k < 500; k++) {
		snprintf(name, sizeof name, "n%03u", k);
		CHECK_EQ(ing_store_find(s, ING_SECRET, "a", name) != NULL,
		    there[k]);
		count += there[k];
	}
	all = ing_store_all(s, ING_SECRET, &n);
	CHECK_EQ(n, count);
	for (size_t i = 1; i < n; i++)
		CHECK(strcmp(all[i - 1]->name, all[i]->name) < 0);
	ing_store_free(s);
}

TEST(only_what_can_be_is_asked_for)
{
	static const char *const bad[] = { "", "x?y", "x/y", "..", "X", "a b",
	    "x%41", "x&limit=1" };
	struct ing_store *s = ing_store_new();
	const struct ing_asked *asked;
	size_t n;

	for (size_t i = 0; i < NELEM(bad); i++) {
		CHECK(ing_store_find(s, ING_SECRET, "a", bad[i]) == NULL);
		CHECK(ing_store_find(s, ING_CONFIGMAP, bad[i], "a") == NULL);
	}
	CHECK(ing_store_find(s, ING_CONFIGMAP, "a", "x-1.y") == NULL);
	asked = ing_store_asked(s, &n);
	if (CHECK_EQ(n, 1))
		CHECK_STR(asked[0].name, "x-1.y");
	ing_store_free(s);
}

TEST(what_a_list_lacks_is_deleted)
{
	struct ing_store *s = ing_store_new();
	size_t n;

	put(s, "a", "x", "1");
	put(s, "a", "y", "1");
	put(s, "b", "x", "1");
	ing_store_list_begin(s, ING_SECRET, 0);
	put(s, "a", "y", "1");
	put(s, "c", "z", "1");
	ing_store_list_end(s, ING_SECRET, 0);
	ing_store_list_begin(s, ING_SECRET, 7);         /* another's */
	ing_store_list_end(s, ING_SECRET, 7);
	ing_store_all(s, ING_SECRET, &n);
	CHECK_EQ(n, 2);
	CHECK(ing_store_find(s, ING_SECRET, "a", "y") != NULL);
	CHECK(ing_store_find(s, ING_SECRET, "c", "z") != NULL);
	ing_store_free(s);
}
