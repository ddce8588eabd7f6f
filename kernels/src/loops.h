// What calls of compiled loops share: which of them this CPU runs, and memory for its threads.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace cornu {

// The loops for the longest vectors that the CPU has.
template <typename Loops>
const Loops& for_this_cpu(const Loops& with_128, const Loops& with_256, const Loops& with_512) {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return with_512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? with_256 : with_128;
}

// Memory that begins at a line of the cache, for each of some threads.
class Scratch {
 public:
  explicit Scratch(size_t bytes, int64_t count = 1) : bytes_((bytes + kLine) / kLine * kLine) {
    data_.reset(static_cast<char*>(std::aligned_alloc(kLine, bytes_ * count)));
    if (!data_) throw std::bad_alloc();
  }
  void* of(int64_t worker) const { return data_.get() + worker * bytes_; }

 private:
  struct Free {
    void operator()(char* data) { std::free(data); }
  };
  static constexpr size_t kLine = 64;
  size_t bytes_;
  std::unique_ptr<char, Free> data_;
};

}  // namespace cornu
