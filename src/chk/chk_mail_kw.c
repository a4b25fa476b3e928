/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chk_mail_kw - mailers sections, and email-alert lines of proxies.
 *
 * Source: configuration manual 3.6, 4.2 "email-alert".
 */
#include "chk_mail.h"

#include <base/must.h>
#include <conf/conf.h>
#include <conf/kw.h>

#define TIMEOUT_MS 10000

static const struct chk_mail_cfg initial = { .level = LOG_L_ALERT };
PX_SLOT(PX_OBJ_PROXY, struct chk_mail_cfg, chk_mail_slot, &initial);

struct chk_mailers *chk_mailers_all;

static struct chk_mailers *
find(const char *name)
{
	struct chk_mailers *m = chk_mailers_all;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	return (m);
}

/* ---- sections ---- */

static void *
begin_mailers(struct conf_line *l)
{
	const struct conf_word *w = conf_peek(l);
	const struct chk_mailers *twin;
	struct chk_mailers *m;
	struct span name;

	if (!conf_want_name(l, "a name for the section", &name) ||
	    !conf_end(l))
		return (NULL);
	if ((twin = find(name.p)) != NULL) {
		conf_err(l, w, "mailers '%s' has the same name as another "
		    "section at %s:%d", name.p, twin->pos.file,
		    twin->pos.line);
		return (NULL);
	}
	m = arena_zget(l->conf->arena, sizeof *m);
	m->name = name.p;
	m->pos = conf_pos(l, w);
	m->timeout_ms = TIMEOUT_MS;
	m->next = chk_mailers_all;
	return (chk_mailers_all = m);
}

static bool
parse_mailer(struct conf_line *l, void *obj)
{
	struct chk_mailers *in = obj;
	struct chk_mailer *m = arena_zget(l->conf->arena, sizeof *m),
	    **tail = &in->first;
	struct span name;

	if (!conf_want_name(l, "a name", &name) ||
	    !conf_want_ip(l, "mailer", true, &m->addr))
		return (false);
	while (*tail != NULL)
		tail = &(*tail)->next;
	m->name = name.p;
	m->in = in;
	m->last = &m->first;
	*tail = m;
	return (conf_end(l));
}

static bool
parse_timeout(struct conf_line *l, void *obj)
{
	struct chk_mailers *in = obj;
	const struct conf_word *w = conf_peek(l);
	int64_t ms;

	if (!conf_want_time(l, "a time", "ms", &ms))
		return (false);
	if (ms == 0)
		return (conf_err(l, w, "'timeout mail' expects a positive "
		    "time"));
	in->timeout_ms = ms;
	return (conf_end(l));
}

/* ---- lines of proxies ---- */

static struct chk_mail_cfg *
edit(struct conf_line *l, void *obj)
{
	struct px *px = OBJ(obj, struct px, PX_MAGIC);
	struct chk_mail_cfg *c = px_edit(&px->slots, &chk_mail_slot);

	c->said = true;
	c->pos = conf_pos(l, NULL);
	return (c);
}

/* It becomes part of a line of SMTP. */
static bool
want_word(struct conf_line *l, const char *what, const char **out)
{
	const struct conf_word *w = conf_peek(l);
	struct span s;

	if (!conf_want(l, what, &s))
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == '<' ||
		    s.p[i] == '>' || s.p[i] == 0x7f)
			return (conf_err(l, w, "'%s' expects %s without blanks "
			    "and brackets, got '%s'", l->kw->name, what,
			    s.p));
	if (s.n == 0)
		return (conf_err(l, w, "'%s' expects %s", l->kw->name, what));
	*out = s.p;
	return (conf_end(l));
}

static bool
parse_from(struct conf_line *l, void *obj)
{
	return (want_word(l, "a mail address", &edit(l, obj)->from));
}

static bool
parse_to(struct conf_line *l, void *obj)
{
	return (want_word(l, "a mail address", &edit(l, obj)->to));
}

