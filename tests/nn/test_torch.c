/* test_torch.c - networks, heads and losses beside PyTorch in float64.
 *
 * Fixture and what is in it: tests/oracle/torch_fixture.py.
 *
 * Bound: sums of up to 60 products in three layers there and back, each rounded by 6e-8 (the errors
 * of different signs cancel, so that 1e-6 is the most to be expected), against the largest value of
 * the array: 1e-5. */
#include "check.h"

#include "nn/fixture.h"

static const double CLOSE = 1e-5;

/* ------------------------------------------------------------------ a network and its memory */

typedef struct network {
  mlp n;
  adam opt;
  mlp_acts acts;
  mlp_grads grads;
  float *gradient; /* like n.params */
  arena memory;
  int rows;
} network;

static void layout(network *w, arena *a)
{
  mlp_layout(&w->n, a);
  adam_layout(&w->opt, a, w->n.size);
  mlp_layout_transposes(&w->n, a);
  mlp_acts_layout(&w->acts, &w->n, a, w->rows, true);
  mlp_grads_layout(&w->grads, &w->n, a, w->rows);
  w->gradient = arena_floats(a, w->n.size);
}

static network *network_make(fixture f, const char *prefix, mlp_activation activation, int rows,
                             int layers, const int *sizes)
{
  network *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->rows = rows;
  mlp_shape(&w->n, kernels_best(), layers, sizes, activation);
  layout(w, &w->memory);
  assert_true(arena_alloc(&w->memory));
  layout(w, &w->memory);
  fixture_set(&w->n, f, prefix);
  adam_init(&w->opt, 1e-3);
  return w;
}

static void network_free(network *w)
{
  free(w->memory.base);
  free(w);
}

/* Rows x [rows,in] forward. */
static void go(network *w, const float *x)
{
  int in = w->n.layer[0].in;
  for (int r = 0; r < w->rows; r++)
    for (int c = 0; c < in; c++) *element(w->acts.h[0], r, c) = x[r * in + c];
  mlp_forward(&w->n, &w->acts, 0, w->rows, true);
}

static float output(const network *w, int r, int c)
{
  return *element(w->acts.h[w->n.layers], r, c);
}
static panels output_grad(const network *w) { return w->grads.g[w->n.layers - 1]; }

static void come_back(network *w)
{
  mlp_backward(&w->n, &w->acts, &w->grads, 0, w->rows);
  mlp_gradient(&w->n, w->gradient, &w->acts, &w->grads, w->rows);
}

/* ------------------------------------------------------------------ policy */

enum { A = 3, POLICY_ROWS = 16, POLICY_N = A * POLICY_ROWS };

/* [rows,A] of a fixture to columns [A,rows]. */
static float *columns(fixture f, const char *name)
{
  const float *x = fixture_get(f, name, POLICY_N);
  float *y = floats(POLICY_N);
  for (int r = 0; r < POLICY_ROWS; r++)
    for (int a = 0; a < A; a++) y[a * POLICY_ROWS + r] = x[r * A + a];
  return y;
}

/* L = 0.2 mean(log pi) + sum(dact * act). */
static void policy_is_pytorchs(void **state)
{
  (void)state;
  fixture f = fixture_open(FIXTURES "/torch_nn.safetensors");
  network *w = network_make(f, "actor", MLP_RELU, POLICY_ROWS, 3, (int[]){11, 32, 32, 2 * A});
  go(w, fixture_get(f, "actor.obs", POLICY_ROWS * 11));
  float *mean = floats(POLICY_N), *ls = floats(POLICY_N), *act = floats(POLICY_N);
  float *std = floats(POLICY_N), *dmean = floats(POLICY_N), *dls = floats(POLICY_N);
  float *logp = floats(POLICY_ROWS), *eps = columns(f, "actor.eps"),
        *dact = columns(f, "actor.dact");
  for (int r = 0; r < POLICY_ROWS; r++)
    for (int a = 0; a < A; a++) {
      mean[a * POLICY_ROWS + r] = output(w, r, a);
      ls[a * POLICY_ROWS + r] = output(w, r, A + a);
    }
  w->n.k->tanh_gauss(act, logp, std, mean, ls, eps, A, POLICY_ROWS, -5.0f, 2.0f);
  float *want = columns(f, "actor.act");
  check_array("action", act, want, POLICY_N, CLOSE);
  check_array("log pi", logp, fixture_get(f, "actor.logp", POLICY_ROWS), POLICY_ROWS, CLOSE);

  w->n.k->tanh_gauss_back(dmean, dls, dact, 0.2f / POLICY_ROWS, act, std, eps, A, POLICY_ROWS);
  int clipped = 0;
  for (int r = 0; r < POLICY_ROWS; r++)
    for (int a = 0; a < A; a++) {
      *element(output_grad(w), r, a) = dmean[a * POLICY_ROWS + r];
      *element(output_grad(w), r, A + a) = dls[a * POLICY_ROWS + r];
      clipped += std[a * POLICY_ROWS + r] < 0.0f;
    }
  assert_true(clipped > 5 && clipped < POLICY_N - 5);
  come_back(w);
  check_block(&w->n, w->gradient, 1.0, f, "actor.grad", CLOSE);
  free(mean), free(ls), free(act), free(std), free(dmean), free(dls), free(logp), free(eps);
  free(dact), free(want);
  network_free(w);
  fixture_close(f);
}

