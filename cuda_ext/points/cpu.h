// Searches among points on the CPU. Results never depend on the number of threads.
#pragma once
#include <cstdint>

namespace gen3d::points {

// `batch` clouds of `count` points each: (batch, count, 3), finite.
struct Clouds {
    const float* points;
    int64_t batch, count;
};

// Farthest point sampling from point `first`; `samples` is (batch, wanted).
void farthest(const Clouds& clouds, int64_t wanted, int64_t first, int64_t* samples, int threads);

// The same by the loop of the definition, for comparison; one cloud.
void farthest_plain(const float* points, int64_t count, int64_t wanted, int64_t first,
                    int64_t* samples);

// The k nearest points of each query, ascending: squared distances and indices (batch, m, k).
// Places beyond the cloud's size hold infinity and 0. With `skip_self`, query i is point i.
void nearest(const Clouds& queries, const Clouds& clouds, int64_t k, bool skip_self,
             float* distances, int64_t* indices, int threads);

// The k points of lowest index whose squared distance is less than `limit`, filled up with the
// first; all 0 where there is none.
void ball(const Clouds& queries, const Clouds& clouds, int64_t k, float limit, int64_t* indices,
          int threads);

// Three features per query, weighted: features (batch, n, channels), indices and weights
// (batch, m, 3), out (batch, m, channels).
struct Mix {
    const int64_t* indices;
    const float* weights;
    int64_t batch, rows, from, channels;
};
void interpolate(const Mix& mix, const float* features, float* out, int threads);
void interpolate_grad(const Mix& mix, const float* features, const float* grad,
                      float* grad_features, float* grad_weights, int threads);

// A Jacobi auction (Bertsekas 1988) of `objects` among `bidders`, equally many; one run per value
// of eps, each of at most `rounds` rounds of bids. Who is left then shares the cheapest object.
struct Auction {
    const float* eps;
    int64_t phases, rounds;
};
void auction(const Clouds& bidders, const Clouds& objects, const Auction& how, int64_t* assignment,
             bool* matched, int threads);

// Sample elimination (Yuksel 2015): points crowd each other below the distance `reach`, and no more
// than at `floor`; the most crowded goes first. Crowding is divided by `weights`.
struct Elimination {
    double reach, floor;
    const double* weights;
};
void eliminate(const float* points, int64_t count, int64_t wanted, const Elimination& how,
               int64_t* kept, int threads);

}  // namespace gen3d::points
