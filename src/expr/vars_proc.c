/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vars_proc - variables of the process: memory made before workers are
 * forked, which they and the agent share.
 *
 * Writers take a lock that survives the death of its owner. Readers take none:
 * they copy, and copy again when a number that writers change twice says that
 * somebody wrote meanwhile. Slots are sparse: what no value filled costs
 * nothing.
 */
#include "vars_int.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include <base/must.h>
#include <shm/shm.h>

#define SLOT_BYTES  65536
#define CHUNK_SLOTS 32
#define READ_TRIES  1000

struct var_slot {
	struct shm_lock lock;
	_Atomic uint32_t turn;          /* odd: being written */
	_Atomic uint32_t n;             /* bytes of a text */
	uint8_t type;                   /* enum smp_type */
	uint8_t meth;
	uint8_t spare[6];
	int64_t num;
	struct addr addr;
	char text[SLOT_BYTES - 56];
};
_Static_assert(sizeof(struct var_slot) <= SLOT_BYTES, "a slot of its size");

static struct var_slot *chunk;
static unsigned chunk_used = CHUNK_SLOTS;

struct var_slot *
expr_slot_new(void)
{
	struct var_slot *s;

	if (chunk_used == CHUNK_SLOTS) {
		chunk = mmap(NULL, (size_t)CHUNK_SLOTS * SLOT_BYTES,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS |
		    MAP_NORESERVE, -1, 0);
		if (chunk == MAP_FAILED)
			must_oom((size_t)CHUNK_SLOTS * SLOT_BYTES);
		chunk_used = 0;
	}
	s = (struct var_slot *)(void *)((char *)chunk +
	    (size_t)chunk_used++ * SLOT_BYTES);
	s->type = SMP_NONE;
	return (s);
}

static bool
is_text(uint8_t type)
{
	return (type == SMP_STR || type == SMP_BIN || type == SMP_METH);
}

static void
write_begin(struct var_slot *s)
{
	uint32_t turn;

	(void)shm_lock(&s->lock);
	turn = atomic_load_explicit(&s->turn, memory_order_relaxed);
	if ((turn & 1) != 0)            /* its writer died half-way */
		s->type = SMP_NONE;
	atomic_store_explicit(&s->turn, turn | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void
write_end(struct var_slot *s)
{
	uint32_t turn = atomic_load_explicit(&s->turn, memory_order_relaxed);

	atomic_store_explicit(&s->turn, turn + 1, memory_order_release);
	shm_unlock(&s->lock);
}

static bool
copy_out(const struct var_slot *s, struct arena *a, struct smp *out)
{
	size_t n = atomic_load_explicit(&s->n, memory_order_relaxed);
	char *p;

	out->type = s->type;
	out->meth = s->meth;
	if (!is_text(out->type)) {
		if (out->type == SMP_BOOL || out->type == SMP_INT)
			out->num = s->num;
		else
			out->addr = s->addr;
		return (true);
	}
	if (n > sizeof s->text)
		return (true);          /* half written: seen by its turn */
	if ((p = arena_get(a, n + 1)) == NULL)
		return (false);
	memcpy(p, s->text, n);
	out->str = span_of(p, n);
	return (true);
}

bool
expr_slot_get(struct var_slot *s, struct arena *a, struct smp *out)
{
	uint32_t turn;

	for (unsigned i = 0;; i++) {
		turn = atomic_load_explicit(&s->turn, memory_order_acquire);
		if ((turn & 1) == 0) {
			if (!copy_out(s, a, out))
				return (false);
			atomic_thread_fence(memory_order_acquire);
			if (atomic_load_explicit(&s->turn,
			    memory_order_relaxed) == turn)
				return (out->type != SMP_NONE);
		}
		if (i % READ_TRIES == READ_TRIES - 1) {
			write_begin(s);         /* waits, or mends it */
			write_end(s);
		}
	}
}

uint64_t
expr_slot_bytes(const struct var_slot *s)
{
	return (expr_var_bytes(s->type, is_text(s->type) ?
	    atomic_load_explicit(&s->n, memory_order_relaxed) : 0));
}

static bool
allows(const struct var_slot *s, unsigned when, const struct smp *in)
{
	struct var_value was = { .type = s->type, .exists = true,
	    .num = s->num };

	return (when == 0 || expr_var_allows(when, &was, in));
}

bool
expr_slot_set(struct var_slot *s, unsigned when, uint64_t room,
    const struct smp *in)
{
	size_t n = is_text(in->type) ? in->str.n : 0;
	bool allowed;

	write_begin(s);
	allowed = allows(s, when, in);
	if (allowed) {
		if (n > sizeof s->text || (room != UINT64_MAX &&
		    expr_var_bytes(in->type, n) > room + expr_slot_bytes(s)))
			s->type = SMP_NONE;
		else {
			s->type = in->type;
			s->meth = in->meth;
			atomic_store_explicit(&s->n, (uint32_t)n,
			    memory_order_relaxed);
			if (is_text(in->type) && n != 0)
				memcpy(s->text, in->str.p, n);
			else if (in->type == SMP_BOOL || in->type == SMP_INT)
				s->num = in->num;
			else if (!is_text(in->type))
				s->addr = in->addr;
		}
	}
	write_end(s);
	return (allowed);
}

void
expr_slot_unset(struct var_slot *s)
{
	write_begin(s);
	s->type = SMP_NONE;
	write_end(s);
}
