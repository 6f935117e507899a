#include "reports/plot_gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reports/scratch.h"

extern char **environ;

static void complaints_path(const char *folder, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/complaints", folder);
}

/* What gnuplot complained of: its first line with words. */
static void first_complaint(const char *path, char *text, size_t size)
{
    (void)snprintf(text, size, "no reason given");
    FILE *const file = fopen(path, "r");
    char line[256];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strspn(line, " \t^") != strlen(line)) {
            (void)snprintf(text, size, "%s", line);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

assay_status plot_gnuplot(const char *folder, const char *script, bool *there, assay_error *error)
{
    char complaints[SCRATCH_PATH];
    char *const arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char *)(uintptr_t)script,
                               NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int ended = 0;
    complaints_path(folder, complaints, sizeof complaints);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 2, complaints, O_WRONLY | O_CREAT, 0600);
    *there = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    if (!*there) {
        return ASSAY_OK;
    }
    while (waitpid(child, &ended, 0) < 0) {
    }
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
        char reason[256];
        first_complaint(complaints, reason, sizeof reason);
        return assay_fail(error, ASSAY_IO, "gnuplot failed on the plots: %s", reason);
    }
    return ASSAY_OK;
}

void plot_gnuplot_clean(const char *folder)
{
    char path[SCRATCH_PATH];
    complaints_path(folder, path, sizeof path);
    (void)unlink(path);
}
