/* ope_print.c - see ope_print.h. */
#include "ope_print.h"

#include "json.h"

#include <math.h>
#include <stdio.h>

static void print_name(const char *name)
{
  enum { WIDTH = 28 };
  printf("%-*s", WIDTH, name);
  for (int i = 0; name[i]; i++)
    if (i == WIDTH - 1) { /* too long: the figures get a line of their own */
      printf("\n%*s", WIDTH, "");
      break;
    }
}

static void print_policy(const mopo_estimate *e, const char *name)
{
  print_name(name);
  printf("%11.5g  %10.5g to %-10.5g", e->policy, e->low, e->high);
  if (isfinite(e->fqe))
    printf("%11.5g", e->fqe);
  else
    printf("%11s", "-");
  printf("  %s\n", mopo_verdict_name(e->verdict));
  for (int i = 0; i < e->n_reasons; i++) printf("  %s\n", e->reasons[i]);
}

static int best_of(const mopo_estimate *e, int n)
{
  for (int i = 0; i < n; i++)
    if (e[i].rank == 1) return i;
  return 0;
}

void ope_print_table(const mopo_estimate *e, const char *const *names, int n)
{
  printf("%-28s%11s  %10s    %-10s%11s  %s\n", "return, judged by the log", "mean", "5 %", "95 %",
         "fitted Q", "verdict");
  printf("%-28s%11.5g\n", "recorded episodes", e->log);
  printf("%-28s%11.5g\n", "a clone of their controller", e->bc);
  for (int rank = 1; rank <= n; rank++)
    for (int i = 0; i < n; i++)
      if (e[i].rank == rank) print_policy(&e[i], names[i]);
  for (int i = 0; i < n; i++)
    if (e[i].like_first && e[i].rank > 1)
      printf("%s is not distinguishable from %s\n", names[i], names[best_of(e, n)]);
}

void ope_print_json(const mopo_estimate *e)
{
  const struct {
    const char *name;
    double value;
  } figures[] = {{"log", e->log},         {"bc", e->bc},
                 {"policy", e->policy},   {"low", e->low},
                 {"high", e->high},       {"fqe", e->fqe},
                 {"fqe_low", e->fqe_low}, {"fqe_high", e->fqe_high},
                 {"outside", e->outside}, {"length", e->length}};
  printf("{\"verdict\":\"%s\"", mopo_verdict_name(e->verdict));
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    printf(",\"%s\":", figures[i].name);
    json_number(figures[i].value);
  }
  printf(",\"rank\":%d,\"like_first\":%s,\"reasons\":[", e->rank, e->like_first ? "true" : "false");
  for (int i = 0; i < e->n_reasons; i++) {
    if (i) printf(",");
    json_text(e->reasons[i]);
  }
  printf("]}");
}
