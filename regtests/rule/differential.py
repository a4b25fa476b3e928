# SPDX-License-Identifier: Apache-2.0
"""Owns the grammar of the differential test: random configurations and random
requests, written from lists of parts which both programs have, so that what a
server and a client see can be compared.
"""

FETCHES = [
    "path", "pathq", "query", "url", "base", "method", "req.ver", "src",
    "req.hdr(host)", "req.hdr(x-a)", "req.hdr(x-a,1)",
    "req.hdr(x-a,-1)", "req.fhdr(x-a)", "req.fhdr(x-list)", "req.hdr(x-list,2)",
    "req.hdr(x-none)", "req.cook(one)", "req.cook(two)", "req.cook_cnt(one)",
    "req.hdr_cnt(x-list)", "req.hdr_cnt(x-a)", "req.hdr_names",
    "url_param(a)", "url_param(b)", "urlp(a)", "urlp_val(n)",
    "req.hdr_val(x-n)", "str(Some Text)", "int(42)", "int(-7)",
    "bool(true)", "ipv4(192.0.2.17)", "path,length", "fe_name", "be_name",
    "url_port", "hdr(host),field(1,:)", "var(txn.v1)", "var(req.v2)",
    "var(txn.none)", "http_auth_user", "req.hdr(x-ip,1)", "base32",
    "var(sess.s)", "var(txn.none,dflt)", "capture.req.hdr(0)",
    "capture.req.hdr(1)", "capture.req.method", "capture.req.uri",
    "capture.req.ver", "src_get_gpc0(t_ip)", "sc_get_gpc0(0)", "sc0_get_gpt0",
    "sc_http_req_cnt(1)", "sc1_get_gpc1", "sc_tracked(0)", "sc1_tracked",
    "table_cnt(t_str)", "table_avl(t_int)", "req.body", "req.body_len",
    "req.body_param(a)", "path_beg", "hdr(x-list),length", "url_ip",
    "req.hdr_ip(x-ip)", "urlp(a,,i)", "url32", "method,lower", "bin(61ff00)",
    "req.hdrs,length", "unique-id", "http_auth_pass", "http_auth_type",
    "req.hdr(x-map)", "req.hdr(x-map)", "req.hdr(x-ip),map_ip(@DIR@/ip.map)",
    "src,map_ip(@DIR@/ip.map,none)", "int(10)", "rand(1)", "nbsrv(be)",
    "srv_is_up(be/s)", "be_conn(b2)", "query,field(2,=)", "dst,ipmask(8)",
]

