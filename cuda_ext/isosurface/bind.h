// The Python face of both twins, which differ in device and in what the last argument means.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "isosurface/cpu.h"

namespace gen3d::isosurface {

namespace nb = nanobind;

// Twin: a type with Device, Last (int threads, or int64_t stream), kLast (that argument's name),
// and static functions run_count and run_emit.
template <typename Twin>
struct Binding {
    using Device = typename Twin::Device;
    using Last = typename Twin::Last;
    template <typename T>
    using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, Device>;
    template <typename T, int columns>
    using Rows = nb::ndarray<T, nb::shape<-1, columns>, nb::c_contig, Device>;
    template <typename T>
    using Pair = nb::ndarray<T, nb::shape<2, -1>, nb::c_contig, Device>;

    static Cells view(const Rows<const int32_t, 3>& cells, const Vector<const int64_t>& keys,
                      const Rows<const float, 8>& values, int64_t resolution, float level) {
        return {cells.data(), keys.data(), values.data(), static_cast<int64_t>(keys.size()),
                resolution,   level};
    }

    static void count(Rows<const int32_t, 3> cells, Vector<const int64_t> keys,
                      Rows<const float, 8> values, int64_t resolution, float level,
                      Vector<uint8_t> cases, Vector<int16_t> owned, Pair<int32_t> counts,
                      Last last) {
        const Cells in = view(cells, keys, values, resolution, level);
        const nb::gil_scoped_release release;
        Twin::run_count(in, cases.data(), owned.data(), counts.data(), last);
    }

    static void emit(Rows<const int32_t, 3> cells, Vector<const int64_t> keys,
                     Rows<const float, 8> values, int64_t resolution, float level,
                     Vector<const uint8_t> cases, Vector<const int16_t> owned,
                     Vector<const int64_t> first_vertex, Vector<const int64_t> first_face,
                     double lo, double hi, Rows<float, 3> vertices, Rows<int64_t, 3> faces,
                     Vector<int64_t> sources, Last last) {
        const Cells in = view(cells, keys, values, resolution, level);
        const nb::gil_scoped_release release;
        Twin::run_emit(in, cases.data(), owned.data(), first_vertex.data(), first_face.data(), lo,
                       hi, vertices.data(), faces.data(), sources.data(), last);
    }

    static void add_to(nb::module_& m) {
        using namespace nb::literals;
        m.def("isosurface_count", &count, "cells"_a, "keys"_a, "values"_a, "resolution"_a,
              "level"_a, "cases"_a, "owned"_a, "counts"_a, nb::arg(Twin::kLast));
        m.def("isosurface_emit", &emit, "cells"_a, "keys"_a, "values"_a, "resolution"_a, "level"_a,
              "cases"_a, "owned"_a, "first_vertex"_a, "first_face"_a, "lo"_a, "hi"_a, "vertices"_a,
              "faces"_a, "sources"_a, nb::arg(Twin::kLast));
    }
};

}  // namespace gen3d::isosurface
