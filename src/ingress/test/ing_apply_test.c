/* SPDX-License-Identifier: Apache-2.0 */
#include <base/test.h>

#include "../ing_apply.c"

#include <signal.h>
#include <sys/wait.h>

static char base[64];

/* A master that gives one answer to one command, and the command that it got
 * back through a pipe. */
static pid_t
master(const char *path, const char *answer, int *got)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	pid_t pid;

	CHECK(span_copy(sun.sun_path, sizeof sun.sun_path, span_str(path)));
	unlink(path);
	CHECK(bind(fd, (struct sockaddr *)&sun, sizeof sun) == 0);
	CHECK(listen(fd, 1) == 0);
	CHECK(pipe(p) == 0);
	if ((pid = fork()) == 0) {
		int c = accept(fd, NULL, NULL);
		char buf[64];
		ssize_t n = read(c, buf, sizeof buf);

		if (n < 0 || write(p[1], buf, (size_t)n) != n ||
		    write(c, answer, strlen(answer)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fd);
	close(p[1]);
	*got = p[0];
	return (pid);
}

static enum ing_applied
apply(const char *body, const char *socket_path)
{
	struct ing_files files = { .v = NULL };
	enum ing_applied done;
	char *why;

	text_addz(&ing_files_add(&files, "a.cfg")->body, body);
	text_addz(&ing_files_add(&files, "maps/b")->body, "x y\n");
	ing_files_add(&files, "certs/c.pem")->secret = true;
	done = ing_apply(base, &files, socket_path, &why);
	CHECK_EQ(why != NULL, done > ING_APPLY_DONE);
	free(why);
	ing_files_fini(&files);
	return (done);
}

/* Applies with a master that answers so. */
static enum ing_applied
apply_with(const char *body, const char *answer)
{
	char path[96], buf[64] = "";
	enum ing_applied done;
	int got, status;
	pid_t pid;

	snprintf(path, sizeof path, "%s.sock", base);
	pid = master(path, answer, &got);
	done = apply(body, path);
	if (done == ING_APPLY_SAME)
		kill(pid, SIGKILL);     /* nobody asked it */
	CHECK(read(got, buf, sizeof buf - 1) >= 0);
	if (done != ING_APPLY_SAME)
		CHECK_STR(buf, "reload\n");
	waitpid(pid, &status, 0);
	close(got);
	unlink(path);
	return (done);
}

static void
current(char out[64])
{
	char path[96];
	struct text t;
	FILE *f;
	size_t n;

	text_init(&t);
	snprintf(path, sizeof path, "%s/current/a.cfg", base);
	f = fopen(path, "re");
	n = f == NULL ? 0 : fread(out, 1, 63, f);
	out[n] = '\0';
	if (f != NULL)
		fclose(f);
	text_fini(&t);
}

static void
begin(void)
{
	snprintf(base, sizeof base, "/tmp/ing_apply_test.XXXXXX");
	CHECK(mkdtemp(base) != NULL);
}

static void
end(void)
{
	int at = open("/tmp", O_RDONLY | O_DIRECTORY);

	remove_tree(at, base + sizeof "/tmp/" - 1);
	close(at);
	CHECK(access(base, F_OK) != 0);
}

static unsigned
generations(void)
{
	DIR *d = opendir(base);
	struct dirent *e;
	unsigned count = 0;
	uint64_t n;

	while ((e = readdir(d)) != NULL)
		count += gen_number(e->d_name, &n);
	closedir(d);
	return (count);
}

TEST(what_is_new_becomes_current_and_what_is_not_does_nothing)
{
	char text[64], path[96];
	struct stat st;

	begin();
	CHECK_EQ(apply("one", NULL), ING_APPLY_DONE);
	current(text);
	CHECK_STR(text, "one");
	CHECK_EQ(apply("one", NULL), ING_APPLY_SAME);
	CHECK_EQ(apply_with("one", "Success=1\n"), ING_APPLY_SAME);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(apply(i % 2 ? "two" : "three", NULL),
		    ING_APPLY_DONE);
	CHECK(generations() <= 2);
	snprintf(path, sizeof path, "%s/current/certs/c.pem", base);
	CHECK(stat(path, &st) == 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	end();
}

static ino_t
inode_of(const char *name)
{
	char path[96];
	struct stat st;

	snprintf(path, sizeof path, "%s/current/%s", base, name);
	CHECK(stat(path, &st) == 0);
	return (st.st_ino);
}

TEST(what_did_not_change_is_not_written_again)
{
	ino_t map, cfg;
	char text[64];

	begin();
	CHECK_EQ(apply("one", NULL), ING_APPLY_DONE);
	map = inode_of("maps/b");
	cfg = inode_of("a.cfg");
	CHECK_EQ(apply("two", NULL), ING_APPLY_DONE);
	CHECK(inode_of("maps/b") == map && inode_of("a.cfg") != cfg);
	current(text);
	CHECK_STR(text, "two");
	end();
}

TEST(a_file_less_is_a_change)
{
	struct ing_files files = { .v = NULL };
	char *why;

	begin();
	CHECK_EQ(apply("one", NULL), ING_APPLY_DONE);
	text_addz(&ing_files_add(&files, "a.cfg")->body, "one");
	CHECK_EQ(ing_apply(base, &files, NULL, &why), ING_APPLY_DONE);
	ing_files_fini(&files);
	end();
}

TEST(what_the_proxy_refuses_is_taken_back)
{
	char text[64];

	begin();
	CHECK_EQ(apply_with("good", "Success=1\n--\n"), ING_APPLY_DONE);
	CHECK_EQ(apply_with("bad", "Success=0\n--\n[ALERT] no\n"),
	    ING_APPLY_REFUSED);
	current(text);
	CHECK_STR(text, "good");
	CHECK_EQ(apply_with("bad", ""), ING_APPLY_REFUSED);
	current(text);
	CHECK_STR(text, "good");
	CHECK_EQ(apply_with("better", "Success=1\n"), ING_APPLY_DONE);
	current(text);
	CHECK_STR(text, "better");
	CHECK(generations() <= 2);
	end();
}

/* Busy is no judgement: the files stay, and it is asked again. */
TEST(a_proxy_that_is_starting_is_asked_again)
{
	char text[64];

	begin();
	CHECK_EQ(apply("good", NULL), ING_APPLY_DONE);
	CHECK_EQ(apply_with("better", "Success=0\n--\nAnother reload is still "
	    "in progress.\n"), ING_APPLY_FAILED);
	current(text);
	CHECK_STR(text, "better");
	CHECK_EQ(apply_with("bad", "Success=0\n--\n[ALERT] 'Another reload is "
	    "still in progress' is no word\n"), ING_APPLY_REFUSED);
	end();
}

TEST(without_a_proxy_it_failed)
{
	begin();
	CHECK_EQ(apply("one", "/tmp/ing_apply_test.nobody"),
	    ING_APPLY_FAILED);
	end();
}
