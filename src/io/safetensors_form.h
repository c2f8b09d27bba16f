/* safetensors_form.h - what reading and writing share: the layout of a file.
 *
 * u64 length H of the header; H bytes of JSON, padded with blanks so that the data begin at a
 * multiple of 8; the data, without gaps. The header maps a name to {"dtype", "shape",
 * "data_offsets": [begin, end)} and "__metadata__" to an object of strings.
 *
 * Our files carry a checksum of all their other bytes in their metadata, where other readers do not
 * mind it: 16 digits, which are zeros while the sum is made. */
#ifndef IO_SAFETENSORS_FORM_H
#define IO_SAFETENSORS_FORM_H

#include "io/safetensors.h"

enum { TENSOR_ALIGN = 8, TENSOR_RANK = 4, TENSOR_TYPES = 5, SUM_DIGITS = 16 };

#define TENSOR_META "__metadata__"
#define SUM_KEY "checksum"
#define NO_SUM "0000000000000000"

typedef struct tensor_form {
  const char *name;
  size_t size;
} tensor_form;

extern const tensor_form tensor_forms[TENSOR_TYPES]; /* by tensor_type */

/* False: the size does not fit in memory's addresses. */
bool tensor_size_fits(const tensor *t);
/* Where the digits of the checksum are in a header [n]; NULL: it has none. */
char *tensor_sum_find(char *header, size_t n);
void tensor_sum_print(char digits[SUM_DIGITS], uint64_t sum);

#endif
