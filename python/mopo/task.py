"""What is to be done: sizes, names, when an episode ends, what a step pays."""

import os
from collections.abc import Mapping

import numpy as np

from ._library import DataError, call, ffi, callback, lib, text


def _view(pointer, shape):
    """Memory of the library as a read-only array, for the time of one callback."""
    size = int(np.prod(shape)) * 4
    array = np.frombuffer(ffi.buffer(pointer, size), dtype=np.float32).reshape(shape)
    array.flags.writeable = False
    return array


def _names(value, what):
    """(number, names or None, ranges or None) of an int, a list of names, or a dict of ranges."""
    if isinstance(value, (int, np.integer)):
        return int(value), None, None
    if isinstance(value, Mapping):
        ranges = np.array([tuple(v) for v in value.values()], dtype=np.float32).reshape(-1, 2)
        return len(value), list(value), ranges
    if isinstance(value, str):
        raise DataError(f"{what} = {value!r}, want a list of names or their number")
    return len(value), [str(v) for v in value], None


class Task:
    """A task of the caller's, or a built-in one (`Task.find`), or a task file's (`Task.load`).

    obs, act: names of the columns, or how many; act may be a dict of ranges, {"pump": (0, 100)}.
    horizon: steps after which an episode is cut.
    done(s, a, s2) -> [B] bool: does the step end the task? None: learned where the data have ends.
    reward(s, a, s2) -> [B]: what it pays. None: learned. s [B,S], a [B,A], s2 [B,S] are read-only
    views that are valid during the call; a is in the units of `act`'s ranges, else in [-1,1].
    Callbacks get whole batches, in a fixed order, from one thread at a time."""

    def __init__(self, name, obs, act, horizon=1000, done=None, reward=None, dt=0.0, score_min=0.0,
                 score_max=0.0):
        self._done, self._reward, self.watch = done, reward, None
        self._S, obs_names, _ = _names(obs, "obs")
        self._A, act_names, self.action_ranges = _names(act, "act")
        facts = ffi.new("mopo_task_facts *")
        facts.size = ffi.sizeof("mopo_task_facts")
        keep = [ffi.new("char[]", str(name).encode())]
        facts.name = keep[0]
        facts.obs_dim, facts.act_dim, facts.horizon = self._S, self._A, int(horizon)
        facts.dt, facts.score_min, facts.score_max = dt, score_min, score_max
        for field, names in (("obs_names", obs_names), ("act_names", act_names)):
            if names:
                texts = [ffi.new("char[]", n.encode()) for n in names]
                keep += [texts, ffi.new("char *[]", texts)]
                setattr(facts, field, keep[-1])
        if done is not None:
            facts.done = lib.mopo_py_done
        if reward is not None:
            facts.reward = lib.mopo_py_reward
        self._handle = ffi.new_handle(self)
        facts.ctx = self._handle
        out = ffi.new("mopo_task **")
        call(lib.mopo_task_create, out, facts)
        self._pointer = ffi.gc(out[0], lib.mopo_task_free)

    @classmethod
    def _around(cls, pointer, owned):
        self = cls.__new__(cls)
        self._done = self._reward = self.watch = self.action_ranges = None
        self._pointer = ffi.gc(pointer, lib.mopo_task_free) if owned else pointer
        facts = lib.mopo_task_facts_of(pointer)
        self._S, self._A = facts.obs_dim, facts.act_dim
        return self

    @classmethod
    def find(cls, name):
        """A built-in task by name, "hopper", "Hopper-v5", ...; "none" knows nothing."""
        pointer = lib.mopo_task_find(str(name).encode())
        if not pointer:
            raise DataError(f"task = {name!r}, want one of {', '.join(cls.names())} or none")
        return cls._around(ffi.cast("mopo_task *", pointer), False)

    @classmethod
    def load(cls, path):
        """A task file."""
        out = ffi.new("mopo_task **")
        call(lib.mopo_task_load, out, os.fspath(path).encode())
        return cls._around(out[0], True)

    @classmethod
    def of(cls, task):
        """A Task, a built-in task's name, a task file's path, or None for a task of which nothing
        is known."""
        if task is None:
            return cls.find("none")
        if isinstance(task, Task):
            return task
        if lib.mopo_task_find(os.fspath(task).encode()):
            return cls.find(task)
        return cls.load(task)

    @staticmethod
    def names():
        """The built-in tasks."""
        buf = ffi.new("char[512]")
        lib.mopo_task_names(buf, 512)
        return text(buf).split(", ")

    @property
    def name(self):
        return text(lib.mopo_task_facts_of(self._pointer).name)

    @property
    def horizon(self):
        return lib.mopo_task_facts_of(self._pointer).horizon

    def _batch(self, obs, act, following, n):
        s, s2 = _view(obs, (n, self._S)), _view(following, (n, self._S))
        a = _view(act, (n, self._A))
        if self.action_ranges is not None:
            low, high = self.action_ranges[:, 0], self.action_ranges[:, 1]
            a = low + (high - low) * (a + 1) / 2
        return s, a, s2

    def __repr__(self):
        return f"<mopo.Task {self.name}: {self._S} observations, {self._A} actions>"


def _answer(name, value, n):
    array = np.asarray(value)
    if array.shape != (n,):
        raise DataError(f"{name}: returned shape {array.shape}, want ({n},)")
    return array


@callback("mopo_py_done")
def _done(task, done, obs, act, following, n):
    out = np.frombuffer(ffi.buffer(done, n), dtype=np.uint8)
    out[:] = 0
    answer = _answer("done", task._done(*task._batch(obs, act, following, n)), n)
    if answer.dtype.kind not in "biu":
        raise DataError(f"done: returned {answer.dtype}, want bool")
    out[:] = answer != 0


@callback("mopo_py_reward")
def _reward(task, rew, obs, act, following, n):
    out = np.frombuffer(ffi.buffer(rew, 4 * n), dtype=np.float32)
    out[:] = 0
    out[:] = _answer("reward", task._reward(*task._batch(obs, act, following, n)), n)
