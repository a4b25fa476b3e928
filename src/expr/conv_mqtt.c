/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_mqtt - the first packets of MQTT: CONNECT of a client, CONNACK of a
 * server, in versions 3.1, 3.1.1 and 5.0.
 *
 * Source: configuration manual 7.3.1; MQTT 3.1.1 sections 2.2, 3.1 and 3.2;
 * MQTT 5.0 sections 1.5, 2.2.2, 3.1 and 3.2.
 */
#include "conv_int.h"

#include <base/must.h>
#include <base/num.h>

enum type { CONNECT = 1, CONNACK = 2 };

enum field { FLAGS, PROTOCOL_NAME, PROTOCOL_VERSION, CLIENT_ID, WILL_TOPIC,
	WILL_PAYLOAD, USERNAME, PASSWORD, KEEPALIVE, REASON_CODE, PROPERTY };

/* Flags of CONNECT. */
enum { CLEAN = 2, WILL = 4, WILL_QOS = 0x18, WILL_RETAIN = 0x20,
	HAS_PASSWORD = 0x40, HAS_USERNAME = 0x80 };

struct packet {
	unsigned type, flags, version, keepalive, reason;
	struct span protocol, client, topic, payload, user, password;
	struct span props, will_props;
};

/* ---- reading ---- */

static bool
take_byte(struct span *in, unsigned *v)
{
	if (in->n == 0)
		return (false);
	*v = (uint8_t)*in->p;
	*in = span_skip(*in, 1);
	return (true);
}

static bool
take_16(struct span *in, unsigned *v)
{
	if (in->n < 2)
		return (false);
	*v = conv_be16(in->p);
	*in = span_skip(*in, 2);
	return (true);
}

static bool
take_bytes(struct span *in, size_t n, struct span *out)
{
	if (n > in->n)
		return (false);
	*out = span_of(in->p, n);
	*in = span_skip(*in, n);
	return (true);
}

/* A text or bytes behind their length. */
static bool
take_text(struct span *in, struct span *out)
{
	unsigned n;

	return (take_16(in, &n) && take_bytes(in, n, out));
}

/* Seven bits in each of at most four bytes; *more: it ends too early. */
static bool
take_length(struct span *in, size_t *v, bool *more)
{
	*v = 0;
	*more = false;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c;

		if (i == in->n) {
			*more = true;
			return (false);
		}
		c = (uint8_t)in->p[i];
		*v |= (size_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) == 0) {
			*in = span_skip(*in, i + 1);
			return (true);
		}
	}
	return (false);
}

/* ---- properties of MQTT 5.0 ---- */

enum kind { NOT, BYTE, TWO, FOUR, TEXT, DATA, PAIR };

#define IN_CONNECT      1
#define IN_WILL         2
#define IN_CONNACK      4
#define PROPERTIES      43

static const struct {
	uint8_t kind, where;
} properties[PROPERTIES] = {
	[1] = { BYTE, IN_WILL }, [2] = { FOUR, IN_WILL },
	[3] = { TEXT, IN_WILL }, [8] = { TEXT, IN_WILL },
	[9] = { DATA, IN_WILL }, [17] = { FOUR, IN_CONNECT | IN_CONNACK },
	[18] = { TEXT, IN_CONNACK }, [19] = { TWO, IN_CONNACK },
	[21] = { TEXT, IN_CONNECT | IN_CONNACK },
	[22] = { DATA, IN_CONNECT | IN_CONNACK }, [23] = { BYTE, IN_CONNECT },
	[24] = { FOUR, IN_WILL }, [25] = { BYTE, IN_CONNECT },
	[26] = { TEXT, IN_CONNACK }, [28] = { TEXT, IN_CONNACK },
	[31] = { TEXT, IN_CONNACK }, [33] = { TWO, IN_CONNECT | IN_CONNACK },
	[34] = { TWO, IN_CONNECT | IN_CONNACK }, [36] = { BYTE, IN_CONNACK },
	[37] = { BYTE, IN_CONNACK },
	[38] = { PAIR, IN_CONNECT | IN_WILL | IN_CONNACK },
	[39] = { FOUR, IN_CONNECT | IN_CONNACK }, [40] = { BYTE, IN_CONNACK },
	[41] = { BYTE, IN_CONNACK }, [42] = { BYTE, IN_CONNACK },
};

static bool
take_property(struct span *in, unsigned where, unsigned *id,
    struct span *value)
{
	struct span second;

