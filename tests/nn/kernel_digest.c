/* kernel_digest.c - learns a little with every kernel and prints one number made of all the bits
 * that came out: the same on every processor. scripts/aarch64.sh compares this machine with an ARM.
 * Needs src/nn and src/base only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/mlp.h"

enum { ROWS = 70, S = 11, A = 3, D = S + 1, HIDDEN = 40, STEPS = 5, R = 80 };

static uint64_t digest = 14695981039346656037u; /* FNV-1a (Fowler, Noll, Vo) */

static void take(const float *x, size_t n)
{
  const unsigned char *b = (const unsigned char *)x;
  for (size_t i = 0; i < n * sizeof *x; i++) digest = (digest ^ b[i]) * 1099511628211u;
}

typedef struct learning {
  mlp net;
  mlp_acts acts;
  mlp_grads grads;
  adam opt;
  float *target, *bounds, *sums, *scratch;
  arena memory;
} learning;

static void layout(learning *l, arena *a)
{
  mlp_layout(&l->net, a);
  mlp_layout_transposes(&l->net, a);
  mlp_acts_layout(&l->acts, &l->net, a, ROWS, true);
  mlp_grads_layout(&l->grads, &l->net, a, ROWS);
  adam_layout(&l->opt, a, l->net.size);
  l->target = arena_floats(a, ROWS * D);
  l->bounds = arena_floats(a, 2 * PANEL);
  l->sums = arena_floats(a, 4 * PANEL);
  l->scratch = arena_floats(a, mlp_scratch(&l->net));
}

/* A network with the given output: 1 learns squares, 2D the Gaussian likelihood. */
static void learn(const kernels *k, int outputs, mlp_activation activation)
{
  learning l = {0};
  mlp_shape(&l.net, k, 3, (int[]){S + A, HIDDEN, HIDDEN, outputs}, activation);
  layout(&l, &l.memory);
  if (!arena_alloc(&l.memory)) exit(1);
  layout(&l, &l.memory);
  mlp_initialise(&l.net, MLP_FAN_IN, rng_seed(1));
  adam_init(&l.opt, 1e-3);
  for (int d = 0; d < D; d++) l.bounds[d] = 0.5f, l.bounds[PANEL + d] = -10.0f;
  for (int c = 0; c < S + A; c++)
    for (int r = 0; r < ROWS; r++) {
      float z[4];
      rng_normals(z, 4, rng_seed(2), (uint64_t)(c * ROWS + r));
      l.acts.h[0].x[r * PANEL + c] = z[0];
      if (c < D) l.target[r * D + c] = z[1];
    }
  for (int t = 0; t < STEPS; t++) {
    mlp_forward(&l.net, &l.acts, 0, ROWS, true);
    panels y = l.acts.h[3], g = l.grads.g[2];
    if (outputs == 1)
      for (int r = 0; r < ROWS; r++) g.x[r * PANEL] = y.x[r * PANEL] - l.target[r * D];
    else
      k->gauss_nll(g, l.sums, y, l.target, D, l.bounds, l.bounds + PANEL, 1.0f / ROWS, ROWS, D);
    mlp_backward(&l.net, &l.acts, &l.grads, 0, ROWS);
    adam_step step = adam_next(&l.opt);
    for (int p = 0; p < mlp_pieces(&l.net); p++)
      mlp_piece_update(&l.net, p, &l.opt, step, &l.acts, &l.grads, ROWS, NULL, 1e-4f, l.scratch);
  }
  take(l.net.params, l.net.size);
  for (int i = 0; i < 4; i++) take(l.sums + i * PANEL, D); /* nobody reads the lanes past D */
  free(l.memory.base);
}

static void heads(const kernels *k)
{
  static float x[8][A * R] __attribute__((aligned(64)));
  static const float EDGE[] = {-200.0f, -88.0f, -1e-8f, 0.0f, 1e-8f, 0.6f, 20.0f, 90.0f};
  rng_key key = rng_seed(3);
  for (int i = 0; i < 3; i++) k->normals(x[i], A * R - A * R % 4, key.k[0], key.k[1], 5, 64);
  memcpy(x[1], EDGE, sizeof EDGE);
  k->tanh_gauss(x[3], x[4], x[5], x[0], x[1], x[2], A, R, -5.0f, 2.0f);
  take(x[3], A * R), take(x[4], R), take(x[5], A * R);
  k->tanh_gauss_back(x[6], x[7], x[0], 0.1f, x[3], x[5], x[2], A, R);
  take(x[6], A * R), take(x[7], A * R);
  void (*const each[])(float *, const float *, size_t) = {k->exp, k->log, k->tanh, k->softplus,
                                                          k->sigmoid};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++)
    each[i](x[7], x[1], A * R), take(x[7], A * R);
}

int main(void)
{
  for (int i = 0; kernels_at(i); i++) {
    const kernels *k = kernels_at(i);
    digest = 14695981039346656037u;
    learn(k, 1, MLP_RELU);
    learn(k, 2 * D, MLP_SWISH);
    heads(k);
    printf("%016llx\n", (unsigned long long)digest);
  }
  return 0;
}
