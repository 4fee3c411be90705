// One tile of queries through the whole decoder. Activations lie as [channel][query], a query per
// vector lane: norms and softmax need no sums across lanes, a product's result is the next one's
// input, and what happens in a lane depends on that lane's query alone.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "volume_decode/cpu.h"
#include "volume_decode/math.h"
#include "volume_decode/panels.h"

namespace gen3d::volume_decode {

// Keys that are scored at once, and hidden channels of the MLP made at once.
inline constexpr int64_t kKeyBlock = 128;
inline constexpr int64_t kHiddenBlock = 512;

template <class V, bool pairs>
struct Tile {
    using F = typename V::F;
    static constexpr int64_t kQueries = kTile<V>;

    const Model& model;
    const Tokens& tokens;
    float *features{}, *shared{}, *deviation{}, *x{}, *operand{}, *attended{}, *query{}, *scores{},
        *hidden{}, *peak{}, *total{};

    Tile(const Model& m, const Tokens& t) : model(m), tokens(t) {}

    // Lays the buffers out from `scratch` (may be null) and returns how many floats they take.
    int64_t place(float* scratch) {
        int64_t used = 0;
        const auto take = [&](float*& buffer, int64_t rows) {
            buffer = scratch + used;
            used += (rows + 1) * kQueries;
        };
        const int64_t inner = model.inner();
        const int64_t keys = tokens.fused_values ? model.heads * tokens.count : kKeyBlock;
        take(features, model.features() + 1);
        take(shared, model.features() + 2);
        take(deviation, 1);
        take(x, model.width);
        take(operand, model.width > inner ? model.width : inner);
        take(attended, inner);
        take(query, model.head_dim);
        take(scores, keys > model.outputs ? keys : model.outputs);
        take(hidden, model.hidden < kHiddenBlock ? model.hidden : kHiddenBlock);
        take(peak, 1);
        take(total, model.outputs);
        return used;
    }

    // Calls body(offset) for each vector of a row of queries.
    template <class Body>
    static GEN3D_INLINE void each(const Body& body) {
        GEN3D_UNROLL
        for (int j = 0; j < kQueries; j += V::kLanes) body(j);
    }

    void run(const Queries& queries, int64_t first, int64_t count, float* out, int64_t stride) {
        embed(queries, first, count);
        if (tokens.fused_values) {
            add_rows(x, model.proj_bias, model.width);
            attend_fused();
        } else {
            for (int64_t h = 0; h < model.heads; ++h) attend(h);
            project();
        }
        float* values = scores;
        mlp_and_head(values);
        for (int64_t o = 0; o < model.outputs; ++o) {
            std::memcpy(out + o * stride, values + o * kQueries,
                        static_cast<size_t>(count) * sizeof(float));
        }
    }

    // features = [x y z, sines, cosines, 1]; x = embed features; deviation = 1 / sqrt(var + eps).
    void embed(const Queries& queries, int64_t first, int64_t count) {
        for (int64_t q = 0; q < kQueries; ++q) {
            for (int axis = 0; axis < 3; ++axis) {
                float value = 0.0f;
                if (q < count) {
                    const int64_t at = 3 * (first + q) + axis;
                    value = queries.points != nullptr ? queries.points[at]
                                                      : queries.coordinates[queries.index[at]];
                }
                features[axis * kQueries + q] = value;
            }
        }
        const int64_t octaves = model.octaves, all = model.features();
        for (int axis = 0; axis < 3; ++axis) {
            float* sines = features + (3 + axis * octaves) * kQueries;
            float* cosines = sines + 3 * octaves * kQueries;
            for (int64_t k = 0; k < octaves; ++k) {
                const F frequency = V::set1(model.frequencies[k]);
                each([&](int j) {
                    F sine, cosine;
                    const F angle = V::mul(V::load(features + axis * kQueries + j), frequency);
                    sin_cos<V>(angle, sine, cosine);
                    V::store(sines + k * kQueries + j, sine);
                    V::store(cosines + k * kQueries + j, cosine);
                });
            }
        }
        each([&](int j) { V::store(features + all * kQueries + j, V::set1(1.0f)); });
        multiply<V, false>(model.embed, (all + 1) * kPanel, model.width, all + 1, features, x,
                           false);
        each([&](int j) {
            V::store(deviation + j, inverse_deviation(x + j, model.width, mean(x + j, model.width),
                                                      model.norm_eps));
        });
        if (!tokens.shared_query) return;
        each([&](int j) {
            const F scale = V::load(deviation + j);
            for (int64_t f = 0; f <= all; ++f) {
                V::store(shared + f * kQueries + j,
                         V::mul(V::load(features + f * kQueries + j), scale));
            }
            V::store(shared + (all + 1) * kQueries + j, V::set1(1.0f));
        });
    }

