#include "bench/peer_operands.h"

#include <errno.h>
#include <unistd.h>

#include "bench/stage_cost.h"
#include "bench/step_call.h"
#include "kernels/exec/stage.h"
#include "verify/stage_judge.h"

assay_status assay_peer_operands_clear(const assay_peer_operands *o, assay_error *error)
{
    return ftruncate(o->file, 0) == 0 && lseek(o->file, 0, SEEK_SET) == 0
               ? ASSAY_OK
               : assay_fail(error, ASSAY_IO, "a peer's shared memory: %s", strerror(errno));
}

static assay_status put(const assay_peer_operands *o, const char *name, const assay_tensor *tensor,
                        cJSON *list, assay_error *error)
{
    if (!assay_present(tensor)) {
        return ASSAY_OK;
    }
    return assay_is_dense(tensor)
               ? assay_bench_put_tensor(name, tensor, o->file, list, error)
               : assay_fail(error, ASSAY_UNSUPPORTED, "'%s' is strided, which peers are not given",
                            name);
}

static assay_status put_sae(const assay_peer_operands *o, const assay_sae *sae, cJSON *request,
                            cJSON *list, assay_error *error)
{
    static const char *const words[] = {"relu", "jumprelu", "topk"};
    const struct {
        const char *name;
        const assay_tensor *tensor;
    } parts[] = {{"encoder", &sae->encoder},           {"decoder", &sae->decoder},
                 {"pre_bias", &sae->pre_bias},         {"encode_scale", &sae->encode_scale},
                 {"encode_bias", &sae->encode_bias},   {"gate", &sae->gate},
                 {"threshold", &sae->threshold},       {"decode_scale", &sae->decode_scale},
                 {"decode_bias", &sae->decode_bias}};
    cJSON *const params = cJSON_AddObjectToObject(request, "params");
    (void)cJSON_AddStringToObject(params, "activation", words[sae->activation]);
    (void)cJSON_AddNumberToObject(params, "k", (double)sae->k);
    (void)cJSON_AddBoolToObject(params, "layer_norm", sae->layer_norm);
    (void)cJSON_AddNumberToObject(params, "d_sae", (double)sae->d_sae);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ASSAY_OK; i++) {
        status = put(o, parts[i].name, parts[i].tensor, list, error);
    }
    return status;
}

static void put_attention(const assay_attention_params *attention, cJSON *request)
{
    cJSON *const params = cJSON_AddObjectToObject(request, "params");
    (void)cJSON_AddNumberToObject(params, "heads", (double)attention->heads);
    (void)cJSON_AddNumberToObject(params, "kv_heads", (double)attention->kv_heads);
    (void)cJSON_AddNumberToObject(params, "head_dim", (double)attention->head_dim);
}

/* An explanation's adapter: tensors where they are there, and which of the formulas it is. */
static assay_status put_adapter(const assay_peer_operands *o, cJSON *params, cJSON *request,
                                assay_error *error)
{
    static const char *const types[] = {
        [ASSAY_ADAPTER_IDENTITY] = "identity",
        [ASSAY_ADAPTER_SCALE_ONLY] = "scale_only",
        [ASSAY_ADAPTER_SCALAR_AFFINE] = "scalar_affine",
        [ASSAY_ADAPTER_SCALAR_AFFINE_PLUS_LOW_RANK] = "scalar_affine_plus_low_rank",
        [ASSAY_ADAPTER_LOW_RANK_ONLY] = "low_rank_only",
        [ASSAY_ADAPTER_FULL_RANK] = "full_rank"};
    const assay_adapter_params *const adapter = &o->params.explain.adapter;
    const struct {
        const char *name;
        const assay_tensor *tensor;
    } parts[] = {{"mean", &adapter->mean}, {"log_scale", &adapter->log_scale},
                 {"bias", &adapter->bias}, {"u", &adapter->u},
                 {"v", &adapter->v},       {"weight", &adapter->weight}};
    cJSON *const list = cJSON_AddArrayToObject(request, "tensors");
    (void)cJSON_AddStringToObject(params, "adapter", types[adapter->type]);
    (void)cJSON_AddBoolToObject(params, "normalize_input", adapter->normalize_input);
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ASSAY_OK; i++) {
        status = put(o, parts[i].name, parts[i].tensor, list, error);
    }
    return status;
}

