"""Runs a program of several processes for as long as whoever started this lives: their end closes our standard input."""

import os
import signal
import subprocess
import sys
import threading

program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)


def end(*_: object) -> None:
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def watch() -> None:
    while os.read(0, 4096):
        pass
    end()


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
threading.Thread(target=watch, daemon=True).start()
code = program.wait()
# What it started may have outlived it: of a JVM that was killed, its Python.
end()
# Not by way of the interpreter's own end: the thread above sits in a read.
os._exit(code if code >= 0 else 128 - code)
