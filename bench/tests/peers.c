/* Peers right and wrong, through the program itself: what is judged, timed and said of them. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>

#include "bench/peers.h"
#include "verify/tests/run_assay.h"

static const char cases[] =
    "{\"format\": \"assay-bench-cases\", \"version\": 1, \"cases\": ["
    "{\"id\": \"linear\", \"system\": \"tiny\", \"batch\": [1, 2],"
    " \"case\": {\"op\": \"linear\", \"shape\": {\"k\": 96, \"o\": 48}}},"
    "{\"id\": \"decode\", \"system\": \"tiny\", \"batch\": [3],"
    " \"case\": {\"op\": \"sae_decode\", \"shape\": {\"d\": 48, \"m\": 96}, \"active\": 8,"
    " \"encoder\": false}},"
    "{\"id\": \"generate\", \"system\": \"tiny\", \"batch\": [2],"
    " \"stage\": {\"op\": \"generate\", \"model\": {\"name\": \"tiny\"}, \"tokens\": 8,"
    " \"new_tokens\": 3}},"
    "{\"id\": \"explain\", \"system\": \"tiny\", \"batch\": [2],"
    " \"stage\": {\"op\": \"explain\", \"model\": {\"name\": \"tiny\"}, \"tokens\": 14,"
    " \"new_tokens\": 3}}]}";

typedef struct peer_run {
    char folder[32], peer[64], json[64];
    run_output output;
    cJSON *results;
} peer_run;

/* The stub under the name that makes it what it is. */
static peer_run run_peer(const char *kind, const char *options)
{
    peer_run run = {.folder = "./peers-XXXXXX"};
    char path[64];
    char arguments[1024];
    cr_assert(mkdtemp(run.folder) != NULL);
    (void)snprintf(run.peer, sizeof run.peer, "%s/%s", run.folder, kind);
    (void)snprintf(run.json, sizeof run.json, "%s/results.json", run.folder);
    cr_assert(symlink(ASSAY_SOURCE_DIR "/bench/tests/peers/stub.py", run.peer) == 0);
    (void)snprintf(path, sizeof path, "%s/cases.json", run.folder);
    FILE *const file = fopen(path, "w");
    cr_assert(file != NULL && fputs(cases, file) >= 0 && fclose(file) == 0);
    (void)snprintf(arguments, sizeof arguments,
                   "bench --cases %s --impl scalar --cache warm --threads 1 --quick --longest 60 "
                   "--pairs 1 --stop time:0.05 --peer %s --json %s %s",
                   path, run.peer, run.json, options);
    run.output = run_assay(arguments);
    char *const text = run_read(run.json);
    run.results = cJSON_Parse(text);
    free(text);
    unlink(path);
    return run;
}

static void run_end(peer_run *run)
{
    run_free(&run->output);
    cJSON_Delete(run->results);
    unlink(run->peer);
    rmdir(run->folder);
}

