#include "verify/isolation/session_parts.h"

#include <omp.h>
#include <stdlib.h>

#include "kernels/registry.h"

static const double default_deadline = 120.0;

static assay_status fill_in(assay_session *session, const assay_session_options *options,
                            assay_error *error)
{
    const assay_device device = assay_host_device();
    session->deadline = options->deadline > 0.0 ? options->deadline : default_deadline;
    session->memory_limit =
        options->memory_limit != 0 ? options->memory_limit : device.memory_bytes / 4 * 3;
    session->threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    session->device = options->device;
    session->patience = ASSAY_PATIENCE_MOST;
    if (options->plugin != NULL) {
        session->plugin = strdup(options->plugin);
        if (session->plugin == NULL || strlen(options->plugin) >= PATH_MAX) {
            return assay_fail(error, ASSAY_BAD_INPUT, "plug-in: its path is too long");
        }
    }
    if (options->in_process) {
        session->servant = calloc(1, sizeof *session->servant);
        if (session->servant == NULL) {
            return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a session");
        }
    }
    return ASSAY_OK;
}

assay_status assay_session_open(const assay_session_options *options, assay_session **session,
                                assay_error *error)
{
    assay_session *made = calloc(1, sizeof *made);
    *session = NULL;
    if (made == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a session");
    }
    made->weights.file = -1;
    made->operands.file = -1;
    assay_status status = assay_workers_open(made, error);
    status = status != ASSAY_OK ? status : fill_in(made, options, error);
    status = status != ASSAY_OK ? status
                                : assay_slab_open("assay-weights", &made->weights, error);
    status = status != ASSAY_OK ? status
                                : assay_slab_open("assay-operands", &made->operands, error);
    if (status == ASSAY_OK && made->servant != NULL) {
        assay_servant_open(made->servant, made->worker->control, made->weights.file,
                           made->operands.file);
    }
    if (status != ASSAY_OK) {
        assay_session_close(&made);
    }
    *session = made;
    return status;
}

int32_t assay_session_threads(const assay_session *session)
{
    return session->threads;
}

static void forget_kernels(assay_session *session)
{
    free(session->described);
    free(session->kernel);
    free(session->kernel_list);
    session->described = NULL;
    session->kernel = NULL;
    session->kernel_list = NULL;
}

void assay_session_close(assay_session **session)
{
    assay_session *const s = *session;
    if (s == NULL) {
        return;
    }
    if (s->servant != NULL) {
        if (s->servant->control != NULL) {
            assay_servant_close(s->servant);
        }
        free(s->servant);
    }
    assay_slab_close(&s->weights);
    assay_slab_close(&s->operands);
    assay_workers_close(s);
    forget_kernels(s);
    free(s->plugin);
    free(s);
    *session = NULL;
}

static assay_status describe(assay_session *session, assay_error *error)
{
    const size_t count = (size_t)session->plugin_count;
    assay_layout_begin(&session->request.layout);
    session->described = calloc(count, sizeof *session->described);
    session->kernel = calloc(count, sizeof *session->kernel);
    session->kernel_list = calloc(count, sizeof *session->kernel_list);
    if (session->described == NULL || session->kernel == NULL || session->kernel_list == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a plug-in's descriptors");
    }
    for (size_t i = 0; i < count; i++) {
        assay_outcome fate;
        assay_wire_kernel *const d = &session->described[i];
        session->request.as.index = i;
        if (!assay_session_ask(session, ASSAY_ASK_KERNEL, sizeof session->request.as.index, d,
                               sizeof *d, &fate)) {
            return assay_fail(error, ASSAY_BAD_INPUT, "plug-in %s: %.900s", session->plugin,
                              fate.message);
        }
        d->name[sizeof d->name - 1] = '\0';
        d->backend[sizeof d->backend - 1] = '\0';
        d->summary[sizeof d->summary - 1] = '\0';
        session->kernel[i] = d->kernel;
        session->kernel[i].name = d->name;
        session->kernel[i].backend = d->backend;
        session->kernel[i].summary = d->summary;
        session->kernel_list[i] = &session->kernel[i];
    }
    return ASSAY_OK;
}

assay_status assay_session_device(assay_session *session, int32_t index, int32_t *count,
                                  assay_accelerator_device *facts, assay_error *error)
{
    assay_wire_device answer;
    assay_outcome fate;
    *count = 0;
    const assay_status status = assay_session_ensure(session, "?", error);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_layout_begin(&session->request.layout);
    session->request.as.index = (uint64_t)index;
    if (!assay_session_ask(session, ASSAY_ASK_DEVICE, sizeof session->request.as.index, &answer,
                           sizeof answer, &fate)) {
        return assay_fail(error, ASSAY_UNSUPPORTED, "%.900s", fate.message);
    }
    answer.message[sizeof answer.message - 1] = '\0';
    answer.facts.name[sizeof answer.facts.name - 1] = '\0';
    answer.facts.identity[sizeof answer.facts.identity - 1] = '\0';
    *count = answer.count;
    *facts = answer.facts;
    return answer.status == ASSAY_OK
               ? ASSAY_OK
               : assay_fail(error, ASSAY_UNSUPPORTED, "%s", answer.message);
}

assay_status assay_session_kernels(assay_session *session, const assay_kernel *const **kernels,
                                   size_t *count, assay_error *error)
{
    *kernels = NULL;
    *count = 0;
    if (session->plugin == NULL) {
        return ASSAY_OK;
    }
    assay_status status = ASSAY_OK;
    if (session->described == NULL) {
        status = assay_session_ensure(session, "?", error);
        status = status != ASSAY_OK ? status : describe(session, error);
        if (status != ASSAY_OK) {
            forget_kernels(session);
        }
    }
    if (status == ASSAY_OK) {
        *kernels = session->kernel_list;
        *count = (size_t)session->plugin_count;
    }
    return status;
}
