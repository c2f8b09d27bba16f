/* par.c - see par.h. The only file that sees pthreads.
 *
 * Stages of an update are some 100 microseconds long, so waiting threads spin for a while before
 * they sleep. A job is published by a new generation number. Each thread has a share of the pieces,
 * the same in every job of as many pieces, and then helps with those of others: what a thread wrote
 * in the last update is in its own cache in this one. */
#include "base/par.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

enum { SPINS = 20000 }; /* about 0.3 ms of spinning */

typedef struct worker {
  par *pool;
  int id;
  pthread_t thread;
} worker;

/* Pieces next .. end-1 are still to be taken; on cache lines of its own. */
typedef struct share {
  _Alignas(128) atomic_int next;
  int end;
} share;

struct par {
  int threads, started, spins;
  par_fn *fn;
  void *ctx;
  share *share;           /* [threads] */
  atomic_uint generation; /* odd steps of one: a new job */
  atomic_int busy;        /* workers that have not finished this generation */
  atomic_bool quit;
  atomic_int sleepers;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  worker *workers;
};

static void share_out(par *p, int pieces)
{
  for (int t = 0; t < p->threads; t++) {
    int64_t from = (int64_t)pieces * t / p->threads, end = (int64_t)pieces * (t + 1) / p->threads;
    atomic_store_explicit(&p->share[t].next, (int)from, memory_order_relaxed);
    p->share[t].end = (int)end;
  }
}

static void run_pieces(par *p, int thread)
{
  for (int k = 0; k < p->threads; k++) {
    share *s = &p->share[(thread + k) % p->threads];
    while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
      int i = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
      if (i < s->end) p->fn(p->ctx, i, thread);
    }
  }
}

static unsigned wait_for_job(par *p, unsigned seen)
{
  for (int i = 0; i < p->spins; i++) {
    unsigned g = atomic_load_explicit(&p->generation, memory_order_acquire);
    if (g != seen) return g;
    RELAX();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  unsigned g;
  while ((g = atomic_load(&p->generation)) == seen) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
  return g;
}

static void *work(void *arg)
{
  worker *w = arg;
  par *p = w->pool;
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_job(p, seen);
    if (atomic_load(&p->quit)) return NULL;
    run_pieces(p, w->id);
    atomic_fetch_sub_explicit(&p->busy, 1, memory_order_release);
  }
}

static void publish(par *p)
{
  atomic_fetch_add(&p->generation, 1);
  if (atomic_load(&p->sleepers) > 0) {
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
  }
}

void par_run(par *p, int pieces, par_fn *fn, void *ctx)
{
  if (p->threads == 1 || pieces <= 1) {
    for (int i = 0; i < pieces; i++) fn(ctx, i, 0);
    return;
  }
  p->fn = fn;
  p->ctx = ctx;
  share_out(p, pieces);
  atomic_store_explicit(&p->busy, p->threads - 1, memory_order_relaxed);
  publish(p);
  run_pieces(p, 0);
  for (int spin = 0; atomic_load_explicit(&p->busy, memory_order_acquire) > 0; spin++) {
    RELAX();
    if (spin % SPINS == SPINS - 1) sched_yield(); /* more threads than cores */
  }
}

int par_threads(const par *p) { return p->threads; }

mopo_status par_create(par **out, int threads, mopo_error *err)
{
  *out = NULL;
  if (threads < 0 || threads > PAR_MAX)
    return error_set(err, MOPO_EINVAL, "threads = %d, want 0 (all cores) to %d", threads, PAR_MAX);
  par *p = calloc(1, sizeof *p);
  if (!p) return error_set(err, MOPO_ENOMEM, "threads: no memory");
  p->threads = threads ? threads : par_cores();
  p->spins = p->threads <= par_cores() ? SPINS : 1;
  p->workers = calloc((size_t)p->threads, sizeof *p->workers);
  p->share = aligned_alloc(_Alignof(share), (size_t)p->threads * sizeof *p->share);
  if (!p->workers || !p->share) {
    free(p->workers), free(p->share);
    free(p);
    return error_set(err, MOPO_ENOMEM, "threads: no memory");
  }
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  for (int i = 1; i < p->threads; i++) {
    p->workers[i] = (worker){.pool = p, .id = i};
    if (pthread_create(&p->workers[i].thread, NULL, work, &p->workers[i]) != 0) {
      int got = p->started + 1, want = p->threads;
      par_free(p);
      return error_set(err, MOPO_ENOMEM, "threads: the system gives only %d of %d", got, want);
    }
    p->started++;
  }
  *out = p;
  return MOPO_OK;
}

void par_free(par *p)
{
  if (!p) return;
  atomic_store(&p->quit, true);
  publish(p);
  for (int i = 1; i <= p->started; i++) pthread_join(p->workers[i].thread, NULL);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->lock);
  free(p->workers);
  free(p->share);
  free(p);
}
