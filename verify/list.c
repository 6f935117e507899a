/* `assay list`: what this build and this machine have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/commands.h"
#include "fixtures/io/json_file.h"
#include "verify/list_collect.h"
#include "verify/options.h"

enum { EXIT_USAGE = 2, EXIT_INPUT = 3 };

typedef struct list_options {
    assay_list_filter filter;
    bool json, help;
} list_options;

static const assay_option table[] = {
    {"op", ASSAY_OPTION_TEXT, offsetof(list_options, filter.op), 0, 0},
    {"impl", ASSAY_OPTION_TEXT, offsetof(list_options, filter.impl), 0, 0},
    {"case", ASSAY_OPTION_TEXT, offsetof(list_options, filter.case_id), 0, 0},
    {"cases", ASSAY_OPTION_TEXT, offsetof(list_options, filter.cases), 0, 0},
    {"plugin", ASSAY_OPTION_TEXT, offsetof(list_options, filter.plugin), 0, 0},
    {"json", ASSAY_OPTION_FLAG, offsetof(list_options, json), 0, 0},
    {"help", ASSAY_OPTION_FLAG, offsetof(list_options, help), 0, 0},
    {NULL, ASSAY_OPTION_FLAG, 0, 0, 0},
};

static const char help[] =
    "assay list: ops, kernels, stages, cases, devices and golden bundles\n"
    "\n"
    "usage: assay list [ops|kernels|stages|cases|devices|golden] [option]...\n"
    "\n"
    "  ops       every op with its formula, how it is judged, and who implements it\n"
    "  kernels   every kernel with its numeric contract\n"
    "  stages    the stages (capture, generate, explain) that each implementation has or makes up\n"
    "  cases     every case of the golden bundles, and the generated ones\n"
    "  devices   processor features and accelerators; what is missing and what that costs\n"
    "  golden    the golden bundles found, each checked against its hashes\n"
    "  (none)    a short overview of all\n"
    "  --op G, --impl G, --case G   only ops, implementations or cases that match a glob\n"
    "  --plugin FILE   kernels of a plug-in instead of the built-in ones, and the devices it sees\n"
    "  --golden DIR    a bundle, or a folder of bundles, instead of the ones found; may be given\n"
    "                  several times; the word 'generated' stands for the generated cases\n"
    "  --cases FILE    a file of generated cases instead of the one found\n"
    "  --json    the same as one JSON object\n"
    "\n"
    "Bundles are looked for in $ASSAY_GOLDEN, else fixtures/golden here, else where assay was\n"
    "installed, else in the source; unless $ASSAY_GOLDEN says where, the small trained world is\n"
    "one more.\n"
    "\n"
    "examples\n"
    "  assay list\n"
    "  assay list kernels --op 'sae_*'\n"
    "  assay list kernels --plugin ./mine.so\n"
    "  assay list cases --op explain --json\n";

static const char *text_of(const cJSON *entry, const char *key)
{
    const cJSON *const value = cJSON_GetObjectItemCaseSensitive(entry, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static void print_words(const cJSON *entry, const char *key, const char *none)
{
    const cJSON *const list = cJSON_GetObjectItemCaseSensitive(entry, key);
    const cJSON *word;
    cJSON_ArrayForEach(word, list)
    {
        printf("%s%s", word == list->child ? "" : " ", word->valuestring);
    }
    printf("%s", cJSON_GetArraySize(list) == 0 ? none : "");
}

static void print_op(const cJSON *entry)
{
    printf("%-11s %s\n%-11s judged by %s; implemented by ", text_of(entry, "name"),
           text_of(entry, "formula"), "", text_of(entry, "judged_by"));
    print_words(entry, "implementations", "none");
    (void)putchar('\n');
}

static void print_kernel(const cJSON *entry)
{
    char name[64];
    const bool scaled = strcmp(text_of(entry, "operand_scale"), "none") != 0;
    (void)snprintf(name, sizeof name, "%s/%s", text_of(entry, "op"), text_of(entry, "impl"));
    printf("%-24s %s\n%-24s weights %s, products %s%s, sums %s (%s), steps %s, out %s; flushes ",
           name, text_of(entry, "summary"), "", text_of(entry, "storage"),
           text_of(entry, "multiply"), scaled ? " in scaled rows" : "",
           text_of(entry, "accumulate"), text_of(entry, "order"),
           text_of(entry, "intermediate"), text_of(entry, "output"));
    print_words(entry, "flush", "nothing");
    (void)putchar('\n');
    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(entry, "missing_features")) > 0) {
        printf("%-24s not available here: needs ", "");
        print_words(entry, "missing_features", "");
        (void)putchar('\n');
    } else if (cJSON_HasObjectItem(entry, "reason") != 0) {
        printf("%-24s not available here: needs a device\n", "");
    }
}

/* Why there is no device, which every kernel that needs one has been told of, once. */
static void print_no_device(const cJSON *list)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (cJSON_HasObjectItem(entry, "reason") != 0) {
            printf("no device: %s\n", text_of(entry, "reason"));
            return;
        }
    }
}

