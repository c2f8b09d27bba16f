"""mopo: offline model-based reinforcement learning; the door to the C library.

    import mopo
    data = mopo.Dataset.from_arrays(obs, act, rew, next_obs, terminal)
    run = mopo.MOPO(seed=0).fit(data, epochs=20)
    act = run.policy.predict(obs)
"""

from ._library import (AbsentError, DataError, Error, FileError, FormatError, NumericError,
                       SettingError, StoppedError)
from ._library import lib as _lib
from ._library import text as _text
from .data import Dataset
from .learn import ALGORITHMS, Config, Epoch, GymEvaluator, History, Run
from .model import Model
from .policy import OPE, Estimate, Policy
from .task import Task

__version__ = _text(_lib.mopo_version())

#: One class for each algorithm, named after it: MOPO, MBPO, SAC, BC, TD3BC, IQL, CQL, ...
globals().update({made.__name__: made for made in ALGORITHMS.values()})

__all__ = sorted(["AbsentError", "Config", "DataError", "Dataset", "Epoch", "Error", "Estimate",
                  "FileError", "FormatError", "GymEvaluator", "History", "Model", "NumericError", "OPE",
                  "Policy", "Run", "SettingError", "StoppedError", "Task"]
                 + [made.__name__ for made in ALGORITHMS.values()])
