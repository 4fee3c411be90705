#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "raster/cpu.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace gen3d::raster {
namespace {

template <typename T>
using Rows3 = nb::ndarray<T, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Image = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Image3 = nb::ndarray<T, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;

void bind_rasterize(Rows3<const float> vertices, Rows3<const int64_t> faces, double fx, double fy,
                    double cx, double cy, double near_z, Image<int32_t> face_id, Image<float> depth,
                    Image3<float> barycentric, int threads) {
    const View view{fx,
                    fy,
                    cx,
                    cy,
                    near_z,
                    static_cast<int64_t>(face_id.shape(1)),
                    static_cast<int64_t>(face_id.shape(0))};
    const nb::gil_scoped_release release;
    rasterize(vertices.data(), faces.data(), static_cast<int64_t>(faces.shape(0)), view,
              face_id.data(), depth.data(), barycentric.data(), threads);
}

}  // namespace

void bind(nb::module_& m) {
    m.def("rasterize_mesh", &bind_rasterize, "vertices"_a, "faces"_a, "fx"_a, "fy"_a, "cx"_a,
          "cy"_a, "near"_a, "face_id"_a, "depth"_a, "barycentric"_a, "threads"_a);
}

}  // namespace gen3d::raster
