/* The sum of numbers of 64 bits anywhere in the model, read in place: nothing is copied, and
   offsets beyond 4 GiB are as good as any. */

#include <memory64.h>

MEMORY64_REGION(weights)

MEMORY64_EXPORT(sum) uint64_t sum(uint64_t offset, uint64_t count) {
  uint64_t total = 0;
  for (uint64_t index = 0; index < count; index++) total += region_weights_u64(offset + 8 * index);
  return total;
}

MEMORY64_EXPORT(region_bytes) uint64_t region_bytes(void) {
  return region_weights_bytes();
}
