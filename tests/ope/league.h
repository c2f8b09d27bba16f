/* league.h - policies for a machine, what they are truly worth, and what its log says. */
#ifndef TESTS_OPE_LEAGUE_H
#define TESTS_OPE_LEAGUE_H

#include "ope/machines.h"

enum { LEAGUE_MOST = 12 };

typedef struct contender {
  char name[32];
  mopo_policy *p;
  double truth;       /* mean return in the machine, of 100 episodes */
  double truth_error; /* its standard error */
  mopo_estimate e;
} contender;

typedef struct league {
  const machine *m;
  mopo_dataset *log;
  double log_truth; /* mean return of the log's episodes */
  double log_error; /* its standard error */
  int n;
  contender of[LEAGUE_MOST];
} league;

typedef struct league_effort {
  int updates;       /* of each policy */
  int judge_updates; /* 0: as always */
  bool trained;      /* bc, td3bc, iql, mopo and mbpo too, not clones of controllers alone */
} league_effort;

/* Learns, judges and measures, in files of the current directory. Prints what fails and exits. */
void league_play(league *l, const machine *m, const league_effort *effort, uint64_t seed);
void league_free(league *l);

/* Of one league: what the judging was worth. */
typedef struct league_figures {
  double spearman;         /* of estimate and truth */
  double regret;           /* of the choice, over the spread of the truths and the log */
  int worse, false_better; /* truly worse than the log; of them, called better */
  int better, found;       /* truly better; of them, called better */
  int covered;             /* intervals that hold the truth, of n */
} league_figures;
league_figures league_measure(const league *l);

#endif
