// Attention: the outputs, and the gradients by queries, keys and values.

#include "attention.h"

#include "kernels.h"
#include "loops.h"
#include "parallel.h"

namespace cornu {
namespace {

template <typename T>
T* data(const ffi::AnyBuffer& buffer) {
  return static_cast<T*>(buffer.untyped_data());
}

}  // namespace

// (query, key, value[, mask][, seeds]) -> (out, stats), or
// (slope, query, key, value, stats[, mask][, seeds]) -> (by_query, by_key, by_value).
ffi::Error attention(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t back,
                     int64_t masked, int64_t causal, int64_t even, float scale, float kept) {
  return guarded([&] {
    const auto arg = [&](size_t i) { return args.get<ffi::AnyBuffer>(i).value(); };
    const auto result = [&](size_t i) { return data<float>(*rets.get<ffi::AnyBuffer>(i).value()); };
    const size_t first = back ? 1 : 0, rest = back ? 5 : 3;
    const auto query = arg(first).dimensions(), value = arg(first + 2).dimensions();
    Attention call{};
    call.batch = query[0], call.targets = query[1], call.heads = query[2], call.size = query[3];
    call.sources = value[1], call.groups = value[2], call.width = value[3];
    call.query = data<float>(arg(first)), call.key = data<float>(arg(first + 1));
    call.value = data<float>(arg(first + 2));
    call.scale = scale, call.causal = causal, call.even = even, call.kept = kept;
    if (masked) {
      const auto shape = arg(rest).dimensions();
      call.mask = data<uint8_t>(arg(rest));
      int64_t step = shape[3];
      for (size_t i = 3; i-- > 0; step *= shape[i]) call.mask_steps[i] = shape[i] == 1 ? 0 : step;
    }
    if (kept < 1) {
      const uint32_t* seeds = data<uint32_t>(arg(rest + (masked ? 1 : 0)));
      call.seeds[0] = seeds[0], call.seeds[1] = seeds[1];
    }
    const AttentionLoops& loops = for_this_cpu(kAttention128, kAttention256, kAttention512);
    const size_t bytes = loops.scratch(call);
    if (back) {
      call.slope = data<float>(arg(0)), call.stats = data<float>(arg(4));
      call.by_query = result(0), call.by_key = result(1), call.by_value = result(2);
      const int64_t tasks = call.batch * call.groups;
      Scratch scratch(bytes, workers(pool, tasks));
      in_parallel(pool, tasks, [&](int64_t task, int64_t worker) {
        loops.backward(call, task, scratch.of(worker));
      });
    } else {
      call.out = result(0), call.stats = result(1);
      const int64_t parts = call.batch * call.heads < 2 * pool.num_threads() ? 2 * pool.num_threads() : 1;
      const int64_t tasks = call.batch * call.heads * parts;
      Scratch scratch(bytes, workers(pool, tasks));
      in_parallel(pool, tasks, [&](int64_t task, int64_t worker) {
        loops.forward(call, task, parts, scratch.of(worker));
      });
    }
  });
}

}  // namespace cornu
