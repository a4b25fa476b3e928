/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of old workers: read, added up, printed, saved and loaded.
 */
#include <base/test.h>
#include <base/text.h>

#include "../ipc_report.c"

struct said {
	struct ipc_carried head;
	struct ipc_rows rows;
	struct ipc_row row[IPC_ROWS_MAX + 1];
};

static struct said
two_rows(void)
{
	return ((struct said){ { 1, 3, 1, 2 }, { IPC_ROWS_VERSION,
	    IPC_CARRY_NEWS, 2 }, { { .kind = "tcp", .carried = 3 },
	    { .kind = "h1", .why = "its server is gone", .left = 1,
	    .closed = 4 } } });
}

static struct span
bytes(const struct said *s, uint32_t rows)
{
	return (span_of((const char *)s, offsetof(struct said, row) +
	    rows * sizeof s->row[0]));
}

static void
prints(const struct ipc_report *r, const char *want)
{
	struct text t;

	text_init(&t);
	text_addz(&t, "");
	ipc_report_print(r, &t, "<", ">");
	CHECK_STR(t.p, want);
	text_fini(&t);
}

TEST(a_report_is_read_and_replaced)
{
	struct ipc_report r = { .rows = NULL };
	struct said s = two_rows();

	CHECK_EQ(ipc_report_read(&r, bytes(&s, 2)), IPC_CARRY_NEWS);
	prints(&r, "<tcp 3 carried><h1 1 stay: its server is gone>"
	    "<h1 4 closed: its server is gone>");
	s.row[0].carried = s.head.carried = 9;
	s.rows.n = 1;
	s.rows.event = IPC_CARRY_STUCK;
	CHECK_EQ(ipc_report_read(&r, bytes(&s, 1)), IPC_CARRY_STUCK);
	CHECK_EQ(r.said.carried, 9);
	prints(&r, "<tcp 9 carried>");
	ipc_report_fini(&r);
}

TEST(rows_that_are_not_understood_change_none)
{
	struct ipc_report r = { .rows = NULL };
	struct said s = two_rows();

	(void)ipc_report_read(&r, bytes(&s, 2));
	s.row[0].carried = 7;
	(void)ipc_report_read(&r, bytes(&s, 1));        /* cut */
	s.rows.version++;
	(void)ipc_report_read(&r, bytes(&s, 2));
	s = two_rows();
	s.rows.n = IPC_ROWS_MAX + 1;
	(void)ipc_report_read(&r, bytes(&s, IPC_ROWS_MAX + 1));
	CHECK(r.n_rows == 2 && r.rows[0].carried == 3);
	/* Texts end, whatever was sent. */
	s = two_rows();
	memset(s.row[1].kind, 'x', sizeof s.row[1].kind);
	memset(s.row[1].why, 'y', sizeof s.row[1].why);
	(void)ipc_report_read(&r, bytes(&s, 2));
	CHECK_EQ(strlen(r.rows[1].kind), sizeof s.row[1].kind - 1);
	CHECK_EQ(strlen(r.rows[1].why), sizeof s.row[1].why - 1);
	/* The first release says the head alone. */
	CHECK_EQ(ipc_report_read(&r, span_of((const char *)&s,
	    sizeof s.head)), IPC_CARRY_PASSED);
	ipc_report_fini(&r);
}

TEST(equal_rows_are_added_up)
{
	struct ipc_report a = { .rows = NULL }, sum = { .rows = NULL };
	struct said s = two_rows();

	(void)ipc_report_read(&a, bytes(&s, 2));
	ipc_report_add(&sum, &a);
	ipc_report_add(&sum, &a);
	CHECK(sum.said.carried == 6 && sum.said.lingering == 2 &&
	    sum.said.refused == 4);
	prints(&sum, "<tcp 6 carried><h1 2 stay: its server is gone>"
	    "<h1 8 closed: its server is gone>");
	for (int i = 0; i < 2 * IPC_ROWS_MAX; i++) {    /* all different */
		snprintf(a.rows[0].kind, sizeof a.rows[0].kind, "k%d", i);
		ipc_report_add(&sum, &a);
	}
	CHECK_EQ(sum.n_rows, IPC_ROWS_MAX);
	ipc_report_fini(&a);
	ipc_report_fini(&sum);
}

TEST(what_was_saved_is_loaded)
{
	struct ipc_report a = { .rows = NULL }, b = { .rows = NULL };
	struct said s = two_rows();
	struct span left, line;
	struct text t;

	(void)ipc_report_read(&a, bytes(&s, 2));
	text_init(&t);
	ipc_report_save(&a, 7, 1, &t);
	CHECK_STR(t.p, "give 7 1 3 1 2\nrow 7 1 3 0 tcp \n"
	    "row 7 1 0 1 h1 its server is gone\n"
	    "closed 7 1 4 h1 its server is gone\n");
	left = text_span(&t);
	while (span_cut(&left, '\n', &line)) {
		struct span word, gen, worker;

		if (line.n == 0)
			continue;
		CHECK(span_cut(&line, ' ', &word) &&
		    span_cut(&line, ' ', &gen) &&
		    span_cut(&line, ' ', &worker));
		CHECK(ipc_report_load(&b, word, line));
	}
	CHECK_MEM((char *)&b.said.carried, 12, (char *)&a.said.carried, 12);
	prints(&b, "<tcp 3 carried><h1 1 stay: its server is gone>"
	    "<h1 4 closed: its server is gone>");
	CHECK(!ipc_report_load(&b, SPAN("row"), SPAN("1 x kind")));
	CHECK(!ipc_report_load(&b, SPAN("row"), SPAN("1 2 "
	    "a-kind-that-is-much-too-long why")));
	CHECK(!ipc_report_load(&b, SPAN("give"), SPAN("1 2")));
	CHECK(!ipc_report_load(&b, SPAN("closed"), SPAN("")));
	text_fini(&t);
	ipc_report_fini(&a);
	ipc_report_fini(&b);
}
