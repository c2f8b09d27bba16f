/* test_mlp.c - the function, its gradient by central differences in double, the optimiser in
 * double, and that neither threads nor padding leave a trace. */
#include "check.h"

#include "nn/mlp.h"
#include "nn/reference.h"

static const rng_key KEY = {{21, 34}};

/* A network with all that it needs to learn from `rows` rows. */
typedef struct network {
  mlp n;
  adam opt;
  mlp_acts acts;
  mlp_grads grads;
  panels dx;
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
  w->dx = panels_layout(a, w->rows, w->n.layer[0].in);
}

typedef struct shape {
  mlp_activation activation;
  int rows, layers, size[MLP_LAYERS + 1];
} shape;

/* What the actor, the critics and the ensemble are, smaller; then odd ones. The big ones have
 * layers that are no whole number of panels, whole panels and one more column than that. */
static const shape SHAPES[] = {
    {MLP_RELU, 7, 3, {11, 32, 32, 6}},
    {MLP_RELU, 5, 3, {14, 32, 23, 1}},
    {MLP_SWISH, 6, 4, {14, 20, 23, 16, 24}},
    {MLP_SWISH, 4, 2, {3, 17, 1}},
    {MLP_RELU, 1, 1, {5, 1}},
    {MLP_SWISH, 9, 1, {1, 3}},
    {MLP_RELU, 3, 2, {33, 1, 2}},
    {MLP_RELU, 18, 2, {2, 48, 17}},
    {MLP_RELU, 3, 3, {14, 200, 23, 1}},
    {MLP_SWISH, 3, 3, {23, 200, 200, 24}},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

static network *network_make(const shape *s)
{
  network *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->rows = s->rows;
  mlp_shape(&w->n, kernels_best(), s->layers, s->size, s->activation);
  layout(w, &w->memory);
  assert_true(arena_alloc(&w->memory));
  layout(w, &w->memory);
  mlp_initialise(&w->n, MLP_FAN_IN, KEY);
  adam_init(&w->opt, 1e-3);
  return w;
}

static void network_free(network *w)
{
  free(w->memory.base);
  free(w);
}

static int inputs(const network *w) { return w->n.layer[0].in; }
static int outputs(const network *w) { return w->n.layer[w->n.layers - 1].out; }
static panels output(const network *w) { return w->acts.h[w->n.layers]; }
static panels output_grad(const network *w) { return w->grads.g[w->n.layers - 1]; }

/* Random inputs, and random slopes of a loss at the outputs. */
static void fill_batch(network *w, uint64_t number)
{
  rng_stream s = rng_stream_of(rng_index(KEY, number));
  for (int r = 0; r < w->rows; r++) {
    for (int c = 0; c < inputs(w); c++) *element(w->acts.h[0], r, c) = draw(&s, 2.0f);
    for (int c = 0; c < outputs(w); c++) *element(output_grad(w), r, c) = draw(&s, 1.0f);
  }
}

/* ------------------------------------------------------------------ forward */

/* Chains of at most 201 fused steps, of values around 1: an error of 1e-6 is the most that was to
 * be expected of a random walk of roundings, ten times that is a mistake. */
static const double CLOSE = 1e-5;

static void forward_is_the_function(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *w = network_make(&SHAPES[i]);
    ref_net ref = ref_of(&w->n);
    fill_batch(w, 0);
    mlp_forward(&w->n, &w->acts, 0, w->rows, false);
    double x[REF_WIDTH], y[REF_WIDTH];
    for (int r = 0; r < w->rows; r++) {
      for (int c = 0; c < inputs(w); c++) x[c] = (double)*element(w->acts.h[0], r, c);
      ref_forward(&ref, y, x);
      for (int c = 0; c < outputs(w); c++)
        check_near("output", (double)*element(output(w), r, c), y[c], CLOSE * (1.0 + fabs(y[c])));
    }
    ref_free(&ref);
    network_free(w);
  }
}

