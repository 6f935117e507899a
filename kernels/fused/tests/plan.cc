/* Tiles and their order, whose sums a thread has, and a workspace's parts. */
#include "kernels/fused/plan.h"

#include <criterion/criterion.h>

#include <set>
#include <utility>
#include <vector>

using namespace assay_fused;

Test(plan, every_unit_comes_once)
{
    for (int64_t pairs = 1; pairs <= 3 * PAIRS + 1; pairs++) {
        for (int64_t tiles = 1; tiles <= 9; tiles++) {
            std::set<std::pair<int64_t, int64_t>> seen;
            for (int64_t number = 0; number < pairs * tiles; number++) {
                const Unit unit = unit_of(number, pairs, tiles);
                cr_assert(unit.pair >= 0 && unit.pair < pairs && unit.tile >= 0 &&
                          unit.tile < tiles);
                cr_assert(seen.insert({unit.pair, unit.tile}).second, "unit %lld of %lld x %lld",
                          (long long)number, (long long)pairs, (long long)tiles);
            }
        }
    }
}

Test(plan, a_tile_of_the_encoder_is_asked_for_once_by_rows_that_fit_the_cache)
{
    constexpr int64_t tiles = 256;
    for (const int64_t pairs : {int64_t{1}, int64_t{4}, PAIRS}) {
        for (int64_t number = 1; number < pairs * tiles; number++) {
            const int64_t step =
                unit_of(number, pairs, tiles).tile - unit_of(number - 1, pairs, tiles).tile;
            cr_assert(step == (number % pairs == 0 ? 1 : 0));
        }
    }
}

Test(plan, rows_and_latents_are_covered_by_tiles)
{
    for (int64_t n = 1; n < 2000; n++) {
        cr_assert(pairs_of(n) * CLUSTER * TILE_ROWS >= n);
        cr_assert((pairs_of(n) - 1) * CLUSTER * TILE_ROWS < n);
        cr_assert(tiles_of(n) * TILE_LATENTS >= n && (tiles_of(n) - 1) * TILE_LATENTS < n);
    }
}

/* The ISA's figure of D for m64nNk16, in its own words: row and column of register i of a thread,
 * for each of 128 threads. */
static void place_by_isa(int thread, int i, int *row, int *column)
{
    const int warp = thread / 32;
    const int lane = thread % 32;
    *row = 16 * warp + lane / 4 + ((i & 2) != 0 ? 8 : 0);
    *column = i / 4 * 8 + lane % 4 * 2 + (i & 1);
}

Test(plan, every_sum_of_a_warp_group_is_some_threads_one)
{
    std::vector<int> seen(GROUP_ROWS * TILE_LATENTS, 0);
    for (int thread = 0; thread < GROUP_THREADS; thread++) {
        for (int i = 0; i < SUMS; i++) {
            int row = -1;
            int column = -1;
            place_by_isa(thread, i, &row, &column);
            cr_assert(row_of_sum(thread, i) == row && latent_of_sum(thread, i) == column);
            seen[static_cast<size_t>(row * TILE_LATENTS + column)]++;
        }
    }
    for (const int times : seen) {
        cr_assert(times == 1);
    }
}

/* What the gathering of entries counts on: of the sums i, i + 1 of four threads that share a row,
 * those of a lower thread are of lower latents, and those of a greater i are of greater ones. */
Test(plan, a_row_ascends_over_pairs_and_the_four_threads_that_share_it)
{
    for (int thread = 0; thread < GROUP_THREADS; thread += 4) {
        for (int half = 0; half < 2; half++) {
            int last = -1;
            for (int i = 2 * half; i < SUMS; i += 4) {
                for (int t = thread; t < thread + 4; t++) {
                    cr_assert(row_of_sum(t, i) == row_of_sum(thread, 0) + 8 * half);
                    cr_assert(row_of_sum(t, i + 1) == row_of_sum(t, i));
                    cr_assert(latent_of_sum(t, i) == last + 1);
                    cr_assert(latent_of_sum(t, i + 1) == last + 2);
                    last += 2;
                }
            }
            cr_assert(last == TILE_LATENTS - 1);
        }
    }
}

Test(plan, pitches_are_whole_vectors)
{
    for (int64_t d_in = 1; d_in < 300; d_in++) {
        cr_assert(pitch_of(d_in) >= d_in && pitch_of(d_in) - d_in < VECTOR / 2);
        cr_assert(pitch_of(d_in) * 2 % VECTOR == 0);
    }
}

Test(plan, a_workspaces_parts_hold_what_they_must_and_do_not_meet)
{
    for (const int64_t rows : {0, 1, 255, 256, 1000}) {
        for (const int64_t d_sae : {1, 256, 257, 65536}) {
            const Layout at = layout_of(rows, 33, d_sae);
            const size_t slots = static_cast<size_t>(rows * tiles_of(d_sae));
            cr_assert(at.value - at.z >= static_cast<size_t>(rows * pitch_of(33)) * 2);
            cr_assert(at.latent - at.value >= slots * QUOTA * 4);
            cr_assert(at.count - at.latent >= slots * QUOTA);
            cr_assert(at.before - at.count >= slots * 4);
            cr_assert(at.base - at.before >= slots * 4);
            cr_assert(at.again - at.base >= static_cast<size_t>(rows + 1) * 8);
            cr_assert(at.all - at.again >=
                      static_cast<size_t>(pairs_of(rows) * tiles_of(d_sae)) * 4);
            for (const size_t part : {at.z, at.value, at.latent, at.count, at.before, at.base,
                                      at.again, at.all}) {
                cr_assert(part % 256 == 0);
            }
            const ScoresLayout scores = scores_layout_of(rows, 33, d_sae, 5, 16);
            cr_assert(scores.pre - scores.z >= static_cast<size_t>(rows * pitch_of(33)) * 2);
            cr_assert(scores.found - scores.pre >= static_cast<size_t>(rows * d_sae) * 4);
            cr_assert(scores.limit - scores.found >= static_cast<size_t>(rows * 5 + 1) * 8);
            cr_assert(scores.all - scores.limit >= static_cast<size_t>(rows) * 16);
        }
    }
}

Test(plan, rows_at_once_fit_and_are_as_many_as_fit)
{
    for (const int64_t d_sae : {67, 16384, 65536, 1 << 20}) {
        const auto bytes = [&](int64_t rows) { return layout_of(rows, 4096, d_sae).all; };
        for (int64_t rows = 0; rows < 9000; rows += rows < 300 ? 1 : 257) {
            const int64_t fit = rows_at_once(rows, size_t{64} << 20, bytes);
            cr_assert(fit >= (rows > 0 ? 1 : 0) && fit <= rows);
            cr_assert(fit <= 1 || bytes(fit) <= size_t{64} << 20);
            cr_assert(fit == rows || fit < CLUSTER * TILE_ROWS ||
                      fit % (CLUSTER * TILE_ROWS) == 0);
            cr_assert(fit == rows || fit + CLUSTER * TILE_ROWS > 4096 ||
                      bytes(fit + CLUSTER * TILE_ROWS) > size_t{64} << 20);
        }
    }
    const auto true_shape = [](int64_t rows) { return layout_of(rows, 4096, 65536).all; };
    cr_assert(rows_at_once(1024, size_t{64} << 20, true_shape) == 1024,
              "65,536 x 4,096 at 1024 rows reads its weights once");
}
