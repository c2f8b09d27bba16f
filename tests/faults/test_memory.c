/* test_memory.c [long] - allocation number k fails, for k = 1, 2, 3, ... until nothing fails any
 * more: each time MOPO_ENOMEM, nothing left behind. For some k (with `long` for all, and for more
 * algorithms) all that follow fail too. */
#include "config/config.h"
#include "faults/faults.h"
#include "faults/tiny.h"

#include "base/error.h"
#include "io/safetensors.h"
#include "model/fit_state.h"
#include "run/fitlog.h"
#include "run/result.h"

typedef mopo_status scenario(mopo_error *err);

static bool long_form;

static long fail_each(const char *name, scenario *run, bool stays)
{
  for (long k = 1;; k += stays && !long_form ? 7 : 1) {
    mopo_error err = {0};
    int files = fault_open_files();
    long blocks = fault_live_blocks();
    fault_arm(FAULT_MEMORY, k, stays);
    mopo_status st = run(&err);
    bool fired = fault_disarm();
    if (st != (fired ? MOPO_ENOMEM : MOPO_OK) || (fired && (!*err.msg || strchr(err.msg, '\n'))))
      fail_msg("%s, allocation %ld: status %d, '%s'", name, k, (int)st, err.msg);
    if (fault_live_blocks() != blocks || fault_open_files() != files)
      fail_msg("%s, allocation %ld: %ld blocks and %d files are left ('%s')", name, k,
               fault_live_blocks() - blocks, fault_open_files() - files, err.msg);
    if (!fired) return k - 1;
  }
}

static void each(const char *name, scenario *run)
{
  long n = fail_each(name, run, false);
  fail_each(name, run, true);
  print_message("%-22s %5ld allocations\n", name, n);
  assert_true(n > 0);
}

/* ------------------------------------------------------------------ data */

static mopo_dataset *data; /* of all tests */

static mopo_status save_and_load(const char *path, mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  mopo_status st = mopo_dataset_save(data, path, err);
  if (st == MOPO_OK) st = mopo_dataset_load(&d, path, NULL, err);
  if (st == MOPO_OK) st = mopo_dataset_describe(&info, d, err);
  mopo_dataset_free(d);
  return st;
}

static mopo_status hdf5(mopo_error *err) { return save_and_load("memory.hdf5", err); }
static mopo_status npz(mopo_error *err) { return save_and_load("memory.npz", err); }

static mopo_status csv(mopo_error *err)
{
  mopo_dataset *d = NULL;
  static const double range[2] = {-2, 2};
  mopo_import how = {.size = sizeof how,
                     .columns = "obs=x,v;act=u;reward=r;episode=e;time=t",
                     .action_ranges = range,
                     .n_action_ranges = 1};
  mopo_status st = mopo_dataset_import(&d, "memory.csv", &how, NULL, err);
  mopo_dataset_free(d);
  return st;
}

static mopo_status merge(mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_merge(&d, (const mopo_dataset *[]){data, data}, 2, err);
  mopo_dataset_free(d);
  return st;
}

static void datasets(void **state)
{
  (void)state;
  mopo_error err;
  const char text[] =
      "x,v,u,r,e,t,n\n1,2,2,0,a,1,\n2,2,-1,1,a,2,\n3,1,0,2,a,5,\n3,1,0,2,b,5,\n3,1,0,2,b,6,\n";
  assert_ok(file_write("memory.csv", text, strlen(text), &err), err);
  each("hdf5", hdf5);
  each("npz", npz);
  each("csv", csv);
  each("merge", merge);
}

/* ------------------------------------------------------------------ runs */

static mopo_status settings(mopo_error *err)
{
  mopo_config c = tiny_config("memory_run");
  mopo_status st = mopo_config_save(&c, "memory.ini", err);
  if (st == MOPO_OK) st = mopo_config_load(&c, "memory.ini", err);
  return st;
}

static mopo_status train(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("memory_run");
  tiny_remove("memory_run");
  return mopo_train(&r, &c, false, NULL, err);
}

static mopo_status resume(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("memory_run");
  return mopo_train(&r, &c, true, NULL, err);
}

