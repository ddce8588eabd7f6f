// Recurrent layers: some rows of the batch at a time, through all steps.
//
// BITS is the length of vectors. Units go in groups of one vector, and the weights of all gates of a group lie side by
// side in a panel, so that a product ends in registers with all that the group's new state needs. What the inputs give
// is made for a few steps at once, just before they are run.

#include "recurrent.h"
#include "vectors.h"

namespace cornu {
namespace {

constexpr int kHigh = BITS == 512 ? 6 : 2;  // rows of a product in registers
constexpr int kMost = 4;                    // vectors of each
constexpr int64_t kAhead = 96;              // rows of inputs whose products are made at once

// The first `count` lanes, where fewer than all are there.
inline V load(const float* at, int64_t count) {
  if (count >= kLanes) return load(at);
  V made{};
  for (int64_t i = 0; i < count; ++i) made[i] = at[i];
  return made;
}

inline void store(float* at, V value, int64_t count) {
  if (count >= kLanes) return store(at, value);
  for (int64_t i = 0; i < count; ++i) at[i] = value[i];
}

// exp(x) - 1, exact near 0 too.
inline V exponential_less_1(V x) {
  const V low = all(-87.0f), high = all(87.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  I twos;
  const V r = reduced(x, twos);
  const V power = (V)(twos + 0x3F800000);
  return (series(r) * (r * r) + r) * power + (power - 1.0f);
}

inline V sigmoid(V x) { return 1.0f / (exponential_less_1(-x) + 2.0f); }

inline V tanh(V x) {
  const V most = all(20.0f);
  x = x > most ? most : x;
  const V made = exponential_less_1(x + x);
  return made / (made + 2.0f);
}

// ---- matrix products -----------------------------------------------------------------------------------

// sums[i][at + j] += a[i][k] * panel[k][j] over k, where `at` leaves out the third sum if kSkip.
template <int kRows, int kColumns, bool kSkip = false, int kWide>
inline void accumulate(V (&sums)[kRows][kWide], const float* const (&a)[kRows], int64_t depth, const float* panel) {
  for (int64_t k = 0; k < depth; ++k, panel += kColumns * kLanes) {
    V row[kColumns];
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) row[j] = load(panel + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V factor = all(a[i][k]);
#pragma GCC unroll 4
      for (int j = 0; j < kColumns; ++j) sums[i][kSkip && j == 2 ? 3 : j] += factor * row[j];
    }
  }
}

template <int kCount>
struct Rows {};

// Call `work(Rows<count>(), first)` on blocks of nearly equal size, each at most kHigh.
template <typename Work>
inline void in_blocks(int64_t rows, const Work& work) {
  const int64_t blocks = (rows + kHigh - 1) / kHigh;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t from = rows * i / blocks;
    switch (rows * (i + 1) / blocks - from) {
      case 1: work(Rows<1>(), from); break;
      case 2: work(Rows<2>(), from); break;
#if BITS == 512
      case 3: work(Rows<3>(), from); break;
      case 4: work(Rows<4>(), from); break;
      case 5: work(Rows<5>(), from); break;
      case 6: work(Rows<6>(), from); break;
#endif
    }
  }
}

// ---- weights -------------------------------------------------------------------------------------------

bool back(const Recurrent& call) { return call.turned != nullptr; }

// Panels of a forward call: of the kernel, of the recurrent kernel, and biases, each for all groups of units. The last
// gate of kGruBefore has a panel of its own, behind those of the others.
struct Forward {
  explicit Forward(const Recurrent& call) {
    const Gates& gates = kGates[call.cell];
    const int64_t all = padded(call.units);
    kernel = call.packed;
    recurrent = kernel + all * call.inputs * gates.kernel;
    last = recurrent + all * call.units * 2;
    bias = recurrent + all * call.units * gates.recurrent;
    end = bias + all * gates.bias;
  }
  float *kernel, *recurrent, *last, *bias, *end;
};

// Panels of a gradient's: the columns of the transposed recurrent kernel, kMost vectors in each.
int64_t wide_panels(const Recurrent& call) { return (groups(call.units) + kMost - 1) / kMost; }

size_t packed(const Recurrent& call) {
  const int64_t floats = back(call) ? wide_panels(call) * kMost * kLanes * kGates[call.cell].recurrent * call.units
                                    : Forward(call).end - call.packed;
  return 4 * floats;
}

int64_t panels(const Recurrent& call) { return back(call) ? wide_panels(call) : groups(call.units); }

void pack(const Recurrent& call, int64_t panel) {
  const Gates& gates = kGates[call.cell];
  const int64_t units = call.units, lanes = kLanes;
  if (back(call)) {
    const int64_t depth = gates.recurrent * units;
    float* to = call.packed + panel * kMost * lanes * depth;
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t at = panel * kMost * lanes; at < (panel + 1) * kMost * lanes; at += lanes, to += lanes)
        store(to, at < units ? load(call.turned + k * units + at, units - at) : V{});
    return;
  }
  const Forward to(call);
  const int64_t begin = panel * lanes, there = units - begin;
  const auto gate = [&](const float* from, int64_t all, int64_t first, int64_t count, int64_t depth, float* at) {
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t j = 0; j < count; ++j, at += lanes)
        store(at, load(from + (k * all + first + j) * units + begin, there));
  };
  const int64_t joint = call.cell == kGruBefore ? 2 : gates.recurrent;
  gate(call.kernel, gates.kernel, 0, gates.kernel, call.inputs, to.kernel + begin * call.inputs * gates.kernel);
  gate(call.recurrent, gates.recurrent, 0, joint, units, to.recurrent + begin * units * joint);
  if (joint < gates.recurrent) gate(call.recurrent, gates.recurrent, joint, 1, units, to.last + begin * units);
  gate(call.bias, gates.bias, 0, gates.bias, 1, to.bias + begin * gates.bias);
}

