"""Learning: one class for each algorithm, its settings as keyword arguments."""

import inspect
import os

import numpy as np

from ._library import SettingError, Watch, call, callback, ffi, lib, text
from .model import Model
from .policy import Estimate, Policy

# Set by fit's own arguments, or of no use from memory.
_NOT_ARGUMENTS = {"data", "task", "out", "algo", "physics"}


def _settings():
    """(setting, name) of every setting that training reads."""
    i = 0
    while True:
        setting = lib.mopo_setting_at(i)
        if not setting:
            return
        if lib.mopo_setting_read_by(setting, b"train"):
            yield setting, text(lib.mopo_setting_name(setting))
        i += 1


def _what(setting):
    """What a value of the setting is: "N", or "a|b|c"."""
    buf = ffi.new("char[1024]")
    lib.mopo_setting_values(buf, 1024, setting)
    return text(buf)


def _values(name):
    for setting, other in _settings():
        if other == name:
            return _what(setting).split("|")
    return []


class Config:
    """Settings by name, as text underneath: what `mopo train --help` lists."""

    def __init__(self, **settings):
        self._pointer = ffi.gc(lib.mopo_config_create(), lib.mopo_config_free)
        for name, value in settings.items():
            self.set(name, value)

    def set(self, name, value):
        if isinstance(value, bool) or value is None:
            value = {True: "on", False: "off", None: "auto"}[value]
        if isinstance(value, float):
            value = repr(value)
        call(lib.mopo_config_set, self._pointer, name.replace("_", "-").encode(),
             str(value).encode())

    def get(self, name):
        buf = ffi.new("char[1200]")
        name = name.replace("_", "-")
        if name not in {n for _, n in _settings()}:
            raise SettingError(f"unknown setting '{name}'")
        lib.mopo_config_get(self._pointer, name.encode(), buf, 1200)
        return text(buf)

    def uses(self, setting):
        return lib.mopo_config_uses(self._pointer, setting)


class GymEvaluator:
    """Evaluates in a Gymnasium environment: an id, or a function that makes one.

    episodes and every: how many, and after how many epochs. Observations are flattened; actions in
    [-1,1] become those of the environment's box. Needs the package gymnasium."""

    def __init__(self, environment, episodes=10, every=1):
        self.episodes, self.every, self.watch = int(episodes), int(every), None
        if callable(environment):
            self.env = environment()
        else:
            import gymnasium

            self.env = gymnasium.make(environment)
        space = self.env.action_space
        if not hasattr(space, "low"):
            raise SettingError(f"environment {environment}: want a box of actions, not {space}")
        self._low, self._high = np.ravel(space.low), np.ravel(space.high)
        self._shape = space.shape
        self._handle = ffi.new_handle(self)
        self._struct = ffi.new("mopo_simulator *")
        self._struct.size = ffi.sizeof("mopo_simulator")
        self._struct.ctx = self._handle
        self._struct.reset, self._struct.step = lib.mopo_py_reset, lib.mopo_py_step

    def reset(self, seed):
        obs, _ = self.env.reset(seed=int(seed % 2**31))
        return np.ravel(obs)

    def step(self, act):
        scaled = self._low + (self._high - self._low) * (act + 1) / 2
        obs, rew, terminal, timeout, _ = self.env.step(
            scaled.reshape(self._shape).astype(self.env.action_space.dtype))
        return np.ravel(obs), float(rew), bool(terminal), bool(timeout)

    def returns(self, policy, episodes=None, seed=0):
        """Returns of whole episodes of a Policy, by this environment alone: [episodes]."""
        total = []
        for i in range(episodes or self.episodes):
            obs, ret, end = self.reset(seed + i), 0.0, False
            while not end:
                obs, rew, terminal, timeout = self.step(policy.predict(obs, normalised=True))
                ret, end = ret + rew, terminal or timeout
            total.append(ret)
        return np.array(total)


def _fill(pointer, obs):
    array = np.frombuffer(ffi.buffer(pointer, 4 * obs.size), dtype=np.float32)
    array[:] = obs


@callback("mopo_py_reset")
def _reset(evaluator, seed, obs):
    evaluator.size = None
    first = evaluator.reset(seed)
    _check_size(evaluator, first)
    _fill(obs, first)


