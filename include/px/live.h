/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_LIVE_H
#define PX_LIVE_H
/*
 * live - servers that come and go while the process runs ("add server").
 *
 * Each process of a generation has its own copy of the model, and makes the
 * same change to it: from the same words come the same settings.
 */
#include <px/px.h>

/* How many there may be at a time, beside those of the configuration. */
#define PX_LIVE_MAX 4096

/* px_rt_room - so many values px_server.rt may have. The last one is nobody's:
 * what stands in for servers that left has it. */
static inline uint32_t
px_rt_room(void)
{
	return (px_model->n_servers + PX_LIVE_MAX + 1);
}
static inline uint32_t
px_rt_nobody(void)
{
	return (px_rt_room() - 1);
}

/*
 * px_live_parse - a server of `px` from the words behind its name; not in the
 * model yet, and without a number unless the words give one. What default-server
 * lines say does not count. NULL: diags say what is wrong.
 */
struct px_server *px_live_parse(struct px *, struct span name,
    const struct span *word, int n, struct diags *);

/* px_live_id - the lowest number that no server of the proxy has. */
uint32_t px_live_id(const struct px *);

/* px_live_join, px_live_part - into the model, and out of it. The memory of
 * one that left stays, as something may still point there. */
void px_live_join(struct px_server *);
void px_live_part(struct px_server *);

/*
 * A look at one server's settings when all its words are known. By rank; false
 * after an error. PX_SERVER_CHECK looks at those of the configuration as well,
 * unless none of them has a value in `slot` (NULL: at all of them);
 * PX_LIVE_CHECK only at those that come.
 */
struct px_live_check {
	int rank;
	bool (*run)(struct conf *, struct px_server *);
};
#define PX_LIVE_CHECK(ident, order, fn)                                      \
	static const struct px_live_check px_live_check_##ident =            \
	    { (order), (fn) };                                               \
	static const struct px_live_check *const px_live_checkp_##ident      \
	    KW_SECTION("px_live_checks") = &px_live_check_##ident
#define PX_SERVER_CHECK(ident, order, slot, fn)                              \
	PX_LIVE_CHECK(ident, order, fn);                                     \
	static bool                                                          \
	px_server_check_##ident(struct conf *c)                              \
	{                                                                    \
		return (px_check_servers(c, (slot), (fn)));                  \
	}                                                                    \
	CONF_CHECK(ident, order, px_server_check_##ident)

/* px_check_servers - what PX_SERVER_CHECK does at start. */
bool px_check_servers(struct conf *, const struct px_slot *,
    bool (*check)(struct conf *, struct px_server *));
#endif
