// Recurrent layers: the outputs of all steps or the last, and the gradient at gates and first states.

#include "recurrent.h"

#include <algorithm>

#include "kernels.h"
#include "loops.h"
#include "parallel.h"

namespace cornu {
namespace {

constexpr int64_t kMostRows = 32;  // that a thread takes through all steps at a time

void compute(ffi::ThreadPool& pool, Recurrent& call) {
  const RecurrentLoops& with = for_this_cpu(kRecurrent128, kRecurrent256, kRecurrent512);
  const Scratch weights(with.packed(call));
  call.packed = static_cast<float*>(weights.of(0));
  in_parallel(pool, with.panels(call), [&](int64_t panel, int64_t) { with.pack(call, panel); });
  const int64_t batch = call.batch, threads = workers(pool, batch);
  const int64_t parts = std::max(threads, (batch + kMostRows - 1) / kMostRows);
  const Scratch scratch(with.scratch(call, (batch + parts - 1) / parts), threads);
  in_parallel(pool, parts, [&](int64_t part, int64_t worker) {
    with.run(call, batch * part / parts, batch * (part + 1) / parts, scratch.of(worker));
  });
}

}  // namespace

// (x, h[, c], kernel, recurrent, bias) -> ([outputs, ]last[, last_cell][, gates][, cells]), or
// ([by_outputs, ]by_last[, by_last_cell], turned[, gates], states, first) -> (slopes, by_h[, by_c]);
// `sequence`: with all outputs; `keep`: with what the gradient needs. Cells are those of an LSTM.
ffi::Error recurrent(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t cell, int64_t back,
                     int64_t sequence, int64_t keep) {
  return guarded([&] {
    const std::vector<Tensor> buffers = tensors(args, rets);
    size_t taken = 0;
    const auto next = [&](bool there = true) {
      return there ? static_cast<float*>(buffers[taken++].data) : nullptr;
    };
    const bool lstm = cell == kLstm, kept = kGates[cell].kept > 0;
    Recurrent call{};
    call.cell = cell;
    if (back) {
      const Dims& shape = buffers[args.size() - 2].shape;
      call.batch = shape[0], call.time = shape[1], call.units = shape[2];
      call.by_outputs = next(sequence), call.by_last = next(), call.by_last_cell = next(lstm);
      call.turned = next(), call.kept = next(kept), call.states = next(), call.first = next();
      call.slopes = next(), call.by_h = next(), call.by_c = next(lstm);
    } else {
      const Dims& shape = buffers[0].shape;
      call.batch = shape[0], call.time = shape[1], call.inputs = shape[2], call.units = buffers[1].shape[1];
      call.x = next(), call.h = next(), call.c = next(lstm);
      call.kernel = next(), call.recurrent = next(), call.bias = next();
      call.outputs = next(sequence), call.last = next(), call.last_cell = next(lstm);
      call.gates = next(keep && kept), call.cells = next(keep && lstm);
    }
    compute(pool, call);
  });
}

}  // namespace cornu
