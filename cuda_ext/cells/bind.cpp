#include "cells/bind.h"
#include "cells/lists.h"

namespace gen3d::cells {
namespace {

struct CpuTwin {
    using Device = nb::device::cpu;
    using Last = int;
    static constexpr auto ask_corners = &gen3d::cells::ask_corners;
    static constexpr auto count_wanted = &gen3d::cells::count_wanted;
    static constexpr auto take_wanted = &gen3d::cells::take_wanted;
    static constexpr auto gather_corners = &gen3d::cells::gather_corners;
    static constexpr auto live_children = &gen3d::cells::live_children;
    static constexpr auto mark_sure = &gen3d::cells::mark_sure;
    static constexpr auto crossed_children = &gen3d::cells::crossed_children;
    static constexpr auto claim_cells = &gen3d::cells::claim_cells;
    static constexpr auto open_faces = &gen3d::cells::open_faces;
};

using Cpu = Binding<CpuTwin>;
using Longs = Cpu::Vector<int64_t>;

int64_t bind_brick_keys(Cpu::At at, int scale, Longs keys) {
    const Cells cells = Cpu::view(at);
    const nb::gil_scoped_release release;
    return gen3d::cells::brick_keys(cells, scale, keys.data());
}

void bind_fill_bricks(Cpu::Keys keys, Cpu::Keys coarse_keys, Cpu::Rows<const uint8_t, kSlots> coarse,
                 Cpu::Values coarse_values, Cpu::Flags flags, Cpu::Rows<float, kSlots> values,
                 int threads) {
    const Bricks bricks = Cpu::view(keys), coarser = Cpu::view(coarse_keys);
    const nb::gil_scoped_release release;
    gen3d::cells::fill_bricks(bricks, coarser, coarse.data(), coarse_values.data(), flags.data(),
                              values.data(), threads);
}

int64_t bind_take_children(Cpu::At at, Cpu::Vector<const uint8_t> mask, int32_t limit,
                      Cpu::Rows<int32_t, 3> out) {
    const Cells cells = Cpu::view(at);
    const nb::gil_scoped_release release;
    return gen3d::cells::take_children(cells, mask.data(), limit, out.data());
}

int64_t bind_crossed_rows(Cpu::At at, Cpu::Corners corners, int32_t side, Longs rows) {
    const Cells cells = Cpu::view(at);
    const nb::gil_scoped_release release;
    return gen3d::cells::crossed_rows(cells, corners.data(), side, rows.data());
}

}  // namespace

void bind(nb::module_& m) {
    Cpu::add_to(m);
    m.def("cells_brick_keys", &bind_brick_keys);
    m.def("cells_fill_bricks", &bind_fill_bricks);
    m.def("cells_take_children", &bind_take_children);
    m.def("cells_crossed_rows", &bind_crossed_rows);
}

}  // namespace gen3d::cells
