/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ing_apply - files into a directory, switched by one rename; then the proxy's
 * answer to a reload.
 */
#include <ingress/apply.h>
#include <ingress/run.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <base/must.h>
#include <base/num.h>

#define RELOAD_WAIT_MS 60000
#define ANSWER_MAX 1048576

/* --- writing --------------------------------------------------------------- */

static bool
write_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (false);
		s = span_skip(s, (size_t)n);
	}
	return (true);
}

/* The directories of "a/b/c" below `dir`. */
static bool
make_dirs(int dir, const char *path)
{
	char part[PATH_MAX];

	for (const char *p = strchr(path, '/'); p != NULL;
	    p = strchr(p + 1, '/')) {
		if (!span_copy(part, sizeof part, span_of(path,
		    (size_t)(p - path))))
			return (false);
		if (mkdirat(dir, part, 0755) != 0 && errno != EEXIST)
			return (false);
	}
	return (true);
}

static bool
write_file(int dir, const struct ing_file *f, char **why)
{
	int fd;

	if (!make_dirs(dir, f->path) || (fd = openat(dir, f->path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    f->secret ? 0600 : 0644)) < 0)
		return (text_why(why, "cannot create '%s': %s", f->path,
		    strerror(errno)));
	if (!write_all(fd, text_span(&f->body)) || fsync(fd) != 0) {
		text_why(why, "cannot write '%s': %s", f->path, strerror(errno));
		close(fd);
		return (false);
	}
	close(fd);
	return (true);
}

static int
open_dir(const char *path, char **why)
{
	int dir = -1;

	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		text_why(why, "cannot make the directory '%s': %s", path,
		    strerror(errno));
	else if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		text_why(why, "cannot open the directory '%s': %s", path,
		    strerror(errno));
	return (dir);
}

/* On the disk, if all was good so far. */
static bool
sync_dir(int dir, const char *path, bool good, char **why)
{
	if (good && fsync(dir) != 0)
		good = text_why(why, "cannot sync '%s': %s", path,
		    strerror(errno));
	close(dir);
	return (good);
}

bool
ing_apply_plain(const char *path, const struct ing_files *files, char **why)
{
	bool good = true;
	int dir;

	if ((dir = open_dir(path, why)) < 0)
		return (false);
	for (uint32_t i = 0; i < files->n && good; i++)
		good = write_file(dir, &files->v[i], why);
	return (sync_dir(dir, path, good, why));
}

/* --- generations ----------------------------------------------------------- */

static bool
is_same_file(int dir, const struct ing_file *f)
{
	struct span want = text_span(&f->body);
	char buf[65536];
	ssize_t n;
	int fd = openat(dir, f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return (false);
	while ((n = read(fd, buf, sizeof buf)) > 0) {
		if ((size_t)n > want.n || memcmp(buf, want.p,
		    (size_t)n) != 0)
			break;
		want = span_skip(want, (size_t)n);
	}
	close(fd);
	return (n == 0 && want.n == 0);
}

/* A rendering beside what is current. */
struct change {
	const struct ing_files *files;
	int current;            /* its directory; or -1 */
	bool *same;             /* by number of the file: it is as it was */
	uint32_t n_same;
};

static void
compare(struct change *c, const char *base, const struct ing_files *files)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/current", base);
	c->files = files;
	c->current = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->same = must_alloc(files->n * sizeof *c->same);
	for (uint32_t i = 0; i < files->n && c->current >= 0; i++) {
		c->same[i] = is_same_file(c->current, &files->v[i]);
		c->n_same += c->same[i];
	}
}

static void
change_fini(struct change *c)
{
	if (c->current >= 0)
		close(c->current);
	free(c->same);
}

/* A file that did not change gets a second name; nobody writes to either. */
static bool
link_file(int from, int dir, const struct ing_file *f)
{
	return (make_dirs(dir, f->path) &&
	    linkat(from, f->path, dir, f->path, 0) == 0);
}

