/* export_c.c - a policy as one C99 file without any #include. What it prints is C; the fixed parts
 * stand below as they will stand in the file. */
#include "agent/export.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* tanh = -m / (2 + m) with m = exp(-2|x|) - 1, which keeps its relative accuracy near 0. The
 * polynomial is the one of base/fmath.h. */
static const char functions[] =
    "/* tanh, to about 1.5 units in the last place. */\n"
    "static float policy_tanh(float x)\n"
    "{\n"
    "  float a = x < 0.0f ? -x : x;\n"
    "  if (x != x) return x;\n"
    "  if (a > 10.0f) return x < 0.0f ? -1.0f : 1.0f; /* rounds to it from 9.02 on */\n"
    "  a = 2.0f * a;\n"
    "  int n = (int)(a * 1.44269504f + 0.5f); /* exp(-a) = 2^-n e^r, |r| <= ln 2 / 2 */\n"
    "  float r = ((float)n * 0.693359375f - a) + (float)n * -2.12194440e-4f;\n"
    "  float p = 1.9875691500e-4f;\n"
    "  p = p * r + 1.3981999507e-3f;\n"
    "  p = p * r + 8.3334519073e-3f;\n"
    "  p = p * r + 4.1665795894e-2f;\n"
    "  p = p * r + 1.6666665459e-1f;\n"
    "  p = p * r + 5.0000001201e-1f;\n"
    "  p = p * (r * r) + r; /* e^r - 1 */\n"
    "  float s = 1.0f;\n"
    "  for (; n > 0; n--) s *= 0.5f;\n"
    "  float m = s * p + (s - 1.0f);\n"
    "  float t = -m / (2.0f + m);\n"
    "  return x < 0.0f ? -t : t;\n"
    "}\n\n";

/* In the library's order: the bias first, then the inputs one by one. */
static const char layer_float[] =
    "/* y [out] = w x + b; w [out,in]. */\n"
    "static void policy_layer(float *y, const float *x, const float *w, const float *b, int out,\n"
    "                         int in, int relu)\n"
    "{\n"
    "  for (int i = 0; i < out; i++, w += in) {\n"
    "    float sum = b[i];\n"
    "    for (int k = 0; k < in; k++) sum += x[k] * w[k];\n"
    "    y[i] = relu && sum < 0.0f ? 0.0f : sum;\n"
    "  }\n"
    "}\n\n";

static const char layer_int8[] =
    "/* y [out] = scale (q x) + b; q [out,in] in -127..127, one scale for each row. */\n"
    "static void policy_layer(float *y, const float *x, const signed char *q, const float *scale,\n"
    "                         const float *b, int out, int in, int relu)\n"
    "{\n"
    "  for (int i = 0; i < out; i++, q += in) {\n"
    "    float sum = 0.0f;\n"
    "    for (int k = 0; k < in; k++) sum += x[k] * (float)q[k];\n"
    "    sum = sum * scale[i] + b[i];\n"
    "    y[i] = relu && sum < 0.0f ? 0.0f : sum;\n"
    "  }\n"
    "}\n\n";

static const char self_test[] =
    "int policy_self_test(void)\n"
    "{\n"
    "  float act[POLICY_ACT_DIM];\n"
    "  for (int i = 0; i < %d; i++) {\n"
    "    %s;\n"
    "    for (int k = 0; k < POLICY_ACT_DIM; k++) {\n"
    "      float d = act[k] - policy_test_act[i * POLICY_ACT_DIM + k];\n"
    "      if (!(d < 1e-5f && d > -1e-5f)) return i + 1;\n"
    "    }\n"
    "  }\n"
    "  return 0;\n"
    "}\n";

/* ------------------------------------------------------------------ constants */

/* Nine digits, so that reading gives the same bits; a point, so that it is a float. */
void export_c_float(buffer *out, float x)
{
  char text[32];
  number_print(text, sizeof text, "%.9g", (double)x);
  buffer_print(out, "%s%sf", text, strpbrk(text, ".e") ? "" : ".0");
}

