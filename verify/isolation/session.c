#include "verify/isolation/session_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernels/registry.h"

static const double default_deadline = 120.0;
static const double patience_most = 0.3;

static assay_status open_control(assay_session *session, assay_error *error)
{
    session->control_file = memfd_create("assay-control", MFD_CLOEXEC);
    if (session->control_file < 0 ||
        ftruncate(session->control_file, (off_t)sizeof(assay_control)) != 0) {
        return assay_fail(error, ASSAY_IO, "no shared memory for a worker: %s", strerror(errno));
    }
    void *const memory = mmap(NULL, sizeof(assay_control), PROT_READ | PROT_WRITE, MAP_SHARED,
                              session->control_file, 0);
    if (memory == MAP_FAILED) {
        return assay_fail(error, ASSAY_IO, "no shared memory for a worker: %s", strerror(errno));
    }
    session->control = memory;
    return ASSAY_OK;
}

static assay_status fill_in(assay_session *session, const assay_session_options *options,
                            assay_error *error)
{
    const assay_device device = assay_host_device();
    session->deadline = options->deadline > 0.0 ? options->deadline : default_deadline;
    session->memory_limit =
        options->memory_limit != 0 ? options->memory_limit : device.memory_bytes / 4 * 3;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    session->threads = options->threads > 0 ? options->threads
                       : processors > 0     ? (int32_t)processors
                                            : 1;
    session->patience = patience_most;
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
    made->control_file = -1;
    made->weights.file = -1;
    made->operands.file = -1;
    made->process = (assay_process){.socket = -1, .output = -1};
    assay_status status = fill_in(made, options, error);
    status = status != ASSAY_OK ? status : open_control(made, error);
    status = status != ASSAY_OK ? status
                                : assay_slab_open("assay-weights", &made->weights, error);
    status = status != ASSAY_OK ? status
                                : assay_slab_open("assay-operands", &made->operands, error);
    if (status == ASSAY_OK && made->servant != NULL) {
        assay_servant_open(made->servant, made->control, made->weights.file, made->operands.file);
    }
    if (status != ASSAY_OK) {
        assay_session_close(&made);
    }
    *session = made;
    return status;
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
    assay_process_end(&s->process, NULL);
    if (s->servant != NULL) {
        if (s->servant->control != NULL) {
            assay_servant_close(s->servant);
        }
        free(s->servant);
    }
    assay_slab_close(&s->weights);
    assay_slab_close(&s->operands);
    if (s->control != NULL) {
        (void)munmap(s->control, sizeof *s->control);
    }
    if (s->control_file >= 0) {
        (void)close(s->control_file);
    }
    forget_kernels(s);
    free(s->plugin);
    free(s);
    *session = NULL;
}

static void bury(assay_session *session, assay_wait wait, assay_outcome *fate)
{
    assay_death death = {.wait = wait,
                         .deadline = session->deadline,
                         .memory_limit = session->memory_limit,
                         .control = session->control};
    const assay_placed *const weights = &session->weights_placed;
    const assay_placed *const operands = &session->operands_placed;
    death.weights = (assay_named_layout){&weights->layout, weights->name};
    death.operands = (assay_named_layout){&operands->layout, operands->name};
    death.by_itself = wait == ASSAY_WAIT_GONE && assay_process_died(&session->process, 1.0);
    assay_process_end(&session->process, &death.status);
    death.said = session->process.said;
    death.said_size = session->process.said_size;
    assay_blame(&death, fate);
    session->loaded = false;
}

