#include "rope.h"

static void turn_pair(float* a, float* b, const float* angle) {
  float cosine = angle[0], sine = angle[1], x = *a, y = *b;
  *a = x * cosine - y * sine;
  *b = x * sine + y * cosine;
}

void turn(float* head, const float* angles, uint32_t dims, RopeStyle style) {
  uint32_t pairs = dims / 2;
  for (uint32_t i = 0; i < pairs; i++) {
    if (style == PAIRS_ADJACENT) {
      turn_pair(head + 2 * i, head + 2 * i + 1, angles + 2 * i);
    } else {
      turn_pair(head + i, head + i + pairs, angles + 2 * i);
    }
  }
}
