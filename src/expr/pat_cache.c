/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_cache - what slow searches found, for texts that come again.
 *
 * One table of a process for all lists. An entry is named by a hash of the
 * text, seeded with the state of the list: one that changes has none of its
 * old entries. Two texts of the same 64 bits would share a result, which
 * takes longer to happen than machines last - as long as states have nothing
 * in common: XXH3 of a short text is one of the text xor the seed, so that
 * neighbours as seeds would make neighbours of texts the same. Entries are in sets of one cache
 * line, the one used last in front.
 *
 * Source: configuration manual 3.2, tune.pattern.cache-size.
 */
#include "pat_int.h"

#include <sys/mman.h>

#include <base/rand.h>

#define WAYS 5
#define DEFAULT_ENTRIES 10000
#define MOST_ENTRIES (1 << 26)

struct set {
	uint64_t name[WAYS];            /* 0: free, as all behind it */
	uint32_t no[WAYS];              /* row, or PAT_MISS */
	uint32_t spare;
};
_Static_assert(sizeof(struct set) == 64, "a cache line");

static int64_t entries = DEFAULT_ENTRIES;
static struct set *sets;
static uint32_t n_sets;
static uint64_t seed;
static uint64_t last_state;

/* Far from all others (the finalizer of splitmix64). */
uint64_t
pat_cache_state(void)
{
	uint64_t z = ++last_state * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31);
}

/* Without memory there is no cache. */
static bool
open_sets(void)
{
	void *p;

	if (entries == 0)
		return (false);
	n_sets = (uint32_t)((entries + WAYS - 1) / WAYS);
	p = mmap(NULL, n_sets * sizeof *sets, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		entries = 0;
		return (false);
	}
	sets = p;
	seed = rand_u64();
	return (true);
}

static struct set *
set_of(uint64_t name)
{
	return (&sets[(uint32_t)(((name >> 32) * n_sets) >> 32)]);
}

/* What is at `i` becomes the first; those before it move back. */
static void
to_front(struct set *s, unsigned i)
{
	uint64_t name = s->name[i];
	uint32_t no = s->no[i];

	for (; i > 0; i--) {
		s->name[i] = s->name[i - 1];
		s->no[i] = s->no[i - 1];
	}
	s->name[0] = name;
	s->no[0] = no;
}

bool
pat_cache_get(uint64_t state, struct span text, uint64_t *name, uint32_t *no)
{
	struct set *s;

	*name = 0;
	if (sets == NULL && !open_sets())
		return (false);
	*name = span_hash_seed(text, seed + state) | 1;
	s = set_of(*name);
	for (unsigned i = 0; i < WAYS && s->name[i] != 0; i++) {
		if (s->name[i] != *name)
			continue;
		*no = s->no[i];
		if (i != 0)
			to_front(s, i);
		return (true);
	}
	return (false);
}

void
pat_cache_put(uint64_t name, uint32_t no)
{
	struct set *s;
	unsigned i = 0;

	if (name == 0)
		return;                 /* there is no cache */
	s = set_of(name);
	while (i < WAYS - 1 && s->name[i] != name)
		i++;
	s->name[i] = name;              /* or in place of the oldest */
	s->no[i] = no;
	to_front(s, i);
}

static bool
parse_size(struct conf_line *l, void *obj)
{
	(void)obj;
	return (conf_want_int(l, "a number of entries", 0, MOST_ENTRIES,
	    &entries) && conf_end(l));
}

KEYWORD(pattern_cache_size) = {
	.name = "tune.pattern.cache-size", .in = KW_GLOBAL,
	.args = "<number>", .parse = parse_size,
	.doc = "How many results a worker remembers of searches that try one "
	    "pattern after the other: several regular expressions (`-m reg`, "
	    "map_reg) or many substrings (`-m sub`, map_sub). A list that "
	    "changes at run time is searched anew. The default is 10000, at "
	    "13 bytes each; 0: nothing is remembered.",
	.example = "tune.pattern.cache-size 50000",
};
