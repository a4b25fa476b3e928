/* SPDX-License-Identifier: Apache-2.0 */
/* pod sandbox init: reap orphans, exit on TERM/INT */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void bye(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0) ; }
int main(void) {
    struct sigaction a = {.sa_handler = bye}, c = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
    sigaction(SIGINT, &a, 0); sigaction(SIGTERM, &a, 0); sigaction(SIGCHLD, &c, 0);
    for (;;) pause();
}
