/* export_onnx.c - a policy as an ONNX model (https://onnx.ai; field numbers: onnx.proto, IR 7,
 * operators: opset 13): Gemm, Relu, ..., Gemm, Tanh. */
#include "agent/export.h"
#include "io/proto.h"

#include <stdio.h>
#include <string.h>

enum {
  FLOAT32 = 1,
  BOOLEAN = 9,
  ATTRIBUTE_INT = 2
}; /* TensorProto.DataType, AttributeProto.AttributeType */
enum { IR_VERSION = 7, OPSET = 13 };

/* A TensorProto in the graph's initialisers. cols 0: [rows]. Values little-endian, as they are in
 * memory on every machine this runs on. */
static void add_tensor(buffer *graph, const char *name, const float *x, int rows, int cols)
{
  buffer t = {0};
  proto_int(&t, 1, rows);
  if (cols) proto_int(&t, 1, cols);
  proto_int(&t, 2, FLOAT32);
  proto_text(&t, 8, name);
  proto_bytes(&t, 9, x, sizeof *x * (size_t)rows * (size_t)(cols ? cols : 1));
  proto_message(graph, 5, &t);
}

/* The same of booleans [n]. */
static void add_flags(buffer *graph, const char *name, const bool *x, int n)
{
  buffer t = {0};
  proto_int(&t, 1, n);
  proto_int(&t, 2, BOOLEAN);
  proto_text(&t, 8, name);
  proto_bytes(&t, 9, x, (size_t)n);
  proto_message(graph, 5, &t);
}

/* A NodeProto of one, of two, or of three inputs; Gemm: y = x w^T + b. */
static void add_node(buffer *graph, const char *op, const char *y, const char *x, const char *w,
                     const char *b)
{
  buffer node = {0};
  proto_text(&node, 1, x);
  if (w) proto_text(&node, 1, w);
  if (b) proto_text(&node, 1, b);
  proto_text(&node, 2, y);
  proto_text(&node, 3, y);
  proto_text(&node, 4, op);
  if (strcmp(op, "Gemm") == 0) {
    buffer attribute = {0};
    proto_text(&attribute, 1, "transB");
    proto_int(&attribute, 3, 1);
    proto_int(&attribute, 20, ATTRIBUTE_INT);
    proto_message(&node, 5, &attribute);
  }
  proto_message(graph, 1, &node);
}

/* A ValueInfoProto: float32 [batch,cols]. */
static void add_value(buffer *graph, int field, const char *name, int cols)
{
  buffer batch = {0}, columns = {0}, shape = {0}, tensor = {0}, type = {0}, value = {0};
  proto_text(&batch, 2, "batch");
  proto_int(&columns, 1, cols);
  proto_message(&shape, 1, &batch);
  proto_message(&shape, 1, &columns);
  proto_int(&tensor, 1, FLOAT32);
  proto_message(&tensor, 2, &shape);
  proto_message(&type, 1, &tensor);
  proto_text(&value, 1, name);
  proto_message(&value, 2, &type);
  proto_message(graph, field, &value);
}

static void add_layer(buffer *graph, const export_net *n, int i)
{
  char w[32], b[32], x[32], y[32], sum[32];
  bool last = i + 1 == n->layers;
  snprintf(w, sizeof w, "actor.%d.weight", 2 * i);
  snprintf(b, sizeof b, "actor.%d.bias", 2 * i);
  snprintf(x, sizeof x, "hidden.%d", i);
  snprintf(y, sizeof y, "hidden.%d", i + 1);
  snprintf(sum, sizeof sum, "sum.%d", i + 1);
  add_node(graph, "Gemm", sum, i ? x : n->shift ? "scaled" : "obs", w, b);
  add_node(graph, last ? "Tanh" : "Relu", last ? "act" : y, sum, NULL, NULL);
}

static void add_meta(buffer *model, const char *key, const char *value)
{
  buffer entry = {0};
  proto_text(&entry, 1, key);
  proto_text(&entry, 2, value);
  proto_message(model, 14, &entry);
}