CONVERTERS = [
    "lower", "upper", "length", "hex", "base64", "url_dec", "url_enc",
    "field(1,/)", "field(2,/)", "field(-1,/)", "word(1,/)", "word(2,-)",
    "word(-1,/)", "bytes(1)", "bytes(0,3)", "bytes(2,4)", "regsub(a,b)",
    "regsub(a,b,g)", "regsub(\"[0-9]+\",N,gi)", "crc32", "djb2", "sdbm",
    "wt6", "xxh32", "xxh64", "crc32c", "strcmp(txn.v1)", "concat(-,txn.v1,.)",
    "json", "json(utf8s)", "ltrim(/)", "rtrim(/)", "sha1,hex", "sha2(256),hex",
    "digest(md5),hex", "iif(yes,no)", "mul(3)", "add(5)", "sub(2)", "div(4)",
    "mod(7)", "neg", "not", "even", "odd", "and(6)", "or(9)", "xor(5)", "cpl",
    "bool", "ipmask(24)", "ltime(%Y)", "utime(%H:%M)", "capitalize",
    "reverse_dom", "b64dec", "hex2i", "in_table", "htonl,hex", "language(en;fr)",
    "secure_memcmp(txn.v1)", "ub64enc", "ub64dec", "ungrpc(1)",
    "map(@DIR@/str.map)", "map(@DIR@/str.map,none)",
    "map_str_int(@DIR@/int.map)", "map_str_int(@DIR@/int.map,7)",
    "map_beg(@DIR@/beg.map,-)", "map_sub(@DIR@/beg.map,-)",
    "map_dir(@DIR@/dir.map,-)", "map_dom(@DIR@/dom.map,-)",
    "map_end(@DIR@/beg.map)", "map_reg(@DIR@/reg.map,-)",
    "map_regm(@DIR@/reg.map,-)", "map_int(@DIR@/num.map,-)",
    "map_str_ip(@DIR@/addr.map,192.0.2.1)", "map_ip(@DIR@/ip.map,-)",
    "map_ip_int(@DIR@/ipn.map,5)", "map_beg_int(@DIR@/int.map,0)",
    "in_table(t_str)", "table_gpc0(t_str)", "table_gpt0(t_str)",
    "table_http_req_cnt(t_str)", "table_server_id(t_str)",
    "table_trackers(t_ip)", "table_gpc1(t_int)", "table_conn_cur(t_ip)",
    "set-var(txn.v3)", "set-var(sess.s)", "unset-var(txn.v3)",
    "strcmp(txn.v3)", "add(txn.v3)", "concat(,txn.v3,/)",
    "add_item(\",\",txn.v3)", "capture-req(0)", "capture-req(1)",
    "regsub('([a-z])([a-z])','\\2\\1',g)", "regsub(/+,/,g)",
    "regsub(\"^/\",\"\")", "regsub('(?i)A','x',g)", "cut_crlf",
    "field(1,&=)", "field(-2,/,2)", "word(1,/,0)", "word(-1,'-/',2)",
    "field(2,/,0)", "be2hex(:,2)", "be2dec(.,1)", "hmac(sha256,YWJj),hex",
    "xxh3", "url_dec(1)", "param(a)", "param(b,;)", "host_only", "port_only",
    "json_query('$.a')", "json(utf8ps)", "json(ascii)", "ltime(%s)",
    "http_date", "http_date(5,ms)", "http_date(-3600)", "protobuf(1,int32)",
    "length,mul(-1)", "mod(-3)", "div(-2)", "add(9223372036854775807)",
    "fix_is_valid", "mqtt_is_valid", "ipmask(16,64)",
    "rtrim('abc ')", "ltrim('GET/ ')", "crc32(1)", "sdbm(1)", "djb2(1)",
]
# Refused by both in some places; a configuration that is refused by both is
# as good as one that is taken.

