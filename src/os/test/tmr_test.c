/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmr_test - the wheel against a model that looks at every timer each time.
 */
#include <base/test.h>

#include "../tmr.c"

#include <stdbool.h>

#define DAY_MS (86400 * (int64_t)1000)
#define HORIZON ((int64_t)1 << 32)

struct probe {
	struct tmr tmr;
	int64_t want_ms;        /* what the model thinks; CLOCK_NEVER: idle */
	int64_t fired_ms;
	unsigned n_fired;
};

static struct tmr_wheel wheel;

static void
note(struct tmr *t)
{
	struct probe *p = HOLDER(t, struct probe, tmr);

	p->fired_ms = wheel.now_ms;
	p->n_fired++;
}

static void
probe_init(struct probe *p)
{
	memset(p, 0, sizeof(*p));
	tmr_init(&p->tmr, note);
	p->want_ms = CLOCK_NEVER;
}

TEST(fires_once_and_never_early)
{
	static const int64_t starts[] = {
		0, 1, 255, 256, 65535, 16777215, HORIZON - 1, HORIZON - 300,
		1234567890123
	};
	static const int64_t waits[] = {
		1, 2, 255, 256, 257, 1000, 65535, 65536, 65537, 16777216,
		16777217, DAY_MS, 25 * DAY_MS, 40 * DAY_MS, 80 * DAY_MS
	};
	struct probe p;

	for (size_t i = 0; i < NELEM(starts); i++)
		for (size_t j = 0; j < NELEM(waits); j++) {
			int64_t due = starts[i] + waits[j];

			tmr_wheel_init(&wheel, starts[i]);
			probe_init(&p);
			tmr_arm(&wheel, &p.tmr, due);
			tmr_wheel_turn(&wheel, due - 1);
			CHECK_EQ(p.n_fired, 0);
			CHECK(list_linked(&p.tmr.node));
			tmr_wheel_turn(&wheel, due);
			CHECK_EQ(p.n_fired, 1);
			CHECK_EQ(wheel.n_armed, 0);
			CHECK_EQ(tmr_wheel_next(&wheel, due), -1);
		}
}

/* Sleep exactly as long as the wheel says, until it fires. */
TEST(next_leads_to_the_deadline_in_few_steps)
{
	static const int64_t waits[] = {
		1, 300, 70000, 17000000, 3 * DAY_MS, 24 * DAY_MS, 100 * DAY_MS
	};

	for (size_t i = 0; i < NELEM(waits); i++) {
		int64_t now = 987654321, due = now + waits[i];
		struct probe p;
		int steps = 0;

		tmr_wheel_init(&wheel, now);
		probe_init(&p);
		tmr_arm(&wheel, &p.tmr, due);
		while (p.n_fired == 0 && steps < 20) {
			int64_t ms = tmr_wheel_next(&wheel, now);

			CHECK(ms > 0);
			CHECK(now + ms <= due);
			now += ms;
			tmr_wheel_turn(&wheel, now);
			steps++;
		}
		CHECK_EQ(p.fired_ms, due);
		CHECK(steps <= 8);
	}
}

TEST(later_is_only_a_store)
{
	struct probe p;
	struct list *where;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	tmr_arm(&wheel, &p.tmr, 1100);
	where = p.tmr.node.next;
	tmr_arm(&wheel, &p.tmr, 9000);
	CHECK(p.tmr.node.next == where);
	CHECK_EQ(p.tmr.slot_ms, 1100);
	tmr_wheel_turn(&wheel, 8999);
	CHECK_EQ(p.n_fired, 0);
	tmr_wheel_turn(&wheel, 9000);
	CHECK_EQ(p.n_fired, 1);
}

TEST(earlier_moves_it)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	tmr_arm(&wheel, &p.tmr, 900000);
	tmr_arm(&wheel, &p.tmr, 1010);
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), 10);
	tmr_wheel_turn(&wheel, 1010);
	CHECK_EQ(p.n_fired, 1);
	CHECK_EQ(tmr_wheel_next(&wheel, 1010), -1);
}

