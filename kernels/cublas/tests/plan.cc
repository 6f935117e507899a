/* What is decided about a product before the library is asked. */
#include "kernels/cublas/plan.h"

#include <criterion/criterion.h>

using namespace assay_cublas;

Test(plan, every_number_of_rows_has_the_next_power_of_two)
{
    for (int64_t rows = 1; rows <= 3 * ROWS_PLANNED; rows += rows < 5000 ? 1 : 4999) {
        const int bucket = bucket_of(rows);
        cr_assert(bucket >= 0 && bucket < BUCKETS);
        cr_assert(rows_of_bucket(bucket) >= rows || bucket == BUCKETS - 1);
        cr_assert(bucket == 0 || rows_of_bucket(bucket - 1) < rows, "%lld rows", (long long)rows);
    }
    cr_assert(bucket_of(0) == 0);
}

Test(plan, alignment_is_a_power_of_two_that_divides_the_address)
{
    for (uintptr_t address = 1; address < 5000; address++) {
        const uint32_t alignment = alignment_of(reinterpret_cast<const void *>(address));
        cr_assert(alignment >= 1 && alignment <= ALIGNED_MOST);
        cr_assert((alignment & (alignment - 1)) == 0);
        cr_assert(address % alignment == 0);
        cr_assert(alignment == ALIGNED_MOST || address % (2 * alignment) != 0);
    }
}

Test(plan, own_matrices_have_rows_of_whole_vectors)
{
    const assay_dtype types[] = {ASSAY_F32, ASSAY_TF32, ASSAY_BF16, ASSAY_E4M3, ASSAY_I8};
    for (const assay_dtype type : types) {
        const int64_t size = static_cast<int64_t>(assay_dtype_size(type));
        for (int64_t columns = 1; columns < 100; columns++) {
            const int64_t pitch = pitch_of(type, columns);
            cr_assert(pitch >= columns && pitch * size % VECTOR == 0);
            cr_assert((pitch - columns) * size < VECTOR);
        }
    }
}

Test(plan, scratch_is_what_each_generation_is_recommended)
{
    cr_assert(library_bytes(80) == size_t{4} << 20);
    cr_assert(library_bytes(89) == size_t{4} << 20);
    cr_assert(library_bytes(90) == size_t{32} << 20);
    cr_assert(library_bytes(100) == size_t{32} << 20);
    cr_assert(library_bytes(120) == size_t{12} << 20);
}

Test(plan, a_bias_is_the_librarys_in_the_results_type_only)
{
    const Ending plain = ending_of(ASSAY_BF16, ASSAY_BF16, ASSAY_NONE);
    cr_assert(plain.result == ASSAY_BF16 && !plain.epilogue && !plain.finish);
    const Ending same = ending_of(ASSAY_BF16, ASSAY_BF16, ASSAY_BF16);
    cr_assert(same.result == ASSAY_BF16 && same.epilogue && !same.finish);
    const Ending wider = ending_of(ASSAY_BF16, ASSAY_BF16, ASSAY_F32);
    cr_assert(wider.result == ASSAY_F32 && wider.epilogue && wider.finish);
    const Ending kept = ending_of(ASSAY_TF32, ASSAY_F32, ASSAY_F64);
    cr_assert(kept.result == ASSAY_F32 && kept.epilogue && !kept.finish);
    const Ending narrow = ending_of(ASSAY_E4M3, ASSAY_BF16, ASSAY_BF16);
    cr_assert(narrow.result == ASSAY_BF16 && narrow.epilogue && !narrow.finish);
    const Ending to_f32 = ending_of(ASSAY_E4M3, ASSAY_BF16, ASSAY_F32);
    cr_assert(to_f32.result == ASSAY_F32 && !to_f32.epilogue && to_f32.finish);
    const Ending whole_numbers = ending_of(ASSAY_I8, ASSAY_BF16, ASSAY_BF16);
    cr_assert(whole_numbers.result == ASSAY_I32 && !whole_numbers.epilogue &&
              whole_numbers.finish);
}

