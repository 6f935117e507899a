#include <math.h>

#include "reports/forms.h"
#include "reports/page.h"
#include "reports/text.h"

static void field(FILE *out, const char *text)
{
    (void)fputc(',', out);
    text_csv(out, text);
}

/* Empty when not recorded. */
static void number(FILE *out, double value)
{
    (void)fputc(',', out);
    if (!isnan(value)) {
        (void)fprintf(out, "%.10g", value);
    }
}

static void verdict_line(FILE *out, const results_verdict *v)
{
    (void)fputs("verdict", out);
    field(out, v->op);
    field(out, v->impl);
    field(out, v->case_id);
    field(out, v->golden);
    (void)fputs(",,,", out);
    field(out, assay_verdict_name(v->verdict));
    field(out, v->check);
    number(out, v->budget_used);
    number(out, v->rel_l2);
    number(out, v->max_abs);
    number(out, v->ulp);
    number(out, v->undecided);
    (void)fputs(",,,,,,,,,,,,,,", out);
    field(out, v->seed);
    field(out, v->message);
    (void)fputs("\r\n", out);
}

static void timing_line(FILE *out, const results_timing *t)
{
    const char *unit;
    const results_estimate rate = report_throughput(t, &unit);
    (void)fputs("timing", out);
    field(out, t->op);
    field(out, t->impl);
    field(out, t->case_id);
    field(out, t->system);
    number(out, t->batch);
    field(out, t->cache);
    number(out, t->threads);
    field(out, assay_verdict_name(t->verdict));
    (void)fputc(',', out);
    number(out, t->budget_used);
    number(out, t->rel_l2);
    number(out, t->max_abs);
    (void)fputs(",,", out);
    number(out, t->seconds.value);
    number(out, t->seconds.low);
    number(out, t->seconds.high);
    number(out, t->p99_seconds);
    number(out, (double)t->samples.count);
    number(out, t->contaminated);
    number(out, rate.value);
    field(out, unit);
    number(out, t->floor_seconds);
    number(out, t->floor_fraction);
    number(out, t->prepare_seconds);
    number(out, t->peak_bytes);
    number(out, t->packed_bytes);
    number(out, t->impossible ? 1.0 : 0.0);
    field(out, t->seed);
    (void)fputs(",\r\n", out);
}

void report_csv(const assay_results *results, FILE *out)
{
    (void)fputs("kind,op,impl,case,of,batch,cache,threads,verdict,check,budget_used,rel_l2,max_abs,"
                "ulp,undecided,median_seconds,low_seconds,high_seconds,p99_seconds,samples,"
                "contaminated,throughput_per_second,throughput_unit,floor_seconds,floor_fraction,"
                "prepare_seconds,peak_bytes,packed_bytes,impossible,seed,message\r\n",
                out);
    for (size_t i = 0; i < results->verdict_count; i++) {
        verdict_line(out, &results->verdict[i]);
    }
    for (size_t i = 0; i < results->timing_count; i++) {
        timing_line(out, &results->timing[i]);
    }
}
