/* The workers of a session: which one serves whom, asking it, and burying it. */
#include "verify/isolation/session_parts.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static assay_status open_control(assay_worker *worker, assay_error *error)
{
    worker->control_file = memfd_create("assay-control", MFD_CLOEXEC);
    if (worker->control_file < 0 ||
        ftruncate(worker->control_file, (off_t)sizeof(assay_control)) != 0) {
        return assay_fail(error, ASSAY_IO, "no shared memory for a worker: %s", strerror(errno));
    }
    void *const memory = mmap(NULL, sizeof(assay_control), PROT_READ | PROT_WRITE, MAP_SHARED,
                              worker->control_file, 0);
    if (memory == MAP_FAILED) {
        return assay_fail(error, ASSAY_IO, "no shared memory for a worker: %s", strerror(errno));
    }
    worker->control = memory;
    return ASSAY_OK;
}

assay_status assay_workers_open(assay_session *session, assay_error *error)
{
    for (int i = 0; i < ASSAY_WORKERS_MAX; i++) {
        assay_worker *const worker = &session->workers[i];
        *worker = (assay_worker){.control_file = -1};
        worker->process = (assay_process){.socket = -1, .output = -1};
    }
    assay_status status = ASSAY_OK;
    for (int i = 0; status == ASSAY_OK && i < ASSAY_WORKERS_MAX; i++) {
        status = open_control(&session->workers[i], error);
    }
    session->worker = &session->workers[0];
    return status;
}

void assay_workers_close(assay_session *session)
{
    for (int i = 0; i < ASSAY_WORKERS_MAX; i++) {
        assay_worker *const worker = &session->workers[i];
        assay_process_end(&worker->process, NULL);
        if (worker->control != NULL) {
            (void)munmap(worker->control, sizeof *worker->control);
        }
        if (worker->control_file >= 0) {
            (void)close(worker->control_file);
        }
    }
}

/* Seconds that the worker has for its answer. */
static double given(const assay_session *session)
{
    return assay_hung_deadline(&session->hung, session->worker->serves, session->deadline);
}

static void bury(assay_session *session, assay_wait wait, assay_outcome *fate)
{
    assay_worker *const worker = session->worker;
    assay_process *const process = &worker->process;
    const assay_placed *const weights = &session->weights_placed;
    const assay_placed *const operands = &session->operands_placed;
    assay_death death = {.wait = wait,
                         .deadline = given(session),
                         .deadline_before = session->deadline,
                         .memory_limit = session->memory_limit,
                         .control = worker->control,
                         .weights = {&weights->layout, weights->name},
                         .operands = {&operands->layout, operands->name}};
    death.by_itself = wait == ASSAY_WAIT_GONE && assay_process_died(process, 1.0);
    assay_process_end(process, &death.status);
    death.said = process->said;
    death.said_size = process->said_size;
    if (wait == ASSAY_WAIT_DEADLINE) {
        assay_hung_add(&session->hung, worker->serves);
    }
    assay_blame(&death, fate);
}

/* Receives an answer; the worker may have died instead, or say something else. */
static assay_wait receive(assay_session *session, void *answer, size_t size)
{
    assay_process *const process = &session->worker->process;
    const assay_wait wait =
        assay_process_wait(process, assay_now() + given(session), session->memory_limit);
    if (wait != ASSAY_WAIT_MESSAGE) {
        return wait;
    }
    /* One byte more than there may be, so that a longer message is seen to be one. */
    struct iovec parts[2] = {{answer, size}, {&(char){0}, 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    const ssize_t got = TEMP_FAILURE_RETRY(recvmsg(process->socket, &message, 0));
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
    request->device = session->device;
    if (session->servant != NULL) {
        if (kind == ASSAY_ASK_KERNEL) {
            assay_servant_describe(session->servant, request, answer);
        } else if (kind == ASSAY_ASK_DEVICE) {
            assay_servant_describe_device(session->servant, request, answer);
        } else {
            assay_servant_answer(session->servant, request, answer);
        }
        return true;
    }
    session->worker->process.said_size = 0;
    const ssize_t sent = TEMP_FAILURE_RETRY(
        send(session->worker->process.socket, request, request->size, MSG_NOSIGNAL));
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
    session->worker->loaded = true;
    return ASSAY_OK;
}

/* A worker that died or said something while nothing was asked of it is replaced without a word. */
static bool is_alive(const assay_worker *worker)
{
    struct pollfd fd = {.fd = worker->process.socket, .events = POLLIN};
    return worker->process.pid > 0 && poll(&fd, 1, 0) == 0;
}

/* The worker that serves it already, or one that may: of a plug-in the one that only listed its
 * kernels so far, else the one that has rested longest. */
static assay_worker *choose(assay_session *session, const char *serves)
{
    assay_worker *oldest = &session->workers[0];
    assay_worker *fresh = NULL;
    for (int i = 0; i < ASSAY_WORKERS_MAX; i++) {
        assay_worker *const worker = &session->workers[i];
        if (worker->process.pid > 0 && strcmp(worker->serves, serves) == 0) {
            return worker;
        }
        fresh = worker->process.pid > 0 && strcmp(worker->serves, "?") == 0 ? worker : fresh;
        oldest = worker->used < oldest->used ? worker : oldest;
    }
    if (fresh != NULL && serves[0] != '\0') {
        return fresh;
    }
    assay_process_end(&oldest->process, NULL);
    return oldest;
}

assay_status assay_session_ensure(assay_session *session, const char *serves, assay_error *error)
{
    const bool in_process = session->servant != NULL;
    assay_worker *const worker = in_process ? &session->workers[0] : choose(session, serves);
    session->worker = worker;
    worker->used = ++session->clock;
    (void)snprintf(worker->serves, sizeof worker->serves, "%s", serves);
    if (!in_process && !is_alive(worker)) {
        assay_process_end(&worker->process, NULL);
        memset(worker->control, 0, sizeof *worker->control);
        worker->loaded = false;
        const assay_status status =
            assay_process_start(&worker->process, worker->control_file, session->weights.file,
                                session->operands.file, error);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    const bool needed = session->plugin != NULL && serves[0] != '\0' && !worker->loaded;
    return needed ? load_plugin(session, error) : ASSAY_OK;
}

void assay_session_dismiss(assay_session *session)
{
    if (session->servant == NULL) {
        assay_process_end(&session->worker->process, NULL);
    }
}
