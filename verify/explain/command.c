/* `assay explain`: parse, open, find what is explained, explain, report. */
#include <stdlib.h>
#include <string.h>

#include "verify/commands.h"
#include "verify/explain/dump_links.h"
#include "verify/explain/print.h"

enum { EXIT_USAGE = 2, EXIT_INPUT = 3 };

/* What a batch's end needs to know. */
typedef struct progress {
    const assay_explain_session *session;
    const assay_targets *targets;
} progress;

/* Rows appear as their batch ends; those of --top wait, since several tokens share them. */
static assay_status batch_done(void *context, const assay_explanations *explanations, size_t first,
                               size_t count, assay_error *error)
{
    (void)error;
    const progress *const p = context;
    const assay_explain_options *const options = p->session->options;
    assay_print_progress("explained", p->targets->source_count, p->targets->source_count);
    if (!options->json && !options->top.given) {
        assay_print_rows(p->session, p->targets, explanations, first, count);
    }
    if (first + count < p->targets->source_count) {
        assay_print_progress("explained", first + count, p->targets->source_count);
    }
    return ASSAY_OK;
}

static assay_status report(const assay_explain_session *session, const assay_targets *targets,
                           const assay_explanations *explanations, assay_error *error)
{
    if (!session->options->json) {
        return session->options->top.given
                   ? assay_print_strongest(session, targets, explanations, error)
                   : ASSAY_OK;
    }
    cJSON *const root = assay_explain_json(session);
    if (root == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the JSON text");
    }
    const assay_status status = assay_explain_json_add(session, targets, explanations, root, error);
    if (status != ASSAY_OK) {
        cJSON_Delete(root);
        return status;
    }
    return assay_json_print(root, error);
}

static assay_status explain(assay_explain_session *session, assay_error *error)
{
    assay_targets targets;
    assay_explanations explanations;
    memset(&explanations, 0, sizeof explanations);
    assay_status status = assay_targets_find(session, &targets, error);
    if (status == ASSAY_OK && session->options->dump != NULL) {
        /* Before the work, which may take hours. */
        status = assay_dump_make_folder(session->options->dump, error);
    }
    if (status == ASSAY_OK) {
        progress p = {session, &targets};
        assay_print_progress("explained", 0, targets.source_count);
        status = assay_explain_run(session, &targets, batch_done, &p, &explanations, error);
    }
    if (status == ASSAY_OK) {
        status = report(session, &targets, &explanations, error);
    }
    if (status == ASSAY_OK && session->options->dump != NULL) {
        status = assay_explain_dump(session, &targets, &explanations, error);
    }
    assay_explanations_free(&explanations);
    assay_targets_free(&targets);
    return status;
}

/* A wrong option is the user's to mend; all else is a file's or the machine's fault. */
static int exit_status(assay_status status, const assay_error *error)
{
    if (status == ASSAY_OK) {
        return 0;
    }
    fprintf(stderr, "assay explain: %s\n", error->message);
    return status == ASSAY_BAD_ARGUMENT ? EXIT_USAGE : EXIT_INPUT;
}

int assay_explain_command(int argc, char **argv)
{
    assay_error error = {ASSAY_OK, "no reason was given"};
    assay_explain_options options;
    assay_status status = assay_explain_options_parse(argc, argv, &options, &error);
    if (status != ASSAY_OK) {
        return exit_status(status, &error);
    }
    if (options.help) {
        assay_explain_help();
        return 0;
    }
    assay_explain_session session;
    status = assay_explain_open(&options, &session, &error);
    if (status == ASSAY_OK) {
        if (!options.json) {
            assay_print_settings(&session);
        }
        status = options.steer != NULL ? assay_explain_steer(&session, &error)
                                       : explain(&session, &error);
    }
    assay_explain_close(&session);
    return exit_status(status, &error);
}
