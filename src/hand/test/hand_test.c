/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing over with pretended connections: both workers in one process.
 */
#include <base/test.h>

#include "../hand_give.c"
#include "../hand_list.c"
#include "../hand_take.c"

#include <os/fd.h>
#include <os/sock.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

struct pretend {
	struct hand_item item;
	uint32_t number;
	enum hand_when when;
	bool frozen, went, started;
	int served, stayed, order;
	uint32_t task;
	int fd;
	int thaws;
};

static const struct wire_field pretend_wire[] = {
	WIRE(1, U32, WIRE_REQUIRED, struct pretend, number),
	WIRE_END
};

#define FRAME_HEAD 8            /* what room ipc puts before the bytes */

static struct loop loop;
static struct pretend all[1000];
static struct pretend copy[1000];       /* in the new worker */
static int n_gone, n_back, n_stay, n_thawed, n_done, n_final;
static int n_broken, n_stuck, both_served, n_frozen;
static uint32_t refuse_from = UINT32_MAX;
static bool refuse_task;        /* of number 1 */
static size_t much_bytes;
static struct hand_counts last;

static struct pretend *
of(const struct hand_item *i)
{
	return (HOLDER((struct hand_item *)(uintptr_t)i, struct pretend,
	    item));
}

static const char *
pretend_what(const struct hand_item *i)
{
	return (of(i)->number % 2 == 0 ? "even" : "odd");
}

static enum hand_when
pretend_can(struct hand_item *i, const char **why)
{
	*why = "because";
	return (of(i)->when);
}

static bool
pretend_freeze(struct hand_item *i, struct wire_out *o, int *fds, size_t *n)
{
	static char much[2 * HAND_LONG_MAX];
	struct pretend *p = of(i);

	CHECK(!p->frozen && !p->went);
	p->frozen = true;
	p->order = ++n_frozen;
	wire_put(o, pretend_wire, p);
	if (much_bytes > 0)
		wire_put_bytes(o, 2, WIRE_OPTIONAL, span_of(much,
		    much_bytes));
	if (p->fd >= 0)
		fds[(*n)++] = p->fd;
	return (true);
}

static void
pretend_gone(struct hand_item *i)
{
	struct pretend *p = of(i);

	if (p >= copy && p < copy + NELEM(copy)) {
		p->thaws = 0;           /* the new worker could not say so */
		fd_close(&p->fd);
		return;
	}
	CHECK(p->frozen);
	p->went = true;
	fd_close(&p->fd);
	n_gone++;
}

static void
pretend_back(struct hand_item *i, bool stays_)
{
	struct pretend *p = of(i);

	CHECK(p->frozen);
	p->frozen = false;
	n_back++;
	n_stay += stays_;
}

static struct hand_item *
pretend_thaw(struct wire_in *in, const int *fds, size_t n, const char **why)
{
	struct pretend p = { 0 }, *q;

	if (!wire_get(in, pretend_wire, &p, NULL) ||
	    p.number >= NELEM(all)) {
		*why = "bad record";
		return (NULL);
	}
	if (p.number >= refuse_from) {
		*why = "not wanted";
		return (NULL);
	}
	if (refuse_task && p.number == 1) {
		*why = HAND_WHY_SERVER;
		return (NULL);
	}
	q = &copy[p.number];
	q->number = p.number;
	q->fd = n > 0 ? fds[0] : -1;
	q->thaws++;
	n_thawed++;
	q->item.kind = all[p.number].item.kind;
	list_init(&q->item.node);
	return (&q->item);
}

static uint32_t
pretend_task(const struct hand_item *i)
{
	return (of((struct hand_item *)(uintptr_t)i)->task);
}

static void
pretend_start(struct hand_item *i)
{
	struct pretend *p = of(i);

	both_served += !all[p->number].frozen;
	CHECK(!p->started);
	p->started = true;
	fd_close(&p->fd);
}

static void
pretend_serve(struct hand_item *i)
{
	of(i)->served++;
}

static void
pretend_stays(struct hand_item *i)
{
	of(i)->stayed++;
}

