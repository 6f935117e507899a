/* Where operands lie, and what is seen of the memory around them. */
#include "isolated.h"

#include <unistd.h>

#include "verify/isolation/extent.h"
#include "verify/isolation/slab.h"
#include "verify/isolation/view.h"

static uint64_t rounded(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

Test(layout, operands_touch_a_guard_and_are_aligned_as_declared_and_no_better)
{
    static const uint64_t sizes[] = {0, 1, 4, 36, 64, 740, 4096, 4100, 8192, 1u << 20};
    for (uint32_t alignment = 1; alignment <= 1u << 15; alignment *= 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assay_slab_layout layout;
            assay_layout_begin(&layout);
            for (int placement = 0; placement < 2; placement++) {
                cr_assert_eq(assay_layout_add(&layout, sizes[i], 4, alignment, true,
                                              (assay_placement)placement, NULL), ASSAY_OK);
            }
            cr_assert(assay_layout_valid(&layout));
            const assay_region *const right = &layout.region[ASSAY_PLACE_RIGHT];
            const assay_region *const left = &layout.region[ASSAY_PLACE_LEFT];
            cr_assert_eq(right->start + rounded(sizes[i], alignment), right->high);
            cr_assert_leq(left->start, left->low + alignment);
            cr_assert_eq(right->start % alignment, 0);
            cr_assert_eq(left->start % alignment, 0);
            /* One of the two shows a kernel that needs twice the alignment. */
            cr_assert((right->start | left->start) % (2 * (uint64_t)alignment) != 0,
                      "%lu bytes at %u", (unsigned long)sizes[i], alignment);
            cr_assert_geq(left->low, right->high + (1u << 20));
            cr_assert_leq(left->start + sizes[i], left->high);
        }
    }
}

Test(layout, what_does_not_fit_is_refused)
{
    assay_slab_layout layout;
    assay_error error = {.message = ""};
    assay_layout_begin(&layout);
    cr_assert_eq(assay_layout_add(&layout, UINT64_MAX / 2, 4, 4, false, ASSAY_PLACE_RIGHT, &error),
                 ASSAY_NO_MEMORY);
    for (int i = 0; i < ASSAY_REGIONS_MAX; i++) {
        cr_assert_eq(assay_layout_add(&layout, 4, 4, 4, false, ASSAY_PLACE_RIGHT, &error),
                     ASSAY_OK);
    }
    cr_assert_eq(assay_layout_add(&layout, 4, 4, 4, false, ASSAY_PLACE_RIGHT, &error),
                 ASSAY_NO_MEMORY);
    cr_assert(assay_layout_valid(&layout));
    layout.region[3].high = layout.region[4].low + 4096;
    cr_assert_not(assay_layout_valid(&layout));
}

Test(extent, reaches_from_the_first_element_to_the_last)
{
    uint64_t bytes = 0;
    assay_error error = {.message = ""};
    assay_tensor t = assay_matrix(&bytes, ASSAY_F32, 3, 5);
    cr_assert_eq(assay_extent(&t, true, "t", &bytes, &error), ASSAY_OK);
    cr_assert_eq(bytes, 60);
    t.stride[0] = 8; /* padded rows */
    cr_assert_eq(assay_extent(&t, true, "t", &bytes, &error), ASSAY_OK);
    cr_assert_eq(bytes, 4 * (2 * 8 + 5));
    t.stride[0] = 1; /* transposed */
    t.stride[1] = 3;
    cr_assert_eq(assay_extent(&t, true, "t", &bytes, &error), ASSAY_OK);
    cr_assert_eq(bytes, 60);
    t.stride[0] = 0; /* broadcast: fine to read, not to write */
    t.stride[1] = 1;
    cr_assert_eq(assay_extent(&t, false, "t", &bytes, &error), ASSAY_OK);
    cr_assert_eq(bytes, 20);
    cr_assert_eq(assay_extent(&t, true, "t", &bytes, &error), ASSAY_BAD_ARGUMENT);
    t.shape[0] = 0;
    t.stride[0] = 5;
    cr_assert_eq(assay_extent(&t, true, "t", &bytes, &error), ASSAY_OK);
    cr_assert_eq(bytes, 0);
    t.shape[0] = INT64_MAX / 2;
    cr_assert_eq(assay_extent(&t, false, "t", &bytes, &error), ASSAY_BAD_ARGUMENT);
    t.shape[0] = -1;
    cr_assert_eq(assay_extent(&t, false, "t", &bytes, &error), ASSAY_BAD_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "'t'"));
}

Test(slab, every_byte_around_an_operand_is_watched)
{
    assay_slab slab;
    assay_slab_layout layout;
    assay_error error = {.message = ""};
    cr_assert_eq(assay_slab_open("test", &slab, &error), ASSAY_OK, "%s", error.message);
    for (int placement = 0; placement < 2; placement++) {
        assay_layout_begin(&layout);
        cr_assert_eq(assay_layout_add(&layout, 740, 1, 4, true, (assay_placement)placement, NULL),
                     ASSAY_OK);
        cr_assert_eq(assay_slab_reserve(&slab, &layout, &error), ASSAY_OK);
        const assay_region *const r = &layout.region[0];
        memset(slab.base + r->start, 7, r->bytes);
        assay_slab_fill(&slab, r);
        for (uint64_t at = r->low; at < r->high; at++) {
            uint64_t before = 0;
            uint64_t behind = 0;
            const uint8_t kept = slab.base[at];
            slab.base[at] = 0;
            assay_slab_damage(&slab, r, &before, &behind);
            cr_assert_eq(before, at < r->start ? r->start - at : 0);
            cr_assert_eq(behind, at >= r->start + r->bytes ? at - r->start - r->bytes + 1 : 0);
            slab.base[at] = kept;
        }
    }
    assay_slab_close(&slab);
    cr_assert_eq(slab.file, -1);
}

