/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of registry.k8s.io/e2e-test-images/agnhost, which is nowhere to be
 * had without a registry: 'agnhost netexec --http-port=N' answers each request with
 * the name of its pod, on connections that are kept. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void
answer(int fd)
{
	static char in[65536], out[512], host[256];
	size_t n = 0;
	ssize_t got;

	gethostname(host, sizeof host - 1);
	while ((got = read(fd, in + n, sizeof in - 1 - n)) > 0) {
		in[n += (size_t)got] = '\0';
		if (strstr(in, "\r\n\r\n") == NULL)
			continue;
		n = (size_t)snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\n"
		    "Content-Type: text/plain\r\nX-Pod: %s\r\n"
		    "Content-Length: %zu\r\n\r\n%s", host, strlen(host), host);
		if (write(fd, out, n) != (ssize_t)n)
			break;
		n = 0;
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, peer;

	if (argc != 3 || strcmp(argv[1], "netexec") != 0 ||
	    strncmp(argv[2], "--http-port=", 12) != 0)
		return (2);
	a.sin_port = htons((uint16_t)atoi(argv[2] + 12));
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, _exit);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 128) != 0)
		return (1);
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		if (fork() == 0)
			answer(peer);
		close(peer);
	}
	return (1);
}
