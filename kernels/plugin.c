#include "kernels/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "kernels/plugin_fusions.h"
#include "kernels/registry.h"

/* Length of a string of at most `most` printable characters; -1 when it is none. */
static int length_of(const char *text, int most)
{
    int length = 0;
    while (length <= most && text[length] != '\0') {
        if ((unsigned char)text[length] < 0x20 || text[length] == 0x7f) {
            return -1;
        }
        length++;
    }
    return length <= most ? length : -1;
}

static bool is_word(const char *text)
{
    static const char others[] = "_-+.";
    const int length = length_of(text, ASSAY_PLUGIN_NAME_MAX);
    bool word = length > 0 && strchr(others, text[0]) == NULL;
    for (int i = 0; word && i < length; i++) {
        const char c = text[i];
        word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               strchr(others, c) != NULL;
    }
    return word;
}

static bool is_taken(const char *name)
{
    bool taken = strcmp(name, "oracle") == 0;
    const char *built_in = NULL;
    for (size_t i = 0; !taken && (built_in = assay_impl_name(i)) != NULL; i++) {
        taken = strcmp(name, built_in) == 0;
    }
    return taken;
}

static bool has_run(const assay_kernel *kernel)
{
    switch (kernel->op) {
#define HAS_RUN_CASE(name) case ASSAY_OP_##name: return kernel->run.name.run != NULL;
        ASSAY_OPS(HAS_RUN_CASE)
#undef HAS_RUN_CASE
    case ASSAY_OP_COUNT: break;
    }
    return false;
}

/* Only abi and size are known to lie where this build expects them until both agree. */
static assay_status check_build(const assay_plugin *plugin, size_t i, assay_error *error)
{
    const assay_kernel *const kernel = plugin->kernels[i];
    if (kernel == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: kernel %zu of %zu is NULL; list only what there is",
                          plugin->path, i, plugin->count);
    }
    if (kernel->abi != ASSAY_ABI) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: kernel %zu has ABI %u, this assay has %d; build the plug-in "
                          "against this assay's headers",
                          plugin->path, i, (unsigned)kernel->abi, (int)ASSAY_ABI);
    }
    if (kernel->size != sizeof(assay_kernel)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: kernel %zu says its descriptor has %u bytes, this assay's "
                          "has %zu; set .size = sizeof(assay_kernel) and build against this "
                          "assay's headers",
                          plugin->path, i, (unsigned)kernel->size, sizeof(assay_kernel));
    }
    return ASSAY_OK;
}

static assay_status check_words(const assay_plugin *plugin, size_t i, assay_error *error)
{
    const assay_kernel *const kernel = plugin->kernels[i];
    const struct {
        const char *what, *text;
    } texts[] = {{"name", kernel->name}, {"backend", kernel->backend}};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        if (texts[t].text == NULL || !is_word(texts[t].text)) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "plug-in %s: kernel %zu: its %s %s; use letters, digits and _ - + . "
                              "(at most %d, a letter or digit first)",
                              plugin->path, i, texts[t].what,
                              texts[t].text == NULL ? "is missing"
                                                    : "is no word for a command line",
                              (int)ASSAY_PLUGIN_NAME_MAX);
        }
    }
    if (kernel->summary == NULL || length_of(kernel->summary, ASSAY_PLUGIN_SUMMARY_MAX) < 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: %s: its summary %s; give one line of at most %d characters",
                          plugin->path, kernel->name,
                          kernel->summary == NULL ? "is missing" : "is longer than a line",
                          (int)ASSAY_PLUGIN_SUMMARY_MAX);
    }
    if (is_taken(kernel->name)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: the name '%s' is this assay's own; choose another",
                          plugin->path, kernel->name);
    }
    return ASSAY_OK;
}

static assay_status check_rest(const assay_plugin *plugin, size_t i, assay_error *error)
{
    const assay_kernel *const kernel = plugin->kernels[i];
    if ((unsigned)kernel->op >= ASSAY_OP_COUNT) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: kernel %zu is for op %d, there are 0..%d", plugin->path, i,
                          (int)kernel->op, (int)ASSAY_OP_COUNT - 1);
    }
    const assay_status status = check_words(plugin, i, error);
    if (status != ASSAY_OK) {
        return status;
    }
    const char *const op = assay_op_name(kernel->op);
    if (!has_run(kernel)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: %s/%s has no function; set .run.%s.run", plugin->path, op,
                          kernel->name, op);
    }
    for (int a = 0; a < ASSAY_OPERANDS_MAX; a++) {
        const unsigned alignment = kernel->alignment[a];
        if ((alignment & (alignment - 1)) != 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "plug-in %s: %s/%s: alignment[%d] is %u; expected a power of two, or "
                              "0 for the element's own",
                              plugin->path, op, kernel->name, a, alignment);
        }
    }
    if (kernel->features >> ASSAY_FEATURE_COUNT != 0) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: %s/%s: features is 0x%x; this assay knows bits 0 to %d "
                          "(assay_feature in assay/exec.h)",
                          plugin->path, op, kernel->name, (unsigned)kernel->features,
                          (int)ASSAY_FEATURE_COUNT - 1);
    }
    for (size_t before = 0; before < i; before++) {
        const assay_kernel *const other = plugin->kernels[before];
        if (other->op == kernel->op && strcmp(other->name, kernel->name) == 0) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "plug-in %s: kernels %zu and %zu are both %s/%s; give each its own "
                              "name",
                              plugin->path, before, i, op, kernel->name);
        }
    }
    return ASSAY_OK;
}