static bool
write_change(const char *path, const struct change *c, char **why)
{
	bool good = true;
	int dir;

	if ((dir = open_dir(path, why)) < 0)
		return (false);
	for (uint32_t i = 0; i < c->files->n && good; i++)
		good = (c->same[i] && link_file(c->current, dir,
		    &c->files->v[i])) || write_file(dir, &c->files->v[i], why);
	return (sync_dir(dir, path, good, why));
}

static bool
gen_number(const char *name, uint64_t *n)
{
	return (strncmp(name, "gen-", 4) == 0 &&
	    num_u64(span_str(name + 4), n));
}

static uint64_t
highest(const char *base)
{
	uint64_t n, most = 0;
	struct dirent *e;
	DIR *d = opendir(base);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (gen_number(e->d_name, &n) && n > most)
			most = n;
	if (d != NULL)
		closedir(d);
	return (most);
}

static void
remove_tree(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	if (fd >= 0 && (d = fdopendir(fd)) != NULL) {
		while ((e = readdir(d)) != NULL)
			if (strcmp(e->d_name, ".") != 0 &&
			    strcmp(e->d_name, "..") != 0 &&
			    unlinkat(fd, e->d_name, 0) != 0)
				remove_tree(fd, e->d_name);
		closedir(d);
	}
	unlinkat(at, name, AT_REMOVEDIR);
}

/* All but two: what is current, and what was before. */
static void
remove_old(const char *base, uint64_t keep, uint64_t before)
{
	DIR *d = opendir(base);
	struct dirent *e;
	uint64_t n;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (gen_number(e->d_name, &n) && n != keep && n != before)
			remove_tree(dirfd(d), e->d_name);
	if (d != NULL)
		closedir(d);
}

static bool
set_current(const char *base, const char *target, char **why)
{
	char link[PATH_MAX], tmp[PATH_MAX];
	int fd;

	snprintf(link, sizeof link, "%s/current", base);
	snprintf(tmp, sizeof tmp, "%s/current.new", base);
	if ((unlink(tmp) != 0 && errno != ENOENT) ||
	    symlink(target, tmp) != 0 || rename(tmp, link) != 0)
		return (text_why(why, "cannot switch '%s' to '%s': %s", link,
		    target, strerror(errno)));
	if ((fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		fsync(fd);
		close(fd);
	}
	return (true);
}

/* --- the proxy ------------------------------------------------------------- */

static int
dial(const char *path, char **why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (!span_copy(sun.sun_path, sizeof sun.sun_path, span_str(path))) {
		text_why(why, "the path of the master socket is too long");
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof sun) != 0) {
		text_why(why, "cannot reach the proxy at '%s': %s", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return (-1);
	}
	return (fd);
}

/* At once, and without a signal when the other end is gone. */
static bool
send_line(int fd, const char *command)
{
	struct text t;
	bool good;

	text_init(&t);
	text_printf(&t, "%s\n", command);
	good = send(fd, t.p, t.n, MSG_NOSIGNAL) == (ssize_t)t.n;
	text_fini(&t);
	return (good);
}

static bool
ask(int fd, const char *command, struct text *answer)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	if (!send_line(fd, command))
		return (false);
	shutdown(fd, SHUT_WR);
	for (;;) {
		if (poll(&p, 1, RELOAD_WAIT_MS) <= 0)
			return (false);
		n = read(fd, buf, sizeof buf);
		if (n <= 0)
			return (n == 0);
		if (answer->n < ANSWER_MAX)
			text_add(answer, span_of(buf, (size_t)n));
	}
}

bool
ing_ask(const char *socket_path, const char *command, struct text *out,
    char **why)
{
	int fd = dial(socket_path, why);
	bool good;

	if (fd < 0)
		return (false);
	good = ask(fd, command, out) || text_why(why,
	    "the proxy does not answer '%s'", command);
	close(fd);
	return (good);
}