	if (!take_byte(in, id) || *id >= PROPERTIES ||
	    (properties[*id].where & where) == 0)
		return (false);
	switch (properties[*id].kind) {
	case BYTE:
		return (take_bytes(in, 1, value));
	case TWO:
		return (take_bytes(in, 2, value));
	case FOUR:
		return (take_bytes(in, 4, value));
	case PAIR:
		return (take_text(in, value) && take_text(in, &second));
	default:
		return (take_text(in, value));
	}
}

/* The list behind its length; each of them once, but for PAIR. */
static bool
take_properties(struct span *in, unsigned where, struct span *list)
{
	struct span rest, value;
	uint64_t seen = 0;
	unsigned id;
	size_t n;
	bool more;

	if (!take_length(in, &n, &more) || !take_bytes(in, n, list))
		return (false);
	for (rest = *list; rest.n > 0;) {
		if (!take_property(&rest, where, &id, &value))
			return (false);
		if (properties[id].kind != PAIR && (seen >> id & 1) != 0)
			return (false);
		seen |= UINT64_C(1) << id;
	}
	return (true);
}

static bool
find_property(struct span list, unsigned where, unsigned want,
    struct span *value)
{
	unsigned id;

	while (list.n > 0 && take_property(&list, where, &id, value))
		if (id == want)
			return (true);
	return (false);
}

/* ---- packets ---- */

static bool
flags_fit(unsigned flags)
{
	if ((flags & 1) != 0 || (flags & WILL_QOS) == WILL_QOS)
		return (false);
	return ((flags & WILL) != 0 || (flags & (WILL_QOS | WILL_RETAIN)) == 0);
}

static bool
parse_connect(struct span in, struct packet *p)
{
	if (!take_text(&in, &p->protocol) || !take_byte(&in, &p->version) ||
	    !take_byte(&in, &p->flags) || !take_16(&in, &p->keepalive))
		return (false);
	if (span_is(p->protocol, "MQIsdp") ? p->version != 3 :
	    !span_is(p->protocol, "MQTT") ||
	    (p->version != 4 && p->version != 5))
		return (false);
	if (!flags_fit(p->flags) || (p->version == 5 &&
	    !take_properties(&in, IN_CONNECT, &p->props)))
		return (false);
	if (!take_text(&in, &p->client))
		return (false);
	if ((p->flags & WILL) != 0 && ((p->version == 5 &&
	    !take_properties(&in, IN_WILL, &p->will_props)) ||
	    !take_text(&in, &p->topic) || !take_text(&in, &p->payload)))
		return (false);
	if ((p->flags & HAS_USERNAME) != 0 && !take_text(&in, &p->user))
		return (false);
	if ((p->flags & HAS_PASSWORD) != 0 && !take_text(&in, &p->password))
		return (false);
	return (in.n == 0);
}

/* Only the version that it came for could tell it: by its properties. */
static bool
parse_connack(struct span in, struct packet *p)
{
	if (!take_byte(&in, &p->flags) || p->flags > 1 ||
	    !take_byte(&in, &p->reason))
		return (false);
	p->version = in.n == 0 ? 4 : 5;
	return (in.n == 0 ||
	    (take_properties(&in, IN_CONNACK, &p->props) && in.n == 0));
}

enum got { GOT_PACKET, GOT_PART, GOT_WRONG };

static enum got
parse(struct span in, struct packet *p)
{
	struct span body;
	unsigned first;
	size_t n;
	bool more;

	memset(p, 0, sizeof *p);
	if (in.n < 2 || !take_byte(&in, &first))
		return (GOT_PART);
	p->type = first >> 4;
	if ((first & 15) != 0 || (p->type != CONNECT && p->type != CONNACK))
		return (GOT_WRONG);
	if (!take_length(&in, &n, &more))
		return (more ? GOT_PART : GOT_WRONG);
	if (!take_bytes(&in, n, &body))
		return (GOT_PART);
	return ((p->type == CONNECT ? parse_connect(body, p) :
	    parse_connack(body, p)) ? GOT_PACKET : GOT_WRONG);
}

static bool
conv_mqtt_is_valid(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct packet p;
	enum got got = parse(s->str, &p);

	(void)t;
	(void)arg;
	return (got != GOT_PART && conv_give_num(s, got == GOT_PACKET));
}

/* ---- fields ---- */

static bool
give_decimal(struct txn *t, struct smp *s, uint32_t v)
{
	char *p = arena_get(t->arena, 10);

	return (conv_give(s, p, p == NULL ? 0 : num_put(p, v)));
}

