/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TLS_INT_H
#define TLS_TLS_INT_H
/*
 * tls, inside the room: settings, certificates, and the state of a
 * connection.
 */
#include <base/span.h>
#include <base/text.h>
#include <base/why.h>
#include <conf/conf.h>
#include <px/px.h>
#include <tls/tls.h>

#ifdef USE_OPENSSL
#include <openssl/ssl.h>

/* ---- settings: of a bind line, a line of a crt-list, the global section.
 * NULL and 0: not said there ---- */

enum tls_verify { TLS_VERIFY_UNSET, TLS_VERIFY_NONE, TLS_VERIFY_OPTIONAL,
	TLS_VERIFY_REQUIRED };

enum tls_ver { TLS_VER_UNSET, TLS_VER_SSL3, TLS_VER_10, TLS_VER_11,
	TLS_VER_12, TLS_VER_13 };

/* Yes or no, where no outranks a default of yes. */
enum tls_flag { TLS_FLAG_UNSET, TLS_FLAG_ON, TLS_FLAG_OFF };

struct tls_conf {
	const char *ciphers, *ciphersuites, *curves, *ecdhe, *sigalgs,
	    *client_sigalgs;
	struct span alpn;               /* as on the wire; p NULL: not said */
	const char *ca_file, *ca_verify_file, *crl_file;
	uint8_t min, max;               /* enum tls_ver */
	uint8_t no_versions;            /* bit 1 << enum tls_ver */
	uint8_t verify;                 /* enum tls_verify */
	uint8_t verify_depth;           /* 0: as OpenSSL has it */
	uint8_t no_tickets, client_order, no_ca_names, no_alpn, strict_sni;
	                                /* enum tls_flag */
};

struct tls_global {
	const char *crt_base, *key_base, *ca_base, *issuers_path;
	const char *dh_file;
	const char **pass_cmd;          /* ssl-passphrase-cmd */
	uint32_t n_pass_cmd;
	struct tls_conf bind, server;   /* defaults of lines */
	uint32_t cache_size;            /* sessions */
	uint32_t lifetime_s;
	uint32_t max_record, hard_max_record;
	uint32_t capture_bytes;         /* of a ClientHello; 0: nothing */
	uint32_t default_dh;            /* bits; 0: not said */
	uint32_t max_conn, max_rate;
	int8_t security_level;          /* -1: as OpenSSL is made */
	uint8_t extra;                  /* enum cert_extra, a set */
	bool extra_replaces_ext;        /* ssl-load-extra-del-ext */
	bool skip_self_issued;
	bool keylog;                    /* tune.ssl.keylog */
	bool no_cert_compression;       /* RFC 8879 */
	bool private_cache;             /* tune.ssl.force-private-cache */
	bool server_verify_none;        /* ssl-server-verify none */
};

PX_SLOT_DECLARE(tls_global_slot);
PX_SLOT_DECLARE(tls_bind_slot);

static inline const struct tls_global *
tls_global(void)
{
	return (px_get(&px_model->global.slots, &tls_global_slot));
}

/*
 * tls_setting - parse the words behind setting `name` into `to`. False after
 * an error. tls_is_setting - there is one of that name. tls_conf_inherit -
 * what `to` lacks is as `from` says.
 */
bool tls_setting(struct conf_line *, const char *name, struct tls_conf *to);
bool tls_is_setting(const char *name);
void tls_conf_inherit(struct tls_conf *to, const struct tls_conf *from);

/* tls_conf_same - they say the same. tls_conf_hash - equal for such. */
bool tls_conf_same(const struct tls_conf *, const struct tls_conf *);
uint64_t tls_conf_hash(const struct tls_conf *);

/* tls_conf_keep - a copy that lives as long as the generation, and shares its
 * texts with others. */
const struct tls_conf *tls_conf_keep(const struct tls_conf *);

/* tls_path - a file name below the directory `base` (may be NULL), or as
 * default-path says. */
const char *tls_path(struct conf_line *, const char *base, struct span name);

/* ---- DER: tls_der.c ---- */

struct der {
	uint8_t tag;
	struct span body;               /* contents */
	struct span whole;              /* with tag and length */
};

/* der_next - the next element of `in`, which moves on. False: none, or it is
 * not DER. der_want - the same, and its tag is `tag`. */
bool der_next(struct span *in, struct der *);
bool der_want(struct span *in, uint8_t tag, struct der *);

enum cert_kind { CERT_RSA, CERT_DSA, CERT_EC, CERT_OTHER, CERT_KINDS };

