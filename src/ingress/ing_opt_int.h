/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ING_OPT_INT_H
#define ING_OPT_INT_H
/*
 * ing_opt_int - the tables of option rows, one per family and file.
 */
#include <ingress/annot.h>

extern const struct ing_opt ing_opt_route[];    /* paths, rewriting, https */
extern const struct ing_opt ing_opt_host[];     /* names, ciphers */
extern const struct ing_opt ing_opt_response[]; /* headers, cookies, speed */
extern const struct ing_opt ing_opt_access[];   /* addresses, passwords */
extern const struct ing_opt ing_opt_ask[];      /* a service about them */
extern const struct ing_opt ing_opt_client[];   /* their certificates */
extern const struct ing_opt ing_opt_cors[];
extern const struct ing_opt ing_opt_canary[];   /* a second backend */
extern const struct ing_opt ing_opt_proxy[];    /* how to speak to servers */
extern const struct ing_opt ing_opt_upstream[]; /* TLS with them */
extern const struct ing_opt ing_opt_balance[];  /* which server */
extern const struct ing_opt ing_opt_limit[];    /* how often */
extern const struct ing_opt ing_opt_block[];    /* the ConfigMap alone */
extern const struct ing_opt ing_opt_global[];   /* the ConfigMap alone */
extern const struct ing_opt ing_opt_door[];     /* idem: TLS, connections */
extern const struct ing_opt ing_opt_log[];      /* idem: what is told */

/* A row for a setting of the ConfigMap alone. */
#define ING_SETTING(key, how, member, by, value, differs)                    \
	{ .configmap = key, .kind = ING_O_##how, OPT(member),                \
	  .at = ING_AT_PLAN, .parse = by, .dflt = value, .doc = differs }

/* ing_parse_code - one of `codes` (ends with 0); another number becomes the
 * first, as ingress-nginx has it. */
bool ing_parse_code(struct ing_parse *, struct span, int64_t *,
    const int64_t *codes);

/* Finishers. */
bool ing_opt_auth_finish(struct ing_parse *, struct ing_opts *);
bool ing_opt_ask_finish(struct ing_parse *, struct ing_opts *);
bool ing_opt_client_finish(struct ing_parse *, struct ing_opts *);
bool ing_opt_upstream_finish(struct ing_parse *, struct ing_opts *);
bool ing_opt_headers_finish(struct ing_parse *, struct ing_opts *);

/* ing_opt_headers - a ConfigMap of headers; NULL with p->why: it is not there,
 * or one of them can't be, or is not `allowed` (NULL: all are). */
const struct ing_data *ing_opt_headers(struct ing_parse *, const char *ref,
    const struct ing_strs *allowed);

/* ing_opt_vars - a text with $variables, as a log-format; of what is no letter,
 * digit or '_' it may have `others`. False: a variable that is not known, or
 * another character. ing_opt_var_name - cuts "$name" or "${name}" from the
 * front. */
bool ing_opt_vars(struct text *, struct span, const char *others);
bool ing_opt_var_name(struct span *, struct span *name);

/* ing_opt_var_sample - the sample of a variable; false: it is not known. */
bool ing_opt_var_sample(struct text *, struct span name);

/* A letter, a digit, or '_'. */
bool ing_opt_is_word(char);

/* A list of ciphers that OpenSSL takes. */
bool ing_parse_ciphers(struct ing_parse *, struct span, void *);

/* ing_opt_data - a Secret or ConfigMap, "name" or "ns/name" of any namespace;
 * NULL with p->why: it is not there. */
const struct ing_data *ing_opt_data(struct ing_parse *, enum ing_kind,
    const char *ref);

/* ing_opt_secret - the same of a Secret; NULL as well when it is of a namespace
 * that may not be used. */
const struct ing_data *ing_opt_secret(struct ing_parse *, const char *ref);

/* An absolute URL of http or https. */
bool ing_parse_url(struct ing_parse *, struct span, void *);

/* An IPv4 or IPv6 address. */
bool ing_is_address(struct span);

/* A time of nginx, "240s" or a bare number of seconds: seconds, not 0. */
bool ing_parse_time(struct ing_parse *, struct span, void *);

/* A size of nginx, "512", "8k", "1m". */
bool ing_parse_size(struct ing_parse *, struct span, void *);

/* A number from 0 to a million. */
bool ing_parse_count(struct ing_parse *, struct span, void *);

/* Seconds of something that may be longer than any timer. */
bool ing_parse_age(struct ing_parse *, struct span, void *);

/* ing_is_plain_path - of nothing but what means itself everywhere. */
bool ing_is_plain_path(const char *);

/* "on" or "off". */
bool ing_parse_switch(struct ing_parse *, struct span, void *);

/* One of `words` (ends with NULL), any case: its index. */
bool ing_parse_enum(struct ing_parse *, struct span, int64_t *,
    const char *const *words, const char *expected);

/* ing_parse_bad - "expected WHAT, found 'VALUE'"; returns false. */
bool ing_parse_bad(struct ing_parse *, struct span, const char *expected);

/* ing_parse_list - cut at commas and blanks; each one must pass `is`, or the
 * list is refused as not what was `expected`. */
bool ing_parse_list(struct ing_parse *, struct span, struct ing_strs *,
    bool (*is)(struct span), const char *expected);
#endif
