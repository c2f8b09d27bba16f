#!/usr/bin/python3
"""Makes fixtures/torch_*.safetensors: values and gradients of small networks by PyTorch in float64.

    /usr/bin/python3 torch_fixture.py fixtures/

Made with torch 1.13; nothing here depends on the version. Inputs are rounded to float32 first, so
that both sides begin with the same numbers; results are stored as float32, whose rounding of 6e-8 is
far below what is compared. Random numbers come from numpy.random.default_rng(3).

torch_nn.safetensors, for tests/nn/test_torch.c
  actor.<i>.weight, .bias   ReLU 11-32-32-6, tanh-Gaussian head, log-std clipped to [-5, 2]; some of
                            the biases of the log-stds lie outside
  actor.obs, .eps, .dact    L = 0.2 mean(log pi) + sum(dact * act)
  actor.act, .logp, actor.grad.<i>.*
  critic.*                  ReLU 14-32-32-1, L = MSE(Q(x), y); critic.x, .y, .loss, .grad.<i>.*
  model.*                   swish 14-40-40-24, Gaussian NLL with soft bounds (a member of the ensemble
                            with its weight decay); model.x, .y, .max, .min, .loss, .grad.<i>.*,
                            .grad.max, .grad.min, and model.after.<i>.*: after three steps of Adam

torch_sac_joint.safetensors, torch_sac_critic_first.safetensors, for tests/agent/test_sac.c
  actor.*, critic1.*, critic2.*, target1.*, target2.*   at the start
  batch [U,B,W]             rows as data/dataset.h has them
  stats [U,5]               critic loss, actor loss, alpha, entropy, mean Q of the first critic
  noise [U,2A,B]            what Philox gives under KEY (see noise())
  grad.<net>.<i>.*          of the first update
  after.<net>.<i>.*, after.log_alpha   after U updates
"""

import json
import math
import struct
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
RNG = np.random.default_rng(3)


# ------------------------------------------------------------------ files and random inputs


def write(path, tensors):
    """https://github.com/huggingface/safetensors, all float32."""
    header, data = {}, b""
    for name, x in tensors.items():
        x = np.ascontiguousarray(torch.as_tensor(x).detach().numpy(), dtype="<f4")
        header[name] = dict(dtype="F32", shape=list(x.shape),
                            data_offsets=[len(data), len(data) + x.nbytes])
        data += x.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    print(path, 8 + len(text) + len(data), "bytes")


def single(x):
    return torch.tensor(np.asarray(x, dtype=np.float32).astype(np.float64))


def normal(*shape, std=1.0):
    return single(std * RNG.standard_normal(shape))


def network(*sizes):
    """Weights and biases as torch.nn.Linear draws them."""
    params = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        bound = 1 / math.sqrt(n_in)
        params += [single(RNG.uniform(-bound, bound, (n_out, n_in))),
                   single(RNG.uniform(-bound, bound, n_out))]
    return [p.requires_grad_() for p in params]


def forward(params, x, activation=torch.relu):
    for i in range(0, len(params), 2):
        x = torch.nn.functional.linear(x, params[i], params[i + 1])
        if i < len(params) - 2:
            x = activation(x)
    return x


def named(prefix, params):
    return {f"{prefix}.{i // 2}.{('weight', 'bias')[i % 2]}": p.detach().clone()
            for i, p in enumerate(params)}


def grads(prefix, params):
    return named(prefix, [p.grad for p in params])


def head(params, obs, eps, lo, hi):
    """(action, log pi) of the tanh-Gaussian policy, by torch.distributions."""
    mean, log_std = forward(params, obs).chunk(2, dim=1)
    std = log_std.clamp(lo, hi).exp()
    u = mean + std * eps
    squash = torch.distributions.TanhTransform()
    logp = torch.distributions.Normal(mean, std).log_prob(u)
    logp = logp - squash.log_abs_det_jacobian(u, torch.tanh(u))
    return torch.tanh(u), logp.sum(1)


# ------------------------------------------------------------------ single networks


