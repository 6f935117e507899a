/* The page's style and its one script: both part of the file, nothing is fetched. */
#ifndef REPORTS_PAGE_STYLE_H
#define REPORTS_PAGE_STYLE_H

extern const char page_style[];
extern const char page_script[];

#endif