static void print_stage(const cJSON *entry)
{
    printf("%-16s %s\n", text_of(entry, "op"), text_of(entry, "impl"));
}

static void print_case(const cJSON *entry)
{
    if (cJSON_HasObjectItem(entry, "error") != 0) {
        printf("unreadable: %s\n", text_of(entry, "error"));
        return;
    }
    printf("%-26s %-16s %-5s %s\n", text_of(entry, "golden"), text_of(entry, "op"),
           text_of(entry, "precision"), text_of(entry, "id"));
}

static void print_device(const cJSON *entry)
{
    if (strcmp(text_of(entry, "name"), "host") == 0) {
        const double gib = 1024.0 * 1024.0 * 1024.0;
        printf("host   %s, %.0f threads, %.1f GiB free\n       has ", text_of(entry, "model"),
               assay_json_number_or(entry, "threads", 0.0),
               assay_json_number_or(entry, "memory_bytes", 0.0) / gib);
        print_words(entry, "features", "none of the features kernels ask for");
        printf("; lacks ");
        print_words(entry, "missing_features", "nothing");
        printf("\n       %s\n",
               cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "ceilings_known")) != 0
                   ? "ceilings known (assay probe measures them again)"
                   : "ceilings not known; assay probe measures them");
        return;
    }
    const bool available =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "available")) != 0;
    printf("%-6s %s\n", text_of(entry, "name"), available ? "available" : "not available");
    const cJSON *device;
    cJSON_ArrayForEach(device, cJSON_GetObjectItemCaseSensitive(entry, "devices"))
    {
        const double gib = 1024.0 * 1024.0 * 1024.0;
        printf("       %.0f: %s, compute capability %.1f, %.1f of %.1f GiB free, driver %s, "
               "runtime %s\n",
               assay_json_number_or(device, "index", 0.0), text_of(device, "model"),
               assay_json_number_or(device, "compute_capability", 0.0),
               assay_json_number_or(device, "memory_bytes", 0.0) / gib,
               assay_json_number_or(device, "memory_total_bytes", 0.0) / gib,
               text_of(device, "driver_version"), text_of(device, "runtime_version"));
    }
    const cJSON *missing;
    cJSON_ArrayForEach(missing, cJSON_GetObjectItemCaseSensitive(entry, "missing"))
    {
        printf("       no %s: %s\n", text_of(missing, "what"), text_of(missing, "cost"));
    }
}

static void print_golden(const cJSON *entry)
{
    if (cJSON_HasObjectItem(entry, "error") != 0) {
        printf("unreadable: %s\n", text_of(entry, "error"));
        return;
    }
    printf("%-26s %3.0f cases  %.12s  %s\n", text_of(entry, "name"),
               assay_json_number_or(entry, "cases", 0.0),
           text_of(entry, "hash"), text_of(entry, "path"));
}

typedef struct section {
    const char *name;
    cJSON *(*collect)(const assay_list_filter *filter, assay_error *error);
    void (*print)(const cJSON *entry);
    bool counted; /* the overview gives its length only */
    void (*conclude)(const cJSON *list); /* NULL: nothing is said of all of them */
} section;

