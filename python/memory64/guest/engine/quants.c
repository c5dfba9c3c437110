#include "quants.h"

BlockShape block_shape(uint32_t type) {
  switch (type) {
    case F32:
      return (BlockShape){1, 4};
    case F16:
      return (BlockShape){1, 2};
    case BF16:
      return (BlockShape){1, 2};
    case Q4_0:
      return (BlockShape){32, sizeof(BlockQ4_0)};
    case Q4_1:
      return (BlockShape){32, sizeof(BlockQ4_1)};
    case Q5_0:
      return (BlockShape){32, sizeof(BlockQ5_0)};
    case Q5_1:
      return (BlockShape){32, sizeof(BlockQ5_1)};
    case Q8_0:
      return (BlockShape){32, sizeof(BlockQ8_0)};
    case IQ4_NL:
      return (BlockShape){32, sizeof(BlockIQ4_NL)};
    case Q2_K:
      return (BlockShape){256, sizeof(BlockQ2_K)};
    case Q3_K:
      return (BlockShape){256, sizeof(BlockQ3_K)};
    case Q4_K:
      return (BlockShape){256, sizeof(BlockQ4_K)};
    case Q5_K:
      return (BlockShape){256, sizeof(BlockQ5_K)};
    case Q6_K:
      return (BlockShape){256, sizeof(BlockQ6_K)};
    case IQ4_XS:
      return (BlockShape){256, sizeof(BlockIQ4_XS)};
    default:
      return (BlockShape){0, 0};
  }
}