Test(slab, digests_tell_every_byte_apart)
{
    uint8_t bytes[700] = {0};
    for (size_t size = 1; size <= sizeof bytes; size += size < 300 ? 1 : 7) {
        const uint64_t whole = assay_digest(bytes, size);
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
            cr_assert_neq(assay_digest(bytes, size), whole);
            bytes[i] ^= 1;
        }
        cr_assert_neq(assay_digest(bytes, size - 1), whole);
    }
}

Test(scratch, is_aligned_filled_and_flush)
{
    assay_scratch scratch = {.low = NULL};
    static const uint64_t sizes[] = {1, 256, 1000, 4096, 5000, 300};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const assay_fill fill = i % 2 == 0 ? ASSAY_FILL_POISON : ASSAY_FILL_HIGH;
        cr_assert_eq(assay_scratch_reserve(&scratch, sizes[i], fill, NULL), ASSAY_OK);
        cr_assert_eq((uintptr_t)scratch.start % 256, 0);
        cr_assert_lt(scratch.low + scratch.room - (scratch.start + sizes[i]), 256);
        cr_assert_eq(scratch.start[0], fill);
        cr_assert_eq(scratch.start[sizes[i] - 1], fill);
        memset(scratch.start, 0, sizes[i]);
        cr_assert_eq(assay_scratch_damage(&scratch), 0);
        if (sizes[i] % 256 != 0) {
            scratch.start[sizes[i]] = 0;
            cr_assert_eq(assay_scratch_damage(&scratch), 1);
        }
    }
    assay_error error = {.message = ""};
    cr_assert_eq(assay_scratch_reserve(&scratch, UINT64_MAX - 5, ASSAY_FILL_POISON, &error),
                 ASSAY_NO_MEMORY);
    assay_scratch_close(&scratch);
}

/* The rows of an output are padded; a kernel that knows nothing of strides writes into it. */
Test(session, padding_between_rows_must_stay)
{
    enum { WIDE = COLUMNS + 3 };
    static float wide[ROWS * WIDE];
    static sum s;
    make_sum(&s);
    for (int i = 0; i < ROWS * WIDE; i++) {
        wide[i] = -2.0f;
    }
    s.io.y.data = wide;
    s.io.y.stride[0] = WIDE;
    assay_session *session = open_session((assay_session_options){.plugin = PLUGIN("deeds")});
    assay_outcome outcome;
    assay_error error;
    const assay_subject subject = {.impl = "good", .op = ASSAY_OP_add, .params = &s.params};
    cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
    cr_assert_eq(assay_session_run(session, &s.io, ASSAY_PLACE_RIGHT, &outcome, &error),
                 ASSAY_OK);
    cr_assert_eq(outcome.verdict, ASSAY_FAIL);
    cr_assert_eq(outcome.check, ASSAY_CHECK_GUARD);
    cr_assert_eq(strncmp(outcome.message, "wrote between the rows of 'y'", 29), 0, "%s",
                 outcome.message);
    cr_assert_eq(wide[0], 0.5f);
    cr_assert_eq(wide[COLUMNS], -2.0f, "padding of the caller's is not copied back");
    assay_session_close(&session);
}

/* Memory of large operands is given back once they are small again; both are right. */
Test(session, sizes_may_change_between_runs)
{
    static const int64_t rows[] = {1, 1000, 3, 70000, 2};
    assay_session *session = open_session((assay_session_options){.threads = 1});
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const size_t count = (size_t)rows[k] * 256;
        float *const a = malloc(count * sizeof *a);
        float *const y = malloc(count * sizeof *y);
        for (size_t i = 0; i < count; i++) {
            a[i] = (float)i;
        }
        const assay_add_params params = {.d = 256};
        const assay_add_io io = {assay_matrix(a, ASSAY_F32, rows[k], 256),
                                 assay_matrix(a, ASSAY_F32, rows[k], 256),
                                 assay_matrix(y, ASSAY_F32, rows[k], 256)};
        const assay_subject subject = {.impl = "scalar", .op = ASSAY_OP_add, .params = &params};
        assay_outcome outcome;
        assay_error error = {.message = ""};
        cr_assert_eq(assay_session_prepare(session, &subject, &outcome, &error), ASSAY_OK);
        for (int placement = 0; placement < 2; placement++) {
            cr_assert_eq(assay_session_run(session, &io, (assay_placement)placement, &outcome,
                                           &error), ASSAY_OK, "%s", error.message);
            cr_assert_eq(outcome.verdict, ASSAY_PASS, "%s", outcome.message);
            for (size_t i = 0; i < count; i++) {
                cr_assert(y[i] == (float)i + (float)i);
            }
        }
        free(a);
        free(y);
    }
    assay_session_close(&session);
}