// ---- forward -------------------------------------------------------------------------------------------

int64_t ahead(const Recurrent& call, int64_t rows) {
  const int64_t steps = rows < kAhead ? kAhead / rows : 1;
  return least(steps, call.time);
}

size_t scratch(const Recurrent& call, int64_t rows) {
  const int64_t wide = padded(call.units);
  const int64_t floats = back(call) ? rows * call.units : rows * (ahead(call, rows) * kGates[call.cell].bias * wide +
                                                                  3 * call.units);
  return 4 * floats;
}

// What bias and inputs give a group of units, for some of the pairs (step, row) from `first` on.
template <int kColumns, int kSums, int kRows>
inline void product_of_inputs(Rows<kRows>, const Recurrent& call, int64_t begin, int64_t rows, int64_t first,
                              int64_t from, const float* panel, const float* bias, float* to) {
  const float* a[kRows];
  V sums[kRows][kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    const int64_t row = begin + (from + i) % rows, step = first + (from + i) / rows;
    a[i] = call.x + (row * call.time + step) * call.inputs;
#pragma GCC unroll 4
    for (int j = 0; j < kSums; ++j) sums[i][j] = load(bias + j * kLanes);
  }
  accumulate<kRows, kColumns>(sums, a, call.inputs, panel);
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kSums; ++j) store(to + ((from + i) * kSums + j) * kLanes, sums[i][j]);
}

// One step of some rows and a group of units: the sums so far, plus the recurrent product, become gates and a state.
template <int64_t kCell>
struct Step {
  const Recurrent& call;
  int64_t begin, step;
  const float* h;  // the state before, and after
  int64_t h_step;
  float* out;
  int64_t out_step;
  float* reset;  // of kGruBefore, the state times its reset gate

  static constexpr Gates kOf = kGates[kCell];

