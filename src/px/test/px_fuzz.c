/* SPDX-License-Identifier: Apache-2.0 */
/*
 * px_fuzz - any bytes as a configuration with the keywords of the model: no
 * fault, and every proxy and server of the result is found by its name.
 */
#include <netdb.h>

#include <base/must.h>
#include <conf/conf.h>
#include <px/px.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int getaddrinfo(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

/* Names are not resolved here: no traffic, and it would take its time. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node;
	(void)service;
	(void)hints;
	*res = NULL;
	return (EAI_NONAME);
}

static void
check_model(void)
{
	PX_EACH(px, px_model) {
		MUST(px_find(px_model, span_str(px->name), px->kind) != NULL);
		MUST(px->id != 0);
		PX_EACH_SERVER(sv, px) {
			MUST(px_server_find(px, span_str(sv->name)) == sv);
			MUST(sv->id != 0 && sv->px == px);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena;
	struct diags ds;
	struct conf c = { .arena = &arena };

	if (n > 65536)
		return (0);
	arena_init(&arena, 0);
	diags_init(&ds);
	c.diags = &ds;
	px_model_new(&arena);
	if (conf_load_text(&c, "fuzz.cfg", span_of((const char *)data, n)))
		check_model();
	px_model_free(px_model);
	diags_fini(&ds);
	arena_reset(&arena);
	return (0);
}
