#!/usr/bin/python3
"""tensorboard_check.py PROGRAM DATASET - TensorBoard's own reader on what mopo writes.

A short run with an interruption; every cell of progress.csv must be a point of its curve, at the updates of
its row, once; every checkpoint must have its histograms, and the page HParams the settings; the frames of a film must be images of their
size. Needs the package tensorboard.
"""
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

program, dataset = (os.path.abspath(path) for path in sys.argv[1:])
EPOCHS, EVERY, PER_EPOCH = 8, 3, 60
NAMES = {
    "epoch": "time/epoch", "wall_seconds": "time/wall_seconds", "return_mean": "eval/return",
    "return_std": "eval/return_std", "score": "eval/score", "length_mean": "eval/length",
    "critic_loss": "loss/critic", "actor_loss": "loss/actor", "alpha": "policy/alpha",
    "entropy": "policy/entropy", "q_mean": "critic/q", "q_data_mean": "critic/q_data",
    "penalty_mean": "model/penalty", "model_reward_mean": "model/reward",
    "rollout_rows": "model/rollout_rows", "rollout_terminal_rate": "model/rollout_terminal_rate",
    "rollout_cut_rate": "model/rollout_cut_rate", "rollout_length_mean": "model/rollout_length",
    "discounted_return": "eval/discounted_return", "model_return": "model/return",
    "model_return_penalised": "model/return_penalised", "model_uncertainty": "model/uncertainty",
    "actor_lr": "policy/lr", "updates_per_second": "time/updates_per_second",
    "rollout_seconds": "time/rollout_seconds", "update_seconds": "time/update_seconds",
    "evaluation_seconds": "time/evaluation_seconds"}
train = [program, "train", "--quiet", "--json", "--data", dataset, "--task", "hopper", "--out", "run",
         "--epochs", str(EPOCHS), "--updates-per-epoch", str(PER_EPOCH), "--checkpoint-every", str(EVERY),
         "--hidden", "16", "--model-hidden", "16", "--members", "3", "--elites", "2",
         "--model-max-epochs", "1", "--rollout-batch", "300", "--rollout-length", "2",
         "--eval-episodes", "1", "--threads", "1"]

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    first = subprocess.Popen(train, stdout=subprocess.DEVNULL)
    while first.poll() is None:
        time.sleep(0.02)
        if os.path.exists("run/progress.csv") and len(open("run/progress.csv").readlines()) > 4:
            first.send_signal(signal.SIGKILL)
    first.wait()
    subprocess.run([program, "train", "--resume", "--quiet", "--json", "--out", "run"], check=True,
                   stdout=subprocess.DEVNULL)

    everything = {"scalars": 0, "histograms": 0, "images": 0}
    read = EventAccumulator("run", size_guidance=everything)
    read.Reload()
    rows = list(csv.DictReader(open("run/progress.csv")))
    assert len(rows) == EPOCHS, len(rows)
    points, left = 0, set(read.Tags()["scalars"])
    assert set(rows[0]) == {*NAMES, "updates"}, set(rows[0])
    for name, tag in NAMES.items():
        want = [(int(row["updates"]), float(row[name])) for row in rows if row[name]]
        got = [(e.step, e.value) for e in read.Scalars(tag)] if want else []
        assert [step for step, _ in got] == [step for step, _ in want], (name, got, want)
        for (_, x), (_, y) in zip(got, want):
            assert abs(x - y) <= 1e-6 * max(1, abs(y)), (name, x, y)
        points += len(got)
        left.discard(tag)
    assert not left, left

    for name, count in (("critic/q_batch", 256), ("model/penalty_step", 300)):
        events = read.Histograms(name)
        assert [e.step for e in events] == [3 * PER_EPOCH, 6 * PER_EPOCH, 8 * PER_EPOCH], [e.step for e in events]
        for e in events:
            h = e.histogram_value
            assert 0 < h.num <= count and sum(h.bucket) == h.num and h.min <= h.sum / h.num <= h.max
    assert abs(read.Histograms("critic/q_batch")[-1].histogram_value.num) == 256

    content = read.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data
    assert content.plugin_name == metadata.PLUGIN_NAME
    settings = metadata.parse_session_start_info_plugin_data(content.content).hparams
    assert settings["epochs"].number_value == EPOCHS and settings["hidden"].number_value == 16
    assert settings["algo"].string_value == "mopo" and settings["gamma"].number_value == 0.99
    assert "out" not in settings and "threads" not in settings

    film = subprocess.run([program, "render", "run", "--out", "run/events.out.tfevents.film",
                           "--frames", "3", "--width", "64", "--height", "48"], capture_output=True)
    if film.returncode == 5:
        print("images skipped:", film.stderr.decode().strip())
    else:
        assert film.returncode == 0, film.stderr
        read = EventAccumulator("run/events.out.tfevents.film", size_guidance=everything)
        read.Reload()
        images = read.Images("film")
        assert [(e.step, e.width, e.height) for e in images] == [(i, 64, 48) for i in range(3)]
        assert all(e.encoded_image_string.startswith(b"\x89PNG") for e in images)
    print(f"{points} points, 6 histograms")
