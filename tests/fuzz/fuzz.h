/* fuzz.h - a fuzz target is one file with one function: any bytes at all, and nothing may break.
 * Parsers take files, so the bytes go to one, in the working directory. Build with -DMOPO_FUZZ=ON
 * for libFuzzer; without it replay.c runs every target over its corpus. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <mopo/mopo.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What holds of every input, assertions or not. */
static inline void fuzz_want(bool holds)
{
  if (!holds) abort();
}

static inline void fuzz_write(const char *path, const uint8_t *bytes, size_t n)
{
  FILE *f = fopen(path, "wb");
  fuzz_want(f && fwrite(bytes, 1, n, f) == n);
  fuzz_want(fclose(f) == 0);
}

/* A parser either gives something or says in one line why not. */
static inline void fuzz_check(mopo_status st, const mopo_error *err, const void *given)
{
  fuzz_want((st == MOPO_OK) == (given != NULL));
  if (st != MOPO_OK) fuzz_want(err->code == st && *err->msg && !strchr(err->msg, '\n'));
}

#endif