  template <int kFirst, int kSums, int kColumns, int kRows>
  void add(V (&sums)[kRows][kSums], const float* state, int64_t state_step, int64_t row, const float* so_far,
           const float* panel) const {
    const float* a[kRows];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      a[i] = state + (row + i) * state_step;
#pragma GCC unroll 4
      for (int j = 0; j < kSums; ++j) sums[i][j] = load(so_far + (i * kOf.bias + kFirst + j) * kLanes);
    }
    accumulate<kRows, kColumns, kCell == kGru>(sums, a, call.units, panel);
  }

  // Write the gate's values where the gradient finds them.
  void keep(int64_t row, int64_t gate, int64_t at, V value, int64_t there) const {
    if (call.gates)
      store(call.gates + (((begin + row) * call.time + step) * kOf.kept + gate) * call.units + at, value, there);
  }

  template <int kRows>
  void all(Rows<kRows>, int64_t p, int64_t from, const float* so_far, const float* panel) const {
    V sums[kRows][kOf.bias];
    add<0, kOf.bias, kOf.recurrent>(sums, h, h_step, from, so_far, panel);
    const int64_t at = p * kLanes, there = call.units - at;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const int64_t row = from + i;
      V made;
      if constexpr (kCell == kLstm) {
        const V in = sigmoid(sums[i][0]), forget = sigmoid(sums[i][1]), candidate = tanh(sums[i][2]),
                open = sigmoid(sums[i][3]);
        float* state = call.last_cell + (begin + row) * call.units + at;
        const V c = forget * load(state, there) + in * candidate;
        store(state, c, there);
        keep(row, 0, at, in, there), keep(row, 1, at, forget, there);
        keep(row, 2, at, candidate, there), keep(row, 3, at, open, there);
        if (call.cells) store(call.cells + ((begin + row) * call.time + step) * call.units + at, c, there);
        made = open * tanh(c);
      } else if constexpr (kCell == kGru) {
        const V z = sigmoid(sums[i][0]), r = sigmoid(sums[i][1]), candidate = tanh(sums[i][2] + r * sums[i][3]);
        keep(row, 0, at, z, there), keep(row, 1, at, r, there);
        keep(row, 2, at, candidate, there), keep(row, 3, at, sums[i][3], there);
        made = candidate + z * (load(h + row * h_step + at, there) - candidate);
      } else if constexpr (kCell == kTanh) {
        made = tanh(sums[i][0]);
      } else {
        made = sums[i][0] < 0 ? V{} : sums[i][0];  // what is no number stays so
      }
      store(out + row * out_step + at, made, there);
    }
  }

  template <int kRows>
  void gates(Rows<kRows>, int64_t p, int64_t from, const float* so_far, const float* panel) const {
    V sums[kRows][2];
    add<0, 2, 2>(sums, h, h_step, from, so_far, panel);
    const int64_t at = p * kLanes, there = call.units - at;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const int64_t row = from + i;
      const V z = sigmoid(sums[i][0]), r = sigmoid(sums[i][1]);
      keep(row, 0, at, z, there), keep(row, 1, at, r, there);
      store(const_cast<float*>(so_far) + i * kOf.bias * kLanes, z);
      store(reset + row * call.units + at, r * load(h + row * h_step + at, there), there);
    }
  }

  template <int kRows>
  void candidate(Rows<kRows>, int64_t p, int64_t from, const float* so_far, const float* panel) const {
    V sums[kRows][1];
    add<2, 1, 1>(sums, reset, call.units, from, so_far, panel);
    const int64_t at = p * kLanes, there = call.units - at;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const int64_t row = from + i;
      const V z = load(so_far + i * kOf.bias * kLanes), made = tanh(sums[i][0]);
      keep(row, 2, at, made, there);
      store(out + row * out_step + at, made + z * (load(h + row * h_step + at, there) - made), there);
    }
  }
};

