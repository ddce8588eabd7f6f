// Convolution: the outputs, the gradient by the inputs, the gradient by the kernel.
//
// Inputs are (batch, *space, channels) or (batch, channels, *space); kernels (*window, in, out) with `in` the channels
// of one group. All three calls speak of the same four tensors; what they get and what they make differs.

#include "kernels.h"

#include "plan.h"

namespace cornu {
namespace {

enum Kind : int64_t { kForward, kByInputs, kByKernel };

// The kernel as oneDNN counts its axes, (out, in, *window) or (group, out, in, *window), where it lies.
memory::desc kernel_desc(const Dims& shape, memory::data_type type, int64_t groups) {
  const size_t rank = shape.size() - 2;
  const int64_t in = shape[rank], out = shape[rank + 1];
  Dims sizes = {out / groups, in}, steps = {1, out};
  if (groups > 1) {
    sizes.insert(sizes.begin(), groups);
    steps.insert(steps.begin(), out / groups);
  }
  Dims window(rank);
  int64_t step = in * out;
  for (size_t i = rank; i-- > 0; step *= shape[i]) window[i] = step;
  sizes.insert(sizes.end(), shape.begin(), shape.begin() + rank);
  steps.insert(steps.end(), window.begin(), window.end());
  return memory::desc(sizes, type, steps);
}

struct Setting {
  int64_t kind, groups;
  bool channels_last;
  Dims strides, before, after, dilation;
};

Plan plan_for(const Setting& given, const Tensor& x, const Tensor& w, const Tensor& y, const Tensor* bias) {
  const engine& cpu = Engine();
  const auto type = x.type;
  const memory::desc src = activation_desc(x, given.channels_last), dst = activation_desc(y, given.channels_last);
  const memory::desc kernel = kernel_desc(w.shape, type, given.groups);
  const memory::desc any_kernel(kernel.get_dims(), type, memory::format_tag::any);
  // Channels last is oneDNN's to work on as it lies; the other order is better copied into blocks.
  const memory::desc any_src =
      given.channels_last ? src : memory::desc(src.get_dims(), type, memory::format_tag::any);
  const memory::desc any_dst =
      given.channels_last ? dst : memory::desc(dst.get_dims(), type, memory::format_tag::any);
  const memory::desc shift = bias ? memory::desc(bias->shape, type, memory::format_tag::a) : memory::desc();
  Dims gaps = given.dilation;
  for (auto& each : gaps) each -= 1;  // oneDNN counts the places left out
  const auto algorithm = algorithm::convolution_direct;
  const auto purpose = given.kind == kForward ? prop_kind::forward_inference : prop_kind::forward_training;
  const auto settings = with_own_scratch();
  const convolution_forward::primitive_desc forward(cpu, purpose, algorithm, any_src, any_kernel, shift, any_dst,
                                                    given.strides, gaps, given.before, given.after, settings);
  Plan plan;
  if (given.kind == kForward) {
    plan.use(convolution_forward(forward), forward.scratchpad_desc());
    plan.takes(DNNL_ARG_SRC, src, forward.src_desc());
    plan.takes(DNNL_ARG_WEIGHTS, kernel, forward.weights_desc());
    if (bias) plan.takes(DNNL_ARG_BIAS, shift, shift);
    plan.makes(DNNL_ARG_DST, dst, forward.dst_desc());
  } else if (given.kind == kByInputs) {
    const convolution_backward_data::primitive_desc backward(cpu, algorithm, any_src, any_kernel, any_dst,
                                                             given.strides, gaps, given.before, given.after, forward,
                                                             settings);
    plan.use(convolution_backward_data(backward), backward.scratchpad_desc());
    plan.takes(DNNL_ARG_DIFF_DST, dst, backward.diff_dst_desc());
    plan.takes(DNNL_ARG_WEIGHTS, kernel, backward.weights_desc());
    plan.makes(DNNL_ARG_DIFF_SRC, src, backward.diff_src_desc());
  } else {
    const convolution_backward_weights::primitive_desc backward(cpu, algorithm, any_src, any_kernel, shift, any_dst,
                                                                given.strides, gaps, given.before, given.after,
                                                                forward, settings);
    plan.use(convolution_backward_weights(backward), backward.scratchpad_desc());
    plan.takes(DNNL_ARG_SRC, src, backward.src_desc());
    plan.takes(DNNL_ARG_DIFF_DST, dst, backward.diff_dst_desc());
    plan.makes(DNNL_ARG_DIFF_WEIGHTS, kernel, backward.diff_weights_desc());
    if (bias) plan.makes(DNNL_ARG_DIFF_BIAS, shift, shift);
  }
  return plan;
}

}  // namespace

// Arguments and results by kind: (x, w[, bias]) -> y; (y, w) -> x; (x, y) -> (w[, bias]).
ffi::Error convolution(ffi::RemainingArgs args, ffi::RemainingRets rets, int64_t kind, int64_t groups,
                       int64_t channels_last, Span strides, Span before, Span after, Span dilation) {
  return guarded([&] {
    const std::vector<Tensor> buffers = tensors(args, rets);
    const bool with_bias = buffers.size() == 4;
    // where x, w, y and the bias stand among the buffers
    static constexpr size_t kPlaces[3][2][4] = {{{0, 1, 2, 0}, {0, 1, 3, 2}},
                                                {{2, 1, 0, 0}, {2, 1, 0, 0}},
                                                {{0, 2, 1, 0}, {0, 2, 1, 3}}};
    const auto& at = kPlaces[kind][with_bias];
    const Setting setting{kind,         groups,        channels_last != 0, dims(strides),
                          dims(before), dims(after), dims(dilation)};
    Key key("convolution");
    key << kind << groups << channels_last << with_bias << setting.strides << setting.before << setting.after
        << setting.dilation << buffers;
    run(key, buffers, [&] {
      return plan_for(setting, buffers[at[0]], buffers[at[1]], buffers[at[2]],
                      with_bias ? &buffers[at[3]] : nullptr);
    });
  });
}

}  // namespace cornu
