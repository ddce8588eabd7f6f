#include "plan.h"

#include <condition_variable>
#include <cstdlib>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <unordered_map>
#include <utility>

namespace cornu {
namespace {

constexpr size_t kMostPlans = 512;      // kept; the one that was not used for longest goes
constexpr size_t kAlignment = 1 << 21;  // a large page

// Memory that grows to what the largest plan needs.
class Scratch {
 public:
  char* at_least(size_t bytes) {
    if (bytes > size_) {
      std::free(data_);
      size_ = (bytes + kAlignment - 1) / kAlignment * kAlignment;
      data_ = static_cast<char*>(std::aligned_alloc(kAlignment, size_));
      if (!data_) {
        size_ = 0;
        throw std::bad_alloc();
      }
    }
    return data_;
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

// Plans by key, the last used first.
class Plans {
 public:
  const Plan& get(const Key& key, const std::function<Plan()>& make) {
    const auto found = places_.find(key.bytes());
    if (found != places_.end()) {
      plans_.splice(plans_.begin(), plans_, found->second);
    } else {
      plans_.emplace_front(key.bytes(), make());
      places_[key.bytes()] = plans_.begin();
      if (plans_.size() > kMostPlans) {
        places_.erase(plans_.back().first);
        plans_.pop_back();
      }
    }
    return plans_.front().second;
  }

 private:
  std::list<std::pair<std::string, Plan>> plans_;
  std::unordered_map<std::string, decltype(plans_)::iterator> places_;
};

// One thread runs all plans, one after the other: plans and scratch memory need no lock, and OpenMP, which keeps a team
// of threads for every thread that asks for one, keeps a single team however many threads XLA calls from.
class Conductor {
 public:
  Conductor() { std::thread([this] { conduct(); }).detach(); }

  void run(const std::function<void()>& work) {
    std::lock_guard<std::mutex> turn(turn_);
    std::unique_lock<std::mutex> lock(state_);
    work_ = &work;
    changed_.notify_one();
    done_.wait(lock, [this] { return !work_; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void conduct() {
    std::unique_lock<std::mutex> lock(state_);
    for (;;) {
      changed_.wait(lock, [this] { return work_ != nullptr; });
      try {
        (*work_)();
      } catch (...) {
        failure_ = std::current_exception();
      }
      work_ = nullptr;
      done_.notify_one();
    }
  }

  std::mutex turn_, state_;
  std::condition_variable changed_, done_;
  const std::function<void()>* work_ = nullptr;
  std::exception_ptr failure_;
};

struct Shared {
  stream order{Engine()};
  Plans plans;
  Scratch scratch;
};

// Never destroyed: XLA's threads may outlive the static objects of a library.
Shared& shared() {
  static Shared& made = *new Shared;
  return made;
}

memory::data_type type_of(ffi::DataType type) {
  switch (type) {
    case ffi::DataType::F32: return memory::data_type::f32;
    case ffi::DataType::BF16: return memory::data_type::bf16;
    case ffi::DataType::U8: return memory::data_type::u8;
    case ffi::DataType::S32: return memory::data_type::s32;
    default: throw std::invalid_argument("arrays are float32 or bfloat16");
  }
}

Tensor tensor(const ffi::AnyBuffer& buffer) {
  return {type_of(buffer.element_type()), dims(buffer.dimensions()), buffer.untyped_data()};
}

}  // namespace

const engine& Engine() {
  static const engine& made = *new engine(engine::kind::cpu, 0);
  return made;
}

primitive_attr with_own_scratch() {
  primitive_attr made;
  made.set_scratchpad_mode(scratchpad_mode::user);
  return made;
}

std::vector<Tensor> tensors(ffi::RemainingArgs& args, ffi::RemainingRets& rets) {
  std::vector<Tensor> made;
  for (size_t i = 0; i < args.size(); ++i) made.push_back(tensor(args.get<ffi::AnyBuffer>(i).value()));
  for (size_t i = 0; i < rets.size(); ++i) made.push_back(tensor(*rets.get<ffi::AnyBuffer>(i).value()));
  return made;
}

memory::desc activation_desc(const Tensor& tensor, bool channels_last) {
  const Dims& shape = tensor.shape;
  Dims steps(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0; step *= shape[i]) steps[i] = step;
  if (!channels_last) return memory::desc(shape, tensor.type, steps);
  const auto reordered = [](const Dims& given) {
    Dims made = {given.front(), given.back()};
    made.insert(made.end(), given.begin() + 1, given.end() - 1);
    return made;
  };
  return memory::desc(reordered(shape), tensor.type, reordered(steps));
}

Key& Key::operator<<(int64_t value) {
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}

Key& Key::operator<<(const Dims& values) {
  *this << static_cast<int64_t>(values.size());
  for (int64_t value : values) *this << value;
  return *this;
}

Key& Key::operator<<(const std::vector<Tensor>& tensors) {
  for (const Tensor& each : tensors) *this << static_cast<int64_t>(each.type) << each.shape;
  return *this;
}

size_t Plan::reserve(const memory::desc& desc) {
  const size_t start = bytes_;
  bytes_ += (desc.get_size() + 127) / 64 * 64;
  return start;
}

void Plan::use(primitive made, const memory::desc& scratch) {
  primitive_ = std::move(made);
  scratch_ = scratch;
  scratch_offset_ = reserve(scratch);
}

void Plan::add(int argument, const memory::desc& theirs, const memory::desc& ours, bool result) {
  Slot slot{argument, result, theirs, ours, {}, 0};
  if (theirs != ours) {
    slot.copy = reorder(result ? reorder::primitive_desc(Engine(), ours, Engine(), theirs)
                               : reorder::primitive_desc(Engine(), theirs, Engine(), ours));
    slot.offset = reserve(ours);
  }
  slots_.push_back(std::move(slot));
}

void Plan::execute(const std::vector<Tensor>& buffers) const {
  Shared& with = shared();
  char* scratch = with.scratch.at_least(bytes_);
  std::unordered_map<int, memory> args{{DNNL_ARG_SCRATCHPAD, memory(scratch_, Engine(), scratch + scratch_offset_)}};
  std::vector<memory> theirs;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    theirs.emplace_back(slot.theirs, Engine(), buffers[i].data);
    memory ours = slot.copy ? memory(slot.ours, Engine(), scratch + slot.offset) : theirs.back();
    if (slot.copy && !slot.result) slot.copy.execute(with.order, theirs.back(), ours);
    args.emplace(slot.argument, ours);
  }
  primitive_.execute(with.order, args);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.copy && slot.result) slot.copy.execute(with.order, args.at(slot.argument), theirs[i]);
  }
  with.order.wait();
}

void run(const Key& key, const std::vector<Tensor>& buffers, const std::function<Plan()>& make) {
  static Conductor& conductor = *new Conductor;
  const auto work = [&] { shared().plans.get(key, make).execute(buffers); };
  conductor.run(work);
}

}  // namespace cornu
