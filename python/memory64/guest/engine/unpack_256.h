/* unpack_256.h: quant types in blocks of 256 columns, into panels. */

#ifndef MEMORY64_ENGINE_UNPACK_256_H
#define MEMORY64_ENGINE_UNPACK_256_H

#include <stddef.h>

#include "half.h"
#include "iq4.h"
#include "panel.h"
#include "quants.h"

/* Byte `n` of each lane, as an integer. */
INLINE Vector byte_of_lanes(Vector lanes, uint32_t n) {
  return wasm_v128_and(wasm_u32x4_shr(lanes, 8 * n), wasm_i32x4_splat(255));
}
INLINE Vector signed_byte_of_lanes(Vector lanes, uint32_t n) {
  return wasm_i32x4_shr(wasm_i32x4_shl(lanes, 24 - 8 * n), 24);
}

/* Lanes of small integers as pairs of 16 bits. */
INLINE Vector as_pairs(Vector lanes) {
  return wasm_v128_or(wasm_v128_and(lanes, wasm_i32x4_splat(0xffff)), wasm_i32x4_shl(lanes, 16));
}

/* Scales (or minima) of the eight parts, of four rows: 16 bits, a pair for each row. The pairs are
   of parts 0 and 2, 1 and 3, 4 and 6, 5 and 7, as they come out of bytes in the fewest steps. */
typedef struct {
  Vector pairs[PARTS / 2];
} PartScales;

INLINE PartScales part_scales(const Vector* bytes) {
  PartScales scales;
  UNROLL
  for (uint32_t i = 0; i < 2; i++) {
    scales.pairs[2 * i] = wasm_v128_and(bytes[i], wasm_i16x8_splat(255));
    scales.pairs[2 * i + 1] = wasm_u16x8_shr(bytes[i], 8);
  }
  return scales;
}

/* The six-bit scales and minima of Q4_K and Q5_K: a byte for each of eight parts. */
typedef struct {
  Vector scales[2], minima[2];
} SixBits;

INLINE SixBits six_bits(Quad head) {
  Vector six = wasm_i8x16_splat(63), upper = wasm_i8x16_splat(0x30);
  Vector scales = head.columns[1], minima = head.columns[2], rest = head.columns[3];
  return (SixBits){
      {wasm_v128_and(scales, six),
       wasm_v128_or(low_halves(rest), wasm_v128_and(wasm_u16x8_shr(scales, 2), upper))},
      {wasm_v128_and(minima, six),
       wasm_v128_or(high_halves(rest), wasm_v128_and(wasm_u16x8_shr(minima, 2), upper))},
  };
}

INLINE void unpack_six_bits(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  Quad head = load_quad(rows, 0);
  SixBits bits = six_bits(head);
  PartScales minima = part_scales(bits.minima);
  to->d[g] = halves_to_floats(lower_halves(head.columns[0]));
  to->dmin[g] = halves_to_floats(upper_halves(head.columns[0]));
  for (uint32_t i = 0; i < PARTS / 2; i++) to->minima[i][g] = minima.pairs[i];
  for (uint32_t part = 0; part < PARTS; part++) {
    Vector scale = as_pairs(byte_of_lanes(bits.scales[part / 4], part % 4));
    to->parts[part][g].multiplier[0] = to->parts[part][g].multiplier[1] = scale;
  }
}

INLINE void unpack_q4_K(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  unpack_six_bits(rows, to, g);
  for (uint32_t n = 0; n < 8; n++) { /* 16 bytes: a half of two parts */
    Quad quad = load_quad(rows, offsetof(BlockQ4_K, weights) + 16 * n);
    for (uint32_t i = 0; i < 4; i++) {
      to->parts[n / 2 * 2][g].weights.low[n % 2 * 4 + i] = low_halves(quad.columns[i]);
      to->parts[n / 2 * 2 + 1][g].weights.low[n % 2 * 4 + i] = high_halves(quad.columns[i]);
    }
  }
}

/* 16 where bit `n` of a byte is set. */
INLINE Vector as_fifth_bit(Vector bytes, uint32_t n) {
  Vector moved = n < 4 ? wasm_i16x8_shl(bytes, 4 - n) : wasm_u16x8_shr(bytes, n - 4);
  return wasm_v128_and(moved, wasm_i8x16_splat(16));
}

