/* bench.c - how fast is each stage of a run, beside what this processor's arithmetic allows? Every
 * repeat times the peak and our own product again: shared machines drift, ratios do less. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/watch.h"
#include "config/config.h"
#include "data/recorder.h"
#include "train/run.h"

enum { MAX_REPEATS = 101, ROLLOUT_ROWS = 50000, LOAD_ROWS = 100000, ITEMS = 10 };

/* ------------------------------------------------------------------ arithmetic, from the shapes */

/* 2 in out for each layer and row; without the first layer: the way back does not need it. */
static double forward_flop(const mlp *n, double rows, bool first)
{
  double sum = 0.0;
  for (int i = first ? 0 : 1; i < n->layers; i++)
    sum += 2.0 * rows * n->layer[i].in * n->layer[i].out;
  return sum;
}

static double sac_flop(int S, int A, double rows)
{
  mlp actor_net, critic;
  mlp_shape(&actor_net, kernels_best(), 3, (int[]){S, 256, 256, 2 * A}, MLP_RELU);
  mlp_shape(&critic, kernels_best(), 3, (int[]){S + A, 256, 256, 1}, MLP_RELU);
  double fa = forward_flop(&actor_net, rows, true), xa = forward_flop(&actor_net, rows, false);
  double fc = forward_flop(&critic, rows, true), xc = forward_flop(&critic, rows, false);
  /* actor twice forward, once back (inputs of layers, weights); critics: targets, data and new
   * actions forward, data back, and one critic a row back to the action */
  return 2 * fa + xa + fa + 2 * fc + 2 * fc + 2 * (xc + fc) + 2 * fc + xc + 2.0 * rows * 256 * A;
}

/* ------------------------------------------------------------------ things to time */

typedef struct bench {
  par *pool;
  const kernels *k;
  mopo_config c;
  mopo_dataset *data[2]; /* hopper's, halfcheetah's sizes */
  agent *sac[2];
  ensemble *model[2];
  imagine imagine;
  rollout *rollout;
  replay *ring;
  evaluator *evaluator;
  sim_world *world;
  const float **rows;
  uint64_t draws;
  float *x, *y, *w; /* [threads] products: 256 x 256 in panels */
  size_t product_floats;
  char file[64];
  mopo_error *err;
} bench;

typedef struct item {
  const char *name;
  double gflop, units;      /* units: what per_second counts */
  double (*time)(bench *b); /* seconds of one; < 0: cannot be timed here */
} item;

static const int SIZES[2][2] = {{11, 3}, {17, 6}};

static void peak_piece(void *ctx, int piece, int thread)
{
  bench *b = ctx;
  (void)thread;
  b->k->peak(b->y + (size_t)piece * b->product_floats, 2000000);
}

static double peak_gflops(bench *b)
{
  int T = par_threads(b->pool);
  double t = clock_seconds();
  par_run(b->pool, T, peak_piece, b);
  t = clock_seconds() - t;
  float sink[PANEL] __attribute__((aligned(64)));
  return b->k->peak(sink, 1) * 2000000.0 * T / t * 1e-9;
}

enum { PRODUCTS = 8 };

static void product_piece(void *ctx, int piece, int thread)
{
  bench *b = ctx;
  (void)thread;
  size_t at = (size_t)piece * b->product_floats;
  panels x = {b->x + at, 257 * PANEL}, y = {b->y + at, 257 * PANEL}, w = {b->w, 256 * PANEL};
  for (int i = 0; i < PRODUCTS; i++) b->k->gemm(y, x, w, NULL, (panels){0}, EP_RELU, 256, 256, 256);
}

static double product_gflops(bench *b)
{
  int T = par_threads(b->pool);
  double t = clock_seconds();
  par_run(b->pool, T, product_piece, b);
  return 2.0 * 256 * 256 * 256 * PRODUCTS * T / (clock_seconds() - t) * 1e-9;
}

static batch draw(bench *b, int which, bool mixed)
{
  int B = b->c.batch_size;
  return batch_draw(b->rows, B, b->data[which], mixed ? 12 : B, b->ring, rng_seed(7), b->draws++);
}

static double time_sac(bench *b, int which)
{
  enum { UPDATES = 20 };
  double spent = 0.0;
  for (int i = 0; i < UPDATES; i++) {
    batch rows = draw(b, which, false);
    double t = clock_seconds();
    agent_update(b->sac[which], &rows);
    spent += clock_seconds() - t;
  }
  return spent / UPDATES;
}
static double time_sac_hopper(bench *b) { return time_sac(b, 0); }
static double time_sac_cheetah(bench *b) { return time_sac(b, 1); }

