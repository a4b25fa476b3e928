/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_SOCK_H
#define OS_SOCK_H
/*
 * sock - sockets: opening, options, passing descriptors between processes.
 * All are non-blocking and close-on-exec unless it says otherwise.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <os/addr.h>

struct sock_listen {            /* how a listening socket is opened */
	struct addr_spec addr;
	int backlog;            /* 0: the kernel's SOMAXCONN */
	bool reuseport;
	bool exclusive;         /* with reuseport: fail when the address has a
	                         * listener; others may join afterwards */
	bool transparent;
	bool v6only, v4v6;
	bool defer_accept;
	bool tfo;
	bool dgram;
	int mss;                /* 0: default */
	const char *interface;  /* or NULL */
	const char *namespace;  /* of the network, or NULL: ours */
	unsigned tcp_user_timeout_ms;
	/* UNIX sockets: -1 leaves it as it is */
	int mode, uid, gid;
};

/*
 * sock_listen_open - socket, bind and listen; TCP_NODELAY is set on it, as
 * accepted sockets inherit it. A UNIX path is bound under a temporary name and
 * renamed over the old one.
 *
 * Returns the descriptor, or -1 with errno and *what naming the failed step.
 */
int sock_listen_open(const struct sock_listen *, const char **what);

/* sock_netns - the descriptor of a network namespace, one of those that `ip
 * netns` shows; -1 with errno. sock_make - socket(), but it belongs to the
 * namespace whose descriptor plus one is `netns`; 0: ours. */
int sock_netns(const char *name);
int sock_make(int netns, int family, int type);

/* sock_listen_retune - a listening socket that another process opened: the TCP
 * options that accepted sockets inherit, as sock_listen_open() sets them. */
void sock_listen_retune(int fd, bool defer_accept, unsigned user_timeout_ms);

/* sock_listen_first - `fd` is the first of its SO_REUSEPORT group: new
 * connections go to it alone, or (false) to all of the group again. Needs no
 * privileges. False with errno. */
bool sock_listen_first(int fd, bool alone);

/* sock_count_listeners - TCP sockets that listen where `fd` does, in its
 * network namespace; -1 when the kernel won't say. */
int sock_count_listeners(int fd);

/* sock_connect - non-blocking connect from `src` (or NULL); -1 with errno.
 * EINPROGRESS is success. TCP gets TCP_NODELAY. */
int sock_connect(const struct addr *dst, const struct addr *src);
/* sock_probe - the same, but the last packet of the handshake is delayed: who
 * resets at once (sock_set_nolinger) is never seen by the application. */
int sock_probe(const struct addr *dst, const struct addr *src);

/* sock_connect_marked - sock_connect() with marks in its packets from the
 * first on; those that are not allowed are left out. */
struct sock_marks {
	uint32_t mark;
	uint8_t tos;
	uint8_t set;                    /* SOCK_MARK, SOCK_TOS: which of them */
};
#define SOCK_MARK 1
#define SOCK_TOS  2
#define SOCK_OWN  4             /* no packet differs, but nobody else's stream
				 * may use the connection */
int sock_connect_marked(const struct addr *dst, const struct addr *src,
    const struct sock_marks *);

/* sock_connect_way - sock_connect() with all that can be said about it. An
 * option that is refused fails it, but for marks and sizes. */
struct sock_way {                       /* zeroes: as usual */
	const struct addr *src;         /* to come from; or NULL */
	bool foreign;                   /* `src` is not an address of ours */
	bool tfo;                       /* TCP Fast Open */
	bool late_ack;                  /* as sock_probe() */
	int netns;                      /* a network namespace's descriptor plus
	                                 * one; 0: ours */
	const char *interface;          /* or NULL */
	const char *md5_key;            /* of RFC 2385, or NULL */
	const char *cc;                 /* congestion control; or NULL: it stays
	                                 * as it is when this one is refused */
	uint32_t user_timeout_ms;
	int sndbuf, rcvbuf, notsent_lowat;      /* bytes; 0: as usual */
	const struct sock_marks *marks; /* or NULL */
};
int sock_connect_way(const struct addr *dst, const struct sock_way *);