TEST(never_disarms_lazily_and_can_be_armed_again)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	tmr_arm(&wheel, &p.tmr, CLOCK_NEVER);
	CHECK_EQ(wheel.n_armed, 0);
	tmr_arm(&wheel, &p.tmr, 1500);
	tmr_arm(&wheel, &p.tmr, CLOCK_NEVER);
	tmr_wheel_turn(&wheel, 2000);
	CHECK_EQ(p.n_fired, 0);
	CHECK_EQ(wheel.n_armed, 0);
	tmr_arm(&wheel, &p.tmr, 2500);
	tmr_arm(&wheel, &p.tmr, CLOCK_NEVER);
	tmr_arm(&wheel, &p.tmr, 2600);
	tmr_wheel_turn(&wheel, 2600);
	CHECK_EQ(p.fired_ms, 2600);
}

TEST(the_past_fires_at_the_next_turn)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	tmr_arm(&wheel, &p.tmr, 5);
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), 1);
	tmr_wheel_turn(&wheel, 1000);           /* no time went by */
	CHECK_EQ(p.n_fired, 0);
	tmr_wheel_turn(&wheel, 1001);
	CHECK_EQ(p.n_fired, 1);
}

static void
again_at_once(struct tmr *t)
{
	note(t);
	tmr_arm(&wheel, t, wheel.now_ms);
}

TEST(re_arming_for_now_does_not_loop_over_a_jump)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	p.tmr.fn = again_at_once;
	tmr_arm(&wheel, &p.tmr, 1001);
	tmr_wheel_turn(&wheel, 1000 + 30 * DAY_MS);
	CHECK_EQ(p.n_fired, 1);
	tmr_wheel_turn(&wheel, 1001 + 30 * DAY_MS);
	CHECK_EQ(p.n_fired, 2);
	tmr_stop(&wheel, &p.tmr);
}

static struct probe pair[2];

static void
stop_other(struct tmr *t)
{
	note(t);
	tmr_stop(&wheel, &pair[HOLDER(t, struct probe, tmr) == pair].tmr);
}

static void
delay_other(struct tmr *t)
{
	note(t);
	tmr_arm(&wheel, &pair[HOLDER(t, struct probe, tmr) == pair].tmr,
	    wheel.now_ms + 50);
}

TEST(a_callback_may_stop_or_move_one_that_is_due_too)
{
	for (int i = 0; i < 2; i++) {
		tmr_fn *fn = i == 0 ? stop_other : delay_other;

		tmr_wheel_init(&wheel, 0);
		for (int k = 0; k < 2; k++) {
			probe_init(&pair[k]);
			pair[k].tmr.fn = fn;
			tmr_arm(&wheel, &pair[k].tmr, 10 + k);
		}
		tmr_wheel_turn(&wheel, 400);
		CHECK_EQ(pair[0].n_fired, 1);
		CHECK_EQ(pair[1].n_fired, 0);
		CHECK_EQ(wheel.n_armed, i);
		pair[1].tmr.fn = note;
		tmr_wheel_turn(&wheel, 450);
		CHECK_EQ(pair[1].n_fired, i);
		CHECK_EQ(wheel.n_armed, 0);
	}
}

TEST(stopping_leaves_no_slot_busy)
{
	struct probe p[300];

	tmr_wheel_init(&wheel, 77);
	for (size_t i = 0; i < NELEM(p); i++) {
		probe_init(&p[i]);
		tmr_arm(&wheel, &p[i].tmr, 78 + (int64_t)(i * i * i * i / 7));
	}
	for (size_t i = 0; i < NELEM(p); i++) {
		tmr_stop(&wheel, &p[i].tmr);
		tmr_stop(&wheel, &p[i].tmr);
	}
	CHECK_EQ(wheel.n_armed, 0);
	CHECK_EQ(tmr_wheel_next(&wheel, 77), -1);
}

/* --- random steps ---------------------------------------------------------- */

#define N_PROBES 200

static struct probe probes[N_PROBES];
static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed % below);
}

/* Mostly short, sometimes days; all magnitudes are met. */
static int64_t
draw_ms(void)
{
	return ((int64_t)draw((uint64_t)1 << draw(34)) + (int64_t)draw(2));
}