TESTS = [
    "{ path_beg /a }", "{ path_end .html }", "{ path /x/y }",
    "{ path_sub foo }", "{ path_dir img }", "{ path_reg ^/[a-m]+ }",
    "{ path_len gt 8 }", "{ path -i /X/Y /a/B }", "{ hdr(host) -i a.example }",
    "{ hdr_dom(host) example }", "{ hdr_beg(host) -i www. }",
    "{ hdr_end(host) -i .test }", "{ hdr(x-a) -m found }",
    "{ hdr(x-a) -m len ge 3 }", "{ hdr_cnt(x-list) gt 1 }",
    "{ hdr_val(x-n) ge 10 }", "{ hdr_val(x-n) 1:5 }", "{ hdr(x-a) one two }",
    "{ req.cook(one) -m str yes }", "{ req.cook_cnt(two) gt 0 }",
    "{ method POST }", "{ method GET HEAD }", "METH_POST", "HTTP_1.1",
    "{ url_param(a) -m beg v }", "{ urlp_val(n) lt 10 }", "{ query -m found }",
    "{ url_reg -i foo|bar }", "{ src 127.0.0.0/8 }", "{ src 10.0.0.0/8 }",
    "{ src ::1 127.0.0.1 }", "{ req.hdr(x-ip) -m ip 192.0.2.0/24 2001:db8::/32 }",
    "{ req.ver 1.1 }", "{ always_true }", "{ always_false }", "TRUE",
    "{ var(txn.v1) -m str one }", "{ var(txn.v1) -m found }",
    "{ base_beg a.example/ }", "{ path,length ge 5 }",
    "{ path,lower -m beg /foo }", "{ hdr(x-list) -m sub bb }",
    "{ hdr(x-b64),b64dec -m str hello }", "{ rand(1) 0 }",
    "{ hdr(x-n),add(3),mul(2) -m int eq 26 }", "{ path -m end / }",
    "{ path,field(2,/) -m str foo }", "{ hdr(x-a) -m reg ^[a-z]{3}$ }",
    "acl1", "acl2", "acl3", "acl4",
    "{ req.hdr(x-map) -m str -f @DIR@/list.acl }",
    "{ path -m beg -i -f @DIR@/path.acl }", "{ src -f @DIR@/net.acl }",
    "{ req.hdr(x-map) -M -f @DIR@/str.map }",
    "{ req.hdr(x-map),map(@DIR@/str.map) -m found }",
    "{ req.hdr(x-map),map_str_int(@DIR@/int.map,0) gt 3 }",
    "{ sc_get_gpc0(0) gt 2 }", "{ sc0_get_gpt0 7 }", "{ sc_tracked(1) }",
    "{ sc_http_req_cnt(1) ge 3 }", "{ req.hdr(x-a),in_table(t_str) }",
    "{ src_get_gpc0(t_ip) lt 5 }", "{ src_inc_gpc0(t_ip) gt 3 }",
    "{ sc_inc_gpc0(0) ge 2 }", "{ sc_clr_gpc0(0) ge 2 }",
    "{ capture.req.hdr(0) -m len gt 2 }", "{ req.body_len gt 2 }",
    "{ req.body -m sub hel }", "{ http_auth(users) }",
    "{ http_auth_group(users) admins }", "{ nbsrv(b2) lt 1 }",
    "{ var(sess.s) -m found }", "{ var(txn.v3) -m int gt 2 }",
    "{ path_reg -i ^/FOO }", "{ path -m dom foo }", "{ path -m dir b c }",
    "{ urlp(a) -m len 2 }", "{ str(abc),strcmp(txn.v1) lt 0 }",
    "{ hdr(x-n) -m int gt 3 }", "{ hdr_ip(x-ip) 192.0.2.0/24 }",
    "{ method -m len 3 }", "{ int(3) -m str 3 }", "{ ipv4(10.0.0.1) 10.0.0.0/8 }",
    "{ path -m bin 2f61 }", "{ path -m len 1:4 }", "{ bool(true) 1 }",
    "{ bool(1) }", "{ hdr(x-a) -m str -- -i }", "LOCALHOST", "METH_GET",
    "HTTP_URL_SLASH", "HTTP_CONTENT", "WAIT_END",
]

# Not x-n: hdr_val() of what is no number is nonsense in haproxy 2.6.
NAMES = ["x-a", "x-list", "x-map", "x-new", "user-agent", "x-out"]


def fetch(r):
    out = r.choice(FETCHES)
    for _ in range(r.choice((0, 0, 0, 1, 1, 2, 3))):
        out += "," + r.choice(CONVERTERS)
    return out


def fmt(r):
    """A log-format string, quoted for the configuration."""
    parts = []
    for _ in range(r.choice((1, 1, 2, 3))):
        parts.append(r.choice((
            "text", "a b", "%%", "%[%s]", "%[%s]", "%[%s]", "%{+Q}[%s]",
            "%{+E}[%s]", "%ci", "%HM", "%HP", "%HQ", "%ft", "%b")))
    out = ""
    for p in parts:
        out += p.replace("%s", fetch(r)) if "[%s]" in p else p
        out += r.choice(("", "-", " "))
    return '"%s"' % out.strip().replace('"', '\\"')


def condition(r):
    n = r.choice((1, 1, 1, 2, 2, 3))
    words = []
    for i in range(n):
        if i:
            words.append(r.choice(("", "", "or", "||")))
        words.append(r.choice(("", "", "!")) + r.choice(TESTS))
    return r.choice(("if ", "if ", "unless ")) + " ".join(w for w in words if w)


def maybe(r, line=""):
    """haproxy 2.6 takes the 'if' behind a normalizer that may have an option,
    and has none, for another normalizer."""
    if line.startswith("normalize-uri p") and line.endswith((
            "strip-dotdot", "unreserved", "uppercase")):
        return ""
    return " " + condition(r) if r.random() < 0.6 else ""


def edit(r):
    line = r.choice(REQUEST)(r)
    return "    http-request " + line + maybe(r, line)


