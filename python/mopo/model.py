"""The dynamics ensemble: fitted, asked what happens next."""

import os

import numpy as np

from ._library import SettingError, Watch, call, ffi, lib
from .data import as_floats


def _to(array):
    return ffi.cast("float *", ffi.from_buffer(array))


class Model:
    """A fitted dynamics ensemble: `Model.fit`, `Model.load`, or a run's `model`."""

    def __init__(self, pointer):
        self._pointer = ffi.gc(pointer, lib.mopo_model_free)

    @classmethod
    def fit(cls, data, task=None, lines=None, **settings):
        """Fits one to a Dataset; settings as MOPO's: members, model_hidden, seed, ..."""
        from .learn import Config
        from .task import Task

        task = Task.of(task)
        config = Config(algo="mopo", task=task.name, **settings)
        watch, err, out = Watch(lines), ffi.new("mopo_error *"), ffi.new("mopo_model **")
        task.watch = watch
        status = lib.mopo_model_fit(out, data._pointer, task._pointer, config._pointer,
                                    watch.pointer, err)
        made = cls(out[0]) if out[0] else None
        if made is not None:
            made._task = task  # its steps are judged by it
        watch.check(status, err)
        return made

    @classmethod
    def load(cls, path):
        """From model.safetensors, or the run directory that holds it."""
        path = os.fspath(path)
        if os.path.isdir(path):
            path = os.path.join(path, "model.safetensors")
        out = ffi.new("mopo_model **")
        call(lib.mopo_model_load, out, path.encode())
        return cls(out[0])

    def save(self, path):
        call(lib.mopo_model_save, self._pointer, os.fspath(path).encode())

    @property
    def obs_dim(self):
        return lib.mopo_model_obs_dim(self._pointer)

    @property
    def act_dim(self):
        return lib.mopo_model_act_dim(self._pointer)

    @property
    def members(self):
        return lib.mopo_model_members(self._pointer)

    @property
    def elites(self):
        """Numbers of the members that make predictions, best first."""
        return [lib.mopo_model_elite(self._pointer, i)
                for i in range(lib.mopo_model_elites(self._pointer))]

    @property
    def holdout_mse(self):
        """[members] error on the rows that were held out."""
        return np.array([lib.mopo_model_holdout_mse(self._pointer, e) for e in range(self.members)])

    def _batch(self, obs, act):
        obs = as_floats("obs", np.atleast_2d(np.asarray(obs)), self.obs_dim)
        return obs, as_floats("act", np.atleast_2d(np.asarray(act)), self.act_dim, len(obs))

    def step(self, obs, act, seed=0):
        """One imagined step of obs [B,S], act [B,A] in [-1,1], a function of seed and row:
        (next [B,S], reward [B], probability of an end [B], uncertainty [B])."""
        obs, act = self._batch(obs, act)
        n = len(obs)
        following = np.empty((n, self.obs_dim), np.float32)
        rew, end, u = (np.empty(n, np.float32) for _ in range(3))
        call(lib.mopo_model_step, self._pointer, _to(following), _to(rew), _to(end), _to(u), _to(obs),
             _to(act), n, seed)
        return following, rew, end, u

    def predict(self, obs, act, member):
        """One member's Gaussian: (mean [B,1+S], deviation [B,1+S]) of the reward, then of the next
        observation."""
        if not 0 <= member < self.members:
            raise SettingError(f"member = {member}, want 0 to {self.members - 1}")
        obs, act = self._batch(obs, act)
        mean, std = (np.empty((len(obs), self.obs_dim + 1), np.float32) for _ in range(2))
        call(lib.mopo_model_predict, self._pointer, _to(mean), _to(std), member, _to(obs), _to(act),
             len(obs))
        return mean, std

    def __repr__(self):
        return f"<mopo.Model: {self.members} members, {self.obs_dim} observations, {self.act_dim} actions>"
