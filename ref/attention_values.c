/* Softmax and weighted values of query heads, in float64, contracted (wide.h). */
#include "ref/attention.h"
#include "ref/wide.h"

#include <math.h>

/* score: raw on the way in. */
static void softmax(ref_head *head)
{
    const double scale = 1.0 / sqrt((double)head->head_dim);
    head->maximum = -(double)INFINITY;
    for (int64_t t = 0; t < head->visible; t++) {
        head->score[t] *= scale;
        if (head->score[t] > head->maximum) { /* a NaN is passed over here and reaches the sum */
            head->maximum = head->score[t];
        }
    }
    head->total = 0.0;
    for (int64_t t = 0; t < head->visible; t++) {
        head->weight[t] = exp(head->score[t] - head->maximum);
        head->total += head->weight[t];
    }
    for (int64_t t = 0; t < head->visible; t++) {
        head->weight[t] /= head->total;
    }
}

enum { TOGETHER = REF_HEADS, SIDE = 4 * REF_WIDE };

/* y[i] = sum_t weight_t v_t[i] over the keys that all heads see, every element over t in order,
 * SIDE elements of each head at once: what is loaded of a value serves them all. */
REF_CLONES static void weigh_tile(const ref_head *head, int64_t visible, int64_t first, double *y)
{
    ref_wide sum[TOGETHER][SIDE / REF_WIDE] = {{{0.0}}};
    for (int64_t t = 0; t < visible; t++) {
        const double *const v = head->v + t * head->v_stride + first;
        for (int n = 0; n < SIDE / REF_WIDE; n++) {
            ref_wide value;
            ref_wide_load(&value, v + n * REF_WIDE);
            for (int h = 0; h < TOGETHER; h++) {
                sum[h][n] += head[h].weight[t] * value;
            }
        }
    }
    for (int h = 0; h < TOGETHER; h++) {
        memcpy(y + h * head->head_dim + first, sum[h], sizeof sum[h]);
    }
}

/* Adds keys from..visible-1 to elements first..first+count-1 of one head. */
REF_CLONES static void weigh_values(const ref_head *head, int64_t from, int64_t first,
                                    int64_t count, double *y)
{
    int64_t i = first;
    for (; i + SIDE <= first + count; i += SIDE) {
        ref_wide sum[SIDE / REF_WIDE];
        memcpy(sum, y + i, sizeof sum);
        for (int64_t t = from; t < head->visible; t++) {
            const double *const v = head->v + t * head->v_stride + i;
            for (int n = 0; n < SIDE / REF_WIDE; n++) {
                ref_wide value;
                ref_wide_load(&value, v + n * REF_WIDE);
                sum[n] += head->weight[t] * value;
            }
        }
        memcpy(y + i, sum, sizeof sum);
    }
    for (; i < first + count; i++) {
        for (int64_t t = from; t < head->visible; t++) {
            y[i] += head->weight[t] * head->v[t * head->v_stride + i];
        }
    }
}

void ref_heads_weigh(ref_head *head, int64_t heads, double *y)
{
    const int64_t dim = head->head_dim;
    const int64_t tiled = heads == TOGETHER ? dim / SIDE * SIDE : 0;
    int64_t common = head->visible;
    for (int64_t h = 0; h < heads; h++) {
        softmax(&head[h]);
        common = head[h].visible < common ? head[h].visible : common;
    }
    memset(y, 0, (size_t)(heads * dim) * sizeof *y);
    for (int64_t i = 0; i < tiled; i += SIDE) {
        weigh_tile(head, common, i, y);
    }
    for (int64_t h = 0; h < heads; h++) {
        weigh_values(&head[h], common, 0, tiled, y + h * dim);
        weigh_values(&head[h], 0, tiled, dim - tiled, y + h * dim);
    }
}
