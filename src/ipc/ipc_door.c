/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_door - how who is named by -sf or -st alone is found: each generation
 * listens on an abstract name that tells its launched process and its keeper.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <ipc/takeover.h>
#include <os/addr.h>
#include <os/fd.h>

#include "holder_int.h"

#define BACKLOG 8
#define NAMES   "/proc/net/unix"
#define LISTENS 0x10000         /* of its column Flags */

static void
put_name(struct ipc_door *d, pid_t top, pid_t keeper)
{
	snprintf(d->name, sizeof d->name, "abnsz@ecluse.%d.%d", (int)top,
	    (int)keeper);
}

int
ipc_door_open(pid_t top, pid_t keeper)
{
	struct sockaddr_storage ss;
	struct addr_spec spec;
	struct ipc_door d;
	const char *err;
	socklen_t len;
	int fd;

	put_name(&d, top, keeper);
	if (!addr_parse(span_str(d.name), &spec, &err) ||
	    (len = addr_spec_to_sa(&spec, &ss)) == 0)
		return (-1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&ss, len) != 0 ||
	    listen(fd, BACKLOG) != 0))
		fd_close(&fd);
	return (fd);
}

/* The keeper that a line of NAMES tells of: of a socket that listens, as those
 * that were accepted bear the same name; 0: something else. */
static pid_t
keeper_of(const char *line, const char *want)
{
	const char *at = strstr(line, want);
	unsigned flags = 0;
	long keeper;
	char *end;

	if (at == NULL || sscanf(line, "%*s %*x %*x %x", &flags) != 1 ||
	    (flags & LISTENS) == 0)
		return (0);
	keeper = strtol(at + strlen(want), &end, 10);
	return (keeper > 0 && keeper <= INT32_MAX && *end == '\n' ?
	    (pid_t)keeper : 0);
}

bool
ipc_door_find(pid_t top, size_t nth, struct ipc_door *d)
{
	FILE *f = fopen(NAMES, "re");
	char line[512], want[32];
	bool found = false;
	pid_t keeper;

	snprintf(want, sizeof want, " @ecluse.%d.", (int)top);
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
		if ((keeper = keeper_of(line, want)) == 0)
			continue;
		put_name(d, top, keeper);
		found = nth-- == 0;
	}
	if (f != NULL)
		(void)fclose(f);
	return (found);
}