static assay_status check_all(const assay_plugin *plugin, assay_error *error)
{
    if (plugin->kernels == NULL || plugin->count == 0 ||
        plugin->count > ASSAY_PLUGIN_KERNELS_MAX) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: assay_plugin_kernels gave %zu kernels; expected 1 to %d",
                          plugin->path, plugin->kernels == NULL ? 0 : plugin->count,
                          (int)ASSAY_PLUGIN_KERNELS_MAX);
    }
    assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < plugin->count; i++) {
        status = check_build(plugin, i, error);
    }
    for (size_t i = 0; status == ASSAY_OK && i < plugin->count; i++) {
        status = check_rest(plugin, i, error);
    }
    return status;
}

static bool is_whole(const assay_accelerator *a)
{
    return a->name != NULL && is_word(a->name) && a->count != NULL && a->describe != NULL &&
           a->stream_open != NULL && a->stream_close != NULL && a->allocate != NULL &&
           a->release != NULL && a->copy != NULL && a->fill != NULL && a->synchronise != NULL &&
           a->synchronise_all != NULL && a->last_error != NULL && a->event_open != NULL &&
           a->event_close != NULL && a->event_record != NULL && a->seconds_between != NULL;
}

static assay_status check_accelerator(const assay_plugin *plugin, assay_error *error)
{
    const assay_accelerator *const a = plugin->accelerator;
    for (size_t i = 0; a == NULL && i < plugin->count; i++) {
        if (plugin->kernels[i]->space != ASSAY_HOST) {
            return assay_fail(error, ASSAY_BAD_INPUT,
                              "plug-in %s: %s/%s wants its operands in device memory, which nobody "
                              "brings; export " ASSAY_ACCELERATOR_SYMBOL
                              " (assay/accelerator.h has its type)",
                              plugin->path, assay_op_name(plugin->kernels[i]->op),
                              plugin->kernels[i]->name);
        }
    }
    if (a == NULL) {
        return ASSAY_OK;
    }
    if (a->abi != ASSAY_ACCELERATOR_ABI || a->size < ASSAY_ACCELERATOR_LEAST) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: its accelerator has ABI %u and %u bytes, this assay's has "
                          "%d and at least %u; build the plug-in against this assay's headers",
                          plugin->path, (unsigned)a->abi, (unsigned)a->size,
                          (int)ASSAY_ACCELERATOR_ABI, (unsigned)ASSAY_ACCELERATOR_LEAST);
    }
    if (!is_whole(a)) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s: its accelerator lacks a function, or its name is no word; "
                          "set every member", plugin->path);
    }
    return ASSAY_OK;
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX gives it one. */
static void find_accelerator(assay_plugin *plugin)
{
    void *const symbol = dlsym(plugin->handle, ASSAY_ACCELERATOR_SYMBOL);
    assay_plugin_accelerator_fn *accelerator = NULL;
    memcpy(&accelerator, &symbol, sizeof accelerator);
    plugin->accelerator = accelerator != NULL ? accelerator() : NULL;
}

static assay_status load(assay_plugin *plugin, const char *path, assay_error *error)
{
    /* A name without a slash would be looked for among the system's libraries. */
    plugin->path = realpath(path, NULL);
    if (plugin->path == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT, "plug-in %s: %s", path, strerror(errno));
    }
    plugin->handle = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
    if (plugin->handle == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s cannot be loaded: %s; expected a shared object for this "
                          "machine with all it needs", path, dlerror());
    }
    void *const symbol = dlsym(plugin->handle, ASSAY_PLUGIN_SYMBOL);
    assay_plugin_kernels_fn *kernels = NULL;
    memcpy(&kernels, &symbol, sizeof kernels);
    if (kernels == NULL) {
        return assay_fail(error, ASSAY_BAD_INPUT,
                          "plug-in %s does not export assay_plugin_kernels; define it "
                          "(assay/kernel.h has its type) and do not hide it", path);
    }
    plugin->kernels = kernels(&plugin->count);
    assay_status status = check_all(plugin, error);
    if (status == ASSAY_OK) {
        find_accelerator(plugin);
        status = check_accelerator(plugin, error);
    }
    return status != ASSAY_OK ? status : assay_plugin_find_fusions(plugin, error);
}

assay_status assay_plugin_open(const char *path, assay_plugin *plugin, assay_error *error)
{
    *plugin = (assay_plugin){.path = NULL};
    const assay_status status = load(plugin, path, error);
    if (status != ASSAY_OK) {
        assay_plugin_close(plugin);
    }
    return status;
}

void assay_plugin_close(assay_plugin *plugin)
{
    if (plugin->handle != NULL) {
        (void)dlclose(plugin->handle);
    }
    free(plugin->path);
    *plugin = (assay_plugin){.path = NULL};
}

bool assay_plugin_table(const assay_plugin *plugin, const char *name, assay_table *table)
{
    memset(table, 0, sizeof *table);
    for (size_t i = 0; i < plugin->count; i++) {
        if (strcmp(plugin->kernels[i]->name, name) == 0) {
            table->name = plugin->kernels[i]->name;
            table->accelerator = plugin->accelerator;
            table->fusions = assay_plugin_fusions_of(plugin, name);
            table->kernel[plugin->kernels[i]->op] = plugin->kernels[i];
        }
    }
    return table->name != NULL;
}
