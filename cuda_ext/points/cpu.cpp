#include "points/cpu.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "common/thread_pool.h"
#include "points/build.h"
#include "points/tree.h"

namespace gen3d::points {
namespace {

constexpr int64_t kGrain = 256;
// Fewer queries than these touch too little memory for their order to matter.
constexpr int64_t kOrderFrom = 4096;

const float* cloud(const Clouds& clouds, int64_t b) {
    return clouds.points + 3 * b * clouds.count;
}

// Calls body(build, tree, queries, cloud, keys) in blocks of queries; `keys` has room for k.
template <typename Body>
void search(const Clouds& queries, const Clouds& clouds, int64_t k, int threads, const Body& body) {
    const bool same = queries.points == clouds.points && queries.count == clouds.count;
    std::vector<std::unique_ptr<const Tree>> trees(clouds.batch);
    std::vector<std::vector<int32_t>> orders(clouds.batch);
    const int inside = clouds.batch == 1 ? threads : 1;
    parallel_for(clouds.batch, 1, clouds.batch == 1 ? 1 : threads, [&](int64_t b, int64_t) {
        trees[b] = std::make_unique<const Tree>(cloud(clouds, b), clouds.count, inside);
        if (same) {
            orders[b] = trees[b]->order();
        } else if (queries.count >= kOrderFrom) {
            orders[b] = hilbert_order(cloud(queries, b), queries.count, inside);
        } else {
            orders[b].resize(queries.count);
            std::iota(orders[b].begin(), orders[b].end(), 0);
        }
    });
    const Build& build = best_build();
    const int64_t blocks = (queries.count + kGrain - 1) / kGrain;
    parallel_for(blocks * clouds.batch, 1, threads, [&](int64_t block, int64_t) {
        const int64_t b = block / blocks, begin = block % blocks * kGrain;
        std::vector<uint64_t> keys(k);
        const Queries part{cloud(queries, b), orders[b].data(), begin,
                           std::min(begin + kGrain, queries.count)};
        body(build, trees[b]->view(), part, b, keys.data());
    });
}

// Distances to the samples so far, at every point and above.
class Far {
  public:
    explicit Far(const TreeView& tree) : per_point_(padded(tree.levels[0].count * kFan), -1.0f) {
        std::fill_n(per_point_.begin(), tree.count, std::numeric_limits<float>::infinity());
        for (int i = 0; i < tree.height; ++i) {
            const Level& level = tree.levels[i];
            distance_[i].assign(padded(level.count), -1.0f);
            std::fill_n(distance_[i].begin(), level.count, std::numeric_limits<float>::infinity());
            index_[i].assign(padded(level.count), 0);
            std::copy_n(level.lowest, level.count, index_[i].begin());
            levels_[i] = {distance_[i].data(), index_[i].data()};
        }
    }
    float* per_point() { return per_point_.data(); }
    const FarLevel* levels() const { return levels_; }

  private:
    static int64_t padded(int64_t count) { return (count + kFan - 1) / kFan * kFan; }

    std::vector<float> per_point_, distance_[kMaxLevels];
    std::vector<int32_t> index_[kMaxLevels];
    FarLevel levels_[kMaxLevels];
};

}  // namespace

void farthest(const Clouds& clouds, int64_t wanted, int64_t first, int64_t* samples, int threads) {
    const Build& build = best_build();
    parallel_for(clouds.batch, 1, threads, [&](int64_t b, int64_t) {
        const Tree tree(cloud(clouds, b), clouds.count, clouds.batch == 1 ? threads : 1);
        Far far(tree.view());
        build.farthest(tree.view(), cloud(clouds, b), far.per_point(), far.levels(), first, wanted,
                       samples + b * wanted);
    });
}

void farthest_plain(const float* points, int64_t count, int64_t wanted, int64_t first,
                    int64_t* samples) {
    std::vector<float> distance(count, std::numeric_limits<float>::infinity());
    int64_t next = first;
    for (int64_t s = 0; s < wanted; ++s) {
        samples[s] = next;
        const float* sample = points + 3 * samples[s];
        float most = -1;
        for (int64_t i = 0; i < count; ++i) {
            const float d = std::min(distance[i], squared_distance(points + 3 * i, sample));
            distance[i] = d;
            if (d > most) {
                most = d;
                next = i;
            }
        }
    }
}

void nearest(const Clouds& queries, const Clouds& clouds, int64_t k, bool skip_self,
             float* distances, int64_t* indices, int threads) {
    search(queries, clouds, k, threads,
           [&](const Build& build, const TreeView& tree, const Queries& part, int64_t b,
               uint64_t* keys) {
               const int64_t at = b * queries.count * k;
               build.nearest(tree, part, k, skip_self, keys, distances + at, indices + at);
           });
}

void ball(const Clouds& queries, const Clouds& clouds, int64_t k, float limit, int64_t* indices,
          int threads) {
    search(queries, clouds, k, threads,
           [&](const Build& build, const TreeView& tree, const Queries& part, int64_t b,
               uint64_t* keys) {
               build.ball(tree, part, k, limit, keys, indices + b * queries.count * k);
           });
}

void interpolate(const Mix& mix, const float* features, float* out, int threads) {
    const int64_t c = mix.channels;
    parallel_for(mix.batch * mix.rows, kGrain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            const float* cloud = features + i / mix.rows * mix.from * c;
            const int64_t* at = mix.indices + 3 * i;
            const float* w = mix.weights + 3 * i;
            const float *a = cloud + at[0] * c, *b = cloud + at[1] * c, *d = cloud + at[2] * c;
            for (int64_t j = 0; j < c; ++j) {
                out[i * c + j] = (w[0] * a[j] + w[1] * b[j]) + w[2] * d[j];
            }
        }
    });
}

void interpolate_grad(const Mix& mix, const float* features, const float* grad,
                      float* grad_features, float* grad_weights, int threads) {
    const int64_t c = mix.channels;
    parallel_for(mix.batch * mix.rows, kGrain, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            for (int t = 0; t < 3; ++t) {
                const int64_t row = i / mix.rows * mix.from + mix.indices[3 * i + t];
                float sum = 0;
                for (int64_t j = 0; j < c; ++j) sum += features[row * c + j] * grad[i * c + j];
                grad_weights[3 * i + t] = sum;
            }
        }
    });
    // Rows are added in their order: clouds and groups of channels are shared out, rows are not.
    constexpr int64_t kChannels = 16;
    const int64_t groups = (c + kChannels - 1) / kChannels;
    parallel_for(mix.batch * groups, 1, threads, [&](int64_t task, int64_t) {
        const int64_t b = task / groups, j0 = task % groups * kChannels;
        const int64_t j1 = std::min(j0 + kChannels, c);
        for (int64_t i = b * mix.rows; i < (b + 1) * mix.rows; ++i) {
            for (int t = 0; t < 3; ++t) {
                float* to = grad_features + (b * mix.from + mix.indices[3 * i + t]) * c;
                const float w = mix.weights[3 * i + t];
                for (int64_t j = j0; j < j1; ++j) to[j] += w * grad[i * c + j];
            }
        }
    });
}

}  // namespace gen3d::points