static void print_floats(buffer *out, const char *what, int layer, const float *x, size_t n)
{
  buffer_print(out, "static const float policy_%s", what);
  if (layer >= 0) buffer_print(out, "%d", layer);
  buffer_print(out, "[%zu] = {", n);
  for (size_t i = 0; i < n; i++) {
    buffer_print(out, i % 8 ? " " : "\n  ");
    export_c_float(out, x[i]);
    buffer_print(out, ",");
  }
  buffer_print(out, "\n};\n");
}

/* The scales go before the weights. w is read row by row, cols <= 65536. */
static void print_int8(buffer *out, int layer, const float *w, int rows, int cols)
{
  signed char q[65536];
  buffer rest = {0};
  buffer_print(out, "static const float policy_scale%d[%d] = {", layer, rows);
  for (int r = 0; r < rows; r++, w += cols) {
    float scale = export_int8(q, w, cols);
    buffer_print(out, r % 8 ? " " : "\n  ");
    export_c_float(out, scale);
    buffer_print(out, ",");
    for (int c = 0; c < cols; c++) buffer_print(&rest, c % 24 ? "%d," : "\n  %d,", q[c]);
  }
  buffer_print(out, "\n};\nstatic const signed char policy_q%d[%d] = {", layer, rows * cols);
  buffer_add(out, rest.bytes, rest.n);
  buffer_print(out, "\n};\n");
  out->failed = out->failed || rest.failed;
  buffer_free(&rest);
}

/* ------------------------------------------------------------------ the file */

static int history(const export_net *n) { return n->labels ? n->labels->history : 1; }

static int observed(const export_net *n)
{
  return labels_observed(n->labels, n->size[0], n->size[n->layers]);
}

static int widest(const export_net *n)
{
  int most = 1;
  for (int i = 1; i < n->layers; i++) most = n->size[i] > most ? n->size[i] : most;
  return most;
}

static void print_header(buffer *out, const mopo_export_info *info, const export_net *n, bool int8)
{
  buffer_print(out, "/* A policy, made by mopo " MOPO_VERSION);
  if (*n->algo) buffer_print(out, ", algorithm ");
  export_comment(out, n->algo);
  if (*n->task) buffer_print(out, ", task ");
  export_comment(out, n->task);
  buffer_print(out, ".\n *\n * act = tanh(mean(obs)), layers");
  for (int i = 0; i <= n->layers; i++) buffer_print(out, i ? " -> %d" : " %d", n->size[i]);
  buffer_print(out,
               ", ReLU between; weights are %s.\n"
               " * Constants: %zu bytes (flash). Stack: %zu bytes and a little. One action:\n"
               " * %lld multiply-adds. C99; no allocation, %s, no library.\n"
               " * Do not compile with -ffast-math: the check for NaN would go. */\n\n",
               int8 ? "int8, one float scale for each row" : "float32", info->constant_bytes,
               info->stack_bytes, (long long)info->multiply_adds,
               history(n) > 1 ? "static state for the history" : "no static state");
}

static const char act_interface[] =
    "/* act [POLICY_ACT_DIM] in [-1,1] for obs [POLICY_OBS_DIM]. 0; or -1 if an observation is "
    "not\n"
    " * finite or beyond 1e30, and act is left as it was. Of an actuator from low to high the "
    "setting\n"
    " * is low + (high - low) * (act + 1) / 2. */\n"
    "int policy_act(const float *obs, float *act);\n";

static const char history_interface[] =
    "/* act [POLICY_ACT_DIM] in [-1,1] for obs [POLICY_OBS_DIM], the newest observation, once in "
    "every\n"
    " * period: the %d before it and the actions between are kept here, for one machine and one "
    "thread.\n"
    " * 0; or -1 if an observation is not finite or beyond 1e30, and act and what is kept are left "
    "as\n"
    " * they were. */\n"
    "int policy_act(const float *obs, float *act);\n"
    "/* Forgets them: before the first period of an episode, and after a gap. The next observation "
    "then\n"
    " * stands for those before it, between which the actions were 0. */\n"
    "void policy_reset(void);\n";

