#include "kernels/quantised/matrix.h"

#include <math.h>
#include <stdlib.h>

/* Element k of line i, where lines are rows or columns. */
static int64_t place(const assay_tensor *weight, bool by_column, int64_t i, int64_t k)
{
    const int axis = by_column ? 1 : 0;
    return i * weight->stride[axis] + k * weight->stride[1 - axis];
}

/* max |w| / (2^(bits-1) - 1) in f32; NaN when a weight is not finite. */
static float scale_of(const float *weight, int64_t count, int32_t bits)
{
    float greatest = 0.0f;
    for (int64_t k = 0; k < count; k++) {
        if (!isfinite(weight[k])) {
            return NAN;
        }
        greatest = fmaxf(greatest, fabsf(weight[k]));
    }
    return greatest / (float)(((int32_t)1 << (bits - 1)) - 1);
}

static void convert(const quantised_form *form, float *line, int64_t count)
{
    if (form->storage != ASSAY_NONE) {
        for (int64_t k = 0; k < count; k++) {
            uint8_t stored[8];
            assay_store(form->storage, stored, 0, (double)line[k]);
            line[k] = (float)assay_load(form->storage, stored, 0);
        }
        return;
    }
    const int64_t size = form->group > 0 ? form->group : count;
    for (int64_t first = 0; first < count; first += size) {
        const int64_t here = scalar_min(size, count - first);
        const float scale = scale_of(line + first, here, form->bits);
        for (int64_t k = first; k < first + here; k++) {
            line[k] = scale == 0.0f ? 0.0f : rintf(line[k] / scale) * scale;
        }
    }
}

assay_status quantised_matrix(const assay_exec *exec, const quantised_form *form,
                              const assay_tensor *weight, bool by_column, assay_tensor *made)
{
    const int64_t lines = weight->shape[by_column ? 1 : 0];
    const int64_t count = weight->shape[by_column ? 0 : 1];
    float *const all = malloc((size_t)(lines * count + 1) * sizeof *all);
    float *const line = malloc((size_t)(count + 1) * sizeof *line);
    if (all == NULL || line == NULL) {
        free(all);
        free(line);
        return assay_fail(exec->error, ASSAY_NO_MEMORY, "no memory for quantised weights");
    }
    *made = assay_matrix(all, ASSAY_F32, weight->shape[0], weight->shape[1]);
    for (int64_t i = 0; i < lines; i++) {
        for (int64_t k = 0; k < count; k++) {
            line[k] = (float)assay_load(weight->dtype, weight->data,
                                        (size_t)place(weight, by_column, i, k));
        }
        convert(form, line, count);
        for (int64_t k = 0; k < count; k++) {
            all[place(made, by_column, i, k)] = line[k];
        }
    }
    free(line);
    return ASSAY_OK;
}

void quantised_release(const assay_exec *exec, void *state)
{
    (void)exec;
    if (state != NULL) {
        free(((assay_tensor *)state)->data);
        free(state);
    }
}
