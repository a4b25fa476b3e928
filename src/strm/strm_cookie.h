/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRM_COOKIE_H
#define STRM_COOKIE_H
/*
 * strm_cookie - what lines say about persistence; kept by strm_cookie_kw.c,
 * obeyed by strm_cookie.c.
 */
#include <expr/expr.h>
#include <px/px.h>

/* Who writes the cookie. */
enum cookie_mode {
	COOKIE_WATCH,                   /* nobody here: it is only read */
	COOKIE_INSERT, COOKIE_REWRITE, COOKIE_PREFIX
};

struct cookie_attr {                    /* ".example.com", "SameSite=Lax" */
	struct cookie_attr *next;
	struct span text;
};

struct persist_rule {                   /* force-persist, ignore-persist */
	struct persist_rule *next;
	struct cond *cond;
	bool force;
};

struct use_server {
	struct use_server *next;
	struct cond *cond;
	struct logfmt *name;
	const struct px_server *srv;    /* of a constant name */
	struct diag_pos pos;
};

struct cookie_cfg {
	bool active;                    /* any of this is used */
	struct span name;               /* n 0: no cookie */
	uint8_t mode;                   /* enum cookie_mode */
	bool indirect, nocache, postonly, preserve, dynamic;
	uint32_t idle_s, life_s;        /* maxidle, maxlife; 0: none */
	bool httponly, secure;
	struct cookie_attr *domains, *attrs;
	struct span key;                /* dynamic-cookie-key */
	const struct expr *rdp;         /* persist rdp-cookie; or NULL */
	struct persist_rule *rules;
	struct use_server *use;
};
PX_SLOT_DECLARE(strm_cookie_slot);

struct cookie_srv_cfg {
	struct span value;              /* n 0: none */
	struct span redir;
};
PX_SLOT_DECLARE(strm_cookie_srv_slot);

/* strm_persists - the backend has anything for strm_cookie.c to do. */
static inline bool
strm_persists(const struct px *be)
{
	const struct cookie_cfg *c = px_get(&be->slots, &strm_cookie_slot);

	return (__builtin_expect(c->active, 0));
}
#endif
