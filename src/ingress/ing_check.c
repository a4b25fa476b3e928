/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_check - the verdict on each annotation: as it was, with a difference, or
 * not at all; and the table of them all, from the same rows.
 */
#include <ingress/check.h>

#include <stdio.h>
#include <stdlib.h>

#include <base/must.h>
#include <ingress/annot.h>
#include <ingress/plan.h>

struct checking {
	struct text *out;
	const struct ing_ingress *ing;
	const struct ing_obj *about;    /* the same, or the ConfigMap */
	enum ing_verdict worst;
	uint32_t count[ING_CHECK_UNSUPPORTED + 1];
	/* how often each is not supported */
	struct lack { const char *what; uint32_t n; } *lack;
	uint32_t n_lack, cap_lack;
	/* what was told about the annotations of this Ingress */
	struct told {
		const char *key, *text;
		bool closed;
	} *told;
	uint32_t n_told, cap_told;
};

static const char *const verdict_name[] = { "same", "differs",
    "unsupported" };

static void
count_lack(struct checking *k, const char *what)
{
	for (uint32_t i = 0; i < k->n_lack; i++)
		if (strcmp(k->lack[i].what, what) == 0) {
			k->lack[i].n++;
			return;
		}
	if (k->n_lack == k->cap_lack) {
		k->cap_lack = k->cap_lack == 0 ? 16 : k->cap_lack * 2;
		k->lack = must_realloc(k->lack,
		    k->cap_lack * sizeof *k->lack);
	}
	k->lack[k->n_lack++] = (struct lack){ what, 1 };
}

static void
line(struct checking *k, enum ing_verdict v, const char *what,
    const char *text)
{
	text_printf(k->out, "%-11s %s%s/%s %s%s%s\n", verdict_name[v],
	    k->about->kind == ING_CONFIGMAP ? "ConfigMap " : "",
	    k->about->ns, k->about->name, what, text[0] != '\0' ? ": " : "",
	    text);
	if (k->about->kind == ING_INGRESS)
		k->count[v]++;
	if (v == ING_CHECK_UNSUPPORTED)
		count_lack(k, what);
	if (v > k->worst)
		k->worst = v;
}

static void
note(const struct ing_annot_issue *i, void *arg)
{
	struct checking *k = arg;

	if (k->n_told == k->cap_told) {
		k->cap_told = k->cap_told == 0 ? 16 : k->cap_told * 2;
		k->told = must_realloc(k->told,
		    k->cap_told * sizeof *k->told);
	}
	k->told[k->n_told++] = (struct told){ i->key, i->text, i->closed };
}

/* The key without one of the prefixes, or NULL. */
static const char *
own_key(const struct ing_options *o, const char *key)
{
	const char *slash = strchr(key, '/');

	for (uint32_t i = 0; slash != NULL && i < o->annotations_prefix.n;
	    i++)
		if (span_is(span_of(key, (size_t)(slash - key)),
		    o->annotations_prefix.v[i]))
			return (slash + 1);
	return (NULL);
}

static void
check_annotation(struct checking *k, const char *key)
{
	const struct ing_opt *o = ing_opt_find(key);

	for (uint32_t i = 0; i < k->n_told; i++)
		if (strcmp(k->told[i].key, key) == 0)
			return;                 /* below */
	if (o != NULL && o->doc[0] != '\0')
		line(k, ING_CHECK_DIFFERS, key, o->doc);
	else
		line(k, ING_CHECK_SAME, key, "");
}

static void
check_ingress(struct checking *k, const struct ing_plan *plan,
    struct ing_store *store, struct arena *mem)
{
	const struct ing_options *o = plan->options;
	const struct ing_annot_ctx ctx = {
		.mem = mem, .store = store,
		.prefixes = o->annotations_prefix.v,
		.n_prefixes = o->annotations_prefix.n,
		.risk_limit = (enum ing_risk)plan->defaults.risk_level,
		.cross_namespace = plan->defaults.cross_namespace != 0,
		.issue = note, .arg = k
	};
	struct ing_opts opts = plan->defaults;
	uint32_t before = 0;

