/* Result files as bench would write them, of a machine that does not exist: times follow a roofline
 * with lognormal noise, so the same seed gives the same file. */
#ifndef REPORTS_TESTS_GENERATE_H
#define REPORTS_TESTS_GENERATE_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct generate_options {
    uint64_t seed;
    size_t samples; /* of each timing, over `processes` processes */
    size_t processes;
    double slower;       /* factor on the times of implementation slow_impl of slow_op */
    const char *slow_op; /* NULL: none */
    double noise;        /* standard deviation of the logarithm of a sample */
    double drift;        /* of a process's own factor */
    double speed;        /* of the machine: 1 is the usual one */
    double error;        /* factor on the errors of verdicts */
    const char *machine, *cpu, *date, *revision;
    int ops;     /* the first so many of the list; 0: all */
    int batches; /* 1, 4, 16, …; 0: six */
    double shared;   /* part of the samples taken on shared cores, at 1.7 times the time */
    double restless; /* part of the timings, drawn each by itself, that take 1.6 times as long */
} generate_options;

#define GENERATE_DEFAULTS                                                                          \
    ((generate_options){1, 40, 4, 1.0, NULL, 0.02, 0.003, 1.0, 1.0, "00112233445566aa",            \
                        "Example 2-core processor", "2026-01-02T03:04:05Z", "0123456789ab", 0, 0,  \
                        0.0, 0.0})

typedef struct generator {
    const generate_options *o;
    uint64_t state;
    FILE *out;
    int items; /* of the list being written */
} generator;

static double generate_uniform(generator *g)
{
    uint64_t z = g->state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double generate_normal(generator *g)
{
    return sqrt(-2.0 * log(generate_uniform(g))) * cos(6.283185307179586 * generate_uniform(g));
}

typedef struct generate_op {
    const char *name, *system;
    double bytes, flops; /* of the weights, once; of one row */
    double row_bytes;
} generate_op;

static const generate_op generate_ops[] = {{"sae_encode", "goodfire", 537e6, 537e6, 8e3},
                                           {"sae_encode", "qresearch", 134e6, 134e6, 4e3},
                                           {"sae_encode", "llamascope", 1074e6, 1074e6, 8e3},
                                           {"sae_decode", "goodfire", 0.0, 0.75e6, 745e3},
                                           {"sae_decode", "qresearch", 0.0, 0.26e6, 258e3},
                                           {"capture", "qresearch", 1.1e9, 1.1e9, 8e3},
                                           {"generate", "selfie", 2.47e9, 2.47e9, 64e3},
                                           {"explain", "selfie", 2.47e9, 3.1e10, 64e3},
                                           {"linear", "tiny", 1e6, 1e6, 4e3},
                                           {"adapter", "selfie", 67e6, 33e6, 32e3}};

typedef struct generate_impl {
    const char *name, *backend, *precision;
    double bytes, efficiency, error;
} generate_impl;

static const generate_impl generate_impls[] = {
    {"scalar", "scalar", "f32", 2.0, 0.04, 2e-7},
    {"scalar_bf16", "scalar", "bf16", 1.0, 0.03, 3e-3},
    {"avx512_bf16", "avx512", "bf16", 1.0, 0.55, 2.6e-3},
    {"int8_screen", "avx512", "int8", 0.5, 0.45, 8e-3},
    {"peer:pytorch_f32", "peer:pytorch", "f32", 2.0, 0.5, 4e-7},
    {"peer:pytorch_bf16", "peer:pytorch", "bf16", 1.0, 0.35, 2.9e-3}};

enum { GENERATE_OPS = 10, GENERATE_IMPLS = 6 };
static const double generate_bandwidth = 20e9, generate_peak = 60e9;

static double generate_floor(const generator *g, const generate_op *op, const generate_impl *impl,
                             double batch)
{
    const double bytes = op->bytes * impl->bytes + op->row_bytes * batch;
    return fmax(bytes / generate_bandwidth, op->flops * batch / generate_peak) / g->o->speed;
}

static void generate_list(generator *g, const char *key, size_t count, double value)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(g->out, "%s%s%s%.6g", i == 0 ? ",\"" : "", i == 0 ? key : "", i == 0 ? "\":[" : ",",
                value);
    }
    fputc(']', g->out);
}

