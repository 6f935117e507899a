#include "bench/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/child.h"
#include "verify/cache_folder.h"
#include "verify/golden_path.h"

enum { PATH_BYTES = 4096 };

static const char *const known[] = {"pytorch", "llama_cpp"};

static void set(assay_peer *peer, assay_verdict verdict, const char *message)
{
    peer->verdict = verdict;
    (void)snprintf(peer->message, sizeof peer->message, "%.1000s", message);
}

/* The interpreter of the environment that ci/peers makes. */
static bool interpreter(char *path, size_t size)
{
    const char *const named = getenv("ASSAY_PEERS");
    char cache[PATH_BYTES / 2];
    int wrote = -1;
    if (named != NULL && *named != '\0') {
        wrote = snprintf(path, size, "%s/bin/python3", named);
    } else if (assay_cache_folder(cache, sizeof cache)) {
        wrote = snprintf(path, size, "%s/peers/bin/python3", cache);
    }
    return wrote > 0 && (size_t)wrote < size && access(path, X_OK) == 0;
}

/* Its command line; SKIP where it is not installed. */
static void find_known(assay_peer *peer)
{
    char path[PATH_BYTES + 64];
    char message[256];
    if (!interpreter(path, sizeof path)) {
        (void)snprintf(message, sizeof message, "peer '%s' is not installed: run ci/peers %s",
                       peer->name, peer->name);
        set(peer, ASSAY_SKIP, message);
        return;
    }
    peer->word[0] = strdup(path);
    const char *const folder = assay_peers_folder();
    if (folder == NULL) {
        set(peer, ASSAY_SKIP, "bench/peers was not found: run from the source folder");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s.py", folder, peer->name);
    peer->word[1] = strdup(path);
}

static assay_status ask(assay_peer *peer, double deadline, assay_error *error)
{
    assay_child child;
    cJSON *answer = NULL;
    const char *words[ASSAY_PEER_WORDS + 1] = {NULL};
    for (int i = 0; i < ASSAY_PEER_WORDS; i++) {
        words[i] = peer->word[i];
    }
    if (assay_child_start(words, &child, error) != ASSAY_OK) {
        set(peer, ASSAY_CRASH, error->message);
        return ASSAY_OK;
    }
    cJSON *const request = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(request, "do", "hello");
    const assay_child_fate fate = assay_child_ask(&child, request, deadline, &answer);
    assay_status status = ASSAY_OK;
    if (fate.verdict != ASSAY_PASS) {
        set(peer, fate.verdict, fate.message);
    } else {
        status = assay_peer_describe(answer, peer, error);
        if (status == ASSAY_BAD_INPUT) {
            set(peer, ASSAY_FAIL, error->message);
            status = ASSAY_OK;
        }
    }
    cJSON_Delete(answer);
    assay_child_end(&child);
    return status;
}

static assay_status add(assay_peers *peers, const char *name, size_t length, double deadline,
                        assay_error *error)
{
    assay_peer *const grown = realloc(peers->peer, (peers->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a peer");
    }
    peers->peer = grown;
    assay_peer *const peer = &grown[peers->count++];
    *peer = (assay_peer){.verdict = ASSAY_PASS};
    char *const text = strndup(name, length);
    if (text == NULL) {
        return assay_fail(error, ASSAY_NO_MEMORY, "no memory for a peer");
    }
    const char *const slash = strrchr(text, '/');
    peer->name = strdup(slash != NULL ? slash + 1 : text);
    if (slash != NULL) {
        peer->word[0] = text;
        return ask(peer, deadline, error);
    }
    free(text);
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        found = found || strcmp(peer->name, known[i]) == 0;
    }
    if (!found) {
        return assay_fail(error, ASSAY_BAD_ARGUMENT,
                          "--peer: '%.100s' is none: give pytorch, llama_cpp, all, or a program's "
                          "path with a slash in it", peer->name);
    }
    find_known(peer);
    return peer->verdict == ASSAY_PASS ? ask(peer, deadline, error) : ASSAY_OK;
}

assay_status assay_peers_find(const char *names, double deadline, assay_peers *peers,
                              assay_error *error)
{
    assay_status status = ASSAY_OK;
    memset(peers, 0, sizeof *peers);
    if (strcmp(names, "all") == 0) {
        for (size_t i = 0; i < sizeof known / sizeof *known && status == ASSAY_OK; i++) {
            status = add(peers, known[i], strlen(known[i]), deadline, error);
        }
    }
    for (const char *at = names; strcmp(names, "all") != 0 && at != NULL && status == ASSAY_OK;) {
        const size_t length = strcspn(at, ",");
        status = add(peers, at, length, deadline, error);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    if (status != ASSAY_OK) {
        assay_peers_close(peers);
    }
    return status;
}

void assay_peers_close(assay_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        assay_peer *const peer = &peers->peer[i];
        for (int w = 0; w < ASSAY_PEER_WORDS; w++) {
            free(peer->word[w]);
        }
        for (size_t t = 0; t < peer->text_count; t++) {
            free(peer->text[t]);
        }
        free(peer->text);
        free(peer->name);
        free(peer->version);
        free(peer->table);
        free(peer->kernel);
    }
    free(peers->peer);
    memset(peers, 0, sizeof *peers);
}
