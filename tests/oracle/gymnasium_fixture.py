"""Makes fixtures/<task>_steps.bin: single steps of Gymnasium's v4 and v5 tasks.

    python gymnasium_fixture.py fixtures/

Made with gymnasium 1.0.0, which has v4 and v5 side by side, and mujoco 2.3.2, one of the oldest with
wheels; the script runs with any later pair that still has v4.

A row is one step from a given state: both versions of the task are set to it, take the same action,
and the outcome is written. Before each step mjData is reset, so that the solver's warm start comes
from the state alone. The margin of the floor is set to 0 in the loaded model: until MuJoCo 3.4 the
larger of two margins counts, from 3.5 their sum, and with 0 both are the same.

v5 differs from v4 in what is undone or written down here:
  walker2d   both feet have friction 1.9; v4 0.9 right, 1.9 left: made with v4's body (xml_file);
  ant        contact forces in observation and reward: switched off (v4's default);
  all        the bonus for being alive is withheld on the step that ends the task: kept, as reward_v5.

File, little-endian float64: rows, nq, nv, nu, S; then for each row
  qpos [nq], qvel [nv], action [nu], obs [S], reward (v4), reward (v5), terminated (0 or 1)
"""

import sys
import warnings

import gymnasium
import mujoco
import numpy as np

ROWS = 140
TASKS = {
    "hopper": ("Hopper", {}),
    "halfcheetah": ("HalfCheetah", {}),
    "walker2d": ("Walker2d", {"xml_file": "walker2d.xml"}),
    "ant": ("Ant", {"include_cfrc_ext_in_observation": False, "contact_cost_weight": 0.0}),
}


def make(name, **kwargs):
    env = gymnasium.make(name, **kwargs).unwrapped
    floor = mujoco.mj_name2id(env.model, mujoco.mjtObj.mjOBJ_GEOM, "floor")
    assert floor >= 0
    env.model.geom_margin[floor] = 0
    return env


def step(env, qpos, qvel, action):
    mujoco.mj_resetData(env.model, env.data)
    env.set_state(qpos, qvel)
    obs, reward, terminated, _, _ = env.step(action)
    return obs, reward, terminated


def nudge(rng, task, qpos):
    """Moves height and tilt to both sides of where the task ends."""
    if task == "ant":
        qpos[2] = rng.uniform(0.15, 1.1)
    elif task != "halfcheetah":
        qpos[1] = rng.uniform(0.6, 1.6) if task == "hopper" else rng.uniform(0.7, 2.1)
        qpos[2] = rng.uniform(-0.3, 0.3) if task == "hopper" else rng.uniform(-1.1, 1.1)


def states(rng, task, env):
    """(qpos, qvel, action) along trajectories at rest, under random motors, and past the fall."""
    while True:
        env.reset(seed=int(rng.integers(2**31)))
        strength = rng.choice([0.0, 0.3, 1.0])
        for t in range(120):
            action = (strength * rng.uniform(-1, 1, env.model.nu)).astype(np.float32)
            if t % 6 == 0:
                qpos, qvel = env.data.qpos.copy(), env.data.qvel.copy()
                if t % 30 == 24:
                    nudge(rng, task, qpos)
                yield qpos, qvel, action
            env.step(action)


def fixture(task):
    name, undo = TASKS[task]
    rng = np.random.default_rng(7)
    v4, v5, walk = make(name + "-v4"), make(name + "-v5", **undo), make(name + "-v4")
    table = []
    for qpos, qvel, action in states(rng, task, walk):
        obs, reward, terminated = step(v4, qpos, qvel, action)
        obs5, reward5, terminated5 = step(v5, qpos, qvel, action)
        assert np.array_equal(obs, obs5) and terminated == terminated5
        table.append(np.concatenate([qpos, qvel, action, obs, [reward, reward5, terminated]]))
        if len(table) == ROWS:
            break
    m = v4.model
    header = np.array([ROWS, m.nq, m.nv, m.nu, len(obs)])
    print(f"{task}: {ROWS} steps, {int(sum(r[-1] for r in table))} end the task")
    return np.concatenate([header, np.concatenate(table)]).astype("<f8")


def main(folder):
    warnings.filterwarnings("ignore")
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    print("gymnasium", gymnasium.__version__, "mujoco", mujoco.__version__)
    for task in TASKS:
        fixture(task).tofile(f"{folder}/{task}_steps.bin")


if __name__ == "__main__":
    main(sys.argv[1])