#define SAME                                                                 \
	.what = pretend_what, .can = pretend_can, .freeze = pretend_freeze,  \
	.gone = pretend_gone, .back = pretend_back, .thaw = pretend_thaw,    \
	.start = pretend_start, .task = pretend_task,                        \
	.serve = pretend_serve, .stays = pretend_stays
HAND_KIND(pretend) = { .name = "pretend", .layout = 3, SAME };

static void
on_news(enum hand_event event, const struct hand_counts *c)
{
	n_done += event == HAND_PASSED;
	n_final += event == HAND_ENDED;
	n_broken += event == HAND_BROKEN;
	n_stuck += event == HAND_STUCK;
	last = *c;
}

static void
set_up(int n)
{
	n_gone = n_back = n_stay = n_thawed = n_done = n_final = 0;
	n_broken = n_stuck = both_served = n_frozen = 0;
	gave = (struct hand_counts){ 0 };
	refuse_from = UINT32_MAX;
	much_bytes = 0;
	list_init(&hand_items);
	list_init(&hand_asked);
	hand_items_n = 0;
	n_went = hand_closed_n = 0;
	loop_open(&loop);
	memset(copy, 0, sizeof copy);
	for (int i = 0; i < n; i++) {
		all[i] = (struct pretend){ .number = (uint32_t)i,
		    .when = HAND_NOW, .fd = -1 };
		hand_enter(&all[i].item, HAND_KIND_OF(pretend));
	}
}

static void
turns(int n)
{
	while (n-- > 0)
		loop_turn(&loop, 5);
}

static void
give_and_take(int most)
{
	int fd[2];

	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	while (most-- > 0 && n_final == 0)
		loop_turn(&loop, 5);
	turns(3);
}

TEST(all_go_over)
{
	struct hand_row rows[8];

	set_up(1000);
	all[7].fd = fd_memfd("test");
	all[8].fd = socket(AF_UNIX, SOCK_STREAM, 0);
	refuse_from = UINT32_MAX;
	give_and_take(1000);
	/* what is no socket is refused, whatever the kind says */
	CHECK(n_gone == 999 && n_thawed == 999 && n_back == 1);
	CHECK(n_final == 1 && last.carried == 999 && last.left == 1);
	for (int i = 1; i < HAND_WAITS; i++)
		CHECK(last.waits[i - 1] <= last.waits[i]);
	CHECK(last.waits[HAND_WAITS - 1] <= 999 && last.waited_us > 0);
	CHECK_EQ(both_served, 0);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(copy[i].started, i != 7);
	CHECK_EQ(hand_rows(rows, 8), 3);
	CHECK_STR(rows[0].kind, "even");
	CHECK(rows[0].why == NULL && rows[0].carried == 500);
	CHECK_STR(rows[2].why, "what came with it is no socket");
	CHECK_EQ(rows[2].left, 1);
	fd_close(&all[7].fd);
	loop_close(&loop);
}

TEST(refused_ones_are_served_on)
{
	struct hand_row rows[8];
	size_t n;

	set_up(100);
	refuse_from = 60;
	give_and_take(60);
	CHECK(n_gone == 60 && n_back == 40 && n_stay == 40);
	CHECK(n_final == 1 && last.carried == 60 && last.refused == 40 &&
	    last.left == 40);
	for (int i = 60; i < 100; i++)
		CHECK(!all[i].frozen && !hand_in_flight(&all[i].item));
	n = hand_rows(rows, 8);
	CHECK_EQ(n, 4);
	CHECK_STR(rows[2].why, "not wanted");
	CHECK_EQ(rows[2].left + rows[3].left, 40);
	loop_close(&loop);
}

TEST(what_is_closed_is_told_with_its_reason)
{
	struct hand_row rows[8];

	set_up(5);
	all[1].when = all[3].when = HAND_NEVER;
	refuse_from = 4;
	give_and_take(60);
	CHECK(last.carried == 2 && last.left == 3 && last.closed == 0);
	for (int i = 3; i < 5; i++) {
		hand_closed(&all[i].item);
		hand_leave(&all[i].item);
	}
	hand_now(&last);
	CHECK(last.closed == 2 && last.left == 1 && last.carried == 2);
	CHECK_EQ(hand_rows(rows, 8), 3);
	CHECK_STR(rows[1].why, "because");
	CHECK(rows[1].closed == 1 && rows[1].left == 1);
	CHECK_STR(rows[2].why, "not wanted");
	CHECK(rows[2].closed == 1 && rows[2].left == 0);
	loop_close(&loop);
}