/* What a certificate says, as slices of it. */
struct cert_facts {
	uint8_t kind;                   /* enum cert_kind, of its key */
	bool common;                    /* key and signature are of a kind and
	                                 * strength that everybody takes */
	struct span issuer, subject;    /* whole names */
	struct span spki;               /* whole SubjectPublicKeyInfo */
	struct span alt_names;          /* contents of the GeneralNames */
};

/* cert_facts - false: it is not a certificate as RFC 5280 has them. */
bool cert_facts(struct span der, struct cert_facts *);

/* cert_next_name - the next DNS name, common names first. `state` starts as
 * zeroes. False: no more. */
struct cert_names {
	struct span rest;
	uint8_t stage;
};
bool cert_next_name(const struct cert_facts *, struct cert_names *state,
    struct span *name);

/* cert_key_fits - the private key of that PEM label is the one of the
 * certificate, by comparing bytes. */
enum cert_fit { CERT_FITS, CERT_UNFIT, CERT_UNSURE };
enum cert_fit cert_key_fits(const struct cert_facts *, struct span label,
    struct span key);

/* ---- PEM: tls_pem.c ---- */

struct pem {
	struct span label;              /* "CERTIFICATE" */
	struct span der;
	bool encrypted;                 /* then der is not decoded */
};

/* pem_next - the next block of `in`, which moves on; decoded in place. WHY_OK,
 * WHY_EOF: no more, else it is damaged and *err says how. */
enum why pem_next(struct span *in, struct pem *, const char **err);

/* ---- pass phrases: tls_pass.c ---- */

#define TLS_FILE_MAX (8u << 20) /* bytes of a certificate file */

/* tls_pass_open - the first private key of a file, which is encrypted, as PKCS
 * #8; false, with the reason, when there is no phrase for it. */
bool tls_pass_open(const char *path, struct text *der, struct text *why);

/* ---- certificates: tls_store.c, tls_load.c ---- */

enum cert_extra { CERT_X_BUNDLE = 1, CERT_X_SCTL = 2, CERT_X_OCSP = 4,
	CERT_X_ISSUER = 8, CERT_X_KEY = 16, CERT_X_ALL = 31 };

struct cert {
	struct cert *next;              /* same bucket */
	const char *path;
	struct span key_label;
	struct span key, leaf;          /* DER */
	struct span *chain;
	uint32_t n_chain;
	struct span dh;                 /* parameters; p NULL: none */
	struct span ocsp, sctl;
	struct span issuer;             /* of a .issuer file */
	struct cert_facts facts;
	uint32_t users;                 /* lines, and servers' contexts */
	bool broken;                    /* OpenSSL does not take it: said */
	bool of_file;                   /* the configuration read it */
	bool live;                      /* the runtime API changed it */
	bool gone;                      /* … and the runtime API deleted it */
	char *block;                    /* what the above is in, if it came at
	                                 * run time; or NULL */
	size_t block_bytes;
	/* of this process, made when first used */
	X509 *x509;
	EVP_PKEY *pkey;
	STACK_OF(X509) *stack;
};

/* Several of one name: what a word `crt` stands for. */
struct cert_set {
	struct cert **v;
	uint32_t n;
};

/* cert_load - the certificates behind a path: a file, its bundle (.rsa, .ecdsa,
 * .dsa), or with `dirs` a directory. False after errors about word `w`. */
bool cert_load(struct conf_line *, const struct conf_word *w, const char *path,
    bool dirs, struct cert_set *);

/* Files that make up a certificate; NULL: there is none of that kind. */
struct cert_files {
	const char *name;               /* that it is called by */
	const char *crt, *key, *ocsp, *issuer, *sctl;
};

/* cert_load_files - one from these files, none else. False after errors. */
bool cert_load_files(struct conf_line *, const struct conf_word *,
    const struct cert_files *);

/* cert_find - the one of that name, as the configuration or the runtime API
 * gave it, or NULL. cert_find_new - or a new one without contents. cert_each -
 * the next of all, NULL the first. cert_forget - it is no more; nobody may
 * show it. */
struct cert *cert_find(struct span path);
struct cert *cert_find_new(struct span path);
struct cert *cert_each(const struct cert *);
void cert_forget(struct cert *);

/* cert_use - OpenSSL's objects of it. False: it does not take them, which is
 * said once. cert_unuse - without them. */
bool cert_use(struct cert *);
void cert_unuse(struct cert *);

/* cert_x509 - OpenSSL's object of one in DER, or NULL. */
X509 *cert_x509(struct span der);

/* cert_make - the same, but nothing is said: OpenSSL's reason, or NULL.
 * cert_try - also a context takes it, as all contexts here would. */
