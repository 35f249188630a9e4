#!/usr/bin/env python3
# A virtual MicroPython board: a pseudo-terminal that answers like a board's serial port.
#
#     python3 tests/virtual_board.py FOLDER [--link PATH] [--micropython CMD] [--heap 160k]
#
# FOLDER is the board's file system.  Prints the port, serves it until SIGTERM or SIGINT:
#
#     mpremote connect PATH cp -r package : + exec "import package" + mount . run x.py
#
# It runs MicroPython's unix port on a second pseudo-terminal, passes the bytes on, and adds what a
# board's firmware does and the unix port does not:
#
# * Ctrl-D at a prompt, sys.exit() and machine.soft_reset() are a soft reset: "MPY: soft reboot", a
#   fresh interpreter, boot.py, main.py, the same REPL as before.  As on a board main.py is left
#   out when boot.py failed or the reset came from the raw REPL.
# * Ctrl-C while code runs becomes KeyboardInterrupt; at a prompt, during a raw paste and after
#   micropython.kbd_intr(-1) (mpremote mount) it is data.
# * Output is thrown away while no program has the port open, as on a UART.
# * SIGUSR1 is the reset button: no clean-up, then boot.py, main.py, friendly REPL.
#
# Not imitated: the line ends of print() (a board: CR LF); clock and sockets are the host's;
# no network, Pin or machine.reset.  Linux only (it reads /proc).  A PATH that is not /dev/pts/N
# lets mpremote keep its own time limits.

import argparse
import errno
import os
import pty
import shlex
import signal
import sys
import termios
import time
from select import POLLHUP, POLLIN, POLLOUT, poll

START, READY = b"\x1eSTART\x1e", b"\x1eREADY\x1e"
RAW, FRIENDLY = b"raw REPL; CTRL-B to exit\r\n", b"for more information.\r\n"

# Runs in the interpreter before its REPL; leaves no name behind.
BOOT = """
def _():
    import os, sys, vfs
    vfs.umount('/')
    vfs.mount(vfs.VfsPosix({!r}), '/')
    os.chdir('/')
    sys.path[:] = ['', '.frozen', '/lib']
    sys.argv[:] = []
    def run(name):
        try:
            if name in os.listdir():
                execfile(name)
            return True
        except (Exception, KeyboardInterrupt) as e:
            sys.print_exception(e)
    try:
        print({!r}, end='')
        run('boot.py') and {} and run('main.py')
    finally:
        print({!r}, end='')
_()
del _
"""


