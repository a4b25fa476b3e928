/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_cmd - the commands: render files, check them, run in a cluster.
 */
#include <ingress/cmd.h>
#include <ingress/keep.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <base/must.h>
#include <ingress/apply.h>
#include <ingress/run.h>
#include <ingress/cert.h>
#include <ingress/check.h>
#include <version.h>

#define USAGE 64               /* wrong arguments; EX_USAGE */

static void
say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	va_list ap;

	fputs("ecluse-ingress: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- render ---------------------------------------------------------------- */

static void
print_files(const struct ing_files *files)
{
	for (uint32_t i = 0; i < files->n; i++) {
		const struct ing_file *f = &files->v[i];

		printf("### %s%s\n", f->path, f->secret ?
		    " (secret, not shown)" : "");
		if (!f->secret && f->body.n > 0)
			fwrite(f->body.p, 1, f->body.n, stdout);
	}
}

static bool
put_files(const struct ing_files *files, const struct ing_options *o,
    char **why)
{
	if (o->output == NULL) {
		print_files(files);
		return (true);
	}
	return (ing_apply_plain(o->output, files, why));
}

void
ing_cmd_fallback(struct ing_options *o, const char *dir, struct text *pem)
{
	char *path = dir == NULL ? NULL : ing_path(dir, "fallback.pem");
	int fd;

	if (o->https_port == 0 || o->default_ssl_certificate != NULL) {
		free(path);
		return;
	}
	if (path == NULL || !ing_read_file(path, 1u << 16, pem)) {
		if (!ing_cert_self_signed(pem))
			say("cannot make a certificate");
		if (path != NULL)
			mkdir(dir, 0755);
		fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT |
		    O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 && write(fd, pem->p, pem->n) != (ssize_t)pem->n)
			unlink(path);
		if (fd >= 0)
			close(fd);
	}
	o->fallback_pem = text_span(pem);
	free(path);
}

/* Processor time of each step; then what a change costs that comes later, on
 * warm caches: plan, render, and a comparison with what is there. */
static int64_t
lap(int64_t *since)
{
	struct timespec ts;
	int64_t now, took;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	now = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	took = now - *since;
	*since = now;
	return (took);
}

static void
time_again(struct ing_store *store, const struct ing_options *o)
{
	struct ing_files files = { .v = NULL };
	int64_t since = 0, plan_us, render_us;
	struct ing_plan *plan;
	char *why = NULL;

	ing_keep_memory();
	for (int i = 0; i < 5; i++) {
		lap(&since);
		plan = ing_plan_make(store, o);
		plan_us = lap(&since);
		ing_render(plan, &files, &why);
		render_us = lap(&since);
		ing_files_fini(&files);
		ing_plan_free(plan);
		free(why);
		fprintf(stderr, "timing again plan_us=%lld render_us=%lld\n",
		    (long long)plan_us, (long long)render_us);
	}
	fprintf(stderr, "timing store_bytes=%zu\n", ing_store_bytes(store));
}

bool
ing_cmd_ipv6(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can = fd >= 0 &&
	    bind(fd, (struct sockaddr *)&any, sizeof any) == 0;

	if (fd >= 0)
		close(fd);
	return (can);
}

static int
cmd_render(struct ing_options *o)
{
	struct ing_store *store = ing_store_new();
	struct ing_files files = { .v = NULL };
	struct ing_plan *plan;
	char *why = NULL;
	int64_t since = 0, load_us, plan_us, render_us;
	struct text pem;
	int status = 0;

	text_init(&pem);
	if (o->n_args == 0 && !o->live) {
		say("render: expected files with objects, '-' for standard "
		    "input, or --live");
		return (2);
	}
	if (o->live && !ing_live_load(o, store, &why)) {
		say("%s", why);
		free(why);
		ing_store_free(store);
		return (1);
	}
	lap(&since);
	if (!ing_cmd_load(store, o->args, o->n_args))
		status = 1;
	load_us = lap(&since);
	ing_cmd_fallback(o, o->output, &pem);
	plan = ing_plan_make(store, o);
	plan_us = lap(&since);
	if (!ing_render(plan, &files, &why)) {
		say("%s", why);
		status = 1;
	}
	render_us = lap(&since);
	if (why == NULL && !put_files(&files, o, &why)) {
		say("%s", why);
		status = 1;
	}
	if (o->timings) {
		fprintf(stderr, "timing load_us=%lld plan_us=%lld "
		    "render_us=%lld write_us=%lld\n", (long long)load_us,
		    (long long)plan_us, (long long)render_us,
		    (long long)lap(&since));
		time_again(store, o);
	}
	ing_cmd_problems(plan);
	free(why);
	text_fini(&pem);
	ing_files_fini(&files);
	ing_plan_free(plan);
	ing_store_free(store);
	return (status);
}

