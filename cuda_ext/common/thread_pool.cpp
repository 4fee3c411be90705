#include "common/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace gen3d {
namespace {

struct Job {
    const std::function<void(int64_t, int64_t)>* body;
    int64_t count, grain;
    std::atomic<int64_t> next{0};
    std::atomic<int64_t> open_blocks;
    std::mutex mutex;
    std::condition_variable done;
    std::exception_ptr error;

    void work() {
        for (;;) {
            const int64_t begin = next.fetch_add(grain);
            if (begin >= count) return;
            try {
                (*body)(begin, std::min(begin + grain, count));
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!error) error = std::current_exception();
            }
            if (open_blocks.fetch_sub(1) == 1) {
                const std::lock_guard lock(mutex);
                done.notify_all();
            }
        }
    }

    void wait() {
        std::unique_lock lock(mutex);
        done.wait(lock, [this] { return open_blocks.load() == 0; });
        if (error) std::rethrow_exception(error);
    }
};

class Pool {
  public:
    // Puts `copies` invitations to a job into the queue, with enough workers to take them.
    void invite(const std::shared_ptr<Job>& job, int copies) {
        const std::lock_guard lock(mutex_);
        while (workers_ < copies) {
            std::thread([this] { serve(); }).detach();
            ++workers_;
        }
        for (int i = 0; i < copies; ++i) queue_.push_back(job);
        wake_.notify_all();
    }

  private:
    void serve() {
        for (;;) {
            std::shared_ptr<Job> job;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] { return !queue_.empty(); });
                job = std::move(queue_.front());
                queue_.pop_front();
            }
            job->work();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::shared_ptr<Job>> queue_;
    int workers_ = 0;
};

// A forked child (a data loader's worker) inherits the object but none of its threads, so each
// process makes its own pool. Pools live until the process ends: their threads are detached.
Pool& pool() {
    static std::mutex mutex;
    static Pool* current = nullptr;
    const std::lock_guard lock(mutex);
#ifndef _WIN32
    static pid_t owner = 0;
    if (owner != getpid()) {
        owner = getpid();
        current = nullptr;
    }
#endif
    if (current == nullptr) current = new Pool;
    return *current;
}

}  // namespace

void parallel_for(int64_t count, int64_t grain, int threads,
                  const std::function<void(int64_t, int64_t)>& body) {
    if (count <= 0) return;
    grain = std::max<int64_t>(grain, 1);
    const int64_t blocks = (count + grain - 1) / grain;
    if (threads <= 1 || blocks == 1) {
        for (int64_t begin = 0; begin < count; begin += grain) {
            body(begin, std::min(begin + grain, count));
        }
        return;
    }
    const auto job = std::make_shared<Job>();
    job->body = &body;
    job->count = count;
    job->grain = grain;
    job->open_blocks = blocks;
    pool().invite(job, static_cast<int>(std::min<int64_t>(threads, blocks)) - 1);
    job->work();
    job->wait();
}

}  // namespace gen3d
