/* The emulated barriers, copies and wgmma: right use gives plain products, and each wrong use is
 * seen, as wrong numbers or as a launch that fails. A kernel here multiplies ROUNDS tiles of x and
 * weight, one after the other through one stage, by both blocks of a cluster. */
#include "kernels/cuda/emulate/tests/kernels.h"
#include "kernels/hopper/emulated_product.h"

#include <vector>

using namespace assay_hopper;

namespace {

enum Fault {
    RIGHT,
    RETURNED_EARLY,  /* a stage is handed back before its products are waited for */
    ONE_BLOCK_ALONE, /* and to the own block only, though both write to it */
    TOO_FEW_BYTES,
    ONE_ARRIVAL_MORE,
    STEP_FORGOTTEN, /* every product begins at the stage's first element */
    NOT_WAITED_FOR  /* sums are read before the last products are done */
};

enum { ROUNDS = 3, ALL_ROWS = CLUSTER * TILE_ROWS };

__global__ void by_stages(TileMap x, TileMap weight, float *y, Fault fault)
{
    const BlockMemory own = block_memory();
    const uint32_t stage = (own.address + ATOM - 1) / ATOM * ATOM;
    const uint32_t full = stage + BARRIERS_AT;
    const uint32_t empty = full + 8;
    const unsigned rank = cluster_rank();
    const unsigned thread = own_thread();
    if (thread == 0) {
        barrier_init(full, 1);
        barrier_init(empty, (fault == ONE_BLOCK_ALONE ? 1 : CLUSTER) * CONSUMERS);
    }
    cluster_sync();
    if (thread == 0) {
        for (int32_t round = 0; round < ROUNDS; round++) {
            barrier_wait(empty, (static_cast<unsigned>(round) & 1u) ^ 1u);
            barrier_expect(full, STAGE_BYTES - (fault == TOO_FEW_BYTES ? 16 : 0));
            fetch(stage, &x, full, round * DEPTH, static_cast<int32_t>(rank) * TILE_ROWS);
            fetch_for_all(stage + X_BYTES + rank * BOX_BYTES, &weight, full, round * DEPTH,
                          static_cast<int32_t>(rank) * BOX_ROWS);
        }
    }
    if (thread >= GROUP_THREADS) {
        const uint32_t group = thread / GROUP_THREADS - 1;
        const int t = static_cast<int>(thread % GROUP_THREADS);
        const unsigned ranks = fault == ONE_BLOCK_ALONE ? 1 : CLUSTER;
        float sum[SUMS] = {};
        for (unsigned round = 0; round < ROUNDS; round++) {
            barrier_wait(full, round & 1u);
            for (unsigned step = 0; step < DEPTH / STEP; step++) {
                const uint64_t by = fault == STEP_FORGOTTEN ? 0 : step * DESCRIPTOR_STEP;
                multiply(sum, descriptor_of(stage + group * GROUP_ROWS * ROW_BYTES) + by,
                         descriptor_of(stage + X_BYTES) + by, round > 0 || step > 0);
            }
            multiply_commit();
            if (fault != RETURNED_EARLY && (fault != NOT_WAITED_FOR || round + 1 < ROUNDS)) {
                multiply_wait<0>();
            }
            consumers_sync();
            for (unsigned r = 0; t == 0 && r < ranks; r++) {
                barrier_arrive(empty, fault == ONE_BLOCK_ALONE ? rank : r);
                if (fault == ONE_ARRIVAL_MORE) {
                    barrier_arrive(empty, r);
                }
            }
            if (fault == RETURNED_EARLY) {
                multiply_wait<0>();
            }
        }
        for (int i = 0; i < SUMS; i++) {
            const int64_t row = rank * TILE_ROWS + group * GROUP_ROWS +
                                static_cast<unsigned>(row_of_sum(t, i));
            y[row * TILE_LATENTS + latent_of_sum(t, i)] = sum[i];
        }
    }
    cluster_sync();
}

/* Small integers, so that every order of addition gives the same. */
std::vector<Bf16> numbers(int64_t count, int64_t factor)
{
    std::vector<Bf16> all(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) {
        narrow(static_cast<float>(i * factor % 11 - 5), &all[static_cast<size_t>(i)]);
    }
    return all;
}

/* What the launch says (ASSAY_OK: nothing), and whether the products are right. Fewer rows, latents
 * and elements than the tiles have: zeros stand for the rest. */
assay_status try_one(Fault fault, assay_error *error, bool *right)
{
    constexpr int64_t rows = ALL_ROWS - 3;
    constexpr int64_t latents = TILE_LATENTS - 5;
    constexpr int64_t depth = ROUNDS * DEPTH - 7;
    constexpr int64_t pitch = pitch_of(depth);
    const std::vector<Bf16> x = numbers(rows * pitch, 7);
    const std::vector<Bf16> weight = numbers(latents * pitch, 13);
    std::vector<float> y(ALL_ROWS * TILE_LATENTS, -1.0f);
    const TileMap x_map = {x.data(), rows, depth, pitch};
    const TileMap weight_map = {weight.data(), latents, depth, pitch};
    const assay_status status =
        run(error, "by_stages", by_stages, dim3(1), dim3(CLUSTER * THREADS), 0, x_map, weight_map,
            y.data(), fault);
    *right = true;
    for (int64_t n = 0; n < ALL_ROWS; n++) {
        for (int64_t j = 0; j < TILE_LATENTS; j++) {
            float expected = 0.0f;
            for (int64_t k = 0; n < rows && j < latents && k < depth; k++) {
                expected += widen(x[static_cast<size_t>(n * pitch + k)]) *
                            widen(weight[static_cast<size_t>(j * pitch + k)]);
            }
            *right = *right && y[static_cast<size_t>(n * TILE_LATENTS + j)] == expected;
        }
    }
    return status;
}

} // namespace

Test(emulated, right_use_gives_the_products_in_every_order)
{
    for (int i = 0; i < 8; i++) {
        assay_error error;
        bool right = false;
        const assay_status status = try_one(RIGHT, &error, &right);
        cr_assert(status == ASSAY_OK, "%s", error.message);
        cr_assert(right);
    }
}

Test(emulated, what_is_read_elsewhere_or_too_early_gives_wrong_numbers)
{
    for (const Fault fault : {STEP_FORGOTTEN, NOT_WAITED_FOR}) {
        assay_error error;
        bool right = true;
        const assay_status status = try_one(fault, &error, &right);
        cr_assert(status == ASSAY_OK, "%s", error.message);
        cr_assert(!right, "fault %d is not seen", static_cast<int>(fault));
    }
}

/* Where the copies of the next round come before the last one's products are read. */
Test(emulated, a_stage_given_back_too_soon_is_seen_in_some_order)
{
    for (const Fault fault : {RETURNED_EARLY, ONE_BLOCK_ALONE, ONE_ARRIVAL_MORE}) {
        bool seen = false;
        for (int i = 0; i < TRIES && !seen; i++) {
            assay_error error;
            bool right = true;
            seen = try_one(fault, &error, &right) != ASSAY_OK || !right;
        }
        cr_assert(seen, "fault %d", static_cast<int>(fault));
    }
}

Test(emulated, a_barrier_that_expects_other_bytes_than_come_fails_the_launch)
{
    assay_error error;
    bool right = true;
    cr_assert(try_one(TOO_FEW_BYTES, &error, &right) == ASSAY_DEVICE);
    cr_assert(strstr(error.message, "by_stages") != nullptr, "%s", error.message);
    cr_assert(strstr(error.message, "wait for others that never come") != nullptr, "%s",
              error.message);
}