const char *cert_make(struct cert *);
const char *cert_try(struct cert *);

/* ---- certificates in one piece: tls_pack.c ---- */

/* cert_pack - appends all that a certificate is made of. cert_unpack - it is
 * that from now on, and what it was is freed; false when those bytes are
 * none. */
void cert_pack(const struct cert *, struct text *);
bool cert_unpack(struct cert *, struct span);
/* cert_text_wipe - text_fini() of bytes that may hold a private key. */
void cert_text_wipe(struct text *);

/* ---- crt-list files and directories: tls_list.c ---- */

/* A certificate of a list, with all that is said of it there. */
struct tls_row {
	struct tls_row *next;
	uint32_t line;                  /* of the file; 0: of a directory */
	struct cert *cert;
	const struct tls_conf *conf;    /* what it says; NULL: nothing */
	const char *settings;           /* the same, as written; or NULL */
	struct span *filters;           /* lower case */
	uint32_t n_filters;
	struct diag_pos pos;
	bool live;                      /* the runtime API added it */
	bool gone;                      /* … or took it away */
};

struct tls_list {
	struct tls_list *next;
	const char *path;
	bool dir;
	uint32_t last_line;
	struct tls_row *rows, **tail;
	struct tls_list_user *users;
};

struct tls_list_user {
	struct tls_list_user *next;
	struct tls_bind *bind;
};

/* ---- a bind line ---- */

struct tls_ctx;

/* A certificate under a name, or as default. */
struct tls_entry {
	const struct tls_line *line;
	struct tls_entry *next;         /* of the same name, in order */
	bool live;                      /* made at run time */
};

/* A certificate of a bind line: of a crt word, or of a list. */
struct tls_line {
	struct tls_line *next;
	struct cert *cert;
	const struct tls_row *row;      /* of a list; or NULL */
	uint32_t no;                    /* their order */
	bool is_default;                /* default-crt */
	bool live;                      /* made at run time */
	struct tls_ctx *ctx;            /* by which it is served */
	struct diag_pos pos;
};

struct tls_sni;

struct tls_bind {
	bool ssl;
	bool failed;                    /* one of its words was wrong */
	struct tls_conf conf;
	struct tls_line *lines, **tail;
	uint32_t last_no;               /* of a line */
	uint64_t ignore_ca[4], ignore_crt[4];   /* verification errors, a set */
	struct tls_ticket_file *tickets;        /* tls-ticket-keys; or NULL */
	struct tls_sni *sni;
	struct tls_entry *defaults;
	struct tls_ctx *ctx;
	struct tls_ctx *ctxs;           /* all that its lines have */
	const struct px_bind *bind;
};

/* tls_line_ready - its context. False after an error. */
bool tls_line_ready(struct conf *, struct tls_bind *, struct tls_line *);

/* ---- contexts: tls_ctx.c ---- */

struct tls_ctx {
	struct tls_ctx *next;           /* of the same bind line */
	uint32_t users;
	uint64_t hash;                  /* of the settings */
	SSL_CTX *ssl;
	struct tls_conf conf;           /* complete */
	struct tls_bind *bind;
};

/* tls_ctx_get - a context for these settings, which lines that say the same
 * share. NULL after an error at `pos`. tls_ctx_put - one user less. */
struct tls_ctx *tls_ctx_get(struct conf *, struct diag_pos pos,
    struct tls_bind *, const struct tls_conf *);
void tls_ctx_put(struct tls_ctx *);

/* tls_ctx_switch - serve this connection by another line's settings. */
bool tls_ctx_switch(SSL *, const struct tls_ctx *);

/* ---- the hello: tls_hello.c ---- */

/* tls_hello_setup - callbacks of a context which choose a certificate. */
void tls_hello_setup(SSL_CTX *);

/* What a context needs to be made, and what OpenSSL said when it could not. */
struct tls_making {
	struct conf *conf;
	struct diag_pos pos;
	SSL_CTX *ssl;
	const struct tls_conf *c;
};

