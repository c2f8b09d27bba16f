#!/usr/bin/python3
"""onnx_check.py DIR - ONNX's own checker and ONNX Runtime on what tests/agent/test_export.c left.

DIR/export_policy.onnx must be a valid model and give the actions in export_act.f32 for the
observations in export_obs.f32, to 1e-6. Needs the packages onnx, onnxruntime and numpy.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder = sys.argv[1]
path = os.path.join(folder, "export_policy.onnx")
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
assert model.opset_import[0].version == 13
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
size = session.get_inputs()[0].shape[1]
obs = np.fromfile(os.path.join(folder, "export_obs.f32"), np.float32).reshape(-1, size)
want = np.fromfile(os.path.join(folder, "export_act.f32"), np.float32).reshape(len(obs), -1)
for batch in (len(obs), 1):
    act = session.run(["act"], {"obs": obs[:batch]})[0]
    assert act.shape == want[:batch].shape, act.shape
    worst = np.abs(act - want[:batch]).max()
    assert worst < 1e-6, worst
print(f"{len(obs)} actions, largest difference {worst:.2g}")
