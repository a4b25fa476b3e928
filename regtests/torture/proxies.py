# SPDX-License-Identifier: Apache-2.0
"""The proxies that can be tortured: how each is configured, started, told to
reload, given another binary, and asked for its counters."""
import argparse
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time

FIELDS = ("stot", "req_tot", "bin", "bout", "scur")


class Proxy:
    """One kind of proxy. A child says how; `lacks` names what it cannot do,
    crowds and events alike, and those are left out for it."""

    kind = None
    lacks = frozenset()
    counts = False              # has counters that can be asked for
    tables = False              # keeps stick tables, and the case wants them

    def __init__(self, label, binary):
        self.label, self.source = label, binary

    def place(self, scratch, http, tcp, server, watched):
        """Where it lives: a folder of its own, a copy of the binary there."""
        self.dir = os.path.join(scratch, self.label)
        os.makedirs(os.path.join(self.dir, "bin"))
        os.chmod(self.dir, 0o755)
        self.http, self.tcp = http, tcp
        self.server, self.watched = server, watched
        self.conf = os.path.join(self.dir, "t.cfg")
        self.log = os.path.join(self.dir, "log")
        self.binary = os.path.join(self.dir, "bin",
                                   os.path.basename(self.source))
        self.copy_binary()

    def copy_binary(self):
        """Another file of the same name, as a package's upgrade does it."""
        new = self.binary + ".new"
        shutil.copy2(self.source, new)
        os.rename(new, self.binary)

    def write(self, version, workers, maxconn):
        with open(self.conf + ".new", "w") as f:
            f.write(self.config(version, workers, maxconn))
        os.rename(self.conf + ".new", self.conf)

    def start(self, family):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.dir, start_new_session=True)
        family.known.add(self.proc.pid)
        self.top = self.proc.pid

    def parse_s(self):
        """How long it takes to look at the configuration alone."""
        began = time.monotonic()
        r = subprocess.run(self.check_command(), cwd=self.dir,
                           stdin=subprocess.DEVNULL, capture_output=True)
        if r.returncode != 0:
            raise RuntimeError(f"{self.label} refuses its configuration:\n"
                               + (r.stdout + r.stderr).decode()[-2000:])
        return time.monotonic() - began

    def reload(self):
        os.kill(self.top, signal.SIGUSR2)

    def upgrade(self):
        self.copy_binary()
        self.reload()

    def upgraded(self):
        """True when the process in charge runs the file that is on disk."""
        with contextlib.suppress(OSError):
            return (os.stat(f"/proc/{self.top}/exe").st_ino
                    == os.stat(self.binary).st_ino)
        return False

    def alive(self):
        self.proc.poll()
        return os.path.exists(f"/proc/{self.top}")

    def counters(self):
        return None

    def crossed(self):
        """Figures of how long connections were served by nobody as they
        crossed; none when the proxy does not tell."""
        return {}

    def entries(self, table):
        """{key: {what is stored: number}}, or None when there are none."""
        return None

    def mark(self, n):
        """Make `n` entries that nobody else touches."""

    def stop(self, family):
        for sig, wait in ((signal.SIGTERM, 2), (signal.SIGKILL, 2)):
            for pid in family.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, sig)
            end = time.monotonic() + wait
            while family.pids() and time.monotonic() < end:
                self.proc.poll()
                time.sleep(0.02)
        self.proc.poll()