REQUEST = [
    lambda r: "set-header %s %s" % (r.choice(NAMES), fmt(r)),
    lambda r: "set-header %s %s" % (r.choice(NAMES), fmt(r)),
    lambda r: "add-header %s %s" % (r.choice(NAMES), fmt(r)),
    lambda r: "del-header %s" % r.choice(NAMES),
    lambda r: "del-header %s -m %s" % (r.choice(("x-", "a", "-n")),
                                       r.choice(("beg", "end", "sub", "reg"))),
    lambda r: "del-header ^x-[ln] -m reg",
    lambda r: "replace-header %s %s %s" % (
        r.choice(NAMES), r.choice(("(.*)", "([a-z]+)-(.*)", "o", "^(.)(.)")),
        r.choice(("\\1x", "[\\0]", "new", "%[path]\\1"))),
    lambda r: "replace-value %s %s %s" % (
        r.choice(NAMES), r.choice(("(.*)", "([a-z]+)", "o")),
        r.choice(("\\1x", "<\\0>", "new"))),
    lambda r: "set-path %s" % r.choice(("/new", "/p%[path]", "%[path,lower]")),
    lambda r: "set-pathq %s" % r.choice(("/new?q=1", "%[pathq]&z")),
    lambda r: "set-query %s" % r.choice(("a=1", "%[query,lower]", "n=9&b")),
    lambda r: "set-uri %s" % r.choice(("/u?v", "%[url]")),
    lambda r: "set-method %s" % r.choice(("POST", "GET", "PUT")),
    lambda r: "replace-path %s %s" % (r.choice(("(.*)", "/a(.*)", "/([^/]*)/")),
                                      r.choice(("/z\\1", "/q\\1", "/\\1-"))),
    lambda r: "replace-pathq %s %s" % (r.choice(("(.*)", "([^?]*)\\?(.*)")),
                                       r.choice(("/r\\1", "/s\\1?\\2&x=1"))),
    lambda r: "replace-uri %s %s" % (r.choice(("(.*)", "/a(.*)")),
                                     r.choice(("/r\\1", "/\\1"))),
    lambda r: "set-var(txn.v1) %s" % fetch(r),
    lambda r: "set-var(req.v2) %s" % fetch(r),
    lambda r: "set-var-fmt(txn.v1) %s" % fmt(r),
    lambda r: "unset-var(txn.v1)",
    lambda r: "normalize-uri %s" % r.choice((
        "path-merge-slashes", "path-strip-dot", "path-strip-dotdot",
        "path-strip-dotdot full", "fragment-encode",
        "query-sort-by-name", "percent-to-uppercase", "fragment-strip",
        "percent-to-uppercase strict", "percent-decode-unreserved strict",
        "percent-decode-unreserved")),
    lambda r: "set-var(%s,%s) %s" % (
        r.choice(("txn.v1", "req.v2", "txn.v3", "sess.s")), r.choice((
            "ifexists", "ifnotexists", "ifempty", "ifnotempty", "ifset",
            "ifnotset", "ifgt", "iflt", "ifnotset,ifnotempty")), fetch(r)),
    lambda r: "set-var(%s) %s" % (r.choice(("txn.v3", "sess.s")), fetch(r)),
    lambda r: "unset-var(%s)" % r.choice(("txn.v3", "sess.s")),
    lambda r: "capture %s len %d" % (fetch(r), r.choice((1, 5, 20))),
    lambda r: "capture %s id %d" % (fetch(r), r.choice((0, 1))),
    lambda r: "track-sc%d %s table %s" % (
        r.choice((0, 1)), fetch(r), r.choice(("t_str", "t_int", "t_ip"))),
    lambda r: "track-sc%d %s table %s" % (
        r.choice((0, 1)), r.choice(("src", "req.hdr(x-a)", "path")),
        r.choice(("t_str", "t_int", "t_ip"))),
    lambda r: "sc-inc-gpc0(%d)" % r.choice((0, 1)),
    lambda r: "sc-inc-gpc1(%d)" % r.choice((0, 1)),
    lambda r: "sc-set-gpt0(%d) %s" % (r.choice((0, 1)), r.choice((
        "7", "0", "req.hdr(x-n)", "path,length", "int(-1)"))),
    lambda r: "set-map(@DIR@/%s) %s %s" % (
        r.choice(("str.map", "beg.map", "int.map")),
        r.choice(("%[req.hdr(x-map)]", "new", "k%[path]")),
        r.choice(("%[path]", "5", "set"))),
    lambda r: "del-map(@DIR@/%s) %s" % (
        r.choice(("str.map", "beg.map", "int.map")),
        r.choice(("%[req.hdr(x-map)]", "one", "new"))),
    lambda r: "add-acl(@DIR@/%s) %s" % (
        r.choice(("list.acl", "path.acl")),
        r.choice(("%[req.hdr(x-map)]", "%[path]"))),
    lambda r: "del-acl(@DIR@/%s) %s" % (
        r.choice(("list.acl", "path.acl")),
        r.choice(("%[req.hdr(x-map)]", "%[path]"))),
    lambda r: "set-src %s" % r.choice((
        "hdr_ip(x-ip)", "req.hdr(x-ip)", "ipv4(10.9.8.7)", "src,ipmask(8)")),
    lambda r: "set-dst %s" % r.choice(("ipv4(10.9.8.7)", "dst,ipmask(8)")),
    lambda r: "set-src-port %s" % r.choice(("int(7)", "req.hdr(x-n)")),
    lambda r: "wait-for-body time 1s" + r.choice(("", " at-least 2")),
    lambda r: "set-log-level %s" % r.choice(("silent", "info", "err")),
    lambda r: "set-nice %d" % r.choice((0, 5, -5)),
    lambda r: "set-priority-class %s" % r.choice(("int(1)", "req.hdr(x-n)")),
    lambda r: "set-timeout %s %s" % (r.choice(("server", "tunnel")),
                                     r.choice(("5s", "int(4000)"))),
    lambda r: "strict-mode %s" % r.choice(("on", "off")),
    lambda r: "disable-l7-retry",
    lambda r: "set-header %s %s" % (r.choice(NAMES), fmt(r)),
    lambda r: "set-header x-o2 %s" % r.choice((
        "%[src]", "%ci", "%[dst]", "%[sc_get_gpc0(0)]", "%hr")),
]

