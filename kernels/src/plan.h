// What all kernels share: a plan is one oneDNN primitive with the layout of its tensors; plans are kept and reused.

#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "oneapi/dnnl/dnnl.hpp"
#include "xla/ffi/api/ffi.h"

namespace cornu {

namespace ffi = xla::ffi;
using namespace dnnl;
using Dims = memory::dims;
using Span = ffi::Span<const int64_t>;

inline Dims dims(Span span) { return Dims(span.begin(), span.end()); }

// A buffer of XLA's.
struct Tensor {
  memory::data_type type;
  Dims shape;
  void* data;
};

// The arguments, then the results. Throws for a type that oneDNN does not have.
std::vector<Tensor> tensors(ffi::RemainingArgs& args, ffi::RemainingRets& rets);

// (batch, *space, channels) or (batch, channels, *space) as oneDNN counts axes: (batch, channels, *space).
memory::desc activation_desc(const Tensor& tensor, bool channels_last);

const engine& Engine();

// Primitives write their intermediate values where they are told to.
primitive_attr with_own_scratch();

// Names a plan: everything that it depends on, in bytes.
class Key {
 public:
  explicit Key(const char* kernel) : bytes_(kernel) {}
  Key& operator<<(int64_t value);
  Key& operator<<(const Dims& values);
  Key& operator<<(const std::vector<Tensor>& tensors);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// A primitive, the places of its tensors in the caller's order, and copies between the caller's layout and oneDNN's.
class Plan {
 public:
  void use(primitive made, const memory::desc& scratch);
  void takes(int argument, const memory::desc& theirs, const memory::desc& ours) { add(argument, theirs, ours, false); }
  void makes(int argument, const memory::desc& theirs, const memory::desc& ours) { add(argument, theirs, ours, true); }
  void execute(const std::vector<Tensor>& buffers) const;

 private:
  struct Slot {
    int argument;
    bool result;
    memory::desc theirs, ours;
    reorder copy;  // empty where both layouts are the same
    size_t offset;  // of our copy in the scratch memory
  };
  void add(int argument, const memory::desc& theirs, const memory::desc& ours, bool result);
  size_t reserve(const memory::desc& desc);

  primitive primitive_;
  memory::desc scratch_;
  size_t scratch_offset_ = 0, bytes_ = 0;
  std::vector<Slot> slots_;
};

// Run the plan of that key on the buffers; `make` makes it the first time. Returns when the results are there.
void run(const Key& key, const std::vector<Tensor>& buffers, const std::function<Plan()>& make);

// What a handler returns: an error of XLA's for whatever `work` throws.
template <typename Work>
ffi::Error guarded(const Work& work) {
  try {
    work();
  } catch (const dnnl::error& error) {
    const bool unknown = error.status == dnnl_unimplemented;
    return ffi::Error(unknown ? ffi::ErrorCode::kUnimplemented : ffi::ErrorCode::kInternal,
                      std::string("cornu_kernels: oneDNN ") + error.what());
  } catch (const std::exception& error) {
    return ffi::Error::Internal(std::string("cornu_kernels: ") + error.what());
  }
  return ffi::Error::Success();
}

}  // namespace cornu
