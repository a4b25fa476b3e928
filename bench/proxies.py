# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks start: proxies with equivalent configurations, and an origin."""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from benchlib import free_port, spawn, stop_tree, tool, wait_port

PROXY_CORE, LOAD_CORE = 0, 1
N_RULES = 50
RULES_LOAD = f"-h h{N_RULES-1}.example -u /p{N_RULES-1}/x"     # the last of the rules


class NotSupported(Exception):
    pass


def haproxy_config(case, listen, origin, env, threads):
    bind = f"bind 127.0.0.1:{listen}"
    if case.get("tls"):
        bind += f" ssl crt {env.cert} alpn h2,http/1.1"
    lines = [
        "global", f"    nbthread {threads}", "    maxconn 12000", "    no strict-limits",
        "    tune.ssl.default-dh-param 2048" if case.get("tls") else "",
        "    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256" if case.get("tls") else "",
        "defaults", "    mode " + ("tcp" if case.get("tcp") else "http"),
        "    timeout connect 5s", "    timeout client 300s", "    timeout server 300s",
    ]
    if not case.get("tcp"):
        lines += ["    timeout http-keep-alive 300s", "    http-reuse always"]
    if case.get("splice"):
        lines += ["    option splice-auto"]
    lines += ["frontend f", "    " + bind]
    if case.get("rules"):
        lines += [f"    log 127.0.0.1:{env.syslog_port} local0", "    option httplog",
                  "    http-request capture req.hdr(User-Agent) len 64",
                  "    http-request set-header X-Forwarded-Proto http",
                  "    http-request set-header X-Real-IP %[src]",
                  "    http-request del-header Accept",
                  "    http-response set-header X-Frame-Options DENY",
                  "    http-response del-header Server"]
        for i in range(N_RULES):
            lines += [f"    acl h{i} hdr(host) -i h{i}.example", f"    acl p{i} path_beg /p{i}/",
                      f"    use_backend b{i} if h{i} p{i}"]
        for i in range(N_RULES):
            lines += [f"backend b{i}", f"    server s 127.0.0.1:{origin}"]
    else:
        for name, text in case.get("files", {}).items():
            with open(os.path.join(env.dir, name), "w") as f:
                f.write(text)
        lines += ["    " + line.replace("{dir}", env.dir) for line in case.get("frontend", ["default_backend b"])]
        lines += ["backend b", f"    server s 127.0.0.1:{origin}"]
    lines += case.get("more", [])
    return "\n".join(lines) + "\n"


def nginx_version(binary):
    out = subprocess.run([binary, "-v"], capture_output=True, text=True).stderr
    return tuple(int(x) for x in re.search(r"nginx/(\d+)\.(\d+)", out).groups())


