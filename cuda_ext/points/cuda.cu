#include "common/launch.h"
#include "points/cuda.h"
#include "points/math.h"

namespace gen3d::points {
namespace {

constexpr int kBlock = 256;
constexpr int kWide = 1024;
constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int32_t kNobody = -1;
constexpr int32_t kNoIndex = 0x7fffffff;
// Blocks of one step of sampling: enough to fill the largest GPUs.
constexpr unsigned kStepBlocks = 512;

__device__ __forceinline__ float infinity() {
    return __int_as_float(0x7f800000);
}

__device__ uint64_t warp_max(uint64_t key) {
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
        const uint64_t other = __shfl_down_sync(kAllLanes, key, offset);
        key = other > key ? other : key;
    }
    return key;
}

// The greatest key of a block, in thread 0. `scratch` has a place per warp.
__device__ uint64_t block_max(uint64_t key, uint64_t* scratch) {
    const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    key = warp_max(key);
    if (lane == 0) scratch[warp] = key;
    __syncthreads();
    key = warp == 0 && lane < blockDim.x / kWarp ? scratch[lane] : 0;
    return warp == 0 ? warp_max(key) : 0;
}

__device__ void raise_to(uint64_t* slot, uint64_t key) {
    atomicMax(reinterpret_cast<unsigned long long*>(slot), static_cast<unsigned long long>(key));
}

// Lowers the distances of points begin, begin + step, ... to those of a sample; the farthest of
// them.
__device__ uint64_t lower(const float* points, int64_t count, const float* sample, int64_t begin,
                          int64_t step, float* distance) {
    const float at[3] = {sample[0], sample[1], sample[2]};
    uint64_t best = 0;
    for (int64_t i = begin; i < count; i += step) {
        const float d = fminf(distance[i], squared_distance(points + 3 * i, at));
        distance[i] = d;
        const uint64_t key = far_key(d, static_cast<int32_t>(i));
        best = key > best ? key : best;
    }
    return best;
}

__global__ void farthest_whole_kernel(Clouds clouds, int64_t wanted, int64_t first, float* distance,
                                      int64_t* samples) {
    __shared__ uint64_t scratch[kWide / kWarp];
    __shared__ int64_t next;
    const float* points = clouds.points + 3 * blockIdx.x * clouds.count;
    distance += blockIdx.x * clouds.count;
    samples += blockIdx.x * wanted;
    int64_t sample = first;
    for (int64_t s = 0; s < wanted; ++s) {
        if (threadIdx.x == 0) samples[s] = sample;
        uint64_t best =
            lower(points, clouds.count, points + 3 * sample, threadIdx.x, blockDim.x, distance);
        best = block_max(best, scratch);
        if (threadIdx.x == 0) next = key_index(best);
        __syncthreads();
        sample = next;
    }
}

// One step for one cloud: best[s - 1] names the sample before, best[s] becomes the next.
__global__ void farthest_step_kernel(const float* points, int64_t count, int64_t first, int64_t s,
                                     float* distance, uint64_t* best) {
    __shared__ uint64_t scratch[kBlock / kWarp];
    const int64_t sample = s == 1 ? first : key_index(best[s - 1]);
    const int64_t begin = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    uint64_t key = lower(points, count, points + 3 * sample, begin,
                         static_cast<int64_t>(gridDim.x) * kBlock, distance);
    key = block_max(key, scratch);
    if (threadIdx.x == 0) raise_to(best + s, key);
}

__global__ void name_samples_kernel(const uint64_t* best, int64_t wanted, int64_t total,
                                    int64_t first, int64_t* samples) {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (i < total) samples[i] = i % wanted == 0 ? first : key_index(best[i]);
}

// One query's place in the grid of its cloud.
struct Place {
    const int64_t* starts;
    double offset[3];  // from the lowest corner
    double size;
    double slack;  // what rounding may have moved a point across a cell's face
    int side;
    int at[3];

    __device__ int clamp(double cell) const {
        return static_cast<int>(fmin(fmax(cell, 0.0), static_cast<double>(side - 1)));
    }

