#include "dequantize.h"

#include "half.h"
#include "iq4.h"
#include "quants.h"

INLINE Vector splat_half(const uint8_t* half) {
  return any_halves_to_floats(upper_halves(wasm_v128_load16_splat(half)));
}

/* Lane `n` of a vector, in all lanes; `n` is known when compiled. */
INLINE Vector splat_lane(Vector v, uint32_t n) {
  switch (n) {
    case 0:
      return wasm_i32x4_shuffle(v, v, 0, 0, 0, 0);
    case 1:
      return wasm_i32x4_shuffle(v, v, 1, 1, 1, 1);
    case 2:
      return wasm_i32x4_shuffle(v, v, 2, 2, 2, 2);
    default:
      return wasm_i32x4_shuffle(v, v, 3, 3, 3, 3);
  }
}

/* Sixteen signed bytes as floats. */
typedef struct {
  Vector four[4];
} Sixteen;

INLINE Sixteen as_floats(Vector bytes) {
  Vector low = wasm_i16x8_extend_low_i8x16(bytes), high = wasm_i16x8_extend_high_i8x16(bytes);
  return (Sixteen){{
      wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(low)),
      wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(low)),
      wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(high)),
      wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(high)),
  }};
}

INLINE void write_scaled(float* out, Vector bytes, Vector scale) {
  Sixteen values = as_floats(bytes);
  for (uint32_t i = 0; i < 4; i++)
    wasm_v128_store(out + 4 * i, wasm_f32x4_mul(values.four[i], scale));
}

INLINE void write_scaled_from(float* out, Vector bytes, Vector scale, Vector least) {
  Sixteen values = as_floats(bytes);
  for (uint32_t i = 0; i < 4; i++)
    wasm_v128_store(out + 4 * i, wasm_f32x4_add(wasm_f32x4_mul(values.four[i], scale), least));
}

INLINE Vector less(Vector bytes, int8_t offset) {
  return wasm_i8x16_sub(bytes, wasm_i8x16_splat(offset));
}

