/* table.c - how well are policies judged from logs? ope_table [SEED [MACHINE]...]: for each machine
 * its log, nine policies, their true returns and their estimates as CSV on stdout, then the
 * figures. Takes minutes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ope/league.h"

static void print_league(const league *l)
{
  for (int i = 0; i < l->n; i++) {
    const contender *c = &l->of[i];
    printf("%s,%s,%.6g,%.6g,%.6g,%.3g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.3f,%.1f,%d,%s,%d\n",
           l->m->name, c->name, l->log_truth, c->e.bc, c->truth, c->truth_error, c->e.policy,
           c->e.low, c->e.high, c->e.fqe, c->e.fqe_low, c->e.fqe_high, c->e.outside, c->e.length,
           c->e.believed, mopo_verdict_name(c->e.verdict), c->e.rank);
  }
  fflush(stdout);
}

static bool wanted(const char *name, int argc, char **argv)
{
  for (int i = 2; i < argc; i++)
    if (!strcmp(argv[i], name)) return true;
  return argc < 3;
}

int main(int argc, char **argv)
{
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  league_figures all = {0};
  int leagues = 0, policies = 0;
  league_effort effort = {.updates = 2000, .trained = true};
  printf("machine,policy,log,bc,true,true_error,estimate,low,high,fqe,fqe_low,fqe_high,outside,"
         "length,believed,verdict,rank\n");
  for (int i = 0; machine_at(i); i++) {
    if (!wanted(machine_at(i)->name, argc, argv)) continue;
    league l;
    league_play(&l, machine_at(i), &effort, seed);
    print_league(&l);
    league_figures f = league_measure(&l);
    fprintf(stderr,
            "%-11s spearman %5.2f  regret %4.2f  worse called better %d of %d  better found %d of "
            "%d  covered %d of %d\n",
            l.m->name, f.spearman, f.regret, f.false_better, f.worse, f.found, f.better, f.covered,
            l.n);
    all.spearman += f.spearman, all.regret += f.regret, all.worse += f.worse;
    all.false_better += f.false_better, all.better += f.better, all.found += f.found;
    all.covered += f.covered, policies += l.n, leagues++;
    league_free(&l);
  }
  fprintf(stderr,
          "%-11s spearman %5.2f  regret %4.2f  worse called better %d of %d  better found %d of "
          "%d  covered %d of %d\n",
          "mean or sum", all.spearman / leagues, all.regret / leagues, all.false_better, all.worse,
          all.found, all.better, all.covered, policies);
  return 0;
}