/* The outputs are the same whether or not the way back is prepared. */
static void forward_does_not_depend_on_the_way_back(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *w = network_make(&SHAPES[i]);
    fill_batch(w, 0);
    size_t size = (size_t)(padded(outputs(w)) / PANEL) * output(w).stride;
    float *want = floats((int)size);
    mlp_forward(&w->n, &w->acts, 0, w->rows, false);
    memcpy(want, output(w).x, size * sizeof *want);
    memset(output(w).x, 0, size * sizeof *want);
    mlp_forward(&w->n, &w->acts, 0, w->rows, true);
    assert_memory_equal(output(w).x, want, size * sizeof *want);
    free(want);
    network_free(w);
  }
}

/* ------------------------------------------------------------------ gradient */

/* L = sum over rows and outputs of slope * output, in double. */
typedef struct linear_loss {
  const network *w;
  ref_net ref;
  double *x; /* [rows,in] */
} linear_loss;

static double loss_of(void *ctx)
{
  linear_loss *l = ctx;
  double sum = 0.0, y[REF_WIDTH];
  for (int r = 0; r < l->w->rows; r++) {
    ref_forward(&l->ref, y, l->x + r * inputs(l->w));
    for (int c = 0; c < outputs(l->w); c++) sum += (double)*element(output_grad(l->w), r, c) * y[c];
  }
  return sum;
}

static linear_loss loss_make(const network *w)
{
  linear_loss l = {w, ref_of(&w->n), doubles((size_t)(w->rows * inputs(w)))};
  for (int r = 0; r < w->rows; r++)
    for (int c = 0; c < inputs(w); c++)
      l.x[r * inputs(w) + c] = (double)*element(w->acts.h[0], r, c);
  return l;
}

static void loss_free(linear_loss *l)
{
  ref_free(&l->ref);
  free(l->x);
}

/* Every step-th of n numbers at `at` against what was computed for them. The scale is the largest
 * of them all: a small sum of large terms is no better known than they are. */
static void check_slopes(const char *what, linear_loss *l, double *at, const float *got, int n,
                         int step)
{
  double *want = doubles((size_t)n), largest = 0.0;
  for (int i = 0; i < n; i += step) {
    want[i] = slope(loss_of, l, at + i, 1e-6);
    largest = fmax(largest, fabs(want[i]));
  }
  for (int i = 0; i < n; i += step)
    check_near(what, (double)got[i], want[i], CLOSE * largest + 1e-9);
  free(want);
}

static void gradient_is_the_slope(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *w = network_make(&SHAPES[i]), *g = network_make(&SHAPES[i]);
    fill_batch(w, 1);
    mlp_forward(&w->n, &w->acts, 0, w->rows, true);
    mlp_backward(&w->n, &w->acts, &w->grads, 0, w->rows);
    mlp_gradient(&w->n, g->n.params, &w->acts, &w->grads, w->rows);
    mlp_backward_input(&w->n, w->dx, &w->grads, 0, w->rows, 0, inputs(w));

    linear_loss l = loss_make(w);
    for (int k = 0; k < w->n.layers; k++) {
      const mlp_layer *y = &w->n.layer[k];
      float *dw = floats(y->in * y->out), *db = floats(y->out);
      mlp_get(&g->n, k, dw, db);
      int step = y->in * y->out > 2000 ? 37 : 1; /* of the big ones a part, by a prime */
      check_slopes("weight", &l, l.ref.w[k], dw, y->in * y->out, step);
      check_slopes("bias", &l, l.ref.b[k], db, y->out, 1);
      free(dw), free(db);
    }
    float *dx = floats(w->rows * inputs(w));
    for (int r = 0; r < w->rows; r++)
      for (int c = 0; c < inputs(w); c++) dx[r * inputs(w) + c] = *element(w->dx, r, c);
    check_slopes("input", &l, l.x, dx, w->rows * inputs(w), 1);
    /* No unit was so near its kink that a step of 1e-6 could cross it. */
    assert_true(l.ref.kink > 1e-5);
    free(dx);
    loss_free(&l);
    network_free(w), network_free(g);
  }
}

