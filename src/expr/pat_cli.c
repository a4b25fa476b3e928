/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pat_cli - the commands that show and change maps and ACL files.
 *
 * Source: management manual 9.3, "add acl" to "show map".
 */
#include "pat_int.h"

#include <agent/agent.h>
#include <base/must.h>
#include <base/num.h>
#include <cli/cli.h>

#define PIECE_BYTES 16384
#define SYNC_MS 2000            /* for a worker that does not answer */

/* ---- what the words name ---- */

struct job {                    /* of a command; while workers do it, too */
	struct pat_sync sync;
	uint32_t question;
};

static const char *
kind_of(bool map)
{
	return (map ? "map" : "ACL");
}

/* "@12" at word *at: a version. False after saying what is wrong. */
static bool
want_version(struct cli_ctx *x, int *at, bool *given, uint32_t *ver)
{
	struct span w = cli_arg(x, *at);
	uint64_t v;

	*given = w.n > 0 && *w.p == '@';
	if (!*given)
		return (true);
	if (!num_u64(span_skip(w, 1), &v) || v > UINT32_MAX) {
		cli_say(x, 3, "'%.*s' is not a version.", SPAN_FMT(w));
		return (false);
	}
	*ver = (uint32_t)v;
	++*at;
	return (true);
}

static struct pat_ref *
want_ref(struct cli_ctx *x, int at, bool map)
{
	struct pat_ref *r = at < x->n ? pat_by_name(cli_arg(x, at)) : NULL;

	if (r == NULL)
		cli_say(x, 3, "Unknown %s identifier. Please use #<id> or "
		    "<file>.", kind_of(map));
	return (r);
}

/* The same; what only maps use is no ACL, and the other way round. */
static struct pat_ref *
want_kind(struct cli_ctx *x, int at, bool map)
{
	struct pat_ref *r = want_ref(x, at, map);

	if (r == NULL || !(map ? r->is_acl && !r->is_map :
	    r->is_map && !r->is_acl))
		return (r);
	cli_say(x, 3, "Unknown %s identifier. Please use #<id> or <file>.",
	    kind_of(map));
	return (NULL);
}

/* A list with values is changed by the commands for maps. */
static bool
may_change(struct cli_ctx *x, const struct pat_ref *r, bool map)
{
	if (r->map == map)
		return (true);
	if (map)
		cli_say(x, 3, "This ACL has no values. You must use the "
		    "command 'add acl' to add patterns.");
	else
		cli_say(x, 3, "This ACL is shared with a map containing "
		    "samples. You must use the command 'add map' to add "
		    "values.");
	return (false);
}

static bool
know_version(struct cli_ctx *x, const struct pat_ref *r, uint32_t ver,
    bool map)
{
	if ((int32_t)(ver - r->next_ver) <= 0)
		return (true);
	cli_say(x, 3, "Version number in the future, please use 'prepare %s' "
	    "before.", map ? "map" : "acl");
	return (false);
}

/* ---- a new agent learns the lists first ---- */

static void
resume(void *ctx)
{
	cli_resume(ctx);
}

static bool
has_to_wait(struct cli_ctx *x)
{
	struct pat_waiter *w;

	if (x->turn > 0)
		return (false);
	w = cli_alloc(x, sizeof *w);
	w->go = resume;
	w->arg = x;
	return (pat_agent_wait(w));
}

static void
dropped_look(struct cli_ctx *x)
{
	pat_agent_unwait(x);
}

/* ---- the answer waits until all workers did it ---- */

static void
dropped(struct cli_ctx *x)
{
	struct job *j = x->priv;

	pat_agent_unwait(x);
	if (j != NULL)
		agent_ask_drop(j->question);
}

static struct job *
job_begin(struct cli_ctx *x)
{
	struct job *j = cli_alloc(x, sizeof *j);

	pat_sync_begin(&j->sync);
	return (j);
}

static enum cli_done
job_end(struct cli_ctx *x, struct job *j)
{
	x->priv = j;
	j->question = pat_sync_end(&j->sync, SYNC_MS, cli_finish_synced,
	    x);
	return (CLI_LATER);
}

/* ---- add ---- */

static bool
add_one(struct cli_ctx *x, struct job *j, struct pat_ref *r, uint32_t ver,
    struct span key, struct span val)
{
	const char *err;

	if (!pat_add(r, ver, 0, key, val, &err)) {
		cli_say(x, 3, "'%.*s': %s.", SPAN_FMT(key), err);
		return (false);
	}
	pat_sync_add(&j->sync, r, ver, key, val);
	return (true);
}

