#include "bench/command.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/gpu/probe.h"
#include "bench/implementations.h"
#include "bench/interleave.h"
#include "bench/options.h"
#include "bench/peer_run.h"
#include "bench/print.h"
#include "bench/profile_run.h"
#include "bench/selection.h"
#include "bench/store.h"
#include "kernels/registry.h"
#include "verify/devices.h"
#include "verify/generated.h"
#include "verify/golden_path.h"
#include "verify/result_json.h"

enum { EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_INPUT = 3 };

typedef struct bench_run {
    assay_bench_options options;
    assay_bench_list list;
    size_t selected; /* of the list */
    assay_implementations found;
    assay_peers peers;
    assay_ceilings ceilings;
    assay_bench_store *store;
    assay_bench_print print;
    bool wrong; /* a kernel or a peer was found wrong */
    double began; /* by bench/clock.h */
    bool cut;     /* --within was over before everything was begun */
} bench_run;

static bool in_time(bench_run *run)
{
    const assay_option_real *const within = &run->options.within;
    run->cut = run->cut || (within->given && assay_clock_now() - run->began >= within->value);
    return !run->cut;
}

static bool known(void *context, const assay_timing_key *key)
{
    const bench_run *const run = context;
    return assay_store_has(run->store, "timings", key, NULL) ||
           assay_store_has(run->store, "skipped", key, NULL);
}

static assay_status take_timing(void *context, const assay_series *series, cJSON *timing,
                                assay_error *error)
{
    bench_run *const run = context;
    (void)series;
    const assay_status status = assay_store_add(run->store, "timings", timing, error);
    if (status == ASSAY_OK) { /* what is said to be finished is kept */
        assay_bench_print_timing(&run->print, timing);
    }
    return status;
}

static assay_status take_skipped(void *context, const assay_timing_key *key, const char *reason,
                                 assay_error *error)
{
    bench_run *const run = context;
    cJSON *const item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "op", assay_op_name(key->entry->op));
    (void)cJSON_AddStringToObject(item, "impl", key->impl);
    (void)cJSON_AddStringToObject(item, "case", key->entry->id);
    (void)cJSON_AddNumberToObject(item, "batch", (double)key->batch);
    (void)cJSON_AddStringToObject(item, "cache", key->cold ? "cold" : "warm");
    (void)cJSON_AddStringToObject(item, "reason", reason);
    const assay_status status = assay_store_add(run->store, "skipped", item, error);
    if (status == ASSAY_OK) {
        assay_bench_print_skipped(&run->print, item);
    }
    return status;
}

static assay_measure measure_of(bench_run *run, const assay_bench_entry *entry,
                                const assay_implementation *implementation,
                                assay_check_case *check)
{
    return (assay_measure){.options = &run->options.measure,
                           .entry = entry,
                           .table = &implementation->table,
                           .plugin = implementation->plugin,
                           .kernel = assay_implementation_kernel(&implementation->table, entry->op),
                           .check = check,
                           .session = implementation->session,
                           .ceilings = &run->ceilings,
                           .sink = {run, take_timing, take_skipped, known}};
}

static assay_status time_entry(bench_run *run, const assay_bench_entry *entry, assay_error *error)
{
    assay_check_case check = {.made = false};
    assay_status status = ASSAY_OK;
    for (size_t t = 0; t < run->found.count && status == ASSAY_OK; t++) {
        const assay_measure measure = measure_of(run, entry, &run->found.item[t], &check);
        if (measure.kernel != NULL && in_time(run)) {
            assay_bench_print_progress(&run->print, entry->id, measure.table->name);
            status = assay_measure_run(&measure, error);
        }
    }
    if (status == ASSAY_OK && run->peers.count > 0 && in_time(run)) {
        const assay_measure like = measure_of(run, entry, &run->found.item[0], &check);
        status = assay_peers_time(&run->peers, &like, &run->print, error);
    }
    assay_check_close(&check);
    return status;
}

