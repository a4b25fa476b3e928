/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcli_arg - the argument of -S: an address and bind options, separated
 * by commas.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <base/must.h>
#include <base/num.h>
#include <os/addr.h>
#include <os/fd.h>
#include <os/sock.h>

#include "mcli_int.h"

struct option {
	const char *name;
	bool (*set)(struct sock_listen *, int *level, const char *value);
	const char *want;
};

static char error[200];

static bool
set_mode(struct sock_listen *s, int *level, const char *value)
{
	char *end;

	(void)level;
	s->mode = (int)strtol(value, &end, 8);
	return (*value != '\0' && *end == '\0' && s->mode <= 07777);
}

static bool
take_number(const char *value, int *out)
{
	uint64_t n;

	if (!num_u64(span_str(value), &n) || n > INT32_MAX)
		return (false);
	*out = (int)n;
	return (true);
}

static bool
set_uid(struct sock_listen *s, int *level, const char *value)
{
	(void)level;
	return (take_number(value, &s->uid));
}

static bool
set_gid(struct sock_listen *s, int *level, const char *value)
{
	(void)level;
	return (take_number(value, &s->gid));
}

static bool
set_user(struct sock_listen *s, int *level, const char *value)
{
	const struct passwd *pw = getpwnam(value);

	(void)level;
	s->uid = pw != NULL ? (int)pw->pw_uid : -1;
	return (pw != NULL);
}

static bool
set_group(struct sock_listen *s, int *level, const char *value)
{
	const struct group *gr = getgrnam(value);

	(void)level;
	s->gid = gr != NULL ? (int)gr->gr_gid : -1;
	return (gr != NULL);
}

static bool
set_backlog(struct sock_listen *s, int *level, const char *value)
{
	(void)level;
	return (take_number(value, &s->backlog));
}

static bool
set_level(struct sock_listen *s, int *level, const char *value)
{
	static const char *const names[] = { "user", "operator", "admin" };

	(void)s;
	for (int i = 0; i < (int)NELEM(names); i++)
		if (strcmp(value, names[i]) == 0) {
			*level = i + 1;
			return (true);
		}
	return (false);
}

static const struct option options[] = {
	{ "mode", set_mode, "an octal number" },
	{ "uid", set_uid, "a number" },
	{ "gid", set_gid, "a number" },
	{ "user", set_user, "the name of a user" },
	{ "group", set_group, "the name of a group" },
	{ "backlog", set_backlog, "a number" },
	{ "level", set_level, "user, operator or admin" },
};

static bool
set_option(const char *name, const char *value, struct sock_listen *s,
    int *level)
{
	for (size_t i = 0; i < NELEM(options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (value != NULL && options[i].set(s, level, value))
			return (true);
		snprintf(error, sizeof error, "'%s' expects %s, found '%s'",
		    name, options[i].want, value == NULL ? "" : value);
		return (false);
	}
	snprintf(error, sizeof error, "unknown option '%s'; expected mode, "
	    "uid, gid, user, group, backlog or level", name);
	return (false);
}

/* `copy` is cut into words and must live as long as `s`. */
static bool
parse(char *copy, struct sock_listen *s, int *level, const char **err)
{
	char *at = copy, *address = strsep(&at, ","), *name;

	memset(s, 0, sizeof *s);
	s->mode = s->uid = s->gid = -1;
	*level = 3;
	*err = error;
	if (!addr_parse(span_str(address), &s->addr, err))
		return (false);
	if (s->addr.need_dns || s->addr.addr.family == ADDR_NONE ||
	    s->addr.addr.family == ADDR_SOCKPAIR) {
		snprintf(error, sizeof error, "expected a path or an address, "
		    "found '%s'", address);
		return (false);
	}
	while ((name = strsep(&at, ",")) != NULL)
		if (!set_option(name, strsep(&at, ","), s, level))
			return (false);
	return (true);
}

bool
mcli_check(const char *const *args, size_t n, const char **err)
{
	for (size_t i = 0; i < n; i++) {
		struct sock_listen s;
		char *copy = must_strdup(args[i]);
		int level;
		bool good = parse(copy, &s, &level, err);

		free(copy);
		if (!good)
			return (false);
	}
	return (true);
}

bool
mcli_socket_open(const char *arg, struct mcli_socket *out,
    const char **err)
{
	char *copy = must_strdup(arg);
	struct sock_listen s;
	const char *what = "socket";

	if (!parse(copy, &s, &out->level, err)) {
		free(copy);
		return (false);
	}
	if (s.addr.addr.family == ADDR_FD) {
		what = "inherited descriptor";
		out->fd = fcntl(s.addr.fd, F_DUPFD_CLOEXEC, 3);
		if (out->fd >= 0)
			(void)listen(out->fd, SOMAXCONN);
	} else
		out->fd = sock_listen_open(&s, &what);
	if (out->fd < 0) {
		snprintf(error, sizeof error, "%s: %s", what, strerror(errno));
		*err = error;
	}
	free(copy);
	return (out->fd >= 0);
}

bool
mcli_socket_gone(const char *arg)
{
	char *copy = must_strdup(arg), path[256];
	struct sock_listen s;
	struct stat st;
	const char *err;
	int level;
	bool gone = parse(copy, &s, &level, &err) &&
	    s.addr.addr.family == ADDR_UNIX &&
	    span_copy(path, sizeof path, s.addr.host) &&
	    lstat(path, &st) != 0 && errno == ENOENT;

	free(copy);
	return (gone);
}
