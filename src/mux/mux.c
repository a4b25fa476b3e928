/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mux - which protocol serves which mode, and where the stream's half of the
 * contract is.
 */
#include <mux/mux.h>

#include <base/must.h>

extern const struct mux_proto *const __start_mux_protos[]
    __attribute__((weak));
extern const struct mux_proto *const __stop_mux_protos[]
    __attribute__((weak));

const struct mux_stream_ops *mux_stream;
bool mux_leaving;

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

void
mux_leave(void)
{
	const struct mux_proto *const *p;

	mux_leaving = true;
	for (p = __start_mux_protos; p < __stop_mux_protos; p++)
		if ((*p)->leave != NULL)
			(*p)->leave();
}
