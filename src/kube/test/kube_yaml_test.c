/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../kube_yaml.c"

/* A document as compact text: strings quoted, maps and lists as in JSON. */
static void
show(const struct kube_node *n, struct text *t)
{
	char z[80];

	switch (n->kind) {
	case KUBE_STRING:
		text_json(t, span_of(n->str, n->n));
		break;
	case KUBE_REAL:
		text_printf(t, "%s", n->str);
		break;
	case KUBE_LIST:
		text_addc(t, '[');
		for (uint32_t i = 0; i < n->n; i++) {
			text_addz(t, i > 0 ? "," : "");
			show(&n->item[i], t);
		}
		text_addc(t, ']');
		break;
	case KUBE_MAP:
		text_addc(t, '{');
		for (uint32_t i = 0; i < n->n; i++) {
			text_addz(t, i > 0 ? "," : "");
			text_add(t, n->pair[i].key);
			text_addc(t, ':');
			show(&n->pair[i].value, t);
		}
		text_addc(t, '}');
		break;
	default:
		text_addz(t, strrchr(kube_found(n, z, sizeof z), ' ') == NULL ?
		    z : strrchr(z, ' ') + 1);
		break;
	}
}

static bool
collect(const struct kube_doc *d, void *arg)
{
	struct text *t = arg;

	text_addz(t, t->n > 0 ? " | " : "");
	show(d->root, t);
	return (true);
}

static const struct kube_limits small = { .bytes = 1000, .nodes = 50,
    .depth = 6 };

/* What the documents are, and ": " with the first message, if any. */
static char *
read_text(const char *in)
{
	struct diags diags;
	struct text t;
	bool good;

	text_init(&t);
	text_addz(&t, "");
	diags_init(&diags);
	good = kube_yaml_read(span_str(in), "f", &small, collect, &t, &diags);
	CHECK_EQ(good, list_empty(&diags.all));
	if (!good) {
		struct diag *d = LIST_ITEM(diags.all.next, struct diag, node);

		text_printf(&t, "!%d:%d %s", d->pos.line, d->pos.col,
		    d->text);
	}
	diags_fini(&diags);
	return (t.p);
}

TEST(documents_are_what_the_text_says)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "a: 1", "{a:1}" },
		{ "{\"a\": [1, \"x\", null, true]}", "{a:[1,\"x\",null,true]}" },
		{ "a: yes\nb: on\nc: No", "{a:\"yes\",b:\"on\",c:\"No\"}" },
		{ "a: \"true\"\nb: True", "{a:\"true\",b:true}" },
		{ "a: 0x10\nb: 010\nc: -3\nd: 1.50\ne: 1e3",
		    "{a:16,b:10,c:-3,d:1.50,e:1e3}" },
		{ "a: !!str 12", "{a:\"12\"}" },
		{ "a:\nb: ~\nc: null", "{a:null,b:null,c:null}" },
		{ "a: |\n  x\n  y\n", "{a:\"x\\ny\\n\"}" },
		{ "---\na: 1\n---\nb: 2\n---\n", "{a:1} | {b:2}" },
		{ "a: &x [1,2]\nb: *x", "{a:[1,2],b:[1,2]}" },
		{ "a: 99999999999999999999", "{a:99999999999999999999}" },
		{ "a: \"x\\0y\"", "{a:\"x\\u0000y\"}" },
		{ "", "" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char *out = read_text(rows[i].in);

		CHECK_STR(out, rows[i].out);
		free(out);
	}
}

TEST(what_is_refused_is_named_with_its_place)
{
	static const struct { const char *in, *begins; } rows[] = {
		{ "a: 1\na: 2", "!2:4 key \"a\" is there twice" },
		{ "a: 1\n---\nb: [\n---\n", "{a:1}!4:1 this is not YAML" },
		{ "a: 1\na: 2\n---\nb: 2", "{b:2}!2:4 key \"a\"" },
		{ "a: *x", "!1:4 alias '*x' has no anchor" },
		{ "1: x", "!1:1 a key is a string, but here is number 1" },
		{ "<<: {a: 1}", "!1:1 merge keys" },
		{ "a: !!binary aGk=", "!1:4 tag 'tag:yaml.org,2002:binary'" },
		{ "a: !x {b: 1}", "!1:4 tag '!x'" },
		{ "[[[[[[[1]]]]]]]", "!1:7 nested deeper than the 6 levels" },
		{ "a: &a [*a]", "!1:8 alias '*a' has no anchor" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		char *out = read_text(rows[i].in);

		if (!CHECK(strncmp(out, rows[i].begins,
		    strlen(rows[i].begins)) == 0))
			printf("    %s\n", out);
		free(out);
	}
}

/* A few lines that stand for 10^9 values. */
TEST(aliases_count_for_what_they_stand_for)
{
	struct text in;
	char *out;

	text_init(&in);
	text_addz(&in, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++) {
		text_printf(&in, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			text_printf(&in, "%s*a%d", k > 0 ? "," : "", i - 1);
		text_addz(&in, "]\n");
	}
	out = read_text(in.p);
	if (!CHECK(strstr(out, "more than the 50 values") != NULL))
		printf("    %s\n", out);
	free(out);
	text_fini(&in);
	out = read_text("a: &a [[[[1]]]]\nb: [[*a]]");
	if (!CHECK(strstr(out, "nested deeper") != NULL))
		printf("    %s\n", out);
	free(out);
}

TEST(a_long_text_is_refused)
{
	char in[1200];
	char *out;

	memset(in, 'x', sizeof in);
	memcpy(in, "a: ", 3);
	in[sizeof in - 1] = '\0';
	out = read_text(in);
	CHECK(strstr(out, "more than the 1000 bytes") != NULL);
	free(out);
}