class Board:
    def __init__(self, folder, command):
        self.folder, self.command = os.path.realpath(folder), command
        self.host, port = pty.openpty()
        self.port, self.to_host = os.ttyname(port), b""
        raw_mode(port)
        os.close(port)
        os.set_blocking(self.host, False)

    def boot(self, raw):
        """Starts an interpreter that ends up in the raw or the friendly REPL."""
        code = BOOT.format(self.folder, START.decode(), not raw, READY.decode())
        argv = self.command + ["-i", "-c", code]
        self.pid, self.child = pty.fork()
        if self.pid == 0:
            try:
                raw_mode(0)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # until MicroPython catches it
                os.chdir(self.folder)
                os.execvpe(argv[0], argv, {"PATH": os.environ["PATH"]})  # no HOME: no history file
            finally:
                os._exit(127)
        os.set_blocking(self.child, False)
        self.raw, self.to_child, self.seen, self.tail = raw, b"", b"", b""
        self.marks = [START, READY] + [RAW] * raw  # awaited in the output, in this order

    def from_child(self, data):
        """Passes output on, less the marks and the friendly banner on the way to raw mode."""
        data = self.seen + data
        while self.marks:
            mark = self.marks[0]
            before, found, data = data.partition(mark)
            if not found:  # its end may be the mark's beginning: keep that
                keep = max(n for n in range(len(mark)) if before.endswith(mark[:n]))
                before, self.seen = before[:len(before) - keep], before[len(before) - keep:]
            self.to_host += before * (mark is not RAW)
            if not found:
                return
            self.marks.pop(0)
            self.to_child = b"\x01" * (mark is READY and self.raw) + self.to_child
            self.to_host += found * (mark is RAW)
        self.seen = b""
        self.to_host += data
        self.tail += data  # which REPL is this?  A soft reset returns to the same
        if RAW in self.tail or FRIENDLY in self.tail:
            self.raw = self.tail.rfind(RAW) > self.tail.rfind(FRIENDLY)
        self.tail = self.tail[-len(RAW):]

    def from_host(self, data):
        """Queues input; a Ctrl-C that the running code would catch becomes a signal."""
        parts = data.split(b"\x03")
        self.to_child += parts[0]
        for part in parts[1:]:
            with open("/proc/%d/status" % self.pid) as f:
                caught = next(line.split()[1] for line in f if line.startswith("SigCgt:"))
            if int(caught, 16) >> (signal.SIGINT - 1) & 1:
                os.kill(self.pid, signal.SIGINT)
                time.sleep(0.1)  # the unix port up to 1.28.0 discards what arrives meanwhile
            else:
                part = b"\x03" + part
            self.to_child += part

    def restart(self):
        """The interpreter is gone: says so and starts the next one."""
        os.close(self.child)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if START in self.marks and status >= 0:
            sys.exit("virtual_board: the interpreter does not start:\n" + self.to_host.decode())
        self.to_host += b"MPY: soft reboot\r\n" if status >= 0 else b"\r\nrst: %d\r\n" % -status
        time.sleep(0.05)  # bounds a main.py that exits at once
        self.boot(self.raw and status >= 0)  # killed (reset button, crash): as after power-on

    def serve(self):
        while True:
            poller = poll()
            poller.register(self.host, 0)
            if poller.poll(0):  # POLLHUP: no program has the port open
                poller.unregister(self.host)
                self.to_host = b""
            else:  # input waits until the interpreter is there to read it
                takes = self.marks in ([], [READY], [READY, RAW]) and len(self.to_child) < 4096
                poller.register(self.host, POLLIN * takes | POLLOUT * bool(self.to_host))
            wanted = POLLIN * (len(self.to_host) < 65536) | POLLOUT * bool(self.to_child)
            poller.register(self.child, wanted)
            for fd, event in poller.poll(20):
                if event & POLLOUT and fd == self.host:
                    self.to_host = self.to_host[attempt(os.write, fd, self.to_host) or 0:]
                elif event & POLLOUT:
                    self.to_child = self.to_child[attempt(os.write, fd, self.to_child) or 0:]
                if event & (POLLIN | POLLHUP):
                    data = attempt(os.read, fd, 1024)
                    if data and fd == self.host:
                        self.from_host(data)
                    elif data:
                        self.from_child(data)
                    elif data == b"" and fd == self.child:
                        self.restart()
                        break


def attempt(call, fd, what):
    """read or write on a non-blocking descriptor: None for "not now", b"" for "gone"."""
    try:
        return call(fd, what)
    except OSError as e:
        if e.errno not in (errno.EIO, errno.EAGAIN):
            raise
        return b"" if e.errno == errno.EIO and call is os.read else None


def raw_mode(fd):
    """8 bits each way, no echo, no signals, no translation."""
    mode = termios.tcgetattr(fd)
    mode[0] = mode[1] = mode[3] = 0
    mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, mode)


def main():
    parser = argparse.ArgumentParser(description="A virtual MicroPython board")
    parser.add_argument("folder", help="the board's file system")
    parser.add_argument("--link", help="a symbolic link to the port, made here")
    parser.add_argument("--micropython", default="micropython", help="the unix port, with options")
    parser.add_argument("--heap", help="its heap, such as 160k (64 bits: twice a board's)")
    args = parser.parse_args()
    command = shlex.split(args.micropython)
    if args.heap:
        command += ["-X", "heapsize=" + args.heap]
    board = Board(args.folder, command)
    for stop in signal.SIGTERM, signal.SIGINT:
        signal.signal(stop, lambda *_: sys.exit(0))
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(board.pid, signal.SIGKILL))
    if args.link:
        os.symlink(board.port, args.link)
    try:
        board.boot(raw=False)
        print(args.link or board.port, flush=True)
        board.serve()
    finally:
        if args.link:
            os.unlink(args.link)  # the interpreter gets SIGHUP when this process is gone


if __name__ == "__main__":
    main()
