#include "verify/scales_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixtures/io/bundle.h"
#include "fixtures/io/sha256.h"
#include "verify/cache_folder.h"
#include "verify/scales.h"

enum { DIGEST = 64, PATH_LENGTH = 4096 };

typedef struct header {
    char magic[8];
    uint32_t method;
    uint32_t zero;
    int64_t rows, columns;
} header;

static const char magic[8] = {'a', 's', 's', 'a', 'y', 's', 'c', 'l'};
static atomic_bool disk_on = true;
static char program[DIGEST + 1]; /* sha256 of this program; empty when it cannot be read */

void assay_scales_set_disk(bool on)
{
    disk_on = on;
}

static void hash_program(void)
{
    uint64_t bytes = 0;
    if (assay_sha256_file("/proc/self/exe", program, &bytes, NULL) != ASSAY_OK) {
        program[0] = '\0';
    }
}

static void add_text(assay_sha256 *hash, const char *text)
{
    assay_sha256_add(hash, text, strlen(text) + 1);
}

/* The file's path; false: there is to be none. */
static bool place(const char *identity, const assay_chain *chain, size_t output,
                  const char *contract, char *folder, char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    assay_sha256 hash;
    char digest[DIGEST + 1];
    const uint64_t number[3] = {chain->seed, ASSAY_CHAIN_METHOD, ASSAY_CHAIN_RUNS};
    (void)pthread_once(&once, hash_program);
    if (!disk_on || *identity == '\0' || *program == '\0' ||
        !assay_cache_folder(folder, PATH_LENGTH)) {
        return false;
    }
    assay_sha256_begin(&hash);
    add_text(&hash, program);
    add_text(&hash, identity);
    add_text(&hash, chain->key);
    add_text(&hash, chain->output[output].key);
    add_text(&hash, contract);
    assay_sha256_add(&hash, number, sizeof number);
    assay_sha256_end(&hash, digest);
    (void)snprintf(name, DIGEST + 16, "%s.scales", digest);
    return true;
}

static void seal(const char *name, const void *data, size_t size, char digest[DIGEST + 1])
{
    assay_sha256 hash;
    assay_sha256_begin(&hash);
    assay_sha256_add(&hash, data, size);
    add_text(&hash, name);
    assay_sha256_end(&hash, digest);
}

static bool read_all(int file, void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = read(file, (char *)data + done, size - done);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            return false;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_all(int file, const void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t put = write(file, (const char *)data + done, size - done);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* The whole file as it must be, header filled in, scales at sizeof(header), room for the digest. */
static char *image_of(const assay_chain_output *output, size_t *size)
{
    const header head = {.method = ASSAY_CHAIN_METHOD,
                         .rows = output->rows,
                         .columns = output->columns};
    *size = sizeof head + (size_t)(output->rows * output->columns) * sizeof(float);
    char *const image = malloc(*size + DIGEST + 1);
    if (image != NULL) {
        memcpy(image, &head, sizeof head);
        memcpy(image, magic, sizeof magic);
    }
    return image;
}

bool assay_scales_read(const char *identity, const assay_chain *chain, size_t output,
                       const char *contract, float *scale)
{
    char folder[PATH_LENGTH];
    char name[DIGEST + 16];
    char path[PATH_LENGTH + DIGEST + 32];
    char digest[DIGEST + 1];
    header head;
    size_t size = 0;
    if (!place(identity, chain, output, contract, folder, name)) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *const image = file < 0 ? NULL : image_of(&chain->output[output], &size);
    struct stat about;
    bool good = image != NULL && fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
                (uint64_t)about.st_size == size + DIGEST;
    if (good) {
        memcpy(&head, image, sizeof head);
        good = read_all(file, image, size + DIGEST) && memcmp(&head, image, sizeof head) == 0;
    }
    if (good) {
        seal(name, image, size, digest);
        good = memcmp(image + size, digest, DIGEST) == 0;
    }
    if (good) {
        memcpy(scale, image + sizeof head, size - sizeof head);
        (void)futimens(file, NULL); /* used now: the last to be dropped */
    }
    free(image);
    if (file >= 0) {
        (void)close(file);
    }
    return good;
}

void assay_scales_write(const char *identity, const assay_chain *chain, size_t output,
                        const char *contract, const float *scale)
{
    static atomic_uint serial;
    static atomic_uint written;
    char folder[PATH_LENGTH];
    char name[DIGEST + 16];
    char path[PATH_LENGTH + DIGEST + 32];
    char temporary[PATH_LENGTH + DIGEST + 64];
    char digest[DIGEST + 1];
    size_t size = 0;
    if (!place(identity, chain, output, contract, folder, name)) {
        return;
    }
    char *const image = image_of(&chain->output[output], &size);
    if (image == NULL) {
        return;
    }
    memcpy(image + sizeof(header), scale, size - sizeof(header));
    seal(name, image, size, digest);
    memcpy(image + size, digest, DIGEST);
    assay_make_folders(folder);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(temporary, sizeof temporary, "%s/%s.%ld-%u.part", folder, name, (long)getpid(),
                   serial++);
    const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
        const bool whole = write_all(file, image, size + DIGEST);
        const bool closed = close(file) == 0;
        if (!whole || !closed || rename(temporary, path) != 0) {
            (void)unlink(temporary);
        }
        if (written++ % 64 == 0) { /* a look at every file costs more than writing one */
            assay_scales_trim(folder, ASSAY_SCALES_ROOM);
        }
    }
    free(image);
}
