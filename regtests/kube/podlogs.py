# SPDX-License-Identifier: Apache-2.0
"""What the containers of a node said, also those whose pods are gone."""

import glob
import os
import re
import threading

# Nothing of that has a place in the log of a proxy that is well.
ALARM = re.compile(r" stderr F .*( hangs: |ended by signal|"
                   r"exited with code [1-9]|not ready in time|"
                   r"can't run|can't start|panic|assertion)", re.I)


class PodLogs:
    def __init__(self, node):
        """Keep them in a folder of `node` until its end."""
        self.logs = os.path.join(node.dir, "logs", "pods")
        self.kept = os.path.join(node.dir, "kept")
        os.makedirs(self.kept, exist_ok=True)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def keep(self):
        """Another link to each file: kubelet removes its own with the pod."""
        for path in glob.glob(os.path.join(self.logs, "*", "*", "*.log")):
            name = os.path.relpath(path, self.logs).replace(os.sep, "_")
            try:
                os.link(path, os.path.join(self.kept, name))
            except (FileExistsError, FileNotFoundError):
                pass

    def serve(self):
        while not self.over.wait(0.2):
            self.keep()

    def lines(self):
        """(file, line) of all that was said so far."""
        self.keep()
        for path in sorted(glob.glob(os.path.join(self.kept, "*.log"))):
            with open(path, encoding="utf-8", errors="replace") as f:
                for line in f:
                    yield os.path.basename(path), line.rstrip()

    def alarms(self, expected=()):
        """Print and count the lines that alarm somebody, without those that
        have one of the words of `expected`."""
        found = [(name, line) for name, line in self.lines()
                 if ALARM.search(line) and not any(w in line for w in expected)]
        for name, line in found[:20]:
            print(f"alarm: {name}: {line[:300]}", flush=True)
        return len(found)

    def end(self):
        self.over.set()
        self.thread.join()