    __device__ Place(const Grid& grid, const float* query, int64_t b)
        : starts(grid.starts + b * grid.side * grid.side * grid.side),
          size(grid.size[b]),
          side(grid.side) {
        slack = 0;
        for (int a = 0; a < 3; ++a) {
            offset[a] = query[a] - grid.low[3 * b + a];
            at[a] = clamp(floor(offset[a] / size));
            slack += 1e-15 * (fabs(grid.low[3 * b + a]) + side * size + fabs(offset[a]));
        }
    }

    // Calls body(begin, end) with the points of cells z0 to z1 of a row.
    template <typename Body>
    __device__ void row(int x, int y, int z0, int z1, const Body& body) const {
        const int64_t cells = (static_cast<int64_t>(x) * side + y) * side;
        body(starts[cells + z0], starts[cells + z1 + 1]);
    }

    // The same for all cells at Chebyshev distance r.
    template <typename Body>
    __device__ void shell(int r, const Body& body) const {
        const int low = max(at[2] - r, 0), high = min(at[2] + r, side - 1);
        for (int x = max(at[0] - r, 0); x <= min(at[0] + r, side - 1); ++x) {
            for (int y = max(at[1] - r, 0); y <= min(at[1] + r, side - 1); ++y) {
                if (abs(x - at[0]) == r || abs(y - at[1]) == r) {
                    row(x, y, low, high, body);
                    continue;
                }
                if (at[2] - r >= 0) row(x, y, at[2] - r, at[2] - r, body);
                if (at[2] + r < side) row(x, y, at[2] + r, at[2] + r, body);
            }
        }
    }

    // Less than the squared distance of every point beyond shell r, as a float.
    __device__ float beyond(int r) const {
        double least = 1e300;
        for (int a = 0; a < 3; ++a) {
            if (at[a] - r > 0) least = fmin(least, offset[a] - (at[a] - r) * size);
            if (at[a] + r < side - 1) least = fmin(least, (at[a] + r + 1) * size - offset[a]);
        }
        least = fmax(least - slack, 0.0);
        return least < 1e18 ? static_cast<float>(least * least * (1 - 1e-5)) : infinity();
    }
};

// Puts a point into a row that ascends by distance and index.
__device__ void insert_near(float d, int32_t id, int64_t k, float* distances, int64_t* indices) {
    if (d > distances[k - 1] || (d == distances[k - 1] && id >= indices[k - 1])) return;
    int64_t i = k - 1;
    for (; i > 0 && (distances[i - 1] > d || (distances[i - 1] == d && indices[i - 1] > id)); --i) {
        distances[i] = distances[i - 1];
        indices[i] = indices[i - 1];
    }
    distances[i] = d;
    indices[i] = id;
}

__global__ void nearest_kernel(Clouds queries, Grid grid, int64_t k, bool skip_self,
                               float* distances, int64_t* indices) {
    const int64_t q = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (q >= queries.batch * queries.count) return;
    const int32_t self = skip_self ? static_cast<int32_t>(q % queries.count) : -1;
    const float* query = queries.points + 3 * q;
    const Place place(grid, query, q / queries.count);
    distances += q * k;
    indices += q * k;
    for (int64_t i = 0; i < k; ++i) {
        distances[i] = infinity();
        indices[i] = kNoIndex;
    }
    for (int r = 0; r < grid.side; ++r) {
        place.shell(r, [&](int64_t begin, int64_t end) {
            for (int64_t p = begin; p < end; ++p) {
                const int32_t id = grid.ids[p];
                if (id == self) continue;
                const float d = squared_distance(grid.points + 3 * p, query);
                insert_near(d, id, k, distances, indices);
            }
        });
        if (place.beyond(r) > distances[k - 1]) break;
    }
    for (int64_t i = 0; i < k; ++i) {
        if (indices[i] == kNoIndex) indices[i] = 0;
    }
}

__global__ void ball_kernel(Clouds queries, Grid grid, int64_t k, float limit, int64_t* indices) {
    const int64_t q = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
    if (q >= queries.batch * queries.count) return;
    const float* query = queries.points + 3 * q;
    const Place place(grid, query, q / queries.count);
    indices += q * k;
    for (int64_t i = 0; i < k; ++i) indices[i] = kNoIndex;
    // A little more than the ball: distances are rounded.
    const double reach = sqrt(static_cast<double>(limit)) * (1 + 1e-5) + place.slack;
    int low[3], high[3];
    for (int a = 0; a < 3; ++a) {
        low[a] = place.clamp(floor((place.offset[a] - reach) / place.size));
        high[a] = place.clamp(floor((place.offset[a] + reach) / place.size));
    }
    for (int x = low[0]; x <= high[0]; ++x) {
        for (int y = low[1]; y <= high[1]; ++y) {
            place.row(x, y, low[2], high[2], [&](int64_t begin, int64_t end) {
                for (int64_t p = begin; p < end; ++p) {
                    const int32_t id = grid.ids[p];
                    if (id >= indices[k - 1]) continue;
                    if (!(squared_distance(grid.points + 3 * p, query) < limit)) continue;
                    int64_t i = k - 1;
                    for (; i > 0 && indices[i - 1] > id; --i) indices[i] = indices[i - 1];
                    indices[i] = id;
                }
            });
        }
    }
    const int64_t pad = indices[0] == kNoIndex ? 0 : indices[0];
    for (int64_t i = 0; i < k; ++i) {
        if (indices[i] == kNoIndex) indices[i] = pad;
    }
}

struct Offer {
    float best, second;
    int32_t object;

