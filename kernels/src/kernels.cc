// What the library exports: one handler of XLA's foreign function interface a kernel, and what this CPU can do.

#include "kernels.h"

namespace cornu {
namespace {

// Whether this CPU computes in bfloat16: some older ones do not.
bool has_bfloat16() {
  const memory::desc any({1, 16, 4, 4}, memory::data_type::bf16, memory::format_tag::any);
  const memory::desc kernel({16, 16, 1, 1}, memory::data_type::bf16, memory::format_tag::any);
  const convolution_forward::primitive_desc made(Engine(), prop_kind::forward_training, algorithm::convolution_direct,
                                                 any, kernel, any, {1, 1}, {0, 0}, {0, 0}, with_own_scratch(), true);
  return static_cast<bool>(made);
}

}  // namespace
}  // namespace cornu

namespace ffi = cornu::ffi;
using cornu::Span;

#pragma GCC visibility push(default)

extern "C" int cornu_has_bfloat16() { return cornu::has_bfloat16(); }

XLA_FFI_DEFINE_HANDLER_SYMBOL(cornu_convolution, cornu::convolution,
                              ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("kind")
                                  .Attr<int64_t>("groups")
                                  .Attr<int64_t>("channels_last")
                                  .Attr<Span>("strides")
                                  .Attr<Span>("before")
                                  .Attr<Span>("after")
                                  .Attr<Span>("dilation"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(cornu_pooling, cornu::pooling,
                              ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("kind")
                                  .Attr<int64_t>("channels_last")
                                  .Attr<Span>("window")
                                  .Attr<Span>("strides")
                                  .Attr<Span>("before")
                                  .Attr<Span>("after"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(cornu_attention, cornu::attention,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("back")
                                  .Attr<int64_t>("masked")
                                  .Attr<int64_t>("causal")
                                  .Attr<int64_t>("even")
                                  .Attr<float>("scale")
                                  .Attr<float>("kept"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(cornu_recurrent, cornu::recurrent,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("cell")
                                  .Attr<int64_t>("back")
                                  .Attr<int64_t>("sequence")
                                  .Attr<int64_t>("keep"));

#pragma GCC visibility pop