/* Lines "key value with blanks". */
static void
add_lines(struct cli_ctx *x, struct job *j, struct pat_ref *r, uint32_t ver)
{
	struct span rest = x->payload, line, key;

	while (span_cut(&rest, '\n', &line)) {
		size_t n = 0;

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		line = span_trim(line);
		while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
			n++;
		key = span_of(line.p, n);
		line = span_trim(span_skip(line, n));
		if (key.n == 0)
			continue;
		if (line.n == 0) {
			cli_say(x, 3, "Missing value for key '%.*s'.",
			    SPAN_FMT(key));
			return;
		}
		if (!add_one(x, j, r, ver, key, line))
			return;
	}
}

static enum cli_done
run_add(struct cli_ctx *x, bool map)
{
	bool lines = map && x->payload.p != NULL, given;
	struct pat_ref *r;
	uint32_t ver = 0;
	struct job *j;
	int at = x->at;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (!want_version(x, &at, &given, &ver))
		return (CLI_DONE);
	if (x->n - at < (lines ? 1 : map ? 3 : 2) || x->arg[at].n == 0 ||
	    (!lines && x->arg[at + 1].n == 0)) {
		cli_say(x, 3, map ? "'add map' expects three parameters (map "
		    "identifier, key and value) or one parameter (map "
		    "identifier) and a payload" : "'add acl' expects two "
		    "parameters: ACL identifier and pattern.");
		return (CLI_DONE);
	}
	if ((r = want_ref(x, at, map)) == NULL || !may_change(x, r, map))
		return (CLI_DONE);
	if (!given)
		ver = r->curr_ver;
	if (!know_version(x, r, ver, map))
		return (CLI_DONE);
	j = job_begin(x);
	if (lines)
		add_lines(x, j, r, ver);
	else
		(void)add_one(x, j, r, ver, cli_arg(x, at + 1),
		    cli_arg(x, at + 2));
	return (job_end(x, j));
}

static enum cli_done
run_add_acl(struct cli_ctx *x)
{
	return (run_add(x, false));
}

static enum cli_done
run_add_map(struct cli_ctx *x)
{
	return (run_add(x, true));
}

/* ---- set, del ---- */

/* "#0x12": a row as `show map` numbers it; 0: it is a key. */
static uint32_t
row_number(struct span w)
{
	uint32_t id = 0;

	if (w.n < 4 || !span_begins(w, SPAN("#0x")) || w.n > 3 + 12)
		return (0);
	for (size_t i = 3; i < w.n; i++) {
		int d = num_hexval(w.p[i]);

		if (d < 0)
			return (0);
		id = id << 4 | (uint32_t)d;
	}
	return (id);
}

/* Does something to the row of a number, or to all rows of a key. */
static unsigned
each_named(struct pat_ref *r, struct span name,
    void (*fn)(struct pat_ref *, struct pat_row *, struct pat_part *, void *),
    void *arg)
{
	uint32_t id = row_number(name);
	struct pat_part *part;
	struct pat_row *row;
	uint64_t at = 0;
	uint32_t rows;
	unsigned n = 0;

	if (id != 0) {
		if ((row = pat_row_at(r, id, &part)) == NULL)
			return (0);
		fn(r, row, part, arg);
		return (1);
	}
	while ((row = pat_each(r, r->curr_ver, &at)) != NULL) {
		if (!span_eq(pat_key(row), name))
			continue;
		n++;
		part = r->cur != NULL && row >= r->cur->row &&
		    row < r->cur->row + r->cur->n ? r->cur : &r->base;
		rows = part->n;
		fn(r, row, part, arg);
		if (part->n != rows)
			at = 0;         /* it was written anew */
	}
	return (n);
}

static void
del_row(struct pat_ref *r, struct pat_row *row, struct pat_part *part,
    void *arg)
{
	struct job *j = arg;
	uint32_t id = row->id;

	pat_del(r, row, part);
	pat_sync_del(&j->sync, r, id);
}

static enum cli_done
run_del(struct cli_ctx *x, bool map)
{
	struct pat_ref *r;
	struct job *j;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (x->n - x->at < 2 || x->arg[x->at].n == 0) {
		cli_say(x, 3, "This command expects two parameters: %s "
		    "identifier and key.", kind_of(map));
		return (CLI_DONE);
	}
	if ((r = want_kind(x, x->at, map)) == NULL)
		return (CLI_DONE);
	j = job_begin(x);
	if (each_named(r, x->arg[x->at + 1], del_row, j) == 0)
		cli_say(x, 3, "Key not found.");
	return (job_end(x, j));
}

