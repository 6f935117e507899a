/* Plans are made once for a shape, few of a kind are kept, and none goes that may still be run:
 * plans of the emulated library, counted. */
#include "kernels/cudnn/context.h"
#include "kernels/cudnn/emulate/node.h"

#include <criterion/criterion.h>

#include <cstdlib>

using namespace assay_cudnn;

namespace {

enum { WIDTH = 8, ROWS_MOST = 4 * PLANS_KEPT };

assay_error error;

Plan plan_of(int64_t rows, int64_t width = WIDTH, int32_t device = 0)
{
    const NormShape shape = {rows, width, CUDNN_DATA_BFLOAT16, CUDNN_DATA_BFLOAT16};
    const GraphKey key = {device, ASSAY_OP_rmsnorm, {rows, width}};
    Plan plan = {nullptr, 0};
    cr_assert(plan_for(key, build_rms_norm, shape, &plan, &error) == ASSAY_OK, "%s",
              error.message);
    return plan;
}

/* Looks for the plan and runs it, as an op's run does. */
void run(cudaStream_t stream, int64_t rows)
{
    alignas(16) static uint16_t x[ROWS_MOST * WIDTH], weight[WIDTH], y[ROWS_MOST * WIDTH];
    alignas(16) static char workspace[4096];
    float epsilon = 1e-6f;
    assay_exec exec = {};
    exec.stream = stream;
    exec.error = &error;
    begin_run(&exec);
    const Plan plan = plan_of(rows);
    const Binding bindings[] = {
        {ID_X, x}, {ID_WEIGHT, weight}, {ID_EPSILON, &epsilon}, {ID_Y, y}};
    cr_assert(run_bound(&exec, plan, bindings, workspace) == ASSAY_OK, "%s", error.message);
}

cudaStream_t open_stream()
{
    cudaStream_t stream = nullptr;
    cr_assert(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    return stream;
}

/* Plans of rows first .. last; how many were made. */
int64_t made_of(int64_t first, int64_t last)
{
    const int64_t before = emulate_dnn::calls.planned;
    for (int64_t rows = first; rows <= last; rows++) {
        (void)plan_of(rows);
    }
    return emulate_dnn::calls.planned - before;
}

} // namespace

Test(plans, of_one_shape_are_made_once)
{
    const Plan first = plan_of(3);
    cr_assert(emulate_dnn::calls.planned == 1);
    cr_assert(plan_of(3).plan == first.plan && emulate_dnn::calls.planned == 1);
    run(nullptr, 3);
    cr_assert(emulate_dnn::calls.planned == 1);
}

Test(plans, of_shapes_that_differ_in_anything_are_others)
{
    setenv("ASSAY_EMULATED_DEVICES", "2", 1);
    const Plan first = plan_of(3);
    cr_assert(plan_of(4).plan != first.plan && plan_of(3, 16).plan != first.plan);
    cr_assert(plan_of(3, WIDTH, 1).plan != first.plan);
    cr_assert(emulate_dnn::calls.planned == 4);
    cr_assert(plan_of(3).plan == first.plan && emulate_dnn::calls.planned == 4);
}

/* Nine numbers of rows of one shape, and more, stay; those of another shape push nothing out. */
Test(plans, a_batch_of_row_counts_stays)
{
    cr_assert(made_of(1, PLANS_KEPT) == PLANS_KEPT);
    for (int64_t rows = 1; rows <= PLANS_KEPT; rows++) {
        (void)plan_of(rows, 2 * WIDTH);
    }
    cr_assert(made_of(1, PLANS_KEPT) == 0 && emulate_dnn::calls.destroyed == 0);
}

Test(plans, the_one_that_was_run_longest_ago_goes)
{
    (void)made_of(1, PLANS_KEPT);
    run(nullptr, 1);
    (void)plan_of(PLANS_KEPT + 1);
    cr_assert(emulate_dnn::calls.destroyed == 1);
    cr_assert(made_of(1, 1) == 0, "it was run since");
    cr_assert(made_of(3, PLANS_KEPT + 1) == 0);
    cr_assert(made_of(2, 2) == 1, "it was the oldest");
    (void)made_of(1, ROWS_MOST);
    cr_assert(emulate_dnn::calls.planned - emulate_dnn::calls.destroyed == PLANS_KEPT);
}

/* A graph may be replayed at any time: its plans stay, however many others come. */
Test(plans, what_was_captured_stays)
{
    const cudaStream_t stream = open_stream();
    cudaGraph_t graph = nullptr;
    run(stream, 1);
    cr_assert(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    run(stream, 1);
    cr_assert(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    const Plan captured = plan_of(1);
    run(stream, 2);
    (void)made_of(3, ROWS_MOST);
    cr_assert(emulate_dnn::calls.destroyed > 0);
    cr_assert(made_of(1, 1) == 0 && plan_of(1).plan == captured.plan);
    cr_assert(cudaGraphDestroy(graph) == cudaSuccess);
}

/* Rows that nobody asked about, in a capture: waiting for the device would end it. */
Test(plans, nothing_goes_while_a_stream_is_captured)
{
    const cudaStream_t stream = open_stream();
    cudaGraph_t graph = nullptr;
    (void)made_of(1, PLANS_KEPT);
    cr_assert(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    for (int64_t rows = PLANS_KEPT + 1; rows < PLANS_KEPT + 5; rows++) {
        run(stream, rows);
    }
    (void)plan_of(PLANS_KEPT + 5);
    cr_assert(emulate_dnn::calls.destroyed == 0);
    cr_assert(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    run(stream, 1);
    (void)plan_of(PLANS_KEPT + 6);
    cr_assert(emulate_dnn::calls.destroyed == 2, "one too many since, and one for the new one");
    cr_assert(made_of(PLANS_KEPT + 1, PLANS_KEPT + 4) == 0, "what was captured stays");
    cr_assert(cudaGraphDestroy(graph) == cudaSuccess);
}
