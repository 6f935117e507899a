#include "bench/worker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/gpu/energy.h"
#include "bench/implementations.h"
#include "bench/issue.h"
#include "bench/lines.h"
#include "bench/memory_use.h"
#include "bench/pin.h"
#include "bench/sampler.h"
#include "bench/turns.h"
#include "fixtures/io/json_file.h"
#include "kernels/plugin.h"
#include "kernels/registry.h"

enum { OUTPUT_FD = 3, SAMPLES_MAX = 1000000, SETS = 4 };
#define ENERGY_SECONDS 1.0 /* ten moves of a slow counter and more */

typedef struct worker {
    assay_lines lines;
    assay_plugin plugin;
    assay_table table;
    assay_exec exec;
    assay_gpu *gpu; /* NULL: kernels run on the host */
    const assay_bench_class *class_;
    assay_bench_subject *subject;
    assay_error error;
} worker;

static const char *text_of(const cJSON *request, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, key));
}

static assay_status refuse(worker *w, const char *what)
{
    return assay_fail(&w->error, ASSAY_BAD_INPUT, "request: %s", what);
}

static assay_status find_table(worker *w, const cJSON *request)
{
    const char *const impl = text_of(request, "impl");
    const char *const plugin = text_of(request, "plugin");
    if (impl == NULL) {
        return refuse(w, "'impl' is missing");
    }
    if (plugin == NULL) {
        return assay_table_find(impl, &w->table, &w->error);
    }
    const assay_status status = assay_plugin_open(plugin, &w->plugin, &w->error);
    if (status != ASSAY_OK) {
        return status;
    }
    return assay_plugin_table(&w->plugin, impl, &w->table)
               ? ASSAY_OK
               : assay_table_find(impl, &w->table, &w->error);
}

static assay_status find_op(worker *w, const cJSON *request, assay_op *op)
{
    const char *const name = text_of(request, "op");
    for (int i = 0; i < ASSAY_OP_COUNT; i++) {
        if (name != NULL && strcmp(name, assay_op_name((assay_op)i)) == 0) {
            *op = (assay_op)i;
            return ASSAY_OK;
        }
    }
    return refuse(w, "'op' is not an op");
}

/* Kernels whose operands lie on a device get one. */
static assay_status take_device(worker *w, assay_op op, int32_t number)
{
    const assay_kernel *const kernel = assay_implementation_kernel(&w->table, op);
    if (kernel == NULL || kernel->space == ASSAY_HOST) {
        return ASSAY_OK;
    }
    const assay_status status =
        assay_gpu_open(w->table.accelerator, number, &w->gpu, &w->error);
    if (status == ASSAY_OK) {
        w->exec.device = w->gpu->device;
        w->exec.stream = w->gpu->stream;
    }
    return status;
}

