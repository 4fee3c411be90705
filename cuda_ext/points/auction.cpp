#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "common/thread_pool.h"
#include "points/build.h"
#include "points/cpu.h"

namespace gen3d::points {
namespace {

constexpr int64_t kGrain = 16;
constexpr int32_t kNobody = -1;

class Market {
  public:
    Market(const float* bidders, const float* objects, int64_t count, int threads)
        : bidders_(bidders),
          count_(count),
          threads_(threads),
          blocks_((count + kFan - 1) / kFan * 4 * kFan, std::numeric_limits<float>::infinity()),
          object_of_(count, kNobody),
          owner_of_(count, kNobody),
          highest_(count, 0),
          bids_(count) {
        for (int64_t j = 0; j < count; ++j) {
            float* lane = blocks_.data() + j / kFan * 4 * kFan + j % kFan;
            for (int a = 0; a < 3; ++a) lane[a * kFan] = objects[3 * j + a];
            lane[3 * kFan] = 0;
        }
    }

    void run(float eps, int64_t rounds) {
        std::fill(owner_of_.begin(), owner_of_.end(), kNobody);
        std::fill(object_of_.begin(), object_of_.end(), kNobody);
        waiting_.resize(count_);
        std::iota(waiting_.begin(), waiting_.end(), 0);
        for (int64_t round = 0; round < rounds && !waiting_.empty(); ++round) play_round(eps);
    }

    void finish(int64_t* assignment, bool* matched) {
        take_bids();
        for (int64_t i = 0; i < count_; ++i) {
            assignment[i] = object_of_[i];
            matched[i] = object_of_[i] != kNobody;
        }
        for (size_t w = 0; w < waiting_.size(); ++w) assignment[waiting_[w]] = bids_[w].object;
    }

  private:
    void take_bids() {
        const Objects objects{blocks_.data(), (count_ + kFan - 1) / kFan};
        const Build& build = best_build();
        const auto waiting = static_cast<int64_t>(waiting_.size());
        parallel_for(waiting, kGrain, threads_, [&](int64_t begin, int64_t end) {
            for (int64_t w = begin; w < end; ++w) {
                bids_[w] = build.bid(objects, bidders_ + 3 * int64_t{waiting_[w]});
            }
        });
    }

    void play_round(float eps) {
        take_bids();
        for (size_t w = 0; w < waiting_.size(); ++w) {
            uint64_t& highest = highest_[bids_[w].object];
            highest = std::max(highest, key_of(w, eps));
        }
        std::vector<int32_t> still;
        for (size_t w = 0; w < waiting_.size(); ++w) {
            const int32_t i = waiting_[w], j = bids_[w].object;
            if (highest_[j] != key_of(w, eps)) {
                still.push_back(i);
                continue;
            }
            float& price = blocks_[int64_t{j} / kFan * 4 * kFan + 3 * kFan + j % kFan];
            price += bid_increment(bids_[w].best, bids_[w].second, eps);
            if (owner_of_[j] != kNobody) {
                object_of_[owner_of_[j]] = kNobody;
                still.push_back(owner_of_[j]);
            }
            owner_of_[j] = i;
            object_of_[i] = j;
        }
        for (size_t w = 0; w < waiting_.size(); ++w) highest_[bids_[w].object] = 0;
        waiting_.swap(still);
    }

    uint64_t key_of(size_t w, float eps) const {
        return bid_key(bid_increment(bids_[w].best, bids_[w].second, eps), waiting_[w]);
    }

    const float* bidders_;
    int64_t count_;
    int threads_;
    std::vector<float> blocks_;
    std::vector<int32_t> object_of_, owner_of_, waiting_;
    std::vector<uint64_t> highest_;
    std::vector<Bid> bids_;
};

}  // namespace

void auction(const Clouds& bidders, const Clouds& objects, const Auction& how, int64_t* assignment,
             bool* matched, int threads) {
    const int64_t count = bidders.count;
    const int inside = bidders.batch == 1 ? threads : 1;
    parallel_for(bidders.batch, 1, threads, [&](int64_t b, int64_t) {
        Market market(bidders.points + 3 * b * count, objects.points + 3 * b * count, count,
                      inside);
        for (int64_t p = 0; p < how.phases; ++p) market.run(how.eps[p], how.rounds);
        market.finish(assignment + b * count, matched + b * count);
    });
}

}  // namespace gen3d::points
