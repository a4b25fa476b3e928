/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_hello_fuzz - any bytes as the first ones of a client, with its tickets
 * and the sessions that it asks for: no fault, and nothing of another
 * certificate than those there are.
 */
#include "../tls_hello.c"

#include <stdlib.h>
#include <unistd.h>

#include <shm/shm.h>
#include <os/loop.h>

#include "make_cert.h"

#include "../tls_sess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

const char *__asan_default_options(void);

/* Contexts live as long as the process. */
const char *
__asan_default_options(void)
{
	return ("detect_leaks=0");
}

static struct tls_bind *
start(void)
{
	static struct arena arena;
	static struct diags diags;
	static struct loop loop;
	struct conf c = { .arena = &arena, .diags = &diags };
	char dir[] = "/tmp/tls_hello.XXXXXX", ec[64], rsa[64], cfg[512];
	const char *err;

	MUST(mkdtemp(dir) != NULL);
	snprintf(ec, sizeof ec, "%s/ec", dir);
	snprintf(rsa, sizeof rsa, "%s/rsa", dir);
	make_pem(ec, "ec", "a.example", "DNS:*.b.example");
	make_pem(rsa, "rsa", "a.example", NULL);
	arena_init(&arena, 0);
	diags_init(&diags);
	px_model_new(&arena);
	the_loop = &loop;
	loop.wall_us = 1000 * 1000000LL;
	the_shm = shm_attach(shm_create("fuzz"), &err);
	MUST(the_shm != NULL);
	shm_begin(the_shm, 1);
	snprintf(cfg, sizeof cfg, "global\n tune.ssl.capture-buffer-size 64\n"
	    "frontend f\n bind :443 ssl crt %s crt %s alpn http/1.1\n", ec,
	    rsa);
	MUST(conf_load_text(&c, "t", span_str(cfg)));
	MUST(tls_ticket_setup());
	MUST(unlink(ec) == 0 && unlink(rsa) == 0 && rmdir(dir) == 0);
	return (px_edit(&px_find(px_model, SPAN("f"), PX_FE)->binds->slots,
	    &tls_bind_slot));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct tls_bind *bind;
	struct tls_conn t = { .magic = TLS_CONN_MAGIC };
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (bind == NULL)
		bind = start();
	t.bind = bind;
	t.ssl = SSL_new(bind->ctx->ssl);
	BIO_write(in, data, (int)n);
	SSL_set_bio(t.ssl, in, out);
	SSL_set_app_data(t.ssl, &t);
	SSL_set_accept_state(t.ssl);
	MUST(SSL_do_handshake(t.ssl) != 1);     /* the client is not done */
	MUST(t.cert == NULL || t.cert->pkey != NULL);
	tls_capture_drop(&t);
	SSL_free(t.ssl);
	ERR_clear_error();
	return (0);
}
