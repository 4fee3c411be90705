#include "raster/cpu.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "common/thread_pool.h"

namespace gen3d::raster {
namespace {

constexpr int64_t kSetupGrain = 8192;
constexpr int64_t kBandRows = 16;

struct Drawn {
    ScreenTriangle screen;
    double barycentric[3][3];  // of its corners in the original face
    int32_t face;
};

int64_t clamp_to(int64_t value, int64_t size) {
    return std::clamp<int64_t>(value, 0, size - 1);
}

// Clips one face and appends what is left of it; at most kMaxCorners - 2 triangles.
void set_up_face(const float* vertices, const int64_t* face, int32_t id, const View& view,
                 std::vector<Drawn>& out) {
    Corner polygon[2][kMaxCorners];
    bool clipped[5] = {};
    for (int i = 0; i < 3; ++i) {
        Corner& corner = polygon[0][i];
        for (int k = 0; k < 3; ++k) {
            corner.p[k] = vertices[3 * face[i] + k];
            corner.barycentric[k] = i == k ? 1.0 : 0.0;
            if (!std::isfinite(corner.p[k])) return;
        }
        for (int plane = 0; plane < 5; ++plane) {
            clipped[plane] |= clip_distance(view, plane, corner.p) < 0;
        }
    }
    int n = 3, now = 0;
    for (int plane = 0; plane < 5 && n >= 3; ++plane) {
        if (!clipped[plane]) continue;
        n = clip_polygon(view, plane, polygon[now], n, polygon[1 - now]);
        now = 1 - now;
    }
    const Corner* p = polygon[now];
    for (int i = 1; i + 1 < n; ++i) {
        Drawn drawn;
        bool swapped = false;
        if (!project(view, p[0], p[i], p[i + 1], drawn.screen, swapped)) continue;
        const auto [top, bottom] =
            std::minmax({drawn.screen.y[0], drawn.screen.y[1], drawn.screen.y[2]});
        if (last_pixel(bottom) < 0 || first_pixel(top) >= view.height) continue;
        const Corner* order[3] = {&p[0], swapped ? &p[i + 1] : &p[i], swapped ? &p[i] : &p[i + 1]};
        for (int c = 0; c < 3; ++c) std::copy_n(order[c]->barycentric, 3, drawn.barycentric[c]);
        drawn.face = id;
        out.push_back(drawn);
    }
}

void draw(const Drawn& drawn, const View& view, int64_t row_begin, int64_t row_end,
          int32_t* face_id, float* depth, float* barycentric) {
    const ScreenTriangle& t = drawn.screen;
    const auto [left, right] = std::minmax({t.x[0], t.x[1], t.x[2]});
    const auto [top, bottom] = std::minmax({t.y[0], t.y[1], t.y[2]});
    const int64_t x0 = std::max<int64_t>(first_pixel(left), 0);
    const int64_t x1 = std::min<int64_t>(last_pixel(right), view.width - 1);
    const int64_t y0 = std::max<int64_t>(first_pixel(top), row_begin);
    const int64_t y1 = std::min<int64_t>(last_pixel(bottom), row_end - 1);
    if (x0 > x1 || y0 > y1) return;

    int64_t row[3], step_x[3], step_y[3], bias[3];
    for (int e = 0; e < 3; ++e) {
        const int a = (e + 1) % 3, b = (e + 2) % 3;
        row[e] =
            edge_function(t, a, b, x0 * kSubpixel + kSubpixel / 2, y0 * kSubpixel + kSubpixel / 2);
        step_x[e] = -(t.y[b] - t.y[a]) * kSubpixel;
        step_y[e] = (t.x[b] - t.x[a]) * kSubpixel;
        bias[e] = is_top_left(t, a, b) ? 0 : -1;
    }
    const double area = static_cast<double>(t.area);
    for (int64_t y = y0; y <= y1; ++y) {
        int64_t e[3] = {row[0], row[1], row[2]};
        for (int64_t x = x0; x <= x1; ++x) {
            if (((e[0] + bias[0]) | (e[1] + bias[1]) | (e[2] + bias[2])) >= 0) {
                double w[3], sum = 0.0;
                for (int c = 0; c < 3; ++c) {
                    w[c] = static_cast<double>(e[c]) / area * t.inverse_z[c];
                    sum += w[c];
                }
                const double z = 1.0 / sum;
                const int64_t pixel = y * view.width + x;
                // Faces come in order, so "less" leaves ties to the lower id.
                if (static_cast<float>(z) < depth[pixel]) {
                    depth[pixel] = static_cast<float>(z);
                    face_id[pixel] = drawn.face;
                    for (int k = 0; k < 3; ++k) {
                        barycentric[3 * pixel + k] = static_cast<float>(
                            (w[0] * drawn.barycentric[0][k] + w[1] * drawn.barycentric[1][k] +
                             w[2] * drawn.barycentric[2][k]) *
                            z);
                    }
                }
            }
            for (int c = 0; c < 3; ++c) e[c] += step_x[c];
        }
        for (int c = 0; c < 3; ++c) row[c] += step_y[c];
    }
}

}  // namespace

void rasterize(const float* vertices, const int64_t* faces, int64_t face_count, const View& view,
               int32_t* face_id, float* depth, float* barycentric, int threads) {
    const int64_t pixels = view.width * view.height;
    std::fill_n(face_id, pixels, -1);
    std::fill_n(depth, pixels, std::numeric_limits<float>::infinity());
    std::fill_n(barycentric, 3 * pixels, 0.0f);

    const int64_t blocks = (face_count + kSetupGrain - 1) / kSetupGrain;
    std::vector<std::vector<Drawn>> drawn(static_cast<size_t>(blocks));
    parallel_for(face_count, kSetupGrain, threads, [&](int64_t begin, int64_t end) {
        std::vector<Drawn>& out = drawn[static_cast<size_t>(begin / kSetupGrain)];
        out.reserve(static_cast<size_t>(end - begin));
        for (int64_t f = begin; f < end; ++f) {
            set_up_face(vertices, faces + 3 * f, static_cast<int32_t>(f), view, out);
        }
    });

    // Each band of rows is drawn by one thread, faces in order: no locks, one possible result.
    const int64_t bands = (view.height + kBandRows - 1) / kBandRows;
    std::vector<std::vector<const Drawn*>> bins(static_cast<size_t>(bands));
    for (const std::vector<Drawn>& block : drawn) {
        for (const Drawn& d : block) {
            const auto [top, bottom] = std::minmax({d.screen.y[0], d.screen.y[1], d.screen.y[2]});
            const int64_t first = clamp_to(first_pixel(top), view.height) / kBandRows;
            const int64_t last = clamp_to(last_pixel(bottom), view.height) / kBandRows;
            for (int64_t b = first; b <= last; ++b) bins[static_cast<size_t>(b)].push_back(&d);
        }
    }
    parallel_for(bands, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
            for (const Drawn* d : bins[static_cast<size_t>(b)]) {
                draw(*d, view, b * kBandRows, std::min((b + 1) * kBandRows, view.height), face_id,
                     depth, barycentric);
            }
        }
    });
}

}  // namespace gen3d::raster