static bool
parse_hostname(struct conf_line *l, void *obj)
{
	return (want_word(l, "a host name", &edit(l, obj)->hostname));
}

static bool
parse_mailers(struct conf_line *l, void *obj)
{
	return (want_word(l, "the name of a mailers section",
	    &edit(l, obj)->mailers_name));
}

static bool
parse_level(struct conf_line *l, void *obj)
{
	return (log_want_level(l, &edit(l, obj)->level) && conf_end(l));
}

static bool
finish(struct conf *c, struct px *px)
{
	const struct chk_mail_cfg *m = px_get(&px->slots, &chk_mail_slot);
	struct chk_mailers *found;

	if (!m->said || px->disabled)
		return (true);
	if (m->from == NULL || m->to == NULL || m->mailers_name == NULL) {
		conf_fail(c, DIAG_WARNING, m->pos, "'email-alert' will be "
		    "ignored for proxy '%s': 'email-alert from', 'email-alert "
		    "to' and 'email-alert mailers' have to be there", px->name);
		return (true);
	}
	if ((found = find(m->mailers_name)) == NULL)
		return (conf_fail(c, DIAG_ALERT, m->pos, "Proxy '%s': unable "
		    "to find mailers '%s'", px->name, m->mailers_name));
	if (found->first == NULL)
		return (conf_fail(c, DIAG_ALERT, found->pos, "mailers '%s' has "
		    "no 'mailer' line, and proxy '%s' mails through it",
		    found->name, px->name));
	((struct chk_mail_cfg *)px_edit(&px->slots, &chk_mail_slot))->mailers =
	    found;
	return (true);
}

static bool
finish_all(struct conf *c)
{
	bool good = true;

	if (!px_said(&chk_mail_slot))
		return (true);
	PX_EACH(px, px_model)
		good &= finish(c, px);
	return (good);
}
CONF_CHECK(chk_mail, 20, finish_all);

SECTION(mailers) = {
	.name = "mailers", .in = KW_MAILERS, .begin = begin_mailers,
	.args = "<name>",
	.doc = "Mail servers that are told of servers' changes: see "
	    "email-alert.",
};
KEYWORD(mailer) = {
	.name = "mailer", .in = KW_MAILERS, .args = "<name> <address>:<port>",
	.parse = parse_mailer,
	.doc = "A mail server, which is spoken to by SMTP in the clear. Each of "
	    "the section gets each mail.",
	.example = "mailer smtp1 192.0.2.25:25",
};
KEYWORD(timeout_mail) = {
	.name = "timeout mail", .in = KW_MAILERS, .args = "<time>",
	.parse = parse_timeout,
	.doc = "How long a mail may take, from the connection on (10s).",
	.example = "timeout mail 20s",
};

#define ALERT(ident, word, words, fn, text, line)                            \
	KEYWORD(alert_##ident) = {                                           \
		.name = "email-alert " word, .in = KW_PROXY, .args = words,  \
		.parse = fn, .doc = text, .example = line,                   \
	}
ALERT(from, "from", "<address>", parse_from,
    "Who mails about servers of this proxy come from. With it go `email-alert "
    "to` and `email-alert mailers`.", "email-alert from lb@example.com");
ALERT(to, "to", "<address>", parse_to, "Who gets them.",
    "email-alert to ops@example.com");
ALERT(hostname, "myhostname", "<name>", parse_hostname,
    "What this machine is called towards mailers; its host name.",
    "email-alert myhostname lb1.example.com");
ALERT(mailers, "mailers", "<section>", parse_mailers,
    "The `mailers` section that they go through.",
    "email-alert mailers office");
ALERT(level, "level", "<level>", parse_level,
    "Up to which level there are mails: `alert`, the default, when a server is "
    "down; `notice` also when it is up again or drains; `info` also for the "
    "results of checks that `option log-health-checks` logs.",
    "email-alert level notice");
