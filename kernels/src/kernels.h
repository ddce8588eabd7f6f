// The handlers that `kernels.cc` exports.

#pragma once

#include "plan.h"

namespace cornu {

ffi::Error convolution(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t groups,
                       int64_t channels_last, Span strides, Span before, Span after, Span dilation);

ffi::Error pooling(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t channels_last, Span window,
                   Span strides, Span before, Span after);

ffi::Error attention(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t back,
                     int64_t masked, int64_t causal, int64_t even, float scale, float kept);

ffi::Error recurrent(ffi::ThreadPool pool, ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t cell, int64_t back,
                     int64_t sequence, int64_t keep);

}  // namespace cornu
