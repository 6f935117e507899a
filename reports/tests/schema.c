/* The form of results: what the program writes today is what the schema says and what is read; so
 * is what it wrote before. */
#include "reports/tests/generate.h"
#include "reports/tests/run.h"

/* Verdicts of one small case to v.json. */
static void verify_small(const char *folder, const char *options)
{
    run_expect(0,
               "verify --golden generated --op linear --case linear-5x33x7-normal %s "
               "--json %s/v.json",
               options, folder);
}

/* What verify writes is what the schema says, and reports read it. */
Test(schema, verify_writes_the_form_that_is_read)
{
    char folder[64];
    run_folder(folder);
    verify_small(folder, "--impl 'scalar*'");
    cJSON *const root = run_json(folder, "v.json");
    const char *const command = run_text(root, "command");
    cr_expect_str_eq(run_text(root, "version"), "2.4.0");
    cr_expect_eq(strncmp(command, "assay verify --golden generated", 31), 0, "%s", command);
    cr_expect_not_null(strstr(command, "--impl 'scalar*'"), "%s", command);
    cJSON_Delete(root);
    run_expect(0, "report %s/v.json -o %s/out", folder, folder);
    run_remove(folder);
}

/* A file that an older assay wrote is read, drawn, stored and compared like any other. */
Test(schema, an_older_version_still_counts)
{
    char folder[64];
    char sample[512];
    run_folder(folder);
    snprintf(sample, sizeof sample, "'%s/reports/schema/samples/results-1.json'", ASSAY_SOURCE_DIR);
    run_expect(0, "report %s -o %s/out", sample, folder);
    char *const markdown = run_slurp("%s/out/report.md", folder);
    cr_expect_not_null(strstr(markdown, "scalar\\_bf16"), "%s", markdown);
    free(markdown);
    run_output run = run_program("history add %s --db %s/h.sqlite", sample, folder);
    cr_expect_eq(run.status, 0, "%s", run.err);
    cr_expect_not_null(strstr(run.out, "0 timings, 2 verdicts"), "%s", run.out);
    run_free(&run);
    run_remove(folder);
}

/* Against the schema, by an independent validator, where there is one. */
Test(schema, files_are_valid_by_the_schema)
{
    char folder[64];
    char path[128];
    char command[1024];
    generate_options o = GENERATE_DEFAULTS;
    if (system("python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null") !=
        0) {
        cr_skip_test("python3-jsonschema is not installed");
    }
    run_folder(folder);
    snprintf(path, sizeof path, "%s/r.json", folder);
    o.samples = 4; /* the validator takes its time for each number */
    generate_results(path, &o);
    verify_small(folder, "");
    static const char timed[] = "bench --quick --op linear --impl scalar --batch 1 --cache warm "
                                "--stop count:5 --processes 2 %s --json %s/%s.json";
    run_expect(0, timed, "", folder, "b");
    run_expect(0, timed, "--against scalar_bf16 --pairs 2", folder, "c");
    snprintf(command, sizeof command,
             "cd %s && python3 '%s/reports/tests/validate.py' "
             "'%s/reports/schema/results-2.4.0.schema.json' r.json v.json b.json c.json",
             folder, ASSAY_SOURCE_DIR, ASSAY_SOURCE_DIR);
    cr_expect_eq(system(command), 0);
    run_expect(0, "report %s/v.json %s/b.json %s/c.json -o %s/out", folder, folder, folder, folder);
    /* The validator can say no. */
    FILE *const wrong = fopen(path, "w");
    fputs("{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{\"date\":\"\","
          "\"cpu\":\"\","
          "\"threads\":1},\"timings\":[{\"op\":7}]}",
          wrong);
    fclose(wrong);
    strcat(command, " >/dev/null");
    cr_expect_neq(system(command), 0);
    run_remove(folder);
}