class Haproxy(Proxy):
    kind = "haproxy"
    counts = True

    # Every connection is followed by its address, every request by its method;
    # a period that is longer than any case: all requests are in the rate.
    FOLLOW = """
    tcp-request connection track-sc0 src table sources
    http-request track-sc1 method table methods"""
    TABLES = """
backend sources
    stick-table type ip size 10k expire 1h \
store conn_cnt,conn_cur,http_req_cnt,http_req_rate(1h)
backend methods
    stick-table type string len 32 size 10k expire 1h \
store http_req_cnt,http_req_rate(1h),gpc0
backend marks
    stick-table type string len 32 size 10k expire 1h store gpc0
"""

    def config(self, version, workers, maxconn):
        s = f"127.0.0.1:{self.server}"
        follow, tables = ("", "") if not self.tables else (
            self.FOLLOW, self.TABLES)
        return f"""\
global
    nbthread {workers}
    maxconn {maxconn}
    no strict-limits
    stats socket {self.dir}/s level admin mode 600 expose-fd listeners
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
    timeout tunnel 1h
    timeout queue 60s
    timeout http-keep-alive 1h
    timeout http-request 1m
frontend web
    bind 127.0.0.1:{self.http}{follow}
    http-response set-header X-Version {version}
    use_backend queue if {{ path_beg /q/ }}
    use_backend watched if {{ path_beg /w/ }}
    default_backend all
backend all
    server s {s}
backend queue
    server s {s} maxconn 4
backend watched
    server s 127.0.0.1:{self.watched}
listen tcp
    mode tcp
    bind 127.0.0.1:{self.tcp}
    server s {s}
{tables}"""

    def command(self):
        return [self.binary, "-W", "-S", f"{self.dir}/m", "-f", self.conf]

    def check_command(self):
        return [self.binary, "-c", "-f", self.conf]

    def ask(self, command):
        """What the runtime API answers, or None."""
        data = b""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(3)
                s.connect(f"{self.dir}/s")
                s.sendall(command.encode() + b"\n")
                while part := s.recv(65536):
                    data += part
        except OSError:
            return None
        return data.decode(errors="replace")

    def entries(self, table):
        said = self.ask(f"show table {table}")
        if not self.tables or said is None:
            return None
        return {key: {k: int(v) for k, v in
                      re.findall(r"(\w+)(?:\(\d+\))?=(\d+)(?= |$)", rest)}
                for key, rest in re.findall(r"(?m) key=(\S*) (.*)$", said)}

    def mark(self, n):
        end = time.monotonic() + 10
        while self.tables and len(self.entries("marks") or ()) < n:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.label} takes no entries")
            for i in range(0, n, 50):
                self.ask(";".join(
                    f"set table marks key m{k} data.gpc0 {k + 1}"
                    for k in range(i, min(n, i + 50))))

    def counters(self):
        """{frontend: {field: number}}, or None when it does not answer."""
        data = self.ask("show stat -1 1 -1")
        if data is None:
            return None
        lines = [x.split(",") for x in data.splitlines() if x]
        if not lines or not lines[0][0].startswith("#"):
            return None
        head = [h.lstrip("# ") for h in lines[0]]
        found = {}
        for row in lines[1:]:
            row = dict(zip(head, row))
            found[row["pxname"]] = {k: int(row[k] or 0) for k in FIELDS}
        return found


class Ecluse(Haproxy):
    kind = "ecluse"

    def crossed(self):
        said = self.ask("show handover") or ""
        n = {k: int(v) for k, v in
             re.findall(r"(?m)^ecluse_handover_(\w+) (\d+)$", said)}
        if not n.get("given") or "wait_1ms" not in n:
            return {}
        waits = [(int(k[5:-2]) / (1000 if k.endswith("us") else 1), v)
                 for k, v in n.items() if re.match(r"wait_\d+[um]s$", k)]

        def within(share):
            return min((ms for ms, v in waits if v >= share * n["given"]),
                       default=float("inf"))

        return {"crossed": n["given"],
                "unserved_mean_ms": n["wait_us"] / n["given"] / 1000,
                "unserved_p99_ms": within(0.99),
                "unserved_worst_ms": within(1)}


