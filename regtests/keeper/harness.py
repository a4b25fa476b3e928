# SPDX-License-Identifier: Apache-2.0
"""Owns what the .test scripts share: the program under test, its scratch
folder, its sockets and the way a script passes, fails or is skipped.

A script does

    from harness import *
    def test():
        ...
    main(test, __file__)

and is skipped on anything but Ecluse when its first lines hold the mark
"needs: ecluse". Everything is bounded: main() ends the script after LIMIT
seconds, each wait has its own time, and only processes that were started
here are ever signalled.
"""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from ports import free_port, free_ports     # noqa: E402,F401

LIMIT = 240                     # what hangs; run-tests ends it after 300 s
# Longer than any wait: what ends by them has not ended by itself.
TIMES = ("    timeout connect 60s\n    timeout client 60s\n"
         "    timeout server 60s\n")
DEFAULTS = "defaults\n    mode http\n" + TIMES
DEFAULTS_TCP = "defaults\n    mode tcp\n" + TIMES

_started = []
_numbers = itertools.count()      # of programs; some tests have threads
_scratch = None


class Failed(Exception):
    """A check that did not hold; its text is the message."""


class Skipped(Exception):
    """The test does not apply here; its text is the reason."""


def check(cond, what):
    if not cond:
        raise Failed(what)


def equal(got, want, what):
    check(got == want, "%s: expected %r, found %r" % (what, want, got))


def match(rx, text, what="output"):
    m = re.search(rx, text)
    check(m, "%s: expected to match %r, found:\n%s" % (what, rx, text))
    return m


def no_match(rx, text, what="output"):
    check(not re.search(rx, text),
          "%s: expected not to match %r, found:\n%s" % (what, rx, text))


def skip(why):
    raise Skipped(why)


def program():
    """The absolute path of the program under test."""
    p = os.environ.get("PROGRAM") or os.environ.get("HAPROXY_PROGRAM")
    if not p:
        skip("PROGRAM is not set")
    p = shutil.which(p)
    if p is None:
        raise Failed("PROGRAM is not executable: %s" % os.environ["PROGRAM"])
    return os.path.abspath(p)


def reference():
    """The packaged haproxy, for tests of one program beside the other."""
    for p in ("/usr/sbin/haproxy", shutil.which("haproxy")):
        if p and os.access(p, os.X_OK):
            return p
    skip("no packaged haproxy to talk to")


def is_ecluse(path=None):
    out = subprocess.run([path or program(), "-v"], capture_output=True,
                         timeout=10, text=True).stdout
    return "cluse" in out


def is_sanitized():
    with open(program(), "rb") as f:
        return b"__asan_init" in f.read()


def need_plain():
    """A test of the memory itself: sanitizers use far more of it."""
    if is_sanitized():
        skip("built with sanitizers")


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def need(mod):
    """An executable the test cannot do without."""
    if shutil.which(mod) is None:
        skip("%s is not installed" % mod)


def scratch(name=""):
    """A path in the scratch folder, which goes away at the end."""
    return os.path.join(_scratch, name) if name else _scratch