static assay_status put_stage(assay_peer_operands *o, const cJSON *json, cJSON *request,
                              assay_error *error)
{
    static const char *const kinds[] = {
        [ASSAY_HOOK_EMBED] = "embed",       [ASSAY_HOOK_INPUT] = "input",
        [ASSAY_HOOK_OUTPUT] = "output",     [ASSAY_HOOK_ATTN_OUT] = "attn_out",
        [ASSAY_HOOK_MLP_IN] = "mlp_in",     [ASSAY_HOOK_MLP_OUT] = "mlp_out",
        [ASSAY_HOOK_FINAL_NORM] = "final_norm"};
    cJSON *const params = cJSON_AddObjectToObject(request, "params");
    assay_status status = assay_stage_case_read(json, &o->read, error);
    if (status == ASSAY_OK && o->model.model.vocab == 0) {
        status = assay_model_open(o->read.checkpoint, &o->model, error);
    }
    if (status == ASSAY_OK) {
        status = assay_stage_params_make(&o->read, &o->model.model, &o->arena, &o->params, error);
    }
    if (status == ASSAY_OK) {
        const assay_hook *const hook = &o->params.capture.hook;
        (void)cJSON_AddStringToObject(params, "checkpoint", o->read.checkpoint);
        (void)cJSON_AddStringToObject(params, "hook", kinds[hook->kind]);
        (void)cJSON_AddNumberToObject(params, "layer", (double)hook->layer);
        (void)cJSON_AddNumberToObject(params, "new_tokens", (double)o->read.new_tokens);
    }
    return status == ASSAY_OK && o->measure->entry->op == ASSAY_OP_explain
               ? put_adapter(o, params, request, error)
               : status;
}

assay_status assay_peer_weights(assay_peer_operands *o, const cJSON *json, cJSON *request,
                                assay_error *error)
{
    const assay_measure *const m = o->measure;
    const assay_generated_case *weights = NULL;
    if (m->entry->stage) {
        return put_stage(o, json, request, error);
    }
    const assay_status status = assay_check_weights(m->check, json, &weights, error);
    if (status != ASSAY_OK) {
        return status;
    }
    cJSON *const list = cJSON_AddArrayToObject(request, "tensors");
    switch (m->entry->op) {
    case ASSAY_OP_linear: {
        const assay_linear_params *const linear = &weights->as.linear.params;
        const assay_status first = put(o, "weight", &linear->weight, list, error);
        return first == ASSAY_OK ? put(o, "bias", &linear->bias, list, error) : first;
    }
    case ASSAY_OP_sae_encode:
        return put_sae(o, &weights->as.sae_encode.params.sae, request, list, error);
    case ASSAY_OP_sae_decode:
        return put_sae(o, &weights->as.sae_decode.params.sae, request, list, error);
    case ASSAY_OP_attention:
        put_attention(&weights->as.attention.params, request);
        return ASSAY_OK;
    default:
        return assay_fail(error, ASSAY_UNSUPPORTED, "peers are not asked for %s",
                          assay_op_name(m->entry->op));
    }
}

/* Outputs as far as their size is known: an encoder's lists are as long as what they will hold. */
static double output_bytes(assay_op op, const void *io)
{
    double bytes = 0.0;
    for (const assay_operand *operand = assay_operands(op); operand->name != NULL; operand++) {
        const assay_tensor *const tensor = assay_operand_in(io, operand);
        const bool sized = op != ASSAY_OP_sae_encode || strcmp(operand->name, "row_offsets") == 0;
        if (!operand->input && tensor->rank > 0 && sized) {
            bytes += (double)assay_count(tensor) * (double)assay_dtype_size(tensor->dtype);
        }
    }
    return bytes;
}

/* Floors count what any implementation must read and write, whatever the peer says it does. */
static void work_of(assay_peer_operands *o, const assay_generated_case *built)
{
    const void *const io = assay_built_io(built);
    const assay_op op = o->measure->entry->op;
    const assay_cost cost = assay_bench_cost(op, assay_built_params(built), io);
    assay_bench_work *const work = &o->work;
    memset(work, 0, sizeof *work);
    work->rows = (double)assay_bench_rows(op, io);
    work->flops = cost.flops;
    work->bytes_read = work->declared_bytes_read = cost.bytes_read;
    work->bytes_written = output_bytes(op, io);
    if (op == ASSAY_OP_sae_decode) {
        const assay_tensor *const offsets = &built->as.sae_decode.io.codes.row_offsets;
        work->latents_per_row = assay_at1(offsets, (int64_t)work->rows) / work->rows;
    }
}

