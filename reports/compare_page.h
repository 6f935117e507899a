/* The part of a comparison's page that has a file of its own. */
#ifndef REPORTS_COMPARE_PAGE_H
#define REPORTS_COMPARE_PAGE_H

#include "reports/compare.h"
#include "reports/page.h"

void compare_machines(const comparison *c, report_page *page);

#endif
