/* What a peer says of itself: implementations, their ops and their contracts. */
#include <stdlib.h>

#include "bench/outputs.h"
#include "bench/peers.h"

enum { IMPLEMENTATIONS_MOST = 64 };

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static assay_status refuse(const assay_peer *peer, const char *key, const char *expected,
                           assay_error *error)
{
    return assay_fail(error, ASSAY_BAD_INPUT, "peer '%s': hello: key '%s': expected %s",
                      peer->name, key, expected);
}

/* A name that can stand in results, file names and globs. */
static bool good_name(const char *name)
{
    const size_t length = name != NULL ? strlen(name) : 0;
    return length > 0 && length < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               length;
}

static const char *keep(assay_peer *peer, const char *prefix, const char *text)
{
    char *copy = NULL;
    char **const grown = realloc(peer->text, (peer->text_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    peer->text = grown;
    if (asprintf(&copy, "%s%s", prefix, text) < 0) {
        return NULL;
    }
    peer->text[peer->text_count++] = copy;
    return copy;
}

static bool read_type(const cJSON *json, const char *key, assay_dtype *type)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(json, key);
    *type = ASSAY_NONE;
    return item == NULL || cJSON_IsNull(item) ||
           assay_outputs_dtype(cJSON_GetStringValue(item), type);
}

static assay_status read_precision(const assay_peer *peer, const cJSON *json,
                                   assay_precision *precision, assay_error *error)
{
    const cJSON *const bits = cJSON_GetObjectItemCaseSensitive(json, "accumulate_bits");
    const struct {
        const char *key;
        assay_dtype *type;
    } types[] = {{"storage", &precision->storage},
                 {"multiply", &precision->multiply},
                 {"intermediate", &precision->intermediate},
                 {"output", &precision->output},
                 {"angle", &precision->angle}};
    memset(precision, 0, sizeof *precision);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!read_type(json, types[i].key, types[i].type)) {
            return refuse(peer, types[i].key, "f64, f32, bf16 or f16 in a precision", error);
        }
    }
    if (precision->output == ASSAY_NONE) {
        return refuse(peer, "output", "the type of activations in a precision", error);
    }
    if (!cJSON_IsNumber(bits) || bits->valuedouble < 2.0 || bits->valuedouble > 53.0) {
        return refuse(peer, "accumulate_bits", "2 to 53 significand bits in a precision", error);
    }
    precision->accumulate = (assay_accumulator){.bits = (int32_t)bits->valuedouble, .block = 1};
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "flush"))) {
        precision->flush = ASSAY_FLUSH_IN | ASSAY_FLUSH_ACCUMULATE | ASSAY_FLUSH_OUT;
    }
    return ASSAY_OK;
}

static bool op_named(const char *name, assay_op *op)
{
    for (int i = 0; i < ASSAY_OP_COUNT; i++) {
        if (name != NULL && strcmp(name, assay_op_name((assay_op)i)) == 0) {
            *op = (assay_op)i;
            return true;
        }
    }
    return false;
}

/* Where it computes, by which its floors are found: "host" unless it says "cuda". */
static bool read_space(const cJSON *json, assay_space *space)
{
    const char *const word = text_of(json, "space");
    *space = word != NULL && strcmp(word, "cuda") == 0 ? ASSAY_CUDA : ASSAY_HOST;
    return word == NULL ? cJSON_GetObjectItemCaseSensitive(json, "space") == NULL
                        : *space == ASSAY_CUDA || strcmp(word, "host") == 0;
}

/* One implementation: a table whose kernels share its contract. */
static assay_status read_one(assay_peer *peer, const cJSON *json, assay_table *table,
                             assay_error *error)
{
    const char *const name = text_of(json, "name");
    const cJSON *const ops = cJSON_GetObjectItemCaseSensitive(json, "ops");
    assay_precision precision;
    assay_space space = ASSAY_HOST;
    if (!read_space(json, &space)) {
        return refuse(peer, "space", "host or cuda in an implementation", error);
    }
    if (!good_name(name)) {
        return refuse(peer, "name", "letters, digits, '_', '.', '-' in an implementation", error);
    }
    if (!cJSON_IsArray(ops)) {
        return refuse(peer, "ops", "a list of ops in an implementation", error);
    }
    const assay_status status = read_precision(
        peer, cJSON_GetObjectItemCaseSensitive(json, "precision"), &precision, error);
    if (status != ASSAY_OK) {
        return status;
    }
    table->name = keep(peer, "", name);
    const char *const backend = keep(peer, "peer:", peer->name);
    if (table->name == NULL || backend == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a peer");
    }
    for (const cJSON *item = ops->child; item != NULL; item = item->next) {
        assay_op op = ASSAY_OP_COUNT;
        if (!op_named(cJSON_GetStringValue(item), &op)) {
            return refuse(peer, "ops", "names of ops; see 'assay list ops'", error);
        }
        assay_kernel *const kernel = &peer->kernel[peer->kernel_count];
        if (table->kernel[op] != NULL) {
            return refuse(peer, "ops", "every op once", error);
        }
        *kernel = (assay_kernel){.abi = ASSAY_ABI,
                                 .size = (uint32_t)sizeof(assay_kernel),
                                 .op = op,
                                 .name = table->name,
                                 .backend = backend,
                                 .summary = "a peer's",
                                 .space = space,
                                 .precision = precision};
        table->kernel[op] = kernel;
        peer->kernel_count++;
    }
    return ASSAY_OK;
}

assay_status assay_peer_describe(const cJSON *answer, assay_peer *peer, assay_error *error)
{
    const cJSON *const protocol = cJSON_GetObjectItemCaseSensitive(answer, "protocol");
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(answer, "implementations");
    const int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    const char *const version = text_of(answer, "version");
    if (!cJSON_IsNumber(protocol) || protocol->valuedouble != 1.0) {
        return refuse(peer, "protocol", "1: see docs/peers.md", error);
    }
    if (count < 1 || count > IMPLEMENTATIONS_MOST) {
        return refuse(peer, "implementations", "a list of 1 to 64", error);
    }
    peer->version = strdup(version != NULL ? version : "unknown");
    peer->table = calloc((size_t)count, sizeof *peer->table);
    peer->kernel = calloc((size_t)count * ASSAY_OP_COUNT, sizeof *peer->kernel);
    if (peer->version == NULL || peer->table == NULL || peer->kernel == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a peer");
    }
    assay_status status = ASSAY_OK;
    for (const cJSON *item = list->child; item != NULL && status == ASSAY_OK; item = item->next) {
        status = read_one(peer, item, &peer->table[peer->count], error);
        peer->count++;
    }
    return status;
}
