/* Each fusion writes what its ops write in turn, bit for bit: shapes that fill no octet, warp, tile
 * or grid, weights of all types, biases, and numbers that are none. */
#include "fused.h"

static assay_plugin plugin;

static void open_module(void)
{
    plugin = fused_open(fused_modules[0]);
}

static void close_module(void)
{
    assay_plugin_close(&plugin);
}

static const assay_dtype weight_types[] = {ASSAY_BF16, ASSAY_F32, ASSAY_F16};

/* Activations with some that are no numbers, in a row of their own if there are several. */
static assay_tensor activations(const assay_table *table, int64_t rows, int64_t columns,
                                uint64_t seed)
{
    const assay_tensor x = random_matrix(assay_table_activation(table), rows, columns, seed, 1.0);
    if (rows > 1) {
        assay_put2(&x, 1, columns - 1, seed % 2 == 0 ? NAN : INFINITY);
    }
    return x;
}

static assay_tensor copy_of(const assay_tensor *x)
{
    const assay_tensor y = blank(x->dtype, x->shape[0], x->shape[1]);
    memcpy(y.data, x->data, (size_t)assay_count(x) * assay_dtype_size(x->dtype));
    return y;
}

static assay_tensor poisoned(const assay_table *table, int64_t rows, int64_t columns)
{
    const assay_tensor y = blank(assay_table_activation(table), rows, columns);
    poison(&y);
    return y;
}

#define CALL_OP(table, op, params, state, io)                                                      \
    do {                                                                                           \
        assay_error said_;                                                                         \
        const assay_exec exec_ = host_exec(1, &said_);                                             \
        cr_assert_eq((table)->kernel[ASSAY_OP_##op]->run.op.run(&exec_, (params), (state), (io)),  \
                     ASSAY_OK, "%s", said_.message);                                               \
    } while (0)

#define CALL_FUSION(table, fusion, steps, io)                                                      \
    do {                                                                                           \
        assay_error said_;                                                                         \
        assay_exec exec_ = host_exec(1, &said_);                                                   \
        const assay_##fusion##_functions *const own_ = &(table)->fusions->fusion;                  \
        cr_assert_eq(own_->supports(&exec_.device, (steps), (io), &said_), ASSAY_OK, "%s",         \
                     said_.message);                                                               \
        exec_.workspace_bytes = own_->workspace != NULL ? own_->workspace((steps), (io)) : 0;      \
        exec_.workspace = guarded(exec_.workspace_bytes);                                          \
        cr_assert_eq(own_->run(&exec_, (steps), (io)), ASSAY_OK, "%s", said_.message);             \
    } while (0)

static void add_rmsnorm(const assay_table *table, int64_t rows, int64_t d, assay_dtype weight)
{
    const assay_add_params add = {.d = d};
    const assay_rmsnorm_params norm = {.weight = random_vector(weight, d, 3, 1.0), .eps = 1e-5};
    const assay_tensor a = activations(table, rows, d, 1);
    const assay_add_io first = {.a = a,
                                .b = activations(table, rows, d, 2),
                                .y = poisoned(table, rows, d)};
    const assay_rmsnorm_io then = {.x = first.y, .y = poisoned(table, rows, d)};
    const assay_add_rmsnorm_steps steps = {.add = {&add, NULL}, .norm = {&norm, NULL}};
    CALL_OP(table, add, &add, NULL, &first);
    CALL_OP(table, rmsnorm, &norm, NULL, &then);
    for (int over = 0; over < 2; over++) { /* sum beside a, and sum over it */
        assay_add_rmsnorm_io io = {.a = copy_of(&a), .b = first.b, .y = poisoned(table, rows, d)};
        io.sum = over != 0 ? io.a : poisoned(table, rows, d);
        CALL_FUSION(table, add_rmsnorm, &steps, &io);
        cr_assert(same_bits(&io.sum, &first.y), "%s: sum of %ld x %ld", table->name, (long)rows,
                  (long)d);
        cr_assert(same_bits(&io.y, &then.y), "%s: norm of %ld x %ld", table->name, (long)rows,
                  (long)d);
    }
}

Test(fusions, add_and_norm_are_both, .init = open_module, .fini = close_module)
{
    const int64_t widths[] = {1, 7, 33, 64, 2056, 4104};
    for (int i = 0; i < FUSED_IMPLS; i++) {
        const assay_table table = fused_table(&plugin, fused_impls[i]);
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            add_rmsnorm(&table, 1, widths[w], weight_types[w % 3]);
            add_rmsnorm(&table, 3, widths[w], weight_types[(w + 1) % 3]);
        }
    }
}

