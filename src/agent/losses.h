/* losses.h - losses of a row's few numbers, each with its derivatives. */
#ifndef AGENT_LOSSES_H
#define AGENT_LOSSES_H

#include <stdbool.h>

/* |tau - 1(u < 0)| u^2 (Kostrikov et al. 2021, eq. 4); du: its derivative. */
float loss_expectile(float *du, float u, float tau);

/* - log N(a; tanh(m), e^ls), the tanh of a mean that stays inside the box. */
float loss_gaussian(float *dm, float *dls, float a, float m, float ls);

/* log sum_i exp(v_i), n values; dv: its derivatives (Kumar et al. 2020, eq. 4). */
float loss_log_sum_exp(float *dv, const float *v, int n);

/* log N(u; mean, e^ls) - log N(u; mean_b, e^ls_b) at u = mean + e^ls eps: one sample of a
 * divergence, with its derivatives along u as well. */
float loss_gaussian_kl(float *dmean, float *dls, float mean, float ls, float eps, float mean_b,
                       float ls_b);

/* A latent of a variational autoencoder, N(mean, e^ls), ls clipped to [-4, 15]: the draw
 * z = mean + e^ls eps, and dmean, dls of weight KL(. || N(0, 1)) + dz z. */
float loss_latent_draw(float mean, float ls, float eps);
void loss_latent(float *dmean, float *dls, float mean, float ls, float eps, float weight, float dz);
/* (tanh u - a)^2 and its derivative. */
float loss_squashed(float *du, float u, float a);

/* Maximum mean discrepancy of two samples x, y [n,A], sqrt(MMD^2 + 1e-6), and dx [n,A]
 * (Kumar et al. 2019, eq. 3). Kernel exp(-d / (2 sigma)), d the sum of squared differences, or of
 * absolute ones (laplacian). */
float loss_mmd(float *dx, const float *x, const float *y, int n, int A, float sigma,
               bool laplacian);

#endif
