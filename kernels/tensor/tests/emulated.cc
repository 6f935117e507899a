/* The emulated copies, matrices and products: right use gives plain products, and each wrong use is
 * seen as wrong numbers. A block multiplies ROUNDS stages of x and weight, one after the other
 * through one stage of shared memory. */
#include "kernels/cuda/emulate/tests/kernels.h"
#include "kernels/tensor/product.h"

#include <vector>

using namespace assay_mma;

namespace {

enum Fault {
    RIGHT,
    NOT_WAITED_FOR,   /* what was copied is read before it has come */
    FILLED_TOO_EARLY, /* while other warps still read what was there */
    HALVES_EXCHANGED, /* of b: the last elements of k with the first of a */
    NEIGHBOURS_ROW    /* every lane gives the row of the next */
};

enum { ROUNDS = 3 };

__device__ void multiply_wrongly(float (&sum)[SUMS], uint32_t stage, int warp_row, Fault fault)
{
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    const int of_row = fault == NEIGHBOURS_ROW ? (lane + 1) % 8 : lane % 8;
    for (uint32_t step = 0; step < DEPTH / STEP; step++) {
        unsigned a[4];
        const int row = warp_row + lane / 8 % 2 * 8 + of_row;
        load_matrices(a, stage + swizzled(static_cast<uint32_t>(row) * ROW_BYTES +
                                          step * STEP * 2 +
                                          static_cast<uint32_t>(lane / 16) * PIECE));
        for (int j = 0; j < TILE_LATENTS; j += 16) {
            unsigned b[4];
            const int latent = j + lane / 16 * 8 + lane % 8;
            load_matrices(b, stage + swizzled(X_BYTES +
                                              static_cast<uint32_t>(latent) * ROW_BYTES +
                                              step * STEP * 2 +
                                              static_cast<uint32_t>(lane / 8 % 2) * PIECE));
            const bool turned = fault == HALVES_EXCHANGED;
            multiply(sum + j / 2, a, b[turned ? 1 : 0], b[turned ? 0 : 1]);
            multiply(sum + j / 2 + 4, a, b[2], b[3]);
        }
    }
}

__global__ void by_stages(Operand16 x, Operand16 weight, float *y, Fault fault)
{
    const uint32_t stage = stages_begin();
    const int warp_row = static_cast<int>(threadIdx.x) / WARP * 16;
    float sum[SUMS] = {};
    for (int64_t round = 0; round < ROUNDS; round++) {
        fetch_stage(stage, x, weight, 0, 0, round * DEPTH);
        copies_commit();
        if (fault == NOT_WAITED_FOR) {
            copies_wait<1>();
        } else {
            copies_wait<0>();
        }
        __syncthreads();
        if (fault == HALVES_EXCHANGED || fault == NEIGHBOURS_ROW) {
            multiply_wrongly(sum, stage, warp_row, fault);
        } else {
            multiply_stage(sum, stage, warp_row);
        }
        if (fault != FILLED_TOO_EARLY) {
            __syncthreads();
        }
    }
    for (int i = 0; i < SUMS; i++) {
        const int row = row_of_sum(static_cast<int>(threadIdx.x), i);
        y[row * TILE_LATENTS + latent_of_sum(static_cast<int>(threadIdx.x), i)] = sum[i];
    }
}

/* Small integers, so that every order of addition gives the same. */
std::vector<Bf16> numbers(int64_t count, int64_t factor)
{
    std::vector<Bf16> all(static_cast<size_t>(count) + PIECE / 2);
    const size_t skip = (PIECE - reinterpret_cast<uintptr_t>(all.data()) % PIECE) % PIECE / 2;
    cr_assert_eq(skip, 0, "vectors begin at multiples of 16 bytes");
    for (int64_t i = 0; i < count; i++) {
        narrow(static_cast<float>(i * factor % 11 - 5), &all[static_cast<size_t>(i)]);
    }
    return all;
}

constexpr int64_t rows = TILE_ROWS - 3, latents = TILE_LATENTS - 5, depth = ROUNDS * DEPTH - 7;

float expected_of(const Operand16 &x, const Operand16 &weight, int64_t n, int64_t j)
{
    float sum = 0.0f;
    for (int64_t k = 0; n < x.rows && j < weight.rows && k < x.columns; k++) {
        sum += widen(x.data[n * x.pitch + k]) * widen(weight.data[j * weight.pitch + k]);
    }
    return sum;
}

bool is_right(Fault fault)
{
    constexpr int64_t pitch = pitch_of(depth);
    const std::vector<Bf16> x_all = numbers(rows * pitch, 7);
    const std::vector<Bf16> weight_all = numbers(latents * pitch, 13);
    const Operand16 x = {x_all.data(), rows, depth, pitch};
    const Operand16 weight = {weight_all.data(), latents, depth, pitch};
    std::vector<float> y(TILE_ROWS * TILE_LATENTS, -1.0f);
    assay_error error = {};
    cr_assert_eq(cudaFuncSetAttribute(by_stages, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(RING_BYTES)), cudaSuccess);
    cr_assert_eq(run(&error, "by_stages", by_stages, dim3(1), dim3(BLOCK_THREADS), STAGE_BYTES, x,
                     weight, y.data(), fault), ASSAY_OK, "%s", error.message);
    bool right = true;
    for (int64_t at = 0; at < TILE_ROWS * TILE_LATENTS; at++) {
        right = right && y[static_cast<size_t>(at)] ==
                             expected_of(x, weight, at / TILE_LATENTS, at % TILE_LATENTS);
    }
    return right;
}

struct Keep {
    const Column *column;
    float *y;
    int64_t rows, latents;

