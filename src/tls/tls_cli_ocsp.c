/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cli_ocsp - answers of OCSP that are stapled: shown, and replaced.
 *
 * Source: management manual 9.3, "set ssl ocsp-response", "show ssl
 * ocsp-response".
 */
#include "tls_cli.h"

#ifdef USE_OPENSSL

/* ---- show ---- */

static void
list_all(struct cli_ctx *x)
{
	struct text key;

	text_addz(x->out, "# Certificate IDs\n");
	text_init(&key);
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c)) {
		text_clear(&key);
		if (c->gone || !tls_ocsp_key(c, &key))
			continue;
		text_printf(x->out, "Certificate ID key : %s\n", key.p);
		text_printf(x->out, "Certificate path : %s\n", c->path);
		tls_show_ocsp_id(x->out, c->ocsp);
	}
	text_fini(&key);
}

static const struct cert *
find_key(struct span key)
{
	const struct cert *found = NULL;
	struct text t;

	text_init(&t);
	for (struct cert *c = cert_each(NULL); c != NULL && found == NULL;
	    c = cert_each(c)) {
		text_clear(&t);
		if (!c->gone && (span_is(key, c->path) ||
		    (tls_ocsp_key(c, &t) && span_eq(text_span(&t), key))))
			found = c;
	}
	text_fini(&t);
	return (found);
}

static enum cli_done
run_show(struct cli_ctx *x)
{
	struct span key = cli_arg(x, x->at);
	const struct cert *c;

	if (key.n == 0)
		list_all(x);
	else if ((c = find_key(key)) == NULL ||
	    !tls_show_ocsp(x->out, c->ocsp))
		cli_say(x, 3, "Certificate ID does not match any "
		    "certificate.");
	return (CLI_DONE);
}

/* ---- set ---- */

static void
replace(struct cert *c, struct span der)
{
	struct cert now = *c;

	now.ocsp = der;
	tls_sync_cert(span_str(c->path), &now);
}

/* Every certificate that it is about gets it. */
static unsigned
replace_all(struct span der, const char **why)
{
	unsigned n = 0;

	*why = "it is about no certificate of ours";
	for (struct cert *c = cert_each(NULL); c != NULL; c = cert_each(c)) {
		const char *one;

		if (c->gone || c->ocsp.n == 0)
			continue;
		if (tls_ocsp_fits(c, der, &one)) {
			replace(c, der);
			n++;
		} else if (n == 0)
			*why = one;
	}
	return (n);
}

static enum cli_done
run_set(struct cli_ctx *x)
{
	struct span all = x->payload.n > 0 ? x->payload : cli_arg(x, x->at);
	const char *why;
	struct span der;

	if (!tls_cli_base64(tls_cli_copy(x, all), &der)) {
		cli_say(x, 3, "'set ssl ocsp-response' %s", der.n == 0 ?
		    "expects response in base64 encoding." :
		    "received invalid base64 encoded response.");
		return (CLI_DONE);
	}
	if (replace_all(der, &why) == 0) {
		cli_say(x, 3, "OCSP response: %s", why);
		return (CLI_DONE);
	}
	cli_say(x, 6, "OCSP Response updated!");
	return (tls_cli_synced(x));
}

/* ---- rows ---- */

CLI_COMMAND(tls_ocsp_show) = {
	.name = "show ssl ocsp-response", .args = "[<id>|<file>]",
	.level = PX_LEVEL_OPERATOR, .run = run_show,
	.doc = "answers of OCSP that are stapled, or the details of one",
};
CLI_COMMAND(tls_ocsp_set) = {
	.name = "set ssl ocsp-response", .args = "<base64>|<payload>",
	.level = PX_LEVEL_ADMIN, .run = run_set, .dropped = tls_cli_dropped,
	.doc = "a newer answer of OCSP for a certificate that has one",
};

#endif
