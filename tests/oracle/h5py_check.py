#!/usr/bin/python3
"""h5py as an oracle for D4RL files.

  h5py_check.py make DIR     writes h5py_*.hdf5, which tests/data/test_dataset.c loads
  h5py_check.py check FILE   checks a file that tests/data/test_recorder.c wrote

Every fixture holds the same 40 transitions (S = 3, A = 2) in another dress; the formulas below stand
in the tests too. All values are exact in float32.
"""
import os
import sys

import h5py
import numpy as np

N, S, A = 40, 3, 2
i = np.arange(N)
OBS = (i[:, None] + np.arange(S) / 8).astype(np.float32)
ACT = (((i[:, None] * 7 + np.arange(A) * 3) % 17 - 8) / 8).astype(np.float32)
REW = (i / 4).astype(np.float32)
NEXT = OBS + np.float32(0.5)
TERMINAL = (i == 9) | (i == 25)
TIMEOUT = (i == 19) | (i == 33)
GZIP = dict(compression="gzip", chunks=True)


def arrays():
    return dict(observations=OBS, actions=ACT, rewards=REW, next_observations=NEXT,
                terminals=TERMINAL, timeouts=TIMEOUT)


def write(path, data, **how):
    with h5py.File(path, "w") as f:
        for name, x in data.items():
            f.create_dataset(name, data=x, track_times=False, **how)


def without(*names):
    return {k: x for k, x in arrays().items() if k not in names}


def dressed(**change):
    return {**arrays(), **change}


def raw_create(f, name, shape, plist, kind=h5py.h5t.IEEE_F32LE, most=None):
    """A dataset by the low-level interface, which forbids less."""
    plist.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape, most or shape)
    return h5py.h5d.create(f.id, name.encode(), kind, space, plist)


def chunked(*chunk):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(chunk)
    return plist


def make_good(at):
    flags = dict(terminals=TERMINAL, timeouts=TIMEOUT)
    write(at("plain"), arrays(), **GZIP)
    write(at("contiguous"), arrays())
    write(at("fletcher"), arrays(), shuffle=True, fletcher32=True, **GZIP)
    with h5py.File(at("odd_chunks"), "w") as f:
        for name, x in arrays().items():
            f.create_dataset(name, data=x, track_times=False, compression="gzip",
                             chunks=(7, 2)[:x.ndim])
    write(at("float64"), {k: x.astype(float) for k, x in arrays().items()}, **GZIP)
    write(at("big_endian"), {k: x if x.dtype == bool else x.astype(">f4")
                             for k, x in arrays().items()})
    write(at("column"), dressed(rewards=REW[:, None], **{k: x[:, None] for k, x in flags.items()}))
    write(at("uint8"), dressed(**{k: x.astype(np.uint8) for k, x in flags.items()}))
    write(at("int64"), dressed(**{k: x.astype(np.int64) for k, x in flags.items()}))
    write(at("float_flags"), dressed(**{k: x.astype(np.float32) for k, x in flags.items()}))
    write(at("no_timeouts"), without("timeouts"), **GZIP)
    write(at("no_next"), without("next_observations"), **GZIP)
    write(at("no_next_no_timeouts"), without("next_observations", "timeouts"), **GZIP)
    write(at("kind_text"), arrays())
    with h5py.File(at("kind_text"), "a") as f:
        f["metadata/kind"] = "expert"  # a text of variable length
    write(at("infos"), arrays())
    with h5py.File(at("infos"), "a") as f:
        f.create_dataset("infos/qpos", data=OBS.astype(float), track_times=False)


