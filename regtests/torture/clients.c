/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients - the clients of the torture test, one process, one thread.
 *
 *   clients HTTP_PORT TCP_PORT [crowd=N] [crowd.rate=R] [crowd.every_ms=M]
 *           [slot=K]      client addresses from 127.0.1.(K+1) on
 *
 * Crowds are the rows of crowd.c; "all=0" empties them.  It tells what happens
 * on standard output (report.c) and is told on standard input, a line each:
 *
 *   mark V      a reload to configuration V is signalled now; 0: nothing is
 *   over        it is done: the old generation has left
 *   speak       silent connections ask once more
 *   doom A:P..  the proxy's process with these clients is about to be killed
 *   killed T    it was, at second T of the monotonic clock
 *   pause       begin nothing new; the event "quiet" follows
 *   resume
 *   count       print counts
 *   stop        finish what is under way, print counts, and leave
 */
#include "torture.h"

#define FINISH_US 30000000

int64_t now;
int ep, http_port, tcp_port, slot_base = -1;
bool paused, stopping;
static bool told_ready, told_quiet;
static int64_t stop_at;
static uint32_t doom_addr;
static uint16_t doom_port;

static void
doom_one(struct conn *c)
{
	if (c->fd >= 0 && c->addr == doom_addr && c->port == doom_port)
		c->doomed = true;
}

static void
doom(char *list)
{
	unsigned addr, port;
	int n;

	while (sscanf(list, " %x:%u%n", &addr, &port, &n) == 2) {
		doom_addr = addr;
		doom_port = (uint16_t)port;
		crowd_each(doom_one);
		list += n;
	}
	report_event("doomed");
}

static void
command(char *line)
{
	if (strncmp(line, "mark ", 5) == 0) {
		report_mark(atoi(line + 5));
	} else if (strcmp(line, "over") == 0) {
		report_over();
	} else if (strcmp(line, "speak") == 0) {
		crowd_speak();
	} else if (strncmp(line, "doom", 4) == 0) {
		doom(line + 4);
	} else if (strncmp(line, "killed ", 7) == 0) {
		report_killed((int64_t)(atof(line + 7) * 1e6));
	} else if (strcmp(line, "pause") == 0) {
		paused = true;
		told_quiet = false;
	} else if (strcmp(line, "resume") == 0) {
		paused = false;
	} else if (strcmp(line, "count") == 0) {
		report_counts("counts");
	} else if (strcmp(line, "stop") == 0) {
		stop_at = now;
		crowd_stop();
	} else {
		fprintf(stderr, "clients: unknown command '%s'\n", line);
		exit(2);
	}
}

static void
read_commands(void)
{
	static char in[1 << 16];
	static size_t len;
	char *line = in, *end;
	ssize_t n = read(0, in + len, sizeof in - 1 - len);

	if (n <= 0)
		exit(3);                /* the driver is gone */
	len += (size_t)n;
	in[len] = '\0';
	while ((end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		command(line);
		line = end + 1;
	}
	len -= (size_t)(line - in);
	memmove(in, line, len + 1);
}

/* What is to be said when it becomes true. */
static void
say_states(void)
{
	static int64_t last;

	if (now - last < 10000)
		return;
	last = now;
	if (!told_ready && crowd_is_ready()) {
		told_ready = true;
		report_event("ready");
	}
	if (paused && !told_quiet && crowd_is_quiet()) {
		told_quiet = true;
		report_event("quiet");
	}
	report_window();
	link_sweep();
	if (stopping && (crowd_left() == 0 || now - stop_at > FINISH_US)) {
		report_counts("final");
		fflush(stdout);
		exit(0);
	}
}

static void
loop(void)
{
	struct epoll_event evs[512];
	struct timespec wait = { 0, 0 };
	int64_t us, next;
	int i, n;

	for (;;) {
		us = wheel_wait_us();
		next = crowd_wait_us();
		if (next < us)
			us = next;
		next = now + us;
		wait.tv_nsec = us * 1000;
		n = epoll_pwait2(ep, evs, 512, &wait, NULL);
		now = now_us();
		for (i = 0; i < n; i++) {
			if (evs[i].data.ptr == NULL)
				read_commands();
			else
				link_event(evs[i].data.ptr, evs[i].events);
		}
		now = now_us();
		report_late(now - next);
		wheel_run();
		crowd_run();
		say_states();
	}
}

static bool
options(int argc, char **argv)
{
	const char *eq;
	int i;

	if (argc < 3)
		return (false);
	crowd_init();
	http_port = atoi(argv[1]);
	tcp_port = atoi(argv[2]);
	for (i = 3; i < argc; i++) {
		if ((eq = strchr(argv[i], '=')) == NULL)
			return (false);
		if (strncmp(argv[i], "slot=", 5) == 0)
			slot_base = atoi(eq + 1);
		else if (!crowd_set(argv[i], atof(eq + 1)))
			return (false);
	}
	return (true);
}

int
main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };

	if (!options(argc, argv)) {
		fprintf(stderr, "usage: clients HTTP_PORT TCP_PORT "
		    "[crowd=N]...; see clients.c\n");
		return (2);
	}
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	bytes_init();
	now = now_us();
	wheel_init();
	if ((ep = epoll_create1(0)) < 0)
		die("epoll_create1");
	if (epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e) != 0)
		die("epoll_ctl");
	crowd_start();
	loop();
}
