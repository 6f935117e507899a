/* Words that come out of files, into pages, tables, commands and fields: whatever bytes they are
 * of, what is made of them stays what it is. */
#include <criterion/criterion.h>

#include "reports/tests/files.h"
#include "reports/text.h"

static void expect(void (*write)(FILE *, const char *), const char *text, const char *wanted)
{
    char *made = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&made, &size);
    cr_assert_not_null(out);
    write(out, text);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(made, wanted, "'%s' became '%s'", text, made);
    free(made);
}

#define INSTEAD "\xEF\xBF\xBD" /* U+FFFD */

Test(text, html_and_xml_hold_whole_letters_only)
{
    expect(text_html, "a<b> & \"c\" 'd'", "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    expect(text_html, "é漢😀", "é漢😀");
    expect(text_html, "a\x01\x1b[31m\tb\n", "a[31m\tb\n");
    expect(text_html, "\xE6\xBC", INSTEAD INSTEAD); /* torn */
    expect(text_html, "\xFF\x80z", INSTEAD INSTEAD "z");
    expect(text_html, "\xEF\xBF\xBE\xEF\xBF\xBF!", INSTEAD INSTEAD INSTEAD INSTEAD INSTEAD INSTEAD
           "!");
}

/* A spreadsheet runs what begins like a formula. */
Test(text, a_field_is_no_formula)
{
    expect(text_csv, "plain", "plain");
    expect(text_csv, "a=b", "a=b");
    expect(text_csv, "=1+1", "'=1+1");
    expect(text_csv, "@f,\"x\"", "\"'@f,\"\"x\"\"\"");
    expect(text_csv, "a\r\nb", "\"a\r\nb\"");
}

Test(text, a_command_is_one_line)
{
    expect(text_shell, "sae_encode", "sae_encode");
    expect(text_shell, "two words", "'two words'");
    expect(text_shell, "it's $(x)", "'it'\\''s $(x)'");
    expect(text_shell, "", "''");
    expect(text_shell, "a\nb'\\", "$'a\\x0ab\\'\\\\'");
}

/* Long names are cut for plots and captions, by us and by gnuplot: never in the middle of a letter.
 */
Test(text, a_page_of_long_foreign_names_is_utf8)
{
    char folder[64];
    char path[128];
    char name[400] = "x";
    run_folder(folder);
    for (int i = 0; i < 90; i++) {
        strcat(name, i % 3 == 0 ? "é" : i % 3 == 1 ? "漢" : "😀");
    }
    snprintf(path, sizeof path, "%s/r.json", folder);
    FILE *const file = fopen(path, "w");
    fprintf(file, "{\"format\":\"assay-results\",\"version\":\"2.0.0\",\"environment\":{},"
                  "\"timings\":[");
    for (int i = 0; i < 4; i++) {
        fprintf(file,
                "%s{\"op\":\"%s\",\"impl\":\"%d%s\",\"case\":\"%s\",\"batch\":4,\"cache\":\"cold\","
                "\"threads\":1,\"verdict\":\"PASS\",\"rel_l2\":1e-3,\"samples\":{\"seconds\":[1]},"
                "\"summary\":{\"seconds\":{\"value\":1,\"low\":1,\"high\":1}},"
                "\"floor\":{\"seconds\":0.5,\"fraction\":0.5}}",
                i == 0 ? "" : ",", name + (i % 2 == 0), i, name, name);
    }
    fputs("]}", file);
    cr_assert_eq(fclose(file), 0);
    run_expect(0, "report %s/r.json -o %s/out", folder, folder);
    static const char *const made[] = {"report.html", "report.md", "results.csv", "junit.xml"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char *const text = run_slurp("%s/out/%s", folder, made[i]);
        for (size_t at = 0; text[at] != '\0'; at += text_letter(text + at)) {
            cr_assert_gt(text_letter(text + at), 0, "%s: byte %zu", made[i], at);
        }
        free(text);
    }
    run_remove(folder);
}
