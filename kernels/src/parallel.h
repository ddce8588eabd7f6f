// Work of many parts on XLA's own threads.

#pragma once

#include <cstdint>
#include <functional>

#include "xla/ffi/api/ffi.h"

namespace cornu {

// How many threads share so many parts.
int64_t workers(const xla::ffi::ThreadPool& pool, int64_t parts);

// Call `work(part, worker)` for every part, the parts shared among `workers(pool, parts)` threads, of which the caller
// is one. Returns when all are done. `work` must not throw.
void in_parallel(xla::ffi::ThreadPool& pool, int64_t parts, const std::function<void(int64_t, int64_t)>& work);

}  // namespace cornu