/* ------------------------------------------------------------------ critic */

static void critic_is_pytorchs(void **state)
{
  (void)state;
  enum { ROWS = 16 };
  fixture f = fixture_open(FIXTURES "/torch_nn.safetensors");
  network *w = network_make(f, "critic", MLP_RELU, ROWS, 3, (int[]){14, 32, 32, 1});
  const float *y = fixture_get(f, "critic.y", ROWS);
  double loss = 0.0;
  go(w, fixture_get(f, "critic.x", ROWS * 14));
  for (int r = 0; r < ROWS; r++) {
    float td = output(w, r, 0) - y[r];
    loss += (double)td * (double)td / ROWS;
    *element(output_grad(w), r, 0) = 2.0f * td / ROWS;
  }
  double want = (double)fixture_number(f, "critic.loss");
  check_near("loss", loss, want, CLOSE * want);
  come_back(w);
  check_block(&w->n, w->gradient, 1.0, f, "critic.grad", CLOSE);
  network_free(w);
  fixture_close(f);
}

/* ------------------------------------------------------------------ a member of the ensemble */

enum { D = 12, MODEL_ROWS = 20, MODEL_LAYERS = 3 };
static const float DECAY[MODEL_LAYERS] = {2.5e-5f, 5e-5f, 1e-4f};

/* Forward, loss, back; sums [4,PANEL] as kernels.gauss_nll adds them. */
static void model_pass(network *w, fixture f, float *sums)
{
  const float *y = fixture_get(f, "model.y", MODEL_ROWS * D);
  float *max = floats(D), *min = floats(D);
  memcpy(max, fixture_get(f, "model.max", D), D * sizeof *max);
  memcpy(min, fixture_get(f, "model.min", D), D * sizeof *min);
  memset(sums, 0, 4 * PANEL * sizeof *sums);
  go(w, fixture_get(f, "model.x", MODEL_ROWS * 14));
  w->n.k->gauss_nll(output_grad(w), sums, w->acts.h[w->n.layers], y, D, max, min,
                    1.0f / (MODEL_ROWS * D), MODEL_ROWS, D);
  come_back(w);
  free(max), free(min);
}

/* PyTorch counts the decay as part of the loss and of the gradient, Adam here adds it itself. */
static double add_decay(network *w)
{
  double loss = 0.0;
  for (int p = 0; p < mlp_pieces(&w->n); p++) {
    mlp_piece at = mlp_piece_at(&w->n, p);
    float *g = w->gradient + (at.w - w->n.params);
    for (size_t i = 0; i < at.w_size; i++) {
      g[i] += DECAY[at.layer] * at.w[i];
      loss += 0.5 * (double)DECAY[at.layer] * (double)at.w[i] * (double)at.w[i];
    }
  }
  return loss;
}

static void model_is_pytorchs(void **state)
{
  (void)state;
  fixture f = fixture_open(FIXTURES "/torch_nn.safetensors");
  network *w =
      network_make(f, "model", MLP_SWISH, MODEL_ROWS, MODEL_LAYERS, (int[]){14, 40, 40, 2 * D});
  float *sums = floats(4 * PANEL);
  model_pass(w, f, sums);
  double loss = add_decay(w), want = (double)fixture_number(f, "model.loss");
  for (int d = 0; d < D; d++) loss += (double)sums[2 * PANEL + d] / (MODEL_ROWS * D);
  check_near("loss", loss, want, CLOSE * fabs(want));
  check_block(&w->n, w->gradient, 1.0, f, "model.grad", CLOSE);
  check_array("max", sums, fixture_get(f, "model.grad.max", D), D, CLOSE);
  check_array("min", sums + PANEL, fixture_get(f, "model.grad.min", D), D, CLOSE);
  free(sums);
  network_free(w);
  fixture_close(f);
}

/* Three steps of Adam, lr 1e-3, with the decay in the step. */
static void steps_are_pytorchs(void **state)
{
  (void)state;
  enum { STEPS = 3 };
  fixture f = fixture_open(FIXTURES "/torch_nn.safetensors");
  network *w =
      network_make(f, "model", MLP_SWISH, MODEL_ROWS, MODEL_LAYERS, (int[]){14, 40, 40, 2 * D});
  float *sums = floats(4 * PANEL), *scratch = floats((int)mlp_scratch(&w->n));
  for (int t = 0; t < STEPS; t++) {
    model_pass(w, f, sums);
    adam_step step = adam_next(&w->opt);
    for (int p = 0; p < mlp_pieces(&w->n); p++) {
      float decay = DECAY[mlp_piece_at(&w->n, p).layer];
      mlp_piece_update(&w->n, p, &w->opt, step, &w->acts, &w->grads, MODEL_ROWS, NULL, decay,
                       scratch);
    }
  }
  check_steps(&w->n, w->n.params, &w->opt, STEPS, 1.0, f, "model.after");
  free(sums), free(scratch);
  network_free(w);
  fixture_close(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(policy_is_pytorchs),
      cmocka_unit_test(critic_is_pytorchs),
      cmocka_unit_test(model_is_pytorchs),
      cmocka_unit_test(steps_are_pytorchs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