/* Steps of a real fit, timed by its watcher; the first is warm-up. */
typedef struct stepper {
  double began, ended;
  int steps;
} stepper;

static bool on_step(void *ctx, int64_t done, int64_t total)
{
  stepper *s = ctx;
  (void)done, (void)total;
  s->ended = clock_seconds();
  if (s->steps++ == 0) s->began = s->ended;
  return s->steps > 12;
}

static double time_fit(bench *b, int which)
{
  fit_settings set = {.batch = 256,
                      .patience = 5,
                      .max_epochs = 1,
                      .holdout_max = 1000,
                      .lr = 1e-3,
                      .decay = 1.0,
                      .improvement = 0.01,
                      .holdout_ratio = 0.2};
  stepper s = {0};
  fit_watch watch = {NULL, on_step, &s};
  fit_result r;
  if (ensemble_fit(b->model[which], &r, b->data[which], &set, b->pool, rng_seed(1), &watch, NULL) !=
      MOPO_ESTOPPED)
    return -1.0;
  return (s.ended - s.began) / (s.steps - 1);
}
static double time_fit_hopper(bench *b) { return time_fit(b, 0); }
static double time_fit_cheetah(bench *b) { return time_fit(b, 1); }

static double time_rollout(bench *b)
{
  rollout_stats s;
  double t = clock_seconds();
  mopo_status st = rollout_run(b->rollout, &s, b->ring, b->data[1], agent_policy(b->sac[1]),
                               rng_seed(3), b->draws++, NULL, NULL, NULL);
  return st == MOPO_OK ? clock_seconds() - t : -1.0;
}

static double time_batch(bench *b)
{
  enum { BATCHES = 200 };
  double t = clock_seconds();
  for (int i = 0; i < BATCHES; i++) (void)draw(b, 1, true);
  return (clock_seconds() - t) / BATCHES;
}

/* Seconds for 1000 steps of the environment: an untrained hopper falls soon, so steps are counted.
 */
static double time_evaluation(bench *b)
{
  mopo_eval_result r;
  if (!b->evaluator) return -1.0;
  double t = clock_seconds();
  if (evaluator_run(&r, b->evaluator, agent_policy(b->sac[0]), rng_seed(b->draws++), NULL, NULL) !=
      MOPO_OK)
    return -1.0;
  return (clock_seconds() - t) / (r.length_mean * r.episodes) * 1000.0;
}

static double time_load(bench *b)
{
  mopo_dataset *d = NULL;
  double t = clock_seconds();
  if (mopo_dataset_load(&d, b->file, NULL, NULL) != MOPO_OK) return -1.0;
  t = clock_seconds() - t;
  mopo_dataset_free(d);
  return t;
}

/* ------------------------------------------------------------------ setting up */

static mopo_status random_data(mopo_dataset **out, int S, int A, int N, mopo_error *err)
{
  size_t n = (size_t)N, obs = n * (size_t)S, act = n * (size_t)A;
  float *block = calloc(2 * obs + act + n + 64, sizeof *block);
  unsigned char *ends = calloc(n, 1);
  mopo_status st = MOPO_OK;
  if (!block || !ends) {
    st = error_set(err, MOPO_ENOMEM, "bench: no memory");
    goto done;
  }
  rng_normals(block, (int)(2 * obs + act + n), rng_seed(5), (uint64_t)S);
  float *a = block + 2 * obs;
  for (size_t i = 0; i < act; i++) a[i] = fmaxf(-1.0f, fminf(1.0f, 0.3f * a[i]));
  st = mopo_dataset_from_arrays(out, N, S, A, block, a, a + act, block + obs, ends, NULL, err);
done:
  free(block);
  free(ends);
  return st;
}

static mopo_status write_file(bench *b, mopo_error *err)
{
  const mopo_dataset *d = b->data[1];
  recorder *r = NULL;
  snprintf(b->file, sizeof b->file, "/tmp/mopo-bench-%ld.hdf5", (long)getpid());
  mopo_status st = recorder_open(&r, b->file, d->at.S, d->at.A, 0, 0, err);
  for (int64_t i = 0; st == MOPO_OK && i < LOAD_ROWS; i++) {
    const float *row = dataset_row(d, i % d->N);
    st = recorder_add(r, row, row + d->at.act, row[d->at.rew], row + d->at.next, false,
                      i % 1000 == 999, NULL, NULL, NULL, err);
  }
  if (st == MOPO_OK) return recorder_close(r, err);
  recorder_abandon(r);
  return st;
}