uint32_t
ing_cmd_problems(const struct ing_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_problems; i++) {
		const struct ing_problem *p = &plan->problems[i];
		struct text t;

		text_init(&t);
		if (p->obj != NULL)
			text_printf(&t, "%s %s%s%s: ",
			    ing_kinds[p->obj->kind].kind, p->obj->ns,
			    p->obj->ns[0] != '\0' ? "/" : "", p->obj->name);
		text_printf(&t, "%s: ", p->reason);
		text_quote(&t, span_str(p->text));
		fprintf(stderr, "%s\n", t.p);
		text_fini(&t);
	}
	return (plan->n_problems);
}

/* --- what is not there yet -------------------------------------------------- */

static int
cmd_check(struct ing_options *o)
{
	struct ing_store *store = ing_store_new();
	struct text out;
	char *why = NULL;
	int status = USAGE;

	text_init(&out);
	if (o->live && !ing_live_load(o, store, &why)) {
		say("%s", why);
		free(why);
	} else if (o->n_args == 0 && !o->live)
		say("check: expected files with objects, '-' for standard "
		    "input, or --live");
	else if (ing_cmd_load(store, o->args, o->n_args)) {
		if (!o->live)
			ing_cmd_class(store, o);
		status = (int)ing_check(store, o, &out);
	} else
		status = ING_CHECK_UNSUPPORTED;
	fputs(out.n > 0 ? out.p : "", stdout);
	text_fini(&out);
	ing_store_free(store);
	return (status);
}

/* For `make doc`. */
static int
cmd_page(struct ing_options *o)
{
	struct text out;

	(void)o;
	text_init(&out);
	ing_check_page(&out);
	fputs(out.p, stdout);
	text_fini(&out);
	return (0);
}

/* --- the program ------------------------------------------------------------ */

static const struct command {
	const char *name;
	int (*run)(struct ing_options *);
	const char *args, *help;
} commands[] = {
	{ "render", cmd_render, "FILE... [-o DIR]",
	    "write the configuration for the objects in files" },
	{ "check", cmd_check, "FILE...",
	    "say what is kept, what differs, what is not supported" },
	{ "annotations", cmd_page, "",
	    "the table of annotations, as a page" },
	{ "run", ing_run, "",
	    "follow the API server and keep the proxy up to date" },
	{ "init", ing_tool_init, "",
	    "a first configuration in --dir, when there is none" },
	{ "validate", ing_tool_validate, "",
	    "have the proxy of this image check what the cluster holds" },
	{ "probe", ing_tool_probe, "URL...",
	    "wait until all answer; unix:PATH is the master socket" },
	{ "ask", ing_tool_ask, "COMMAND...",
	    "a command to the master socket, and its answer" },
};

static int
help(void)
{
	struct text t;

	text_init(&t);
	text_addz(&t, "usage: ecluse-ingress COMMAND [FLAG...]\n\n");
	for (size_t i = 0; i < NELEM(commands); i++)
		text_printf(&t, "  %-8s %-18s %s\n", commands[i].name,
		    commands[i].args, commands[i].help);
	text_addz(&t, "\nflags:\n");
	ing_flags_help(&t);
	fputs(t.p, stdout);
	text_fini(&t);
	return (0);
}

static int
run(const char *name, struct ing_options *o)
{
	for (size_t i = 0; i < NELEM(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return (commands[i].run(o));
	say("unknown command '%s'; --help lists them", name);
	return (2);
}

int
ing_cmd_main(int argc, char **argv)
{
	struct ing_options o;
	char *why = NULL;
	int status = 2;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return (help() + (argc < 2 ? 2 : 0));
	if (strcmp(argv[1], "--version") == 0) {
		printf("ecluse-ingress %s\n", ECLUSE_VERSION);
		return (0);
	}
	if (ing_flags_parse(argc - 2, argv + 2, &o, &why))
		status = run(argv[1], &o);
	else
		say("%s", why);
	free(why);
	ing_flags_fini(&o);
	return (status);
}
