/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cli - what the commands about TLS have in common; providers, and keys of
 * tickets.
 *
 * Source: management manual 9.3, "show ssl providers", "show tls-keys",
 * "set ssl tls-key".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

#include <stdlib.h>
#include <string.h>

#include <agent/agent.h>
#include <base/b64.h>
#include <base/must.h>
#include <base/num.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "tls_sess.h"

struct job {
	uint32_t question;
};

enum cli_done
tls_cli_synced(struct cli_ctx *x)
{
	struct job *j = cli_alloc(x, sizeof *j);

	x->priv = j;
	j->question = tls_sync_wait(cli_finish_synced, x);
	return (CLI_LATER);
}

void
tls_cli_dropped(struct cli_ctx *x)
{
	struct job *j = x->priv;

	if (j != NULL)
		agent_ask_drop(j->question);
}

const char *
tls_cli_name(struct cli_ctx *x, const char *expects)
{
	if (x->at < x->n && x->arg[x->at].n > 0)
		return (x->arg[x->at].p);
	cli_say(x, 3, "%s", expects);
	return (NULL);
}

bool
tls_cli_txn(struct cli_ctx *x, const char *path, const char *name)
{
	if (path != NULL && strcmp(path, name) == 0)
		return (true);
	if (path == NULL)
		cli_say(x, 3, "No ongoing transaction!");
	else
		cli_say(x, 3, "The ongoing transaction is about '%s' but you "
		    "are trying to set '%s'", path, name);
	return (false);
}

int
tls_cli_cut(const char *word, struct span *name)
{
	const char *colon = strrchr(word, ':');
	uint64_t n;

	*name = span_str(word);
	if (colon == NULL)
		return (0);
	name->n = (size_t)(colon - word);
	return (num_u64(span_str(colon + 1), &n) && n <= INT32_MAX ? (int)n :
	    -1);
}

struct span
tls_cli_copy(struct cli_ctx *x, struct span s)
{
	char *p = cli_alloc(x, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (span_of(p, s.n));
}

bool
tls_cli_base64(struct span text, struct span *out)
{
	char *p = (char *)(uintptr_t)text.p;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && text.p[i] != '\r' &&
		    text.p[i] != ' ')
			p[n++] = text.p[i];
	*out = span_of(p, n);
	return (n > 0 && b64_get(p, &out->n, *out, B64_STD));
}

/* ---- providers ---- */

static int
show_provider(OSSL_PROVIDER *p, void *arg)
{
	text_printf(arg, "\t- %s\n", OSSL_PROVIDER_get0_name(p));
	return (1);
}

static enum cli_done
show_providers(struct cli_ctx *x)
{
	text_addz(x->out, "Loaded providers : \n");
	(void)OSSL_PROVIDER_do_all(NULL, show_provider, x->out);
	return (CLI_DONE);
}

/* ---- keys of tickets ---- */

static struct tls_ticket_file *
want_keys(struct cli_ctx *x)
{
	struct span s = cli_arg(x, x->at);
	struct tls_ticket_file *f;
	uint64_t no;
	bool by_no = s.n > 1 && s.p[0] == '#' &&
	    num_u64(span_skip(s, 1), &no);

	for (f = tls_ticket_first(); f != NULL; f = tls_ticket_next(f))
		if (by_no ? tls_ticket_no(f) == no :
		    span_is(s, tls_ticket_path(f)))
			return (f);
	cli_say(x, 3, "'%s' unable to locate referenced filename",
	    x->at == 2 ? "show tls-keys" : "set ssl tls-key");
	return (NULL);
}

static void
show_keys(struct cli_ctx *x, const struct tls_ticket_file *f, bool secrets)
{
	struct text *t = x->out;

	text_printf(t, "%s%u (%s)\n", secrets ? "# " : "", tls_ticket_no(f),
	    tls_ticket_path(f));
	for (unsigned i = 0; secrets; i++) {
		size_t was = t->n;

		text_printf(t, "%u.%u ", tls_ticket_no(f), i);
		if (!tls_ticket_text(f, i, t)) {
			t->n = was;
			break;
		}
		text_addc(t, '\n');
	}
}

static enum cli_done
show_tls_keys(struct cli_ctx *x)
{
	bool all = x->n <= x->at || cli_is(x, x->at, "*");
	bool secrets = x->n > x->at;
	const struct tls_ticket_file *f = all ? tls_ticket_first() :
	    want_keys(x);

	if (f == NULL && !all)
		return (CLI_DONE);
	if (secrets && x->level < PX_LEVEL_ADMIN) {
		cli_say(x, 3, "Permission denied");
		return (CLI_DONE);
	}
	text_addz(x->out, secrets ? "# id secret\n" : "# id (file)\n");
	for (; f != NULL; f = all ? tls_ticket_next(f) : NULL)
		show_keys(x, f, secrets);
	return (CLI_DONE);
}

static enum cli_done
set_tls_key(struct cli_ctx *x)
{
	struct span key = cli_arg(x, x->at + 1);
	struct tls_ticket_file *f;
	uint8_t bytes[B64_DECODED(128)];
	size_t n;

	if (cli_arg(x, x->at).n == 0 || key.n == 0) {
		cli_say(x, 3, "'set ssl tls-key' expects a filename and the "
		    "new TLS key in base64 encoding.");
		return (CLI_DONE);
	}
	if ((f = want_keys(x)) == NULL)
		return (CLI_DONE);
	if (key.n > 128 || !b64_get((char *)bytes, &n, key, B64_STD)) {
		cli_say(x, 3, "'set ssl tls-key' received invalid base64 "
		    "encoded TLS key.");
		return (CLI_DONE);
	}
	if (!tls_ticket_add(f, bytes, n)) {
		cli_say(x, 3, "'set ssl tls-key' received a key of wrong "
		    "size.");
		return (CLI_DONE);
	}
	OPENSSL_cleanse(bytes, sizeof bytes);
	tls_sync_tickets(f);
	cli_say(x, 6, "TLS ticket key updated!");
	return (tls_cli_synced(x));
}

/* ---- rows ---- */

CLI_COMMAND(tls_providers) = {
	.name = "show ssl providers", .args = "", .level = PX_LEVEL_OPERATOR,
	.run = show_providers, .doc = "providers of algorithms that OpenSSL "
	    "loaded",
};
CLI_COMMAND(tls_keys) = {
	.name = "show tls-keys", .args = "[<id>|<file>|*]",
	.level = PX_LEVEL_USER, .run = show_tls_keys,
	.doc = "files of keys for session tickets, or the keys themselves",
};
CLI_COMMAND(tls_set_key) = {
	.name = "set ssl tls-key", .args = "<id>|<file> <key>",
	.level = PX_LEVEL_ADMIN, .run = set_tls_key,
	.dropped = tls_cli_dropped,
	.doc = "one more key for session tickets, in base64; the one before "
	    "it seals",
};

#endif
