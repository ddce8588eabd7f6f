// Attention of one head at a time, in blocks of targets whose scores stay in the cache.
//
// BITS is the length of vectors. Scores are never kept: the gradient makes them again. Matrices that a product reads
// along its rows are copied, so that rows are full vectors, the rest zeros.

#include "attention.h"
#include "vectors.h"

namespace cornu {
namespace {

constexpr int64_t kBlockBytes = 1 << 17, kMostRows = 64, kLeastRows = 8;
constexpr int64_t kDepth = 512;  // of a product at a time
constexpr float kLowest = -0.7f * 3.402823466e38f;  // the score of what is not seen
constexpr float kNone = -3.402823466e38f;

typedef uint32_t U __attribute__((vector_size(BITS / 8), aligned(4), may_alias));

inline V exponential(V x) {
  const V lowest = all(-87.3f);
  I twos;
  const V r = reduced(x < lowest ? lowest : x, twos);
  V sum = series(r) * r + 1.0f;
  sum = sum * r + 1.0f;
  return x < lowest ? V{} : (V)((I)sum + twos);
}

inline U lanes() {
  U made{};
  for (int64_t i = 0; i < kLanes; ++i) made[i] = i;
  return made;
}

// Each lane beside the one that is `step` away.
inline V beside(V x, uint32_t step) { return __builtin_shuffle(x, (I)(lanes() ^ step)); }

inline float largest(V x) {
  for (int64_t step = kLanes / 2; step; step /= 2) {
    const V other = beside(x, step);
    x = other > x ? other : x;
  }
  return x[0];
}

inline float total(V x) {
  for (int64_t step = kLanes / 2; step; step /= 2) x += beside(x, step);
  return x[0];
}

inline U mixed(U x) {
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

// Which of the weights from `place` on dropout keeps: the bits of Cornu's `random.bernoulli`.
inline I keeps(const Attention& call, uint32_t place) {
  const U bits = mixed(mixed(lanes() + place + call.seeds[0]) ^ call.seeds[1]) >> 8;
  return __builtin_convertvector((I)bits, V) < call.kept * 16777216.0f;
}

// ---- matrix products -----------------------------------------------------------------------------------

// Elements (i, k) of a matrix lie at data[i * row + k * column].
struct Matrix {
  const float* data;
  int64_t row, column;
};

template <int kRows, int kVectors>
inline void tile(const Matrix& a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth, bool more) {
  V sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) sums[i][j] = more ? load(c + i * c_row + j * kLanes) : V{};
  for (int64_t k = 0; k < depth; ++k) {
    V row[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) row[j] = load(b + k * b_row + j * kLanes);
    const float* column = a.data + k * a.column;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V factor = all(column[i * a.row]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] += factor * row[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) store(c + i * c_row + j * kLanes, sums[i][j]);
}

template <int kVectors>
void strip(int64_t rows, Matrix a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth, bool more) {
  constexpr int kHigh = BITS == 512 ? 8 : 4;
  const auto next = [&](int64_t count) {
    a.data += count * a.row;
    c += count * c_row;
    rows -= count;
  };
  for (; rows >= kHigh; next(kHigh)) tile<kHigh, kVectors>(a, b, b_row, c, c_row, depth, more);
  for (; rows >= 2; next(2)) tile<2, kVectors>(a, b, b_row, c, c_row, depth, more);
  if (rows) tile<1, kVectors>(a, b, b_row, c, c_row, depth, more);
}

// c = a b, or c += a b if `more`; rows of b and c are `columns` long, a multiple of a vector's length, in memory too.
void product(int64_t rows, int64_t columns, int64_t depth, Matrix a, const float* b, float* c, int64_t c_row,
             bool more, int64_t b_row) {
  for (int64_t from = 0; from < depth; from += kDepth) {
    const int64_t deep = least(kDepth, depth - from);
    const Matrix part{a.data + from * a.column, a.row, a.column};
    int64_t j = 0;
    for (; j + 2 * kLanes <= columns; j += 2 * kLanes)
      strip<2>(rows, part, b + from * b_row + j, b_row, c + j, c_row, deep, more || from);
    if (j < columns) strip<1>(rows, part, b + from * b_row + j, b_row, c + j, c_row, deep, more || from);
  }
}

// A copy of rows with zeros behind them.
void copy(const float* from, int64_t step, int64_t rows, int64_t columns, float* to) {
  const int64_t wide = padded(columns);
  for (int64_t i = 0; i < rows; ++i, from += step, to += wide) {
    for (int64_t j = 0; j < columns; ++j) to[j] = from[j];
    for (int64_t j = columns; j < wide; ++j) to[j] = 0;
  }
}

// The transposed copy, (columns, rows) with zeros behind its rows.
void turn(const float* from, int64_t step, int64_t rows, int64_t columns, float* to) {
  const int64_t wide = padded(rows);
  const U low = (lanes() >> 1) + (lanes() & 1) * (uint32_t)kLanes, high = low + (uint32_t)(kLanes / 2);
  int64_t i = 0;
  for (; i + kLanes <= rows; i += kLanes) {
    int64_t j = 0;
    for (; j + kLanes <= columns; j += kLanes) {  // a square of vectors: each step deals the halves out in turns
      V square[kLanes];
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) square[k] = load(from + (i + k) * step + j);
#pragma GCC unroll 4
      for (int64_t done = 1; done < kLanes; done *= 2) {
        V dealt[kLanes];
#pragma GCC unroll 8
        for (int64_t k = 0; k < kLanes / 2; ++k) {
          dealt[2 * k] = __builtin_shuffle(square[k], square[k + kLanes / 2], (I)low);
          dealt[2 * k + 1] = __builtin_shuffle(square[k], square[k + kLanes / 2], (I)high);
        }
#pragma GCC unroll 16
        for (int64_t k = 0; k < kLanes; ++k) square[k] = dealt[k];
      }
#pragma GCC unroll 16
      for (int64_t k = 0; k < kLanes; ++k) store(to + (j + k) * wide + i, square[k]);
    }
    for (; j < columns; ++j)
      for (int64_t k = i; k < i + kLanes; ++k) to[j * wide + k] = from[k * step + j];
  }
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = i; k < wide; ++k) to[j * wide + k] = k < rows ? from[k * step + j] : 0;
}

// ---- scores --------------------------------------------------------------------------------------------

int64_t block_rows(const Attention& call) {
  const int64_t fit = kBlockBytes / (4 * padded(call.sources));
  return fit < kLeastRows ? kLeastRows : least(fit, kMostRows);
}

// How many sources the targets before `end` may see.
int64_t seen(const Attention& call, int64_t end) {
  return call.causal && !call.mask ? least(end, call.sources) : call.sources;
}

// Whether sources are seen by a target: a mask, or null, and how many from the first on.
struct View {
  const uint8_t* mask;
  int64_t count;

