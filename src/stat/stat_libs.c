/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_libs - "show libs": what is loaded where, for those who read addresses in
 * a core file or a profile. All processes of a generation have the same, as they
 * are forked from one.
 *
 * Source: management manual 9.3 "show libs".
 */
#include "stat_int.h"

#include <link.h>
#include <unistd.h>

static int
put_one(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct text *out = arg;
	uintptr_t lo = UINTPTR_MAX, hi = 0;
	char self[256] = "";
	ssize_t n;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + h->p_vaddr;

		if (h->p_type != PT_LOAD)
			continue;
		lo = from < lo ? from : lo;
		hi = from + h->p_memsz > hi ? from + h->p_memsz : hi;
	}
	if (lo >= hi)
		return (0);
	/* The program itself has no name here. */
	if (info->dlpi_name[0] == '\0' &&
	    (n = readlink("/proc/self/exe", self, sizeof self - 1)) > 0)
		self[n] = '\0';
	text_printf(out, "0x%012llx-0x%012llx (0x%07llx) %s\n",
	    (unsigned long long)lo, (unsigned long long)hi - 1,
	    (unsigned long long)(hi - lo), info->dlpi_name[0] != '\0' ?
	    info->dlpi_name : self);
	return (0);
}

static enum cli_done
run_libs(struct cli_ctx *x)
{
	(void)dl_iterate_phdr(put_one, x->out);
	return (CLI_DONE);
}

CLI_COMMAND(show_libs) = {
	.name = "show libs", .args = "", .level = PX_LEVEL_OPERATOR,
	.run = run_libs,
	.doc = "the program and its libraries, and where they are loaded",
};
