#!/usr/bin/python3
"""torch_policy.py POLICY OBS ACT - a saved policy in PyTorch.

POLICY is a .safetensors file as mopo writes it; for the observations in OBS (float32) it must give
the actions in ACT to 1e-6. tests/agent/test_policy.c calls it; status 77: no PyTorch here.
"""
import sys

try:
    import numpy as np
    import torch
except ImportError:
    sys.exit(77)

try:
    from safetensors.torch import load_file
except ImportError:
    import json
    import struct

    def load_file(path):
        with open(path, "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
            data = f.read()
        header.pop("__metadata__", None)
        return {name: torch.from_numpy(np.frombuffer(data[slice(*t["data_offsets"])], "<f4").copy())
                .reshape(t["shape"]) for name, t in header.items()}


# The five lines:
params = load_file(sys.argv[1])
sizes = [w.shape for name, w in params.items() if name.endswith("weight")]
layers = [m for n_out, n_in in sizes for m in (torch.nn.Linear(n_in, n_out), torch.nn.ReLU())][:-1]
net = torch.nn.Sequential(*layers)
net.load_state_dict({name.removeprefix("actor."): x for name, x in params.items()})

obs = torch.from_numpy(np.fromfile(sys.argv[2], "<f4")).reshape(-1, sizes[0][1])
want = torch.from_numpy(np.fromfile(sys.argv[3], "<f4")).reshape(len(obs), -1)
with torch.no_grad():
    mean, log_std = net.double()(obs.double()).chunk(2, dim=1)
worst = (torch.tanh(mean) - want).abs().max().item()
print(f"{len(obs)} actions, largest difference from PyTorch {worst:.2g}")
sys.exit(worst > 1e-6)
