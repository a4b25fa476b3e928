/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_INT_H
#define RULE_INT_H
/*
 * rule_int - what the files of this room share: compiled rules, the settings
 * of a proxy, help for actions.
 */
#include <http/http.h>
#include <px/px.h>
#include <rule/rule.h>

struct rule {
	const struct rule_action *action;
	const struct cond *cond;        /* NULL: always */
	const void *priv;
	struct diag_pos pos;
	uint16_t skips;                 /* rules behind it that begin with the
	                                 * same test: where it fails, they go
	                                 * with it */
	bool unnoted;                   /* no last_rule_line: "redirect" */
};

struct rule_list {
	struct rule *v;
	unsigned n, cap;
};

struct rule_capture_cfg {
	struct rule_capture_cfg *next;
	struct span name;               /* empty: declared, filled by a rule */
	enum http_name id;
	uint32_t len;
};

/* How a frontend chooses a backend: lines in order, runs of them made one. */
struct choose_step;

struct rule_force {                     /* a force-be-switch line */
	struct rule_force *next;
	struct cond *cond;
};

struct rule_cfg {                       /* slot of a proxy */
	const struct px *owner;         /* whose lists these are */
	struct rule_list set[RULE_N];
	struct rule_list redirects;     /* "redirect" lines: after http-request */
	int64_t inspect_ms[2];          /* tcp-request, tcp-response */
	struct px_use_be *use_last;
	struct rule_force *force;       /* force-be-switch */
	struct choose_step *steps;
	unsigned n_steps;
	struct rule_capture_cfg *cap[2];        /* request, response */
	unsigned n_cap[2];
	bool cap_named[2];              /* some are of a header by its name */
	bool cap_own;                   /* none is still the defaults' */
	unsigned seen;                  /* bits of enum rule_place: lines of
	                                 * other rooms, in this proxy */
	struct span cookie;             /* capture cookie: how it begins */
	uint32_t cookie_len;
};
PX_SLOT_DECLARE(rule_slot);

/* rule_cfg_edit - this proxy's own settings, for writing. */
struct rule_cfg *rule_cfg_edit(struct px *);

/* rule_capture_new - one more capture of a proxy; its number out. */
struct rule_capture_cfg *rule_capture_new(struct conf_line *, struct px *,
    bool response, unsigned *no);

/* rule_append - add to a list that may still be that of the defaults. */
struct rule *rule_append(struct conf_line *, struct rule_list *);

/* rule_if - the next word begins a condition, or there is none. */
static inline bool
rule_if(const struct conf_line *l)
{
	return (conf_left(l) == 0 || conf_next_is(l, "if") ||
	    conf_next_is(l, "unless"));
}

/* rule_failed - what a rule says that could not do its work: an answer by 500
 * unless strict-mode is off. */
enum rule_verdict rule_failed(struct rule_run *);

/* rule_target_split - scheme and authority, path, query of the target as it
 * is now; false: it has none. rule_target_set - put another one together, with
 * a question mark unless the query is SPAN_NONE. */
bool rule_target_split(struct txn *, struct span *before, struct http_uri *);
void rule_target_set(struct txn *, struct span before, struct span path,
    struct span query);

/* rule_choose_build - compile the use_backend lines of a frontend. */
bool rule_choose_build(struct conf *, struct px *);

/* rule_redirect_parse - the words of a redirect; `plain`: the "redirect"
 * keyword, whose texts are no formats. */
void *rule_redirect_parse(struct conf_line *, enum rule_set, bool plain);
extern const struct rule_action *const rule_redirect_action;
#endif
