/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat_schema - "show schema json": what "show info json" and "show stat json"
 * look like, for programs that check what they read.
 *
 * Source: management manual 9.3; json-schema.org, draft 7.
 */
#include "stat_int.h"

#define WORDS(list) "{\"type\":\"string\",\"enum\":[" list "]}"
#define COUNT(least) "{\"type\":\"integer\",\"minimum\":" least "}"
#define NUMBER(type, least, most)                                            \
	"{\"properties\":{\"type\":{\"const\":\"" type "\"},"                \
	"\"value\":{\"type\":\"integer\",\"minimum\":" least                 \
	",\"maximum\":" most "}}}"
#define REF(name) "{\"$ref\":\"#/definitions/" name "\"}"

/* A figure, with more in front of what all of them have. */
#define FIGURE(more, required)                                               \
	"{\"type\":\"object\",\"properties\":{" more                         \
	"\"field\":" REF("field") ",\"processNum\":" COUNT("1") ","          \
	"\"tags\":" REF("tags") ",\"value\":" REF("value") ","               \
	"\"desc\":{\"type\":\"string\"}},\"required\":[" required            \
	"\"field\",\"processNum\",\"tags\",\"value\"]}"

static const char schema[] =
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
    "\"title\":\"statistics\",\"anyOf\":["
    "{\"title\":\"show info json\",\"type\":\"array\",\"items\":"
	REF("info") "},"
    "{\"title\":\"show stat json\",\"type\":\"array\",\"items\":"
	"{\"type\":\"array\",\"items\":" REF("stat") "}}],"
    "\"definitions\":{"
    "\"info\":" FIGURE("", "") ","
    "\"stat\":" FIGURE("\"objType\":"
	WORDS("\"Frontend\",\"Backend\",\"Listener\",\"Server\"") ","
	"\"proxyId\":" COUNT("0") ",\"id\":" COUNT("0") ",",
	"\"objType\",\"proxyId\",\"id\",") ","
    "\"field\":{\"type\":\"object\",\"properties\":{\"pos\":" COUNT("0")
	",\"name\":{\"type\":\"string\"}},\"required\":[\"pos\",\"name\"]},"
    "\"tags\":{\"type\":\"object\",\"properties\":{\"origin\":"
	WORDS("\"Metric\",\"Status\",\"Key\",\"Config\",\"Product\"")
	",\"nature\":" WORDS("\"Age\",\"Avg\",\"Counter\",\"Duration\","
	    "\"Gauge\",\"Limit\",\"Max\",\"Min\",\"Name\",\"Output\",\"Rate\","
	    "\"Time\"")
	",\"scope\":" WORDS("\"Cluster\",\"Process\",\"Service\",\"System\"")
	"},\"required\":[\"origin\",\"nature\",\"scope\"]},"
    "\"value\":{\"type\":\"object\",\"required\":[\"type\",\"value\"],"
	"\"oneOf\":["
	NUMBER("s32", "-2147483648", "2147483647") ","
	NUMBER("u32", "0", "4294967295") ","
	NUMBER("u64", "0", "18446744073709551615") ","
	"{\"properties\":{\"type\":{\"const\":\"str\"},"
	    "\"value\":{\"type\":\"string\"}}}]}"
    "}}\n";

void
stat_schema_put(struct text *out)
{
	text_addz(out, schema);
}

static enum cli_done
run_schema(struct cli_ctx *x)
{
	stat_schema_put(x->out);
	return (CLI_DONE);
}

CLI_COMMAND(show_schema) = {
	.name = "show schema json", .args = "", .level = PX_LEVEL_USER,
	.run = run_schema,
	.doc = "the form of show info json and show stat json, as JSON schema",
};
