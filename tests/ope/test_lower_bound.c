/* test_lower_bound.c - theorem 4.4 of Yu et al. 2020, checked exactly where everything is known: a
 * table of true dynamics T, a table of a wrong model T^, and u(s,a) = || T^(s,a) - T(s,a) ||_1.
 *
 * u is d_F for F = { f : |f| <= 1 }, so it is admissible; true values lie in c F with
 * c = r_max / (1 - gamma); lambda = gamma c. Let eta~ be the return in the model with the reward
 * r - lambda u, eps_u(pi) the discounted sum of u along pi in the model, pi^ the best policy of
 * eta~. Then
 *   eta~(pi) <= eta(pi) for every pi                              (7)
 *   eta(pi^) >= sup over pi of { eta(pi) - 2 lambda eps_u(pi) }   (theorem 4.4)
 * and so for every greater lambda. Linear systems of six unknowns are solved in double, whose
 * errors are some 1e-13 here; 1e-9 is allowed. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { S = 6, A = 3, DETERMINISTIC = 729 /* A^S */, STOCHASTIC = 300, WORLDS = 40 };
static const double GAMMA = 0.9, SLACK = 1e-9;

typedef double policy[S][A]; /* probabilities */

typedef struct world {
  double T[S][A][S], model[S][A][S], r[S][A], u[S][A], start[S];
} world;

/* Return of pi: start . V, V = r_pi + GAMMA T_pi V, by elimination. */
static double value(const world *w, const double T[S][A][S], const double r[S][A], const policy pi)
{
  double M[S][S + 1], total = 0.0;
  for (int s = 0; s < S; s++) {
    for (int n = 0; n <= S; n++) M[s][n] = n == s;
    for (int a = 0; a < A; a++) {
      M[s][S] += pi[s][a] * r[s][a];
      for (int n = 0; n < S; n++) M[s][n] -= GAMMA * pi[s][a] * T[s][a][n];
    }
  }
  for (int k = 0; k < S; k++) /* diagonally dominant: no pivoting needed */
    for (int s = 0; s < S; s++) {
      double f = s == k ? 0.0 : M[s][k] / M[k][k];
      for (int n = k; f != 0.0 && n <= S; n++) M[s][n] -= f * M[k][n];
    }
  for (int s = 0; s < S; s++) total += w->start[s] * M[s][S] / M[s][s];
  return total;
}

static double eta(const world *w, const policy pi) { return value(w, w->T, w->r, pi); }
static double eta_model(const world *w, const policy pi) { return value(w, w->model, w->r, pi); }
static double risk(const world *w, const policy pi) { return value(w, w->model, w->u, pi); }

/* The best policy of the penalised model, by value iteration to the last bit that matters. */
static void best_policy(policy out, const world *w, double lambda)
{
  double V[S] = {0}, next[S];
  for (int i = 0; i < 500; i++) { /* GAMMA^500 = 1e-23 */
    for (int s = 0; s < S; s++) {
      int best = 0;
      double most = -INFINITY;
      for (int a = 0; a < A; a++) {
        double q = w->r[s][a] - lambda * w->u[s][a];
        for (int n = 0; n < S; n++) q += GAMMA * w->model[s][a][n] * V[n];
        if (q > most) most = q, best = a;
      }
      next[s] = most;
      for (int a = 0; a < A; a++) out[s][a] = a == best;
    }
    memcpy(V, next, sizeof V);
  }
}

static void normalise(double *p, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += p[i];
  for (int i = 0; i < n; i++) p[i] /= sum;
}

static void measure(world *w)
{
  for (int s = 0; s < S; s++)
    for (int a = 0; a < A; a++) {
      w->u[s][a] = 0.0;
      for (int n = 0; n < S; n++) w->u[s][a] += fabs(w->model[s][a][n] - w->T[s][a][n]);
    }
}

/* A random world; the model is right to 1 % but for some pairs, which the data did not show. */
static world random_world(uint64_t seed)
{
  world w;
  rng_stream r = rng_stream_of(rng_seed(seed));
  for (int s = 0; s < S; s++) {
    w.start[s] = rng_uniform_double(&r);
    for (int a = 0; a < A; a++) {
      double error = rng_below(&r, 3) ? 0.01 : 0.8, wrong[S];
      w.r[s][a] = 2.0 * rng_uniform_double(&r) - 1.0;
      for (int n = 0; n < S; n++) {
        w.T[s][a][n] = pow(rng_uniform_double(&r), 4.0);
        wrong[n] = pow(rng_uniform_double(&r), 4.0);
      }
      normalise(w.T[s][a], S);
      normalise(wrong, S);
      for (int n = 0; n < S; n++)
        w.model[s][a][n] = (1.0 - error) * w.T[s][a][n] + error * wrong[n];
    }
  }
  normalise(w.start, S);
  measure(&w);
  return w;
}

/* c of the paper: |V| <= r_max / (1 - gamma). */
static double lambda_of(const world *w)
{
  double most = 0.0;
  for (int s = 0; s < S; s++)
    for (int a = 0; a < A; a++) most = fmax(most, fabs(w->r[s][a]));
  return GAMMA * most / (1.0 - GAMMA);
}

