"""rliable_fixture.py OUT - scores of two methods (8 and 5 runs, 3 tasks), their aggregates by rliable,
and for each end of a bootstrap interval the values within which a bootstrap of 50 000 (2000) resamples
must find it: the quantiles five standard errors of the level to each side. See README.md.
"""
import sys

import numpy as np
from rliable import metrics

rng = np.random.RandomState(3)
x = np.round(rng.normal([[20.0, 60.0, 90.0]], [[9.0, 15.0, 30.0]], (8, 3)), 3)
y = np.round(rng.normal([[18.0, 50.0, 99.0]], [[5.0, 25.0, 12.0]], (5, 3)), 3)
y[0, 0] = x[0, 0]  # a tie


def redraw(scores, many):
    """Runs of each task drawn again, `many` times, as rliable's StratifiedBootstrap does."""
    index = rng.randint(0, scores.shape[0], (many,) + scores.shape)
    return np.take_along_axis(np.broadcast_to(scores, index.shape), index, axis=1)


def iqm(scores):
    flat = np.sort(scores.reshape(len(scores), -1), axis=1)
    cut = flat.shape[1] // 4
    return flat[:, cut : flat.shape[1] - cut].mean(axis=1)


def improvement(a, b):
    a, b = a[:, :, None, :], b[:, None, :, :]
    return ((a > b) + 0.5 * (a == b)).mean(axis=(1, 2, 3))


def brackets(values, reps):
    out = []
    for p in (0.025, 0.975):
        step = 5 * np.sqrt(p * (1 - p) / reps)
        out += list(np.quantile(values, [p, p - step, p + step]))
    return out


many = 200000
with open(sys.argv[1], "w") as f:
    for a in (x, y):
        f.write(" ".join("%.3f" % v for v in a.T.ravel()) + "\n")  # task by task
    rows = [
        [metrics.aggregate_mean(x), metrics.aggregate_iqm(x)] + brackets(iqm(redraw(x, many)), 50000),
        [metrics.aggregate_mean(y), metrics.aggregate_iqm(y)] + brackets(iqm(redraw(y, many)), 50000),
        [0.0, metrics.probability_of_improvement(x, y)]
        + brackets(improvement(redraw(x, many), redraw(y, many)), 2000),
    ]
    for row in rows:
        f.write(" ".join("%.17g" % v for v in row) + "\n")
