/* The kernels as functions that a test can call. */

#include "dequantize.h"
#include "matmul.h"

#define EXPORT(NAME) __attribute__((export_name(#NAME)))

EXPORT(activations_bytes) uint64_t export_bytes(uint32_t tokens, uint32_t columns) {
  return activations_bytes(tokens, columns);
}

EXPORT(quantize)
void export_quantize(void* room, const float* values, uint32_t tokens, uint32_t columns) {
  Activations x = activations_in(room, values, tokens, columns);
  for (uint32_t token = 0; token < tokens; token++)
    quantize_blocks(&x, token, 0, columns / BLOCK_COLUMNS);
}

EXPORT(matmul)
void export_matmul(const Matrix* weights, uint32_t first_row, uint32_t row_count, void* room,
                   const float* values, uint32_t tokens, float* out, uint64_t out_stride) {
  Activations x = activations_in(room, values, tokens, weights->cols);
  matmul(weights, first_row, row_count, &x, out, out_stride);
}

EXPORT(dequantize)
void export_dequantize(uint32_t type, const void* blocks, float* out, uint64_t count) {
  dequantize(type, blocks, out, count);
}
