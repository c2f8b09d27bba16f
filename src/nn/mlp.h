/* mlp.h - multilayer perceptrons: what is the function, and what is its gradient?
 *
 * All parameters of a network stand in one block, layer by layer: weights in panels
 * (nn/kernels.h), then biases; gradients, Adam's moments and target copies are blocks of the same
 * shape. A network that learns also keeps the transpose of each weight matrix, for the way back.
 *
 * Rows of a batch are independent of each other on the way forward and back, so any thread may take
 * any stretch of rows; the gradient of a panel of weights sums over all rows in order, so any
 * thread may take any panel. An update is then two stages: rows, then panels. */
#ifndef NN_MLP_H
#define NN_MLP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rng.h"
#include "nn/kernels.h"

enum { MLP_LAYERS = 8 };

typedef struct mlp_layer {
  int in, out;
  bool single; /* the last layer, with one output: its weights are one vector */
  float *w;    /* [in,out] in panels; single: [in] */
  float *b;    /* [out], padded */
  float *wt;   /* the transpose, [out,in] in panels; NULL in a network that does not learn */
} mlp_layer;

typedef enum mlp_activation { MLP_RELU, MLP_SWISH } mlp_activation;

typedef struct mlp {
  int layers;
  mlp_activation activation; /* of the hidden layers; the last layer is linear */
  mlp_layer layer[MLP_LAYERS];
  float *params; /* the block */
  size_t size;   /* its floats, a multiple of 16 */
  const kernels *k;
} mlp;

/* What a batch leaves behind on its way through: h[0] is the input, h[i+1] the output of layer i,
 * d[i] the derivative of the activation of layer i (swish only). [capacity rows] */
typedef struct mlp_acts {
  panels h[MLP_LAYERS + 1], d[MLP_LAYERS];
} mlp_acts;

/* Gradients at the outputs of the layers, before the activation: g[i] like h[i+1]. */
typedef struct mlp_grads {
  panels g[MLP_LAYERS];
} mlp_grads;

/* sizes [layers + 1]: input, hidden..., output. */
void mlp_shape(mlp *n, const kernels *k, int layers, const int *sizes, mlp_activation activation);
/* Places the parameters. */
void mlp_layout(mlp *n, arena *a);
/* Lets it have parameters that are elsewhere, size floats; its transposes stay where they are. */
void mlp_place(mlp *n, float *params);
/* Places the transposes that a network needs for the way back; call after mlp_layout. They follow
 * from the parameters, so they need not be where state is kept. */
void mlp_layout_transposes(mlp *n, arena *a);
void mlp_acts_layout(mlp_acts *s, const mlp *n, arena *a, int rows, bool learns);
void mlp_grads_layout(mlp_grads *s, const mlp *n, arena *a, int rows);
/* A matrix [rows, cols] in panels, zeroed. */
panels panels_layout(arena *a, int rows, int cols);

/* Initial weights; biases follow the scheme. Draws are by position: independent of the order. */
typedef enum mlp_init {
  MLP_GLOROT,    /* W ~ U(+-sqrt(6 / (in + out))), b = 0 (Keras' Dense) */
  MLP_FAN_IN,    /* W, b ~ U(+-1 / sqrt(in)) (torch.nn.Linear) */
  MLP_TRUNCATED, /* W ~ truncated normal, std 1 / (2 sqrt(in)), b = 0 (PETS) */
} mlp_init;
void mlp_initialise(mlp *n, mlp_init scheme, rng_key key);

/* Layer i as torch.nn.Linear has it: w [out,in], b [out]. Set also renews the transpose. */
void mlp_get(const mlp *n, int i, float *w, float *b);
void mlp_set(mlp *n, int i, const float *w, const float *b);
/* Renews every transpose after the parameters were changed from outside. */
void mlp_transpose(mlp *n);
/* to(x) = from((x - shift) * scale), shift and scale [in] of the first layer; same shape. */
void mlp_fold_input(const mlp *to, const mlp *from, const float *shift, const float *scale);
/* Same shape: all parameters of one into another. */
void mlp_copy(mlp *to, const mlp *from);

/* Rows r0 .. r0+rows-1 of s->h[0] through the network; back: also keep what the way back needs. */
void mlp_forward(const mlp *n, mlp_acts *s, int r0, int rows, bool back);
/* g->g[last] of these rows to the g of every earlier layer. */
void mlp_backward(const mlp *n, const mlp_acts *s, mlp_grads *g, int r0, int rows);
/* g->g[0] to the gradient at the input, only the panels that hold columns c0 .. c1-1. */
void mlp_backward_input(const mlp *n, panels dx, const mlp_grads *g, int r0, int rows, int c0,
                        int c1);

/* The pieces of a parameter update: PIECE panels of a layer's weights each, the last three if their
 * number is odd, as wide as the widest tiles (nn/kernels_impl.h). How the panels are shared out
 * does not touch the bits. */
enum { PIECE = 2 };
int mlp_pieces(const mlp *n);
/* Where a piece is: its layer, its first panel and how many, and the place and floats of its
 * weights and biases. */
typedef struct mlp_piece {
  int layer, panel, panels;
  float *w, *b;
  size_t w_size, b_size;
} mlp_piece;
mlp_piece mlp_piece_at(const mlp *n, int piece);
/* Renews the transpose of a piece. */
void mlp_piece_transpose(mlp *n, int piece);
/* Gradient of a piece, summed over `rows` rows: dw [w_size], db [b_size]. */
void mlp_piece_gradient(const mlp *n, int piece, float *dw, float *db, const mlp_acts *s,
                        const mlp_grads *g, int rows);
/* All gradients as a block like params (tests, and whoever wants them whole). */
void mlp_gradient(const mlp *n, float *block, const mlp_acts *s, const mlp_grads *g, int rows);

/* Adam on one network: m and v are blocks like params. */
typedef struct adam {
  float *m, *v;
  double lr, beta1, beta2, eps;
  double power1, power2; /* beta1^t, beta2^t: the state beside the moments */
} adam;

void adam_layout(adam *o, arena *a, size_t size);
void adam_init(adam *o, double lr);
/* Begins step t+1: call once for each update, before its pieces. */
adam_step adam_next(adam *o);
/* Gradient, Adam, target averaging (target may be NULL) and transpose of one piece, in one visit.
 * scratch: mlp_scratch floats. decay: weights only, added to the gradient as decay * w. */
void mlp_piece_update(mlp *n, int piece, adam *o, adam_step step, const mlp_acts *s,
                      const mlp_grads *g, int rows, mlp *target, float decay, float *scratch);
/* The same from a gradient made elsewhere (dw, db as mlp_piece_gradient gives them). */
void mlp_piece_apply(mlp *n, int piece, adam *o, adam_step step, const float *dw, const float *db,
                     mlp *target, float decay);
size_t mlp_scratch(const mlp *n);

#endif