/* Of the input's gradient only the panels that were asked for are written. */
static void input_gradient_keeps_to_its_columns(void **state)
{
  (void)state;
  static const shape wide = {MLP_RELU, 4, 2, {70, 20, 1}};
  network *all = network_make(&wide), *part = network_make(&wide);
  network *both[] = {all, part};
  for (int i = 0; i < 2; i++) {
    network *w = both[i];
    fill_batch(w, 2);
    mlp_forward(&w->n, &w->acts, 0, w->rows, true);
    mlp_backward(&w->n, &w->acts, &w->grads, 0, w->rows);
    for (int c = 0; c < padded(70); c++)
      for (int r = 0; r < w->rows; r++) *element(w->dx, r, c) = GUARD;
  }
  mlp_backward_input(&all->n, all->dx, &all->grads, 0, 4, 0, 70);
  mlp_backward_input(&part->n, part->dx, &part->grads, 0, 4, 30, 34); /* panels 1 and 2 */
  for (int r = 0; r < 4; r++)
    for (int c = 0; c < 70; c++) {
      float want = c >= 16 && c < 48 ? *element(all->dx, r, c) : GUARD;
      assert_true(*element(part->dx, r, c) == want);
      assert_true(*element(all->dx, r, c) != GUARD);
    }
  network_free(all), network_free(part);
}

/* Rows in stretches of any length: the same bits as all at once. */
static void rows_do_not_know_of_each_other(void **state)
{
  (void)state;
  static const shape sizes = {MLP_SWISH, 70, 3, {14, 23, 40, 6}};
  network *whole = network_make(&sizes), *cut = network_make(&sizes);
  size_t activations = (size_t)((char *)whole->dx.x - (char *)whole->acts.h[0].x);
  fill_batch(whole, 3);
  mlp_forward(&whole->n, &whole->acts, 0, 70, true);
  mlp_backward(&whole->n, &whole->acts, &whole->grads, 0, 70);
  for (int step = 1; step <= 64; step += step < 20 ? 1 : 11) {
    fill_batch(cut, 3);
    for (int r = 0; r < 70; r += step) {
      int n = 70 - r < step ? 70 - r : step;
      mlp_forward(&cut->n, &cut->acts, r, n, true);
      mlp_backward(&cut->n, &cut->acts, &cut->grads, r, n);
    }
    assert_memory_equal(cut->acts.h[0].x, whole->acts.h[0].x, activations);
  }
  network_free(whole), network_free(cut);
}

/* ------------------------------------------------------------------ pieces and Adam */

static void pieces_are_the_whole_block(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *w = network_make(&SHAPES[i]);
    int *seen = calloc(w->n.size, sizeof *seen);
    assert_non_null(seen);
    for (int p = 0; p < mlp_pieces(&w->n); p++) {
      mlp_piece at = mlp_piece_at(&w->n, p);
      assert_true(at.w_size + at.b_size <= mlp_scratch(&w->n));
      for (size_t k = 0; k < at.w_size; k++) seen[at.w - w->n.params + (ptrdiff_t)k]++;
      for (size_t k = 0; k < at.b_size; k++) seen[at.b - w->n.params + (ptrdiff_t)k]++;
    }
    for (size_t k = 0; k < w->n.size; k++) assert_int_equal(seen[k], 1);
    free(seen);
    network_free(w);
  }
}

