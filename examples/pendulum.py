"""From a recorded log of Gymnasium's Pendulum to a policy that swings it up.

    python examples/pendulum.py [EPOCHS]

The log is made here: 60 episodes of torques that are held for a while, as somebody would who plays with the
machine. The policy learns from it alone; Gymnasium is used to record, and to check the result."""

import sys

import gymnasium as gym
import numpy as np

import mopo


def record(episodes, seed=0):
    """Rows of a log: what was seen, what was done, what it paid, what it led to."""
    env, rng = gym.make("Pendulum-v1"), np.random.default_rng(seed)
    rows = {name: [] for name in ("obs", "act", "rew", "next_obs", "terminal", "timeout")}
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        end, act = False, env.action_space.sample() * 0
        while not end:
            if rng.random() < 0.2:
                act = rng.uniform(-2, 2, 1).astype(np.float32)
            following, rew, terminal, timeout, _ = env.step(act)
            for name, value in zip(rows, (obs, act, rew, following, terminal, timeout)):
                rows[name].append(value)
            obs, end = following, terminal or timeout
    return rows


def reward(s, a, s2):
    """Gymnasium's own: upright, still, and with little torque."""
    angle = np.arctan2(s[:, 1], s[:, 0])
    return -(angle**2 + 0.1 * s[:, 2] ** 2 + 0.001 * a[:, 0] ** 2)


def main(epochs=20):
    data = mopo.Dataset.from_arrays(**record(60), action_ranges=[(-2, 2)])
    task = mopo.Task("pendulum", obs=["cos", "sin", "speed"], act={"torque": (-2, 2)}, horizon=200,
                     done=lambda s, a, s2: np.zeros(len(s), bool), reward=reward)
    evaluator = mopo.GymEvaluator("Pendulum-v1", episodes=5, every=5)
    run = mopo.MOPO(seed=0).fit(
        data, task=task, epochs=epochs, evaluate=evaluator,
        callback=lambda e: print(f"epoch {e.epoch:2d}: return {e.return_mean:8.1f}, Q {e.q_mean:7.1f}"))
    returns = evaluator.returns(run.policy, episodes=20, seed=1000)
    log = data.describe()["return_mean"]
    print(f"log {log:.1f}; policy {returns.mean():.1f} +- {returns.std():.1f} over 20 episodes")
    verdict = mopo.OPE(data, task).estimate(run.policy)
    print(f"from the log alone: {verdict.verdict}, {verdict.policy:.1f} "
          f"[{verdict.low:.1f}, {verdict.high:.1f}] where the log has {verdict.log:.1f}")
    print("hanging still, torque", run.policy.predict(np.array([-1.0, 0.0, 0.0])))
    return returns.mean()


if __name__ == "__main__":
    main(*(int(x) for x in sys.argv[1:]))