ENDS = [
    lambda r: "deny",
    lambda r: "deny deny_status %d" % r.choice((400, 403, 404, 429, 503)),
    lambda r: "deny deny_status 429 content-type text/plain string slow",
    lambda r: "return status %d" % r.choice((200, 204, 404, 500)),
    lambda r: "return status 200 content-type text/plain lf-string %s" % fmt(r),
    lambda r: "return status 201 hdr x-r %s content-type text/plain string y"
    % fmt(r),
    lambda r: "redirect location %s code %d" % (
        r.choice(("/there", "http://b.test/%[path]")),
        r.choice((301, 302, 303, 307, 308))),
    lambda r: "redirect prefix %s%s" % (
        r.choice(("/pre", "http://c.test")),
        r.choice(("", " drop-query", " append-slash", " code 301"))),
    lambda r: "redirect scheme https",
    lambda r: "redirect location %s %s" % (r.choice((
        "/x", "\"http://d.test%[pathq]\"", "%[hdr(x-none)]")), r.choice((
            "set-cookie A", "set-cookie A=b", "clear-cookie A",
            "clear-cookie A=", "drop-query", "append-slash"))),
    lambda r: "redirect prefix %s drop-query append-slash%s" % (
        r.choice(("/", "/p", "http://c.test", "%[path]")),
        r.choice(("", " set-cookie X=1", " code 308"))),
    lambda r: "redirect scheme %s%s" % (
        r.choice(("https", "http", "%[hdr(x-a)]")),
        r.choice(("", " code 307", " drop-query"))),
    lambda r: "auth" + r.choice(("", " realm R", " realm \"A b c\"",
                                 " realm %[path]")),
    lambda r: "deny " + r.choice((
        "errorfile @DIR@/418.http", "status 429 errorfile @DIR@/418.http",
        "errorfiles errs", "status 404 errorfiles errs", "default-errorfiles",
        "status 404 default-errorfiles", "hdr x-d %[path]",
        "status 400 content-type text/x file @DIR@/plain.txt",
        "status 401", "status 200", "content-type a/b lf-file @DIR@/lf.txt",
        "lf-string %[path] content-type text/plain hdr a b hdr a c",
        "content-type text/plain string \"%[path]\"")),
    lambda r: "return " + r.choice((
        "errorfile @DIR@/418.http", "errorfiles errs status 404", "status 204",
        "status 200 default-errorfiles", "status 404 default-errorfiles",
        "status 200 content-type a/b file @DIR@/plain.txt",
        "content-type a/b lf-file @DIR@/lf.txt", "status 400 hdr x \"a b\"",
        "content-type a/b string \"\"", "status 304",
        "status 299 content-type a/b string x hdr p %[path] hdr q %[src]")),
    lambda r: "allow",
]