static enum cli_done
run_del_acl(struct cli_ctx *x)
{
	return (run_del(x, false));
}

static enum cli_done
run_del_map(struct cli_ctx *x)
{
	return (run_del(x, true));
}

struct set_job {
	struct job *j;
	struct span val;
};

static void
set_row(struct pat_ref *r, struct pat_row *row, struct pat_part *part,
    void *arg)
{
	struct set_job *s = arg;
	const char *err;

	(void)part;
	MUST(pat_set(r, row, s->val, &err));    /* the value was checked */
	pat_sync_set(&s->j->sync, r, row->id, s->val);
}

static enum cli_done
run_set_map(struct cli_ctx *x)
{
	struct set_job s;
	struct pat_ref *r;
	struct span name;
	const char *err;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (x->n - x->at < 3 || x->arg[x->at].n == 0) {
		cli_say(x, 3, "'set map' expects three parameters: map "
		    "identifier, key and value.");
		return (CLI_DONE);
	}
	if ((r = want_ref(x, x->at, true)) == NULL || !may_change(x, r, true))
		return (CLI_DONE);
	name = x->arg[x->at + 1];
	s.val = x->arg[x->at + 2];
	if (!pat_value_check(r, s.val, &err)) {
		cli_say(x, 3, "%s.", err);
		return (CLI_DONE);
	}
	s.j = job_begin(x);
	if (each_named(r, name, set_row, &s) == 0)
		cli_say(x, 3, row_number(name) != 0 ?
		    "key or pattern not found." : "entry not found.");
	return (job_end(x, s.j));
}

/* ---- clear, prepare, commit ---- */

static enum cli_done
run_clear(struct cli_ctx *x, bool map)
{
	struct pat_ref *r;
	uint32_t ver = 0;
	struct job *j;
	bool given;
	int at = x->at;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (!want_version(x, &at, &given, &ver))
		return (CLI_DONE);
	if (x->n == at) {
		cli_say(x, 3, "Missing %s identifier.", kind_of(map));
		return (CLI_DONE);
	}
	if ((r = want_kind(x, at, map)) == NULL)
		return (CLI_DONE);
	if (!given)
		ver = r->curr_ver;
	j = job_begin(x);
	pat_clear(r, ver);
	pat_sync_version(&j->sync, r, PAT_SYNC_CLEAR, ver);
	return (job_end(x, j));
}

static enum cli_done
run_clear_acl(struct cli_ctx *x)
{
	return (run_clear(x, false));
}

static enum cli_done
run_clear_map(struct cli_ctx *x)
{
	return (run_clear(x, true));
}

static enum cli_done
run_prepare(struct cli_ctx *x, bool map)
{
	struct pat_ref *r;
	struct job *j;

	if (has_to_wait(x))
		return (CLI_LATER);
	if ((r = want_kind(x, x->at, map)) == NULL)
		return (CLI_DONE);
	r->next_ver++;
	cli_say(x, 6, "New version created: %u", r->next_ver);
	j = job_begin(x);
	pat_sync_version(&j->sync, r, PAT_SYNC_PREPARE, r->next_ver);
	return (job_end(x, j));
}

static enum cli_done
run_prepare_acl(struct cli_ctx *x)
{
	return (run_prepare(x, false));
}

static enum cli_done
run_prepare_map(struct cli_ctx *x)
{
	return (run_prepare(x, true));
}

static enum cli_done
run_commit(struct cli_ctx *x, bool map)
{
	struct pat_ref *r;
	uint32_t ver = 0;
	struct job *j;
	bool given;
	int at = x->at;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (!want_version(x, &at, &given, &ver))
		return (CLI_DONE);
	if (!given || x->n == at) {
		cli_say(x, 3, given ? "Missing %s identifier." :
		    "Missing version number.", kind_of(map));
		return (CLI_DONE);
	}
	if ((r = want_kind(x, at, map)) == NULL)
		return (CLI_DONE);
	if ((int32_t)(ver - r->curr_ver) <= 0 ||
	    (int32_t)(ver - r->next_ver) > 0) {
		cli_say(x, 3, "Version number out of range.");
		return (CLI_DONE);
	}
	j = job_begin(x);
	pat_commit(r, ver);
	pat_sync_version(&j->sync, r, PAT_SYNC_COMMIT, ver);
	return (job_end(x, j));
}

static enum cli_done
run_commit_acl(struct cli_ctx *x)
{
	return (run_commit(x, false));
}