static int generate_order(const void *a, const void *b)
{
    const double difference = *(const double *)a - *(const double *)b;
    return (difference > 0.0) - (difference < 0.0);
}

/* So many of them, evenly among the others. */
static bool generate_is_shared(size_t i, size_t shared, size_t count)
{
    return (i + 1) * shared / count != i * shared / count;
}

/* The samples and the summary they have. */
static void generate_samples(generator *g, double seconds)
{
    const size_t count = g->o->samples;
    double *const sample = malloc(count * sizeof *sample);
    const size_t shared = (size_t)(g->o->shared * (double)count);
    double process_factor = 1.0;
    size_t process = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t here = i * g->o->processes / count;
        if (here != process) {
            process_factor = exp(g->o->drift * generate_normal(g));
            process = here;
        }
        sample[i] = seconds * process_factor * exp(g->o->noise * generate_normal(g));
        sample[i] *= generate_is_shared(i, shared, count) ? 1.7 : 1.0;
    }
    fputs("\"samples\":{\"seconds\":[", g->out);
    for (size_t i = 0; i < count; i++) {
        fprintf(g->out, "%s%.9g", i == 0 ? "" : ",", sample[i]);
    }
    fputs("],\"process\":[", g->out);
    for (size_t i = 0; i < count; i++) {
        fprintf(g->out, "%s%zu", i == 0 ? "" : ",", i * g->o->processes / count);
    }
    fputs("]", g->out);
    generate_list(g, "switches", count, 0.0);
    generate_list(g, "steal_seconds", count, 0.0);
    generate_list(g, "megahertz", count, 2450.0);
    for (int k = 0; k < 2; k++) {
        fprintf(g->out, ",\"%s\":[", k == 0 ? "core_share" : "contaminated");
        for (size_t i = 0; i < count; i++) {
            const bool marked = generate_is_shared(i, shared, count);
            fprintf(g->out, "%s%s", i == 0 ? "" : ",",
                    k == 0 ? (marked ? "0.6" : "0.99") : (marked ? "1" : "0"));
        }
        fputs("]", g->out);
    }
    qsort(sample, count, sizeof *sample, generate_order);
    const size_t half = (size_t)(0.98 * sqrt((double)count)) + 1;
    const size_t low = count / 2 > half ? count / 2 - half : 0;
    const size_t high = count / 2 + half < count ? count / 2 + half : count - 1;
    fprintf(g->out,
            "},\"summary\":{\"seconds\":{\"value\":%.9g,\"low\":%.9g,\"high\":%.9g},"
            "\"mode_seconds\":%.9g,\"p99_seconds\":%.9g,\"dispersion\":%.4g,\"count\":%zu,"
            "\"contaminated\":%zu}",
            sample[count / 2], (shared == count ? 0.45 : 1.0) * sample[low], sample[high],
            sample[count / 2], sample[(count * 99) / 100], g->o->noise, count, shared);
    free(sample);
}

