/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What any server may answer to the checks that speak a protocol, and its
 * agent say: nothing outside the answer is read, words lie inside of it, and an
 * answer that has ended is judged. The first byte chooses the protocol.
 */
#include "../chk_proto.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static chk_judge_fn *const judges[] = { judge_redis, judge_smtp, judge_mysql,
	judge_pgsql, judge_ldap, judge_ssl };

static void
judge_copy(chk_judge_fn *judge, const uint8_t *p, size_t n, bool eof)
{
	struct chk_verdict v = { .status = CHK_UNK };
	char *copy = malloc(n == 0 ? 1 : n);
	enum why why;

	if (n != 0)
		memcpy(copy, p, n);
	why = judge(span_of(copy, n), eof, &v);
	MUST(why == WHY_OK || (why == WHY_AGAIN && !eof));
	if (why == WHY_OK) {
		MUST(v.status != CHK_UNK && v.code <= 65535);
		if (v.info.n != 0 && v.info.p >= copy && v.info.p < copy + n)
			MUST(v.info.n <= (size_t)(copy + n - v.info.p));
	}
	free(copy);
}

static void
try_agent(const uint8_t *p, size_t n)
{
	char *copy = malloc(n == 0 ? 1 : n);
	struct chk_agent_line l;

	if (n != 0)
		memcpy(copy, p, n);
	chk_agent_parse(span_of(copy, n), &l);
	MUST(l.weight.n + l.word.n + l.why.n + l.unknown.n <= n);
	MUST(l.maxconn >= -1 && l.admin >= -1 && l.admin <= CHK_MAINT);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	chk_judge_fn *judge;

	if (size == 0)
		return (0);
	judge = judges[data[0] % NELEM(judges)];
	judge_copy(judge, data + 1, size - 1, false);
	judge_copy(judge, data + 1, size - 1, true);
	try_agent(data, size);
	return (0);
}