@callback("mopo_py_step")
def _step(evaluator, act, obs, rew, terminal, timeout):
    action = np.frombuffer(ffi.buffer(act, 4 * evaluator.act_dim), dtype=np.float32)
    following, rew[0], terminal[0], timeout[0] = evaluator.step(action)
    _check_size(evaluator, following)
    _fill(obs, following)


def _check_size(evaluator, obs):
    if obs.size != evaluator.obs_dim:
        raise SettingError(f"environment: {obs.size} observations, the data have {evaluator.obs_dim}")


class Epoch:
    """What an epoch measured (the columns of progress.csv), and `policy`, to be used during the
    callback only."""

    def __init__(self, struct, policy):
        self.policy = policy
        for name in EPOCH_FIELDS:
            setattr(self, name, getattr(struct, name))

    def __repr__(self):
        return f"<mopo.Epoch {self.epoch}/{self.epochs}: return {self.return_mean:.4g}>"


EPOCH_FIELDS = [name for name, _ in ffi.typeof("mopo_epoch").fields if name != "size"]


class _Hooks:
    """The library's hook after each epoch: keeps the history, asks the user's callback."""

    def __init__(self, callback, resume, watch):
        self.callback, self.watch, self.rows = callback, watch, []
        self._handle = ffi.new_handle(self)
        self.pointer = ffi.new("mopo_hooks *")
        self.pointer.size = ffi.sizeof("mopo_hooks")
        self.pointer.ctx, self.pointer.epoch = self._handle, lib.mopo_py_epoch
        self.pointer.resume = resume


@callback("mopo_py_epoch", error=False)
def _epoch(hooks, struct, pointer):
    hooks.rows.append(tuple(getattr(struct, name) for name in EPOCH_FIELDS))
    if hooks.callback is None:
        return True
    answer = hooks.callback(Epoch(struct, Policy(pointer, owned=False)))
    return answer is None or bool(answer)


def _structured(rows):
    integer = {"epoch", "epochs", "updates"}
    dtype = [(name, np.int64 if name in integer else np.float64) for name in EPOCH_FIELDS]
    return np.array(rows, dtype=dtype)


class History:
    """Figures of the epochs of this call: history["return_mean"] is an array; `array` holds all."""

    def __init__(self, rows):
        self.array = _structured(rows)

    def __getitem__(self, name):
        return self.array[name]

    def __len__(self):
        return len(self.array)

    def to_pandas(self):
        """A pandas.DataFrame. Needs the package pandas."""
        import pandas

        return pandas.DataFrame(self.array)


class Run:
    """What fit returns: `policy`, `history`, `result` (a dict), `ope` (an Estimate or None), and
    `stopped`, whether the callback ended it before its last epoch."""

    def __init__(self, policy, history, result, ope, stopped, out, model):
        self.policy, self.history, self.result, self.ope = policy, history, result, ope
        self.stopped, self.out, self._model = stopped, out, model

    @property
    def model(self):
        """The fitted dynamics ensemble: of the run directory, or the one that was given."""
        if self._model is None:
            if self.out is None:
                raise SettingError("a run without a directory keeps no model: fit(out=...), or Model.fit")
            self._model = Model.load(os.path.join(self.out, "model.safetensors"))
        return self._model

    def __repr__(self):
        return f"<mopo.Run: {len(self.history)} epochs, return {self.result['return_mean']:.4g}>"


RESULT_FIELDS = [name for name, _ in ffi.typeof("mopo_train_result").fields if name != "ope"]


