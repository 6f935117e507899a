/* `assay probe`: this machine's ceilings, as a table and as data. */
#include "bench/probe/command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/gpu/probe.h"
#include "bench/gpu/products.h"
#include "bench/pin.h"
#include "bench/probe/ceilings_file.h"
#include "bench/probe/probe.h"
#include "kernels/plugin.h"
#include "verify/devices.h"
#include "verify/options.h"
#include "verify/report.h"

enum { EXIT_USAGE = 2, EXIT_INPUT = 3 };

typedef struct probe_options {
    const char *json, *plugin;
    assay_option_int device;
    bool quick, fresh, help;
} probe_options;

static const assay_option table[] = {
    {"json", ASSAY_OPTION_TEXT, offsetof(probe_options, json), 0, 0},
    {"plugin", ASSAY_OPTION_TEXT, offsetof(probe_options, plugin), 0, 0},
    {"device", ASSAY_OPTION_INT, offsetof(probe_options, device), 0, INT32_MAX},
    {"quick", ASSAY_OPTION_FLAG, offsetof(probe_options, quick), 0, 0},
    {"fresh", ASSAY_OPTION_FLAG, offsetof(probe_options, fresh), 0, 0},
    {"help", ASSAY_OPTION_FLAG, offsetof(probe_options, help), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0},
};

static const char help[] =
    "assay probe: this machine's ceilings, measured\n"
    "\n"
    "usage: assay probe [option]...\n"
    "\n"
    "  bandwidth of every cache and of memory: reading, writing, copying (bytes read and written\n"
    "  count), gathering rows of 4 to 16 KiB at random; multiply-adds by type and instruction set\n"
    "  (2 operations each); latency of a call and of a barrier. With one thread and with one on\n"
    "  every core. Floors and impossible times of assay bench are computed from these.\n"
    "\n"
    "  A ceiling is the best that was reached: of several ways the best one, of its rounds the\n"
    "  best one. 'best ever' is of all probes of this machine, kept, dated, in\n"
    "  $ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay.\n"
    "\n"
    "  --plugin FILE the GPU that the plug-in's kernels run on, instead of the host: memory, L2,\n"
    "                matrix units by type, its own products by type, launches; kept by device\n"
    "  --device N    of several GPUs that one, as 'assay list devices' counts them (default 0)\n"
    "  --quick       at most 8 seconds instead of 60\n"
    "  --fresh       forget what earlier probes reached\n"
    "  --json FILE   a results file with environment and ceilings; '-' is standard output\n"
    "\n"
    "exit status: 0 good; 2 usage; 3 input or environment\n"
    "\n"
    "examples\n"
    "  assay probe\n"
    "  assay probe --quick --json ceilings.json\n";

static void show_progress(void *context, const char *name, double done)
{
    (void)context;
    fprintf(stderr, "\r\033[K%3.0f%%  %s", 100 * done, name);
    (void)fflush(stderr);
}

/* Three digits and a unit: 41.3 GB/s, 12.4 us. */
static void format(char *text, size_t size, double value, const char *unit)
{
    static const struct {
        double scale;
        const char *prefix;
    } scales[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},
                  {1, ""},     {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}};
    size_t i = 0;
    while (i + 1 < sizeof scales / sizeof *scales && value < scales[i].scale) {
        i++;
    }
    const double scaled = value / scales[i].scale;
    const int decimals = scaled < 10 ? 2 : scaled < 100 ? 1 : 0;
    (void)snprintf(text, size, "%.*f %s%s", decimals, scaled, scales[i].prefix, unit);
}

static void print_entry(const assay_ceiling *entry)
{
    const char *const unit = assay_ceiling_unit(entry->name);
    const bool latency = strcmp(unit, "s") == 0;
    const double values[4] = {entry->best, entry->value, entry->median,
                              latency ? entry->high : entry->low};
    char text[4][32];
    for (int i = 0; i < 4; i++) {
        format(text[i], sizeof text[i], values[i], unit);
    }
    printf("%-36s %13s %13s %13s %13s\n", entry->name, text[0], text[1], text[2], text[3]);
}

static void print_machine(const assay_ceilings *ceilings)
{
    const assay_topology *const topology = assay_topology_get();
    printf("# machine %s, %d cores, caches", ceilings->machine,
           (int)assay_topology_threads(topology));
    for (int i = 0; i < ASSAY_CACHE_LEVELS && topology->cache_bytes[i] > 0; i++) {
        printf(" %.0f", (double)topology->cache_bytes[i] / 1024);
    }
    printf(" KiB; %s\n", ceilings->date);
}