/* Each transpose is what mlp_transpose makes of the weights now. */
static void check_transposes(const network *w)
{
  for (int i = 0; i < w->n.layers; i++) {
    const mlp_layer *l = &w->n.layer[i];
    float *weight = floats(l->in * l->out), *bias = floats(l->out);
    mlp_get(&w->n, i, weight, bias);
    for (int o = 0; o < l->out; o++)
      for (int k = 0; k < l->in; k++) {
        int rows = l->single ? 1 : padded(l->out);
        float t = l->wt[(k / PANEL * rows + o) * PANEL + k % PANEL];
        assert_true(t == weight[o * l->in + k]);
      }
    free(weight), free(bias);
  }
}

/* What is in the block but no parameter is zero and stays so. */
static void check_zeros(const network *w)
{
  mlp copy = w->n;
  double sum = 0.0, whole = 0.0;
  for (size_t i = 0; i < copy.size; i++) whole += fabs((double)copy.params[i]);
  for (int i = 0; i < copy.layers; i++) {
    const mlp_layer *l = &copy.layer[i];
    float *weight = floats(l->in * l->out), *bias = floats(l->out);
    mlp_get(&copy, i, weight, bias);
    for (int k = 0; k < l->in * l->out; k++) sum += fabs((double)weight[k]);
    for (int k = 0; k < l->out; k++) sum += fabs((double)bias[k]);
    free(weight), free(bias);
  }
  assert_true(fabs(sum - whole) <= 1e-9 * whole);
}

/* All pieces of one update, in any order. */
static void update(network *w, mlp *target, float decay, float tau, bool backwards)
{
  float *scratch = floats((int)mlp_scratch(&w->n));
  adam_step step = adam_next(&w->opt);
  step.tau = tau;
  int pieces = mlp_pieces(&w->n);
  for (int p = 0; p < pieces; p++)
    mlp_piece_update(&w->n, backwards ? pieces - 1 - p : p, &w->opt, step, &w->acts, &w->grads,
                     w->rows, target, decay, scratch);
  free(scratch);
}

static void learn(network *w, network *target, int steps, bool backwards)
{
  for (int t = 0; t < steps; t++) {
    fill_batch(w, (uint64_t)(100 + t));
    mlp_forward(&w->n, &w->acts, 0, w->rows, true);
    mlp_backward(&w->n, &w->acts, &w->grads, 0, w->rows);
    update(w, &target->n, 1e-3f, 0.1f, backwards);
  }
}

static void updates_keep_transposes_and_padding(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *w = network_make(&SHAPES[i]), *target = network_make(&SHAPES[i]);
    network *again = network_make(&SHAPES[i]), *target2 = network_make(&SHAPES[i]);
    learn(w, target, 3, false);
    learn(again, target2, 3, true);
    check_transposes(w);
    check_zeros(w);
    check_zeros(target);
    size_t bytes = w->n.size * sizeof(float);
    assert_memory_equal(w->n.params, again->n.params, bytes);
    assert_memory_equal(target->n.params, target2->n.params, bytes);
    assert_memory_equal(w->opt.m, again->opt.m, bytes);
    assert_memory_equal(w->opt.v, again->opt.v, bytes);
    network_free(w), network_free(target), network_free(again), network_free(target2);
  }
}

/* Fifty steps of Adam (Kingma & Ba 2015, algorithm 1, with bias correction) in double. */
typedef struct adam_reference {
  double *w, *m, *v, *target;
} adam_reference;

static void reference_step(adam_reference *a, const float *grad, size_t n, int t, double decay,
                           double lr, double tau)
{
  for (size_t i = 0; i < n; i++) {
    double g = (double)grad[i] + decay * a->w[i];
    a->m[i] = 0.9 * a->m[i] + 0.1 * g;
    a->v[i] = 0.999 * a->v[i] + 0.001 * g * g;
    double m = a->m[i] / (1.0 - pow(0.9, t)), v = a->v[i] / (1.0 - pow(0.999, t));
    a->w[i] -= lr * m / (sqrt(v) + 1e-8);
    a->target[i] += tau * (a->w[i] - a->target[i]);
  }
}

