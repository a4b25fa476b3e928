/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONF_H
#define KUBE_CONF_H
/*
 * conf - where the API server is, and who we are to it: a kubeconfig file, or
 * what a pod finds in its own file system.
 */
#include <stdbool.h>

struct kube_conf {
	char *server;           /* "https://10.96.0.1:443", no '/' at its end */
	char *ca;               /* PEM; NULL: what the system trusts */
	char *cert, *key;       /* PEM of a client certificate, or NULL */
	char *token;            /* or NULL */
	char *token_file;       /* read again now and then: it is replaced */
	char *ns;               /* of the context or the pod; NULL: not said */
	bool insecure;          /* the server's certificate is not looked at */
};

/*
 * kube_conf_load - read it.
 *
 * file    a kubeconfig; NULL: $KUBECONFIG, or a pod's service account
 * server  takes the place of the address found; NULL: not
 * False with *why (freed by the caller): which file or variable, what was
 * expected there. What we can't do (programs that make tokens, passwords) is
 * refused by name.
 */
bool kube_conf_load(struct kube_conf *, const char *file, const char *server,
    char **why);

/* kube_conf_fini - secrets are wiped. */
void kube_conf_fini(struct kube_conf *);

/* kube_conf_token - read token_file again; false when it can't be read, and
 * the old token stays. True at once without a file. */
bool kube_conf_token(struct kube_conf *);
#endif