static void print_all(const assay_ceilings *ceilings)
{
    printf("# a ceiling is the best that was reached: the best round of this probe, and "
           "of all probes of it\n");
    printf("%-36s %13s %13s %13s %13s\n", "ceiling", "best ever", "best now", "median round",
           "worst round");
    for (size_t i = 0; i < ceilings->count; i++) {
        print_entry(&ceilings->entry[i]);
    }
}

static assay_status probe(const probe_options *options, assay_ceilings *ceilings,
                          assay_error *error)
{
    static assay_ceilings older;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const assay_probe_options how = {.quick = options->quick,
                                     .progress = terminal ? show_progress : NULL};
    assay_error said = {.message = ""};
    const assay_status before =
        options->fresh ? ASSAY_UNSUPPORTED : assay_ceilings_read(&older, &said);
    assay_status status = assay_probe_run(&how, ceilings, error);
    if (terminal) {
        fprintf(stderr, "\r\033[K");
    }
    if (before == ASSAY_OK && status == ASSAY_OK) {
        assay_ceilings_merge(ceilings, &older);
    } else if (before != ASSAY_UNSUPPORTED && before != ASSAY_OK) {
        fprintf(stderr, "assay probe: earlier values are not used: %s\n", said.message);
    }
    if (status == ASSAY_OK && assay_ceilings_write(ceilings, &said) != ASSAY_OK) {
        fprintf(stderr, "assay probe: not kept: %s\n", said.message);
    }
    return status;
}

/* In this process, which runs nothing else of the plug-in's. */
static assay_status probe_device(const probe_options *options, assay_ceilings *ceilings,
                                 assay_error *error)
{
    static assay_ceilings older;
    assay_plugin plugin;
    assay_gpu *gpu = NULL;
    assay_error said = {.message = ""};
    assay_status status = options->device.given
                              ? assay_devices_expect(options->plugin,
                                                     (int32_t)options->device.value, error)
                              : ASSAY_OK;
    status = status == ASSAY_OK ? assay_plugin_open(options->plugin, &plugin, error) : status;
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_gpu_open(plugin.accelerator, (int32_t)options->device.value, &gpu, error);
    if (status == ASSAY_OK) {
        status = assay_gpu_probe(gpu, options->quick, ceilings, error);
        status = status == ASSAY_OK ? assay_gpu_probe_products(gpu, &plugin, options->quick,
                                                               ceilings, error)
                                    : status;
    }
    if (status == ASSAY_OK && !options->fresh &&
        assay_ceilings_read_of(ceilings->machine, &older, &said) == ASSAY_OK) {
        assay_ceilings_merge(ceilings, &older);
    }
    if (status == ASSAY_OK &&
        assay_ceilings_write_of(ceilings->machine, ceilings, &said) != ASSAY_OK) {
        fprintf(stderr, "assay probe: not kept: %s\n", said.message);
    }
    if (status == ASSAY_OK) {
        printf("# %s, compute capability %d.%d, %d multiprocessors\n", gpu->facts.name,
               (int)(gpu->device.compute / 10), (int)(gpu->device.compute % 10),
               (int)gpu->facts.multiprocessors);
    }
    assay_gpu_close(&gpu);
    assay_plugin_close(&plugin);
    return status;
}

static assay_status write_json(const char *path, const assay_ceilings *ceilings,
                               assay_error *error)
{
    cJSON *const root = assay_ceilings_results(ceilings);
    const assay_status status =
        root == NULL ? assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the results")
                     : assay_json_write(root, path, error);
    cJSON_Delete(root);
    return status;
}

int assay_probe_command(int argc, char **argv)
{
    static assay_ceilings ceilings;
    assay_error error = {.message = ""};
    probe_options options = {.json = NULL};
    size_t operands = 0;
    assay_status status =
        assay_options_parse(table, argc, argv, &options, NULL, &operands, &error);
    if (status != ASSAY_OK) {
        fprintf(stderr, "assay probe: %s\n", error.message);
        return EXIT_USAGE;
    }
    if (options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (options.device.given && options.plugin == NULL) {
        fprintf(stderr, "assay probe: --device: goes with --plugin FILE\n");
        return EXIT_USAGE;
    }
    status = options.plugin != NULL ? probe_device(&options, &ceilings, &error)
                                    : probe(&options, &ceilings, &error);
    if (status == ASSAY_OK && (options.json == NULL || strcmp(options.json, "-") != 0)) {
        if (options.plugin == NULL) {
            print_machine(&ceilings);
        }
        print_all(&ceilings);
    }
    if (status == ASSAY_OK && options.json != NULL) {
        status = write_json(options.json, &ceilings, &error);
    }
    if (status != ASSAY_OK) {
        fprintf(stderr, "assay probe: %s\n", error.message);
        return EXIT_INPUT;
    }
    return 0;
}
