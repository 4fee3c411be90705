#include "isosurface/bind.h"

namespace gen3d::isosurface {
namespace {

struct CpuTwin {
    using Device = nb::device::cpu;
    using Last = int;
    static constexpr const char* kLast = "threads";
    static constexpr auto run_count = &gen3d::isosurface::count;
    static constexpr auto run_emit = &gen3d::isosurface::emit;
};

}  // namespace

void bind(nb::module_& m) {
    Binding<CpuTwin>::add_to(m);
}

}  // namespace gen3d::isosurface
