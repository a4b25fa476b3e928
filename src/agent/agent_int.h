/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_AGENT_INT_H
#define AGENT_AGENT_INT_H
/*
 * Between the agent's main and its side of the topics.
 */
#include <agent/agent.h>

#define AGENT_LAST_PIECE 1              /* flag of IPC_ANSWER */

/* agent_topic_no, agent_topic_at - place of a topic in the table of this
 * image; NULL when there is none. */
uint16_t agent_topic_no(const struct agent_topic *);
const struct agent_topic *agent_topic_at(uint16_t no);

/* agent_kept_each - what was kept, in order. */
void agent_kept_each(void (*)(uint16_t topic, struct span data, void *arg),
    void *arg);

/* agent_worker_add, agent_worker_drop - a worker's channel came or ended. */
void agent_worker_add(struct loop *, int no, pid_t, int fd);
void agent_worker_drop(struct agent_worker *);
struct agent_worker *agent_worker_find(pid_t);

/* agent_settle - IPC_TOLD to workers that no lesson has anything for any more. */
void agent_settle(void);

/* agent_on_worker - tells the parts that a worker came or went; set by the
 * main, NULL before. */
extern void (*agent_on_worker)(struct agent_worker *, bool came);
#endif