  I at(int64_t j) const {
    const U places = lanes() + (uint32_t)j;
    I made = (I)places < (int32_t)count;
    if (mask)
      for (int64_t i = 0; i < kLanes; ++i)
        if (made[i] && !mask[j + i]) made[i] = 0;
    return made;
  }
};

View view(const Attention& call, int64_t batch, int64_t head, int64_t target) {
  const int64_t* steps = call.mask_steps;
  return {call.mask ? call.mask + batch * steps[0] + head * steps[1] + target * steps[2] : nullptr,
          call.causal ? least(target + 1, call.sources) : call.sources};
}

// Scores times the scale, `kLowest` where nothing is seen, `kNone` behind the last of `count` sources.
inline V scored(const Attention& call, const View& sees, V score, int64_t j, int64_t count) {
  V made = score * call.scale;
  if (sees.mask || j + kLanes > sees.count) {
    const I inside = (I)(lanes() + (uint32_t)j) < (int32_t)count;
    made = sees.at(j) ? made : (inside ? all(kLowest) : all(kNone));
  }
  return made;
}

inline uint32_t place(const Attention& call, int64_t batch, int64_t head, int64_t target) {
  return (uint32_t)(((batch * call.heads + head) * call.targets + target) * call.sources);
}

// Room for arrays in the scratch memory, each starting at a line of the cache.
struct Room {
  char* at;
  float* take(int64_t count) {
    float* made = reinterpret_cast<float*>(at);
    at += (4 * count + 63) / 64 * 64;
    return made;
  }
};

size_t scratch(const Attention& call) {
  const int64_t rows = block_rows(call), sources = padded(call.sources), size = padded(call.size),
                width = padded(call.width);
  // scores twice; keys and values and their gradients, and both turned; queries, their gradient, slopes
  const int64_t floats = 2 * rows * sources + 2 * call.sources * (size + width) +
                         sources * (call.size + call.width) + rows * (2 * size + width);
  return 4 * floats + 64 * 16;
}

// ---- the two passes --------------------------------------------------------------------------------------

// Weights of one target in the place of its scores, not yet divided by their sum; what dropout takes is 0.
void weigh(const Attention& call, const View& sees, float* scores, int64_t count, uint32_t first, float* stats) {
  const int64_t wide = padded(count);
  V most = all(kNone);
  for (int64_t j = 0; j < wide; j += kLanes) {
    const V made = scored(call, sees, load(scores + j), j, count);
    store(scores + j, made);
    most = made > most ? made : most;
  }
  const float top = largest(most);
  V sums{};
  for (int64_t j = 0; j < wide; j += kLanes) {
    V made = exponential(load(scores + j) - top);
    sums += made;
    if (call.kept < 1) made = keeps(call, first + (uint32_t)j) ? made : V{};
    store(scores + j, made);
  }
  stats[0] = top;
  stats[1] = !call.even && top == kLowest ? 0.0f : 1.0f / total(sums);
}

void forward(const Attention& call, int64_t task, int64_t parts, void* memory) {
  const int64_t part = task % parts, head = task / parts % call.heads, batch = task / parts / call.heads;
  const int64_t group = head / (call.heads / call.groups);
  const int64_t size = call.size, width = padded(call.width), sources = padded(call.sources);
  const int64_t query_step = call.heads * size, key_step = call.groups * size, value_step = call.groups * call.width,
                out_step = call.heads * call.width;
  const int64_t rows = block_rows(call);
  const int64_t begin = call.targets * part / parts, end = call.targets * (part + 1) / parts;
  Room room{static_cast<char*>(memory)};
  float *scores = room.take(rows * sources), *keys = room.take(size * sources),
        *values = room.take(call.sources * width), *made = room.take(rows * width);
  turn(call.key + batch * call.sources * key_step + group * size, key_step, call.sources, size, keys);
  copy(call.value + batch * call.sources * value_step + group * call.width, value_step, call.sources, call.width,
       values);
  for (int64_t from = begin; from < end; from += rows) {
    const int64_t high = least(rows, end - from), count = seen(call, from + high);
    const float* query = call.query + (batch * call.targets + from) * query_step + head * size;
    product(high, padded(count), size, {query, query_step, 1}, keys, scores, sources, false, sources);
    float* stats = call.stats + 2 * ((batch * call.heads + head) * call.targets + from);
    for (int64_t i = 0; i < high; ++i)
      weigh(call, view(call, batch, head, from + i), scores + i * sources, count,
            place(call, batch, head, from + i), stats + 2 * i);
    product(high, width, count, {scores, sources, 1}, values, made, width, false, width);
    float* out = call.out + (batch * call.targets + from) * out_step + head * call.width;
    for (int64_t i = 0; i < high; ++i) {
      const float factor = stats[2 * i + 1] / call.kept;
      for (int64_t j = 0; j < call.width; ++j) out[i * out_step + j] = made[i * width + j] * factor;
    }
  }
}

// From the scores of one target and the slopes at its weights: the weights that gave the values, in the place of the
// scores, and the slopes at the scores, in their own place.
void slopes(const Attention& call, const View& sees, float* scores, float* by_score, int64_t count, uint32_t first,
            const float* stats) {
  const int64_t wide = padded(count);
  const bool drops = call.kept < 1;
  const float factor = 1 / call.kept;
  V sums{};
  for (int64_t j = 0; j < wide; j += kLanes) {
    V made = exponential(scored(call, sees, load(scores + j), j, count) - stats[0]) * stats[1];
    V slope = load(by_score + j);
    if (drops) {  // a weight that was dropped gets a sign
      const I kept = keeps(call, first + (uint32_t)j);
      slope = kept ? slope * factor : V{};
      sums += made * slope;
      made = kept ? made : -made;
      store(by_score + j, slope);
    } else {
      sums += made * slope;
    }
    store(scores + j, made);
  }
  const float mean = total(sums);
  for (int64_t j = 0; j < wide; j += kLanes) {
    const V made = load(scores + j);
    const V weight = drops ? (made < V{} ? -made : made) : made;
    V slope = weight * (load(by_score + j) - mean) * call.scale;
    if (sees.mask || j + kLanes > sees.count) slope = sees.at(j) ? slope : V{};
    store(by_score + j, slope);
    if (drops) store(scores + j, made > V{} ? made * factor : V{});
  }
}

void backward(const Attention& call, int64_t task, void* memory) {
  const int64_t group = task % call.groups, batch = task / call.groups, share = call.heads / call.groups;
  const int64_t size = padded(call.size), width = padded(call.width), sources = padded(call.sources);
  const int64_t query_step = call.heads * call.size, key_step = call.groups * call.size,
                value_step = call.groups * call.width, out_step = call.heads * call.width;
  const int64_t rows = block_rows(call);
  Room room{static_cast<char*>(memory)};
  float *scores = room.take(rows * sources), *by_score = room.take(rows * sources),
        *keys = room.take(call.sources * size), *keys_turned = room.take(call.size * sources),
        *values_turned = room.take(call.width * sources), *by_key = room.take(call.sources * size),
        *by_value = room.take(call.sources * width), *query = room.take(rows * size),
        *by_query = room.take(rows * size), *slope = room.take(rows * width);
  const int64_t key_at = batch * call.sources * key_step + group * call.size,
                value_at = batch * call.sources * value_step + group * call.width;
  copy(call.key + key_at, key_step, call.sources, call.size, keys);
  turn(call.key + key_at, key_step, call.sources, call.size, keys_turned);
  turn(call.value + value_at, value_step, call.sources, call.width, values_turned);
  for (int64_t i = 0; i < call.sources * size; ++i) by_key[i] = 0;
  for (int64_t i = 0; i < call.sources * width; ++i) by_value[i] = 0;
  for (int64_t head = group * share; head < (group + 1) * share; ++head) {
    for (int64_t from = 0; from < call.targets; from += rows) {
      const int64_t high = least(rows, call.targets - from), count = seen(call, from + high);
      const int64_t query_at = (batch * call.targets + from) * query_step + head * call.size;
      copy(call.query + query_at, query_step, high, call.size, query);
      copy(call.slope + (batch * call.targets + from) * out_step + head * call.width, out_step, high, call.width,
           slope);
      product(high, padded(count), call.size, {query, size, 1}, keys_turned, scores, sources, false, sources);
      product(high, padded(count), call.width, {slope, width, 1}, values_turned, by_score, sources, false, sources);
      const float* stats = call.stats + 2 * ((batch * call.heads + head) * call.targets + from);
      for (int64_t i = 0; i < high; ++i)
        slopes(call, view(call, batch, head, from + i), scores + i * sources, by_score + i * sources, count,
               place(call, batch, head, from + i), stats + 2 * i);
      product(count, width, high, {scores, 1, sources}, slope, by_value, width, true, width);
      product(count, size, high, {by_score, 1, sources}, query, by_key, size, true, size);
      product(high, size, count, {by_score, sources, 1}, keys, by_query, size, false, size);
      for (int64_t i = 0; i < high; ++i)
        for (int64_t j = 0; j < call.size; ++j)
          call.by_query[query_at + i * query_step + j] = by_query[i * size + j];
    }
  }
  for (int64_t i = 0; i < call.sources; ++i) {
    for (int64_t j = 0; j < call.size; ++j) call.by_key[key_at + i * key_step + j] = by_key[i * size + j];
    for (int64_t j = 0; j < call.width; ++j) call.by_value[value_at + i * value_step + j] = by_value[i * width + j];
  }
}

}  // namespace

extern const AttentionLoops OF_BITS(kAttention) = {scratch, forward, backward};

}  // namespace cornu