    // Few keys: all scores at once, values that end in x.
    void attend_fused() {
        const int64_t keys = model.heads * tokens.count, words = model.features() + 2;
        multiply<V, false>(tokens.keys, words * kPanel, keys, words, shared, scores, false);
        for (int64_t h = 0; h < model.heads; ++h) {
            float* rows = scores + h * tokens.count * kQueries;
            each([&](int j) {
                const F top = largest(rows + j, tokens.count, V::load(rows + j));
                const F sum = exponentiate(rows + j, tokens.count, top);
                const F scale = V::div(V::set1(1.0f), sum);
                for (int64_t n = 0; n < tokens.count; ++n) {
                    float* place = rows + n * kQueries + j;
                    V::store(place, V::mul(V::load(place), scale));
                }
            });
        }
        narrow(scores, keys, scores);
        const int64_t stride = depth(keys) * kPanel;
        multiply<V, pairs>(tokens.values, stride, model.width, depth(keys), scores, x, true);
    }

    // One head: softmax over blocks of keys, rescaled whenever a new peak shows.
    void attend(int64_t head) {
        const int64_t d = model.head_dim;
        const float* asked = shared;
        int64_t words = model.features() + 2;
        if (!tokens.shared_query) {
            make_query(head);
            asked = query;
            words = depth(d);
        }
        const int64_t count = tokens.count, value_stride = depth(count) * kPanel;
        Words keys = tokens.keys + head * panels(count) * words * kPanel;
        Words values = tokens.values + head * panels(d) * value_stride;
        float* mixed = attended + head * d * kQueries;
        each([&](int j) {
            V::store(peak + j, V::set1(-1e30f));
            V::store(total + j, V::set1(0.0f));
        });
        for (int64_t first = 0; first < count; first += kKeyBlock) {
            const int64_t some = count - first < kKeyBlock ? count - first : kKeyBlock;
            Words block = keys + first * words;
            if (tokens.shared_query) {
                multiply<V, false>(block, words * kPanel, some, words, asked, scores, false);
            } else {
                multiply<V, pairs>(block, words * kPanel, some, words, asked, scores, false);
            }
            each([&](int j) {
                const F old = V::load(peak + j);
                const F top = largest(scores + j, some, old);
                const F shrink = exp2<V>(V::sub(old, top));
                const F sum = exponentiate(scores + j, some, top);
                V::store(total + j, V::fma(V::load(total + j), shrink, sum));
                V::store(peak + j, top);
                for (int64_t r = 0; first > 0 && r < d; ++r) {
                    float* place = mixed + r * kQueries + j;
                    V::store(place, V::mul(V::load(place), shrink));
                }
            });
            narrow(scores, some, scores);
            multiply<V, pairs>(values + depth(first) * kPanel, value_stride, d, depth(some), scores,
                               mixed, first > 0);
        }
        each([&](int j) {
            const F scale = V::div(V::set1(1.0f), V::load(total + j));
            for (int64_t r = 0; r < d; ++r) {
                float* place = mixed + r * kQueries + j;
                V::store(place, V::mul(V::load(place), scale));
            }
        });
    }

