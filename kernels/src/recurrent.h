// One call of a recurrent layer, and the loops over time that compute it, compiled for several kinds of vectors.
//
// This header and `recurrent_loops.cc` use nothing of the standard library: what is compiled for wider vectors must
// not be shared with the code that runs everywhere.

#pragma once

#include <cstddef>
#include <cstdint>

namespace cornu {

// In the order of recurrent.py. kGruBefore: the reset gate acts before the recurrent product.
enum Cell : int64_t { kLstm, kGru, kGruBefore, kTanh, kRelu };

// How many gates a cell has: in its kernel, in its recurrent kernel, in its bias and slopes, and kept for the gradient.
struct Gates {
  int64_t kernel, recurrent, bias, kept;
};
constexpr Gates kGates[] = {{4, 4, 4, 4}, {3, 3, 4, 4}, {3, 3, 3, 3}, {1, 1, 1, 0}, {1, 1, 1, 0}};

// Arrays are (batch, time, features), states (batch, units); null where a call has none.
struct Recurrent {
  int64_t cell, batch, time, inputs, units;
  const float *x, *h, *c, *kernel, *recurrent, *bias;
  float *outputs;           // of all steps
  float *last, *last_cell;  // states after the last step
  float *gates, *cells;     // of all steps, for the gradient
  // of the gradient: slopes of the loss at results, what the call kept (`states` are the cells of an LSTM, else the
  // outputs, `first` the state before), and `turned`, the transposed recurrent kernel
  const float *by_outputs, *by_last, *by_last_cell, *kept, *states, *first, *turned;
  float *slopes, *by_h, *by_c;  // at the gates before their activations, and at the first states
  float *packed;                // weights in the order in which the loops read them
};

struct RecurrentLoops {
  size_t (*packed)(const Recurrent& call);   // bytes of packed weights
  int64_t (*panels)(const Recurrent& call);  // parts that they are packed in
  void (*pack)(const Recurrent& call, int64_t panel);
  size_t (*scratch)(const Recurrent& call, int64_t rows);  // bytes that a thread needs for so many rows of a batch
  void (*run)(const Recurrent& call, int64_t begin, int64_t end, void* scratch);  // rows of the batch
};

extern const RecurrentLoops kRecurrent128, kRecurrent256, kRecurrent512;

}  // namespace cornu
