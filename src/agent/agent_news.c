/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_news - whether anything was changed at run time that a process learns
 * from the agent alone. As long as nothing was, a worker that replaces another
 * need not wait for the agent's word.
 */
#include <sys/mman.h>

#include <agent/agent.h>
#include <base/must.h>

static _Atomic bool none, *news = &none;        /* set once, never cleared */

void
agent_news_open(void)
{
	void *p = mmap(NULL, sizeof *news, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		must_oom(sizeof *news);
	news = p;
}

void
agent_news_made(void)
{
	*news = true;
}

bool
agent_news(void)
{
	return (*news);
}