    __device__ void merge(float cost, float other_second, int32_t other) {
        second = fminf(fminf(second, other_second), fmaxf(best, cost));
        if (cost < best || (cost == best && other < object)) {
            best = cost;
            object = other;
        }
    }
};

// The cheapest object for a bidder, by a whole warp; the answer is in lane 0.
__device__ Offer cheapest(const float* bidder, const float* objects, const float* price,
                          int32_t count) {
    Offer offer{infinity(), infinity(), kNoIndex};
    for (int32_t j = static_cast<int32_t>(threadIdx.x % kWarp); j < count; j += kWarp) {
        const float cost =
            __fsqrt_rn(squared_distance(objects + 3 * int64_t{j}, bidder)) + price[j];
        offer.merge(cost, infinity(), j);
    }
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
        const float best = __shfl_down_sync(kAllLanes, offer.best, offset);
        const float second = __shfl_down_sync(kAllLanes, offer.second, offset);
        const int32_t object = __shfl_down_sync(kAllLanes, offer.object, offset);
        offer.merge(best, second, object);
    }
    return offer;
}

// One cloud's auction, by one block.
struct Room {
    const float* bidders;
    const float* objects;
    Market market;
    int32_t count;

    // Lets all who wait name their object and bid; returns whether anybody did.
    __device__ bool take_bids(float eps) const {
        bool any = false;
        const int32_t warps = static_cast<int32_t>(blockDim.x / kWarp);
        for (int32_t i = static_cast<int32_t>(threadIdx.x / kWarp); i < count; i += warps) {
            if (market.object_of[i] != kNobody) {
                if (threadIdx.x % kWarp == 0) market.wanted[i] = kNobody;
                continue;
            }
            any = true;
            const Offer offer = cheapest(bidders + 3 * int64_t{i}, objects, market.price, count);
            if (threadIdx.x % kWarp != 0) continue;
            const float increment = bid_increment(offer.best, offer.second, eps);
            market.wanted[i] = offer.object;
            market.increment[i] = increment;
            raise_to(market.highest + offer.object, bid_key(increment, i));
        }
        return __syncthreads_or(any) != 0;
    }

    __device__ void settle() const {
        const auto step = static_cast<int32_t>(blockDim.x);
        for (auto i = static_cast<int32_t>(threadIdx.x); i < count; i += step) {
            const int32_t j = market.wanted[i];
            if (j == kNobody || market.highest[j] != bid_key(market.increment[i], i)) continue;
            const int32_t before = market.owner_of[j];
            if (before != kNobody) market.object_of[before] = kNobody;
            market.owner_of[j] = i;
            market.object_of[i] = j;
            market.price[j] += market.increment[i];
        }
        __syncthreads();
        for (auto i = static_cast<int32_t>(threadIdx.x); i < count; i += step) {
            if (market.wanted[i] != kNobody) market.highest[market.wanted[i]] = 0;
        }
        __syncthreads();
    }

