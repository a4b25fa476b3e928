/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_conf - kubeconfig files, and the service account of a pod.
 * Source: kubernetes.io/docs, "Organizing Cluster Access Using kubeconfig
 * Files" and "Accessing the Kubernetes API from a Pod".
 */
#include <kube/conf.h>
#include <kube/doc.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/b64.h>
#include <base/must.h>

#define POD_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define FILE_MAX (1u << 20)

static void
wipe(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* A whole file as a string, or NULL with errno. */
static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *all;
	size_t n;

	if (f == NULL)
		return (NULL);
	all = must_alloc(FILE_MAX + 1);
	n = fread(all, 1, FILE_MAX, f);
	if (ferror(f) || n == FILE_MAX) {
		if (n == FILE_MAX)
			errno = EFBIG;
		fclose(f);
		explicit_bzero(all, n);
		free(all);
		return (NULL);
	}
	fclose(f);
	all[n] = '\0';
	return (must_realloc(all, n + 1));
}

static void
cut_end(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		s[--n] = '\0';
}

/* --- a kubeconfig ---------------------------------------------------------- */

struct reading {
	const char *file;
	struct kube_conf *conf;
	char **why;
	bool done, good;
};

/* The entry of a named list: clusters, users, contexts. */
static const struct kube_node *
entry(const struct kube_node *root, const char *list, struct span name,
    const char *inside)
{
	const struct kube_node *all = kube_get(root, list);

	if (all == NULL || all->kind != KUBE_LIST)
		return (NULL);
	for (uint32_t i = 0; i < all->n; i++)
		if (span_eq(kube_str(kube_get(&all->item[i], "name")), name))
			return (kube_get(&all->item[i], inside));
	return (NULL);
}

/* A path in a kubeconfig is relative to it. */
static void
beside(const char *file, const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || slash == NULL)
		snprintf(out, PATH_MAX, "%s", path);
	else
		snprintf(out, PATH_MAX, "%.*s/%s", (int)(slash - file), file,
		    path);
}

/* "NAME-data" in base64, or the file "NAME". False with *why. */
static bool
take_pem(struct reading *r, const struct kube_node *in, const char *name,
    char **out)
{
	char key[64], path[PATH_MAX];
	struct span s;
	size_t n;

	snprintf(key, sizeof key, "%s-data", name);
	if ((s = kube_str(kube_get(in, key))).p != NULL) {
		*out = must_alloc(B64_DECODED(s.n) + 1);
		if (b64_get(*out, &n, s, B64_STD)) {
			(*out)[n] = '\0';
			return (true);
		}
		wipe(out);
		return (text_why(r->why, "%s: %s: expected base64", r->file, key));
	}
	if ((s = kube_str(kube_get(in, name))).p == NULL)
		return (true);
	beside(r->file, s.p, path);
	if ((*out = slurp(path)) == NULL)
		return (text_why(r->why, "%s: %s: cannot read '%s': %s", r->file,
		    name, path, strerror(errno)));
	return (true);
}

static bool
take_cluster(struct reading *r, const struct kube_node *c)
{
	static const char *const not[] = { "proxy-url", "tls-server-name" };
	const struct kube_node *insecure;
	struct span s = kube_str(kube_get(c, "server"));

	if (!span_begins(s, SPAN("https://")) &&
	    !span_begins(s, SPAN("http://")))
		return (text_why(r->why, "%s: server: expected a URL that begins "
		    "with https://", r->file));
	for (size_t i = 0; i < NELEM(not); i++)
		if (kube_get(c, not[i]) != NULL)
			return (text_why(r->why, "%s: %s is not supported",
			    r->file, not[i]));
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	r->conf->server = span_dup(s);
	insecure = kube_get(c, "insecure-skip-tls-verify");
	r->conf->insecure = insecure != NULL && insecure->kind == KUBE_BOOL &&
	    insecure->yes;
	return (take_pem(r, c, "certificate-authority", &r->conf->ca));
}

static bool
take_user(struct reading *r, const struct kube_node *u)
{
	static const char *const not[] = { "exec", "auth-provider", "username",
		"password", "as", "as-groups" };
	char path[PATH_MAX];
	struct span s;

	for (size_t i = 0; i < NELEM(not); i++)
		if (kube_get(u, not[i]) != NULL)
			return (text_why(r->why, "%s: user: '%s' is not supported; "
			    "use token, tokenFile or a client certificate",
			    r->file, not[i]));
	if ((s = kube_str(kube_get(u, "tokenFile"))).p != NULL) {
		beside(r->file, s.p, path);
		r->conf->token_file = must_strdup(path);
		if (!kube_conf_token(r->conf))
			return (text_why(r->why, "%s: tokenFile: cannot read "
			    "'%s': %s", r->file, path, strerror(errno)));
	} else if ((s = kube_str(kube_get(u, "token"))).p != NULL) {
		r->conf->token = span_dup(s);
	}
	return (take_pem(r, u, "client-certificate", &r->conf->cert) &&
	    take_pem(r, u, "client-key", &r->conf->key));
}