static mopo_status set_up_sizes(bench *b, int which, mopo_error *err)
{
  int S = SIZES[which][0], A = SIZES[which][1];
  ensemble_settings shape = {7, 5, 200, 4};
  b->c.target_entropy = -A;
  agent_setup setup = {.config = &b->c, .S = S, .A = A, .pool = b->pool, .key = rng_seed(1)};
  mopo_status st = random_data(&b->data[which], S, A, 20000, err);
  if (st == MOPO_OK) st = agent_create(&b->sac[which], agent_find("sac"), &setup, err);
  if (st == MOPO_OK) st = ensemble_create(&b->model[which], &shape, S, A, rng_seed(2), err);
  return st;
}

static mopo_status set_up(bench *b, int threads, mopo_error *err)
{
  mopo_status st = par_create(&b->pool, threads, err);
  if (st != MOPO_OK) return st;
  b->k = kernels_best();
  b->c = config_default();
  if ((st = mopo_config_resolve(&b->c, "", "", 1, err)) != MOPO_OK) return st;
  size_t T = (size_t)par_threads(b->pool);
  b->product_floats = 257 * PANEL * (256 / PANEL);
  b->rows = calloc((size_t)b->c.batch_size, sizeof *b->rows);
  b->x = arena_aligned(T * b->product_floats * sizeof(float));
  b->y = arena_aligned(T * b->product_floats * sizeof(float));
  b->w = arena_aligned(256 * 256 * sizeof(float));
  if (!b->rows || !b->x || !b->y || !b->w) return error_set(err, MOPO_ENOMEM, "bench: no memory");
  rng_normals(b->w, 256 * 256, rng_seed(1), 0);
  for (size_t i = 0; i < T * b->product_floats; i++) b->x[i] = b->w[i % (256 * 256)];
  for (int i = 0; i < 2; i++)
    if ((st = set_up_sizes(b, i, err)) != MOPO_OK) return st;
  const actor *p = agent_policy(b->sac[1]);
  rollout_settings set = {.rows = ROLLOUT_ROWS, .length = 1};
  const mopo_task *hopper = mopo_task_find("hopper"), *cheetah = mopo_task_find("halfcheetah");
  b->imagine = (imagine){
      .m = b->model[1], .task = cheetah, .penalty = penalty_named("aleatoric"), .coef = 1.0};
  st = rollout_create(&b->rollout, &set, &b->imagine, p, b->pool, err);
  if (st == MOPO_OK) st = replay_create(&b->ring, 5 * ROLLOUT_ROWS, b->data[1]->at, err);
  if (st == MOPO_OK) st = write_file(b, err);
  if (st != MOPO_OK || !*mopo_simulator_version()) return st;
  st = sim_world_create(&b->world, hopper, SIM_D4RL, err);
  if (st != MOPO_OK) return st;
  return evaluator_create(&b->evaluator, hopper, b->world, agent_policy(b->sac[0]), 10, b->c.gamma,
                          b->pool, err);
}

static void tear_down(bench *b)
{
  evaluator_free(b->evaluator);
  sim_world_free(b->world);
  rollout_free(b->rollout);
  replay_free(b->ring);
  for (int i = 0; i < 2; i++) {
    if (b->sac[i]) agent_free(b->sac[i]);
    ensemble_free(b->model[i]);
    mopo_dataset_free(b->data[i]);
  }
  if (b->file[0]) unlink(b->file);
  free(b->rows), free(b->x), free(b->y), free(b->w);
  par_free(b->pool);
}

/* ------------------------------------------------------------------ repeats and medians */

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *x, int n)
{
  double s[MAX_REPEATS];
  memcpy(s, x, (size_t)n * sizeof *s);
  qsort(s, (size_t)n, sizeof *s, ascending);
  return n % 2 ? s[n / 2] : 0.5 * (s[n / 2 - 1] + s[n / 2]);
}

typedef struct sample {
  double ms[MAX_REPEATS], of_peak[MAX_REPEATS], of_product[MAX_REPEATS], floor[MAX_REPEATS];
  int n;
} sample;

static void add_sample(sample *s, double seconds, double gflop, double peak, double product)
{
  s->ms[s->n] = seconds * 1e3;
  s->floor[s->n] = gflop / peak * 1e3;
  s->of_peak[s->n] = gflop / peak / seconds;
  s->of_product[s->n] = gflop / product / seconds;
  s->n++;
}