/* Bound. 0.999 as a float is 1.3e-8 too large, so 1 - beta2 is 1.3e-5 too small, sqrt(v) 6.5e-6:
 * with the roundings a step is off by less than 1e-5 of itself (a step is at most 10 lr: m has ten
 * gradients' memory, v a thousand's), and w by half a unit in its last place each time. */
static void adam_follows_the_paper(void **state)
{
  (void)state;
  enum { STEPS = 50 };
  static const double lr = 1e-3, tau = 0.005;
  static const float decay = 0.0078125f; /* weights only */
  static const shape sizes = {MLP_RELU, 1, 2, {14, 23, 1}};
  network *w = network_make(&sizes), *target = network_make(&sizes);
  size_t n = w->n.size;
  adam_reference a = {doubles(n), doubles(n), doubles(n), doubles(n)};
  for (size_t i = 0; i < n; i++) a.w[i] = a.target[i] = (double)w->n.params[i];
  float *grad = floats((int)n);
  for (int t = 1; t <= STEPS; t++) {
    rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)t));
    for (size_t i = 0; i < n; i++) grad[i] = draw(&s, 0.1f) + 0.03f * (float)(i % 3);
    adam_step step = adam_next(&w->opt);
    step.tau = (float)tau;
    for (int p = 0; p < mlp_pieces(&w->n); p++) {
      mlp_piece at = mlp_piece_at(&w->n, p);
      size_t dw = (size_t)(at.w - w->n.params), db = (size_t)(at.b - w->n.params);
      mlp_piece_apply(&w->n, p, &w->opt, step, grad + dw, grad + db, &target->n, decay);
      adam_reference weights = {a.w + dw, a.m + dw, a.v + dw, a.target + dw};
      adam_reference biases = {a.w + db, a.m + db, a.v + db, a.target + db};
      reference_step(&weights, grad + dw, at.w_size, t, (double)decay, lr, tau);
      reference_step(&biases, grad + db, at.b_size, t, 0.0, lr, tau);
    }
  }
  for (size_t i = 0; i < n; i++) {
    double bound = STEPS * (10.0 * lr * 1e-5 + 0x1p-24 * (1.0 + fabs(a.w[i])));
    check_near("weight", (double)w->n.params[i], a.w[i], bound);
    check_near("target", (double)target->n.params[i], a.target[i], bound);
  }
  check_transposes(w);
  free(a.w), free(a.m), free(a.v), free(a.target), free(grad);
  network_free(w), network_free(target);
}

/* ------------------------------------------------------------------ parameters */

static void get_and_set_are_inverse(void **state)
{
  (void)state;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    network *from = network_make(&SHAPES[i]), *to = network_make(&SHAPES[i]);
    network *copy = network_make(&SHAPES[i]);
    size_t bytes = from->n.size * sizeof(float);
    mlp_initialise(&from->n, MLP_FAN_IN, rng_split(KEY, "other"));
    assert_memory_not_equal(from->n.params, to->n.params, bytes);
    for (int k = 0; k < from->n.layers; k++) {
      const mlp_layer *l = &from->n.layer[k];
      float *w = floats(l->in * l->out), *b = floats(l->out);
      mlp_get(&from->n, k, w, b);
      mlp_set(&to->n, k, w, b);
      free(w), free(b);
    }
    mlp_copy(&copy->n, &from->n);
    assert_memory_equal(to->n.params, from->n.params, bytes);
    assert_memory_equal(copy->n.params, from->n.params, bytes);
    check_transposes(to);
    check_transposes(copy);
    network_free(from), network_free(to), network_free(copy);
  }
}

/* Weights of a layer [out,in] as torch has them: o's row is one stretch. */
static void order_is_torch_linear(void **state)
{
  (void)state;
  static const shape sizes = {MLP_RELU, 1, 1, {3, 20}};
  network *w = network_make(&sizes);
  float *weight = floats(60), *bias = floats(20);
  weight[17 * 3 + 2] = 5.0f, bias[17] = 0.25f;
  mlp_set(&w->n, 0, weight, bias);
  *element(w->acts.h[0], 0, 2) = 2.0f;
  mlp_forward(&w->n, &w->acts, 0, 1, false);
  for (int c = 0; c < 20; c++) assert_true(*element(output(w), 0, c) == (c == 17 ? 10.25f : 0.0f));
  free(weight), free(bias);
  network_free(w);
}

