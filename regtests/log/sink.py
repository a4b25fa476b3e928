# SPDX-License-Identifier: Apache-2.0
"""A log server for the tests of this folder."""
import socket
import threading

from harness import until


class Sink:
    """Reads lines all the time: nothing may get lost in its socket."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("127.0.0.1", 0))
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.lines.append(self.s.recv(65536).decode("latin-1"))

    def port(self):
        return self.s.getsockname()[1]

    def take_to(self, mark):
        """The lines before the one with the mark."""
        def index():
            for i, line in enumerate(self.lines):
                if mark in line:
                    return i + 1
        n = until(index, "a log line with " + mark)
        taken, self.lines[:n] = self.lines[:n - 1], []
        return taken
