#include "cells/bind.h"
#include "cells/cuda.h"

namespace gen3d::cells {
namespace {

struct CudaTwin {
    using Device = nb::device::cuda;
    using Last = int64_t;
    static constexpr auto brick_needs = &brick_needs_cuda;
    static constexpr auto ask_corners = &ask_corners_cuda;
    static constexpr auto count_wanted = &count_wanted_cuda;
    static constexpr auto take_wanted = &take_wanted_cuda;
    static constexpr auto gather_corners = &gather_corners_cuda;
    static constexpr auto live_children = &live_children_cuda;
    static constexpr auto mark_sure = &mark_sure_cuda;
    static constexpr auto crossed_children = &crossed_children_cuda;
    static constexpr auto claim_cells = &claim_cells_cuda;
    static constexpr auto open_faces = &open_faces_cuda;
};

}  // namespace

void bind_cuda(nb::module_& m) {
    Binding<CudaTwin>::add_to(m);
}

}  // namespace gen3d::cells