typedef struct moments {
  double most, square; /* largest |x|, mean of x^2 */
} moments;

static moments moments_of(const float *x, int n)
{
  moments m = {0};
  for (int i = 0; i < n; i++) {
    m.most = fmax(m.most, fabs((double)x[i]));
    m.square += (double)x[i] * (double)x[i] / n;
  }
  return m;
}

/* n draws of variance `var` within +-bound that reach near it. A mean square over n draws of these
 * distributions has a relative deviation below 1 / sqrt(n); 6 of them. */
static void check_draws(const float *x, int n, double bound, double var)
{
  moments m = moments_of(x, n);
  assert_true(m.most <= bound * (1.0 + 1e-6) && m.most > (0.98 - 20.0 / n) * bound);
  check_near("variance of weights", m.square, var, 6.0 * var / sqrt(n));
}

static void initial_weights_follow_their_schemes(void **state)
{
  (void)state;
  enum { IN = 100, OUT = 90, N = IN * OUT };
  static const shape sizes = {MLP_SWISH, 1, 2, {IN, OUT, IN}};
  network *w = network_make(&sizes);
  float *weight = floats(N), *bias = floats(OUT), *second = floats(N), *bias2 = floats(IN);
  for (int scheme = MLP_GLOROT; scheme <= MLP_TRUNCATED; scheme++) {
    mlp_initialise(&w->n, (mlp_init)scheme, KEY);
    check_transposes(w);
    check_zeros(w);
    mlp_get(&w->n, 0, weight, bias);
    mlp_get(&w->n, 1, second, bias2);
    double fan = sqrt(1.0 / IN), glorot = sqrt(6.0 / (IN + OUT)), std = 0.5 / sqrt(IN);
    /* variance of a normal cut off at two sigmas: 1 - 4 phi(2) / (1 - 2 Phi(-2)) */
    double cut = 1.0 - 4.0 * exp(-2.0) / sqrt(2.0 * acos(-1.0)) / erf(sqrt(2.0));
    if (scheme == MLP_GLOROT) check_draws(weight, N, glorot, glorot * glorot / 3.0);
    if (scheme == MLP_FAN_IN) check_draws(weight, N, fan, fan * fan / 3.0);
    if (scheme == MLP_FAN_IN) check_draws(bias, OUT, fan, fan * fan / 3.0);
    if (scheme == MLP_TRUNCATED) check_draws(weight, N, 2.0 * std, cut * std * std);
    if (scheme != MLP_FAN_IN) assert_true(moments_of(bias, OUT).most == 0.0);
    double product = 0.0, scale = moments_of(weight, N).square;
    for (int i = 0; i < N; i++) product += (double)weight[i] * (double)second[i] / N;
    check_near("layers in common", product, 0.0, 7.0 * scale / sqrt(N));
  }
  free(weight), free(bias), free(second), free(bias2);
  network_free(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_is_the_function),
      cmocka_unit_test(forward_does_not_depend_on_the_way_back),
      cmocka_unit_test(gradient_is_the_slope),
      cmocka_unit_test(input_gradient_keeps_to_its_columns),
      cmocka_unit_test(rows_do_not_know_of_each_other),
      cmocka_unit_test(pieces_are_the_whole_block),
      cmocka_unit_test(updates_keep_transposes_and_padding),
      cmocka_unit_test(adam_follows_the_paper),
      cmocka_unit_test(get_and_set_are_inverse),
      cmocka_unit_test(order_is_torch_linear),
      cmocka_unit_test(initial_weights_follow_their_schemes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