def nginx_config(case, listen, origin, env, threads, binary, body=None):
    d = env.dir
    main = [f"worker_processes {threads};", "daemon off;", "user root;", f"pid {d}/nginx-{listen}.pid;",
            f"error_log {d}/nginx-error.log crit;", "events { worker_connections 18000; }"]
    if case.get("frontend"):
        raise NotSupported
    if case.get("tcp"):
        if case.get("splice"):
            raise NotSupported
        flags = subprocess.run([binary, "-V"], capture_output=True, text=True).stderr
        if not re.search(r"--with-stream( |$)", flags, re.M):
            raise NotSupported
        return "\n".join(main + [f"stream {{ server {{ listen 127.0.0.1:{listen}; "
                                 f"proxy_pass 127.0.0.1:{origin}; }} }}"]) + "\n"
    http = ["access_log off;", "keepalive_timeout 300;", "keepalive_requests 1000000000;",
            "proxy_http_version 1.1;", 'proxy_set_header Connection "";', "proxy_set_header Host $host;",
            "proxy_max_temp_file_size 0;"]
    for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        http.append(f"{what}_temp_path {d}/tmp-{what};")
    addr = f"127.0.0.1:{listen}"
    tls = ""
    if case.get("tls"):
        new = nginx_version(binary) >= (1, 25)
        http.append(f"ssl_certificate {env.cert}; ssl_certificate_key {env.cert}; "
                    "ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;")
        tls = " ssl" if new else " ssl http2"
        if new:
            http.append("http2 on;")
    pool = "keepalive 256; keepalive_requests 1000000000;"
    if body is not None:
        http += body(addr, tls)
    elif case.get("rules"):
        http.append(f'log_format l \'$remote_addr:$remote_port [$time_local] $host $upstream_addr '
                    f'$request_time $status $bytes_sent "$http_user_agent" "$request"\';')
        for i in range(N_RULES):
            http += [f"upstream b{i} {{ server 127.0.0.1:{origin}; {pool} }}",
                     f"server {{ listen {addr}; server_name h{i}.example; "
                     f"access_log syslog:server=127.0.0.1:{env.syslog_port},nohostname l; "
                     'proxy_set_header Connection ""; proxy_set_header X-Forwarded-Proto http; '
                     'proxy_set_header X-Real-IP $remote_addr; proxy_set_header Accept ""; '
                     "add_header X-Frame-Options DENY; "
                     f"location /p{i}/ {{ proxy_pass http://b{i}; }} }}"]
    else:
        http += [f"upstream b {{ server 127.0.0.1:{origin}; {pool} }}",
                 f"server {{ listen {addr}{tls}; location / {{ proxy_pass http://b; }} }}"]
    return "\n".join(main + ["http {"] + http + ["}"]) + "\n"


class Proxy:
    patience_s = 60         # to listen

    def __init__(self, spec):
        m = re.fullmatch(r"([^=]+)=(haproxy|ecluse|nginx|relay):([^,]*)((?:,[a-z]+=[^,]*)*)", spec)
        if not m:
            raise argparse.ArgumentTypeError(f"bad --proxy {spec!r}")
        self.name, self.kind, self.binary = m.group(1), m.group(2), m.group(3)
        opts = dict(o.split("=", 1) for o in m.group(4).split(",") if o)
        self.threads = int(opts.get("threads", 1))
        self.args = opts.get("args", "").split()
        if self.kind == "relay":
            self.binary = self.binary or tool("relay")
        # more than one thread only makes sense unpinned
        self.core = PROXY_CORE if self.threads == 1 else {PROXY_CORE, LOAD_CORE}

    def command(self, case, listen, origin, env):
        """Writes the configuration; returns the argv that runs it in the foreground."""
        conf = os.path.join(env.dir, f"{self.name}-{listen}.conf")
        if self.kind == "relay":
            if case.get("tls") or case.get("rules") or case.get("frontend"):
                raise NotSupported
            return [self.binary, listen, origin] + (["splice"] if case.get("splice") else [])
        if self.kind in ("haproxy", "ecluse"):
            text, argv = haproxy_config(case, listen, origin, env, self.threads), ["-db", "-f", conf]
        else:
            text = nginx_config(case, listen, origin, env, self.threads, self.binary)
            argv = ["-c", conf, "-p", env.dir]
        with open(conf, "w") as f:
            f.write(text)
        return [self.binary] + argv + self.args

    def start(self, case, origin, env, prefix=()):
        listen = free_port()
        argv = list(prefix) + self.command(case, listen, origin, env)
        log = os.path.join(env.dir, f"{self.name}-{listen}.log")
        proc = spawn(argv, self.core, log)
        try:
            wait_port(listen, self.patience_s, proc)
        except RuntimeError as e:
            stop_tree(proc)
            with open(log, errors="replace") as f:
                sys.stderr.write(f"{self.name}: {e}\n{f.read()[-1500:]}\n")
            raise
        return proc, listen