static const char test_interface[] =
    "/* 0 if recorded observations give the recorded actions; else the number of the first that "
    "does\n"
    " * not. Run it once on the device. */\n"
    "int policy_self_test(void);\n\n";

static void print_interface(buffer *out, const export_net *n)
{
  buffer_print(out, "enum { POLICY_OBS_DIM = %d, POLICY_ACT_DIM = %d };\n\n", observed(n),
               n->size[n->layers]);
  export_c_names(out, n->labels, observed(n), n->size[n->layers]);
  if (history(n) > 1)
    buffer_print(out, history_interface, history(n) - 1);
  else
    buffer_print(out, "%s", act_interface);
  buffer_print(out, "%s", test_interface);
}

static void print_buffers(buffer *out, const export_net *n)
{
  if (n->layers > 1) buffer_print(out, "  float a[%d];\n", widest(n));
  if (n->layers > 2) buffer_print(out, "  float b[%d];\n", widest(n));
  if (n->shift)
    buffer_print(out, "  float x[%s];\n", history(n) > 1 ? "POLICY_INPUTS" : "POLICY_OBS_DIM");
}

static void print_check(buffer *out)
{
  buffer_print(out, "  for (int i = 0; i < POLICY_OBS_DIM; i++)\n"
                    "    if (!(obs[i] < 1e30f && obs[i] > -1e30f)) return -1;\n");
}

static void print_layers(buffer *out, const export_net *n, bool int8)
{
  if (n->shift)
    buffer_print(out,
                 "  for (int i = 0; i < %s; i++)\n"
                 "    x[i] = (obs[i] - policy_shift[i]) * policy_scale[i];\n",
                 history(n) > 1 ? "POLICY_INPUTS" : "POLICY_OBS_DIM");
  for (int i = 0; i < n->layers; i++) {
    bool last = i + 1 == n->layers;
    const char *first = n->shift ? "x" : "obs";
    const char *to = last ? "act" : i % 2 ? "b" : "a", *from = i == 0 ? first : i % 2 ? "a" : "b";
    buffer_print(out, "  policy_layer(%s, %s, ", to, from);
    buffer_print(out, int8 ? "policy_q%d, policy_scale%d" : "policy_w%d", i, i);
    buffer_print(out, ", policy_b%d, %d, %d, %d);\n", i, n->size[i + 1], n->size[i], !last);
  }
  buffer_print(out, "  for (int i = 0; i < POLICY_ACT_DIM; i++) act[i] = policy_tanh(act[i]);\n");
}

/* What the network saw last: the newest observation, then blocks of an observation and the action
 * after it, the newer first. */
static const char keeping[] =
    "enum { POLICY_BLOCK = POLICY_OBS_DIM + POLICY_ACT_DIM, POLICY_INPUTS = %d };\n"
    "static float policy_inputs[POLICY_INPUTS], policy_last[POLICY_ACT_DIM];\n"
    "static int policy_begun;\n\n"
    "void policy_reset(void) { policy_begun = 0; }\n\n"
    "static void policy_keep(const float *obs)\n"
    "{\n"
    "  float *x = policy_inputs;\n"
    "  for (int i = POLICY_INPUTS - 1; i >= POLICY_OBS_DIM; i--) {\n"
    "    int k = (i - POLICY_OBS_DIM) %% POLICY_BLOCK, newest = i < POLICY_OBS_DIM + "
    "POLICY_BLOCK;\n"
    "    if (!policy_begun)\n"
    "      x[i] = k < POLICY_OBS_DIM ? obs[k] : 0.0f;\n"
    "    else if (!newest)\n"
    "      x[i] = x[i - POLICY_BLOCK];\n"
    "    else\n"
    "      x[i] = k < POLICY_OBS_DIM ? x[k] : policy_last[k - POLICY_OBS_DIM];\n"
    "  }\n"
    "  for (int i = 0; i < POLICY_OBS_DIM; i++) x[i] = obs[i];\n"
    "  policy_begun = 1;\n"
    "}\n\n";

