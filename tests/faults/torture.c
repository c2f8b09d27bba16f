/* torture.c [KILLS] - a run is killed with SIGKILL again and again, going on each time, until KILLS
 * (default 20) have landed; every run that comes to its end has the bytes of the uninterrupted one.
 * The stages take turns: each kill waits for its stage, and then a random while. */
#include "faults/tiny.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "play/evaluate.h"
#include "train/rollout.h"
#include "train/run.h"

typedef enum stage { STARTING, FITTING, ROLLING, UPDATING, EVALUATING, WRITING, STAGES } stage;
static const char *const names[STAGES] = {"loading", "fitting",    "rollouts",
                                          "updates", "evaluation", "writing a file"};

/* What the child is doing: in memory that both see. */
static _Atomic int *doing;

static int enter(stage s) { return atomic_exchange(doing, (int)s); }

/* The stages' own functions, told apart by the linker (--wrap). */
#define WRAP(type, name, ...)      \
  type __real_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__)

WRAP(mopo_status, ensemble_fit, ensemble *m, fit_result *out, const mopo_dataset *d,
     const fit_settings *set, par *pool, rng_key key, const fit_watch *watch, mopo_error *err)
{
  enter(FITTING);
  mopo_status st = __real_ensemble_fit(m, out, d, set, pool, key, watch, err);
  enter(STARTING);
  return st;
}

WRAP(bool, rollout_run, rollout *r, rollout_stats *out, replay *into, const mopo_dataset *d,
     const actor *p, rng_key key, uint64_t epoch, bool (*stop)(void *ctx), void *ctx)
{
  enter(ROLLING);
  bool ok = __real_rollout_run(r, out, into, d, p, key, epoch, stop, ctx);
  enter(UPDATING);
  return ok;
}

WRAP(mopo_status, evaluator_run, mopo_eval_result *out, evaluator *e, const actor *p, rng_key key,
     recorder *record, mopo_error *err)
{
  enter(EVALUATING);
  mopo_status st = __real_evaluator_run(out, e, p, key, record, err);
  enter(UPDATING);
  return st;
}

WRAP(mopo_status, file_write_pieces, const char *path, const file_piece *pieces, size_t count,
     mopo_error *err)
{
  int before = enter(WRITING);
  mopo_status st = __real_file_write_pieces(path, pieces, count, err);
  enter((stage)before);
  return st;
}

WRAP(mopo_status, file_write, const char *path, const void *bytes, size_t n, mopo_error *err)
{
  int before = enter(WRITING);
  mopo_status st = __real_file_write(path, bytes, n, err);
  enter((stage)before);
  return st;
}

WRAP(mopo_status, metrics_add, metrics *m, const metrics_row *row, mopo_error *err)
{
  int before = enter(WRITING);
  mopo_status st = __real_metrics_add(m, row, err);
  enter((stage)before);
  return st;
}

/* ------------------------------------------------------------------ the run */

static mopo_config config(const char *out)
{
  mopo_config c = tiny_config(out);
  const char *set[][2] = {{"epochs", "6"},
                          {"updates-per-epoch", "60"},
                          {"batch-size", "32"},
                          {"hidden", "32"},
                          {"model-max-epochs", "100"},
                          {"rollout-batch", "600"},
                          {"rollout-length", "3"},
                          {"rollout-keep", "2"},
                          {"eval-episodes", "3"},
                          {"members", "3"},
                          {"elites", "2"},
                          {"threads", "2"},
                          {"model-patience", "100"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) tiny_set(&c, set[i][0], set[i][1]);
  return c;
}

static int train_once(const char *out, bool goes_on)
{
  mopo_train_result r;
  mopo_error err;
  mopo_config c = config(out);
  mopo_status st = mopo_train(&r, &c, goes_on, NULL, &err);
  if (st != MOPO_OK) fprintf(stderr, "%s\n", err.msg);
  return st == MOPO_OK ? 0 : 1;
}

static void rest(long microseconds)
{
  nanosleep(&(struct timespec){microseconds / 1000000, microseconds % 1000000 * 1000}, NULL);
}

typedef struct tally {
  long kills, runs, at[STAGES];
  rng_stream dice;
} tally;

/* Waits until the child does what is wanted for the n-th time, or has ended. */
static bool wait_for(pid_t child, stage wanted, int n)
{
  for (bool was = false;; rest(20)) {
    bool is = atomic_load(doing) == (int)wanted;
    if (is && !was && n-- == 0) return true;
    was = is;
    siginfo_t how = {0};
    if (waitid(P_PID, (id_t)child, &how, WEXITED | WNOHANG | WNOWAIT) == 0 && how.si_pid == child)
      return false;
  }
}

/* One try at the run; true: it came to its end. */
static bool attempt(tally *t, long most)
{
  int how = 0;
  bool goes_on = file_exists("torture_cut/config.ini");
  stage wanted = (stage)rng_below(&t->dice, STAGES);
  atomic_store(doing, STARTING);
  pid_t child = fork();
  if (child == 0) _exit(train_once("torture_cut", goes_on));
  assert_true(child > 0);
  int n = wanted <= FITTING ? 0 : (int)rng_below(&t->dice, 4);
  bool there = t->kills < most && wait_for(child, wanted, n);
  if (there) {
    bool brief = wanted == WRITING || wanted == ROLLING;
    rest((long)rng_below(&t->dice, brief ? 300 : 3000));
    stage now = (stage)atomic_load(doing);
    kill(child, SIGKILL);
    waitpid(child, &how, 0);
    if (WIFSIGNALED(how)) t->kills++, t->at[now]++;
  } else {
    waitpid(child, &how, 0);
  }
  if (WIFSIGNALED(how)) return false;
  assert_int_equal(WEXITSTATUS(how), 0);
  return true;
}

static long kills = 20;

static void every_run_ends_with_the_same_bytes(void **state)
{
  (void)state;
  tally t = {.dice = rng_stream_of(rng_seed((uint64_t)time(NULL)))};
  doing = mmap(NULL, sizeof *doing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(doing != MAP_FAILED);
  tiny_write_data();
  tiny_remove("torture_whole");
  tiny_remove("torture_cut");
  assert_int_equal(train_once("torture_whole", false), 0);
  while (t.kills < kills) {
    if (!attempt(&t, kills)) continue;
    assert_true(tiny_same_run("torture_whole", "torture_cut"));
    tiny_remove("torture_cut");
    t.runs++;
  }
  while (!attempt(&t, 0)) continue;
  assert_true(tiny_same_run("torture_whole", "torture_cut"));
  print_message("%ld kills in %ld runs, each with the bytes of the uninterrupted one:", t.kills,
                t.runs + 1);
  for (int i = 0; i < STAGES; i++)
    print_message(" %s %ld%s", names[i], t.at[i], i + 1 < STAGES ? "," : "\n");
  for (int i = 0; kills >= 100 && i < STAGES; i++) assert_true(t.at[i] > 0);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_run_ends_with_the_same_bytes)};
  if (argc > 1) kills = strtol(argv[1], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
