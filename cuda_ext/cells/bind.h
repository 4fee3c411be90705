// The Python face of both twins, which differ in device and in what the last argument means.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "cells/cpu.h"

namespace gen3d::cells {

namespace nb = nanobind;

// Twin: a type with Device, Last (int threads, or int64_t stream),
// and one static function per operation, named as in cpu.h.
template <typename Twin>
struct Binding {
    using Device = typename Twin::Device;
    using Last = typename Twin::Last;
    template <typename T>
    using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, Device>;
    template <typename T, int columns>
    using Rows = nb::ndarray<T, nb::shape<-1, columns>, nb::c_contig, Device>;
    using At = Rows<const int32_t, 3>;
    using Keys = Vector<const int64_t>;
    using Corners = Rows<const float, 8>;
    using Bytes = Vector<uint8_t>;
    using Flags = Rows<uint8_t, kSlots>;
    using Values = Rows<const float, kSlots>;

    static Cells view(const At& at) { return {at.data(), static_cast<int64_t>(at.shape(0))}; }
    static Bricks view(const Keys& keys) {
        return {keys.data(), static_cast<int64_t>(keys.shape(0))};
    }

    static void ask_corners(At at, Keys keys, Flags flags, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::ask_corners(cells, bricks, flags.data(), last);
    }

    static void count_wanted(Keys keys, Flags flags, Vector<int32_t> counts, Last last) {
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::count_wanted(bricks, flags.data(), counts.data(), last);
    }

    static void take_wanted(Keys keys, Flags flags, Vector<const int64_t> first,
                            Rows<int32_t, 3> index, Vector<int64_t> slots, Last last) {
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::take_wanted(bricks, flags.data(), first.data(), index.data(), slots.data(), last);
    }

    static void gather_corners(At at, Keys keys, Values values, Rows<float, 8> out, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::gather_corners(cells, bricks, values.data(), out.data(), last);
    }

    static void live_children(Corners corners, float reach, float low, float high, int steps,
                              Bytes live, Last last) {
        const auto count = static_cast<int64_t>(corners.shape(0));
        const Bound bound{reach, low, high, steps};
        const nb::gil_scoped_release release;
        Twin::live_children(corners.data(), count, bound, live.data(), last);
    }

    static void mark_sure(At at, Corners corners, Keys keys, float reach, Flags flags, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::mark_sure(cells, corners.data(), bricks, reach, flags.data(), last);
    }

    static void crossed_children(At at, Vector<const uint8_t> live, Keys keys, Values values,
                                 Flags flags, Bytes crossed, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::crossed_children(cells, live.data(), bricks, values.data(), flags.data(),
                               crossed.data(), last);
    }

    static void claim_cells(At at, Keys keys, Flags flags, Bytes fresh, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::claim_cells(cells, bricks, flags.data(), fresh.data(), last);
    }

    static void open_faces(At at, Corners corners, int64_t limit, Keys keys, Flags flags,
                           Bytes faces, Last last) {
        const Cells cells = view(at);
        const Bricks bricks = view(keys);
        const nb::gil_scoped_release release;
        Twin::open_faces(cells, corners.data(), limit, bricks, flags.data(), faces.data(), last);
    }

    static void add_to(nb::module_& m) {
        m.def("cells_ask_corners", &ask_corners);
        m.def("cells_count_wanted", &count_wanted);
        m.def("cells_take_wanted", &take_wanted);
        m.def("cells_gather_corners", &gather_corners);
        m.def("cells_live_children", &live_children);
        m.def("cells_mark_sure", &mark_sure);
        m.def("cells_crossed_children", &crossed_children);
        m.def("cells_claim_cells", &claim_cells);
        m.def("cells_open_faces", &open_faces);
    }
};

}  // namespace gen3d::cells
