#include "kernels/exec/steps.h"

#include "kernels/exec/memory.h"

/* Steps that repay the noting of one, which costs the host about what enqueuing one does. */
enum { GRAPH_LEAST = 3 };

bool assay_steps_served(const assay_runner *runner)
{
    const assay_accelerator *const a = runner->accelerator;
    return a != NULL && ASSAY_ACCELERATOR_HAS(a, next_step) && a->next_step != NULL;
}

assay_status assay_steps_open(assay_steps *steps, const assay_runner *runner, int64_t batch,
                              int64_t count, bool drawn, bool given)
{
    assay_tensor *const all[] = {&steps->step,  &steps->stream, &steps->uniform, &steps->drawn,
                                 &steps->given, &steps->token,  &steps->taken};
    const assay_dtype types[] = {ASSAY_I64, ASSAY_I64, ASSAY_F64, ASSAY_F64,
                                 ASSAY_I64, ASSAY_I32, ASSAY_I32};
    const int64_t rows[] = {1, batch, batch, drawn ? count : 0, given ? count : 0, batch, count};
    const int64_t columns[] = {1, 1, 1, batch, batch, 1, batch};
    enum { COUNT = sizeof all / sizeof all[0], SENT = 5 };
    assay_layout layout = {0};
    *steps = (assay_steps){.runner = runner, .batch = batch, .count = count};
    steps->timing = assay_timing_of(runner->accelerator);
    for (size_t i = 0; i < COUNT; i++) {
        assay_layout_place(&layout, all[i], types[i], rows[i], columns[i]);
        steps->sent_bytes = i + 1 == SENT ? layout.bytes : steps->sent_bytes;
    }
    assay_status status = assay_space_take(runner, layout.bytes, "steps", &steps->there);
    if (status == ASSAY_OK) {
        status = assay_memory_take(&runner->exec, layout.bytes, "steps", &steps->here);
    }
    for (size_t i = 0; i < COUNT && status == ASSAY_OK; i++) {
        assay_layout_settle(steps->there, all[i]);
        assay_space_mark(runner, all[i]);
    }
    return status;
}

static void drop_graph(assay_steps *steps)
{
    if (steps->graph != NULL) {
        /* An error shows at the next call that reports one. */
        (void)steps->timing->graph_close(steps->runner->exec.device.index, steps->graph, NULL);
        steps->graph = NULL;
    }
}

void assay_steps_close(assay_steps *steps)
{
    if (steps->runner == NULL) {
        return;
    }
    assay_space_return(steps->runner, &steps->there); /* which waits for the graph too */
    drop_graph(steps);
    assay_memory_return(&steps->runner->exec, &steps->here);
    *steps = (assay_steps){0};
}

void *assay_steps_here(const assay_steps *steps, const assay_tensor *there)
{
    return (char *)steps->here + ((const char *)there->data - (const char *)steps->there);
}

assay_status assay_steps_send(const assay_steps *steps)
{
    const assay_tensor sent = {.data = steps->there, .dtype = ASSAY_U8, .rank = 1,
                               .shape = {(int64_t)steps->sent_bytes}, .stride = {1}};
    return assay_space_write(steps->runner, steps->here, &sent);
}

static bool is_any(const assay_tensor *table)
{
    return table->shape[0] > 0;
}

assay_status assay_steps_move_on(const assay_steps *steps, const assay_forward *forward,
                                 int64_t rows)
{
    const assay_exec *const exec = &steps->runner->exec;
    const assay_next_step next = {.rows = rows,
                                  .pitch = steps->batch,
                                  .steps = steps->count,
                                  .vocab = forward->model.vocab,
                                  .step = steps->step.data,
                                  .token = steps->token.data,
                                  .given = is_any(&steps->given) ? steps->given.data : NULL,
                                  .drawn = is_any(&steps->drawn) ? steps->drawn.data : NULL,
                                  .taken = steps->taken.data,
                                  .id = forward->id.data,
                                  .position = forward->position.data,
                                  .uniform = steps->uniform.data};
    return steps->runner->accelerator->next_step(exec->device.index, exec->stream, &next,
                                                 exec->error);
}

/* Notes a step; without a graph afterwards where that cannot be done. */
static assay_status note(assay_steps *steps, int64_t rows, assay_step_fn *step, void *context)
{
    const assay_runner *const runner = steps->runner;
    const int32_t device = runner->exec.device.index;
    const assay_accelerator_timing *const timing = steps->timing;
    bool lost = false;
    assay_status status = timing->graph_begin(device, runner->exec.stream, runner->exec.error);
    if (status == ASSAY_OK) {
        const assay_status noted = step(context);
        status = timing->graph_end(device, runner->exec.stream, &steps->graph,
                                   runner->exec.error);
        status = noted != ASSAY_OK ? noted : status;
    }
    if (status == ASSAY_OK) {
        steps->graph_rows = rows;
        return ASSAY_OK;
    }
    drop_graph(steps);
    steps->timing = NULL;
    (void)runner->accelerator->last_error(device, &lost, NULL); /* the attempt's own */
    return lost ? status : ASSAY_OK;
}

assay_status assay_steps_run(assay_steps *steps, int64_t rows, int64_t left, assay_step_fn *step,
                             void *context)
{
    const assay_exec *const exec = &steps->runner->exec;
    if (steps->graph_rows != rows) {
        drop_graph(steps);
    }
    const bool warm = steps->warm_rows == rows;
    steps->warm_rows = rows;
    if (steps->graph == NULL && warm && steps->timing != NULL && left >= GRAPH_LEAST) {
        const assay_status status = note(steps, rows, step, context);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return steps->graph == NULL ? step(context)
                                : steps->timing->graph_launch(exec->device.index, steps->graph,
                                                              exec->stream, exec->error);
}

assay_status assay_steps_read(const assay_steps *steps, int64_t first, int64_t count)
{
    assay_tensor part = steps->taken;
    part.data = (int32_t *)steps->taken.data + first * steps->batch;
    part.shape[0] = count;
    return assay_space_read(steps->runner, &part, assay_steps_here(steps, &part));
}
