/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux - which protocol serves which mode, and where the stream's half of the
 * contract is.
 */
#include <mux/mux.h>

#include <base/must.h>
#include <os/loop.h>

extern const struct mux_proto *const __start_mux_protos[]
    __attribute__((weak));
extern const struct mux_proto *const __stop_mux_protos[]
    __attribute__((weak));

const struct mux_stream_ops *mux_stream;
bool mux_leaving, mux_ending;

#define SPREAD_STEPS  256
#define STEP_MIN_MS   10
#define STEP_MAX_MS   1000

static struct tmr spread_tmr;
static int64_t spread_from_ms, spread_ms;

const struct mux_proto *
mux_proto_for(enum px_mode mode)
{
	const struct mux_proto *const *p;

	for (p = __start_mux_protos; p < __stop_mux_protos; p++)
		if ((*p)->mode == mode)
			return (*p);
	MUST(!"a protocol serves each mode");
	return (NULL);
}

const struct mux_proto *
mux_proto_named(struct span name)
{
	const struct mux_proto *const *p;

	for (p = __start_mux_protos; p < __stop_mux_protos; p++)
		if (span_is(name, (*p)->name))
			return (*p);
	return (NULL);
}

/* Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4. */
bool
mux_is_due(const void *conn)
{
	uint64_t at = (uint64_t)(uintptr_t)conn * UINT64_C(0x9e3779b97f4a7c15);

	return (mux_ending || (mux_leaving && spread_ms > 0 &&
	    (int64_t)((at >> 32) % (uint64_t)spread_ms) <
	    the_loop->now_ms - spread_from_ms));
}

static void
leave(void)
{
	const struct mux_proto *const *p;

	for (p = __start_mux_protos; p < __stop_mux_protos; p++)
		if ((*p)->leave != NULL)
			(*p)->leave();
}

static void
on_spread(struct tmr *t)
{
	int64_t step = spread_ms / SPREAD_STEPS;

	if (the_loop->now_ms - spread_from_ms >= spread_ms) {
		mux_ending = true;
	} else {
		step = step < STEP_MIN_MS ? STEP_MIN_MS :
		    step > STEP_MAX_MS ? STEP_MAX_MS : step;
		tmr_arm(&the_loop->wheel, t, the_loop->now_ms + step);
	}
	leave();
}

void
mux_leave(int64_t ms)
{
	mux_leaving = true;
	mux_ending = ms == 0;
	spread_ms = ms;
	if (ms > 0) {
		spread_from_ms = the_loop->now_ms;
		tmr_init(&spread_tmr, on_spread);
		on_spread(&spread_tmr);
	} else if (ms == 0) {
		leave();
	}
}