class Env:
    """Temporary directory, certificate, origin, syslog sink."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="proxybench-")
        subprocess.run([tool("gencert"), self.dir, "1", "bench.example"], check=True)
        self.cert = os.path.join(self.dir, "bench.example.pem")
        self.syslog = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # never read: datagrams drop
        self.syslog.bind(("127.0.0.1", 0))
        self.syslog_port = self.syslog.getsockname()[1]
        self.origin_port = free_port()
        self.origin = spawn([tool("origin"), self.origin_port], LOAD_CORE)
        wait_port(self.origin_port, 5, self.origin)

    def close(self):
        stop_tree(self.origin, 0.2)
        self.syslog.close()
        shutil.rmtree(self.dir, ignore_errors=True)



# configurations with many objects ---------------------------------------------

def big_backends(p, n, env, listen):
    conf = os.path.join(env.dir, f"big-{p.name}-{n}.conf")
    port = env.origin_port
    if p.kind in ("haproxy", "ecluse"):
        with open(conf, "w") as f:
            f.write("global\n    nbthread 1\n    maxconn 1000\ndefaults\n    mode http\n    timeout connect 5s\n"
                    "    timeout client 30s\n    timeout server 30s\nfrontend f\n"
                    f"    bind 127.0.0.1:{listen}\n    default_backend b0\n")
            f.writelines(f"backend b{i}\n    server s1 127.0.0.1:{port}\n    server s2 127.0.0.1:{port}\n"
                         for i in range(n))
        return conf, ["-c", "-f", conf], ["-db", "-f", conf]
    if p.kind == "nginx":
        size = 1 << (n * 2).bit_length()

        def body(addr, tls):
            return ([f"map_hash_max_size {size}; map_hash_bucket_size 128; map $host $to {{ default b0;"]
                    + [f"h{i}.example b{i};" for i in range(n)] + ["}"]
                    + [f"upstream b{i} {{ server 127.0.0.1:{port}; server 127.0.0.1:{port}; }}" for i in range(n)]
                    + [f"server {{ listen {addr}; location / {{ proxy_pass http://$to; }} }}"])
        with open(conf, "w") as f:
            f.write(nginx_config({}, listen, port, env, 1, p.binary, body))
        return conf, ["-t", "-c", conf, "-p", env.dir], ["-c", conf, "-p", env.dir]
    raise NotSupported


def big_certs(p, n, env, listen):
    certs = os.path.join(env.dir, "certs")
    conf = os.path.join(env.dir, f"certs-{p.name}-{n}.conf")
    if not os.path.isdir(certs):
        os.mkdir(certs)
        subprocess.run([tool("gencert"), certs, str(n)], check=True)
    if p.kind in ("haproxy", "ecluse"):
        crtlist = os.path.join(env.dir, "crt-list.txt")
        with open(crtlist, "w") as f:
            f.writelines(f"{certs}/{i}.pem s{i}.example\n" for i in range(n))
        with open(conf, "w") as f:
            f.write("global\n    nbthread 1\n    maxconn 1000\ndefaults\n    mode http\n    timeout connect 5s\n"
                    "    timeout client 30s\n    timeout server 30s\nfrontend f\n"
                    f"    bind 127.0.0.1:{listen} ssl crt-list {crtlist}\n    default_backend b\n"
                    f"backend b\n    server s 127.0.0.1:{env.origin_port}\n")
        return conf, ["-c", "-f", conf], ["-db", "-f", conf]
    if p.kind == "nginx":
        def body(addr, tls):
            return (["server_names_hash_max_size 32768; server_names_hash_bucket_size 128;"]
                    + [f"server {{ listen {addr} ssl; server_name s{i}.example; ssl_certificate {certs}/{i}.pem; "
                       f"ssl_certificate_key {certs}/{i}.pem; location / {{ proxy_pass "
                       f"http://127.0.0.1:{env.origin_port}; }} }}" for i in range(n)])
        with open(conf, "w") as f:
            f.write(nginx_config({}, listen, env.origin_port, env, 1, p.binary, body))
        return conf, ["-t", "-c", conf, "-p", env.dir], ["-c", conf, "-p", env.dir]
    raise NotSupported


def run_load(args, port):
    out = subprocess.run(["taskset", "-c", str(LOAD_CORE), tool("load"), "-p", str(port)] + args,
                         capture_output=True, text=True, timeout=300)
    return json.loads(out.stdout)