/* Receives an answer; the worker may have died instead, or say something else. */
static assay_wait receive(assay_session *session, void *answer, size_t size)
{
    const assay_wait wait = assay_process_wait(&session->process, assay_now() + session->deadline,
                                               session->memory_limit);
    if (wait != ASSAY_WAIT_MESSAGE) {
        return wait;
    }
    /* One byte more than there may be, so that a longer message is seen to be one. */
    struct iovec parts[2] = {{answer, size}, {&(char){0}, 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    const ssize_t got = TEMP_FAILURE_RETRY(recvmsg(session->process.socket, &message, 0));
    if (got > 0 && (size_t)got != size) {
        ((assay_reply *)answer)->magic = 0; /* nonsense */
    }
    return got <= 0 ? ASSAY_WAIT_GONE : ASSAY_WAIT_MESSAGE;
}

bool assay_session_ask(assay_session *session, assay_request_kind kind, size_t body, void *answer,
                       size_t size, assay_outcome *fate)
{
    assay_request *const request = &session->request;
    request->magic = ASSAY_WIRE_MAGIC;
    request->version = ASSAY_WIRE_VERSION;
    request->kind = kind;
    request->size = (uint32_t)(offsetof(assay_request, as) + body);
    request->sequence = ++session->sequence;
    if (session->servant != NULL) {
        if (kind == ASSAY_ASK_KERNEL) {
            assay_servant_describe(session->servant, request, answer);
        } else {
            assay_servant_answer(session->servant, request, answer);
        }
        return true;
    }
    session->process.said_size = 0;
    const ssize_t sent = TEMP_FAILURE_RETRY(
        send(session->process.socket, request, request->size, MSG_NOSIGNAL));
    const bool whole = sent == (ssize_t)request->size;
    const assay_wait wait = whole ? receive(session, answer, size) : ASSAY_WAIT_GONE;
    const assay_reply *const head = answer; /* all answers begin alike */
    if (wait == ASSAY_WAIT_MESSAGE && head->magic == ASSAY_WIRE_MAGIC &&
        head->version == ASSAY_WIRE_VERSION && head->sequence == request->sequence) {
        return true;
    }
    bury(session, wait, fate);
    return false;
}

static assay_status load_plugin(assay_session *session, assay_error *error)
{
    assay_outcome fate;
    (void)snprintf(session->request.as.plugin, sizeof session->request.as.plugin, "%s",
                   session->plugin);
    assay_layout_begin(&session->request.layout);
    if (!assay_session_ask(session, ASSAY_ASK_LOAD, sizeof session->request.as.plugin,
                           &session->reply, sizeof session->reply, &fate)) {
        return assay_fail(error, ASSAY_BAD_INPUT, "plug-in %s: %.900s", session->plugin,
                          fate.message);
    }
    if (session->reply.status != ASSAY_OK) {
        return assay_fail(error, session->reply.status, "%s", session->reply.outcome.message);
    }
    if (session->described != NULL && session->plugin_count != session->reply.count) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: it held %llu kernels, now %llu; start again",
                          session->plugin, (unsigned long long)session->plugin_count,
                          (unsigned long long)session->reply.count);
    }
    session->plugin_count = session->reply.count;
    session->loaded = true;
    return ASSAY_OK;
}

/* A worker that died while nothing was asked of it is replaced without a word. */
static bool is_alive(const assay_session *session)
{
    struct pollfd fd = {.fd = session->process.socket, .events = POLLIN};
    return session->process.pid > 0 && poll(&fd, 1, 0) == 0;
}

assay_status assay_session_ensure(assay_session *session, assay_error *error)
{
    if (session->servant == NULL && !is_alive(session)) {
        assay_process_end(&session->process, NULL);
        memset(session->control, 0, sizeof *session->control);
        session->loaded = false;
        session->patience = patience_most;
        const assay_status status =
            assay_process_start(&session->process, session->control_file, session->weights.file,
                                session->operands.file, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return session->plugin == NULL || session->loaded ? ASSAY_OK : load_plugin(session, error);
}

static assay_status describe(assay_session *session, assay_error *error)
{
    const size_t count = (size_t)session->plugin_count;
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

assay_status assay_session_kernels(assay_session *session, const assay_kernel *const **kernels,
                                   size_t *count, assay_error *error)
{
    *kernels = NULL;
    *count = 0;
    if (session->plugin == NULL) {
        return ASSAY_OK;
    }
    assay_status status = assay_session_ensure(session, error);
    if (status == ASSAY_OK && session->described == NULL) {
        status = describe(session, error);
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