class Nginx(Proxy):
    kind = "nginx"
    # No queue for a server, no CONNECT, and TCP only with a module that the
    # package leaves out.
    lacks = frozenset({"queue", "connect", "tcp", "probe-tcp"})

    def config(self, version, workers, maxconn):
        d = self.dir
        temp = " ".join(f"{k}_temp_path {d}/tmp-{k};" for k in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""\
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {d}/pid;
error_log {d}/error.log crit;
events {{ worker_connections {min(maxconn * 2, 19000)}; }}
http {{
    access_log off;
    {temp}
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_timeout 2m;
    proxy_read_timeout 1h;
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_set_header Host $host;
    map $http_upgrade $hop {{ default upgrade; "" ""; }}
    upstream s {{
        server 127.0.0.1:{self.server};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    upstream w {{
        server 127.0.0.1:{self.watched};
        keepalive 256;
    }}
    server {{
        listen 127.0.0.1:{self.http};
        add_header X-Version {version} always;
        location / {{
            proxy_pass http://s;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $hop;
        }}
        location /w/ {{
            proxy_pass http://w;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

    def command(self):
        return [self.binary, "-c", self.conf, "-p", self.dir,
                "-g", "user root;"]

    def check_command(self):
        return self.command() + ["-t", "-q"]

    def start(self, family):
        """It has to be a daemon: else it ignores the signal to upgrade."""
        super().start(family)
        if self.proc.wait(20) == 0:
            self.top = self.read_pid(5)

    def read_pid(self, limit, but=None):
        """The process in charge, once it has said so; or None."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):
                with open(f"{self.dir}/pid") as f:
                    pid = int(f.read())
                if pid != but and os.path.exists(f"/proc/{pid}"):
                    return pid
            time.sleep(0.005)
        return None

    def reload(self):
        os.kill(self.top, signal.SIGHUP)

    def upgrade(self):
        """Its own procedure: a second master, then the first one may go.
        While an old master lives, there is no next upgrade: so it is."""
        self.copy_binary()
        old = self.top
        os.kill(old, signal.SIGUSR2)
        new = self.read_pid(1, but=old)
        if new is not None:
            self.top = new
            os.kill(old, signal.SIGQUIT)


class Own(Proxy):
    """Any other: its configuration from a template, its commands as given.

    In all of them {conf} {dir} {http} {tcp} {server} {version} {workers}
    {maxconn} {binary} and {pid} stand for what their names say; {watched} is
    the port of the server for paths that begin with /w/, if it can tell.
    """

    kind = "own"

    def __init__(self, label, words):
        super().__init__(label, words["binary"])
        self.words = words
        self.lacks = frozenset(words.get("lacks", "").split())

    def fill(self, text, **more):
        values = dict(conf=self.conf, dir=self.dir, http=self.http,
                      tcp=self.tcp, server=self.server,
                      watched=self.watched, binary=self.binary,
                      pid=getattr(self, "top", 0), **more)
        return re.sub(r"\{(\w+)\}", lambda m: str(values[m.group(1)])
                      if m.group(1) in values else m.group(0), text)

    def config(self, version, workers, maxconn):
        with open(self.words["template"]) as f:
            return self.fill(f.read(), version=version, workers=workers,
                             maxconn=maxconn)

    def command(self):
        return shlex.split(self.fill(self.words["start"]))

    def check_command(self):
        return shlex.split(self.fill(self.words.get("check", "true")))

    def reload(self):
        subprocess.run(self.fill(self.words["reload"]), shell=True,
                       check=False)


KINDS = {k.kind: k for k in (Ecluse, Haproxy, Nginx)}


def proxy(spec):
    """LABEL, LABEL=KIND:PATH, or LABEL=own:FILE where the file has lines
    `binary:`, `template:`, `start:`, `reload:`, `check:` and `lacks:`."""
    label, _, rest = spec.partition("=")
    kind, _, path = (rest or label).partition(":")
    if kind == "own":
        with open(path) as f:
            words = dict(re.findall(r"^(\w+):[ \t]*(.*)$", f.read(), re.M))
        missing = {"binary", "template", "start", "reload"} - set(words)
        if missing:
            raise argparse.ArgumentTypeError(
                f"{path} lacks {', '.join(sorted(missing))}")
        return Own(label, words)
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(
            f"'{kind}' is none of {', '.join(KINDS)}, own")
    found = shutil.which(path or kind, path=os.environ["PATH"]
                         + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise argparse.ArgumentTypeError(f"no program '{path or kind}'")
    return KINDS[kind](label, os.path.abspath(found))
