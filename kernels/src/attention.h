// One call of attention, and the loops that compute it, compiled for several kinds of vectors.
//
// This header and `attention_loops.cc` use nothing of the standard library: what is compiled for wider vectors must
// not be shared with the code that runs everywhere.

#pragma once

#include <cstddef>
#include <cstdint>

namespace cornu {

// Queries are (batch, targets, heads, size), keys (batch, sources, groups, size), values (batch, sources, groups,
// width); each group of keys and values serves heads / groups heads, one after the other.
struct Attention {
  int64_t batch, targets, sources, heads, groups, size, width;
  const float *query, *key, *value;
  const uint8_t* mask;  // whether a source is seen; null: all are
  int64_t mask_steps[3];  // elements from one batch, head or target to the next; 0: they share a mask
  float scale;
  bool causal;  // no target sees a later source
  bool even;    // a target that sees nothing takes the mean of all; or else 0
  float kept;   // share of the weights that dropout keeps
  uint32_t seeds[2];
  float *out, *stats;  // (batch, heads, targets, 2): the largest score of a target, and one over the sum
  // of the gradient, for which `stats` are given
  const float* slope;  // as `out`
  float *by_query, *by_key, *by_value;
};

struct AttentionLoops {
  size_t (*scratch)(const Attention& call);  // bytes that one task needs
  // Parts of the targets of a head, number `task` of batch * heads * parts.
  void (*forward)(const Attention& call, int64_t task, int64_t parts, void* scratch);
  // All targets of a group, number `task` of batch * groups.
  void (*backward)(const Attention& call, int64_t task, void* scratch);
};

extern const AttentionLoops kAttention128, kAttention256, kAttention512;

}  // namespace cornu
