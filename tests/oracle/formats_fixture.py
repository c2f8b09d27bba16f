#!/usr/bin/python3
"""Files of other programs, for tests/data/test_load.c and tests/io/test_npz.c.

  formats_fixture.py make DIR            writes npz_*.npz and, where Minari is installed, minari_1.hdf5
  formats_fixture.py minari MOPO DIR     lets Minari write 1 and 2000 episodes to DIR and checks what
                                         `MOPO data convert` makes of them

The NPZ files hold the 40 transitions of h5py_check.py (S = 3, A = 2); the formulas stand in
tests/data/sample.h too. Episode e of a Minari file has obs[t,s] = 100 e + t + s / 8.
"""
import os
import shutil
import subprocess
import sys

import numpy as np

N, S, A = 40, 3, 2
i = np.arange(N)
OBS = (i[:, None] + np.arange(S) / 8).astype(np.float32)
ACT = (((i[:, None] * 7 + np.arange(A) * 3) % 17 - 8) / 8).astype(np.float32)
REW = (i / 4).astype(np.float32)
NEXT = OBS + np.float32(0.5)
TERMINAL = (i == 9) | (i == 25)
TIMEOUT = (i == 19) | (i == 33)
BEGINS = [0, 10, 20, 26, 34]
D4RL = dict(observations=OBS, actions=ACT, rewards=REW, next_observations=NEXT, terminals=TERMINAL,
            timeouts=TIMEOUT)
NEORL = dict(obs=OBS, action=ACT, reward=REW[:, None], next_obs=NEXT,
             done=TERMINAL[:, None].astype(np.float32))


def make(folder):
    def at(name):
        return os.path.join(folder, name)

    np.savez(at("npz_stored.npz"), **D4RL)
    np.savez_compressed(at("npz_packed.npz"), **D4RL)
    np.savez(at("npz_float64.npz"), **{k: x.astype(float) for k, x in D4RL.items()})
    np.savez(at("npz_big_endian.npz"),
             **{k: x if x.dtype == bool else x.astype(">f4") for k, x in D4RL.items()})
    np.savez(at("npz_int.npz"), **{**D4RL, "terminals": TERMINAL.astype(np.int16),
                                   "timeouts": TIMEOUT.astype(np.uint64)})
    np.savez_compressed(at("npz_neorl_begins.npz"), index=np.array(BEGINS, np.float32), **NEORL)
    np.savez_compressed(at("npz_neorl_ends.npz"), index=np.array(BEGINS[1:] + [N], np.float32),
                        **NEORL)
    np.savez(at("npz_bad_fortran.npz"), **{**D4RL, "observations": np.asfortranarray(OBS)})
    np.savez(at("npz_bad_rank.npz"), **{**D4RL, "observations": OBS[:, :, None]})
    np.savez(at("npz_bad_text.npz"), **{**D4RL, "rewards": np.array(["one"] * N)})
    np.savez(at("npz_bad_object.npz"), **{**D4RL, "rewards": np.array([None] * N, object)})
    np.savez(at("npz_bad_rows.npz"), **{**D4RL, "rewards": REW[:-1]})
    np.savez(at("npz_bad_missing.npz"), **{k: x for k, x in D4RL.items() if k != "actions"})
    np.savez(at("npz_bad_index.npz"), index=np.array([0, 41], np.float32), **NEORL)
    try:
        import minari  # noqa: F401
    except ImportError:
        return
    os.rename(write_minari(folder, 1), at("minari_1.hdf5"))


def steps_of(e, episodes):
    return 5 if episodes == 1 else e % 3 + 1


def episode(e, T):
    t = np.arange(T)
    return dict(
        observations=100.0 * e + np.arange(T + 1)[:, None] + np.arange(S) / 8,
        actions=(((t[:, None] * 7 + np.arange(A) * 3 + e) % 17 - 8) / 8).astype(np.float32),
        rewards=(10.0 * e + t) / 4,
        terminations=(t == T - 1) & (e % 2 == 0),
        truncations=(t == T - 1) & (e % 3 == 1),
    )


def write_minari(folder, episodes):
    os.environ["MINARI_DATASETS_PATH"] = os.path.abspath(folder)
    import minari
    from gymnasium import spaces
    from minari.data_collector import EpisodeBuffer

    buffers = []
    for e in range(episodes):
        x = {k: list(v) for k, v in episode(e, steps_of(e, episodes)).items()}
        buffers.append(EpisodeBuffer(id=e, seed=None, options=None, infos={}, **x))
    name = f"mopo/test{episodes}-v0"
    shutil.rmtree(os.path.join(folder, name), ignore_errors=True)  # of a run of this test before
    minari.create_dataset_from_buffers(
        name, buffers, observation_space=spaces.Box(-1e9, 1e9, (S,), np.float64),
        action_space=spaces.Box(-1, 1, (A,), np.float32), algorithm_name="none", author="mopo",
        author_email="none", code_permalink="none", description="test")
    return os.path.join(folder, name, "data", "main_data.hdf5")


