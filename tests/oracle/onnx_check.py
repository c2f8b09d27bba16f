#!/usr/bin/python3
"""onnx_check.py DIR LABELLED - ONNX's own checker and ONNX Runtime on what tests/agent/test_export.c
and test_export_labels.c left in these directories.

DIR/export_policy.onnx and LABELLED/labelled.onnx must be valid models and give the recorded actions
for the recorded observations, to 1e-6; the latter also their settings, and says what its columns are.
Needs the packages onnx, onnxruntime and numpy.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime


def check(folder, name, recorded, outputs):
    """outputs: {"act": the end of its file's name}. Returns the worst difference and the metadata."""
    path = os.path.join(folder, f"{name}.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 13
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [o.name for o in session.get_outputs()] == list(outputs)
    size = session.get_inputs()[0].shape[1]
    obs = np.fromfile(os.path.join(folder, f"{recorded}_obs.f32"), np.float32).reshape(-1, size)
    worst = 0.0
    for output in outputs:
        want = np.fromfile(os.path.join(folder, f"{recorded}_{output}.f32"), np.float32).reshape(len(obs), -1)
        for batch in (len(obs), 1):
            got = session.run([output], {"obs": obs[:batch]})[0]
            assert got.shape == want[:batch].shape, got.shape
            differ = (np.abs(got - want[:batch]) / np.maximum(np.abs(want[:batch]), 1)).max()
            assert differ < 1e-6, (output, differ)
            worst = max(worst, differ)
    return len(obs), worst, {p.key: p.value for p in model.metadata_props}


rows, worst, _ = check(sys.argv[1], "export_policy", "export", ["act"])
more, other, known = check(sys.argv[2], "labelled", "labelled", ["act", "setting"])
assert known["action_ranges"] == "0 100\n3 7" and known["act_names"].split("\n") == ["pump", "*"], known
print(f"{rows} actions and {more} settings, largest difference {max(worst, other):.2g}")
