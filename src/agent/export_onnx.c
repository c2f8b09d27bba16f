/* export_onnx.c - a policy as an ONNX model (https://onnx.ai; field numbers: onnx.proto, IR 7,
 * operators: opset 13): Gemm, Relu, ..., Gemm, Tanh. */
#include "agent/export.h"
#include "io/proto.h"

#include <stdio.h>
#include <string.h>

enum { FLOAT32 = 1, ATTRIBUTE_INT = 2 }; /* TensorProto.DataType, AttributeProto.AttributeType */
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

/* A NodeProto of one, of two, or of three inputs: then y = x w^T + b. */
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
  if (b) {
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

void export_onnx(buffer *out, const export_net *n)
{
  buffer graph = {0}, opset = {0};
  if (n->shift) {
    add_node(&graph, "Sub", "shifted", "obs", "input.shift", NULL);
    add_node(&graph, "Mul", "scaled", "shifted", "input.scale", NULL);
  }
  for (int i = 0; i < n->layers; i++) add_layer(&graph, n, i);
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
  add_value(&graph, 11, "obs", n->size[0]);
  add_value(&graph, 12, "act", n->size[n->layers]);

  proto_int(out, 1, IR_VERSION);
  proto_text(out, 2, "mopo");
  proto_text(out, 3, MOPO_VERSION);
  proto_message(out, 7, &graph);
  proto_text(&opset, 1, "");
  proto_int(&opset, 2, OPSET);
  proto_message(out, 8, &opset);
  add_meta(out, "task", n->task);
  add_meta(out, "algo", n->algo);
}