/* The action that is remembered is what the actuator makes of it. */
static void print_last(buffer *out, const policy_labels *l, int A)
{
  for (int i = 0; i < A; i++) {
    bool is = l->is_switch && l->is_switch[i];
    buffer_print(out,
                 is ? "  policy_last[%d] = act[%d] >= 0.0f ? 1.0f : -1.0f;\n"
                    : "  policy_last[%d] = act[%d];\n",
                 i, i);
  }
}

static void print_keeping_act(buffer *out, const export_net *n, bool int8)
{
  buffer_print(out, keeping, n->size[0]);
  buffer_print(out, "static void policy_network(const float *obs, float *act)\n{\n");
  print_buffers(out, n);
  print_layers(out, n, int8);
  buffer_print(out, "}\n\nint policy_act(const float *obs, float *act)\n{\n");
  print_check(out);
  buffer_print(out, "  policy_keep(obs);\n  policy_network(policy_inputs, act);\n");
  print_last(out, n->labels, n->size[n->layers]);
  buffer_print(out, "  return 0;\n}\n\n");
}

static void print_act(buffer *out, const export_net *n, bool int8)
{
  buffer_print(out, "int policy_act(const float *obs, float *act)\n{\n");
  print_buffers(out, n);
  print_check(out);
  print_layers(out, n, int8);
  buffer_print(out, "  return 0;\n}\n\n");
}

void export_c(buffer *out, mopo_export_info *info, const export_net *n, const export_tests *t,
              bool int8)
{
  size_t S = (size_t)n->size[0], A = (size_t)n->size[n->layers];
  int buffers = n->layers > 2 ? 2 : n->layers - 1;
  info->stack_bytes = (size_t)buffers * (size_t)widest(n) * sizeof(float);
  info->constant_bytes = EXPORT_TESTS * (S + A) * sizeof(float);
  for (int i = 0; i < n->layers; i++) {
    size_t rows = (size_t)n->size[i + 1], weights = rows * (size_t)n->size[i];
    info->multiply_adds += (int64_t)weights;
    info->constant_bytes +=
        int8 ? weights + 2 * rows * sizeof(float) : (weights + rows) * sizeof(float);
  }
  info->constant_bytes += export_c_label_bytes(n->labels, observed(n), (int)A);
  if (n->shift)
    info->constant_bytes += 2 * S * sizeof(float), info->stack_bytes += S * sizeof(float);
  print_header(out, info, n, int8);
  print_interface(out, n);
  for (int i = 0; i < n->layers; i++) {
    if (int8)
      print_int8(out, i, n->w[i], n->size[i + 1], n->size[i]);
    else
      print_floats(out, "w", i, n->w[i], (size_t)n->size[i + 1] * (size_t)n->size[i]);
    print_floats(out, "b", i, n->b[i], (size_t)n->size[i + 1]);
  }
  if (n->shift) {
    print_floats(out, "shift", -1, n->shift, S);
    print_floats(out, "scale", -1, n->scale, S);
  }
  print_floats(out, "test_obs", -1, t->obs, EXPORT_TESTS * S);
  print_floats(out, "test_act", -1, t->act, EXPORT_TESTS * A);
  buffer_print(out, "\n%s%s", functions, int8 ? layer_int8 : layer_float);
  if (history(n) > 1)
    print_keeping_act(out, n, int8);
  else
    print_act(out, n, int8);
  export_c_labels(out, n->labels, observed(n), (int)A);
  buffer_print(out, self_test, EXPORT_TESTS,
               history(n) > 1 ? "policy_network(policy_test_obs + i * POLICY_INPUTS, act)"
                              : "if (policy_act(policy_test_obs + i * POLICY_OBS_DIM, act)) "
                                "return i + 1");
}
