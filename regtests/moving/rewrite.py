# SPDX-License-Identifier: Apache-2.0
"""Owns how a configuration from anywhere becomes one that runs here: the same
lines in the same places, with addresses on loopback and files in a folder of
ours.

Each line stays one line, so that errors keep their numbers.  What has no
meaning here (users, chroot, daemon) becomes a comment.  Files are made as far
as they are missing: certificates, lists, maps, error pages.  A folder
FILES_DIR may hold some under their last name, which then win.
"""
import os
import re
import shutil
import subprocess

SECTIONS = {"global", "defaults", "frontend", "backend", "listen", "peers",
            "resolvers", "userlist", "mailers", "http-errors", "cache",
            "ring", "program", "fcgi-app", "log-forward", "crt-store",
            "traces", "acme", "log-profile"}
# Lines of global that speak of the machine they came from.
HERE_NOT = {"chroot", "user", "group", "uid", "gid", "daemon", "pidfile",
            "localpeer", "node", "ulimit-n", "cpu-map", "maxconn",
            "default-path", "nbthread", "thread-groups", "quiet"}
# Words of a server line that name a file or an address, or say when.
SERVER_FILES = {"ca-file", "crl-file", "crt", "ca-verify-file"}


def words(line):
    """[(begin, end, text)] of a line's words; the text without quotes."""
    out, i, n = [], 0, len(line)
    while i < n:
        while i < n and line[i] in " \t":
            i += 1
        if i >= n or line[i] == "#":
            break
        begin, text, quote = i, "", ""
        while i < n and (quote or line[i] not in " \t#"):
            c = line[i]
            if c == "\\" and quote != "'" and i + 1 < n:
                text += line[i:i + 2]
                i += 2
                continue
            if quote:
                if c == quote:
                    quote = ""
                else:
                    text += c
            elif c in "'\"":
                quote = c
            else:
                text += c
            i += 1
        out.append((begin, i, text))
    return out


def split_port(addr):
    """("host", "port") of HOST:PORT; a bare host has the port ""."""
    m = re.fullmatch(r"(.*?):?(\d+(?:-\d+)?|\$\{?\w+\}?)?", addr)
    if addr.count(":") and m and m.group(2):
        return m.group(1), m.group(2)
    return addr, ""


