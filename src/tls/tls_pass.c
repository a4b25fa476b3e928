/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pass - pass phrases of private keys, while the configuration is read:
 * those that opened another key are tried, then a command is asked.
 *
 * Source: configuration manual 3.1, "ssl-passphrase-cmd".
 */
#include "tls_int.h"

#ifdef USE_OPENSSL

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>
#include <os/fd.h>
#include <os/proc.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define PHRASE_MAX 1024         /* OpenSSL takes no more */
#define ANSWER_MS  30000        /* for the command */

struct phrase {
	struct phrase *next;
	size_t n;                       /* bytes of it */
	char p[PHRASE_MAX];
};

static struct phrase *known;    /* until all is read */

static void
phrase_free(struct phrase *ph)
{
	OPENSSL_cleanse(ph, sizeof *ph);
	free(ph);
}

/* ---- one key, one phrase ---- */

static int
give_phrase(char *buf, int size, int writing, void *arg)
{
	const struct phrase *ph = arg;

	(void)writing;
	if (ph->n > (size_t)size)
		return (-1);
	memcpy(buf, ph->p, ph->n);
	return ((int)ph->n);
}

/* PKCS #8, as a block "PRIVATE KEY" has it. */
static bool
put_der(EVP_PKEY *key, struct text *der)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *p = NULL;
	int n = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &p);

	if (n > 0)
		text_add(der, span_of((const char *)p, (size_t)n));
	if (n > 0)
		OPENSSL_clear_free(p, (size_t)n);
	PKCS8_PRIV_KEY_INFO_free(info);
	return (n > 0);
}

static bool
opens(struct span pem, struct phrase *ph, struct text *der)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL,
	    give_phrase, ph);
	bool good = key != NULL && put_der(key, der);

	EVP_PKEY_free(key);
	BIO_free(in);
	ERR_clear_error();
	return (good);
}

/* ---- the command ---- */

/* All it prints, less the end of the line; false: too late, or too much. */
static bool
read_phrase(int fd, struct phrase *ph)
{
	int64_t until_us = clock_mono_us() + ANSWER_MS * INT64_C(1000);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t got = 1;

	while (got > 0 && ph->n < sizeof ph->p) {
		int64_t left_ms = (until_us - clock_mono_us()) / 1000;
		int n = poll(&pfd, 1, left_ms < 0 ? 0 : (int)left_ms);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (false);
		got = read(fd, ph->p + ph->n, sizeof ph->p - ph->n);
		ph->n += got > 0 ? (size_t)got : 0;
	}
	if (got != 0)
		return (false);
	if (ph->n > 0 && ph->p[ph->n - 1] == '\n')
		ph->n--;
	if (ph->n > 0 && ph->p[ph->n - 1] == '\r')
		ph->n--;
	return (true);
}

static const char *
ask(char *const *argv, struct phrase *ph)
{
	struct proc_program program = { .path = argv[0], .search = true,
		.argv = argv, .envp = environ };
	int pipe_fd[2], err, status = 0;
	bool told;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return (strerror(errno));
	program.out = pipe_fd[1];
	err = proc_spawn(&program, &pid);
	fd_close(&pipe_fd[1]);
	if (err != 0) {
		fd_close(&pipe_fd[0]);
		return (strerror(err));
	}
	told = read_phrase(pipe_fd[0], ph);
	fd_close(&pipe_fd[0]);
	if (!told)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!told)
		return ("it prints no line of less than 1024 bytes in 30 s");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return ("it fails");
	return (ph->n == 0 ? "it prints nothing" : NULL);
}

/* ---- a file ---- */

static bool
try_known(struct span pem, struct text *der)
{
	for (struct phrase *ph = known; ph != NULL; ph = ph->next)
		if (opens(pem, ph, der))
			return (true);
	return (false);
}

/* The path of the key comes before the words of the configuration. */
static char **
make_argv(const struct tls_global *g, const char *path)
{
	char **v = must_alloc((g->n_pass_cmd + 2) * sizeof *v);

	v[0] = (char *)(uintptr_t)g->pass_cmd[0];
	v[1] = (char *)(uintptr_t)path;
	for (uint32_t i = 1; i < g->n_pass_cmd; i++)
		v[i + 1] = (char *)(uintptr_t)g->pass_cmd[i];
	v[g->n_pass_cmd + 1] = NULL;
	return (v);
}

static bool
ask_for(const char *path, struct span pem, struct text *der, struct text *why)
{
	struct phrase *ph = must_alloc(sizeof *ph);
	char **argv = make_argv(tls_global(), path);
	const char *err = ask(argv, ph);

	if (err == NULL && !opens(pem, ph, der))
		err = "what it prints does not open the private key";
	if (err != NULL) {
		text_printf(why, "'ssl-passphrase-cmd %s': %s", argv[0], err);
		phrase_free(ph);
	} else {
		ph->next = known;
		known = ph;
	}
	free(argv);
	return (err == NULL);
}

bool
tls_pass_open(const char *path, struct text *der, struct text *why)
{
	size_t n;
	char *p = fd_read_file(path, TLS_FILE_MAX, &n);
	bool good = false;

	if (p == NULL) {
		text_addz(why, strerror(errno));
		return (false);
	}
	if (tls_global()->n_pass_cmd == 0)
		text_addz(why, "the private key is encrypted, and there is no "
		    "'ssl-passphrase-cmd' to ask; add one, or decrypt it");
	else
		good = try_known(span_of(p, n), der) ||
		    ask_for(path, span_of(p, n), der, why);
	OPENSSL_cleanse(p, n);
	free(p);
	return (good);
}

/* ---- the configuration ---- */

static bool
parse_cmd(struct conf_line *l, void *obj)
{
	struct tls_global *g = px_edit(&px_model->global.slots,
	    &tls_global_slot);
	const struct conf_word *w;
	uint32_t n = 0;

	(void)obj;
	if (conf_left(l) == 0)
		return (conf_err(l, NULL, "'%s' expects a command, which is "
		    "given the path of a private key and prints its pass "
		    "phrase", l->kw->name));
	g->pass_cmd = arena_get(px_model->arena,
	    conf_left(l) * sizeof *g->pass_cmd);
	for (; (w = conf_peek(l)) != NULL; l->at++)
		g->pass_cmd[n++] = arena_dup(px_model->arena, w->text);
	g->n_pass_cmd = n;
	return (true);
}

/* Every file is read: nobody asks again, as keys that come at run time have to
 * be decrypted. */
static bool
forget(struct conf *conf)
{
	struct phrase *ph;

	(void)conf;
	while ((ph = known) != NULL) {
		known = ph->next;
		phrase_free(ph);
	}
	return (true);
}
CONF_CHECK(tls_pass, 99, forget);

KEYWORD(tls_g_pass) = {
	.name = "ssl-passphrase-cmd", .in = KW_GLOBAL,
	.args = "<command> [<arg>...]", .parse = parse_cmd,
	.doc = "A command that prints the pass phrase of an encrypted private "
	    "key while the configuration is read. Its first argument is the "
	    "path of the file, then come those that stand here. Phrases that "
	    "opened another key are tried before it is asked.",
	.example = "ssl-passphrase-cmd /usr/local/bin/phrase --vault web",
};

#endif
