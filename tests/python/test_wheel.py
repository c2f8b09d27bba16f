"""What a user does first with an installed wheel: imports it, learns, acts. No repository, no pytest needed."""

import subprocess
import sys
import time

import numpy as np


def first_steps():
    started = time.perf_counter()
    import mopo

    seconds = time.perf_counter() - started
    rng = np.random.default_rng(0)
    obs, act = rng.normal(size=(300, 3)), rng.uniform(-1, 1, (300, 1))
    data = mopo.Dataset.from_arrays(obs, act, obs[:, 0], 0.9 * obs, np.zeros(300))
    run = mopo.TD3BC(updates_per_epoch=20, hidden=16, ope="none").fit(data, epochs=1)
    assert run.policy.predict(obs[:4]).shape == (4, 1)
    return seconds


def test_first_steps():
    assert first_steps() < 5


if __name__ == "__main__":
    print(f"import mopo: {first_steps():.2f} s after NumPy")
    whole = [sys.executable, "-c", "import mopo"]
    subprocess.run(whole, check=True)
    started = time.perf_counter()
    subprocess.run(whole, check=True)
    print(f"python -c 'import mopo': {time.perf_counter() - started:.2f} s as a process")