template <int64_t kCell>
void forward(const Recurrent& call, int64_t begin, int64_t end, void* memory) {
  constexpr Gates kOf = kGates[kCell];
  constexpr int64_t kSums = kOf.bias, kColumns = kOf.recurrent;
  const int64_t rows = end - begin, time = call.time, inputs = call.inputs, units = call.units;
  const int64_t vectors = groups(units), steps = ahead(call, rows), wide = kSums * kLanes;
  const Forward weights(call);
  float* sums_of = static_cast<float*>(memory);  // (groups, steps, rows, gates, lanes)
  float* spare = sums_of + vectors * rows * steps * wide;
  float* reset = spare + 2 * rows * units;
  if (kCell == kLstm)
    for (int64_t i = begin * units; i < end * units; ++i) call.last_cell[i] = call.c[i];

  // where the output of a step is, or the first state
  const float* h = call.h + begin * units;
  int64_t h_step = units;
  for (int64_t first = 0; first < time; first += steps) {
    const int64_t many = least(steps, time - first) * rows;
    for (int64_t p = 0; p < vectors; ++p) {
      const float* panel = weights.kernel + p * kLanes * inputs * kOf.kernel;
      const float* bias = weights.bias + p * wide;
      float* to = sums_of + p * rows * steps * wide;
      in_blocks(many, [&](auto block, int64_t from) {
        product_of_inputs<kOf.kernel, kSums>(block, call, begin, rows, first, from, panel, bias, to);
      });
    }
    for (int64_t step = first; step < first + many / rows; ++step) {
      float* out = call.outputs ? call.outputs + (begin * time + step) * units : spare + (step & 1) * rows * units;
      const int64_t out_step = call.outputs ? time * units : units;
      const Step<kCell> now{call, begin, step, h, h_step, out, out_step, reset};
      const auto at = [&](int64_t p, int64_t row) {
        return sums_of + ((p * steps + step - first) * rows + row) * wide;
      };
      if constexpr (kCell == kGruBefore) {
        for (int64_t p = 0; p < vectors; ++p)
          in_blocks(rows, [&](auto block, int64_t from) {
            now.gates(block, p, from, at(p, from), weights.recurrent + p * kLanes * units * 2);
          });
        for (int64_t p = 0; p < vectors; ++p)
          in_blocks(rows, [&](auto block, int64_t from) {
            now.candidate(block, p, from, at(p, from), weights.last + p * kLanes * units);
          });
      } else {
        for (int64_t p = 0; p < vectors; ++p)
          in_blocks(rows, [&](auto block, int64_t from) {
            now.all(block, p, from, at(p, from), weights.recurrent + p * kLanes * units * kColumns);
          });
      }
      h = out, h_step = out_step;
    }
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t j = 0; j < units; ++j) call.last[(begin + row) * units + j] = h[row * h_step + j];
}

// ---- gradient ------------------------------------------------------------------------------------------

template <int64_t kCell>
struct BackStep {
  const Recurrent& call;
  int64_t begin, rows, step;
  float* part;  // of kGruBefore, slopes at the state times its reset gate

  static constexpr Gates kOf = kGates[kCell];

  // The sum of slopes from `first` on, times their rows of the transposed recurrent kernel, added to `to`.
  void product(int64_t first, int64_t depth, int64_t row_of_kernel, float* to) const {
    const int64_t units = call.units, all = kOf.recurrent * units, slopes_step = call.time * kOf.bias * units;
    const float* slopes = call.slopes + ((begin * call.time + step) * kOf.bias + first) * units;
    for (int64_t p = 0; p < wide_panels(call); ++p) {
      const float* panel = call.packed + (p * all + row_of_kernel * units) * kMost * kLanes;
      const int64_t at = p * kMost * kLanes;
      in_blocks(rows, [&](auto block, int64_t from) {
        tile(block, slopes + from * slopes_step, slopes_step, depth * units, panel, to + from * units + at, units - at);
      });
    }
  }

