/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of "show servers state": no fault, what is kept is in
 * range, and a line that is wrong is told by its number.
 */
#include "../px_state.c"

#include <conf/conf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define BACKEND "backend be\n    load-server-state-from-file global\n"         \
    "    server s1 127.0.0.1:1\n    server s2 127.0.0.1:2\n"

static void
load(void)
{
	static struct arena arena;
	static struct diags ds;
	struct conf c = { .arena = &arena, .diags = &ds };

	arena_init(&arena, 0);
	diags_init(&ds);
	px_model_new(&arena);
	MUST(conf_load_text(&c, "t.cfg", SPAN(BACKEND)));
}

static void
check(const struct px_server *sv)
{
	const struct px_state *st = sv->saved;

	if (st == NULL)
		return;
	MUST(st->uweight <= 256 && st->iweight <= 256);
	MUST(st->state <= 3 && st->admin <= 0x7f && st->chk_health >= 0);
	MUST(st->fqdn.n != 0 && st->srvrecord.n != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_of((const char *)data, n);
	static bool ready;
	int lines = 1, wrong;

	if (!ready)
		load();
	ready = true;
	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n';
	PX_EACH(px, px_model)
		PX_EACH_SERVER(sv, px)
			sv->saved = NULL;
	wrong = read_text(in, NULL);
	MUST(wrong >= 0 && wrong <= lines);
	PX_EACH(px2, px_model)
		PX_EACH_SERVER(s2, px2)
			check(s2);
	return (0);
}
