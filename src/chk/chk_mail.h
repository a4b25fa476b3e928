/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHK_MAIL_H
#define CHK_MAIL_H
/*
 * chk_mail - mails about changes of servers: whom a proxy tells, through which
 * mailers. Settings are made by chk_mail_kw.c, used by chk_mail.c, in the
 * agent alone.
 */
#include "chk_int.h"

struct chk_letter;

struct chk_mailer {
	struct chk_mailer *next;
	const char *name;
	struct addr addr;
	struct chk_mailers *in;
	/* the agent's: one mail at a time, the others wait */
	struct chk_letter *first, **last;
	unsigned n_waiting;
	struct chk_talk *talk;          /* NULL: nothing is under way */
};

struct chk_mailers {                    /* a section */
	struct chk_mailers *next;
	const char *name;
	struct diag_pos pos;
	struct chk_mailer *first;
	int64_t timeout_ms;
};

struct chk_mail_cfg {                   /* email-alert lines of a proxy */
	const char *from, *to, *hostname;       /* NULL: not said */
	const char *mailers_name;
	struct diag_pos pos;            /* of the last of them */
	struct chk_mailers *mailers;    /* NULL: no mails */
	uint8_t level;                  /* enum log_level: up to this one */
	bool said;
};
PX_SLOT_DECLARE(chk_mail_slot);

/* chk_mailers_all - the sections. */
extern struct chk_mailers *chk_mailers_all;
#endif