/* sock_late_ack - what comes first is acknowledged with our answer to it; of a
 * listening socket: on the connections that it will accept. */
void sock_late_ack(int fd, bool);

/* sock_set_lowat - bytes not sent yet that the kernel takes at most. */
bool sock_set_lowat(int fd, int bytes);
int sock_connect_unix(const struct addr_spec *);

/* sock_connect_pair, sock_accept_pair - over one end of a connected pair
 * ("sockpair@"): the one makes a new pair and sends an end of it, the other
 * receives it. -1 with errno; EPIPE when the other side is closed. */
int sock_connect_pair(int fd);
int sock_accept_pair(int fd);

/* sock_accept - accept4(); -1 with errno. `peer` may be NULL. */
int sock_accept(int fd, struct addr *peer);

/* sock_accept_passes - it failed with `e` because nobody waits, or for the one
 * who did: not for want of something that all wait for. */
bool sock_accept_passes(int e);

/* sock_error - SO_ERROR, cleared. */
int sock_error(int fd);

/* sock_local, sock_peer - the two ends; family ADDR_NONE on failure. */
void sock_local(int fd, struct addr *);
void sock_peer(int fd, struct addr *);

/* sock_has_bytes - something came that was not read yet. */
bool sock_has_bytes(int fd);
/* sock_has_unsent - the peer has not acknowledged all that was sent, or, on a
 * unix socket, not read it all. */
bool sock_has_unsent(int fd);

bool sock_set_nodelay(int fd, bool);
bool sock_set_keepalive(int fd, int idle_s, int intvl_s, int cnt);
bool sock_set_nolinger(int fd);         /* close() will reset */
/* sock_silence - closing it shall not be noticed by the peer: nothing is sent
 * where that is allowed (CAP_NET_ADMIN), else a reset that dies after `ttl`
 * hops; of one hop when 0. A ttl that is not 0 is taken by its word. */
void sock_silence(int fd, unsigned ttl);
bool sock_set_buffers(int fd, int sndbuf, int rcvbuf);
/* sock_set_mark, sock_set_tos - of the packets that go out; false: not
 * allowed, or no such option. */
bool sock_set_mark(int fd, uint32_t mark);
bool sock_set_tos(int fd, int tos);
/* sock_save_syn - keep what opens the connections of a listening socket, as
 * TCP_SAVE_SYN of tcp(7): 0, 1 or 2. False: not TCP, or no such option. */
bool sock_save_syn(int fd, int how);
/* sock_set_cc - the congestion control of TCP by its name; NULL: the kernel's
 * own. sock_sign_peers - a listening socket: packets of all that connect are
 * to be signed with `key` (RFC 2385); NULL: not any more. False with errno. */
bool sock_set_cc(int fd, const char *name);
bool sock_sign_peers(int fd, const char *key);
bool sock_set_nonblock(int fd, bool);
bool sock_set_cloexec(int fd, bool);

/* sock_is_pair - one end of a connected SOCK_SEQPACKET pair, and nothing else
 * that a descriptor may be. */
bool sock_is_pair(int fd);

/* sock_pair - a connected AF_UNIX pair of `type` (SOCK_STREAM,
 * SOCK_SEQPACKET, SOCK_DGRAM). */
bool sock_pair(int type, int fd[2]);

#define SOCK_FDS_MAX 252                /* in one message */

/*
 * sock_send_fds - one message with descriptors. Returns bytes sent, or -1.
 * sock_recv_fds - one message; *n_fds in: room in `fds`, out: how many came
 * (close-on-exec); surplus ones are closed and EMSGSIZE reported.
 * sock_recv_fds_cut - the same, but when descriptors found no place here (the
 * table is full) all are closed and *cut is set: the message itself is whole.
 */
ssize_t sock_send_fds(int sock, const void *data, size_t len,
    const int *fds, size_t n_fds);
ssize_t sock_recv_fds(int sock, void *data, size_t len,
    int *fds, size_t *n_fds);
ssize_t sock_recv_fds_cut(int sock, void *data, size_t len, int *fds,
    size_t *n_fds, bool *cut);
#endif
