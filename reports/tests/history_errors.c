/* A history that cannot be used is said in one line with a remedy, and is left as it was. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "reports/tests/history_run.h"

static void expect_refused(const char *folder, const char *arguments, int status, const char *part)
{
    run_output run = run_program("history %s --db %s/h.sqlite", arguments, folder);
    cr_expect_eq(run.status, status, "%s: %d", arguments, run.status);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, part), "%s: %s", arguments, run.err);
    run_free(&run);
}

/* As any reader and any writer is refused: list, check, and adding a good file. */
static void expect_all_refused(const char *folder, const char *part)
{
    char add[128];
    snprintf(add, sizeof add, "add %s/night.json", folder);
    expect_refused(folder, "list", 3, part);
    expect_refused(folder, "check", 3, part);
    expect_refused(folder, add, 3, part);
}

static void write_night(const char *folder)
{
    generate_options o = GENERATE_DEFAULTS;
    o.ops = 1;
    o.samples = 8;
    history_file(folder, "night.json", 0, o);
}

Test(history_errors, mistakes_are_one_line_with_a_remedy)
{
    static const struct {
        const char *arguments;
        int status;
        const char *part;
    } mistakes[] = {{"", 2, "no subcommand"},
                    {"forget", 2, "unknown subcommand 'forget'"},
                    {"add", 2, "no result file"},
                    {"check now", 2, "what is 'now'"},
                    {"prune --keep", 2, "needs a value"},
                    {"prune --keep 1.5", 2, "whole number"},
                    {"check --fdr 0", 2, "--fdr"},
                    {"list --no-such", 2, "--no-such"},
                    {"list --db ''", 2, "--db ''"},
                    {"list", 3, "assay history add"}}; /* there is no database yet */
    char folder[64];
    run_folder(folder);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run_output run = run_program("history %s%s%s", mistakes[i].arguments,
                                     mistakes[i].status == 3 ? " --db " : "",
                                     mistakes[i].status == 3 ? "/nowhere/h.sqlite" : "");
        cr_expect_eq(run.status, mistakes[i].status, "%s: %d", mistakes[i].arguments, run.status);
        cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
        cr_expect_not_null(strstr(run.err, mistakes[i].part), "%s", run.err);
        run_free(&run);
    }
    write_night(folder);
    char add[128];
    snprintf(add, sizeof add, "add %s/night.json", folder);
    run_expect(0, "history %s --db %s/h.sqlite", add, folder);
    expect_refused(folder, "prune", 2, "--keep N or --run N");
    expect_refused(folder, "check --run 7", 3, "run 7 is not in the history");
    expect_refused(folder, "add /nowhere/r.json", 3, "/nowhere/r.json");
    expect_refused(folder, "plot --machine none", 3, "no run is stored of that machine");
    expect_refused(folder, "plot --out h.pdf", 2, "ends in .html, .svg or .png");
    run_remove(folder);
}

Test(history_errors, another_programs_database_is_left_alone)
{
    char folder[64];
    char path[128];
    run_folder(folder);
    write_night(folder);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(
        sqlite3_exec(db, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(7)", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    expect_all_refused(folder, "another program");
    cr_expect_eq(history_count(folder, "SELECT x FROM theirs"), 7);
    cr_expect_eq(history_count(folder, "SELECT count(*) FROM sqlite_master"), 1);
    char *const mode = history_ask(folder, "PRAGMA journal_mode");
    cr_expect_str_eq(mode, "delete", "it is as it was");
    free(mode);
    run_remove(folder);
}

Test(history_errors, a_newer_history_is_left_alone)
{
    char folder[64];
    run_folder(folder);
    write_night(folder);
    run_expect(0, "history add %s/night.json --db %s/h.sqlite", folder, folder);
    free(history_ask(folder, "PRAGMA user_version=99"));
    expect_all_refused(folder, "newer assay");
    cr_expect_eq(history_count(folder, "PRAGMA user_version"), 99);
    run_remove(folder);
}

Test(history_errors, a_time_that_is_none_is_left_out)
{
    char folder[64];
    generate_options o = GENERATE_DEFAULTS;
    run_folder(folder);
    o.ops = 1;
    o.samples = 8;
    history_add_nights(folder, 0, 6, o);
    free(history_ask(folder, "UPDATE timing SET seconds=9e999 WHERE run IN (2, 6) AND"
                             " item=(SELECT min(item) FROM timing)"));
    free(history_ask(folder, "UPDATE timing SET seconds='x' WHERE run=3 AND"
                             " item=(SELECT max(item) FROM timing)"));
    run_expect(0, "history check --db %s/h.sqlite --json %s/check.json", folder, folder);
    cJSON *const root = run_json(folder, "check.json");
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "cases")), 6 * 7 - 1);
    cJSON_Delete(root);
    run_expect(0, "history plot --db %s/h.sqlite --out %s/p.html", folder, folder);
    run_expect(0, "history show --db %s/h.sqlite", folder);
    free(history_ask(folder, "UPDATE run SET machine=x'ff00' WHERE id=6"));
    expect_refused(folder, "check", 3, "run 6 is damaged");
    run_expect(0, "history prune --run 6 --db %s/h.sqlite", folder);
    run_remove(folder);
}

