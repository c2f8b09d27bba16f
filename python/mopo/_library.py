"""The compiled library, its errors, and what its calls need around them."""

import threading

from ._mopo import ffi, lib

__all__ = ["ffi", "lib"]


class Error(Exception):
    """A call of the library failed; the message names the thing, the value and what was wanted."""


class SettingError(Error, ValueError):
    """A setting or an argument is out of its documented range."""


class FileError(Error, OSError):
    """The operating system refused to open, read, write or rename a file."""


class DataError(Error, ValueError):
    """Data that cannot be used: a NaN, an action out of range, sizes that do not fit."""


class FormatError(DataError):
    """A file's bytes are not what its format promises."""


class NumericError(Error, ArithmeticError):
    """A loss or a parameter is no longer finite."""


class AbsentError(Error):
    """This build or machine lacks the part that is asked for."""


class StoppedError(Error):
    """The run was stopped. Where it has a directory, a checkpoint is there."""


_ERRORS = {
    lib.MOPO_EINVAL: SettingError,
    lib.MOPO_EIO: FileError,
    lib.MOPO_EFORMAT: FormatError,
    lib.MOPO_EDATA: DataError,
    lib.MOPO_ENUMERIC: NumericError,
    lib.MOPO_EABSENT: AbsentError,
    lib.MOPO_ESTOPPED: StoppedError,
}


def text(pointer):
    """A C string as str, "" for NULL."""
    return ffi.string(pointer).decode("utf-8", "replace") if pointer else ""


def error_of(status, err):
    """The exception for a failed call."""
    message = text(err.msg)
    if status == lib.MOPO_ENOMEM:
        return MemoryError(message)
    return _ERRORS.get(status, Error)(message)


def call(function, *args):
    """Calls function(*args, err) and raises what it says."""
    err = ffi.new("mopo_error *")
    status = function(*args, err)
    if status != lib.MOPO_OK:
        raise error_of(status, err)


class Watch:
    """Watches a long call from Python: its stop flag, its lines, and the first exception that a
    callback raised, which stops the call and is raised again when the call has returned.

    Signal handlers of Python run between bytecodes, so Ctrl-C is seen in the progress callback,
    which the library makes a few times a second."""

    def __init__(self, lines=None):
        self._stop = ffi.new("int *")
        self._lines = lines
        self._handle = ffi.new_handle(self)
        self._lock = threading.Lock()
        self.exception = None
        self.pointer = ffi.new("mopo_watch *")
        self.pointer.progress = lib.mopo_py_progress
        self.pointer.line = lib.mopo_py_line
        self.pointer.ctx = self._handle
        self.pointer.stop = self._stop

    def stop(self, exception=None):
        """Asks the library to stop; keeps the first exception."""
        with self._lock:
            if exception is not None and self.exception is None:
                self.exception = exception
        self._stop[0] = 1

    def line(self, line):
        if self._lines is not None:
            self._lines(line)

    def check(self, status, err):
        """Raises what happened: an exception of a callback before what the library says of it."""
        if self.exception is not None:
            raise self.exception
        if status != lib.MOPO_OK:
            raise error_of(status, err)


def _watch_of(handle):
    target = ffi.from_handle(handle)
    return target if isinstance(target, Watch) else target.watch


def _escaped(_kind, exception, traceback):
    """What a callback raised. Its frame's first argument is the handle of what was called; cffi
    says so much, and an interrupt may come in any line of it."""
    while traceback is not None:
        handle = traceback.tb_frame.f_locals.get("handle")
        watch = _watch_of(handle) if handle is not None else None
        if watch is not None:
            watch.stop(exception)
            return
        traceback = traceback.tb_next


def callback(name, **options):
    """Defines a function that the library calls: handler(object of its handle, the rest). Whatever
    it raises, KeyboardInterrupt too, stops the call that it is part of and is raised there again."""

    def define(handler):
        def called(handle, *args):
            return handler(ffi.from_handle(handle), *args)

        ffi.def_extern(name=name, onerror=_escaped, **options)(called)
        return handler

    return define


@callback("mopo_py_progress")
def _progress(_watch, _progress):
    """Nothing to do: what has to happen, a pending signal, happens before this line."""


@callback("mopo_py_line")
def _line(watch, line):
    watch.line(text(line))
