/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_tool - what an image and a chart need beside `run`: a first
 * configuration, a check before an upgrade, probes, and a way to ask the proxy.
 */
#include <ingress/apply.h>
#include <ingress/cmd.h>
#include <ingress/run.h>

#include <curl/curl.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/must.h>

static int
fail(const char *what, char *why)
{
	fprintf(stderr, "ecluse-ingress: %s: %s\n", what, why);
	free(why);
	return (1);
}

/* --- init ------------------------------------------------------------------- */

int
ing_tool_init(struct ing_options *given)
{
	struct ing_options o = *given;
	struct ing_store *store;
	struct ing_files files = { .v = NULL };
	struct ing_plan *plan;
	char path[PATH_MAX], *why = NULL;
	struct text pem;
	bool good;

	snprintf(path, sizeof path, "%s/current/ecluse.cfg", o.dir);
	if (access(path, R_OK) == 0) {
		printf("%s is there: it stays\n", path);
		return (0);
	}
	o.starting = true;
	o.ipv6 = ing_cmd_ipv6();
	text_init(&pem);
	ing_cmd_fallback(&o, o.dir, &pem);
	store = ing_store_new();
	plan = ing_plan_make(store, &o);
	good = ing_render(plan, &files, &why) &&
	    ing_apply(o.dir, &files, NULL, &why) == ING_APPLY_DONE;
	ing_files_fini(&files);
	ing_plan_free(plan);
	ing_store_free(store);
	text_fini(&pem);
	if (!good)
		return (fail("init", why));
	printf("%s is written: 503 for all until the cluster is known\n",
	    path);
	return (0);
}

/* --- validate --------------------------------------------------------------- */

/* The proxy beside us in the image, or in the same build. */
static bool
find_proxy(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return (false);
	path[n] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		return (false);
	snprintf(slash + 1, (size_t)(path + PATH_MAX - slash - 1), "ecluse");
	return (access(path, X_OK) == 0);
}

static int
check_with_proxy(const char *dir)
{
	char proxy[PATH_MAX], *argv[] = { proxy, (char *)(uintptr_t)"-c",
		(char *)(uintptr_t)"-f", (char *)(uintptr_t)dir, NULL };
	int status;
	pid_t pid;

	if (!find_proxy(proxy)) {
		fprintf(stderr, "ecluse-ingress: validate: no program '%s'\n",
		    proxy);
		return (1);
	}
	fflush(NULL);
	if ((pid = fork()) == 0) {
		execv(proxy, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return (1);
	return (WEXITSTATUS(status));
}

int
ing_tool_validate(struct ing_options *o)
{
	struct ing_store *store = ing_store_new();
	struct ing_files files = { .v = NULL };
	struct ing_plan *plan = NULL;
	char *why = NULL, base[PATH_MAX], dir[PATH_MAX + 16];
	struct text pem;
	int status = 1;

	text_init(&pem);

	snprintf(base, sizeof base, "%s/validate", o->dir);
	snprintf(dir, sizeof dir, "%s/current", base);
	(void)mkdir(o->dir, 0755);
	if (!ing_live_load(o, store, &why) ||
	    !ing_cmd_load(store, o->args, o->n_args))
		goto out;
	ing_cmd_fallback(o, o->dir, &pem);
	plan = ing_plan_make(store, o);
	if (!ing_render(plan, &files, &why) ||
	    ing_apply(base, &files, NULL, &why) > ING_APPLY_DONE)
		goto out;
	ing_cmd_problems(plan);
	status = check_with_proxy(dir);
	printf("%u Ingresses, %u hosts, %u backends: the configuration is %s\n",
	    plan->n_ours, plan->n_hosts, plan->n_backends,
	    status == 0 ? "good" : "refused");
out:
	if (why != NULL)
		fail("validate", why);
	ing_files_fini(&files);
	if (plan != NULL)
		ing_plan_free(plan);
	ing_store_free(store);
	text_fini(&pem);
	return (status);
}

/* --- probe, ask ------------------------------------------------------------- */

static size_t
ignore(char *p, size_t one, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return (one * n);
}

static bool
get(const char *url, struct text *why)
{
	CURL *e = curl_easy_init();
	long status = 0;
	CURLcode rc;

	MUST(e != NULL);
	(void)curl_easy_setopt(e, CURLOPT_URL, url);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 5000L);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* It answers; who it says that it is does not matter here. */
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ignore);
	rc = curl_easy_perform(e);
	(void)curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(e);
	text_clear(why);
	if (rc != CURLE_OK)
		text_addz(why, curl_easy_strerror(rc));
	else
		text_printf(why, "answers %ld", status);
	return (rc == CURLE_OK && status >= 200 && status < 300);
}

static bool
probe(const char *url, struct text *why)
{
	struct text answer;
	char *err = NULL;
	bool good;

	if (strncmp(url, "unix:", 5) != 0)
		return (get(url, why));
	text_init(&answer);
	good = ing_ask(url + 5, "show proc", &answer, &err) && answer.n > 0;
	text_clear(why);
	text_addz(why, err != NULL ? err : "says nothing");
	free(err);
	text_fini(&answer);
	return (good);
}

int
ing_tool_probe(struct ing_options *o)
{
	int64_t end = clock_mono_us() + 1000000 * o->timeout_s;
	struct text why;

	if (o->n_args == 0) {
		fprintf(stderr, "ecluse-ingress: probe: expected URLs, or "
		    "unix:PATH of a master socket\n");
		return (2);
	}
	text_init(&why);
	for (int i = 0; i < o->n_args; i++) {
		while (!probe(o->args[i], &why)) {
			struct timespec ts = { .tv_nsec = 200000000 };

			if (clock_mono_us() > end) {
				fprintf(stderr, "ecluse-ingress: probe: %s: "
				    "%s\n", o->args[i], why.p);
				text_fini(&why);
				return (1);
			}
			(void)nanosleep(&ts, NULL);
		}
		printf("%s: well\n", o->args[i]);
	}
	text_fini(&why);
	return (0);
}

int
ing_tool_ask(struct ing_options *o)
{
	struct text command, answer;
	char *why = NULL;
	bool good;

	if (o->n_args == 0) {
		fprintf(stderr, "ecluse-ingress: ask: expected a command, "
		    "like 'show proc'\n");
		return (2);
	}
	text_init(&command);
	text_init(&answer);
	for (int i = 0; i < o->n_args; i++)
		text_printf(&command, "%s%s", i > 0 ? " " : "", o->args[i]);
	good = ing_ask(o->master_socket, command.p, &answer, &why);
	if (answer.n > 0)
		fwrite(answer.p, 1, answer.n, stdout);
	text_fini(&command);
	text_fini(&answer);
	return (good ? 0 : fail("ask", why));
}
