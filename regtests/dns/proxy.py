# SPDX-License-Identifier: Apache-2.0
"""What the tests of name resolution share: a proxy that asks test name
servers, and what it says of its servers."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "keeper"))
from harness import *          # noqa: E402,F401,F403
from dnsd import Dns, Srv      # noqa: E402,F401

SECTION = ("    timeout resolve 50ms\n    timeout retry 200ms\n"
           "    resolve_retries 1\n    hold nx 100ms\n    hold timeout 100ms\n"
           "    hold refused 100ms\n    hold other 100ms\n"
           "    hold obsolete 0\n")


def ask(line):
    return cli(scratch("s"), line)


def states(be):
    """{name: {column: text}} of "show servers state"."""
    lines = ask("show servers state " + be).splitlines()
    names = lines[1][2:].split() if len(lines) > 1 else []
    rows = [dict(zip(names, l.split())) for l in lines[2:] if l.strip()]
    return {r["srv_name"]: r for r in rows}


def servers(be):
    """{name: address, or the state of one that is in maintenance}"""
    return {n: int(r["srv_admin_state"]) & 32 or r["srv_addr"]
            for n, r in states(be).items()}


def becomes(be, want, what=servers):
    last = [None]

    def same():
        last[0] = what(be)
        return last[0] == want
    try:
        until(same, "servers")
    except Failed:
        equal(last[0], want, "servers of " + be)


def count(ns, word, section="dns"):
    """A counter of "show resolvers"."""
    text = ask("show resolvers " + section)
    part = text.split(" nameserver %s:\n" % ns)[1]
    return int(match(r"  %s: *(\d+)" % word, part).group(1))


def nameservers(*dns):
    return "".join("    nameserver ns%d %s:%d\n" % (i + 1, "127.0.0.1", d.port)
                   for i, d in enumerate(dns))


def start(backends, sections, *args, glob="", master=False):
    """Start the proxy; `sections` is what stands in "resolvers dns"."""
    reconfigure(backends, sections, glob)
    p = Proc(*(("-W", "-S", scratch("m.sock")) if master else ()), *args,
             "-f", "t.cfg")
    until(lambda: p.alive() and os.path.exists(scratch("s")) and
          answers(scratch("s"), "show version", r"\d"), "the runtime API")
    return p


def reconfigure(backends, sections, glob=""):
    write("t.cfg", "global\n    stats socket %s level admin\n"
          "    log stderr local0\n    server-state-base %s\n" %
          (scratch("s"), scratch()) + glob + DEFAULTS +
          "    log global\n    default-server init-addr none resolvers dns "
          "resolve-prefer ipv4\n"
          "resolvers dns\n" + sections + "frontend fe\n"
          "    bind %s\n    default_backend one\n" % scratch("fe.sock") +
          backends)