RESPONSE = [
    lambda r: "set-header %s %s" % (r.choice(("x-o", "x-s", "server")),
                                    response_fmt(r)),
    lambda r: "add-header x-o %s" % response_fmt(r),
    lambda r: "del-header %s" % r.choice(("x-s", "server", "x-many")),
    lambda r: "replace-header x-s %s \\1y" % r.choice(("(.*)", "(r.)")),
    lambda r: "replace-value x-many %s <\\1>" % r.choice(("(.*)", "([a-c])")),
    lambda r: "set-status %d" % r.choice((200, 203, 404, 299)),
    lambda r: "set-status 418 reason \"a pot\"",
    lambda r: "set-var(res.w) res.hdr(x-s)",
    lambda r: "deny deny_status 502",
    lambda r: "deny " + r.choice((
        "errorfiles errs status 404", "status 429 content-type a/b string x",
        "status 503 hdr a %[fe_name]")),
    # haproxy 2.6 has removed the response before it runs formats of its own
    lambda r: "return " + r.choice((
        "status 200 content-type a/b lf-string %[path]",
        "status 404 errorfiles errs")),
    lambda r: "redirect location /%[status] " + r.choice(("", "code 303")),
    lambda r: "del-header %s -m %s" % (r.choice(("x-", "any", "s")),
                                       r.choice(("beg", "end", "sub", "reg"))),
    lambda r: "capture %s id %d" % (r.choice(RESPONSE_FETCHES),
                                    r.choice((0, 1))),
    lambda r: "sc-inc-gpc0(%d)" % r.choice((0, 1)),
    lambda r: "sc-set-gpt0(%d) %s" % (r.choice((0, 1)), r.choice((
        "9", "status", "res.hdr_cnt(x-many)"))),
    lambda r: "track-sc1 %s table t_str" % r.choice(RESPONSE_FETCHES),
    lambda r: "set-map(@DIR@/str.map) %s %s" % (
        r.choice(("%[var(txn.v1)]", "fromres")), r.choice(("%[status]", "r"))),
    lambda r: "del-map(@DIR@/str.map) fromres",
    lambda r: "unset-var(res.w)",
    lambda r: "set-var-fmt(txn.v1) %s" % response_fmt(r),
    lambda r: "allow",
    lambda r: "strict-mode off",
]

AFTER = [
    lambda r: "set-header x-after %s" % response_fmt(r),
    lambda r: "add-header x-o after-%s" % r.choice(("%[status]", "x")),
    lambda r: "del-header %s" % r.choice(("x-s", "location", "x-d")),
    lambda r: "replace-header location (.*) \\1#f",
    lambda r: "replace-value x-many b B",
    lambda r: "set-status %d" % r.choice((203, 404)),
    lambda r: "set-var(txn.v1) status",
    lambda r: "unset-var(txn.v1)",
    lambda r: "allow",
]

RESPONSE_FETCHES = ["status", "res.hdr(x-s)", "res.hdr(x-many,2)",
                    "res.hdr_cnt(x-many)", "res.fhdr(x-many)", "var(txn.v1)",
                    "res.hdr_names", "res.ver", "var(res.w)", "srv_name",
                    "be_name", "fe_name", "str(lit)", "int(3)",
                    "capture.res.hdr(0)", "capture.req.hdr(0)", "var(sess.s)",
                    "sc_get_gpc0(0)", "sc1_get_gpt0", "res.hdrs,length",
                    "res.hdr_val(content-length),div(100)", "req.ver,length",
                    "capture.req.method", "res.hdr_names(:)",
                    "status,map_int(@DIR@/num.map,none)", "srv_id", "be_id",
                    "res.hdr(x-s),map(@DIR@/str.map,no)", "table_cnt(t_str)"]
