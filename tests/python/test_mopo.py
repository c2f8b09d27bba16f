"""The Python door: python -m pytest tests/python. Needs the package, pytest and NumPy."""

import inspect
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import mopo

TINY = dict(updates_per_epoch=20, batch_size=16, hidden=8, rollout_batch=60, rollout_length=2, rollout_keep=1,
            members=2, elites=1, model_hidden=8, model_layers=1, model_max_epochs=1, threads=1, ope="none",
            preset="tuned")


def arrays(rows=400, seed=0):
    """A point on a line that is pushed; twenty steps an episode."""
    rng = np.random.default_rng(seed)
    obs = rng.normal(size=(rows, 2)).astype(np.float32)
    act = rng.uniform(-1, 1, size=(rows, 1)).astype(np.float32)
    following = (obs * 0.9 + act * 0.1).astype(np.float32)
    timeout = np.arange(rows) % 20 == 19
    return dict(obs=obs, act=act, rew=-np.abs(obs[:, 0]), next_obs=following,
                terminal=np.zeros(rows, bool), timeout=timeout)


@pytest.fixture
def data():
    return mopo.Dataset.from_arrays(**arrays())


def test_arrays_are_what_went_in_and_views(data):
    given = arrays()
    assert len(data) == 400 and data.obs_dim == 2 and data.act_dim == 1
    for name in ("obs", "act", "rew", "next_obs"):
        np.testing.assert_array_equal(getattr(data, name), given[name].astype(np.float32))
    np.testing.assert_array_equal(data.timeout, given["timeout"])
    obs = data.obs
    assert not obs.flags.writeable and obs.base is not None
    del data
    np.testing.assert_array_equal(obs, given["obs"])  # the view keeps the dataset alive


