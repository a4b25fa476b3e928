/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_pem_fuzz - any bytes as a PEM file, and what is in it as certificates
 * and keys: no fault, and names are slices of the certificate.
 */
#include <stdlib.h>
#include <string.h>

#include "../tls_der.c"
#include "../tls_pem.c"

#include <base/must.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
look(struct span der, struct span label)
{
	struct cert_names state = { .stage = 0 };
	struct cert_facts f;
	struct span name;

	if (!cert_facts(der, &f))
		return;
	while (cert_next_name(&f, &state, &name))
		MUST(name.p >= der.p && name.p + name.n <= der.p + der.n);
	(void)cert_key_fits(&f, label, der);
	(void)cert_key_fits(&f, SPAN("PRIVATE KEY"), der);
	(void)cert_key_fits(&f, SPAN("RSA PRIVATE KEY"), der);
	(void)cert_key_fits(&f, SPAN("EC PRIVATE KEY"), der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = malloc(n + 1);
	struct span in = span_of(copy, n);
	const char *err;
	struct pem b;

	memcpy(copy, data, n);
	look(in, SPAN("PRIVATE KEY"));
	while (pem_next(&in, &b, &err) == WHY_OK)
		if (!b.encrypted)
			look(b.der, b.label);
	free(copy);
	return (0);
}
