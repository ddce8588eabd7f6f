#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace cornu {
namespace {

// Shared by the caller and by threads that may come when all is done: such a thread finds no part and leaves, having
// touched nothing of the caller's. So nobody waits for a thread that did not start, which could be the caller's own.
struct Parts {
  explicit Parts(int64_t count, const std::function<void(int64_t, int64_t)>& work) : count(count), work(work) {}

  void take(int64_t worker) {
    int64_t made = 0;
    for (int64_t part; (part = next.fetch_add(1)) < count; ++made) work(part, worker);
    if (!made) return;
    std::lock_guard<std::mutex> lock(state);
    done += made;
    if (done == count) changed.notify_all();
  }

  void wait() {
    std::unique_lock<std::mutex> lock(state);
    changed.wait(lock, [this] { return done == count; });
  }

  const int64_t count;
  const std::function<void(int64_t, int64_t)>& work;
  std::atomic<int64_t> next{0};
  int64_t done = 0;
  std::mutex state;
  std::condition_variable changed;
};

}  // namespace

int64_t workers(const xla::ffi::ThreadPool& pool, int64_t parts) {
  return std::max<int64_t>(1, std::min(pool.num_threads(), parts));
}

void in_parallel(xla::ffi::ThreadPool& pool, int64_t parts, const std::function<void(int64_t, int64_t)>& work) {
  const auto shared = std::make_shared<Parts>(parts, work);
  for (int64_t worker = 1; worker < workers(pool, parts); ++worker)
    pool.Schedule([shared, worker] { shared->take(worker); });
  shared->take(0);
  shared->wait();
}

}  // namespace cornu
