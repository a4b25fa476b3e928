/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_kept - what agents said that holds for every process of the generation.
 * The keeper has all of it, so that a process finds it in its memory when it is
 * forked; and an agent, for workers that were forked while it was on its way.
 */
#include <stdlib.h>
#include <string.h>

#include <agent/agent.h>
#include <base/must.h>

#include "agent_int.h"

struct kept {
	struct list node;
	uint16_t topic;
	size_t key_n, n;
	char data[];
};

static struct list all = LIST_INIT(all);

static struct kept *
find(uint16_t topic, struct span key)
{
	LIST_EACH(it, &all) {
		struct kept *k = LIST_ITEM(it, struct kept, node);

		if (k->topic == topic && k->key_n == key.n &&
		    memcmp(k->data, key.p, key.n) == 0)
			return (k);
	}
	return (NULL);
}

bool
agent_kept_put(uint16_t topic, size_t key_n, struct span data)
{
	struct kept *k;

	if (agent_topic_at(topic) == NULL || key_n == 0 || key_n > data.n)
		return (false);
	if ((k = find(topic, span_of(data.p, key_n))) != NULL) {
		list_del(&k->node);
		free(k);
	}
	k = must_alloc(sizeof *k + data.n);
	k->topic = topic;
	k->key_n = key_n;
	k->n = data.n;
	memcpy(k->data, data.p, data.n);
	list_push_back(&all, &k->node);
	return (true);
}

void
agent_kept_each(void (*fn)(uint16_t topic, struct span data, void *arg),
    void *arg)
{
	LIST_EACH(it, &all) {
		struct kept *k = LIST_ITEM(it, struct kept, node);

		fn(k->topic, span_of(k->data, k->n), arg);
	}
}

static void
be_told(uint16_t topic, struct span data, void *arg)
{
	const struct agent_topic *t = agent_topic_at(topic);

	(void)arg;
	if (t->told != NULL)
		t->told(data);
}

void
agent_kept_apply(void)
{
	agent_kept_each(be_told, NULL);
}