def write(name, text):
    path = scratch(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def read(path):
    with open(path) as f:
        return f.read()


def until(cond, what, limit=30.0, step=0.02):
    """Wait for cond() to be true and return what it gave. The limit is for
    what never comes: a busy machine is late by seconds."""
    end = time.monotonic() + limit
    while True:
        got = cond()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed("not within %gs: %s" % (limit, what))
        time.sleep(step)


def run(*args, stdin=None, env=None, cwd=None, limit=20, exe=None):
    """Run the program to its end. Returns (exit status, all its output)."""
    r = subprocess.run([exe or program()] + list(args), input=stdin,
                       stdin=None if stdin else subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=limit, cwd=cwd or scratch(),
                       env=environ(env))
    return r.returncode, r.stdout.decode(errors="replace")


def environ(extra=None):
    env = dict(os.environ)
    for k in list(env):
        if k.startswith("HAPROXY_") or k in ("NOTIFY_SOCKET", "PROGRAM"):
            del env[k]
    env["ECL_TEST_SCRATCH"] = _scratch  # how strays are known, see sweep()
    env.update(extra or {})
    return env


def sweep():
    """End what is left of the processes this test started, those that
    became daemons too: they alone carry our scratch folder's name."""
    mark = b"ECL_TEST_SCRATCH=" + _scratch.encode()
    for pid in pids():
        try:
            with open("/proc/%d/environ" % pid, "rb") as f:
                if mark in f.read().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def config(text, want=0, says=(), args=(), never=()):
    """Check one configuration with -c. `says` are patterns of the output.
    The text is without common indentation; it is file t.cfg."""
    write("t.cfg", text)
    rc, out = run("-c", "-V", *args, "-f", "t.cfg")
    label = "-c of:\n%s" % text
    check(rc == want, "%s\nexpected exit %d, found %d:\n%s"
          % (label, want, rc, out))
    if want == 0:
        match(r"Configuration file is valid", out, label)
    else:
        no_match(r"Configuration file is valid", out, label)
    for rx in says:
        match(rx, out, label)
    for rx in never:
        no_match(rx, out, label)
    return out


class Proc:
    """One started instance of the program (or of another, by exe=)."""

    def __init__(self, *args, env=None, exe=None, cwd=None, pass_fds=()):
        self.log = scratch("log.%d" % next(_numbers))
        self.out = open(self.log, "wb")
        self.p = subprocess.Popen([exe or program()] + list(args),
                                  stdin=subprocess.DEVNULL, stdout=self.out,
                                  stderr=subprocess.STDOUT,
                                  cwd=cwd or scratch(), env=environ(env),
                                  pass_fds=pass_fds, start_new_session=True)
        self.pid = self.p.pid
        _started.append(self)

    def output(self):
        return open(self.log, errors="replace").read()

    def alive(self):
        return self.p.poll() is None

    def signal(self, sig):
        os.kill(self.pid, sig)

    def wait(self, limit=30):
        """The exit status; -N when signal N ended it."""
        try:
            return self.p.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed("process %d still runs after %gs:\n%s"
                         % (self.pid, limit, self.output()))

    def stop(self):
        if self.p.poll() is None:
            for sig, secs in ((signal.SIGTERM, 10), (signal.SIGKILL, 3)):
                try:
                    self.signal(sig)
                    self.p.wait(secs)
                    break
                except (subprocess.TimeoutExpired, ProcessLookupError):
                    continue
        # What it forked shares its session: none of ours outlives us.
        for pid in session(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.out.close()


def stat(pid):
    """The fields of /proc/PID/stat after the name, or None when gone:
    [0] state, [1] parent, [2] group, [3] session."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None


def pids():
    return [int(n) for n in os.listdir("/proc") if n.isdigit()]


def session(sid):
    """Live processes of one session."""
    found = []
    for pid in pids():
        st = stat(pid)
        if st and st[3] == str(sid) and st[0] != "Z":
            found.append(pid)
    return found


def running(pid):
    st = stat(pid)
    return st is not None and st[0] != "Z"


def children(pid):
    found = []
    for c in pids():
        st = stat(c)
        if st and st[1] == str(pid) and st[0] != "Z":
            found.append(c)
    return found


def family(pid):
    """All live descendants of a process."""
    found = []
    for c in children(pid):
        found += [c] + family(c)
    return found


def http(port, path="/", host="127.0.0.1", limit=20.0, raw=None):
    """One request on one connection, never tried again. Returns (status,
    body) and raises OSError for whatever goes wrong."""
    s = socket.create_connection((host, port), limit)
    try:
        return exchange(s, path, raw)
    finally:
        s.close()


def http_unix(path, uri="/", limit=20.0):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(limit)
    try:
        s.connect(path)
        return exchange(s, uri)
    finally:
        s.close()


def exchange(s, path="/", raw=None):
    s.sendall(raw or (b"GET %s HTTP/1.1\r\nHost: test\r\n"
                      b"Connection: close\r\n\r\n" % path.encode()))
    data = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        data += part
    head, sep, body = data.partition(b"\r\n\r\n")
    m = re.match(rb"HTTP/1\.[01] (\d\d\d)", head)
    if not sep or not m:
        raise OSError("no whole answer: %r" % data[:200])
    return int(m.group(1)), body.decode(errors="replace")


def serves(port, want=200, path="/"):
    """True when a request to the port is answered with that status."""
    try:
        return http(port, path, limit=2)[0] == want
    except OSError:
        return False


def refused(port):
    """True when nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def listens(path):
    """True when somebody accepts on a UNIX socket: it may have its name
    before that."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(path)
        return True
    except OSError:
        return False
    finally:
        s.close()


def cli(path, line, limit=20.0):
    """Send a line to a runtime or master socket, read to its end."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(limit)
    try:
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        s.shutdown(socket.SHUT_WR)
        data = b""
        while True:
            part = s.recv(65536)
            if not part:
                break
            data += part
    finally:
        s.close()
    return data.decode(errors="replace")


def answers(path, line, rx):
    """True when a socket is there and its answer matches."""
    try:
        return re.search(rx, cli(path, line, 3)) is not None
    except OSError:
        return False


def procs(path):
    """Parse `show proc`: {"master": [...], "workers": [...], "old": [...]}
    where each row is (pid, type, reloads cell, uptime, version)."""
    rows = {"master": [], "workers": [], "old": [], "programs": []}
    part = "master"
    for line in cli(path, "show proc").splitlines():
        if line.startswith("#<PID>") or not line.strip():
            continue
        if line == "# handover":        # ours, to the end
            break
        if line.startswith("#"):
            part = {"# workers": "workers", "# old workers": "old",
                    "# programs": "programs",
                    "# old programs": "programs"}[line.strip()]
            continue
        m = re.match(r"(\d+)\s+(\S+)\s+(\d+(?: \[failed: \d+\])?)\s+"
                     r"(\S+)\s+(\S+)\s*$", line)
        check(m, "show proc: a row of unknown form: %r" % line)
        rows[part].append((int(m.group(1)),) + m.groups()[1:])
    return rows


def worker_pid(master):
    """The current worker as the master shows it, or None."""
    try:
        w = procs(master)["workers"]
    except (OSError, Failed):
        return None
    return w[0][0] if len(w) == 1 else None


class Hammer:
    """Clients that open a connection per request and never retry.

    port     where to
    threads  how many at once
    Counts .done and keeps what went wrong in .failures. more(n) waits until
    there were n more: so it is sure that something was under way.
    """

    def __init__(self, port, threads=4, path="/"):
        self.port, self.path = port, path
        self.done, self.failures = 0, []
        self.end = threading.Event()
        self.lock = threading.Lock()
        self.crew = [threading.Thread(target=self._work, daemon=True)
                     for _ in range(threads)]
        for t in self.crew:
            t.start()

    def _work(self):
        while not self.end.is_set():
            try:
                st, _ = http(self.port, self.path)
                bad = None if st == 200 else "status %d" % st
            except OSError as e:
                bad = "%s: %s" % (type(e).__name__, e)
            with self.lock:
                self.done += 1
                if bad:
                    self.failures.append(bad)

    def more(self, n):
        want = self.done + n
        until(lambda: self.done >= want, "%d more requests" % n)

    def stop(self):
        self.end.set()
        for t in self.crew:
            t.join(25)
        return self.done, self.failures


class Origin:
    """A server that answers each connection with its name, for backends.
    hold=True keeps a connection silent until .release is set."""

    def __init__(self, name="origin", hold=False):
        self.name, self.hold = name, hold
        self.release = threading.Event()
        self.conns = []
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            self.conns.append(s)
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, s):
        s.settimeout(30)
        buf = b""
        try:
            while True:
                while b"\r\n\r\n" not in buf:
                    part = s.recv(65536)
                    if not part:
                        return
                    buf += part
                buf = buf.partition(b"\r\n\r\n")[2]
                if self.hold:
                    self.release.wait(30)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                          % (len(self.name), self.name.encode()))
        except OSError:
            pass
        finally:
            s.close()


