/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_match - the names of the match methods and what they do.
 *
 * Source: configuration manual 7.1 to 7.1.6.
 */
#include "expr_int.h"

const char *const acl_match_names[ACL_MATCH_N] = {
	[ACL_FOUND] = "found", [ACL_BOOL] = "bool", [ACL_INT] = "int",
	[ACL_IP] = "ip", [ACL_BIN] = "bin", [ACL_LEN] = "len",
	[ACL_STR] = "str", [ACL_BEG] = "beg", [ACL_SUB] = "sub",
	[ACL_DIR] = "dir", [ACL_DOM] = "dom", [ACL_END] = "end",
	[ACL_REG] = "reg",
};

static const char *const method_docs[ACL_MATCH_N] = {
	[ACL_FOUND] = "there is such a sample, whatever its value; takes no "
	    "pattern",
	[ACL_BOOL] = "the value is true; takes no pattern",
	[ACL_INT] = "a number, a range `low:high`, or one after `eq`, `ge`, "
	    "`gt`, `le` or `lt`",
	[ACL_IP] = "an address or a network, `10.0.0.0/8`, `2001:db8::/32`",
	[ACL_BIN] = "these bytes, in hexadecimal",
	[ACL_LEN] = "the length of the value, as for `int`",
	[ACL_STR] = "the whole text",
	[ACL_BEG] = "the text begins so",
	[ACL_SUB] = "the text has this somewhere",
	[ACL_DIR] = "one or more whole parts between slashes or question "
	    "marks",
	[ACL_DOM] = "one or more whole parts between dots, "
	    "slashes, colons or question marks",
	[ACL_END] = "the text ends so",
	[ACL_REG] = "the text matches a regular expression (PCRE2)",
};

bool
acl_method(size_t i, const char **name, const char **doc)
{
	if (i >= ACL_MATCH_N)
		return (false);
	*name = acl_match_names[i];
	*doc = method_docs[i];
	return (true);
}
