/* What a graph of attention is told of a call's rows. */
#include "kernels/cudnn/ragged.h"

#include <criterion/criterion.h>

#include <vector>

using namespace assay_cudnn;

namespace {

/* Rows of a call: sequence, first position, count. */
struct Part {
    int32_t sequence, first, count;
};

void expect_told(const std::vector<Part> &parts, int64_t sequences, int64_t width)
{
    std::vector<int32_t> sequence, position;
    std::vector<int32_t> rows(static_cast<size_t>(sequences), 0);
    std::vector<int32_t> keys(rows), offset(rows);
    for (const Part &part : parts) {
        const size_t s = static_cast<size_t>(part.sequence);
        rows[s] = part.count;
        keys[s] = part.first + part.count;
        offset[s] = static_cast<int32_t>(static_cast<int64_t>(sequence.size()) * width);
        for (int32_t i = 0; i < part.count; i++) {
            sequence.push_back(part.sequence);
            position.push_back(part.first + i);
        }
    }
    const int64_t count = static_cast<int64_t>(sequence.size());
    std::vector<char> memory(ragged_bytes(sequences), 0x55);
    const Ragged ragged = carve_ragged(sequences, memory.data());
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    const assay_status status =
        make_ragged(&exec, assay_vector(sequence.data(), ASSAY_I32, count),
                    assay_vector(position.data(), ASSAY_I32, count), count, width, sequences,
                    ragged);
    cr_assert(status == ASSAY_OK, "%s", error.message);
    for (size_t s = 0; s < rows.size(); s++) {
        cr_assert(ragged.rows[s] == rows[s], "sequence %d", (int)s);
        cr_assert(ragged.keys[s] == keys[s], "sequence %d", (int)s);
        cr_assert(ragged.offset[s] == offset[s], "sequence %d", (int)s);
    }
    cr_assert(ragged.offset[sequences] == count * width);
}

} // namespace

Test(ragged, a_prompt_alone)
{
    expect_told({{0, 0, 7}}, 1, 64);
}

Test(ragged, one_new_token_each)
{
    expect_told({{0, 5, 1}, {1, 9, 1}, {2, 0, 1}}, 3, 128);
}

Test(ragged, a_mixture_out_of_order_with_sequences_left_out)
{
    expect_told({{4, 3, 5}, {0, 0, 300}, {2, 17, 1}}, 6, 96);
}

Test(ragged, many_sequences)
{
    std::vector<Part> parts;
    for (int32_t s = 0; s < 700; s++) {
        parts.push_back({699 - s, s, s % 3 + 1});
    }
    expect_told(parts, 700, 2);
}
