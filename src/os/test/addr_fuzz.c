/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_fuzz - address words and networks from any bytes: slices stay inside
 * of the input, and an address that was printed is read as the same.
 */
#include <base/must.h>
#include <os/addr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_spec(struct span s, const struct addr_spec *a)
{
	MUST(a->host.p >= s.p && a->host.p + a->host.n <= s.p + s.n);
	MUST(a->port_offset || a->port_last >= a->addr.port);
	MUST(a->offset >= -65535 && a->offset <= 65535);
	if (a->need_dns)
		MUST(a->host.n > 0 && a->host.n < 256);
}

static void
check_print(const struct addr *a)
{
	char text[ADDR_TEXT];
	struct addr_net again;
	struct addr bare = *a;

	if (a->family != ADDR_V4 && a->family != ADDR_V6)
		return;
	bare.port = 0;
	MUST(addr_net_parse(span_of(text, addr_print(a, text)), &again));
	MUST(addr_eq(&again.addr, &bare));
	MUST(addr_net_has(&again, a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span s = span_of((const char *)data, n);
	struct sockaddr_storage ss;
	struct addr_spec a;
	struct addr_net net;
	const char *err = NULL;

	if (addr_parse(s, &a, &err)) {
		check_spec(s, &a);
		check_print(&a.addr);
		MUST(addr_spec_to_sa(&a, &ss) <= sizeof(ss));
	} else {
		MUST(err != NULL);
	}
	if (addr_net_parse(s, &net)) {
		check_print(&net.addr);
		MUST(addr_net_has(&net, &net.addr));
	}
	return (0);
}