TEST(a_refused_task_does_not_keep_the_connection)
{
	struct hand_row rows[8];
	int fd[2];

	set_up(3);
	all[1].task = 7;
	refuse_task = true;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(20);
	CHECK(n_gone == 2 && n_back == 1 && n_stay == 0 && n_final == 0);
	CHECK_EQ(n_done, 1);
	CHECK_EQ(hand_rows(rows, 8), 2);
	CHECK_STR(rows[1].why, HAND_WHY_SERVER);
	/* That is over, and it does something else. */
	refuse_task = false;
	all[1].task = 8;
	turns(20);
	CHECK(n_gone == 3 && n_final == 1 && last.carried == 3 &&
	    last.left == 0);
	loop_close(&loop);
}

TEST(an_unknown_kind_or_layout_stays)
{
	struct answer a = { .n_taken = 0 };
	struct ipc_msg m = { .type = IPC_OFFERS, .flags = HAND_VERSION };
	char bytes[1000];
	struct wire_out o;
	struct wire_in in;
	struct span s;
	size_t mark;

	set_up(0);
	wire_out_init(&o, bytes, sizeof bytes);
	for (uint32_t id = 1; id <= 2; id++) {
		mark = wire_begin(&o, HAND_ENTRY, WIRE_REQUIRED);
		wire_put_u64(&o, HAND_E_ID, WIRE_REQUIRED, id);
		wire_put_bytes(&o, HAND_E_KIND, WIRE_REQUIRED, id == 1 ?
		    SPAN("stranger") : SPAN("pretend"));
		wire_put_u64(&o, HAND_E_LAYOUT, WIRE_REQUIRED, 4);
		wire_put_u64(&o, HAND_E_FDS, WIRE_REQUIRED, 0);
		wire_put_bytes(&o, HAND_E_RECORD, WIRE_REQUIRED, SPAN(""));
		wire_end(&o, mark);
	}
	m.data = span_of(o.p, o.n);
	wire_out_init(&a.out, a.bytes, sizeof a.bytes);
	CHECK(take_frame(&m, &a));
	CHECK_EQ(a.n_taken, 0);
	wire_in_init(&in, span_of(a.out.p, a.out.n));
	CHECK(wire_find(&in, HAND_A_REFUSED, &s));
	CHECK(memmem(a.out.p, a.out.n, "a kind of connection", 20) != NULL);
	CHECK(memmem(a.out.p, a.out.n, "written in a layout", 19) != NULL);
	loop_close(&loop);
}

TEST(what_flies_comes_back_when_the_new_one_dies)
{
	int fd[2];

	set_up(1000);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
	turns(3);
	CHECK_EQ(giver->n_flying, FRAMES_MAX * GIVE_BATCH);
	CHECK(all[0].frozen && hand_in_flight(&all[0].item));
	(void)close(fd[1]);
	turns(5);
	CHECK_EQ(n_back, FRAMES_MAX * GIVE_BATCH);
	CHECK(n_gone == 0 && n_done == 0 && n_final == 0 && n_stay == 0);
	CHECK(n_broken == 1 && giver == NULL);
	CHECK_EQ(last.left, 1000);
	CHECK_EQ(last.refused, 0);
	/* Another one takes all. */
	give_and_take(1000);
	CHECK(n_gone == 1000 && n_final == 1 && n_broken == 1);
	loop_close(&loop);
}

TEST(who_was_there_at_two_deaths_stays)
{
	const uint32_t n = FRAMES_MAX * GIVE_BATCH;
	int fd[2];

	set_up(200);
	for (int death = 0; death < 2; death++) {
		list_init(&hand_items);
		for (int i = 0; i < 200; i++)
			list_push_back(&hand_items, &all[i].item.node);
		CHECK(sock_pair(SOCK_SEQPACKET, fd));
		hand_give(&loop, fd[0], on_news);
		turns(3);
		(void)close(fd[1]);
		turns(3);
	}
	CHECK_EQ(n_broken, 2);
	CHECK_EQ(last.refused, n);
	give_and_take(1000);
	CHECK_EQ((uint32_t)n_gone, 200 - n);
	CHECK(n_final == 1 && last.left == n);
	loop_close(&loop);
}

