#include "verify/drawn_model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixtures/io/json_file.h"
#include "fixtures/synth/model_write.h"
#include "fixtures/synth/normal.h"

typedef struct dice {
    uint64_t seed, stream, thrown;
} dice;

/* One of least, least + 1, ... least + count - 1. */
static int64_t throw_dice(dice *d, int64_t least, uint64_t count)
{
    return least + (int64_t)assay_draw_below(d->seed, d->stream, d->thrown++, count);
}

static int64_t draw_head_dim(dice *d)
{
    const int64_t half = throw_dice(d, 3, 10);
    return 2 * ((half & (half - 1)) == 0 ? half + 1 : half); /* no power of two */
}

static assay_model_shape draw_shape(assay_drawn_kind kind, dice *d)
{
    static const double factors[] = {0.0, 8.0, 32.0};
    static const double eps[] = {1e-6, 3e-4};
    const bool wide = kind == ASSAY_DRAWN_WIDE;
    assay_model_shape shape = {.name = "drawn",
                               .title = "Drawn",
                               .version = ASSAY_LLAMA_3_2,
                               .tied = wide,
                               .gain = 1.6};
    shape.layers = wide                       ? 2
                   : kind == ASSAY_DRAWN_FLAT ? throw_dice(d, 3, 2)
                                              : throw_dice(d, 9, 3);
    shape.d_model = throw_dice(d, 33, 20);
    shape.d_ff = throw_dice(d, 65, 30);
    shape.kv_heads = throw_dice(d, 2, 2);
    shape.heads = (wide ? 1 : 3) * shape.kv_heads;
    shape.head_dim = draw_head_dim(d);
    shape.base_vocab = wide ? throw_dice(d, 65536 + 8, 300) : throw_dice(d, 300, 300);
    shape.rope_factor = factors[throw_dice(d, 0, 3)];
    shape.rms_eps = eps[throw_dice(d, 0, 2)];
    return shape;
}

/* The tied matrix stays small; of the others each its own. */
static void draw_types(dice *d, bool tied, assay_plan *plan)
{
    static const assay_dtype types[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F32};
    for (size_t i = 0; i < plan->count; i++) {
        const assay_dtype type = types[throw_dice(d, 0, 3)];
        plan->tensor[i].dtype = tied && i == 0 ? ASSAY_BF16 : type;
    }
}

static assay_status make_folder(char folder[ASSAY_DRAWN_FOLDER], assay_error *error)
{
    const char *const named = getenv("TMPDIR");
    const char *const parent = named != NULL && *named != '\0' ? named : P_tmpdir;
    const int wrote = snprintf(folder, ASSAY_DRAWN_FOLDER, "%s/assay-model-XXXXXX", parent);
    if (wrote >= ASSAY_DRAWN_FOLDER || mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        return assay_fail(error, ASSAY_IO,
                          "%.400s: no folder can be made there: name another in TMPDIR", parent);
    }
    return ASSAY_OK;
}

assay_status assay_drawn_model_make(assay_drawn_kind kind, uint64_t seed, const char *name,
                                    assay_drawn_model *drawn, assay_error *error)
{
    dice d = {seed, assay_stream("verify/drawn/model") ^ assay_stream(name), 0};
    const assay_model_shape shape = draw_shape(kind, &d);
    assay_model_factors factors = {0};
    assay_progress silent = {.shown = false};
    assay_plan plan;
    memset(drawn, 0, sizeof *drawn);
    drawn->first = shape.base_vocab;
    assay_status status = assay_model_plan(&shape, seed ^ d.stream, &factors, &plan, error);
    if (status != ASSAY_OK) {
        return status;
    }
    draw_types(&d, shape.tied, &plan);
    status = make_folder(drawn->folder, error);
    if (status == ASSAY_OK) {
        status = assay_model_write(&shape, &plan, drawn->folder, &silent, error);
    }
    assay_plan_free(&plan);
    assay_model_factors_free(&factors);
    if (status == ASSAY_OK) {
        status = assay_model_open(drawn->folder, &drawn->file, error);
    }
    if (status != ASSAY_OK) {
        assay_drawn_model_release(drawn);
    }
    return status;
}

void assay_drawn_model_release(assay_drawn_model *drawn)
{
    static const char *const files[] = {
        "config.json",    "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",  "special_tokens_map.json"};
    if (drawn->folder[0] == '\0') {
        return;
    }
    assay_model_close(&drawn->file);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *const path = assay_path_join(drawn->folder, files[i]);
        (void)(path != NULL && unlink(path));
        free(path);
    }
    (void)rmdir(drawn->folder);
    drawn->folder[0] = '\0';
}