INLINE void unpack_q5_K(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  unpack_six_bits(rows, to, g);
  for (uint32_t half = 0; half < 2; half++) {
    Quad fifth = load_quad(rows, offsetof(BlockQ5_K, fifth_bits) + 16 * half);
    for (uint32_t pair = 0; pair < 4; pair++) {
      Quad quad = load_quad(rows, offsetof(BlockQ5_K, weights) + 32 * pair + 16 * half);
      for (uint32_t i = 0; i < 4; i++) {
        to->parts[2 * pair][g].weights.low[4 * half + i] =
            wasm_v128_or(low_halves(quad.columns[i]), as_fifth_bit(fifth.columns[i], 2 * pair));
        to->parts[2 * pair + 1][g].weights.low[4 * half + i] = wasm_v128_or(
            high_halves(quad.columns[i]), as_fifth_bit(fifth.columns[i], 2 * pair + 1));
      }
    }
  }
}

/* Two bits of each byte, at bits 4 and 5. */
INLINE Vector as_upper_bits(Vector bytes, uint32_t n) {
  Vector moved = n < 2 ? wasm_i16x8_shl(bytes, 4 - 2 * n) : wasm_u16x8_shr(bytes, 2 * n - 4);
  return wasm_v128_and(moved, wasm_i8x16_splat(0x30));
}

INLINE void unpack_q6_K_weights(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  for (uint32_t n = 0; n < 4; n++) { /* 128 columns are four parts: low low, low high, … */
    uint32_t first = n / 2 * 4, half = n % 2 * 4;
    Quad low = load_quad(rows, offsetof(BlockQ6_K, low_bits) + n / 2 * 64 + n % 2 * 16);
    Quad next = load_quad(rows, offsetof(BlockQ6_K, low_bits) + n / 2 * 64 + 32 + n % 2 * 16);
    Quad high = load_quad(rows, offsetof(BlockQ6_K, high_bits) + n / 2 * 32 + n % 2 * 16);
    for (uint32_t i = 0; i < 4; i++) {
      Vector upper = high.columns[i];
      to->parts[first][g].weights.low[half + i] =
          wasm_v128_or(low_halves(low.columns[i]), as_upper_bits(upper, 0));
      to->parts[first + 1][g].weights.low[half + i] =
          wasm_v128_or(low_halves(next.columns[i]), as_upper_bits(upper, 1));
      to->parts[first + 2][g].weights.low[half + i] =
          wasm_v128_or(high_halves(low.columns[i]), as_upper_bits(upper, 2));
      to->parts[first + 3][g].weights.low[half + i] =
          wasm_v128_or(high_halves(next.columns[i]), as_upper_bits(upper, 3));
    }
  }
}

INLINE void unpack_q6_K(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  Quad scales = load_quad(rows, offsetof(BlockQ6_K, scales));
  Quad tail = load_quad(rows, sizeof(BlockQ6_K) - 16);
  to->d[g] = halves_to_floats(upper_halves(tail.columns[3]));
  for (uint32_t n = 0; n < 2 * PARTS; n++) {
    Vector scale = signed_byte_of_lanes(scales.columns[n / 4], n % 4);
    to->parts[n / 2][g].multiplier[n % 2] = as_pairs(scale);
  }
  unpack_q6_K_weights(rows, to, g);
}

INLINE Vector two_bits(Vector bytes, uint32_t n) {
  return wasm_v128_and(wasm_u16x8_shr(bytes, 2 * n), wasm_i8x16_splat(3));
}