static bool
take_config(struct reading *r, const struct kube_node *root)
{
	struct span now = kube_str(kube_get(root, "current-context"));
	const struct kube_node *context, *c, *u;
	struct span cluster, user, ns;

	if (now.n == 0)
		return (text_why(r->why, "%s: expected current-context to name a "
		    "context", r->file));
	context = entry(root, "contexts", now, "context");
	if (context == NULL)
		return (text_why(r->why, "%s: no context '%.*s'", r->file,
		    SPAN_FMT(now)));
	cluster = kube_str(kube_get(context, "cluster"));
	user = kube_str(kube_get(context, "user"));
	ns = kube_str(kube_get(context, "namespace"));
	c = entry(root, "clusters", cluster, "cluster");
	u = entry(root, "users", user, "user");
	if (c == NULL)
		return (text_why(r->why, "%s: no cluster '%.*s'", r->file,
		    SPAN_FMT(cluster)));
	if (ns.n > 0)
		r->conf->ns = span_dup(ns);
	return (take_cluster(r, c) && (u == NULL || take_user(r, u)));
}

static bool
on_document(const struct kube_doc *d, void *arg)
{
	struct reading *r = arg;

	r->done = true;
	r->good = take_config(r, d->root);
	return (false);
}

static bool
load_file(struct kube_conf *c, const char *file, char **why)
{
	struct reading r = { .file = file, .conf = c, .why = why };
	struct diags diags;
	char *text = slurp(file);

	if (text == NULL)
		return (text_why(why, "cannot read the kubeconfig '%s': %s", file,
		    strerror(errno)));
	diags_init(&diags);
	(void)kube_yaml_read(span_str(text), file, &kube_limits_object,
	    on_document, &r, &diags);
	if (!r.done) {
		const struct diag *d = list_empty(&diags.all) ? NULL :
		    LIST_ITEM(diags.all.next, struct diag, node);

		text_why(why, "%s:%d:%d: %s", file, d == NULL ? 1 : d->pos.line,
		    d == NULL ? 1 : d->pos.col, d == NULL ?
		    "expected a kubeconfig, found nothing" : d->text);
	}
	diags_fini(&diags);
	wipe(&text);
	return (r.good);
}

/* --- a pod ----------------------------------------------------------------- */

static bool
load_pod(struct kube_conf *c, char **why)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool v6 = host != NULL && strchr(host, ':') != NULL;
	char url[300];

	if (host == NULL || port == NULL)
		return (text_why(why, "this is no pod (KUBERNETES_SERVICE_HOST is "
		    "not set): expected --kubeconfig=FILE or $KUBECONFIG"));
	snprintf(url, sizeof url, "https://%s%s%s:%s", v6 ? "[" : "", host,
	    v6 ? "]" : "", port);
	c->server = must_strdup(url);
	c->token_file = must_strdup(POD_DIR "/token");
	if (!kube_conf_token(c))
		return (text_why(why, "cannot read the token of the service "
		    "account, '%s': %s", c->token_file, strerror(errno)));
	if ((c->ca = slurp(POD_DIR "/ca.crt")) == NULL)
		return (text_why(why, "cannot read '" POD_DIR "/ca.crt': %s",
		    strerror(errno)));
	if ((c->ns = slurp(POD_DIR "/namespace")) != NULL)
		cut_end(c->ns);
	return (true);
}

bool
kube_conf_token(struct kube_conf *c)
{
	char *now;

	if (c->token_file == NULL)
		return (true);
	if ((now = slurp(c->token_file)) == NULL)
		return (false);
	cut_end(now);
	wipe(&c->token);
	c->token = now;
	return (true);
}

bool
kube_conf_load(struct kube_conf *c, const char *file, const char *server,
    char **why)
{
	const char *env = getenv("KUBECONFIG");

	memset(c, 0, sizeof *c);
	if (file == NULL && env != NULL && env[0] != '\0')
		file = env;
	if (!(file != NULL ? load_file(c, file, why) : load_pod(c, why))) {
		kube_conf_fini(c);
		return (false);
	}
	if (server != NULL) {
		free(c->server);
		c->server = must_strdup(server);
	}
	return (true);
}

void
kube_conf_fini(struct kube_conf *c)
{
	free(c->server);
	free(c->ca);
	free(c->cert);
	wipe(&c->key);
	wipe(&c->token);
	free(c->token_file);
	free(c->ns);
	memset(c, 0, sizeof *c);
}
