// Pooling: the largest value or the mean of each window, and their gradients.

#include "kernels.h"
#include "plan.h"

namespace cornu {
namespace {

enum Kind : int64_t { kMax, kMaxGradient, kMean, kMeanGradient };

struct Setting {
  int64_t kind;
  bool channels_last;
  Dims window, strides, before, after;
};

Plan plan_for(const Setting& given, const Tensor& x, const Tensor& y, const Tensor* winners) {
  const engine& cpu = Engine();
  const memory::desc src = activation_desc(x, given.channels_last), dst = activation_desc(y, given.channels_last);
  const bool mean = given.kind == kMean || given.kind == kMeanGradient;
  const auto algorithm = mean ? algorithm::pooling_avg_exclude_padding : algorithm::pooling_max;
  const auto purpose = mean || winners ? prop_kind::forward_training : prop_kind::forward_inference;
  const Dims gaps(given.window.size(), 0);
  const auto settings = with_own_scratch();
  const pooling_forward::primitive_desc forward(cpu, purpose, algorithm, src, dst, given.strides, given.window, gaps,
                                                given.before, given.after, settings);
  const auto check = [&] {
    const memory::desc theirs = activation_desc(*winners, given.channels_last);
    if (forward.workspace_desc() != theirs) throw std::runtime_error("the places of maxima lie otherwise than expected");
    return theirs;
  };
  Plan plan;
  if (given.kind == kMax || given.kind == kMean) {
    plan.use(pooling_forward(forward), forward.scratchpad_desc());
    plan.takes(DNNL_ARG_SRC, src, src);
    plan.makes(DNNL_ARG_DST, dst, dst);
    if (winners) plan.makes(DNNL_ARG_WORKSPACE, check(), forward.workspace_desc());
  } else {
    const pooling_backward::primitive_desc backward(cpu, algorithm, src, dst, given.strides, given.window, gaps,
                                                    given.before, given.after, forward, settings);
    plan.use(pooling_backward(backward), backward.scratchpad_desc());
    plan.takes(DNNL_ARG_DIFF_DST, dst, dst);
    if (winners) plan.takes(DNNL_ARG_WORKSPACE, check(), forward.workspace_desc());
    plan.makes(DNNL_ARG_DIFF_SRC, src, src);
  }
  return plan;
}

}  // namespace

// Arguments and results by kind: x -> (y[, winners]); (y, winners) -> x; x -> y; y -> x.
ffi::Error pooling(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t channels_last, Span window,
                   Span strides, Span before, Span after) {
  return guarded([&] {
    const std::vector<Tensor> buffers = tensors(args, rets);
    const bool backward = kind == kMaxGradient || kind == kMeanGradient;
    const Tensor& x = backward ? buffers.back() : buffers[0];
    const Tensor& y = buffers[backward ? 0 : 1];
    const Tensor* winners = buffers.size() == 3 ? &buffers[backward ? 1 : 2] : nullptr;
    const Setting setting{kind, channels_last != 0, dims(window), dims(strides), dims(before), dims(after)};
    Key key("pooling");
    key << kind << channels_last << setting.window << setting.strides << setting.before << setting.after << buffers;
    run(key, buffers, [&] { return plan_for(setting, x, y, winners); });
  });
}

}  // namespace cornu