INLINE void unpack_q2_K(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  Quad scales = load_quad(rows, offsetof(BlockQ2_K, scales));
  Quad tail = load_quad(rows, sizeof(BlockQ2_K) - 16);
  to->d[g] = halves_to_floats(lower_halves(tail.columns[3]));
  to->dmin[g] = halves_to_floats(upper_halves(tail.columns[3]));
  for (uint32_t n = 0; n < 2 * PARTS; n++) {
    Vector lanes = scales.columns[n / 4];
    to->parts[n / 2][g].multiplier[n % 2] = as_pairs(byte_of_lanes(low_halves(lanes), n % 4));
  }
  for (uint32_t part = 0; part < PARTS; part++) {
    Vector lanes = high_halves(scales.columns[part / 2]);
    Vector last = wasm_i32x4_shl(byte_of_lanes(lanes, part % 2 * 2 + 1), 16);
    to->minima[part][g] = wasm_v128_or(byte_of_lanes(lanes, part % 2 * 2), last);
  }
  for (uint32_t n = 0; n < 4; n++) {
    Quad quad = load_quad(rows, offsetof(BlockQ2_K, weights) + 16 * n);
    for (uint32_t i = 0; i < 4; i++)
      for (uint32_t part = 0; part < 4; part++)
        to->parts[n / 2 * 4 + part][g].weights.low[n % 2 * 4 + i] = two_bits(quad.columns[i], part);
  }
}

/* 4 where bit `n` of a byte is set. */
INLINE Vector as_third_bit(Vector bytes, uint32_t n) {
  Vector moved = n < 2 ? wasm_i16x8_shl(bytes, 2 - n) : wasm_u16x8_shr(bytes, n - 2);
  return wasm_v128_and(moved, wasm_i8x16_splat(4));
}

/* The sixteen scales, a signed byte each. */
INLINE Quad q3_K_scale_bytes(const uint8_t* const* rows) {
  Quad packed = load_quad(rows, offsetof(BlockQ3_K, scales) - 4); /* from column 1 on */
  Quad scales;
  for (uint32_t n = 0; n < 4; n++) {
    Vector low = packed.columns[1 + n % 2];
    Vector bits = wasm_v128_or(n < 2 ? low_halves(low) : high_halves(low),
                               as_upper_bits(packed.columns[3], n));
    scales.columns[n] = wasm_i8x16_sub(bits, wasm_i8x16_splat(32));
  }
  return scales;
}

INLINE void unpack_q3_K(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  Quad scales = q3_K_scale_bytes(rows);
  Quad tail = load_quad(rows, sizeof(BlockQ3_K) - 16);
  to->d[g] = halves_to_floats(upper_halves(tail.columns[3]));
  for (uint32_t n = 0; n < 2 * PARTS; n++) {
    Vector scale = signed_byte_of_lanes(scales.columns[n / 4], n % 4);
    to->parts[n / 2][g].multiplier[n % 2] = as_pairs(scale);
  }
  for (uint32_t n = 0; n < 4; n++) {
    Quad quad = load_quad(rows, offsetof(BlockQ3_K, weights) + 16 * n);
    Quad third = load_quad(rows, offsetof(BlockQ3_K, third_bits) + n % 2 * 16);
    for (uint32_t i = 0; i < 4; i++)
      for (uint32_t part = 0; part < 4; part++)
        to->parts[n / 2 * 4 + part][g].weights.low[n % 2 * 4 + i] = wasm_v128_or(
            two_bits(quad.columns[i], part), as_third_bit(third.columns[i], n / 2 * 4 + part));
  }
}

/* The scale of a part, an integer. */
INLINE Vector iq4_XS_scale(Quad head, uint32_t part) {
  Vector low = wasm_u32x4_shr(head.columns[1], 4 * part);
  Vector high = wasm_u32x4_shr(head.columns[0], 16 + 2 * part);
  Vector scale = wasm_v128_or(wasm_v128_and(low, wasm_i32x4_splat(15)),
                              wasm_i32x4_shl(wasm_v128_and(high, wasm_i32x4_splat(3)), 4));
  return wasm_i32x4_sub(scale, wasm_i32x4_splat(32));
}

INLINE void unpack_iq4_XS(const uint8_t* const* rows, CoarsePanel* to, uint32_t g) {
  Quad head = load_quad(rows, 0);
  to->d[g] = halves_to_floats(lower_halves(head.columns[0]));
  for (uint32_t part = 0; part < PARTS; part++) {
    CoarsePart* here = &to->parts[part][g];
    here->multiplier[0] = as_pairs(iq4_XS_scale(head, part));
    here->multiplier[1] = wasm_i16x8_shl(here->multiplier[0], 4);
    unpack_iq4_weights(rows, offsetof(BlockIQ4_XS, weights) + 16 * part, &here->weights);
  }
}

#endif
