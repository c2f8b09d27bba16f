"""Recorded transitions: from arrays, from files, from Minari."""

import os

import numpy as np

from ._library import AbsentError, DataError, call, ffi, lib, text


class _Borrowed:
    """Memory of a dataset as NumPy sees it; keeps the dataset alive."""

    def __init__(self, owner, pointer, shape, strides, dtype):
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (int(ffi.cast("uintptr_t", pointer)), True),
            "shape": shape,
            "strides": strides,
            "typestr": dtype,
        }


def as_floats(name, value, columns=None, rows=None):
    """`value` as float32 [rows, columns] ([rows] where columns is None), row after row."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"dtype {array.dtype}")
        array = np.ascontiguousarray(array, dtype=np.float32)
    except (TypeError, ValueError) as why:
        raise DataError(f"{name}: want an array of numbers ({why})") from None
    want = 1 if columns is None else 2
    if want == 2 and array.ndim == 1 and columns in (0, 1):
        array = array.reshape(-1, 1)
    if want == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array.reshape(-1)
    if array.ndim != want:
        raise DataError(f"{name}: {array.ndim} dimensions, want {want}")
    if columns and array.shape[1] != columns:
        raise DataError(f"{name}: {array.shape[1]} columns, want {columns}")
    if rows is not None and array.shape[0] != rows:
        raise DataError(f"{name}: {array.shape[0]} rows, want {rows}")
    return array


def _as_flags(name, value, rows):
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name}: want an array of 0 and 1 (dtype {array.dtype})")
    array = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if array.shape != (rows,):
        raise DataError(f"{name}: shape {array.shape}, want ({rows},)")
    return np.ascontiguousarray(array != 0, dtype=np.uint8)


def _floats(array):
    return ffi.cast("const float *", ffi.from_buffer(array)) if array is not None else ffi.NULL


def _bytes(array):
    if array is None:
        return ffi.NULL
    return ffi.cast("const unsigned char *", ffi.from_buffer(array))


def as_ranges(ranges, actions):
    """[A,2] low and high as float32; None stays None; one pair serves for all actions."""
    if ranges is None:
        return None
    array = as_floats("action_ranges", np.atleast_2d(np.asarray(ranges, dtype=object).astype(float)), 2)
    if len(array) == 1:
        array = np.repeat(array, actions, axis=0)
    if len(array) != actions:
        raise DataError(f"action_ranges: {len(array)} pairs, want {actions}")
    return np.ascontiguousarray(array)


class Dataset:
    """Recorded transitions. Immutable; arrays of it are views into its memory.

    Made by `from_arrays`, `from_file` and `from_minari`."""

    def __init__(self, pointer, environment=None):
        self._pointer = ffi.gc(pointer, lib.mopo_dataset_free)
        #: The Minari environment's id, where there is one.
        self.environment = environment

    @classmethod
    def from_arrays(cls, obs, act, rew, next_obs, terminal, timeout=None, action_ranges=None):
        """N transitions from arrays, which are copied once.

        obs [N,S]; act [N,A], in `action_ranges` [A,2] (low, high) or, without them, in [-1,1];
        rew [N]; next_obs [N,S], what each step led to; terminal [N], 1 where the step ended the
        task; timeout [N], 1 where the recording was cut after it. Raises DataError, which names
        array, row and column."""
        obs = as_floats("obs", obs, 0)
        rows, size = obs.shape
        act = as_floats("act", act, 0, rows)
        rew = as_floats("rew", rew, None, rows)
        following = as_floats("next_obs", next_obs, size, rows)
        terminal = _as_flags("terminal", terminal, rows)
        timeout = _as_flags("timeout", timeout, rows)
        ranges = as_ranges(action_ranges, act.shape[1])
        if terminal is None:
            terminal = np.zeros(rows, np.uint8)
        arrays = ffi.new("mopo_arrays *")
        arrays.size = ffi.sizeof("mopo_arrays")
        arrays.rows, arrays.obs_dim, arrays.act_dim = rows, size, act.shape[1]
        arrays.obs, arrays.act, arrays.rew = _floats(obs), _floats(act), _floats(rew)
        arrays.next, arrays.terminal = _floats(following), _bytes(terminal)
        arrays.timeout, arrays.action_ranges = _bytes(timeout), _floats(ranges)
        out = ffi.new("mopo_dataset **")
        call(lib.mopo_dataset_from, out, arrays)
        return cls(out[0])

    @classmethod
    def from_file(cls, path, task=None, columns=None, action_ranges=None, bad_rows="error",
                  clip_actions=False):
        """Reads CSV, NPZ or HDF5 (D4RL, Minari, NeoRL, d3rlpy), as `mopo train --data` does.

        task: a Task, the name of a built-in one, or the path of a task file; columns:
        "obs=a,b;act=c;reward=r;terminal=t"; bad_rows: "error", or "cut" to leave rows with empty
        cells out and cut their episode there."""
        from .task import Task

        path = os.fspath(path)
        task = Task.of(task) if task is not None else None
        how = ffi.new("mopo_import *")
        how.size = ffi.sizeof("mopo_import")
        keep = [path.encode()]
        if columns is not None:
            keep.append(ffi.new("char[]", columns.encode()))
            how.columns = keep[-1]
        if action_ranges is not None:
            flat = np.ascontiguousarray(np.atleast_2d(action_ranges), dtype=np.float64)
            keep.append(ffi.from_buffer("double[]", flat))
            how.action_ranges, how.n_action_ranges = keep[-1], len(flat)
        if bad_rows not in ("error", "cut"):
            raise DataError(f"bad_rows = {bad_rows!r}, want 'error' or 'cut'")
        how.bad_rows = lib.MOPO_BAD_ROWS_CUT if bad_rows == "cut" else lib.MOPO_BAD_ROWS_ERROR
        how.clip_actions = bool(clip_actions)
        out = ffi.new("mopo_dataset **")
        try:
            call(lib.mopo_dataset_import, out, keep[0], how, task._pointer if task else ffi.NULL)
        except AbsentError:  # built without HDF5, as the wheel is
            if columns is not None:
                raise
            return cls._from_h5py(path, action_ranges)
        return cls(out[0])

    @classmethod
    def _from_h5py(cls, path, action_ranges):
        try:
            import h5py
        except ImportError:
            raise AbsentError(f"{path}: HDF5 needs the package h5py: pip install h5py") from None
        with h5py.File(path, "r") as f:
            if "observations" not in f:
                raise DataError(f"{path}: no array 'observations'; Minari's: Dataset.from_minari")
            read = {k: f[k][()] for k in ("observations", "actions", "rewards", "next_observations",
                                          "terminals", "timeouts") if k in f}
        obs, rows = read["observations"], len(read["observations"])
        terminal = read.get("terminals", np.zeros(rows, bool)).astype(bool).reshape(-1)
        timeout = read.get("timeouts", np.zeros(rows, bool)).astype(bool).reshape(-1)
        following = read.get("next_observations")
        keep = slice(None)
        if following is None:  # the successor of the last row before a cut is unknown
            following = np.roll(obs, -1, axis=0)
            cut = timeout.copy()
            cut[-1] = not terminal[-1]
            following[terminal] = obs[terminal]
            timeout[:-1] |= cut[1:]
            keep = ~cut
        return cls.from_arrays(obs[keep], read["actions"][keep], read["rewards"][keep],
                               following[keep], terminal[keep], timeout[keep], action_ranges)

    @classmethod
    def from_minari(cls, dataset):
        """A Minari dataset by its id ("mujoco/hopper/medium-v0"), or one that is loaded already.

        Boxes are flattened, Dict and Tuple of boxes in the order of their keys; actions are scaled
        from the bounds of the action space. Needs the package minari."""
        if isinstance(dataset, str):
            try:
                import minari
            except ImportError:
                raise AbsentError("Minari datasets need the package minari: pip install minari") from None
            dataset = minari.load_dataset(dataset)
        space = dataset.action_space
        ranges = _bounds(space)
        parts = {k: [] for k in ("obs", "act", "rew", "next", "terminal", "timeout")}
        for episode in dataset.iterate_episodes():
            obs = _flatten(episode.observations, "observations")
            steps = len(episode.rewards)
            parts["obs"].append(obs[:steps])
            parts["next"].append(obs[1:steps + 1])
            parts["act"].append(_flatten(episode.actions, "actions")[:steps])
            parts["rew"].append(np.asarray(episode.rewards))
            parts["terminal"].append(np.asarray(episode.terminations, bool))
            cut = np.asarray(episode.truncations, bool).copy()
            if steps and not episode.terminations[-1]:
                cut[-1] = True
            parts["timeout"].append(cut)
        if not parts["obs"]:
            raise DataError("a Minari dataset with no episode")
        joined = [np.concatenate(parts[k]) for k in parts]
        made = cls.from_arrays(*joined[:6], action_ranges=ranges)
        spec = getattr(dataset, "env_spec", None)
        made.environment = getattr(spec, "id", None)
        return made

    def _array(self, which, columns_as_vector=False):
        rows, columns, stride = ffi.new("int64_t *"), ffi.new("int *"), ffi.new("size_t *")
        data = lib.mopo_dataset_array(self._pointer, which, rows, columns, stride)
        shape = (rows[0],) if columns_as_vector else (rows[0], columns[0])
        strides = (4 * stride[0],) if columns_as_vector else (4 * stride[0], 4)
        return np.asarray(_Borrowed(self, data, shape, strides, "<f4"))

    @property
    def obs(self):
        """[N,S] observations; a view."""
        return self._array(lib.MOPO_OBS)

    @property
    def act(self):
        """[N,A] actions in [-1,1]; a view."""
        return self._array(lib.MOPO_ACT)

    @property
    def rew(self):
        """[N] rewards; a view."""
        return self._array(lib.MOPO_REW, True)

    @property
    def next_obs(self):
        """[N,S] what each step led to; a view."""
        return self._array(lib.MOPO_NEXT)

    @property
    def terminal(self):
        """[N] 1 where the step ended the task; a view."""
        return self._array(lib.MOPO_TERMINAL, True)

    @property
    def timeout(self):
        """[N] 1 where the recording was cut; a view."""
        data = lib.mopo_dataset_timeouts(self._pointer)
        return np.asarray(_Borrowed(self, data, (len(self),), (1,), "|u1"))

    @property
    def obs_dim(self):
        return lib.mopo_dataset_obs_dim(self._pointer)

    @property
    def act_dim(self):
        return lib.mopo_dataset_act_dim(self._pointer)

    @property
    def action_ranges(self):
        """[A,2] low and high of each action as recorded; None: they are -1 and 1."""
        data = lib.mopo_dataset_action_ranges(self._pointer)
        if not data:
            return None
        return np.asarray(_Borrowed(self, data, (self.act_dim, 2), (8, 4), "<f4"))

    @property
    def notes(self):
        """What reading the file had to tell, a list of lines."""
        lines, i = [], 0
        while True:
            line = lib.mopo_dataset_note(self._pointer, i)
            if not line:
                return lines
            lines.append(text(line))
            i += 1

    def describe(self):
        """Statistics as a dict: rows, episodes, returns, what is suspicious ("notes")."""
        info = ffi.new("mopo_dataset_info *")
        call(lib.mopo_dataset_describe, info, self._pointer)
        named = {name: getattr(info, name) for name in (
            "rows", "episodes", "terminals", "timeouts", "obs_dim", "act_dim", "complete_episodes",
            "return_mean", "return_std", "return_min", "return_max", "length_mean", "reward_mean",
            "reward_min", "reward_max", "action_min", "action_max")}
        named["notes"] = [text(info.notes[i]) for i in range(info.n_notes)]
        return named

    def save(self, path):
        """Writes a D4RL file: .npz, or HDF5 where this build has it."""
        call(lib.mopo_dataset_save, self._pointer, os.fspath(path).encode())

    def __len__(self):
        return lib.mopo_dataset_rows(self._pointer)

    def __repr__(self):
        return f"<mopo.Dataset: {len(self)} rows, {self.obs_dim} observations, {self.act_dim} actions>"


def _flatten(value, name):
    """Boxes as [N, columns], Dict and Tuple of boxes in the order of their keys."""
    if isinstance(value, dict):
        return np.concatenate([_flatten(value[k], f"{name}.{k}") for k in sorted(value)], axis=1)
    if isinstance(value, tuple):
        return np.concatenate([_flatten(v, f"{name}.{i}") for i, v in enumerate(value)], axis=1)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name}: want numbers, not {array.dtype}")
    return array.reshape(len(array), -1).astype(np.float32)


def _bounds(space):
    """[A,2] of the boxes of an action space; None: none are known, or they are -1 and 1."""
    spaces = getattr(space, "spaces", None)
    if spaces is not None:
        parts = [spaces[k] for k in sorted(spaces)] if isinstance(spaces, dict) else list(spaces)
        found = [_bounds(s) for s in parts]
        return None if any(f is None for f in found) else np.concatenate(found)
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if low is None:
        raise DataError(f"action space {space}: want a box of numbers, not discrete actions")
    ranges = np.stack([np.ravel(low), np.ravel(high)], axis=1)
    return ranges if np.isfinite(ranges).all() else None