RESPONSE_TESTS = ["{ status 200 }", "{ status 400:499 }",
                  "{ res.hdr(x-s) -m found }", "{ res.hdr(x-many) -m str b }",
                  "{ res.hdr_cnt(x-many) gt 2 }", "{ var(txn.v1) -m found }"]


def response_fmt(r):
    out = r.choice(RESPONSE_FETCHES)
    for _ in range(r.choice((0, 0, 1, 2))):
        out += "," + r.choice(CONVERTERS)
    return '"%s%%[%s]"' % (r.choice(("", "t-")), out.replace('"', '\\"'))


FILES = {
    "str.map": "# a comment\n\none 1st value\ntwo\tsecond\nabc abc\n"
    "  /a   path a  \none again\nSome-Value mixed\n",
    "int.map": "one 1\ntwo 22\n/a 4\nabc -5\n",
    "beg.map": "/a begins-a\n/foo begins-foo\no begins-o\n/ root\nab ab\n",
    "dir.map": "img pictures\nb dir-b\nfoo dir-foo\n",
    "dom.map": "example dom-example\nb.test dom-b\na dom-a\n",
    "reg.map": "^/a(.*) a-\\1\n([a-z])([0-9]) \\2\\1\n^$ empty\n(o) <\\0>\n",
    "num.map": "1 uno\n200 fine\n5:9 range\n42 answer\n404 lost\n",
    "addr.map": "one 10.0.0.1\ntwo 2001:db8::1\n/a 127.0.0.1\n",
    "ip.map": "127.0.0.0/8 loop\n192.0.2.0/24 net\n192.0.2.9 host\n"
    "2001:db8::/32 six\n10.0.0.0/8 ten\n",
    "ipn.map": "127.0.0.1 1\n192.0.2.0/25 2\n0.0.0.0/0 3\n",
    "list.acl": "one\ntwo\nabc\n# no\nSome-Value\n",
    "path.acl": "/a\n/FOO\n/x/\n",
    "net.acl": "127.0.0.1\n10.0.0.0/8\n",
    "418.http": "HTTP/1.1 418 A pot\r\nContent-Length: 4\r\nX-E: file\r\n"
    "\r\npot\n",
    "404.http": "HTTP/1.1 404 Gone\r\nContent-Length: 5\r\nX-E: errs\r\n"
    "Content-Type: a/b\r\n\r\nlost\n",
    "plain.txt": "plain %[path]\nfile\n",
    "lf.txt": "path=%[path] v=%[var(txn.v1)] 100%% \"q\"\n",
}

SECTIONS = """
http-errors errs
    errorfile 404 @DIR@/404.http
    errorfile 403 @DIR@/418.http
userlist users
    group admins users root
    user user insecure-password pass
    user root insecure-password toor
backend t_str
    stick-table type string len 20 size 1k store gpc0,gpc1,gpt0,http_req_cnt,server_id
backend t_int
    stick-table type integer size 1k store gpc0,gpc1,gpt0,http_req_cnt
backend t_ip
    stick-table type ip size 1k store gpc0,gpt0,conn_cnt,http_req_cnt
backend b2
    http-request set-header x-be two
    server s2 127.0.0.1:@MIRROR@
"""


def backend_rules(r):
    lines = []
    for _ in range(r.choice((0, 1, 2, 3))):
        lines.append(edit(r))
    if r.random() < 0.2:
        lines.append("    http-request " + r.choice(ENDS)(r) + " " +
                     condition(r))
    for _ in range(r.choice((0, 1, 2))):
        lines.append("    http-response " + r.choice(RESPONSE)(r) + if_res(r))
    for _ in range(r.choice((0, 0, 1))):
        lines.append("    http-after-response " + r.choice(AFTER)(r) +
                     if_res(r))
    return lines


def if_res(r):
    return (" if " + r.choice(("", "!")) + r.choice(RESPONSE_TESTS)
            if r.random() < 0.6 else "")