static assay_linear_params layer_of(assay_dtype type, int64_t outputs, int64_t depth, uint64_t seed,
                                    bool bias)
{
    return (assay_linear_params){.weight = random_matrix(type, outputs, depth, seed, 0.3),
                                 .bias = bias ? random_vector(ASSAY_F32, outputs, seed + 1, 1.0)
                                              : (assay_tensor){0}};
}

static void linears(const assay_table *table, int64_t rows, int64_t depth, const int64_t *outputs,
                    int32_t count, int types)
{
    assay_linear_params params[ASSAY_LINEARS_MAX] = {0};
    assay_tensor truth[ASSAY_LINEARS_MAX];
    assay_linears_steps steps = {.count = count};
    assay_linears_io io = {.x = activations(table, rows, depth, 4)};
    for (int i = 0; i < count; i++) {
        params[i] = layer_of(weight_types[types == 3 ? i : types], outputs[i], depth,
                             20 + 2 * (uint64_t)i, (rows + i) % 2 == 0);
        const assay_linear_io one = {.x = io.x, .y = poisoned(table, rows, outputs[i])};
        CALL_OP(table, linear, &params[i], NULL, &one);
        truth[i] = one.y;
        steps.linear[i].params = &params[i];
        io.y[i] = poisoned(table, rows, outputs[i]);
    }
    CALL_FUSION(table, linears, &steps, &io);
    for (int i = 0; i < count; i++) {
        cr_assert(same_bits(&io.y[i], &truth[i]), "%s: output %d of %d, %ld rows of %ld",
                  table->name, i, count, (long)rows, (long)depth);
    }
}

static const int64_t row_counts[] = {1, 3, 8, 9, 65, 200}; /* few, a tile, more than a grid's */
static const int64_t depths[] = {1, 7, 64, 72, 520};
enum { ROW_COUNTS = sizeof row_counts / sizeof *row_counts, DEPTHS = sizeof depths / sizeof *depths };

Test(fusions, linears_are_each_of_them, .init = open_module, .fini = close_module)
{
    const int64_t outputs[][ASSAY_LINEARS_MAX] = {{32, 16, 16}, {1, 65, 9}, {7, 1, 130}};
    for (int i = 0; i < FUSED_IMPLS; i++) {
        const assay_table table = fused_table(&plugin, fused_impls[i]);
        for (int r = 0; r < ROW_COUNTS; r++) {
            for (int d = 0; d < DEPTHS; d++) {
                const int k = r + d;
                linears(&table, row_counts[r], depths[d], outputs[k % 3], 2 + k % 2, (k + i) % 4);
            }
        }
    }
}

static void gated(const assay_table *table, int64_t rows, int64_t depth, int64_t width, int types)
{
    const assay_linear_params gate =
        layer_of(weight_types[types], width, depth, 40, rows % 2 == 0);
    const assay_linear_params up =
        layer_of(weight_types[rows == 3 ? 2 : types], width, depth, 50, width % 2 == 0);
    const assay_swiglu_params swiglu = {.d = width};
    const assay_gate_up_swiglu_steps steps = {.gate = {&gate, NULL}, .up = {&up, NULL},
                                              .swiglu = {&swiglu, NULL}};
    const assay_gate_up_swiglu_io io = {.x = activations(table, rows, depth, 6),
                                        .y = poisoned(table, rows, width)};
    const assay_linear_io first = {.x = io.x, .y = poisoned(table, rows, width)};
    const assay_linear_io second = {.x = io.x, .y = poisoned(table, rows, width)};
    const assay_swiglu_io then = {.gate = first.y, .up = second.y, .y = first.y};
    CALL_OP(table, linear, &gate, NULL, &first);
    CALL_OP(table, linear, &up, NULL, &second);
    CALL_OP(table, swiglu, &swiglu, NULL, &then);
    CALL_FUSION(table, gate_up_swiglu, &steps, &io);
    cr_assert(same_bits(&io.y, &then.y), "%s: %ld rows, %ld -> %ld", table->name, (long)rows,
              (long)depth, (long)width);
}

Test(fusions, gate_and_up_are_gated, .init = open_module, .fini = close_module)
{
    const int64_t widths[] = {1, 9, 64, 70};
    for (int i = 0; i < FUSED_IMPLS; i++) {
        const assay_table table = fused_table(&plugin, fused_impls[i]);
        for (int r = 0; r < ROW_COUNTS; r++) {
            for (int d = 0; d < DEPTHS; d++) {
                gated(&table, row_counts[r], depths[d], widths[(r + d) % 4], (r + d) % 3);
            }
        }
    }
}

enum { SEQUENCES = 3, CAPACITY = 70 }; /* more positions than one part has under the emulator */

