/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PX_USERLIST_H
#define PX_USERLIST_H
/*
 * userlist - users, their passwords and groups; data for http_auth() and its
 * kin, which compare.
 */
#include <stdbool.h>

#include <base/diag.h>
#include <base/span.h>

struct px_member {                      /* of a group; one link */
	struct px_member *next;
	const char *name;
	struct diag_pos pos;
};

struct px_user {
	struct px_user *next;
	const char *name;
	const char *password;           /* NULL: none, never matches */
	bool hashed;                    /* as crypt(3) writes it */
	struct px_member *groups;
};

struct px_group {
	struct px_group *next;
	const char *name;
	struct px_member *users;        /* as the group's line names them */
};

struct px_userlist {
	struct px_userlist *next;
	const char *name;
	struct px_user *users;
	struct px_group *groups;
	struct diag_pos pos;
};

/* px_userlist_find - by name, or NULL; complete once all is loaded. */
const struct px_userlist *px_userlist_find(struct span name);

/* px_user_find - a user of the list, or NULL. */
const struct px_user *px_user_find(const struct px_userlist *,
    struct span name);

/* px_user_is_in - true when the user is in the group, whichever line says so. */
bool px_user_is_in(const struct px_user *, struct span group);
#endif
