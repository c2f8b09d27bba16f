/* json.h - values of JSON on stdout. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

void json_text(const char *s);
void json_number(double x); /* null where it is not finite; the same bits when read back */
void json_numbers(const double *x, int n);

#endif
