/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that is taken over may send: any frames with any descriptors,
 * and any records of the old exchange. Nothing crashes, and every descriptor is
 * closed in the end.
 *
 * The input is a list of frames: number and kind of descriptors, two bytes of
 * length, the bytes.
 */
#include "../ipc_takeover.c"
#include "../ipc_getsocks.c"
#include "../ipc_adopt.c"

#include <fcntl.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int kinds[3];            /* a listener, a file, a pipe */

static void
set_up(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int pair[2];

	ipc_say_quiet = true;
	kinds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(kinds[0], (struct sockaddr *)&in, sizeof in) == 0);
	MUST(listen(kinds[0], 5) == 0);
	kinds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	MUST(pipe2(pair, O_CLOEXEC) == 0);
	kinds[2] = pair[0];
	(void)close(pair[1]);
}

static int
lowest_free(void)
{
	int fd = dup(kinds[1]);

	(void)close(fd);
	return (fd);
}

static struct span
cut_frame(struct span *left, int fds[4], size_t *n_fds)
{
	size_t n = 0;
	struct span frame;

	*n_fds = 0;
	if (left->n >= 3) {
		*n_fds = (unsigned char)left->p[0] % 5;
		n = (unsigned char)left->p[1] | (size_t)left->p[2] << 8;
		for (size_t i = 0; i < *n_fds; i++)
			fds[i] = kinds[((unsigned char)left->p[0] / 5 + i) %
			    3];
		*left = span_skip(*left, 3);
	}
	if (n > left->n)
		n = left->n;
	frame = span_of(left->p, n);
	*left = span_skip(*left, n > 0 ? n : left->n);
	return (frame);
}

static void
run_channel(struct span left)
{
	int fds[4], pair[2];
	size_t n_fds;

	MUST(sock_pair(SOCK_SEQPACKET, pair));
	while (left.n > 0) {
		struct span frame = cut_frame(&left, fds, &n_fds);

		(void)sock_send_fds(pair[1], frame.p, frame.n, fds, n_fds);
	}
	(void)close(pair[1]);
	ipc_open(&taking.chan, pair[0], IPC_TAKER, IPC_GIVER, NULL, NULL,
	    NULL);
	taking.open = true;
	(void)receive_all();
	(void)ipc_holder_settle();
	ipc_takeover_drop();
}

static void
run_records(struct span records)
{
	const char *err = NULL;
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = dup(kinds[i]);
	(void)adopt_all(fds, 3, records, &err);
	(void)ipc_holder_settle();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct ipc_greet g;
	static bool ready;
	int before;

	if (!ready)
		set_up();
	ready = true;
	before = lowest_free();
	memcpy(copy, data, size);
	run_channel(span_of(copy, size));
	run_records(span_of(copy, size));
	if (size >= sizeof g) {
		memcpy(&g, copy, sizeof g);
		MUST(!is_greeting(&g, size) || g.n_workers <= IPC_PROCS_MAX);
	}
	free(copy);
	MUST(lowest_free() == before);
	return (0);
}