/* Every implementation side by side with the one named, or with those of the peers. */
static assay_status compare_entry(bench_run *run, const assay_bench_entry *entry,
                                  assay_error *error)
{
    const char *const name = run->options.against;
    const bool peers = run->peers.count > 0;
    assay_check_case check = {.made = false};
    assay_implementation against = {.plugin = NULL};
    assay_status status =
        peers ? ASSAY_OK : assay_implementation_named(&run->found, name, &against, error);
    for (size_t t = 0; t < run->found.count && status == ASSAY_OK; t++) {
        const char *const impl = run->found.item[t].table.name;
        assay_interleave compared = {
            .measure = measure_of(run, entry, &run->found.item[t], &check),
            .pairs = run->options.pairs.given ? run->options.pairs.value : 8,
            .store = run->store,
            .print = &run->print};
        if (compared.measure.kernel == NULL || !in_time(run)) {
            continue;
        }
        if (peers) {
            status = assay_peers_compare(&run->peers, &compared, name, error);
            continue;
        }
        compared.against = measure_of(run, entry, &against, &check);
        if (compared.against.kernel != NULL && strcmp(impl, against.table.name) != 0) {
            assay_bench_print_progress(&run->print, entry->id, impl);
            status = assay_interleave_run(&compared, error);
        }
    }
    assay_check_close(&check);
    return status;
}

/* One after another: timed each on its own, then compared side by side. */
static assay_status run_entry(bench_run *run, const assay_bench_entry *entry, assay_error *error)
{
    const bool against = run->options.against != NULL;
    const bool peers = run->peers.count > 0;
    const assay_status status = against ? ASSAY_OK : time_entry(run, entry, error);
    return status == ASSAY_OK && (against || peers) ? compare_entry(run, entry, error) : status;
}

static assay_status check_measured(const bench_run *run, assay_error *error)
{
    const char *const against = run->options.against;
    if (assay_store_lists(run->store)->child != NULL || run->cut) {
        return ASSAY_OK;
    }
    return against != NULL
               ? assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "--against '%s': nothing was compared: no other implementation that is "
                            "chosen has an op in common with it (--impl, --op, --batch)",
                            against)
               : assay_fail(error, ASSAY_BAD_ARGUMENT,
                            "nothing was timed: no implementation that is chosen has an op and "
                            "batch size of these cases (--impl, --op, --batch)");
}

static assay_status run_all(bench_run *run, assay_error *error)
{
    assay_status status = ASSAY_OK;
    bool told = false;
    run->print.expected = run->selected * run->found.count;
    run->began = assay_clock_now();
    for (size_t i = 0; i < run->list.count && status == ASSAY_OK && !run->cut; i++) {
        const assay_bench_entry *const entry = &run->list.entries[i];
        if (assay_bench_selected(&run->options, entry) && !told) {
            const assay_measure like = measure_of(run, entry, &run->found.item[0], NULL);
            status = assay_peers_tell_absent(&run->peers, &like, error);
            told = true;
        }
        if (assay_bench_selected(&run->options, entry) && status == ASSAY_OK) {
            status = run_entry(run, entry, error);
        }
    }
    return status == ASSAY_OK ? check_measured(run, error) : status;
}

static cJSON *head_of(const bench_run *run)
{
    cJSON *const head = assay_results_begin();
    assay_peers_versions(&run->peers, cJSON_GetObjectItemCaseSensitive(head, "environment"));
    (void)cJSON_AddItemToObject(head, "ceilings", assay_ceilings_to_json(&run->ceilings));
    const char *const plugin = assay_implementations_on_device(&run->found);
    if (plugin != NULL) {
        cJSON *const environment = cJSON_GetObjectItemCaseSensitive(head, "environment");
        assay_error none;
        (void)assay_devices_add(plugin,
                                cJSON_GetObjectItemCaseSensitive(environment, "gpus"), &none);
    }
    return head;
}

/* Floors of a device's kernels are its own. */
static void load_device_ceilings(bench_run *run)
{
    assay_error why;
    const char *const plugin = assay_implementations_on_device(&run->found);
    if (plugin == NULL) {
        return;
    }
    assay_gpu_ceilings_load(plugin, run->options.measure.device, &run->ceilings, &why);
    if (why.message[0] != '\0') {
        (void)fprintf(stderr, "assay bench: %s\n", why.message);
    }
}

