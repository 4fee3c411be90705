#include <algorithm>
#include <cmath>
#include <vector>

#include "common/thread_pool.h"
#include "points/build.h"
#include "points/cpu.h"

namespace gen3d::points {
namespace {

constexpr int64_t kGrain = 256;
// Crowding is summed in whole units, so that the sums do not depend on the order.
constexpr double kUnits = 1 << 30;

class Crowd {
  public:
    Crowd(const float* points, int64_t count, const Elimination& how, int threads)
        : points_(points),
          how_(how),
          tree_(points, count, threads),
          crowding_(count, 0),
          heap_(tree_.order()),
          place_(count) {
        const auto reach = static_cast<float>(how.reach);
        limit_ = reach * reach;
        parallel_for(count, kGrain, threads, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) add_up(tree_.order()[i]);
        });
        for (int64_t h = 0; h < count; ++h) place_[heap_[h]] = h;
        for (int64_t h = count / 2 - 1; h >= 0; --h) sink(h);
    }

    int64_t size() const { return static_cast<int64_t>(heap_.size()); }
    bool has(int64_t i) const { return place_[i] >= 0; }

    void remove_most_crowded() {
        const int32_t gone = heap_[0], last = heap_.back();
        heap_.pop_back();
        place_[gone] = -1;
        if (gone != last) {
            put(last, 0);
            sink(0);
        }
        for_neighbours(gone, [this](int32_t id, int64_t crowding) {
            if (place_[id] < 0) return;
            crowding_[id] -= crowding;
            sink(place_[id]);
        });
    }

  private:
    int64_t crowding_at(float squared) const {
        const double distance = std::max(std::sqrt(static_cast<double>(squared)), how_.floor);
        const double free = std::max(1.0 - distance / how_.reach, 0.0);
        const double square = free * free, fourth = square * square;
        return static_cast<int64_t>(fourth * fourth * kUnits);
    }

    template <typename Body>
    void for_neighbours(int32_t self, const Body& body) const {
        struct Call {
            const Crowd* crowd;
            const Body* body;
            int32_t self;
        } call{this, &body, self};
        const auto visit = [](void* context, const int32_t* ids, const float* distances,
                              uint32_t mask) {
            const Call& to = *static_cast<const Call*>(context);
            for (int lane = 0; lane < kFan; ++lane) {
                if ((mask >> lane & 1) == 0 || ids[lane] == to.self) continue;
                (*to.body)(ids[lane], to.crowd->crowding_at(distances[lane]));
            }
        };
        best_build().within(tree_.view(), points_ + 3 * int64_t{self}, limit_, visit, &call);
    }

    void add_up(int32_t i) {
        int64_t sum = 0;
        for_neighbours(i, [&sum](int32_t, int64_t crowding) { sum += crowding; });
        crowding_[i] = sum;
    }

    // Of equally crowded points the one of the higher index goes first.
    bool goes_before(int32_t a, int32_t b) const {
        const double left = static_cast<double>(crowding_[a]) / how_.weights[a];
        const double right = static_cast<double>(crowding_[b]) / how_.weights[b];
        return left != right ? left > right : a > b;
    }

    void put(int32_t id, int64_t at) {
        heap_[at] = id;
        place_[id] = at;
    }

    void sink(int64_t at) {
        const int32_t id = heap_[at];
        for (int64_t child = 2 * at + 1; child < size(); child = 2 * at + 1) {
            if (child + 1 < size() && goes_before(heap_[child + 1], heap_[child])) ++child;
            if (!goes_before(heap_[child], id)) break;
            put(heap_[child], at);
            at = child;
        }
        put(id, at);
    }

    const float* points_;
    const Elimination how_;
    const Tree tree_;
    float limit_;
    std::vector<int64_t> crowding_;
    std::vector<int32_t> heap_;
    std::vector<int64_t> place_;
};

}  // namespace

void eliminate(const float* points, int64_t count, int64_t wanted, const Elimination& how,
               int64_t* kept, int threads) {
    Crowd crowd(points, count, how, threads);
    while (crowd.size() > wanted) crowd.remove_most_crowded();
    for (int64_t i = 0; i < count; ++i) {
        if (crowd.has(i)) *kept++ = i;
    }
}

}  // namespace gen3d::points