/* Everything but the model and its like in `train`. */
static const char *algo;
static mopo_status train_algo(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("memory_algo");
  tiny_remove("memory_algo");
  tiny_set(&c, "algo", algo);
  tiny_set(&c, "task", "none");
  tiny_set(&c, "epochs", "1");
  tiny_set(&c, "real-ratio", "1");
  tiny_set(&c, "vae-hidden", "8");
  tiny_set(&c, "bear-match", "2");
  tiny_set(&c, "behaviour-updates", "2");
  return mopo_train(&r, &c, false, NULL, err);
}

static mopo_status fit(mopo_error *err)
{
  mopo_fit_result r;
  mopo_config c = tiny_config("memory_model.safetensors");
  tiny_set(&c, "threads", "3");
  return mopo_model_fit_file(&r, &c, false, NULL, err);
}

static mopo_status train_with_model(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("memory_run2");
  tiny_remove("memory_run2");
  tiny_set(&c, "model", "memory_model.safetensors");
  tiny_set(&c, "task", "none");
  tiny_set(&c, "epochs", "1");
  return mopo_train(&r, &c, false, NULL, err);
}

static void runs(void **state)
{
  (void)state;
  static const char *const algos[] = {"bear", "bc", "td3bc", "iql", "cql", "brac-p"};
  each("settings", settings);
  each("train", train);
  each("resume", resume);
  each("model fit", fit);
  if (long_form) each("train --model", train_with_model);
  for (size_t i = 0; i < (long_form ? sizeof algos / sizeof *algos : 1); i++) {
    algo = algos[i];
    each(algo, train_algo);
  }
}

/* ------------------------------------------------------------------ single files */

/* More tensors than the list first has room for, and bytes at an odd address. */
static mopo_status tensors(mopo_error *err)
{
  enum { MANY = 40 };
  static const char odd[] = "\x36\0\0\0\0\0\0\0"
                            "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
                            "1234";
  mopo_status st = MOPO_OK;
  tensor_file *f = NULL;
  tensor_list *l = tensor_list_create();
  if (!l) return error_set(err, MOPO_ENOMEM, "no memory");
  for (int i = 0; st == MOPO_OK && i < MANY; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%d", i);
    st = tensor_list_add(l, name, TENSOR_U8, 0, NULL, "x", err);
  }
  if (st == MOPO_OK) st = tensor_list_write(l, "memory_tensors", err);
  tensor_list_free(l);
  if (st == MOPO_OK) st = tensor_file_parse(&f, "odd", odd, sizeof odd - 1, err);
  assert_int_equal(f != NULL, st == MOPO_OK);
  if (f) assert_memory_equal(tensor_file_at(f, 0)->data, "1234", 4);
  tensor_file_free(f);
  return st;
}

static mopo_status fit_state_of(mopo_error *err)
{
  float x[4] = {1, 2, 3, 4};
  double y[2] = {1, 2}, history[3] = {1, 2, 3};
  fit_state s = {.members = 1, .size = 4, .outputs = 2, .epochs = 1, .history = history};
  s.weights[0] = s.m[0] = s.v[0] = s.best = s.max = s.min = s.bound_m = s.bound_v = x;
  s.best_mse = s.power1 = s.power2 = y;
  mopo_status st = fit_state_save(&s, "memory_fit_state", err);
  s.history = NULL;
  if (st == MOPO_OK) st = fit_state_load(&s, "memory_fit_state", err);
  assert_int_equal(s.history != NULL, st == MOPO_OK);
  free(s.history);
  return st;
}

static mopo_status tables(mopo_error *err)
{
  fitlog l = {0};
  fitlog_tables t = {0};
  fitlog_add_epoch(&l, &(fitlog_epoch){1, 0, 0, 0, 0});
  fitlog_add_bin(&l, &(fitlog_bin){0, 1, 2, 3, 4, 5, 6, 7});
  mopo_status st = fitlog_write(&l, "memory_tables", err);
  fitlog_free(&l);
  if (st == MOPO_OK) st = fitlog_copy("memory_copy", "memory_tables", err);
  if (st == MOPO_OK) st = fitlog_read(&t, "memory_copy", err);
  fitlog_tables_free(&t);
  return st;
}