    void make_query(int64_t head) {
        const int64_t d = model.head_dim, words = model.features() + 1;
        Words matrix = model.query + head * panels(d) * words * kPanel;
        multiply<V, false>(matrix, words * kPanel, d, words, features, query, false);
        const float* shift = model.query_shift + head * d;
        each([&](int j) {
            const F scale = V::load(deviation + j);
            for (int64_t r = 0; r < d; ++r) {
                float* place = query + r * kQueries + j;
                V::store(place, V::fma(V::load(place), scale, V::set1(shift[r])));
            }
            if (model.query_norm == QueryNorm::kNone) return;
            const F centre =
                model.query_norm == QueryNorm::kLayer ? mean(query + j, d) : V::set1(0.0f);
            const F inverse = inverse_deviation(query + j, d, centre, model.query_norm_eps);
            for (int64_t r = 0; r < d; ++r) {
                float* place = query + r * kQueries + j;
                const F unit = V::mul(V::sub(V::load(place), centre), inverse);
                V::store(place, V::fma(unit, V::set1(model.query_scale[r]),
                                       V::set1(model.query_offset[r])));
            }
        });
        narrow(query, d, query);
    }

    // x += proj attended + bias.
    void project() {
        const int64_t inner = model.inner();
        narrow(attended, inner, operand);
        const float* in = pairs ? operand : attended;
        multiply<V, pairs>(model.proj, depth(inner) * kPanel, model.width, depth(inner), in, x,
                           true);
        add_rows(x, model.proj_bias, model.width);
    }

    void mlp_and_head(float* values) {
        const int64_t width = model.width, all = model.hidden;
        each([&](int j) {
            const F centre = mean(x + j, width);
            const F inverse = inverse_deviation(x + j, width, centre, model.norm_eps);
            for (int64_t r = 0; r < width; ++r) {
                const int64_t at = r * kQueries + j;
                const F value = V::load(x + at);
                V::store(operand + at, V::mul(V::sub(value, centre), inverse));
                V::store(x + at, V::add(value, V::set1(model.fc_out_bias[r])));
            }
            for (int64_t o = 0; o < model.outputs; ++o) {
                V::store(total + o * kQueries + j, V::set1(model.head_bias[o]));
            }
        });
        narrow(operand, width, operand);
        for (int64_t first = 0; first < all; first += kHiddenBlock) {
            const int64_t some = all - first < kHiddenBlock ? all - first : kHiddenBlock;
            const int64_t stride = depth(width) * kPanel;
            multiply<V, pairs>(model.fc_in + first / kPanel * stride, stride, some, depth(width),
                               operand, hidden, false);
            activate(first, some);
            if (model.post_norm) {
                narrow(hidden, some, hidden);
                multiply<V, pairs>(model.fc_out + depth(first) * kPanel, depth(all) * kPanel, width,
                                   depth(some), hidden, x, true);
            }
        }
        each([&](int j) {
            F centre = V::set1(0.0f), inverse = V::set1(1.0f);
            if (model.post_norm) {
                centre = mean(x + j, width);
                inverse = inverse_deviation(x + j, width, centre, model.post_eps);
            }
            for (int64_t o = 0; o < model.outputs; ++o) {
                const float* head = model.head + o * width;
                F sum = V::set1(0.0f);
                for (int64_t r = 0; r < width; ++r) {
                    const F unit = V::sub(V::load(x + r * kQueries + j), centre);
                    sum = V::fma(unit, V::set1(head[r]), sum);
                }
                const int64_t at = o * kQueries + j;
                V::store(values + at, V::fma(sum, inverse, V::load(total + at)));
            }
        });
    }

