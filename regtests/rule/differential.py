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
    "acl1", "acl2", "acl3",
]

NAMES = ["x-a", "x-list", "x-n", "x-new", "user-agent", "x-out"]


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


def maybe(r):
    return " " + condition(r) if r.random() < 0.6 else ""


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
        "query-sort-by-name", "percent-to-uppercase", "fragment-strip",
        "percent-decode-unreserved")),
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
]

RESPONSE_FETCHES = ["status", "res.hdr(x-s)", "res.hdr(x-many,2)",
                    "res.hdr_cnt(x-many)", "res.fhdr(x-many)", "var(txn.v1)",
                    "res.hdr_names", "res.ver", "var(res.w)", "srv_name",
                    "be_name", "fe_name", "str(lit)", "int(3)"]
RESPONSE_TESTS = ["{ status 200 }", "{ status 400:499 }",
                  "{ res.hdr(x-s) -m found }", "{ res.hdr(x-many) -m str b }",
                  "{ res.hdr_cnt(x-many) gt 2 }", "{ var(txn.v1) -m found }"]


def response_fmt(r):
    out = r.choice(RESPONSE_FETCHES)
    for _ in range(r.choice((0, 0, 1, 2))):
        out += "," + r.choice(CONVERTERS)
    return '"%s%%[%s]"' % (r.choice(("", "t-")), out.replace('"', '\\"'))


def rules(r, n_request, n_response):
    lines = ["    acl acl1 %s" % r.choice(TESTS[:40]).strip("{} "),
             "    acl acl2 %s" % "path_beg -i /A /b /foo",
             "    acl acl2 %s" % "hdr(x-a) -m found",
             "    acl acl3 %s" % r.choice(("hdr_cnt(x-a) 1", "path_len 1:6",
                                           "req.ver 1.0:1.1"))]
    if lines[0].split()[2] in ("METH_POST", "HTTP_1.1", "TRUE"):
        lines[0] = "    acl acl1 path_end /"
    for _ in range(n_request):
        lines.append("    http-request " + r.choice(REQUEST)(r) + maybe(r))
    if r.random() < 0.7:
        lines.append("    http-request " + r.choice(ENDS)(r) + " " +
                     condition(r))
    for _ in range(n_response):
        lines.append("    http-response " + r.choice(RESPONSE)(r) +
                     (" if " + r.choice(("", "!")) + r.choice(RESPONSE_TESTS)
                      if r.random() < 0.6 else ""))
    return lines


PATHS = ["/", "/a", "/a/b.html", "/x/y", "/X/Y", "/foo/img/1.png", "/foo%20x",
         "/b//c/../d/./e", "/Abc-def/", "/%61%7e/Z", "/login;v=1", "/foo"]
QUERIES = ["", "", "?a=v1&b=2", "?n=7", "?n=50&a=Zed", "?z=1&a=%41%20b&b",
           "?flag", "?a=1,2,3&n=-4"]
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
           ("Authorization", ("Basic dXNlcjpwYXNz",))]


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
