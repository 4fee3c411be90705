#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "points/build.h"
#include "points/cpu.h"

namespace nb = nanobind;

namespace gen3d::points {
namespace {

template <typename T, typename Shape>
using Array = nb::ndarray<T, Shape, nb::c_contig, nb::device::cpu>;
using Points = Array<const float, nb::shape<-1, -1, 3>>;
template <typename T>
using Rows = Array<T, nb::ndim<2>>;
template <typename T>
using Stack = Array<T, nb::ndim<3>>;
template <typename T>
using Threes = Array<T, nb::shape<-1, -1, 3>>;
template <typename T>
using Vector = Array<T, nb::ndim<1>>;

int64_t size(const auto& array, int axis) {
    return static_cast<int64_t>(array.shape(axis));
}

Clouds view(const Points& points) {
    return {points.data(), size(points, 0), size(points, 1)};
}

void bind_farthest(Points points, int64_t first, Rows<int64_t> samples, int threads) {
    const Clouds clouds = view(points);
    const int64_t wanted = size(samples, 1);
    const nb::gil_scoped_release release;
    farthest(clouds, wanted, first, samples.data(), threads);
}

void bind_farthest_plain(Array<const float, nb::shape<-1, 3>> points, int64_t first,
                         Vector<int64_t> samples) {
    const int64_t count = size(points, 0), wanted = size(samples, 0);
    const nb::gil_scoped_release release;
    farthest_plain(points.data(), count, wanted, first, samples.data());
}

void bind_nearest(Points queries, Points points, bool skip_self, Stack<float> distances,
                  Stack<int64_t> indices, int threads) {
    const Clouds from = view(queries), clouds = view(points);
    const int64_t k = size(indices, 2);
    const nb::gil_scoped_release release;
    nearest(from, clouds, k, skip_self, distances.data(), indices.data(), threads);
}

void bind_ball(Points queries, Points points, float limit, Stack<int64_t> indices, int threads) {
    const Clouds from = view(queries), clouds = view(points);
    const int64_t k = size(indices, 2);
    const nb::gil_scoped_release release;
    ball(from, clouds, k, limit, indices.data(), threads);
}

Mix view(const Stack<const float>& features, const Threes<const int64_t>& indices,
         const Threes<const float>& weights) {
    return {indices.data(),   weights.data(),    size(indices, 0),
            size(indices, 1), size(features, 1), size(features, 2)};
}

void bind_interpolate(Stack<const float> features, Threes<const int64_t> indices,
                      Threes<const float> weights, Stack<float> out, int threads) {
    const Mix mix = view(features, indices, weights);
    const nb::gil_scoped_release release;
    interpolate(mix, features.data(), out.data(), threads);
}

void bind_interpolate_grad(Stack<const float> features, Threes<const int64_t> indices,
                           Threes<const float> weights, Stack<const float> grad,
                           Stack<float> grad_features, Threes<float> grad_weights, int threads) {
    const Mix mix = view(features, indices, weights);
    const nb::gil_scoped_release release;
    interpolate_grad(mix, features.data(), grad.data(), grad_features.data(), grad_weights.data(),
                     threads);
}

void bind_auction(Points bidders, Points objects, Vector<const float> eps, int64_t rounds,
                  Rows<int64_t> assignment, Rows<bool> matched, int threads) {
    const Clouds from = view(bidders), to = view(objects);
    const Auction how{eps.data(), size(eps, 0), rounds};
    const nb::gil_scoped_release release;
    auction(from, to, how, assignment.data(), matched.data(), threads);
}

void bind_eliminate(Array<const float, nb::shape<-1, 3>> points, double reach, double floor,
                    Vector<const double> weights, Vector<int64_t> kept, int threads) {
    const int64_t count = size(points, 0), wanted = size(kept, 0);
    const Elimination how{reach, floor, weights.data()};
    const nb::gil_scoped_release release;
    eliminate(points.data(), count, wanted, how, kept.data(), threads);
}

}  // namespace

void bind(nb::module_& m) {
    m.def("points_farthest", &bind_farthest);
    m.def("points_farthest_plain", &bind_farthest_plain);
    m.def("points_nearest", &bind_nearest);
    m.def("points_ball", &bind_ball);
    m.def("points_interpolate", &bind_interpolate);
    m.def("points_interpolate_grad", &bind_interpolate_grad);
    m.def("points_auction", &bind_auction);
    m.def("points_eliminate", &bind_eliminate);
    m.def("points_choose_build", &choose_build);
}

}  // namespace gen3d::points