/* Sixteen bits as 16 where they are set. */
INLINE Vector fifth_bits(const uint8_t* bits) {
  const Vector own = wasm_i64x2_splat((int64_t)0x8040201008040201);
  const Vector byte = wasm_i8x16_const(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  Vector spread = look_up(wasm_v128_load16_splat(bits), byte);
  Vector set = wasm_i8x16_eq(wasm_v128_and(spread, own), own);
  return wasm_v128_and(set, wasm_i8x16_splat(16));
}

INLINE void write_q4_0(const BlockQ4_0* block, float* out) {
  Vector d = splat_half(block->d), packed = wasm_v128_load(block->weights);
  write_scaled(out, less(low_halves(packed), 8), d);
  write_scaled(out + 16, less(high_halves(packed), 8), d);
}

INLINE void write_q4_1(const BlockQ4_1* block, float* out) {
  Vector d = splat_half(block->d), min = splat_half(block->min);
  Vector packed = wasm_v128_load(block->weights);
  write_scaled_from(out, low_halves(packed), d, min);
  write_scaled_from(out + 16, high_halves(packed), d, min);
}

INLINE void write_q5_0(const BlockQ5_0* block, float* out) {
  Vector d = splat_half(block->d), packed = wasm_v128_load(block->weights);
  Vector low = wasm_v128_or(low_halves(packed), fifth_bits(block->fifth_bits));
  Vector high = wasm_v128_or(high_halves(packed), fifth_bits(block->fifth_bits + 2));
  write_scaled(out, less(low, 16), d);
  write_scaled(out + 16, less(high, 16), d);
}

INLINE void write_q5_1(const BlockQ5_1* block, float* out) {
  Vector d = splat_half(block->d), min = splat_half(block->min);
  Vector packed = wasm_v128_load(block->weights);
  Vector low = wasm_v128_or(low_halves(packed), fifth_bits(block->fifth_bits));
  Vector high = wasm_v128_or(high_halves(packed), fifth_bits(block->fifth_bits + 2));
  write_scaled_from(out, low, d, min);
  write_scaled_from(out + 16, high, d, min);
}

INLINE void write_q8_0(const BlockQ8_0* block, float* out) {
  Vector d = splat_half(block->d);
  write_scaled(out, wasm_v128_load(block->weights), d);
  write_scaled(out + 16, wasm_v128_load(block->weights + 16), d);
}

INLINE Vector iq4_values(Vector indices) {
  return look_up(wasm_i8x16_const(IQ4_VALUES), indices);
}

INLINE void write_iq4_nl(const BlockIQ4_NL* block, float* out) {
  Vector d = splat_half(block->d), packed = wasm_v128_load(block->weights);
  write_scaled(out, iq4_values(low_halves(packed)), d);
  write_scaled(out + 16, iq4_values(high_halves(packed)), d);
}

INLINE Vector two_bits_at(Vector bytes, uint32_t shift) {
  return wasm_v128_and(wasm_u16x8_shr(bytes, shift), wasm_i8x16_splat(3));
}

INLINE void write_q2_K(const BlockQ2_K* block, float* out) {
  Vector d = splat_half(block->d), dmin = wasm_f32x4_neg(splat_half(block->dmin));
  Vector packed = wasm_v128_load(block->scales);
  Sixteen scales = as_floats(low_halves(packed)), minima = as_floats(high_halves(packed));
  for (uint32_t i = 0; i < 4; i++) {
    scales.four[i] = wasm_f32x4_mul(d, scales.four[i]);
    minima.four[i] = wasm_f32x4_mul(dmin, minima.four[i]);
  }
  UNROLL
  for (uint32_t n = 0; n < 16; n++) { /* 16 columns */
    Vector weights = wasm_v128_load(block->weights + n / 8 * 32 + n % 2 * 16);
    write_scaled_from(out + 16 * n, two_bits_at(weights, n % 8 / 2 * 2),
                      splat_lane(scales.four[n / 4], n % 4), splat_lane(minima.four[n / 4], n % 4));
  }
}

/* The sixteen six-bit scales of a block, less 32. */
INLINE Vector q3_K_scales(const uint8_t* packed) {
  Vector low = wasm_v128_load64_zero(packed), high = wasm_v128_load32_splat(packed + 8);
  low = wasm_i64x2_shuffle(low_halves(low), high_halves(low), 0, 2);
  /* Bits 0 and 1 of the upper bytes are those of scales 0…3, bits 2 and 3 those of 4…7, … */
  Vector upper = wasm_i32x4_make(wasm_i32x4_extract_lane(high, 0),
                                 (int32_t)((uint32_t)wasm_i32x4_extract_lane(high, 0) >> 2),
                                 (int32_t)((uint32_t)wasm_i32x4_extract_lane(high, 0) >> 4),
                                 (int32_t)((uint32_t)wasm_i32x4_extract_lane(high, 0) >> 6));
  upper = wasm_i16x8_shl(wasm_v128_and(upper, wasm_i8x16_splat(3)), 4);
  return less(wasm_v128_or(low, upper), 32);
}

INLINE void write_q3_K(const BlockQ3_K* block, float* out) {
  Vector d = splat_half(block->d);
  Sixteen scales = as_floats(q3_K_scales(block->scales));
  for (uint32_t i = 0; i < 4; i++) scales.four[i] = wasm_f32x4_mul(d, scales.four[i]);
  UNROLL
  for (uint32_t n = 0; n < 16; n++) {
    Vector weights = wasm_v128_load(block->weights + n / 8 * 32 + n % 2 * 16);
    Vector third = wasm_v128_load(block->third_bits + n % 2 * 16);
    third = wasm_v128_and(third, wasm_i8x16_splat((int8_t)(1 << n / 2)));
    Vector clear = wasm_i8x16_eq(third, wasm_i8x16_splat(0));
    Vector offset = wasm_v128_and(clear, wasm_i8x16_splat(4));
    write_scaled(out + 16 * n, wasm_i8x16_sub(two_bits_at(weights, n % 8 / 2 * 2), offset),
                 splat_lane(scales.four[n / 4], n % 4));
  }
}

/* The scales and minima of Q4_K and Q5_K, multiplied out; the minima negative. */
typedef struct {
  Vector scales[2], minima[2];
} PartScales;

INLINE PartScales part_scales(const uint8_t* d, const uint8_t* dmin, const uint8_t* packed) {
  uint32_t scales, minima, rest;
  __builtin_memcpy(&scales, packed, 4);
  __builtin_memcpy(&minima, packed + 4, 4);
  __builtin_memcpy(&rest, packed + 8, 4);
  Vector bytes = wasm_i32x4_make((int32_t)(scales & 0x3f3f3f3f),
                                 (int32_t)((rest & 0x0f0f0f0f) | (scales >> 2 & 0x30303030)),
                                 (int32_t)(minima & 0x3f3f3f3f),
                                 (int32_t)((rest >> 4 & 0x0f0f0f0f) | (minima >> 2 & 0x30303030)));
  Sixteen values = as_floats(bytes);
  Vector scale = splat_half(d), min = wasm_f32x4_neg(splat_half(dmin));
  return (PartScales){
      {wasm_f32x4_mul(scale, values.four[0]), wasm_f32x4_mul(scale, values.four[1])},
      {wasm_f32x4_mul(min, values.four[2]), wasm_f32x4_mul(min, values.four[3])},
  };
}

INLINE void write_q4_K(const BlockQ4_K* block, float* out) {
  PartScales parts = part_scales(block->d, block->dmin, block->scales);
  UNROLL
  for (uint32_t n = 0; n < 16; n++) {
    uint32_t part = n / 2;
    Vector packed = wasm_v128_load(block->weights + part / 2 * 32 + n % 2 * 16);
    Vector weights = part % 2 ? high_halves(packed) : low_halves(packed);
    write_scaled_from(out + 16 * n, weights, splat_lane(parts.scales[part / 4], part % 4),
                      splat_lane(parts.minima[part / 4], part % 4));
  }
}

INLINE void write_q5_K(const BlockQ5_K* block, float* out) {
  PartScales parts = part_scales(block->d, block->dmin, block->scales);
  UNROLL
  for (uint32_t n = 0; n < 16; n++) {
    uint32_t part = n / 2;
    Vector packed = wasm_v128_load(block->weights + part / 2 * 32 + n % 2 * 16);
    Vector fifth = wasm_v128_load(block->fifth_bits + n % 2 * 16);
    fifth = part < 4 ? wasm_i16x8_shl(fifth, 4 - part) : wasm_u16x8_shr(fifth, part - 4);
    Vector weights = wasm_v128_or(part % 2 ? high_halves(packed) : low_halves(packed),
                                  wasm_v128_and(fifth, wasm_i8x16_splat(16)));
    write_scaled_from(out + 16 * n, weights, splat_lane(parts.scales[part / 4], part % 4),
                      splat_lane(parts.minima[part / 4], part % 4));
  }
}

INLINE void write_q6_K(const BlockQ6_K* block, float* out) {
  Vector d = splat_half(block->d);
  Sixteen scales = as_floats(wasm_v128_load(block->scales));
  for (uint32_t i = 0; i < 4; i++) scales.four[i] = wasm_f32x4_mul(d, scales.four[i]);
  UNROLL
  for (uint32_t n = 0; n < 16; n++) { /* quarters of 128: low low, next low, low high, next high */
    uint32_t quarter = n % 8 / 2;
    Vector low = wasm_v128_load(block->low_bits + n / 8 * 64 + quarter % 2 * 32 + n % 2 * 16);
    Vector high = wasm_v128_load(block->high_bits + n / 8 * 32 + n % 2 * 16);
    high =
        quarter < 2 ? wasm_i16x8_shl(high, 4 - 2 * quarter) : wasm_u16x8_shr(high, 2 * quarter - 4);
    Vector weights = wasm_v128_or(quarter < 2 ? low_halves(low) : high_halves(low),
                                  wasm_v128_and(high, wasm_i8x16_splat(0x30)));
    write_scaled(out + 16 * n, less(weights, 32), splat_lane(scales.four[n / 4], n % 4));
  }
}

INLINE void write_iq4_XS(const BlockIQ4_XS* block, float* out) {
  Vector d = splat_half(block->d);
  uint32_t high = block->scales_high[0] | (uint32_t)block->scales_high[1] << 8;
  UNROLL
  for (uint32_t part = 0; part < 8; part++) {
    uint32_t low = block->scales_low[part / 2] >> part % 2 * 4 & 15;
    int32_t scale = (int32_t)(low | (high >> 2 * part & 3) << 4) - 32;
    Vector scaled = wasm_f32x4_mul(d, wasm_f32x4_splat((float)scale));
    Vector packed = wasm_v128_load(block->weights + 16 * part);
    write_scaled(out + 32 * part, iq4_values(low_halves(packed)), scaled);
    write_scaled(out + 32 * part + 16, iq4_values(high_halves(packed)), scaled);
  }
}

#define WRITE_ALL(NAME, BLOCK, COLUMNS)                                          \
  static void write_all_##NAME(const BLOCK* block, float* out, uint64_t count) { \
    for (const float* end = out + count; out < end; out += COLUMNS, block++)     \
      write_##NAME(block, out);                                                  \
  }

