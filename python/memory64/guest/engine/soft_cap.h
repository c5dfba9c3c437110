/* Soft-capping (Gemma 2, arXiv:2408.00118): what is small stays, nothing passes the cap. */
#pragma once

#include <stdint.h>

/* Each x becomes cap * tanh(x / cap). There is room for a multiple of 4 of them. */
void soft_cap(float* x, uint64_t count, float cap);
