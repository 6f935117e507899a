#include "bench/options.h"

#include <stdlib.h>

#include "verify/file_stamp.h"
#include "verify/topology.h"

static const double longest_default = 2.0;
static const double longest_quick = 0.3;
static const double longest_full = 30.0;
static const double deadline_default = 300.0;
enum { PROCESSES_DEFAULT = 3 };

static const assay_option table[] = {
#define OPTION(name, kind, member, ...)                                                            \
    {name, ASSAY_OPTION_##kind, offsetof(assay_bench_options, member), __VA_ARGS__}
    OPTION("op", TEXT, op, 0, 0),
    OPTION("impl", TEXT, impl, 0, 0),
    OPTION("case", TEXT, case_id, 0, 0),
    OPTION("system", TEXT, system, 0, 0),
    OPTION("cases", TEXT, cases, 0, 0),
    OPTION("batch", TEXT, batch, 0, 0),
    OPTION("cache", TEXT, cache, 0, 0),
    OPTION("stop", TEXT, stop, 0, 0),
    OPTION("against", TEXT, against, 0, 0),
    OPTION("peer", TEXT, peer, 0, 0),
    OPTION("pairs", INT, pairs, 1, 1000),
    OPTION("json", TEXT, json, 0, 0),
    OPTION("processes", INT, processes, 1, 1000),
    OPTION("device", INT, device, 0, INT32_MAX),
    OPTION("threads", INT, threads, 1, 1024),
    OPTION("longest", REAL, longest, 0, 100000),
    OPTION("timeout", REAL, deadline, 1, 100000),
    OPTION("within", REAL, within, 0, 1000000),
    OPTION("seed", SEED, seed, 0, 0),
    OPTION("quick", FLAG, quick, 0, 0),
    OPTION("full", FLAG, full, 0, 0),
    OPTION("energy", FLAG, energy, 0, 0),
    OPTION("resume", FLAG, resume, 0, 0),
    OPTION("profile", FLAG, profile, 0, 0),
    OPTION("help", FLAG, help, 0, 0),
#undef OPTION
    {.name = NULL}};

void assay_bench_help(void)
{
    (void)puts(
        "usage: assay bench [options]\n"
        "\n"
        "Times kernels: every implementation that passes verification, on cases of the true\n"
        "shapes, across batch sizes. Each timing comes from fresh processes with pinned threads;\n"
        "inputs are made anew for every sample, and outputs of timed calls are judged afterwards.\n"
        "\n"
        "  --op GLOB, --impl GLOB, --case GLOB, --system GLOB   what to time; several with commas\n"
        "  --batch N,N,…    these batch sizes only (of those the case has)\n"
        "  --cache WHICH    cold (nothing in any cache), warm, or both (default)\n"
        "  --stop RULE      relative:1% (width of the median's interval; the default, at most 4 s\n"
        "                   a timing), count:N (samples), time:S\n"
        "  --quick          tiny shapes, one process, 0.2 s a timing\n"
        "  --full           the large batch sizes too, 10 s a timing\n"
        "  --longest S      leave out batch sizes whose call takes longer (default 2; quick 0.3)\n"
        "  --against IMPL   compare every implementation with this one: both interleaved in pairs\n"
        "                   of fresh processes (ABBA); ratio with its interval\n"
        "  --peer NAMES     pytorch, llama_cpp, all, or a program's path (docs/peers.md): time\n"
        "                   its implementations too, and compare each of ours with each of them;\n"
        "                   with --against GLOB compare with those of that name alone, and time\n"
        "                   nothing\n"
        "  --pairs N        so many pairs (default 8)\n"
        "  --processes N    fresh processes a timing (default 3)\n"
        "  --threads N      of a kernel (default: one a core)\n"
        "  --seed N         of inputs (default 1)\n"
        "  --cases FILE     a list of your own (bench/cases.h)\n"
        "  --plugin FILE    a shared object of kernels; several may be given. Then only theirs are\n"
        "                   timed unless --impl is given\n"
        "  --device N       the GPU that its kernels run on, as 'assay list devices' counts\n"
        "                   (default 0)\n"
        "  --energy         of GPUs: what a row and a token cost in joules, by NVML; one second\n"
        "                   more for each warm timing\n"
        "  --json FILE      write the results ('assay report FILE -o DIR' draws them); '-' is\n"
        "                   standard output, then no table is printed\n"
        "  --resume         with --json: go on where a killed run of the same options stopped\n"
        "  --within S       after S seconds begin no other implementation or case; what was timed is\n"
        "                   written, and --resume goes on with the rest\n"
        "  --timeout S      seconds an answer of a timing process may take (default 300)\n"
        "  --profile        run one call of one case in this process, untimed, for perf and ncu\n"
        "\n"
        "Exit status: 0 timed; 1 a kernel was found wrong or impossibly fast; 2 usage; 3 input.\n"
        "\n"
        "examples:\n"
        "  assay bench --quick\n"
        "  assay bench --op sae_encode --case 'encode-1b*' --batch 1,16 --json encode.json\n"
        "  assay bench --impl scalar_bf16 --against scalar --case decode-goodfire\n"
        "  assay bench --peer pytorch --impl scalar --op sae_encode --system tiny\n"
        "  perf record -g assay bench --profile --impl scalar --case linear-1b-up --batch 16");
}

/* Whole numbers with commas between and nothing else: an empty place is more likely a slip than
 * meant. One that is named twice is timed once. */
static assay_status read_batches(assay_bench_options *o, assay_error *error)
{
    for (const char *at = o->batch; at != NULL;) {
        char word[16];
        const size_t length = strcspn(at, ",");
        const bool fits = length < sizeof word && o->measure.batch_count < ASSAY_BATCHES_MAX;
        (void)snprintf(word, sizeof word, "%.*s", fits ? (int)length : 0, at);
        if (!assay_parse_int(word, 1, INT32_MAX, &o->batches[o->measure.batch_count])) {
            return assay_fail(error, ASSAY_BAD_ARGUMENT,
                              "--batch '%s': expected at most %d sizes from 1 like 1,4,16",
                              o->batch, (int)ASSAY_BATCHES_MAX);
        }
        o->measure.batch_count++;
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    o->measure.batch = o->batches;
    return ASSAY_OK;
}

static assay_status read_cache(assay_bench_options *o, assay_error *error)
{
    const char *const word = o->cache != NULL ? o->cache : "both";
    o->measure.cold = strcmp(word, "cold") == 0 || strcmp(word, "both") == 0;
    o->measure.warm = strcmp(word, "warm") == 0 || strcmp(word, "both") == 0;
    return o->measure.cold || o->measure.warm
               ? ASSAY_OK
               : assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "--cache: expected cold, warm or both, not '%s'", word);
}

static assay_status read_stop(assay_bench_options *o, assay_error *error)
{
    const char *const rule = o->stop != NULL ? o->stop : o->quick ? "time:0.2s" : "relative:1%";
    const assay_status status = assay_stop_parse(rule, &o->measure.stop, error);
    if (status == ASSAY_OK && o->stop == NULL && !o->quick) {
        o->measure.stop.seconds_max = o->full ? 10.0 : 4.0;
    }
    return status;
}

assay_status assay_bench_options_read(int argc, char **argv, assay_bench_options *o,
                                      assay_error *error)
{
    size_t operands = 0;
    memset(o, 0, sizeof *o);
    o->seed = 1;
    assay_status status = assay_options_take("plugin", &argc, argv, o->plugin, ASSAY_PLUGINS_MAX,
                                             &o->plugin_count, error);
    if (status == ASSAY_OK) {
        status = assay_options_parse(table, argc, argv, o, NULL, &operands, error);
    }
    if (status == ASSAY_OK && !o->help) {
        status = read_batches(o, error);
    }
    if (status == ASSAY_OK) {
        status = read_cache(o, error);
    }
    if (status == ASSAY_OK) {
        status = read_stop(o, error);
    }
    if (status == ASSAY_OK && o->resume && o->json == NULL) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "--resume: goes with --json FILE");
    }
    if (status == ASSAY_OK && o->device.given && o->plugin_count == 0) {
        status = assay_fail(error, ASSAY_BAD_ARGUMENT, "--device: goes with --plugin FILE");
    }
    o->measure.processes = o->processes.given ? o->processes.value
                           : o->quick         ? 1
                                              : PROCESSES_DEFAULT;
    o->measure.threads = o->threads.given ? (int32_t)o->threads.value
                                          : assay_topology_threads(assay_topology_get());
    o->measure.longest = o->longest.given ? o->longest.value
                         : o->full        ? longest_full
                         : o->quick       ? longest_quick
                                          : longest_default;
    o->measure.deadline = o->deadline.given ? o->deadline.value : deadline_default;
    o->measure.seed = o->seed;
    o->measure.quick = o->quick;
    o->measure.full = o->full;
    o->measure.energy = o->energy;
    o->measure.device = (int32_t)o->device.value;
    return status;
}