class Rewriter:
    def __init__(self, text, folder, ports, origins, files=None):
        self.text = text
        self.folder = folder            # where files are made
        self.ports = ports              # gives the next free port
        self.origins = origins          # (name) -> port of a server
        self.files = files              # a folder of files that are given
        self.binds = {}                 # (family, port) -> ours
        self.fronts = []                # dicts: where clients go
        self.section, self.name = "", ""
        self.mode = {"": "tcp"}         # of proxies, "" for defaults
        self.sockets = 0
        self.localpeer = None
        self.expects = []               # what checks wait for
        self.resolver = ports()
        self.log = ports()
        self.pem = None

    # --- files ---------------------------------------------------------------
    def path(self, kind, name):
        at = os.path.join(self.folder, kind)
        os.makedirs(at, exist_ok=True)
        return os.path.join(at, re.sub(r"[^\w.-]", "_",
                                       name.strip("/")) or "_")

    def given(self, name, at):
        src = self.files and os.path.join(self.files, os.path.basename(name))
        if src and os.path.exists(src):
            shutil.copy(src, at)
            return True
        return os.path.exists(at)

    def make(self, kind, name, content):
        at = self.path(kind, name)
        if not self.given(name, at):
            with open(at, "w") as f:
                f.write(content)
        return at

    def certificate(self):
        """A key and a certificate for every name, signed by itself."""
        if self.pem is None:
            self.pem = self.path("tls", "one.pem")
            if not os.path.exists(self.pem):
                key, crt = self.path("tls", "k"), self.path("tls", "c")
                names = ["localhost"] + sorted(self.names())
                subprocess.run(
                    ["openssl", "req", "-x509", "-newkey", "rsa:2048",
                     "-nodes", "-days", "30", "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=IP:127.0.0.1," +
                     ",".join("DNS:" + n for n in names),
                     "-keyout", key, "-out", crt],
                    check=True, capture_output=True)
                with open(self.pem, "w") as f:
                    for part in (crt, key):
                        f.write(open(part).read())
        return self.pem

    def names(self):
        found = re.findall(r"(?:verifyhost|sni str\()\s*([\w.-]+)", self.text)
        return {n for n in found if "." in n}

    def crt(self, name):
        """A certificate's path, or that of a folder with one."""
        pem = self.certificate()
        base = os.path.basename(name)
        if name.endswith("/") or "." not in base:
            at = self.path("tls", name + ".d")
            os.makedirs(at, exist_ok=True)
            shutil.copy(pem, os.path.join(at, "one.pem"))
            return at
        return pem

    def pattern_file(self, name, line):
        if re.search(r"\b(src|dst|hdr_ip|map_ip)\b", line):
            keys = ["192.0.2.1", "198.51.100.0/24"]
        elif re.search(r"_(int|num)\b", line):
            keys = ["7", "8"]
        else:
            keys = ["alpha.example", "/alpha"]
        value = "1" if re.search(r"map_\w+_int", line) else "nowhere"
        is_map = re.search(r"map", line)
        return self.make("lists", name, "".join(
            "%s %s\n" % (k, value) if is_map else k + "\n" for k in keys))

    def errorfile(self, name, code):
        return self.make("errors", name, "HTTP/1.0 %s Own\r\nContent-Type: "
                         "text/html\r\nX-Own: %s\r\nConnection: close\r\n\r\n"
                         "<h1>%s</h1>\n" % (code, code, os.path.basename(name)))

    # --- addresses -----------------------------------------------------------
    def bind_address(self, word):
        """One address of a bind line, and what a client is to do."""
        if word.startswith("abns@"):
            return word + "-%d" % self.resolver, None
        if word.startswith(("unix@", "/")):
            return self.path("run", word.split("@")[-1]), None
        word = re.sub(r"^(ipv4|ipv6|ipv6v4|ip|tcp4|tcp)@", "", word)
        host, port = split_port(word)
        v6 = ":" in host or host == "[::]"
        key = ("6" if v6 else "4", host if host not in ("", "*", "0.0.0.0",
               "::", "[::]") else "", port)
        if key not in self.binds:
            self.binds[key] = self.ports()
        ours = self.binds[key]
        text = "%s:%d" % ("[::1]" if v6 else "127.0.0.1", ours)
        if "-" in port:                 # a range, of one port
            text += "-%d" % ours
        return text, ("::1" if v6 else "127.0.0.1", ours)

    def server_address(self, word, check=""):
        """Where a server is here: an origin, or a line of this file."""
        if word.startswith("abns@"):
            return word + "-%d" % self.resolver
        if word.startswith(("unix@", "/")) or re.fullmatch(
                r"\$\{?\w*(SOCK|PATH)\w*\}?", word):
            return self.origins("unix:" + word)
        host, port = split_port(word)
        if not port:                    # the port that the client asked for
            return "127.0.0.9"
        if host in ("127.0.0.1", "localhost", "[::1]"):
            for (_, _, theirs), ours in self.binds.items():
                if theirs == port:
                    return "127.0.0.1:%d" % ours
        return "127.0.0.1:%d" % self.origins("%s:%s" % (host, check or port))

    # --- lines ---------------------------------------------------------------
    def run(self):
        """The text to run; what was found out is in our fields."""
        lines = self.text.splitlines()
        for line in lines:              # binds first: servers may be ours
            w = [t for _, _, t in words(line)]
            if w and w[0] == "bind":
                for part in w[1].split(","):
                    self.bind_address(part)
        return "\n".join(self.line(x) for x in lines) + "\n"

    def line(self, line):
        w = words(line)
        if not w:
            return line
        t = [x[2] for x in w]
        if t[0] in SECTIONS:
            return self.enter(line, t)
        edits = {}                      # number of a word -> new text
        if self.section == "global":
            done = self.global_line(line, t, edits)
        elif self.section == "resolvers":
            done = self.resolvers_line(line, t, edits)
        elif self.section == "peers":
            done = self.peers_line(line, t, edits)
        else:
            done = self.proxy_line(line, t, edits)
        if done is not None:
            return done
        for i, (b, e, _) in reversed(list(enumerate(w))):
            if i in edits:
                line = line[:b] + edits[i] + line[e:]
        return re.sub(r"[ \t]+$", "", line)

    def enter(self, line, t):
        self.section = t[0]
        self.name = t[1] if len(t) > 1 else ""
        if t[0] == "defaults":
            self.mode[""] = "tcp"
        self.mode[self.name] = self.mode[""]
        return line

    def log_line(self, t, edits):
        if t[1] == "global":
            return
        edits[1] = "127.0.0.1:%d" % self.log
        for i in range(2, len(t) - 1):
            if t[i] == "format":
                edits[i + 1] = "rfc3164"

    def global_line(self, line, t, edits):
        if t[0] in HERE_NOT:
            return "# " + line
        if t[0] == "log":
            self.log_line(t, edits)
        elif t[0] in ("ca-base", "crt-base"):
            edits[1] = os.path.join(self.folder, "tls")
        elif t[:2] == ["stats", "socket"]:
            self.sockets += 1
            return "    stats socket %s level admin" % self.path(
                "run", "stats%d.sock" % self.sockets)
        elif t[0] in ("server-state-file", "server-state-base"):
            edits[1] = self.path("run", "state")
        elif t[0] == "lua-load":
            edits[1] = self.make("lua", t[1], "")
        return None

    def resolvers_line(self, line, t, edits):
        if t[0] == "nameserver":
            edits[2] = "127.0.0.1:%d" % self.resolver
        elif t[0] == "parse-resolv-conf":
            return "    nameserver ours 127.0.0.1:%d" % self.resolver
        return None

    def peers_line(self, line, t, edits):
        if t[0] in ("peer", "server") and len(t) > 2:
            self.localpeer = self.localpeer or t[1]
            edits[2] = "127.0.0.1:%d" % self.ports()
        elif t[0] == "bind":
            edits[1] = "127.0.0.1:%d" % self.ports()
        return None

    def proxy_line(self, line, t, edits):
        if t[0] == "mode" and len(t) > 1:
            self.mode["" if self.section == "defaults" else self.name] = t[1]
        elif t[0] == "bind" and len(t) > 1:
            return self.bind_line(line, t, edits)
        elif t[0] in ("server", "default-server", "server-template"):
            return self.server_line(line, t, edits)
        elif t[0] == "log":
            self.log_line(t, edits)
        elif t[0] == "errorfile" and len(t) > 2:
            edits[2] = self.errorfile(t[2], t[1])
        elif t[0] == "source":
            return "# " + line
        elif t[:2] == ["external-check", "command"] and len(t) > 2:
            edits[2] = self.make("run", t[2], "#!/bin/sh\nexit 0\n")
            os.chmod(edits[2], 0o755)
        elif t[0] in ("tcp-check", "http-check") and "port" in t[2:-1]:
            i = t.index("port") + 1
            if t[i].isdigit():
                edits[i] = str(self.origins("check:" + t[i]))
        elif "expect" in t[:3] and "string" in t:
            self.expects.append(t[t.index("string") + 1])
        self.rule_line(line, t, edits)
        return None

    def rule_line(self, line, t, edits):
        for i, word in enumerate(t):
            before = t[i - 1] if i else ""
            if before in ("errorfile", "file", "lf-file") and \
                    t[0].startswith("http-") and word.startswith("/"):
                edits[i] = self.errorfile(word, "404")
            elif before == "-f" and i and "acl" != word:
                edits[i] = self.pattern_file(word, line)
            elif "map" in word and "(/" in word:
                # The word keeps its quotes: only the path is replaced.
                begin, end, _ = words(line)[i]
                edits[i] = re.sub(
                    r"(map\w*\()(/[^,)]+)", lambda m: m.group(1) +
                    self.pattern_file(m.group(2), word), line[begin:end])

    def bind_line(self, line, t, edits):
        ours = [self.bind_address(x) for x in t[1].split(",")]
        edits[1] = ",".join(a for a, _ in ours)
        for i in range(2, len(t)):
            if t[i - 1] in ("crt", "crt-list"):
                edits[i] = self.crt(t[i])
            elif t[i - 1] in ("ca-file", "ca-verify-file", "crl-file"):
                edits[i] = self.certificate()
            elif t[i - 1] in ("interface", "user", "group", "namespace"):
                edits[i - 1] = edits[i] = ""
        for _, where in ours:
            if where is not None:
                self.fronts.append({
                    "proxy": self.name,
                    "at": where, "tls": "ssl" in t[2:],
                    "proxied": "accept-proxy" in t[2:]})
        return None

    def server_line(self, line, t, edits):
        at = {"server": 2, "server-template": 3}.get(t[0])
        check = ""
        for i in range(1, len(t) - 1):
            if t[i] == "port" and t[i + 1].isdigit():
                check = t[i + 1]
        if at is not None and len(t) > at:
            if t[0] == "server-template":
                edits[at] = "localhost:%d" % self.origins(t[at])
            else:
                edits[at] = self.server_address(t[at])
        for i in range(at or 1, len(t)):
            if t[i - 1] in SERVER_FILES:
                edits[i] = self.certificate()
            elif t[i - 1] == "port":
                if edits.get(at) == "127.0.0.9":
                    continue
                host = split_port(t[at])[0] if at else "default"
                edits[i] = str(self.origins("%s:%s" % (host, t[i])))
            elif t[i - 1] in ("source", "namespace"):
                edits[i - 1] = edits[i] = ""
        return None

    def after(self):
        """Lines that the end of the file gets."""
        extra = ["global"]
        if not self.sockets:
            self.sockets = 1
            extra.append("    stats socket %s level admin"
                         % self.path("run", "stats1.sock"))
        if self.localpeer:
            extra.append("    localpeer " + self.localpeer)
        extra.append("    nbthread 1")
        extra.append("    maxconn 2000")
        return "\n".join(extra) + "\n"
