/* kernels_adam.h - the optimiser's part of kernels_impl.h. */

static void adam(float *w, float *m, float *v, const float *dw, float *target, int n,
                 const adam_step *s)
{
  vf b1 = v_set(s->beta1), b2 = v_set(s->beta2);
  vf c1 = v_set(1.0f - s->beta1), c2 = v_set(1.0f - s->beta2);
  for (int i = 0; i < n; i += VL) {
    vf wi = v_load(w + i), g = v_fma(v_set(s->decay), wi, v_load(dw + i));
    vf mi = v_fma(b1, v_load(m + i), c1 * g);
    vf vv = v_fma(b2, v_load(v + i), c2 * (g * g));
    wi -= v_set(s->lr) * mi / (v_sqrt(vv) + v_set(s->eps));
    v_store(m + i, mi);
    v_store(v + i, vv);
    v_store(w + i, wi);
    if (target) {
      vf t = v_load(target + i);
      v_store(target + i, v_fma(v_set(s->tau), wi - t, t));
    }
  }
}

/* 128 bits wide whatever VL is: it moves bits, nothing more. */
INLINE void transpose_block(float *to, const float *from)
{
  v4 a = v4_load(from), b = v4_load(from + PANEL);
  v4 c = v4_load(from + 2 * PANEL), d = v4_load(from + 3 * PANEL);
  transpose_4x4(&a, &b, &c, &d);
  *(v4 *)(void *)to = a;
  *(v4 *)(void *)(to + PANEL) = b;
  *(v4 *)(void *)(to + 2 * PANEL) = c;
  *(v4 *)(void *)(to + 3 * PANEL) = d;
}

static void transpose(float *wt, size_t wt_stride, const float *w, int p, int K)
{
  for (int k0 = 0; k0 < K; k0 += PANEL) {
    float *to = wt + (size_t)(k0 / PANEL) * wt_stride + (size_t)p * PANEL * PANEL;
    const float *from = w + (size_t)k0 * PANEL;
    int n = K - k0 < PANEL ? K - k0 : PANEL, whole = n & ~3;
    for (int k = 0; k < whole; k += 4)
      for (int o = 0; o < PANEL; o += 4) transpose_block(to + o * PANEL + k, from + k * PANEL + o);
    for (int k = whole; k < n; k++)
      for (int o = 0; o < PANEL; o++) to[o * PANEL + k] = from[k * PANEL + o];
  }
}
