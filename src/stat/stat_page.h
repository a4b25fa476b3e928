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

#include "stat_int.h"

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
	bool hide_version, legends, show_node, show_desc;
	const char *node, *desc;        /* instead of those of `global` */
	struct stat_word *accounts, *scope;
	struct stat_access_rule *rules;
};
PX_SLOT_DECLARE(stat_page_slot);

/* One page being made. */
struct stat_page {
	const struct stat_page_cfg *cfg;
	const struct px *px;            /* where it is shown */
	struct stat_opts opt;
	bool html, csv, refresh;
	struct span base;               /* its URI without what follows ';' */
	struct text out;
	struct stat_row row;
};

/* stat_page_action - the rule that answers for the page; priv: nothing. */
extern const struct rule_action stat_page_action;

/* stat_html_* - parts of the page, in this order. */
void stat_html_head(struct stat_page *);
void stat_html_proxy(struct stat_page *, const struct px *);
void stat_html_row(struct stat_page *);
void stat_html_proxy_end(struct stat_page *);
void stat_html_end(struct stat_page *);
#endif