/* Outer vectors are Hopper's, and since 12.9 the library's: by headers and by what is opened. */
Test(plan, the_library_scales_rows_where_it_can)
{
    for (const int compute : {75, 80, 86, 89, 90, 100, 103, 120}) {
        for (const size_t headers : {size_t{120400}, size_t{120801}, size_t{120900},
                                     size_t{130100}}) {
            for (const size_t opened : {size_t{120400}, size_t{120900}, size_t{130100}}) {
                const bool can = compute == 90 && headers >= 120900 && opened >= 120900;
                cr_assert(scaling_of(true, headers, opened, compute) ==
                          (can ? BY_LIBRARY : BY_KERNEL));
                cr_assert(scaling_of(false, headers, opened, compute) == UNSCALED);
            }
        }
    }
}

Test(plan, sums_that_we_scale_are_f32_and_end_with_us)
{
    for (const assay_dtype bias : {ASSAY_NONE, ASSAY_BF16, ASSAY_F32}) {
        const Ending ours = ending_of(ASSAY_E4M3, ASSAY_BF16, bias, BY_KERNEL);
        cr_assert(ours.result == ASSAY_F32 && !ours.epilogue && ours.finish);
    }
    const Ending library = ending_of(ASSAY_E4M3, ASSAY_BF16, ASSAY_BF16, BY_LIBRARY);
    cr_assert(library.result == ASSAY_BF16 && library.epilogue && !library.finish);
}

Test(plan, the_fastest_that_ran_is_chosen)
{
    const bool ran[] = {true, true, false, true};
    const float time[] = {3.0f, 2.0f, 0.5f, 2.5f};
    cr_assert(best_of(4, ran, time) == 1);
    cr_assert(best_of(4, ran, nullptr) == 0, "without times the best proposed");
    const bool none[] = {false, false};
    cr_assert(best_of(2, none, time) == -1);
    cr_assert(best_of(0, nullptr, nullptr) == -1);
    const float close[] = {2.0f, 1.99f, 0.0f, 1.98f};
    cr_assert(best_of(4, ran, close) == 0, "a difference within the noise decides nothing");
}

Test(plan, what_is_measured_fits_its_memory)
{
    for (size_t row = 1; row < (size_t{1} << 30); row *= 3) {
        const int count = measured_buckets(row, size_t{1} << 28, 8192);
        cr_assert(count == 0 ||
                  static_cast<size_t>(rows_of_bucket(count - 1)) * row <= size_t{1} << 28);
        cr_assert(count == 0 || rows_of_bucket(count - 1) <= 8192);
    }
    cr_assert(measured_buckets(1, 1 << 20, 8192) == 14);
    cr_assert(measured_buckets(size_t{1} << 40, 1 << 20, 8192) == 0);
}

Test(plan, what_is_measured_leaves_a_device_its_memory)
{
    const size_t most = size_t{2} << 30;
    cr_assert(measured_bytes(size_t{141} << 30, most) == most);
    cr_assert(measured_bytes(size_t{4} << 30, most) == size_t{1} << 30);
    cr_assert(measured_bytes(0, most) == 0);
    /* 65,536 outputs of 4,096, bf16 to f32: all powers of two up to 4,096 rows on a large device */
    const size_t row = 4096 * 2 + 65536 * 4;
    cr_assert(rows_of_bucket(measured_buckets(row, most, 8192) - 1) == 4096);
}

/* An encoder of 65,536 latents of 4,096: a batch reads its weights once, up to 2,048 rows. */
Test(plan, encoders_take_large_batches_in_large_pieces)
{
    const size_t row = 4096 * 2 + 65536 * 4 + 34 * 8 + 65536;
    for (const int64_t rows : {1, 64, 1024, 1500, 2048}) {
        cr_assert(rows_that_fit(rows, row, ENCODE_BYTES_MOST) == rows, "%d rows", (int)rows);
    }
    cr_assert(rows_that_fit(1 << 20, 4 * row, ENCODE_BYTES_MOST) >= 512,
              "four times the latents leave pieces that are bound by arithmetic");
}

Test(plan, pieces_fit_their_scratch_or_are_one_row)
{
    cr_assert(rows_that_fit(100, 0, 10) == 100, "no scratch, no pieces");
    cr_assert(rows_that_fit(100, 10, 1000) == 100);
    cr_assert(rows_that_fit(100, 11, 1000) == 90);
    cr_assert(rows_that_fit(100, 5000, 1000) == 1);
    cr_assert(rows_that_fit(0, 5000, 1000) == 0);
}
