/* matmul.h: weights as they lie in a file, times activations. */

#ifndef MEMORY64_ENGINE_MATMUL_H
#define MEMORY64_ENGINE_MATMUL_H

#include "activations.h"

/* A tensor as it lies in the file: rows x cols, quantised along a row. */
typedef struct {
  const uint8_t* data;
  uint64_t row_bytes;
  uint32_t type; /* ggml's number of the quant type */
  uint32_t rows;
  uint32_t cols;
  uint32_t padding; /* hosts see the same struct: 32 bytes */
} Matrix;

/* Where `first_row` may be: rows of a chunk are unpacked together for many tokens. A row's result
   does not depend on the rows and tokens it is computed with, nor on how many they are. */
#define ROW_CHUNK 32

/* out[token * out_stride + row] = weights[row] . x[token] for `row_count` rows from `first_row` on.
   With one token, some hundred rows at once are faster than few: four are read in step, as far
   apart as they can be, and processors read ahead of long reads. Takes 40 KiB of stack. */
void matmul(const Matrix* weights, uint32_t first_row, uint32_t row_count, const Activations* x,
            float* out, uint64_t out_stride);

#endif
