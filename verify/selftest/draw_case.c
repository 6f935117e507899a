#include "verify/selftest/draw_case.h"

#include <stdarg.h>
#include <stdio.h>

#include "assay/philox.h"

typedef struct drawing {
    uint64_t seed, number, next;
} drawing;

static int64_t draw(drawing *d, int64_t below)
{
    const assay_philox_block block = assay_philox(d->seed, d->number, d->next++);
    return (int64_t)(block.word[0] % (uint32_t)below);
}

static int64_t pick(drawing *d, const int64_t *list, int64_t count)
{
    return list[draw(d, count)];
}

/* Long sums are rarer: they cost more. */
static int64_t depth(drawing *d)
{
    static const int64_t depths[] = {64, 64, 96, 128, 128, 129, 192, 256, 257, 300, 512, 1000};
    return draw(d, 64) == 0 ? 4096 : pick(d, depths, sizeof depths / sizeof *depths);
}

static const char *data(drawing *d)
{
    static const char *const kinds[] = {"normal", "normal", "normal", "normal", "normal",
                                        "outliers", "outliers", "bos", "ties", "zero-rows"};
    return kinds[draw(d, sizeof kinds / sizeof *kinds)];
}

static const char *weights(drawing *d)
{
    static const char *const types[] = {"bf16", "f32", "f16"};
    return types[draw(d, 3)];
}

static const char *truth_of(int64_t yes)
{
    return yes != 0 ? "true" : "false";
}

typedef struct text {
    char at[1024];
    size_t used;
} text;

static void put(text *t, const char *format, ...) ASSAY_PRINTF(2, 3);

static void put(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int wrote = vsnprintf(t->at + t->used, sizeof t->at - t->used, format, args);
    va_end(args);
    t->used += wrote > 0 ? (size_t)wrote : 0;
}

static void draw_dense(drawing *d, assay_op op, text *t)
{
    static const int64_t widths[] = {64, 256, 500, 1024, 4096};
    static const int64_t dims[] = {32, 64, 128};
    const long long width = pick(d, widths, 5);
    switch (op) {
    case ASSAY_OP_embed:
        put(t, "\"shape\": {\"n\": 128, \"vocab\": 500, \"d\": %lld, \"soft\": 3}", width);
        break;
    case ASSAY_OP_linear:
        put(t, "\"shape\": {\"n\": 64, \"k\": %lld, \"o\": 256}, \"bias\": %s",
            (long long)depth(d), truth_of(draw(d, 2)));
        break;
    case ASSAY_OP_rope:
        put(t, "\"shape\": {\"n\": 64, \"heads\": 4, \"head_dim\": %lld}, \"max_position\": %lld",
            (long long)pick(d, dims, 3), draw(d, 2) ? 100LL : 8000LL);
        break;
    case ASSAY_OP_attention:
        put(t, "\"shape\": {\"heads\": 8, \"kv_heads\": 2, \"head_dim\": %lld}, \"sequences\": "
               "[[0, %lld], [%lld, 2], [%lld, 1]]",
            (long long)pick(d, dims, 3), (long long)(1 + draw(d, 40)), (long long)draw(d, 60),
            (long long)draw(d, 200));
        break;
    case ASSAY_OP_sample:
        put(t, "\"shape\": {\"n\": 8, \"v\": 4099}, \"temperature\": %s",
            draw(d, 2) ? "0.7" : "1.0");
        break;
    default: put(t, "\"shape\": {\"n\": 64, \"d\": %lld}", width); break;
    }
}

static void draw_sae(drawing *d, assay_op op, text *t)
{
    static const char *const modes[] = {"add", "set", "scale", "ablate"};
    const bool topk = draw(d, 3) == 0;
    const long long width = op == ASSAY_OP_sae_encode ? depth(d) : 64 + draw(d, 200);
    put(t, "\"shape\": {\"n\": 64, \"d\": %lld, \"m\": 256}, \"vectors\": %s, \"layer_norm\": %s",
        width, truth_of(draw(d, 2)), truth_of(draw(d, 3) == 0));
    put(t, ", \"bias\": 0, \"activation\": \"%s\", \"k\": 128",
        topk ? "topk" : (draw(d, 2) ? "relu" : "jumprelu"));
    if (op == ASSAY_OP_sae_decode) {
        put(t, ", \"active\": %lld", (long long)(1 + draw(d, 200)));
    } else if (op == ASSAY_OP_sae_steer) {
        put(t, ", \"latent\": %lld, \"mode\": \"%s\"", (long long)draw(d, 256),
            modes[draw(d, 4)]);
    }
}

static void draw_adapter(drawing *d, text *t)
{
    static const char *const types[] = {"identity", "scale_only", "scalar_affine", "full_rank",
                                        "scalar_affine_plus_low_rank", "low_rank_only"};
    put(t, "\"shape\": {\"n\": 64, \"d\": %lld, \"r\": %lld}, \"type\": \"%s\", \"normalize\": %s, "
           "\"mean\": %s", (long long)(64 + draw(d, 200)), (long long)(1 + draw(d, 32)),
        types[draw(d, 6)], truth_of(draw(d, 2)), truth_of(draw(d, 2)));
}

cJSON *assay_draw_case(assay_op op, uint64_t seed, uint64_t number)
{
    drawing d = {seed ^ ((uint64_t)op << 56), number, 0};
    text t = {.used = 0};
    put(&t, "{\"id\": \"%s-%llu\", \"op\": \"%s\", \"data\": \"%s\", ", assay_op_name(op),
        (unsigned long long)number, assay_op_name(op), data(&d));
    /* a scale of 1 leaves normals that are small integers times 2^k: their sums hardly round */
    static const char *const scales[] = {"0.7", "1.3", "3.1", "1"};
    put(&t, "\"scale\": %s, ", scales[draw(&d, 4)]);
    if (op != ASSAY_OP_sample && op != ASSAY_OP_add && op != ASSAY_OP_swiglu &&
        op != ASSAY_OP_rope && op != ASSAY_OP_attention) {
        put(&t, "\"weights\": \"%s\", ", weights(&d));
    }
    if (op == ASSAY_OP_sae_encode || op == ASSAY_OP_sae_decode || op == ASSAY_OP_sae_steer) {
        draw_sae(&d, op, &t);
    } else if (op == ASSAY_OP_adapter) {
        draw_adapter(&d, &t);
    } else {
        draw_dense(&d, op, &t);
    }
    put(&t, "}");
    return cJSON_Parse(t.at);
}