@pytest.mark.parametrize("convert", [
    lambda a: a.astype(np.float64), lambda a: np.asfortranarray(a), lambda a: a.tolist(),
    lambda a: a.astype(a.dtype.newbyteorder(">")), lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_layouts_and_types_are_converted(convert):
    given = arrays()
    data = mopo.Dataset.from_arrays(**{**given, "obs": convert(given["obs"])})
    np.testing.assert_array_equal(data.obs, given["obs"])


@pytest.mark.parametrize("change, message", [
    ({"obs": np.zeros((400, 2, 1))}, "obs: 3 dimensions, want 2"),
    ({"act": np.zeros((399, 1))}, "act: 399 rows, want 400"),
    ({"next_obs": np.zeros((400, 3))}, "next_obs: 3 columns, want 2"),
    ({"rew": np.zeros((400, 2))}, "rew: 2 dimensions, want 1"),
    ({"obs": np.array([["a", "b"]] * 400, dtype=object)}, "obs: want an array of numbers"),
    ({"terminal": np.zeros(3)}, r"terminal: shape \(3,\), want \(400,\)"),
    ({"act": np.full((400, 1), 3.0)}, "act"),
    ({"obs": np.full((400, 2), np.nan)}, "obs"),
    ({"action_ranges": [(0, 1), (0, 1)]}, "action_ranges: 2 pairs, want 1"),
])
def test_what_cannot_be_used_is_named(change, message):
    with pytest.raises(mopo.DataError, match=message):
        mopo.Dataset.from_arrays(**{**arrays(), **change})


def test_empty_arrays_are_refused():
    with pytest.raises(mopo.Error):
        mopo.Dataset.from_arrays(*(np.zeros(s) for s in ((0, 2), (0, 1), 0, (0, 2), 0)))


def test_every_algorithm_has_its_settings():
    assert {"mopo", "td3bc", "bc", "iql"} <= set(mopo.learn.ALGORITHMS)
    for algo, made in mopo.learn.ALGORITHMS.items():
        parameters = inspect.signature(made).parameters
        assert "seed" in parameters and "hidden" in parameters, algo
        assert "data" not in parameters and "out" not in parameters, algo
        for name in parameters:
            assert f"    {name} (" in made.__doc__, (algo, name)
    assert "penalty_coef" in inspect.signature(mopo.MOPO).parameters
    assert "penalty_coef" not in inspect.signature(mopo.TD3BC).parameters


@pytest.mark.parametrize("settings, message", [
    ({"seeed": 1}, "unknown setting 'seeed', did you mean 'seed'"),
    ({"gamma": 2}, "gamma"),
    ({"gamma": "much"}, "gamma = 'much', want a number"),
    ({"td3bc_alpha": 1.0}, "td3bc_alpha: MOPO does not read it"),
    ({"out": "x"}, "out: fit"),
])
def test_settings_are_checked_at_once(settings, message):
    with pytest.raises(mopo.SettingError, match=message):
        mopo.MOPO(**settings)


def test_learns_from_memory_and_leaves_no_file(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = []
    run = mopo.MOPO(**TINY).fit(data, epochs=2, lines=lines.append)
    assert len(run.history) == 2 and list(run.history["epoch"]) == [1, 2]
    assert run.result["epochs"] == 2 and not run.stopped
    assert os.listdir(tmp_path) == []
    act = run.policy.predict(np.zeros((3, 2)))
    assert act.shape == (3, 1) and (np.abs(act) <= 1).all()
    assert run.policy.predict(np.zeros(2)).shape == (1,)
    again = mopo.Policy.from_bytes(run.policy.to_bytes())
    np.testing.assert_array_equal(again.predict(np.ones((2, 2))), run.policy.predict(np.ones((2, 2))))
    drawn = run.policy.predict(np.zeros((3, 2)), deterministic=False, seed=1)
    np.testing.assert_array_equal(drawn, run.policy.predict(np.zeros((3, 2)), deterministic=False, seed=1))
    with pytest.raises(mopo.DataError, match="obs: 3 columns, want 2"):
        run.policy.predict(np.zeros((1, 3)))


def test_the_program_learns_the_same_bits(tmp_path):
    program = os.environ.get("MOPO_PROGRAM")
    if not program:
        pytest.skip("MOPO_PROGRAM does not say where the program is")
    data = mopo.Dataset.from_arrays(**arrays())
    data.save(tmp_path / "d.npz")
    from_file = mopo.Dataset.from_file(tmp_path / "d.npz")
    run = mopo.MOPO(**TINY, seed=3).fit(from_file, epochs=2)
    options = [x for k, v in TINY.items() for x in (f"--{k.replace('_', '-')}", str(v))]
    subprocess.run([program, "train", "--data", tmp_path / "d.npz", "--task", "none", "--seed", "3", "--epochs", "2",
                    "--quiet", "--out", tmp_path / "run", *options], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "run" / "policy.safetensors").read_bytes() == run.policy.to_bytes()


def test_own_end_and_reward_get_batches_in_units(data):
    seen = []

    def reward(s, a, s2):
        seen.append((s.shape, float(a.min()), float(a.max())))
        assert s.shape == s2.shape and len(a) == len(s) and not s.flags.writeable
        return -s2[:, 0] ** 2

    given = arrays()
    ranged = mopo.Dataset.from_arrays(**{**given, "act": 50 + 50 * given["act"]}, action_ranges=[(0, 100)])
    task = mopo.Task("point", obs=["x", "y"], act={"pump": (0, 100)}, horizon=20, reward=reward,
                     done=lambda s, a, s2: s2[:, 0] > 3)
    run = mopo.MOPO(**TINY).fit(ranged, task=task, epochs=1)
    assert seen and max(high for _, _, high in seen) > 10  # in units, not in [-1,1]
    assert 0 <= run.policy.predict(np.zeros(2))[0] <= 100
    assert -1 <= run.policy.predict(np.zeros(2), normalised=True)[0] <= 1


@pytest.mark.parametrize("answer, message", [
    (lambda s: np.zeros(3), "reward: returned shape"),
    (lambda s: np.full(len(s), np.nan), "reward"),
    (lambda s: 1 / 0, "division by zero"),
])
def test_a_callback_that_fails_stops_the_run(data, tmp_path, answer, message):
    task = mopo.Task("point", obs=2, act=1, reward=lambda s, a, s2: answer(s))
    with pytest.raises((mopo.DataError, ZeroDivisionError), match=message):
        mopo.MOPO(**TINY).fit(data, task=task, epochs=1, out=tmp_path / "run")


def test_the_epoch_callback_stops_and_resumes(data, tmp_path):
    whole = mopo.TD3BC(hidden=8, updates_per_epoch=20, threads=1, ope="none").fit(data, epochs=4)
    made = mopo.TD3BC(hidden=8, updates_per_epoch=20, threads=1, ope="none")
    out = tmp_path / "run"
    run = made.fit(data, epochs=4, out=out, callback=lambda e: e.epoch < 2)
    assert run.stopped and len(run.history) == 2 and (out / "checkpoint.safetensors").exists()
    run = made.fit(data, epochs=4, out=out, resume="auto")
    assert not run.stopped and run.policy.to_bytes() == whole.policy.to_bytes()
    assert mopo.Policy.load(out).to_bytes() == whole.policy.to_bytes()


def test_an_exception_in_the_epoch_callback_arrives(data, tmp_path):
    def fails(epoch):
        raise KeyError(epoch.epoch)

    with pytest.raises(KeyError) as caught:
        mopo.BC(hidden=8, updates_per_epoch=5, threads=1, ope="none").fit(data, epochs=3, out=tmp_path / "r",
                                                                          callback=fails)
    assert any("fails" in str(entry) for entry in caught.traceback)
    assert (tmp_path / "r" / "checkpoint.safetensors").exists()


def test_ctrl_c_stops_with_a_checkpoint(data, tmp_path):
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            mopo.TD3BC(threads=1, ope="none").fit(data, epochs=100000, out=tmp_path / "run")
    finally:
        timer.cancel()
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_two_threads_learn_at_once(data):
    alone = mopo.BC(hidden=8, updates_per_epoch=50, threads=1, ope="none").fit(data, epochs=2).policy.to_bytes()
    results = []

    def learn():
        made = mopo.BC(hidden=8, updates_per_epoch=50, threads=1, ope="none")
        results.append(made.fit(data, epochs=2).policy.to_bytes())

    threads = [threading.Thread(target=learn) for _ in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert results == [alone] * 3


def test_evaluates_in_gymnasium():
    gym = pytest.importorskip("gymnasium")
    env = gym.make("Pendulum-v1")
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(200, 3)).astype(np.float32)
    data = mopo.Dataset.from_arrays(obs, rng.uniform(-2, 2, (200, 1)), np.zeros(200), obs, np.zeros(200),
                                    action_ranges=[env.action_space.low[0], env.action_space.high[0]])
    evaluator = mopo.GymEvaluator("Pendulum-v1", episodes=2, every=1)
    run = mopo.BC(hidden=8, updates_per_epoch=5, threads=1, ope="none").fit(
        data, task=mopo.Task("pendulum", obs=3, act=1, horizon=200), epochs=1, evaluate=evaluator)
    assert run.history["return_mean"][0] < 0 and run.history["length_mean"][0] == 200
    assert evaluator.returns(run.policy, episodes=1)[0] < 0
    wrong = mopo.Dataset.from_arrays(**arrays())
    with pytest.raises(mopo.SettingError, match="3 observations, the data have 2"):
        mopo.BC(hidden=8, updates_per_epoch=5, threads=1, ope="none").fit(wrong, epochs=1, evaluate=evaluator)


def test_judges_by_the_data_alone(data):
    run = mopo.BC(hidden=8, updates_per_epoch=20, threads=1, ope="none").fit(data, epochs=1)
    estimates = mopo.OPE(data, updates=50, threads=1).estimate([run.policy, run.policy])
    assert [e.verdict for e in estimates][0] in ("better", "not-better", "unknown")
    assert estimates[0].policy == estimates[1].policy and estimates[0].low <= estimates[0].high
    assert estimates[0].reasons


def test_the_model_is_asked(data, tmp_path):
    small = {k: TINY[k] for k in ("members", "elites", "model_hidden", "model_layers", "model_max_epochs")}
    model = mopo.Model.fit(data, threads=1, **small)
    assert model.members == 2 and len(model.elites) == 1 and (model.holdout_mse > 0).all()
    following, rew, end, u = model.step(data.obs[:5], data.act[:5], seed=1)
    assert following.shape == (5, 2) and rew.shape == end.shape == u.shape == (5,) and (u >= 0).all()
    np.testing.assert_array_equal(model.step(data.obs[:5], data.act[:5], seed=1)[0], following)
    mean, std = model.predict(data.obs[:5], data.act[:5], member=1)
    assert mean.shape == (5, 3) and (std > 0).all()
    with pytest.raises(mopo.SettingError, match="member = 2, want 0 to 1"):
        model.predict(data.obs[:5], data.act[:5], member=2)
    model.save(tmp_path / "m.safetensors")
    again = mopo.Model.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.step(data.obs[:5], data.act[:5], seed=1)[0], following)
    run = mopo.MOPO(**{k: v for k, v in TINY.items() if k not in small}).fit(data, epochs=1, model=model,
                                                                          out=tmp_path / "run")
    assert run.model.members == 2


def test_exports(data, tmp_path):
    run = mopo.BC(hidden=8, updates_per_epoch=5, threads=1, ope="none").fit(data, epochs=1)
    for name in ("c", "c-int8", "onnx", "safetensors"):
        run.policy.export(tmp_path / name, name)
        assert (tmp_path / name).stat().st_size > 100
    with pytest.raises(mopo.DataError, match="format = 'exe', want one of c, c-int8"):
        run.policy.export(tmp_path / "x", "exe")


def test_files_that_are_not_there():
    with pytest.raises(mopo.FileError, match="nothing.csv"):
        mopo.Dataset.from_file("nothing.csv")
    with pytest.raises(mopo.FileError, match="nothing.safetensors"):
        mopo.Policy.load("nothing.safetensors")


def test_imports_nothing_heavy():
    code = "import sys, mopo; print([m for m in ('gymnasium', 'torch', 'pandas', 'h5py') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
