#!/usr/bin/python3
"""tensorboard_check.py PROGRAM DATASET - TensorBoard's own reader on what mopo writes.

A short run with an interruption; every cell of progress.csv must be a point of the curve of its name,
once, and every checkpoint must have its histograms; the frames of a film must be images of their
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

program, dataset = (os.path.abspath(path) for path in sys.argv[1:])
EPOCHS, EVERY = 8, 3
train = [program, "train", "--quiet", "--json", "--data", dataset, "--task", "hopper", "--out", "run",
         "--epochs", str(EPOCHS), "--updates-per-epoch", "60", "--checkpoint-every", str(EVERY),
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
    points = 0
    for name in rows[0]:
        if name == "epoch":
            continue
        want = [(int(row["epoch"]), float(row[name])) for row in rows if row[name]]
        got = [(e.step, e.value) for e in read.Scalars(name)] if want else []
        assert [step for step, _ in got] == [step for step, _ in want], (name, got, want)
        for (_, x), (_, y) in zip(got, want):
            assert abs(x - y) <= 1e-6 * max(1, abs(y)), (name, x, y)
        points += len(got)

    for name, count in (("q", 256), ("penalty", 300)):
        events = read.Histograms(name)
        assert [e.step for e in events] == [3, 6, 8], [e.step for e in events]
        for e in events:
            h = e.histogram_value
            assert 0 < h.num <= count and sum(h.bucket) == h.num and h.min <= h.sum / h.num <= h.max
    assert abs(read.Histograms("q")[-1].histogram_value.num) == 256

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
