# SPDX-License-Identifier: Apache-2.0
"""The commands of a guide, run as they stand in it.

In doc/ingress/*.md a block of `sh` is commands, one of `text` behind it what they
print (… stands for anything), and one of `yaml NAME` is a file. `sh exit=2` says
what the last command of the block ends with.
"""

import os
import re
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))))
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)


class Block:
    def __init__(self, path, text, m):
        self.kind, self.text = m[1], m[3]
        self.words = m[2].split()
        self.where = "%s:%d" % (path, text.count("\n", 0, m.start()) + 1)
        heads = re.findall(r"^##+ (.*)$", text[:m.start()], re.M)
        self.section = heads[-1] if heads else ""

    @property
    def exit(self):
        return next((int(w[5:]) for w in self.words if w.startswith("exit=")),
                    0)


def blocks(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        text = f.read()
    return [Block(path, text, m) for m in FENCE.finditer(text)]


def first_missing(expected, output):
    """The first line of `expected` that does not come, in its order; None:
    all do."""
    lines = iter(" ".join(x.split()) for x in output.splitlines())
    for want in expected.splitlines():
        want = " ".join(want.split())
        rx = re.compile(".*".join(map(re.escape, want.split("…"))))
        if want and want != "…" and not any(rx.fullmatch(x) for x in lines):
            return want
    return None


class Shell:
    """One bash for a whole guide: what a block sets, the next one has."""

    def __init__(self, argv, cwd, env):
        self.p = subprocess.Popen(
            [*argv, "bash"], cwd=cwd, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.p.stdin.write("set -eo pipefail; trap 'echo \"~exit $?\"' EXIT\n")

    def run(self, commands):
        """(exit code, output); the first command that fails ends it."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as f:
            f.write(commands)
            f.flush()
            self.p.stdin.write(f". {f.name} </dev/null; echo '~exit 0'\n")
            self.p.stdin.flush()
            out = []
            for line in self.p.stdout:
                # The last output may have no end of line.
                text, found, code = line.rpartition("~exit ")
                if found:
                    return int(code), "".join(out) + text
                out.append(line)
        raise SystemExit("the shell ended:\n" + "".join(out))

    def end(self):
        self.p.stdin.close()
        self.p.stdout.read()
        self.p.wait()


def walk(path, argv, cwd, env=None, before=lambda block: None):
    """Run a guide in `cwd`; True when all is as it says."""
    shell = Shell(argv, cwd, env)
    output, good = "", True
    for b in blocks(path):
        before(b)
        if b.kind == "yaml" and b.words:
            with open(os.path.join(cwd, b.words[0]), "w",
                      encoding="utf-8") as f:
                f.write(b.text)
        elif b.kind == "sh":
            print(f"--- {b.where}\n{b.text.rstrip()}", flush=True)
            code, output = shell.run(b.text)
            print(output.rstrip()[-4000:], flush=True)
            if code != b.exit:
                print(f"{b.where}: exit code {code}, not {b.exit}")
                return False
            if code != 0:       # its shell has ended
                shell.end()
                shell = Shell(argv, cwd, env)
        elif b.kind == "text":
            missing = first_missing(b.text, output)
            if missing is not None:
                print(f"{b.where}: this does not come: {missing}", flush=True)
                good = False
    shell.end()
    return good