static void add_row(mopo_bench_result *out, const char *name, int threads, const sample *s,
                    double gflop, double per)
{
  if (!s->n || out->rows == MOPO_BENCH_ROWS) return;
  double ms = median(s->ms, s->n), sorted[MAX_REPEATS];
  memcpy(sorted, s->ms, (size_t)s->n * sizeof *sorted);
  qsort(sorted, (size_t)s->n, sizeof *sorted, ascending);
  bool counted = gflop > 0.0;
  mopo_bench_row *r = &out->row[out->rows++];
  *r = (mopo_bench_row){.threads = threads,
                        .ms = ms,
                        .ms_min = sorted[0],
                        .ms_max = sorted[s->n - 1],
                        .gflop = counted ? gflop : NAN,
                        .floor_ms = counted ? median(s->floor, s->n) : NAN,
                        .of_peak = counted ? median(s->of_peak, s->n) : NAN,
                        .of_product = counted ? median(s->of_product, s->n) : NAN,
                        .per_second = per / ms * 1e3};
  snprintf(r->name, sizeof r->name, "%s", name);
}

static mopo_status bench_run(mopo_bench_result *out, bench *b, int repeats, const mopo_watch *watch,
                             mopo_error *err)
{
  int T = par_threads(b->pool);
  const mlp *actor_net = &agent_policy(b->sac[1])->net;
  double fit[2];
  for (int i = 0; i < 2; i++) {
    const mlp *m = &b->model[i]->net[0];
    fit[i] = 7 * (2 * forward_flop(m, 256, true) + forward_flop(m, 256, false)) * 1e-9;
  }
  double roll = 7 * forward_flop(&b->model[1]->net[0], ROLLOUT_ROWS, true) +
                forward_flop(actor_net, ROLLOUT_ROWS, true);
  const item items[ITEMS] = {
      {"sac update, hopper", sac_flop(11, 3, 256) * 1e-9, 1, time_sac_hopper},
      {"sac update, halfcheetah", sac_flop(17, 6, 256) * 1e-9, 1, time_sac_cheetah},
      {"ensemble step, hopper", fit[0], 1, time_fit_hopper},
      {"ensemble step, halfcheetah", fit[1], 1, time_fit_cheetah},
      {"rollout step, 50000 states", roll * 1e-9, ROLLOUT_ROWS, time_rollout},
      {"mixed batch of 256", 0, 1, time_batch},
      {"1000 evaluation steps, hopper", 0, 1000, time_evaluation},
      {"load 100000 rows, halfcheetah", 0, LOAD_ROWS, time_load}};
  sample *s = calloc(ITEMS + 2, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "bench: no memory");
  mopo_status st = MOPO_OK;
  for (int rep = 0; rep < repeats && st == MOPO_OK; rep++)
    for (int i = 0; items[i].name; i++) {
      double peak = peak_gflops(b), product = product_gflops(b), t = items[i].time(b);
      double one = 2.0 * 256 * 256 * 256 * 1e-9 * T;
      add_sample(&s[ITEMS], 1.0 / peak, 1.0, peak, product);
      s[ITEMS].n %= MAX_REPEATS;
      add_sample(&s[ITEMS + 1], one / product, one, peak, product);
      s[ITEMS + 1].n %= MAX_REPEATS;
      if (t > 0.0) add_sample(&s[i], t, items[i].gflop, peak, product);
      if (watch_stopped(watch)) {
        st = error_set(err, MOPO_ESTOPPED, "stopped after %d of %d repeats", rep, repeats);
        break;
      }
    }
  if (st == MOPO_OK) {
    add_row(out, "peak: 1 GFLOP of multiply-adds", T, &s[ITEMS], 1.0, 1);
    add_row(out, "product 256 x 256 x 256", T, &s[ITEMS + 1], 2.0 * 256 * 256 * 256 * 1e-9 * T, T);
    for (int i = 0; items[i].name; i++)
      add_row(out, items[i].name, T, &s[i], items[i].gflop, items[i].units);
  }
  free(s);
  return st;
}

mopo_status mopo_bench(mopo_bench_result *out, int threads, int repeats, const mopo_watch *watch,
                       mopo_error *err)
{
  out->rows = 0;
  if (repeats < 1 || repeats > MAX_REPEATS / 8)
    return error_set(err, MOPO_EINVAL, "repeats = %d, want 1 to %d", repeats, MAX_REPEATS / 8);
  if (threads < 0) return error_set(err, MOPO_EINVAL, "threads = %d, want 0 or more", threads);
  int most = threads ? threads : par_cores();
  mopo_status st = MOPO_OK;
  for (int pass = 0; pass < (most > 1 ? 2 : 1) && st == MOPO_OK; pass++) {
    bench b = {0};
    st = set_up(&b, pass ? most : 1, err);
    if (st == MOPO_OK) st = bench_run(out, &b, repeats, watch, err);
    tear_down(&b);
  }
  return st;
}
