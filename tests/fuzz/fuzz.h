/* fuzz.h - a fuzz target is one file with one function: any bytes at all, and nothing may break.
 * Parsers take files, so the bytes become one, in memory (memory.c). Build with -DMOPO_FUZZ=ON for
 * libFuzzer; without it replay.c runs every target over its corpus. */
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

/* The only file of the directory FUZZ_DIR from now on. The path is one below it; bytes and path are
 * borrowed. */
#define FUZZ_DIR "/fuzz"
void fuzz_file(const char *path, const uint8_t *bytes, size_t n);
size_t fuzz_file_size(void); /* of what is left of it */

/* Inputs that were taken for what they claim to be; replay.c wants some. */
void fuzz_count_accepted(void);
long fuzz_accepted(void);

/* A parser either gives something or says in one line why not. */
static inline void fuzz_check(mopo_status st, const mopo_error *err, const void *given)
{
  if (st == MOPO_OK) fuzz_count_accepted();
  fuzz_want((st == MOPO_OK) == (given != NULL));
  if (st != MOPO_OK) fuzz_want(err->code == st && *err->msg && !strchr(err->msg, '\n'));
}

#endif
