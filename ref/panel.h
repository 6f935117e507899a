/* Products of many rows with a few columns, which lie side by side. */
#ifndef REF_PANEL_H
#define REF_PANEL_H

#include <stdint.h>

enum { REF_PANEL = 8 };

/* panel [count, REF_PANEL]: columns 0 .. number-1 (at most REF_PANEL) are the rows of [number,
 * count] that lie `stride` numbers apart, the others zeros. */
void ref_panel_pack(const double *rows, int64_t stride, int64_t number, int64_t count,
                    double *panel);

/* dot [rows, REF_PANEL] = a [rows, count] times the panel. Every element is a sum over k in order,
 * in stretches of 128 that are added up; which rows and columns go along makes no difference. */
void ref_panel_products(const double *a, int64_t a_stride, int64_t rows, const double *panel,
                        int64_t count, double *dot);

#endif
