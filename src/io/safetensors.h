/* safetensors.h - named arrays in one file: 8 bytes of header length, a JSON header, the data.
 * Format: https://github.com/huggingface/safetensors (public specification). */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "base/error.h"

typedef enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_I64, TENSOR_U32, TENSOR_U8 } tensor_type;

typedef struct tensor {
  char name[96];
  tensor_type type;
  int rank; /* 0..4 */
  int64_t shape[4];
  const void *data; /* borrowed */
} tensor;

size_t tensor_count(const tensor *t); /* product of the shape */
size_t tensor_bytes(const tensor *t);

/* Writing: add borrowed tensors and text metadata, then write the file whole. Grows as needed. */
typedef struct tensor_list tensor_list;
tensor_list *tensor_list_create(void); /* NULL: no memory */
void tensor_list_free(tensor_list *l);
/* data lives until the write. ENOMEM, EINVAL (name too long or there already). */
MUST_CHECK mopo_status tensor_list_add(tensor_list *l, const char *name, tensor_type type, int rank,
                                       const int64_t *shape, const void *data, mopo_error *err);
MUST_CHECK mopo_status tensor_list_meta(tensor_list *l, const char *key, const char *value,
                                        mopo_error *err);
MUST_CHECK mopo_status tensor_list_write(const tensor_list *l, const char *path, mopo_error *err);
/* The bytes of such a file in memory; free() them. ENOMEM. */
MUST_CHECK mopo_status tensor_list_bytes(void **bytes, size_t *n, const tensor_list *l,
                                         mopo_error *err);

/* Reading: the whole file in memory, every length and offset checked, and its checksum if it has
 * one (tensor_list_write puts one in the metadata: 'checksum'). */
typedef struct tensor_file tensor_file;
MUST_CHECK mopo_status tensor_file_open(tensor_file **out, const char *path, mopo_error *err);
/* The same from bytes in memory (copied); `name` is for messages. The fuzz target calls this. */
MUST_CHECK mopo_status tensor_file_parse(tensor_file **out, const char *name, const void *bytes,
                                         size_t n, mopo_error *err);
void tensor_file_free(tensor_file *f);
int tensor_file_count(const tensor_file *f);
const tensor *tensor_file_at(const tensor_file *f, int i);
const tensor *tensor_file_find(const tensor_file *f, const char *name); /* NULL if absent */
const char *tensor_file_meta(const tensor_file *f, const char *key);    /* NULL if absent */
/* Finds one and checks type and shape (rank and every dimension); EFORMAT names file, tensor,
 * shape and what was wanted. */
MUST_CHECK mopo_status tensor_file_get(const tensor_file *f, const void **data, const char *name,
                                       tensor_type type, int rank, const int64_t *shape,
                                       mopo_error *err);

#endif
