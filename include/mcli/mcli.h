/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MCLI_MCLI_H
#define MCLI_MCLI_H
/*
 * mcli - the master's sockets (-S): lines in, answers out, and bytes relayed
 * between a client and the agent of a generation.
 *
 * This room knows sessions: levels, targets, modes, prompts, the commands
 * about them. What else there is to say is asked of its owner, the master.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/list.h>
#include <base/text.h>

struct ipc_chan;
struct loop;

enum mcli_level { MCLI_USER = 1, MCLI_OPERATOR, MCLI_ADMIN };

struct mcli {                   /* a client */
	struct list node;
	int fd;
	int relay;              /* to an agent, while it answers; -1 */
	int level;              /* enum mcli_level */
	uint32_t modes;         /* IPC_CLI_… for workers */
	pid_t target;           /* a keeper; 0: the master */
	bool interactive;
	bool eof;               /* the client sends no more */
	bool waits;             /* for a reload */
	bool last;              /* the line was read that ends it */
	bool ends;              /* when the output is out */
	bool running;           /* a command of it is: not to be freed */
	struct text in, out;
};

struct mcli_owner {
	struct loop *loop;
	const char *version;
	/* keeper - the current generation's, 0: there is none. chan - the
	 * channel to a keeper, NULL: it is none of ours. */
	pid_t (*keeper)(void);
	struct ipc_chan *(*chan)(pid_t keeper);
	bool (*last_failed)(void);
	/* Commands. reload() may set `waits`: mcli_reloaded() follows. */
	void (*reload)(struct mcli *, bool hard);
	void (*show_proc)(struct mcli *, struct span args);
	struct span (*startup_log)(void);
};

/* mcli_check - false with *err (static) for a wrong -S argument. */
bool mcli_check(const char *const *args, size_t n, const char **err);

/*
 * mcli_open - open a socket for each argument; false after an alert.
 * mcli_adopt - one that an earlier image had, in their order. mcli_listen -
 * accept clients; again after the loop was opened anew.
 */
bool mcli_open(const char *const *args, size_t n);
void mcli_adopt(int fd, int level);
void mcli_listen(const struct mcli_owner *, const char *const *args);

/* mcli_renew - a socket whose path was removed is made again. */
void mcli_renew(void);

struct mcli_socket {
	int fd;
	int level;
};
extern struct mcli_socket *mcli_sockets;
extern size_t mcli_n_sockets;

/* mcli_busy - some client waits for an answer. */
bool mcli_busy(void);

/* mcli_reloaded - clients that wait for a reload hear of it. */
void mcli_reloaded(bool good);
#endif