    // hidden = gelu(hidden + bias). Where no norm follows, total += (head fc_out) hidden instead of
    // another product.
    void activate(int64_t first, int64_t some) {
        each([&](int j) {
            for (int64_t r = 0; r < some; ++r) {
                float* place = hidden + r * kQueries + j;
                const F in = V::add(V::load(place), V::set1(model.fc_in_bias[first + r]));
                V::store(place, model.tanh_gelu ? gelu_tanh<V>(in) : gelu_exact<V>(in));
            }
            if (model.post_norm) return;
            for (int64_t o = 0; o < model.outputs; ++o) {
                const float* head = model.head_of_hidden + o * model.hidden + first;
                F sum = V::load(total + o * kQueries + j);
                for (int64_t r = 0; r < some; ++r) {
                    sum = V::fma(V::load(hidden + r * kQueries + j), V::set1(head[r]), sum);
                }
                V::store(total + o * kQueries + j, sum);
            }
        });
    }

    // Words per row of a matrix with this many columns.
    static int64_t depth(int64_t columns) { return pairs ? (columns + 1) / 2 : columns; }
    static int64_t panels(int64_t rows) { return (rows + kPanel - 1) / kPanel; }

    // Where products are of bfloat16: rounds rows of floats for them. In place or not.
    static void narrow(const float* in, int64_t rows, float* out) {
        if constexpr (pairs) to_pairs<V>(in, rows, out);
    }

    static void add_rows(float* to, const float* values, int64_t rows) {
        for (int64_t r = 0; r < rows; ++r) {
            each([&](int j) {
                float* place = to + r * kQueries + j;
                V::store(place, V::add(V::load(place), V::set1(values[r])));
            });
        }
    }

    // The following work on one vector of queries, down the rows.
    static F mean(const float* rows, int64_t count) {
        F sum = V::set1(0.0f);
        for (int64_t r = 0; r < count; ++r) sum = V::add(sum, V::load(rows + r * kQueries));
        return V::mul(sum, V::set1(1.0f / static_cast<float>(count)));
    }

    static F inverse_deviation(const float* rows, int64_t count, F centre, float eps) {
        F sum = V::set1(0.0f);
        for (int64_t r = 0; r < count; ++r) {
            const F off = V::sub(V::load(rows + r * kQueries), centre);
            sum = V::fma(off, off, sum);
        }
        const F variance = V::mul(sum, V::set1(1.0f / static_cast<float>(count)));
        return V::div(V::set1(1.0f), V::sqrt(V::add(variance, V::set1(eps))));
    }

    static F largest(const float* rows, int64_t count, F top) {
        for (int64_t r = 0; r < count; ++r) top = V::max(top, V::load(rows + r * kQueries));
        return top;
    }

    // rows = 2^(rows - top); returns their sum.
    static F exponentiate(float* rows, int64_t count, F top) {
        F sum = V::set1(0.0f);
        for (int64_t r = 0; r < count; ++r) {
            const F power = exp2<V>(V::sub(V::load(rows + r * kQueries), top));
            sum = V::add(sum, power);
            V::store(rows + r * kQueries, power);
        }
        return sum;
    }
};

template <class V>
int64_t scratch_words(const Model& model, const Tokens& tokens) {
    Tile<V, false> tile(model, tokens);
    return tile.place(nullptr);
}

template <class V, bool pairs>
void run_tile(const Model& model, const Tokens& tokens, const Queries& queries, int64_t first,
              int64_t count, float* out, int64_t stride, float* scratch) {
    Tile<V, pairs> tile(model, tokens);
    tile.place(scratch);
    tile.run(queries, first, count, out, stride);
}

template <class V>
void run(const Model& model, const Tokens& tokens, const Queries& queries, int64_t first,
         int64_t count, float* out, int64_t stride, float* scratch) {
    if constexpr (V::kPairs) {
        if (model.pairs) {
            run_tile<V, true>(model, tokens, queries, first, count, out, stride, scratch);
            return;
        }
    }
    run_tile<V, false>(model, tokens, queries, first, count, out, stride, scratch);
}

template <class V>
constexpr Build make_build() {
    return {V::kName, kTile<V>, &scratch_words<V>, &run<V>};
}

}  // namespace gen3d::volume_decode