def make_bad(at):
    """One refusal each; test_dataset.c knows the message."""
    write(at("bad_external_link"), without("rewards"))
    with h5py.File(at("bad_external_link"), "a") as f:
        f["rewards"] = h5py.ExternalLink("h5py_plain.hdf5", "rewards")
    write(at("bad_soft_link"), without("rewards"))
    with h5py.File(at("bad_soft_link"), "a") as f:
        f["rewards"] = h5py.SoftLink("/timeouts")
    write(at("bad_virtual"), without("rewards"))
    with h5py.File(at("bad_virtual"), "a") as f:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        space = h5py.h5s.create_simple((N,))
        plist.set_virtual(space, b"h5py_plain.hdf5", b"rewards", space)
        raw_create(f, "rewards", (N,), plist)
    write(at("bad_external_storage"), without("rewards"))
    with h5py.File(at("bad_external_storage"), "a") as f:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_external(b"h5py_plain.hdf5", 0, N * 4)
        raw_create(f, "rewards", (N,), plist)
    write(at("bad_lzf"), arrays(), compression="lzf", chunks=True)
    write(at("bad_twice_packed"), without("rewards"))
    with h5py.File(at("bad_twice_packed"), "a") as f:
        plist = chunked(N)
        plist.set_deflate(9)
        plist.set_deflate(9)
        raw_create(f, "rewards", (N,), plist).write(h5py.h5s.ALL, h5py.h5s.ALL, REW)
    write(at("bad_claim"), without("rewards"))
    with h5py.File(at("bad_claim"), "a") as f:
        raw_create(f, "rewards", (10**15,), chunked(1024))
    write(at("bad_claim_columns"), without("observations"))
    with h5py.File(at("bad_claim_columns"), "a") as f:
        raw_create(f, "observations", (N, 60000), chunked(N, 1000))
    write(at("bad_chunk"), without("rewards"))
    with h5py.File(at("bad_chunk"), "a") as f:
        raw_create(f, "rewards", (0,), chunked(10**9), most=(h5py.h5s.UNLIMITED,))
    write(at("bad_rank"), dressed(observations=OBS[:, :, None]))
    write(at("bad_text"), dressed(rewards=np.array([b"one"] * N)))
    write(at("bad_compound"), dressed(rewards=np.zeros(N, dtype=[("a", "f4"), ("b", "f4")])))
    write(at("bad_group"), without("actions"))
    with h5py.File(at("bad_group"), "a") as f:
        f.create_group("actions")
    with h5py.File(at("bad_latest"), "w", libver="latest") as f:  # of HDF5 2.0
        for k, x in arrays().items():
            f[k] = x
    write(at("bad_long_double"), dressed(rewards=REW.astype(np.longdouble)))
    write(at("bad_missing"), without("actions"))
    write(at("bad_rows"), dressed(rewards=REW[:-1]))
    write(at("bad_flags"), dressed(terminals=TERMINAL * 3))
    write(at("bad_overflow"), dressed(rewards=np.where(i == 7, 1e300, 0.0)))
    write(at("bad_empty"), {k: x[:0] for k, x in arrays().items()})


def check(path):
    """The formulas of write_sample in test_recorder.c."""
    with h5py.File(path, "r") as f:
        n = f["observations"].shape[0]
        k = np.arange(n)
        obs = (k[:, None] + np.arange(S) / 8).astype(np.float32)
        expect = dict(
            observations=obs,
            actions=(((k[:, None] * 7 + np.arange(A) * 3) % 17 - 8) / 8).astype(np.float32),
            rewards=(k / 4).astype(np.float32),
            next_observations=obs + np.float32(0.5),
            terminals=k % 10 == 9,
            timeouts=k % 16 == 15,
        )
        expect["infos/qpos"] = k[:, None] + np.arange(2) / 3
        expect["infos/next_qpos"] = k[:, None] + 1 + np.arange(2) / 3
        expect["infos/qvel"] = -k[:, None] - np.arange(4) / 3
        for name, x in expect.items():
            d = f[name]
            assert d.dtype == x.dtype, (name, d.dtype, x.dtype)
            assert d.shape == x.shape, (name, d.shape, x.shape)
            assert np.array_equal(d[()], x), name
            assert d.compression == "gzip" and d.shuffle and d.chunks, name
        assert f["metadata/algorithm"][()] == b"SAC"
        assert f["metadata/iteration"][()] == 7.5
        weight = f["metadata/policy/fc0/weight"]
        assert weight.dtype == np.float32 and np.array_equal(weight[()], [[0, 1, 2], [3, 4, 5]])
        assert np.array_equal(f["metadata/policy/fc0/bias"][()], [0, 1])
        assert set(f) == {"observations", "actions", "rewards", "next_observations", "terminals",
                          "timeouts", "infos", "metadata"}
    print(f"{path}: {n} rows as expected")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "check"):
        sys.exit(__doc__)
    if sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        for make in (make_good, make_bad):
            make(lambda name: os.path.join(sys.argv[2], f"h5py_{name}.hdf5"))