static mopo_status result(mopo_error *err)
{
  result_told told;
  const result_warnings w = {.n = 1, .text = {"epoch 1: Q is 9"}};
  mopo_train_result r = {.epochs = 1};
  mopo_config c = config_default();
  const metrics_row rows[2] = {{.epoch = 1}, {.epoch = 2}};
  mopo_status st = result_write(".", &(result_build){.simulator = "", .kernels = "portable"}, &c,
                                rows, 2, &r, &w, err);
  return st == MOPO_OK ? result_read(&told, "result.json", err) : st;
}

static void single_files(void **state)
{
  (void)state;
  each("tensors", tensors);
  each("fit state", fit_state_of);
  each("tables", tables);
  each("result", result);
}

/* ------------------------------------------------------------------ policies */

static const char POLICY[] = "memory_policy.safetensors";

static mopo_status export_all(mopo_error *err)
{
  mopo_policy *p = NULL, *q = NULL;
  mopo_export_info info;
  mopo_policy_difference apart;
  mopo_status st = mopo_policy_load(&p, POLICY, err);
  if (st == MOPO_OK) st = mopo_policy_load(&q, POLICY, err);
  if (st == MOPO_OK) st = mopo_policy_export(&info, p, "memory.c", MOPO_EXPORT_C, err);
  if (st == MOPO_OK) st = mopo_policy_export(&info, p, "memory.onnx", MOPO_EXPORT_ONNX, err);
  if (st == MOPO_OK)
    st = mopo_policy_export(&info, p, "memory.safetensors", MOPO_EXPORT_SAFETENSORS, err);
  if (st == MOPO_OK) st = mopo_policy_export(&info, p, "memory8.c", MOPO_EXPORT_C_INT8, err);
  if (st == MOPO_OK) st = mopo_policy_compare(&apart, p, q, data, err);
  mopo_policy_free(p);
  mopo_policy_free(q);
  return st;
}

static mopo_status evaluate(mopo_error *err)
{
  mopo_policy *p = NULL;
  static mopo_eval_result r;
  mopo_status st = mopo_policy_load(&p, POLICY, err);
  if (st == MOPO_OK)
    st = mopo_evaluate(&r, p, mopo_task_find("hopper"),
                       &(mopo_eval_options){.size = sizeof(mopo_eval_options),
                                            .physics = "d4rl",
                                            .episodes = 2,
                                            .threads = 1,
                                            .record = "memory_eval.hdf5"},
                       err);
  mopo_policy_free(p);
  return st;
}

static const char *kind;
static mopo_status collect(mopo_error *err)
{
  mopo_dataset_info info;
  mopo_config c = config_default();
  const char *set[][2] = {{"task", "hopper"},     {"out", "memory_collect.hdf5"},
                          {"kind", kind},         {"steps", "12"},
                          {"start-steps", "8"},   {"batch-size", "8"},
                          {"hidden", "8"},        {"train-steps", "12"},
                          {"eval-episodes", "1"}, {"threads", "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) tiny_set(&c, set[i][0], set[i][1]);
  return mopo_collect(&info, &c, file_exists("memory_collect.hdf5.checkpoint"), NULL, err);
}

static void policies(void **state)
{
  (void)state;
  mopo_error err;
  assert_ok(train(&err), err);
  size_t n = 0;
  char *bytes = tiny_read(&n, "memory_run/policy.safetensors");
  assert_ok(file_write(POLICY, bytes, n, &err), err);
  free(bytes);
  each("export", export_all);
#ifdef MOPO_HAVE_MUJOCO
  each("eval --record", evaluate);
  each("collect", (kind = "random", collect));
  each("collect full-replay", (kind = "full-replay", collect));
#else
  (void)evaluate, (void)collect;
#endif
}

static int begin(void **state)
{
  (void)state;
  tiny_write_data();
  data = tiny_dataset();
  return 0;
}

static int end(void **state)
{
  (void)state;
  mopo_dataset_free(data);
  return 0;
}

int main(int argc, char **argv)
{
  long_form = argc > 1 && !strcmp(argv[1], "long");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(datasets),
      cmocka_unit_test(single_files),
      cmocka_unit_test(runs),
      cmocka_unit_test(policies),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