WRITE_ALL(q4_0, BlockQ4_0, 32)
WRITE_ALL(q4_1, BlockQ4_1, 32)
WRITE_ALL(q5_0, BlockQ5_0, 32)
WRITE_ALL(q5_1, BlockQ5_1, 32)
WRITE_ALL(q8_0, BlockQ8_0, 32)
WRITE_ALL(iq4_nl, BlockIQ4_NL, 32)
WRITE_ALL(q2_K, BlockQ2_K, 256)
WRITE_ALL(q3_K, BlockQ3_K, 256)
WRITE_ALL(q4_K, BlockQ4_K, 256)
WRITE_ALL(q5_K, BlockQ5_K, 256)
WRITE_ALL(q6_K, BlockQ6_K, 256)
WRITE_ALL(iq4_XS, BlockIQ4_XS, 256)

typedef Vector (*Widen)(Vector upper_halves);

INLINE Vector brain_halves_to_floats(Vector halves) {
  return halves;
}

INLINE void write_eight(float* out, Vector halves, Widen widen) {
  const Vector zeros = wasm_i32x4_splat(0);
  wasm_v128_store(out, widen(wasm_i16x8_shuffle(zeros, halves, 0, 8, 1, 9, 2, 10, 3, 11)));
  wasm_v128_store(out + 4, widen(wasm_i16x8_shuffle(zeros, halves, 4, 12, 5, 13, 6, 14, 7, 15)));
}

