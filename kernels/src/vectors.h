// Vectors of BITS bits, for loops that are compiled for several lengths.
//
// Nothing here is of the standard library, and all of it is local to the file that includes it: what is compiled for
// wider vectors must not be shared with the code that runs everywhere.

#pragma once

#include <cstdint>

#define JOINED_(name, bits) name##bits
#define JOINED(name, bits) JOINED_(name, bits)
#define OF_BITS(name) JOINED(name, BITS)  // name128, name256 or name512

namespace cornu {
namespace {

constexpr int64_t kLanes = BITS / 32;

typedef float V __attribute__((vector_size(BITS / 8), aligned(4), may_alias));
typedef int32_t I __attribute__((vector_size(BITS / 8), aligned(4), may_alias));

inline V load(const float* at) { return *reinterpret_cast<const V*>(at); }
inline void store(float* at, V value) { *reinterpret_cast<V*>(at) = value; }
inline V all(float value) { return value - V{}; }
inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t groups(int64_t n) { return (n + kLanes - 1) / kLanes; }  // vectors that n numbers take
inline int64_t padded(int64_t n) { return groups(n) * kLanes; }

// The rest r of x = n * log(2) + r with a whole n; `twos` is n in the place of a float's exponent.
inline V reduced(V x, I& twos) {
  const V rounder = all(12582912.0f);  // 1.5 * 2**23: adding it leaves whole numbers in the lowest bits
  const V shifted = x * 1.44269504f + rounder;
  const V n = shifted - rounder;
  twos = (I)shifted << 23;
  return (x - n * 0.693359375f) + n * 2.12194440e-4f;
}

// (e**r - 1 - r) / r**2 for such a rest.
inline V series(V r) {
  V sum = r * (1.0f / 5040) + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  return sum * r + 0.5f;
}

}  // namespace
}  // namespace cornu