def check_minari(mopo, folder):
    for episodes in (1, 2000):
        path = write_minari(folder, episodes)
        out = os.path.join(folder, f"minari_{episodes}.npz")
        subprocess.run([mopo, "data", "convert", path, out], check=True,
                       stdout=subprocess.DEVNULL)
        parts = [episode(e, steps_of(e, episodes)) for e in range(episodes)]
        expect = dict(
            observations=np.concatenate([p["observations"][:-1] for p in parts]),
            next_observations=np.concatenate([p["observations"][1:] for p in parts]),
            actions=np.concatenate([p["actions"] for p in parts]),
            rewards=np.concatenate([p["rewards"] for p in parts]),
            terminals=np.concatenate([p["terminations"] for p in parts]),
        )
        last = np.concatenate([np.arange(len(p["rewards"])) == len(p["rewards"]) - 1 for p in parts])
        truncated = np.concatenate([p["truncations"] for p in parts])
        # An episode that is neither terminal nor truncated was cut off where its rows end.
        expect["timeouts"] = truncated | (last & ~expect["terminals"])
        with np.load(out) as got:
            for name, x in expect.items():
                assert np.array_equal(got[name], x.astype(got[name].dtype)), (episodes, name)
        print(f"{episodes} episodes, {len(last)} rows as expected")


def write_space(folder, name, observations, actions, data_format="hdf5"):
    """Three episodes of five steps of samples, collected by Minari itself."""
    import gymnasium
    import minari
    from gymnasium.envs.registration import EnvSpec

    class Env(gymnasium.Env):
        spec = EnvSpec(id="Own-v0", entry_point="own:Own", max_episode_steps=5)
        observation_space, action_space = observations, actions

        def reset(self, seed=None, options=None):
            self.observation_space.seed(seed)
            self.t = 0
            return self.observation_space.sample(), {}

        def step(self, action):
            self.t += 1
            return self.observation_space.sample(), 1.0, False, self.t == 5, {}

    shutil.rmtree(os.path.join(folder, "mopo", name), ignore_errors=True)
    env = minari.DataCollector(Env(), record_infos=False, data_format=data_format)
    for e in range(3):
        env.reset(seed=e)
        actions.seed(e)
        for _ in range(5):
            env.step(actions.sample())
    env.create_dataset(dataset_id=f"mopo/{name}", algorithm_name="none", author="mopo",
                       author_email="none", code_permalink="none", description="test")
    return os.path.join(folder, "mopo", name)


def check_spaces(mopo, folder):
    from gymnasium import spaces

    def box(n, high):
        return spaces.Box(-high, high, (n,), np.float32)

    nested = spaces.Dict({"z": box(1, 1), "a": spaces.Tuple((box(2, 3), box(1, 1)))})
    out = os.path.join(folder, "minari_space.npz")
    path = write_space(folder, "nested-v0", nested, box(2, 4))
    subprocess.run([mopo, "data", "convert", path, out], check=True, stdout=subprocess.DEVNULL)
    import h5py
    with np.load(out) as got, h5py.File(os.path.join(path, "data", "main_data.hdf5")) as f:
        obs, act = [], []
        for e in range(3):
            x = f[f"episode_{e}/observations"]
            obs.append(np.hstack([x["a/_index_0"][:-1], x["a/_index_1"][:-1], x["z"][:-1]]))
            act.append(f[f"episode_{e}/actions"][:] / 4)
        assert np.array_equal(got["observations"], np.concatenate(obs))
        assert np.allclose(got["actions"], np.concatenate(act), atol=1e-6)
        assert got["timeouts"].sum() == 3 and not got["terminals"].any()
    for name, o, a, form, words in (
            ("switch-v0", box(2, 1), spaces.Discrete(3), "hdf5", "actions are Discrete(3)"),
            ("bits-v0", spaces.MultiBinary(3), box(1, 1), "hdf5", "observations are MultiBinary(3)"),
            ("arrow-v0", box(2, 1), box(1, 1), "arrow", "in arrow storage")):
        path = write_space(folder, name, o, a, form)
        r = subprocess.run([mopo, "data", "info", path], capture_output=True, text=True)
        assert r.returncode == 3 and words in r.stderr, r
    print("spaces as expected")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "make":
        make(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "minari":
        check_minari(sys.argv[2], sys.argv[3])
        check_spaces(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