static const section sections[] = {
    {"ops", assay_list_ops, print_op, true, NULL},
    {"kernels", assay_list_kernels, print_kernel, true, print_no_device},
    {"stages", assay_list_stages, print_stage, true, NULL},
    {"cases", assay_list_cases, print_case, true, NULL},
    {"devices", assay_list_devices, print_device, false, NULL},
    {"golden", assay_list_golden, print_golden, false, NULL},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* The names in an array's entries, each once, on one line. */
static void print_names(const cJSON *list, const char *key)
{
    const char *last = "";
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        const char *const name = text_of(entry, key);
        if (strcmp(name, last) != 0) {
            printf(" %s", name);
        }
        last = name;
    }
    (void)putchar('\n');
}

static void print_section(const section *s, const cJSON *list)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        s->print(entry);
    }
    if (s->conclude != NULL) {
        s->conclude(list);
    }
}

static void print_overview(const section *s, const cJSON *list)
{
    if (!s->counted) {
        print_section(s, list);
        return;
    }
    printf("%d %s:", cJSON_GetArraySize(list), s->name);
    print_names(list, strcmp(s->name, "ops") == 0     ? "name"
                      : strcmp(s->name, "cases") == 0 ? "golden"
                                                      : "impl");
}

static assay_status print_json(const cJSON *root, assay_error *error)
{
    char *const text = cJSON_Print(root);
    const bool printed = text != NULL && puts(text) != EOF;
    free(text);
    return printed ? ASSAY_OK
                   : assay_fail(error, ASSAY_IO,
                                "standard output: the JSON text could not be written");
}

/* only: the section asked for, or NULL for all. */
static assay_status run(const list_options *options, const section *only, assay_error *error)
{
    cJSON *const root = cJSON_CreateObject();
    assay_status status = ASSAY_OK;
    (void)cJSON_AddStringToObject(root, "format", "assay-list");
    (void)cJSON_AddNumberToObject(root, "version", 1);
    for (size_t i = 0; status == ASSAY_OK && i < SECTIONS; i++) {
        if (only != NULL && only != &sections[i]) {
            continue;
        }
        (void)assay_fail(error, ASSAY_NO_MEMORY, "out of memory for the list");
        cJSON *const list = sections[i].collect(&options->filter, error);
        if (list == NULL || cJSON_AddItemToObject(root, sections[i].name, list) == 0) {
            cJSON_Delete(list);
            status = error->status;
        } else if (!options->json && only == NULL) {
            print_overview(&sections[i], list);
        } else if (!options->json) {
            print_section(&sections[i], list);
        }
    }
    if (status == ASSAY_OK && options->json) {
        status = print_json(root, error);
    }
    cJSON_Delete(root);
    return status;
}

static assay_status find_section(const char *name, const section **found, assay_error *error)
{
    for (size_t i = 0; i < SECTIONS; i++) {
        if (strcmp(name, sections[i].name) == 0) {
            *found = &sections[i];
            return ASSAY_OK;
        }
    }
    return assay_fail(error, ASSAY_BAD_ARGUMENT,
                      "'%s' is no list; there are ops, kernels, stages, cases, devices and golden",
                      name);
}

int assay_list_command(int argc, char **argv)
{
    assay_error error;
    list_options options;
    memset(&options, 0, sizeof options);
    const char *name = NULL;
    const section *only = NULL;
    size_t names = 1;
    assay_list_filter *const filter = &options.filter;
    assay_status status = assay_options_take("golden", &argc, argv, filter->golden,
                                             ASSAY_LIST_GOLDEN_MAX, &filter->golden_count, &error);
    if (status == ASSAY_OK) {
        status = assay_options_parse(table, argc, argv, &options, &name, &names, &error);
    }
    if (status == ASSAY_OK && options.help) {
        (void)fputs(help, stdout);
        return 0;
    }
    if (status == ASSAY_OK && names == 1) {
        status = find_section(name, &only, &error);
    }
    if (status == ASSAY_OK) {
        status = run(&options, only, &error);
    }
    if (status != ASSAY_OK) {
        fprintf(stderr, "assay list: %s\n", error.message);
        return status == ASSAY_BAD_ARGUMENT ? EXIT_USAGE : EXIT_INPUT;
    }
    return 0;
}