    __device__ void open() const {
        const auto step = static_cast<int32_t>(blockDim.x);
        for (auto i = static_cast<int32_t>(threadIdx.x); i < count; i += step) {
            market.object_of[i] = kNobody;
            market.owner_of[i] = kNobody;
        }
        __syncthreads();
    }
};

__global__ void auction_kernel(Clouds bidders, Clouds objects, Auction how, Market market,
                               int64_t* assignment, bool* matched) {
    const int64_t first = blockIdx.x * bidders.count;
    const Room room{bidders.points + 3 * first,
                    objects.points + 3 * first,
                    {market.price + first, market.increment + first, market.object_of + first,
                     market.owner_of + first, market.wanted + first, market.highest + first},
                    static_cast<int32_t>(bidders.count)};
    for (int64_t p = 0; p < how.phases; ++p) {
        room.open();
        for (int64_t round = 0; round < how.rounds; ++round) {
            if (!room.take_bids(how.eps[p])) break;
            room.settle();
        }
    }
    room.take_bids(how.eps[how.phases - 1]);
    for (auto i = static_cast<int32_t>(threadIdx.x); i < room.count;
         i += static_cast<int32_t>(blockDim.x)) {
        const int32_t own = room.market.object_of[i];
        assignment[first + i] = own != kNobody ? own : room.market.wanted[i];
        matched[first + i] = own != kNobody;
    }
}

}  // namespace

void farthest_cuda(const Clouds& clouds, int64_t wanted, int64_t first, bool whole, float* distance,
                   uint64_t* best, int64_t* samples, int64_t stream) {
    if (clouds.batch == 0 || wanted == 0) return;
    const cudaStream_t queue = as_stream(stream);
    if (whole) {
        farthest_whole_kernel<<<static_cast<unsigned>(clouds.batch), kWide, 0, queue>>>(
            clouds, wanted, first, distance, samples);
        check_launch("farthest point sampling");
        return;
    }
    const unsigned most = blocks_for(clouds.count, kBlock);
    const unsigned blocks = most < kStepBlocks ? most : kStepBlocks;
    for (int64_t b = 0; b < clouds.batch; ++b) {
        const float* points = clouds.points + 3 * b * clouds.count;
        for (int64_t s = 1; s < wanted; ++s) {
            farthest_step_kernel<<<blocks, kBlock, 0, queue>>>(
                points, clouds.count, first, s, distance + b * clouds.count, best + b * wanted);
            check_launch("a step of farthest point sampling");
        }
    }
    const int64_t total = clouds.batch * wanted;
    name_samples_kernel<<<blocks_for(total, kBlock), kBlock, 0, queue>>>(best, wanted, total, first,
                                                                         samples);
    check_launch("names of samples");
}

void nearest_cuda(const Clouds& queries, const Grid& grid, int64_t k, bool skip_self,
                  float* distances, int64_t* indices, int64_t stream) {
    const int64_t total = queries.batch * queries.count;
    if (total == 0 || k == 0) return;
    nearest_kernel<<<blocks_for(total, kBlock), kBlock, 0, as_stream(stream)>>>(
        queries, grid, k, skip_self, distances, indices);
    check_launch("nearest points");
}

void ball_cuda(const Clouds& queries, const Grid& grid, int64_t k, float limit, int64_t* indices,
               int64_t stream) {
    const int64_t total = queries.batch * queries.count;
    if (total == 0 || k == 0) return;
    ball_kernel<<<blocks_for(total, kBlock), kBlock, 0, as_stream(stream)>>>(queries, grid, k,
                                                                             limit, indices);
    check_launch("points in a ball");
}

void auction_cuda(const Clouds& bidders, const Clouds& objects, const Auction& how,
                  const Market& market, int64_t* assignment, bool* matched, int64_t stream) {
    if (bidders.batch == 0 || bidders.count == 0) return;
    auction_kernel<<<static_cast<unsigned>(bidders.batch), kWide, 0, as_stream(stream)>>>(
        bidders, objects, how, market, assignment, matched);
    check_launch("auction");
}

}  // namespace gen3d::points