def actor_case(B=16):
    params = network(11, 32, 32, 6)
    with torch.no_grad():
        params[4][3:] *= 4
        params[5][3:] = torch.tensor([0.0, -5.0, 2.0])  # the last two are clipped now and then
    obs, eps, dact = normal(B, 11), normal(B, 3), normal(B, 3)
    out = named("actor", params)
    act, logp = head(params, obs, eps, -5, 2)
    (0.2 * logp.mean() + (dact * act).sum()).backward()
    out.update({"actor.obs": obs, "actor.eps": eps, "actor.dact": dact, "actor.act": act,
                "actor.logp": logp})
    out.update(grads("actor.grad", params))
    log_std = forward(params, obs)[:, 3:]
    print("clipped log-stds:", int(((log_std < -5) | (log_std > 2)).sum()), "of", log_std.numel())
    return out


def critic_case(B=16):
    params = network(14, 32, 32, 1)
    x, y = normal(B, 14), normal(B)
    loss = torch.nn.functional.mse_loss(forward(params, x)[:, 0], y)
    loss.backward()
    return {**named("critic", params), "critic.x": x, "critic.y": y, "critic.loss": loss,
            **grads("critic.grad", params)}


DECAY = [2.5e-5, 5e-5, 1e-4]  # of this network's layers


def model_loss(params, x, y, upper, lower):
    D = y.shape[1]
    mean, lv = forward(params, x, torch.nn.functional.silu).split(D, dim=1)
    lv = upper - torch.nn.functional.softplus(upper - lv)
    lv = lower + torch.nn.functional.softplus(lv - lower)
    loss = ((mean - y) ** 2 * torch.exp(-lv)).mean() + lv.mean()
    for decay, w in zip(DECAY, params[::2]):
        loss = loss + 0.5 * decay * (w**2).sum()
    return loss


def model_case(B=20, D=12):
    params = network(14, 40, 40, 2 * D)
    x, y = normal(B, 14), normal(B, D)
    upper = single(0.5 + 0.2 * RNG.standard_normal(D)).requires_grad_()
    lower = single(-4 + RNG.standard_normal(D)).requires_grad_()
    out = {**named("model", params), "model.x": x, "model.y": y, "model.max": upper.detach(),
           "model.min": lower.detach()}
    loss = model_loss(params, x, y, upper, lower)
    loss.backward()
    out.update({"model.loss": loss, "model.grad.max": upper.grad.clone(),
                "model.grad.min": lower.grad.clone(), **grads("model.grad", params)})
    opt = torch.optim.Adam(params, lr=1e-3)
    for _ in range(3):
        opt.zero_grad()
        model_loss(params, x, y, upper, lower).backward()
        opt.step()
    out.update(named("model.after", params))
    return out


# ------------------------------------------------------------------ soft actor-critic

KEY = (0x01234567, 0x89ABCDEF)


def philox(counter):
    """Philox4x32-10 (Salmon et al. 2011) of a counter of four words."""
    x, (k0, k1), mask = list(counter), KEY, 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(q >> 32) ^ x[1] ^ k0, q & mask, (p >> 32) ^ x[3] ^ k1, p & mask]
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return x


