/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAT_PAGE_H
#define STAT_PAGE_H
/*
 * stat_page - the statistics page, inside the room: its settings, the walk over
 * what it shows, its HTML.
 *
 * Source: configuration manual 4.2 "stats ..."; management manual 9.1 for what
 * may follow the URI.
 */
#include <expr/expr.h>
#include <http/http.h>
#include <rule/rule.h>

#include "stat_int.h"

/* Of the script in stat_html.c. */
#define STAT_TICK_HASH "sha256-KZ9nnklneqQAS/OrqPj04zKO8OOggq2Sd0n0NBwp5tk="

enum stat_access { STAT_ALLOW, STAT_DENY, STAT_AUTH };

struct stat_access_rule {               /* stats http-request */
	struct stat_access_rule *next;
	uint8_t what;                   /* enum stat_access */
	struct span realm;
	struct cond *cond;
};

struct stat_word {                      /* an account, a name in scope */
	struct stat_word *next;
	struct span text;
};

struct stat_page_cfg {
	bool on;
	struct span uri, realm;         /* empty: the defaults */
	int64_t refresh_s;              /* 0: none */
	bool hide_version, legends, modules, show_node, show_desc;
	const char *node, *desc;        /* instead of those of `global` */
	struct stat_word *accounts, *scope;
	struct stat_access_rule *rules;
	struct stat_admin_rule {        /* stats admin: any of them */
		struct stat_admin_rule *next;
		struct cond *cond;
	} *admins;
};
PX_SLOT_DECLARE(stat_page_slot);

/* What the URI says of the form of the page. */
struct stat_view {
	struct stat_opts opt;
	bool html, csv, schema, refresh, norefresh;
	int result;                     /* enum stat_result to show, or -1 */
	struct span base;               /* the URI without options */
	struct span filter;             /* ?scope=: a part of proxies' names */
};

/* One page being made. */
struct stat_page {
	const struct stat_page_cfg *cfg;
	const struct px *px;            /* where it is shown */
	struct stat_view v;
	bool admin;                     /* with forms */
	struct text out;
	struct stat_row row;
};

/* What became of a form. */
enum stat_result { STAT_DONE, STAT_PART, STAT_NONE, STAT_ERRP, STAT_EXCD,
	STAT_DENIED };

/* Actions of forms, ended by NULL. */
extern const struct stat_order { const char *word, *label; } stat_orders[];

/* stat_page_action - the rule that answers for the page; priv: nothing. */
extern const struct rule_action stat_page_action;

/* stat_page_shows - the page of proxy `at` may show `px`.
 * stat_page_is_admin - this request may change servers. */
bool stat_page_shows(const struct stat_page_cfg *, const struct px *at,
    const struct px *px);
bool stat_page_is_admin(const struct stat_page_cfg *, struct txn *);

/* stat_admin_run - a form was posted: the rule's verdict. */
enum rule_verdict stat_admin_run(const struct stat_page_cfg *,
    const struct stat_view *, struct txn *, struct rule_run *);

/* stat_result_of - "DONE": its enum stat_result, or -1. stat_result_put - the
 * sentence about it. */
int stat_result_of(struct span word);
void stat_result_put(struct text *, int result);

/* stat_html_* - parts of the page, in this order. */
void stat_html_head(struct stat_page *);
void stat_html_proxy(struct stat_page *, const struct px *);
void stat_html_row(struct stat_page *, const struct px *);
void stat_html_proxy_end(struct stat_page *, const struct px *);
void stat_html_end(struct stat_page *);
#endif
