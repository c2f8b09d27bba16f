/* export.h - a policy in forms that others run. Every form is the deterministic action
 * tanh(mean(obs)); the rows of the log standard deviations stay behind. */
#ifndef AGENT_EXPORT_H
#define AGENT_EXPORT_H

#include "agent/policy.h"
#include "io/buffer.h"

/* The network as torch.nn.Linear has it: layer i is w[i] [size[i+1], size[i]], b[i] [size[i+1]]. */
typedef struct export_net {
  int layers;
  int size[MLP_LAYERS + 1]; /* obs_dim, hidden ..., act_dim */
  float *w[MLP_LAYERS], *b[MLP_LAYERS];
  const char *task, *algo;     /* "" if the file does not say */
  const policy_labels *labels; /* NULL: nothing is known */
  /* [S] the first layer takes (obs - shift) * scale; NULL: it takes obs. */
  const float *shift, *scale;
} export_net;

enum { EXPORT_TESTS = 3 };

/* Observations [EXPORT_TESTS, S] and the actions [EXPORT_TESTS, A] the network has for them. */
typedef struct export_tests {
  const float *obs, *act;
} export_tests;

/* Of what the columns mean (NULL: nothing is known) as C: enumerators OBS_LEVEL, ACT_PUMP; then
 * policy_in_range and policy_settings, with their constants, bytes of which the last one says. */
void export_c_names(buffer *out, const policy_labels *l, int observed, int A);
void export_c_labels(buffer *out, const policy_labels *l, int observed, int A);
size_t export_c_label_bytes(const policy_labels *l, int observed, int A);
/* A constant that reads back to the same bits. */
void export_c_float(buffer *out, float x);
/* A name of the world's in a comment. */
void export_comment(buffer *out, const char *name);
/* One C99 file, its weights float32 or int8. */
void export_c(buffer *out, mopo_export_info *info, const export_net *n, const export_tests *t,
              bool int8);
/* ONNX, opset 13: "obs" [batch,S] to "act" [batch,A], and "setting" [batch,A] in the log's units
 * where these are known. */
void export_onnx(buffer *out, const export_net *n);

/* obs [n,S]: draws that look like p's observations: standard normal as its first layer sees them,
 * where it says how it makes them so; else standard normal. */
void export_draw(float *obs, int n, const actor *p);

/* q [n] in -127..127 such that w is about q times the scale that is returned. */
float export_int8(signed char *q, const float *w, int n);

#endif