	k->n_told = 0;
	ing_annot_read(&ctx, k->ing, &opts);
	ING_EACH(struct ing_pair, p, k->ing->o.annots) {
		const char *key = own_key(o, p->key);

		before += key != NULL;
		if (key != NULL)
			check_annotation(k, key);
	}
	for (uint32_t i = 0; i < k->n_told; i++) {
		char *text = arena_printf(mem, "%s%s", k->told[i].text,
		    k->told[i].closed ? "; its locations answer 503" : "");

		line(k, ING_CHECK_UNSUPPORTED, k->told[i].key, text);
	}
	if (before == 0)
		line(k, ING_CHECK_SAME, "(no annotations)", "");
}

/* What the plan says beside annotations: paths, Services, certificates. */
static void
check_rest(struct checking *k, const struct ing_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_problems; i++) {
		const struct ing_problem *p = &plan->problems[i];

		if (p->obj == NULL || p->obj->kind != ING_INGRESS ||
		    strcmp(p->reason, "AnnotationParsingFailed") == 0)
			continue;
		k->about = p->obj;
		line(k, p->refused ? ING_CHECK_UNSUPPORTED :
		    ING_CHECK_DIFFERS, p->reason, p->text);
	}
}

/* What is wrong with a setting: its key is before a colon. */
static const char *
wrong_setting(const struct ing_plan *plan, const struct ing_obj *o,
    const char *key)
{
	for (uint32_t i = 0; i < plan->n_problems; i++) {
		const struct ing_problem *p = &plan->problems[i];
		size_t n = strlen(key);

		if (p->obj == o && strncmp(p->text, key, n) == 0 &&
		    strncmp(p->text + n, ": ", 2) == 0)
			return (p->text + n + 2);
	}
	return (NULL);
}

static void
read_settings(struct checking *k, const struct ing_plan *plan)
{
	const struct ing_data *d = plan->configmap;

	if (d == NULL)
		return;
	k->about = &d->o;
	ING_EACH(struct ing_pair, p, d->data) {
		const char *why = wrong_setting(plan, &d->o, p->key);
		const struct ing_opt *o = ing_opt_setting(p->key);

		if (why != NULL)
			line(k, ING_CHECK_UNSUPPORTED, p->key, why);
		else if (o != NULL && o->doc[0] != '\0')
			line(k, ING_CHECK_DIFFERS, p->key, o->doc);
		else
			line(k, ING_CHECK_SAME, p->key, "");
	}
}

static int
lack_cmp(const void *a, const void *b)
{
	const struct lack *x = a, *y = b;

	return (x->n != y->n ? (x->n > y->n ? -1 : 1) :
	    strcmp(x->what, y->what));
}

/* What to look at first. */
static void
sum_up(struct checking *k)
{
	if (k->n_lack == 0)
		return;
	qsort(k->lack, k->n_lack, sizeof *k->lack, lack_cmp);
	text_addz(k->out, "not supported:");
	for (uint32_t i = 0; i < k->n_lack; i++)
		text_printf(k->out, "%s %s (%u)", i > 0 ? "," : "",
		    k->lack[i].what, k->lack[i].n);
	text_addz(k->out, "\n");
}

static int
cmp(const void *a, const void *b)
{
	const struct ing_ingress *x = *(const struct ing_ingress *const *)a;
	const struct ing_ingress *y = *(const struct ing_ingress *const *)b;
	int c = strcmp(x->o.ns, y->o.ns);

	return (c != 0 ? c : strcmp(x->o.name, y->o.name));
}

enum ing_verdict
ing_check(struct ing_store *store, const struct ing_options *o,
    struct text *out)
{
	struct ing_plan *plan = ing_plan_make(store, o);
	struct checking k = { .out = out };
	const struct ing_ingress **all;
	struct arena mem;
	size_t n;

