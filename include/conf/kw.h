/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_KW_H
#define CONF_KW_H
/*
 * kw - keyword rows. A directive is one constant row beside the function that
 * does the work; the row is the manual entry, the -dK line, the completion.
 *
 * Rows are collected by a linker section of pointers; the registry sorts them
 * by name at start and refuses doubles.
 */
#include <stdbool.h>

#include <base/span.h>
#include <base/text.h>

struct conf;
struct conf_line;

enum kw_where {                 /* where a directive may stand */
	KW_GLOBAL   = 1 << 0,
	KW_DEFAULTS = 1 << 1,
	KW_FRONTEND = 1 << 2,
	KW_BACKEND  = 1 << 3,
	KW_LISTEN   = 1 << 4,   /* implied by KW_FRONTEND or KW_BACKEND */
	KW_USERLIST = 1 << 5,
	KW_HTTP_ERRORS = 1 << 6,
	KW_BIND     = 1 << 8,   /* a word of a bind line */
	KW_SERVER   = 1 << 9,   /* a word of server and default-server lines */
	KW_RESOLVERS = 1 << 10,
	KW_LOG_PROFILE = 1 << 11,
	KW_PEERS    = 1 << 12,
	KW_MAILERS  = 1 << 14,
	KW_CRT_LIST = 1 << 13,  /* in brackets in the file of "crt-list" */
	KW_CRT_STORE = 1 << 15,
	KW_CRT_LOAD = 1 << 16,  /* a word of a load line of a crt-store */

	KW_PROXY = KW_DEFAULTS | KW_FRONTEND | KW_BACKEND
};

enum kw_flag {
	KW_NO       = 1 << 0,   /* "no <keyword>" is understood */
	KW_HTTP     = 1 << 1,   /* only means something in mode http */
	KW_HIDDEN   = 1 << 2,   /* not in -dK */
	KW_EARLY    = 1 << 3,   /* global keywords the master-to-be needs */
	KW_ONE_SIDE = 1 << 5,   /* in a proxy of the other side it is an error */
	KW_PAREN    = 1 << 4    /* its last word has something in parentheses
	                         * behind it: "set-var(x)" */
};

/*
 * One directive. `name` has one to three words ("timeout http-request").
 *
 * parse  obj is the section's object: struct px_global, struct px (proxy),
 *        struct px_bind, struct px_server, or what the section's row made.
 *        Returns false when it recorded an error.
 */
struct kw {
	const char *name;
	unsigned in;                    /* enum kw_where */
	unsigned flags;                 /* enum kw_flag */
	const char *args;               /* "<time>", "<name> [<weight>]"; "" */
	bool (*parse)(struct conf_line *, void *obj);
	const char *doc;                /* one or more sentences */
	const char *example;            /* a full line, or NULL */
};

#define KW_SECTION(sec) __attribute__((section(sec), used))

/* KEYWORD(ident) = { .name = …, }; */
#define KEYWORD(ident)                                                       \
	static const struct kw kw_row_##ident;                               \
	static const struct kw *const kw_ptr_##ident KW_SECTION("kw_conf")   \
	    = &kw_row_##ident;                                               \
	static const struct kw kw_row_##ident

/*
 * A section keyword ("frontend"). `begin` gets the line with the words after
 * it and returns the object for the lines inside (NULL: an error was recorded;
 * the lines are then skipped); `end` may be NULL. `line` handles lines that no
 * row matches (NULL: unknown keyword).
 */
struct kw_section {
	const char *name;
	unsigned in;                    /* one bit of enum kw_where */
	void *(*begin)(struct conf_line *);
	bool (*line)(struct conf_line *, void *obj);
	void (*end)(struct conf *, void *obj);
	const char *args, *doc;
};

#define SECTION(ident)                                                       \
	static const struct kw_section kw_sec_##ident;                       \
	static const struct kw_section *const kw_secp_##ident                \
	    KW_SECTION("kw_sections") = &kw_sec_##ident;                     \
	static const struct kw_section kw_sec_##ident

/*
 * A check at the end of the configuration, in order of `rank` (lowest first):
 * 0-9 model (names resolved), 10-49 rooms, 50+ what needs all of them.
 */
struct kw_check {
	int rank;
	bool (*run)(struct conf *);     /* false when it recorded an error */
};

#define CONF_CHECK(ident, order, fn)                                         \
	static const struct kw_check kw_chk_##ident = { (order), (fn) };     \
	static const struct kw_check *const kw_chkp_##ident                  \
	    KW_SECTION("kw_checks") = &kw_chk_##ident

/* kw_find - the row for a line's first words in scope `in`; *n_words says how
 * many words the name has. NULL: none. */
const struct kw *kw_find(const struct conf_line *, unsigned in, int *n_words);

/*
 * kw_unknown - record why no row matched: known but not supported yet, known
 * elsewhere ("allowed in 'frontend'"), or unknown with the nearest name.
 * Always returns false.
 */
bool kw_unknown(struct conf_line *, unsigned in, const char *section);

/*
 * kw_words - parse the rest of a line as words of scope KW_BIND or KW_SERVER,
 * each by its row.
 */
bool kw_words(struct conf_line *, unsigned in, void *obj);

/* kw_dump - the -dK listing: class "cfg", "help", "all"… Rooms with rows of
 * other kinds (fetches, converters, actions, CLI) register a dumper. */
bool kw_dump(struct span classes, struct text *out);

struct kw_dumper {
	const char *cls;                /* "smp", "cnv", "acl", "cli", "flt" */
	void (*dump)(struct text *out);
};
#define KW_DUMPER(ident, name, fn)                                           \
	static const struct kw_dumper kw_dmp_##ident = { (name), (fn) };     \
	static const struct kw_dumper *const kw_dmpp_##ident                 \
	    KW_SECTION("kw_dumpers") = &kw_dmp_##ident

/* kw_nearest - the best of `names` for a mistyped word, or NULL when none is
 * near enough (Damerau-Levenshtein, at most a third of its letters). */
const char *kw_nearest(struct span word, const char *const *names, size_t n);

/* kw_compat - what is known about a HAProxy name we lack. `kind`: "cfg",
 * "section", "bind", "server", "acl", "smp", "cnv", "act", "cli", "mcli",
 * "flt", "svc". Set by compat_init() (compat/compat.h); the
 * status is "planned", "refused" or NULL when unknown; *text may be NULL. */
extern const char *(*kw_compat)(const char *kind, struct span name,
    const char **text);
#endif
