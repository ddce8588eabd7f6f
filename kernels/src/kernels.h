// The handlers that `kernels.cc` exports.

#pragma once

#include "plan.h"

namespace cornu {

ffi::Error convolution(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t groups,
                       int64_t channels_last, Span strides, Span before, Span after, Span dilation);

ffi::Error pooling(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t channels_last, Span window,
                   Span strides, Span before, Span after);

}  // namespace cornu