TEST(who_leaves_in_good_order_has_not_died)
{
	int fd[2];

	set_up(100);
	all[4].when = HAND_SOON;
	for (int i = 0; i < 3; i++) {
		CHECK(sock_pair(SOCK_SEQPACKET, fd));
		hand_take(&loop, fd[1]);
		hand_give(&loop, fd[0], on_news);
		turns(10);
		hand_take_end();
		CHECK(list_empty(&takers));
		turns(5);
		CHECK_EQ(n_broken, i + 1);
	}
	CHECK_EQ(all[4].item.deaths, 0);
	CHECK_EQ(n_gone, 99);
	all[4].when = HAND_NOW;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(10);
	CHECK_EQ(n_gone, 100);
	CHECK_EQ(last.refused, 0);
	loop_close(&loop);
}

TEST(nothing_is_taken_back_from_one_that_is_stuck)
{
	int fd[2];

	set_up(3);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
	turns(3);
	giver->patience_ms = 1;
	turns(20);
	CHECK(n_stuck == 1 && n_back == 0 && giver->n_flying == 3);
	(void)close(fd[1]);
	turns(3);
	CHECK(n_broken == 1 && n_back == 3);
	loop_close(&loop);
}

/* A frame with one connection, number 0. */
static struct span
an_offer(uint32_t id, uint64_t n_fds, size_t long_n)
{
	static char bytes[1000];
	struct wire_out o;
	size_t mark;

	wire_out_init(&o, bytes, sizeof bytes);
	mark = wire_begin(&o, HAND_ENTRY, WIRE_REQUIRED);
	wire_put_u64(&o, HAND_E_ID, WIRE_REQUIRED, id);
	wire_put_bytes(&o, HAND_E_KIND, WIRE_REQUIRED, SPAN("pretend"));
	wire_put_u64(&o, HAND_E_LAYOUT, WIRE_REQUIRED, 3);
	wire_put_u64(&o, HAND_E_FDS, WIRE_REQUIRED, n_fds);
	if (long_n != 0)
		wire_put_u64(&o, HAND_E_LONG, WIRE_REQUIRED, long_n);
	else
		wire_put_bytes(&o, HAND_E_RECORD, WIRE_REQUIRED,
		    SPAN("\x01\x80\x04\0\0\0\0\0\0\0"));
	wire_end(&o, mark);
	return (span_of(o.p, o.n));
}

TEST(nothing_is_served_when_the_answer_cannot_be_sent)
{
	struct taker t = { .last_id = 0 };
	struct ipc_msg m = { .type = IPC_OFFERS, .flags = HAND_VERSION };
	int fd[2];

	set_up(1);
	all[0].frozen = true;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	ipc_open(&t.chan, fd[1], IPC_WORKER, IPC_WORKER, &loop, on_giver, &t);
	(void)close(fd[0]);
	m.data = an_offer(1, 0, 0);
	on_offers(&t, &m);
	CHECK_EQ(n_thawed, 1);
	CHECK(!copy[0].started && copy[0].thaws == 0);
	CHECK_EQ(t.chan.fd, -1);
	loop_close(&loop);
}

/* ---- what nobody of ours would send ---- */

static int
a_file(size_t n)
{
	int fd = memfd_create("test", 0);

	CHECK(fd >= 0 && ftruncate(fd, (off_t)n) == 0);
	return (fd);
}

/* One offer with these descriptors: the reason why it is refused, "" when it is
 * taken, NULL when it ends the channel. */
