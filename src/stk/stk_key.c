/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stk_key - keys of tables: from samples, from and to text.
 *
 * Addresses are in network order, integers in that of the machine; text is
 * filled up with zeroes, and so is binary.
 */
#include "stk_int.h"

#include <base/num.h>

const char *const stk_type_names[STK_TYPE_N] = {
	[STK_IP] = "ip", [STK_IPV6] = "ipv6", [STK_INTEGER] = "integer",
	[STK_STRING] = "string", [STK_BINARY] = "binary",
};

static uint8_t scratch[STK_KEY_MAX];

enum smp_type
stk_type_smp(enum stk_type t)
{
	static const uint8_t types[STK_TYPE_N] = {
		[STK_IP] = SMP_V4, [STK_IPV6] = SMP_V6,
		[STK_INTEGER] = SMP_INT, [STK_STRING] = SMP_STR,
		[STK_BINARY] = SMP_BIN,
	};

	return (types[t]);
}

enum smp_type
stk_table_takes(const struct stk_table *t)
{
	return (stk_type_smp(t->type));
}

static void
finish(const struct stk_table *t, struct stk_key *k)
{
	k->p = scratch;
	k->hash = stk_hash(t->shm, scratch);
}

static void
set_bytes(const struct stk_table *t, struct span s)
{
	size_t most = t->key_bytes - (t->type == STK_STRING);
	const char *nul;

	if (s.n > most)
		s.n = most;
	if (t->type == STK_STRING && s.n != 0 &&
	    (nul = memchr(s.p, '\0', s.n)) != NULL)
		s.n = (size_t)(nul - s.p);
	if (s.n != 0)
		memcpy(scratch, s.p, s.n);
	memset(scratch + s.n, 0, t->key_bytes - s.n);
}

/* Text is read as far as it is a number, which an empty one is not. */
static bool
integer_of(struct txn *txn, struct smp *s)
{
	if (s->type == SMP_BIN)
		s->type = SMP_STR;
	return (smp_cast(txn, s, SMP_INT));
}

bool
stk_key_smp(const struct stk_table *t, struct txn *txn, struct smp *s,
    struct stk_key *k)
{
	uint32_t v;

	if (t->type == STK_INTEGER) {
		if (!integer_of(txn, s))
			return (false);
		v = (uint32_t)s->num;
		memcpy(scratch, &v, sizeof v);
	} else if (!smp_cast(txn, s, stk_type_smp(t->type))) {
		return (false);
	} else if (t->type == STK_IP || t->type == STK_IPV6) {
		memcpy(scratch, s->addr.ip, t->key_bytes);
	} else {
		set_bytes(t, s->str);
	}
	finish(t, k);
	return (true);
}

/* ---- what people write ---- */

static bool
address_of(const struct stk_table *t, struct span text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct addr_net net;

	if (span_find(text, '/') >= 0 || !addr_net_parse(text, &net))
		return (false);
	if (t->type == STK_IP) {
		memcpy(scratch, net.addr.ip, 4);
		return (net.addr.family == ADDR_V4);
	}
	if (net.addr.family == ADDR_V6) {
		memcpy(scratch, net.addr.ip, 16);
		return (true);
	}
	memcpy(scratch, mapped, 12);
	memcpy(scratch + 12, net.addr.ip, 4);
	return (true);
}

static bool
hex_of(const struct stk_table *t, struct span text)
{
	if (text.n % 2 != 0 || text.n / 2 > t->key_bytes)
		return (false);
	memset(scratch, 0, t->key_bytes);
	for (size_t i = 0; i < text.n; i++) {
		int v = num_hexval(text.p[i]);

		if (v < 0)
			return (false);
		scratch[i / 2] = (uint8_t)(scratch[i / 2] << 4 | v);
	}
	return (true);
}

bool
stk_key_text(const struct stk_table *t, struct span text, struct stk_key *k)
{
	uint64_t n;
	uint32_t v;

	switch ((enum stk_type)t->type) {
	case STK_IP:
	case STK_IPV6:
		if (!address_of(t, text))
			return (false);
		break;
	case STK_INTEGER:
		if (!num_u64(text, &n) || n > UINT32_MAX)
			return (false);
		v = (uint32_t)n;
		memcpy(scratch, &v, sizeof v);
		break;
	case STK_BINARY:
		if (!hex_of(t, text))
			return (false);
		break;
	default:
		set_bytes(t, text);
	}
	finish(t, k);
	return (true);
}

static struct addr
addr_of(const struct stk_table *t, const uint8_t *key)
{
	struct addr a = { .family = t->type == STK_IP ? ADDR_V4 : ADDR_V6 };

	memcpy(a.ip, key, t->key_bytes);
	return (a);
}

static uint32_t
number_of(const uint8_t *key)
{
	uint32_t v;

	memcpy(&v, key, sizeof v);
	return (v);
}

static struct span
text_of(const struct stk_table *t, const uint8_t *key)
{
	return (span_of((const char *)key, t->type == STK_BINARY ?
	    t->key_bytes : strnlen((const char *)key, t->key_bytes)));
}

/* A key is one word of the line: what would end it is escaped, as the
 * reference does it. */
static void
print_text(struct span s, struct text *out)
{
	static const char from[] = "\t\n\r\033\\ =", to[] = "tnre\\ =";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		const char *at = c == '\0' ? NULL : strchr(from, c);

		if (at != NULL) {
			text_addc(out, '\\');
			text_addc(out, to[at - from]);
		} else if ((uint8_t)c < ' ' || (uint8_t)c >= 0x7f)
			text_printf(out, "\\x%02X", (uint8_t)c);
		else
			text_addc(out, c);
	}
}

void
stk_key_print(const struct stk_table *t, const uint8_t *key,
    struct text *out)
{
	char buf[ADDR_TEXT];
	struct addr a;

	switch ((enum stk_type)t->type) {
	case STK_IP:
	case STK_IPV6:
		a = addr_of(t, key);
		text_add(out, span_of(buf, addr_print(&a, buf)));
		break;
	case STK_INTEGER:
		text_printf(out, "%u", number_of(key));
		break;
	case STK_BINARY:
		for (uint32_t i = 0; i < t->key_bytes; i++)
			text_printf(out, "%02X", key[i]);
		break;
	default:
		print_text(text_of(t, key), out);
	}
}

bool
stk_key_get(const struct stk_table *t, const uint8_t *key, struct txn *txn,
    struct smp *s)
{
	s->type = (uint8_t)stk_type_smp(t->type);
	switch ((enum stk_type)t->type) {
	case STK_IP:
	case STK_IPV6:
		s->addr = addr_of(t, key);
		return (true);
	case STK_INTEGER:
		s->num = number_of(key);
		return (true);
	default:
		s->str = arena_span(txn->arena, text_of(t, key));
		return (s->str.p != NULL);
	}
}
