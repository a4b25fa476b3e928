# SPDX-License-Identifier: Apache-2.0
"""What two nodes have to tell each other: each type of key and of data, both
ways. The same for two of one kind and for one of each."""
from nodes import *            # noqa: F401,F403
from harness import until, equal, check  # noqa: F401


def told(frm, to, table, key, *fields):
    """An entry of one is seen in the other, with the same values."""
    e = frm.entry(table, key)
    check(e, "%s has no %s in %s" % (frm.name, key, table))

    def same():
        f = to.entry(table, key)
        return f and all(f[k] == e[k] for k in fields) and f
    f = until(same, "%s of %s in %s, as %r; has %r"
              % (key, frm.name, to.name, e, to.entry(table, key)))
    check(abs(int(f["exp"]) - int(e["exp"])) < 5000, "%r lives as long as %r"
          % (f, e))


ALL = ("gpt0", "gpc0", "gpc0_rate", "conn_cnt", "sess_cnt", "http_req_cnt",
       "http_err_cnt", "bytes_in_cnt", "bytes_out_cnt", "gpc1",
       "http_fail_cnt")


def one_way(a, b, n):
    """Changes at a; n makes the keys different each time."""
    key = "10.0.0.%d" % n
    a.command("set table t_ip key %s data.gpt0 7 data.gpc0 1000 "
              "data.gpc0_rate 55 data.conn_cnt 239 data.sess_cnt 240 "
              "data.http_req_cnt 2287 data.http_err_cnt 2288 "
              "data.bytes_in_cnt 99999999999 data.bytes_out_cnt 264432 "
              "data.gpc1 33818864 data.http_fail_cnt 4294967295" % key)
    told(a, b, "t_ip", key, *ALL)
    equal(a.entry("t_ip", key)["gpc1"], "33818864", "what was set")
    a.command("set table t_ip key %s data.gpc0 1001" % key)
    told(a, b, "t_ip", key, *ALL)
    a.command("set table t_ip6 key 2001:db8::%d data.gpc0 300" % n)
    told(a, b, "t_ip6", "2001:db8::%d" % n, "gpc0")
    for _ in range(3):
        a.get(int=70 + n)
    told(a, b, "t_int", "%d" % (70 + n), "gpc0", "gpc1", "gpc0_rate", "gpt0",
         "gpt2")
    equal(b.entry("t_int", "%d" % (70 + n))["gpc0"], "3", "an array")
    a.get(bin="k%d" % n)
    hexed = "".join("%02X" % ord(c) for c in "".join(
        "%02X" % ord(c) for c in "k%d" % n)).ljust(16, "0")
    told(a, b, "t_bin", hexed, "gpc0")
    a.command("set table t_str key text%d data.gpc0 4 data.server_id 2" % n)
    told(a, b, "t_str", "text%d" % n, "gpc0", "server_id")
    a.get(own="mine%d" % n)
    told(a, b, "ps/own", "mine%d" % n, "gpc0")
    a.command("set table t_never key ever%d data.gpc0 5" % n)
    told(a, b, "t_never", "ever%d" % n, "gpc0")
    # servers: two names, the first of them twice
    for path in ("/stk/%d" % n, "/stk/x%d" % n, "/stk/%d" % n):
        a.get(path)
        told(a, b, "stk", path, "server_id", "server_key")
    e = b.entry("stk", "/stk/%d" % n)
    equal(e["server_key"], "s%s" % e["server_id"], "a server's name")


def exchange(a, b):
    one_way(a, b, 1)
    one_way(b, a, 2)
    # a client that is followed: current connections are not learned
    a.get("/src")
    until(lambda: a.entry("t_int", "71"), "it goes on")