/* tls_ctx_fail - record the error, with OpenSSL's reason; false. */
bool tls_ctx_fail(struct tls_making *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* tls_ctx_algorithms - versions, ciphers, groups, signatures, and the modes of
 * all contexts. tls_ctx_authorities - the CAs to verify with, and their lists
 * of what they revoked. False after an error. */
bool tls_ctx_algorithms(struct tls_making *);
bool tls_ctx_authorities(struct tls_making *);

/* ---- servers: tls_server_kw.c, tls_server_ctx.c, tls_connect.c ---- */

/* Of a worker: what it remembers of a server. */
struct tls_known {
	SSL_SESSION *session;           /* the last one; or NULL */
	char *name;                     /* that it was for; NULL: none */
};

struct tls_server {
	bool ssl;
	bool no_reuse;                  /* no-ssl-reuse */
	uint8_t sni_auto;               /* enum tls_flag */
	struct tls_conf conf;
	const struct expr *sni;         /* NULL: none */
	const char *verify_host;        /* NULL: none */
	struct cert *cert;              /* ours; or NULL */
	const struct px_server *server;
	SSL_CTX *ctx;                   /* shared by those that are alike; NULL:
	                                 * it needs none */
	struct tls_known *known;
};
PX_SLOT_DECLARE(tls_server_slot);

static inline const struct tls_server *
tls_server_of(const struct px_server *sv)
{
	return (px_get(&sv->slots, &tls_server_slot));
}

/* tls_server_ctx_cert, tls_server_ctx_ca - contexts that show this certificate,
 * or verify with this file, do so as it is now. tls_server_ctx_names - some
 * context does. */
struct tls_ca;
void tls_server_ctx_cert(struct cert *);
void tls_server_ctx_ca(const struct tls_ca *);
bool tls_server_ctx_names(const struct tls_ca *);

/* tls_server_ctx - a context for connections to servers with these settings:
 * one that exists, or a new one. NULL after an error at `pos`. */
SSL_CTX *tls_server_ctx(struct conf *, struct diag_pos pos,
    const struct tls_conf *, struct cert *);

/* tls_ask, tls_prepare - see xprt_ops. tls_connect_begin - make OpenSSL's object for a
 * connection that is established. tls_connect_setup - callbacks of a context
 * that keep sessions. tls_connect_verify - one that looks at the server's
 * certificate and its names. */
struct tls_conn;
struct txn;
struct xprt_to;
void tls_ask(struct xprt_to *, struct txn *);
bool tls_prepare(struct conf *, struct px_server *);
bool tls_connect_begin(struct tls_conn *);
void tls_connect_setup(SSL_CTX *);
void tls_connect_verify(SSL_CTX *);

/* tls_connect_forget - no session with a server is taken up again. */
void tls_connect_forget(struct tls_known *);

/* ---- sessions: tls_sess.c ---- */

void tls_sess_setup(SSL_CTX *, struct tls_bind *, const struct tls_conf *);

/* tls_sess_context - which sessions may be taken up by clients of these
 * settings; again when the authorities changed. */
void tls_sess_context(SSL_CTX *, const struct tls_bind *,
    const struct tls_conf *);

/* ---- the transport: tls_xprt.c ---- */

struct tls_conn {
	unsigned magic;
#define TLS_CONN_MAGIC 0x7150c04e
	uint16_t sealed;                /* payload of the record that OpenSSL
	                                 * has sealed and the kernel did not
	                                 * take yet */
	uint16_t ahead;                 /* payload that went without having been
	                                 * reported as taken */
	uint32_t burst_bytes;           /* sent since the last pause, while
	                                 * records are short for that */
	int64_t sent_ms;
	SSL *ssl;                       /* NULL until something came */
	struct tls_rest *rest;          /* of a flight of the handshake that the
	                                 * kernel did not take; or NULL */
	struct conn *conn;
	const struct tls_bind *bind;    /* a client's; else NULL */
	const struct tls_server *server;        /* a server's; else NULL */
	char *name;                     /* that the server is asked for; NULL */
	struct span alpn;               /* for the server, see xprt_to */
	const struct cert *cert;        /* that it is shown, while OpenSSL is
	                                 * at work; else NULL */
	struct tls_hello *hello;        /* if kept: tls_capture.h */
	struct tls_secrets *secrets;
	unsigned long err;              /* OpenSSL's, of what failed */
	uint8_t crt_err, ca_err, ca_err_depth;  /* X509_V_ERR_*, 0: none */
	bool eof : 1;                   /* the socket is at its end */
	bool counted : 1;
	bool ended : 1;                 /* close_notify was sent */
	bool got_crt : 1;               /* the client showed a certificate */
	bool name_counts : 1;           /* the server has to be `name` */
};

static inline struct tls_conn *
tls_of_ssl(const SSL *ssl)
{
	return (SSL_get_app_data(ssl));
}

/* tls_key_name - "RSA2048", "EC256"; until the next call. */
struct span tls_key_name(const X509 *);

/* tls_of - of a connection with this transport, or NULL. */
struct tls_conn *tls_of(const struct conn *);

#endif
#endif
