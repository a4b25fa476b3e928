/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_fix - messages of FIX, as stock exchanges use it: "tag=value" and a
 * byte 1 behind each.
 *
 * Source: configuration manual 7.3.1; FIX Tag Value Encoding, 2020.
 */
#include "conv_int.h"

#include <base/must.h>
#include <base/num.h>

#define SOH             '\1'
#define CHECKSUM_BYTES  7               /* "10=123" SOH */
#define MESSAGE_BYTES   26              /* no message is shorter */

enum { TAG_BEGIN = 8, TAG_LENGTH = 9, TAG_CHECKSUM = 10, TAG_TYPE = 35,
	TAG_SENDER = 49, TAG_TARGET = 56 };

enum got { GOT_FIELD, GOT_NOTHING, GOT_PART, GOT_WRONG, GOT_EMPTY };

/* The next field; GOT_PART: its end is not there; GOT_EMPTY: it is over one
 * without a value. */
static enum got
take_field(struct span *in, uint64_t *tag, struct span *value)
{
	ptrdiff_t eq, end;

	if (in->n == 0)
		return (GOT_NOTHING);
	if ((end = span_find(*in, SOH)) < 0)
		return (GOT_PART);
	eq = span_find(span_of(in->p, (size_t)end), '=');
	if (eq <= 0 || *in->p == '+' ||
	    !num_u64(span_of(in->p, (size_t)eq), tag))
		return (GOT_WRONG);
	*value = span_of(in->p + eq + 1, (size_t)(end - eq) - 1);
	*in = span_skip(*in, (size_t)end + 1);
	return (value->n == 0 ? GOT_EMPTY : GOT_FIELD);
}

static bool
is_version(struct span s)
{
	static const char *const known[] = { "FIX.4.0", "FIX.4.1", "FIX.4.2",
	    "FIX.4.3", "FIX.4.4", "FIXT.1.1" };

	for (size_t i = 0; i < NELEM(known); i++)
		if (span_is(s, known[i]))
			return (true);
	return (false);
}

/* The fields of the body as far as they are there: MsgType is the first, and
 * CheckSum none of them. */
static enum got
validate_body(struct span body)
{
	struct span value;
	uint64_t tag;
	enum got got = take_field(&body, &tag, &value);

	if (got == GOT_FIELD && tag != TAG_TYPE)
		return (GOT_WRONG);
	while (got == GOT_FIELD) {
		got = take_field(&body, &tag, &value);
		if (got == GOT_FIELD && tag == TAG_CHECKSUM)
			return (GOT_WRONG);
	}
	return (got);
}

static bool
sum_is(struct span message, struct span trailer)
{
	struct span value;
	uint64_t tag, sum;
	unsigned have = 0;

	for (const char *p = message.p; p < trailer.p; p++)
		have += (uint8_t)*p;
	return (take_field(&trailer, &tag, &value) == GOT_FIELD &&
	    trailer.n == 0 && tag == TAG_CHECKSUM && value.n == 3 &&
	    num_u64(value, &sum) && sum == have % 256);
}

/* GOT_FIELD: a whole message, valid. */
static enum got
validate(struct span in)
{
	struct span rest = in, value;
	uint64_t tag, length;
	enum got got;

	if (in.n < MESSAGE_BYTES)
		return (GOT_PART);
	if ((got = take_field(&rest, &tag, &value)) != GOT_FIELD)
		return (got);
	if (tag != TAG_BEGIN || !is_version(value))
		return (GOT_WRONG);
	if ((got = take_field(&rest, &tag, &value)) != GOT_FIELD)
		return (got);
	if (tag != TAG_LENGTH || !num_u64(value, &length))
		return (GOT_WRONG);
	if (length > rest.n || rest.n - length < CHECKSUM_BYTES)
		return (validate_body(rest) >= GOT_WRONG ? GOT_WRONG :
		    GOT_PART);
	if (validate_body(span_of(rest.p, (size_t)length)) != GOT_NOTHING)
		return (GOT_WRONG);
	return (sum_is(in, span_of(rest.p + length, CHECKSUM_BYTES)) ?
	    GOT_FIELD : GOT_WRONG);
}

static bool
conv_fix_is_valid(struct txn *t, const struct arg *arg, struct smp *s)
{
	enum got got = validate(s->str);

	(void)t;
	(void)arg;
	return (got != GOT_NOTHING && got != GOT_PART &&
	    conv_give_num(s, got == GOT_FIELD));
}

static bool
conv_fix_tag_value(struct txn *t, const struct arg *arg, struct smp *s)
{
	struct span rest = s->str, value;
	uint64_t tag;
	enum got got;

	(void)t;
	do {
		got = take_field(&rest, &tag, &value);
		if (got == GOT_FIELD && tag == (uint64_t)arg[0].num) {
			s->str = value;
			return (true);
		}
	} while (got == GOT_FIELD || got == GOT_EMPTY);
	return (false);
}

static bool
check_tag(struct arg *arg, const char **err)
{
	static const struct { const char *name; int64_t tag; } names[] = {
		{ "BeginString", TAG_BEGIN }, { "BodyLength", TAG_LENGTH },
		{ "MsgType", TAG_TYPE }, { "SenderCompID", TAG_SENDER },
		{ "TargetCompID", TAG_TARGET }, { "CheckSum", TAG_CHECKSUM },
	};

	for (size_t i = 0; i < NELEM(names); i++)
		if (span_iis(arg[0].str, names[i].name)) {
			arg[0].num = names[i].tag;
			return (true);
		}
	*err = "expected the number of a tag, or one of BeginString, "
	    "BodyLength, MsgType, SenderCompID, TargetCompID and CheckSum";
	return (num_i64(arg[0].str, &arg[0].num) && arg[0].num > 0);
}

CONV_ROW(fix_is_valid, "fix_is_valid", "", SMP_BIN, SMP_BOOL,
    conv_fix_is_valid,
    "str(8=FIX.4.2|9=5|35=0|10=161|),regsub(\"[|]\",\"\\x01\",g),"
    "fix_is_valid", "1", "Whether the bytes begin with a valid message of "
    "FIX: tags are numbers and have values, the first three are BeginString "
    "of a known version, the right BodyLength and MsgType, the last one is "
    "the right CheckSum. No result while the message is not complete.");
CONV_ROW(fix_tag_value, "fix_tag_value", "str tag", SMP_BIN, SMP_BIN,
    conv_fix_tag_value,
    "str(8=FIX.4.2|9=5|35=0|10=161|),regsub(\"[|]\",\"\\x01\",g),"
    "fix_tag_value(MsgType)", "0", "The value of the first field with that "
    "tag, a number or one of the names BeginString, BodyLength, MsgType, "
    "SenderCompID, TargetCompID and CheckSum. The message is not validated.",
    .check = check_tag);
