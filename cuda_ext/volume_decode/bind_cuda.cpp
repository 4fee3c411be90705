#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <vector>

#include "volume_decode/cuda.h"

namespace nb = nanobind;

namespace gen3d::volume_decode {
namespace {

template <typename T>
using Vector = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cuda>;

template <typename T>
const T* data_or_null(const Vector<const T>& array) {
    return array.size() == 0 ? nullptr : array.data();
}

void expect(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("volume_decode: wrong size of ") + what);
}

const uint16_t* words(const Vector<const int16_t>& array) {
    return reinterpret_cast<const uint16_t*>(array.data());
}

// floats: embed, query, embed_bias, query_bias, frequencies, shift, norm_scale, norm_offset,
// residual_bias, hidden_bias, hidden_head, output_bias, head, head_bias.
// halves: keys, values, weight stream. switches and numbers: as read below.
void decode(Vector<const int32_t> index, Vector<const float> points, Vector<const int64_t> offsets,
            Vector<const int64_t> first_tile, Vector<const int32_t> chosen,
            std::vector<Vector<const float>> floats, std::vector<Vector<const int16_t>> halves,
            std::vector<int64_t> switches, std::vector<double> numbers, Vector<int16_t> heads,
            Vector<float> embed, Vector<float> raw, Vector<float> out, int64_t stream) {
    expect(floats.size() == 14 && halves.size() == 3, "argument lists");
    expect(switches.size() == 13 && numbers.size() == 3, "number lists");
    Sizes sizes{};
    sizes.width = static_cast<int>(switches[0]);
    sizes.heads = static_cast<int>(switches[1]);
    sizes.inner = sizes.heads * kHeadDim;
    sizes.bfloat16 = switches[2] != 0;

    Queries queries{};
    queries.index = data_or_null(index);
    queries.points = data_or_null(points);
    queries.embed = floats[0].data();
    queries.query = floats[1].data();
    queries.embed_bias = floats[2].data();
    queries.query_bias = floats[3].data();
    queries.frequencies = floats[4].data();
    queries.shift = floats[5].data();
    queries.norm_scale = floats[6].data();
    queries.norm_offset = floats[7].data();
    queries.residual_bias = floats[8].data();
    queries.side = switches[3];
    queries.octaves = static_cast<int>(floats[4].size());
    queries.norm = static_cast<int>(switches[4]);
    queries.head_dim = static_cast<int>(switches[5]);
    queries.eps = static_cast<float>(numbers[0]);
    queries.norm_eps = static_cast<float>(numbers[1]);

    Tiles tiles{};
    tiles.offsets = data_or_null(offsets);
    tiles.first_tile = data_or_null(first_tile);
    tiles.groups = static_cast<int64_t>(offsets.size()) - 1;
    tiles.queries = static_cast<int64_t>(out.size());
    tiles.count = switches[6];

    const Keys keys{words(halves[0]), words(halves[1]), data_or_null(chosen), switches[7],
                    switches[8]};
    Tail tail{};
    tail.stream = words(halves[2]);
    tail.hidden_bias = floats[9].data();
    tail.hidden_head = floats[10].data();
    tail.output_bias = floats[11].data();
    tail.head = floats[12].data();
    tail.head_bias = floats[13].data();
    tail.eps = queries.eps;
    tail.post_eps = static_cast<float>(numbers[2]);
    tail.hidden = static_cast<int>(switches[9]);
    tail.tanh_gelu = switches[10] != 0;
    tail.post_norm = switches[11] != 0;

    const Workspace work{reinterpret_cast<uint16_t*>(heads.data()), embed.data(), raw.data(),
                         switches[12]};
    const int64_t rows = work.tiles * kTile, width = sizes.width, inner = sizes.inner;
    const bool grid = queries.index != nullptr;
    const auto size_of = [](const auto& array) { return static_cast<int64_t>(array.size()); };
    expect(!grid || size_of(index) == 3 * tiles.queries, "index");
    expect(grid || size_of(points) == 3 * tiles.queries, "points");
    expect(size_of(heads) >= rows * inner && size_of(embed) >= rows * width, "workspace");
    expect(grid || size_of(raw) >= rows * inner, "workspace of points");
    expect(size_of(halves[0]) == inner * keys.tokens && halves[1].size() == halves[0].size(),
           "keys");
    const int64_t features = 3 * (2 * queries.octaves + 1);
    expect(size_of(floats[0]) == (grid ? 3 * queries.side : features) * width, "embed");
    expect(size_of(floats[1]) == (grid ? 3 * queries.side : features) * inner, "query");
    const int64_t chunk = tail.post_norm ? width / 2 : width;
    expect(tail.hidden % chunk == 0 && size_of(floats[9]) == tail.hidden, "hidden");
    expect(size_of(halves[2]) == width * inner + tail.hidden * width * (tail.post_norm ? 2 : 1),
           "weight stream");
    const nb::gil_scoped_release release;
    decode_cuda(sizes, tiles, queries, keys, tail, work, out.data(), stream);
}

}  // namespace

void bind_cuda(nb::module_& m) {
    using namespace nb::literals;
    m.def("volume_decode_fits", &width_fits, "width"_a, "inner"_a);
    m.def("volume_decode", &decode, "index"_a, "points"_a, "offsets"_a, "first_tile"_a, "chosen"_a,
          "floats"_a, "halves"_a, "switches"_a, "numbers"_a, "heads"_a, "embed"_a, "raw"_a, "out"_a,
          "stream"_a);
}

}  // namespace gen3d::volume_decode
