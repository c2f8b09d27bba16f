/* losses.h - losses of a row's few numbers, each with its derivatives. */
#ifndef AGENT_LOSSES_H
#define AGENT_LOSSES_H

/* |tau - 1(u < 0)| u^2 (Kostrikov et al. 2021, eq. 4); du: its derivative. */
float loss_expectile(float *du, float u, float tau);

/* - log N(a; tanh(m), e^ls), the tanh of a mean that stays inside the box. */
float loss_gaussian(float *dm, float *dls, float a, float m, float ls);

/* log sum_i exp(v_i), n values; dv: its derivatives (Kumar et al. 2020, eq. 4). */
float loss_log_sum_exp(float *dv, const float *v, int n);

#endif