static bool
give_property(struct txn *t, struct smp *s, const struct packet *p,
    unsigned id)
{
	struct span v;
	uint32_t n = 0;

	if (!find_property(p->props, p->type == CONNECT ? IN_CONNECT :
	    IN_CONNACK, id, &v) &&
	    !find_property(p->will_props, IN_WILL, id, &v))
		return (false);
	if (properties[id].kind >= TEXT) {
		s->str = v;
		return (true);
	}
	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | (uint8_t)v.p[i];
	return (give_decimal(t, s, n));
}

/* A field that a flag of the packet announces; an empty one is none. */
static bool
give_text(struct smp *s, struct span v, bool there)
{
	s->str = v;
	return (there && v.n != 0);
}

static bool
conv_mqtt_field_value(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct packet p;

	if (parse(s->str, &p) != GOT_PACKET || p.type != (unsigned)arg[0].num)
		return (false);
	switch ((enum field)(arg[1].num & 0xff)) {
	case FLAGS:
		return (give_decimal(t, s, p.flags));
	case PROTOCOL_NAME:
		return (give_text(s, p.protocol, true));
	case PROTOCOL_VERSION:
		return (give_decimal(t, s, p.version));
	case CLIENT_ID:
		return (give_text(s, p.client, true));
	case WILL_TOPIC:
		return (give_text(s, p.topic, (p.flags & WILL) != 0));
	case WILL_PAYLOAD:
		return (give_text(s, p.payload, (p.flags & WILL) != 0));
	case USERNAME:
		return (give_text(s, p.user, (p.flags & HAS_USERNAME) != 0));
	case PASSWORD:
		return (give_text(s, p.password,
		    (p.flags & HAS_PASSWORD) != 0));
	case KEEPALIVE:
		return (give_decimal(t, s, p.keepalive));
	case REASON_CODE:
		return (give_decimal(t, s, p.reason));
	default:
		return (give_property(t, s, &p, (unsigned)arg[1].num >> 8));
	}
}

static bool
check_field(struct arg *arg, const char **err)
{
	static const struct { const char *name; uint8_t types, field; }
	fields[] = {
		{ "flags", 3, FLAGS }, { "protocol_name", 1, PROTOCOL_NAME },
		{ "protocol_version", 3, PROTOCOL_VERSION },
		{ "client_identifier", 1, CLIENT_ID },
		{ "will_topic", 1, WILL_TOPIC },
		{ "will_payload", 1, WILL_PAYLOAD },
		{ "username", 1, USERNAME }, { "password", 1, PASSWORD },
		{ "keepalive", 1, KEEPALIVE }, { "reason_code", 2, REASON_CODE },
	};
	unsigned where;
	uint64_t id;

	*err = "expected a type of packet: connect, 1, connack or 2";
	if (span_iis(arg[0].str, "connect") || span_is(arg[0].str, "1"))
		arg[0].num = CONNECT;
	else if (span_iis(arg[0].str, "connack") || span_is(arg[0].str, "2"))
		arg[0].num = CONNACK;
	else
		return (false);
	*err = "that type of packet has no such field";
	for (size_t i = 0; i < NELEM(fields); i++)
		if (span_iis(arg[1].str, fields[i].name)) {
			arg[1].num = fields[i].field;
			return ((fields[i].types & arg[0].num) != 0);
		}
	where = arg[0].num == CONNECT ? IN_CONNECT | IN_WILL : IN_CONNACK;
	if (!num_u64(arg[1].str, &id) || id >= PROPERTIES)
		return (false);
	/* the manual of HAProxy counts Will Delay Interval in hexadecimal */
	if (id == 18 && arg[0].num == CONNECT)
		id = 24;
	arg[1].num = (int64_t)(id << 8 | PROPERTY);
	return ((properties[id].where & where) != 0 &&
	    properties[id].kind != PAIR);
}

CONV_ROW(mqtt_is_valid, "mqtt_is_valid", "", SMP_BIN, SMP_BOOL,
    conv_mqtt_is_valid, "bin(20020000),mqtt_is_valid", "1",
    "Whether the bytes begin with a valid CONNECT or CONNACK of MQTT 3.1, "
    "3.1.1 or 5.0. No result while the packet is not complete.");
CONV_ROW(mqtt_field_value, "mqtt_field_value", "str type, str field", SMP_BIN,
    SMP_STR, conv_mqtt_field_value,
    "bin(101000044d5154540402003c000461626364),"
    "mqtt_field_value(connect,client_identifier)", "abcd",
    "A field of a packet of that type, connect (1) or connack (2), numbers in "
    "decimal: flags and protocol_version of both; protocol_name, "
    "client_identifier, will_topic, will_payload, username, password and "
    "keepalive of connect; reason_code of connack; or the number of a "
    "property of MQTT 5.0, but for 38. No result when the packet is not "
    "valid or does not have it.", .check = check_field);
