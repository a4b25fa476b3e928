/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_drop - giving up privileges, for good.
 *
 * Capabilities are read and written with the bare system calls (capget(2)):
 * the few that may be kept need no library.
 */
#include <os/proc.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which of these capabilities this process may have. */
static uint32_t
permitted(uint32_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (caps == 0 || syscall(SYS_capget, &head, data) != 0)
		return (0);
	return (data[0].permitted & caps);
}

static bool
set_caps(uint32_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = caps, .permitted = caps, .inheritable = 0 }
	};

	return (syscall(SYS_capset, &head, data) == 0);
}

static bool
change_ids(const struct proc_identity *id, const char **what)
{
	*what = "setgroups";
	if ((id->set_gid || id->set_uid) && geteuid() == 0 &&
	    setgroups(0, NULL) != 0)
		return (false);
	*what = "setgid";
	if (id->set_gid && setresgid(id->gid, id->gid, id->gid) != 0)
		return (false);
	*what = "setuid";
	return (!id->set_uid || setresuid(id->uid, id->uid, id->uid) == 0);
}

bool
proc_drop(const struct proc_identity *id, const char **what)
{
	uint32_t caps = permitted(id->caps);
	bool root_stays = geteuid() == 0 && (!id->set_uid || id->uid == 0);

	*what = "chroot";
	if (id->chroot != NULL &&
	    (chroot(id->chroot) != 0 || chdir("/") != 0))
		return (false);
	*what = "keeping capabilities";
	if (caps != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return (false);
	if (!change_ids(id, what))
		return (false);
	*what = "setting capabilities";
	if (caps != 0 && !root_stays && !set_caps(caps))
		return (false);
	*what = "no new privileges";
	if (!id->new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (false);
	*what = "dumpable";
	return (!id->dumpable || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}
