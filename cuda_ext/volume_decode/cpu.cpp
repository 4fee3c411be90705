#include "volume_decode/cpu.h"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "common/simd.h"
#include "common/thread_pool.h"

namespace gen3d::volume_decode {
namespace {

constexpr int64_t kPanelRows = 8;
constexpr std::align_val_t kAlign{64};

struct Free {
    void operator()(float* p) const { ::operator delete[](p, kAlign); }
};

// Scratch of a thread, aligned to cache lines. It lives for one block of work.
std::unique_ptr<float[], Free> make_scratch(int64_t words) {
    const size_t bytes = static_cast<size_t>(words) * sizeof(float);
    return std::unique_ptr<float[], Free>(static_cast<float*>(::operator new[](bytes, kAlign)));
}

int64_t panels(int64_t rows) {
    return (rows + kPanelRows - 1) / kPanelRows;
}

// Element (row, column) of gathered rows, as bits: a float, or a bfloat16 in the low half.
uint32_t element(const Selection& from, const void* rows, int64_t at) {
    if (from.bfloat16) return static_cast<const uint16_t*>(rows)[at];
    return static_cast<const uint32_t*>(rows)[at];
}

// Widens bfloat16 where the build multiplies floats.
uint32_t word_of(const Selection& from, bool pairs, uint32_t low, uint32_t high) {
    if (pairs) return low | high << 16;
    return from.bfloat16 ? low << 16 : low;
}

// Panels of the selected keys and values of one group, all heads.
class GroupPanels {
  public:
    GroupPanels(const Model& model, const Selection& from) : model_(model), from_(from) {
        const int64_t depth = model.pairs ? 2 : 1;
        key_words_ = (model.head_dim + depth - 1) / depth;
        value_words_ = (from.k + depth - 1) / depth;
        keys_.resize(size(panels(from.k), key_words_));
        values_.resize(size(panels(model.head_dim), value_words_));
    }

    Tokens pack(int64_t group) {
        for (int64_t h = 0; h < model_.heads; ++h) {
            const int32_t* chosen = from_.chosen + (group * model_.heads + h) * from_.k;
            const int64_t base = h * from_.tokens;
            pack_head(h, panels(from_.k), key_words_, keys_, [&](int64_t n, int64_t c) {
                const bool inside = n < from_.k && c < model_.head_dim;
                return inside ? element(from_, from_.key_rows, at(base + chosen[n], c)) : 0u;
            });
            pack_head(h, panels(model_.head_dim), value_words_, values_, [&](int64_t c, int64_t n) {
                const bool inside = n < from_.k && c < model_.head_dim;
                return inside ? element(from_, from_.value_rows, at(base + chosen[n], c)) : 0u;
            });
        }
        return {from_.k, false, false, keys_.data(), values_.data()};
    }

  private:
    size_t size(int64_t blocks, int64_t words) const {
        return static_cast<size_t>(model_.heads * blocks * words * kPanelRows);
    }
    int64_t at(int64_t token, int64_t channel) const { return token * model_.head_dim + channel; }

    template <class Get>
    void pack_head(int64_t head, int64_t blocks, int64_t words, std::vector<uint32_t>& to,
                   const Get& get) {
        uint32_t* place = to.data() + head * blocks * words * kPanelRows;
        for (int64_t b = 0; b < blocks; ++b) {
            for (int64_t w = 0; w < words; ++w) {
                for (int64_t r = 0; r < kPanelRows; ++r) {
                    const int64_t row = b * kPanelRows + r;
                    const uint32_t low = get(row, model_.pairs ? 2 * w : w);
                    const uint32_t high = model_.pairs ? get(row, 2 * w + 1) : 0u;
                    *place++ = word_of(from_, model_.pairs, low, high);
                }
            }
        }
    }

    const Model& model_;
    const Selection& from_;
    int64_t key_words_, value_words_;
    std::vector<uint32_t> keys_, values_;
};

// Blocks long enough that fetching the next one costs nothing, short enough to share evenly.
int64_t tiles_per_block(int64_t tiles, int threads) {
    return std::clamp<int64_t>(tiles / (8 * std::max(threads, 1)), 1, 16);
}

}  // namespace

int64_t builds(const Build** out) {
    int64_t count = 0;
    out[count++] = portable_build();
#ifdef GEN3D_X86_BUILDS
    if (has_avx2()) out[count++] = avx2_build();
    if (has_avx512()) out[count++] = avx512_build();
#endif
#ifdef GEN3D_BF16_BUILD
    if (has_avx512_bf16()) out[count++] = avx512_bf16_build();
#endif
    return count;
}

void decode(const Build& build, const Model& model, const Tokens& tokens, const Queries& queries,
            int64_t count, const Selection* selection, float* out, int threads) {
    const auto run = [&](const Tokens& seen, int64_t begin, int64_t end, float* scratch) {
        for (int64_t first = begin; first < end; first += build.tile) {
            const int64_t some = std::min(build.tile, end - first);
            build.run(model, seen, queries, first, some, out + first, count, scratch);
        }
    };
    if (selection == nullptr) {
        const int64_t tiles = (count + build.tile - 1) / build.tile;
        parallel_for(tiles, tiles_per_block(tiles, threads), threads,
                     [&](int64_t begin, int64_t end) {
                         const auto scratch = make_scratch(build.scratch_words(model, tokens));
                         run(tokens, begin * build.tile, std::min(end * build.tile, count),
                             scratch.get());
                     });
        return;
    }
    parallel_for(selection->groups, 1, threads, [&](int64_t group, int64_t) {
        const int64_t begin = selection->offsets[group], end = selection->offsets[group + 1];
        if (begin == end) return;
        GroupPanels panels(model, *selection);
        const Tokens seen = panels.pack(group);
        const auto scratch = make_scratch(build.scratch_words(model, seen));
        run(seen, begin, end, scratch.get());
    });
}

}  // namespace gen3d::volume_decode