static const char *text_of(const cJSON *item, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

static const cJSON *first_of(const peer_run *run, const char *list)
{
    const cJSON *const items = cJSON_GetObjectItemCaseSensitive(run->results, list);
    return items != NULL ? items->child : NULL;
}

/* How many items of a list name impl (or compare against it). */
static int count_of(const peer_run *run, const char *list, const char *key, const char *name)
{
    int count = 0;
    for (const cJSON *item = first_of(run, list); item != NULL; item = item->next) {
        const char *const text = text_of(item, key);
        count += text != NULL && strcmp(text, name) == 0;
    }
    return count;
}

Test(peers, a_right_one_is_judged_timed_and_compared)
{
    peer_run run = run_peer("right", "--op '[ls]*'");
    cr_assert_eq(run.output.status, 0, "%s%s", run.output.out, run.output.err);
    cr_expect_eq(count_of(&run, "timings", "impl", "stub_right"), 3);
    cr_expect_eq(count_of(&run, "comparisons", "against", "stub_right"), 3);
    for (const cJSON *item = first_of(&run, "timings"); item != NULL; item = item->next) {
        const cJSON *const checked = cJSON_GetObjectItemCaseSensitive(item, "outputs_checked");
        cr_expect(checked->valuedouble >= 2.0, "one before and one of those timed");
    }
    const cJSON *const ratio =
        cJSON_GetObjectItemCaseSensitive(first_of(&run, "comparisons"), "ratio");
    cr_expect(cJSON_GetObjectItemCaseSensitive(ratio, "value")->valuedouble > 1.0,
              "plain Python is not faster than C");
    run_end(&run);
}

Test(peers, a_wrong_one_fails_and_is_never_timed)
{
    peer_run run = run_peer("lying", "--op '[ls]*'");
    cr_assert_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
    cr_expect_eq(count_of(&run, "timings", "impl", "stub_lying"), 0);
    cr_expect_eq(count_of(&run, "comparisons", "against", "stub_lying"), 0);
    cr_expect_eq(count_of(&run, "skipped", "impl", "stub_lying"), 3, "said once");
    cr_expect(strstr(run.output.out, "FAIL: row") != NULL, "%s", run.output.out);
    cr_expect_eq(count_of(&run, "timings", "impl", "scalar"), 3, "ours go on");
    run_end(&run);
}

Test(peers, wrong_tokens_fail)
{
    peer_run run = run_peer("idle", "--case generate --against '*'");
    cr_assert_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
    cr_expect(strstr(run.output.out, "FAIL: row 0, step 0: token 0, but") != NULL, "%s",
              run.output.out);
    cr_expect_eq(count_of(&run, "comparisons", "against", "stub_idle"), 0);
    run_end(&run);
}

Test(peers, wrong_explanations_fail_at_the_soft_tokens_or_at_the_text)
{
    static const struct {
        const char *kind, *impl, *said;
    } wrong[] = {{"deaf", "stub_deaf", "FAIL: row 0"},
                 {"mumbling", "stub_mumbling", "FAIL: row 0, step 0: token 0, but"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        peer_run run = run_peer(wrong[i].kind, "--case explain --against '*'");
        cr_expect_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
        cr_expect(strstr(run.output.out, wrong[i].said) != NULL, "%s", run.output.out);
        cr_expect_eq(strstr(run.output.out, "step 0") != NULL, i == 1, "%s", run.output.out);
        cr_expect_eq(count_of(&run, "comparisons", "against", wrong[i].impl), 0);
        run_end(&run);
    }
}

Test(peers, an_impossible_time_is_not_believed)
{
    peer_run run = run_peer("fast", "--case linear --batch 2");
    cr_assert_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
    cr_expect_eq(count_of(&run, "comparisons", "against", "stub_fast"), 0);
    cr_expect(strstr(run.output.out, "impossible") != NULL, "%s", run.output.out);
    cr_assert_not_null(first_of(&run, "timings"));
    for (const cJSON *item = first_of(&run, "timings"); item != NULL; item = item->next) {
        cr_expect(strcmp(text_of(item, "impl"), "stub_fast") != 0 ||
                  strcmp(text_of(item, "verdict"), "FAIL") == 0);
    }
    run_end(&run);
}

Test(peers, a_hanging_one_is_ended_at_the_deadline)
{
    peer_run run = run_peer("hanging", "--against '*' --case linear --timeout 5");
    cr_assert_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
    cr_expect(strstr(run.output.out, "TIMEOUT: no answer in 5 s") != NULL, "%s", run.output.out);
    cr_expect_eq(count_of(&run, "comparisons", "against", "stub_hanging"), 0);
    run_end(&run);
}

Test(peers, a_dying_one_is_a_crash_and_the_rest_goes_on)
{
    peer_run run = run_peer("dying", "--case linear");
    cr_assert_eq(run.output.status, 1, "%s%s", run.output.out, run.output.err);
    cr_expect(strstr(run.output.out, "CRASH: died: Segmentation fault") != NULL, "%s",
              run.output.out);
    cr_expect_eq(count_of(&run, "timings", "impl", "scalar"), 2);
    cr_expect_eq(count_of(&run, "timings", "impl", "stub_dying"), 0);
    run_end(&run);
}

Test(peers, a_devices_clock_is_kept_and_its_throttled_samples_marked)
{
    peer_run run = run_peer("throttled", "--case linear --batch 1 --processes 1");
    cr_assert_eq(run.output.status, 0, "%s%s", run.output.out, run.output.err);
    const cJSON *timing = first_of(&run, "timings");
    while (timing != NULL && strcmp(text_of(timing, "impl"), "stub_throttled") != 0) {
        timing = timing->next;
    }
    cr_assert_not_null(timing);
    const cJSON *const samples = cJSON_GetObjectItemCaseSensitive(timing, "samples");
    const cJSON *mark = cJSON_GetObjectItemCaseSensitive(samples, "contaminated")->child;
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(samples, "gpu_throttle")->child;
    int marked = 0;
    for (; mark != NULL && reason != NULL; mark = mark->next, reason = reason->next) {
        cr_expect_eq(mark->valueint, reason->valueint != 1, "idle disturbs nothing");
        marked += mark->valueint;
    }
    cr_expect(mark == NULL && reason == NULL, "one entry a sample in both");
    cr_expect(marked > 0);
    cr_expect_null(cJSON_GetObjectItemCaseSensitive(timing, "floor"), "the host's is no GPU's");
    cr_expect_null(cJSON_GetObjectItemCaseSensitive(samples, "switches"), "the host's");
    cr_expect_null(cJSON_GetObjectItemCaseSensitive(samples, "gpu_watts"), "not known");
    const cJSON *const gpu = cJSON_GetObjectItemCaseSensitive(timing, "gpu");
    cr_expect_str_eq(text_of(gpu, "name"), "stub");
    run_end(&run);
}

Test(peers, one_that_breaks_the_protocol_fails)
{
    static const struct {
        const char *kind, *said;
    } wrong[] = {{"babbling", "CRASH: answered with something else than JSON"},
                 {"unknown", "FAIL: peer 'unknown': hello: key 'ops'"},
                 {"clockless", "FAIL: its answer to 'sample' has a 'gpu' that lacks name"},
                 {"short", "FAIL: a timing process handed over outputs of another form"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        peer_run run = run_peer(wrong[i].kind, "--against '*' --case linear --batch 1");
        cr_expect_eq(run.output.status, 1, "%s", run.output.err);
        cr_expect(strstr(run.output.out, wrong[i].said) != NULL, "%s", run.output.out);
        run_end(&run);
    }
}

Test(peers, one_that_is_not_installed_is_left_out_with_the_command)
{
    run_output got = run_assay_with("ASSAY_PEERS=/nonexistent",
                                    "bench --quick --case linear-tiny --impl scalar --peer all "
                                    "--against '*' --pairs 1");
    cr_expect_eq(got.status, 0, "%s%s", got.out, got.err);
    cr_expect(strstr(got.out, "run ci/peers pytorch") != NULL, "%s", got.out);
    cr_expect(strstr(got.out, "run ci/peers llama_cpp") != NULL, "%s", got.out);
    run_free(&got);
    got = run_assay("bench --quick --case linear-tiny --impl scalar --peer pytroch");
    cr_expect_eq(got.status, 2);
    cr_expect_eq(run_lines(got.err), 1, "%s", got.err);
    run_free(&got);
}

static assay_status describe(const char *implementations, assay_error *error)
{
    char text[1024];
    char name[] = "mine";
    assay_peer peer = {.name = name};
    (void)snprintf(text, sizeof text, "{\"protocol\": 1, \"implementations\": %s}",
                   implementations);
    cJSON *const answer = cJSON_Parse(text);
    cr_assert(answer != NULL, "%s", text);
    const assay_status status = assay_peer_describe(answer, &peer, error);
    cJSON_Delete(answer);
    for (size_t i = 0; i < peer.text_count; i++) {
        free(peer.text[i]);
    }
    free(peer.text);
    free(peer.version);
    free(peer.table);
    free(peer.kernel);
    return status;
}

Test(peers, what_it_says_of_itself_is_checked)
{
    static const struct {
        const char *said, *key;
    } wrong[] = {
        {"[]", "implementations"},
        {"[{\"ops\": [], \"precision\": {}}]", "name"},
        {"[{\"name\": \"a b\", \"ops\": [], \"precision\": {}}]", "name"},
        {"[{\"name\": \"a\", \"precision\": {}}]", "ops"},
        {"[{\"name\": \"a\", \"ops\": []}]", "output"},
        {"[{\"name\": \"a\", \"ops\": [], \"precision\": {\"output\": \"f33\"}}]", "output"},
        {"[{\"name\": \"a\", \"ops\": [], \"precision\": {\"output\": \"f32\"}}]",
         "accumulate_bits"},
        {"[{\"name\": \"a\", \"ops\": [], \"precision\": {\"output\": \"f32\", "
         "\"accumulate_bits\": 1e9}}]",
         "accumulate_bits"},
        {"[{\"name\": \"a\", \"ops\": [\"linear\", \"linear\"], \"precision\": {\"output\": "
         "\"f32\", \"accumulate_bits\": 24}}]",
         "ops"},
        {"[{\"name\": \"a\", \"space\": \"moon\", \"ops\": [\"linear\"], \"precision\": "
         "{\"output\": \"f32\", \"accumulate_bits\": 24}}]",
         "space"},
        {"[{\"name\": \"a\", \"ops\": [7], \"precision\": {\"output\": \"f32\", "
         "\"accumulate_bits\": 24}}]",
         "ops"}};
    assay_error error = {.message = ""};
    cr_expect_eq(describe("[{\"name\": \"a\", \"ops\": [\"linear\"], \"precision\": "
                          "{\"output\": \"f32\", \"accumulate_bits\": 24}}]", &error),
                 ASSAY_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char quoted[64];
        (void)snprintf(quoted, sizeof quoted, "'%s'", wrong[i].key);
        cr_expect_eq(describe(wrong[i].said, &error), ASSAY_BAD_INPUT, "%s", wrong[i].said);
        cr_expect(strstr(error.message, quoted) != NULL, "%s", error.message);
    }
}
