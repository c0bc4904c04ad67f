"""Runs a program of several processes for as long as whoever started this lives: their end closes our standard input."""

import ctypes
import os
import signal
import subprocess
import sys
import threading

# Of Linux: this process gets a signal when the one that started it dies.
PR_SET_PDEATHSIG = 1

program = None
ending = False


def end(*_: object) -> None:
    """Kills all that the program is; one that is not started yet is killed once it is."""
    global ending
    ending = True
    if program is None:
        return
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except OSError:
        # None of them is left; macOS says of a group of the dead that it may not.
        pass


def watch() -> None:
    while os.read(0, 4096):
        pass
    end()


def die_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
# The program itself dies also when this is killed, which can do nothing then; spark-submit becomes its JVM by exec.
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_us)
if ending:
    end()
threading.Thread(target=watch, daemon=True).start()
code = program.wait()
# What it started may have outlived it: of a JVM that was killed, its Python.
end()
# Not by way of the interpreter's own end: the thread above sits in a read.
os._exit(code if code >= 0 else 128 - code)