def rules(r, n_request, n_response):
    lines = ["    acl acl1 %s" % r.choice(TESTS[:40]).strip("{} "),
             "    acl acl2 %s" % "path_beg -i /A /b /foo",
             "    acl acl2 %s" % "hdr(x-a) -m found",
             "    acl acl3 %s" % r.choice(("hdr_cnt(x-a) 1", "path_len 1:6",
                                           "req.ver 1.0:1.1"))]
    if lines[0].split()[2] in ("METH_POST", "HTTP_1.1", "TRUE"):
        lines[0] = "    acl acl1 path_end /"
    lines.append("    acl acl4 req.hdr(x-map) -m str -f @DIR@/list.acl")
    lines.append("    declare capture request len 12")
    lines.append("    declare capture request len 4")
    lines.append("    declare capture response len 6")
    for _ in range(n_request):
        lines.append(edit(r))
    if r.random() < 0.7:
        lines.append("    http-request " + r.choice(ENDS)(r) + " " +
                     condition(r))
    for _ in range(n_response):
        lines.append("    http-response " + r.choice(RESPONSE)(r) + if_res(r))
    for _ in range(r.choice((0, 1, 2))):
        lines.append("    http-after-response " + r.choice(AFTER)(r) +
                     if_res(r))
    if r.random() < 0.4:
        lines.append("    use_backend %s " % r.choice((
            "b2", "%[req.hdr(x-be)]", "%[req.hdr(x-map),map(@DIR@/str.map,b2)]")
            ) + condition(r))
    return lines


PATHS = ["/", "/a", "/a/b.html", "/x/y", "/X/Y", "/foo/img/1.png", "/foo%20x",
         "/b//c/../d/./e", "/Abc-def/", "/%61%7e/Z", "/login;v=1", "/foo",
         "//a", "/../x", "/a/../../b", "/a/.", "/a/..", "/%2e%2E/%aF", "/%zz",
         "/.", "/..", "/a//b///c", "/a%2fb", "/x/y/"]
QUERIES = ["", "", "?a=v1&b=2", "?n=7", "?n=50&a=Zed", "?z=1&a=%41%20b&b",
           "?flag", "?a=1,2,3&n=-4", "?", "?&&b=2&a=1&", "?b&a&a=2&a=1",
           "?x=a?b/c", "?a=%7e%2d%2f", "?=v&a="]
HEADERS = [("Host", ("a.example", "www.b.test", "a.example:8080", "127.0.0.1")),
           ("X-A", ("one", "two", "abc", "Some-Value", "")),
           ("X-A", ("second", "a,b")),
           ("X-List", ("a, bb,ccc", "bb", "x , y,  z")),
           ("X-N", ("10", "3", "x", "-5", "010")),
           ("Cookie", ("one=yes; two=2", "one=no", "two=;one=a b",
                       "one=1; one=2")),
           ("User-Agent", ("tester/1.0 (x)", "curl")),
           ("X-IP", ("192.0.2.9", "2001:db8::7", "10.1.2.3, 192.0.2.1")),
           ("X-B64", ("aGVsbG8=", "!!")),
           ("X-Map", ("one", "two", "/a", "new", "Abc", "abc1", "5")),
           ("X-Be", ("b2", "be", "nope")),
           ("Authorization", ("Basic dXNlcjpwYXNz", "Basic cm9vdDp0b29y",
                              "Basic !!", "Bearer x"))]


def request(r):
    lines = ["%s %s%s HTTP/1.1" % (r.choice(("GET", "GET", "POST", "HEAD",
                                             "PUT", "DELETE", "OPTIONS")),
                                   r.choice(PATHS), r.choice(QUERIES))]
    for i, (name, values) in enumerate(HEADERS):
        if i == 0 or r.random() < 0.5:
            lines.append("%s: %s" % (name, r.choice(values)))
    body = r.choice(("", "", "hello", "a=1&b=2"))
    if lines[0].startswith(("POST", "PUT")):
        lines.append("Content-Length: %d" % len(body))
    else:
        body = ""
    return "\r\n".join(lines) + "\r\n\r\n" + body
