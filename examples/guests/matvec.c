/* y = W x, W being a Q4_1 tensor of the model, found by its name and read row by row. */

#include <memory64.h>

enum { Q4_1 = 3, BLOCK_VALUES = 32, MAX_COLUMNS = 1 << 16 };

/* A block: 32 values of 4 bits, the first 16 in the low halves; value = scale * bits + minimum. */
typedef struct block {
  uint16_t scale, minimum; /* F16 */
  uint8_t bits[BLOCK_VALUES / 2];
} block;

static block row[MAX_COLUMNS / BLOCK_VALUES];

/* Memory in which the host puts a name and x, and finds y. */
MEMORY64_EXPORT(allocate) void* allocate(size_t bytes) {
  return memory64_grow(bytes);
}

/* For finite values, which a scale has to be. */
static float from_f16(uint16_t half) {
  /* The exponents differ by 112: one multiplication sets them right, of subnormals too. */
  union {
    uint32_t bits;
    float value;
  } wide = {(uint32_t)(half & 0x7FFF) << 13};
  wide.value *= 0x1p112f;
  wide.bits |= (uint32_t)(half & 0x8000) << 16;
  return wide.value;
}

static float dot(const block* blocks, const float* x, uint64_t columns) {
  float total = 0;
  for (uint64_t at = 0; at < columns; at += BLOCK_VALUES, blocks++, x += BLOCK_VALUES) {
    float with_bits = 0, alone = 0;
    for (int i = 0; i < BLOCK_VALUES / 2; i++) {
      with_bits += (blocks->bits[i] & 15) * x[i] + (blocks->bits[i] >> 4) * x[i + 16];
      alone += x[i] + x[i + 16];
    }
    total += from_f16(blocks->scale) * with_bits + from_f16(blocks->minimum) * alone;
  }
  return total;
}

/* How many rows y has now; where it fails, the memory64_error as a negative number. */
MEMORY64_EXPORT(matvec)
int64_t matvec(const char* name, size_t length, const float* x, float* y, size_t max_rows) {
  memory64_tensor w;
  memory64_error error = memory64_find_tensor(MEMORY64_WHOLE_MODEL, name, length, &w);
  if (error) return -(int64_t)error;
  uint64_t rows = w.shape[0], columns = w.shape[1];
  if (w.quant_type != Q4_1 || w.dimensions != 2) return -MEMORY64_NOT_FOUND;
  if (columns > MAX_COLUMNS || rows > max_rows) return -MEMORY64_TOO_LARGE;
  uint64_t row_bytes = columns / BLOCK_VALUES * sizeof(block);
  for (uint64_t index = 0; index < rows; index++) {
    memory64_result read = memory64_read(w.offset + index * row_bytes, row, row_bytes);
    if (read.error) return -(int64_t)read.error;
    y[index] = dot(row, x, columns);
  }
  return (int64_t)rows;
}
