/* rows.h: four rows of a matrix at a time. */

#ifndef MEMORY64_ENGINE_ROWS_H
#define MEMORY64_ENGINE_ROWS_H

#include "matmul.h"
#include "simd.h"

/* Four rows that are computed together; where there are fewer, the last one is given again. */
typedef struct {
  const uint8_t* start[4];
} FourRows;

/* Rows `first`, `first + step`, …, none of them beyond `last`. */
INLINE FourRows four_rows(const Matrix* weights, uint32_t first, uint32_t step, uint32_t last) {
  FourRows rows;
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t row = (uint64_t)first + (uint64_t)i * step;
    rows.start[i] = weights->data + (row < last ? row : last) * weights->row_bytes;
  }
  return rows;
}

/* Stores the lanes of the rows that there are. */
INLINE void store_rows(float* out, uint32_t first, uint32_t step, uint32_t last, Vector sums) {
  float lanes[4];
  wasm_v128_store(lanes, sums);
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t row = (uint64_t)first + (uint64_t)i * step;
    if (row <= last) out[row] = lanes[i];
  }
}

#endif
