/* floats.h: products with weights that are stored as floats, against the activations as they are.
 */

#ifndef MEMORY64_ENGINE_FLOATS_H
#define MEMORY64_ENGINE_FLOATS_H

#include "matmul.h"

/* As matmul, for F32, F16 and BF16; does nothing for other types. */
void times_floats(const Matrix* weights, uint32_t first_row, uint32_t row_count,
                  const Activations* x, float* out, uint64_t out_stride);

#endif
