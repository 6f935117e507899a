/* Whoever writes to the history may be killed at any moment: what was acknowledged is there, what
 * was not is there whole or not at all, the database is sound, and the same command stores the
 * rest. */
#include <signal.h>
#include <time.h>

#include "reports/tests/history_run.h"

enum { FILES = 16, KILLS = 24, ROUNDS = 400, TIMINGS = 84 };

typedef struct writer {
    pid_t child;
    int file;
} writer;

static pid_t start_add(const char *folder, int file)
{
    char result[128];
    char path[128];
    char out[128];
    snprintf(result, sizeof result, "%s/%d.json", folder, file);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    const pid_t child = fork();
    if (child == 0) {
        if (freopen(out, "a", stdout) == NULL || freopen(out, "a", stderr) == NULL) {
            _exit(99);
        }
        execl(ASSAY_BINARY, "assay", "history", "add", result, "--db", path, "--label", result,
              (char *)NULL);
        _exit(98);
    }
    return child;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_seconds(double seconds)
{
    const struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    nanosleep(&t, NULL);
}

/* True when the writer had said that it was done. */
static bool reap(pid_t child, const char *folder, int *killed)
{
    int raw = 0;
    char path[96];
    char said[256] = "";
    waitpid(child, &raw, 0);
    *killed += WIFSIGNALED(raw) && WTERMSIG(raw) == SIGKILL;
    snprintf(path, sizeof path, "%s/out", folder);
    FILE *const out = fopen(path, "r");
    while (out != NULL && fgets(said, sizeof said, out) != NULL) { /* the last line */
    }
    cr_assert(WIFSIGNALED(raw) || WEXITSTATUS(raw) == 0, "it failed by itself: %d: %s", raw, said);
    (void)(out != NULL && fclose(out) == 0);
    return WIFEXITED(raw);
}

static void expect_acknowledged(const char *folder, const bool *acknowledged)
{
    char sql[256];
    history_expect_whole(folder);
    for (int file = 0; file < FILES; file++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE label='%s/%d.json'", folder,
                 file);
        const long runs = history_count(folder, sql);
        cr_assert(runs == 1 || (runs == 0 && !acknowledged[file]), "file %d: %ld", file, runs);
    }
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM run WHERE (SELECT count(*) FROM timing WHERE run=run.id)<>%d",
             TIMINGS);
    cr_assert_eq(history_count(folder, sql), 0, "a run is whole");
}

/* One sitting on a database of its own: two writers at a time over the files, each killed at a
 * random moment of its work. */
static void sitting(const char *folder, double usual, generator *g, int *killed)
{
    bool acknowledged[FILES] = {false};
    for (int at = 0; at < FILES; at += 2) {
        writer w[2] = {{start_add(folder, at), at}, {start_add(folder, at + 1), at + 1}};
        for (int i = 0; i < 2; i++) {
            wait_seconds(usual * generate_uniform(g));
            kill(w[i].child, SIGKILL);
        }
        for (int i = 0; i < 2; i++) {
            acknowledged[w[i].file] = reap(w[i].child, folder, killed);
        }
    }
    if (history_count(folder, "SELECT count(*) FROM sqlite_master WHERE name='run'") == 1) {
        expect_acknowledged(folder, acknowledged);
    }
    for (int at = 0; at < FILES; at += 2) { /* again, two at once, none killed */
        const pid_t a = start_add(folder, at);
        const pid_t b = start_add(folder, at + 1);
        int none = 0;
        acknowledged[at] = reap(a, folder, &none);
        acknowledged[at + 1] = reap(b, folder, &none);
        cr_assert_eq(none, 0);
    }
    expect_acknowledged(folder, acknowledged);
    cr_assert_eq(history_count(folder, "SELECT count(*) FROM run"), FILES);
}

Test(history_kill, nothing_acknowledged_is_lost, .timeout = 300)
{
    char folder[64];
    char path[128];
    generate_options o = GENERATE_DEFAULTS;
    generator g = {&o, (uint64_t)time(NULL), NULL, 0};
    int killed = 0;
    int none = 0;
    run_folder(folder);
    o.ops = 2;
    o.samples = 8;
    for (int file = 0; file < FILES; file++) {
        snprintf(path, sizeof path, "%d.json", file);
        history_file(folder, path, file, o);
    }
    const double start = now();
    reap(start_add(folder, 0), folder, &none);
    const double usual = now() - start;
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    for (int round = 0; killed < KILLS && round < ROUNDS; round++) {
        unlink(path);
        sitting(folder, usual, &g, &killed);
    }
    cr_log_info("%d writers killed, one add takes %.0f ms\n", killed, 1e3 * usual);
    cr_expect_geq(killed, KILLS);
    run_remove(folder);
}
