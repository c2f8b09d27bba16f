"""Writes the C source of mopo._mopo, the compiled door to libmopo, from the public header.

    python build_ffi.py HEADER OUTPUT.c
"""

import re
import sys

import cffi

# What the library calls back; each gets the handle of a Python object as its first argument.
CALLBACKS = """
extern "Python" {
    void mopo_py_done(void *, unsigned char *, const float *, const float *, const float *, int);
    void mopo_py_reward(void *, float *, const float *, const float *, const float *, int);
    bool mopo_py_epoch(void *, const mopo_epoch *, mopo_policy *);
    void mopo_py_progress(void *, const mopo_progress *);
    void mopo_py_line(void *, const char *);
    void mopo_py_reset(void *, uint64_t, float *);
    void mopo_py_step(void *, const float *, float *, double *, bool *, bool *);
    void mopo_py_figure(void *, const char *, const char *);
}
"""


def declarations(header):
    """The header's declarations as cffi reads them: no comments, no preprocessor, no attributes."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
    text = text.replace("MOPO_MUST_CHECK", "").replace('extern "C" {', "")
    text = text.replace("volatile sig_atomic_t", "int")
    # the brace of extern "C" is the only one that closes nothing
    depth, kept = 0, []
    for char in text:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            depth = 0
            continue
        kept.append(char)
    return "".join(kept)


def main(header, output):
    with open(header, encoding="utf-8") as f:
        text = declarations(f.read())
    ffi = cffi.FFI()
    ffi.cdef(text)
    ffi.cdef(CALLBACKS)
    ffi.set_source("mopo._mopo", "#include <mopo/mopo.h>\n", py_limited_api=True)
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
