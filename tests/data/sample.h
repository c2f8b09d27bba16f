/* sample.h - the transitions of tests/oracle/h5py_check.py, by formula; exact in float32. */
#ifndef TESTS_DATA_SAMPLE_H
#define TESTS_DATA_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum { SAMPLE_N = 40, SAMPLE_S = 3, SAMPLE_A = 2 };

static inline float sample_obs(int64_t i, int s) { return (float)i + (float)s / 8.0f; }
static inline float sample_act(int64_t i, int a)
{
  return (float)((i * 7 + a * 3) % 17 - 8) / 8.0f;
}
static inline float sample_rew(int64_t i) { return (float)i / 4.0f; }
static inline float sample_next(int64_t i, int s) { return sample_obs(i, s) + 0.5f; }
static inline bool sample_terminal(int64_t i) { return i == 9 || i == 25; }
static inline bool sample_timeout(int64_t i) { return i == 19 || i == 33; }

#endif