/* All deterministic policies, then random ones. */
static void policy_at(policy out, int i)
{
  rng_stream r = rng_stream_of(rng_index(rng_seed(99), (uint64_t)i));
  int digits = i;
  for (int s = 0; s < S; s++, digits /= A) {
    for (int a = 0; a < A; a++)
      out[s][a] = i < DETERMINISTIC ? digits % A == a : pow(rng_uniform_double(&r), 3.0);
    normalise(out[s], A);
  }
}

/* sup over the policies of eta - 2 lambda eps_u. */
static double guaranteed(const world *w, double lambda)
{
  double most = -INFINITY;
  for (int i = 0; i < DETERMINISTIC + STOCHASTIC; i++) {
    policy pi;
    policy_at(pi, i);
    most = fmax(most, eta(w, pi) - 2.0 * lambda * risk(w, pi));
  }
  return most;
}

static void the_penalised_return_is_a_lower_bound(void **state)
{
  (void)state;
  for (uint64_t k = 0; k < WORLDS; k++) {
    world w = random_world(k);
    double lambda = lambda_of(&w);
    for (int i = 0; i < DETERMINISTIC + STOCHASTIC; i++) {
      policy pi;
      policy_at(pi, i);
      double truth = eta(&w, pi), model = eta_model(&w, pi), eps = risk(&w, pi);
      assert_true(model - lambda * eps <= truth + SLACK);
      assert_true(model + lambda * eps >= truth - SLACK);
    }
  }
}

static void the_theorem_holds_from_its_lambda_on(void **state)
{
  (void)state;
  static const double factors[] = {1.0, 1.5, 2.0, 5.0, 20.0};
  for (uint64_t k = 0; k < WORLDS; k++) {
    world w = random_world(k);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
      double lambda = factors[i] * lambda_of(&w);
      policy best;
      best_policy(best, &w, lambda);
      assert_true(eta(&w, best) >= guaranteed(&w, lambda) - SLACK);
    }
  }
}

/* Value iteration is right: no policy of the list has more of what it maximises. And the risk axis:
 * with a greater lambda the policy's eps_u never grows. */
static void the_optimum_is_one_and_risk_falls_with_lambda(void **state)
{
  (void)state;
  for (uint64_t k = 0; k < WORLDS; k++) {
    world w = random_world(k);
    double before = INFINITY;
    for (double part = 0.0; part <= 1.0; part += 0.125) {
      double lambda = part * lambda_of(&w);
      policy best, pi;
      best_policy(best, &w, lambda);
      double most = eta_model(&w, best) - lambda * risk(&w, best);
      for (int i = 0; i < DETERMINISTIC + STOCHASTIC; i++) {
        policy_at(pi, i);
        assert_true(eta_model(&w, pi) - lambda * risk(&w, pi) <= most + SLACK);
      }
      assert_true(risk(&w, best) <= before + SLACK);
      before = risk(&w, best);
    }
  }
}

/* Without the penalty neither holds: in some of the worlds the model promises more than is true,
 * and the policy that it likes best is not within the bound (with lambda = 0: not the best). */
static void without_a_penalty_both_fail(void **state)
{
  (void)state;
  int promised = 0, beaten = 0;
  for (uint64_t k = 0; k < WORLDS; k++) {
    world w = random_world(k);
    policy best;
    best_policy(best, &w, 0.0);
    promised += eta_model(&w, best) > eta(&w, best) + 0.1;
    beaten += eta(&w, best) < guaranteed(&w, 0.0) - 0.1;
  }
  assert_true(promised > WORLDS / 4);
  assert_true(beaten > WORLDS / 4);
}

/* By hand: state 0 may stay for 1/2 a step, or leave; leaving ends in state 1, which pays nothing,
 * but the model says state 2, which pays 1. All in units of 1 / (1 - gamma) = 10:
 *   stay 5; leave: truth 0, model 9; u(leave) = 2, lambda = 9, penalised 9 - 18 < 5. */
static void a_bait_is_refused(void **state)
{
  (void)state;
  world w = {.start = {1.0}};
  for (int s = 0; s < S; s++)
    for (int a = 0; a < A; a++) w.T[s][a][s] = w.model[s][a][s] = 1.0;
  for (int a = 1; a < A; a++) {
    memset(w.T[0][a], 0, sizeof w.T[0][a]);
    memset(w.model[0][a], 0, sizeof w.model[0][a]);
    w.T[0][a][1] = w.model[0][a][2] = 1.0;
  }
  w.r[0][0] = 0.5;
  for (int a = 0; a < A; a++) w.r[2][a] = 1.0;
  measure(&w);
  assert_true(fabs(lambda_of(&w) - 9.0) < SLACK);

  policy bold, careful;
  best_policy(bold, &w, 0.0);
  assert_true(fabs(eta_model(&w, bold) - 9.0) < SLACK);
  assert_true(fabs(eta(&w, bold)) < SLACK);
  best_policy(careful, &w, lambda_of(&w));
  assert_true(fabs(eta(&w, careful) - 5.0) < SLACK);
  assert_true(fabs(risk(&w, bold) - 2.0) < SLACK);
  assert_true(fabs(risk(&w, careful)) < SLACK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_penalised_return_is_a_lower_bound),
      cmocka_unit_test(the_theorem_holds_from_its_lambda_on),
      cmocka_unit_test(the_optimum_is_one_and_risk_falls_with_lambda),
      cmocka_unit_test(without_a_penalty_both_fail),
      cmocka_unit_test(a_bait_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