    bool wanted(int64_t) const { return true; }

    void operator()(const float (&sum)[SUMS], const Place &place, const Column *) const
    {
        for (int i = 0; i < SUMS; i++) {
            const int64_t row = place.row + row_of_sum(place.thread, i);
            const int64_t latent = place.latent + latent_of_sum(place.thread, i);
            if (row < rows && latent < latents) {
                y[row * latents + latent] = sum[i];
            }
        }
    }
};

} // namespace

Test(emulated, right_use_gives_the_products_in_every_order)
{
    for (int i = 0; i < 6; i++) {
        cr_assert(is_right(RIGHT));
    }
}

Test(emulated, wrong_use_gives_wrong_numbers)
{
    for (const Fault fault : {NOT_WAITED_FOR, HALVES_EXCHANGED, NEIGHBOURS_ROW}) {
        cr_assert(!is_right(fault), "fault %d is not seen", static_cast<int>(fault));
    }
}

/* Where a warp is behind the one that fetches. */
Test(emulated, a_stage_filled_too_early_is_seen_in_some_order)
{
    bool right = true;
    for (int i = 0; i < TRIES && right; i++) {
        right = is_right(FILLED_TOO_EARLY);
    }
    cr_assert(!right);
}

/* Several tiles of rows and latents, several stages, tails of all. */
Test(product, every_row_and_latent_once)
{
    constexpr int64_t pitch = pitch_of(depth);
    for (const int64_t count : {int64_t{1}, int64_t{17}, int64_t{CLUSTER * TILE_ROWS + 130}}) {
        const int64_t wide = TILE_LATENTS + 9;
        const std::vector<Bf16> x_all = numbers(count * pitch, 7);
        const std::vector<Bf16> weight_all = numbers(wide * pitch, 13);
        const Operand16 x = {x_all.data(), count, depth, pitch};
        const Operand16 weight = {weight_all.data(), wide, depth, pitch};
        std::vector<float> y(static_cast<size_t>(count * wide), -1.0f);
        const std::vector<Column> columns(2 * TILE_LATENTS);
        assay_error error = {};
        assay_exec exec = {};
        exec.error = &error;
        cr_assert_eq(Mma::prepare<Keep>(&exec), ASSAY_OK, "%s", error.message);
        cr_assert_eq(Mma().multiply(&exec, x, weight, Extent{count, wide, depth},
                                    Keep{columns.data(), y.data(), count, wide}),
                     ASSAY_OK, "%s", error.message);
        for (int64_t at = 0; at < count * wide; at++) {
            cr_assert_eq(y[static_cast<size_t>(at)],
                         expected_of(x, weight, at / wide, at % wide), "row %lld, latent %lld",
                         (long long)(at / wide), (long long)(at % wide));
        }
    }
}
