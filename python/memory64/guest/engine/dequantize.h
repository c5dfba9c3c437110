/* dequantize.h: a tensor's blocks to 32-bit floats, bit for bit as the `gguf` package does it. */

#ifndef MEMORY64_ENGINE_DEQUANTIZE_H
#define MEMORY64_ENGINE_DEQUANTIZE_H

#include <stdint.h>

/* Writes `count` floats, a whole number of the type's blocks; none for a type it does not know. */
void dequantize(uint32_t type, const void* blocks, float* out, uint64_t count);

#endif