static void generate_timing(generator *g, const generate_op *op, const generate_impl *impl,
                            double batch, const char *cache)
{
    const double floor_seconds = generate_floor(g, op, impl, batch);
    double seconds = floor_seconds / impl->efficiency + 2e-6;
    seconds *= strcmp(cache, "warm") == 0 ? 0.8 : 1.0;
    if (g->o->slow_op != NULL && strcmp(op->name, g->o->slow_op) == 0) {
        seconds *= g->o->slower;
    }
    seconds *= generate_uniform(g) < g->o->restless ? 1.6 : 1.0;
    fprintf(
        g->out,
        "%s\n{\"op\":\"%s\",\"impl\":\"%s\",\"backend\":\"%s\",\"precision\":\"%s\",\"case\":"
        "\"%s-%s\",\"system\":\"%s\",\"batch\":%.0f,\"cache\":\"%s\",\"threads\":2,\"seed\":\"1\","
        "\"verdict\":\"PASS\",\"budget_used\":0.31,\"rel_l2\":%.4g,\"outputs_checked\":3,"
        "\"prepare_seconds\":[0.2,0.21],\"packed_bytes\":%.0f,\"peak_bytes\":%.0f,"
        "\"calls_per_sample\":1,\"stop\":{\"rule\":\"relative\",\"target\":0.01,\"reached\":true,"
        "\"seconds\":1.5},",
        g->items++ == 0 ? "" : ",", op->name, impl->name, impl->backend, impl->precision,
        op->system, op->name, op->system, batch, cache, impl->error * (1.0 + 0.1 * op->bytes / 1e9),
        op->bytes * impl->bytes, op->bytes * impl->bytes + 1e8);
    generate_samples(g, seconds);
    fprintf(
        g->out,
        ",\"work\":{\"rows\":%.0f,\"tokens\":%.0f,\"explanations\":%.0f,\"flops\":%.9g,"
        "\"bytes_read\":%.9g},\"metrics\":{\"rows_per_second\":%.6g},\"floor\":{\"seconds\":%.9g,"
        "\"fraction\":%.6g,\"bound\":\"bandwidth/read/dram/all\"}",
        batch, strcmp(op->name, "generate") == 0 ? 12.0 * batch : 0.0,
        strcmp(op->name, "explain") == 0 ? batch : 0.0, op->flops * batch, op->bytes * impl->bytes,
        batch / seconds, floor_seconds, floor_seconds / seconds);
    if (strcmp(op->name, "explain") == 0 || strcmp(op->name, "generate") == 0) {
        static const char *const parts[] = {
            "prefill/linear",   "prefill/attention", "decode/linear",
            "decode/attention", "decode/sample",     "decode/rmsnorm",
            "decode/swiglu",    "adapter",           "other"};
        static const double shares[] = {0.22, 0.04, 0.5, 0.08, 0.05, 0.03, 0.05, 0.01, 0.02};
        fputs(",\"parts\":[", g->out);
        for (int i = 0; i < 9; i++) {
            fprintf(g->out, "%s{\"name\":\"%s\",\"seconds\":%.6g,\"calls\":16}", i == 0 ? "" : ",",
                    parts[i], shares[i] * seconds);
        }
        fputs("]", g->out);
    }
    fputs("}", g->out);
}

static void generate_timings(generator *g)
{
    const int ops = g->o->ops == 0 ? GENERATE_OPS : g->o->ops;
    const int batches = g->o->batches == 0 ? 6 : g->o->batches;
    g->items = 0;
    fputs(",\n\"timings\":[", g->out);
    for (int op = 0; op < ops; op++) {
        for (int impl = 0; impl < GENERATE_IMPLS; impl++) {
            for (int b = 0; b < batches; b++) {
                generate_timing(g, &generate_ops[op], &generate_impls[impl], pow(4.0, b), "cold");
            }
            generate_timing(g, &generate_ops[op], &generate_impls[impl], 16.0, "warm");
        }
    }
    fputs("]", g->out);
}

static void generate_verdicts(generator *g)
{
    g->items = 0;
    const int ops = g->o->ops == 0 ? GENERATE_OPS : g->o->ops;
    g->state = 99; /* the kernels are the same on every machine, and so are their errors */
    fputs(",\n\"verdicts\":[", g->out);
    for (int op = 0; op < ops; op++) {
        for (int impl = 0; impl < GENERATE_IMPLS - 2; impl++) {
            for (int k = 0; k < 6; k++) {
                const double used = g->o->error * fmin(0.95, 0.1 * exp(generate_normal(g)));
                fprintf(
                    g->out,
                    "%s\n{\"golden\":\"generated\",\"source\":\"generated\",\"op\":\"%s\",\"impl\":"
                    "\"%s\",\"case\":\"%s-%s-%d\",\"verdict\":\"%s\",\"check\":\"%s\",\"budget_"
                    "used\":"
                    "%.6g,\"max_abs\":1e-6,\"rel_l2\":%.6g,\"cosine\":1,\"ulp\":3,\"seconds\":0.01,"
                    "\"undecided\":2,\"compared\":1000,\"repeated\":true,\"repeat_differs\":false,"
                    "\"batch_differs\":%s,\"seed\":\"1\",\"message\":\"%s\"}",
                    g->items++ == 0 ? "" : ",", generate_ops[op].name, generate_impls[impl].name,
                    generate_ops[op].name, generate_ops[op].system, k, used > 1.0 ? "FAIL" : "PASS",
                    used > 1.0 ? "value" : "none", used, generate_impls[impl].error * g->o->error,
                    k == 0 ? "true" : "false",
                    used > 1.0 ? "row 1, column 5: got 1, expected 2 (a <b> & 'c')" : "");
            }
        }
    }
    fputs("]", g->out);
}