static enum cli_done
run_commit_map(struct cli_ctx *x)
{
	return (run_commit(x, true));
}

/* ---- show ---- */

struct show {
	struct pat_ref *ref;            /* NULL: the list of them */
	uint32_t ver;
	uint64_t at;                    /* row */
	int64_t id;                     /* the last that was listed */
};

static void
show_one(struct cli_ctx *x, const struct pat_ref *r)
{
	text_printf(x->out, "%lld (%.*s) ", (long long)r->id,
	    SPAN_FMT(r->name));
	if (r->name.n == 0)
		text_add(x->out, r->words);
	else {
		text_printf(x->out, "pattern loaded from file '%.*s' used ",
		    SPAN_FMT(r->name));
		if (r->users != NULL)
			text_add(x->out, text_span(r->users));
	}
	text_printf(x->out, ". curr_ver=%u next_ver=%u entry_cnt=%llu\n",
	    r->curr_ver, r->next_ver, (unsigned long long)pat_count(r));
}

/* By number, which is the order of the file but for "-u". */
static enum cli_done
show_list(struct cli_ctx *x, struct show *s, bool map)
{
	size_t begin = x->out->n;

	if (s->id < 0)
		text_addz(x->out, "# id (file) description\n");
	for (;;) {
		const struct pat_ref *best = NULL, *r;

		/* most often it is the next one */
		r = s->ref != NULL ? s->ref->next : NULL;
		if (r != NULL && r->id == s->id + 1)
			best = r;
		else
			for (r = pat_first(); r != NULL; r = r->next)
				if (r->id > s->id && (best == NULL ||
				    r->id < best->id))
					best = r;
		if (best == NULL)
			return (CLI_DONE);
		s->ref = (struct pat_ref *)(uintptr_t)best;
		s->id = best->id;
		if (map ? best->is_map : best->is_acl)
			show_one(x, best);
		if (x->out->n - begin > PIECE_BYTES)
			return (CLI_MORE);
	}
}

static enum cli_done
show_rows(struct cli_ctx *x, struct show *s)
{
	size_t begin = x->out->n;
	const struct pat_row *row;

	while ((row = pat_each(s->ref, s->ver, &s->at)) != NULL) {
		text_printf(x->out, "0x%012x %.*s", row->id, (int)row->key_n,
		    row->key);
		if (s->ref->map)
			text_printf(x->out, " %.*s", (int)row->val_n,
			    row->key + row->val);
		text_addc(x->out, '\n');
		if (x->out->n - begin > PIECE_BYTES)
			return (CLI_MORE);
	}
	return (CLI_DONE);
}

static enum cli_done
run_show(struct cli_ctx *x, bool map)
{
	struct show *s = x->priv;
	bool given, list = x->n == x->at;
	int at = x->at;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (s == NULL) {
		x->priv = s = cli_alloc(x, sizeof *s);
		s->id = -1;
		if (!want_version(x, &at, &given, &s->ver))
			return (CLI_DONE);
		if (!list) {
			s->ref = want_kind(x, at, map);
			if (s->ref == NULL)
				return (CLI_DONE);
			if (!given)
				s->ver = s->ref->curr_ver;
		}
	}
	return (list ? show_list(x, s, map) : show_rows(x, s));
}

static enum cli_done
run_show_acl(struct cli_ctx *x)
{
	return (run_show(x, false));
}

static enum cli_done
run_show_map(struct cli_ctx *x)
{
	return (run_show(x, true));
}

/* ---- get ---- */

static const struct {
	const char *type;
	bool values;
} views[] = {
	[PAT_VIEW_ACL] = { "none", false }, [PAT_VIEW_STR] = { "str", true },
	[PAT_VIEW_INT] = { "sint", true }, [PAT_VIEW_IP] = { "ip", true },
	[PAT_VIEW_REGM] = { "str", true },
};

static void
get_view(struct cli_ctx *x, const struct pat_use *u, int view,
    const struct pat_row *row, const struct pat_index *ix, bool map)
{
	text_printf(x->out, "type=%s, case=%s, %s=%s",
	    view == PAT_VIEW_REGM ? "regm" : acl_match_names[u->match],
	    u->icase ? "insensitive" : "sensitive",
	    map ? "found" : "match", row != NULL ? "yes" : "no");
	if (row != NULL) {
		text_printf(x->out, ", idx=%s, %s=\"%.*s\"",
		    pat_index_is_tree(ix) ? "tree" : "list",
		    map ? "key" : "pattern", (int)row->key_n, row->key);
		if (map && views[view].values)
			text_printf(x->out, ", value=\"%.*s\", type=\"%s\"",
			    (int)row->val_n, row->key + row->val,
			    views[view].type);
		else if (map)
			text_addz(x->out, ", value=none");
	}
	text_addc(x->out, '\n');
}