	arena_init(&mem, 0);
	all = arena_get(&mem, (plan->n_ours + 1) * sizeof *all);
	for (uint32_t i = 0; i < plan->n_ours; i++)
		all[i] = plan->ours[i];
	qsort(all, plan->n_ours, sizeof *all, cmp);
	for (uint32_t i = 0; i < plan->n_ours; i++) {
		k.ing = all[i];
		k.about = &all[i]->o;
		check_ingress(&k, plan, store, &mem);
	}
	check_rest(&k, plan);
	read_settings(&k, plan);
	sum_up(&k);
	ing_store_all(store, ING_INGRESS, &n);
	text_printf(out, "%u of %zu Ingresses are of our class; %u same, %u "
	    "differ, %u unsupported\n", plan->n_ours, n,
	    k.count[ING_CHECK_SAME], k.count[ING_CHECK_DIFFERS],
	    k.count[ING_CHECK_UNSUPPORTED]);
	free(k.told);
	free(k.lack);
	arena_reset(&mem);
	ing_plan_free(plan);
	return (k.worst);
}

/* --- the page -------------------------------------------------------------- */

static void
row(struct text *out, const struct ing_annot *a)
{
	const struct ing_opt *o = ing_opt_find(a->key);
	const char *state = "planned", *text = "";

	if (a->refused != NULL) {
		state = "refused";
		text = a->refused;
	} else if (o != NULL) {
		state = o->doc[0] != '\0' ? "differs" : "same";
		text = o->doc;
	}
	text_printf(out, "| `%s` | %d | %s%s | %s%s%s |\n", a->key,
	    a->priority, state, o == NULL && a->closed ? ", closed" : "",
	    text, o != NULL && o->lacks != NULL ? "not yet: " : "",
	    o != NULL && o->lacks != NULL ? o->lacks : "");
}

static void
setting(const char *key, const char *refused, void *arg)
{
	const struct ing_opt *o = ing_opt_setting(key);
	struct text *out = arg;

	if (o == NULL)
		text_printf(out, "| `%s` | | %s | %s |\n", key,
		    refused != NULL ? "refused" : "planned",
		    refused != NULL ? refused : "");
	else
		text_printf(out, "| `%s` | %s | %s | %s%s%s |\n", key,
		    o->dflt != NULL ? o->dflt : "", o->doc[0] != '\0' ?
		    "differs" : "same", o->doc, o->lacks != NULL ?
		    "not yet: " : "", o->lacks != NULL ? o->lacks : "");
}

static void
count(const char *key, const char *refused, void *arg)
{
	uint32_t *n = arg;

	n[0]++;
	n[1] += ing_opt_setting(key) != NULL;
	n[2] += ing_opt_setting(key) == NULL && refused != NULL;
}

static void
check_settings(struct text *out)
{
	uint32_t n[3] = { 0 };

	ing_settings_each(count, n);
	text_printf(out, "\n# Settings of the ConfigMap\n\nOf the %u keys "
	    "of the ConfigMap that `--configmap` names, %u are obeyed and %u "
	    "refused for good;\nabout each of the others that is there a "
	    "warning is given.\n\n"
	    "| key | default | state | what differs |\n"
	    "| --- | --- | --- | --- |\n", n[0], n[1], n[2]);
	ing_settings_each(setting, out);
}

void
ing_check_page(struct text *out)
{
	uint32_t done = 0, first = 0, first_done = 0, all = 0;

	for (size_t i = 0; i < ing_annots_n; i++) {
		const struct ing_annot *a = &ing_annots[i];
		bool is = ing_opt_find(a->key) != NULL;

		if (strchr(a->key, '/') != NULL)
			continue;
		all++;
		done += is;
		first += a->priority == 1;
		first_done += is && a->priority == 1;
	}
	text_printf(out, "# Annotations\n\nWritten by `make doc` from the "
	    "rows in `src/ingress/annot.def` and `src/ingress/ing_opt_*.c`.\n"
	    "\nBelow `nginx.ingress.kubernetes.io/`, %u of %u are obeyed, %u "
	    "of %u of the first priority.\n*Planned* ones are reported by "
	    "name, in an Event and by `ecluse-ingress check`; *closed* "
	    "means\nthat the locations of an Ingress which has it answer 503, "
	    "because it guards something.\n\n"
	    "| annotation | priority | state | what differs |\n"
	    "| --- | --- | --- | --- |\n", done, all, first_done, first);
	for (size_t i = 0; i < ing_annots_n; i++)
		if (strchr(ing_annots[i].key, '/') == NULL)
			row(out, &ing_annots[i]);
	check_settings(out);
}
