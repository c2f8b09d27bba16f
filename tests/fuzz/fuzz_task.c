/* fuzz_task.c - any bytes as a task file. What is accepted has columns and ranges, its rules judge
 * a step, and its text is kept. */
#include "fuzz.h"

#include "task/task.h"

enum { WIDE = 1 << 12 };

/* Steps from all zeros to all ones: whatever the rules say of it, it is 0 or 1, and finite. */
static void judge(const mopo_task *t)
{
  static float obs[WIDE], act[WIDE], next[WIDE];
  const int S = t->facts.obs_dim, A = t->facts.act_dim;
  mopo_error err = {0};
  task_scratch *s = NULL;
  const float *from = obs, *done_by = act;
  float *to = next, rew = 0.0f;
  unsigned char done = 2;
  if (S > WIDE || A > WIDE) return;
  for (int i = 0; i < WIDE; i++) next[i] = 1.0f;
  fuzz_want(task_scratch_create(&s, t, S, A, 1, &err) == MOPO_OK);
  fuzz_want(task_judge(s, &done, &rew, &from, &done_by, &to, 1, &err) == MOPO_OK);
  fuzz_want(done <= 1 && rew - rew == 0.0f);
  (void)task_within_limit(s, from, done_by, to);
  task_scratch_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  mopo_task *t = NULL;
  fuzz_file(FUZZ_DIR "/ini", bytes, n);
  mopo_status st = mopo_task_load(&t, FUZZ_DIR "/ini", &err);
  fuzz_check(st, &err, t);
  if (!t) return 0;
  const task_rules *r = t->rules;
  fuzz_want(r && r->S > 0 && r->A > 0 && r->history > 0);
  fuzz_want(t->facts.obs_dim == r->history * r->S + (r->history - 1) * r->A);
  for (int i = 0; i < r->A; i++) fuzz_want(r->ranges[2 * i] < r->ranges[2 * i + 1]);
  judge(t);
  fuzz_want(r->bytes == n && memcmp(r->text, bytes, n) == 0);
  mopo_task_free(t);
  return 0;
}
