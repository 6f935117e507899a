/* What a worker says of its plug-in: kernels, and the devices that they can run on. */
#include "verify/isolation/servant.h"

void assay_servant_describe(const assay_servant *servant, const assay_request *request,
                            assay_wire_kernel *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->magic = ASSAY_WIRE_MAGIC;
    answer->version = ASSAY_WIRE_VERSION;
    answer->sequence = request->sequence;
    if (request->as.index >= servant->plugin.count) {
        return;
    }
    const assay_kernel *const kernel = servant->plugin.kernels[request->as.index];
    answer->kernel = *kernel;
    memset(&answer->kernel.run, 0, sizeof answer->kernel.run);
    answer->kernel.name = NULL;
    answer->kernel.backend = NULL;
    answer->kernel.summary = NULL;
    answer->kernel.release = NULL;
    (void)snprintf(answer->name, sizeof answer->name, "%s", kernel->name);
    (void)snprintf(answer->backend, sizeof answer->backend, "%s", kernel->backend);
    (void)snprintf(answer->summary, sizeof answer->summary, "%s", kernel->summary);
}

void assay_servant_describe_device(const assay_servant *servant, const assay_request *request,
                                   assay_wire_device *answer)
{
    const assay_accelerator *const a = servant->plugin.accelerator;
    assay_error why = {.message = ""};
    memset(answer, 0, sizeof *answer);
    answer->magic = ASSAY_WIRE_MAGIC;
    answer->version = ASSAY_WIRE_VERSION;
    answer->sequence = request->sequence;
    answer->status = a == NULL ? assay_fail(&why, ASSAY_UNSUPPORTED, "its kernels need none")
                               : a->count(&answer->count, &why);
    if (answer->status == ASSAY_OK && request->as.index >= (uint64_t)answer->count) {
        answer->status = assay_fail(&why, ASSAY_UNSUPPORTED, "there are %d devices",
                                    (int)answer->count);
    }
    if (answer->status == ASSAY_OK) {
        answer->status = a->describe((int32_t)request->as.index, &answer->facts, &why);
    }
    assay_clean(why.message);
    (void)snprintf(answer->message, sizeof answer->message, "%s", why.message);
}