static assay_status do_open(worker *w, const cJSON *request, cJSON *answer)
{
    assay_op op = ASSAY_OP_COUNT;
    assay_status status = find_op(w, request, &op);
    if (status == ASSAY_OK) {
        status = find_table(w, request);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    const bool stage = op >= ASSAY_OP_capture;
    if (!stage && w->table.kernel[op] == NULL) {
        return assay_fail(&w->error, ASSAY_UNSUPPORTED, "no kernel of %s", assay_op_name(op));
    }
    int32_t used = 1;
    status = assay_pin_threads((int32_t)assay_json_number_or(request, "threads", 0.0), &used,
                               &w->error);
    if (status == ASSAY_UNSUPPORTED) { /* timings go on unpinned, and say so */
        used = (int32_t)assay_json_number_or(request, "threads", 1.0);
        (void)cJSON_AddStringToObject(answer, "unpinned", w->error.message);
        status = ASSAY_OK;
    }
    if (status != ASSAY_OK) {
        return status;
    }
    w->exec = (assay_exec){.device = assay_host_device(), .threads = used, .error = &w->error};
    w->class_ = stage ? &assay_bench_stages : &assay_bench_steps;
    status = take_device(w, op, (int32_t)assay_json_number_or(request, "device", 0.0));
    if (status != ASSAY_OK) {
        return status;
    }
    const double before = assay_resident_bytes();
    double prepare = 0.0;
    status = w->class_->open(&w->table, &w->exec, w->gpu, op,
                             cJSON_GetObjectItemCaseSensitive(request, "case"), &prepare,
                             &w->subject, &w->error);
    (void)cJSON_AddNumberToObject(answer, "threads", used);
    (void)cJSON_AddNumberToObject(answer, "prepare_seconds", prepare);
    (void)cJSON_AddNumberToObject(answer, "opened_bytes", assay_resident_bytes() - before);
    return status;
}

static assay_status do_batch(worker *w, const cJSON *request, cJSON *answer)
{
    if (w->subject == NULL) {
        return refuse(w, "'batch' before 'open'");
    }
    const cJSON *const json = cJSON_GetObjectItemCaseSensitive(request, "case");
    assay_status status = w->class_->batch(w->subject, json, SETS, &w->error);
    bool again = true;
    for (int tries = 0; status == ASSAY_OK && again && tries < 4; tries++) {
        const double start = assay_clock_now();
        status = w->class_->call(w->subject, 0);
        if (status == ASSAY_OK && w->gpu != NULL) {
            status = assay_gpu_settle(w->gpu, &w->error);
        }
        if (tries == 0) {
            (void)cJSON_AddNumberToObject(answer, "first_call_seconds", assay_clock_now() - start);
        }
        again = status == ASSAY_OK && !w->class_->fits(w->subject, 0);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    assay_bench_work work;
    w->class_->work(w->subject, 0, &work);
    (void)cJSON_AddItemToObject(answer, "work", assay_bench_work_json(&work));
    (void)cJSON_AddNumberToObject(answer, "workspace_bytes",
                                  (double)w->class_->workspace(w->subject));
    return ASSAY_OK;
}

static assay_status do_sample(worker *w, const cJSON *request, cJSON *answer)
{
    const char *const cache = text_of(request, "cache");
    const char *const seed = text_of(request, "seed");
    const double calls = assay_json_number_or(request, "calls", 1.0);
    const double samples = assay_json_number_or(request, "samples", 1.0);
    const double keep = assay_json_number_or(request, "keep", -1.0);
    if (w->subject == NULL || cache == NULL || seed == NULL || !(calls >= 1.0) ||
        !(calls <= 1e9) || !(samples >= 1.0) || !(samples <= SAMPLES_MAX)) {
        return refuse(w, "'sample' wants an open subject, cache, seed, calls and samples");
    }
    const assay_sample_request wanted = {.gpu = w->gpu,
                                         .cold = strcmp(cache, "cold") == 0,
                                         .patience =
                                             assay_json_number_or(request, "patience", -1.0),
                                         .calls = (size_t)calls,
                                         .samples = (size_t)samples,
                                         .seed = strtoull(seed, NULL, 10),
                                         .keep = (int64_t)keep,
                                         .output = OUTPUT_FD};
    if (wanted.keep >= 0 && ftruncate(OUTPUT_FD, 0) == 0) {
        (void)lseek(OUTPUT_FD, 0, SEEK_SET);
    }
    assay_issue_take_rates(cJSON_GetObjectItemCaseSensitive(request, "issue_rates"));
    const assay_status status =
        assay_sample_take(w->class_, w->subject, &wanted, answer, &w->error);
    (void)cJSON_AddItemToObject(answer, "issue_rates", assay_issue_rates());
    (void)cJSON_AddNumberToObject(answer, "peak_bytes", assay_peak_bytes());
    (void)cJSON_AddNumberToObject(answer, "page_bytes", assay_page_bytes());
    return status;
}

/* What warm calls cost, of inputs by the seed. */
static assay_status do_energy(worker *w, const cJSON *request, cJSON *answer)
{
    const char *const seed = text_of(request, "seed");
    const double call = assay_json_number_or(request, "call_seconds", 0.0);
    assay_gpu_energy energy;
    if (w->subject == NULL || w->gpu == NULL || seed == NULL || !(call > 0.0)) {
        return refuse(w, "'energy' wants an open subject on a device, call_seconds and seed");
    }
    assay_status status =
        assay_sample_ready(w->class_, w->subject, strtoull(seed, NULL, 10), &w->error);
    if (status == ASSAY_OK) {
        status = assay_gpu_spend(w->gpu, w->class_, w->subject, call, ENERGY_SECONDS, &energy,
                                 &w->error);
    }
    if (status == ASSAY_OK) {
        assay_gpu_add_energy(&energy, answer);
    }
    return status;
}

static assay_status do_turns(worker *w, const cJSON *request, cJSON *answer)
{
    return w->subject != NULL
               ? assay_turns_answer(w->gpu, w->class_, w->subject, request, answer, &w->error)
               : refuse(w, "'turns' before 'open'");
}

static assay_status answer_hello(cJSON *answer)
{
    (void)cJSON_AddNumberToObject(answer, "protocol", 1);
    (void)cJSON_AddStringToObject(answer, "name", "assay");
    (void)cJSON_AddStringToObject(answer, "version", ASSAY_VERSION);
    return ASSAY_OK;
}

static assay_status serve(worker *w, const cJSON *request, cJSON *answer)
{
    const char *const what = text_of(request, "do");
    (void)snprintf(w->error.message, sizeof w->error.message, "no reason was given");
    if (what == NULL) {
        return refuse(w, "'do' is missing");
    }
    if (strcmp(what, "hello") == 0) {
        return answer_hello(answer);
    }
    return strcmp(what, "open") == 0     ? do_open(w, request, answer)
           : strcmp(what, "batch") == 0  ? do_batch(w, request, answer)
           : strcmp(what, "sample") == 0 ? do_sample(w, request, answer)
           : strcmp(what, "turns") == 0  ? do_turns(w, request, answer)
           : strcmp(what, "energy") == 0 ? do_energy(w, request, answer)
                                         : refuse(w, "'do' is not a word of the protocol");
}

/* A device that is lost ends its process: what it is asked next would be told of somebody else. */
static const char *word_of(worker *w, assay_status status)
{
    if (w->gpu != NULL) {
        (void)assay_gpu_settle(w->gpu, NULL);
    }
    return w->gpu != NULL && w->gpu->lost ? "crash"
           : status == ASSAY_UNSUPPORTED  ? "unsupported"
           : status == ASSAY_NO_MEMORY    ? "no_memory"
                                          : "error";
}

static bool exchange(worker *w)
{
    cJSON *request = NULL;
    if (assay_lines_read(&w->lines, -1.0, &request) != ASSAY_LINE_READ) {
        return false;
    }
    cJSON *const answer = cJSON_CreateObject();
    const assay_status status = serve(w, request, answer);
    if (status != ASSAY_OK) {
        (void)cJSON_AddStringToObject(answer, word_of(w, status), w->error.message);
    }
    const bool lost = w->gpu != NULL && w->gpu->lost;
    const bool good = assay_lines_write(&w->lines, answer) && !lost;
    cJSON_Delete(answer);
    cJSON_Delete(request);
    return good;
}

void assay_bench_worker_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], ASSAY_BENCH_WORKER_WORD) != 0) {
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* What a kernel prints must not be taken for an answer. */
    worker w = {.lines = {.in = STDIN_FILENO, .out = dup(STDOUT_FILENO)}};
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    while (exchange(&w)) {
    }
    if (w.class_ != NULL) {
        w.class_->close(&w.subject);
    }
    assay_gpu_close(&w.gpu);
    assay_plugin_close(&w.plugin);
    assay_lines_free(&w.lines);
    exit(0);
}
