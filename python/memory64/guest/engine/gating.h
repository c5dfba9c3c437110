/* The middle of a feed-forward network with gates: SwiGLU and GeGLU (Shazeer, arXiv:2002.05202). */
#pragma once

#include <stdint.h>

#include "model.h"

/* gate = act(gate) * up, with act(x) = x sigmoid(x) or GELU in its form with tanh; count is a
   multiple of 4. */
void apply_gate(float* gate, const float* up, uint32_t count, Gating gating);
