/* kernels_heads.h - the part of kernels_impl.h that deals with distributions: random normals, the
 * tanh-Gaussian policy head, the Gaussian head of the dynamics model. */

/* ------------------------------------------------------------- normals */

/* Philox4x32-10 of 16 consecutive counters; the compiler makes vectors of the loops. */
static void philox16(uint32_t x[4][PANEL], uint32_t k0, uint32_t k1)
{
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < PANEL; i++) {
      uint64_t p = (uint64_t)0xD2511F53u * x[0][i], q = (uint64_t)0xCD9E8D57u * x[2][i];
      x[0][i] = (uint32_t)(q >> 32) ^ x[1][i] ^ k0;
      x[2][i] = (uint32_t)(p >> 32) ^ x[3][i] ^ k1;
      x[1][i] = (uint32_t)q;
      x[3][i] = (uint32_t)p;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

/* Box-Muller as in base/rng.c: (a, b) = sqrt(-2 log u1) (cos, sin)(2 pi u2). */
INLINE void box_muller(float *a, float *b, const uint32_t *w1, const uint32_t *w2)
{
  vi i1, i2;
  __builtin_memcpy(&i1, w1, sizeof i1);
  __builtin_memcpy(&i2, w2, sizeof i2);
  vf u1 = (__builtin_convertvector((i1 >> 8) & 0xffffff, vf) + v_set(1.0f)) * v_set(0x1p-24f);
  vf t = __builtin_convertvector((i2 >> 8) & 0xffffff, vf) * v_set(0x1p-24f);
  vf r = v_sqrt(v_set(-2.0f) * v_log(u1));
  vf q = v_fma(t, v_set(4.0f), v_set(FM_ROUND)) - v_set(FM_ROUND);
  vf x = v_fma(q, v_set(-0.25f), t) * v_set(6.28318531f), z = x * x;
  vf sp = v_fma(v_set(2.7557319e-6f), z, v_set(-1.9841270e-4f));
  sp = v_fma(v_fma(sp, z, v_set(8.3333333e-3f)), z, v_set(-0.16666667f));
  vf sv = v_fma(x * z, sp, x);
  vf cp = v_fma(v_set(2.4801587e-5f), z, v_set(-1.3888889e-3f));
  cp = v_fma(v_fma(cp, z, v_set(4.1666667e-2f)), z, v_set(-0.5f));
  vf cv = v_fma(z, cp, v_set(1.0f));
  vi k = v_int(q) & 3;
  vf s = v_if((k & 1) != 0, cv, sv), c = v_if((k & 1) != 0, sv, cv);
  s = v_if((k & 2) != 0, -s, s);
  c = v_if((k == 1) | (k == 2), -c, c);
  v_store(a, r * c);
  v_store(b, r * s);
}

static void normals(float *out, size_t n, uint32_t key0, uint32_t key1, uint64_t hi, uint64_t i0)
{
  for (size_t done = 0; done < n; done += 4 * PANEL) {
    uint32_t x[4][PANEL] __attribute__((aligned(64)));
    float z[4][PANEL] __attribute__((aligned(64)));
    uint64_t lo = (i0 + done) / 4;
    for (int i = 0; i < PANEL; i++) {
      x[0][i] = (uint32_t)(lo + (uint64_t)i), x[1][i] = (uint32_t)((lo + (uint64_t)i) >> 32);
      x[2][i] = (uint32_t)hi, x[3][i] = (uint32_t)(hi >> 32);
    }
    philox16(x, key0, key1);
    for (int c = 0; c < PANEL; c += VL) {
      box_muller(&z[0][c], &z[1][c], &x[0][c], &x[1][c]);
      box_muller(&z[2][c], &z[3][c], &x[2][c], &x[3][c]);
    }
    size_t blocks = (n - done) / 4 < PANEL ? (n - done) / 4 : PANEL;
    for (size_t i = 0; i < blocks; i++)
      for (int j = 0; j < 4; j++) out[done + 4 * i + (size_t)j] = z[j][i];
  }
}

/* ------------------------------------------------------------- tanh-Gaussian */

static void tanh_gauss(float *act, float *logp, float *std, const float *mean, const float *ls,
                       const float *eps, int A, int R, float lo, float hi)
{
  if (!eps) {
    for (int i = 0; i < A * R; i += VL) v_store(act + i, v_tanh(v_load(mean + i)));
    return;
  }
  const vf half_log_2pi = v_set(0.918938533f), log_2 = v_set(0.693147181f);
  for (int r = 0; r < R; r += VL) {
    vf sum = v_set(0.0f);
    for (int a = 0; a < A; a++) {
      int i = a * R + r;
      vf l = v_load(ls + i), e = v_load(eps + i);
      vi cut = (l < v_set(lo)) | (l > v_set(hi));
      l = v_at_least(v_set(lo), v_at_most(v_set(hi), l));
      vf s = v_exp(l), u = v_fma(s, e, v_load(mean + i));
      v_store(act + i, v_tanh(u));
      v_store(std + i, v_if(cut, -s, s));
      /* log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)) */
      vf jac = v_set(2.0f) * (log_2 - u - v_softplus(v_set(-2.0f) * u));
      sum += v_fma(v_set(-0.5f) * e, e, -l) - half_log_2pi - jac;
    }
    v_store(logp + r, sum);
  }
}

static void tanh_gauss_back(float *dmean, float *dls, const float *dact, float dlogp,
                            const float *act, const float *std, const float *eps, int A, int R)
{
  vf dl = v_set(dlogp);
  for (int i = 0; i < A * R; i += VL) {
    vf a = v_load(act + i), s = v_load(std + i);
    vf du = v_fma(v_load(dact + i), v_fma(-a, a, v_set(1.0f)), dl * (a + a));
    v_store(dmean + i, du);
    v_store(dls + i, v_if(s > v_set(0.0f), v_fma(du * s, v_load(eps + i), -dl), v_set(0.0f)));
  }
}

/* ------------------------------------------------------------- Gaussian with learned bounds */

INLINE vf v_loadu(const float *p) { return *(const vfu *)(const void *)p; }

/* Row r of a matrix in panels, as one stretch (cols rounded up to whole panels), and back. */
INLINE void row_out(float *row, panels x, int r, int cols)
{
  for (int c = 0; c < cols; c += PANEL)
    __builtin_memcpy(row + c, x.x + (size_t)(c / PANEL) * x.stride + (size_t)r * PANEL,
                     PANEL * sizeof(float));
}
INLINE void row_in(panels x, const float *row, int r, int cols)
{
  for (int c = 0; c < cols; c += PANEL)
    __builtin_memcpy(x.x + (size_t)(c / PANEL) * x.stride + (size_t)r * PANEL, row + c,
                     PANEL * sizeof(float));
}

/* Below, exp(-lv0) would overflow; the bound has long since taken over. NaN travels. */
INLINE vf floor_lv(vf lv0) { return v_at_least(v_set(-60.0f), lv0); }

static void gauss_nll(panels delta, float *sums, panels raw, const float *y, size_t y_stride,
                      const float *max, const float *min, float scale, int rows, int D)
{
  enum { PAD = 2 * GAUSS_MAX + 2 * PANEL, HALF = GAUSS_MAX + PANEL };
  float in[PAD] __attribute__((aligned(64))) = {0}, out[PAD] __attribute__((aligned(64))) = {0};
  float target[HALF] __attribute__((aligned(64))) = {0}, draw[HALF] __attribute__((aligned(64)));
  float ea[HALF] __attribute__((aligned(64))), eb[HALF] __attribute__((aligned(64)));
  int Dp = (D + PANEL - 1) / PANEL * PANEL;
  for (int d = 0; d < Dp; d += VL) {
    v_store(ea + d, v_exp(v_load(min + d)));
    v_store(eb + d, v_exp(-v_load(max + d)));
  }
  vf one = v_set(1.0f), s = v_set(scale);
  for (int r = 0; r < rows; r++) {
    row_out(in, raw, r, 2 * D);
    __builtin_memcpy(target, y + (size_t)r * y_stride, (size_t)D * sizeof(float));
    for (int d = 0; d < D; d += VL) { /* lanes past D: nobody reads their sums; their delta is 0 */
      /* var = e^min + s1, s1 = exp(max - softplus(max - lv0)) = 1 / (e^-max + e^-lv0) */
      vf s1 = one / (v_load(eb + d) + v_exp(-floor_lv(v_loadu(in + D + d))));
      vf w = one / (v_load(ea + d) + s1);
      vf res = v_load(in + d) - v_load(target + d), q = res * res * w;
      vf dlv = s * (one - q), part = s1 * w, top = v_load(eb + d) * s1;
      v_store(out + d, (s + s) * res * w);
      v_store(draw + d, dlv * part * (one - top));
      float *t = sums + d;
      v_store(t, v_fma(dlv * part, top, v_load(t)));
      v_store(t + Dp, v_fma(dlv, one - part, v_load(t + Dp)));
      v_store(t + 2 * Dp, v_load(t + 2 * Dp) + (q - v_log(w)));
      v_store(t + 3 * Dp, v_fma(res, res, v_load(t + 3 * Dp)));
    }
    __builtin_memcpy(out + D, draw, (size_t)D * sizeof(float));
    row_in(delta, out, r, 2 * D);
  }
}

static void gauss_var(panels out, float *norm2, const float *ea, const float *eb, int rows, int D)
{
  int first = D / PANEL; /* panels before it hold means only */
  for (int r = 0; r < rows; r++) {
    vf sum[PV];
    UNROLL for (int c = 0; c < PV; c++) sum[c] = v_set(0.0f);
    for (int p = first; p * PANEL < 2 * D; p++) {
      float *x = out.x + (size_t)p * out.stride + (size_t)r * PANEL;
      UNROLL for (int c = 0; c < PV; c++)
      {
        int at = p * PANEL + c * VL;
        if (at + VL <= D || at >= 2 * D) continue;
        vf lv0 = v_load(x + c * VL), b = v_load(eb + at);
        vf var = v_load(ea + at) + v_set(1.0f) / (b + v_exp(-floor_lv(lv0)));
        vi mean = b > v_set(3e38f);
        sum[c] += v_if(mean, v_set(0.0f), var);
        v_store(x + c * VL, v_if(mean, lv0, var));
      }
    }
    norm2[r] = lane_sum(sum);
  }
}