char *assay_bench_options_text(const assay_bench_options *o)
{
    const char *const words[] = {o->op,    o->impl,    o->case_id, o->system,
                                 o->cases, o->batch,   o->against, o->peer};
    char rule[64];
    size_t used = 0;
    size_t size = 1024; /* numbers and stamps */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size += words[i] != NULL ? strlen(words[i]) + 1 : 1;
    }
    for (size_t i = 0; i < o->plugin_count; i++) {
        size += strlen(o->plugin[i]) + 1;
    }
    char *const text = calloc(size, 1);
    if (text == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words && used < size; i++) {
        const int put = snprintf(text + used, size - used, "%s;", words[i] != NULL ? words[i] : "");
        used += put > 0 ? (size_t)put : 0;
    }
    for (size_t i = 0; i < o->plugin_count && used < size; i++) {
        const int put = snprintf(text + used, size - used, "%s;", o->plugin[i]);
        used += put > 0 ? (size_t)put : 0;
    }
    if (used < size) {
        (void)snprintf(text + used, size - used, "%d%d%d%d;%s;%lld;%d;%g;%llu;%lld;%d;%d",
                       o->measure.cold, o->measure.warm, o->quick, o->full,
                       assay_stop_text(&o->measure.stop, rule, sizeof rule),
                       (long long)o->measure.processes, o->measure.threads, o->measure.longest,
                       (unsigned long long)o->seed, (long long)o->pairs.value,
                       o->measure.device, o->energy);
    }
    const char *const files[] = {ASSAY_THIS_PROGRAM, o->cases};
    assay_file_stamps(files, sizeof files / sizeof *files, text, size);
    assay_file_stamps(o->plugin, o->plugin_count, text, size);
    return text;
}
