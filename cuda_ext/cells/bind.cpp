#include "cells/bind.h"

namespace gen3d::cells {
namespace {

struct CpuTwin {
    using Device = nb::device::cpu;
    using Last = int;
    static constexpr auto brick_needs = &gen3d::cells::brick_needs;
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

}  // namespace

void bind(nb::module_& m) {
    Binding<CpuTwin>::add_to(m);
}

}  // namespace gen3d::cells