def normals(n, place):
    """Box-Muller on the words of counters (place, 0), (place, 1), ..."""
    z = []
    for i in range((n + 3) // 4):
        w = philox((i, 0, place, 0))
        for a, b in ((w[0], w[1]), (w[2], w[3])):
            r = math.sqrt(-2 * math.log(((a >> 8) + 1) / 2**24))
            turn = 2 * math.pi * (b >> 8) / 2**24
            z += [r * math.cos(turn), r * math.sin(turn)]
    return np.array(z[:n])


def noise(update, A, B):
    """[2A,B]: A columns for a' ~ pi(s'), A for a ~ pi(s); each column has B rounded up to 16."""
    padded = (B + 15) // 16 * 16
    return torch.tensor(normals(2 * A * padded, update).reshape(2 * A, padded)[:, :B].copy())


S, A, B, UPDATES, HIDDEN = 11, 3, 20, 3, 32
CHOICES = {
    "joint": dict(loss_weight=0.5, actor_lr=3e-4, critic_lr=3e-4, alpha_lr=3e-4, lo=-20, hi=2),
    "critic_first": dict(loss_weight=1.0, actor_lr=1e-4, critic_lr=3e-4, alpha_lr=1e-4, lo=-5, hi=2),
}
GAMMA, TAU, TARGET_ENTROPY, ALPHA_MAX = 0.99, 0.005, -3.0, 1.0


def transitions():
    """[B,W]: obs, act, rew, next, done; every fourth ends its task."""
    done = single(np.arange(B) % 4 == 0)[:, None]
    act = single(RNG.uniform(-1, 1, (B, A)))
    return torch.cat([normal(B, S), act, normal(B, 1), normal(B, S), done], dim=1)


def sac_case(order):
    choice = CHOICES[order]
    actor = network(S, HIDDEN, HIDDEN, 2 * A)
    critics = [network(S + A, HIDDEN, HIDDEN, 1) for _ in range(2)]
    targets = [network(S + A, HIDDEN, HIDDEN, 1) for _ in range(2)]
    log_alpha = torch.zeros((), requires_grad=True)
    nets = {"actor": actor, "critic1": critics[0], "critic2": critics[1], "target1": targets[0],
            "target2": targets[1]}
    out = {}
    for name, params in nets.items():
        out.update(named(name, params))

    critic_opt = torch.optim.Adam(critics[0] + critics[1], lr=choice["critic_lr"])
    actor_opt = torch.optim.Adam(actor, lr=choice["actor_lr"])
    alpha_opt = torch.optim.Adam([log_alpha], lr=choice["alpha_lr"])

    def sample(obs, eps):
        return head(actor, obs, eps.T, choice["lo"], choice["hi"])

    def critic_loss(alpha, batch, eps):
        obs_act, rew, nxt, done = batch.split([S + A, 1, S, 1], dim=1)
        with torch.no_grad():
            act, logp = sample(nxt, eps)
            q = torch.min(*[forward(t, torch.cat([nxt, act], 1))[:, 0] for t in targets])
            y = rew[:, 0] + GAMMA * (1 - done[:, 0]) * (q - alpha * logp)
        values = [forward(c, obs_act)[:, 0] for c in critics]
        return choice["loss_weight"] * sum(((q - y) ** 2).mean() for q in values), values[0].mean()

    def actor_loss(alpha, batch, eps):
        obs = batch[:, :S]
        act, logp = sample(obs, eps)
        q = torch.min(*[forward(c, torch.cat([obs, act], 1))[:, 0] for c in critics])
        return (alpha * logp - q).mean(), logp.detach().mean()

    batches, noises, stats = [], [], []
    for u in range(UPDATES):
        batch, eps = transitions(), noise(u, A, B)
        alpha = float(log_alpha.detach().exp().clamp(max=ALPHA_MAX))
        c_loss, q_mean = critic_loss(alpha, batch, eps[:A])
        params = critics[0] + critics[1]
        for p, g in zip(params, torch.autograd.grad(c_loss, params)):
            p.grad = g
        if order == "critic_first":
            critic_opt.step()
        a_loss, logp = actor_loss(alpha, batch, eps[A:])
        for p, g in zip(actor, torch.autograd.grad(a_loss, actor)):
            p.grad = g
        if order == "joint":
            critic_opt.step()
        actor_opt.step()
        with torch.no_grad():
            for c, t in zip(params, targets[0] + targets[1]):
                t += TAU * (c - t)
        log_alpha.grad = -(logp + TARGET_ENTROPY)
        alpha_opt.step()
        if u == 0:
            for name in ("actor", "critic1", "critic2"):
                out.update(grads("grad." + name, nets[name]))
        batches.append(batch), noises.append(eps)
        stats.append([float(c_loss), float(a_loss), alpha, -float(logp), float(q_mean)])

    out.update(batch=torch.stack(batches), noise=torch.stack(noises), stats=torch.tensor(stats))
    for name, params in nets.items():
        out.update(named("after." + name, params))
    out["after.log_alpha"] = log_alpha
    return out


def main(folder):
    write(f"{folder}/torch_nn.safetensors", {**actor_case(), **critic_case(), **model_case()})
    for order in CHOICES:
        write(f"{folder}/torch_sac_{order}.safetensors", sac_case(order))


if __name__ == "__main__":
    main(sys.argv[1])
