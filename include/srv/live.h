/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LIVE_H
#define SRV_LIVE_H
/*
 * live - servers that come and go while the process runs.
 *
 * The agent asks the keeper ("order"), which makes the place in shared memory,
 * as for a server of the configuration, and takes the server into its own image:
 * whoever is forked later knows it. The answer is a record from which agent and
 * workers do the same. Records are numbered by the keeper and may come twice.
 *
 * An order is made by srv_live_order_text(); a record is bytes to pass on.
 */
#include <base/text.h>
#include <srv/srv.h>

enum srv_live_op { SRV_LIVE_ADD = 1, SRV_LIVE_DEL = 2 };

/* srv_live_fits - the proxy's algorithm can do with servers that come. */
bool srv_live_fits(const struct px *);

/* srv_live_order_* - what the keeper is asked to do. */
void srv_live_order_add(struct text *, const struct px *, struct span name,
    const struct span *word, int n);
void srv_live_order_del(struct text *, const struct srv *);

/* srv_live_obey - in the keeper, under its lock: `answer` is the record. False:
 * it says why not, for people. */
bool srv_live_obey(struct span order, struct text *answer);

/* srv_live_apply - in agent and workers: do what the record says, unless that
 * is done. False when it can't be; else *be is whose server it is, and *srv the
 * one that came, or NULL. */
bool srv_live_apply(struct span record, struct be **be, struct srv **srv);

/* srv_live_each - the records from which a process that was forked a while ago
 * comes to know what this one does. */
void srv_live_each(void (*fn)(struct span record, void *arg), void *arg);

/* What else a room keeps of a server. `place` is called in the keeper: it finds
 * or makes its shared memory (NULL: it needs none; false: there is no room).
 * `came` and `went` are called in all processes. At most SRV_LIVE_PARTS. */
#define SRV_LIVE_PARTS 4
struct srv_live_part {
	bool (*place)(const struct srv *, void **at);
	void (*came)(struct srv *, void *at);
	void (*went)(struct srv *);
};
#define SRV_LIVE_PART(ident)                                                 \
	static const struct srv_live_part srv_live_part_##ident;             \
	static const struct srv_live_part *const srv_live_partp_##ident      \
	    KW_SECTION("srv_live_parts") = &srv_live_part_##ident;           \
	static const struct srv_live_part srv_live_part_##ident
#endif