  template <int kRows>
  void tile(Rows<kRows>, const float* slopes, int64_t slopes_step, int64_t depth, const float* panel, float* to,
            int64_t there) const {
    const float* a[kRows];
    V sums[kRows][kMost] = {};
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) a[i] = slopes + i * slopes_step;
    accumulate<kRows, kMost>(sums, a, depth, panel);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kMost; ++j) {
        const int64_t left = there - j * kLanes;
        float* at = to + i * call.units + j * kLanes;
        if (left > 0) store(at, load(at, left) + sums[i][j], left);
      }
  }

  // Slopes at the gates of a row, and at the state before as far as it is used directly.
  void gates(int64_t row) const {
    const int64_t units = call.units, place = (begin + row) * call.time + step;
    const float* kept = call.kept + place * kOf.kept * units;
    const float* state = call.states + place * units;
    const float* before = step ? state - units : call.first + (begin + row) * units;
    const float* by_output = call.by_outputs ? call.by_outputs + place * units : nullptr;
    float* slopes = call.slopes + place * kOf.bias * units;
    float *by_h = call.by_h + (begin + row) * units, *by_c = call.by_c + (begin + row) * units;
    for (int64_t at = 0; at < units; at += kLanes) {
      const int64_t there = units - at;
      V slope = load(by_h + at, there);
      if (by_output) slope += load(by_output + at, there);
      const auto gate = [&](int64_t number) { return load(kept + number * units + at, there); };
      const auto make = [&](int64_t number, V value) { store(slopes + number * units + at, value, there); };
      if constexpr (kCell == kLstm) {
        const V in = gate(0), forget = gate(1), candidate = gate(2), open = gate(3);
        const V bent = tanh(load(state + at, there));
        const V by_cell = load(by_c + at, there) + slope * open * (1.0f - bent * bent);
        make(0, by_cell * candidate * in * (1.0f - in));
        make(1, by_cell * load(before + at, there) * forget * (1.0f - forget));
        make(2, by_cell * in * (1.0f - candidate * candidate));
        make(3, slope * bent * open * (1.0f - open));
        store(by_c + at, by_cell * forget, there);
        store(by_h + at, V{}, there);
      } else if constexpr (kCell == kGru || kCell == kGruBefore) {
        const V z = gate(0), r = gate(1), candidate = gate(2);
        const V by_candidate = slope * (1.0f - z) * (1.0f - candidate * candidate);
        make(0, slope * (load(before + at, there) - candidate) * z * (1.0f - z));
        make(2, by_candidate);
        if constexpr (kCell == kGru) {
          make(1, by_candidate * gate(3) * r * (1.0f - r));
          make(3, by_candidate * r);
        } else {
          store(part + row * units + at, V{}, there);
        }
        store(by_h + at, slope * z, there);
      } else {
        const V made = load(state + at, there);
        make(0, kCell == kTanh ? slope * (1.0f - made * made) : (made > 0 ? slope : V{}));
        store(by_h + at, V{}, there);
      }
    }
  }

  // Of kGruBefore: slopes at the reset gate, from those at the state times that gate.
  void reset(int64_t row) const {
    const int64_t units = call.units, place = (begin + row) * call.time + step;
    const float* before = step ? call.states + (place - 1) * units : call.first + (begin + row) * units;
    float* by_h = call.by_h + (begin + row) * units;
    for (int64_t at = 0; at < units; at += kLanes) {
      const int64_t there = units - at;
      const V r = load(call.kept + (place * kOf.kept + 1) * units + at, there);
      const V by_product = load(part + row * units + at, there);
      store(call.slopes + (place * kOf.bias + 1) * units + at,
            by_product * load(before + at, there) * r * (1.0f - r), there);
      store(by_h + at, load(by_h + at, there) + by_product * r, there);
    }
  }

  void run() const {
    float* by_h = call.by_h + begin * call.units;
    for (int64_t row = 0; row < rows; ++row) gates(row);
    if constexpr (kCell == kGruBefore) {
      product(2, 1, 2, part);
      for (int64_t row = 0; row < rows; ++row) reset(row);
      product(0, 2, 0, by_h);
    } else if constexpr (kCell == kGru) {
      product(0, 2, 0, by_h);
      product(3, 1, 2, by_h);
    } else {
      product(0, kOf.recurrent, 0, by_h);
    }
  }
};

template <int64_t kCell>
void backward(const Recurrent& call, int64_t begin, int64_t end, void* memory) {
  for (int64_t i = begin * call.units; i < end * call.units; ++i) {
    call.by_h[i] = call.by_last[i];
    if (kCell == kLstm) call.by_c[i] = call.by_last_cell[i];
  }
  for (int64_t step = call.time; step-- > 0;)
    BackStep<kCell>{call, begin, end - begin, step, static_cast<float*>(memory)}.run();
}

template <int64_t kCell>
void run_as(const Recurrent& call, int64_t begin, int64_t end, void* memory) {
  back(call) ? backward<kCell>(call, begin, end, memory) : forward<kCell>(call, begin, end, memory);
}

void run(const Recurrent& call, int64_t begin, int64_t end, void* memory) {
  switch (call.cell) {
    case kLstm: return run_as<kLstm>(call, begin, end, memory);
    case kGru: return run_as<kGru>(call, begin, end, memory);
    case kGruBefore: return run_as<kGruBefore>(call, begin, end, memory);
    case kTanh: return run_as<kTanh>(call, begin, end, memory);
    case kRelu: return run_as<kRelu>(call, begin, end, memory);
  }
}

}  // namespace

const RecurrentLoops OF_BITS(kRecurrent) = {packed, panels, pack, scratch, run};

}  // namespace cornu
