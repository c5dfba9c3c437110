/* iq4.h: the sixteen values that a four-bit weight of IQ4_NL and IQ4_XS stands for. */

#ifndef MEMORY64_ENGINE_IQ4_H
#define MEMORY64_ENGINE_IQ4_H

#include "panel.h"

#define IQ4_VALUES -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113

/* Them plus 128, in two halves of four bits. */
typedef struct {
  Vector low, high;
} Iq4Tables;

INLINE Iq4Tables iq4_tables(void) {
  Vector values = wasm_v128_xor(wasm_i8x16_const(IQ4_VALUES), wasm_i8x16_splat(-128));
  return (Iq4Tables){low_halves(values), high_halves(values)};
}

/* 32 weights of each row from 16 bytes, as wide panels hold them. */
INLINE void unpack_iq4_weights(const uint8_t* const* rows, uint64_t offset, PanelWeights* to) {
  const Iq4Tables tables = iq4_tables();
  Quad quad = load_quad(rows, offset);
  for (uint32_t i = 0; i < 8; i++) {
    Vector bytes = quad.columns[i % 4];
    Vector index = i < 4 ? low_halves(bytes) : high_halves(bytes);
    to->low[i] = look_up(tables.low, index);
    to->high[i] = look_up(tables.high, index);
  }
}

#endif