INLINE void write_last(const uint8_t* halves, float* out, uint64_t count, Widen widen) {
  for (uint64_t i = 0; i < count; i++)
    out[i] =
        wasm_f32x4_extract_lane(widen(upper_halves(wasm_v128_load16_splat(halves + 2 * i))), 0);
}

static void write_all_f16(const uint8_t* halves, float* out, uint64_t count) {
  for (; count >= 16; count -= 16, halves += 32, out += 16) {
    Vector first = wasm_v128_load(halves), second = wasm_v128_load(halves + 16);
    Vector normal = wasm_u16x8_min(zero_unless_normal(first), zero_unless_normal(second));
    if (wasm_i16x8_all_true(normal)) {
      write_eight(out, first, normal_halves_to_floats);
      write_eight(out + 8, second, normal_halves_to_floats);
    } else {
      write_eight(out, first, any_halves_to_floats);
      write_eight(out + 8, second, any_halves_to_floats);
    }
  }
  write_last(halves, out, count, any_halves_to_floats);
}

static void write_all_bf16(const uint8_t* halves, float* out, uint64_t count) {
  for (; count >= 16; count -= 16, halves += 32, out += 16) {
    write_eight(out, wasm_v128_load(halves), brain_halves_to_floats);
    write_eight(out + 8, wasm_v128_load(halves + 16), brain_halves_to_floats);
  }
  write_last(halves, out, count, brain_halves_to_floats);
}

void dequantize(uint32_t type, const void* blocks, float* out, uint64_t count) {
  switch (type) {
    case F32:
      __builtin_memcpy(out, blocks, 4 * count);
      return;
    case F16:
      write_all_f16(blocks, out, count);
      return;
    case BF16:
      write_all_bf16(blocks, out, count);
      return;
    case Q4_0:
      write_all_q4_0(blocks, out, count);
      return;
    case Q4_1:
      write_all_q4_1(blocks, out, count);
      return;
    case Q5_0:
      write_all_q5_0(blocks, out, count);
      return;
    case Q5_1:
      write_all_q5_1(blocks, out, count);
      return;
    case Q8_0:
      write_all_q8_0(blocks, out, count);
      return;
    case IQ4_NL:
      write_all_iq4_nl(blocks, out, count);
      return;
    case Q2_K:
      write_all_q2_K(blocks, out, count);
      return;
    case Q3_K:
      write_all_q3_K(blocks, out, count);
      return;
    case Q4_K:
      write_all_q4_K(blocks, out, count);
      return;
    case Q5_K:
      write_all_q5_K(blocks, out, count);
      return;
    case Q6_K:
      write_all_q6_K(blocks, out, count);
      return;
    case IQ4_XS:
      write_all_iq4_XS(blocks, out, count);
      return;
  }
}