/* What the proxy has to say, behind "Success=0" and a line of dashes. */
static const char *
messages(const struct text *answer)
{
	const char *at = answer->n > 0 ? strstr(answer->p, "\n--\n") : NULL;

	return (at != NULL ? at + 4 : answer->n > 0 ? answer->p :
	    "(it said nothing)");
}

/* The answer begins with Success=1 or Success=0; the proxy's messages follow. */
enum ing_applied
ing_apply_reload(const char *socket_path, char **why)
{
	enum ing_applied done = ING_APPLY_DONE;
	struct text answer;

	text_init(&answer);
	if (!ing_ask(socket_path, "reload", &answer, why)) {
		done = ING_APPLY_FAILED;
	} else if (span_begins(span_str(messages(&answer)),
	    SPAN("Another reload is still in progress"))) {
		/* A proxy that is starting, or somebody else's reload. */
		text_why(why, "the proxy is busy with another reload");
		done = ING_APPLY_FAILED;
	} else if (!span_begins(text_span(&answer), SPAN("Success=1"))) {
		text_why(why, "the proxy refuses the configuration: %.4000s",
		    messages(&answer));
		done = ING_APPLY_REFUSED;
	}
	text_fini(&answer);
	return (done);
}

static bool
read_current(const char *base, char target[64], uint64_t *n)
{
	char link[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof link, "%s/current", base);
	len = readlink(link, target, 63);
	if (len <= 0)
		return (false);
	target[len] = '\0';
	return (gen_number(target, n));
}

static enum ing_applied
switch_to(const char *base, const struct change *change,
    const char *socket_path, char **why)
{
	char dir[PATH_MAX], name[64], old[64];
	uint64_t n = highest(base) + 1, before = 0;
	bool had = read_current(base, old, &before);
	enum ing_applied done;

	snprintf(name, sizeof name, "gen-%llu", (unsigned long long)n);
	snprintf(dir, sizeof dir, "%s/%s", base, name);
	if (!write_change(dir, change, why) ||
	    !set_current(base, name, why))
		return (ING_APPLY_FAILED);
	if (socket_path == NULL) {
		remove_old(base, n, before);
		return (ING_APPLY_DONE);
	}
	done = ing_apply_reload(socket_path, why);
	if (done == ING_APPLY_REFUSED && had) {
		char *ignored = NULL;

		set_current(base, old, &ignored);
		free(ignored);
		remove_old(base, before, n);
	} else if (done == ING_APPLY_DONE) {
		remove_old(base, n, before);
	}
	return (done);
}

/* The list of a rendering's files is one of them, so that one less is seen. The
 * others stay where they are. */
static void
add_list(struct ing_files *all, const struct ing_files *files)
{
	struct ing_file *list;

	all->n = files->n;
	all->cap = files->n + 1;
	all->v = must_alloc(all->cap * sizeof *all->v);
	for (uint32_t i = 0; i < files->n; i++)
		all->v[i] = files->v[i];
	list = ing_files_add(all, "files");
	for (uint32_t i = 0; i < files->n; i++)
		text_printf(&list->body, "%s\n", files->v[i].path);
}

static void
list_fini(struct ing_files *all)
{
	struct ing_file *list = &all->v[all->n - 1];

	text_fini(&list->body);
	free(list->path);
	free(all->v);
}

enum ing_applied
ing_apply(const char *base, const struct ing_files *files,
    const char *socket_path, char **why)
{
	struct ing_files all = { .v = NULL };
	struct change change = { .n_same = 0 };
	enum ing_applied done;

	*why = NULL;
	if (mkdir(base, 0755) != 0 && errno != EEXIST) {
		text_why(why, "cannot make the directory '%s': %s", base,
		    strerror(errno));
		return (ING_APPLY_FAILED);
	}
	add_list(&all, files);
	compare(&change, base, &all);
	done = change.n_same == all.n ? ING_APPLY_SAME :
	    switch_to(base, &change, socket_path, why);
	change_fini(&change);
	list_fini(&all);
	return (done);
}
