/* attention of decode steps, each row a batch of one query, against float64; by the operation where
 * the library has an engine for it, else by the other graph. */
#include "kernels/cudnn/context.h"
#include "kernels/cudnn/emulate/node.h"

#include <criterion/criterion.h>

#include <cmath>
#include <vector>

using namespace assay_cudnn;

namespace {

enum { HEADS = 4, KV_HEADS = 2, DIM = 16, CAPACITY = 24, SEQUENCES = 5 };

struct Step {
    std::vector<int32_t> sequence, position;
};

/* A multiple of 1/64 between -1 and 1, which bf16 holds. */
uint16_t drawn(size_t i)
{
    return assay_f64_to_bf16(static_cast<double>((i * 2654435761u >> 8) % 129) / 64.0 - 1.0);
}

std::vector<uint16_t> draw(size_t count, size_t from)
{
    std::vector<uint16_t> all(count + 8);
    for (size_t i = 0; i < all.size(); i++) {
        all[i] = drawn(i + from);
    }
    return all;
}

uint16_t *aligned(std::vector<uint16_t> &all)
{
    return all.data() + (16 - reinterpret_cast<uintptr_t>(all.data()) % 16) % 16 / 2;
}

double at(const uint16_t *m, int64_t i)
{
    return static_cast<double>(assay_bf16_to_f32(m[i]));
}

/* Caches are compared after the run, when the new keys and values are in them. */
void expect_right(const Step &step, const uint16_t *q, const uint16_t *k, const uint16_t *v,
                  const uint16_t *y)
{
    for (size_t n = 0; n < step.sequence.size(); n++) {
        const int64_t row = static_cast<int64_t>(n);
        const int64_t cache = step.sequence[n] * CAPACITY * KV_HEADS * DIM;
        for (int64_t head = 0; head < HEADS; head++) {
            const int64_t own = (row * HEADS + head) * DIM;
            const int64_t from = cache + head / (HEADS / KV_HEADS) * DIM;
            double sum = 0.0;
            double out[DIM] = {};
            for (int64_t t = 0; t <= step.position[n]; t++) {
                double score = 0.0;
                for (int64_t i = 0; i < DIM; i++) {
                    score += at(q, own + i) * at(k, from + t * KV_HEADS * DIM + i);
                }
                const double weight = std::exp(score / std::sqrt(static_cast<double>(DIM)));
                sum += weight;
                for (int64_t i = 0; i < DIM; i++) {
                    out[i] += weight * at(v, from + t * KV_HEADS * DIM + i);
                }
            }
            for (int64_t i = 0; i < DIM; i++) {
                cr_assert(std::fabs(at(y, own + i) - out[i] / sum) <= 0.01,
                          "row %d, head %d, element %d: %g, not %g", (int)n, (int)head, (int)i,
                          at(y, own + i), out[i] / sum);
            }
        }
    }
}

void run_step(const Step &step)
{
    const int64_t rows = static_cast<int64_t>(step.sequence.size());
    std::vector<uint16_t> q = draw(static_cast<size_t>(rows * HEADS * DIM), 11);
    std::vector<uint16_t> k = draw(static_cast<size_t>(rows * KV_HEADS * DIM), 5000);
    std::vector<uint16_t> v = draw(static_cast<size_t>(rows * KV_HEADS * DIM), 9000);
    std::vector<uint16_t> y(q.size(), 0x7fc0);
    std::vector<uint16_t> k_cache = draw(SEQUENCES * CAPACITY * KV_HEADS * DIM, 20000);
    std::vector<uint16_t> v_cache = draw(SEQUENCES * CAPACITY * KV_HEADS * DIM, 40000);
    const int64_t shape[] = {SEQUENCES, CAPACITY, KV_HEADS * DIM};
    std::vector<int32_t> sequence(step.sequence), position(step.position);
    assay_attention_params params = {};
    params.heads = HEADS;
    params.kv_heads = KV_HEADS;
    params.head_dim = DIM;
    assay_attention_io io = {};
    io.q = assay_matrix(aligned(q), ASSAY_BF16, rows, HEADS * DIM);
    io.k = assay_matrix(aligned(k), ASSAY_BF16, rows, KV_HEADS * DIM);
    io.v = assay_matrix(aligned(v), ASSAY_BF16, rows, KV_HEADS * DIM);
    io.y = assay_matrix(aligned(y), ASSAY_BF16, rows, HEADS * DIM);
    io.sequence = assay_vector(sequence.data(), ASSAY_I32, rows);
    io.position = assay_vector(position.data(), ASSAY_I32, rows);
    io.k_cache = assay_dense(aligned(k_cache), ASSAY_BF16, 3, shape);
    io.v_cache = assay_dense(aligned(v_cache), ASSAY_BF16, 3, shape);
    const assay_kernel kernel = describe_attention<Bf16Flow>();
    assay_error error = {};
    assay_exec exec = {};
    exec.error = &error;
    const assay_attention_functions &run = kernel.run.attention;
    cr_assert(run.supports(&exec.device, &params, &io, &error) == ASSAY_OK, "%s", error.message);
    std::vector<char> workspace(run.workspace(&params, &io) + 256);
    const uintptr_t from = reinterpret_cast<uintptr_t>(workspace.data());
    exec.workspace = workspace.data() + (256 - from % 256);
    exec.workspace_bytes = workspace.size() - 256;
    cr_assert(run.run(&exec, &params, nullptr, &io) == ASSAY_OK, "%s", error.message);
    expect_right(step, aligned(q), aligned(k_cache), aligned(v_cache), aligned(y));
}

const Step all_of_them = {{0, 1, 2, 3, 4}, {0, 23, 7, 11, 1}};
const Step some_out_of_order = {{4, 1, 3}, {9, 2, 0}};
const Step a_short_prompt = {{2, 2, 2, 2}, {3, 4, 5, 6}};
const Step a_long_prompt = {{2, 2, 2, 2, 2, 2, 2}, {0, 1, 2, 3, 4, 5, 6}};

} // namespace

Test(steps, each_row_is_a_batch)
{
    int64_t attended = 0;
    for (const Step &step : {all_of_them, some_out_of_order, a_short_prompt}) {
        run_step(step);
        cr_assert(emulate_dnn::calls.attended == ++attended);
    }
}

Test(steps, a_prompt_takes_the_other_graph)
{
    run_step(a_long_prompt);
    cr_assert(emulate_dnn::calls.attended == 0);
}

/* Found out once, and not again by each run. */
Test(steps, without_an_engine_for_the_operation)
{
    emulate_dnn::attends = false;
    for (const Step &step : {all_of_them, some_out_of_order, a_short_prompt}) {
        run_step(step);
        const int64_t planned = emulate_dnn::calls.planned;
        run_step(step);
        cr_assert(emulate_dnn::calls.attended == 0 && emulate_dnn::calls.planned == planned);
    }
}
