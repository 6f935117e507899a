/* A worker process: answers requests until its parent is gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verify/isolation/faults.h"
#include "verify/isolation/process.h"
#include "verify/isolation/servant.h"

enum { EXIT_USAGE = 2 };

static bool serving;

bool assay_worker_built_in(void)
{
    return serving;
}

/* First in line when memory runs out, without core files, never longer here than the parent. */
static void settle_in(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        (void)!write(score, "1000", 4);
        (void)close(score);
    }
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#ifdef SYS_close_range
    (void)syscall(SYS_close_range, (unsigned)ASSAY_FD_END, ~0u, 0u);
#endif
    for (int fd = ASSAY_FD_SOCKET; fd < ASSAY_FD_END; fd++) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

static assay_control *map_control(void)
{
    struct stat facts;
    if (fstat(ASSAY_FD_SOCKET, &facts) != 0 || !S_ISSOCK(facts.st_mode) ||
        fstat(ASSAY_FD_CONTROL, &facts) != 0 ||
        facts.st_size < (off_t)sizeof(assay_control)) {
        return NULL;
    }
    void *const memory = mmap(NULL, sizeof(assay_control), PROT_READ | PROT_WRITE, MAP_SHARED,
                              ASSAY_FD_CONTROL, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The next request; false when the parent is gone or makes no sense. */
static bool next_request(assay_request *request)
{
    const ssize_t got = TEMP_FAILURE_RETRY(recv(ASSAY_FD_SOCKET, request, sizeof *request, 0));
    return got >= (ssize_t)offsetof(assay_request, as) && request->magic == ASSAY_WIRE_MAGIC &&
           request->version == ASSAY_WIRE_VERSION && (ssize_t)request->size == got &&
           assay_layout_valid(&request->layout);
}

static bool answer(const void *message, size_t size)
{
    return TEMP_FAILURE_RETRY(send(ASSAY_FD_SOCKET, message, size, MSG_NOSIGNAL)) ==
           (ssize_t)size;
}

#ifdef ASSAY_COVERAGE
extern void __gcov_dump(void); /* libgcov's: writes the counters, as exit would */
#endif

_Noreturn static void serve(assay_control *control)
{
    /* Static: they are large, and a kernel's stack shall be its own. */
    static assay_servant servant;
    static assay_request request;
    static assay_reply reply;
    static assay_wire_kernel description;
    assay_servant_open(&servant, control, ASSAY_FD_WEIGHTS, ASSAY_FD_OPERANDS);
    const pid_t self = getpid();
    bool alive = true;
    while (alive && next_request(&request)) {
        if (request.kind == ASSAY_ASK_KERNEL) {
            assay_servant_describe(&servant, &request, &description);
            alive = answer(&description, sizeof description);
            continue;
        }
        if (request.kind == ASSAY_ASK_DEVICE) {
            static assay_wire_device device;
            assay_servant_describe_device(&servant, &request, &device);
            alive = answer(&device, sizeof device);
            continue;
        }
        if (request.kind == ASSAY_ASK_PREPARE) {
            assay_faults_again();
        }
        assay_servant_answer(&servant, &request, &reply);
        if (getpid() != self) {
            _exit(0); /* a kernel forked, and this is the copy */
        }
        alive = answer(&reply, sizeof reply);
    }
    /* Not exit: what a plug-in registered for the end is not run. */
#ifdef ASSAY_COVERAGE
    __gcov_dump();
#endif
    _exit(0);
}

void assay_worker_main(int argc, char **argv)
{
    serving = true;
    if (argc != 2 || strcmp(argv[1], ASSAY_WORKER_WORD) != 0) {
        return;
    }
    assay_control *const control = map_control();
    if (control == NULL) {
        fprintf(stderr, "assay: %s is for assay's own use: it runs kernels for a parent\n",
                ASSAY_WORKER_WORD);
        _exit(EXIT_USAGE);
    }
    settle_in();
    assay_faults_record(control);
    serve(control);
}