static mopo_status meta_of_label(void *ctx, const char *key, const char *value, mopo_error *err)
{
  (void)err;
  add_meta(ctx, key, value);
  return MOPO_OK;
}

/* setting = low + half (act + 1); of a switch high from 0 on, else low. */
static void add_setting_nodes(buffer *graph, const policy_labels *l)
{
  const bool switches = l->is_switch != NULL;
  add_node(graph, "Add", "from_low", "act", "one", NULL);
  add_node(graph, "Mul", "above_low", "from_low", "half_width", NULL);
  add_node(graph, "Add", switches ? "even" : "setting", "above_low", "low", NULL);
  if (!switches) return;
  add_node(graph, "GreaterOrEqual", "is_on", "act", "zero", NULL);
  add_node(graph, "Where", "switched", "is_on", "high", "low");
  add_node(graph, "Where", "setting", "is_switch", "switched", "even");
}

static void add_setting_tensors(buffer *graph, const policy_labels *l, int A)
{
  const float one = 1.0f, zero = 0.0f;
  static const char *const names[] = {"low", "high", "half_width"};
  buffer columns[3] = {0};
  for (int i = 0; i < A; i++) {
    float low = l->ranges ? l->ranges[2 * i] : -1.0f,
          high = l->ranges ? l->ranges[2 * i + 1] : 1.0f;
    float of[] = {low, high, (high - low) / 2.0f};
    for (int k = 0; k < 3; k++) buffer_add(&columns[k], &of[k], sizeof of[k]);
  }
  add_tensor(graph, "one", &one, 1, 0);
  if (l->is_switch) add_tensor(graph, "zero", &zero, 1, 0);
  for (int k = 0; k < 3; k++) {
    if (columns[k].failed)
      graph->failed = true;
    else if (k != 1 || l->is_switch)
      add_tensor(graph, names[k], (const void *)columns[k].bytes, A, 0);
    buffer_free(&columns[k]);
  }
  if (l->is_switch) add_flags(graph, "is_switch", l->is_switch, A);
}

void export_onnx(buffer *out, const export_net *n)
{
  buffer graph = {0}, opset = {0};
  const int A = n->size[n->layers];
  const policy_labels *l = n->labels;
  const bool units = l && (l->ranges || l->is_switch);
  if (n->shift) {
    add_node(&graph, "Sub", "shifted", "obs", "input.shift", NULL);
    add_node(&graph, "Mul", "scaled", "shifted", "input.scale", NULL);
  }
  for (int i = 0; i < n->layers; i++) add_layer(&graph, n, i);
  if (units) add_setting_nodes(&graph, l);
  proto_text(&graph, 2, "policy");
  if (n->shift) {
    add_tensor(&graph, "input.shift", n->shift, n->size[0], 0);
    add_tensor(&graph, "input.scale", n->scale, n->size[0], 0);
  }
  for (int i = 0; i < n->layers; i++) {
    char name[32];
    snprintf(name, sizeof name, "actor.%d.weight", 2 * i);
    add_tensor(&graph, name, n->w[i], n->size[i + 1], n->size[i]);
    snprintf(name, sizeof name, "actor.%d.bias", 2 * i);
    add_tensor(&graph, name, n->b[i], n->size[i + 1], 0);
  }
  if (units) add_setting_tensors(&graph, l, A);
  add_value(&graph, 11, "obs", n->size[0]);
  add_value(&graph, 12, "act", A);
  if (units) add_value(&graph, 12, "setting", A);

  proto_int(out, 1, IR_VERSION);
  proto_text(out, 2, "mopo");
  proto_text(out, 3, MOPO_VERSION);
  proto_message(out, 7, &graph);
  proto_text(&opset, 1, "");
  proto_int(&opset, 2, OPSET);
  proto_message(out, 8, &opset);
  add_meta(out, "task", n->task);
  add_meta(out, "algo", n->algo);
  mopo_error none;
  if (labels_each(l, n->size[0], A, meta_of_label, out, &none) != MOPO_OK) out->failed = true;
}