static enum cli_done
run_get(struct cli_ctx *x, bool map)
{
	const struct pat_index *ix;
	const struct pat_row *row;
	struct arena arena;
	struct pat_ref *r;
	struct smp s;
	uint32_t no;

	if (has_to_wait(x))
		return (CLI_LATER);
	if (x->n - x->at < 2) {
		cli_say(x, 3, "Missing %s identifier and/or key.",
		    kind_of(map));
		return (CLI_DONE);
	}
	if ((r = want_ref(x, x->at, map)) == NULL)
		return (CLI_DONE);
	arena_init(&arena, 0);
	for (const struct pat_use *u = r->uses; u != NULL; u = u->next) {
		struct txn t = { .arena = &arena };

		memset(&s, 0, sizeof s);
		s.type = SMP_STR;
		s.str = x->arg[x->at + 1];
		row = smp_cast(&t, &s, pat_type(u->match)) ?
		    pat_find(u, &s, &ix, &no) : NULL;
		for (int v = PAT_VIEW_ACL; v <= PAT_VIEW_REGM; v++)
			if ((u->views >> v & 1) != 0)
				get_view(x, u, v, row, ix, map);
	}
	arena_reset(&arena);
	return (CLI_DONE);
}

static enum cli_done
run_get_acl(struct cli_ctx *x)
{
	return (run_get(x, false));
}

static enum cli_done
run_get_map(struct cli_ctx *x)
{
	return (run_get(x, true));
}

/* ---- rows ---- */

#define PAT_COMMAND(ident, word, args_, run_, doc_)                          \
CLI_COMMAND(ident) = { .name = word, .args = args_, .run = run_,             \
	.dropped = dropped, .doc = doc_ }

PAT_COMMAND(add_acl, "add acl", "[@<ver>] <acl> <pattern>", run_add_acl,
    "add a pattern to an ACL");
PAT_COMMAND(add_map, "add map", "[@<ver>] <map> <key> <val>", run_add_map,
    "add an entry to a map, or one for each line of a payload");
PAT_COMMAND(clear_acl, "clear acl", "[@<ver>] <acl>", run_clear_acl,
    "remove all patterns of an ACL");
PAT_COMMAND(clear_map, "clear map", "[@<ver>] <map>", run_clear_map,
    "remove all entries of a map");
PAT_COMMAND(commit_acl, "commit acl", "@<ver> <acl>", run_commit_acl,
    "replace the patterns of an ACL by those of a prepared version");
PAT_COMMAND(commit_map, "commit map", "@<ver> <map>", run_commit_map,
    "replace the entries of a map by those of a prepared version");
PAT_COMMAND(del_acl, "del acl", "<acl> [<key>|#<ref>]", run_del_acl,
    "remove the patterns of that text, or one of them");
PAT_COMMAND(del_map, "del map", "<map> [<key>|#<ref>]", run_del_map,
    "remove the entries of that key, or one of them");
PAT_COMMAND(prepare_acl, "prepare acl", "<acl>", run_prepare_acl,
    "begin a new version of an ACL, to commit it later");
PAT_COMMAND(prepare_map, "prepare map", "<map>", run_prepare_map,
    "begin a new version of a map, to commit it later");
PAT_COMMAND(set_map, "set map", "<map> [<key>|#<ref>] <value>", run_set_map,
    "give the entries of that key, or one of them, another value");

CLI_COMMAND(get_acl) = { .name = "get acl", .args = "<acl> <value>",
	.run = run_get_acl, .dropped = dropped_look,
	.doc = "tell which pattern a value matches" };
CLI_COMMAND(get_map) = { .name = "get map", .args = "<map> <value>",
	.run = run_get_map, .dropped = dropped_look,
	.doc = "tell which entry a value matches" };
CLI_COMMAND(show_acl) = { .name = "show acl", .args = "[[@<ver>] <acl>]",
	.run = run_show_acl, .dropped = dropped_look,
	.doc = "list the ACLs, or the patterns of one" };
CLI_COMMAND(show_map) = { .name = "show map", .args = "[[@<ver>] <map>]",
	.run = run_show_map, .dropped = dropped_look,
	.doc = "list the maps, or the entries of one" };
