/* quants.h: the quant types by ggml's numbers, and how their blocks lie in a file.

   `d` and `dmin` are 16-bit floats. Where weights are packed, "low" and "high" are the two halves
   of a byte. Every field is little-endian, and no block is aligned. */

#ifndef MEMORY64_ENGINE_QUANTS_H
#define MEMORY64_ENGINE_QUANTS_H

#include <stdint.h>

enum {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ4_NL = 20,
  IQ4_XS = 23,
  BF16 = 30,
};

/* Blocks of 32: low halves are columns 0…15, high halves columns 16…31. */
typedef struct {
  uint8_t d[2], weights[16];
} BlockQ4_0, BlockIQ4_NL;

typedef struct {
  uint8_t d[2], min[2], weights[16];
} BlockQ4_1;

typedef struct {
  uint8_t d[2], fifth_bits[4], weights[16];
} BlockQ5_0;

typedef struct {
  uint8_t d[2], min[2], fifth_bits[4], weights[16];
} BlockQ5_1;

typedef struct {
  uint8_t d[2];
  int8_t weights[32];
} BlockQ8_0;

/* Blocks of 256. */
typedef struct {
  uint8_t scales[16]; /* of 16 columns each: low the scale, high the minimum */
  uint8_t weights[64];
  uint8_t d[2], dmin[2];
} BlockQ2_K;

typedef struct {
  uint8_t third_bits[32]; /* bit n of a byte: column 32 n + the byte's number */
  uint8_t weights[64];
  uint8_t scales[12];
  uint8_t d[2];
} BlockQ3_K;

typedef struct {
  uint8_t d[2], dmin[2];
  uint8_t scales[12];   /* of 32 columns each, six bits, and their minima */
  uint8_t weights[128]; /* 32 bytes for 64 columns: low the first 32 */
} BlockQ4_K;

typedef struct {
  uint8_t d[2], dmin[2];
  uint8_t scales[12];
  uint8_t fifth_bits[32]; /* bit n of a byte: column 32 n + the byte's number */
  uint8_t weights[128];
} BlockQ5_K;

typedef struct {
  uint8_t low_bits[128];
  uint8_t high_bits[64];
  int8_t scales[16]; /* of 16 columns each */
  uint8_t d[2];
} BlockQ6_K;

typedef struct {
  uint8_t d[2];
  uint8_t scales_high[2]; /* two bits for each of the eight scales */
  uint8_t scales_low[4];
  uint8_t weights[128]; /* 16 bytes for 32 columns */
} BlockIQ4_XS;

/* Columns and bytes of a block. */
typedef struct {
  uint32_t columns, bytes;
} BlockShape;

#endif
