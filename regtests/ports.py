# SPDX-License-Identifier: Apache-2.0
"""Owns which ports the programs under test get: nobody else's while the test
runs.

What bind() to port 0 gives is from the range of outgoing connections. Closed
again, it may be anybody's by the time the program binds it. These are below
that range, and each is claimed by a name in the abstract UNIX namespace, which
two tests cannot have at once and which ends with its process, however that
ends.
"""
import random
import socket

_claims = []


def _candidates():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        low, high = map(int, f.read().split())
    return range(10000, low) if low > 12000 else range(high + 1, 65536)


def _claim(port):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind("\0ecluse.port.%d" % port)
    except OSError:
        s.close()
        return False
    _claims.append(s)
    return True


def _unused(port):
    """Nobody listens, and no connection of a test before is in TIME_WAIT."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def free_port():
    """A port, TCP and UDP, where nobody listens; ours until we end."""
    among = _candidates() or range(10000, 65536)
    while True:
        port = random.SystemRandom().choice(among)
        if _claim(port) and _unused(port):
            return port


def free_ports(n):
    return [free_port() for _ in range(n)]