typedef struct rows_of_call {
    assay_tensor sequence, position;
    int64_t count, last;
} rows_of_call;

/* A whole prompt, a few rows behind earlier ones, one row late in its sequence. */
static rows_of_call mixture(void)
{
    const int64_t from[SEQUENCES] = {0, 5, CAPACITY - 1};
    const int64_t length[SEQUENCES] = {4, 3, 1};
    rows_of_call made = {.sequence = blank_vector(ASSAY_I32, 8),
                         .position = blank_vector(ASSAY_I32, 8),
                         .last = CAPACITY - 1};
    for (int64_t s = 0; s < SEQUENCES; s++) {
        for (int64_t t = 0; t < length[s]; t++) {
            assay_put1(&made.sequence, made.count, (double)s);
            assay_put1(&made.position, made.count++, (double)(from[s] + t));
        }
    }
    return made;
}

static assay_tensor cache(const assay_table *table, int64_t width, uint64_t seed)
{
    const int64_t shape[3] = {SEQUENCES, CAPACITY, width};
    const assay_dtype type = assay_table_activation(table);
    return assay_dense(random_matrix(type, SEQUENCES * CAPACITY, width, seed, 1.0).data, type, 3,
                       shape);
}

static void rope_attention(const assay_table *table, int64_t heads, int64_t kv_heads,
                           int64_t head_dim)
{
    double frequency[64];
    for (int64_t i = 0; i < head_dim / 2; i++) {
        frequency[i] = pow(0.7, (double)i);
    }
    const assay_rope_params rope = {.head_dim = head_dim, .inverse_frequency = frequency};
    const assay_attention_params attention = {heads, kv_heads, head_dim};
    const assay_kernel *const turning = table->kernel[ASSAY_OP_rope];
    const rows_of_call rows = mixture();
    const assay_tensor q = activations(table, rows.count, heads * head_dim, 60);
    const assay_tensor k = activations(table, rows.count, kv_heads * head_dim, 61);
    assay_attention_io io[2];
    assay_error error;
    assay_exec exec = host_exec(1, &error);
    void *state = NULL;
    cr_assert_eq(turning->run.rope.prepare(&exec, &rope, &state), ASSAY_OK, "%s", error.message);
    for (int f = 0; f < 2; f++) {
        io[f] = (assay_attention_io){.q = copy_of(&q),
                                     .k = copy_of(&k),
                                     .v = activations(table, rows.count, kv_heads * head_dim, 62),
                                     .sequence = rows.sequence,
                                     .position = rows.position,
                                     .k_cache = cache(table, kv_heads * head_dim, 63),
                                     .v_cache = cache(table, kv_heads * head_dim, 64),
                                     .max_position = rows.last};
        io[f].y = f == 0 ? io[f].q : poisoned(table, rows.count, heads * head_dim);
    }
    const assay_rope_attention_steps steps = {.rope = {&rope, state}, .attention = {&attention, NULL}};
    CALL_FUSION(table, rope_attention, &steps, &io[0]);
    const assay_rope_io turn_q = {.x = io[1].q, .position = rows.position, .y = io[1].q};
    const assay_rope_io turn_k = {.x = io[1].k, .position = rows.position, .y = io[1].k};
    CALL_OP(table, rope, &rope, state, &turn_q);
    CALL_OP(table, rope, &rope, state, &turn_k);
    exec.workspace_bytes =
        table->kernel[ASSAY_OP_attention]->run.attention.workspace(&attention, &io[1]);
    exec.workspace = guarded(exec.workspace_bytes);
    cr_assert_eq(table->kernel[ASSAY_OP_attention]->run.attention.run(&exec, &attention, NULL,
                                                                      &io[1]), ASSAY_OK);
    turning->release(&exec, state);
    cr_assert(same_bits(&io[0].k_cache, &io[1].k_cache), "%s: keys", table->name);
    cr_assert(same_bits(&io[0].v_cache, &io[1].v_cache), "%s: values", table->name);
    cr_assert(same_bits(&io[0].y, &io[1].y), "%s: %ld of %ld heads of %ld", table->name,
              (long)kv_heads, (long)heads, (long)head_dim);
}

Test(fusions, rotation_and_attention_are_both, .init = open_module, .fini = close_module)
{
    for (int i = 0; i < FUSED_IMPLS; i++) {
        const assay_table table = fused_table(&plugin, fused_impls[i]);
        rope_attention(&table, 4, 2, 8);
        rope_attention(&table, 3, 3, 6);
        rope_attention(&table, 5, 1, 2);
        rope_attention(&table, 12, 2, 40);
    }
}
