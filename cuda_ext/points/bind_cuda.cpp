#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "points/cuda.h"

namespace nb = nanobind;

namespace gen3d::points {
namespace {

template <typename T, typename Shape>
using Array = nb::ndarray<T, Shape, nb::c_contig, nb::device::cuda>;
using Points = Array<const float, nb::shape<-1, -1, 3>>;
template <typename T>
using Rows = Array<T, nb::ndim<2>>;
template <typename T>
using Stack = Array<T, nb::ndim<3>>;
template <typename T>
using Vector = Array<T, nb::ndim<1>>;
using Corners = Array<const double, nb::shape<-1, 3>>;
using Sorted = Array<const float, nb::shape<-1, 3>>;

int64_t size(const auto& array, int axis) {
    return static_cast<int64_t>(array.shape(axis));
}

Clouds view(const Points& points) {
    return {points.data(), size(points, 0), size(points, 1)};
}

void bind_farthest(Points points, int64_t first, bool whole, Rows<float> distance,
                   Rows<int64_t> best, Rows<int64_t> samples, int64_t stream) {
    const Clouds clouds = view(points);
    const int64_t wanted = size(samples, 1);
    const nb::gil_scoped_release release;
    farthest_cuda(clouds, wanted, first, whole, distance.data(),
                  reinterpret_cast<uint64_t*>(best.data()), samples.data(), stream);
}

void bind_nearest(Points queries, Corners low, Vector<const double> sizes,
                  Vector<const int64_t> starts, Sorted points, Vector<const int32_t> ids, int side,
                  bool skip_self, Stack<float> distances, Stack<int64_t> indices, int64_t stream) {
    const Clouds from = view(queries);
    const Grid grid{low.data(), sizes.data(), starts.data(), points.data(), ids.data(), side};
    const int64_t k = size(indices, 2);
    const nb::gil_scoped_release release;
    nearest_cuda(from, grid, k, skip_self, distances.data(), indices.data(), stream);
}

void bind_ball(Points queries, Corners low, Vector<const double> sizes,
               Vector<const int64_t> starts, Sorted points, Vector<const int32_t> ids, int side,
               float limit, Stack<int64_t> indices, int64_t stream) {
    const Clouds from = view(queries);
    const Grid grid{low.data(), sizes.data(), starts.data(), points.data(), ids.data(), side};
    const int64_t k = size(indices, 2);
    const nb::gil_scoped_release release;
    ball_cuda(from, grid, k, limit, indices.data(), stream);
}

void bind_auction(Points bidders, Points objects, Vector<const float> eps, int64_t rounds,
                  Stack<float> numbers, Stack<int32_t> names, Rows<int64_t> highest,
                  Rows<int64_t> assignment, Rows<bool> matched, int64_t stream) {
    const Clouds from = view(bidders), to = view(objects);
    const Auction how{eps.data(), size(eps, 0), rounds};
    const int64_t total = from.batch * from.count;
    const Market market{numbers.data(),
                        numbers.data() + total,
                        names.data(),
                        names.data() + total,
                        names.data() + 2 * total,
                        reinterpret_cast<uint64_t*>(highest.data())};
    const nb::gil_scoped_release release;
    auction_cuda(from, to, how, market, assignment.data(), matched.data(), stream);
}

}  // namespace

void bind_cuda(nb::module_& m) {
    m.def("points_farthest", &bind_farthest);
    m.def("points_nearest", &bind_nearest);
    m.def("points_ball", &bind_ball);
    m.def("points_auction", &bind_auction);
}

}  // namespace gen3d::points
