"""Learned policies, and what they are worth."""

import os

import numpy as np

from ._library import DataError, Watch, call, ffi, lib, text
from .data import _Borrowed, as_floats

_FORMATS = {
    "c": lib.MOPO_EXPORT_C,
    "c-int8": lib.MOPO_EXPORT_C_INT8,
    "onnx": lib.MOPO_EXPORT_ONNX,
    "safetensors": lib.MOPO_EXPORT_SAFETENSORS,
}


class Policy:
    """A policy that learned: load it, or take it from a run. One thread at a time may use one."""

    def __init__(self, pointer, owned=True):
        self._pointer = ffi.gc(pointer, lib.mopo_policy_free) if owned else pointer

    @classmethod
    def load(cls, path):
        """From policy.safetensors, or the run directory that holds it."""
        path = os.fspath(path)
        if os.path.isdir(path):
            path = os.path.join(path, "policy.safetensors")
        out = ffi.new("mopo_policy **")
        call(lib.mopo_policy_load, out, path.encode())
        return cls(out[0])

    @classmethod
    def from_bytes(cls, data):
        out = ffi.new("mopo_policy **")
        call(lib.mopo_policy_from_bytes, out, ffi.from_buffer(data), len(data))
        return cls(out[0])

    def to_bytes(self):
        """The bytes of policy.safetensors."""
        out, n = ffi.new("void **"), ffi.new("size_t *")
        call(lib.mopo_policy_to_bytes, out, n, self._pointer)
        try:
            return bytes(ffi.buffer(out[0], n[0]))
        finally:
            lib.mopo_bytes_free(out[0])

    def save(self, path):
        call(lib.mopo_policy_save, self._pointer, os.fspath(path).encode())

    def export(self, path, format="c"):
        """Writes the deterministic action as C99 ("c", "c-int8"), "onnx" or "safetensors"."""
        if format not in _FORMATS:
            raise DataError(f"format = {format!r}, want one of {', '.join(_FORMATS)}")
        policy = self if format != "c-int8" else Policy.from_bytes(self.to_bytes())
        info = ffi.new("mopo_export_info *")
        call(lib.mopo_policy_export, info, policy._pointer, os.fspath(path).encode(),
             _FORMATS[format])

    @property
    def obs_dim(self):
        return lib.mopo_policy_obs_dim(self._pointer)

    @property
    def act_dim(self):
        return lib.mopo_policy_act_dim(self._pointer)

    @property
    def task(self):
        """The task's name, "" where the file does not say."""
        return text(lib.mopo_policy_task(self._pointer))

    @property
    def action_ranges(self):
        """[A,2] low and high of each action in the log's units; None: they are -1 and 1."""
        data = lib.mopo_policy_action_ranges(self._pointer)
        if not data:
            return None
        return np.array(_Borrowed(self, data, (self.act_dim, 2), (8, 4), "<f4"))

    def predict(self, obs, deterministic=True, seed=0, normalised=False):
        """Actions for obs [B,S] or [S], in the units of the log; with `normalised` in [-1,1].

        deterministic: the mean action; otherwise one drawn from the policy, a function of `seed`
        and row."""
        array = np.asarray(obs)
        single = array.ndim == 1
        array = as_floats("obs", array.reshape(1, -1) if single else array, self.obs_dim)
        act = np.empty((len(array), self.act_dim), np.float32)
        to = ffi.cast("float *", ffi.from_buffer(act))
        source = ffi.cast("const float *", ffi.from_buffer(array))
        if deterministic:
            lib.mopo_policy_act(self._pointer, to, source, len(array))
        else:
            lib.mopo_policy_sample(self._pointer, to, source, len(array), seed)
        if not normalised:
            lib.mopo_policy_settings(self._pointer, to, to, len(array))
        return act[0] if single else act

    def __repr__(self):
        return f"<mopo.Policy: {self.obs_dim} observations, {self.act_dim} actions>"


class Estimate:
    """What a policy is worth, from recorded data alone.

    verdict: "better", "not-better" than what is on record, or "unknown"; reasons: why, a list of
    lines; log, bc, policy: mean returns of the record, of a clone of it, of this policy, all by the
    same trials; low, high: the 90 % interval; fqe, fqe_low, fqe_high: fitted Q evaluation, which
    decides nothing; outside: share of imagined states outside what is on record."""

    def __init__(self, struct):
        self.verdict = text(lib.mopo_verdict_name(struct.verdict))
        self.reasons = [text(struct.reasons[i]) for i in range(struct.n_reasons)]
        for name in ("log", "bc", "policy", "low", "high", "fqe", "fqe_low", "fqe_high", "outside",
                     "length", "members", "believed", "rank", "like_first"):
            setattr(self, name, getattr(struct, name))

    def __repr__(self):
        return (f"<mopo.Estimate: {self.verdict}; policy {self.policy:.4g} "
                f"[{self.low:.4g}, {self.high:.4g}], log {self.log:.4g}, clone {self.bc:.4g}>")


class OPE:
    """Off-policy evaluation: judges policies by recorded data alone.

    `OPE(data, task).estimate(policy)` is an Estimate, of several policies a list. An ensemble of
    its own is fitted to the data at each call, so policies that are to be compared go into one."""

    def __init__(self, data, task=None, seed=0, threads=0, updates=0, fitted_q=True):
        from .task import Task

        self.data, self.task = data, Task.of(task) if task is not None else None
        self.seed, self.threads, self.updates, self.fitted_q = seed, threads, updates, fitted_q

    def estimate(self, policies):
        many = isinstance(policies, (list, tuple))
        asked = list(policies) if many else [policies]
        n = len(asked)
        out = ffi.new("mopo_estimate[]", n)
        for i in range(n):
            out[i].size = ffi.sizeof("mopo_estimate")
        options = ffi.new("mopo_ope_options *")
        options.size = ffi.sizeof("mopo_ope_options")
        options.seed, options.threads, options.updates = self.seed, self.threads, self.updates
        options.no_fitted_q = not self.fitted_q
        watch, err = Watch(), ffi.new("mopo_error *")
        if self.task:
            self.task.watch = watch
        pointers = ffi.new("mopo_policy *[]", [p._pointer for p in asked])
        status = lib.mopo_ope(out, pointers, n, self.data._pointer,
                              self.task._pointer if self.task else ffi.NULL, options, watch.pointer,
                              err)
        watch.check(status, err)
        estimates = [Estimate(out[i]) for i in range(n)]
        return estimates if many else estimates[0]