static void
change_one(int64_t now)
{
	struct probe *p = &probes[draw(N_PROBES)];
	int64_t due = now + draw_ms();

	switch (draw(6)) {
	case 0:
		tmr_stop(&wheel, &p->tmr);
		p->want_ms = CLOCK_NEVER;
		break;
	case 1:
		tmr_arm(&wheel, &p->tmr, CLOCK_NEVER);
		p->want_ms = CLOCK_NEVER;
		break;
	default:
		tmr_arm(&wheel, &p->tmr, due);
		p->want_ms = due > now ? due : now + 1;
	}
}

/* Returns the number of disagreements with the model. */
static unsigned
compare(int64_t now)
{
	int64_t earliest = CLOCK_NEVER, next = tmr_wheel_next(&wheel, now);
	unsigned bad = 0;

	for (int i = 0; i < N_PROBES; i++) {
		struct probe *p = &probes[i];
		bool due = p->want_ms <= now;

		if (p->n_fired != due || (due && p->fired_ms != now))
			bad++;
		p->n_fired = 0;
		if (due)
			p->want_ms = CLOCK_NEVER;
		if (p->want_ms < earliest)
			earliest = p->want_ms;
	}
	if (earliest != CLOCK_NEVER && (next <= 0 || now + next > earliest))
		bad++;
	return (bad);
}

TEST(random_steps_agree_with_the_model)
{
	for (int round = 0; round < 40; round++) {
		int64_t now;
		unsigned bad = 0;

		seed = 0x9e3779b97f4a7c15u + (unsigned)round;
		now = (int64_t)draw((uint64_t)1 << (10 + round));
		tmr_wheel_init(&wheel, now);
		for (int i = 0; i < N_PROBES; i++)
			probe_init(&probes[i]);
		for (int step = 0; step < 1500; step++) {
			int64_t next = tmr_wheel_next(&wheel, now);

			for (uint64_t i = draw(8); i > 0; i--)
				change_one(now);
			next = draw(3) == 0 || next < 1 ? draw_ms() : next;
			if (next > 0) {
				now += next;
				tmr_wheel_turn(&wheel, now);
				bad += compare(now);
			}
		}
		CHECK_EQ(bad, 0);
		for (int i = 0; i < N_PROBES; i++)
			tmr_stop(&wheel, &probes[i].tmr);
		CHECK_EQ(wheel.n_armed, 0);
		CHECK_EQ(tmr_wheel_next(&wheel, now), -1);
	}
}

static void
goes_on(struct tmr *t)
{
	note(t);
	tmr_arm_at_once(&wheel, t);
}

TEST(at_once_is_the_next_turn_and_needs_no_wait)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	tmr_arm(&wheel, &p.tmr, 1000);          /* due, but not at once */
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), 1);
	tmr_arm_at_once(&wheel, &p.tmr);
	CHECK_EQ(wheel.n_armed, 1);
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), 0);
	tmr_wheel_turn(&wheel, 1000);
	CHECK_EQ(p.n_fired, 1);
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), -1);
	tmr_arm_at_once(&wheel, &p.tmr);
	tmr_stop(&wheel, &p.tmr);
	CHECK_EQ(tmr_wheel_next(&wheel, 1000), -1);
	tmr_arm_at_once(&wheel, &p.tmr);
	tmr_arm(&wheel, &p.tmr, 1005);          /* moved away again */
	tmr_wheel_turn(&wheel, 1001);
	CHECK_EQ(p.n_fired, 1);
	tmr_wheel_turn(&wheel, 1005);
	CHECK_EQ(p.n_fired, 2);
	CHECK_EQ(wheel.n_armed, 0);
}

TEST(one_that_goes_on_at_once_gives_others_their_turn)
{
	struct probe p;

	tmr_wheel_init(&wheel, 1000);
	probe_init(&p);
	p.tmr.fn = goes_on;
	tmr_arm_at_once(&wheel, &p.tmr);
	for (unsigned i = 1; i < 5; i++) {
		tmr_wheel_turn(&wheel, 1000);
		CHECK_EQ(p.n_fired, i);
	}
	tmr_wheel_turn(&wheel, 2000);
	CHECK_EQ(p.n_fired, 5);
	CHECK_EQ(wheel.n_armed, 1);
}