/* Marked as a history, with tables that are not one's. */
Test(history_errors, a_history_without_its_tables_is_said)
{
    char folder[64];
    char path[128];
    sqlite3 *db;
    run_folder(folder);
    write_night(folder);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "PRAGMA application_id=1095979865; PRAGMA user_version=1;"
                              "CREATE TABLE run(id INTEGER PRIMARY KEY)",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
    expect_all_refused(folder, "not a history as this program knows it");
    run_remove(folder);
}

Test(history_errors, what_is_no_database_or_a_part_of_one_is_said)
{
    char folder[64];
    char path[128];
    run_folder(folder);
    write_night(folder);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    FILE *const text = fopen(path, "w");
    for (int i = 0; i < 500; i++) {
        fputs("these are words, not a database\n", text);
    }
    fclose(text);
    expect_all_refused(folder, "not a history, or damaged");
    unlink(path);
    run_expect(0, "history add %s/night.json --db %s", folder, path);
    struct stat whole;
    cr_assert_eq(stat(path, &whole), 0);
    cr_assert_eq(truncate(path, whole.st_size / 2), 0);
    expect_all_refused(folder, "damaged");
    run_remove(folder);
}

/* Runs the program as a user who may not write; false when that cannot be arranged here. */
static bool run_unprivileged(const char *folder, const char *arguments, run_output *result)
{
    char command[2048];
    const char *const drop =
        geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : "";
    snprintf(command, sizeof command, "%s '%s' --version >/dev/null 2>&1", drop, ASSAY_BINARY);
    if (system(command) != 0) {
        return false;
    }
    snprintf(command, sizeof command, "%s '%s' %s >%s/out 2>%s/err", drop, ASSAY_BINARY, arguments,
             folder, folder);
    const int raw = system(command);
    *result = (run_output){WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw),
                           run_slurp("%s/out", folder), run_slurp("%s/err", folder)};
    return true;
}

Test(history_errors, what_may_not_be_written_is_said)
{
    char folder[64];
    char add[256];
    char list[256];
    char path[128];
    run_output run;
    run_folder(folder);
    write_night(folder);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    snprintf(add, sizeof add, "history add %s/night.json --db %s", folder, path);
    snprintf(list, sizeof list, "history list --db %s", path);
    chmod(folder, 0555);
    if (!run_unprivileged(folder, add, &run)) {
        chmod(folder, 0755);
        run_remove(folder);
        cr_skip_test("no user without rights can run the program here");
    }
    cr_expect_eq(run.status, 3, "%d", run.status);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, "permissions"), "%s", run.err);
    run_free(&run);
    chmod(folder, 0755);
    run_expect(0, "%s", add);
    chmod(path, 0444);
    chmod(folder, 0555);
    run_free(&run);
    (void)run_unprivileged(folder, list, &run);
    cr_expect_eq(run.status, 3, "%d: %s", run.status, run.out);
    cr_expect_eq(run_lines(run.err), 1, "%s", run.err);
    cr_expect_not_null(strstr(run.err, "permissions"), "%s", run.err);
    run_free(&run);
    chmod(folder, 0755);
    cr_expect_eq(history_count(folder, "SELECT count(*) FROM run"), 1);
    history_expect_whole(folder);
    run_remove(folder);
}

/* The program where no file may grow beyond so many bytes: a disk that is full. */
static int run_limited(const char *folder, size_t bytes, char *const *arguments)
{
    char err[128];
    int raw = 0;
    snprintf(err, sizeof err, "%s/err", folder);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {bytes, bytes};
        signal(SIGXFSZ, SIG_IGN);
        if (freopen(err, "w", stderr) == NULL || setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            _exit(99);
        }
        execv(ASSAY_BINARY, arguments);
        _exit(98);
    }
    waitpid(child, &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

Test(history_errors, a_full_disk_loses_nothing_stored)
{
    char folder[64];
    char file[128];
    char path[128];
    generate_options o = GENERATE_DEFAULTS;
    run_folder(folder);
    o.ops = 2;
    o.samples = 8;
    history_add_night(folder, 0, o);
    history_file(folder, "next.json", 1, o);
    snprintf(file, sizeof file, "%s/next.json", folder);
    snprintf(path, sizeof path, "%s/h.sqlite", folder);
    char *const arguments[] = {(char[]){"assay"},
                               (char[]){"history"},
                               (char[]){"add"},
                               file,
                               (char[]){"--db"},
                               path,
                               NULL};
    int failed = 0;
    int status = -1;
    for (size_t bytes = 4096; status != 0 && bytes < (64U << 20); bytes += bytes / 2) {
        status = run_limited(folder, bytes, arguments);
        cr_assert(status == 0 || status == 3, "%d", status);
        failed += status == 3;
        char *const err = run_slurp("%s/err", folder);
        cr_expect_eq(run_lines(err), status == 0 ? 0 : 1, "%s", err);
        cr_expect(status == 0 || strstr(err, "space") != NULL, "%s", err);
        free(err);
        history_expect_whole(folder);
        cr_assert_eq(history_count(folder, "SELECT count(*) FROM run"), status == 0 ? 2 : 1);
        cr_assert_eq(history_count(folder, "SELECT count(*) FROM timing WHERE run=1"), 84);
    }
    cr_expect_geq(failed, 4);
    cr_expect_eq(status, 0, "with room it is stored");
    run_remove(folder);
}