assay_status assay_peer_batch(assay_peer_operands *o, const cJSON *json, assay_error *error)
{
    const assay_measure *const m = o->measure;
    cJSON_Delete(o->json);
    o->json = cJSON_Duplicate(json, true);
    if (!m->entry->stage) {
        assay_generated_case built;
        const assay_status status = assay_check_inputs(
            m->check, o->json, m->kernel->precision.output, 1, &built, error);
        if (status == ASSAY_OK) {
            work_of(o, &built);
            assay_generated_case_free(&built);
        }
        return status;
    }
    assay_stage_contracts room;
    const assay_table *const contracts = assay_stage_contracts_of(m->table, m->entry->op, &room);
    assay_arena_free(&o->arena);
    memset(&o->arena, 0, sizeof o->arena);
    assay_status status = assay_stage_case_read(o->json, &o->read, error);
    if (status == ASSAY_OK) {
        status = assay_stage_operands_make(&o->read, &o->model.model,
                                           assay_table_activation(contracts), &o->arena,
                                           &o->operands, error);
    }
    const assay_stage_size size = {.op = m->entry->op,
                                   .batch = o->read.batch,
                                   .tokens = o->operands.rows,
                                   .shared = o->operands.shared,
                                   .new_tokens = o->read.new_tokens,
                                   .hook = o->params.capture.hook};
    assay_stage_work(&o->model.model, &size, &o->work);
    return status;
}

static assay_status put_step(assay_peer_operands *o, uint64_t seed, cJSON *list, assay_error *error)
{
    const assay_measure *const m = o->measure;
    assay_generated_case built;
    assay_status status = assay_check_inputs(m->check, o->json, m->kernel->precision.output, seed,
                                             &built, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const assay_operand *operand = assay_operands(m->entry->op);
    for (; operand->name != NULL && status == ASSAY_OK; operand++) {
        if (operand->input) {
            status = put(o, operand->name, assay_operand_in(assay_built_io(&built), operand), list,
                         error);
        }
    }
    assay_generated_case_free(&built);
    return status;
}

static assay_status put_prompts(assay_peer_operands *o, uint64_t seed, cJSON *list,
                                assay_error *error)
{
    const assay_op op = o->measure->entry->op;
    const assay_capture_io *const capture = &o->operands.capture;
    const assay_generate_io *const generate = &o->operands.generate;
    const assay_explain_io *const explain = &o->operands.explain;
    const struct {
        assay_op op;
        const char *name;
        const assay_tensor *tensor;
    } parts[] = {{ASSAY_OP_capture, "tokens", &capture->tokens},
                 {ASSAY_OP_capture, "lengths", &capture->lengths},
                 {ASSAY_OP_generate, "tokens", &generate->tokens},
                 {ASSAY_OP_generate, "lengths", &generate->lengths},
                 {ASSAY_OP_explain, "vectors", &explain->vectors},
                 {ASSAY_OP_explain, "prompt", &explain->prompt},
                 {ASSAY_OP_explain, "placeholder", &explain->placeholder}};
    assay_status status = assay_stage_operands_renew(&o->operands, seed, error);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ASSAY_OK; i++) {
        if (parts[i].op == op) {
            status = put(o, parts[i].name, parts[i].tensor, list, error);
        }
    }
    return status;
}

assay_status assay_peer_inputs(assay_peer_operands *o, uint64_t seed, cJSON *list,
                               assay_error *error)
{
    const off_t before = lseek(o->file, 0, SEEK_CUR);
    cJSON *const set = cJSON_CreateArray();
    (void)cJSON_AddItemToArray(list, set);
    const assay_status status = o->measure->entry->stage ? put_prompts(o, seed, set, error)
                                                         : put_step(o, seed, set, error);
    o->set_bytes = (double)(lseek(o->file, 0, SEEK_CUR) - before);
    return status;
}

void assay_peer_operands_free(assay_peer_operands *o)
{
    cJSON_Delete(o->json);
    o->json = NULL;
    assay_arena_free(&o->arena);
    memset(&o->arena, 0, sizeof o->arena);
    assay_model_close(&o->model);
}