static const char *
fate(struct span offer, int *fds, size_t n_fds, unsigned version)
{
	static char why[96];
	struct taker t = { .last_id = 0 };
	struct ipc_msg m = { .type = IPC_OFFERS, .flags = (uint8_t)version,
		.data = offer, .fds = fds, .n_fds = n_fds };
	char got[1000];
	struct wire_in in, one;
	struct span s;
	int fd[2];
	ssize_t n;

	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	ipc_open(&t.chan, fd[1], IPC_WORKER, IPC_WORKER, &loop, on_giver, &t);
	on_offers(&t, &m);
	turns(1);
	for (size_t i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	n = recv(fd[0], got, sizeof got, MSG_DONTWAIT);
	(void)close(fd[0]);
	if (t.chan.fd < 0)
		return (NULL);
	ipc_close(&t.chan);
	if (!CHECK(n > FRAME_HEAD))
		return (NULL);
	wire_in_init(&in, span_of(got + FRAME_HEAD, (size_t)n - FRAME_HEAD));
	if (!wire_find_in(&in, HAND_A_REFUSED, &one) ||
	    !wire_find(&one, HAND_R_WHY, &s))
		return ("");
	snprintf(why, sizeof why, "%.*s", (int)s.n, s.p);
	return (why);
}

TEST(foreign_and_impossible_offers_are_refused)
{
	static const char longer[] = "its record is damaged";
	static const struct {
		enum { NONE, SOCKET, PIPE, REGULAR, DEVICE, DIRECTORY } fd;
		size_t in_file, long_n;
		unsigned version, n_fds;        /* said to come along */
		const char *why;
	} rows[] = {
		{ NONE, 0, 0, HAND_VERSION, 0, "" },
		{ SOCKET, 0, 0, HAND_VERSION, 1, "" },
		{ PIPE, 0, 0, HAND_VERSION, 1, "" },
		{ REGULAR, 9, 0, HAND_VERSION, 1,
		  "what came with it is no socket" },
		{ DEVICE, 0, 0, HAND_VERSION, 1,
		  "what came with it is no socket" },
		{ DIRECTORY, 0, 0, HAND_VERSION, 1,
		  "what came with it is no socket" },
		{ NONE, 0, 0, HAND_VERSION + 1, 0, NULL },
		{ NONE, 0, 0, HAND_VERSION, 1, NULL },
		{ SOCKET, 0, 0, HAND_VERSION, 2, NULL },
		/* long ones: none, too short, too long, no memory */
		{ NONE, 0, 100, HAND_VERSION, 0, longer },
		{ REGULAR, 99, 100, HAND_VERSION, 1, longer },
		{ REGULAR, 100, HAND_LONG_MAX + 1, HAND_VERSION, 1, longer },
		{ REGULAR, 100, SIZE_MAX, HAND_VERSION, 1, longer },
		{ SOCKET, 0, 100, HAND_VERSION, 1, longer },
		{ DEVICE, 0, 100, HAND_VERSION, 1, longer },
		{ DIRECTORY, 0, 100, HAND_VERSION, 1, longer },
	};

	set_up(1);
	for (size_t i = 0; i < NELEM(rows); i++) {
		int pair[2], fds[1] = { -1 };
		const char *why;
		bool good;

		if (rows[i].fd == SOCKET)
			fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (rows[i].fd == PIPE && CHECK(pipe(pair) == 0)) {
			fds[0] = pair[0];
			(void)close(pair[1]);
		}
		if (rows[i].fd == REGULAR)
			fds[0] = a_file(rows[i].in_file);
		if (rows[i].fd == DEVICE)
			fds[0] = open("/dev/null", O_RDWR);
		if (rows[i].fd == DIRECTORY)
			fds[0] = open("/", O_RDONLY);
		all[0].frozen = true;
		copy[0].started = false;
		why = fate(an_offer(1, rows[i].n_fds, rows[i].long_n), fds,
		    fds[0] >= 0, rows[i].version);
		good = rows[i].why == NULL ? why == NULL : why != NULL &&
		    strcmp(why, rows[i].why) == 0;
		if (!CHECK(good))
			printf("    row %zu: %s\n", i, why);
		fd_close(&copy[0].fd);
	}
	loop_close(&loop);
}

TEST(nothing_is_taken_twice)
{
	struct taker t = { .last_id = 0 };
	struct ipc_msg m = { .type = IPC_OFFERS, .flags = HAND_VERSION };
	static const uint32_t ids[] = { 1, 2, 7, 2 };
	int fd[2];

	set_up(1);
	all[0].frozen = true;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	ipc_open(&t.chan, fd[1], IPC_WORKER, IPC_WORKER, &loop, on_giver, &t);
	for (size_t i = 0; i < NELEM(ids); i++) {
		CHECK(t.chan.fd >= 0);
		m.data = an_offer(ids[i], 0, 0);
		copy[0].started = false;
		on_offers(&t, &m);
	}
	CHECK_EQ(n_thawed, 3);
	CHECK_EQ(t.chan.fd, -1);        /* the last one was a replay */
	(void)close(fd[0]);
	loop_close(&loop);
}

/* An answer that comes again, or speaks of what was not offered. */
TEST(foreign_answers_change_nothing)
{
	static const uint32_t ids[] = { 2, 2, 0, 77, UINT32_MAX, 1 };
	char bytes[200];
	struct wire_out o;
	int fd[2];

	set_up(3);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
	turns(3);
	CHECK_EQ(giver->n_flying, 3);
	wire_out_init(&o, bytes, sizeof bytes);
	wire_put_bytes(&o, HAND_A_TAKEN, WIRE_REQUIRED,
	    span_of((const char *)ids, sizeof ids));
	wire_put_bytes(&o, HAND_A_TAKEN, WIRE_REQUIRED, SPAN("abc"));
	wire_put_bytes(&o, HAND_A_REFUSED, WIRE_REQUIRED, SPAN("?"));
	wire_put_bytes(&o, 99, WIRE_REQUIRED, SPAN("?"));
	read_answers(giver, span_of(o.p, o.n));
	read_answers(giver, span_of(o.p, o.n - 3));
	CHECK_EQ(n_gone, 2);
	CHECK_EQ(giver->n_flying, 1);
	CHECK(all[0].went && all[1].went && all[2].frozen && !all[2].went);
	(void)close(fd[1]);
	turns(3);
	CHECK_EQ(n_back, 1);
	loop_close(&loop);
}

TEST(soon_goes_later_and_never_stays)
{
	int fd[2];

	set_up(10);
	all[4].when = HAND_SOON;
	all[5].when = HAND_NEVER;
	all[6].when = HAND_ALONG;
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	turns(10);
	CHECK(n_done == 1 && n_final == 0 && last.carried == 7 &&
	    last.never == 1 && hand_giving);
	all[4].when = HAND_NOW;
	turns(30);
	CHECK_EQ(n_gone, 8);
	CHECK(giver == NULL && n_done == 1 && n_final == 1);
	CHECK(!all[5].frozen && !all[6].frozen);
	CHECK_EQ(all[5].stayed, 1);
	CHECK(all[4].stayed == 0 && all[6].stayed == 0);
	loop_close(&loop);
}

/* ---- a request begins ---- */

static void
give_to_nobody(int fd[2])
{
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_give(&loop, fd[0], on_news);
}

TEST(who_asks_goes_before_others_in_the_order_of_asking)
{
	int fd[2];

	set_up(500);
	CHECK(!hand_first(&all[400].item));     /* nobody takes */
	give_to_nobody(fd);
	CHECK(hand_first(&all[400].item) && hand_first(&all[300].item));
	CHECK(hand_first(&all[400].item));      /* again */
	hand_now(&last);
	CHECK_EQ(last.left, 500);               /* none is forgotten */
	turns(2);
	CHECK(all[400].order == 1 && all[300].order == 2 &&
	    all[0].order == 3);
	hand_take(&loop, fd[1]);
	turns(3);
	CHECK(hand_first(&all[499].item));
	for (int i = 0; i < 1000 && n_final == 0; i++)
		loop_turn(&loop, 5);
	CHECK_EQ(n_gone, 500);
	CHECK(all[499].order > 3 && all[499].order < 500);
	CHECK(all[499].served == 0 && all[400].served == 0);
	CHECK(!hand_giving);
	loop_close(&loop);
}

TEST(one_that_had_to_wait_goes_as_soon_as_it_asks)
{
	int fd[2];

	set_up(3);
	all[1].when = HAND_SOON;
	give_to_nobody(fd);
	hand_take(&loop, fd[1]);
	turns(10);
	CHECK(n_done == 1 && n_gone == 2);
	CHECK(!hand_first(&all[1].item));       /* not yet */
	all[1].when = HAND_NOW;
	CHECK(hand_first(&all[1].item));
	CHECK_EQ(all[1].order, 0);
	loop_turn(&loop, 0);                    /* not at the next pass */
	CHECK_EQ(all[1].order, 3);
	turns(10);
	CHECK(n_gone == 3 && all[1].served == 0);
	loop_close(&loop);
}

TEST(who_asked_is_served_here_when_it_cannot_go)
{
	int fd[2];

	set_up(5);
	give_to_nobody(fd);
	for (int i = 0; i < 3; i++)
		CHECK(hand_first(&all[i].item));
	all[0].when = HAND_SOON;
	all[1].when = HAND_NEVER;
	turns(2);
	CHECK(all[0].served == 1 && !all[0].frozen);
	CHECK(all[1].served == 0 && all[1].stayed == 1);
	CHECK(!hand_first(&all[1].item));
	CHECK(all[2].frozen && all[2].served == 0);
	(void)close(fd[1]);
	turns(3);
	CHECK(n_broken == 1 && n_back == 3 && all[2].served == 0);
	loop_close(&loop);
}

TEST(nobody_waits_for_one_that_does_not_answer)
{
	const int n = FRAMES_MAX * GIVE_BATCH;
	int fd[2];

	set_up(n + 3);
	give_to_nobody(fd);
	turns(3);
	CHECK(hand_first(&all[n].item) && hand_first(&all[n + 1].item));
	turns(2);                               /* the window is full */
	CHECK(all[n].order == 0 && all[n].served == 0);
	giver->patience_ms = 1;
	turns(20);
	CHECK(n_stuck == 1 && all[n].served == 1 && all[n + 1].served == 1);
	CHECK(!hand_first(&all[n + 2].item));
	(void)close(fd[1]);
	turns(3);
	CHECK(n_back == n && all[n].served == 1);
	/* Another one dies before it was asked. */
	give_to_nobody(fd);
	CHECK(hand_first(&all[n + 2].item));
	(void)close(fd[1]);
	turns(3);
	CHECK(n_broken == 2 && all[n + 2].served == 1);
	loop_close(&loop);
}

TEST(a_long_record_goes_through_memory)
{
	set_up(3);
	much_bytes = 3 * IPC_BYTES_MAX;
	give_and_take(60);
	CHECK(n_gone == 3 && n_back == 0 && n_final == 1 && giver == NULL);
	loop_close(&loop);
}

TEST(a_record_that_is_too_long_stays)
{
	set_up(2);
	much_bytes = HAND_LONG_MAX + 1;
	give_and_take(60);
	CHECK(n_gone == 0 && n_back == 2 && n_stay == 2 && n_final == 1);
	loop_close(&loop);
}

TEST(connections_without_a_free_descriptor_stay)
{
	struct rlimit old, few;
	int fd[2], top;

	set_up(20);
	for (int i = 0; i < 20; i++)
		all[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(sock_pair(SOCK_SEQPACKET, fd));
	hand_take(&loop, fd[1]);
	hand_give(&loop, fd[0], on_news);
	top = dup(STDERR_FILENO);
	(void)close(top);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)top + 3; /* a part of each frame */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	turns(30);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK(n_gone == 0 && n_back == 20 && n_stay == 20 && n_final == 1);
	CHECK(strstr(hand_refusal_text(all[3].item.refused), "ulimit-n") !=
	    NULL);
	for (int i = 0; i < 20; i++)
		fd_close(&all[i].fd);
	loop_close(&loop);
}

TEST(nothing_to_give_is_done_at_once)
{
	set_up(0);
	give_and_take(3);
	CHECK(n_done == 0 && n_final == 1 && last.carried == 0);
	loop_close(&loop);
}

TEST(a_broken_frame_ends_the_channel)
{
	static const struct { const char *bytes; size_t n; } rows[] = {
		{ "x", 1 }, { "\x01\x80\xff\0\0\0", 6 },
		{ "\x02\x80\0\0\0\0", 6 }, { "\x01\x80\0\0\0\0", 6 },
	};

	set_up(0);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct answer a = { .n_taken = 0 };
		struct ipc_msg m = { .type = IPC_OFFERS,
			.data = span_of(rows[i].bytes, rows[i].n) };

		wire_out_init(&a.out, a.bytes, sizeof a.bytes);
		CHECK(!take_frame(&m, &a));
	}
	loop_close(&loop);
}