class Echo:
    """A TCP server that sends back what it gets."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _serve(self, s):
        try:
            while True:
                data = s.recv(65536)
                if not data:
                    return
                s.sendall(data)
        except OSError:
            pass
        finally:
            s.close()


def marked(script):
    """Why the script does not apply to another program than Ecluse, or None:
    "needs: ecluse", or "needs: haproxy>=3.1" in its first lines."""
    with open(script) as f:
        head = "".join(line for _, line in zip(range(12), f))
    if "needs: ecluse" in head:
        return "the program is not Ecluse"
    m = re.search(r"needs: haproxy>=(\d+)\.(\d+)", head)
    if m is None:
        return None
    out = subprocess.run([program(), "-v"], capture_output=True, timeout=10,
                         text=True).stdout
    v = re.search(r"version (\d+)\.(\d+)", out)
    if v and tuple(map(int, v.groups())) >= tuple(map(int, m.groups())):
        return None
    return "needs haproxy %s.%s" % m.groups()


def _expire(sig, frame):
    raise Failed("the whole test took more than %d s" % LIMIT)


def main(test, script):
    """Run test() and leave with 0 (passed), 1 (failed) or 77 (skipped)."""
    global _scratch
    name = os.path.basename(script)
    _scratch = tempfile.mkdtemp(prefix="ecl.")
    os.chmod(_scratch, 0o755)
    signal.signal(signal.SIGALRM, _expire)
    signal.alarm(LIMIT)
    status = 0
    try:
        why = None if is_ecluse() else marked(script)
        if why:
            skip(why)
        test()
        print("%s: passed" % name)
    except Skipped as e:
        print("%s: skipped: %s" % (name, e))
        status = 77
    except Exception as e:
        # The reason comes last: a log that is cut keeps its end.
        for p in _started:
            print("--- output of process %d\n%s" % (p.pid, p.output()[-3000:]))
        if not isinstance(e, Failed):
            traceback.print_exc(file=sys.stdout)
        print("%s: FAILED: %s: %s" % (name, type(e).__name__, e))
        status = 1
    finally:
        signal.alarm(0)
        for p in reversed(_started):
            p.stop()
        sweep()
        shutil.rmtree(_scratch, ignore_errors=True)
    sys.stdout.flush()
    os._exit(status)
