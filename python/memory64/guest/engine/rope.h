/* Rotary position embedding (Su et al., arXiv:2104.09864). */
#pragma once

#include <stdint.h>

#include "model.h"

/* Turn the first dims of a head: pair i by the angle whose cosine and sine are angles[2i] and
   angles[2i + 1]. */
void turn(float* head, const float* angles, uint32_t dims, RopeStyle style);
