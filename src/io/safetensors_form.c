/* safetensors_form.c - see safetensors_form.h. */
#include "io/safetensors_form.h"

#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little-endian");

const tensor_form tensor_forms[TENSOR_TYPES] = {[TENSOR_F32] = {"F32", 4},
                                                [TENSOR_F64] = {"F64", 8},
                                                [TENSOR_I64] = {"I64", 8},
                                                [TENSOR_U32] = {"U32", 4},
                                                [TENSOR_U8] = {"U8", 1}};

size_t tensor_count(const tensor *t)
{
  size_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= (size_t)t->shape[i];
  return n;
}

size_t tensor_bytes(const tensor *t) { return tensor_count(t) * tensor_forms[t->type].size; }

bool tensor_size_fits(const tensor *t)
{
  size_t n = tensor_forms[t->type].size;
  for (int i = 0; i < t->rank; i++)
    if (t->shape[i] < 0 || __builtin_mul_overflow(n, (size_t)t->shape[i], &n)) return false;
  return n <= PTRDIFF_MAX;
}

/* No value of the metadata can look like the key: its quotes would be escaped. */
char *tensor_sum_find(char *header, size_t n)
{
  static const char sum_start[] = "\"" SUM_KEY "\":\"";
  char *at = memmem(header, n, sum_start, sizeof sum_start - 1);
  if (at) at += sizeof sum_start - 1;
  return at && (size_t)(header + n - at) > SUM_DIGITS ? at : NULL;
}

void tensor_sum_print(char digits[SUM_DIGITS], uint64_t sum)
{
  char text[SUM_DIGITS + 1];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
  memcpy(digits, text, SUM_DIGITS);
}
