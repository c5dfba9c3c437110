/* Root-mean-square normalisation (Zhang and Sennrich, arXiv:1910.07467). */
#pragma once

#include <stdint.h>

/* out = x / sqrt(mean(x²) + epsilon) * weight; x may be out, count is a multiple of 4. */
void rms_norm(float* out, const float* x, const float* weight, uint32_t count, float epsilon);