static assay_status open_run(bench_run *run, assay_error *error)
{
    const assay_bench_options *const o = &run->options;
    const char *const path = o->cases != NULL ? o->cases : assay_bench_file_path();
    if (path == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "fixtures/cases/bench.json was not found: run from the source folder");
    }
    char *const text = assay_bench_options_text(o);
    assay_status status = text != NULL
                              ? assay_bench_list_open(path, &run->list, error)
                              : assay_fail(error, ASSAY_NO_MEMORY, "out of memory for options");
    if (status == ASSAY_OK) {
        status = assay_bench_check_selection(o, &run->list, &run->selected, error);
    }
    for (size_t i = 0; i < o->plugin_count && o->device.given && status == ASSAY_OK; i++) {
        status = assay_devices_expect(o->plugin[i], o->measure.device, error);
    }
    if (status == ASSAY_OK) {
        run->found.plugin = o->plugin;
        run->found.plugin_count = o->plugin_count;
        status = assay_implementations_find(&run->found, o->measure.device, o->impl,
                                            o->measure.threads, error);
    }
    if (status == ASSAY_OK && o->peer != NULL) {
        status = assay_peers_find(o->peer, o->measure.deadline, &run->peers, error);
        run->wrong = assay_peers_failed(&run->peers);
    }
    if (status == ASSAY_OK && o->against != NULL && run->peers.count == 0) {
        assay_implementation against; /* said before anything is written */
        status = assay_implementation_named(&run->found, o->against, &against, error);
    }
    if (status == ASSAY_OK) {
        status = assay_store_open(o->json, text, o->resume, &run->store, error);
    }
    if (status == ASSAY_OK) {
        status = assay_ceilings_load(&run->ceilings, error);
    }
    if (status == ASSAY_OK) {
        load_device_ceilings(run);
    }
    free(text);
    return status;
}

static void close_run(bench_run *run)
{
    assay_store_close(&run->store);
    assay_implementations_close(&run->found);
    assay_peers_close(&run->peers);
    assay_bench_list_close(&run->list);
    free(run);
}

static assay_status do_profile(bench_run *run, assay_error *error)
{
    for (size_t i = 0; i < run->list.count; i++) {
        if (assay_bench_selected(&run->options, &run->list.entries[i])) {
            return assay_profile_one(&run->options.measure, &run->list.entries[i],
                                     &run->found.item[0], error);
        }
    }
    return assay_fail(error, ASSAY_BAD_ARGUMENT, "no case matches: see fixtures/cases/bench.json");
}

int assay_bench_command(int argc, char **argv)
{
    assay_error error = {.message = "no reason was given"};
    bench_run *const run = calloc(1, sizeof *run);
    if (run == NULL) {
        return EXIT_INPUT;
    }
    assay_status status = assay_bench_options_read(argc, argv, &run->options, &error);
    if (status == ASSAY_OK && run->options.help) {
        assay_bench_help();
        close_run(run);
        return 0;
    }
    if (status == ASSAY_OK) {
        status = open_run(run, &error);
    }
    const char *const json = run->options.json;
    run->print = assay_bench_print_begin(json != NULL && strcmp(json, "-") == 0);
    if (status == ASSAY_OK) {
        status = run->options.profile ? do_profile(run, &error) : run_all(run, &error);
    }
    run->wrong = run->wrong || (run->store != NULL && assay_store_found_wrong(run->store));
    if (status == ASSAY_OK && !run->options.profile) {
        status = assay_store_finish(run->store, head_of(run), &error);
    }
    assay_bench_print_end(&run->print);
    if (run->cut) {
        (void)fprintf(stderr,
                      "assay bench: --within %g s is over and not everything was begun: the same "
                      "command with --resume goes on\n", run->options.within.value);
    }
    const bool wrong = run->wrong;
    close_run(run);
    if (status != ASSAY_OK) {
        (void)fprintf(stderr, "assay bench: %s\n", error.message);
        return status == ASSAY_BAD_ARGUMENT ? EXIT_USAGE : EXIT_INPUT;
    }
    return wrong ? EXIT_WRONG : 0;
}
