/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_test - which lists are read how, who is meant, the n-th time.
 */
#include <base/test.h>

#include "../fault.c"

TEST(one_entry)
{
	static const struct {
		const char *in, *role, *point;
		uint32_t gen;
		uint64_t at;
		enum action action;
		uint64_t ms;
	} rows[] = {
		{ "a.b:kill", "", "a.b", 0, 1, KILL, 0 },
		{ "a.b:3:exit", "", "a.b", 0, 3, EXIT, 0 },
		{ "a.b:*:fail", "", "a.b", 0, 0, FAIL, 0 },
		{ "worker:a.b:stop", "worker", "a.b", 0, 1, STOP, 0 },
		{ "agent:a.b:*:spin", "agent", "a.b", 0, 0, SPIN, 0 },
		{ "worker/2:a.b:7:fail", "worker", "a.b", 2, 7, FAIL, 0 },
		{ "keeper/10:a.b:delay=250", "keeper", "a.b", 10, 1, DELAY,
		    250 },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct fault f;

		CHECK(take_fault(span_str(rows[i].in), &f));
		CHECK(span_is(f.role, rows[i].role));
		CHECK(span_is(f.point, rows[i].point));
		CHECK_EQ(f.gen, rows[i].gen);
		CHECK_EQ(f.at, rows[i].at);
		CHECK_EQ(f.action, rows[i].action);
		CHECK_EQ(f.delay_ms, rows[i].ms);
	}
}

TEST(one_process_of_many)
{
	char list[64], path[] = "/tmp/fault_test.XXXXXX";
	int fd = mkstemp(path);

	fd_close(&fd);
	snprintf(list, sizeof list, "a.b:fail@%s", path);
	CHECK(take_list(span_str(list)));
	fault_scope("worker", 1);
	CHECK(!fault_at("a.b"));        /* another one has done it */
	(void)unlink(path);
	fault_scope("worker", 1);
	CHECK(fault_at("a.b"));
	CHECK(access(path, F_OK) == 0);
	fault_scope("worker", 1);
	CHECK(!fault_at("a.b"));
	(void)unlink(path);
}

TEST(wrong_entries)
{
	static const char *const rows[] = {
		"", "a.b", "a.b:", "a.b:crash", "a.b:0:kill", "a.b:x:kill",
		"kill", "nobody:a.b:kill", "worker/0:a.b:kill",
		"worker/x:a.b:kill", "worker:a.b", "worker:kill",
		"a.b:delay", "a.b:delay=x", "a.b:kill=1", "a.b:1:kill:2",
		"a.b:spin=1",
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct fault f;

		if (!CHECK(!take_fault(span_str(rows[i]), &f)))
			printf("row '%s'\n", rows[i]);
	}
}

TEST(only_who_is_meant)
{
	CHECK(take_list(SPAN("worker/2:a.b:2:fail,keeper:c.d:fail")));
	CHECK_EQ(n_faults, 2);
	fault_scope("worker", 1);
	CHECK(!fault_armed);
	CHECK(!fault_at("a.b") && !fault_at("a.b"));
	fault_scope("worker", 2);
	CHECK(fault_armed);
	CHECK(!fault_at("a.b"));
	CHECK(!fault_at("c.d"));
	CHECK(fault_at("a.b"));
	CHECK(!fault_at("a.b"));        /* once */
	fault_scope("worker", 2);       /* another process of that kind */
	CHECK(!fault_at("a.b") && fault_at("a.b"));
	fault_scope("keeper", 7);
	CHECK(fault_at("c.d") && !fault_at("a.b"));
	fault_scope("master", 0);
	CHECK(!fault_armed);
	CHECK(take_list(SPAN("master:a.b:*:fail")));
	fault_scope("master", 0);
	CHECK(fault_at("a.b") && fault_at("a.b") && !fault_at("c.d"));
}