class Algorithm:
    """What the algorithms share; use one of them: MOPO, TD3BC, IQL, ..."""

    algo = ""

    def __init__(self, **settings):
        self.settings = dict(settings)
        known = set(inspect.signature(type(self)).parameters)
        config = Config(algo=self.algo)
        for name, value in settings.items():
            if name in {n.replace("-", "_") for n in _NOT_ARGUMENTS}:
                raise SettingError(f"{name}: fit() takes it, or {type(self).__name__} decides it")
            config.set(name, value)  # refuses what is unknown or out of range
            if name not in known:
                raise SettingError(f"{name}: {type(self).__name__} does not read it")

    def _config(self, epochs, task, evaluate):
        config = Config(algo=self.algo, task=task.name, **self.settings)
        if epochs is not None:
            config.set("epochs", epochs)
        if evaluate is not None:
            config.set("eval-episodes", evaluate.episodes)
            config.set("eval-every", evaluate.every)
        return config

    def fit(self, data, task=None, epochs=None, out=None, resume=False, evaluate=None,
            callback=None, model=None, lines=None):
        """Learns a policy from a Dataset and returns a Run.

        task: a Task, a built-in task's name, a task file; None: nothing is known, ends and rewards
        are learned. out: the run directory; None: no file is read or written. resume: True, or
        "auto" to begin, resume, or return what is done. evaluate: a GymEvaluator. callback(epoch):
        after each epoch; False stops, with a checkpoint in `out`. model: a Model that was fitted.
        lines(text): each line that the run has to tell.

        Ctrl-C and an exception in a callback stop the run with a checkpoint and are raised.
        Raises SettingError, DataError, FileError, NumericError."""
        from .task import Task

        if task is None and evaluate is not None:
            task = Task("task", data.obs_dim, data.act_dim)
        task = Task.of(task)
        out = os.fspath(out) if out is not None else None
        if resume == "auto":
            state = lib.mopo_run_find(out.encode()) if out else lib.MOPO_RUN_ABSENT
            resume = state != lib.MOPO_RUN_ABSENT
        watch = Watch(lines)
        hooks = _Hooks(callback, bool(resume), watch)
        config = self._config(epochs, task, evaluate)
        policy, result = ffi.new("mopo_policy **"), ffi.new("mopo_train_result *")
        err = ffi.new("mopo_error *")
        task.watch = watch
        if evaluate is not None:
            evaluate.watch, evaluate.obs_dim, evaluate.act_dim = watch, data.obs_dim, data.act_dim
        status = lib.mopo_learn(
            policy, result, data._pointer, task._pointer,
            model._pointer if model is not None else ffi.NULL, config._pointer,
            out.encode() if out else ffi.NULL,
            evaluate._struct if evaluate is not None else ffi.NULL, hooks.pointer, watch.pointer, err)
        learned = Policy(policy[0]) if policy[0] else None
        stopped = status == lib.MOPO_ESTOPPED and watch.exception is None
        if not stopped or learned is None:
            watch.check(status, err)
        figures = {name: getattr(result, name) for name in RESULT_FIELDS}
        ope = Estimate(result.ope) if not stopped and result.ope.size else None
        return Run(learned, History(hooks.rows), figures, ope, stopped, out, model)

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.settings.items())
        return f"{type(self).__name__}({arguments})"


def _class_name(algo):
    """"td3bc" -> "TD3BC", "brac-v" -> "BRACV"; short and spelled as papers do."""
    special = {"rebrac": "ReBRAC", "mobrac": "MoBRAC", "morel": "MOReL"}
    return special.get(algo, algo.replace("-", "").upper())


def _make(algo):
    """The class of an algorithm, from the table of settings: none is missing, none invented."""
    config = Config(algo=algo)
    default = ffi.new("char[1200]")
    parameters, lines = [], []
    for setting, name in _settings():
        if name in _NOT_ARGUMENTS or name == "model" or not config.uses(setting):
            continue
        lib.mopo_config_get(config._pointer, name.encode(), default, 1200)
        argument = name.replace("-", "_")
        parameters.append(inspect.Parameter(argument, inspect.Parameter.KEYWORD_ONLY,
                                            default=text(default)))
        lines.append(f"    {argument} ({_what(setting)}; "
                     f"{text(default) or 'not set'}): {text(lib.mopo_setting_help(setting))}")
    doc = (f"The algorithm {algo}. Settings are keyword arguments; \"auto\" leaves one to the preset, "
           f"the task and the data.\n\n" + "\n".join(lines))
    made = type(_class_name(algo), (Algorithm,), {"algo": algo, "__doc__": doc,
                                                  "__module__": "mopo"})
    made.__signature__ = inspect.Signature(parameters)
    return made


ALGORITHMS = {algo: _make(algo) for algo in _values("algo")}
