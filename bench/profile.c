#include "bench/profile.h"

#include <math.h>

#include "bench/clock.h"

/* An op's kernel in the table: calls the original, which the harness pointer leads to, and adds
 * what it took. */
#define TIMED_RUN(name)                                                                            \
    static assay_status timed_##name(const assay_exec *exec, const assay_##name##_params *params,  \
                                     const void *state, const assay_##name##_io *io)               \
    {                                                                                              \
        assay_profile *const profile = exec->harness;                                              \
        const assay_kernel *const original = profile->original[ASSAY_OP_##name];                   \
        if (!profile->on) {                                                                        \
            return original->run.name.run(exec, params, state, io);                                \
        }                                                                                          \
        const double start = assay_clock_now();                                                    \
        const assay_status status = original->run.name.run(exec, params, state, io);               \
        const double end = assay_clock_now();                                                      \
        profile->seconds[profile->phase][ASSAY_OP_##name] += end - start;                          \
        profile->calls[profile->phase][ASSAY_OP_##name] += 1.0;                                    \
        if (ASSAY_OP_##name == ASSAY_OP_sample) {                                                  \
            profile->phase = 1;                                                                    \
            if (profile->tokens < ASSAY_TOKENS_MAX) {                                              \
                profile->token[profile->tokens++] = end;                                           \
            }                                                                                      \
        }                                                                                          \
        return status;                                                                             \
    }
ASSAY_STEP_OPS(TIMED_RUN)
#undef TIMED_RUN

void assay_profile_open(const assay_table *table, assay_profile *profile)
{
    memset(profile, 0, sizeof *profile);
    profile->table = *table;
#define TIMED_KERNEL(op)                                                                           \
    if (table->kernel[ASSAY_OP_##op] != NULL) {                                                    \
        profile->original[ASSAY_OP_##op] = table->kernel[ASSAY_OP_##op];                           \
        profile->kernel[ASSAY_OP_##op] = *table->kernel[ASSAY_OP_##op];                            \
        profile->kernel[ASSAY_OP_##op].run.op.run = timed_##op;                                    \
        profile->table.kernel[ASSAY_OP_##op] = &profile->kernel[ASSAY_OP_##op];                    \
    }
    ASSAY_STEP_OPS(TIMED_KERNEL)
#undef TIMED_KERNEL
}

void assay_profile_begin(assay_profile *profile)
{
    memset(profile->seconds, 0, sizeof profile->seconds);
    memset(profile->calls, 0, sizeof profile->calls);
    profile->on = true;
    assay_profile_call(profile);
}

void assay_profile_call(assay_profile *profile)
{
    if (profile->on) {
        profile->phase = 0;
        profile->tokens = 0;
        profile->start = assay_clock_now();
    }
}

static void add_part(cJSON *parts, const char *name, double seconds, double calls)
{
    cJSON *const part = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(part, "name", name);
    (void)cJSON_AddNumberToObject(part, "seconds", seconds);
    (void)cJSON_AddNumberToObject(part, "calls", calls);
    (void)cJSON_AddItemToArray(parts, part);
}

static void add_tokens(const assay_profile *profile, cJSON *answer)
{
    cJSON *const list = cJSON_AddArrayToObject(answer, "token_seconds");
    (void)cJSON_AddNumberToObject(answer, "first_token_seconds",
                                  profile->token[0] - profile->start);
    for (size_t i = 1; i < profile->tokens; i++) {
        (void)cJSON_AddItemToArray(list,
                                   cJSON_CreateNumber(profile->token[i] - profile->token[i - 1]));
    }
}

/* An op's seconds hold one of the two readings around it; the other lies outside. */
double assay_profile_end(assay_profile *profile, size_t calls, double seconds, cJSON *answer)
{
    static const char *const phases[ASSAY_PHASES] = {"prefill", "decode"};
    const double reading = assay_clock_get()->reading;
    const double each = 1.0 / (double)calls;
    cJSON *const parts = cJSON_AddArrayToObject(answer, "parts");
    double known = 0.0;
    double readings = 1.0; /* the call's own */
    profile->on = false;
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        for (int op = 0; op < ASSAY_OP_COUNT; op++) {
            const double ran = profile->calls[phase][op] * each;
            char name[64];
            if (ran > 0.0) {
                const double own = fmax(profile->seconds[phase][op] * each - ran * reading, 0.0);
                (void)snprintf(name, sizeof name, "%s/%s", phases[phase],
                               assay_op_name((assay_op)op));
                add_part(parts, name, own, ran);
                known += own;
                readings += 2.0 * ran;
            }
        }
    }
    const double whole = fmax(seconds - readings * reading, known);
    add_part(parts, "other", whole - known, 1.0);
    (void)cJSON_AddNumberToObject(answer, "seconds", whole);
    if (profile->tokens > 0) {
        add_tokens(profile, answer);
    }
    return whole;
}