static void generate_comparisons(generator *g)
{
    g->items = 0;
    fputs(",\n\"comparisons\":[", g->out);
    for (int op = 0; op < 3; op++) {
        for (int b = 0; b < 5; b++) {
            const double ratio = (0.6 + 0.25 * b) * exp(0.02 * generate_normal(g));
            fprintf(
                g->out,
                "%s\n{\"op\":\"%s\",\"case\":\"%s-%s\",\"batch\":%.0f,\"cache\":\"cold\","
                "\"threads\":2,"
                "\"impl\":\"avx512_bf16\",\"against\":\"peer:pytorch_bf16\",\"pairs\":[{\"impl\":["
                "1,1]"
                ",\"against\":[%.6g,%.6g]}],\"ratio\":{\"value\":%.6g,\"low\":%.6g,\"high\":%.6g},"
                "\"p\":0.03,\"verdict\":\"%s\"}",
                g->items++ == 0 ? "" : ",", generate_ops[op].name, generate_ops[op].system,
                generate_ops[op].name, pow(4.0, b), ratio, ratio, ratio, ratio * 0.97, ratio * 1.03,
                ratio > 1.05   ? "FASTER"
                : ratio < 0.95 ? "SLOWER"
                               : "UNSURE");
        }
    }
    fputs("]", g->out);
}

static void generate_results(const char *path, const generate_options *o)
{
    generator g = {o, o->seed * 1000003, fopen(path, "w"), 0};
    if (g.out == NULL) {
        abort();
    }
    fprintf(
        g.out,
        "{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"command\":\"assay bench --op '*' "
        "--json "
        "bench.json\",\n\"environment\":{\"date\":\"%s\",\"machine\":\"%s\",\"assay_version\":\"0."
        "1.0\","
        "\"revision\":\"%s\",\"compiler\":\"GNU 12.2.0\",\"build_type\":\"Release\",\"cpu\":\"%s\","
        "\"cpu_features\":[\"avx2_fma\",\"avx512\",\"avx512_bf16\"],\"threads\":2,\"cores\":2,"
        "\"packages\":1,\"cache_bytes\":[32768,1048576,33554432],\"memory_bytes\":25769803776,"
        "\"governor\":\"performance\",\"system\":\"Linux 6.1 x86_64\",\"libraries\":{\"openblas\":"
        "\"0.3.21\"}},\n\"ceilings\":{\"date\":\"2026-01-02T03:00:00Z\",\"machine\":\"%s\","
        "\"entries\":["
        "{\"name\":\"bandwidth/read/dram/all\",\"unit\":\"B/s\",\"value\":%.6g,\"best\":%.6g},"
        "{\"name\":\"multiply_add/f32/avx512/all\",\"unit\":\"FLOP/"
        "s\",\"value\":%.6g,\"best\":%.6g},"
        "{\"name\":\"latency/call\",\"unit\":\"s\",\"value\":2e-09}]}",
        o->date, o->machine, o->revision, o->cpu, o->machine, generate_bandwidth * o->speed,
        1.03 * generate_bandwidth * o->speed, generate_peak * o->speed,
        1.01 * generate_peak * o->speed);
    generate_timings(&g);
    generate_verdicts(&g);
    generate_comparisons(&g);
    fputs(",\n\"skipped\":[{\"op\":\"generate\",\"impl\":\"peer:llama_cpp\",\"case\":\"selfie-"
          "generate\","
          "\"batch\":1,\"reason\":\"llama-cpp-python is not installed: run ci/peers\"}]}\n",
          g.out);
    if (fclose(g.out) != 0) {
        abort();
    }
}

#endif
